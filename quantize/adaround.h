/* adaround.h - rounds the weights of one layer up or down so that its outputs come closest to those of the float layer.
 *
 * Nagel et al., Up or down? Adaptive rounding for post-training quantization, 2020: each weight has a variable between 0 and 1 that is
 * added to the integer below it; the variables are learned on rows of inputs, and drawn to 0 or 1 while they are. Equations:
 * docs/quantization.md, AdaRound. The result depends on the seed, not on the number of threads.
 */
#ifndef QM_QUANTIZE_ADAROUND_H
#define QM_QUANTIZE_ADAROUND_H

#include "common/blas.h"
#include "quantize/encoding.h"

/* A layer as products of matrices: a convolution whose windows are rows. */
struct qm_adaround_layer {
    uint32_t groups, channels, inputs;   /* output channels of a group, and weights of each */
    const float *weights;                /* [groups][channels][inputs] */
    const struct qm_encoding *encodings; /* [groups][channels] */
    const float *bias;                   /* [groups][channels]; NULL: 0 */
    uint32_t rows;                       /* 1 or more */
    const float *windows;                /* [rows][groups][inputs] what the layer reads in the quantized network */
    const float *targets;                /* [rows][groups][channels] its results in the float network, before or behind the activation */
    struct qm_range activation;          /* what is behind the layer cuts results to it; infinite ends: nothing */
};

struct qm_adaround_options {
    uint32_t iterations;       /* steps of Adam */
    uint32_t rows;             /* drawn for each step */
    double learning_rate;      /* of Adam */
    double regularization;     /* weight of the term that draws the variables to 0 or 1 */
    double warm_up;            /* share of the steps without that term */
    double beta_from, beta_to; /* its exponent, at the end of the warm-up and of all steps */
    uint64_t seed;
    uint32_t threads;
};

/* Options that are good for layers of any size. */
struct qm_adaround_options qm_adaround_defaults(void);

/* Mean squared errors of the layer's results over all rows and channels. */
struct qm_adaround_errors {
    double nearest, learned;
};

/* Fills integers [groups][channels][inputs]. A channel whose error on the rows is not less than that of rounding to the nearest is rounded
 * to the nearest. */
void qm_adaround(const struct qm_blas *blas, const struct qm_adaround_layer *layer, const struct qm_adaround_options *options,
                 int32_t *integers, struct qm_adaround_errors *errors);

#endif
