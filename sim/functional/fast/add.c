/* add.c - ADD without time: two operands brought to a common scale and added, or multiplied; then scaled to the output. A block of elements
 * at a time, as rows of lanes with the same scale.
 */
#include "common/precision.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/scale.h"
#include "sim/functional/fast/vectorized.h"

struct operand {
    const uint8_t *bytes; /* [length] */
    int32_t zero;
    struct scale scale;
};

INLINE void raise_elements(const uint8_t *restrict bytes, int64_t n, bool is_unsigned, int32_t zero, int shift, int32_t *restrict raised) {
    for (int64_t i = 0; i < n; i++) {
        int32_t element = is_unsigned ? bytes[i] : (int8_t)bytes[i];
        raised[i] = (int32_t)((uint32_t)(element - zero) << shift);
    }
}

/* Elements without their zero point, shifted to the left. */
VECTORIZED static void raise_block(const uint8_t *bytes, int64_t n, bool is_unsigned, int32_t zero, int shift, int32_t *raised) {
    if (is_unsigned)
        raise_elements(bytes, n, true, zero, shift, raised);
    else
        raise_elements(bytes, n, false, zero, shift, raised);
}

/* terms [n]: what goes into the sum or product. */
static void read_terms(const struct qm_insn *insn, struct operand *operand, int64_t first, int64_t n, int32_t *terms) {
    int32_t raised[SCALE_LANES];
    bool is_product = insn->binary == QM_binary_PRODUCT;
    raise_block(operand->bytes + first, n, insn->in_unsigned != 0, operand->zero, is_product ? 0 : (int)insn->pre_shift,
                is_product ? terms : raised);
    operand->scale.n = n;
    if (!is_product) scaler_best()->words(&operand->scale, (struct scale_rows){raised, SCALE_LANES, 1}, terms, SCALE_LANES);
}

/* Of a product neither factor is beyond 33,023. */
VECTORIZED static void combine(bool is_product, const int32_t *restrict b, int64_t n, int32_t *restrict a) {
    for (int64_t i = 0; i < n; i++) a[i] = is_product ? a[i] * b[i] : (int32_t)((uint32_t)a[i] + (uint32_t)b[i]);
}

static void write_elements(const struct qm_insn *insn, const struct scale *scale, const int32_t *sums, uint8_t *out) {
    uint8_t elements[SCALE_LANES];
    bool packs = insn->out_type == QM_out_type_BITS4;
    scaler_best()->bytes(scale, (struct scale_rows){sums, SCALE_LANES, 1}, packs ? elements : out, SCALE_LANES);
    if (packs) narrow_pack(elements, scale->n, out);
}

static void begin_operand(const struct qm_insn *insn, struct operand *operand, int64_t multiplier, int64_t shift) {
    scale_begin(insn, &operand->scale);
    scale_set_all(&operand->scale, SCALE_LANES, 0, (int32_t)multiplier, (int32_t)shift);
}

void fast_ADD(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    struct operand a, b; /* large: set field by field */
    struct scale scale;
    int32_t terms_a[SCALE_LANES], terms_b[SCALE_LANES];
    a.bytes = memory->scratchpad + insn->in_addr;
    b.bytes = memory->scratchpad + insn->b_addr;
    a.zero = (int32_t)insn->a_zero;
    b.zero = (int32_t)insn->b_zero;
    begin_operand(insn, &a, insn->a_multiplier, insn->a_shift);
    begin_operand(insn, &b, insn->b_multiplier, insn->b_shift);
    scale_begin(insn, &scale);
    scale_set_all(&scale, SCALE_LANES, 0, (int32_t)insn->out_multiplier, (int32_t)insn->out_shift);
    for (int64_t first = 0; first < insn->length; first += SCALE_LANES) {
        scale.n = insn->length - first < SCALE_LANES ? insn->length - first : SCALE_LANES;
        read_terms(insn, &a, first, scale.n, terms_a);
        read_terms(insn, &b, first, scale.n, terms_b);
        combine(insn->binary == QM_binary_PRODUCT, terms_b, scale.n, terms_a);
        write_elements(insn, &scale, terms_a, memory->scratchpad + insn->out_addr + qm_output_bytes(insn, first));
    }
}
