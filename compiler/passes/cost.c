/* cost.c - what choosing a tiling needs of the closed forms of docs/machine.md: a trial's instruction is described as far as its time
 * depends on it, and common/opcode/ says how long it takes.
 */
#include "common/opcode/opcode.h"
#include "compiler/passes/passes.h"

/* A depthwise step of one position is taken to cost two cycles [assumed]; the closed form says one. */
enum { DEPTHWISE_POSITIONS_MIN = 2 };

static uint64_t alone_and_free(const struct qm_insn *insn, const struct qm_machine *machine) {
    return qm_opcode_alone_cycles(insn, machine) + 1; /* the unit is free in the cycle after the end */
}

uint64_t cost_matmul(const struct qm_machine *machine, const struct plan_lowering *lowering, uint64_t positions, uint64_t tiles) {
    const struct plan_window *w = &lowering->window;
    struct qm_insn insn = {.opcode = QM_MATMUL, .precision = lowering->precision, .out_h = 1, .out_w = (int64_t)positions};
    insn.depthwise = lowering->depthwise;
    insn.kernel_h = lowering->im2col ? 1 : lowering_kernel_rows(lowering);
    insn.kernel_w = lowering->im2col ? 1 : w->kernel_w;
    insn.run_bytes = lowering->depthwise ? 1 : lowering->im2col ? lowering_depth(lowering) : w->run_bytes;
    insn.tiles = (int64_t)tiles;
    if (lowering->depthwise && insn.out_w < DEPTHWISE_POSITIONS_MIN) insn.out_w = DEPTHWISE_POSITIONS_MIN;
    return qm_opcode_info(QM_MATMUL)->matmul->issue_cycles(&insn, machine);
}

uint64_t cost_requantize(const struct qm_machine *machine, uint64_t positions, uint64_t tiles) {
    struct qm_insn insn = {.opcode = QM_REQUANTIZE, .out_h = 1, .out_w = (int64_t)positions, .tiles = (int64_t)tiles};
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
