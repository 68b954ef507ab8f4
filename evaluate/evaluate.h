/* evaluate.h - what the operators of a graph of real numbers mean: their values in doubles, straight from the definitions.
 *
 * Front ends fold constants with it; and what a machine computes is held against it (passes/integers says by how much it may differ). It
 * is plain and slow on purpose. Sources: the operator specifications of ONNX.
 */
#ifndef QM_EVALUATE_EVALUATE_H
#define QM_EVALUATE_EVALUATE_H

#include "common/arena.h"
#include "common/graph.h"

/* ---- numbers.c ---- */

/* Element i of a constant as the file stores it. */
double evaluate_stored(const struct qm_graph_tensor *tensor, size_t i);
/* All elements of a constant, row-major: the real numbers where it is quantized, else the numbers as they are. */
double *evaluate_numbers(const struct qm_graph_tensor *tensor, struct qm_arena *arena);
/* The same, into an array. */
void evaluate_numbers_to(const struct qm_graph_tensor *tensor, double *numbers);
/* The smallest and the largest integer of a type, and of fewer bits when the tensor has fewer. False: it is a type of floats. */
bool evaluate_range(const struct qm_graph_tensor *tensor, double *low, double *high);

/* ---- operators ---- */

/* The value of an operator that is a function of one number. */
double evaluate_function(const struct qm_graph_op *op, double x);
/* Fills the outputs, row-major, from the inputs (NULL: absent). False: the operator has no meaning here yet. */
bool evaluate_operator(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *const *outputs);

/* Stores numbers in a type: floats are rounded to it, whole numbers cut to what 64 bits hold. */
void evaluate_store(enum qm_dtype dtype, const double *numbers, size_t count, void *data);

/* ---- run.c ---- */

/* Runs all operators of a graph of real numbers, whose shapes have been checked. Inputs are given, and outputs are stored, row-major in
 * the types of their tensors; an input with a quantization means real numbers. False: an operator has no meaning here, or what it reads
 * none. */
bool evaluate_graph(const struct qm_graph *graph, const void *const *inputs, void *const *outputs);

/* ---- fold.c ---- */

enum { EVALUATE_FOLDED_MAX = 1 << 26 }; /* elements of a folded constant */

/* Makes the outputs of an operator constants, if all its inputs are. A DEQUANTIZE gives its bytes a quantization; a move of quantized
 * numbers leaves them quantized. NULL: done, or some input is no constant (the outputs tell); else why it cannot be: "makes ...". */
const char *evaluate_fold(struct qm_graph_maker *maker, const struct qm_graph_op *op);

/* ---- among the files of this room ---- */

/* Elementwise operators, also of two tensors. */
bool evaluate_elementwise(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to);
/* Operators that put elements elsewhere. */
bool evaluate_move(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to);
bool evaluate_is_move(enum qm_graph_op_kind kind);
/* Sums of products, of windows and along axes. */
bool evaluate_sums(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to);

#endif
