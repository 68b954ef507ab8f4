/* once.c - what several operators of an ONNX network read is made once: products behind moves, and values in the graphs of the host; and
 * networks that would still become too many operators are refused.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"
#include "tests/support/onnx_exact.h"

enum { FLOAT = 1, INT8 = 3, INT64 = 7, MANY = 6000, WIDE = 2500, DEEP = 60, HANG_SECONDS = 60 };

static struct qm_arena *arena;
static struct onnx_build *build;
static struct numbers input;
static Onnx__NodeProto **nodes; /* [MANY] */
static uint32_t used;

static void setup(void) {
    arena = qm_arena_create();
    build = QM_ARENA_NEW(arena, struct onnx_build, 1);
    nodes = QM_ARENA_NEW(arena, Onnx__NodeProto *, MANY);
    used = 0;
    onnx_build_open(build, arena);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_once, .init = setup, .fini = teardown, .timeout = HANG_SECONDS);

/* ---- networks ---- */

/* Any number of nodes, where the builder holds few. */
static Onnx__NodeProto *node(const char *op, const char *inputs, const char *outputs) {
    cr_assert(used < MANY);
    build->graph.n_node = 0;
    return nodes[used++] = onnx_build_node(build, op, inputs, outputs);
}

static const char *named(const char *name, uint32_t i) {
    return qm_arena_printf(arena, "%s%u", name, i);
}

/* An input of int8 whose steps are 1/16, and map is what they mean. */
static void open_map(struct onnx_build_shape shape) {
    input = (struct numbers){.name = "x", .rank = shape.rank, .count = 1};
    for (uint32_t d = 0; d < shape.rank; d++) input.count *= input.dims[d] = (uint64_t)shape.dims[d];
    input.values = QM_ARENA_NEW(arena, double, input.count);
    for (size_t i = 0; i < input.count; i++) input.values[i] = (double)(i * 37 % 255) - 127;
    onnx_build_input(build, "x", INT8, shape);
    onnx_build_number(build, "s", FLOAT, 0.0625);
    onnx_build_number(build, "other", FLOAT, 0.09375);
    onnx_build_number(build, "z", INT8, 0);
    node("DequantizeLinear", "x s z", "map");
}

/* product is a convolution of a map of 8 channels. */
static void add_product(void) {
    double steps[64];
    for (int i = 0; i < 64; i++) steps[i] = i * 29 % 63 - 31;
    open_map((struct onnx_build_shape){4, {1, 8, 2, 3}});
    onnx_build_constant(build, "steps", INT8, (struct onnx_build_shape){4, {8, 8, 1, 1}}, steps);
    onnx_build_number(build, "fine", FLOAT, 0.0078125);
    node("DequantizeLinear", "steps fine", "w");
    node("Conv", "map w", "product");
}

/* moved60 is what x becomes when it is put twice beside itself, and the middle is taken, so many times. */
static void add_doubling(const char *x) {
    for (int i = 0; i < 2; i++)
        onnx_build_constant(build, i == 0 ? "from" : "to", INT64, (struct onnx_build_shape){1, {1}}, (double[]){i == 0 ? 3 : 11});
    onnx_build_constant(build, "axis", INT64, (struct onnx_build_shape){1, {1}}, (double[]){1});
    for (uint32_t i = 0; i < DEEP; i++) {
        const char *in = i == 0 ? x : named("moved", i);
        onnx_build_int(build, node("Concat", qm_arena_printf(arena, "%s %s", in, in), named("both", i)), "axis", 1);
        node("Slice", qm_arena_printf(arena, "both%u from to axis", i), named("moved", i + 1));
    }
}

/* ---- results ---- */

static struct file_bytes pack(void) {
    build->graph.n_node = 0;
    onnx_build_pack(build); /* fills in all but the nodes */
    build->graph.node = nodes;
    build->graph.n_node = used;
    struct file_bytes file = {.size = onnx__model_proto__get_packed_size(&build->model)};
    file.data = qm_arena_alloc(arena, file.size);
    onnx__model_proto__pack(&build->model, file.data);
    return file;
}

static enum qm_status make_integers(struct file_bytes file, struct qm_graph **graph, struct qm_diag *diag) {
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "once"}, NULL, arena, graph, diag);
    return status == QM_OK ? qm_integers(*graph, NULL, arena, graph, diag) : status;
}

static uint32_t count(struct file_bytes file, enum qm_graph_op_kind kind) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    uint32_t found = 0;
    enum qm_status status = make_integers(file, &graph, &diag);
    cr_assert(eq(int, status, QM_OK), "%s", diag.text);
    for (uint32_t i = 0; i < graph->op_count; i++) found += graph->ops[i].kind == kind;
    return found;
}

