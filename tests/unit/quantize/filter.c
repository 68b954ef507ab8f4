/* filter.c - layers are changed as the equations say: what two compute together stays the same, means are what they were. */
#include "quantize/filter.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/drawn.h"

TestSuite(filter);

enum { CHANNELS = 6, SIZE_MAX_ = 200 };

struct layer {
    struct qm_filter filter;
    float weights[SIZE_MAX_], bias[CHANNELS];
};

static void draw(struct layer *layer, size_t groups, size_t channels, size_t inputs, size_t taps) {
    struct qm_prng prng;
    qm_prng_init(&prng, groups * 1000 + taps);
    layer->filter = (struct qm_filter){groups, channels, inputs, taps, layer->weights, layer->bias};
    for (size_t i = 0; i < groups * channels * inputs * taps; i++) layer->weights[i] = (float)(drawn_normal(&prng) * exp2((double)(i % 5)));
    for (size_t i = 0; i < groups * channels; i++) layer->bias[i] = (float)drawn_normal(&prng);
}

/* One window of a layer, as its definition: x is [groups][inputs], the same for all taps. */
static void apply(const struct layer *layer, const double *x, double *y) {
    const struct qm_filter *f = &layer->filter;
    for (size_t g = 0; g < f->groups; g++)
        for (size_t c = 0; c < f->channels; c++) {
            size_t o = g * f->channels + c;
            y[o] = (double)f->bias[o];
            for (size_t i = 0; i < f->inputs; i++)
                for (size_t t = 0; t < f->taps; t++) y[o] += (double)f->weights[(o * f->inputs + i) * f->taps + t] * x[g * f->inputs + i];
        }
}

static void apply_two(const struct layer *first, const struct layer *second, const double *x, double *y) {
    double between[CHANNELS];
    apply(first, x, between);
    for (int c = 0; c < CHANNELS; c++) between[c] = fmax(between[c], 0);
    apply(second, between, y);
}

static float reach(const float *weights, size_t count, size_t stride, size_t run) {
    float most = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t t = 0; t < run; t++) most = fmaxf(most, fabsf(weights[i * stride + t]));
    return most;
}

static const double x[] = {0.3, -1.2, 2.5, 0.7, 1.1, -0.4};

static void compare_two(const struct layer *first, const struct layer *second, const double *before) {
    double after[CHANNELS];
    apply_two(first, second, x, after);
    for (size_t o = 0; o < second->filter.groups * second->filter.channels; o++)
        cr_assert(epsilon_eq(dbl, after[o], before[o], 1e-4 * (1 + fabs(before[o]))));
}

/* A dense layer, and behind it one that is dense, depthwise or of two groups. */
static void equalize(size_t groups) {
    struct layer first, second;
    float factors[CHANNELS];
    double before[CHANNELS];
    draw(&first, 1, CHANNELS, 4, 1);
    draw(&second, groups, CHANNELS / groups, CHANNELS / groups, 3);
    apply_two(&first, &second, x, before);
    cr_assert(gt(dbl, qm_filter_equalize(&first.filter, &second.filter, factors), 1.1));
    compare_two(&first, &second, before);
    cr_assert(lt(dbl, qm_filter_equalize(&first.filter, &second.filter, factors), 1 + 1e-5));
    if (groups != 1) return;
    for (size_t c = 0; c < CHANNELS; c++) {
        float out = reach(first.weights + c * 4, 1, 0, 4), in = reach(second.weights + c * 3, CHANNELS, CHANNELS * 3, 3);
        cr_assert(epsilon_eq(flt, out, in, in * 1e-5F));
    }
}

Test(filter, equalized_layers_compute_the_same) {
    equalize(1);
    equalize(2);
    equalize(CHANNELS);
}

Test(filter, equalizes_by_worked_numbers) {
    float w1[] = {8, -4}, b1[] = {16, 3}, w2[] = {0.5F, 1}, b2[] = {0}, factors[2];
    struct qm_filter first = {1, 2, 1, 1, w1, b1}, second = {1, 1, 2, 1, w2, b2};
    cr_assert(epsilon_eq(dbl, qm_filter_equalize(&first, &second, factors), 4, 1e-6));
    static const float want[] = {2, -2, 4, 1.5F, 2, 2, 4, 2};
    const float got[] = {w1[0], w1[1], b1[0], b1[1], w2[0], w2[1], factors[0], factors[1]};
    for (int i = 0; i < 8; i++) cr_assert(epsilon_eq(flt, got[i], want[i], 1e-6F));
}

