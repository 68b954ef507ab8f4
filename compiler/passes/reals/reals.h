/* reals.h - inside of the pass reals: a float graph as TFLite files have it becomes one of real numbers, as ONNX files have it.
 *
 * Maps of windows are channels first in the result; everything else is as in the file. A tensor is there in one order or the other, and is
 * put into the other when an operator asks for it: elementwise operators work on what is there, so that maps turn only where the file's
 * order matters. Operators that real numbers have not stay what they are, on tensors in the file's order.
 */
#ifndef QM_COMPILER_PASSES_REALS_REALS_H
#define QM_COMPILER_PASSES_REALS_REALS_H

#include "common/graph.h"

enum reals_order { REALS_AS_IS, REALS_CHANNELS_FIRST, REALS_ORDERS };

struct reals {
    const struct qm_graph *source;
    struct qm_graph_maker maker;
    uint32_t (*made)[REALS_ORDERS]; /* [tensor_count] tensors of the result, or QM_NO_TENSOR */
    struct problems problems;
};

/* An operator of the source that is being rewritten. */
struct reals_node {
    struct reals *r;
    const struct qm_graph_op *op;
};

/* Writes an operator in the result. What has none it adds to the problems. */
typedef void reals_writing(const struct reals_node *n);

/* ---- tensors.c ---- */

const struct qm_graph_tensor *reals_input(const struct reals_node *n, uint32_t i); /* of the source */
const struct qm_graph_tensor *reals_output(const struct reals_node *n, uint32_t i);
struct qm_shape reals_shape(const struct reals_node *n, uint32_t tensor); /* of the result */
bool reals_has_input(const struct reals_node *n, uint32_t i);

/* Where the dimensions of a map are with channels first, and the other way around. */
extern const uint32_t reals_to_first[4], reals_to_last[4];
struct qm_shape reals_permuted(const struct qm_shape *shape, const uint32_t *permutation);
/* A tensor of the result with its dimensions in another order. */
uint32_t reals_transpose(const struct reals_node *n, uint32_t tensor, const uint32_t *permutation);
uint32_t reals_reshape(const struct reals_node *n, uint32_t tensor, const struct qm_shape *shape);
/* A tensor of the result that holds an operand in the order. One of fewer than four dimensions has ones in front with channels first. */
uint32_t reals_take(const struct reals_node *n, uint32_t i, enum reals_order order);
/* Whether an operand is a map that is there with channels first. */
bool reals_is_first(const struct reals_node *n, uint32_t i);
/* A constant of one number. */
uint32_t reals_number(const struct reals_node *n, double number);

/* Operands of an operator of the result. */
#define REALS_ONE(a)    ((const uint32_t[]){(a), QM_NO_TENSOR, QM_NO_TENSOR})
#define REALS_TWO(a, b) ((const uint32_t[]){(a), (b), QM_NO_TENSOR})

/* Adds an operator with the attributes of another and up to three operands. Its new output, which it returns, has the shape. */
uint32_t reals_emit(const struct reals_node *n, const struct qm_graph_op *attributes, const uint32_t inputs[3],
                    const struct qm_shape *shape);
/* The same for an operator that is its kind alone and keeps the shape of operand 0. */
uint32_t reals_emit_plain(const struct reals_node *n, enum qm_graph_op_kind kind, const uint32_t inputs[3]);
/* The shape of output i in the order. */
struct qm_shape reals_result(const struct reals_node *n, uint32_t i, enum reals_order order);
/* A new tensor of the result is output i of the node, in the order. */
void reals_put(const struct reals_node *n, uint32_t i, uint32_t tensor, enum reals_order order);
/* The same for output 0, which the activation of the node ends. */
void reals_end(const struct reals_node *n, uint32_t tensor, enum reals_order order);

/* ---- products.c ---- */
reals_writing reals_conv, reals_depthwise, reals_transpose_conv, reals_pool, reals_fully_connected, reals_matmul;
/* ---- elements.c ---- */
reals_writing reals_function, reals_relu, reals_neg, reals_rsqrt, reals_pair, reals_softmax, reals_arg, reals_reduce;
/* ---- moves.c ---- */
reals_writing reals_move, reals_pad, reals_concatenation, reals_split, reals_resize, reals_gather;

#endif
