/* fixed_functions.h - exponentials and quotients in fixed point, with the arithmetic of gemmlowp that the TFLite reference kernels use.
 *
 * A fixed-point number Qk is an int32 with k integer bits: real = raw * 2^(k - 31). A product is doubled and cut to its high half, rounded
 * with ties upwards, so the bits add up: Qa x Qb = Q(a + b). Bit for bit what gemmlowp/fixedpoint/fixedpoint.h computes.
 */
#ifndef QM_COMMON_FIXED_FUNCTIONS_H
#define QM_COMMON_FIXED_FUNCTIONS_H

#include <stdint.h>

#include "common/multiplier.h"

/* The high half of 2ab. */
int32_t qm_fixed_mul(int32_t a, int32_t b);
/* x / 2^bits, ties away from zero. */
int32_t qm_fixed_round(int32_t x, int bits);
/* exp of a in Qk, a <= 0, k <= 5; the result in Q0. */
int32_t qm_fixed_exp(int32_t a, int k);
/* 1 / (1 + x) and (1 - x) / (1 + x), x in Q0 and 0 <= x < 1; the result in Q0. */
int32_t qm_fixed_reciprocal(int32_t x);
int32_t qm_fixed_quotient(int32_t x);
/* The natural logarithm of x in Q12, x >= 1; the result in Q5. */
int32_t qm_fixed_log(int32_t x);
/* 1 / sqrt(x) as a multiplier and its shift, x >= 0; of 0 as of 1. */
struct qm_multiplier qm_fixed_inverse_root(int32_t x);

#endif
