/* onnx.c - the ONNX front end: networks against an evaluation in doubles, and bad files refused in one line. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"
#include "tests/support/onnx_naive.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, INT64 = 7 };

static struct qm_arena *arena;
static struct onnx_build build;

static void setup(void) {
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx, .init = setup, .fini = teardown);

/* ---- networks ---- */

static struct numbers random_map(uint32_t seed, size_t count) {
    struct numbers input = {.rank = 4, .dims = {1, 2, 6, 5}, .count = count, .values = QM_ARENA_NEW(arena, double, count)};
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        input.values[i] = (double)((float)(seed >> 8) / (1 << 20) - 8);
    }
    return input;
}

Test(onnx, quantized_networks_equal_an_evaluation_in_doubles) {
    static const struct qm_device_ops *const engines[] = {&qm_device_functional, &qm_device_cycle};
    for (uint32_t seed = 1; seed <= 20; seed++) {
        struct onnx_build b = {0};
        char text[600];
        onnx_build_qdq(&b, arena, seed);
        struct file_bytes file = onnx_build_pack(&b);
        struct numbers input = random_map(seed, 60);
        struct onnx_naive naive = onnx_naive_run(&b.model, input, arena);
        struct numbers want = *onnx_naive_find(&naive, "y");
        for (size_t i = 0; i < want.count; i++) want.values[i] = (double)(0.07F * (float)nearbyint(want.values[i] / (double)0.07F));
        struct machine_case test = {
            .model = {file.data, file.size, "qdq"}, .inputs = &input, .input_count = 1, .engine = engines[seed % 2]};
        machine_compare(&test, &want, text, sizeof text);
        cr_assert(eq(str, text, "pass"), "seed %u", seed);
    }
}

Test(onnx, integer_networks_are_exact) {
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct onnx_build b = {0};
        char text[600];
        onnx_build_integer(&b, arena, seed);
        struct file_bytes file = onnx_build_pack(&b);
        struct numbers input = random_map(seed, 60);
        for (size_t i = 0; i < input.count; i++) input.values[i] = nearbyint(fmin(fmax(input.values[i] * 16, -128), 127));
        struct onnx_naive naive = onnx_naive_run(&b.model, input, arena);
        struct machine_case test = {
            .model = {file.data, file.size, "integer"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
        machine_compare(&test, onnx_naive_find(&naive, "y"), text, sizeof text);
        cr_assert(eq(str, text, "pass"), "seed %u", seed);
    }
}

/* ---- maps cut, joined, repeated, reduced ---- */

enum { MAP_C = 4, MAP_H = 3, MAP_W = 5, MAP_ELEMENTS = MAP_C * MAP_H * MAP_W };

static struct numbers open_map(void) {
    static const double scale = 0.5, zero = 3;
    struct numbers input = {.rank = 4, .dims = {1, MAP_C, MAP_H, MAP_W}, .count = MAP_ELEMENTS};
    input.values = QM_ARENA_NEW(arena, double, MAP_ELEMENTS);
    for (int i = 0; i < MAP_ELEMENTS; i++) input.values[i] = i * 77 % 256 - 128;
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){4, {1, MAP_C, MAP_H, MAP_W}});
    onnx_build_output(&build, "y");
    onnx_build_number(&build, "scale", FLOAT, scale);
    onnx_build_number(&build, "zero", INT8, zero);
    onnx_build_node(&build, "DequantizeLinear", "x scale zero", "map");
    return input;
}

static void list(const char *name, uint32_t count, const double *numbers) {
    onnx_build_constant(&build, name, INT64, (struct onnx_build_shape){1, {count}}, numbers);
}

