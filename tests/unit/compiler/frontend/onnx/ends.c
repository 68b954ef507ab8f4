/* ends.c - what a network reads and gives: float inputs mean the same in any order of their readers, and outputs have their names. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"
#include "tests/support/onnx_exact.h"

enum { FLOAT = 1, INT8 = 3, INT64 = 7, ROWS = 2, DEPTH = 8, COLUMNS = 4, COUNT = ROWS * DEPTH };

static struct qm_arena *arena;
static struct onnx_build build;
static struct numbers inputs[2];

static void node(const char *op, const char *inputs_of, const char *outputs) {
    onnx_build_node(&build, op, inputs_of, outputs);
}

static void setup(void) {
    arena = qm_arena_create();
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_ends, .init = setup, .fini = teardown);

static void open_network(void) {
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
    onnx_build_number(&build, "s", FLOAT, 0.05);
    onnx_build_number(&build, "z", INT8, 3);
}

static void open_input(uint32_t i, const char *name, int32_t type, uint32_t rows, uint32_t columns) {
    onnx_build_input(&build, name, type, (struct onnx_build_shape){2, {rows, columns}});
    inputs[i] = (struct numbers){.name = name, .rank = 2, .dims = {rows, columns}, .count = rows * columns};
    inputs[i].values = QM_ARENA_NEW(arena, double, inputs[i].count);
    for (uint32_t k = 0; k < inputs[i].count; k++) inputs[i].values[k] = type == FLOAT ? (k * 37 % 64) / 16.0 - 2 : k * 77 % 256 - 128.0;
}

/* The graph of integers, or why there is none. */
static struct qm_graph *integers(struct qm_diag *diag) {
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_graph *graph;
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "ends"}, NULL, arena, &graph, diag);
    if (status == QM_OK) status = qm_integers(graph, NULL, arena, &graph, diag);
    return status == QM_OK ? graph : NULL;
}

/* ---- float inputs ---- */

/* Adds one of two readers of x, each with its quantizer: a product by k, which is computed, and a function. */
static void add_reader(bool multiplies) {
    if (multiplies) {
        node("MatMul", "x kr", "product");
        node("QuantizeLinear", "product s z", "y");
    } else {
        node("Sigmoid", "x", "gate");
        node("QuantizeLinear", "gate s z", "g");
    }
}

static void read_in_order(bool product_first) {
    char text[600];
    struct qm_diag diag = {.text = ""};
    open_network();
    open_input(0, "x", FLOAT, ROWS, DEPTH);
    open_input(1, "k", INT8, DEPTH, COLUMNS);
    node("DequantizeLinear", "k s z", "kr");
    add_reader(product_first);
    add_reader(!product_first);
    onnx_build_output(&build, "y");
    onnx_build_output(&build, "g");
    struct qm_graph *graph = integers(&diag);
    cr_assert(graph != NULL, "%s", diag.text);
    cr_expect(eq(int, (int)graph->tensors[graph->inputs[0]].dtype, (int)QM_F32));
    struct onnx_exact run = {.arena = arena, .graph = &build.graph};
    onnx_exact_run(&run, inputs, 2);
    cr_assert(run.unknown == NULL, "%s", run.unknown);
    const struct exact_tensor *y = onnx_exact_find(&run, "y");
    struct numbers want = {.name = "y", .count = y->count, .values = QM_ARENA_NEW(arena, double, y->count)};
    for (size_t i = 0; i < y->count; i++) want.values[i] = (double)y->values[i];
    struct file_bytes file = onnx_build_pack(&build);
    struct machine_case test = {
        .model = {file.data, file.size, "ends"}, .inputs = inputs, .input_count = 2, .engine = &qm_device_functional};
    machine_compare(&test, &want, text, sizeof text);
    cr_expect(eq(str, text, "pass"));
}

Test(onnx_ends, a_float_input_is_floats_in_any_order_of_its_readers) {
    read_in_order(true);
    read_in_order(false);
}

