/* check.c - an operation with a number that no field of an instruction holds is kept as it is, and refused by name; so are layers that ask
 * for more than the cells multiply. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "compiler/passes/passes.h"

TestSuite(check);

enum { BUFFER = 16, ROWS = 70000 };

/* Two LOADs and an ADD of them; of the first LOAD and of the ADD a number is too large. */
static void make_schedule(struct plan *plan) {
    struct qm_insn fits = {.opcode = QM_LOAD, .row_bytes = BUFFER, .row_count = 1, .plane_count = 1}, many = fits,
                   sum = {.opcode = QM_ADD, .length = BUFFER, .clamp_max = 1 << 20};
    many.row_count = ROWS;
    many.plane_count = 2;
    uint32_t first = plan_add_buffer(plan, BUFFER), second = plan_add_buffer(plan, BUFFER), op;
    plan_use(plan, plan_add_op(plan, 0, &fits), PLAN_WRITE, first);
    plan_use(plan, plan_add_op(plan, 0, &many), PLAN_WRITE, second);
    op = plan_add_op(plan, 0, &sum);
    plan_use(plan, op, PLAN_READ, first);
    plan_use(plan, op, PLAN_READ_MORE, second);
    plan->stages[0] = (struct plan_stage){.last_op = plan->op_count};
    plan->stage_count = 1;
}

Test(check, refuses_the_first_number_that_no_field_holds) {
    struct qm_machine machine;
    struct qm_diag diag;
    struct qm_graph graph = {.file = "net"};
    struct qm_value value = {.name = "out"};
    struct qm_layer layer = {.output = 0};
    struct qm_network network = {.graph = &graph, .values = &value, .value_count = 1, .layers = &layer, .layer_count = 1};
    struct plan_stage stage;
    struct plan plan = {.network = &network, .machine = &machine, .arena = qm_arena_create(), .diag = &diag, .stages = &stage};
    struct qm_insn insn;
    qm_machine_init(&machine);
    make_schedule(&plan);
    cr_assert(pass_allocate(&plan) == QM_OK && pass_synchronize(&plan) == QM_OK);
    cr_assert(eq(int, check_operations(&plan), QM_BAD_INPUT));
    cr_assert(eq(str, diag.text, "net: layer out is too large for the instructions: LOAD: row_count = 70000 does not fit in 16 bits"));
    cr_assert(eq(u64, plan_transfer_bytes(&plan.ops[1]), (uint64_t)BUFFER * ROWS * 2));
    plan_get_insn(&plan.ops[1], &insn);
    cr_assert(eq(i64, insn.row_count, ROWS));
    cr_assert(eq(i64, insn.spad_addr, plan.buffers[1].address));
    plan_get_insn(&plan.ops[2], &insn);
    cr_assert(eq(i64, insn.clamp_max, 1 << 20));
    cr_assert(eq(i64, insn.b_addr, plan.buffers[1].address));
    plan_free(&plan);
}

Test(check, names_the_layers_that_ask_for_more_than_the_cells_multiply) {
    struct qm_machine machine;
    struct qm_diag diag;
    struct qm_graph graph = {.file = "net"};
    struct qm_value values[] = {{.name = "first"}, {.name = "second"}, {.name = "third"}};
    struct qm_layer layers[] = {{.output = 0, .precision = QM_precision_W1A4},
                                {.output = 1, .precision = QM_precision_W8A8},
                                {.output = 2, .precision = QM_precision_W4A8}};
    struct qm_network network = {.graph = &graph, .values = values, .value_count = 3, .layers = layers, .layer_count = 3};
    struct plan plan = {.network = &network, .machine = &machine, .diag = &diag};
    qm_machine_init(&machine);
    cr_assert(eq(int, check_precisions(&plan), QM_OK));
    machine.cell = QM_cell_fixed8;
    cr_assert(eq(int, check_precisions(&plan), QM_BAD_INPUT));
    cr_assert(
        eq(str, diag.text,
           "net: the cells of default multiply 8 bits only (cell = fixed8): take --precision w8a8, or cell=fusible; narrow are first, "
           "third"));
    network.layer_count = 0;
    cr_assert(eq(int, check_precisions(&plan), QM_OK));
}
