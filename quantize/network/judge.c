/* judge.c - the quantized network beside the float one, on the examples that judge it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "quantize/network/parts.h"
#include "quantize/quality.h"

/* What is compared: what goes into a softmax, or into the choice of the largest, that makes the first output, perhaps moved; else that
 * output. */
static uint32_t compared_tensor(const struct qm_graph *graph) {
    uint32_t tensor = graph->outputs[0];
    for (uint32_t i = graph->op_count; i-- > 0;) {
        const struct qm_graph_op *op = &graph->ops[i];
        if (op->outputs[0] != tensor) continue;
        if (op->kind == QM_OP_SOFTMAX || op->kind == QM_OP_LOG_SOFTMAX || op->kind == QM_OP_ARG_MAX) return op->inputs[0];
        if (!quant_reorders(op)) break;
        tensor = op->inputs[0];
    }
    return graph->outputs[0];
}

/* Runs the examples, and keeps that tensor: [count][elements]. */
static enum qm_status run_examples(struct quant_network *network, struct infer *infer, const struct qm_graph *graph, float *kept) {
    uint32_t tensor = compared_tensor(graph);
    size_t elements = (size_t)qm_graph_elements(&graph->tensors[tensor]);
    const float *inputs[QUANT_INPUTS_MAX];
    for (uint64_t e = 0; e < network->judged->count; e++) {
        quant_take_example(network->real, network->judged, e, inputs);
        if (!infer_run(infer, inputs)) return quant_fail_example(network, e);
        memcpy(kept + e * elements, infer_numbers(infer, tensor), elements * sizeof *kept);
        for (size_t i = 0; i < elements; i++)
            if (!isfinite(kept[e * elements + i])) return quant_fail_output(network, e);
    }
    return QM_OK;
}

static double accuracy_of(const struct qm_examples *examples, size_t elements, const float *outputs) {
    uint64_t right = 0;
    for (uint64_t e = 0; e < examples->count && examples->labels != NULL; e++)
        right += (int64_t)qm_largest(elements, outputs + e * elements) == examples->labels[e];
    return examples->labels != NULL ? (double)right / (double)examples->count : NAN;
}

enum qm_status quant_judge(struct quant_network *network, const char *step, struct qm_quantized *result) {
    size_t elements = (size_t)qm_graph_elements(&network->real->tensors[compared_tensor(network->real)]);
    size_t count = (size_t)network->judged->count * elements;
    float *real = qm_alloc(2 * count * sizeof *real), *rounded = real + count;
    enum qm_status status = run_examples(network, network->real_run, network->real, real);
    if (status == QM_OK) status = run_examples(network, network->quantized_run, network->quantized, rounded);
    if (status == QM_OK) {
        result->float_accuracy = accuracy_of(network->judged, elements, real);
        result->steps[result->step_count++] =
            (struct qm_quantize_step){.name = step,
                                      .sqnr_db = qm_sqnr_db(count, real, rounded),
                                      .agreement = qm_agreement((size_t)network->judged->count, elements, real, rounded),
                                      .accuracy = accuracy_of(network->judged, elements, rounded)};
    }
    free(real);
    return status;
}
