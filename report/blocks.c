/* blocks.c - the formulas of spec/energy/blocks.def. */
#include "report/blocks.h"

#include <math.h>
#include <stddef.h>

#include "common/counters.h"
#include "common/isa.h"

static const char *const component_names[] = {"array", "scratchpad", "accumulator", "post", "dram", "control", NULL};

const char *qm_component_name(unsigned component) {
    return component_names[component];
}

static double log2up(double things) {
    return ceil(log2(things));
}

/* Flip-flops of rtl/lib/delay_line.v: a bit a cycle says what is valid, and two places in the memory are kept. */
static double line(double cycles) {
    return cycles < 1 ? 0 : cycles + 2 * log2up(cycles);
}

static double zeros(double x) {
    return __builtin_ctz((unsigned)x);
}

void qm_blocks_of(const struct qm_machine *machine, struct qm_block blocks[QM_BLOCKS]) {
    double R = machine->rows, C = machine->cols, S = machine->scratchpad_bytes, A = machine->accumulator_rows, B = machine->axi_bytes,
           Q = machine->queue_depth;
    double W = machine->cell, chained = fmin(R, QM_CHAIN_TAPS);
    const struct qm_block made[QM_BLOCKS] = {
#define QM_BLOCK(module, component, flip_flops, gates, bits) {#module, QM_COMPONENT_##component, flip_flops, gates, bits},
#include "spec/energy/blocks.def"
#undef QM_BLOCK
    };
    for (int i = 0; i < QM_BLOCKS; i++) blocks[i] = made[i];
}

struct qm_block qm_blocks_sum(const struct qm_machine *machine, enum qm_component component) {
    struct qm_block blocks[QM_BLOCKS], sum = {.component = component};
    qm_blocks_of(machine, blocks);
    for (int i = 0; i < QM_BLOCKS; i++) {
        if (blocks[i].component != component) continue;
        sum.flip_flops += blocks[i].flip_flops;
        sum.gates += blocks[i].gates;
        sum.bits += blocks[i].bits;
    }
    return sum;
}
