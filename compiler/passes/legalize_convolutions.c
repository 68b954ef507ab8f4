/* legalize_convolutions.c - convolutions and products by constant matrices: what the array does.
 *
 *   convolution       double(input scale) * double(filter scale[c]) / double(output scale)
 *   fully connected   float(input scale * filter scale), then in double / output scale; per channel as in convolution
 *                     and in uint8 networks all of them
 *   bias              bias[c] - input zero point * sum of (weights[c] - their zero point), which must fit 32 bits
 *   or         the factors and addends that the operator says
 * Constants that already lie as layer.h wants them are not copied.
 */
#include <math.h>
#include <string.h>

#include "common/fixed_point.h"
#include "compiler/passes/legalize_site.h"

enum {
    SHIFT_MAX = 30,
    EXPANDED_BYTES_MAX = 1 << 26, /* weights in groups or of a depthwise layer, written out as a convolution for all that share them */
};

/* Weights are constant, with one scale or one for each of the channels along the axis, and one zero point. */
static enum qm_status check_weights(const struct site *s, uint32_t axis, uint32_t channels) {
    const struct qm_graph_tensor *weights = site_input(s, 1);
    const struct qm_quant *quant = &weights->quant;
    int64_t low = weights->dtype == QM_U8 ? 0 : INT8_MIN;
    if (weights->data == NULL) return site_refuse(s, "weights %s are computed by the network, which is not supported", weights->name);
    if (quant->count != 1 && (quant->count != channels || quant->axis != axis))
        return site_refuse(s, "weights %s have %u scales along axis %u; there must be one, or %u along axis %u", weights->name,
                           quant->count, quant->axis, channels, axis);
    for (uint32_t c = 0; c < quant->count; c++)
        if (quant->zero_point[c] != quant->zero_point[0] || quant->zero_point[c] < low || quant->zero_point[c] > low + UINT8_MAX)
            return site_refuse(s, "weights %s have zero point %lld; all channels must have the same, which their type can hold",
                               weights->name, (long long)quant->zero_point[c]);
    if (s->op->inputs[2] != QM_NO_TENSOR && site_input(s, 2)->data == NULL)
        return site_refuse(s, "bias %s is computed by the network, which is not supported", site_input(s, 2)->name);
    return QM_OK;
}

/* Sets weights and their zero point as signed numbers: of unsigned ones both are less by half of their range. */
static void set_weights(const struct site *s, struct qm_layer *layer) {
    const struct qm_graph_tensor *weights = site_input(s, 1);
    layer->weights = weights->data;
    layer->weight_zero = (int32_t)weights->quant.zero_point[0];
    if (weights->dtype != QM_U8) return;
    int32_t half = 1 << (qm_graph_bits(weights) - 1);
    layer->weights = copies_get(&s->l->copies, &(struct copy){copy_signed, layer->weights, weights->size_bytes, .zero = half});
    layer->weight_zero -= half;
}

static enum qm_status set_channel_factors(const struct site *s, struct qm_layer *layer, uint32_t channels) {
    struct qm_multiplier *scales = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    for (uint32_t c = 0; c < channels; c++) QM_TRY(site_factor(s, layer, site_factors(s)[c], &scales[c]));
    layer->scales = scales;
    return QM_OK;
}

static enum qm_status set_channel_scales(const struct site *s, struct qm_layer *layer, uint32_t channels) {
    if (site_factors(s) != NULL) return set_channel_factors(s, layer, channels);
    const struct qm_quant *weights = &site_input(s, 1)->quant;
    float in = site_input(s, 0)->quant.scale[0], out = site_output(s, 0)->quant.scale[0];
    bool legacy = site_input(s, 0)->dtype == QM_U8, is_window = s->op->kind != QM_OP_FULLY_CONNECTED && s->op->kind != QM_OP_BATCH_MATMUL;
    bool float_product = s->op->requant == NULL && (!is_window || legacy) && weights->count == 1;
    struct qm_multiplier *scales = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    for (uint32_t c = 0; c < channels; c++) {
        float weight = weights->scale[weights->count > 1 ? c : 0];
        double product = float_product ? (double)(in * weight) : (double)in * (double)weight;
        QM_TRY(site_scale(s, product / (double)out, SHIFT_MAX, &scales[c]));
    }
    layer->scales = scales;
    return QM_OK;
}

