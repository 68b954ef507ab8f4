/* readers.c - who reads the tensors of a graph, and where they have their channels. */
#include "quantize/network/parts.h"

uint32_t *quant_count_readers(const struct qm_graph *graph, struct qm_arena *arena) {
    uint32_t *readers = QM_ARENA_NEW(arena, uint32_t, graph->tensor_count);
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++)
            if (graph->ops[i].inputs[j] != QM_NO_TENSOR) readers[graph->ops[i].inputs[j]]++;
    for (uint32_t i = 0; i < graph->output_count; i++) readers[graph->outputs[i]]++;
    return readers;
}

const struct qm_graph_op *quant_only_reader(const struct qm_graph *graph, const uint32_t *readers, uint32_t tensor) {
    for (uint32_t i = 0; i < graph->op_count && readers[tensor] == 1; i++)
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++)
            if (graph->ops[i].inputs[j] == tensor) return &graph->ops[i];
    return NULL;
}

struct qm_channels quant_channels_of(const struct qm_graph *graph, const struct qm_graph_op *op, uint32_t tensor) {
    const struct qm_graph_tensor *t = &graph->tensors[tensor];
    bool is_last = op->kind == QM_OP_MATMUL;
    size_t elements = (size_t)qm_graph_elements(t), channels = t->dims[is_last ? t->rank - 1 : 1];
    size_t outer = is_last ? elements / channels : t->dims[0];
    return (struct qm_channels){outer, channels, elements / channels / outer};
}
