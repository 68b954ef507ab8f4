/* add.c - ADD without time: two operands brought to a common scale and added, or multiplied; then scaled to the output.
 *
 * An operand has 256 values, so each is scaled once and looked up.
 */
#include "common/fixed_point.h"
#include "common/precision.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/vectorized.h"

enum { VALUES = 256, BLOCK = 256 };

struct operand {
    int64_t zero, multiplier, shift;
    int32_t scaled[VALUES]; /* by byte; of a product only without its zero point */
};

static void scale_operand(const struct qm_insn *insn, struct operand *operand) {
    for (int byte = 0; byte < VALUES; byte++) {
        int64_t element = insn->in_unsigned != 0 ? byte : (int8_t)byte;
        if (insn->binary == QM_binary_PRODUCT) {
            operand->scaled[byte] = (int32_t)(element - operand->zero);
            continue;
        }
        int32_t raised = qm_wrap32((element - operand->zero) * ((int64_t)1 << insn->pre_shift));
        operand->scaled[byte] = qm_scale(raised, (int32_t)operand->multiplier, (int)operand->shift, (uint32_t)insn->rounding);
    }
}

INLINE void finish_block(const struct qm_insn *insn, const int32_t *restrict sums, int64_t n, uint8_t *restrict out, uint32_t rounding) {
    int32_t multiplier = (int32_t)insn->out_multiplier, shift = (int32_t)insn->out_shift;
    int32_t zero = (int32_t)insn->out_zero, low = (int32_t)insn->clamp_min, high = (int32_t)insn->clamp_max;
    for (int64_t i = 0; i < n; i++) out[i] = qm_output8(qm_scale(sums[i], multiplier, shift, rounding), zero, low, high);
}

VECTORIZED static void finish(const struct qm_insn *insn, const int32_t *sums, int64_t n, uint8_t *out) {
    WITH_ROUNDING(insn->rounding, finish_block, insn, sums, n, out)
}

static int32_t combine(const struct qm_insn *insn, int32_t a, int32_t b) {
    if (insn->binary == QM_binary_PRODUCT) return a * b; /* neither is beyond 33,023 */
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

void fast_ADD(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    struct operand a = {.zero = insn->a_zero, .multiplier = insn->a_multiplier, .shift = insn->a_shift};
    struct operand b = {.zero = insn->b_zero, .multiplier = insn->b_multiplier, .shift = insn->b_shift};
    int32_t sums[BLOCK];
    uint8_t elements[BLOCK];
    bool packs = insn->out_type == QM_out_type_BITS4;
    scale_operand(insn, &a);
    scale_operand(insn, &b);
    for (int64_t first = 0; first < insn->length; first += BLOCK) {
        int64_t n = insn->length - first < BLOCK ? insn->length - first : BLOCK;
        const uint8_t *a_bytes = memory->scratchpad + insn->in_addr + first, *b_bytes = memory->scratchpad + insn->b_addr + first;
        for (int64_t i = 0; i < n; i++) sums[i] = combine(insn, a.scaled[a_bytes[i]], b.scaled[b_bytes[i]]);
        uint8_t *out = memory->scratchpad + insn->out_addr + qm_output_bytes(insn, first);
        finish(insn, sums, n, packs ? elements : out);
        if (packs) narrow_pack(elements, n, out);
    }
}