/* Weight k of channel c is weights[c * channel_stride + k * stride]. */
struct filter {
    uint32_t channels, count; /* count: weights of a channel */
    size_t channel_stride, stride;
};

enum { SUMMED_AT_ONCE = 1 << 16 }; /* weights, whose sum fits 32 bits */

static int64_t sum_row(const int8_t *weights, size_t count) {
    int64_t sum = 0;
    for (size_t begin = 0; begin < count; begin += SUMMED_AT_ONCE) {
        size_t end = count - begin < SUMMED_AT_ONCE ? count : begin + SUMMED_AT_ONCE;
        int32_t part = 0;
        for (size_t k = begin; k < end; k++) part += weights[k];
        sum += part;
    }
    return sum;
}

static int64_t weight_sum(const int8_t *weights, const struct filter *f, uint32_t channel) {
    int64_t sum = 0;
    if (f->stride == 1) return sum_row(weights + channel * f->channel_stride, f->count);
    for (uint32_t k = 0; k < f->count; k++) sum += weights[channel * f->channel_stride + k * f->stride];
    return sum;
}

/* The same of the weights without their zero point. Computed ones are none of the bias's business: in_zero. */
static int64_t symmetric_sum(const struct qm_layer *layer, const struct filter *f, uint32_t channel) {
    if (layer->weights == NULL) return 0;
    return weight_sum(layer->weights, f, channel) - (int64_t)layer->weight_zero * f->count;
}

/* What the sum of a channel with its bias can be. */
static struct sum_range range_of(const struct site *s, const struct qm_layer *layer, const struct filter *f, uint32_t channel) {
    const int8_t *weights = layer->weights + channel * f->channel_stride;
    int64_t above = 0, below = 0, low = qm_graph_lowest(site_input(s, 0)), high = qm_graph_highest(site_input(s, 0));
    for (uint32_t k = 0; k < f->count; k++) {
        int32_t weight = weights[k * f->stride] - layer->weight_zero;
        above += weight > 0 ? weight : 0;
        below += weight < 0 ? weight : 0;
    }
    return (struct sum_range){layer->bias[channel] + above * low + below * high, layer->bias[channel] + above * high + below * low};
}

static enum qm_status scale_as_xnnpack(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    struct sum_range *ranges = QM_ARENA_NEW(s->l->arena, struct sum_range, f->channels);
    for (uint32_t c = 0; c < f->channels; c++) {
        ranges[c] = range_of(s, layer, f, c);
        if (ranges[c].low < INT32_MIN || ranges[c].high > INT32_MAX) return site_refuse(s, "channel %u: its sums do not fit 32 bits", c);
    }
    return xnnpack_scale_channels(s, layer, f->channels, ranges);
}

/* Reads the bias by bytes: its data need not be aligned. */
static enum qm_status fold_bias(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    const uint8_t *given = s->op->inputs[2] != QM_NO_TENSOR ? site_input(s, 2)->data : NULL;
    int64_t zero = site_input(s, 0)->quant.zero_point[0];
    int32_t *bias = QM_ARENA_NEW(s->l->arena, int32_t, f->channels);
    for (uint32_t c = 0; c < f->channels; c++) {
        if (given != NULL) memcpy(&bias[c], given + sizeof *bias * c, sizeof *bias);
        int64_t folded = bias[c] - zero * symmetric_sum(layer, f, c);
        if (folded < INT32_MIN || folded > INT32_MAX)
            return site_refuse(s, "channel %u: the bias with the input's zero point folded in is %lld, which 32 bits cannot hold", c,
                               (long long)folded);
        bias[c] = (int32_t)folded;
    }
    layer->bias = bias;
    return QM_OK;
}