static void gives(struct numbers input, const struct numbers *want) {
    char text[600];
    struct file_bytes file = onnx_build_pack(&build);
    struct machine_case test = {
        .model = {file.data, file.size, "map"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    machine_compare(&test, want, text, sizeof text);
    cr_assert(eq(str, text, "pass"));
}

/* Every second column; the front channels go behind the others; each element twice down and thrice across. */
Test(onnx, maps_are_cut_joined_and_repeated) {
    struct numbers input = open_map(), want = {.rank = 4, .dims = {1, 4, 6, 9}, .count = 216};
    want.values = QM_ARENA_NEW(arena, double, want.count);
    onnx_build_int(&build, onnx_build_node(&build, "Split", "map", "front back"), "axis", 1);
    list("starts", 2, (const double[]){-3, 0});
    list("ends", 2, (const double[]){99, 5});
    list("axes", 2, (const double[]){2, -1});
    list("steps", 2, (const double[]){1, 2});
    onnx_build_node(&build, "Slice", "front starts ends axes steps", "kept");
    list("first", 1, (const double[]){0});
    list("last", 1, (const double[]){0x7fffffff});
    list("across", 1, (const double[]){3});
    list("two", 1, (const double[]){2});
    onnx_build_node(&build, "Slice", "back first last across two", "thinned");
    onnx_build_int(&build, onnx_build_node(&build, "Concat", "thinned kept", "joined"), "axis", 1);
    onnx_build_constant(&build, "factors", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 1, 2, 3});
    onnx_build_node(&build, "Resize", "joined - factors", "large");
    onnx_build_node(&build, "QuantizeLinear", "large scale zero", "y");
    for (int c = 0, i = 0; c < 4; c++)
        for (int h = 0; h < 6; h++)
            for (int w = 0; w < 9; w++) want.values[i++] = input.values[((c + 2) % 4 * MAP_H + h / 2) * MAP_W + 2 * (w / 3)];
    gives(input, &want);
}

Test(onnx, means_over_the_map_are_pools) {
    static const double scale = 0.25, zero = 1;
    struct numbers input = open_map(), want = {.rank = 2, .dims = {1, MAP_C}, .count = MAP_C};
    want.values = QM_ARENA_NEW(arena, double, want.count);
    Onnx__NodeProto *mean = onnx_build_node(&build, "ReduceMean", "map", "mean");
    onnx_build_ints(&build, mean, "axes", 2, (const int64_t[]){-1, 2});
    onnx_build_int(&build, mean, "keepdims", 0);
    onnx_build_number(&build, "out_scale", FLOAT, scale);
    onnx_build_number(&build, "out_zero", INT8, zero);
    onnx_build_node(&build, "QuantizeLinear", "mean out_scale out_zero", "y");
    for (int c = 0; c < MAP_C; c++) {
        double sum = 0;
        for (int i = 0; i < MAP_H * MAP_W; i++) sum += 0.5 * (input.values[c * MAP_H * MAP_W + i] - 3);
        want.values[c] = fmin(fmax(nearbyint(sum / (MAP_H * MAP_W) / scale) + zero, -128), 127);
    }
    gives(input, &want);
}

/* With the axes as an attribute or, as later files have them, an input; the dimension stays or goes. */
static void reduces_channels(const char *name, bool keeps, double divisor) {
    static const double scale = 0.5, zero = -3;
    struct numbers input = open_map(), want = {.rank = keeps ? 4 : 3, .dims = {1, MAP_H, MAP_W}, .count = MAP_H * MAP_W};
    if (keeps) want.dims[1] = 1, want.dims[2] = MAP_H, want.dims[3] = MAP_W;
    want.values = QM_ARENA_NEW(arena, double, want.count);
    if (keeps) list("axes", 1, (const double[]){-3});
    Onnx__NodeProto *node = onnx_build_node(&build, name, keeps ? "map axes" : "map", "reduced");
    if (!keeps) onnx_build_ints(&build, node, "axes", 1, (const int64_t[]){1});
    onnx_build_int(&build, node, "keepdims", keeps);
    onnx_build_number(&build, "out_scale", FLOAT, scale);
    onnx_build_number(&build, "out_zero", INT8, zero);
    onnx_build_node(&build, "QuantizeLinear", "reduced out_scale out_zero", "y");
    for (int i = 0; i < MAP_H * MAP_W; i++) {
        double sum = 0;
        for (int c = 0; c < MAP_C; c++) sum += 0.5 * (input.values[c * MAP_H * MAP_W + i] - 3);
        want.values[i] = fmin(fmax(nearbyint(sum / divisor / scale) + zero, -128), 127);
    }
    gives(input, &want);
}

Test(onnx, sums_over_the_channels_are_convolutions) {
    reduces_channels("ReduceSum", true, 1);
}

Test(onnx, means_over_the_channels_are_convolutions) {
    reduces_channels("ReduceMean", false, MAP_C);
}

/* Whether the graph of integers has an operator. */
static bool makes(enum qm_graph_op_kind kind) {
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    bool found = false;
    cr_assert(eq(int, qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "map"}, NULL, arena, &graph, &diag), QM_OK));
    cr_assert(qm_integers(graph, NULL, arena, &graph, &diag) == QM_OK, "%s", diag.text);
    for (uint32_t i = 0; i < graph->op_count; i++) found = found || graph->ops[i].kind == kind;
    return found;
}

