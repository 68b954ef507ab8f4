/* host.c - what ONNX networks mean where the machine has no exact form for it: computed by the host in doubles, or refused by name.
 *
 * Every network is compared with tests/support/onnx_exact.h. What lies half way between two steps does so exactly: the even one is right.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"
#include "tests/support/onnx_exact.h"

enum { FLOAT = 1, INT8 = 3, INT32 = 6, INT64 = 7, DOUBLE = 11 };

static struct qm_arena *arena;
static struct onnx_build *build;
static struct numbers input;

static void setup(void) {
    arena = qm_arena_create();
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_host, .init = setup, .fini = teardown);

/* ---- networks ---- */

static double random_between(uint32_t *seed, double low, double high) {
    *seed = *seed * 1664525 + 1013904223;
    return low + (high - low) * (*seed >> 8) / (1 << 24);
}

static void list(const char *name, uint32_t count, const double *numbers) {
    onnx_build_constant(build, name, INT64, (struct onnx_build_shape){1, {count}}, numbers);
}

/* Opens a network with an input x of numbers from -6 to 6, and the quantizer s, z. */
static void open_input(struct onnx_build_shape shape) {
    uint32_t seed = 3;
    build = QM_ARENA_NEW(arena, struct onnx_build, 1);
    input = (struct numbers){.name = "x", .rank = shape.rank, .count = 1};
    for (uint32_t d = 0; d < shape.rank; d++) input.count *= input.dims[d] = (uint64_t)shape.dims[d];
    input.values = QM_ARENA_NEW(arena, double, input.count);
    for (size_t i = 0; i < input.count; i++) input.values[i] = (double)(float)random_between(&seed, -6, 6);
    onnx_build_open(build, arena);
    onnx_build_input(build, "x", FLOAT, shape);
    onnx_build_output(build, "y");
    onnx_build_number(build, "s", FLOAT, 0.05);
    onnx_build_number(build, "z", INT8, 3);
}

/* The same, and map is x quantized and dequantized. */
static void open_map(struct onnx_build_shape shape) {
    open_input(shape);
    onnx_build_node(build, "QuantizeLinear", "x s z", "xq");
    onnx_build_node(build, "DequantizeLinear", "xq s z", "map");
}

/* Weights of int8 as real numbers. */
static void weights(const char *name, struct onnx_build_shape shape, uint32_t seed) {
    double steps[200];
    size_t count = 1;
    for (uint32_t d = 0; d < shape.rank; d++) count *= (size_t)shape.dims[d];
    cr_assert(count <= sizeof steps / sizeof *steps);
    for (size_t i = 0; i < count; i++) steps[i] = floor(random_between(&seed, -127, 128));
    const char *held = qm_arena_printf(arena, "%s_steps", name), *scale = qm_arena_printf(arena, "%s_scale", name);
    onnx_build_constant(build, held, INT8, shape, steps);
    onnx_build_number(build, scale, FLOAT, 0.01);
    onnx_build_node(build, "DequantizeLinear", qm_arena_printf(arena, "%s %s", held, scale), name);
}

/* y is e quantized. */
static void quantize(double scale) {
    onnx_build_number(build, "y_scale", FLOAT, scale);
    onnx_build_node(build, "QuantizeLinear", "e y_scale z", "y");
}

/* ---- comparison ---- */

/* Operators of the host in the graph of integers. */
static uint32_t count_host_operators(struct file_bytes file) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    uint32_t count = 0;
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "host"}, NULL, arena, &graph, &diag);
    if (status == QM_OK) status = qm_integers(graph, NULL, arena, &graph, &diag);
    cr_assert(eq(int, status, QM_OK), "%s", diag.text);
    for (uint32_t i = 0; i < graph->op_count; i++) count += graph->ops[i].kind == QM_OP_HOST;
    return count;
}

/* What the file means. */
static struct numbers meaning(void) {
    struct onnx_exact run = {.arena = arena, .graph = &build->graph};
    onnx_exact_run(&run, &input, 1);
    cr_assert(run.unknown == NULL, "%s", run.unknown);
    const struct exact_tensor *y = onnx_exact_find(&run, "y");
    struct numbers want = {.name = "y", .count = y->count, .values = QM_ARENA_NEW(arena, double, y->count)};
    for (size_t i = 0; i < y->count; i++) want.values[i] = (double)y->values[i];
    return want;
}

