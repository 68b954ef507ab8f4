/* cells.c - cells against texts written by hand. */
#include "report/cells.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

TestSuite(cells);

Test(cells, numbers_have_three_digits_and_a_unit) {
    qm_cell cell;
    qm_cell_count(1234567, cell);
    cr_expect(eq(str, cell, "1,234,567"));
    qm_cell_count(999, cell);
    cr_expect(eq(str, cell, "999"));
    qm_cell_macs(0, cell);
    cr_expect(eq(str, cell, "-"));
    qm_cell_macs(999600, cell);
    cr_expect(eq(str, cell, "1.00 M"));
    qm_cell_bytes(1023, cell);
    cr_expect(eq(str, cell, "1023 B"));
    qm_cell_bytes(1536, cell);
    cr_expect(eq(str, cell, "1.50 KiB"));
    qm_cell_energy(123456, cell);
    cr_expect(eq(str, cell, "123 nJ"));
    qm_cell_seconds(0.0123, cell);
    cr_expect(eq(str, cell, "12.3 ms"));
}

Test(cells, columns_are_aligned_and_lines_end_in_no_blanks) {
    static const struct qm_column columns[] = {{"name", false}, {"n", true}, {"last", false}};
    qm_cell cells[2][3] = {{"a", "100", "x"}, {"longer", "7", ""}};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    qm_cells_print(out, columns, 3, *cells, 2);
    fclose(out);
    cr_assert(eq(str, text, "name      n  last\na       100  x\nlonger    7\n"));
    free(text);
}
