/* reference_tables.c - the part of the reference evaluator for functions of one byte.
 *
 * Each element is computed by itself, with the steps of TFLite's reference kernels: in integers; or, for ELU, GELU, EXP, LOG and SQRT, and
 * for LOGISTIC and TANH of uint8, which microcontrollers lack, in single precision with the functions of the C library.
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

static int64_t zero_to_one(const struct reference_site *r, int32_t x) {
    float in = r->in->quant.scale[0], out = r->out->quant.scale[0];
    int64_t value = reference_scale_real(x, (double)(in / out)), one = lroundf(1 / out);
    return value < 0 ? 0 : value > one ? one : value;
}

static int64_t magnitude(const struct reference_site *r, int32_t x) {
    float in = r->in->quant.scale[0], out = r->out->quant.scale[0];
    int32_t positive = x < 0 ? -x : x;
    return in == out ? positive : reference_scale_real(positive, (double)(in / out));
}

/* With 20 bits more on the way. Of 0 it is the highest number there is. */
static int64_t inverse_root(const struct reference_site *r, int32_t x) {
    int32_t root, multiplier;
    int root_shift, shift;
    reference_multiplier(1 / (double)(sqrtf(r->in->quant.scale[0]) * r->out->quant.scale[0]), &multiplier, &shift);
    if (x == 0) return 255;
    reference_inverse_root(x, &root, &root_shift);
    return reference_scale(reference_scale(1, root, root_shift + 20), multiplier, shift - 20);
}

/* The stored byte is negated, of which 8 bits remain; zero points are no part of it. */
static int64_t opposite(const struct reference_site *r, int32_t x) {
    int32_t stored = x + zero_of(r->in), negated = stored == -128 ? -128 : -stored;
    return negated - zero_of(r->out);
}

/* ---- in single precision ---- */

static float real_function(const struct reference_site *r, float x) {
    float lowest = -128 - (float)zero_of(r->out);
    switch (r->op->kind) {
    case QM_OP_ELU: return x < 0 ? expf(x) - 1 : x;
    case QM_OP_EXP: return expf(x);
    case QM_OP_LOGISTIC: return 1 / (1 + expf(-x));
    case QM_OP_TANH: return tanhf(x);
    case QM_OP_LOG: return x > 0 ? logf(x) : lowest * r->out->quant.scale[0];
    default:
        if (r->op->approximate) return 0.5F * x * (1 + tanhf((float)sqrt(2 / acos(-1)) * (x + 0.044715F * x * x * x)));
        return 0.5F * x * erfcf(x * -(float)sqrt(0.5));
    }
}

static int64_t of_reals(const struct reference_site *r, int32_t x) {
    return (int64_t)roundf(real_function(r, r->in->quant.scale[0] * (float)x) * (1 / r->out->quant.scale[0]));
}

/* Steps below the root, which is not rounded. */
static int64_t root(const struct reference_site *r, int32_t x) {
    return (int64_t)floorf(sqrtf(r->in->quant.scale[0] * (float)x) / r->out->quant.scale[0]);
}

static const struct {
    enum qm_graph_op_kind kind;
    int64_t (*function)(const struct reference_site *r, int32_t x); /* both less their zero points */
} functions[] = {
    {QM_OP_LOGISTIC, logistic},
    {QM_OP_TANH, tangent},
    {QM_OP_HARD_SWISH, hard_swish},
    {QM_OP_LEAKY_RELU, leaky_relu},
    {QM_OP_RELU_0_TO_1, zero_to_one},
    {QM_OP_ABS, magnitude},
    {QM_OP_RSQRT, inverse_root},
    {QM_OP_ELU, of_reals},
    {QM_OP_GELU, of_reals},
    {QM_OP_EXP, of_reals},
    {QM_OP_LOG, of_reals},
    {QM_OP_NEG, opposite},
    {QM_OP_SQRT, root},
};

bool reference_run_table(const struct reference_site *r) {
    int64_t (*function)(const struct reference_site *, int32_t) = NULL;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].kind == r->op->kind) function = functions[i].function;
    if (function == NULL) return false;
    if (r->in->dtype == QM_U8 && (function == logistic || function == tangent)) function = of_reals;
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int32_t x = number(r->in, r->bytes[r->op->inputs[0]], i) - zero_of(r->in);
        r->to[i] = reference_clamp(r, QM_ACT_NONE, function(r, x) + zero_of(r->out));
    }
    return true;
}
