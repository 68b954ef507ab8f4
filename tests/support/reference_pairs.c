/* reference_pairs.c - the part of the reference evaluator for operators on elements of two operands, bytes or floats.
 *
 * Sums and products of floats are made in double: it has more than twice the bits, so that rounding them once more harms nothing.
 */
#include <math.h>

#include "common/status.h"
#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

uint64_t reference_broadcast(const struct reference_site *r, const struct qm_graph_tensor *in, uint64_t i) {
    uint64_t at = 0, stride = 1;
    for (uint32_t d = 0; d < in->rank; d++) {
        uint32_t size = in->dims[in->rank - 1 - d], out = r->out->dims[r->out->rank - 1 - d];
        if (size > 1) at += i % out * stride;
        stride *= size;
        i /= out;
    }
    return at;
}

/* ---- of bytes, less their zero points ---- */

static const struct qm_graph_tensor *second_of(const struct reference_site *r) {
    return &r->graph->tensors[r->op->inputs[1]];
}

/* Microcontrollers' SUB of int8 works its factors out in single precision. */
static int64_t sum_or_difference(const struct reference_site *r, int32_t a, int32_t b) {
    bool subtracts = r->op->kind == QM_OP_SUB;
    double twice = 2 * fmax(scale_of(r->in), scale_of(second_of(r)));
    double factors[] = {scale_of(r->in) / twice, scale_of(second_of(r)) / twice, twice / (1048576 * scale_of(r->out))};
    for (int i = 0; i < 3 && subtracts && r->out->dtype == QM_I8; i++) factors[i] = (double)(float)factors[i];
    int32_t left = reference_scale_real(a * 1048576, factors[0]), right = reference_scale_real(b * 1048576, factors[1]);
    return reference_scale_real(subtracts ? left - right : left + right, factors[2]);
}

static int64_t multiplied(const struct reference_site *r, int32_t a, int32_t b) {
    return reference_scale_real(a * b, scale_of(r->in) * scale_of(second_of(r)) / scale_of(r->out));
}

static int64_t squared_difference(const struct reference_site *r, int32_t a, int32_t b) {
    double twice = 2 * fmax(scale_of(r->in), scale_of(second_of(r)));
    int32_t difference =
        reference_scale_real(a * 128, scale_of(r->in) / twice) - reference_scale_real(b * 128, scale_of(second_of(r)) / twice);
    return reference_scale_real(difference * difference, twice * twice / (16384 * scale_of(r->out)));
}

/* LiteRT, which alone has it of uint8, works its factors out in single precision. */
static int64_t prelu(const struct reference_site *r, int32_t a, int32_t b) {
    float in = r->in->quant.scale[0], slope = second_of(r)->quant.scale[0], out = r->out->quant.scale[0];
    bool in_single = r->in->dtype == QM_U8;
    if (a >= 0) return reference_scale_real(a, in_single ? (double)(in / out) : (double)in / (double)out);
    return in_single ? reference_scale_real(a * b, (double)(in * slope / out)) : multiplied(r, a, b);
}

/* The largest power of two that a 31-bit number can be multiplied with, negative ones less by 1. */
static int headroom_of(int32_t x) {
    int64_t magnitude = x < 0 ? -(int64_t)x - 1 : x;
    int bits = 0;
    while (magnitude != 0 && magnitude << bits < INT64_C(1) << 30) bits++;
    return magnitude == 0 ? 31 : bits;
}

/* The dividend, made as large as it goes, times the reciprocal of the divisor; then times the factor, and all shifts at once. C says
 * nothing of a shift by more than 31 bits: TensorFlow's own builds run on processors that take it modulo 32. */
static int64_t quotient(const struct reference_site *r, int32_t a, int32_t b) {
    float factor = r->in->quant.scale[0] / (second_of(r)->quant.scale[0] * r->out->quant.scale[0]);
    int32_t multiplier, dividend = b < 0 ? -a : a, divisor = b < 0 ? -b : b;
    int shift, zeros = 0, headroom = headroom_of(dividend);
    reference_multiplier((double)factor, &multiplier, &shift);
    while ((int64_t)divisor << zeros < INT64_C(1) << 31) zeros++;
    int32_t inverse = reference_inverse31((int32_t)(((int64_t)divisor << zeros) - (INT64_C(1) << 31)));
    int32_t high = reference_product(reference_scale(dividend, inverse, headroom), multiplier);
    int right = 31 - zeros + headroom - shift;
    if (right <= 31) return reference_divide(high, right);
    return reference_floor_shift(high, right % 32) + (high >= 0);
}

/* ---- of what is stored ---- */

static double smaller(double a, double b) {
    return a < b ? a : b;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

static double floor_quotient(double a, double b) {
    return floor(a / b);
}

/* ---- of floats ---- */

static double add(double a, double b) {
    return a + b;
}

static double subtract(double a, double b) {
    return a - b;
}

static double multiply(double a, double b) {
    return a * b;
}

static double divide(double a, double b) {
    return a / b;
}

static double square_of_difference(double a, double b) {
    double difference = (double)(float)(a - b);
    return difference * difference;
}

static double leak(double a, double b) {
    return a >= 0 ? a : a * b;
}

/* ---- both ---- */

static const struct pair {
    enum qm_graph_op_kind kind;
    int64_t (*bytes)(const struct reference_site *r, int32_t a, int32_t b); /* NULL: of what is stored */
    double (*reals)(double a, double b);
} pairs[] = {
    {QM_OP_ADD, sum_or_difference, add},
    {QM_OP_SUB, sum_or_difference, subtract},
    {QM_OP_MUL, multiplied, multiply},
    {QM_OP_DIV, quotient, divide},
    {QM_OP_PRELU, prelu, leak},
    {QM_OP_SQUARED_DIFFERENCE, squared_difference, square_of_difference},
    {QM_OP_FLOOR_DIV, NULL, floor_quotient},
    {QM_OP_MINIMUM, NULL, smaller},
    {QM_OP_MAXIMUM, NULL, larger},
};

static float activated(enum qm_activation activation, double value) {
    double low = activation == QM_ACT_NONE ? -INFINITY : activation == QM_ACT_RELU_N1_TO_1 ? -1 : 0;
    double high = activation == QM_ACT_RELU6 ? 6 : activation == QM_ACT_RELU_N1_TO_1 ? 1 : INFINITY;
    return (float)(value < low ? low : value > high ? high : value);
}

static void run_at(const struct reference_site *r, const struct pair *pair, uint64_t i) {
    const struct qm_graph_tensor *second = second_of(r);
    double a = stored(r->in, r->bytes[r->op->inputs[0]], reference_broadcast(r, r->in, i));
    double b = stored(second, r->bytes[r->op->inputs[1]], reference_broadcast(r, second, i));
    if (r->out->dtype == QM_F32)
        set_real(r, i, activated(r->op->activation, pair->reals(a, b)));
    else if (pair->bytes == NULL)
        r->to[i] = (int8_t)pair->reals(a, b);
    else
        r->to[i] = reference_clamp(r, r->op->activation,
                                   pair->bytes(r, (int32_t)a - zero_of(r->in), (int32_t)b - zero_of(second)) + zero_of(r->out));
}

bool reference_run_pair(const struct reference_site *r) {
    const struct pair *pair = NULL;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i].kind == r->op->kind) pair = &pairs[i];
    for (uint64_t i = 0; pair != NULL && i < qm_graph_elements(r->out); i++) run_at(r, pair, i);
    return pair != NULL;
}
