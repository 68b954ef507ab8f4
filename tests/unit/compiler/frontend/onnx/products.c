/* products.c - ConvTranspose, MatMul and Gemm in the forms that the specification allows: groups and dilations, vectors, any addend.
 *
 * Every network is compared with tests/support/onnx_exact.h; the random networks of build/onnx_graphs have these forms with other shapes.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"
#include "tests/support/onnx_exact.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT64 = 7, INPUTS = 2 };

static struct qm_arena *arena;
static struct onnx_build *build;
static struct numbers inputs[INPUTS];
static uint32_t input_count, seed;

static void setup(void) {
    arena = qm_arena_create();
    build = QM_ARENA_NEW(arena, struct onnx_build, 1);
    input_count = 0;
    seed = 7;
    onnx_build_open(build, arena);
    onnx_build_output(build, "y");
    onnx_build_number(build, "s", FLOAT, 0.05);
    onnx_build_number(build, "z", INT8, 3);
    onnx_build_number(build, "y_scale", FLOAT, 0.75);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_products, .init = setup, .fini = teardown);

/* ---- networks ---- */

static double *integers(size_t count) {
    double *values = QM_ARENA_NEW(arena, double, count);
    for (size_t i = 0; i < count; i++) values[i] = (double)((seed = seed * 1664525 + 1013904223) >> 24) - 128;
    return values;
}

static size_t elements(struct onnx_build_shape shape) {
    size_t count = 1;
    for (uint32_t d = 0; d < shape.rank; d++) count *= (size_t)shape.dims[d];
    return count;
}

/* What integers of 8 bits mean: of an input, or of a constant. */
static void computed(const char *name, struct onnx_build_shape shape) {
    const char *held = qm_arena_printf(arena, "%s_integers", name);
    struct numbers *input = &inputs[input_count++];
    *input = (struct numbers){.name = held, .rank = shape.rank, .count = elements(shape), .values = integers(elements(shape))};
    for (uint32_t d = 0; d < shape.rank; d++) input->dims[d] = (size_t)shape.dims[d];
    onnx_build_input(build, held, INT8, shape);
    onnx_build_node(build, "DequantizeLinear", qm_arena_printf(arena, "%s s z", held), name);
}

static void constant(const char *name, struct onnx_build_shape shape) {
    const char *held = qm_arena_printf(arena, "%s_integers", name);
    onnx_build_constant(build, held, INT8, shape, integers(elements(shape)));
    onnx_build_node(build, "DequantizeLinear", qm_arena_printf(arena, "%s s z", held), name);
}

static Onnx__NodeProto *node(const char *op, const char *operands) {
    return onnx_build_node(build, op, operands, "e");
}

static enum qm_status compile(struct qm_diag *diag) {
    struct file_bytes file = onnx_build_pack(build);
    struct qm_graph *graph;
    *diag = (struct qm_diag){.text = ""};
    QM_TRY(qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "products"}, NULL, arena, &graph, diag));
    return qm_integers(graph, NULL, arena, &graph, diag);
}

/* y is e quantized, of this shape, and what the file means. */
static void gives(struct onnx_build_shape shape) {
    char text[600];
    onnx_build_node(build, "QuantizeLinear", "e y_scale z", "y");
    struct onnx_exact run = {.arena = arena, .graph = &build->graph};
    onnx_exact_run(&run, inputs, input_count);
    cr_assert(run.unknown == NULL, "%s", run.unknown);
    const struct exact_tensor *y = onnx_exact_find(&run, "y");
    struct numbers want = {.name = "y", .rank = shape.rank, .count = y->count, .values = QM_ARENA_NEW(arena, double, y->count)};
    for (uint32_t d = 0; d < shape.rank; d++) want.dims[d] = (size_t)shape.dims[d];
    cr_assert(eq(sz, y->count, elements(shape)));
    for (size_t i = 0; i < y->count; i++) want.values[i] = (double)y->values[i];
    struct file_bytes file = onnx_build_pack(build);
    struct machine_case test = {
        .model = {file.data, file.size, "products"}, .inputs = inputs, .input_count = input_count, .engine = &qm_device_functional};
    machine_compare(&test, &want, text, sizeof text);
    cr_expect(eq(str, text, "pass"));
}

