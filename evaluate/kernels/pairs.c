/* pairs.c - elements of two operands, whose shapes are broadcast: sums, products, quotients, extremes, PRELU.
 *
 *   ADD, SUB              (x << 20) * scale / (2 * the larger scale) of each operand, the sum * 2 * the larger / (2^20 * output scale)
 *   SQUARED_DIFFERENCE    the same with 7 bits, of which the square has 14
 *   MUL                   the product * (scale * scale / output scale)
 *   DIV                   below
 *   PRELU                 x * scale / output scale; below zero x * alpha * (scale * alpha's scale / output scale)
 *   MINIMUM, MAXIMUM, FLOOR_DIV    of the numbers as they are stored, whatever they mean
 *
 * LiteRT works the factors of PRELU out in single precision, also those of uint8, which it alone has; Microcontrollers those of SUB of
 * int8, and both those of DIV.
 */
#include <math.h>

#include "common/fixed_functions.h"
#include "evaluate/kernels/kernel.h"

enum { SUM_BITS = 20, SQUARE_BITS = 7, LEFT_MAX = 30, QUOTIENT_LEFT_MAX = 23, QUOTIENT_RIGHT_MAX = 25 };

/* What is done with bytes. */
struct terms {
    int32_t a_zero, b_zero, out_zero, low, high;
    double a, b, out; /* factors */
    struct qm_multiplier a_scale, b_scale, out_scale;
};

/* ---- factors ---- */

static void sum_factors(struct terms *t, double a, double b, double out, int bits) {
    double twice_larger = 2 * fmax(a, b);
    t->a = a / twice_larger;
    t->b = b / twice_larger;
    t->out = twice_larger / (ldexp(1, bits) * out);
}

static void single_sum_factors(struct terms *t, float a, float b, float out) {
    float twice_larger = 2 * fmaxf(a, b);
    t->a = (double)(a / twice_larger);
    t->b = (double)(b / twice_larger);
    t->out = (double)(twice_larger / (ldexpf(1, SUM_BITS) * out));
}

static void set_factors(const struct kernel *k, struct terms *t) {
    float a = kernel_scale(kernel_input(k, 0)), b = kernel_scale(kernel_input(k, 1)), out = kernel_scale(kernel_output(k));
    bool in_single = kernel_output(k)->dtype == QM_U8 || k->graph->kernels != QM_KERNELS_TFLITE; /* PRELU */
    switch (k->op->kind) {
    case QM_OP_SUB:
    case QM_OP_ADD:
        if (k->op->kind == QM_OP_SUB && kernel_output(k)->dtype == QM_I8 && k->graph->kernels == QM_KERNELS_TFLITE)
            single_sum_factors(t, a, b, out);
        else
            sum_factors(t, (double)a, (double)b, (double)out, SUM_BITS);
        break;
    case QM_OP_SQUARED_DIFFERENCE:
        sum_factors(t, (double)a, (double)b, (double)out, 2 * SQUARE_BITS);
        t->out = 4 * fmax((double)a, (double)b) * fmax((double)a, (double)b) / (ldexp(1, 2 * SQUARE_BITS) * (double)out);
        break;
    case QM_OP_DIV: t->out = (double)(a / (b * out)); break;
    case QM_OP_PRELU:
        t->a = in_single ? (double)(a / out) : (double)a / (double)out;
        t->out = in_single ? (double)(a * b / out) : (double)a * (double)b / (double)out;
        break;
    default: t->out = (double)a * (double)b / (double)out; break;
    }
}

static bool works_on_stored(enum qm_graph_op_kind kind) {
    return kind == QM_OP_MINIMUM || kind == QM_OP_MAXIMUM || kind == QM_OP_FLOOR_DIV;
}

/* False: a factor has no multiplier that the kernel can use. Those of sums are at most 1, as the kernels ask. */
static bool make_terms(const struct kernel *k, struct terms *t) {
    enum qm_graph_op_kind kind = k->op->kind;
    *t = (struct terms){0};
    if (works_on_stored(kind)) return true;
    int left = kind == QM_OP_ADD || kind == QM_OP_SUB ? 0 : kind == QM_OP_DIV ? QUOTIENT_LEFT_MAX : LEFT_MAX;
    set_factors(k, t);
    if (!kernel_factor_fits(t->a, LEFT_MAX) || !kernel_factor_fits(t->b, LEFT_MAX) || !kernel_factor_fits(t->out, left)) return false;
    t->a_zero = kernel_zero(kernel_input(k, 0));
    t->b_zero = kernel_zero(kernel_input(k, 1));
    t->out_zero = kernel_zero(kernel_output(k));
    t->a_scale = qm_multiplier_from_real(t->a);
    t->b_scale = qm_multiplier_from_real(t->b);
    t->out_scale = qm_multiplier_from_real(t->out);
    if (kind == QM_OP_DIV && t->out_scale.shift < -QUOTIENT_RIGHT_MAX) return false;
    qm_graph_activation_range(kernel_output(k), k->op->activation, &t->low, &t->high);
    return true;
}

