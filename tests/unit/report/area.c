/* area.c - areas by hand: 2 KiB of scratchpad, 4 rows of 5 sums of 20 bits; and the sum of blocks. */
#include "report/area.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(area);

Test(area, is_of_blocks_and_of_the_bits_that_memories_have) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = 3;
    machine.cols = 5;
    machine.scratchpad_bytes = 2048;
    machine.accumulator_rows = 4;
    machine.accumulator_bits = 20;
    double scratchpad = 2 * 3281, accumulator = 400 / 8192.0 * 3281, blocks_um2 = 0;
    cr_assert(epsilon_eq(dbl, qm_area_of_memory(&machine, QM_COMPONENT_SCRATCHPAD).nominal_um2, scratchpad, 1e-6));
    cr_assert(epsilon_eq(dbl, qm_area_of_memory(&machine, QM_COMPONENT_ACCUMULATOR).nominal_um2, accumulator, 1e-6));
    cr_assert(epsilon_eq(dbl, qm_area_of_memory(&machine, QM_COMPONENT_ARRAY).nominal_um2, 0, 1e-6));
    struct qm_block blocks[QM_BLOCKS], some = {.gates = 10, .flip_flops = 2, .bits = 4};
    cr_assert(epsilon_eq(dbl, qm_area_of_block(&some).nominal_um2, 8.26 + 10.6 + 14, 1e-6));
    qm_blocks_of(&machine, blocks);
    for (int i = 0; i < QM_BLOCKS; i++) blocks_um2 += qm_area_of_block(&blocks[i]).nominal_um2;
    struct qm_area sum = qm_area_sum(&machine);
    cr_assert(epsilon_eq(dbl, sum.nominal_um2, blocks_um2 + scratchpad + accumulator, 1e-6));
    cr_assert(sum.low_um2 < sum.nominal_um2 && sum.nominal_um2 < sum.high_um2);
}

/* Skew: 3 rows of 23 bits delayed by 0, 1, 2; 5 columns of 24 and of 32 bits by 0 to 4. Cells: 103, and 16 for samples. */
Test(area, flip_flops_of_the_array_are_those_of_its_cells_and_its_skew) {
    struct qm_machine machine;
    struct qm_block blocks[QM_BLOCKS];
    qm_machine_init(&machine);
    machine.rows = 3;
    machine.cols = 5;
    qm_blocks_of(&machine, blocks);
    cr_assert(epsilon_eq(dbl, blocks[QM_BLOCK_ARRAY_mac_cell].flip_flops, 15 * 119, 1e-6));
    cr_assert(epsilon_eq(dbl, blocks[QM_BLOCK_ARRAY_delay].flip_flops, 23 * 3 + (24 + 32) * 10, 1e-6));
}
