/* cells.h - tables for people: numbers as short texts with their units, and rows of such cells as aligned lines. */
#ifndef QM_REPORT_CELLS_H
#define QM_REPORT_CELLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { QM_CELL_NAME_CHARS = 28 };
enum { QM_CELL_BYTES = 128, QM_CELL_COLUMNS_MAX = 32 };

typedef char qm_cell[QM_CELL_BYTES];

struct qm_column {
    const char *title;
    bool to_the_right;
};

/* What a number or text counts, or is. */
enum qm_figure_unit {
    QM_WORDS,
    QM_YES_NO,
    QM_COUNT,
    QM_MACS,
    QM_BYTES,
    QM_SECONDS,
    QM_SHARE,
    QM_PICOJOULES,
    QM_MILLIWATTS,
    QM_TERA,
    QM_FIGURE_UNITS
};

void qm_cell_count(uint64_t count, qm_cell out); /* "1,234,567" */
void qm_cell_macs(uint64_t macs, qm_cell out);   /* "1.23 M"; "-" for none */
void qm_cell_bytes(uint64_t bytes, qm_cell out); /* "1.21 MiB" */
void qm_cell_energy(double pj, qm_cell out);     /* "1.23 uJ" */
void qm_cell_seconds(double seconds, qm_cell out);
/* The first of the names that TFLite joins with ';', of a long one the end. */
void qm_cell_name(const char *name, qm_cell out);
void qm_cell_change(double from, double to, qm_cell out);                  /* "+12.3 %"; "-": none; "new": from 0 */
void qm_cell_number(enum qm_figure_unit unit, double number, qm_cell out); /* as its unit has it; whole numbers are below 2^53 */

/* Writes the titles and the rows to out, each column as wide as its widest cell.
 * cells: [rows][count], count at most QM_CELL_COLUMNS_MAX. */
void qm_cells_print(FILE *out, const struct qm_column *columns, uint32_t count, qm_cell *cells, uint32_t rows);

#endif
