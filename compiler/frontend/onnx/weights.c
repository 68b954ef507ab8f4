/* weights.c - constant weights: quantized constants, and the bytes of weights in the graph's order.
 *
 * Weights are taken as integers without their zero point when these fit int8, which also makes int8 with 0 of uint8 with zero point 128;
 * else with a zero point that the machine has to take care of. While they are read, the smallest and the largest sum of each channel are
 * found.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

bool onnx_quantize_constant(const struct onnx_node *n, const struct onnx_value *source, const struct onnx_scales *scales, uint32_t axis,
                            struct onnx_value *result) {
    size_t elements = (size_t)onnx_elements(&source->shape), inner = 1;
    if (scales->count > 1 && (axis >= source->shape.rank || source->shape.dims[axis] != scales->count))
        return onnx_refuse(n, "has %u scales, but %.60s has not as many channels along axis %u", scales->count, source->name, axis);
    for (uint32_t d = axis + 1; d < source->shape.rank; d++) inner *= source->shape.dims[d];
    double *integers = QM_ARENA_NEW(n->r->arena, double, elements), *numbers = QM_ARENA_NEW(n->r->arena, double, elements);
    for (size_t i = 0; i < elements; i++) {
        size_t c = scales->count > 1 ? i / inner % scales->count : 0;
        integers[i] = source->numbers[i] - scales->zero[c];
        numbers[i] = integers[i] * scales->scale[c];
    }
    result->state = ONNX_CONSTANT;
    result->shape = source->shape;
    result->type = ONNX_FLOAT;
    result->integers = integers;
    result->numbers = numbers;
    result->scales = scales->scale;
    result->scale_count = scales->count;
    result->scale_axis = axis;
    return true;
}

/* The zero point with which the integers fit int8: 0 if they do. */
static bool find_zero(const struct onnx_node *n, const struct onnx_value *source, const double *integers, int64_t *zero) {
    double low = 0, high = 0;
    size_t elements = (size_t)onnx_elements(&source->shape);
    for (size_t i = 0; i < elements; i++) {
        if (integers[i] != floor(integers[i]))
            return onnx_refuse(n, "has weights %.60s that are not integers and not quantized", source->name);
        low = fmin(low, integers[i]);
        high = fmax(high, integers[i]);
    }
    return onnx_zero_point(low, high, zero) || onnx_refuse(n, "has weights %.60s from %g to %g, more than 8 bits", source->name, low, high);
}

/* The smallest and the largest that can be. */
struct limits {
    int64_t low, high;           /* of an activation without its zero point */
    int64_t *sum_low, *sum_high; /* [channels] */
};

/* One more weight of a channel. */
static void widen(const struct limits *limits, uint32_t channel, int64_t weight) {
    int64_t a = weight * limits->low, b = weight * limits->high;
    limits->sum_low[channel] += a < b ? a : b;
    limits->sum_high[channel] += a < b ? b : a;
}

/* The weights' bytes, while the limits of the sums grow. */
static int8_t *order_weights(const struct onnx_node *n, const double *integers, const struct onnx_weights *w, int64_t zero,
                             const struct limits *limits) {
    size_t elements = (size_t)onnx_elements(&w->shape), at = 0;
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, elements);
    uint32_t i[4];
    for (i[0] = 0; i[0] < w->count[0]; i[0]++)
        for (i[1] = 0; i[1] < w->count[1]; i[1]++)
            for (i[2] = 0; i[2] < w->count[2]; i[2]++)
                for (i[3] = 0; i[3] < w->count[3]; i[3]++) {
                    size_t from = i[0] * w->stride[0] + i[1] * w->stride[1] + i[2] * w->stride[2] + i[3] * w->stride[3];
                    int64_t weight = (int64_t)integers[from];
                    widen(limits, i[w->channel], weight);
                    data[at++] = (int8_t)(weight + zero);
                }
    return data;
}

bool onnx_add_weights(const struct onnx_node *n, const struct onnx_value *source, const struct onnx_weights *w, const struct onnx_value *in,
                      struct onnx_deferred *deferred) {
    const double *integers = source->integers != NULL ? source->integers : source->numbers;
    const struct qm_quant *quant = &n->r->graph->tensors[deferred->op.inputs[0]].quant;
    int64_t zero = 0, in_zero = quant->zero_point[0];
    if (!find_zero(n, source, integers, &zero)) return false;
    if (source->integers != NULL && source->scale_count > 1 && source->scale_axis != w->axis)
        return onnx_refuse(n, "has weights %.60s with scales along axis %u, not along the channels", source->name, source->scale_axis);
    double *sum_scale = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    struct limits limits = {.low = in->low - in_zero, .high = in->high - in_zero};
    if (w->padded && limits.low > 0) limits.low = 0;
    if (w->padded && limits.high < 0) limits.high = 0;
    limits.sum_low = QM_ARENA_NEW(n->r->arena, int64_t, deferred->channels);
    limits.sum_high = QM_ARENA_NEW(n->r->arena, int64_t, deferred->channels);
    int8_t *data = order_weights(n, integers, w, zero, &limits);
    for (uint32_t c = 0; c < deferred->channels; c++) {
        sum_scale[c] = (double)quant->scale[0] * (source->integers != NULL ? source->scales[source->scale_count > 1 ? c : 0] : 1);
        if (limits.sum_low[c] < INT32_MIN || limits.sum_high[c] > INT32_MAX)
            return onnx_refuse(n, "has sums in channel %u that 32 bits cannot hold", c);
    }
    deferred->op.inputs[1] = onnx_add_constant(n->r, source->name, QM_I8, &w->shape, data);
    onnx_set_quant(n->r, deferred->op.inputs[1], 1, zero);
    deferred->op.input_count = 2;
    deferred->sum_scale = sum_scale;
    deferred->sum_low = limits.sum_low;
    deferred->sum_high = limits.sum_high;
    return true;
}

bool onnx_append_bias(const struct onnx_node *n, const struct onnx_value *bias, struct onnx_deferred *deferred) {
    double *numbers = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    if (onnx_elements(&bias->shape) != deferred->channels) return onnx_refuse(n, "has not as many biases in %.60s as channels", bias->name);
    for (uint32_t c = 0; c < deferred->channels; c++) numbers[c] = bias->numbers[c] * deferred->sum_scale[c];
    onnx_append(n, deferred, ONNX_ADD, deferred->channels, numbers);
    return true;
}

/* Scale 1 and the zero points of an optional input. */
static bool zero_points(const struct onnx_node *n, uint32_t i, uint32_t channels, struct onnx_scales *scales) {
    const struct onnx_value *zero = NULL;
    if (n->inputs[i] != NULL && !onnx_constant(n, i, &zero)) return false;
    uint64_t count = zero != NULL ? onnx_elements(&zero->shape) : 1;
    if (count != 1 && count != channels) return onnx_refuse(n, "has %llu zero points for %u channels", (unsigned long long)count, channels);
    scales->count = (uint32_t)count;
    scales->scale = QM_ARENA_NEW(n->r->arena, double, count);
    scales->zero = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t c = 0; c < count; c++) {
        scales->scale[c] = 1;
        scales->zero[c] = zero != NULL ? zero->numbers[c] : 0;
    }
    return true;
}

bool onnx_integer_operands(const struct onnx_node *n, uint32_t channels, struct onnx_scales *in, struct onnx_scales *weights) {
    return zero_points(n, 2, 1, in) && zero_points(n, 3, channels, weights);
}
