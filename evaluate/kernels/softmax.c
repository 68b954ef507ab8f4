/* softmax.c - SOFTMAX and LOG_SOFTMAX of the last dimension: of bytes in fixed point (common/fixed_functions.h). A row's softmax:
 *
 *   d(i)   = x(i) - max x, at most 0; elements with d < -radius give the smallest output and no part of the sum
 *   e(i)   = exp(d(i) * scale * beta) in Q0, from d in Q5
 *   sum    = sum of e(i) in Q12
 *   y(i)   = e(i) / sum * 256 - 128; for 1 / sum: sum = 2^s (1 + f)
 * or, for its logarithm, y(i) = (d(i) * scale - log(sum)) * 16 + 127.
 */
#include <float.h>
#include <math.h>

#include "common/fixed_functions.h"
#include "evaluate/kernels/kernel.h"

enum { DEPTH_MAX = 4095 }; /* more would overflow the sum of exponentials, in TFLite as well */
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

/* The factor of a difference, to Q5. */
static double difference_factor(const struct kernel *k) {
    float beta = k->op->kind == QM_OP_LOG_SOFTMAX ? 1 : k->op->beta;
    return (double)beta * (double)kernel_scale(kernel_input(k, 0)) * (1 << (31 - DIFF_BITS));
}

static struct exponent prepare(const struct kernel *k) {
    double real = difference_factor(k), largest = 0x1p31 - 1;
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

/* The last dimension of a tensor of bytes, and what the smallest byte is. */
struct byte_row {
    enum qm_dtype dtype;
    const uint8_t *input;
    uint8_t *output;
    uint32_t depth;
    int32_t low;
};

static int32_t largest(const struct byte_row *row) {
    int32_t top = row->low;
    for (uint32_t i = 0; i < row->depth; i++) {
        int32_t x = kernel_byte(row->dtype, row->input, i);
        top = x > top ? x : top;
    }
    return top;
}

/* In Q12. */
static int32_t sum_of_exponentials(const struct exponent *e, const struct byte_row *row, int32_t top) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < row->depth; i++) {
        int32_t difference = kernel_byte(row->dtype, row->input, i) - top;
        if (difference >= e->lowest) sum += qm_fixed_round(exp_of(e, difference), SUM_BITS);
    }
    return sum;
}

static void softmax_row(const struct kernel *k, const struct byte_row *row) {
    int32_t top = largest(row);
    struct exponent e = prepare(k);
    struct reciprocal inverse = reciprocal(sum_of_exponentials(&e, row, top));
    for (uint32_t i = 0; i < row->depth; i++) {
        int32_t result = row->low, difference = kernel_byte(row->dtype, row->input, i) - top;
        if (difference >= e.lowest) result += qm_fixed_round(qm_fixed_mul(inverse.value, exp_of(&e, difference)), inverse.shift + 31 - 8);
        kernel_set_byte(row->output, i, qm_clamp(result, row->low, row->low + UINT8_MAX));
    }
}

/* The lowest difference that counts, where log_sum is in Q5: lower ones, whose logarithm is far below -16, are not even scaled. */
static int32_t log_lowest(const struct exponent *e, int32_t log_sum) {
    double back = ldexp(1, 31 - e->scale.shift) / e->scale.value;
    struct qm_multiplier inverse = qm_multiplier_from_real(back);
    int32_t reach = qm_scale(log_sum + INT32_MIN, inverse.value, inverse.shift, QM_rounding_TFLITE);
    return reach > e->lowest - 1 ? reach + 1 : e->lowest;
}

static void log_softmax_row(const struct kernel *k, const struct byte_row *row) {
    struct exponent e = prepare(k);
    int32_t top = largest(row), log_sum = qm_fixed_log(sum_of_exponentials(&e, row, top));
    int32_t lowest = log_lowest(&e, log_sum), high = row->low + UINT8_MAX;
    for (uint32_t i = 0; i < row->depth; i++) {
        int32_t result = row->low, difference = kernel_byte(row->dtype, row->input, i) - top;
        if (difference >= lowest) result = high + qm_fixed_round(scaled(&e, difference) - log_sum, 31 - DIFF_BITS - LOG_OUT_BITS);
        kernel_set_byte(row->output, i, qm_clamp(result, row->low, high));
    }
}