/* Runs the network; so many of its operators are the host's. Real numbers come as float32. */
static void gives(const char *name, uint32_t host_operators) {
    char text[600];
    struct file_bytes file = onnx_build_pack(build);
    struct numbers numbers = meaning();
    struct machine_case test = {
        .model = {file.data, file.size, "host"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    struct machine_want want = {.numbers = &numbers, .tolerance = 1e-6};
    machine_compare_all(&test, &want, 1, text, sizeof text);
    cr_expect(eq(str, text, "pass"), "%s", name);
    uint32_t count = count_host_operators(file);
    cr_expect(eq(u32, count, host_operators), "%s", name);
}

static void is_refused(struct file_bytes file, const char *words) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "bad.onnx"}, NULL, arena, &graph, &diag);
    if (status == QM_OK) status = qm_integers(graph, NULL, arena, &graph, &diag);
    cr_expect(eq(int, status, QM_BAD_INPUT));
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

/* ---- before the first quantizer ---- */

static void pad(const char *x, const char *y) {
    list("pads", 8, (const double[]){0, 0, 1, 0, 0, 1, 1, 2});
    onnx_build_number(build, "fill", FLOAT, 0.5);
    onnx_build_node(build, "Pad", qm_arena_printf(arena, "%s pads fill", x), y);
}

static void transpose(const char *x, const char *y) {
    onnx_build_ints(build, onnx_build_node(build, "Transpose", x, y), "perm", 4, (const int64_t[]){0, 2, 3, 1});
}

static void relu(const char *x, const char *y) {
    onnx_build_node(build, "Relu", x, y);
}

static void sigmoid(const char *x, const char *y) {
    onnx_build_node(build, "Sigmoid", x, y);
}

static const struct {
    const char *name;
    void (*add)(const char *x, const char *y);
} operators[] = {{"Pad", pad}, {"Transpose", transpose}, {"Relu", relu}, {"Sigmoid", sigmoid}};

/* The input is multiplied, shifted or divided, and then moved or cut. */
Test(onnx_host, floats_are_computed_with_before_they_are_quantized) {
    static const char *const arithmetic[] = {"Mul", "Sub", "Div"};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++) {
            open_input((struct onnx_build_shape){4, {1, 3, 4, 5}});
            onnx_build_number(build, "factor", FLOAT, 1.7);
            onnx_build_node(build, arithmetic[i], "x factor", "a");
            operators[k].add("a", "e");
            quantize(0.031);
            gives(qm_arena_printf(arena, "%s %s", arithmetic[i], operators[k].name), 1);
        }
}

Test(onnx_host, floats_are_moved_or_cut_before_they_are_quantized) {
    for (int k = 0; k < 4; k++) {
        open_input((struct onnx_build_shape){4, {1, 3, 4, 5}});
        operators[k].add("x", "e");
        quantize(0.031);
        gives(operators[k].name, 1);
    }
}

/* One stretch ends at a quantizer, the other takes what comes behind it and the input again. */
Test(onnx_host, two_stretches_read_one_float_input) {
    open_input((struct onnx_build_shape){4, {1, 3, 4, 4}});
    onnx_build_number(build, "half", FLOAT, 0.5);
    onnx_build_number(build, "two", FLOAT, 2);
    onnx_build_node(build, "Mul", "x half", "a");
    onnx_build_node(build, "QuantizeLinear", "a s z", "aq");
    onnx_build_node(build, "DequantizeLinear", "aq s z", "ad");
    onnx_build_node(build, "Pow", "x two", "p");
    onnx_build_node(build, "Add", "p ad", "e");
    quantize(0.3);
    gives("two stretches", 2);
}

/* ---- a function and its argument ---- */

static void concat(const char *x, const char *y) {
    weights("w2", (struct onnx_build_shape){4, {2, 4, 1, 1}}, 5);
    onnx_build_node(build, "Conv", "map w2", "c2");
    onnx_build_int(build, onnx_build_node(build, "Concat", qm_arena_printf(arena, "%s c2", x), y), "axis", 1);
}

static void resize(const char *x, const char *y) {
    onnx_build_constant(build, "factors", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 1, 2, 3});
    Onnx__NodeProto *node = onnx_build_node(build, "Resize", qm_arena_printf(arena, "%s - factors", x), y);
    onnx_build_string(build, node, "coordinate_transformation_mode", "asymmetric");
    onnx_build_string(build, node, "nearest_mode", "floor");
}

