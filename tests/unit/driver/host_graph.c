/* host_graph.c - which elements an operator of the host gets: those of the stage, constants of the graph, and none. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "driver/host_graph.h"

/* b - a of two bytes with scale 1, in a graph whose inputs are said in another order than the operator's operands. */
static struct qm_graph *difference(struct qm_arena *arena, const int8_t *constant) {
    struct qm_graph_maker maker = {.arena = arena, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)};
    struct qm_graph *graph = maker.graph;
    struct qm_shape shape = {.rank = 1, .dims = {2}};
    for (int i = 0; i < 3; i++) {
        uint32_t tensor = qm_graph_add_tensor(&maker, "t", QM_I8, &shape);
        qm_graph_set_quant(&maker, tensor, 1, 0);
    }
    graph->tensors[1].data = constant;
    graph->tensors[1].size_bytes = constant != NULL ? 2 : 0;
    graph->inputs = QM_ARENA_NEW(arena, uint32_t, 2);
    graph->inputs[graph->input_count++] = 0;
    if (constant == NULL) graph->inputs[graph->input_count++] = 1;
    struct qm_graph_op *op = qm_graph_add_op(&maker, QM_OP_SUB, 1, 2);
    op->inputs[1] = 0;
    op->input_count = 2;
    graph->outputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->outputs[0] = 2;
    graph->output_count = 1;
    return graph;
}

Test(host_graph, operands_are_those_of_the_stage_and_constants) {
    struct qm_arena *arena = qm_arena_create();
    static const int8_t a[] = {3, 4}, b[] = {10, 30}, constant[] = {20, -20};
    const void *const inputs[] = {a, b};
    int8_t out[2];
    cr_assert(qm_host_run(difference(arena, NULL), inputs, out));
    cr_expect(eq(i8, out[0], 7));
    cr_expect(eq(i8, out[1], 26));
    cr_assert(qm_host_run(difference(arena, constant), inputs, out));
    cr_expect(eq(i8, out[0], 17));
    cr_expect(eq(i8, out[1], -24));
    qm_arena_destroy(arena);
}

Test(host_graph, what_cannot_be_run_is_told) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = difference(arena, NULL);
    cr_expect(qm_host_check(graph) == NULL, "%s", qm_host_check(graph));
    graph->outputs[0] = 0;
    cr_expect(qm_host_check(graph) != NULL, "an output that is the input");
    graph = difference(arena, NULL);
    graph->tensors[0].dtype = QM_U8;
    cr_expect(qm_host_check(graph) != NULL, "operands of two types");
    graph = difference(arena, NULL);
    graph->op_count = 2;
    cr_expect(qm_host_check(graph) != NULL, "two operators on integers");
    graph = difference(arena, NULL);
    graph->is_real = true;
    cr_expect(qm_host_check(graph) == NULL, "%s", qm_host_check(graph));
    graph->tensors[2].dims[0] = 3;
    cr_expect(qm_host_check(graph) != NULL, "a longer result");
    qm_arena_destroy(arena);
}
