/* move_windows.c - the cuts of lists into windows, and what they save: a map of few bytes at many places is not loaded place by place. */
#include "compiler/passes/move_windows.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/arena.h"
#include "common/program_work.h"
#include "compiler/compiler.h"
#include "tests/support/plan_cycles.h"

TestSuite(move_windows);

Test(move_windows, have_so_many_bytes_and_no_gap_that_is_too_long) {
    const struct qm_move_place places[] = {{0, 0}, {4, 4}, {8, 8}, {12, 12}, {40, 16}};
    struct move_windows windows = {.of_input = true, .span = 4, .bytes_max = 12, .gap_max = 8};
    cr_assert(eq(u32, move_window_places(&windows, &places[0], 5), 3)); /* 12 bytes */
    cr_assert(eq(u32, move_window_places(&windows, &places[3], 2), 1)); /* 24 bytes between them */
    windows.bytes_max = 64;
    cr_assert(eq(u32, move_window_places(&windows, &places[0], 5), 4));
    windows.gap_max = 24;
    cr_assert(eq(u32, move_window_places(&windows, &places[0], 5), 5));
    windows.of_input = false;
    windows.bytes_max = UINT32_MAX; /* in the scratchpad */
    cr_assert(eq(u32, move_window_places(&windows, &places[1], 4), 4));
}

/* Of a resize of columns and rows by its nearest neighbors, [1][h][w][c]. */
static struct qm_program *compile_resize(const struct qm_shape *in, const struct qm_shape *out, uint32_t scratchpad_bytes,
                                         struct qm_arena *arena) {
    struct qm_graph_maker maker = {.arena = arena, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)};
    uint32_t x = qm_graph_add_tensor(&maker, "x", QM_I8, in), y = qm_graph_add_tensor(&maker, "y", QM_I8, out);
    const struct qm_compile_options options = {.plan_only = true};
    struct qm_graph *graph = maker.graph;
    struct qm_network *network;
    struct qm_machine machine;
    struct qm_program *program;
    struct qm_diag diag;
    qm_graph_set_quant(&maker, x, 1, 0);
    qm_graph_set_quant(&maker, y, 1, 0);
    qm_graph_add_op(&maker, QM_OP_RESIZE_NEAREST_NEIGHBOR, x, y);
    graph->file = "resize";
    graph->inputs = &x;
    graph->outputs = &y;
    graph->input_count = graph->output_count = 1;
    cr_assert(qm_machine_load("edge", &machine, &diag) == QM_OK);
    machine.scratchpad_bytes = scratchpad_bytes;
    cr_assert(qm_legalize(graph, NULL, arena, &network, &diag) == QM_OK);
    cr_assert(qm_narrow(network, NULL, arena, &diag) == QM_OK);
    cr_assert(qm_compile_network(network, &machine, &options, &program, &diag) == QM_OK);
    return program;
}

/* A LOAD and a STORE for each row took a million cycles. */
Test(move_windows, rows_of_a_map_outside_come_and_go_together) {
    struct qm_arena *arena = qm_arena_create();
    const struct qm_shape in = {4, {1, 2000, 2, 1}}, out = {4, {1, 5823, 5, 1}};
    struct qm_program *program = compile_resize(&in, &out, 8192, arena);
    cr_assert(lt(u64, plan_cycles(program), 7 * qm_shape_elements(&out)));
    qm_program_destroy(program);
    qm_arena_destroy(arena);
}

/* By the strides of the list, a beat for each byte, it was thirty times the output. */
Test(move_windows, columns_of_a_map_outside_come_and_go_with_what_lies_between) {
    struct qm_arena *arena = qm_arena_create();
    const struct qm_shape in = {4, {1, 2500, 300, 1}}, out = {4, {1, 2500, 750, 1}};
    struct qm_program *program = compile_resize(&in, &out, 262144, arena);
    struct qm_counters counters = qm_program_work_of_stage(program, 0);
    uint64_t beats = counters.value[QM_C_dram_read_beats] + counters.value[QM_C_dram_write_beats];
    cr_assert(lt(u64, beats * 16, 2 * (qm_shape_elements(&in) + qm_shape_elements(&out))));
    qm_program_destroy(program);
    qm_arena_destroy(arena);
}
