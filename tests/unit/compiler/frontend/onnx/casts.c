/* casts.c - casts of numbers that the network computes, integers that leave their type, and floats of 16 bits. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"
#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"

enum { FLOAT = 1, INT8 = 3, INT32 = 6, INT64 = 7, FLOAT16 = 10, BFLOAT16 = 16, COUNT = 200 };

static struct qm_arena *arena;
static struct onnx_build build;
static struct numbers input;

/* The integers x from -100 to 99. */
static void setup(void) {
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){2, {1, COUNT}});
    onnx_build_output(&build, "y");
    onnx_build_number(&build, "scale", FLOAT, 0.3125);
    onnx_build_number(&build, "zero", INT8, 3);
    onnx_build_number(&build, "one", FLOAT, 1);
    onnx_build_number(&build, "none", INT8, 0);
    input = (struct numbers){.rank = 2, .dims = {1, COUNT}, .count = COUNT, .values = QM_ARENA_NEW(arena, double, COUNT)};
    for (int i = 0; i < COUNT; i++) input.values[i] = i - 100;
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_casts, .init = setup, .fini = teardown);

static void node(const char *op, const char *inputs, const char *outputs) {
    onnx_build_node(&build, op, inputs, outputs);
}

static void cast(const char *in, const char *out, int32_t type) {
    onnx_build_int(&build, onnx_build_node(&build, "Cast", in, out), "to", type);
}

/* Runs the network, whose results are f of what comes in. */
static void gives(double (*f)(double x)) {
    char text[600];
    struct file_bytes file = onnx_build_pack(&build);
    struct numbers want = input;
    struct machine_case test = {
        .model = {file.data, file.size, "cast"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    want.values = QM_ARENA_NEW(arena, double, COUNT);
    for (size_t i = 0; i < COUNT; i++) want.values[i] = f(input.values[i]);
    machine_compare(&test, &want, text, sizeof text);
    cr_expect(eq(str, text, "pass"));
}

static void refused(const char *words) {
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "bad.onnx"}, NULL, arena, &graph, &diag);
    if (status == QM_OK) status = qm_integers(graph, NULL, arena, &graph, &diag);
    cr_expect(eq(int, status, QM_BAD_INPUT));
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

/* ---- casts ---- */

static double cut_off(double x) {
    return fmin(fmax(trunc((x - 3) * 0.3125), -128), 127);
}

static void cuts_off(int32_t type) {
    node("DequantizeLinear", "x scale zero", "real");
    cast("real", "whole", type);
    cast("whole", "float", FLOAT);
    node("QuantizeLinear", "float one none", "y");
    gives(cut_off);
}

Test(onnx_casts, fractions_are_cut_off_in_int32) {
    cuts_off(INT32);
}

Test(onnx_casts, fractions_are_cut_off_in_int64) {
    cuts_off(INT64);
}

Test(onnx_casts, fractions_are_cut_off_in_int8) {
    cuts_off(INT8);
}

static double positive(double x) {
    return fmax(cut_off(x), 0);
}

Test(onnx_casts, what_is_cut_off_is_computed_with) {
    node("DequantizeLinear", "x scale zero", "real");
    cast("real", "whole", INT32);
    node("Relu", "whole", "positive");
    cast("positive", "float", FLOAT);
    node("QuantizeLinear", "float one none", "y");
    gives(positive);
}

static double doubled(double x) {
    return fmin(fmax(2 * x, -128), 127);
}

Test(onnx_casts, integers_as_floats_mean_themselves) {
    onnx_build_number(&build, "half", FLOAT, 0.5);
    cast("x", "float", FLOAT);
    node("QuantizeLinear", "float half none", "y");
    gives(doubled);
}

/* ---- integers that leave their type ---- */

static double wrapped(double x) {
    return x + 100 > 127 ? x + 100 - 256 : x + 100;
}

Test(onnx_casts, sums_wrap_in_their_type) {
    onnx_build_number(&build, "hundred", INT8, 100);
    node("Add", "x hundred", "y");
    gives(wrapped);
}

static double large(double x) {
    int64_t product = (int64_t)x * 100000000;
    return (double)(int32_t)(uint32_t)(uint64_t)product;
}

Test(onnx_casts, products_wrap_in_32_bits) {
    onnx_build_number(&build, "factor", INT32, 100000000);
    cast("x", "wide", INT32);
    node("Mul", "wide factor", "y");
    gives(large);
}

/* ---- floats of 16 bits ---- */

Test(onnx_casts, numbers_that_16_bits_round_are_refused) {
    node("DequantizeLinear", "x scale zero", "real");
    cast("real", "short", FLOAT16);
    cast("short", "float", FLOAT);
    node("QuantizeLinear", "float one none", "y");
    refused("operator 1 Cast rounds to float16");
    build.nodes[1]->attribute[0]->i = BFLOAT16;
    refused("operator 1 Cast rounds to bfloat16");
}

Test(onnx_casts, quantizers_that_make_16_bits_are_refused) {
    onnx_build_opset(&build, 23);
    onnx_build_int(&build, onnx_build_node(&build, "DequantizeLinear", "x scale zero", "real"), "output_dtype", FLOAT16);
    Onnx__NodeProto *last = onnx_build_node(&build, "QuantizeLinear", "real one none", "y");
    refused("operator 0 DequantizeLinear makes numbers of 16 bits");
    build.nodes[0]->n_attribute = 0;
    onnx_build_int(&build, last, "precision", FLOAT16);
    refused("operator 1 QuantizeLinear divides in float16");
}

static const double constants[] = {1.2345678806304932, 65519, 65520, -1e-8, 0x1.8p-24, 3.3895e38, 1};

static void rounds_constants(int32_t type, const double *want) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    onnx_build_constant(&build, "numbers", FLOAT, (struct onnx_build_shape){1, {7}}, constants);
    cast("numbers", "y", type);
    struct file_bytes file = onnx_build_pack(&build);
    cr_assert(eq(int, qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "half"}, NULL, arena, &graph, &diag), QM_OK));
    const double *got = evaluate_numbers(&graph->tensors[graph->outputs[0]], arena);
    for (int i = 0; i < 7; i++) cr_expect(eq(dbl, got[i], want[i]));
}

/* [computed with numpy and ml_dtypes] */
Test(onnx_casts, constants_are_rounded_to_float16) {
    rounds_constants(FLOAT16, (const double[]){1.234375, 65504, INFINITY, -0.0, 0x1p-23, INFINITY, 1});
}

Test(onnx_casts, constants_are_rounded_to_bfloat16) {
    rounds_constants(BFLOAT16, (const double[]){1.234375, 65536, 65536, -1.0011717677116394e-08, 0x1.8p-24, 0x1.fep127, 1});
}