static void max_pool(const char *x, const char *y) {
    onnx_build_ints(build, onnx_build_node(build, "MaxPool", x, y), "kernel_shape", 2, (const int64_t[]){2, 2});
}

static void split(const char *x, const char *y) {
    list("parts", 2, (const double[]){4, 2});
    Onnx__NodeProto *node = onnx_build_node(build, "Split", qm_arena_printf(arena, "%s parts", x), qm_arena_printf(arena, "%s rest", y));
    onnx_build_int(build, node, "axis", 1);
}

/* The sums of a convolution, moved; then each times its sigmoid. */
Test(onnx_host, a_function_and_its_argument_are_behind_one_move) {
    static const struct {
        const char *name;
        void (*add)(const char *x, const char *y);
    } moves[] = {{"Concat", concat}, {"Resize", resize}, {"MaxPool", max_pool}, {"Split", split}};
    for (int i = 0; i < 4; i++) {
        open_map((struct onnx_build_shape){4, {1, 4, 4, 5}});
        weights("w", (struct onnx_build_shape){4, {6, 4, 1, 1}}, 7);
        onnx_build_node(build, "Conv", "map w", "sums");
        moves[i].add("sums", "moved");
        onnx_build_node(build, "Sigmoid", "moved", "gate");
        onnx_build_node(build, "Mul", "moved gate", "e");
        quantize(0.07);
        gives(moves[i].name, 1);
    }
}

/* One half of the channels times a function of the other. */
Test(onnx_host, halves_of_a_map_meet) {
    open_map((struct onnx_build_shape){4, {1, 6, 3, 3}});
    list("parts", 2, (const double[]){3, 3});
    onnx_build_int(build, onnx_build_node(build, "Split", "map parts", "u v"), "axis", 1);
    onnx_build_node(build, "Sigmoid", "v", "gate");
    onnx_build_node(build, "Mul", "u gate", "e");
    quantize(0.041);
    gives("halves", 1);
}

/* ---- a map and its transposition ---- */

/* Numbers above 0, of both. */
static void shift_up(const char *x, const char *y) {
    onnx_build_number(build, qm_arena_printf(arena, "%s_more", y), FLOAT, 8);
    onnx_build_node(build, "Add", qm_arena_printf(arena, "%s %s_more", x, y), y);
}

Test(onnx_host, a_map_meets_its_own_transposition) {
    static const char *const ops[] = {"Div", "Add", "Sub", "Mul", "MatMul"};
    for (int i = 0; i < 5; i++)
        for (int swapped = 0; swapped < 2; swapped++) {
            open_map((struct onnx_build_shape){4, {1, 4, 5, 5}});
            max_pool("map", "pool");
            onnx_build_ints(build, onnx_build_node(build, "Transpose", "pool", "turned"), "perm", 4, (const int64_t[]){0, 2, 3, 1});
            shift_up("pool", "a");
            shift_up("turned", "b");
            onnx_build_node(build, ops[i], swapped ? "b a" : "a b", "e");
            quantize(i == 4 ? 3 : i == 3 ? 1.3 : 0.023);
            gives(ops[i], 1);
        }
}

Test(onnx_host, a_map_is_raised_to_its_own_transposition) {
    open_map((struct onnx_build_shape){3, {1, 4, 4}});
    onnx_build_number(build, "low", FLOAT, 0.5);
    onnx_build_number(build, "high", FLOAT, 2);
    onnx_build_node(build, "Clip", "map low high", "base");
    onnx_build_ints(build, onnx_build_node(build, "Transpose", "base", "turned"), "perm", 3, (const int64_t[]){0, 2, 1});
    onnx_build_node(build, "Pow", "base turned", "e");
    quantize(0.03);
    gives("Pow", 1);
}

/* ---- whole numbers ---- */

/* Sums of a product by weights, as multiples of 1/16. */
static void open_sums(void) {
    double steps[12];
    uint32_t seed = 11;
    open_input((struct onnx_build_shape){2, {6, 4}});
    onnx_build_number(build, "one", FLOAT, 0.25);
    onnx_build_number(build, "zero", INT8, 0);
    onnx_build_node(build, "QuantizeLinear", "x one zero", "xq");
    onnx_build_node(build, "DequantizeLinear", "xq one zero", "map");
    for (int i = 0; i < 12; i++) steps[i] = floor(random_between(&seed, -3, 4));
    onnx_build_constant(build, "w_steps", INT8, (struct onnx_build_shape){2, {4, 3}}, steps);
    onnx_build_node(build, "DequantizeLinear", "w_steps one", "w");
    onnx_build_node(build, "MatMul", "map w", "sums");
}

