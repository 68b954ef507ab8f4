/* windows.c - windows that instructions have no fields for: the host's where it has them, else refused before any machine is asked.
 *
 * What is read and legalized is compiled for a machine with a large scratchpad; where that is small work it also runs, and gives what
 * tests/support/onnx_exact.h says.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "common/prng.h"
#include "tests/support/machine_run.h"
#include "tests/support/onnx_build.h"
#include "tests/support/onnx_exact.h"

enum { FLOAT = 1, INT8 = 3, INT64 = 7, DRAWN = 150, SMALL = 20000 };

static struct qm_arena *arena;
static struct onnx_build *build;
static struct numbers input;

static void setup(void) {
    arena = qm_arena_create();
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(onnx_windows, .init = setup, .fini = teardown);

/* ---- networks ---- */

/* One direction. */
struct axis {
    int64_t in, kernel, stride, dilation, before, behind;
};

struct window {
    const char *op;
    int64_t channels, groups;
    struct axis rows, columns;
};

static double *integers(size_t count) {
    double *values = QM_ARENA_NEW(arena, double, count);
    for (size_t i = 0; i < count; i++) values[i] = (double)(i * 37 % 251) - 125;
    return values;
}

static void add_filter(const struct window *w) {
    int64_t channels = w->groups > 1 ? w->channels : 1, depth = w->channels / w->groups;
    size_t count = (size_t)(channels * depth * w->rows.kernel * w->columns.kernel);
    struct onnx_build_shape shape = {4, {channels, depth, w->rows.kernel, w->columns.kernel}};
    onnx_build_constant(build, "filter_integers", INT8, shape, integers(count));
    onnx_build_node(build, "DequantizeLinear", "filter_integers filter_scale", "filter");
}

/* map is what x means, [1][channels][rows][columns]. */
static void open_map(int64_t channels, int64_t rows, int64_t columns) {
    build = QM_ARENA_NEW(arena, struct onnx_build, 1);
    onnx_build_open(build, arena);
    onnx_build_opset(build, 19);
    input = (struct numbers){.name = "x", .rank = 4, .dims = {1, (size_t)channels, (size_t)rows, (size_t)columns}};
    input.count = (size_t)(channels * rows * columns);
    input.values = integers(input.count);
    onnx_build_input(build, "x", INT8, (struct onnx_build_shape){4, {1, channels, rows, columns}});
    onnx_build_output(build, "y");
    onnx_build_number(build, "s", FLOAT, 0.05);
    onnx_build_number(build, "z", INT8, 3);
    onnx_build_number(build, "filter_scale", FLOAT, 0.01);
    onnx_build_node(build, "DequantizeLinear", "x s z", "map");
}

/* y is the operator over the map, quantized. */
static void open_network(const struct window *w) {
    const struct axis *y = &w->rows, *x = &w->columns;
    bool is_conv = strcmp(w->op, "Conv") == 0;
    open_map(w->channels, y->in, x->in);
    if (is_conv) add_filter(w);
    Onnx__NodeProto *node = onnx_build_node(build, w->op, is_conv ? "map filter" : "map", "e");
    onnx_build_ints(build, node, "kernel_shape", 2, (int64_t[]){y->kernel, x->kernel});
    onnx_build_ints(build, node, "strides", 2, (int64_t[]){y->stride, x->stride});
    onnx_build_ints(build, node, "dilations", 2, (int64_t[]){y->dilation, x->dilation});
    onnx_build_ints(build, node, "pads", 4, (int64_t[]){y->before, x->before, y->behind, x->behind});
    if (is_conv) onnx_build_int(build, node, "group", w->groups);
    if (strcmp(w->op, "AveragePool") == 0) onnx_build_int(build, node, "count_include_pad", 1);
    onnx_build_node(build, "QuantizeLinear", "e s z", "y");
}

/* ---- what becomes of them ---- */

static enum qm_status legalize(struct qm_network **network, struct qm_diag *diag) {
    struct file_bytes file = onnx_build_pack(build);
    struct qm_graph *graph;
    *diag = (struct qm_diag){.text = ""};
    QM_TRY(qm_model_parse(&(struct qm_model_bytes){file.data, file.size, "windows"}, NULL, arena, &graph, diag));
    QM_TRY(qm_integers(graph, NULL, arena, &graph, diag));
    return qm_legalize(graph, NULL, arena, network, diag);
}

static uint32_t count_host_layers(const struct qm_network *network) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) count += network->layers[i].kind == QM_LAYER_HOST;
    return count;
}

