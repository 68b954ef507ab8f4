/* functional.h - what each instruction computes, without time: the definition of values, one plain routine an instruction, to be read
 * beside docs/machine.md and docs/numerics.md.
 *
 * Instructions have passed decode's checks, so every access lies inside. Outputs are written in the order of the document, so that
 * overlapping outputs end as the hardware leaves them. The engines run fast/fast.h where the plain routine is too slow, else these: the
 * cycle model at the cycle in which an instruction ends, the functional engine in program order.
 */
#ifndef QM_SIM_FUNCTIONAL_FUNCTIONAL_H
#define QM_SIM_FUNCTIONAL_FUNCTIONAL_H

#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"

struct qm_functional_memory {
    const struct qm_machine *machine;
    uint8_t *scratchpad;    /* [scratchpad_bytes] */
    int32_t *accumulator;   /* [accumulator_rows][cols], each within accumulator_bits */
    uint64_t acc_overflows; /* counted by MATMUL */
};

void qm_functional_load(const struct qm_insn *insn, struct qm_functional_memory *memory, const uint8_t *arena);
void qm_functional_store(const struct qm_insn *insn, const struct qm_functional_memory *memory, uint8_t *arena);
void qm_functional_matmul(const struct qm_insn *insn, struct qm_functional_memory *memory);
void qm_functional_requantize(const struct qm_insn *insn, struct qm_functional_memory *memory);
void qm_functional_pool(const struct qm_insn *insn, struct qm_functional_memory *memory);
void qm_functional_add(const struct qm_insn *insn, struct qm_functional_memory *memory);
void qm_functional_copy(const struct qm_insn *insn, struct qm_functional_memory *memory);

#endif
