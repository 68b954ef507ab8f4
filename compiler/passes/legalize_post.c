/* legalize_post.c - what the post unit does alone.
 *
 *   add     each scale / (2 * the larger) for the operands, 2 * the larger / (2^20 * output scale) for the sum
 *   mul     the scales of the operands multiplied in double, divided by that of the output
 *   mean    the sum less its zero points, scaled by input scale / output scale / count in the order of TFLite's QuantizedMeanOrSum
 */
#include <math.h>

#include "common/fixed_point.h"
#include "compiler/ir/windows.h"
#include "compiler/passes/legalize_site.h"

enum {
    ADD_PRE_SHIFT = 20,
    SHIFT_MAX = 30,
    AVERAGE_COUNT_MAX = 1024, /* docs/numerics.md, Average pooling */
};

static bool has_thresholds(const struct site *s) {
    return s->op->requant != NULL && s->op->requant->channels > 0;
}

enum qm_status site_binary_layer(const struct site *s, struct qm_layer **made) {
    uint32_t values[2];
    QM_TRY(site_check_activations(s));
    if (site_input(s, 0)->dtype != site_input(s, 1)->dtype) return site_refuse(s, "its operands have different types");
    for (uint32_t i = 0; i < 2; i++) QM_TRY(site_broadcast(s, i, &values[i]));
    struct qm_layer *layer = *made = site_layer(s, QM_LAYER_ADD);
    layer->inputs[0] = values[0];
    layer->inputs[1] = values[1];
    layer->a_zero = (int32_t)site_input(s, 0)->quant.zero_point[0];
    layer->b_zero = (int32_t)site_input(s, 1)->quant.zero_point[0];
    layer->out_zero = (int32_t)site_output(s, 0)->quant.zero_point[0];
    layer->in_unsigned = site_input(s, 0)->dtype == QM_U8;
    layer->input_count = 2;
    site_clamp(s, s->op->activation, layer);
    layer->output = site_result(s, 0);
    return QM_OK;
}

enum qm_status legalize_mul(const struct site *s) {
    struct qm_layer *layer;
    QM_TRY(site_binary_layer(s, &layer));
    layer->product = true;
    if (site_factors(s) != NULL) return site_factor(s, layer, site_factors(s)[0], &layer->out_scale);
    float a = site_input(s, 0)->quant.scale[0], b = site_input(s, 1)->quant.scale[0], out = site_output(s, 0)->quant.scale[0];
    double factor = s->l->profile != NULL ? (double)(a * b / out) : (double)a * (double)b / (double)out; /* LiteRT: in single precision */
    return site_scale(s, factor, SHIFT_MAX, &layer->out_scale);
}

/* The scales of a sum of two tensors. */
static enum qm_status scale_add(const struct site *s, struct qm_layer *layer) {
    float a = site_input(s, 0)->quant.scale[0], b = site_input(s, 1)->quant.scale[0], out = site_output(s, 0)->quant.scale[0];
    double twice_larger = 2 * (double)(a > b ? a : b);
    QM_TRY(site_scale(s, (double)a / twice_larger, 0, &layer->a_scale));
    QM_TRY(site_scale(s, (double)b / twice_larger, 0, &layer->b_scale));
    QM_TRY(site_scale(s, twice_larger / ((1 << ADD_PRE_SHIFT) * (double)out), 0, &layer->out_scale));
    layer->pre_shift = ADD_PRE_SHIFT;
    return QM_OK;
}

/* ---- a sum with factors, exactly ---- */

enum {
    FACTOR_PRE_SHIFT = 22, /* of 9-bit differences, so that the sum of both operands fits 32 bits */
    LOOK_BACK = 16,        /* layers */
};

/* Stored numbers of an operand, from first on: what the layer adds of each, and what it should. */
struct addends {
    int32_t first, count;
    int32_t scaled[UINT8_MAX + 1];
    double real[UINT8_MAX + 1];
};

static struct addends addends_of(const struct qm_graph_tensor *tensor, const struct qm_layer *layer, int32_t zero,
                                 struct qm_multiplier scale, double factor) {
    struct addends a = {.first = qm_graph_lowest(tensor), .count = qm_graph_highest(tensor) - qm_graph_lowest(tensor) + 1};
    for (int32_t i = 0; i < a.count; i++) {
        int32_t x = a.first + i - zero;
        a.scaled[i] = qm_scale((int32_t)((uint32_t)x << layer->pre_shift), scale.value, scale.shift, layer->rounding);
        a.real[i] = factor * x;
    }
    return a;
}

