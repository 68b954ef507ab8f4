/* graph.c - operands of operators: lists as long as they need be, which copies share until they have their own. */
#include "common/graph.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

TestSuite(graph);

enum { MANY = 1000 };

static struct qm_graph_op open_many(struct qm_arena *arena) {
    struct qm_graph_op op = {.kind = QM_OP_CONCATENATION, .input_count = MANY, .output_count = 1};
    qm_graph_open_operands(&op, arena);
    for (uint32_t i = 0; i < MANY; i++) op.inputs[i] = i;
    op.outputs[0] = MANY;
    return op;
}

Test(graph, operands_that_nobody_has_set_are_absent) {
    struct qm_arena *arena = qm_arena_create();
    const uint32_t *few = qm_graph_operands(arena, 1), *many = qm_graph_operands(arena, MANY);
    for (uint32_t i = 0; i < QM_OPERANDS_FEW; i++) cr_assert(eq(u32, few[i], QM_NO_TENSOR));
    for (uint32_t i = 0; i < MANY; i++) cr_assert(eq(u32, many[i], QM_NO_TENSOR));
    qm_arena_destroy(arena);
}

Test(graph, an_operator_with_operands_of_its_own_leaves_those_of_the_other) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph_op op = open_many(arena), copy = op;
    qm_graph_own_operands(&copy, arena);
    for (uint32_t i = 0; i < MANY; i++) cr_assert(eq(u32, copy.inputs[i], i));
    copy.inputs[7] = copy.outputs[0] = 0;
    cr_expect(eq(u32, op.inputs[7], 7));
    cr_expect(eq(u32, op.outputs[0], MANY));
    qm_arena_destroy(arena);
}

Test(graph, a_copy_of_a_graph_has_operands_of_its_own) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph_op op = open_many(arena);
    const struct qm_graph graph = {.op_count = 1, .ops = &op}, *copy = qm_graph_copy(&graph, arena);
    op.inputs[MANY - 1] = 0;
    cr_expect(eq(u32, copy->ops[0].inputs[MANY - 1], MANY - 1));
    cr_expect(eq(u32, copy->ops[0].input_count, MANY));
    qm_arena_destroy(arena);
}