void site_window(const struct site *s, struct qm_layer *layer) {
    const struct qm_graph_op *op = s->op;
    layer->kernel_h = op->kernel_h;
    layer->kernel_w = op->kernel_w;
    layer->stride_h = site_output(s, 0)->dims[1] > 1 ? op->stride_h : 1; /* a distance that is not gone may be of any length */
    layer->stride_w = site_output(s, 0)->dims[2] > 1 ? op->stride_w : 1;
    layer->dilation_h = op->kernel_h > 1 ? op->dilation_h : 1;
    layer->dilation_w = op->kernel_w > 1 ? op->dilation_w : 1;
    layer->pad_top = op->pad_top;
    layer->pad_left = op->pad_left;
    const struct qm_graph_op *pad = s->l->padding[op->inputs[0]];
    if (pad == NULL) return;
    layer->pad_top += pad->pads[1].before;
    layer->pad_left += pad->pads[2].before;
}

/* The output is the 32-bit sums as they are. */
static void keep_sums(const struct site *s, struct qm_layer *layer, uint32_t channels) {
    struct qm_multiplier *scales = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    for (uint32_t c = 0; c < channels; c++) scales[c] = QM_MULTIPLIER_ONE;
    layer->scales = scales;
    layer->clamp_min = layer->clamp_max = 0; /* does not count */
}

/* The thresholds are of sums without the input's zero point, which the machine's sums contain. */
static enum qm_status fit_thresholds(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    int64_t *offsets = QM_ARENA_NEW(s->l->arena, int64_t, f->channels), zero = site_input(s, 0)->quant.zero_point[0];
    for (uint32_t c = 0; c < f->channels; c++) offsets[c] = zero * symmetric_sum(layer, f, c);
    QM_TRY(site_check_override(s, "the file itself rounds its sums"));
    if (s->op->requant->channels != f->channels) return site_refuse(s, "has steps for %u channels", s->op->requant->channels);
    return site_fit_thresholds(s, layer, f->channels, offsets);
}

/* Of a step of the output: closer to the middle of two numbers either is right (docs/numerics.md). */
static const double ADDEND_ERROR_MAX = 9e-7;

/* A multiplier of at most 52 bits behind the point, so that the addend's units are 2^-QM_OFFSET_BITS. */
static void fit_offset(struct qm_multiplier *scale) {
    int32_t most = QM_OFFSET_BITS + QM_OFFSET_RAISE_MAX - 31, excess = -scale->shift - most;
    if (excess <= 0) return;
    scale->value = (int32_t)nearbyint(ldexp((double)scale->value, -excess));
    scale->shift += excess;
}

/* Addends in steps of the output, with the input's zero point folded in, less a whole number that all have: it goes to the zero point of
 * the output when they are too large. */
static double *steps_of(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    int64_t zero = site_input(s, 0)->quant.zero_point[0];
    double *steps = QM_ARENA_NEW(s->l->arena, double, f->channels), low = INFINITY, high = -INFINITY;
    for (uint32_t c = 0; c < f->channels; c++) {
        steps[c] = s->op->requant->addends[c] - site_factors(s)[c] * (double)(zero * symmetric_sum(layer, f, c));
        low = fmin(low, steps[c]);
        high = fmax(high, steps[c]);
    }
    double middle = nearbyint((low + high) / 2), most = 1 << (31 - QM_OFFSET_BITS);
    if ((low > -most && high < most) || !(fabs(middle + layer->out_zero) <= INT16_MAX)) return steps;
    for (uint32_t c = 0; c < f->channels; c++) steps[c] -= middle;
    layer->out_zero += (int32_t)middle;
    return steps;
}

/* ---- how far a layer is from what is meant ---- */

/* slope * sum + addend, in steps of the output from its zero point, for the sums of a channel and cut to its numbers. */
struct line {
    double slope, addend;
};

struct line_range {
    double sum_low, sum_high, low, high;
};