/* All outputs of the network are what it means. */
static void is_right(struct file_bytes file) {
    char text[600];
    struct onnx_exact run = {.arena = arena, .graph = &build->graph};
    struct machine_want *wants = QM_ARENA_NEW(arena, struct machine_want, build->graph.n_output);
    struct numbers *numbers = QM_ARENA_NEW(arena, struct numbers, build->graph.n_output);
    onnx_exact_run(&run, &input, 1);
    cr_assert(run.unknown == NULL, "%s", run.unknown);
    for (size_t k = 0; k < build->graph.n_output; k++) {
        const struct exact_tensor *y = onnx_exact_find(&run, build->graph.output[k]->name);
        numbers[k] = (struct numbers){.name = y->name, .count = y->count, .values = QM_ARENA_NEW(arena, double, y->count)};
        for (size_t i = 0; i < y->count; i++) numbers[k].values[i] = (double)y->values[i];
        wants[k] = (struct machine_want){.tensor = build->graph.output[k]->name, .numbers = &numbers[k], .last = true, .tolerance = 1e-6};
    }
    struct machine_case test = {
        .model = {file.data, file.size, "once"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    machine_compare_all(&test, wants, (uint32_t)build->graph.n_output, text, sizeof text);
    cr_expect(eq(str, text, "pass"));
}

static void makes(enum qm_graph_op_kind kind, uint32_t want) {
    struct file_bytes file = pack();
    uint32_t found = count(file, kind);
    cr_expect(eq(u32, found, want));
    is_right(file);
}

/* ---- products ---- */

/* The product is split, cut at 0 or not, and each of four parts quantized with its scale. */
static void split(bool cut, const char *const scales[4]) {
    add_product();
    onnx_build_int(build, node("Split", "product", "p0 p1 p2 p3"), "axis", 1);
    for (uint32_t i = 0; i < 4; i++) {
        if (cut) node("Relu", named("p", i), named("cut", i));
        node("QuantizeLinear", qm_arena_printf(arena, "%s%u %s z", cut ? "cut" : "p", i, scales[i]), named("y", i));
        onnx_build_output(build, named("y", i));
    }
}

Test(onnx_once, a_product_is_made_once_for_all_parts_of_one_encoding) {
    split(false, (const char *const[]){"s", "s", "s", "s"});
    makes(QM_OP_CONV_2D, 1);
}

Test(onnx_once, a_product_is_made_once_for_each_encoding) {
    split(false, (const char *const[]){"s", "other", "s", "other"});
    makes(QM_OP_CONV_2D, 2);
}

Test(onnx_once, a_function_of_all_parts_is_one_of_the_product) {
    split(true, (const char *const[]){"s", "s", "s", "s"});
    makes(QM_OP_CONV_2D, 1);
}

/* Each output has its own name, whatever else is the same. */
Test(onnx_once, quantizers_of_one_encoding_share_a_product) {
    add_product();
    for (uint32_t i = 0; i < 3; i++) node("QuantizeLinear", "product s z", named("y", i));
    node("DequantizeLinear", "y0 s z", "again");
    node("Add", "again again", "sum");
    node("QuantizeLinear", "sum other z", "y3");
    for (uint32_t i = 1; i < 4; i++) onnx_build_output(build, named("y", i));
    makes(QM_OP_CONV_2D, 1);
}

Test(onnx_once, moves_of_moves_do_not_multiply_the_product) {
    add_product();
    add_doubling("product");
    node("Relu", "moved60", "cut");
    node("QuantizeLinear", "cut s z", "y0");
    node("QuantizeLinear", "moved60 s z", "y1");
    onnx_build_output(build, "y0");
    onnx_build_output(build, "y1");
    makes(QM_OP_CONV_2D, 2); /* one of them is cut */
}

/* Integers without a quantizer, behind the same moves. */
Test(onnx_once, moves_of_moves_do_not_multiply_integers) {
    add_product();
    node("Floor", "product", "whole");
    add_doubling("whole");
    node("Add", "moved60 moved60", "sum");
    node("QuantizeLinear", "sum other z", "y0");
    onnx_build_output(build, "y0");
    onnx_build_output(build, "moved60");
    makes(QM_OP_CONV_2D, 1);
}

/* ---- the host ---- */

/* 5,000 values, and then y = min(max(y, d), y / exp(d)) again and again. */
Test(onnx_once, a_value_is_added_once_to_a_graph_of_the_host) {
    open_map((struct onnx_build_shape){2, {1, 2}});
    node("Exp", "map", "exp");
    for (uint32_t i = 0; i < WIDE; i++) node("Div", "map exp", named("wide", i));
    for (uint32_t i = 0; i < WIDE - 1; i++)
        node("Max", qm_arena_printf(arena, "wide%u wide%u", 2 * i, 2 * i + 1), i == WIDE - 2 ? "level0" : named("wide", WIDE + i));
    for (uint32_t i = 0; i < DEEP; i++) {
        node("Max", qm_arena_printf(arena, "level%u map", i), named("high", i));
        node("Div", qm_arena_printf(arena, "level%u exp", i), named("low", i));
        node("Min", qm_arena_printf(arena, "high%u low%u", i, i), named("level", i + 1));
    }
    node("QuantizeLinear", "level60 s z", "y");
    onnx_build_output(build, "y");
    makes(QM_OP_HOST, 1);
}

/* ---- many operands ---- */

enum { OPERANDS = 1200 };

/* Gives the names of so many parts of the map, two numbers each, in the order of the file or the other way around. */
static const char *add_parts(bool turned) {
    size_t room = OPERANDS * sizeof " part1199";
    char *names = qm_arena_alloc(arena, room), *back = qm_arena_alloc(arena, room);
    open_map((struct onnx_build_shape){2, {1, 2 * OPERANDS}});
    for (uint32_t i = 0; i < OPERANDS; i++) {
        strcat(strcat(names, " part"), named("", i));
        strcat(strcat(back, " part"), named("", OPERANDS - 1 - i));
    }
    onnx_build_int(build, node("Split", "map", names), "axis", 1);
    return turned ? back : names;
}

Test(onnx_once, a_concatenation_has_as_many_parts_as_the_file_says) {
    onnx_build_int(build, node("Concat", add_parts(true), "whole"), "axis", 1);
    node("QuantizeLinear", "whole s z", "y");
    onnx_build_output(build, "y");
    makes(QM_OP_STRIDED_SLICE, OPERANDS);
}

/* More terms than operators of the host can stand behind one another. */
Test(onnx_once, a_sum_has_as_many_terms_as_the_file_says) {
    node("Sum", add_parts(false), "sum");
    node("QuantizeLinear", "sum other z", "y");
    onnx_build_output(build, "y");
    makes(QM_OP_HOST, 1);
}

/* ---- limits ---- */

/* Behind 990 moves each addition is one of 990 values, and so is each quantizer. */
Test(onnx_once, networks_that_become_too_many_operators_are_refused) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    open_map((struct onnx_build_shape){2, {1, 1000}});
    onnx_build_constant(build, "first", INT64, (struct onnx_build_shape){1, {1}}, (double[]){1});
    onnx_build_constant(build, "ends", INT64, (struct onnx_build_shape){1, {1}}, (double[]){1000});
    onnx_build_constant(build, "axis", INT64, (struct onnx_build_shape){1, {1}}, (double[]){1});
    onnx_build_number(build, "factor", FLOAT, 0.3);
    node("Mul", "map factor", "moved0");
    for (uint32_t i = 0; i < 990; i++) node("Slice", qm_arena_printf(arena, "moved%u first ends axis", i), named("moved", i + 1));
    for (uint32_t i = 0; i < 100; i++) {
        onnx_build_number(build, named("addend", i), FLOAT, i);
        node("Add", qm_arena_printf(arena, "moved990 addend%u", i), named("sum", i));
        node("QuantizeLinear", qm_arena_printf(arena, "sum%u s z", i), named("y", i));
        onnx_build_output(build, named("y", i));
    }
    enum qm_status status = make_integers(pack(), &graph, &diag);
    cr_expect(eq(int, status, QM_BAD_INPUT));
    cr_expect(strstr(diag.text, "brings what is computed to more than ") != NULL, "%s", diag.text);
}

/* 1,100 moves one behind the other, which nothing quantizes. */
Test(onnx_once, moves_in_a_row_are_a_thousand_at_most) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    open_map((struct onnx_build_shape){2, {1, 2}});
    onnx_build_number(build, "factor", FLOAT, 0.3);
    node("Mul", "map factor", "moved0");
    for (uint32_t i = 0; i < 1100; i++) node("Transpose", named("moved", i), named("moved", i + 1));
    node("QuantizeLinear", "moved1100 s z", "y");
    onnx_build_output(build, "y");
    enum qm_status status = make_integers(pack(), &graph, &diag);
    cr_expect(eq(int, status, QM_BAD_INPUT));
    cr_expect(strstr(diag.text, "comes after more than 1000 moves of what is not quantized") != NULL, "%s", diag.text);
}
