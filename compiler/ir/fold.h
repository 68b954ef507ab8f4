/* fold.h - the constants of a graph: an operator whose result no input of the network can change becomes a constant tensor.
 *
 * Shapes are computed in integers: SHAPE, then slices, gathers and products of its dimensions, packed again for a RESHAPE. Front ends call
 * this for each operator in execution order, so that later operators find their shapes, axes and fillings as constants.
 */
#ifndef QM_COMPILER_IR_FOLD_H
#define QM_COMPILER_IR_FOLD_H

#include "common/arena.h"
#include "common/graph.h"

/* Makes the output a constant, with its data in the arena, when the operator can be evaluated: SHAPE and FILL of any type, and on int32 and
 * int64 constants of any rank RESHAPE, STRIDED_SLICE, TRANSPOSE, GATHER, CONCATENATION, PACK, CAST, REDUCE_PROD, ADD, SUB and MUL. The
 * output's shape must be the operator's own. False, and nothing changed: an input is no constant, the operator is another one, or a result
 * does not fit its type. */
bool qm_graph_fold(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena);

/* Element i of an int32 or int64 constant. */
int64_t qm_graph_integer(const struct qm_graph_tensor *tensor, uint64_t i);

#endif