static double line_at(const struct line *line, const struct line_range *range, double sum) {
    return fmin(fmax(line->slope * sum + line->addend, range->low), range->high);
}

/* The largest difference of two lines: it is at an end, or where one of them is cut. */
static double line_distance(const struct line *a, const struct line *b, const struct line_range *range) {
    const double sums[] = {range->sum_low,
                           range->sum_high,
                           (range->low - a->addend) / a->slope,
                           (range->high - a->addend) / a->slope,
                           (range->low - b->addend) / b->slope,
                           (range->high - b->addend) / b->slope};
    double largest = 0;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        bool inside = sums[i] >= range->sum_low && sums[i] <= range->sum_high;
        if (inside) largest = fmax(largest, fabs(line_at(a, range, sums[i]) - line_at(b, range, sums[i])));
    }
    return largest;
}

/* Whether the number that a constant is rounded to is the nearest of the line at all sums, and none lies half way to another. */
static bool rounds_to(const struct line *line, double constant, const struct line_range *range) {
    double number = nearbyint(fmin(fmax(constant, range->low), range->high));
    double low = fabs(line_at(line, range, range->sum_low) - number), high = fabs(line_at(line, range, range->sum_high) - number);
    return fmax(low, high) < 0.5 - SITE_TIE;
}

static int32_t offset_bits(struct qm_multiplier scale) {
    int32_t total = 31 - scale.shift;
    return total < QM_OFFSET_BITS ? total : QM_OFFSET_BITS;
}

/* How far channel c is from what is meant when it has this scale and bias, or 0 when a scale of 0 gives the same integers; zero: the part
 * of the machine's sum that is the input's zero point. */
static double error_of(const struct site *s, const struct qm_layer *layer, uint32_t c, int64_t zero) {
    const struct qm_requant *requant = s->op->requant;
    int32_t out_zero = (int32_t)site_output(s, 0)->quant.zero_point[0];
    struct line_range range = {(double)requant->sum_low[c], (double)requant->sum_high[c], requant->low - out_zero,
                               requant->high - out_zero};
    bool on_product = layer->rounding == QM_rounding_OFFSET;
    double slope = ldexp((double)layer->scales[c].value, layer->scales[c].shift - 31);
    double unit = on_product ? ldexp(1, -offset_bits(layer->scales[c])) : slope;
    struct line meant = {requant->factors[c], requant->addends[c]};
    struct line made = {slope, slope * (double)zero + layer->bias[c] * unit + layer->out_zero - out_zero};
    return slope == 0 && rounds_to(&meant, made.addend, &range) ? 0 : line_distance(&meant, &made, &range);
}

/* The channel that is furthest off, and by how much. */
static double worst_channel(const struct site *s, const struct qm_layer *layer, const struct filter *f, uint32_t *channel) {
    int64_t zero = site_input(s, 0)->quant.zero_point[0];
    double worst = -1;
    for (uint32_t c = 0; c < f->channels; c++) {
        double error = error_of(s, layer, c, zero * symmetric_sum(layer, f, c));
        if (error > worst) *channel = c;
        worst = fmax(worst, error);
    }
    return worst;
}

/* ---- addends ---- */

/* The multiplier of each channel, 0 of a factor that is too small. */
static enum qm_status round_factors(const struct site *s, struct qm_layer *layer, uint32_t channels, struct qm_multiplier **made) {
    struct qm_multiplier *scales = *made = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    for (uint32_t c = 0; c < channels; c++) QM_TRY(site_scale(s, site_factors(s)[c], SHIFT_MAX, &scales[c]));
    layer->scales = scales;
    return QM_OK;
}

/* Addends in the units of rounding OFFSET, as far as 32 bits go. */
static enum qm_status set_offsets(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    struct qm_multiplier *scales;
    int32_t *bias = QM_ARENA_NEW(s->l->arena, int32_t, f->channels);
    const double *steps = steps_of(s, layer, f);
    QM_TRY(round_factors(s, layer, f->channels, &scales));
    for (uint32_t c = 0; c < f->channels; c++) {
        fit_offset(&scales[c]);
        double units = nearbyint(ldexp(steps[c], offset_bits(scales[c])));
        bias[c] = (int32_t)fmin(fmax(units, -INT32_MAX), INT32_MAX);
    }
    layer->bias = bias;
    return QM_OK;
}

