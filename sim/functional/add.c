/* add.c - ADD: two operands, each brought to a common scale, added and scaled to the output; or multiplied and scaled once
 * (docs/numerics.md). */
#include "sim/functional/element.h"
#include "sim/functional/functional.h"

/* An operand without its zero point at the common scale. */
static int32_t scale_operand(const struct qm_insn *insn, int64_t number, int64_t multiplier, int64_t shift) {
    int32_t raised = qm_wrap32(number * ((int64_t)1 << insn->pre_shift));
    return qm_scale(raised, (int32_t)multiplier, (int)shift, (uint32_t)insn->rounding);
}

static int32_t combine(const struct qm_insn *insn, int64_t a, int64_t b) {
    if (insn->binary == QM_binary_PRODUCT) return qm_wrap32(a * b);
    int64_t scaled_a = scale_operand(insn, a, insn->a_multiplier, insn->a_shift);
    int64_t scaled_b = scale_operand(insn, b, insn->b_multiplier, insn->b_shift);
    return qm_wrap32(scaled_a + scaled_b);
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
