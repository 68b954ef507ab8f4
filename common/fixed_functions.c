/* fixed_functions.c - see fixed_functions.h.
 *
 * exp(a), a <= 0: a = r - n/4 with r in [-1/4, 0). exp(r) by the Taylor polynomial of degree 4 around -1/8; then one factor
 * exp(-2^j) for each bit j = -2..4 of n/4. Quotients by 1 + x: 1 / (1 + x) = y / 2 by three Newton steps on (1 + x) / 2 from
 * the line 48/17 - 32/17 d.
 *
 * log(x): x = 2^n r with r near sqrt(sqrt(1/2)), where n is whole, or whole and a half, less a quarter; of the two candidates the one with
 * the smaller r counts. log(r / sqrt(sqrt(1/2))) by a rational function of q = 2 (r - sqrt(sqrt(1/2))), added to n log(2) in Q6.
 *
 * 1 / sqrt(x): y = (3 - d y^2) y / 2 five times in Q3, from 1, where d is x, shifted by an even number of bits to between 1/4 and 1.
 */
#include "common/fixed_functions.h"

int32_t qm_fixed_mul(int32_t a, int32_t b) {
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return qm_saturate_i32((product + nudge) / (INT64_C(1) << 31));
}

int32_t qm_fixed_round(int32_t x, int bits) {
    int64_t unit = INT64_C(1) << bits, half = unit / 2;
    return (int32_t)((x >= 0 ? x + half : x - half) / unit);
}

static int32_t shift_left(int32_t x, int bits) {
    return qm_saturate_i32((int64_t)x * (INT64_C(1) << bits));
}

/* exp of a in Q0, -1/4 <= a < 0. */
static int32_t exp_quarter(int32_t a) {
    const int32_t exp_minus_eighth = 1895147668, third = 715827883; /* Q0 */
    int32_t x = a + (1 << 28);
    int32_t x2 = qm_fixed_mul(x, x), x3 = qm_fixed_mul(x2, x), x4 = qm_fixed_mul(x2, x2);
    int32_t tail = qm_fixed_round(qm_fixed_mul(qm_fixed_round(x4, 2) + x3, third) + x2, 1); /* x^4/24 + x^3/6 + x^2/2 */
    return exp_minus_eighth + qm_fixed_mul(exp_minus_eighth, x + tail);
}

int32_t qm_fixed_exp(int32_t a, int k) {
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242}; /* exp(-2^j), j = -2 .. 4, Q0 */
    const int32_t quarter = 1 << (29 - k);
    if (a == 0) return INT32_MAX;
    int32_t rest = (a & (quarter - 1)) - quarter;
    int32_t result = exp_quarter(rest * (1 << k));
    int32_t quarters = (rest - a) / quarter;
    for (int j = 0; j < 7; j++)
        if (quarters >> j & 1) result = qm_fixed_mul(result, factors[j]);
    return result;
}

/* 2 / (1 + x) in Q2. */
static int32_t twice_reciprocal(int32_t x) {
    const int32_t one = 1 << 29, start = 1515870810, slope = -1010580540; /* Q2: 1, 48/17, -32/17 */
    int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t y = start + qm_fixed_mul(half, slope);
    for (int i = 0; i < 3; i++) y += shift_left(qm_fixed_mul(y, one - qm_fixed_mul(half, y)), 2);
    return y;
}

int32_t qm_fixed_reciprocal(int32_t x) {
    return shift_left(twice_reciprocal(x), 1);
}

int32_t qm_fixed_quotient(int32_t x) {
    return shift_left(twice_reciprocal(x) - (1 << 29), 2);
}

enum { LOG_IN = 12, LOG_SUM = 6, LOG_OUT = 5 }; /* integer bits */

/* log of r / sqrt(sqrt(1/2)), r in Q0 and near that; in Q6. */
static int32_t log_near(int32_t r) {
    const int32_t middle = 1805811301, n3 = 117049297, d2 = 127690142, d0 = 1057819769, dq = 638450708; /* Q0: (1/2)^(1/4); coefficients */
    int32_t half_sum = (int32_t)(((int64_t)r + middle + 1) / 2), q = 2 * (r - middle), square = qm_fixed_mul(q, q);
    int32_t numerator = qm_fixed_mul(q, r) + qm_fixed_mul(qm_fixed_mul(q, square), n3);
    int32_t denominator = qm_fixed_mul(half_sum, d0 + q + qm_fixed_mul(d2, square)) + qm_fixed_mul(dq, q); /* less 1 */
    return qm_fixed_mul(qm_fixed_round(numerator, LOG_SUM), qm_fixed_reciprocal(denominator));
}

int32_t qm_fixed_log(int32_t x) {
    const int32_t log_2 = 1488522236, sqrt_half = 1518500250, quarter = 1 << (31 - LOG_SUM - 2), one = 1 << (31 - LOG_SUM);
    int zeros = __builtin_clz((uint32_t)x), half_zeros = __builtin_clz((uint32_t)qm_fixed_mul(x, sqrt_half)) - 1;
    int32_t whole = shift_left(qm_fixed_mul(shift_left(x, zeros - 1), sqrt_half), 1), halved = shift_left(x, half_zeros);
    int32_t whole_power = qm_saturate_i32((int64_t)(LOG_IN - zeros) * one + quarter),
            halved_power = qm_saturate_i32((int64_t)(LOG_IN - half_zeros) * one - quarter);
    int32_t power = whole_power > halved_power ? whole_power : halved_power;
    int32_t sum = qm_fixed_mul(power, log_2) + log_near(whole < halved ? whole : halved);
    return shift_left(sum, LOG_SUM - LOG_OUT);
}

enum { ROOT_SHIFT = 11, ROOT_STEPS = 5 };

struct qm_multiplier qm_fixed_inverse_root(int32_t x) {
    const int32_t one = 1 << 28, three_halves = (1 << 28) + (1 << 27), half_root_2 = 1518500250; /* Q3, Q3, Q0 */
    if (x <= 1) return (struct qm_multiplier){INT32_MAX, 0};
    int shift = ROOT_SHIFT;
    for (; x >= 1 << 29; shift++) x /= 4;
    int pairs = (__builtin_clz((uint32_t)x) - 1) / 2 - 1;
    shift -= pairs;
    int32_t half = qm_fixed_round((x << (2 * pairs)) >> 1, 1), y = one;
    for (int i = 0; i < ROOT_STEPS; i++) {
        int32_t cube = shift_left(qm_fixed_mul(qm_fixed_mul(y, y), y), 6);
        y = shift_left(qm_fixed_mul(three_halves, y) - qm_fixed_mul(half, cube), 3);
    }
    y = qm_fixed_mul(y, half_root_2);
    if (shift < 0) return (struct qm_multiplier){(int32_t)((uint32_t)y << -shift), 0};
    return (struct qm_multiplier){y, -shift};
}
