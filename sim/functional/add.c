/* add.c - ADD: two operands, each brought to a common scale, added and scaled to the output; or multiplied and scaled once
 * (docs/numerics.md). */
#include "sim/functional/element.h"
#include "sim/functional/functional.h"

static int32_t combine(const struct qm_insn *insn, int64_t a, int64_t b) {
    return insn->binary == QM_binary_PRODUCT ? qm_wrap32(a * b) : element_sum(insn, a, b);
}

void qm_functional_ADD(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    const uint8_t *first = memory->scratchpad + insn->in_addr, *second = memory->scratchpad + insn->b_addr;
    uint8_t *out = memory->scratchpad + insn->out_addr;
    for (int64_t i = 0; i < insn->length; i++) {
        int64_t a = element_read(insn, first[i]) - insn->a_zero, b = element_read(insn, second[i]) - insn->b_zero;
        int32_t scaled = qm_scale(combine(insn, a, b), (int32_t)insn->out_multiplier, (int)insn->out_shift, (uint32_t)insn->rounding);
        element_write(insn, out, i, element_of(insn, scaled));
    }
}