/* Each channel of the map times itself, turned; a factor and one number for each column are part of the product. */
Test(onnx, products_of_two_results_are_the_machines) {
    static const double factor = 0.0625, scale = 1, zero = 5;
    static const double addends[MAP_H] = {1.5, -2, 0.25};
    struct numbers input = open_map(), want = {.rank = 4, .dims = {1, MAP_C, MAP_H, MAP_H}, .count = MAP_C * MAP_H * MAP_H};
    want.values = QM_ARENA_NEW(arena, double, want.count);
    onnx_build_ints(&build, onnx_build_node(&build, "Transpose", "map", "turned"), "perm", 4, (const int64_t[]){0, 1, 3, 2});
    onnx_build_number(&build, "factor", FLOAT, factor);
    onnx_build_constant(&build, "addends", FLOAT, (struct onnx_build_shape){1, {MAP_H}}, addends);
    onnx_build_number(&build, "out_scale", FLOAT, scale);
    onnx_build_number(&build, "out_zero", INT8, zero);
    onnx_build_node(&build, "MatMul", "map turned", "product");
    onnx_build_node(&build, "Mul", "product factor", "scaled");
    onnx_build_node(&build, "Add", "scaled addends", "sum");
    onnx_build_node(&build, "QuantizeLinear", "sum out_scale out_zero", "y");
    for (int i = 0; i < MAP_C * MAP_H * MAP_H; i++) {
        const double *channel = input.values + i / (MAP_H * MAP_H) * MAP_H * MAP_W;
        double sum = 0;
        for (int k = 0; k < MAP_W; k++) sum += 0.25 * (channel[i / MAP_H % MAP_H * MAP_W + k] - 3) * (channel[i % MAP_H * MAP_W + k] - 3);
        want.values[i] = fmin(fmax(nearbyint((sum * factor + addends[i % MAP_H]) / scale) + zero, -128), 127);
    }
    gives(input, &want);
    cr_assert(makes(QM_OP_BATCH_MATMUL) && !makes(QM_OP_HOST));
}

