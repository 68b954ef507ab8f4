/* load.c - LOAD: rows of DRAM to the scratchpad. */
#include "common/opcode/transfer.h"

static uint32_t find_operands(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_operand *operands) {
    (void)machine;
    return transfer_find_operands(insn, true, operands);
}

static void add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    value[QM_C_load_writes] += transfer_bytes(insn);
    value[QM_C_dram_read_beats] += transfer_beats(insn, machine);
}

/* Bursts are issued ahead of their beats, so that only the first waits for the memory. */
static uint64_t alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    return machine->dram_latency + transfer_beats(insn, machine);
}

const struct qm_opcode_info qm_opcode_LOAD = {
    .find_operands = find_operands,
    .add_events = add_events,
    .limit_cycles = transfer_limit_cycles,
    .alone_cycles = alone_cycles,
};