/* Whether the layer's sum is right for all pairs; half way between two numbers, to a millionth of a step, either is. */
static bool is_exact_sum(const struct site *s, const struct qm_layer *layer) {
    const double *factors = site_factors(s);
    struct addends a = addends_of(site_input(s, 0), layer, layer->a_zero, layer->a_scale, factors[0]);
    struct addends b = addends_of(site_input(s, 1), layer, layer->b_zero, layer->b_scale, factors[1]);
    for (int32_t i = 0; i < a.count; i++)
        for (int32_t j = 0; j < b.count; j++) {
            int32_t sum =
                qm_scale(qm_wrap32((int64_t)a.scaled[i] + b.scaled[j]), layer->out_scale.value, layer->out_scale.shift, layer->rounding);
            int32_t got = qm_output(sum, layer->out_zero, layer->clamp_min, layer->clamp_max) - layer->out_zero;
            double want = fmin(fmax(a.real[i] + b.real[j], layer->clamp_min - layer->out_zero), layer->clamp_max - layer->out_zero);
            if (fabs(got - want) > 0.5 + SITE_TIE) return false;
        }
    return true;
}

/* The same, of the layer before if that is alike: networks have many additions of the same scales. */
static bool is_exact_again(const struct site *s, const struct qm_layer *layer) {
    const struct qm_network *network = s->l->network;
    const struct qm_layer *before = NULL;
    for (uint32_t i = 0; i + 1 < network->layer_count && before == NULL; i++) {
        const struct qm_layer *other = &network->layers[network->layer_count - 2 - i];
        if (i == LOOK_BACK) return false;
        if (other->kind == QM_LAYER_ADD && !other->product) before = other;
    }
    if (before == NULL || before->is_inexact || s->l->graph->ops[before->graph_op].requant == NULL) return false;
    const struct qm_graph_op *other = &s->l->graph->ops[before->graph_op];
    for (uint32_t i = 0; i < 2; i++)
        if (qm_graph_bits(&s->l->graph->tensors[other->inputs[i]]) != qm_graph_bits(site_input(s, i))) return false;
    const double *theirs = other->requant->factors, *ours = site_factors(s);
    return theirs != NULL && theirs[0] == ours[0] && theirs[1] == ours[1] && before->a_zero == layer->a_zero &&
           before->b_zero == layer->b_zero && before->out_zero == layer->out_zero && before->in_unsigned == layer->in_unsigned &&
           before->clamp_min == layer->clamp_min && before->clamp_max == layer->clamp_max;
}

/* Each operand by its factor, of which the larger is one half; then the sum by twice the larger. */
static enum qm_status factor_add(const struct site *s, struct qm_layer *layer) {
    const double *factors = site_factors(s);
    double twice_larger = 2 * fmax(fabs(factors[0]), fabs(factors[1]));
    int exponent, most;
    frexp(twice_larger, &exponent);
    most = exponent + 30; /* so that the last factor is no less than 2^-31 */
    layer->pre_shift = (uint32_t)(most < 0 ? 0 : most > FACTOR_PRE_SHIFT ? FACTOR_PRE_SHIFT : most);
    QM_TRY(site_scale(s, factors[0] / twice_larger, SHIFT_MAX, &layer->a_scale)); /* one may be too small to count */
    QM_TRY(site_scale(s, factors[1] / twice_larger, SHIFT_MAX, &layer->b_scale));
    QM_TRY(site_scale(s, ldexp(twice_larger, -(int)layer->pre_shift), SHIFT_MAX, &layer->out_scale));
    if (s->l->overrides || is_exact_again(s, layer) || is_exact_sum(s, layer)) return QM_OK;
    return site_inexact(s, layer, "the sum of its operands, times %g and %g, cannot be rounded exactly", factors[0], factors[1]);
}

enum qm_status legalize_add(const struct site *s) {
    struct qm_layer *layer;
    QM_TRY(site_binary_layer(s, &layer));
    if (site_factors(s) != NULL) return factor_add(s, layer);
    if (!has_thresholds(s)) return scale_add(s, layer);
    layer->a_scale = layer->b_scale = QM_MULTIPLIER_ONE;
    layer->out_zero = 0;
    return site_fit_plain(s, layer);
}

/* What all operators with one operand have: clamp, operand, result. */
static enum qm_status finish_unary(const struct site *s, struct qm_layer *layer) {
    site_clamp(s, s->op->activation, layer);
    QM_TRY(site_operand(s, 0, &layer->inputs[0]));
    layer->input_count = 1;
    layer->output = site_result(s, 0);
    return QM_OK;
}