/* Addends as whole steps of the sum, with rounding EVEN, as far as the sum fits 32 bits. */
static enum qm_status set_whole_bias(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    const struct qm_requant *requant = s->op->requant;
    struct qm_multiplier *scales;
    int32_t *bias = QM_ARENA_NEW(s->l->arena, int32_t, f->channels);
    for (uint32_t c = 0; c < f->channels; c++) {
        int64_t zero = site_input(s, 0)->quant.zero_point[0] * symmetric_sum(layer, f, c);
        double steps = requant->factors[c] != 0 ? nearbyint(requant->addends[c] / requant->factors[c]) - (double)zero : 0;
        double low = INT32_MIN - fmin((double)(requant->sum_low[c] + zero), 0);
        double high = INT32_MAX - fmax((double)(requant->sum_high[c] + zero), 0);
        bias[c] = (int32_t)fmin(fmax(steps, low), high);
    }
    layer->bias = bias;
    layer->rounding = QM_rounding_EVEN;
    layer->out_zero = (int32_t)site_output(s, 0)->quant.zero_point[0];
    return round_factors(s, layer, f->channels, &scales);
}

/* Channel c is off by `error`, the most of all. */
static enum qm_status tell_channel(const struct site *s, struct qm_layer *layer, const struct filter *f, uint32_t c, double error) {
    double factor = site_factors(s)[c];
    int64_t zero = site_input(s, 0)->quant.zero_point[0] * symmetric_sum(layer, f, c);
    if (factor != 0 && qm_multiplier_from_real(factor).value == 0) return site_inexact(s, layer, "its factor %g is too small", factor);
    return site_inexact(s, layer,
                        "channel %u: adds %g steps of the output, and the machine's nearest is up to %.2g steps off; a larger scale of the "
                        "output makes both smaller",
                        c, s->op->requant->addends[c] - factor * (double)zero, error);
}

/* Addends with rounding OFFSET or, where that is not exact and the other is nearer, as a bias. */
static enum qm_status set_addends(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    struct qm_layer with_bias = *layer;
    uint32_t channel, other;
    QM_TRY(site_check_override(s, "adds what is no whole number of steps of its sums, which the machine rounds half to even only"));
    QM_TRY(set_offsets(s, layer, f));
    double error = worst_channel(s, layer, f, &channel);
    if (error <= ADDEND_ERROR_MAX) return QM_OK;
    QM_TRY(set_whole_bias(s, &with_bias, f));
    double bias_error = worst_channel(s, &with_bias, f, &other);
    if (bias_error < error) *layer = with_bias;
    if (fmin(error, bias_error) <= ADDEND_ERROR_MAX) return QM_OK;
    return bias_error < error ? tell_channel(s, layer, f, other, bias_error) : tell_channel(s, layer, f, channel, error);
}

/* How sums become the output's integers: by thresholds, by scales, or not at all. */
static enum qm_status set_output_stage(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    bool has_thresholds = s->op->requant != NULL && s->op->requant->channels > 0;
    site_clamp(s, s->op->activation, layer);
    if (has_thresholds) return fit_thresholds(s, layer, f);
    layer->out_zero = (int32_t)site_output(s, 0)->quant.zero_point[0];
    if (layer->rounding == QM_rounding_OFFSET) return set_addends(s, layer, f);
    QM_TRY(fold_bias(s, layer, f));
    if (profile_kernels(s->l->profile) == QM_KERNELS_XNNPACK) return scale_as_xnnpack(s, layer, f);
    if (site_output(s, 0)->dtype != QM_I32) return set_channel_scales(s, layer, f->channels);
    keep_sums(s, layer, f->channels);
    return QM_OK;
}

