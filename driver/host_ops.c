/* host_ops.c - bytes to floats and back at the edges of a network; softmax in fixed point (common/fixed_functions.h). A row's softmax:
 *
 *   d(i)   = x(i) - max x, at most 0; elements with d < -radius give the smallest output and no part of the sum
 *   e(i)   = exp(d(i) * scale * beta) in Q0, from d in Q5
 *   sum    = sum of e(i) in Q12
 *   y(i)   = e(i) / sum * 256 - 128; for 1 / sum: sum = 2^s (1 + f)
 * or, for its logarithm, y(i) = (d(i) * scale - log(sum)) * 16 + 127.
 */
#include "driver/host_ops.h"

#include <math.h>

#include "common/fixed_functions.h"
#include "common/fixed_point.h"
#include "common/multiplier.h"
#include "common/status.h"

enum { DIFF_BITS = 5, SUM_BITS = 12, LOG_OUT_BITS = 4 };

struct reciprocal {
    int32_t value; /* Q0, in (1/2, 1] */
    int shift;     /* 1 / sum = value * 2^-shift */
};

static struct reciprocal reciprocal(int32_t sum) {
    int zeros = __builtin_clz((uint32_t)sum);
    uint32_t fraction = ((uint32_t)sum << zeros) - (UINT32_C(1) << 31);
    return (struct reciprocal){.value = qm_fixed_reciprocal((int32_t)fraction), .shift = SUM_BITS - zeros};
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

/* In Q5. */
static int32_t scaled(const struct exponent *e, int32_t difference) {
    return qm_fixed_mul((int32_t)(difference * (INT64_C(1) << e->scale.shift)), e->scale.value);
}

static int32_t exp_of(const struct exponent *e, int32_t difference) {
    return qm_fixed_exp(scaled(e, difference), DIFF_BITS);
}

static int32_t largest(uint32_t depth, const int8_t *input) {
    int32_t top = INT8_MIN;
    for (uint32_t i = 0; i < depth; i++) top = input[i] > top ? input[i] : top;
    return top;
}

/* In Q12. */
static int32_t sum_of_exponentials(const struct exponent *e, uint32_t depth, const int8_t *input, int32_t top) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < depth; i++)
        if (input[i] - top >= e->lowest) sum += qm_fixed_round(exp_of(e, input[i] - top), SUM_BITS);
    return sum;
}

static void softmax_row(const struct exponent *e, uint32_t depth, const int8_t *input, int8_t *output) {
    int32_t top = largest(depth, input);
    struct reciprocal inverse = reciprocal(sum_of_exponentials(e, depth, input, top));
    for (uint32_t i = 0; i < depth; i++) {
        int32_t result = INT8_MIN;
        if (input[i] - top >= e->lowest)
            result += qm_fixed_round(qm_fixed_mul(inverse.value, exp_of(e, input[i] - top)), inverse.shift + 31 - 8);
        output[i] = (int8_t)(result > INT8_MAX ? INT8_MAX : result);
    }
}

void qm_host_softmax(const struct qm_softmax *softmax, const int8_t *input, int8_t *output) {
    QM_CHECK(softmax->depth >= 1 && softmax->depth <= QM_SOFTMAX_DEPTH_MAX);
    struct exponent e = prepare(softmax);
    for (size_t row = 0; row < softmax->rows; row++)
        softmax_row(&e, softmax->depth, input + row * softmax->depth, output + row * softmax->depth);
}

/* The lowest difference that counts, where log_sum is in Q5: lower ones, whose logarithm is far below -16, are not even scaled. */
static int32_t log_lowest(const struct exponent *e, int32_t log_sum) {
    double back = ldexp(1, 31 - e->scale.shift) / e->scale.value;
    struct qm_multiplier inverse = qm_multiplier_from_real(back);
    int32_t reach = qm_scale(log_sum + INT32_MIN, inverse.value, inverse.shift, QM_rounding_TFLITE);
    return reach > e->lowest - 1 ? reach + 1 : e->lowest;
}

static void log_softmax_row(const struct exponent *e, uint32_t depth, const int8_t *input, int8_t *output) {
    int32_t top = largest(depth, input), log_sum = qm_fixed_log(sum_of_exponentials(e, depth, input, top));
    int32_t lowest = log_lowest(e, log_sum);
    for (uint32_t i = 0; i < depth; i++) {
        int32_t result = INT8_MIN;
        if (input[i] - top >= lowest)
            result = INT8_MAX + qm_fixed_round(scaled(e, input[i] - top) - log_sum, 31 - DIFF_BITS - LOG_OUT_BITS);
        output[i] = (int8_t)(result > INT8_MAX ? INT8_MAX : result < INT8_MIN ? INT8_MIN : result);
    }
}

void qm_host_log_softmax(const struct qm_softmax *softmax, const int8_t *input, int8_t *output) {
    QM_CHECK(softmax->depth >= 1 && softmax->depth <= QM_SOFTMAX_DEPTH_MAX);
    struct exponent e = prepare(softmax);
    for (size_t row = 0; row < softmax->rows; row++)
        log_softmax_row(&e, softmax->depth, input + row * softmax->depth, output + row * softmax->depth);
}

/* ---- the edges ---- */

void qm_host_quantize(const struct qm_affine *affine, const float *input, uint8_t *output) {
    for (size_t i = 0; i < affine->count; i++) {
        double steps = (double)roundf(input[i] / affine->scale);
        int32_t value = isnan(steps) ? 0 : (int32_t)fmin(fmax(steps, -1e6), 1e6); /* beyond bytes it only has to stay beyond */
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

void qm_host_dequantize_sums(const struct qm_affine *affine, const int32_t *input, float *output) {
    for (size_t i = 0; i < affine->count; i++) output[i] = affine->scale * (float)((int64_t)input[i] - affine->zero_point);
}
