/* add.c - ADD without time: two operands brought to a common scale and added, or multiplied; then scaled to the output. */
#include <string.h>

#include "common/fixed_point.h"
#include "common/precision.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/operand.h"
#include "sim/functional/fast/scale.h"

enum { WORD = 8 };

/* Byte i, in the order of the memory, of a word that was read from there. */
static inline uint64_t byte_of(uint64_t word, int i) {
    return word >> 8 * (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : WORD - 1 - i) & 0xff;
}

/* Eight bytes of each operand are read as one word, because reads are what this takes long for, and the terms are reads too. */
static void add_block(const struct operand *a, const uint8_t *a_bytes, const struct operand *b, const uint8_t *b_bytes, int64_t n,
                      int32_t *sums) {
    int64_t i = 0;
    for (; i + WORD <= n; i += WORD) {
        uint64_t a_word, b_word;
        memcpy(&a_word, a_bytes + i, WORD);
        memcpy(&b_word, b_bytes + i, WORD);
#pragma GCC unroll 8
        for (int byte = 0; byte < WORD; byte++)
            sums[i + byte] = (int32_t)((uint32_t)a->terms[byte_of(a_word, byte)] + (uint32_t)b->terms[byte_of(b_word, byte)]);
    }
    for (; i < n; i++) sums[i] = (int32_t)((uint32_t)a->terms[a_bytes[i]] + (uint32_t)b->terms[b_bytes[i]]);
}

/* Neither factor is beyond 33,023. */
static void multiply_block(const struct operand *a, const uint8_t *a_bytes, const struct operand *b, const uint8_t *b_bytes, int64_t n,
                           int32_t *products) {
    for (int64_t i = 0; i < n; i++) products[i] = a->terms[a_bytes[i]] * b->terms[b_bytes[i]];
}

static void write_elements(const struct qm_insn *insn, const struct scale *scale, const int32_t *sums, uint8_t *out) {
    uint8_t elements[SCALE_LANES];
    bool packs = insn->out_type == QM_out_type_BITS4;
    scaler_best()->bytes(scale, (struct scale_rows){sums, SCALE_LANES, 1}, packs ? elements : out, SCALE_LANES);
    if (packs) narrow_pack(elements, scale->n, out);
}

void fast_ADD(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    const uint8_t *a_bytes = memory->scratchpad + insn->in_addr, *b_bytes = memory->scratchpad + insn->b_addr;
    struct operand a, b;
    struct scale scale; /* large: set field by field */
    int32_t sums[SCALE_LANES];
    operand_scale(insn, insn->a_zero, insn->a_multiplier, insn->a_shift, &a);
    operand_scale(insn, insn->b_zero, insn->b_multiplier, insn->b_shift, &b);
    scale_begin(insn, &scale);
    scale_set_all(&scale, SCALE_LANES, 0, (int32_t)insn->out_multiplier, (int32_t)insn->out_shift);
    for (int64_t first = 0; first < insn->length; first += SCALE_LANES) {
        scale.n = insn->length - first < SCALE_LANES ? insn->length - first : SCALE_LANES;
        if (insn->binary == QM_binary_PRODUCT)
            multiply_block(&a, a_bytes + first, &b, b_bytes + first, scale.n, sums);
        else
            add_block(&a, a_bytes + first, &b, b_bytes + first, scale.n, sums);
        write_elements(insn, &scale, sums, memory->scratchpad + insn->out_addr + qm_output_bytes(insn, first));
    }
}