/* Two constant rows times the matrix of each channel: both stacks are written out for it. */
Test(onnx, stacks_of_matrices_broadcast) {
    static const double numbers[2 * MAP_H] = {1, -2, 3, 4, 5, -6}, scale = 1, zero = 0;
    struct numbers input = open_map(), want = {.rank = 4, .dims = {2, MAP_C, 1, MAP_W}, .count = 2 * MAP_C * MAP_W};
    want.values = QM_ARENA_NEW(arena, double, want.count);
    onnx_build_constant(&build, "rows", INT8, (struct onnx_build_shape){4, {2, 1, 1, MAP_H}}, numbers);
    onnx_build_number(&build, "row_scale", FLOAT, 0.125);
    onnx_build_number(&build, "out_scale", FLOAT, scale);
    onnx_build_number(&build, "out_zero", INT8, zero);
    onnx_build_node(&build, "DequantizeLinear", "rows row_scale", "left");
    onnx_build_node(&build, "MatMul", "left map", "product");
    onnx_build_node(&build, "QuantizeLinear", "product out_scale out_zero", "y");
    for (int i = 0; i < 2 * MAP_C * MAP_W; i++) {
        const double *column = input.values + i / MAP_W % MAP_C * MAP_H * MAP_W + i % MAP_W;
        double sum = 0;
        for (int k = 0; k < MAP_H; k++) sum += 0.125 * numbers[i / (MAP_C * MAP_W) * MAP_H + k] * 0.5 * (column[k * MAP_W] - 3);
        want.values[i] = fmin(fmax(nearbyint(sum), -128), 127);
    }
    gives(input, &want);
    cr_assert(makes(QM_OP_BATCH_MATMUL) && !makes(QM_OP_HOST));
}

static void refused(struct file_bytes file, const char *words) {
    struct qm_graph *graph;
    struct qm_diag diag = {.text = ""};
    enum qm_status status = qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "bad.onnx"}, NULL, arena, &graph, &diag);
    if (status == QM_OK) status = qm_integers(graph, NULL, arena, &graph, &diag);
    cr_expect(eq(int, status, QM_BAD_INPUT));
    cr_expect(strncmp(diag.text, "bad.onnx: ", 10) == 0 && strchr(diag.text, '\n') == NULL, "%s", diag.text);
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

static void refused_build(const char *words) {
    refused(onnx_build_pack(&build), words);
}

/* ---- operands of other shapes ---- */

/* y = x quantized with these. */
static void quantize(const char *x, const char *y, double scale, double zero) {
    char names[60], scale_name[20], zero_name[20];
    snprintf(scale_name, sizeof scale_name, "%s_scale", y);
    snprintf(zero_name, sizeof zero_name, "%s_zero", y);
    snprintf(names, sizeof names, "%s %s %s", x, scale_name, zero_name);
    onnx_build_constant(&build, scale_name, FLOAT, (struct onnx_build_shape){.rank = 0}, &scale);
    onnx_build_constant(&build, zero_name, INT8, (struct onnx_build_shape){.rank = 0}, &zero);
    onnx_build_node(&build, "QuantizeLinear", names, y);
}

static double quantized(double x, double scale, double zero) {
    return fmin(fmax(nearbyint(x / scale) + zero, -128), 127);
}

/* Squeeze and excite: the map times the mean of each of its channels. */
Test(onnx, a_map_is_multiplied_by_one_number_a_channel) {
    struct numbers input = open_map(), want = {.rank = 4, .dims = {1, MAP_C, MAP_H, MAP_W}, .count = MAP_ELEMENTS};
    enum { POSITIONS = MAP_H * MAP_W };
    want.values = QM_ARENA_NEW(arena, double, want.count);
    onnx_build_node(&build, "GlobalAveragePool", "map", "mean");
    quantize("mean", "gate", 0.25, 1);
    onnx_build_node(&build, "DequantizeLinear", "gate gate_scale gate_zero", "factor");
    onnx_build_node(&build, "Mul", "factor map", "product");
    quantize("product", "y", 4, -5);
    for (int c = 0; c < MAP_C; c++) {
        double sum = 0;
        for (int i = 0; i < POSITIONS; i++) sum += 0.5 * (input.values[c * POSITIONS + i] - 3);
        double factor = 0.25 * (quantized(sum / POSITIONS, 0.25, 1) - 1);
        for (int i = c * POSITIONS; i < (c + 1) * POSITIONS; i++) want.values[i] = quantized(factor * 0.5 * (input.values[i] - 3), 4, -5);
    }
    gives(input, &want);
}

