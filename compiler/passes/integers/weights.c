/* weights.c - the bytes of constant weights in the graph's order.
 *
 * Weights are taken as integers without their zero point when these fit int8, which also makes int8 with 0 of uint8 with zero point 128;
 * else with a zero point that the machine has to take care of. Until that is known they are kept as their low bytes, from which adding it
 * makes the int8 that are wanted. Bytes that lie right already are not copied. Then the sums of each channel are found.
 */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* ---- integers ---- */

/* Weights without their zero points. */
struct integers {
    const uint8_t *bytes; /* [elements], modulo 256 */
    int32_t low, high;    /* from the smallest to the largest of them and 0 */
};

static void include(struct integers *integers, int32_t low, int32_t high) {
    integers->low = low < integers->low ? low : integers->low;
    integers->high = high > integers->high ? high : integers->high;
}

/* Zero points of a quantized constant are of all weights, or of each channel. */
static int64_t zero_of(const struct qm_quant *quant, size_t channel) {
    return quant->count == 0 ? 0 : quant->zero_point[quant->count > 1 ? channel : 0];
}

static bool has_one_zero(const struct qm_graph_tensor *t) {
    bool one = true;
    for (uint32_t c = 1; c < t->quant.count; c++) one = one && t->quant.zero_point[c] == t->quant.zero_point[0];
    return one;
}

/* How many elements one after another have the same zero point. */
static size_t elements_alike(const struct qm_graph_tensor *t) {
    size_t inner = 1;
    if (has_one_zero(t)) return (size_t)qm_graph_elements(t);
    for (uint32_t d = t->quant.axis + 1; d < t->rank; d++) inner *= t->dims[d];
    return inner;
}

/* Compares bytes as uint8, which int8 become by adding 128: all processors do that 16 at a time. */
static void include_bytes(struct integers *integers, const struct qm_graph_tensor *t, size_t begin, size_t count, int32_t zero) {
    const uint8_t *bytes = (const uint8_t *)t->data + begin, flip = t->dtype == QM_U8 ? 0 : 1 << 7;
    uint8_t low = UINT8_MAX, high = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = bytes[i] ^ flip;
        low = byte < low ? byte : low;
        high = byte > high ? byte : high;
    }
    if (count > 0) include(integers, low - flip - zero, high - flip - zero);
}

/* Bytes less their zero points. */
static void subtract_zeros(const struct real_node *n, const struct qm_graph_tensor *t, struct integers *integers) {
    size_t elements = (size_t)qm_graph_elements(t), alike = elements_alike(t), channels = t->quant.count > 1 ? t->quant.count : 1;
    bool none = alike == elements && zero_of(&t->quant, 0) == 0;
    const uint8_t *from = t->data;
    uint8_t *to = none ? NULL : QM_ARENA_NEW(n->r->arena, uint8_t, elements);
    for (size_t begin = 0; begin < elements; begin += alike) {
        int32_t zero = (int32_t)zero_of(&t->quant, begin / alike % channels);
        include_bytes(integers, t, begin, alike, zero);
        for (size_t i = begin; !none && i < begin + alike; i++) to[i] = (uint8_t)(from[i] - zero);
    }
    integers->bytes = none ? from : to;
}

/* The weights as integers. False: refused, because they are none of at most 9 bits. */
static bool integers_of(const struct real_node *n, const struct real_value *source, struct integers *integers) {
    const struct qm_graph_tensor *t = source->constant;
    size_t elements = (size_t)qm_graph_elements(t), alike = elements_alike(t), channels = t->quant.count > 1 ? t->quant.count : 1;
    if (t->dtype == QM_I8 || t->dtype == QM_U8) return subtract_zeros(n, t, integers), true;
    uint8_t *to = QM_ARENA_NEW(n->r->arena, uint8_t, elements);
    for (size_t i = 0; i < elements; i++) {
        double number = evaluate_stored(t, i) - (double)zero_of(&t->quant, i / alike % channels);
        if (number != floor(number)) return real_refuse(n, "has weights %.60s that are not integers and not quantized", source->name);
        if (!(fabs(number) <= UINT8_MAX)) return real_refuse(n, "has weights %.60s of more than 8 bits", source->name);
        include(integers, (int32_t)number, (int32_t)number);
        to[i] = (uint8_t)(int32_t)number;
    }
    integers->bytes = to;
    return true;
}

