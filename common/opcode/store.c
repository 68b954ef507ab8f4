/* store.c - STORE: rows of the scratchpad to DRAM. */
#include "common/opcode/transfer.h"

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    (void)machine;
    return transfer_find_operands(insn, false, operands);
}

static void add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    value[QM_C_store_reads] += transfer_bytes(insn);
    value[QM_C_dram_write_beats] += transfer_beats(insn, machine);
}

/* An address before the beats of each burst, and a response to the last. */
static uint64_t alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    return transfer_bursts(insn) + transfer_beats(insn, machine) + machine->dram_latency;
}

const struct qm_opcode_info qm_opcode_STORE = {
    .find_operands = find_operands,
    .add_events = add_events,
    .limit_cycles = transfer_limit_cycles,
    .alone_cycles = alone_cycles,
};
