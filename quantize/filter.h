/* filter.h - changes of the weights and biases of float layers that make them easier to quantize, and of biases that make up for it.
 *
 * Equations: docs/quantization.md, Equalization and Bias correction.
 */
#ifndef QM_QUANTIZE_FILTER_H
#define QM_QUANTIZE_FILTER_H

#include <stddef.h>
#include <stdint.h>

#include "quantize/encoding.h"

/* A layer of weights: a convolution, depthwise when each group has one input, or with one tap a product with a matrix. */
struct qm_filter {
    size_t groups, channels, inputs, taps; /* channels (output) and inputs of a group; elements of the window */
    float *weights;                        /* [groups][channels][inputs][taps] */
    float *bias;                           /* [groups][channels] */
};

/* Gives each output channel a factor and an addend, [groups][channels] both: a batch normalization behind the layer, folded into it. */
void qm_filter_scale(const struct qm_filter *filter, const float *factors, const float *addends);

/* Cross-layer equalization: divides the first layer's channels, which are the second's inputs, by factors, and multiplies the second's
 * weights with them, so that both have the same range in each channel. What the two compute stays the same when between them is nothing, or
 * a function with f(sx) = s f(x), as ReLU. Fills factors [channels of the first]; a channel of zeros keeps 1. Returns the largest of all
 * factors and their inverses, which is 1 when nothing changed. */
double qm_filter_equalize(const struct qm_filter *first, const struct qm_filter *second, float *factors);

/* Absorption of large biases: of each channel of the first layer, whose results are distributed with these means and deviations before a
 * ReLU, takes what almost no result is below, max(0, mean - 3 deviations), from the bias and from the mean, and adds what the second layer
 * makes of it to that layer's bias. Where windows reach into padding the sum is another one than before. */
void qm_filter_absorb(const struct qm_filter *first, const struct qm_filter *second, float *means, const float *deviations);

/* Analytic bias correction: takes from the bias what the rounding of the weights adds to the mean of each channel; rounded has the shape of
 * the weights, input_means is [groups][inputs]. */
void qm_filter_correct(const struct qm_filter *filter, const float *rounded, const float *input_means);

/* Empirical bias correction: adds to the bias, [channels], the mean difference of the float layer's results from the quantized one's,
 * which are arrays of a shape. */
void qm_bias_correct(const struct qm_channels *shape, const float *float_results, const float *quantized_results, float *bias);

/* Adds the mean of each channel of an array to means, [channels]. */
void qm_channel_means(const struct qm_channels *shape, const float *numbers, float *means);

#endif
