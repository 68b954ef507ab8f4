/* element.h - elements of feature maps: how an input byte is read, and how a scaled sum becomes an output of 4 to 32 bits
 * (docs/machine.md, Post). */
#ifndef QM_SIM_FUNCTIONAL_ELEMENT_H
#define QM_SIM_FUNCTIONAL_ELEMENT_H

#include <stdint.h>

#include "common/fixed_point.h"

/* An input element of 8 bits as a number. */
static inline int32_t element_read(const struct qm_insn *insn, uint8_t byte) {
    return insn->in_unsigned != 0 ? byte : (int8_t)byte;
}

/* The output stage: zero point and clamp; an element of 32 bits holds every number and is not clamped. */
static inline uint32_t element_of(const struct qm_insn *insn, int32_t scaled) {
    if (insn->out_type == QM_out_type_BITS32) return (uint32_t)qm_saturate_i32((int64_t)scaled + insn->out_zero);
    return (uint32_t)qm_output(scaled, (int32_t)insn->out_zero, (int32_t)insn->clamp_min, (int32_t)insn->clamp_max);
}

/* The sum of two operands without their zero points, each brought to the common scale. */
static inline int32_t element_sum(const struct qm_insn *insn, int64_t a, int64_t b) {
    int32_t raised_a = qm_wrap32(a * ((int64_t)1 << insn->pre_shift)), raised_b = qm_wrap32(b * ((int64_t)1 << insn->pre_shift));
    int64_t scaled_a = qm_scale(raised_a, (int32_t)insn->a_multiplier, (int)insn->a_shift, (uint32_t)insn->rounding);
    int64_t scaled_b = qm_scale(raised_b, (int32_t)insn->b_multiplier, (int)insn->b_shift, (uint32_t)insn->rounding);
    return qm_wrap32(scaled_a + scaled_b);
}

/* Writes element `index` of the row of elements that begins at `row`, little-endian; of 4 bits, the even element in the low half of a
 * byte and the odd one, which comes after it, in the high half. */
static inline void element_write(const struct qm_insn *insn, uint8_t *row, int64_t index, uint32_t element) {
    switch (insn->out_type) {
    case QM_out_type_BITS4: row[index / 2] = (uint8_t)(index % 2 == 0 ? element & 15 : (row[index / 2] & 15) | (element & 15) << 4); break;
    case QM_out_type_BITS8: row[index] = (uint8_t)element; break;
    case QM_out_type_BITS16:
        for (int i = 0; i < 2; i++) row[2 * index + i] = (uint8_t)(element >> 8 * i);
        break;
    default:
        for (int i = 0; i < 4; i++) row[4 * index + i] = (uint8_t)(element >> 8 * i);
    }
}

#endif