enum { FILTERS = 2, FILTER_W = 2, FILTER_WEIGHTS = MAP_C * FILTER_W };

/* y = the map through filters of uint8, one column wider than a position, each with its zero point. */
static void filter_map(const double *weights, const double *zeros) {
    static const double scales[FILTERS] = {0.25, 0.5};
    onnx_build_constant(&build, "w", UINT8, (struct onnx_build_shape){4, {FILTERS, MAP_C, 1, FILTER_W}}, weights);
    onnx_build_constant(&build, "w_scale", FLOAT, (struct onnx_build_shape){1, {FILTERS}}, scales);
    onnx_build_constant(&build, "w_zero", UINT8, (struct onnx_build_shape){1, {FILTERS}}, zeros);
    onnx_build_int(&build, onnx_build_node(&build, "DequantizeLinear", "w w_scale w_zero", "filters"), "axis", 0);
    onnx_build_node(&build, "Conv", "map filters", "sums");
    quantize("sums", "y", 512, 4);
}

/* What is left of the weights goes from -50 to 200, so that they are no int8 without a zero point that all share. */
Test(onnx, filters_have_a_zero_point_each) {
    static const double zeros[FILTERS] = {10, 60}, scales[FILTERS] = {0.25, 0.5};
    double weights[FILTERS * FILTER_WEIGHTS];
    enum { WIDE = MAP_W - FILTER_W + 1, OUT = MAP_H * WIDE };
    struct numbers input = open_map(), want = {.rank = 4, .dims = {1, FILTERS, MAP_H, WIDE}, .count = (size_t)FILTERS * OUT};
    want.values = QM_ARENA_NEW(arena, double, want.count);
    for (int i = 0; i < FILTER_WEIGHTS; i++) weights[i] = i * 30;                       /* 0 .. 210 */
    for (int i = 0; i < FILTER_WEIGHTS; i++) weights[FILTER_WEIGHTS + i] = 10 + i * 27; /* 10 .. 199 */
    filter_map(weights, zeros);
    for (int i = 0; i < FILTERS * OUT; i++) {
        int f = i / OUT, h = i % OUT / WIDE, w = i % WIDE;
        double sum = 0;
        for (int k = 0; k < FILTER_WEIGHTS; k++)
            sum += (weights[f * FILTER_WEIGHTS + k] - zeros[f]) * (input.values[(k / FILTER_W * MAP_H + h) * MAP_W + w + k % FILTER_W] - 3);
        want.values[i] = quantized(sum * scales[f] * 0.5, 512, 4);
    }
    gives(input, &want);
}

/* They differ by less than 16, but their zero point, which stands where a position has no weight, is far from them. */
Test(onnx, narrow_filters_far_from_their_zero_point_are_bytes) {
    enum { POSITIONS = 44, CHANNELS = 2 };
    static const double weights[CHANNELS] = {121, 115}, scale = 0.5, weight_zero = -13;
    double numbers[CHANNELS * POSITIONS], wanted[POSITIONS];
    struct numbers input = {.rank = 4, .dims = {1, CHANNELS, 11, 4}, .count = CHANNELS * POSITIONS, .values = numbers};
    struct numbers want = {.rank = 4, .dims = {1, 1, 11, 4}, .count = POSITIONS, .values = wanted};
    for (int i = 0; i < CHANNELS * POSITIONS; i++) numbers[i] = i * 77 % 256 - 128;
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){4, {1, CHANNELS, 11, 4}});
    onnx_build_output(&build, "y");
    onnx_build_number(&build, "scale", FLOAT, scale);
    onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){4, {1, CHANNELS, 1, 1}}, weights);
    onnx_build_number(&build, "w_zero", INT8, weight_zero);
    onnx_build_node(&build, "DequantizeLinear", "x scale", "map");
    onnx_build_node(&build, "DequantizeLinear", "w scale w_zero", "filters");
    onnx_build_node(&build, "Conv", "map filters", "sums");
    quantize("sums", "y", 64, 4);
    for (int i = 0; i < POSITIONS; i++) {
        double sum = 0;
        for (int c = 0; c < CHANNELS; c++) sum += (weights[c] - weight_zero) * numbers[c * POSITIONS + i];
        wanted[i] = quantized(sum * scale * scale, 64, 4);
    }
    gives(input, &want);
}