/* LiteRT's kernel for a host: powers in single precision, their sum in the order of the row, half up. */
static void float_softmax_row(const struct kernel *k, const struct byte_row *row) {
    float powers[UINT8_MAX + 1], sum = 0;
    int32_t top = largest(row);
    for (int32_t i = 0; i <= UINT8_MAX; i++) powers[i] = expf(-kernel_scale(kernel_input(k, 0)) * k->op->beta * (float)i);
    for (uint32_t i = 0; i < row->depth; i++) sum += powers[top - kernel_byte(row->dtype, row->input, i)];
    float inverse = 1.0F / (sum * kernel_scale(kernel_output(k)));
    for (uint32_t i = 0; i < row->depth; i++) {
        float steps = powers[top - kernel_byte(row->dtype, row->input, i)] * inverse;
        kernel_set_byte(row->output, i, qm_clamp((int32_t)(steps + 0.5F) + row->low, row->low, row->low + UINT8_MAX));
    }
}

/* ---- of floats ---- */

static float largest_float(const void *input, size_t first, uint32_t depth) {
    float top = -FLT_MAX;
    for (size_t i = first; i < first + depth; i++) top = top < kernel_float(input, i) ? kernel_float(input, i) : top;
    return top;
}

static void float_row(const struct kernel *k, size_t first, uint32_t depth) {
    float top = largest_float(k->inputs[0], first, depth), sum = 0;
    for (size_t i = first; i < first + depth; i++) {
        float power = expf((kernel_float(k->inputs[0], i) - top) * k->op->beta);
        kernel_set_float(k->outputs[0], i, power);
        sum += power;
    }
    for (size_t i = first; i < first + depth; i++) kernel_set_float(k->outputs[0], i, kernel_float(k->outputs[0], i) / sum);
}

static void log_float_row(const struct kernel *k, size_t first, uint32_t depth) {
    float top = largest_float(k->inputs[0], first, depth), sum = 0;
    for (size_t i = first; i < first + depth; i++) sum += expf(kernel_float(k->inputs[0], i) - top);
    float log_sum = logf(sum);
    for (size_t i = first; i < first + depth; i++) kernel_set_float(k->outputs[0], i, kernel_float(k->inputs[0], i) - top - log_sum);
}

/* ---- the operators ---- */

/* The output's scale and zero point are the operator's own. */
static const char *check_rows(const struct kernel *k, float scale, int32_t zero) {
    const struct qm_graph_tensor *out = kernel_output(k);
    if (out->rank == 0) return "its input is a scalar";
    if (out->dtype == QM_F32) return NULL;
    if (kernel_scale(out) != scale || kernel_zero(out) != zero) return "its output has not the scale and zero point of the operator";
    if (out->dims[out->rank - 1] > DEPTH_MAX) return "its rows have more than 4095 elements";
    return difference_factor(k) > 1 ? NULL : "beta times the input's scale is too small";
}

const char *kernel_check_softmax(const struct kernel *k) {
    if (!isfinite(k->op->beta)) return "its beta is not finite";
    return check_rows(k, 1.0F / 256, qm_graph_lowest(kernel_output(k)));
}

const char *kernel_check_log_softmax(const struct kernel *k) {
    return check_rows(k, 1.0F / 16, INT8_MAX);
}

static void run_byte_rows(const struct kernel *k, void (*run)(const struct kernel *, const struct byte_row *)) {
    const struct qm_graph_tensor *out = kernel_output(k);
    struct byte_row row = {.dtype = out->dtype, .depth = out->dims[out->rank - 1], .low = qm_graph_lowest(out)};
    for (size_t i = 0; i < qm_graph_elements(out); i += row.depth) {
        row.input = (const uint8_t *)k->inputs[0] + i;
        row.output = (uint8_t *)k->outputs[0] + i;
        run(k, &row);
    }
}

static void run_float_rows(const struct kernel *k, void (*run)(const struct kernel *, size_t, uint32_t)) {
    const struct qm_graph_tensor *out = kernel_output(k);
    uint32_t depth = out->dims[out->rank - 1];
    for (size_t i = 0; i < qm_graph_elements(out); i += depth) run(k, i, depth);
}

bool kernel_run_softmax(const struct kernel *k) {
    if (kernel_output(k)->dtype == QM_F32)
        run_float_rows(k, float_row);
    else
        run_byte_rows(k, k->graph->kernels == QM_KERNELS_XNNPACK ? float_softmax_row : softmax_row);
    return true;
}

bool kernel_run_log_softmax(const struct kernel *k) {
    if (kernel_output(k)->dtype == QM_F32)
        run_float_rows(k, log_float_row);
    else
        run_byte_rows(k, log_softmax_row);
    return true;
}