static bool refuse_range(const struct real_node *n, const struct real_value *source, const struct integers *integers) {
    if (has_one_zero(source->constant))
        return real_refuse(n, "has weights %.60s from %d to %d, more than 8 bits", source->name, integers->low, integers->high);
    return real_refuse(n,
                       "has weights %.60s with a zero point for each channel, less which they are from %d to %d: more than 8 bits, and the "
                       "array takes one zero point for all channels (quantize weights symmetrically)",
                       source->name, integers->low, integers->high);
}

/* ---- order ---- */

/* A row of weights, each stride behind the one before. */
static void put_row(const uint8_t *from, size_t stride, uint32_t count, int64_t zero, int8_t *to) {
    uint8_t add = (uint8_t)zero;
    if (stride == 1)
        for (uint32_t i = 0; i < count; i++) to[i] = (int8_t)(from[i] + add);
    else
        for (uint32_t i = 0; i < count; i++) to[i] = (int8_t)(from[i * stride] + add);
}

/* Whether the source has the weights one after another, in the order wanted. */
static bool is_ordered(const struct real_weights *w) {
    size_t stride = 1;
    for (uint32_t d = 4; d-- > 0; stride *= w->count[d])
        if (w->count[d] > 1 && w->stride[d] != stride) return false;
    return true;
}

/* Weights in the order wanted, with a zero point. */
static const int8_t *order_weights(const struct real_node *n, const uint8_t *bytes, const struct real_weights *w, int64_t zero) {
    bytes += w->first;
    if (is_ordered(w) && zero == 0) return (const int8_t *)bytes;
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, qm_shape_elements(&w->shape)), *to = data;
    uint32_t i[3];
    for (i[0] = 0; i[0] < w->count[0]; i[0]++)
        for (i[1] = 0; i[1] < w->count[1]; i[1]++)
            for (i[2] = 0; i[2] < w->count[2]; i[2]++, to += w->count[3])
                put_row(bytes + i[0] * w->stride[0] + i[1] * w->stride[1] + i[2] * w->stride[2], w->stride[3], w->count[3], zero, to);
    return data;
}

/* ---- the limits of sums ---- */

/* The sums of a channel's weights above 0, and of those below. */
struct parts {
    int64_t above, below;
};

enum { SUMMED_AT_ONCE = 1 << 16 }; /* weights of at most 9 bits, whose sums fit 32 bits */

static void add_parts(struct parts *parts, const int8_t *weights, size_t count, int32_t zero) {
    for (size_t begin = 0; begin < count; begin += SUMMED_AT_ONCE) {
        size_t end = count - begin < SUMMED_AT_ONCE ? count : begin + SUMMED_AT_ONCE;
        int32_t above = 0, below = 0;
        for (size_t i = begin; i < end; i++) {
            int16_t weight = (int16_t)(weights[i] - zero);
            above += weight > 0 ? weight : 0;
            below += weight < 0 ? weight : 0;
        }
        parts->above += above;
        parts->below += below;
    }
}

/* Of weights in the order wanted, whose channels are the first or the last of its four dimensions. */
static struct parts *sum_channels(const struct real_node *n, const int8_t *weights, const struct real_weights *w, uint32_t channels,
                                  int64_t zero) {
    struct parts *parts = QM_ARENA_NEW(n->r->arena, struct parts, channels);
    size_t elements = (size_t)qm_shape_elements(&w->shape), run = w->channel == 0 ? elements / channels : 1;
    for (size_t i = 0; i < elements / run; i++) add_parts(&parts[i % channels], weights + i * run, run, (int32_t)zero);
    return parts;
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
    struct integers integers = {0};
    if (!integers_of(n, source, &integers)) return false;
    if (!real_zero_point(integers.low, integers.high, &zero)) return refuse_range(n, source, &integers);
    if (weights->count > 1 && weights->axis != w->axis)
        return real_refuse(n, "has weights %.60s with scales along axis %u, not along the channels", source->name, weights->axis);
    const int8_t *data = order_weights(n, integers.bytes, w, zero);
    const struct parts *parts = sum_channels(n, data, w, deferred->channels, zero);
    double *sum_scale = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    double in_scale = (double)real_tensors(n)[deferred->op.inputs[0]].quant.scale[0];
    for (uint32_t c = 0; c < deferred->channels; c++)
        sum_scale[c] = in_scale * (weights->count > 0 ? (double)weights->scale[c % weights->count] : 1);
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
