/* infer.h - runs a float network: the values of a graph of real numbers in float32, fast enough for hundreds of examples.
 *
 * The meaning of operators is that of evaluate/, which computes them in doubles and slowly. Here every tensor is an array of floats,
 * whatever its type: integers of a quantizer are floats that are whole. What most of the time goes to has a form of its own (convolutions
 * and products of matrices by OpenBLAS, sums and clips of elements); the rest is computed by evaluate/ and rounded to float32. An operator
 * of TFLite that real numbers have not is run by its kernel (evaluate/kernels.h). All tensors of an example are kept until the next one,
 * so that each can be read.
 */
#ifndef QM_INFER_INFER_H
#define QM_INFER_INFER_H

#include "common/graph.h"

struct infer;

/* Makes a graph of real numbers ready to be run: float32 inputs, and operators that have a value here. The graph must outlive it. What
 * cannot be run is QM_BAD_INPUT, with all such operators named, and when OpenBLAS is not there. */
QM_MUST_USE enum qm_status infer_create(const struct qm_graph *graph, struct infer **infer, struct qm_diag *diag);
void infer_destroy(struct infer *infer); /* NULL is fine */

/* Runs one example, of which inputs[i] is input i of the graph, row-major. False: numbers have no result, as an index outside of what is
 * gathered from. */
QM_MUST_USE bool infer_run(struct infer *infer, const float *const *inputs);
/* The same in parts: takes the inputs, and runs the operators from one to before another on the numbers that tensors have. */
void infer_set_inputs(struct infer *infer, const float *const *inputs);
QM_MUST_USE bool infer_run_part(struct infer *infer, uint32_t from, uint32_t to);
/* The numbers of a tensor, row-major: a constant's, or those of the example that ran last. Borrowed. */
const float *infer_numbers(const struct infer *infer, uint32_t tensor);
/* Gives a tensor other numbers, row-major: a constant for the runs from now on, another one until an operator computes it. */
void infer_set_numbers(struct infer *infer, uint32_t tensor, const float *numbers);

/* Computes the outputs of one operator of the graph from other operands than those of the last run: inputs[i] is operand i, row-major and
 * NULL where it is absent, in a list of qm_graph_operand_room. False: as infer_run. */
QM_MUST_USE bool infer_operator(struct infer *infer, const struct qm_graph_op *op, const float *const *inputs, float *const *outputs);

/* Stores the numbers of a tensor in its type, row-major. False: one of them is no number of its type of integers. */
QM_MUST_USE bool infer_store(const struct infer *infer, uint32_t tensor, void *data);

#endif
