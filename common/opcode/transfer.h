/* transfer.h - what LOAD and STORE share: rows and planes in DRAM and in the scratchpad. */
#ifndef QM_COMMON_OPCODE_TRANSFER_H
#define QM_COMMON_OPCODE_TRANSFER_H

#include "common/opcode/opcode.h"

/* Where a row lies: bytes [first, end) of the arena, and from spad on in the scratchpad. */
struct qm_transfer_row {
    uint64_t first, end, spad;
};
struct qm_transfer_row qm_transfer_row(const struct qm_insn *insn, uint64_t plane, uint64_t row);

/* Where the burst of a row that holds arena byte `at` ends: at the next multiple of QM_BURST_BYTES, or with the row. */
uint64_t qm_transfer_burst_end(const struct qm_transfer_row *row, uint64_t at);

/* The two ends; is_load: the scratchpad is written, else DRAM. */
uint32_t transfer_find_operands(const struct qm_insn *insn, bool is_load, struct qm_operand *operands);
uint64_t transfer_bytes(const struct qm_insn *insn);
uint64_t transfer_beats(const struct qm_insn *insn, const struct qm_machine *machine);
uint64_t transfer_bursts(const struct qm_insn *insn);
uint64_t transfer_limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace);

#endif
