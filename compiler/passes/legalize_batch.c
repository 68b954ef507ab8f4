/* legalize_batch.c - operators with windows work on one example at a time: on a batch they become a slice and an operator for each example,
 * and a concatenation, so that no window reaches from one example into the next. All of them have the name of the whole.
 */
#include <string.h>

#include "compiler/passes/legalize_site.h"

struct batch {
    const struct qm_graph *from;
    struct qm_graph_maker maker;
};

static bool has_batch(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]];
    return qm_graph_has_window(op->kind) && in->rank == 4 && in->dims[0] > 1 && in->dtype != QM_F32;
}

static struct qm_graph_tensor *tensor_at(const struct batch *b, uint32_t index) {
    return &b->maker.graph->tensors[index];
}

/* A tensor like one example of another. */
static uint32_t add_example(struct batch *b, uint32_t tensor) {
    struct qm_graph_tensor one = *tensor_at(b, tensor);
    one.dims[0] = 1;
    struct qm_shape shape = qm_graph_shape(&one);
    uint32_t index = qm_graph_add_tensor(&b->maker, one.name, one.dtype, &shape);
    *tensor_at(b, index) = one;
    return index;
}

static void add_op(struct batch *b, const struct qm_graph_op *op) {
    *qm_graph_add_op(&b->maker, op->kind, QM_NO_TENSOR, QM_NO_TENSOR) = *op;
}

static struct qm_graph_op *add_move(struct batch *b, const struct qm_graph_op *op, enum qm_graph_op_kind kind, uint32_t in, uint32_t out) {
    struct qm_graph_op *move = qm_graph_add_op(&b->maker, kind, in, out);
    move->index = op->index;
    move->name = op->name;
    return move;
}

/* Takes one example of the operator's input. */
static uint32_t add_slice(struct batch *b, const struct qm_graph_op *op, uint32_t example) {
    uint32_t taken = add_example(b, op->inputs[0]);
    tensor_at(b, taken)->name = tensor_at(b, op->outputs[0])->name;
    struct qm_graph_op *slice = add_move(b, op, QM_OP_STRIDED_SLICE, op->inputs[0], taken);
    for (uint32_t d = 0; d < tensor_at(b, taken)->rank; d++) {
        slice->begin[d] = d == 0 ? (int32_t)example : 0;
        slice->step[d] = 1;
        slice->slice_dims[d] = tensor_at(b, taken)->dims[d];
    }
    return taken;
}

static void add_examples(struct batch *b, const struct qm_graph_op *op) {
    uint32_t count = tensor_at(b, op->inputs[0])->dims[0], *results = qm_graph_operands(b->maker.arena, count);
    for (uint32_t i = 0; i < count; i++) {
        struct qm_graph_op one = *op;
        qm_graph_own_operands(&one, b->maker.arena);
        one.inputs[0] = add_slice(b, op, i);
        one.outputs[0] = results[i] = add_example(b, op->outputs[0]);
        add_op(b, &one);
    }
    struct qm_graph_op *join = add_move(b, op, QM_OP_CONCATENATION, results[0], op->outputs[0]);
    join->input_count = count;
    join->inputs = results;
}

static void open_graph(struct batch *b) {
    struct qm_graph *graph = b->maker.graph;
    *graph = *b->from;
    graph->tensors = QM_ARENA_NEW(b->maker.arena, struct qm_graph_tensor, graph->tensor_count);
    memcpy(graph->tensors, b->from->tensors, graph->tensor_count * sizeof *graph->tensors);
    b->maker.tensor_room = graph->tensor_count;
    graph->ops = NULL;
    graph->op_count = 0;
}

enum qm_status legalize_split_batches(const struct qm_graph *from, struct qm_arena *arena, const struct qm_graph **graph,
                                      struct qm_diag *diag) {
    struct batch b = {from, {.arena = arena, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)}};
    bool any = false;
    for (uint32_t i = 0; i < from->op_count; i++) {
        const struct qm_graph_op *op = &from->ops[i];
        if (!has_batch(from, op)) continue;
        uint32_t count = from->tensors[op->inputs[0]].dims[0];
        if (count > QM_BATCH_MAX)
            return qm_fail(diag, QM_BAD_INPUT, "%s: operator %u %s: works on a batch of %u; at most %d", from->file, op->index,
                           qm_graph_op_name(op->kind), count, QM_BATCH_MAX);
        any = true;
    }
    *graph = any ? b.maker.graph : from;
    if (!any) return QM_OK;
    open_graph(&b);
    for (uint32_t i = 0; i < from->op_count; i++) (has_batch(from, &from->ops[i]) ? add_examples : add_op)(&b, &from->ops[i]);
    return QM_OK;
}
