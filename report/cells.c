/* cells.c - prints numbers with three digits and a unit, and columns as wide as their widest cell. */
#include "report/cells.h"

#include <inttypes.h>
#include <string.h>

#include "common/status.h"
#include "common/text.h"

void qm_cell_count(uint64_t count, qm_cell out) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* Prints the value with three digits in the largest unit that leaves at least 1; each unit is the one before times factor. */
static void print_scaled(double value, double factor, const char *const *units, qm_cell out) {
    while (units[1] != NULL && value >= 999.5) {
        value /= factor;
        units++;
    }
    int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(out, QM_CELL_BYTES, "%.*f %s", decimals, value, units[0]);
}

void qm_cell_macs(uint64_t macs, qm_cell out) {
    static const char *const units[] = {"k", "M", "G", "T", NULL};
    if (macs == 0)
        snprintf(out, QM_CELL_BYTES, "-");
    else if (macs < 1000)
        snprintf(out, QM_CELL_BYTES, "%" PRIu64, macs);
    else
        print_scaled((double)macs / 1000, 1000, units, out);
}

void qm_cell_bytes(uint64_t bytes, qm_cell out) {
    static const char *const units[] = {"KiB", "MiB", "GiB", NULL};
    if (bytes < 1024)
        snprintf(out, QM_CELL_BYTES, "%" PRIu64 " B", bytes);
    else
        print_scaled((double)bytes / 1024, 1024, units, out);
}

void qm_cell_energy(double pj, qm_cell out) {
    static const char *const units[] = {"pJ", "nJ", "uJ", "mJ", "J", NULL};
    print_scaled(pj, 1000, units, out);
}

void qm_cell_seconds(double seconds, qm_cell out) {
    static const char *const units[] = {"ns", "us", "ms", "s", NULL};
    print_scaled(seconds * 1e9, 1000, units, out);
}

void qm_cell_name(const char *name, qm_cell out) {
    struct qm_shown shown = qm_shown(name);
    shown.text[strcspn(shown.text, ";")] = '\0';
    size_t width = qm_text_width(shown.text);
    const char *end = width > QM_CELL_NAME_CHARS ? qm_text_after(shown.text, width - QM_CELL_NAME_CHARS) : shown.text;
    snprintf(out, QM_CELL_BYTES, "%s%.112s", width > QM_CELL_NAME_CHARS ? ".." : "", end); /* of at most 4 bytes each */
}

void qm_cell_change(double from, double to, qm_cell out) {
    if (from == to)
        snprintf(out, QM_CELL_BYTES, "-");
    else if (from == 0)
        snprintf(out, QM_CELL_BYTES, "new");
    else
        snprintf(out, QM_CELL_BYTES, "%+.1f %%", 100 * (to - from) / from);
}

void qm_cell_number(enum qm_figure_unit unit, double number, qm_cell out) {
    switch (unit) {
    case QM_MACS: qm_cell_macs((uint64_t)number, out); break;
    case QM_BYTES: qm_cell_bytes((uint64_t)number, out); break;
    case QM_SECONDS: qm_cell_seconds(number, out); break;
    case QM_SHARE: snprintf(out, QM_CELL_BYTES, "%.1f %%", 100 * number); break;
    case QM_PICOJOULES: qm_cell_energy(number, out); break;
    case QM_MILLIWATTS: snprintf(out, QM_CELL_BYTES, "%.1f mW", number); break;
    case QM_TERA: snprintf(out, QM_CELL_BYTES, "%.3g", number); break;
    default: qm_cell_count((uint64_t)number, out);
    }
}

static int column_width(const char *title, qm_cell *cells, uint32_t count, uint32_t rows) {
    size_t width = qm_text_width(title);
    for (uint32_t r = 0; r < rows; r++)
        if (qm_text_width(cells[r * count]) > width) width = qm_text_width(cells[r * count]);
    return (int)width;
}

/* Prints one line, up to its last cell that is not empty and without blanks at its end. */
static void print_line(FILE *out, const struct qm_column *columns, const int *widths, const char *const *texts, uint32_t count) {
    while (count > 1 && texts[count - 1][0] == '\0') count--;
    for (uint32_t c = 0; c < count; c++) {
        int blanks = widths[c] - (int)qm_text_width(texts[c]);
        if (columns[c].to_the_right) fprintf(out, "%*s", blanks, "");
        fputs(texts[c], out);
        if (c + 1 < count) fprintf(out, "%*s", columns[c].to_the_right ? 2 : blanks + 2, "");
    }
    fputc('\n', out);
}

void qm_cells_print(FILE *out, const struct qm_column *columns, uint32_t count, qm_cell *cells, uint32_t rows) {
    int widths[QM_CELL_COLUMNS_MAX];
    const char *texts[QM_CELL_COLUMNS_MAX];
    QM_CHECK(count >= 1 && count <= QM_CELL_COLUMNS_MAX);
    for (uint32_t c = 0; c < count; c++) widths[c] = column_width(texts[c] = columns[c].title, cells + c, count, rows);
    print_line(out, columns, widths, texts, count);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t c = 0; c < count; c++) texts[c] = cells[r * count + c];
        print_line(out, columns, widths, texts, count);
    }
}