Test(onnx, filters_of_more_than_8_bits_are_refused) {
    static const double zeros[FILTERS] = {10, 60};
    double weights[FILTERS * FILTER_WEIGHTS] = {0, 255};
    open_map();
    filter_map(weights, zeros);
    refused_build(
        "has weights filters with a zero point for each channel, less which they are from -60 to 245: more than 8 bits, and the array "
        "takes one zero point for all channels");
}

/* Numbers of 0 to 255 with zero point 10, and no picture in front, added to the map as the file has it, or as the machine keeps it. */
static void adds_constant_map(bool last) {
    static const double scale = 0.5, zero = 10;
    struct numbers input = open_map(), want = {.rank = 4, .dims = {1, MAP_C, MAP_H, MAP_W}, .count = MAP_ELEMENTS};
    double numbers[MAP_ELEMENTS];
    want.values = QM_ARENA_NEW(arena, double, want.count);
    for (int i = 0; i < MAP_ELEMENTS; i++) numbers[i] = i * 91 % 256;
    onnx_build_constant(&build, "place", UINT8, (struct onnx_build_shape){3, {MAP_C, MAP_H, MAP_W}}, numbers);
    onnx_build_number(&build, "place_scale", FLOAT, scale);
    onnx_build_number(&build, "place_zero", UINT8, zero);
    onnx_build_node(&build, "DequantizeLinear", "place place_scale place_zero", "places");
    if (last) onnx_build_ints(&build, onnx_build_node(&build, "MaxPool", "map", "same"), "kernel_shape", 2, (const int64_t[]){1, 1});
    onnx_build_node(&build, "Add", last ? "same places" : "places map", "sum");
    quantize("sum", "y", 1, 7);
    for (int i = 0; i < MAP_ELEMENTS; i++) want.values[i] = quantized(0.5 * (input.values[i] - 3) + 0.5 * (numbers[i] - 10), 1, 7);
    gives(input, &want);
}

Test(onnx, a_constant_map_is_added_as_the_file_has_it) {
    adds_constant_map(false);
}

Test(onnx, a_constant_map_is_added_channels_last) {
    adds_constant_map(true);
}

Test(onnx, hard_sigmoid_is_a_line_between_two_levels) {
    struct numbers input = open_map(), want = {.rank = 4, .dims = {1, MAP_C, MAP_H, MAP_W}, .count = MAP_ELEMENTS};
    want.values = QM_ARENA_NEW(arena, double, want.count);
    onnx_build_float(&build, onnx_build_node(&build, "HardSigmoid", "map", "level"), "alpha", 0.125F);
    quantize("level", "y", 1.0 / 256, -128);
    for (int i = 0; i < MAP_ELEMENTS; i++)
        want.values[i] = quantized(fmin(fmax(0.125 * 0.5 * (input.values[i] - 3) + 0.5, 0), 1), 1.0 / 256, -128);
    gives(input, &want);
}

/* ---- bad files ---- */

static void open_input(void) {
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){2, {1, 4}});
    onnx_build_output(&build, "y");
}