/* Runs the network and compares it with what the file means. */
static void runs(const char *name) {
    char text[600];
    struct file_bytes file = onnx_build_pack(build);
    struct onnx_exact run = {.arena = arena, .graph = &build->graph};
    onnx_exact_run(&run, &input, 1);
    cr_assert(run.unknown == NULL, "%s", run.unknown);
    const struct exact_tensor *y = onnx_exact_find(&run, "y");
    struct numbers want = {.name = "y", .count = y->count, .values = QM_ARENA_NEW(arena, double, y->count)};
    for (size_t i = 0; i < y->count; i++) want.values[i] = (double)y->values[i];
    struct machine_case test = {
        .model = {file.data, file.size, "windows"}, .inputs = &input, .input_count = 1, .engine = &qm_device_functional};
    machine_compare_all(&test, &(struct machine_want){.numbers = &want}, 1, text, sizeof text);
    cr_expect(eq(str, text, "pass"), "%s", name);
}

/* The same, and so many layers are the host's. */
static void has_host_layers(const char *name, uint32_t host_layers) {
    struct qm_network *network;
    struct qm_diag diag;
    cr_assert(eq(int, legalize(&network, &diag), QM_OK), "%s: %s", name, diag.text);
    uint32_t count = count_host_layers(network);
    cr_expect(eq(u32, count, host_layers), "%s", name);
    runs(name);
}

static void gives(const char *name, const struct window *w, uint32_t host_layers) {
    open_network(w);
    has_host_layers(name, host_layers);
}

static void refused(const struct window *w, const char *words) {
    struct qm_network *network;
    struct qm_diag diag;
    open_network(w);
    cr_expect(eq(int, legalize(&network, &diag), QM_BAD_INPUT), "%s", words);
    cr_expect(strstr(diag.text, words) != NULL, "%s\n  lacks: %s", diag.text, words);
}

/* ---- one by one ---- */

static const struct axis three = {5, 3, 1, 1, 0, 0};

Test(onnx_windows, pools_over_distances_that_no_field_holds_are_the_hosts) {
    static const char *const ops[] = {"MaxPool", "AveragePool"};
    for (int i = 0; i < 2; i++) {
        gives("stride", &(struct window){ops[i], 2, 1, {700, 2, 300, 1, 0, 0}, three}, 1);
        gives("dilation", &(struct window){ops[i], 2, 1, {700, 2, 100, 280, 0, 0}, three}, 1);
    }
}

/* One output, or one tap, in the direction of a long distance. */
Test(onnx_windows, distances_that_are_not_gone_may_be_of_any_length) {
    static const char *const ops[] = {"MaxPool", "AveragePool", "Conv"};
    for (int i = 0; i < 3; i++) {
        gives("stride", &(struct window){ops[i], 2, 1, {200, 2, 300, 1, 0, 0}, three}, 0);
        gives("dilation", &(struct window){ops[i], 2, 1, {9, 1, 1, 280, 0, 0}, three}, 0);
        gives("both", &(struct window){ops[i], 300, 1, three, {4, 1, 300, 300, 0, 0}}, 0);
    }
}

/* Of 300 numbers that lie two apart, which only a window could add. */
Test(onnx_windows, means_of_more_rows_than_a_window_has_are_the_hosts) {
    static const char *const ops[] = {"ReduceMean", "ReduceMax"};
    for (int i = 0; i < 2; i++) {
        open_map(3, 300, 2);
        onnx_build_opset(build, 13);
        onnx_build_ints(build, onnx_build_node(build, ops[i], "map", "e"), "axes", 1, (int64_t[]){2});
        onnx_build_node(build, "QuantizeLinear", "e s z", "y");
        has_host_layers(ops[i], 1);
    }
}

/* An instruction of a pool may take some of the channels. */
Test(onnx_windows, pools_of_many_channels_have_long_rows) {
    gives("stride", &(struct window){"MaxPool", 300, 1, {3, 1, 1, 1, 0, 0}, {601, 2, 300, 1, 0, 0}}, 0);
    gives("dilation", &(struct window){"MaxPool", 300, 1, {3, 1, 1, 1, 0, 0}, {310, 2, 1, 300, 0, 0}}, 0);
}

Test(onnx_windows, convolutions_that_no_field_holds_are_refused_with_the_reason) {
    refused(&(struct window){"Conv", 2, 1, {700, 2, 300, 1, 0, 0}, three}, "operator 2 Conv: its windows are 300 rows apart; at most 255");
    refused(&(struct window){"Conv", 2, 1, {700, 2, 1, 280, 0, 0}, three}, "the rows of its windows are 280 apart; at most 255");
    refused(&(struct window){"Conv", 2, 1, {400, 300, 1, 1, 0, 0}, three}, "its window of 300x3 is larger than 255");
    refused(&(struct window){"Conv", 2, 1, {4, 2, 1, 1, 40000, 0}, three}, "more than 32767 rows outside of the map");
    refused(&(struct window){"Conv", 2, 1, {4, 2, 1, 1, 0, 40000}, three}, "more than 32767 rows outside of the map");
    refused(&(struct window){"Conv", 300, 1, three, {700, 1, 300, 1, 0, 0}}, "its windows are 90000 bytes apart; at most 65535");
    refused(&(struct window){"Conv", 300, 1, three, {700, 2, 1, 300, 0, 0}}, "reaches over 90300 bytes; at most 65535");
    refused(&(struct window){"Conv", 600, 1, {1, 1, 1, 1, 0, 0}, {400, 250, 1, 1, 0, 0}}, "reaches over 150000 bytes; at most 65535");
    refused(&(struct window){"Conv", 300, 1, three, {7, 2, 1, 1, 400, 0}}, "more than 32767 bytes outside of a row of the map");
    refused(&(struct window){"Conv", 300, 300, {3, 1, 1, 1, 0, 0}, {310, 300, 1, 1, 0, 0}}, "its window of 1x300 is larger than 255");
}