/* ---- of bytes ---- */

static int32_t finish(const struct terms *t, int32_t scaled) {
    return qm_output(scaled, t->out_zero, t->low, t->high);
}

static int32_t shifted(int32_t x, int32_t zero, int bits, struct qm_multiplier scale) {
    return qm_multiplied((x - zero) * (1 << bits), scale);
}

static int32_t add(const struct terms *t, int32_t a, int32_t b) {
    int32_t sum = shifted(a, t->a_zero, SUM_BITS, t->a_scale) + shifted(b, t->b_zero, SUM_BITS, t->b_scale);
    return finish(t, qm_multiplied(sum, t->out_scale));
}

static int32_t subtract(const struct terms *t, int32_t a, int32_t b) {
    int32_t difference = shifted(a, t->a_zero, SUM_BITS, t->a_scale) - shifted(b, t->b_zero, SUM_BITS, t->b_scale);
    return finish(t, qm_multiplied(difference, t->out_scale));
}

static int32_t square_difference(const struct terms *t, int32_t a, int32_t b) {
    int32_t difference = shifted(a, t->a_zero, SQUARE_BITS, t->a_scale) - shifted(b, t->b_zero, SQUARE_BITS, t->b_scale);
    return finish(t, qm_multiplied(difference * difference, t->out_scale));
}

static int32_t multiply(const struct terms *t, int32_t a, int32_t b) {
    return finish(t, qm_multiplied((a - t->a_zero) * (b - t->b_zero), t->out_scale));
}

/* high / 2^bits, rounded as the kernels do. Beyond 31 bits C says nothing of their shift: this is what a processor does that takes its
 * count modulo 32, on which TensorFlow's own builds run. A quotient far below a step then becomes 1, or anything up to the largest byte. */
static int32_t shift_right(int32_t high, int bits) {
    int count = bits & 31;
    int32_t mask = bits > 31 ? -1 : (int32_t)((UINT32_C(1) << bits) - 1), threshold = (bits > 31 ? -1 : mask / 2) + (high < 0);
    int32_t whole = high < 0 ? (int32_t) ~(~(uint32_t)high >> count) : (int32_t)((uint32_t)high >> count);
    return whole + ((high & mask) > threshold);
}

/* The dividend, shifted to the left as far as it goes, times the reciprocal of a positive divisor, 2^bits * (1 + fraction); then times the
 * factor. */
static int32_t divide(const struct terms *t, int32_t a, int32_t b) {
    int32_t divisor = b - t->b_zero, dividend = divisor < 0 ? t->a_zero - a : a - t->a_zero;
    uint32_t positive = (uint32_t)(divisor < 0 ? -divisor : divisor);
    int zeros = __builtin_clz(positive), headroom = __builtin_clrsb(dividend);
    int32_t reciprocal = qm_fixed_reciprocal((int32_t)((positive << zeros) - (UINT32_C(1) << 31)));
    int32_t quotient = qm_scale(dividend, reciprocal, headroom, QM_rounding_TFLITE);
    return finish(t, shift_right(qm_fixed_mul(quotient, t->out_scale.value), 31 - zeros + headroom - t->out_scale.shift));
}

static int32_t prelu(const struct terms *t, int32_t a, int32_t b) {
    int32_t x = a - t->a_zero;
    return finish(t, x >= 0 ? qm_multiplied(x, t->a_scale) : qm_multiplied(x * (b - t->b_zero), t->out_scale));
}

static int32_t smaller(const struct terms *t, int32_t a, int32_t b) {
    (void)t;
    return a < b ? a : b;
}

static int32_t larger(const struct terms *t, int32_t a, int32_t b) {
    (void)t;
    return a > b ? a : b;
}