Test(onnx, files_cut_anywhere_are_refused) {
    struct onnx_build b = {0};
    onnx_build_qdq(&b, arena, 1);
    struct file_bytes file = onnx_build_pack(&b);
    for (size_t size = 2; size < file.size; size++) {
        struct qm_graph *graph;
        struct qm_diag diag = {.text = ""};
        struct qm_arena *own = qm_arena_create();
        uint8_t *copy = memcpy(qm_arena_alloc(own, size), file.data, size);
        enum qm_status status = qm_model_parse(&(struct qm_model_bytes){copy, size, "cut"}, NULL, own, &graph, &diag);
        if (status == QM_OK) status = qm_integers(graph, NULL, own, &graph, &diag);
        cr_assert(eq(int, status, QM_BAD_INPUT), "cut at %zu of %zu", size, file.size);
        qm_arena_destroy(own);
    }
}

Test(onnx, all_unknown_operators_are_named_in_one_message) {
    open_input();
    onnx_build_node(&build, "LSTM", "x", "a")->name = qm_arena_strdup(arena, "first");
    onnx_build_node(&build, "Relu", "a", "b");
    onnx_build_node(&build, "Einsum", "x b", "c");
    onnx_build_node(&build, "GRU", "x", "d");
    onnx_build_node(&build, "Add", "c d", "y");
    refused_build("operator 0 LSTM (first) is not supported; operator 3 GRU is not supported");
}

Test(onnx, nodes_that_nothing_needs_are_not_read) {
    open_input();
    onnx_build_node(&build, "LSTM", "x", "unused");
    onnx_build_node(&build, "Missing", "x", "y");
    refused_build("bad.onnx: operator 1 Missing is not supported; if this is a float network");
}

Test(onnx, nodes_before_those_that_they_need_and_circles_are_refused) {
    open_input();
    onnx_build_node(&build, "Identity", "a", "y");
    onnx_build_node(&build, "Identity", "x", "a");
    refused_build("operator 0 Identity: its input a is made by operator 1 Identity, further down: ONNX nodes must be in topological order");
    build.nodes[0]->input[0] = build.nodes[0]->output[0];
    refused_build("operator 0 Identity: its input y is made by operator 0 Identity, itself: ONNX nodes must be in topological order");
}

Test(onnx, missing_tensors_are_refused) {
    open_input();
    onnx_build_node(&build, "Add", "x nowhere", "y");
    refused_build("operator 0 Add uses nowhere, which nothing computes");
}

Test(onnx, constants_that_contradict_themselves_or_lie_elsewhere_are_refused) {
    double ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    open_input();
    Onnx__TensorProto *b = onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){2, {4, 3}}, ones);
    onnx_build_node(&build, "MatMulInteger", "x w", "y");
    b->n_int32_data = 11;
    refused_build("constant w has not as much data as its shape and type need");
    b->n_int32_data = 12;
    b->has_data_location = 1;
    b->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    refused_build("operator 0 MatMulInteger uses w, which has its data in another file");
    b->has_data_location = 0;
    b->dims[0] = INT64_MAX;
    refused_build("operator 0 MatMulInteger uses w, which has a dimension below 0, more than 6 of them, or too many elements");
    b->dims[0] = 4;
    b->data_type = 8;
    refused_build("operator 0 MatMulInteger uses w, which is of a type that cannot be read");
}

Test(onnx, shapes_that_do_not_fit_are_refused) {
    double ones[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    open_input();
    onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){2, {3, 4}}, ones);
    onnx_build_node(&build, "MatMulInteger", "x w", "y");
    refused_build("multiplies rows of 4 elements by a matrix of 3 rows");
    build.inputs[0]->type->tensor_type->shape->dim[1]->dim_value = INT64_MAX;
    refused_build("input x has no fixed shape");
    build.inputs[0]->type->tensor_type->shape->dim[1]->dim_value = 4;
    build.inputs[0]->type->tensor_type->elem_type = 8;
    refused_build("input x is string, which is not supported");
}

