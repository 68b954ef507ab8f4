/* add.c - ADD without time: two operands brought to a common scale, added, scaled to the output. */
#include "common/fixed_point.h"
#include "sim/functional/functional.h"

static int32_t scale_operand(const struct qm_insn *insn, uint8_t byte, int64_t zero, int64_t multiplier, int64_t shift) {
    int64_t element = insn->in_unsigned != 0 ? byte : (int8_t)byte;
    int32_t raised = qm_wrap32((element - zero) * ((int64_t)1 << insn->pre_shift));
    return qm_scale(raised, (int32_t)multiplier, (int)shift, (uint32_t)insn->rounding);
}

void qm_functional_add(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    const uint8_t *a = memory->scratchpad + insn->in_addr, *b = memory->scratchpad + insn->b_addr;
    uint8_t *out = memory->scratchpad + insn->out_addr;
    for (int64_t i = 0; i < insn->length; i++) {
        int64_t sum = (int64_t)scale_operand(insn, a[i], insn->a_zero, insn->a_multiplier, insn->a_shift) +
                      scale_operand(insn, b[i], insn->b_zero, insn->b_multiplier, insn->b_shift);
        int32_t scaled = qm_scale(qm_wrap32(sum), (int32_t)insn->out_multiplier, (int)insn->out_shift, (uint32_t)insn->rounding);
        out[i] = qm_output8(scaled, (int32_t)insn->out_zero, (int32_t)insn->clamp_min, (int32_t)insn->clamp_max);
    }
}