enum qm_status site_product_stage(const struct site *s, struct qm_layer *layer, uint32_t channels) {
    return set_output_stage(s, layer, &(struct filter){.channels = channels});
}

/* Bits of the weights. What fills up a row has the zero point as its weight, which needs as many; 1-bit weights fill up nothing. */
static uint32_t weight_bits(const struct site *s, const struct qm_layer *layer) {
    uint32_t bits = qm_graph_bits(site_input(s, 1));
    if (bits == 1 && layer->weights != site_input(s, 1)->data) bits = 2; /* there may be zeros */
    int32_t limit = 1 << (bits - 1);
    bool fits = layer->weight_zero >= -limit && layer->weight_zero < limit;
    return bits == 1 || fits ? bits : 8;
}

/* What all convolutions have but for their maps: scales, folded bias, clamp. The layer's kind and weights are set, and checked. */
static enum qm_status finish_convolution(const struct site *s, struct qm_layer *layer, const struct filter *f) {
    QM_TRY(site_check_activation(s, site_input(s, 0)));
    QM_TRY(site_check_activation(s, site_output(s, 0)));
    QM_TRY(set_output_stage(s, layer, f));
    layer->weight_bits = weight_bits(s, layer);
    layer->in_unsigned = site_input(s, 0)->dtype == QM_U8;
    layer->pad_value = (int8_t)site_input(s, 0)->quant.zero_point[0];
    layer->input_count = 1;
    return QM_OK;
}

static uint64_t positions(const struct site *s, const struct qm_layer *layer) {
    const struct qm_value *out = &s->l->network->values[layer->output];
    return (uint64_t)out->h * out->w;
}

static enum qm_status check_expanded(const struct site *s, uint64_t bytes) {
    if (bytes <= EXPANDED_BYTES_MAX) return QM_OK;
    return site_refuse(s, "written out as one convolution its weights are %llu bytes, more than %d", (unsigned long long)bytes,
                       EXPANDED_BYTES_MAX);
}

/* Makes a filter [oc][kh][kw][ic of a group] that of one group, unless it is: zero but for the channels of each group. */
static enum qm_status join_groups(const struct site *s, struct qm_layer *layer, struct filter *f) {
    uint32_t own = site_input(s, 1)->dims[3], in_channels = layer->in_channels;
    uint32_t taps = f->count / own;
    uint64_t bytes = (uint64_t)f->channels * taps * in_channels;
    if (own == in_channels) return QM_OK;
    QM_TRY(check_expanded(s, bytes));
    const struct copy copy = {copy_joined, layer->weights, bytes, f->channels, taps, in_channels, own, layer->weight_zero};
    layer->weights = copies_get(&s->l->copies, &copy);
    f->channel_stride = f->count = taps * in_channels;
    return QM_OK;
}

enum qm_status legalize_conv(const struct site *s) {
    const struct qm_graph_tensor *weights = site_input(s, 1);
    uint32_t channels = weights->dims[0], count = weights->dims[1] * weights->dims[2] * weights->dims[3];
    struct filter filter = {.channels = channels, .count = count, .channel_stride = count, .stride = 1};
    struct qm_layer *layer = site_layer(s, QM_LAYER_CONV);
    layer->in_channels = site_input(s, 0)->dims[3];
    site_window(s, layer);
    QM_TRY(check_weights(s, 0, channels));
    set_weights(s, layer);
    QM_TRY(join_groups(s, layer, &filter));
    QM_TRY(finish_convolution(s, layer, &filter));
    QM_TRY(site_operand(s, 0, &layer->inputs[0]));
    layer->output = site_result(s, 0);
    layer->macs = positions(s, layer) * channels * count;
    return QM_OK;
}