/* The sum of each window, scaled by what the file says rather than by TFLite's rules. */
static enum qm_status legalize_scaled_average(const struct site *s) {
    const struct qm_quant *in = &site_input(s, 0)->quant, *out = &site_output(s, 0)->quant;
    struct qm_layer *layer = site_layer(s, QM_LAYER_POOL_SUM);
    int32_t count = (int32_t)(s->op->kernel_h * s->op->kernel_w);
    QM_TRY(site_check_activations(s));
    layer->in_unsigned = site_input(s, 0)->dtype == QM_U8;
    layer->in_bias = -(int32_t)in->zero_point[0] * count;
    layer->pad_value = (int8_t)in->zero_point[0];
    site_window(s, layer);
    if (has_thresholds(s)) {
        QM_TRY(site_fit_plain(s, layer));
    } else {
        layer->out_zero = (int32_t)out->zero_point[0];
        QM_TRY(site_factor(s, layer, site_factors(s)[0], &layer->out_scale));
    }
    return finish_unary(s, layer);
}

/* Whether a window, or the way to the next one, is longer than a field of an instruction says. */
static bool is_long(const struct site *s) {
    struct qm_shape in = qm_graph_shape(site_input(s, 0)), out = qm_graph_shape(site_output(s, 0));
    struct qm_windows windows = qm_pool_windows(s->op, &in, &out);
    struct qm_windows_reason why;
    return !qm_windows_fit(&windows, &why);
}

/* Pools work on the stored numbers, so input and output must mean the same by them; the output zero is 0. */
enum qm_status legalize_pool(const struct site *s) {
    bool average = s->op->kind == QM_OP_AVERAGE_POOL_2D;
    if (average && s->op->requant != NULL) return legalize_scaled_average(s);
    uint64_t count = (uint64_t)s->op->kernel_h * s->op->kernel_w;
    bool is_large = average && count > AVERAGE_COUNT_MAX;
    if ((is_long(s) || is_large) && !s->l->graph->was_real) return legalize_on_host(s);
    struct qm_layer *layer = site_layer(s, average ? QM_LAYER_POOL_AVG : QM_LAYER_POOL_MAX);
    bool unscaled = site_unscaled(s) && s->op->activation == QM_ACT_NONE;
    if (!unscaled) QM_TRY(site_check_activations(s));
    if (!unscaled && !site_same_quant(site_input(s, 0), site_output(s, 0)))
        return site_refuse(s, "input and output have different scales or zero points; TFLite pools do not rescale");
    if (average && count > AVERAGE_COUNT_MAX)
        return site_refuse(s, "an average over %llu elements is not supported; at most %d are exact", (unsigned long long)count,
                           AVERAGE_COUNT_MAX);
    site_identity(site_input(s, 0), layer);
    layer->pad_value = average || layer->in_unsigned ? 0 : INT8_MIN;
    if (average) layer->rounding = QM_rounding_AWAY;
    site_window(s, layer);
    return finish_unary(s, layer);
}

/* ---- mean ---- */

/* A mean over neighbouring dimensions as a pool: map of outer x kernel_h rows of kernel_w positions of inner channels. */
struct mean {
    uint32_t outer, kernel_h, kernel_w, inner;
};

static bool split_axes(const struct site *s, struct mean *mean) {
    const struct qm_graph_tensor *in = site_input(s, 0);
    *mean = (struct mean){1, 1, 1, 1};
    for (uint32_t d = 0; d < in->rank; d++) {
        bool averaged = (s->op->axes >> d & 1) != 0 && in->dims[d] > 1, begun = mean->kernel_w > 1;
        if (averaged && mean->inner > 1) return false;
        if (averaged) {
            mean->kernel_h *= mean->kernel_w;
            mean->kernel_w = in->dims[d];
        } else if (begun) {
            mean->inner *= in->dims[d];
        } else {
            mean->outer *= in->dims[d];
        }
    }
    return mean->kernel_h <= QM_WINDOW_MAX && mean->kernel_w <= QM_WINDOW_MAX;
}

static bool by_xnnpack(const struct site *s) {
    return profile_kernels(s->l->profile) == QM_KERNELS_XNNPACK;
}

/* The factor of a mean: that of the scales, divided by the count as far as the bits of the multiplier go; and the zero points. Of tensors
 * without scales TFLite's reference kernels take 0 / 0 as a multiplier of 0, so that every mean is 0. */
