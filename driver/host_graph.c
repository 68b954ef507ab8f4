/* host_graph.c - the operators of a host stage: on real numbers as evaluate/ says, or one of TFLite on stored numbers, by its kernel. */
#include "driver/host_graph.h"

#include <stdlib.h>

#include "common/memory.h"
#include "evaluate/evaluate.h"
#include "evaluate/kernels.h"

/* The elements of the operands: a constant's, or those that the stage is given. */
static bool run_kernel(const struct qm_graph *graph, const struct qm_graph_op *op, const void *const *inputs, void *output) {
    const void **of = qm_alloc(graph->tensor_count * sizeof *of), **operands = qm_alloc(op->input_count * sizeof *operands);
    for (uint32_t t = 0; t < graph->tensor_count; t++) of[t] = graph->tensors[t].data;
    for (uint32_t i = 0; i < graph->input_count; i++) of[graph->inputs[i]] = inputs[i];
    for (uint32_t i = 0; i < op->input_count; i++) operands[i] = op->inputs[i] != QM_NO_TENSOR ? of[op->inputs[i]] : NULL;
    bool done = kernel_run(graph, op, operands, &output);
    free(of);
    free(operands);
    return done;
}

const char *qm_host_check(const struct qm_graph *graph) {
    if (graph->is_real) return evaluate_check_graph(graph);
    if (graph->op_count != 1) return "has several operators on integers";
    const char *problem = kernel_check(graph, &graph->ops[0]);
    if (problem != NULL) return problem;
    return graph->outputs[0] == graph->ops[0].outputs[0] ? NULL : "has an output that its operator does not make";
}

bool qm_host_run(const struct qm_graph *graph, const void *const *inputs, void *output) {
    if (graph->is_real) return evaluate_graph(graph, inputs, &output);
    return run_kernel(graph, &graph->ops[0], inputs, output);
}
