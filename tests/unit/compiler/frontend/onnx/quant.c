/* quant.c - Quant of QONNX in its rounding modes, on a network's bytes, on sums of products, on constants and on float inputs. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"

enum { FLOAT = 1, INT8 = 3, COUNT = 200 };

static const double step = 0.3125; /* of bytes; Quant has steps of twice as much, so that every second byte is a tie */

static struct qm_arena *arena;
static struct onnx_build build;
static struct numbers input;

/* Integers from -100 to 99, or as many floats. */
static void setup(void) {
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
    onnx_build_output(&build, "y");
    onnx_build_number(&build, "step", FLOAT, step);
    onnx_build_number(&build, "none", INT8, 0);
    onnx_build_number(&build, "twice", FLOAT, 2 * step);
    onnx_build_number(&build, "even", FLOAT, 2);
    onnx_build_number(&build, "odd", FLOAT, 3);
    onnx_build_number(&build, "zero", FLOAT, 0);
    onnx_build_number(&build, "bit", FLOAT, 1);
    onnx_build_number(&build, "bits", FLOAT, 6);
    input = (struct numbers){.rank = 2, .dims = {COUNT, 1}, .count = COUNT, .values = QM_ARENA_NEW(arena, double, COUNT)};
    for (int i = 0; i < COUNT; i++) input.values[i] = i - 100;
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_quant, .init = setup, .fini = teardown);

static void quant(const char *op, const char *inputs, const char *output, const char *mode) {
    Onnx__NodeProto *node = onnx_build_node(&build, op, inputs, output);
    node->domain = "qonnx.custom_op.general";
    onnx_build_int(&build, node, "signed", 1);
    onnx_build_int(&build, node, "narrow", 0);
    onnx_build_string(&build, node, "rounding_mode", mode);
}

static double number(double x) {
    return x * step;
}

/* Runs the network, whose results are six signed bits in steps of 2 * step, of what `real` says that an input means. */
static void gives(double (*real)(double x), double zero, double (*rounded)(double x)) {
    char text[600];
    struct file_bytes file = onnx_build_pack(&build);
    struct numbers want = input;
    struct machine_case test = {
        .model = {file.data, file.size, "quant"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    want.values = QM_ARENA_NEW(arena, double, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        want.values[i] = 2 * step * (fmin(fmax(rounded(real(input.values[i]) / (2 * step) + zero), -32), 31) - zero);
    machine_compare(&test, &want, text, sizeof text);
    cr_expect(eq(str, text, "pass"));
}

static const struct mode {
    const char *name;
    double (*rounded)(double x);
} modes[] = {{"ROUND", nearbyint}, {"HALF_EVEN", nearbyint}, {"FLOOR", floor}, {"CEIL", ceil},
             {"DOWN", trunc},      {"ROUND_TO_ZERO", trunc}, {"floor", floor}};

enum place { BYTES, SUMS, FLOATS, PLACES };

/* A Quant of bytes, of sums of products, which are the same numbers, or of the float input. */
static void draw(enum place place, const char *op, const char *zero, const char *mode) {
    teardown();
    setup();
    const char *from = place == BYTES ? "map" : place == SUMS ? "sums" : "x";
    onnx_build_input(&build, "x", place == FLOATS ? FLOAT : INT8, (struct onnx_build_shape){2, {COUNT, 1}});
    if (place != FLOATS) onnx_build_node(&build, "DequantizeLinear", "x step none", "map");
    if (place == SUMS) {
        static const double one = 1;
        onnx_build_constant(&build, "w", FLOAT, (struct onnx_build_shape){2, {1, 1}}, &one);
        quant("Quant", "w bit zero bits", "matrix", "ROUND");
        onnx_build_node(&build, "MatMul", "map matrix", "sums");
    }
    quant(op, qm_arena_printf(arena, "%s twice %s bits", from, zero), "y", mode);
}

static double as_it_is(double x) {
    return x;
}

Test(onnx_quant, rounds_as_it_says_after_the_zero_point_is_added) {
    for (enum place place = BYTES; place < PLACES; place++)
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
            for (int odd = 0; odd < 2; odd++) {
                draw(place, m % 2 == 0 ? "Quant" : "IntQuant", odd ? "odd" : "even", modes[m].name);
                gives(place == FLOATS ? as_it_is : number, odd ? 3 : 2, modes[m].rounded);
            }
}

Test(onnx_quant, of_one_bit_with_a_sign_is_minus_one_or_one) {
    static const double weights[2] = {-0.25, 0};
    char text[600];
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){2, {COUNT, 1}});
    onnx_build_node(&build, "DequantizeLinear", "x step none", "map");
    onnx_build_constant(&build, "w", FLOAT, (struct onnx_build_shape){2, {1, 2}}, weights);
    quant("Quant", "w step zero bit", "signs", "ROUND");
    onnx_build_node(&build, "MatMul", "map signs", "sums");
    quant("Quant", "sums twice zero bit", "y", "ROUND");
    struct file_bytes file = onnx_build_pack(&build);
    struct machine_case test = {
        .model = {file.data, file.size, "signs"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    struct numbers want = {.rank = 2, .dims = {COUNT, 2}, .count = 2 * COUNT, .values = QM_ARENA_NEW(arena, double, 2 * COUNT)};
    for (int i = 0; i < 2 * COUNT; i++) want.values[i] = input.values[i / 2] * (i % 2 == 0 ? -1 : 1) >= 0 ? 2 * step : -2 * step;
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

Test(onnx_quant, in_a_mode_that_is_not_there_is_refused_by_it) {
    draw(BYTES, "Quant", "even", "HALF_UP");
    refused("rounds by HALF_UP; ROUND, FLOOR, CEIL and DOWN are supported");
}

Test(onnx_quant, of_one_bit_has_no_zero_point) {
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){2, {COUNT, 1}});
    onnx_build_node(&build, "DequantizeLinear", "x step none", "map");
    quant("Quant", "map twice odd bit", "y", "ROUND");
    refused("has the zero point 3 and one bit, a sign");
}