static void round_leaked(const char *op) {
    onnx_build_node(build, op, "leaked", "whole");
    onnx_build_number(build, "scale_of_y", FLOAT, 1);
    onnx_build_node(build, "QuantizeLinear", "whole scale_of_y zero", "y");
}

Test(onnx_host, what_leaks_by_a_slope_below_zero_is_rounded) {
    static const char *const ops[] = {"Round", "Floor"};
    for (int i = 0; i < 2; i++) {
        open_sums();
        onnx_build_float(build, onnx_build_node(build, "LeakyRelu", "sums", "leaked"), "alpha", -0.25F);
        round_leaked(ops[i]);
        gives(ops[i], 1);
    }
}

Test(onnx_host, what_leaks_by_slopes_of_both_signs_is_rounded) {
    static const char *const ops[] = {"Round", "Floor"};
    for (int i = 0; i < 2; i++) {
        open_sums();
        onnx_build_constant(build, "slopes", FLOAT, (struct onnx_build_shape){1, {3}}, (const double[]){-0.75, 0.5, -0.25});
        onnx_build_node(build, "PRelu", "sums slopes", "leaked");
        round_leaked(ops[i]);
        gives(ops[i], 1);
    }
}

/* Toward zero, as a Cast to integers cuts. */
Test(onnx_host, a_cast_to_integers_and_back_cuts_scaled_sums) {
    static const int32_t types[] = {INT32, INT64};
    for (int i = 0; i < 2; i++) {
        open_map((struct onnx_build_shape){2, {4, 4}});
        weights("w", (struct onnx_build_shape){2, {4, 3}}, 13);
        onnx_build_node(build, "MatMul", "map w", "sums");
        onnx_build_int(build, onnx_build_node(build, "Cast", "sums", "whole"), "to", types[i]);
        onnx_build_int(build, onnx_build_node(build, "Cast", "whole", "e"), "to", FLOAT);
        quantize(0.3);
        gives(i == 0 ? "int32" : "int64", 1);
    }
}

/* ---- outputs ---- */

/* y is a quotient of a tensor and a function of it, cast. */
static void cast_output(int32_t type) {
    open_map((struct onnx_build_shape){2, {4, 4}});
    sigmoid("map", "gate");
    onnx_build_node(build, "Div", "map gate", "e");
    onnx_build_int(build, onnx_build_node(build, "Cast", "e", "y"), "to", type);
}

/* y is the sums of a product, cast. */
static void cast_sums(int32_t type) {
    open_map((struct onnx_build_shape){2, {4, 4}});
    weights("w", (struct onnx_build_shape){2, {4, 3}}, 13);
    onnx_build_node(build, "MatMul", "map w", "e");
    onnx_build_int(build, onnx_build_node(build, "Cast", "e", "y"), "to", type);
}

Test(onnx_host, outputs_are_what_a_cast_makes_of_them) {
    static const int32_t types[] = {FLOAT, INT32, INT64};
    for (int i = 0; i < 3; i++) {
        cast_output(types[i]);
        gives(qm_arena_printf(arena, "type %d", types[i]), 1);
    }
}

Test(onnx_host, outputs_of_float64_are_refused) {
    static const char *const reason = "Cast gives an output of float64, which is not supported";
    cast_output(DOUBLE);
    is_refused(onnx_build_pack(build), reason);
    cast_sums(DOUBLE);
    is_refused(onnx_build_pack(build), reason);
}

/* Clip leaves 8 steps: the map has 4 bits then, and takes a byte each all the same. */
Test(onnx_host, what_has_4_bits_is_dequantized) {
    open_map((struct onnx_build_shape){2, {4, 4}});
    onnx_build_number(build, "low", FLOAT, -0.2);
    onnx_build_number(build, "high", FLOAT, 0.15);
    onnx_build_number(build, "zero", INT8, 0);
    onnx_build_node(build, "Clip", "map low high", "e");
    onnx_build_node(build, "QuantizeLinear", "e s zero", "q");
    onnx_build_node(build, "DequantizeLinear", "q s zero", "y");
    gives("4 bits", 0);
}

