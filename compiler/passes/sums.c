/* sums.c - whether the accumulator holds every sum that a layer can have: the least and the largest by the layer's own weights, over all
 * inputs that its input's type allows. Zero is a number of each type, so that the sum of a part of the products lies between the two.
 */
#include <stdlib.h>

#include "compiler/passes/passes.h"

/* Numbers from low to high; low is not above 0, high not below. */
struct interval {
    int64_t low, high;
};

static struct interval interval_of_type(uint32_t bits, bool is_unsigned) {
    int64_t half = (int64_t)1 << (bits - 1);
    return is_unsigned ? (struct interval){0, 2 * half - 1} : (struct interval){-half, half - 1};
}

static bool fits(struct interval sums, uint32_t bits) {
    int64_t limit = (int64_t)1 << (bits - 1);
    return sums.low >= -limit && sums.high < limit;
}

/* Of `count` products of a number of each range. */
static struct interval products(struct interval a, struct interval b, uint64_t count) {
    int64_t most = a.high * b.high > a.low * b.low ? a.high * b.high : a.low * b.low;
    int64_t least = a.low * b.high < a.high * b.low ? a.low * b.high : a.high * b.low;
    return (struct interval){(int64_t)count * least, (int64_t)count * most};
}

/* Of all weights of the type, less the zero point. */
static struct interval weight_interval(const struct qm_layer *layer) {
    struct interval weights = interval_of_type(8, false);
    weights.low -= layer->weight_zero > 0 ? layer->weight_zero : 0;
    weights.high -= layer->weight_zero < 0 ? layer->weight_zero : 0;
    return weights;
}

/* Weights of one sum: `count` of them, `stride` apart. */
static bool channel_fits(const struct qm_layer *layer, const int8_t *weights, uint64_t count, uint32_t stride, struct interval inputs,
                         uint32_t bits) {
    int64_t above = 0, below = 0;
    for (uint64_t i = 0; i < count; i++) {
        int32_t weight = weights[i * stride] - layer->weight_zero;
        *(weight > 0 ? &above : &below) += weight;
    }
    return fits((struct interval){above * inputs.low + below * inputs.high, above * inputs.high + below * inputs.low}, bits);
}

bool layer_sums_may_overflow(const struct qm_network *network, const struct qm_layer *layer, uint32_t bits) {
    if (layer->kind != QM_LAYER_CONV && layer->kind != QM_LAYER_DEPTHWISE) return false;
    bool by_channel = layer->kind == QM_LAYER_DEPTHWISE;
    uint32_t channels = network->values[layer->output].c;
    uint64_t window = (uint64_t)layer->kernel_h * layer->kernel_w;
    uint64_t count = by_channel ? window * (layer->twice ? 2 : 1) : window * layer->in_channels;
    struct interval inputs = interval_of_type(network->values[layer->inputs[0]].bits, layer->in_unsigned), weights = weight_interval(layer);
    struct interval largest = products(inputs, weights, count);
    if (layer->weights == NULL) { /* computed; the input's zero point is another product of each weight */
        struct interval zero = {layer->in_zero > 0 ? -layer->in_zero : 0, layer->in_zero < 0 ? -layer->in_zero : 0};
        struct interval others = products(zero, weights, count);
        return !fits((struct interval){largest.low + others.low, largest.high + others.high}, bits);
    }
    if (fits(largest, bits)) return false;
    for (uint32_t c = 0; c < channels; c++)
        if (!channel_fits(layer, layer->weights + (by_channel ? c : c * count), count, by_channel ? channels : 1, inputs, bits))
            return true;
    return false;
}