/* A depthwise filter [kh][kw][oc] with a multiplier as that of a convolution: [oc][kh][kw][ic], zero but for each channel's own input. */
static enum qm_status expand(const struct site *s, struct qm_layer *layer, uint32_t taps, uint32_t channels) {
    uint32_t in_channels = channels / s->op->depth_multiplier;
    uint64_t bytes = (uint64_t)taps * channels * in_channels;
    QM_TRY(check_expanded(s, bytes));
    const struct copy copy = {copy_expanded, layer->weights, bytes, channels, taps, .depth = in_channels, .zero = layer->weight_zero};
    layer->weights = copies_get(&s->l->copies, &copy);
    return QM_OK;
}

/* The array takes no zero point off depthwise weights: the window is read again, with the zero point's negative everywhere. */
static void add_zero_taps(const struct site *s, struct qm_layer *layer, size_t count) {
    const struct copy copy = {copy_twice, layer->weights, 2 * count, .zero = layer->weight_zero};
    layer->weights = copies_get(&s->l->copies, &copy);
    layer->weight_zero = 0;
    layer->twice = true;
}

enum qm_status legalize_depthwise(const struct site *s) {
    const struct qm_graph_tensor *weights = site_input(s, 1);
    uint32_t channels = weights->dims[3], taps = weights->dims[1] * weights->dims[2];
    struct filter filter = {.channels = channels, .count = taps, .channel_stride = 1, .stride = channels};
    struct qm_layer *layer = site_layer(s, QM_LAYER_DEPTHWISE);
    layer->in_channels = channels / s->op->depth_multiplier;
    site_window(s, layer);
    QM_TRY(check_weights(s, 3, channels));
    set_weights(s, layer);
    bool asymmetric = layer->weight_zero != 0, writable = layer->weight_zero > INT8_MIN; /* its negative is a weight */
    if (s->op->depth_multiplier > 1 || (asymmetric && !writable)) {
        uint32_t count = taps * (channels / s->op->depth_multiplier);
        layer->kind = QM_LAYER_CONV;
        QM_TRY(expand(s, layer, taps, channels));
        filter = (struct filter){.channels = channels, .count = count, .channel_stride = count, .stride = 1};
    }
    QM_TRY(finish_convolution(s, layer, &filter));
    QM_TRY(site_operand(s, 0, &layer->inputs[0]));
    layer->output = site_result(s, 0);
    if (layer->kind == QM_LAYER_DEPTHWISE && asymmetric) add_zero_taps(s, layer, taps * channels);
    layer->macs = positions(s, layer) * channels * taps;
    return QM_OK;
}

/* ---- transposed convolution ---- */

/* A direction of the input with stride - 1 zeros between its positions: what is left of it where more is cut in front than the filter
 * reaches. */
struct spread {
    uint32_t extent;         /* of all that is left */
    uint32_t in_first, kept; /* positions of the input */
    uint32_t out_first;      /* where the first of them is put */
    uint32_t pad;            /* zeros that the flipped filter meets in front */
};

static struct spread spread_of(uint32_t in, uint32_t stride, uint32_t reach, uint32_t before) {
    uint32_t cut = before > reach ? before - reach : 0, first = (cut + stride - 1) / stride;
    return (struct spread){(in - 1) * stride + 1 - cut, first, in - first, first * stride - cut, before > reach ? 0 : reach - before};
}

/* The input spread in both directions, as a map between the operator's own layers. */
static enum qm_status spread_input(const struct site *s, const struct spread *y, const struct spread *x, uint32_t *value) {
    const struct qm_graph_op *op = s->op;
    const struct qm_graph_tensor *in = site_input(s, 0);
    uint32_t w = in->dims[2], channels = in->dims[3], source;
    QM_TRY(site_operand(s, 0, &source));
    *value = source;
    if (op->stride_h == 1 && op->stride_w == 1 && y->in_first == 0 && x->in_first == 0) return QM_OK;
    *value = site_between(s, op->inputs[0], y->extent, x->extent, channels);
    struct qm_layer *layer = site_move(s, in, source, *value);
    layer->pad_value = (int8_t)in->quant.zero_point[0];
    layer->move = (struct qm_move){.loop_count = 2, .contiguous_bytes = channels, .fill = true};
    layer->move.in_first = (y->in_first * w + x->in_first) * channels;
    layer->move.out_first = (y->out_first * x->extent + x->out_first) * channels;
    layer->move.loops[0] = (struct qm_move_loop){y->kept, w * channels, op->stride_h * x->extent * channels, false};
    layer->move.loops[1] = (struct qm_move_loop){x->kept, channels, op->stride_w * channels, false};
    return QM_OK;
}