static void refused(const char *words) {
    struct qm_diag diag;
    onnx_build_node(build, "QuantizeLinear", "e y_scale z", "y");
    cr_expect(eq(int, compile(&diag), QM_BAD_INPUT));
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

#define SHAPE(rank, ...) ((struct onnx_build_shape){rank, {__VA_ARGS__}})

/* ---- ConvTranspose ---- */

static Onnx__NodeProto *transposed(struct onnx_build_shape x, struct onnx_build_shape filter, int64_t groups) {
    computed("x", x);
    constant("w", filter);
    Onnx__NodeProto *made = node("ConvTranspose", "x w");
    onnx_build_int(build, made, "group", groups);
    return made;
}

Test(onnx_products, transposed_convolutions_have_groups) {
    Onnx__NodeProto *made = transposed(SHAPE(4, 1, 6, 3, 4), SHAPE(4, 6, 2, 3, 2), 3);
    onnx_build_ints(build, made, "strides", 2, (int64_t[]){2, 1});
    gives(SHAPE(4, 1, 6, 7, 5));
}

Test(onnx_products, a_transposed_convolution_is_depthwise_and_dilated) {
    Onnx__NodeProto *made = transposed(SHAPE(4, 1, 4, 3, 3), SHAPE(4, 4, 1, 3, 3), 4);
    onnx_build_ints(build, made, "strides", 2, (int64_t[]){2, 2});
    onnx_build_ints(build, made, "dilations", 2, (int64_t[]){2, 3});
    onnx_build_ints(build, made, "pads", 4, (int64_t[]){1, 2, 2, 1});
    gives(SHAPE(4, 1, 4, 6, 8));
}

/* In both directions more is cut in front than the filter reaches, of which one lies between two elements of the input; the second has
 * as many positions left as the input has. */
Test(onnx_products, pads_cut_more_than_a_filter_reaches) {
    Onnx__NodeProto *made = transposed(SHAPE(4, 1, 2, 6, 5), SHAPE(4, 2, 3, 2, 2), 1);
    onnx_build_ints(build, made, "strides", 2, (int64_t[]){2, 2});
    onnx_build_ints(build, made, "pads", 4, (int64_t[]){4, 5, 0, 1});
    gives(SHAPE(4, 1, 3, 8, 4));
}

Test(onnx_products, pads_that_leave_the_bias_only_are_refused) {
    Onnx__NodeProto *made = transposed(SHAPE(3, 1, 2, 3), SHAPE(3, 2, 1, 1), 1);
    onnx_build_ints(build, made, "strides", 1, (int64_t[]){2});
    onnx_build_ints(build, made, "output_padding", 1, (int64_t[]){1});
    onnx_build_ints(build, made, "pads", 2, (int64_t[]){5, 0});
    refused("ConvTranspose cuts off all that its input reaches, which is not supported");
}

Test(onnx_products, a_transposed_convolution_gives_no_more_than_there_is) {
    Onnx__NodeProto *made = transposed(SHAPE(3, 1, 1, 3), SHAPE(3, 1, 1, 1), 1);
    onnx_build_ints(build, made, "strides", 1, (int64_t[]){2});
    onnx_build_string(build, made, "auto_pad", "SAME_UPPER");
    refused("ConvTranspose has an auto_pad that asks for 6 elements of axis 2, which has 5 without pads");
}

Test(onnx_products, output_padding_is_below_stride_or_dilation) {
    Onnx__NodeProto *made = transposed(SHAPE(3, 1, 1, 3), SHAPE(3, 1, 1, 1), 1);
    onnx_build_ints(build, made, "strides", 1, (int64_t[]){2});
    onnx_build_ints(build, made, "output_padding", 1, (int64_t[]){2});
    refused("ConvTranspose has output_padding 2; it must be below stride or dilation");
}

/* ---- MatMul ---- */

Test(onnx_products, a_vector_multiplies_as_a_row) {
    constant("v", SHAPE(1, 4));
    computed("x", SHAPE(3, 2, 4, 5));
    node("MatMul", "v x");
    gives(SHAPE(2, 2, 5));
}

Test(onnx_products, a_vector_is_multiplied_as_a_column) {
    computed("x", SHAPE(3, 2, 4, 5));
    constant("v", SHAPE(1, 5));
    node("MatMul", "x v");
    gives(SHAPE(2, 2, 4));
}

Test(onnx_products, computed_vectors_multiply_stacks) {
    computed("v", SHAPE(1, 4));
    computed("x", SHAPE(4, 2, 3, 4, 5));
    node("MatMul", "v x");
    gives(SHAPE(3, 2, 3, 5));
}

Test(onnx_products, two_vectors_make_a_number) {
    computed("v", SHAPE(1, 6));
    constant("w", SHAPE(1, 6));
    node("MatMul", "v w");
    gives(SHAPE(0, 0));
}

Test(onnx_products, a_row_multiplies_stacks) {
    computed("x", SHAPE(2, 1, 4));
    constant("w", SHAPE(3, 3, 4, 2));
    node("MatMul", "x w");
    gives(SHAPE(3, 3, 1, 2));
}

/* ---- Gemm ---- */

static void added(struct onnx_build_shape shape, bool is_computed, float beta) {
    computed("x", SHAPE(2, 3, 4));
    constant("w", SHAPE(2, 4, 5));
    (is_computed ? computed : constant)("c", shape);
    Onnx__NodeProto *made = node("Gemm", "x w c");
    onnx_build_float(build, made, "alpha", 1.5F);
    onnx_build_float(build, made, "beta", beta);
    gives(SHAPE(2, 3, 5));
}

Test(onnx_products, gemm_adds_a_matrix) {
    added(SHAPE(2, 3, 5), false, 0.3F);
}

Test(onnx_products, gemm_adds_a_column) {
    added(SHAPE(2, 3, 1), false, 1);
}

Test(onnx_products, gemm_adds_a_number) {
    added(SHAPE(0, 0), false, -2);
}

Test(onnx_products, gemm_adds_what_is_computed) {
    added(SHAPE(2, 1, 5), true, 0.3F);
}

Test(onnx_products, gemm_adds_nothing_of_another_shape) {
    computed("x", SHAPE(2, 3, 4));
    constant("w", SHAPE(2, 4, 5));
    constant("c", SHAPE(2, 2, 5));
    node("Gemm", "x w c");
    refused("Gemm adds c, whose shape does not fit the product");
}

/* ---- axes ---- */

static const char *axes(uint32_t count, const double *numbers) {
    onnx_build_constant(build, "axes", INT64, SHAPE(1, count), numbers);
    return "x axes";
}

Test(onnx_products, unsqueeze_names_an_axis_once) {
    computed("x", SHAPE(2, 3, 4));
    node("Unsqueeze", axes(2, (double[]){0, -4}));
    refused("Unsqueeze names one axis twice");
}

/* Where each axis has numbers of its own, there must be one for each. */
Test(onnx_products, slices_resizes_and_pads_name_an_axis_once) {
    onnx_build_opset(build, 18);
    computed("x", SHAPE(3, 4, 5, 6));
    onnx_build_constant(build, "twos", INT64, SHAPE(1, 2), (double[]){2, 2});
    onnx_build_constant(build, "ends", INT64, SHAPE(1, 2), (double[]){4, 4});
    onnx_build_constant(build, "pads", INT64, SHAPE(1, 4), (double[]){1, 1, 1, 1});
    onnx_build_constant(build, "axes", INT64, SHAPE(1, 2), (double[]){1, -2});
    onnx_build_node(build, "Slice", "x twos ends axes", "a");
    onnx_build_node(build, "Pad", "x pads - axes", "b");
    onnx_build_ints(build, onnx_build_node(build, "Resize", "x - - ends", "c"), "axes", 2, (int64_t[]){1, -2});
    onnx_build_node(build, "Concat", "a b c", "e");
    refused("operator 1 Slice names one axis twice; operator 2 Pad names one axis twice; operator 3 Resize names one axis twice");
}

Test(onnx_products, reductions_and_squeeze_may_name_an_axis_again) {
    computed("x", SHAPE(3, 1, 3, 4));
    onnx_build_node(build, "Squeeze", axes(2, (double[]){0, -3}), "q");
    onnx_build_constant(build, "rows", INT64, SHAPE(1, 3), (double[]){1, -1, 1});
    onnx_build_int(build, node("ReduceSum", "q rows"), "keepdims", 0);
    gives(SHAPE(1, 3));
}

/* ---- constants that stacks are multiplied by ---- */

/* Bytes from low to 252 with the zero point 0: the machine has them less by 128. */
static void far_constant(const char *name, struct onnx_build_shape shape, double low) {
    const char *held = qm_arena_printf(arena, "%s_integers", name);
    double *values = integers(elements(shape));
    for (size_t i = 0; i < elements(shape); i++) values[i] = low + nearbyint((values[i] + 128) * (252 - low) / 255);
    values[0] = low;
    values[1] = 252;
    onnx_build_number(build, "none", UINT8, 0);
    onnx_build_constant(build, held, UINT8, shape, values);
    onnx_build_node(build, "DequantizeLinear", qm_arena_printf(arena, "%s s none", held), name);
}

Test(onnx_products, integers_that_are_all_far_above_zero_fit_a_byte) {
    computed("x", SHAPE(3, 2, 3, 5));
    far_constant("w", SHAPE(4, 2, 1, 5, 4), 8);
    node("MatMul", "x w");
    gives(SHAPE(4, 2, 2, 3, 4));
}

/* The stack repeats in the other operand, or is as large. */
static void multiply_by_columns(struct onnx_build_shape x, struct onnx_build_shape y) {
    static const double scales[] = {0.05, 0.013, 0.4, 0.0071}, zeros[] = {3, -20, 0, 7};
    computed("x", x);
    onnx_build_constant(build, "scales", FLOAT, SHAPE(1, 4), scales);
    onnx_build_constant(build, "zeros", INT8, SHAPE(1, 4), zeros);
    double *held = integers(40);
    for (int i = 0; i < 40; i++) held[i] = nearbyint(held[i] / 2);
    onnx_build_constant(build, "held", INT8, SHAPE(3, 2, 5, 4), held);
    onnx_build_int(build, onnx_build_node(build, "DequantizeLinear", "held scales zeros", "w"), "axis", 2);
    node("MatMul", "x w");
    gives(y);
}

Test(onnx_products, a_stack_has_a_scale_for_each_column) {
    multiply_by_columns(SHAPE(3, 2, 3, 5), SHAPE(3, 2, 3, 4));
}

Test(onnx_products, a_stack_that_is_repeated_has_a_scale_for_each_column) {
    multiply_by_columns(SHAPE(3, 1, 3, 5), SHAPE(3, 2, 3, 4));
}
