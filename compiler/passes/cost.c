/* cost.c - what cuts.c needs of the closed forms of docs/machine.md: a trial's instruction is described as far as its time
 * depends on it, and common/opcode/ says how long it takes.
 */
#include "common/opcode/opcode.h"
#include "compiler/passes/passes.h"

static uint64_t alone_and_free(const struct qm_insn *insn, const struct qm_machine *machine) {
    return qm_opcode_alone_cycles(insn, machine) + 1; /* the unit is free in the cycle after the end */
}

uint64_t cost_matmul(const struct qm_machine *machine, const struct plan_lowering *lowering, const struct cost_part *part,
                     uint64_t positions, uint64_t tiles) {
    struct qm_insn insn = {.opcode = QM_MATMUL, .precision = lowering->precision, .out_h = 1, .out_w = (int64_t)positions};
    insn.depthwise = lowering->depthwise;
    insn.kernel_h = lowering->im2col ? 1 : part->kernel_h;
    insn.kernel_w = lowering->im2col ? 1 : lowering->window.kernel_w;
    insn.run_bytes = lowering->im2col ? lowering_depth(lowering) : part->run;
    insn.tiles = (int64_t)tiles;
    if (lowering->depthwise) {
        bool folded = lowering_is_folded(lowering); /* chains run down the map, in bytes of one byte a row */
        insn.channels = 1;
        insn.kernel_h = folded ? lowering->window.kernel_w : part->kernel_h;
        insn.kernel_w = folded ? part->kernel_h : lowering->window.kernel_w;
        insn.x_stride = folded ? lowering->window.y_stride : lowering->window.x_stride;
        insn.x_dilation = folded ? lowering->window.y_dilation : lowering->window.x_dilation;
        insn.in_row_bytes = (int64_t)positions * insn.x_stride;
        chain_set(&insn, machine);
    }
    return qm_opcode_info(QM_MATMUL)->matmul->issue_cycles(&insn, machine);
}

uint64_t cost_requantize(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions, uint64_t tiles) {
    struct qm_insn insn = {.opcode = QM_REQUANTIZE, .out_h = 1, .out_w = (int64_t)positions, .tiles = (int64_t)tiles};
    insn.out_type = lowering->out_bits == 4 ? QM_out_type_BITS4 : lowering->out_bits == 8 ? QM_out_type_BITS8 : QM_out_type_BITS32;
    return alone_and_free(&insn, machine);
}

uint64_t cost_copy(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions) {
    const struct plan_window *w = &lowering->window;
    struct qm_insn insn = {.opcode = QM_COPY, .out_h = 1, .out_w = (int64_t)positions};
    insn.kernel_h = w->kernel_h;
    insn.kernel_w = w->kernel_w;
    insn.run_bytes = w->run_bytes;
    return alone_and_free(&insn, machine);
}

uint64_t cost_transfer(const struct qm_machine *machine, uint64_t bytes) {
    uint32_t rate = plan_min(machine->axi_bytes, machine->dram_bytes_per_cycle);
    return (bytes + rate - 1) / rate;
}

uint64_t cost_stores(const struct qm_machine *machine, uint64_t bytes, uint64_t stores) {
    struct qm_insn insn = {.opcode = QM_STORE, .row_bytes = (int64_t)(bytes / stores), .row_count = 1, .plane_count = 1};
    return stores * alone_and_free(&insn, machine);
}

uint64_t cost_with_bus(const struct qm_machine *machine, uint64_t cycles, uint64_t bytes) {
    enum { BUS_DIVISOR = 4 };
    return cycles + cost_transfer(machine, bytes) / BUS_DIVISOR;
}

uint64_t cost_doubt(const struct qm_machine *machine) {
    return 2 * ((uint64_t)machine->dram_latency + machine->rows + machine->cols);
}