static enum qm_status mean_scale(const struct site *s, struct qm_layer *layer, uint32_t count) {
    if (site_unscaled(s)) {
        layer->out_scale = (struct qm_multiplier){0, 0};
        return QM_OK;
    }
    QM_TRY(site_check_activations(s));
    layer->in_bias = -(int32_t)site_input(s, 0)->quant.zero_point[0] * (int32_t)count;
    layer->out_zero = (int32_t)site_output(s, 0)->quant.zero_point[0];
    if (by_xnnpack(s)) return xnnpack_fits_mean(s, count, &layer->out_scale) ? QM_OK : site_refuse(s, "has no multiplier");
    double factor = (double)site_input(s, 0)->quant.scale[0] / (double)site_output(s, 0)->quant.scale[0];
    QM_TRY(site_scale(s, factor, SHIFT_MAX, &layer->out_scale));
    int32_t shift = 31 - __builtin_clz(count);
    if (shift > 31 + layer->out_scale.shift) shift = 31 + layer->out_scale.shift;
    layer->out_scale.value = (int32_t)(((int64_t)layer->out_scale.value << shift) / count);
    layer->out_scale.shift -= shift;
    return QM_OK;
}

enum qm_status legalize_mean(const struct site *s) {
    struct mean mean;
    struct qm_multiplier scale;
    bool fits = split_axes(s, &mean) && (!by_xnnpack(s) || xnnpack_fits_mean(s, mean.kernel_h * mean.kernel_w, &scale));
    if (!fits && !s->l->graph->was_real) return legalize_on_host(s);
    struct qm_layer *layer = site_layer(s, QM_LAYER_POOL_SUM);
    if (!fits)
        return site_refuse(s, "only means over neighbouring dimensions of at most %d and %d are supported", QM_WINDOW_MAX, QM_WINDOW_MAX);
    uint32_t count = mean.kernel_h * mean.kernel_w;
    QM_TRY(mean_scale(s, layer, count));
    layer->in_unsigned = site_input(s, 0)->dtype == QM_U8;
    layer->kernel_h = layer->stride_h = mean.kernel_h;
    layer->kernel_w = layer->stride_w = mean.kernel_w;
    layer->dilation_h = layer->dilation_w = 1;
    QM_TRY(finish_unary(s, layer));
    layer->inputs[0] = site_view(s, layer->inputs[0], mean.outer * mean.kernel_h, mean.kernel_w, mean.inner);
    layer->output = site_result_view(s, layer->output, mean.outer, 1, mean.inner);
    return QM_OK;
}

/* ---- element by element ---- */

/* The input's numbers in the output's scale. */
static enum qm_status rescale_elements(const struct site *s, enum qm_activation activation, struct qm_layer **made) {
    struct qm_layer *layer = *made = site_layer(s, QM_LAYER_MOVE);
    QM_TRY(site_check_activations(s));
    QM_TRY(site_rescale(s, 0, 0, layer));
    QM_TRY(finish_unary(s, layer));
    site_clamp(s, activation, layer);
    layer->move.contiguous_bytes = (uint32_t)qm_graph_elements(site_input(s, 0));
    return QM_OK;
}

/* Microcontrollers, which have RELU of int8, divide the scales in double; LiteRT, where the rest is from, in single precision. */
static enum qm_status scale_relu(const struct site *s, struct qm_layer *layer) {
    float in = site_input(s, 0)->quant.scale[0], out = site_output(s, 0)->quant.scale[0];
    bool in_double = s->op->kind == QM_OP_RELU && site_input(s, 0)->dtype == QM_I8 && s->l->profile == NULL;
    if (in == out || in_double || s->op->requant != NULL || s->l->graph->was_real) return QM_OK;
    return site_scale(s, (double)(in / out), SHIFT_MAX, &layer->out_scale);
}

enum qm_status legalize_relu(const struct site *s) {
    enum qm_graph_op_kind kind = s->op->kind;
    struct qm_layer *layer;
    enum qm_activation activation = kind == QM_OP_RELU ? QM_ACT_RELU : kind == QM_OP_RELU6 ? QM_ACT_RELU6 : QM_ACT_RELU_N1_TO_1;
    QM_TRY(rescale_elements(s, activation, &layer));
    if (kind == QM_OP_RELU_0_TO_1) layer->clamp_min = (int32_t)site_output(s, 0)->quant.zero_point[0];
    return scale_relu(s, layer);
}

enum qm_status legalize_quantize(const struct site *s) {
    struct qm_layer *layer;
    return site_input(s, 0)->dtype == QM_F32 ? legalize_quantize_floats(s) : rescale_elements(s, QM_ACT_NONE, &layer);
}
