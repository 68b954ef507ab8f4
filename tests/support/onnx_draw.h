/* onnx_draw.h - random small quantized ONNX networks with their inputs, all from a seed.
 *
 * A network is a chain of one to six steps with branches, between integers of 8 bits: in the form with QuantizeLinear and DequantizeLinear
 * around operators on real numbers, or in the form whose operators work on integers (QLinearConv). A third of the networks have stretches
 * that only the host computes exactly. Scales are awkward on purpose: powers of two, whose quotients lie half way between two steps; hairs
 * beside them; quotients of sums and steps below 2^-20 and above one; zero points at the ends of their range. The name of a quantized
 * tensor says which operators made it: q12.Conv+Relu.
 */
#ifndef QM_TESTS_SUPPORT_ONNX_DRAW_H
#define QM_TESTS_SUPPORT_ONNX_DRAW_H

#include "common/prng.h"
#include "tests/support/onnx_build.h"

enum { ONNX_DRAW_INPUTS_MAX = 8, ONNX_DRAW_FLOWS_MAX = 32, ONNX_DRAW_KIND_BYTES = 112 };

/* How a tensor is quantized, and the names of the constants that say so. */
struct onnx_draw_quant {
    float scale;
    int32_t zero, type; /* as ONNX numbers it: 2 uint8, 3 int8 */
    const char *scale_name, *zero_name;
    bool zero_absent; /* from QuantizeLinear and DequantizeLinear: it is 0 of type uint8, as they take it without one */
};

/* A quantized tensor. */
struct onnx_draw_flow {
    const char *name;
    struct onnx_build_shape shape;
    struct onnx_draw_quant quant;
};

/* A tensor of real numbers. */
struct onnx_draw_value {
    const char *name;
    struct onnx_build_shape shape;
    double spread, unit;                 /* a magnitude that its elements have, about; what they are multiples of, or 0 */
    const struct onnx_draw_quant *quant; /* of the quantized tensor whose elements it has; NULL: they are computed */
};

struct onnx_draw {
    struct onnx_build b;
    struct qm_prng prng;
    uint32_t serial, opset, input_count, flow_count;
    bool for_host;                                    /* some stretches are drawn for the host */
    struct numbers inputs[ONNX_DRAW_INPUTS_MAX];      /* of the graph, in its order */
    struct onnx_draw_flow flows[ONNX_DRAW_FLOWS_MAX]; /* all quantized tensors, in order */
    char kind[ONNX_DRAW_KIND_BYTES];                  /* operators since the last quantized tensor */
};

/* Draws the network and its inputs; everything is in the arena. */
void onnx_draw(struct onnx_draw *d, uint64_t seed, struct qm_arena *arena);
/* Makes every quantized tensor an output of the graph as well. */
void onnx_draw_open(struct onnx_draw *d);

/* ---- between the files of the drawing ---- */

uint32_t onnx_draw_below(struct onnx_draw *d, uint32_t count); /* 0 .. count - 1 */
bool onnx_draw_chance(struct onnx_draw *d, uint32_t percent);
double onnx_draw_between(struct onnx_draw *d, double low, double high);   /* evenly */
double onnx_draw_magnitude(struct onnx_draw *d, double low, double high); /* evenly in its logarithm */
size_t onnx_draw_elements(const struct onnx_build_shape *shape);
const char *onnx_draw_name(struct onnx_draw *d, const char *prefix); /* a new one */
void onnx_draw_note(struct onnx_draw *d, const char *op);            /* appends to kind */
Onnx__NodeProto *onnx_draw_node(struct onnx_draw *d, const char *op, const char *inputs, const char **output);
/* How often an operator takes the same operands, of which so many elements become the result's: now and then some hundred times. */
uint32_t onnx_draw_rounds(struct onnx_draw *d, size_t elements);
/* A list of names so often. */
const char *onnx_draw_again(struct onnx_draw *d, const char *names, uint32_t rounds);
/* A list of int64, as a constant; returns its name. */
const char *onnx_draw_list(struct onnx_draw *d, uint32_t count, const int64_t *values);

/* type: 0 is any */
struct onnx_draw_quant onnx_draw_quant(struct onnx_draw *d, double spread, double unit, int32_t type);
/* Quantizes and appends to flows; `like` not NULL: as that. */
const struct onnx_draw_flow *onnx_draw_quantize(struct onnx_draw *d, const struct onnx_draw_value *x, const struct onnx_draw_quant *like);
const struct onnx_draw_flow *onnx_draw_flow(struct onnx_draw *d, const char *name, const struct onnx_build_shape *shape,
                                            const struct onnx_draw_quant *quant);
