/* weights.c - the bytes of constant weights in the graph's order.
 *
 * Weights are taken as integers without their zero point when these fit int8, which also makes int8 with 0 of uint8 with zero point 128;
 * else with a zero point that the machine has to take care of. While they are read, the smallest and the largest sum of each channel are
 * found.
 */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* ---- integers ---- */

/* Zero points of a quantized constant are of all weights, or of each channel. */
static int64_t zero_of(const struct qm_quant *quant, size_t channel) {
    return quant->count == 0 ? 0 : quant->zero_point[quant->count > 1 ? channel : 0];
}

/* Bytes less their zero points. */
static void subtract_zeros(const struct qm_graph_tensor *t, size_t inner, size_t channels, int16_t *to) {
    size_t elements = (size_t)qm_graph_elements(t);
    for (size_t begin = 0; begin < elements; begin += inner) {
        int16_t zero = (int16_t)zero_of(&t->quant, begin / inner % channels);
        for (size_t i = begin; i < begin + inner; i++)
            to[i] = (int16_t)((t->dtype == QM_U8 ? ((const uint8_t *)t->data)[i] : ((const int8_t *)t->data)[i]) - zero);
    }
}

/* The weights as integers, without zero points. NULL: refused, because they are none of at most 9 bits. */
static int16_t *integers_of(const struct real_node *n, const struct real_value *source) {
    const struct qm_graph_tensor *t = source->constant;
    size_t elements = (size_t)qm_graph_elements(t), inner = 1, channels = t->quant.count > 1 ? t->quant.count : 1;
    int16_t *to = QM_ARENA_NEW(n->r->arena, int16_t, elements);
    for (uint32_t d = t->quant.axis + 1; d < t->rank; d++) inner *= t->dims[d];
    if (channels == 1) inner = elements;
    if (t->dtype == QM_I8 || t->dtype == QM_U8) return subtract_zeros(t, inner, channels, to), to;
    for (size_t i = 0; i < elements; i++) {
        double number = evaluate_stored(t, i) - (double)zero_of(&t->quant, i / inner % channels);
        if (number != floor(number)) return real_refuse(n, "has weights %.60s that are not integers and not quantized", source->name), NULL;
        if (!(fabs(number) <= UINT8_MAX)) return real_refuse(n, "has weights %.60s of more than 8 bits", source->name), NULL;
        to[i] = (int16_t)number;
    }
    return to;
}

/* The zero point with which the integers fit int8: 0 if they do. */
static bool find_zero(const struct real_node *n, const struct real_value *source, const int16_t *integers, int64_t *zero) {
    int16_t low = 0, high = 0;
    size_t elements = (size_t)qm_shape_elements(&source->shape);
    for (size_t i = 0; i < elements; i++) {
        low = integers[i] < low ? integers[i] : low;
        high = integers[i] > high ? integers[i] : high;
    }
    return real_zero_point(low, high, zero) || real_refuse(n, "has weights %.60s from %d to %d, more than 8 bits", source->name, low, high);
}

/* ---- order, and the limits of sums ---- */

/* The sums of a channel's weights above 0, and of those below. */
struct parts {
    int64_t above, below;
};

/* Weights of one channel, each stride behind the one before. */
static void put_channel(const int16_t *from, size_t stride, uint32_t count, int64_t zero, int8_t *to, struct parts *parts) {
    int64_t above = 0, below = 0;
    for (uint32_t i = 0; i < count; i++) {
        int32_t weight = from[i * stride];
        above += weight > 0 ? weight : 0;
        below += weight < 0 ? weight : 0;
        to[i] = (int8_t)(weight + zero);
    }
    parts->above += above;
    parts->below += below;
}

