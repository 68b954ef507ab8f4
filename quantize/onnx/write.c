/* write.c - a graph as an ONNX file: names, constants, nodes, ends. */
#include "quantize/onnx/write.h"

#include <string.h>

#include "common/file.h"
#include "quantize/onnx/operators.h"

static void name_tensor(struct onnx_writer *w, uint32_t tensor) {
    const char *own = w->graph->tensors[tensor].name;
    if (w->names[tensor] == NULL) w->names[tensor] = onnx_take_name(w, own != NULL && own[0] != '\0' ? own : "tensor");
}

/* Ends first, for theirs are known outside. */
static void name_tensors(struct onnx_writer *w) {
    for (uint32_t i = 0; i < w->graph->input_count; i++) name_tensor(w, w->graph->inputs[i]);
    for (uint32_t i = 0; i < w->graph->output_count; i++) name_tensor(w, w->graph->outputs[i]);
    for (uint32_t i = 0; i < w->graph->tensor_count; i++) name_tensor(w, i);
}

/* ---- the graph ---- */

enum qm_status qm_onnx_check(const struct qm_graph *graph, struct qm_diag *diag) {
    struct problems problems = {0};
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        if (onnx_form_of(graph, op).op == NULL)
            problems_add(&problems, op->index, "%s has no form in ONNX here", qm_graph_op_name(op->kind));
    }
    return problems_report(&problems, graph->file, "leave these operators out of the network", diag);
}

/* The lowest version that has all forms and types. */
static int64_t lowest_opset(const struct qm_graph *graph) {
    int64_t lowest = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        int64_t opset = onnx_form_of(graph, &graph->ops[i]).opset;
        if (opset > lowest) lowest = opset;
    }
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        int64_t opset = onnx_element_of(&graph->tensors[i]).opset;
        if (opset > lowest) lowest = opset;
    }
    return lowest;
}

/* A node that exchanges the last two dimensions of a tensor; the name of its result. */
static const char *write_exchange(struct onnx_writer *w, uint32_t index) {
    const struct qm_graph_tensor *tensor = &w->graph->tensors[index];
    const char *name = onnx_take_name(w, qm_arena_printf(w->message.arena, "%s/transposed", w->names[index]));
    Onnx__NodeProto *node = onnx_message_add_node(&w->message, "Transpose");
    int64_t order[QM_MAX_RANK];
    for (uint32_t d = 0; d < tensor->rank; d++) order[d] = d;
    order[tensor->rank - 2] = tensor->rank - 1;
    order[tensor->rank - 1] = tensor->rank - 2;
    onnx_message_add_operand(&w->message, node, w->names[index]);
    onnx_message_add_result(&w->message, node, name);
    onnx_message_set_ints(&w->message, node, "perm", tensor->rank, order);
    return name;
}

/* The name of an operand, "" when it is absent. */
static const char *operand_of(struct onnx_writer *w, const struct qm_graph_op *op, uint32_t i) {
    if (op->inputs[i] == QM_NO_TENSOR) return "";
    return i == 1 && onnx_exchanges(op) ? write_exchange(w, op->inputs[i]) : w->names[op->inputs[i]];
}

/* What stands before the node is written first. */
static void write_operator(struct onnx_writer *w, const struct qm_graph_op *op) {
    struct onnx_form form = onnx_form_of(w->graph, op);
    const char **operands = QM_ARENA_NEW(w->message.arena, const char *, op->input_count);
    for (uint32_t i = 0; i < op->input_count; i++) operands[i] = operand_of(w, op, i);
    Onnx__NodeProto *node = onnx_message_add_node(&w->message, form.op);
    for (uint32_t i = 0; i < op->input_count; i++) onnx_message_add_operand(&w->message, node, operands[i]);
    for (uint32_t i = 0; i < op->output_count; i++)
        onnx_message_add_result(&w->message, node, op->outputs[i] != QM_NO_TENSOR ? w->names[op->outputs[i]] : "");
    if (form.fill != NULL) form.fill(w, op, node);
}

static void write_ends(struct onnx_writer *w) {
    for (uint32_t i = 0; i < w->graph->input_count; i++) {
        const struct qm_graph_tensor *tensor = &w->graph->tensors[w->graph->inputs[i]];
        struct qm_shape shape = qm_graph_shape(tensor);
        onnx_message_add_input(&w->message, w->names[w->graph->inputs[i]], onnx_element_of(tensor).type, &shape);
    }
    for (uint32_t i = 0; i < w->graph->output_count; i++) {
        const struct qm_graph_tensor *tensor = &w->graph->tensors[w->graph->outputs[i]];
        struct qm_shape shape = qm_graph_shape(tensor);
        onnx_message_add_output(&w->message, w->names[w->graph->outputs[i]], onnx_element_of(tensor).type, &shape);
    }
}

enum qm_status qm_onnx_pack(const struct qm_graph *graph, struct qm_arena *arena, const uint8_t **bytes, size_t *size,
                            struct qm_diag *diag) {
    struct onnx_writer *w = QM_ARENA_NEW(arena, struct onnx_writer, 1);
    QM_CHECK(graph->is_real);
    QM_TRY(qm_onnx_check(graph, diag));
    w->graph = graph;
    w->taken_index.arena = arena;
    w->names = QM_ARENA_NEW(arena, const char *, graph->tensor_count);
    onnx_message_open(&w->message, arena);
    w->opset = lowest_opset(graph);
    onnx_message_set_opset(&w->message, w->opset);
    name_tensors(w);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].data != NULL) onnx_write_constant(w, i);
    for (uint32_t i = 0; i < graph->op_count; i++) write_operator(w, &graph->ops[i]);
    write_ends(w);
    *bytes = onnx_message_pack(&w->message, size);
    return QM_OK;
}

enum qm_status qm_onnx_write(const struct qm_graph *graph, const char *file, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    const uint8_t *bytes;
    size_t size;
    enum qm_status status = qm_onnx_pack(graph, arena, &bytes, &size, diag);
    if (status == QM_OK) status = qm_file_write(file, bytes, size, diag);
    qm_arena_destroy(arena);
    return status;
}
