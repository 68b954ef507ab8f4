/* legalize_float32.c - multipliers for sums that XNNPACK multiplies by a float32: those of a convolution's channels, of a product of two
 * tensors and of a mean.
 */
#include <math.h>

#include "compiler/passes/legalize_site.h"

enum { PRODUCT_MAX = UINT8_MAX * UINT8_MAX };

static float input_scale(const struct site *s, uint32_t i) {
    return site_input(s, i)->quant.scale[0];
}

static float output_scale(const struct site *s) {
    return site_output(s, 0)->quant.scale[0];
}

static int32_t cut(float number, int32_t low, int32_t high) {
    return (int32_t)fminf(fmaxf(nearbyintf(number), (float)low), (float)high);
}

/* ---- products of a float32 ---- */

static int32_t product_number(const struct meant *m, int32_t sum) {
    return m->zero + cut((float)sum * m->scale, m->low - m->zero, m->high - m->zero);
}

static struct meant channel_of(const struct site *s, const struct qm_layer *layer, uint32_t c, struct sum_range range) {
    const struct qm_quant *weights = &site_input(s, 1)->quant;
    return (struct meant){.number = product_number,
                          .scale = input_scale(s, 0) * weights->scale[weights->count > 1 ? c : 0] / output_scale(s),
                          .zero = layer->out_zero,
                          .low = layer->clamp_min,
                          .high = layer->clamp_max,
                          .sum_low = range.low,
                          .sum_high = range.high};
}

bool xnnpack_fits_product(struct qm_layer *layer, float scale) {
    const struct meant meant = {.number = product_number,
                                .scale = scale,
                                .zero = layer->out_zero,
                                .low = layer->clamp_min,
                                .high = layer->clamp_max,
                                .sum_low = -PRODUCT_MAX,
                                .sum_high = PRODUCT_MAX};
    return site_fit(&meant, &layer->out_scale) == 0;
}

/* Multipliers with rounding EVEN or, when that is right for more sums, with rounding OFFSET and its biases. */
enum qm_status xnnpack_scale_channels(const struct site *s, struct qm_layer *layer, uint32_t channels, const struct sum_range *ranges) {
    struct qm_multiplier *even = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    struct qm_multiplier *offset = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    int32_t *bias = QM_ARENA_NEW(s->l->arena, int32_t, channels);
    uint64_t even_misses = 0, offset_misses = 0;
    for (uint32_t c = 0; c < channels; c++) {
        struct meant meant = channel_of(s, layer, c, ranges[c]);
        if (!(meant.scale > 0 && meant.scale < 256)) return site_refuse(s, "XNNPACK does not take the factor %g", (double)meant.scale);
        even_misses += site_fit(&meant, &even[c]);
    }
    for (uint32_t c = 0; c < channels && even_misses > 0; c++) {
        struct meant meant = channel_of(s, layer, c, ranges[c]);
        offset_misses += site_fit_offset(&meant, layer->bias[c], &offset[c], &bias[c]);
    }
    bool on_product = offset_misses < even_misses;
    layer->scales = on_product ? offset : even;
    layer->other_sums = (uint32_t)(on_product ? offset_misses : even_misses);
    if (!on_product) return QM_OK;
    layer->rounding = QM_rounding_OFFSET;
    layer->bias = bias;
    return QM_OK;
}

/* ---- means ---- */

static int32_t mean_number(const struct meant *m, int32_t sum) {
    return cut((float)(sum + m->base) * m->scale + m->addend, m->low, m->high);
}

bool xnnpack_fits_mean(const struct site *s, uint32_t count, struct qm_multiplier *scale) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    int32_t zeros = (int32_t)in->quant.zero_point[0] * (int32_t)count;
    struct meant meant = {.number = mean_number,
                          .scale = input_scale(s, 0) / output_scale(s) / (float)count,
                          .base = zeros,
                          .zero = (int32_t)out->quant.zero_point[0],
                          .low = qm_graph_lowest(out),
                          .high = qm_graph_highest(out),
                          .sum_low = (int64_t)qm_graph_lowest(in) * count - zeros,
                          .sum_high = (int64_t)qm_graph_highest(in) * count - zeros};
    meant.addend = (float)meant.zero - (float)zeros * meant.scale;
    return site_fit(&meant, scale) == 0;
}
