/* evaluate.h - what operators mean: their values in doubles, straight from the definitions.
 *
 * Front ends fold constants with it, operator by operator in execution order, so that later ones find their shapes and axes as constants.
 * What a machine computes is held against it (passes/integers says by how much it may differ). It is plain and slow on purpose. Sources:
 * the operator specifications of ONNX.
 */
#ifndef QM_EVALUATE_EVALUATE_H
#define QM_EVALUATE_EVALUATE_H

#include "common/arena.h"
#include "common/graph.h"

/* ---- numbers.c ---- */

/* Below it a double holds every integer. */
#define EVALUATE_EXACT 0x1p53

/* Element i of a constant of integers, as the file stores it. */
int64_t evaluate_integer(const struct qm_graph_tensor *tensor, size_t i);
/* Element i of any constant, as the file stores it; an int64 of 2^53 or more is rounded. */
double evaluate_stored(const struct qm_graph_tensor *tensor, size_t i);
/* All elements of a constant, row-major: the real numbers where it is quantized, else the numbers as they are. */
double *evaluate_numbers(const struct qm_graph_tensor *tensor, struct qm_arena *arena);
/* The same, into an array. */
void evaluate_numbers_to(const struct qm_graph_tensor *tensor, double *numbers);
/* The smallest and the largest integer of a type, and of fewer bits when the tensor has fewer. False: it is a type of floats. */
bool evaluate_range(const struct qm_graph_tensor *tensor, double *low, double *high);

/* ---- operators ---- */

/* Whether an operator is a function of one number, and whether that never falls. */
bool evaluate_is_function(enum qm_graph_op_kind kind);
bool evaluate_rises(enum qm_graph_op_kind kind);
/* Whether it is a function of two, elementwise. */
bool evaluate_is_of_two(enum qm_graph_op_kind kind);
/* The value of an operator that is a function of one number. */
double evaluate_function(const struct qm_graph_op *op, double x);
/* Whether an operator has a meaning on real numbers. */
bool evaluate_has_meaning(enum qm_graph_op_kind kind);
/* Fills the outputs, row-major, from the inputs (as many as the operator's list has room for; NULL: absent). Whole numbers are exact while
 * they and their sums stay below 2^53. False: the operator has no meaning here yet, or an index is outside of what it gathers from. */
bool evaluate_operator(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *const *outputs);

enum { EVALUATE_ELEMENTS_MAX = 1 << 26 }; /* of a folded constant, and of a tensor of a graph that is run */

/* NULL when operands, attributes and shapes of an operator agree so that evaluate_operator never reads or writes outside of its arrays,
 * whatever a file says; else what is wrong: "has ...". Each window of a pool meets an element, so that it has a mean and a largest one. */
const char *evaluate_check(const struct qm_graph *graph, const struct qm_graph_op *op);
/* The same for all operators of a graph of real numbers, and for its ends; no tensor is too large to be computed in doubles. */
const char *evaluate_check_graph(const struct qm_graph *graph);

/* Whether a type holds numbers. A type of integers does not when one is no integer of it, or none below 2^53, which may have been
 * rounded. */
bool evaluate_fits(enum qm_dtype dtype, const double *numbers, size_t count);
/* Stores numbers in a type, as far as it holds them: floats are rounded to it. False: it does not. */
bool evaluate_store(enum qm_dtype dtype, const double *numbers, size_t count, void *data);

/* ---- run.c ---- */

/* Runs all operators of a graph of real numbers that evaluate_check_graph takes, each of which reads only what is known before it. Inputs
 * are given, and outputs are stored, row-major in the types of their tensors; an input with a quantization means real numbers. False: what
 * an operator reads has no meaning, a result is none of its type of integers, or NaN is quantized though all inputs are finite. */
bool evaluate_graph(const struct qm_graph *graph, const void *const *inputs, void *const *outputs);

/* ---- fold.c ---- */

/* Makes output 0 of an operator a constant, with its data in the arena, if all its inputs are, or if it is SHAPE. The output has its shape
 * and type already. Integers are exact or the operator is not folded.
 *
 * In a graph of real numbers a DEQUANTIZE gives its bytes a quantization, and a move of quantized numbers leaves them quantized. In a graph
 * of integers only what means the same there is folded: SHAPE and FILL of any type, and of int32 and int64 constants RESHAPE,
 * STRIDED_SLICE, TRANSPOSE, GATHER, CONCATENATION, PACK, CAST, REDUCE_PROD, ADD, SUB and MUL without a fused activation.
 *
 * NULL: done, or not to be folded (the output tells, by its data); else why it cannot be: "makes ...", and the output has no data. An
 * operator that evaluate_check does not take is refused, in a graph of real numbers also when it is not to be folded. */
const char *evaluate_fold(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena);

/* ---- among the files of this room ---- */

/* Where an operand's element, or its stack of the last `rest` dimensions, is for number `index` of those of the broadcast shape. */
size_t evaluate_operand_at(const struct qm_graph_tensor *operand, const struct qm_graph_tensor *out, uint32_t rest, size_t index);
/* Elementwise operators, also of two tensors; the dimensions of one. */
bool evaluate_elementwise(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to);
/* Elements that an operator puts elsewhere, whatever they are: doubles, or as a file stores them. */
struct evaluate_moving {
    const struct qm_graph *graph;
    const struct qm_graph_op *op;
    size_t size;             /* bytes of an element */
    const void *const *from; /* of each input its elements, row-major */
    const double *indices;   /* GATHER: the numbers of input 1 */
    const void *padding;     /* PAD: one element */
    void *to;                /* the elements of the output, row-major */
};

bool evaluate_is_move(enum qm_graph_op_kind kind);
/* False: an index is outside. */
bool evaluate_move(const struct evaluate_moving *moving);
/* Along one axis. */
bool evaluate_rows(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to);
/* Sums of products, of windows and along axes. */
bool evaluate_sums(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to);

#endif