static void refused(const char *words) {
    struct qm_diag diag = {.text = ""};
    cr_expect(integers(&diag) == NULL);
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

/* Products by weights are the machine's, which has no floats. */
static void multiply_in_order(bool product_first) {
    double weights[DEPTH * COLUMNS];
    for (int i = 0; i < DEPTH * COLUMNS; i++) weights[i] = i * 31 % 200 - 100;
    open_network();
    open_input(0, "x", FLOAT, ROWS, DEPTH);
    onnx_build_constant(&build, "k", INT8, (struct onnx_build_shape){2, {DEPTH, COLUMNS}}, weights);
    node("DequantizeLinear", "k s z", "kr");
    add_reader(product_first);
    add_reader(!product_first);
    onnx_build_output(&build, "y");
    onnx_build_output(&build, "g");
    refused("MatMul reads what is not quantized; a QuantizeLinear must come between");
}

Test(onnx_ends, a_float_input_is_not_multiplied_by_weights_in_any_order_of_its_readers) {
    multiply_in_order(true);
    multiply_in_order(false);
}

/* ---- signs ---- */

static void add_signs(const char *x) {
    onnx_build_node(&build, "BipolarQuant", qm_arena_printf(arena, "%s one", x), "signs")->domain =
        qm_arena_strdup(arena, "qonnx.custom_op.general");
    node("QuantizeLinear", "signs s z", "y");
}

static void take_signs_in_order(bool signs_first) {
    struct qm_diag diag = {.text = ""};
    open_network();
    open_input(0, "x", FLOAT, ROWS, DEPTH);
    onnx_build_number(&build, "one", FLOAT, 1);
    node("Flatten", "x", "flat");
    if (signs_first) add_signs("flat");
    add_reader(false);
    if (!signs_first) add_signs("flat");
    onnx_build_output(&build, "y");
    onnx_build_output(&build, "g");
    struct qm_graph *graph = integers(&diag);
    cr_assert(graph != NULL, "%s", diag.text);
    cr_expect(eq(int, (int)graph->tensors[graph->inputs[0]].dtype, (int)QM_F32));
}

Test(onnx_ends, a_float_input_that_others_read_is_not_given_as_signs) {
    take_signs_in_order(true);
    take_signs_in_order(false);
}

Test(onnx_ends, a_float_input_that_only_signs_are_taken_of_is_given_as_signs) {
    struct qm_diag diag = {.text = ""};
    open_network();
    open_input(0, "x", FLOAT, ROWS, DEPTH);
    onnx_build_number(&build, "one", FLOAT, 1);
    node("Flatten", "x", "flat");
    add_signs("flat");
    onnx_build_output(&build, "y");
    struct qm_graph *graph = integers(&diag);
    cr_assert(graph != NULL, "%s", diag.text);
    cr_expect(eq(int, (int)graph->tensors[graph->inputs[0]].dtype, (int)QM_I8));
}

/* ---- names of outputs ---- */

static void open_bytes(void) {
    open_network();
    open_input(0, "x", INT8, ROWS, DEPTH);
    node("DequantizeLinear", "x s z", "xr");
}

/* y and other are the outputs, under these names. */
static void names_outputs(const char *other) {
    struct qm_diag diag = {.text = ""};
    onnx_build_output(&build, "y");
    if (other != NULL) onnx_build_output(&build, other);
    struct qm_graph *graph = integers(&diag);
    cr_assert(graph != NULL, "%s", diag.text);
    cr_expect(eq(str, (char *)graph->tensors[graph->outputs[0]].name, "y"));
    if (other != NULL) cr_expect(eq(str, (char *)graph->tensors[graph->outputs[1]].name, (char *)other));
    cr_expect(eq(str, (char *)graph->tensors[graph->inputs[0]].name, "x"));
}

static void list(const char *name, uint32_t count, const double *numbers) {
    onnx_build_constant(&build, name, INT64, (struct onnx_build_shape){1, {count}}, numbers);
}

/* The quantizer gives the integers that the move has already. */
Test(onnx_ends, what_is_moved_and_quantized_again_has_the_name_of_the_output) {
    open_bytes();
    list("shape", 2, (const double[]){1, COUNT});
    node("Reshape", "xr shape", "moved");
    node("QuantizeLinear", "moved s z", "y");
    names_outputs(NULL);
    open_bytes();
    list("starts", 2, (const double[]){1, 2});
    list("ends", 2, (const double[]){2, 5});
    node("Slice", "xr starts ends", "moved");
    node("QuantizeLinear", "moved s z", "y");
    names_outputs(NULL);
}

Test(onnx_ends, one_tensor_leaves_under_two_names) {
    open_bytes();
    node("Relu", "xr", "positive");
    node("QuantizeLinear", "positive s z", "y");
    node("DequantizeLinear", "y s z", "again");
    node("QuantizeLinear", "again s z", "other");
    names_outputs("other");
}

Test(onnx_ends, an_input_leaves_under_another_name) {
    open_bytes();
    node("QuantizeLinear", "xr s z", "y");
    node("Sigmoid", "xr", "gate");
    node("QuantizeLinear", "gate s z", "other");
    names_outputs("other");
}

/* Identity makes no tensor of its own; what it names leaves under that name, and as often as the file says. */
Test(onnx_ends, what_is_only_named_again_has_the_name_of_the_output) {
    open_bytes();
    node("Sigmoid", "xr", "gate");
    node("Identity", "gate", "y");
    names_outputs(NULL);
    open_bytes();
    node("Softmax", "xr", "y");
    node("Dropout", "y", "other");
    names_outputs("other");
    open_bytes();
    node("Relu", "xr", "positive");
    node("QuantizeLinear", "positive s z", "q");
    node("Identity", "q", "y");
    node("Identity", "y", "other");
    names_outputs("other");
}

Test(onnx_ends, an_input_leaves_under_two_other_names) {
    open_bytes();
    node("Identity", "x", "y");
    node("Identity", "x", "other");
    names_outputs("other");
}

Test(onnx_ends, an_output_is_listed_once) {
    open_bytes();
    node("Sigmoid", "xr", "y");
    onnx_build_output(&build, "y");
    onnx_build_output(&build, "y");
    refused("output y is listed twice");
}
