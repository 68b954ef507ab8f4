/* filter.c - see filter.h. */
#include "quantize/filter.h"

#include <math.h>

#include "common/status.h"

/* The weights of output channel o: [inputs][taps]. */
static float *output_weights(const struct qm_filter *filter, size_t o) {
    return filter->weights + o * filter->inputs * filter->taps;
}

/* The taps of input channel c, of all groups, in output channel o of its group. */
static float *taps_of(const struct qm_filter *filter, size_t c, size_t o) {
    return output_weights(filter, c / filter->inputs * filter->channels + o) + c % filter->inputs * filter->taps;
}

static float largest(const float *weights, size_t count, float reach) {
    for (size_t i = 0; i < count; i++) reach = fmaxf(reach, fabsf(weights[i]));
    return reach;
}

static void scale(float *weights, size_t count, float factor) {
    for (size_t i = 0; i < count; i++) weights[i] *= factor;
}

void qm_filter_scale(const struct qm_filter *filter, const float *factors, const float *addends) {
    for (size_t o = 0; o < filter->groups * filter->channels; o++) {
        scale(output_weights(filter, o), filter->inputs * filter->taps, factors[o]);
        filter->bias[o] = filter->bias[o] * factors[o] + addends[o];
    }
}

/* What channel c is divided by, so that both layers reach the root of the product of their ranges. */
static float equalizing_factor(const struct qm_filter *first, const struct qm_filter *second, size_t c) {
    float out = largest(output_weights(first, c), first->inputs * first->taps, 0), in = 0;
    for (size_t o = 0; o < second->channels; o++) in = largest(taps_of(second, c, o), second->taps, in);
    float factor = sqrtf(out) / sqrtf(in);
    return isnormal(factor) ? factor : 1;
}

double qm_filter_equalize(const struct qm_filter *first, const struct qm_filter *second, float *factors) {
    size_t channels = first->groups * first->channels;
    double furthest = 1;
    QM_CHECK(channels == second->groups * second->inputs);
    for (size_t c = 0; c < channels; c++) {
        factors[c] = equalizing_factor(first, second, c);
        scale(output_weights(first, c), first->inputs * first->taps, 1 / factors[c]);
        first->bias[c] /= factors[c];
        for (size_t o = 0; o < second->channels; o++) scale(taps_of(second, c, o), second->taps, factors[c]);
        furthest = fmax(furthest, fmax((double)factors[c], 1 / (double)factors[c]));
    }
    return furthest;
}

void qm_filter_absorb(const struct qm_filter *first, const struct qm_filter *second, float *means, const float *deviations) {
    size_t channels = first->groups * first->channels;
    QM_CHECK(channels == second->groups * second->inputs);
    for (size_t c = 0; c < channels; c++) {
        float taken = fmaxf(0, means[c] - 3 * deviations[c]);
        first->bias[c] -= taken;
        means[c] -= taken;
        for (size_t o = 0; o < second->channels; o++)
            for (size_t t = 0; t < second->taps; t++)
                second->bias[c / second->inputs * second->channels + o] += taps_of(second, c, o)[t] * taken;
    }
}

void qm_filter_correct(const struct qm_filter *filter, const float *rounded, const float *input_means) {
    size_t size = filter->inputs * filter->taps;
    for (size_t o = 0; o < filter->groups * filter->channels; o++) {
        const float *means = input_means + o / filter->channels * filter->inputs, *weights = output_weights(filter, o);
        double added = 0;
        for (size_t i = 0; i < size; i++) added += ((double)rounded[o * size + i] - (double)weights[i]) * (double)means[i / filter->taps];
        filter->bias[o] -= (float)added;
    }
}

/* The mean of a channel of an array. */
static double channel_mean(const struct qm_channels *shape, const float *numbers, size_t c) {
    double sum = 0;
    for (size_t outer = 0; outer < shape->outer; outer++)
        for (size_t i = 0, at = (outer * shape->channels + c) * shape->inner; i < shape->inner; i++, at++) sum += (double)numbers[at];
    return sum / (double)(shape->outer * shape->inner);
}

void qm_channel_means(const struct qm_channels *shape, const float *numbers, float *means) {
    for (size_t c = 0; c < shape->channels; c++) means[c] += (float)channel_mean(shape, numbers, c);
}

void qm_bias_correct(const struct qm_channels *shape, const float *float_results, const float *quantized_results, float *bias) {
    for (size_t c = 0; c < shape->channels; c++)
        bias[c] += (float)(channel_mean(shape, float_results, c) - channel_mean(shape, quantized_results, c));
}
