/* network.h - makes a quantized network of a float one, after it is trained: the pipeline from examples to integers.
 *
 * Batch normalizations are folded; examples run through the float network tell the ranges of its tensors; weights are rounded to the
 * nearest or learned layer by layer, and biases make up for what is left. After each step the network is run as it will compute, and
 * compared with the float one. Equations and their papers: docs/quantization.md.
 */
#ifndef QM_QUANTIZE_NETWORK_NETWORK_H
#define QM_QUANTIZE_NETWORK_NETWORK_H

#include "common/graph.h"
#include "common/status.h"

enum qm_range_method {
    QM_RANGES_MIN_MAX,
    QM_RANGES_PERCENTILE,
    QM_RANGES_SQUARED_ERROR,
    QM_RANGES_DIVERGENCE,
    QM_RANGES_NORMAL,
    QM_RANGE_METHODS
};
const char *qm_range_method_name(enum qm_range_method method); /* "min-max", ... */

enum qm_correction { QM_CORRECTION_NONE, QM_CORRECTION_EMPIRICAL, QM_CORRECTION_ANALYTIC, QM_CORRECTIONS };

/* Examples of a network: example e of input i is inputs[i] + e * its elements. */
struct qm_examples {
    uint64_t count;
    const float *const *inputs;
    const int64_t *labels; /* [count] NULL: none */
};

/* How far a step has come. */
struct qm_quantize_progress {
    const char *what;
    uint64_t done, of; /* examples, or layers */
    double share;      /* of the step's work */
};

struct qm_quantize_options {
    const char *precision;         /* "w4a8", or "conv1=w8a8,default=w4a8" by the names of layers' outputs */
    enum qm_range_method ranges;   /* of activations */
    double percent;                /* of QM_RANGES_PERCENTILE */
    bool equalizes, absorbs;       /* weights, and large biases, of pairs of layers */
    bool per_tensor;               /* one scale for the weights of a layer, not one a channel */
    bool symmetric;                /* activations, whose zero point is 0 then */
    bool power_of_two;             /* all scales but those of biases, which are products */
    bool learns;                   /* weights of fewer than 8 bits are rounded by AdaRound */
    enum qm_correction correction; /* of biases */
    uint32_t iterations;           /* of AdaRound; 0: its own */
    uint64_t kept_floats;          /* what roundings and biases may keep of all examples together */
    uint64_t seed;
    uint32_t threads;
    void (*progress)(void *context, const struct qm_quantize_progress *progress); /* NULL: nobody is told */
    void *context;
};

/* Those that are taken when nothing else is asked for; the precision is borrowed. */
struct qm_quantize_options qm_quantize_defaults(const char *precision);

/* What the network is after a step of the pipeline, on the examples that judge it. */
struct qm_quantize_step {
    const char *name;
    double sqnr_db;   /* of what goes into a last softmax, else of the first output, against the float network */
    double agreement; /* share of examples whose largest is the same */
    double accuracy;  /* share that are right; NAN without labels */
};

struct qm_quantize_layer {
    const char *name; /* of its output */
    uint32_t weight_bits, activation_bits;
    double nearest, learned; /* mean squared errors of its results on the calibration, by the rounding; NAN: not learned */
    const char *note;        /* what could not be done as asked for; NULL: nothing */
};

enum { QM_QUANTIZE_STEPS_MAX = 8 };

struct qm_quantized {
    struct qm_graph *graph; /* of real numbers, with quantizers and quantized constants */
    double float_accuracy;  /* NAN without labels */
    uint64_t learned_of;    /* examples, the first ones, that roundings and biases are learned of: what kept_floats has room for */
    uint32_t step_count, layer_count;
    struct qm_quantize_step steps[QM_QUANTIZE_STEPS_MAX];
    struct qm_quantize_layer *layers; /* [layer_count] */
};

/* Quantizes a graph that qm_reals made. The result belongs to arena and borrows from the graph. QM_BAD_INPUT: no examples, a precision
 * that names no layer, a network without a layer to quantize, an operator that cannot be run, activations that are not finite. */
QM_MUST_USE enum qm_status qm_quantize_network(const struct qm_graph *graph, const struct qm_quantize_options *options,
                                               const struct qm_examples *calibration, const struct qm_examples *judged,
                                               struct qm_arena *arena, struct qm_quantized **result, struct qm_diag *diag);

#endif
