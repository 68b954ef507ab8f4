/* host_ops.c - bytes and floats at the edges; softmax in fixed point, with the arithmetic of gemmlowp that the TFLite reference kernels use.
 *
 * A fixed-point number Qk is an int32 with k integer bits: real = raw * 2^(k - 31). A product is doubled and cut to its high half, rounded
 * with ties upwards, so the bits add up: Qa x Qb = Q(a + b). The steps of a row:
 *
 *   d(i)   = x(i) - max x, at most 0; elements with d < -radius give the smallest output and no part of the sum
 *   e(i)   = exp(d(i) * scale * beta) in Q0, from d in Q5
 *   sum    = sum of e(i) in Q12
 *   y(i)   = e(i) / sum * 256 - 128
 *
 * exp(a), a <= 0: a = r - n/4 with r in [-1/4, 0). exp(r) by the Taylor polynomial of degree 4 around -1/8; then one factor
 * exp(-2^j) for each bit j = -2..4 of n/4. 1 / sum: sum = 2^s (1 + f); 1 / (1 + f) = x / 2 by three Newton steps on (1 + f) / 2 from
 * the line 48/17 - 32/17 d.
 */
#include "driver/host_ops.h"

#include <math.h>

#include "common/multiplier.h"
#include "common/status.h"

enum { DIFF_BITS = 5, SUM_BITS = 12 };

static int32_t saturate(int64_t x) {
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

static int32_t high_mul(int32_t a, int32_t b) {
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? INT64_C(1) << 30 : 1 - (INT64_C(1) << 30);
    return saturate((product + nudge) / (INT64_C(1) << 31));
}

/* x / 2^bits, ties away from zero. */
static int32_t round_shift(int32_t x, int bits) {
    int64_t unit = INT64_C(1) << bits, half = unit / 2;
    return (int32_t)((x >= 0 ? x + half : x - half) / unit);
}

static int32_t shift_left(int32_t x, int bits) {
    return saturate((int64_t)x * (INT64_C(1) << bits));
}

/* exp of a in Q0, -1/4 <= a < 0. */
static int32_t exp_quarter(int32_t a) {
    const int32_t exp_minus_eighth = 1895147668, third = 715827883; /* Q0 */
    int32_t x = a + (1 << 28);
    int32_t x2 = high_mul(x, x), x3 = high_mul(x2, x), x4 = high_mul(x2, x2);
    int32_t tail = round_shift(high_mul(round_shift(x4, 2) + x3, third) + x2, 1); /* x^4/24 + x^3/6 + x^2/2 */
    return exp_minus_eighth + high_mul(exp_minus_eighth, x + tail);
}

/* exp of a in Q5, a <= 0; the result in Q0. */
static int32_t exp_negative(int32_t a) {
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242}; /* exp(-2^j), j = -2 .. 4, Q0 */
    const int32_t quarter = 1 << 24;                                                                        /* Q5 */
    if (a == 0) return INT32_MAX;
    int32_t rest = (a & (quarter - 1)) - quarter;
    int32_t result = exp_quarter(rest * (1 << DIFF_BITS));
    int32_t quarters = (rest - a) / quarter;
    for (int j = 0; j < 7; j++)
        if (quarters >> j & 1) result = high_mul(result, factors[j]);
    return result;
}

/* 1 / (1 + f), f in Q0 and 0 <= f < 1; the result in Q0. */
static int32_t one_over_one_plus(int32_t f) {
    const int32_t one = 1 << 29, start = 1515870810, slope = -1010580540; /* Q2: 1, 48/17, -32/17 */
    int32_t half = (int32_t)(((int64_t)f + INT32_MAX + 1) / 2);
    int32_t x = start + high_mul(half, slope);
    for (int i = 0; i < 3; i++) x += shift_left(high_mul(x, one - high_mul(half, x)), 2);
    return shift_left(x, 1);
}

struct reciprocal {
    int32_t value; /* Q0, in (1/2, 1] */
    int shift;     /* 1 / sum = value * 2^-shift */
};

static struct reciprocal reciprocal(int32_t sum) {
    int zeros = __builtin_clz((uint32_t)sum);
    uint32_t fraction = ((uint32_t)sum << zeros) - (UINT32_C(1) << 31);
    return (struct reciprocal){.value = one_over_one_plus((int32_t)fraction), .shift = SUM_BITS - zeros};
}

struct exponent {
    struct qm_multiplier scale; /* of a difference, to Q5 */
    int32_t lowest;             /* smallest difference that counts */
};

static struct exponent prepare(const struct qm_softmax *softmax) {
    double real = (double)softmax->beta * (double)softmax->input_scale * (1 << (31 - DIFF_BITS));
    double largest = 0x1p31 - 1;
    QM_CHECK(real > 1);
    struct exponent e = {.scale = qm_multiplier_from_real(real < largest ? real : largest)};
    int64_t radius = ((INT64_C(1) << DIFF_BITS) - 1) * (INT64_C(1) << (31 - DIFF_BITS)) / (INT64_C(1) << e.scale.shift);
    e.lowest = radius > INT8_MAX - INT8_MIN ? INT8_MIN - INT8_MAX : (int32_t)-radius;
    return e;
}

static int32_t exp_of(const struct exponent *e, int32_t difference) {
    return exp_negative(high_mul((int32_t)(difference * (INT64_C(1) << e->scale.shift)), e->scale.value));
}

static void softmax_row(const struct exponent *e, uint32_t depth, const int8_t *input, int8_t *output) {
    int32_t top = INT8_MIN, sum = 0;
    for (uint32_t i = 0; i < depth; i++) top = input[i] > top ? input[i] : top;
    for (uint32_t i = 0; i < depth; i++)
        if (input[i] - top >= e->lowest) sum += round_shift(exp_of(e, input[i] - top), SUM_BITS);
    struct reciprocal inverse = reciprocal(sum);
    for (uint32_t i = 0; i < depth; i++) {
        int32_t result = INT8_MIN;
        if (input[i] - top >= e->lowest) result += round_shift(high_mul(inverse.value, exp_of(e, input[i] - top)), inverse.shift + 31 - 8);
        output[i] = (int8_t)(result > INT8_MAX ? INT8_MAX : result);
    }
}

void qm_host_softmax(const struct qm_softmax *softmax, const int8_t *input, int8_t *output) {
    QM_CHECK(softmax->depth >= 1 && softmax->depth <= QM_SOFTMAX_DEPTH_MAX);
    struct exponent e = prepare(softmax);
    for (size_t row = 0; row < softmax->rows; row++)
        softmax_row(&e, softmax->depth, input + row * softmax->depth, output + row * softmax->depth);
}

/* ---- the edges ---- */

void qm_host_quantize(const struct qm_affine *affine, const float *input, uint8_t *output) {
    for (size_t i = 0; i < affine->count; i++) {
        float steps = roundf(input[i] / affine->scale);
        int32_t value = isnan(steps) ? 0 : (int32_t)fminf(fmaxf(steps, -1e6F), 1e6F); /* beyond bytes it only has to stay beyond */
        value += affine->zero_point;
        value = value < affine->low ? affine->low : value > affine->low + UINT8_MAX ? affine->low + UINT8_MAX : value;
        output[i] = (uint8_t)value;
    }
}

void qm_host_dequantize(const struct qm_affine *affine, const uint8_t *input, float *output) {
    for (size_t i = 0; i < affine->count; i++) {
        int32_t value = affine->low < 0 ? (int8_t)input[i] : input[i];
        output[i] = affine->scale * (float)(value - affine->zero_point);
    }
}
