/* cost.c - the closed forms of docs/machine.md, as far as choosing needs them. */
#include "compiler/passes/passes.h"

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* A step streams its positions while the next step's weight rows are loaded: the longer of the two counts. */
static uint64_t run_steps(const struct qm_machine *machine, uint64_t rows, uint64_t positions) {
    uint64_t whole = rows / machine->rows, rest = rows % machine->rows;
    return whole * larger(positions, machine->rows) + (rest > 0 ? larger(positions, rest) : 0);
}

uint64_t cost_matmul(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions, uint64_t tiles) {
    const struct plan_window *w = &lowering->window;
    uint64_t taps = (uint64_t)lowering_kernel_rows(lowering) * w->kernel_w;
    if (lowering->depthwise) return tiles * taps * larger(positions, 2);
    if (lowering->im2col) return tiles * run_steps(machine, lowering_rows(lowering, w->kernel_h, w->run_bytes), positions);
    return tiles * taps * run_steps(machine, lowering_rows(lowering, 1, w->run_bytes) / w->kernel_w, positions);
}

uint64_t cost_requantize(uint64_t positions, uint64_t tiles) {
    return tiles * (QM_PARAMETER_BYTES + positions) + 6;
}

uint64_t cost_copy(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions) {
    const struct plan_window *w = &lowering->window;
    return positions * w->kernel_h * w->kernel_w * plan_ceil_div(w->run_bytes, machine->cols) + 6;
}

uint64_t cost_transfer(const struct qm_machine *machine, uint64_t bytes) {
    uint32_t rate = plan_min(machine->axi_bytes, machine->dram_bytes_per_cycle);
    return (bytes + rate - 1) / rate;
}
