/* ends.c - see ends.h. */
#include "tools/qmac/ends.h"

#include <stdio.h>
#include <string.h>

static void add_end(struct qm_program *program, const struct qm_graph_tensor *tensor) {
    struct qm_program_tensor *end = &program->tensors[program->tensor_count++];
    snprintf(end->name, sizeof end->name, "%s", tensor->name);
    end->dtype = tensor->dtype;
    end->rank = tensor->rank;
    memcpy(end->dims, tensor->dims, sizeof end->dims);
    end->size_bytes = (uint32_t)(qm_graph_elements(tensor) * qm_dtype_bytes(tensor->dtype));
}

struct qm_program *cli_ends_of(const struct qm_graph *graph) {
    struct qm_program *program = qm_program_create();
    program->tensors = QM_ARENA_NEW(program->arena, struct qm_program_tensor, graph->input_count + graph->output_count);
    program->input_count = graph->input_count;
    program->output_count = graph->output_count;
    for (uint32_t i = 0; i < graph->input_count; i++) add_end(program, &graph->tensors[graph->inputs[i]]);
    for (uint32_t i = 0; i < graph->output_count; i++) add_end(program, &graph->tensors[graph->outputs[i]]);
    return program;
}
