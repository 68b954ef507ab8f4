/* graph.c - names and sizes for messages, reports and checks; the graph as text: one line a tensor, one an operator. */
#include "compiler/ir/graph.h"

#include "common/status.h"
#include "common/text.h"

const char *qm_graph_op_name(enum qm_graph_op_kind kind) {
    static const char *const names[] = {
#define NAME(name) #name,
        QM_GRAPH_OPS(NAME)
#undef NAME
    };
    QM_CHECK((unsigned)kind < QM_GRAPH_OP_KINDS);
    return names[kind];
}

bool qm_graph_has_weights(enum qm_graph_op_kind kind) {
    return kind == QM_OP_CONV_2D || kind == QM_OP_DEPTHWISE_CONV_2D || kind == QM_OP_TRANSPOSE_CONV || kind == QM_OP_FULLY_CONNECTED;
}

uint64_t qm_graph_elements(const struct qm_graph_tensor *tensor) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) elements *= tensor->dims[i];
    return elements;
}

/* ---- as text ---- */

static void print_quant(const struct qm_quant *quant, FILE *out) {
    if (quant->count == 1) fprintf(out, ", scale %g zero %lld", (double)quant->scale[0], (long long)quant->zero_point[0]);
    if (quant->count > 1) fprintf(out, ", %u scales along dimension %u", quant->count, quant->axis);
}

static void print_tensor(const struct qm_graph *graph, uint32_t index, FILE *out) {
    const struct qm_graph_tensor *tensor = &graph->tensors[index];
    if (tensor->dtype == QM_ANY_DTYPES) return; /* no operator uses it */
    fprintf(out, "tensor %u %s %s", index, qm_shown(tensor->name).text, qm_dtype_name(tensor->dtype));
    if (tensor->bits != 0) fprintf(out, " of %u bits", tensor->bits);
    for (uint32_t i = 0; i < tensor->rank; i++) fprintf(out, "%c%u", i == 0 ? ' ' : 'x', tensor->dims[i]);
    print_quant(&tensor->quant, out);
    fputs(tensor->data != NULL ? ", constant\n" : "\n", out);
}

static void print_indices(const uint32_t *indices, uint32_t count, FILE *out) {
    for (uint32_t i = 0; i < count; i++) indices[i] == QM_NO_TENSOR ? fputs(" -", out) : fprintf(out, " %u", indices[i]);
}

static void print_graph_op(const struct qm_graph_op *op, FILE *out) {
    static const char *const activations[] = {
        [QM_ACT_NONE] = "", [QM_ACT_RELU] = ", RELU", [QM_ACT_RELU6] = ", RELU6", [QM_ACT_RELU_N1_TO_1] = ", RELU_N1_TO_1"};
    fprintf(out, "operator %u %s", op->index, qm_graph_op_name(op->kind));
    print_indices(op->inputs, op->input_count, out);
    fputs(" >", out);
    print_indices(op->outputs, op->output_count, out);
    if (op->kernel_h > 0)
        fprintf(out, ", window %ux%u stride %ux%u dilation %ux%u padding %u,%u,%u,%u", op->kernel_h, op->kernel_w, op->stride_h,
                op->stride_w, op->dilation_h, op->dilation_w, op->pad_top, op->pad_left, op->pad_bottom, op->pad_right);
    fputs(activations[op->activation], out);
    if (op->requant != NULL)
        fprintf(out, ", integers %d..%d, %u channels of thresholds", op->requant->low, op->requant->high, op->requant->channels);
    fputc('\n', out);
}

void graph_print(const struct qm_graph *graph, FILE *out) {
    for (uint32_t i = 0; i < graph->tensor_count; i++) print_tensor(graph, i, out);
    fputs("inputs", out);
    print_indices(graph->inputs, graph->input_count, out);
    fputs("\noutputs", out);
    print_indices(graph->outputs, graph->output_count, out);
    fputc('\n', out);
    for (uint32_t i = 0; i < graph->op_count; i++) print_graph_op(&graph->ops[i], out);
}
