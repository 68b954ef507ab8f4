/* sums.c - whether the accumulator holds a layer's sums: against the inputs that make them largest and smallest, written down. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/prng.h"
#include "compiler/passes/passes.h"

enum { CHANNELS = 3, TAPS = 4, DEPTH = 5, WEIGHTS_MAX = 2 * CHANNELS * TAPS * DEPTH, LAYERS = 3000 };

static int8_t weights[WEIGHTS_MAX];
static uint32_t inputs[] = {0, 1};
static struct qm_value values[3];
static const struct qm_network network = {.value_count = 3, .values = values};

TestSuite(layer_sums);

static uint32_t below(struct qm_prng *prng, uint32_t limit) {
    return (uint32_t)(qm_prng_next(prng) % limit);
}

static struct qm_layer draw_layer(struct qm_prng *prng, enum qm_layer_kind kind) {
    struct qm_layer layer = {.kind = kind, .inputs = inputs, .input_count = 1, .output = 2, .kernel_h = 2, .kernel_w = 2};
    int32_t most = (int32_t)below(prng, 128);
    layer.weights = weights;
    layer.in_channels = kind == QM_LAYER_DEPTHWISE ? 1 : DEPTH;
    layer.in_unsigned = below(prng, 2) == 0;
    layer.twice = kind == QM_LAYER_DEPTHWISE && below(prng, 2) == 0;
    if (kind == QM_LAYER_CONV && below(prng, 2) == 0) layer.weight_zero = (int32_t)below(prng, 256) - 128;
    for (int i = 0; i < WEIGHTS_MAX; i++) weights[i] = (int8_t)((int32_t)below(prng, 2 * (uint32_t)most + 1) - most);
    values[0].bits = below(prng, 2) == 0 ? 4 : 8;
    values[2].c = CHANNELS;
    return layer;
}

/* The weight of product i of a channel's sum; how many there are. */
static int8_t weight_of(const struct qm_layer *layer, int channel, int i) {
    return layer->kind == QM_LAYER_DEPTHWISE ? weights[i * CHANNELS + channel] : weights[channel * TAPS * DEPTH + i];
}

static int products_of(const struct qm_layer *layer) {
    return layer->kind == QM_LAYER_DEPTHWISE ? TAPS * (layer->twice ? 2 : 1) : TAPS * DEPTH;
}

/* The sum that is furthest from zero on one side, with the input of each product chosen for it. */
static int64_t furthest(const struct qm_layer *layer, int channel, int sign) {
    int64_t low = layer->in_unsigned ? 0 : values[0].bits == 4 ? -8 : -128, sum = 0;
    int64_t high = (values[0].bits == 4 ? 15 : 255) + low;
    for (int i = 0; i < products_of(layer); i++) {
        int64_t factor = weight_of(layer, channel, i) - layer->weight_zero, best = 0;
        for (int64_t input = low; input <= high; input++)
            if (sign * input * factor > sign * best) best = input * factor;
        sum += best;
    }
    return sum;
}

static bool naive(const struct qm_layer *layer, uint32_t bits) {
    for (int c = 0; c < CHANNELS; c++) {
        int64_t limit = (int64_t)1 << (bits - 1);
        if (furthest(layer, c, 1) >= limit || furthest(layer, c, -1) < -limit) return true;
    }
    return false;
}

Test(layer_sums, are_held_unless_some_input_has_one_that_is_not) {
    struct qm_prng prng;
    int counts[2] = {0};
    qm_prng_init(&prng, 1);
    for (int i = 0; i < LAYERS; i++) {
        struct qm_layer layer = draw_layer(&prng, i % 2 == 0 ? QM_LAYER_CONV : QM_LAYER_DEPTHWISE);
        for (uint32_t bits = 8; bits <= 24; bits++) {
            bool may = naive(&layer, bits);
            cr_assert(layer_sums_may_overflow(&network, &layer, bits) == may, "layer %d, %u bits", i, bits);
            counts[may]++;
        }
    }
    cr_assert(counts[0] > LAYERS && counts[1] > LAYERS);
}

Test(layer_sums, of_computed_weights_take_all_their_numbers) {
    /* 16 products of -128 and -128 are 2^18, one too much for 19 bits; with them 16 of -(-5) and -128 are 10,240 below zero. */
    struct qm_layer layer = {.kind = QM_LAYER_CONV, .inputs = inputs, .input_count = 2, .kernel_h = 1, .kernel_w = 1, .in_channels = 16};
    values[0].bits = 8;
    cr_expect(layer_sums_may_overflow(&network, &layer, 19));
    cr_expect(not(layer_sums_may_overflow(&network, &layer, 20)));
    layer.in_channels = 15; /* 245,760 of 262,143; 254,880 below zero are 260,640 with the zero point's */
    cr_expect(not(layer_sums_may_overflow(&network, &layer, 19)));
    layer.in_zero = -9;
    cr_expect(layer_sums_may_overflow(&network, &layer, 19));
}

Test(layer_sums, of_other_layers_stand_in_no_accumulator) {
    struct qm_layer layer = {.kind = QM_LAYER_POOL_SUM, .kernel_h = 255, .kernel_w = 255};
    cr_expect(not(layer_sums_may_overflow(&network, &layer, 16)));
}
