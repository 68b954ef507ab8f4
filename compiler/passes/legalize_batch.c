/* legalize_batch.c - operators with windows work on one example at a time: on a batch they become a split, one for each example, and a
 * concatenation, so that no window reaches from one example into the next.
 */
#include <string.h>

#include "compiler/passes/legalize_site.h"

struct batch {
    const struct qm_graph *from;
    struct qm_graph_maker maker;
};

static bool has_batch(const struct qm_graph *graph, const struct qm_graph_op *op) {
    static const bool has_window[QM_GRAPH_OP_KINDS] = {[QM_OP_CONV_2D] = true,
                                                       [QM_OP_DEPTHWISE_CONV_2D] = true,
                                                       [QM_OP_TRANSPOSE_CONV] = true,
                                                       [QM_OP_AVERAGE_POOL_2D] = true,
                                                       [QM_OP_MAX_POOL_2D] = true};
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]];
    return has_window[op->kind] && in->rank == 4 && in->dims[0] > 1 && in->dtype != QM_F32;
}

static struct qm_graph_tensor *tensor_at(const struct batch *b, uint32_t index) {
    return &b->maker.graph->tensors[index];
}

/* One example of a tensor. */
static uint32_t add_example(struct batch *b, uint32_t tensor, uint32_t example) {
    struct qm_graph_tensor one = *tensor_at(b, tensor);
    one.dims[0] = 1;
    size_t room = strlen(one.name) + sizeof "[4294967295]";
    char *name = qm_arena_alloc(b->maker.arena, room);
    snprintf(name, room, "%s[%u]", one.name, example);
    one.name = name;
    struct qm_shape shape = qm_graph_shape(&one);
    uint32_t index = qm_graph_add_tensor(&b->maker, one.name, one.dtype, &shape);
    *tensor_at(b, index) = one;
    return index;
}

static void add_op(struct batch *b, const struct qm_graph_op *op) {
    *qm_graph_add_op(&b->maker, op->kind, QM_NO_TENSOR, QM_NO_TENSOR) = *op;
}

static void add_examples(struct batch *b, const struct qm_graph_op *op) {
    uint32_t count = tensor_at(b, op->inputs[0])->dims[0];
    struct qm_graph_op split = {.kind = QM_OP_SPLIT, .index = op->index, .name = op->name, .input_count = 1, .output_count = count};
    struct qm_graph_op join = {.kind = QM_OP_CONCATENATION, .index = op->index, .name = op->name, .input_count = count, .output_count = 1};
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) split.inputs[i] = split.outputs[i] = join.inputs[i] = join.outputs[i] = QM_NO_TENSOR;
    for (uint32_t i = 0; i < count; i++) {
        split.outputs[i] = add_example(b, op->inputs[0], i);
        join.inputs[i] = add_example(b, op->outputs[0], i);
    }
    split.inputs[0] = op->inputs[0];
    join.outputs[0] = op->outputs[0];
    add_op(b, &split);
    for (uint32_t i = 0; i < count; i++) {
        struct qm_graph_op one = *op;
        one.inputs[0] = split.outputs[i];
        one.outputs[0] = join.inputs[i];
        add_op(b, &one);
    }
    add_op(b, &join);
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
        if (count > QM_OPERANDS_MAX)
            return qm_fail(diag, QM_BAD_INPUT, "%s: operator %u %s: works on a batch of %u; at most %d", from->file, op->index,
                           qm_graph_op_name(op->kind), count, QM_OPERANDS_MAX);
        any = true;
    }
    *graph = any ? b.maker.graph : from;
    if (!any) return QM_OK;
    open_graph(&b);
    for (uint32_t i = 0; i < from->op_count; i++) (has_batch(from, &from->ops[i]) ? add_examples : add_op)(&b, &from->ops[i]);
    return QM_OK;
}