struct onnx_draw_value onnx_draw_dequantize(struct onnx_draw *d, const struct onnx_draw_flow *flow);
const struct onnx_draw_flow *onnx_draw_input(struct onnx_draw *d, const struct onnx_build_shape *shape, int32_t type);
/* A float input of such a spread that no quantizer stands behind yet. */
struct onnx_draw_value onnx_draw_float_input(struct onnx_draw *d, const struct onnx_build_shape *shape, double spread);
/* A constant of real numbers, in one of the ways in which files have them. */
const char *onnx_draw_constant(struct onnx_draw *d, struct onnx_build_shape shape, const double *values);

/* Weights: integers with scales. */
struct onnx_draw_weights {
    struct onnx_build_shape shape;
    uint32_t axis, channels; /* of the scales */
    /* drawn: */
    const char *name, *integers, *scale, *zero; /* as real numbers (QDQ), and what they are made of (QOperator) */
    const double *scales;                       /* [channels] */
    bool zero_absent;                           /* DequantizeLinear takes 0 without it */
};
void onnx_draw_weights(struct onnx_draw *d, struct onnx_draw_weights *weights, bool qdq);
/* A bias for channels, or NULL; qdq: as real numbers, else 32-bit integers in units of x_scale times the weights' scales. */
const char *onnx_draw_bias(struct onnx_draw *d, const struct onnx_draw_weights *weights, double x_scale, bool qdq);

/* A step: false when it does not take such a tensor, and then nothing has been added. */
typedef bool onnx_draw_step(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y);
typedef bool onnx_draw_integer_step(struct onnx_draw *d, const struct onnx_draw_flow *x);
struct onnx_draw_steps {
    onnx_draw_step *step;
    uint32_t weight;
};
struct onnx_draw_integer_steps {
    onnx_draw_integer_step *step;
    uint32_t weight;
};
/* Tables of steps, ended by NULL: first in a chain; behind another, without a quantizer between; in place of either, stretches for
 * the host, and operators that it may have to compute; on floats of the network before they are quantized; on integers. */
extern const struct onnx_draw_steps onnx_draw_first_steps[], onnx_draw_next_steps[], onnx_draw_host_steps[], onnx_draw_further_steps[],
    onnx_draw_float_steps[];
extern const struct onnx_draw_integer_steps onnx_draw_integer_step_table[];
/* onnx_draw_moves.c */
onnx_draw_step onnx_draw_pool, onnx_draw_concat, onnx_draw_transpose, onnx_draw_reshape, onnx_draw_flatten, onnx_draw_pad, onnx_draw_slice,
    onnx_draw_split, onnx_draw_reduce_mean, onnx_draw_only_quantize, onnx_draw_relu, onnx_draw_curve;
/* onnx_draw_steps.c */
onnx_draw_step onnx_draw_conv_transpose;
/* onnx_draw_functions.c */
onnx_draw_step onnx_draw_function, onnx_draw_partial_function, onnx_draw_several;
/* onnx_draw_products.c */
onnx_draw_step onnx_draw_vectors;
/* What fits the rows and columns of a product of such a spread and is added to it. */
const char *onnx_draw_addend(struct onnx_draw *d, const struct onnx_build_shape *product, double spread);
/* onnx_draw_rows.c */
onnx_draw_step onnx_draw_reduce, onnx_draw_find, onnx_draw_global_max, onnx_draw_softmax, onnx_draw_layer_normalization,
    onnx_draw_instance_normalization;
/* onnx_draw_places.c */
onnx_draw_step onnx_draw_gather, onnx_draw_tile, onnx_draw_expand, onnx_draw_unsqueeze, onnx_draw_blocks, onnx_draw_mirror,
    onnx_draw_slice_down, onnx_draw_resize, onnx_draw_resize_any;
/* onnx_draw_host.c */
onnx_draw_step onnx_draw_gate, onnx_draw_halves, onnx_draw_turned, onnx_draw_square, onnx_draw_product, onnx_draw_computed, onnx_draw_fork,
    onnx_draw_power, onnx_draw_leak_whole, onnx_draw_cut, onnx_draw_quant_node, onnx_draw_higher;
/* A constant of one number. */
const char *onnx_draw_number(struct onnx_draw *d, double value);
/* A tensor cut to lie between two numbers, above 0: what can be divided by, and raised to a power. */
const char *onnx_draw_positive(struct onnx_draw *d, const char *x, double low, double high);
/* Another tensor of the same shape and, unless it is 0, type: one that the network has already, or a new input. NULL: none. */
const struct onnx_draw_flow *onnx_draw_other_flow(struct onnx_draw *d, const struct onnx_build_shape *shape,
                                                  const struct onnx_draw_quant * not, int32_t type);

#endif
