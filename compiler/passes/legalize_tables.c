/* legalize_tables.c - activation functions as tables of 256 bytes, which REQUANTIZE looks up on its way out.
 *
 * A table becomes part of the convolution before when nobody else reads what that writes; else of a depthwise layer of ones. Its values
 * are those of TFLite's int8 reference kernels: LOGISTIC and TANH in fixed point from an input in Q4, HARD_SWISH in 16 bits, LEAKY_RELU
 * with a factor for each sign.
 */
#include <math.h>

#include "common/fixed_functions.h"
#include "common/fixed_point.h"
#include "common/precision.h"
#include "compiler/passes/legalize_site.h"

enum { INPUT_BITS = 4, LOGISTIC_BITS = 8, TANH_BITS = 7, HIRES_BITS = 7, SHIFT_MAX = 30, LANES_MAX = 256 };

/* An activation function of one byte, and the constants that its arithmetic needs. x is the input less its zero point. */
struct function {
    int32_t (*value)(const struct function *f, int32_t x); /* the output less its zero point */
    struct qm_multiplier scale, other;                     /* see prepare_* */
    int32_t radius;                                        /* LOGISTIC, TANH: from here on they are saturated */
};

/* ---- logistic and tanh ---- */

static enum qm_status prepare_q4(const struct site *s, struct function *f) {
    QM_TRY(site_scale(s, (double)site_input(s, 0)->quant.scale[0] * (1 << (31 - INPUT_BITS)), SHIFT_MAX, &f->scale));
    f->radius = (int32_t)fmin(floor(ldexp((1 << INPUT_BITS) - 1, 31 - INPUT_BITS - f->scale.shift)), INT32_MAX);
    return QM_OK;
}

static int32_t logistic(const struct function *f, int32_t x) {
    if (x <= -f->radius) return 0;
    if (x >= f->radius) return UINT8_MAX;
    int32_t q4 = qm_multiplied(x, f->scale),
            positive = q4 == 0 ? 1 << 30 : qm_fixed_reciprocal(qm_fixed_exp(q4 > 0 ? -q4 : q4, INPUT_BITS));
    return qm_fixed_round(q4 < 0 ? INT32_MAX - positive : positive, 31 - LOGISTIC_BITS);
}

static int32_t hyperbolic_tangent(const struct function *f, int32_t x) {
    if (x <= -f->radius) return INT8_MIN;
    if (x >= f->radius) return INT8_MAX;
    int32_t q4 = qm_multiplied(x, f->scale), positive = qm_fixed_quotient(qm_fixed_exp(q4 > 0 ? -q4 : q4, INPUT_BITS + 1));
    if (q4 == 0) return 0;
    return qm_fixed_round(q4 < 0 ? -positive : positive, 31 - TANH_BITS);
}

/* ---- hard swish: x * relu6(x + 3) / 6 ---- */

static int32_t saturate16(int64_t x) {
    return x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : (int32_t)x;
}