/* A convolution of stride 1 over the spread input, with the flipped filter. */
enum qm_status legalize_transpose_conv(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *weights = site_input(s, 1);
    uint32_t channels = weights->dims[0], count = weights->dims[1] * weights->dims[2] * weights->dims[3], value;
    struct filter filter = {.channels = channels, .count = count, .channel_stride = count, .stride = 1};
    const struct qm_graph_op *op = s->op;
    struct spread y = spread_of(in->dims[1], op->stride_h, (op->kernel_h - 1) * op->dilation_h, op->pad_top);
    struct spread x = spread_of(in->dims[2], op->stride_w, (op->kernel_w - 1) * op->dilation_w, op->pad_left);
    QM_TRY(check_weights(s, 0, channels));
    QM_TRY(site_check_activation(s, in));
    QM_TRY(spread_input(s, &y, &x, &value));
    struct qm_layer *layer = site_layer(s, QM_LAYER_CONV);
    set_weights(s, layer);
    const struct copy copy = {copy_flipped, layer->weights,           (uint64_t)channels * count,
                              channels,     count / weights->dims[3], .depth = weights->dims[3]};
    layer->weights = copies_get(&s->l->copies, &copy);
    layer->in_channels = in->dims[3];
    QM_TRY(join_groups(s, layer, &filter));
    layer->kernel_h = op->kernel_h;
    layer->kernel_w = op->kernel_w;
    layer->stride_h = layer->stride_w = 1;
    layer->dilation_h = op->kernel_h > 1 ? op->dilation_h : 1;
    layer->dilation_w = op->kernel_w > 1 ? op->dilation_w : 1;
    layer->pad_top = y.pad;
    layer->pad_left = x.pad;
    QM_TRY(finish_convolution(s, layer, &filter));
    layer->inputs[0] = value;
    layer->output = site_result(s, 0);
    layer->macs = (uint64_t)in->dims[1] * in->dims[2] * channels * count;
    return QM_OK;
}

/* ---- products by constant matrices ---- */

enum qm_status site_multiply(const struct site *s, const struct site_factor_matrix *by, uint32_t value) {
    struct filter filter = {.channels = by->channels, .count = by->depth, .channel_stride = by->depth, .stride = 1};
    struct qm_layer *layer = site_layer(s, QM_LAYER_CONV);
    layer->in_channels = by->depth;
    layer->kernel_h = layer->kernel_w = layer->stride_h = layer->stride_w = layer->dilation_h = layer->dilation_w = 1;
    QM_TRY(check_weights(s, 0, by->channels));
    set_weights(s, layer);
    const struct copy copy = {copy_turned, layer->weights, (uint64_t)by->depth * by->channels, by->channels, .depth = by->depth};
    if (!by->transposed) layer->weights = copies_get(&s->l->copies, &copy);
    QM_TRY(finish_convolution(s, layer, &filter));
    uint32_t result = site_result(s, 0);
    layer->inputs[0] = site_view(s, value, by->rows, 1, by->depth);
    layer->output = site_result_view(s, result, by->rows, 1, by->channels);
    layer->macs = (uint64_t)by->rows * by->channels * by->depth;
    return QM_OK;
}

enum qm_status legalize_by_weights(const struct site *s) {
    const struct qm_graph_tensor *weights = site_input(s, 1);
    struct site_factor_matrix by = {.channels = weights->dims[0], .depth = weights->dims[1], .transposed = true};
    uint32_t value;
    by.rows = (uint32_t)(qm_graph_elements(site_input(s, 0)) / by.depth);
    QM_TRY(site_operand(s, 0, &value));
    return site_multiply(s, &by, value);
}
