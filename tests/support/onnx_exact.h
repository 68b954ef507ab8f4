/* onnx_exact.h - evaluates an ONNX model as its operators are defined, in real numbers: nothing is rounded but at quantizers, half to even.
 *
 * Numbers have 113 bits. Sums of products of float32 numbers of a small network lose nothing in them that could reach 1e-6 of a step,
 * and a quotient that is half way between two steps is found to be so. Sigmoid, Tanh and square roots are computed in long double.
 *
 * An element within ONNX_EXACT_TIE steps of the middle of two steps may be either of them. Where the tensors of a machine are given, they
 * are compared, and what follows is computed from the machine's numbers, so that one difference is not counted again behind it. Elsewhere
 * the even one is taken and counted as open.
 */
#ifndef QM_TESTS_SUPPORT_ONNX_EXACT_H
#define QM_TESTS_SUPPORT_ONNX_EXACT_H

#include <stdbool.h>

#include "tests/support/numbers.h"

#define ONNX_EXACT_TIE 1e-6

typedef __float128 quad;

/* A tensor; shapes are ONNX's, row-major. */
struct exact_tensor {
    const char *name;
    int32_t type; /* the element type as ONNX numbers it; 1: real numbers */
    uint32_t rank;
    size_t dims[NUMBERS_RANK_MAX];
    size_t count;
    quad *values; /* [count] */
    quad largest; /* real numbers: of what was added to give them, the largest magnitude */
};

enum { ONNX_EXACT_DIFFERENT_MAX = 16 };

struct onnx_exact {
    struct qm_arena *arena;
    const Onnx__GraphProto *graph;
    const struct numbers *seen; /* [seen_count] tensors of the machine, by name */
    uint32_t seen_count;
    uint32_t count, room;
    struct exact_tensor *tensors; /* constants, inputs, results */
    /* what came of it */
    const char *unknown;                                  /* an operator that is not known here, which ends the evaluation; NULL: none */
    uint32_t open;                                        /* elements that could be either of two and were not seen */
    uint32_t ties;                                        /* seen elements that could be either of two, */
    uint32_t neighbours;                                  /* and those of them that are not the even one */
    double distance, farthest;                            /* of seen elements from the nearer of the two: their sum, and the largest */
    uint32_t different_count;                             /* tensors that differ */
    const char *different[ONNX_EXACT_DIFFERENT_MAX];      /* their names, */
    char first_difference[ONNX_EXACT_DIFFERENT_MAX][160]; /* and where they begin to */
};

/* Evaluates all nodes. inputs are found by the names of the graph's inputs. arena, graph, seen and seen_count are set before. */
void onnx_exact_run(struct onnx_exact *run, const struct numbers *inputs, uint32_t input_count);
const struct exact_tensor *onnx_exact_find(const struct onnx_exact *run, const char *name);

/* ---- between the files of the evaluation ---- */

enum { ONNX_EXACT_OPERANDS = 1280 };

/* One node: its operands, absent ones NULL. */
struct exact_node {
    struct onnx_exact *run;
    const Onnx__NodeProto *source;
    const struct exact_tensor *in[ONNX_EXACT_OPERANDS];
};

/* Whether it is that operator, or its form on integers, whose name begins with QLinear. */
bool exact_is(const struct exact_node *n, const char *op);
const Onnx__AttributeProto *exact_attribute(const struct exact_node *n, const char *name);
double exact_number(const struct exact_node *n, const char *name, double fallback);
/* Number i of a list. */
int64_t exact_listed(const struct exact_node *n, const char *name, size_t i, int64_t fallback);
struct exact_tensor exact_shaped(const struct exact_node *n, uint32_t rank, const size_t *dims);
void exact_put(const struct exact_node *n, uint32_t output, struct exact_tensor result);
/* The place of element i in each dimension, and back. */
void exact_unravel(const struct exact_tensor *t, size_t i, size_t *at);
size_t exact_ravel(const struct exact_tensor *t, const size_t *at);
/* The place in t of the element that meets element i of out: trailing dimensions align, those of 1 repeat. */
size_t exact_broadcast(const struct exact_tensor *t, const struct exact_tensor *out, size_t i);
/* A quantized tensor as real numbers. axis: of the channels, when there is more than one scale. */
struct exact_tensor exact_dequantized(const struct exact_node *n, const struct exact_tensor *x, const struct exact_tensor *scale,
                                      const struct exact_tensor *zero, size_t axis);
/* Puts a real tensor as output 0, quantized, after the comparison with what was seen. type: of integers. */
struct exact_quantizer {
    const struct exact_tensor *scale, *zero; /* zero may be NULL */
    size_t axis;
    int32_t type;
};
void exact_put_quantized(const struct exact_node *n, const struct exact_tensor *x, const struct exact_quantizer *quantizer);

/* The two whole numbers that x may become: the one that it does, and another, or the same, when x lies within the tie. */
struct exact_nearest {
    double even, other;
    quad exactly; /* x itself */
};
/* Half to even. */
struct exact_nearest exact_nearest_to(quad x);
/* Element i of a tensor of whole numbers: what was seen when it may be that. */
double exact_settle(struct onnx_exact *run, const char *name, size_t i, struct exact_nearest want);
quad exact_magnitude(quad x);

/* Operators by their ways of evaluation; each puts its outputs. onnx_exact_functions.c: */
bool exact_is_function(const struct exact_node *n); /* of one number */
struct exact_tensor exact_function(const struct exact_node *n, const struct exact_tensor *x);
void exact_unary(const struct exact_node *n);
void exact_whole(const struct exact_node *n);
void exact_quant(const struct exact_node *n);
void exact_binary(const struct exact_node *n);
void exact_qlinear_binary(const struct exact_node *n);
void exact_batch_normalization(const struct exact_node *n);
/* onnx_exact_products.c: */
void exact_conv(const struct exact_node *n);
void exact_qlinear_conv(const struct exact_node *n);
void exact_matmul(const struct exact_node *n);
void exact_conv_transpose(const struct exact_node *n);
void exact_qlinear_matmul(const struct exact_node *n);
void exact_gemm(const struct exact_node *n);
void exact_qgemm(const struct exact_node *n);
void exact_pool(const struct exact_node *n);
struct exact_tensor exact_pooled(const struct exact_node *n, const struct exact_tensor *x);
/* onnx_exact_moves.c: */
void exact_concat(const struct exact_node *n);
void exact_qlinear_concat(const struct exact_node *n);
void exact_transpose(const struct exact_node *n);
void exact_resize(const struct exact_node *n);
void exact_reshape(const struct exact_node *n);
void exact_pad(const struct exact_node *n);
void exact_slice(const struct exact_node *n);
void exact_split(const struct exact_node *n);
void exact_gather(const struct exact_node *n);
void exact_repeat(const struct exact_node *n);
void exact_squeeze(const struct exact_node *n);
void exact_depth_and_space(const struct exact_node *n);
/* onnx_exact_rows.c: */
void exact_reduce(const struct exact_node *n);
void exact_find(const struct exact_node *n);
void exact_global_max_pool(const struct exact_node *n);
void exact_softmax(const struct exact_node *n);
void exact_qlinear_softmax(const struct exact_node *n);
void exact_layer_normalization(const struct exact_node *n);
void exact_instance_normalization(const struct exact_node *n);

#endif