/* Of both kinds of convolution. */
Test(onnx, windows_that_contradict_their_filters_are_refused) {
    static const char *const kinds[] = {"Conv", "ConvTranspose"};
    static const double ones[MAP_C * MAP_C * 9] = {1};
    for (int i = 0; i < 4; i++) {
        memset(&build, 0, sizeof build);
        onnx_build_open(&build, arena);
        open_map();
        onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){4, {MAP_C, MAP_C, 3, 3}}, ones);
        onnx_build_node(&build, "DequantizeLinear", "w scale", "filter");
        Onnx__NodeProto *node = onnx_build_node(&build, kinds[i % 2], "map filter", "y");
        if (i < 2)
            onnx_build_string(&build, node, "auto_pad", "SAME");
        else
            onnx_build_ints(&build, node, "kernel_shape", 2, (const int64_t[]){3, 2});
        refused_build(i < 2 ? "has auto_pad SAME" : "has a kernel_shape that its filter has not");
    }
}

Test(onnx, operands_that_must_be_there_are_missed) {
    open_map();
    onnx_build_node(&build, "Concat", "map -", "a");
    onnx_build_node(&build, "QuantizeLinear", "map -", "b");
    onnx_build_node(&build, "Add", "a b", "y");
    refused_build("operator 1 Concat lacks input 1; operator 2 QuantizeLinear lacks input 1");
}

Test(onnx, attributes_that_are_not_known_are_refused) {
    open_input();
    onnx_build_int(&build, onnx_build_node(&build, "Relu", "x", "y"), "leak", 1);
    refused_build("operator 0 Relu has the attribute leak, which is not known");
}

Test(onnx, networks_that_are_not_quantized_are_refused) {
    double ones[12] = {0.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    onnx_build_input(&build, "x", FLOAT, (struct onnx_build_shape){2, {1, 4}});
    onnx_build_output(&build, "y");
    onnx_build_constant(&build, "w", FLOAT, (struct onnx_build_shape){2, {4, 3}}, ones);
    onnx_build_node(&build, "MatMul", "x w", "y");
    refused_build("operator 0 MatMul has weights w that are not integers; qmac quantize");
}

Test(onnx, cuts_and_sizes_that_cannot_be_are_refused) {
    open_map();
    list("starts", 1, (const double[]){3});
    list("ends", 1, (const double[]){3});
    onnx_build_node(&build, "Slice", "map starts ends", "a");
    onnx_build_constant(&build, "factors", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 1, 0.1, 1});
    onnx_build_node(&build, "Resize", "map - factors", "b");
    list("parts", 2, (const double[]){1, 2});
    onnx_build_int(&build, onnx_build_node(&build, "Split", "map parts", "c d"), "axis", 1);
    onnx_build_node(&build, "Concat", "a b c d", "y");
    refused_build("operator 1 Slice takes nothing of axis 0; operator 2 Resize resizes axis 2 to 0 elements; "
                  "operator 3 Split has parts of 3 elements in all, of 4");
}

Test(onnx, operands_that_do_not_fit_are_refused) {
    open_map();
    static const double numbers[12] = {0};
    onnx_build_constant(&build, "floats", FLOAT, (struct onnx_build_shape){2, {3, 4}}, numbers);
    onnx_build_node(&build, "Add", "map floats", "a");
    onnx_build_constant(&build, "bytes", INT8, (struct onnx_build_shape){2, {3, 4}}, numbers);
    onnx_build_node(&build, "DequantizeLinear", "bytes scale zero", "table");
    onnx_build_node(&build, "Mul", "map table", "b");
    onnx_build_node(&build, "Concat", "a b", "y");
    refused_build("operator 1 Add has operands whose shapes do not fit; operator 3 Mul has operands whose shapes do not fit");
}

Test(onnx, names_are_unique) {
    open_input();
    onnx_build_node(&build, "Relu", "x", "y");
    onnx_build_node(&build, "Relu", "x", "y");
    refused_build("operator 1 Relu computes y, which is there already");
}
