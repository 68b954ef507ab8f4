/* fixed_point.h - the arithmetic of docs/numerics.md: scaling by a Q0.31 multiplier and a shift in seven roundings,
 * and the helpers that saturate to a type.
 *
 * The only place where a negative number is shifted right (gcc shifts arithmetically) and where 64-bit products become 32-bit results.
 */
#ifndef QM_COMMON_FIXED_POINT_H
#define QM_COMMON_FIXED_POINT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"

static inline int32_t qm_wrap32(int64_t x) {
    return (int32_t)(uint32_t)(uint64_t)x;
}

static inline int32_t qm_saturate_i32(int64_t x) {
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

static inline int32_t qm_clamp(int32_t x, int32_t low, int32_t high) {
    int32_t raised = x < low ? low : x;
    return raised > high ? high : raised;
}

/* Two roundings: the high half of the doubled product to the nearest (gemmlowp's nudge and truncation together are a half up), then a
 * rounding shift, half away from zero. Only (-2^31) * (-2^31) gives 2^31, which saturates: the one way to INT32_MIN below. */
static inline int32_t qm_scale_tflite(int32_t x, int32_t multiplier, int left, int right) {
    int64_t product = (int64_t)(int32_t)((uint32_t)x << left) * multiplier;
    int32_t nearest = (int32_t)(uint32_t)((uint64_t)(product + ((int64_t)1 << 30)) >> 31);
    int32_t high = nearest == INT32_MIN ? INT32_MAX : nearest;
    int32_t mask = (int32_t)(((uint32_t)1 << right) - 1);
    int32_t threshold = (mask >> 1) + (high < 0);
    return (high >> right) + ((high & mask) > threshold);
}

/* What to add to a product before it is shifted right by total, 0 <= total <= 62, so that the shift rounds as named. */
static inline int64_t qm_nudge(int64_t product, int total, uint32_t rounding) {
    int64_t half = ((int64_t)1 << total) >> 1;
    switch (rounding) {
    case QM_rounding_SINGLE: return half;
    case QM_rounding_EVEN:
    case QM_rounding_OFFSET: return half - (half > 0 && (product >> total & 1) == 0);
    case QM_rounding_AWAY: return half - (half > 0 && product < 0);
    default: return 0;
    }
}

/* x * multiplier * 2^(shift - 31), rounded; shift is taken as -31..31. In a loop with a constant rounding it has no branches. */
static inline int32_t qm_scale(int32_t x, int32_t multiplier, int shift, uint32_t rounding) {
    int bounded = shift < -31 ? -31 : shift > 31 ? 31 : shift;
    if (rounding == QM_rounding_TFLITE) return qm_scale_tflite(x, multiplier, bounded > 0 ? bounded : 0, bounded < 0 ? -bounded : 0);
    int total = 31 - bounded;
    int64_t product = (int64_t)x * multiplier;
    return qm_saturate_i32((product + qm_nudge(product, total, rounding)) >> total);
}

/* The same towards minus infinity, with an addend on the product. */
static inline int32_t qm_scale_addend(int32_t x, int32_t multiplier, int shift, int32_t addend) {
    int total = 31 - (shift < -31 ? -31 : shift > 31 ? 31 : shift);
    return qm_saturate_i32(((int64_t)x * multiplier + addend) >> total);
}

/* Bits behind the point of a bias in rounding OFFSET, and how far to the left it can be moved. */
enum { QM_OFFSET_BITS = 21, QM_OFFSET_RAISE_MAX = 31 };

/* Half to even, with a bias on the product that counts parts of the result: 2^21 are one for a total of 21 to 52. What the shift drops is
 * rounded by itself, because a product and a bias near 2^62 leave the nudge no room in 64 bits. */
static inline int32_t qm_scale_offset(int32_t x, int32_t multiplier, int shift, int32_t bias) {
    int total = 31 - (shift < -31 ? -31 : shift > 31 ? 31 : shift);
    int64_t product = (int64_t)x * multiplier + bias * ((int64_t)1 << qm_clamp(total - QM_OFFSET_BITS, 0, QM_OFFSET_RAISE_MAX));
    int64_t dropped = product & (((int64_t)1 << total) - 1);
    return qm_saturate_i32((product >> total) + ((dropped + qm_nudge(product, total, QM_rounding_OFFSET)) >> total));
}

/* Whether REQUANTIZE adds the bias to the product and not to the sum. */
static inline bool qm_bias_is_on_product(uint32_t rounding) {
    return rounding == QM_rounding_ADDEND || rounding == QM_rounding_OFFSET;
}

/* What REQUANTIZE scales: a sum and its bias. */
static inline int32_t qm_scale_biased(int32_t sum, int32_t bias, int32_t multiplier, int shift, uint32_t rounding) {
    if (rounding == QM_rounding_ADDEND) return qm_scale_addend(sum, multiplier, shift, bias);
    if (rounding == QM_rounding_OFFSET) return qm_scale_offset(sum, multiplier, shift, bias);
    return qm_scale(qm_wrap32((int64_t)sum + bias), multiplier, shift, rounding);
}

/* The output stage: zero point, clamp. zero, low and high have 16 bits, so that a sum beyond 30 bits is clamped all the same. */
static inline int32_t qm_output(int32_t scaled, int32_t zero, int32_t low, int32_t high) {
    int32_t bounded = qm_clamp(scaled, -(1 << 30), 1 << 30);
    return qm_clamp(bounded + zero, low, high);
}

/* Its low 8 bits. */
static inline uint8_t qm_output8(int32_t scaled, int32_t zero, int32_t low, int32_t high) {
    return (uint8_t)(uint32_t)qm_output(scaled, zero, low, high);
}

#endif
