/* work.c - sums over instructions of what common/opcode/ says of each: events, and the time in which a run must be over. */
#include "common/work.h"

#include <math.h>

#include "common/opcode/parts.h"

void qm_work_add(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_counters *counters) {
    counters->value[QM_C_instructions] += 1;
    counters->value[QM_C_dram_fetch_beats] += QM_INSN_BYTES / machine->axi_bytes;
    qm_opcode_add_events(insn, machine, counters->value);
}

/* ---- time: docs/machine.md, Limits of time ---- */

enum { LIMIT_MIN_CYCLES = 1000000, LIMIT_FACTOR = 8, OVERHEAD_CYCLES = 100 };

static struct qm_pace pace_of(const struct qm_machine *machine, double stalls) {
    uint64_t stall = (uint64_t)ceil(1 / (1 - stalls));
    return (struct qm_pace){.beat = ceil_div(machine->axi_bytes, machine->dram_bytes_per_cycle) + stall,
                            .burst = 2 + 2 * stall + ceil_div(machine->dram_latency, machine->dram_queue),
                            .bytes = machine->scratchpad_bytes,
                            .sums = machine->accumulator_rows};
}

/* An unknown opcode takes only what every instruction takes: decode refuses it. */
static uint64_t insn_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace) {
    uint64_t fetch = QM_INSN_BYTES / machine->axi_bytes * pace->beat + pace->burst;
    uint64_t overhead = machine->rows + machine->cols + 2 * (uint64_t)machine->dram_latency + OVERHEAD_CYCLES + fetch;
    bool is_known = qm_opcode_name(insn->opcode) != NULL;
    return plus(overhead, is_known ? qm_opcode_info(insn->opcode)->limit_cycles(insn, machine, pace) : 0);
}

uint64_t qm_work_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    struct qm_pace pace = pace_of(machine, 0);
    pace.bytes = pace.sums = QM_ENDLESS;
    return insn_cycles(insn, machine, &pace);
}

uint64_t qm_work_limit(const uint32_t (*insns)[QM_INSN_WORDS], uint32_t count, const struct qm_machine *machine, double stalls) {
    struct qm_pace pace = pace_of(machine, stalls);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct qm_insn insn;
        qm_insn_unpack(insns[i], &insn);
        sum = plus(sum, insn_cycles(&insn, machine, &pace));
    }
    return plus(LIMIT_MIN_CYCLES, times(LIMIT_FACTOR, sum));
}