/* An array of two columns has no run of three channels. */
Test(onnx_windows, a_depthwise_row_of_many_taps_needs_columns_of_the_array) {
    static const struct qm_compile_options options;
    const struct window w = {"Conv", 3, 3, {3, 1, 1, 1, 0, 0}, {310, 300, 1, 1, 0, 0}};
    struct qm_program *program;
    struct qm_machine machine;
    struct qm_diag diag = {.text = ""};
    gives("three of sixteen", &w, 0);
    qm_machine_init(&machine);
    machine.cols = 2;
    struct file_bytes file = onnx_build_pack(build);
    const struct qm_model_bytes model = {file.data, file.size, "windows"};
    cr_expect(eq(int, qm_compile(&model, &machine, &options, &program, &diag), QM_BAD_INPUT));
    cr_expect(strstr(diag.text, "a window of 300 columns over 3 channels, which needs as many columns of the array") != NULL, "%s",
              diag.text);
}

/* ---- any ---- */

static int64_t between(uint64_t *seed, int64_t low, int64_t high) {
    *seed = qm_hash3(*seed, 1, 2);
    return low + (int64_t)(*seed % (uint64_t)(high - low + 1));
}

/* Mostly small, now and then around what a field of 8 bits holds. */
static int64_t distance(uint64_t *seed) {
    return between(seed, 0, 2) > 0 ? between(seed, 1, 4) : between(seed, 200, 310);
}

static struct axis draw_axis(uint64_t *seed, bool pads) {
    struct axis a = {.kernel = between(seed, 0, 9) > 0 ? between(seed, 1, 3) : between(seed, 240, 270)};
    a.stride = distance(seed);
    a.dilation = a.kernel < 10 ? distance(seed) : 1;
    int64_t reach = (a.kernel - 1) * a.dilation + 1;
    if (pads && between(seed, 0, 3) == 0) a.before = between(seed, 0, 1) > 0 ? reach - 1 : between(seed, 1, 400);
    a.in = reach + (between(seed, 0, 1) > 0 ? between(seed, 0, 2) * a.stride : between(seed, 0, 5));
    return a;
}

/* An axis of distances, and one of few elements. */
static struct window draw(uint64_t seed) {
    static const char *const ops[] = {"Conv", "Conv", "MaxPool"};
    struct window w = {.op = ops[between(&seed, 0, 2)], .groups = 1};
    bool is_conv = strcmp(w.op, "Conv") == 0;
    w.channels = between(&seed, 0, 1) > 0 ? between(&seed, 1, 4) : between(&seed, 200, 300);
    if (is_conv && between(&seed, 0, 2) == 0) w.groups = w.channels;
    w.rows = w.columns = (struct axis){.in = 2, .kernel = 1, .stride = 1, .dilation = 1};
    *(between(&seed, 0, 1) > 0 ? &w.rows : &w.columns) = draw_axis(&seed, is_conv);
    return w;
}

static enum qm_status compile_for_a_large_machine(struct qm_diag *diag) {
    static const struct qm_compile_options options = {.plan_only = true};
    struct file_bytes file = onnx_build_pack(build);
    struct qm_machine machine;
    struct qm_program *program;
    qm_machine_init(&machine);
    machine.scratchpad_bytes = 1 << 23;
    machine.cols = QM_MOST_cols;
    *diag = (struct qm_diag){.text = ""};
    QM_TRY(qm_compile(&(struct qm_model_bytes){file.data, file.size, "windows"}, &machine, &options, &program, diag));
    qm_program_destroy(program);
    return QM_OK;
}

Test(onnx_windows, what_is_read_is_compiled) {
    uint32_t taken = 0;
    for (uint64_t i = 0; i < DRAWN; i++) {
        struct window w = draw(qm_hash3(i, 3, 4));
        struct qm_network *network;
        struct qm_diag diag;
        char name[32];
        snprintf(name, sizeof name, "window %u", (unsigned)i);
        open_network(&w);
        if (legalize(&network, &diag) == QM_OK) {
            taken++;
            cr_expect(eq(int, compile_for_a_large_machine(&diag), QM_OK), "%s: %s", name, diag.text);
            if (input.count * (size_t)(w.rows.kernel * w.columns.kernel) < SMALL) runs(name);
        }
        teardown();
        setup();
    }
    cr_expect(gt(u32, taken, DRAWN / 2));
    cr_expect(lt(u32, taken, DRAWN));
}