static int8_t *order_weights(const struct real_node *n, const int16_t *integers, const struct real_weights *w, int64_t zero,
                             struct parts *parts) {
    size_t at = 0;
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, qm_shape_elements(&w->shape));
    uint32_t i[3];
    for (i[0] = 0; i[0] < w->count[0]; i[0]++)
        for (i[1] = 0; i[1] < w->count[1]; i[1]++)
            for (i[2] = 0; i[2] < w->count[2]; i[2]++, at += w->count[3]) {
                const int16_t *from = integers + w->first + i[0] * w->stride[0] + i[1] * w->stride[1] + i[2] * w->stride[2];
                for (uint32_t c = 0; w->channel == 3 && c < w->count[3]; c++)
                    put_channel(from + c * w->stride[3], 1, 1, zero, data + at + c, &parts[c]);
                if (w->channel != 3) put_channel(from, w->stride[3], w->count[3], zero, data + at, &parts[i[w->channel]]);
            }
    return data;
}

/* An activation without its zero point is from low to high; padded: or 0. */
static bool set_limits(const struct real_node *n, const struct real_value *in, bool padded, const struct parts *parts,
                       struct real_deferred *deferred) {
    int64_t zero = real_tensors(n)[deferred->op.inputs[0]].quant.zero_point[0], low = in->low - zero, high = in->high - zero;
    int64_t *sum_low = QM_ARENA_NEW(n->r->arena, int64_t, deferred->channels),
            *sum_high = QM_ARENA_NEW(n->r->arena, int64_t, deferred->channels);
    if (padded && low > 0) low = 0;
    if (padded && high < 0) high = 0;
    for (uint32_t c = 0; c < deferred->channels; c++) {
        sum_low[c] = low * parts[c].above + high * parts[c].below;
        sum_high[c] = high * parts[c].above + low * parts[c].below;
        if (sum_low[c] < INT32_MIN || sum_high[c] > INT32_MAX) return real_refuse(n, "has sums in channel %u that 32 bits cannot hold", c);
    }
    deferred->sum_low = sum_low;
    deferred->sum_high = sum_high;
    return true;
}

bool real_add_weights(const struct real_node *n, const struct real_value *source, const struct real_weights *w, const struct real_value *in,
                      struct real_deferred *deferred) {
    const struct qm_quant *weights = &source->constant->quant;
    int64_t zero = 0;
    int16_t *integers = integers_of(n, source);
    if (integers == NULL || !find_zero(n, source, integers, &zero)) return false;
    if (weights->count > 1 && weights->axis != w->axis)
        return real_refuse(n, "has weights %.60s with scales along axis %u, not along the channels", source->name, weights->axis);
    struct parts *parts = QM_ARENA_NEW(n->r->arena, struct parts, deferred->channels);
    int8_t *data = order_weights(n, integers, w, zero, parts);
    double *sum_scale = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    double in_scale = (double)real_tensors(n)[deferred->op.inputs[0]].quant.scale[0];
    for (uint32_t c = 0; c < deferred->channels; c++)
        sum_scale[c] = in_scale * (weights->count > 0 ? (double)weights->scale[weights->count > 1 ? c : 0] : 1);
    deferred->sum_scale = sum_scale;
    deferred->op.inputs[1] = qm_graph_add_constant(&n->r->maker, source->name, QM_I8, &w->shape, data);
    real_set_quant(n, deferred->op.inputs[1], 1, zero);
    deferred->op.input_count = 2;
    return set_limits(n, in, w->padded, parts, deferred);
}

bool real_add_ones(const struct real_node *n, uint32_t channels, const struct real_value *in, struct real_deferred *deferred) {
    int8_t *ones = QM_ARENA_NEW(n->r->arena, int8_t, channels);
    double *sum_scale = QM_ARENA_NEW(n->r->arena, double, 1);
    struct qm_shape shape = {4, {1, 1, 1, channels}};
    memset(ones, 1, channels);
    *sum_scale = (double)real_tensors(n)[deferred->op.inputs[0]].quant.scale[0];
    deferred->sum_scale = sum_scale;
    deferred->op.inputs[1] = qm_graph_add_constant(&n->r->maker, "ones", QM_I8, &shape, ones);
    real_set_quant(n, deferred->op.inputs[1], 1, 0);
    deferred->op.input_count = 2;
    return set_limits(n, in, false, &(struct parts){.above = channels}, deferred);
}