/* ---- constants of more dimensions ---- */

/* Two products joined, and a constant of so many dimensions added. */
Test(onnx_host, constants_of_more_dimensions_are_added_behind_a_move) {
    for (uint32_t rank = 1; rank < 5; rank++) {
        open_map((struct onnx_build_shape){2, {1, 4}});
        weights("w", (struct onnx_build_shape){2, {4, 3}}, 17);
        weights("v", (struct onnx_build_shape){2, {4, 2}}, 19);
        onnx_build_node(build, "MatMul", "map w", "a");
        onnx_build_node(build, "MatMul", "map v", "b");
        onnx_build_int(build, onnx_build_node(build, "Concat", "a b", "c"), "axis", 1);
        onnx_build_constant(build, "k", FLOAT, (struct onnx_build_shape){rank, {1, 1, 1, 1}}, (const double[]){0.3});
        onnx_build_node(build, "Add", "c k", "e");
        quantize(0.06);
        gives(qm_arena_printf(arena, "%u dimensions", rank), rank > 2);
    }
}

Test(onnx_host, a_padded_map_takes_the_dimensions_of_its_factor) {
    open_map((struct onnx_build_shape){4, {1, 3, 4, 5}});
    pad("map", "padded");
    onnx_build_constant(build, "k", FLOAT, (struct onnx_build_shape){5, {1, 1, 1, 1, 1}}, (const double[]){1.5});
    onnx_build_node(build, "Mul", "padded k", "e");
    quantize(0.06);
    gives("padded", 1);
}

/* ---- places ---- */

/* Row i comes from place 2 i + 1 of 7 rows; what is computed as a little more would be the next row. */
Test(onnx_host, places_of_a_resize_are_exact) {
    open_map((struct onnx_build_shape){4, {1, 2, 7, 2}});
    onnx_build_constant(build, "factors", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 1, 0.5, 1});
    Onnx__NodeProto *node = onnx_build_node(build, "Resize", "map - factors", "e");
    onnx_build_string(build, node, "coordinate_transformation_mode", "half_pixel_symmetric");
    onnx_build_string(build, node, "nearest_mode", "ceil");
    quantize(0.07);
    gives("resize", 0);
}

/* Elements at listed places move as bytes, wherever their quantizer stands. */
static void gather(const char *x, const char *y) {
    list("indices", 4, (const double[]){2, -1, 0, 2});
    onnx_build_int(build, onnx_build_node(build, "Gather", qm_arena_printf(arena, "%s indices", x), y), "axis", 2);
}

static void gather_deeper(const char *x, const char *y) {
    onnx_build_constant(build, "indices", INT64, (struct onnx_build_shape){2, {2, 2}}, (const double[]){2, -1, 0, 2});
    onnx_build_int(build, onnx_build_node(build, "Gather", qm_arena_printf(arena, "%s indices", x), y), "axis", 3);
}

static void tile(const char *x, const char *y) {
    list("times", 4, (const double[]){1, 2, 1, 3});
    onnx_build_node(build, "Tile", qm_arena_printf(arena, "%s times", x), y);
}

static void expand(const char *x, const char *y) {
    list("shape", 5, (const double[]){2, 1, 6, 4, 5});
    onnx_build_node(build, "Expand", qm_arena_printf(arena, "%s shape", x), y);
}

static void pad_as(const char *x, const char *y, const char *mode) {
    list("pads", 8, (const double[]){0, 0, 2, 1, 0, 0, 1, 3});
    onnx_build_string(build, onnx_build_node(build, "Pad", qm_arena_printf(arena, "%s pads", x), y), "mode", mode);
}

static void pad_reflecting(const char *x, const char *y) {
    pad_as(x, y, "reflect");
}

static void pad_by_edges(const char *x, const char *y) {
    pad_as(x, y, "edge");
}

static void resize_centred(const char *x, const char *y) {
    onnx_build_constant(build, "factors", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 1, 1.5, 2});
    onnx_build_node(build, "Resize", qm_arena_printf(arena, "%s - factors", x), y);
}

