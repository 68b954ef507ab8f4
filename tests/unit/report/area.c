/* area.c - areas by hand: 2 KiB of scratchpad, 4 rows of 5 sums of 20 bits, 15 cells. */
#include "report/area.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(area);

Test(area, is_of_the_cells_and_of_the_bits_that_memories_have) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = 3;
    machine.cols = 5;
    machine.scratchpad_bytes = 2048;
    machine.accumulator_rows = 4;
    machine.accumulator_bits = 20;
    double cells = 15 * 1694.4, scratchpad = 2 * 3281, accumulator = 400 / 8192.0 * 3281;
    cr_assert(epsilon_eq(dbl, qm_area_of(&machine, QM_AREA_array).nominal_um2, cells, 1e-6));
    cr_assert(epsilon_eq(dbl, qm_area_of(&machine, QM_AREA_scratchpad).nominal_um2, scratchpad, 1e-6));
    cr_assert(epsilon_eq(dbl, qm_area_of(&machine, QM_AREA_accumulator).nominal_um2, accumulator, 1e-6));
    struct qm_area sum = qm_area_sum(&machine);
    cr_assert(epsilon_eq(dbl, sum.nominal_um2, cells + scratchpad + accumulator, 1e-6));
    cr_assert(sum.low_um2 < sum.nominal_um2 && sum.nominal_um2 < sum.high_um2);
}
