/* host_graph.c - the operators of a host stage: on real numbers as evaluate/ says, or one of TFLite on stored numbers, by its kernel. */
#include "driver/host_graph.h"

#include "evaluate/evaluate.h"
#include "evaluate/kernels.h"

/* The elements of a tensor: a constant's, or those that the stage is given. */
static const void *data_of(const struct qm_graph *graph, uint32_t tensor, const void *const *inputs) {
    if (tensor == QM_NO_TENSOR) return NULL;
    for (uint32_t i = 0; i < graph->input_count; i++)
        if (graph->inputs[i] == tensor) return inputs[i];
    return graph->tensors[tensor].data;
}

const char *qm_host_check(const struct qm_graph *graph) {
    if (graph->is_real) return evaluate_check_graph(graph);
    if (graph->op_count != 1) return "has several operators on integers";
    const char *problem = kernel_check(graph, &graph->ops[0]);
    if (problem != NULL) return problem;
    return graph->outputs[0] == graph->ops[0].outputs[0] ? NULL : "has an output that its operator does not make";
}

bool qm_host_run(const struct qm_graph *graph, const void *const *inputs, void *output) {
    const void *operands[QM_OPERANDS_MAX];
    if (graph->is_real) return evaluate_graph(graph, inputs, &output);
    const struct qm_graph_op *op = &graph->ops[0];
    for (uint32_t i = 0; i < op->input_count; i++) operands[i] = data_of(graph, op->inputs[i], inputs);
    return kernel_run(graph, op, operands, &output);
}