static int32_t floor_quotient(const struct terms *t, int32_t a, int32_t b) {
    (void)t;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* ---- of floats ---- */

static float add_floats(float a, float b) {
    return a + b;
}

static float subtract_floats(float a, float b) {
    return a - b;
}

static float multiply_floats(float a, float b) {
    return a * b;
}

static float divide_floats(float a, float b) {
    return a / b;
}

static float square_float_difference(float a, float b) {
    return (a - b) * (a - b);
}

static float prelu_floats(float a, float b) {
    return a >= 0 ? a : a * b;
}

static float smaller_float(float a, float b) {
    return a < b ? a : b;
}

static float larger_float(float a, float b) {
    return a > b ? a : b;
}

static float floor_float_quotient(float a, float b) {
    return (float)floor((double)a / (double)b);
}

/* ---- both ---- */

struct pair {
    int32_t (*bytes)(const struct terms *t, int32_t a, int32_t b);
    float (*floats)(float a, float b);
};

static struct pair pair_of(enum qm_graph_op_kind kind) {
    switch (kind) {
    case QM_OP_ADD: return (struct pair){add, add_floats};
    case QM_OP_SUB: return (struct pair){subtract, subtract_floats};
    case QM_OP_MUL: return (struct pair){multiply, multiply_floats};
    case QM_OP_DIV: return (struct pair){divide, divide_floats};
    case QM_OP_FLOOR_DIV: return (struct pair){floor_quotient, floor_float_quotient};
    case QM_OP_SQUARED_DIFFERENCE: return (struct pair){square_difference, square_float_difference};
    case QM_OP_PRELU: return (struct pair){prelu, prelu_floats};
    case QM_OP_MINIMUM: return (struct pair){smaller, smaller_float};
    default: return (struct pair){larger, larger_float};
    }
}

const char *kernel_check_pairs(const struct kernel *k) {
    const struct qm_graph_tensor *out = kernel_output(k);
    struct terms terms;
    if (kernel_input(k, 0)->dtype != kernel_input(k, 1)->dtype) return "its operands have different types";
    if (!kernel_broadcasts(kernel_input(k, 0), out) || !kernel_broadcasts(kernel_input(k, 1), out))
        return "the output's shape is not that of the operands";
    return kernel_is_byte(out) && !make_terms(k, &terms) ? "its scales are too far apart" : NULL;
}

static void run_floats(const struct kernel *k) {
    enum qm_graph_op_kind kind = k->op->kind;
    float (*function)(float, float) = pair_of(kind).floats;
    bool cut = kind == QM_OP_ADD || kind == QM_OP_SUB || kind == QM_OP_MUL || kind == QM_OP_DIV;
    for (struct kernel_walk walk = kernel_walk_begin(k); walk.to < walk.end; kernel_walk_next(&walk)) {
        float value = function(kernel_float(k->inputs[0], walk.from[0]), kernel_float(k->inputs[1], walk.from[1]));
        kernel_set_float(k->outputs[0], walk.to, cut ? kernel_activate(k->op->activation, value) : value);
    }
}

/* Divisors that are zero have no quotient; a quotient of 128 has no int8. */
static bool can_divide(const struct kernel *k) {
    const struct qm_graph_tensor *divisor = kernel_input(k, 1);
    int32_t zero = k->op->kind == QM_OP_DIV && kernel_is_byte(divisor) ? kernel_zero(divisor) : 0;
    bool floats = divisor->dtype == QM_F32;
    if (k->op->kind == QM_OP_DIV && floats) return true;
    for (size_t i = 0; i < qm_graph_elements(divisor); i++)
        if (floats ? kernel_float(k->inputs[1], i) == 0 : kernel_byte(divisor->dtype, k->inputs[1], i) == zero) return false;
    return true;
}

static bool run_bytes(const struct kernel *k) {
    enum qm_dtype dtype = kernel_output(k)->dtype;
    int32_t (*function)(const struct terms *, int32_t, int32_t) = pair_of(k->op->kind).bytes;
    struct terms terms;
    if (!make_terms(k, &terms)) return false;
    for (struct kernel_walk walk = kernel_walk_begin(k); walk.to < walk.end; kernel_walk_next(&walk)) {
        int32_t a = kernel_byte(dtype, k->inputs[0], walk.from[0]), b = kernel_byte(dtype, k->inputs[1], walk.from[1]);
        int32_t value = function(&terms, a, b);
        if (k->op->kind == QM_OP_FLOOR_DIV && value > INT8_MAX) return false;
        kernel_set_byte(k->outputs[0], walk.to, value);
    }
    return true;
}

bool kernel_run_pairs(const struct kernel *k) {
    bool divides = k->op->kind == QM_OP_DIV || k->op->kind == QM_OP_FLOOR_DIV;
    if (divides && !can_divide(k)) return false;
    if (kernel_output(k)->dtype != QM_F32) return run_bytes(k);
    run_floats(k);
    return true;
}
