/* moves.c - operators that put elements elsewhere. Those that know dimensions one by one work on maps with channels first as well. */
#include <string.h>

#include "compiler/passes/reals/reals.h"

/* In the order of the file. */
void reals_move(const struct reals_node *n) {
    struct qm_shape shape = reals_result(n, 0, REALS_AS_IS);
    reals_end(n, reals_emit(n, n->op, REALS_ONE(reals_take(n, 0, REALS_AS_IS)), &shape), REALS_AS_IS);
}

void reals_pad(const struct reals_node *n) {
    struct qm_graph_op op = *n->op;
    enum reals_order order = reals_is_first(n, 0) ? REALS_CHANNELS_FIRST : REALS_AS_IS;
    struct qm_shape shape = reals_result(n, 0, order);
    for (uint32_t d = 0; order == REALS_CHANNELS_FIRST && d < shape.rank; d++) op.pads[d] = n->op->pads[reals_to_first[d]];
    reals_end(n, reals_emit(n, &op, REALS_ONE(reals_take(n, 0, order)), &shape), order);
}

/* The dimension of a map with channels first that the file calls `axis`. */
static uint32_t first_axis(uint32_t axis) {
    uint32_t d = 0;
    while (reals_to_first[d] != axis) d++;
    return d;
}

/* Of any number of operands. */
static void write_many(const struct reals_node *n, const struct qm_graph_op *attributes, enum reals_order order) {
    uint32_t count = n->op->input_count, *operands = qm_graph_operands(n->r->maker.arena, count);
    struct qm_shape shape = reals_result(n, 0, order);
    for (uint32_t i = 0; i < count; i++) operands[i] = reals_take(n, i, order);
    uint32_t result = reals_emit(n, attributes, REALS_ONE(operands[0]), &shape);
    struct qm_graph_op *op = &n->r->maker.graph->ops[n->r->maker.graph->op_count - 1];
    op->inputs = operands;
    op->input_count = count;
    reals_end(n, result, order);
}

/* CONCATENATION and PACK. */
void reals_concatenation(const struct reals_node *n) {
    struct qm_graph_op op = *n->op;
    bool first = op.kind == QM_OP_CONCATENATION;
    for (uint32_t i = 0; i < op.input_count && first; i++) first = reals_is_first(n, i);
    if (first) op.axis = first_axis(op.axis);
    write_many(n, &op, first ? REALS_CHANNELS_FIRST : REALS_AS_IS);
}

/* Each part is a slice; of UNPACK without the axis, of which it has one element. */
void reals_split(const struct reals_node *n) {
    uint32_t from = reals_take(n, 0, REALS_AS_IS), rank = reals_input(n, 0)->rank;
    int32_t begin = 0;
    for (uint32_t i = 0; i < n->op->output_count; i++) {
        struct qm_shape shape = reals_result(n, i, REALS_AS_IS);
        struct qm_graph_op op = {.kind = QM_OP_STRIDED_SLICE};
        uint32_t extent = shape.rank == rank ? shape.dims[n->op->axis] : 1;
        for (uint32_t d = 0; d < rank; d++) {
            op.step[d] = 1;
            op.slice_dims[d] = d == n->op->axis ? extent : reals_input(n, 0)->dims[d];
        }
        op.begin[n->op->axis] = begin;
        begin += (int32_t)extent;
        reals_put(n, i, reals_emit(n, &op, REALS_ONE(from), &shape), REALS_AS_IS);
    }
}

/* By whole numbers, when neither corners nor centres are aligned in a way that takes other neighbours. */
void reals_resize(const struct reals_node *n) {
    struct qm_shape shape = reals_result(n, 0, REALS_CHANNELS_FIRST);
    if (n->op->align_corners) {
        problems_add(&n->r->problems, n->op->index, "RESIZE_NEAREST_NEIGHBOR of a float network with aligned corners is not supported");
        return;
    }
    reals_end(n, reals_emit(n, n->op, REALS_ONE(reals_take(n, 0, REALS_CHANNELS_FIRST)), &shape), REALS_CHANNELS_FIRST);
}

void reals_gather(const struct reals_node *n) {
    struct qm_shape shape = reals_result(n, 0, REALS_AS_IS);
    if (n->op->batch_dims != 0) {
        problems_add(&n->r->problems, n->op->index, "GATHER of a float network with dimensions of a batch is not supported");
        return;
    }
    uint32_t from = reals_take(n, 0, REALS_AS_IS), indices = reals_take(n, 1, REALS_AS_IS);
    reals_end(n, reals_emit(n, n->op, REALS_TWO(from, indices), &shape), REALS_AS_IS);
}
