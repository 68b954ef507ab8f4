/* parts.h - among the files of the pipeline: a network with its layers and the points at which activations are quantized. */
#ifndef QM_QUANTIZE_NETWORK_PARTS_H
#define QM_QUANTIZE_NETWORK_PARTS_H

#include "common/blas.h"
#include "infer/infer.h"
#include "quantize/adaround.h"
#include "quantize/filter.h"
#include "quantize/network/network.h"
#include "quantize/qdq.h"
#include "quantize/range.h"

/* A tensor that is quantized: an input of the network, or what an operator computes. */
struct quant_point {
    uint32_t tensor; /* of the float graph */
    uint32_t bits;
    bool is_end;                     /* an input or an output of the network: 8 bits always */
    const struct quant_layer *layer; /* whose results it is, behind the activation; NULL: of another operator */
    struct qm_histogram *histogram;
    struct qm_format format;
    struct qm_encoding encoding;
    uint32_t scale_at[2], zero_at[2]; /* the constants of its two quantizers, tensors of the quantized graph */
};

/* A convolution or a product with a constant matrix. Weights are [groups][channels][inputs], inputs being those of a window. */
struct quant_layer {
    struct qm_quantize_layer report;
    uint32_t op;                /* of the float graph */
    uint32_t in, weights, bias; /* tensors of the float graph */
    uint32_t out, activated;    /* with the bias, before and behind the activation, which may be none */
    uint32_t quantized_op;      /* of the quantized graph, and its tensors */
    uint32_t weights_at, bias_at, out_at;
    uint32_t groups, channels, inputs;
    struct qm_range activation;         /* that cuts the output; infinite ends: nothing does */
    const struct quant_point *point;    /* whose integers it reads; NULL: none, and the bias stays real */
    float *real_weights, *real_bias;    /* of the float network, batch normalizations folded; bias [groups][channels] */
    float *means, *deviations;          /* [groups][channels] of the results in the float network; NULL: no option needs them */
    float *corrected;                   /* [groups][channels] the bias with what makes up for roundings */
    struct qm_encoding *encodings;      /* [groups][channels] of the weights */
    int32_t *integers;                  /* of the weights */
    int32_t *placed;                    /* the same in the order of the graph */
    struct qm_encoding *bias_encodings; /* [groups][channels] */
    int32_t *bias_integers;
};

struct quant_network {
    struct qm_arena *arena;
    struct qm_diag *diag;
    const struct qm_quantize_options *options;
    const struct qm_examples *calibration, *judged;
    struct qm_graph *real, *quantized;
    struct qm_tensor_encoding *encodings; /* of the tensors of the float graph */
    struct infer *real_run, *quantized_run;
    struct qm_blas blas;
    uint64_t learned_of; /* examples of the calibration that walks have */
    uint32_t layer_count, point_count;
    struct quant_layer *layers;
    struct quant_point *points;
};

static inline uint32_t quant_outputs(const struct quant_layer *layer) {
    return layer->groups * layer->channels;
}

/* ---- readers.c ---- */
/* Operators and ends that read each tensor: [tensor_count]. */
uint32_t *quant_count_readers(const struct qm_graph *graph, struct qm_arena *arena);
/* The operator that alone reads a tensor, and no end of the network does; NULL: there is none. */
const struct qm_graph_op *quant_only_reader(const struct qm_graph *graph, const uint32_t *readers, uint32_t tensor);
/* What a layer, whose operator this is, reads or results in, as channels. */
struct qm_channels quant_channels_of(const struct qm_graph *graph, const struct qm_graph_op *op, uint32_t tensor);

/* ---- layers.c ---- */
/* Finds the layers of a graph, and writes the float graph with all that is linear behind them folded into their weights and biases. */
QM_MUST_USE enum qm_status quant_find_layers(struct quant_network *network, const struct qm_graph *graph);

/* ---- statistics.c ---- */
/* Runs the examples through a float graph: how the results of its layers are distributed, by channel. */
QM_MUST_USE enum qm_status quant_find_statistics(struct quant_network *network, const struct qm_graph *graph);

/* ---- pairs.c ---- */
/* The weights and the bias of a layer, whose operator is this one. */
struct qm_filter quant_filter_of(const struct quant_layer *layer, const struct qm_graph_op *op);
/* Equalizes the weights of the layers that quant_find_layers has found in a graph; the network computes the same. */
void quant_equalize(struct quant_network *network, const struct qm_graph *graph, const uint32_t *readers);
/* Absorbs their large biases, by their statistics; the network computes nearly the same. */
void quant_absorb(struct quant_network *network, const struct qm_graph *graph, const uint32_t *readers);

/* ---- precision.c ---- */
/* Gives each layer the bits that the option says. */
QM_MUST_USE enum qm_status quant_read_precision(struct quant_network *network);

/* ---- points.c ---- */
/* Whether an operator gives its numbers as they are in another order or shape. */
bool quant_reorders(const struct qm_graph_op *op);
/* Finds the points and makes the quantized graph, whose encodings are still to be found. */
void quant_place_points(struct quant_network *network);

/* ---- ranges.c ---- */
/* Runs the examples through the float network: histograms of all points. */
QM_MUST_USE enum qm_status quant_gather(struct quant_network *network);
/* Gives all points their encodings. */
void quant_set_ranges(struct quant_network *network, enum qm_range_method method);

/* ---- walk.c ---- */
struct quant_walk;
/* Examples of the calibration, as many as memory is given for, before the first operator of both networks. */
struct quant_walk *quant_walk_begin(struct quant_network *network);
void quant_walk_end(struct quant_walk *walk);
/* Moves them all on to a layer, which has not run. */
QM_MUST_USE enum qm_status quant_walk_to(struct quant_walk *walk, const struct quant_layer *layer);
/* Runs that layer in both networks, without its activation; the example stays where it is. */
QM_MUST_USE enum qm_status quant_walk_run(const struct quant_walk *walk, const struct quant_layer *layer, uint64_t example);

/* ---- weights.c ---- */
/* Encodes the weights of all layers and rounds them to the nearest, with the biases of the float network. */
void quant_round_weights(struct quant_network *network);
/* Goes through the layers from the first to the last: learns their rounding, if asked for, and corrects their biases. */
QM_MUST_USE enum qm_status quant_learn_weights(struct quant_network *network, bool learns);
/* Whether AdaRound has something to do. */
bool quant_learns_any(const struct quant_network *network);

/* ---- biases.c ---- */
/* Rounds a layer's bias to integers of the product of its scales, as whenever one of them has changed. */
void quant_put_bias(struct quant_network *network, struct quant_layer *layer);
/* Adds to the bias of a layer, to which the walk has come, what the option wants. */
QM_MUST_USE enum qm_status quant_correct_bias(struct quant_network *network, const struct quant_walk *walk, struct quant_layer *layer);

/* ---- judge.c ---- */
/* Runs the examples that judge through the quantized network, and adds a step to the result. */
QM_MUST_USE enum qm_status quant_judge(struct quant_network *network, const char *step, struct qm_quantized *result);

/* Tells who wants to know how far a step has come. */
void quant_tell(const struct quant_network *network, const char *what, uint64_t done, uint64_t of, double share);
/* An example's inputs of a graph, to be run. */
enum { QUANT_INPUTS_MAX = 16 };
void quant_take_example(const struct qm_graph *graph, const struct qm_examples *examples, uint64_t example, const float **inputs);
enum qm_status quant_fail_output(const struct quant_network *network, uint64_t example);
enum qm_status quant_fail_example(const struct quant_network *network, uint64_t example);

#endif
