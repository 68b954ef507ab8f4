/* host_stage.c - see host_stage.h. */
#include "tests/support/host_stage.h"

#include <string.h>

struct qm_program_stage host_stage_softmax(const struct qm_program *program, uint32_t layer, uint32_t input, uint32_t output, float beta) {
    struct qm_arena *arena = program->arena;
    const struct qm_program_tensor *in = &program->tensors[input];
    struct qm_graph_maker maker = {.arena = arena, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)};
    struct qm_graph *graph = maker.graph;
    struct qm_shape shape = {.rank = in->rank};
    memcpy(shape.dims, in->dims, sizeof shape.dims);
    graph->input_count = graph->output_count = 1;
    graph->inputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->outputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->inputs[0] = qm_graph_add_tensor(&maker, "", QM_I8, &shape);
    graph->outputs[0] = qm_graph_add_tensor(&maker, "", QM_I8, &shape);
    qm_graph_set_quant(&maker, graph->inputs[0], in->scale, in->zero_point);
    qm_graph_set_quant(&maker, graph->outputs[0], 1.0F / 256, INT8_MIN);
    qm_graph_add_op(&maker, QM_OP_SOFTMAX, graph->inputs[0], graph->outputs[0])->beta = beta;
    struct qm_program_stage stage = {.on_host = true, .layer = layer, .graph = graph, .input_count = 1, .output = output};
    stage.inputs = QM_ARENA_NEW(arena, uint32_t, 1);
    stage.inputs[0] = input;
    return stage;
}