Test(onnx_host, has_nothing_to_do_where_elements_are_taken_from_listed_places) {
    static const struct {
        const char *name;
        void (*add)(const char *x, const char *y);
    } moves[] = {{"Gather", gather},
                 {"Gather of more dimensions", gather_deeper},
                 {"Tile", tile},
                 {"Expand", expand},
                 {"Pad reflect", pad_reflecting},
                 {"Pad edge", pad_by_edges},
                 {"Resize", resize_centred}};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        for (int behind_sums = 0; behind_sums < 2; behind_sums++) {
            open_map((struct onnx_build_shape){4, {1, 6, 4, 5}});
            weights("w", (struct onnx_build_shape){4, {6, 6, 1, 1}}, 7);
            if (behind_sums) onnx_build_node(build, "Conv", "map w", "sums");
            moves[i].add(behind_sums ? "sums" : "map", "moved");
            onnx_build_node(build, "Relu", "moved", "e");
            quantize(behind_sums ? 0.07 : 0.05);
            gives(moves[i].name, 0);
        }
}

/* More positions than an instruction's window has. */
Test(onnx_host, windows_of_300_positions_are_the_hosts) {
    static const char *const ops[] = {"GlobalAveragePool", "GlobalMaxPool"};
    for (int i = 0; i < 2; i++) {
        open_map((struct onnx_build_shape){4, {1, 2, 300, 1}});
        onnx_build_node(build, ops[i], "map", "e");
        quantize(0.04);
        gives(ops[i], 1);
    }
}

/* The largest of twelve tensors, which one stage reads. */
Test(onnx_host, a_stretch_reads_many_tensors) {
    const char *most = "x";
    open_input((struct onnx_build_shape){2, {2, 5}});
    for (int i = 0; i < 12; i++) {
        const char *q = qm_arena_printf(arena, "q%d", i), *r = qm_arena_printf(arena, "r%d", i),
                   *m = i < 11 ? qm_arena_printf(arena, "m%d", i) : "e";
        onnx_build_number(build, qm_arena_printf(arena, "s%d", i), FLOAT, 0.03 + 0.007 * i);
        onnx_build_node(build, "QuantizeLinear", qm_arena_printf(arena, "x s%d z", i), q);
        onnx_build_node(build, "DequantizeLinear", qm_arena_printf(arena, "%s s%d z", q, i), r);
        if (i > 0) onnx_build_node(build, "Max", qm_arena_printf(arena, "%s %s", most, r), m);
        most = i > 0 ? m : r;
    }
    quantize(0.04);
    gives("the largest of twelve", 1);
}

/* Of each example 3 positions of 140 sums of 4 bytes, which lie one behind the other: longer than what one instruction moves. */
Test(onnx_host, sums_of_a_batch_are_joined) {
    open_map((struct onnx_build_shape){4, {2, 1, 3, 1}});
    weights("w", (struct onnx_build_shape){4, {140, 1, 1, 1}}, 5);
    onnx_build_node(build, "Conv", "map w", "y");
    gives("a convolution of two examples, not quantized", 1);
}

/* ---- limits ---- */

/* A chain of sigmoids of a quotient, with so many operators, and a quantizer behind them. */
static struct file_bytes pack_chain(uint32_t count) {
    open_map((struct onnx_build_shape){2, {1, 3}});
    Onnx__NodeProto **nodes = QM_ARENA_NEW(arena, Onnx__NodeProto *, count + 3);
    uint32_t used = 2;
    for (uint32_t i = 0; i < count; i++) {
        build->graph.n_node = 2;
        const char *in = i == 0 ? "map map" : qm_arena_printf(arena, "t%u", i - 1);
        nodes[used++] = onnx_build_node(build, i == 0 ? "Div" : "Sigmoid", in, i + 1 == count ? "e" : qm_arena_printf(arena, "t%u", i));
    }
    build->graph.n_node = 2;
    quantize(0.01);
    onnx_build_pack(build); /* fills in all but the nodes */
    nodes[0] = build->nodes[0];
    nodes[1] = build->nodes[1];
    nodes[used++] = build->nodes[2];
    build->graph.node = nodes;
    build->graph.n_node = used;
    struct file_bytes file = {.size = onnx__model_proto__get_packed_size(&build->model)};
    file.data = qm_arena_alloc(arena, file.size);
    onnx__model_proto__pack(&build->model, file.data);
    return file;
}

Test(onnx_host, a_stretch_has_a_thousand_operators_at_most) {
    struct file_bytes fits = pack_chain(900);
    uint32_t count = count_host_operators(fits);
    cr_expect(eq(u32, count, 1));
    is_refused(pack_chain(1100), "comes after more than 1000 operators without a quantizer");
}