Test(filter, channels_of_zeros_stay) {
    float w1[] = {0, -4}, b1[] = {16, 3}, w2[] = {0.5F, 0}, b2[] = {0}, factors[2];
    struct qm_filter first = {1, 2, 1, 1, w1, b1}, second = {1, 1, 2, 1, w2, b2};
    cr_assert(eq(dbl, qm_filter_equalize(&first, &second, factors), 1));
    cr_assert(eq(flt, w1[1], -4));
    cr_assert(eq(flt, b1[0], 16));
}

/* Where the ReLU takes nothing, layers compute the same afterwards. */
Test(filter, large_biases_are_absorbed) {
    struct layer first, second;
    float means[CHANNELS], deviations[CHANNELS];
    double before[CHANNELS], between[CHANNELS];
    draw(&first, 1, CHANNELS, 4, 1);
    draw(&second, 2, 3, 3, 3);
    for (int c = 0; c < CHANNELS; c++) first.bias[c] = c == 0 ? 1 : 200;
    apply(&first, x, between);
    for (int c = 0; c < CHANNELS; c++) {
        means[c] = c == 0 ? 1 : (float)between[c];
        deviations[c] = 1;
    }
    apply_two(&first, &second, x, before);
    qm_filter_absorb(&first.filter, &second.filter, means, deviations);
    compare_two(&first, &second, before);
    cr_assert(eq(flt, first.bias[0], 1)); /* its mean is within three deviations */
    cr_assert(eq(flt, means[0], 1));
    for (int c = 1; c < CHANNELS; c++) {
        cr_assert(epsilon_eq(flt, means[c], 3, 1e-4F));
        cr_assert(epsilon_eq(dbl, (double)first.bias[c], 203 - between[c], 1e-3));
    }
}

Test(filter, a_normalization_is_folded) {
    struct layer layer;
    static const float factors[] = {2, -1, 0.5F, 3, 1, 0}, addends[] = {1, 2, 3, 4, 5, 6};
    double before[CHANNELS], after[CHANNELS];
    draw(&layer, 2, 3, 2, 2);
    apply(&layer, x, before);
    qm_filter_scale(&layer.filter, factors, addends);
    apply(&layer, x, after);
    for (int c = 0; c < CHANNELS; c++)
        cr_assert(epsilon_eq(dbl, after[c], before[c] * (double)factors[c] + (double)addends[c], 1e-4 * (1 + fabs(after[c]))));
}

/* The layer with rounded weights and the corrected bias makes, of the means, what the layer made. */
Test(filter, analytic_correction_keeps_means) {
    struct layer layer, rounded;
    float means[CHANNELS];
    double before[CHANNELS], after[CHANNELS];
    draw(&layer, 2, 3, 3, 2);
    rounded = layer;
    rounded.filter.weights = rounded.weights;
    rounded.filter.bias = rounded.bias;
    for (int i = 0; i < 2 * 3 * 3 * 2; i++) rounded.weights[i] = rintf(layer.weights[i]);
    for (int i = 0; i < CHANNELS; i++) means[i] = (float)x[i];
    apply(&layer, x, before);
    qm_filter_correct(&layer.filter, rounded.weights, means);
    memcpy(rounded.bias, layer.bias, sizeof rounded.bias);
    apply(&rounded, x, after);
    for (int c = 0; c < CHANNELS; c++) cr_assert(epsilon_eq(dbl, after[c], before[c], 1e-4 * (1 + fabs(before[c]))));
}

Test(filter, empirical_correction_adds_mean_differences) {
    static const struct qm_channels shape = {2, 2, 2};
    static const float of_float[] = {1, 2, 10, 20, 3, 4, 30, 40}, quantized[] = {0, 2, 11, 20, 3, 3, 31, 42};
    float bias[] = {5, 5};
    qm_bias_correct(&shape, of_float, quantized, bias);
    cr_assert(eq(flt, bias[0], 5.5F));
    cr_assert(eq(flt, bias[1], 4));
}

Test(filter, means_of_channels_are_added) {
    static const struct qm_channels shape = {2, 2, 2};
    static const float numbers[] = {1, 2, 10, 20, 3, 4, 30, 40};
    float means[] = {1, 0};
    qm_channel_means(&shape, numbers, means);
    cr_assert(eq(flt, means[0], 3.5F));
    cr_assert(eq(flt, means[1], 25));
}
