/* reference_tables.c - the part of the reference evaluator for functions of one number: LOGISTIC, TANH, HARD_SWISH, LEAKY_RELU.
 *
 * Each element is computed by itself, with the integer steps of TFLite's int8 reference kernels.
 */
#include <math.h>

#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

/* The argument with 27 bits behind the point, or its sign when it is beyond 15 units. */
static bool to_q4(const struct reference_site *r, int32_t x, int32_t *q4) {
    int32_t multiplier;
    int shift;
    reference_multiplier(scale_of(r->in) * 134217728.0, &multiplier, &shift);
    double radius = floor(15.0 * 134217728.0 / pow(2, shift));
    bool inside = x > -radius && x < radius;
    *q4 = inside ? reference_scale(x, multiplier, shift) : x;
    return inside;
}

static int64_t logistic(const struct reference_site *r, int32_t x) {
    int32_t q4;
    if (!to_q4(r, x, &q4)) return x < 0 ? 0 : 255;
    if (q4 == 0) return 128;
    int32_t above_half = reference_inverse31(reference_exp31(q4 < 0 ? q4 : -q4, 27));
    return reference_divide(q4 < 0 ? INT32_MAX - above_half : above_half, 23);
}

static int64_t tangent(const struct reference_site *r, int32_t x) {
    int32_t q4;
    if (!to_q4(r, x, &q4)) return x < 0 ? -128 : 127;
    if (q4 == 0) return 0;
    int32_t positive = reference_ratio31(reference_exp31(q4 < 0 ? q4 : -q4, 26)); /* the same bits, one place up: twice the argument */
    return reference_divide(q4 < 0 ? -positive : positive, 24);
}

static int64_t cut16(int64_t x) {
    return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
}

/* ab / 2^15 to the nearest, ties up */
static int64_t product16(int64_t a, int64_t b) {
    return cut16((int64_t)floor(((double)a * (double)b + 16384) / 32768));
}

static int64_t multiplier16(float factor, int *shift) {
    int32_t multiplier;
    reference_multiplier((double)factor, &multiplier, shift);
    return cut16((int64_t)floor((double)multiplier / 65536 + 0.5));
}

static int64_t hard_swish(const struct reference_site *r, int32_t x) {
    int to_output, to_gate;
    float hires = r->in->quant.scale[0] / 128.0F;
    int64_t output_multiplier = multiplier16(hires / r->out->quant.scale[0], &to_output);
    int64_t gate_multiplier = multiplier16(hires / (3.0F / 32768.0F), &to_gate), argument = (int64_t)x * 128, gate = argument;
    for (int i = 1; i < to_gate; i++) gate = cut16(gate * 2);
    gate = product16(gate, gate_multiplier);
    if (to_gate > 0) gate = cut16(gate * 2);
    if (to_gate < 0) gate = reference_divide((int32_t)gate, -to_gate);
    gate = (int64_t)floor((double)(gate + 32768) / 2);
    int64_t product = cut16((int64_t)trunc((double)(gate * product16(argument, output_multiplier)) / 32768));
    return reference_divide((int32_t)product, -to_output);
}

static int64_t leaky_relu(const struct reference_site *r, int32_t x) {
    float in = r->in->quant.scale[0], out = r->out->quant.scale[0];
    return reference_scale_real(x, (double)(x < 0 ? in * r->op->alpha / out : in / out));
}

bool reference_run_table(const struct reference_site *r) {
    int64_t (*function)(const struct reference_site *, int32_t) = NULL;
    if (r->op->kind == QM_OP_LOGISTIC) function = logistic;
    if (r->op->kind == QM_OP_TANH) function = tangent;
    if (r->op->kind == QM_OP_HARD_SWISH) function = hard_swish;
    if (r->op->kind == QM_OP_LEAKY_RELU) function = leaky_relu;
    if (function == NULL) return false;
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int32_t x = number(r->in, r->bytes[r->op->inputs[0]], i) - zero_of(r->in);
        r->to[i] = reference_clamp(r, QM_ACT_NONE, function(r, x) + zero_of(r->out));
    }
    return true;
}
