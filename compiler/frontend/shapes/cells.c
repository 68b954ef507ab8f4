/* cells.c - lines and cells of a table. Cells are parted by commas, or by tabs in a table without commas; a mark of byte order, carriage
 * returns and lines that are empty or begin with # are passed over.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/memory.h"
#include "compiler/frontend/shapes/shapes.h"

static const char byte_order_mark[] = "\xEF\xBB\xBF", fixed_blank[] = "\xC2\xA0";

static char *without_blanks(char *text) {
    while (isspace((unsigned char)*text)) text++;
    for (size_t length = strlen(text); length > 0 && isspace((unsigned char)text[length - 1]); length--) text[length - 1] = '\0';
    return text;
}

static void split(struct shapes_reader *r, const char *line, size_t length) {
    char *rest = qm_arena_printf(r->maker.arena, "%.*s", (int)length, line);
    for (char *at = strstr(rest, fixed_blank); at != NULL; at = strstr(at, fixed_blank)) at[0] = at[1] = ' ';
    const char *parts_by = strchr(rest, ',') != NULL ? "," : "\t";
    r->row.count = 0;
    for (char *cell = strsep(&rest, parts_by); cell != NULL; cell = strsep(&rest, parts_by))
        if (r->row.count < SHAPES_CELLS_MAX) r->row.cells[r->row.count++] = without_blanks(cell);
    for (uint32_t i = r->row.count; i < SHAPES_CELLS_MAX; i++) r->row.cells[i] = "";
}

bool shapes_next_row(struct shapes_reader *r) {
    const char *end = (const char *)r->file->bytes + r->file->size;
    while (r->at < end) {
        const char *line = r->at, *stop = memchr(line, '\n', (size_t)(end - line));
        if (stop == NULL) stop = end;
        r->at = stop + 1;
        if (r->row.line++ == 0 && stop - line >= 3 && memcmp(line, byte_order_mark, 3) == 0) line += 3;
        split(r, line, (size_t)(stop - line));
        bool is_empty = true;
        for (uint32_t i = 0; i < r->row.count; i++) is_empty &= r->row.cells[i][0] == '\0';
        if (!is_empty && r->row.cells[0][0] != '#') return true;
    }
    return false;
}

enum qm_status shapes_refuse(struct shapes_reader *r, const char *format, ...) {
    char text[600];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    return qm_fail(r->diag, QM_BAD_INPUT, "%s:%u: %s", r->file->name, r->row.line, text);
}

enum qm_status shapes_number(struct shapes_reader *r, const char *text, const char *what, uint32_t *number) {
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0') return shapes_refuse(r, "%s is '%.60s', which is no whole number", what, text);
    if (value < 1 || value > SHAPES_EXTENT_MAX) return shapes_refuse(r, "%s is %.20s; it must be 1 to %d", what, text, SHAPES_EXTENT_MAX);
    *number = (uint32_t)value;
    return QM_OK;
}

bool shapes_begins(const char *text, const char *begin) {
    return strncasecmp(text, begin, strlen(begin)) == 0;
}
