/* transfer.h - what LOAD and STORE share: rows and planes in DRAM and in the scratchpad. */
#ifndef QM_COMMON_OPCODE_TRANSFER_H
#define QM_COMMON_OPCODE_TRANSFER_H

#include "common/opcode/opcode.h"

/* The two ends; is_load: the scratchpad is written, else DRAM. */
uint32_t transfer_find_operands(const struct qm_insn *insn, bool is_load, struct qm_operand *operands);
uint64_t transfer_bytes(const struct qm_insn *insn);
uint64_t transfer_beats(const struct qm_insn *insn, const struct qm_machine *machine);
uint64_t transfer_limit_cycles(const struct qm_insn *insn, const struct qm_machine *machine, const struct qm_pace *pace);

#endif