/* 2ab / 2^16, ties upwards. */
static int32_t round_mul16(int32_t a, int32_t b) {
    int32_t product = a * b;
    return saturate16((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

static enum qm_status scale16(const struct site *s, double factor, struct qm_multiplier *scale) {
    QM_TRY(site_scale(s, factor, SHIFT_MAX, scale));
    scale->value = saturate16(((int64_t)scale->value + (1 << 15)) >> 16);
    return QM_OK;
}

/* scale: from the input, shifted left by 7, to the output; other: from the same to 15 bits behind the point, in units of 3. */
static enum qm_status prepare_hard_swish(const struct site *s, struct function *f) {
    float hires = (1.0F / (1 << HIRES_BITS)) * site_input(s, 0)->quant.scale[0];
    QM_TRY(scale16(s, (double)(hires / site_output(s, 0)->quant.scale[0]), &f->scale));
    if (f->scale.shift > 0) return site_refuse(s, "the output's scale is too small for the input's");
    return scale16(s, (double)(hires / (3.0F / 32768.0F)), &f->other);
}

static int32_t hard_swish(const struct function *f, int32_t x) {
    int32_t hires = x * (1 << HIRES_BITS), gate = hires, shift = f->other.shift;
    if (shift > 0) gate = saturate16((int64_t)gate * (INT64_C(1) << (shift - 1)));
    gate = round_mul16(gate, f->other.value);
    if (shift > 0) gate = saturate16((int64_t)gate * 2);
    if (shift < 0) gate = qm_fixed_round(gate, -shift);
    gate = (gate + (1 << 15)) >> 1; /* from -1 .. 1 to 0 .. 1 */
    return qm_fixed_round(saturate16(gate * round_mul16(hires, f->scale.value) / (1 << 15)), -f->scale.shift);
}

/* ---- leaky relu ---- */

static enum qm_status prepare_leaky_relu(const struct site *s, struct function *f) {
    float in = site_input(s, 0)->quant.scale[0], out = site_output(s, 0)->quant.scale[0];
    if (s->op->alpha < 0) return site_refuse(s, "a negative alpha is not supported");
    QM_TRY(site_scale(s, (double)(in / out), SHIFT_MAX, &f->scale));
    return site_scale(s, (double)(in * s->op->alpha / out), SHIFT_MAX, &f->other);
}

static int32_t leaky_relu(const struct function *f, int32_t x) {
    return qm_multiplied(x, x >= 0 ? f->scale : f->other);
}

/* ---- tables ---- */

static const uint8_t *make_table(const struct site *s, const struct function *f) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    int32_t in_low = in->dtype == QM_U8 ? 0 : INT8_MIN, out_low = qm_graph_lowest(out), out_high = qm_graph_highest(out);
    uint8_t *table = QM_ARENA_NEW(s->l->arena, uint8_t, QM_TABLE_BYTES);
    for (int32_t number = in_low; number < in_low + QM_TABLE_BYTES; number++) {
        int32_t value = f->value(f, number - (int32_t)in->quant.zero_point[0]) + (int32_t)out->quant.zero_point[0];
        table[(uint8_t)number] = (uint8_t)(value < out_low ? out_low : value > out_high ? out_high : value);
    }
    return table;
}

/* The layer that writes the operator's input, if it is one that can look up and nobody else reads it. */
static struct qm_layer *layer_before(const struct site *s) {
    uint32_t tensor = s->op->inputs[0];
    uint32_t index = s->l->array_layers[tensor];
    struct qm_layer *layer = index > 0 ? &s->l->network->layers[index - 1] : NULL;
    bool looks_up = layer != NULL && layer->table == NULL && !layer->is_inexact; /* which is compared by its own numbers */
    return looks_up && s->l->readers[tensor] == 1 ? layer : NULL;
}

/* The number of channels, so that few lanes stay idle: any will do for what works element by element. */
static uint32_t width(uint32_t elements) {
    uint32_t channels = elements < LANES_MAX ? elements : LANES_MAX;
    while (elements % channels != 0) channels--;
    return channels;
}

/* A depthwise layer that changes nothing. */
static enum qm_status add_ones(const struct site *s, struct qm_layer **made) {
    struct qm_layer *layer = site_layer(s, QM_LAYER_DEPTHWISE);
    uint32_t elements = (uint32_t)qm_graph_elements(site_input(s, 0)), channels = width(elements), value;
    QM_TRY(site_operand(s, 0, &value));
    site_identity(site_input(s, 0), layer);
    int8_t *weights = QM_ARENA_NEW(s->l->arena, int8_t, channels);
    struct qm_multiplier *scales = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    for (uint32_t c = 0; c < channels; c++) {
        weights[c] = 1;
        scales[c] = layer->out_scale;
    }
    layer->weights = weights;
    layer->weight_bits = 8;
    layer->in_channels = channels;
    layer->scales = scales;
    layer->bias = QM_ARENA_NEW(s->l->arena, int32_t, channels);
    layer->kernel_h = layer->kernel_w = layer->stride_h = layer->stride_w = layer->dilation_h = layer->dilation_w = 1;
    layer->inputs[0] = site_view(s, value, elements / channels, 1, channels);
    layer->input_count = 1;
    layer->output = site_result_view(s, site_result(s, 0), elements / channels, 1, channels);
    *made = layer;
    return QM_OK;
}

enum qm_status site_use_table(const struct site *s, const uint8_t *table) {
    struct qm_layer *layer = layer_before(s);
    if (layer != NULL) {
        struct qm_value before = s->l->network->values[layer->output];
        layer->output = site_result_view(s, site_result(s, 0), before.h, before.w, before.c);
    } else {
        QM_TRY(add_ones(s, &layer));
    }
    layer->table = table;
    return QM_OK;
}

static enum qm_status look_up(const struct site *s, const struct function *f) {
    return site_use_table(s, make_table(s, f));
}

/* ---- operators ---- */

enum qm_status legalize_logistic_signed(const struct site *s) {
    struct function f = {.value = logistic};
    QM_TRY(site_check_activations(s));
    QM_TRY(site_check_output(s, 1.0F / (1 << LOGISTIC_BITS), INT8_MIN));
    QM_TRY(prepare_q4(s, &f));
    return look_up(s, &f);
}

enum qm_status legalize_tanh_signed(const struct site *s) {
    struct function f = {.value = hyperbolic_tangent};
    QM_TRY(site_check_activations(s));
    QM_TRY(site_check_output(s, 1.0F / (1 << TANH_BITS), 0));
    QM_TRY(prepare_q4(s, &f));
    return look_up(s, &f);
}

enum qm_status legalize_hard_swish(const struct site *s) {
    struct function f = {.value = hard_swish};
    QM_TRY(site_check_activations(s));
    QM_TRY(prepare_hard_swish(s, &f));
    return look_up(s, &f);
}

enum qm_status legalize_leaky_relu(const struct site *s) {
    struct function f = {.value = leaky_relu};
    QM_TRY(site_check_activations(s));
    QM_TRY(prepare_leaky_relu(s, &f));
    return look_up(s, &f);
}

/* Any function of a byte, whose table the operator has. */
enum qm_status legalize_lookup(const struct site *s) {
    QM_TRY(site_check_activations(s));
    return site_use_table(s, s->op->table);
}
