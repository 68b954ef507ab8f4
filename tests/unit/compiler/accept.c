/* accept.c - layers that are not exact, taken because that was asked for: what is stated of each is what its integers differ from an
 * evaluation in doubles, written here again from the networks.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/onnx_build.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3, ROWS = 256, DEPTH = 4 };

static struct qm_arena *arena;
static struct onnx_build build;
static struct qm_diag diag;

static void setup(void) {
    arena = qm_arena_create();
    memset(&build, 0, sizeof build);
    onnx_build_open(&build, arena);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(accept, .init = setup, .fini = teardown);

/* ---- networks ---- */

/* sum [ROWS][2] of x [ROWS][DEPTH] and weights of 127, in real numbers. */
static void open_sums(void) {
    double weights[2 * DEPTH];
    for (int i = 0; i < 2 * DEPTH; i++) weights[i] = 127;
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){2, {ROWS, DEPTH}});
    onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){2, {DEPTH, 2}}, weights);
    onnx_build_number(&build, "one", FLOAT, 1);
    onnx_build_number(&build, "zero", INT8, 0);
    onnx_build_node(&build, "DequantizeLinear", "x one zero", "xr");
    onnx_build_node(&build, "DequantizeLinear", "w one zero", "wr");
    onnx_build_node(&build, "MatMul", "xr wr", "sum");
}

static void quantize(const char *from, double scale) {
    char inputs[40];
    snprintf(inputs, sizeof inputs, "%s step zero", from);
    onnx_build_number(&build, "step", FLOAT, scale);
    onnx_build_node(&build, "QuantizeLinear", inputs, "y");
    onnx_build_output(&build, "y");
}

/* ---- runs ---- */

static enum qm_status compile(bool accept, struct qm_program **program) {
    struct file_bytes file = onnx_build_pack(&build);
    struct qm_model_bytes model = {file.data, file.size, "net"};
    struct qm_compile_options options = {.accept_error = accept, .compare = accept, .search = QM_SEARCH_NONE};
    struct qm_machine machine;
    cr_assert(qm_machine_load("edge", &machine, &diag) == QM_OK);
    return qm_compile(&model, &machine, &options, program, &diag);
}

static uint32_t inexact_layers(const struct qm_program *program) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) count += program->layers[i].is_inexact;
    return count;
}

/* Runs the network on x [count] of each input; y [elements] and its stated differences. */
static void run(const struct qm_program *program, const int8_t *const *inputs, int8_t *y, int32_t *differences) {
    struct qm_device_options options = {0};
    struct qm_device *device;
    uint32_t out = program->input_count;
    cr_assert(eq(u32, program->output_count, 2));
    qm_driver_memory(program, &options);
    cr_assert(qm_device_functional.create(&program->machine, &options, &device, &diag) == QM_OK);
    cr_assert(qm_driver_load(device, program, &diag) == QM_OK, "%s", diag.text);
    for (uint32_t i = 0; i < program->input_count; i++) qm_driver_write_tensor(device, program, i, inputs[i]);
    cr_assert(qm_driver_run(device, program, NULL, NULL, &diag) == QM_OK, "%s", diag.text);
    qm_driver_read_tensor(device, program, out, y);
    qm_driver_read_tensor(device, program, out + 1, differences);
    device->ops->destroy(device);
}

static double cut(double x, double low, double high) {
    return x < low ? low : x > high ? high : x;
}

static uint32_t random_below(uint32_t *seed, uint32_t end) {
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % end;
}

/* ---- products ---- */

/* Rows whose sums are near middle[column] for one column or the other. */
static void fill_rows(int8_t *x, int32_t *sums, int32_t middle) {
    uint32_t seed = 1;
    for (int row = 0; row < ROWS; row++) {
        sums[row] = 0;
        for (int k = 0; k < DEPTH; k++) {
            x[row * DEPTH + k] = (int8_t)((row % 2 == 0 ? middle : -middle) + (int32_t)random_below(&seed, 9) - 4);
            sums[row] += 127 * x[row * DEPTH + k];
        }
    }
}

Test(accept, a_bias_that_is_too_large_is_off_by_what_is_stated) {
    static const double addends[] = {50003.5, -50003.5};
    static int8_t x[ROWS * DEPTH], y[ROWS * 2];
    static int32_t sums[ROWS], differences[ROWS * 2];
    struct qm_program *program;
    uint32_t wrong = 0;
    open_sums();
    onnx_build_constant(&build, "c", FLOAT, (struct onnx_build_shape){1, {2}}, addends);
    onnx_build_node(&build, "Add", "sum c", "more");
    quantize("more", 10);
    cr_assert(eq(int, compile(false, &program), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "channel 0: adds 5000.35 steps of the output, and the machine's nearest is up to 0.05 steps off; a larger "
                                "scale of the output makes both smaller; qmac run --accept-error takes the nearest") != NULL,
              "%s", diag.text);
    cr_assert(eq(int, compile(true, &program), QM_OK), "%s", diag.text);
    cr_assert(eq(u32, inexact_layers(program), 1));
    fill_rows(x, sums, -98);
    run(program, (const int8_t *const[]){x}, y, differences);
    for (int i = 0; i < ROWS * 2; i++) {
        double meant = cut(nearbyint((sums[i / 2] + addends[i % 2]) / 10), INT8_MIN, INT8_MAX);
        cr_assert(eq(i32, differences[i], (int32_t)(y[i] - meant)), "element %d", i);
        cr_assert(le(i32, abs(differences[i]), 1));
        wrong += differences[i] != 0;
    }
    cr_assert(gt(u32, wrong, 0));
    qm_program_destroy(program);
}

/* Stacks of matrices, both computed. */
Test(accept, a_product_of_two_computed_operands_is_off_by_what_is_stated) {
    enum { STACK = 2, SIDE = 16 };
    static int8_t a[STACK * SIDE * SIDE], b[STACK * SIDE * SIDE], y[STACK * SIDE * SIDE];
    static int32_t differences[STACK * SIDE * SIDE];
    double addends[SIDE];
    struct qm_program *program;
    uint32_t wrong = 0, seed = 1;
    for (int i = 0; i < SIDE; i++) addends[i] = i % 2 == 0 ? 50003.5 : -50003.5;
    onnx_build_input(&build, "a", INT8, (struct onnx_build_shape){3, {STACK, SIDE, SIDE}});
    onnx_build_input(&build, "b", INT8, (struct onnx_build_shape){3, {STACK, SIDE, SIDE}});
    onnx_build_constant(&build, "c", FLOAT, (struct onnx_build_shape){1, {SIDE}}, addends);
    onnx_build_number(&build, "one", FLOAT, 1);
    onnx_build_number(&build, "zero", INT8, 0);
    onnx_build_node(&build, "DequantizeLinear", "a one zero", "ar");
    onnx_build_node(&build, "DequantizeLinear", "b one zero", "br");
    onnx_build_node(&build, "MatMul", "ar br", "sum");
    onnx_build_node(&build, "Add", "sum c", "more");
    quantize("more", 10);
    cr_assert(eq(int, compile(true, &program), QM_OK), "%s", diag.text);
    cr_assert(eq(u32, inexact_layers(program), 1));
    for (int i = 0; i < STACK * SIDE * SIDE; i++) {
        a[i] = (int8_t)(56 + random_below(&seed, 9) - 4);
        b[i] = (int8_t)((i % 2 == 0 ? -56 : 56) + (int32_t)random_below(&seed, 9) - 4);
    }
    run(program, (const int8_t *const[]){a, b}, y, differences);
    for (int i = 0; i < STACK * SIDE * SIDE; i++) {
        const int8_t *row = a + i / SIDE * SIDE, *matrix = b + i / (SIDE * SIDE) * SIDE * SIDE;
        double sum = addends[i % SIDE];
        for (int k = 0; k < SIDE; k++) sum += row[k] * matrix[k * SIDE + i % SIDE];
        cr_assert(eq(i32, differences[i], (int32_t)(y[i] - cut(nearbyint(sum / 10), INT8_MIN, INT8_MAX))), "element %d", i);
        wrong += differences[i] != 0;
    }
    cr_assert(gt(u32, wrong, 0));
    qm_program_destroy(program);
}

Test(accept, what_is_exact_is_no_different) {
    struct qm_program *program, *plain;
    open_sums();
    quantize("sum", 500);
    cr_assert(eq(int, compile(false, &plain), QM_OK));
    cr_assert(eq(int, compile(true, &program), QM_OK));
    cr_assert(eq(u32, inexact_layers(program), 0));
    cr_assert(eq(u32, program->output_count, 1));
    cr_assert(eq(u32, program->insn_count, plain->insn_count));
    cr_assert(memcmp(program->insns, plain->insns, plain->insn_count * sizeof *plain->insns) == 0);
    qm_program_destroy(program);
    qm_program_destroy(plain);
}

/* ---- factors that leave nothing ---- */

/* Compiles to exact layers, whose numbers come from addends [2], one for each column. */
static void leaves_nothing_of_sums(double scale, const double addends[2]) {
    static int8_t x[ROWS * DEPTH], y[ROWS * 2];
    static int32_t sums[ROWS];
    struct qm_device_options options = {0};
    struct qm_device *device;
    struct qm_program *program;
    open_sums();
    onnx_build_number(&build, "tiny", FLOAT, scale);
    onnx_build_constant(&build, "c", FLOAT, (struct onnx_build_shape){1, {2}}, addends);
    onnx_build_node(&build, "Mul", "sum tiny", "less");
    onnx_build_node(&build, "Add", "less c", "more");
    quantize("more", 10);
    cr_assert(eq(int, compile(false, &program), QM_OK), "%s", diag.text);
    cr_assert(eq(u32, inexact_layers(program), 0));
    fill_rows(x, sums, -98);
    qm_driver_memory(program, &options);
    cr_assert(qm_device_functional.create(&program->machine, &options, &device, &diag) == QM_OK);
    cr_assert(qm_driver_load(device, program, &diag) == QM_OK, "%s", diag.text);
    qm_driver_write_tensor(device, program, 0, x);
    cr_assert(qm_driver_run(device, program, NULL, NULL, &diag) == QM_OK, "%s", diag.text);
    qm_driver_read_tensor(device, program, 1, y);
    for (int i = 0; i < ROWS * 2; i++) {
        double meant = cut(nearbyint((sums[i / 2] * scale + addends[i % 2]) / 10), INT8_MIN, INT8_MAX);
        cr_assert(eq(i32, y[i], (int32_t)meant), "element %d", i);
    }
    device->ops->destroy(device);
    qm_program_destroy(program);
}

Test(accept, a_factor_that_rounds_all_sums_to_nothing_is_exact) {
    leaves_nothing_of_sums(1e-9, (const double[]){0, 0});
}

Test(accept, a_factor_that_changes_no_addend_is_exact) {
    leaves_nothing_of_sums(1e-9, (const double[]){304, -304});
}

/* Half a step, which the smallest sum moves to either side. */
Test(accept, a_factor_that_decides_a_tie_is_not_too_small) {
    struct qm_program *program;
    open_sums();
    onnx_build_number(&build, "tiny", FLOAT, 1e-9);
    onnx_build_number(&build, "half", FLOAT, 305);
    onnx_build_node(&build, "Mul", "sum tiny", "less");
    onnx_build_node(&build, "Add", "less half", "more");
    quantize("more", 10);
    cr_assert(eq(int, compile(false, &program), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "its factor 1e-10 is too small; qmac run --accept-error takes the nearest") != NULL, "%s", diag.text);
}

/* A network of integers in floats, which divides its sums and rounds them down. */
static void open_floors(double divisor) {
    double weights[2 * DEPTH];
    for (int i = 0; i < 2 * DEPTH; i++) weights[i] = (i / 2 == 0 ? 1 : 127) * (i % 2 == 0 ? 1 : -1);
    onnx_build_input(&build, "x", FLOAT, (struct onnx_build_shape){2, {ROWS, DEPTH}});
    onnx_build_constant(&build, "w", FLOAT, (struct onnx_build_shape){2, {DEPTH, 2}}, weights);
    onnx_build_number(&build, "d", FLOAT, divisor);
    onnx_build_node(&build, "MatMul", "x w", "sum");
    onnx_build_node(&build, "Div", "sum d", "less");
    onnx_build_node(&build, "Floor", "less", "whole");
    onnx_build_number(&build, "low", FLOAT, -120);
    onnx_build_number(&build, "high", FLOAT, 120);
    onnx_build_node(&build, "Clip", "whole low high", "y");
    onnx_build_output(&build, "y");
}

/* Rows whose sums just reach the floors from -64 to 63, or just do not. */
static void fill_floors(int8_t *x, int32_t *sums, double divisor) {
    for (int row = 0; row < ROWS; row++) {
        sums[row] = (int32_t)ceil((row / 2 - ROWS / 4) * divisor) - row % 2;
        int32_t rest = sums[row] / 127;
        x[row * DEPTH] = (int8_t)(sums[row] % 127);
        for (int k = 1; k < DEPTH; k++) {
            x[row * DEPTH + k] = (int8_t)(rest / (DEPTH - k));
            rest -= x[row * DEPTH + k];
        }
    }
}

Test(accept, the_files_own_rounding_is_off_by_what_is_stated) {
    static int8_t x[ROWS * DEPTH], y[ROWS * 2];
    static int32_t sums[ROWS], differences[ROWS * 2];
    const double divisor = (double)517.3F;
    struct qm_program *program;
    uint32_t wrong = 0;
    open_floors(divisor);
    cr_assert(eq(int, compile(false, &program), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "no multiplier, shift and addend give its integers exactly; qmac run --accept-error") != NULL, "%s",
              diag.text);
    cr_assert(eq(int, compile(true, &program), QM_OK), "%s", diag.text);
    cr_assert(eq(u32, inexact_layers(program), 1));
    fill_floors(x, sums, divisor);
    run(program, (const int8_t *const[]){x}, y, differences);
    for (int i = 0; i < ROWS * 2; i++) {
        double meant = cut(floor((i % 2 == 0 ? sums[i / 2] : -sums[i / 2]) / divisor), -120, 120);
        cr_assert(eq(i32, differences[i], (int32_t)(y[i] - meant)), "element %d", i);
        cr_assert(le(i32, abs(differences[i]), 1));
        wrong += differences[i] != 0;
    }
    cr_assert(gt(u32, wrong, 0));
    qm_program_destroy(program);
}

/* ---- convolutions ---- */

/* Of maps of CHANNELS channels first; stride 2, a border of 1. */
enum { CHANNELS = 2, TAPS = 3, BORDER = 1, STRIDE = 2, WIDE = 19, NARROW = 10 };

static double filter_at(uint32_t out, uint32_t in, uint32_t y, uint32_t x) {
    return (double)((out * 37 + in * 59 + y * 17 + x * 29) % 255) - 127;
}

/* Conv from WIDE x WIDE to NARROW x NARROW, or ConvTranspose back; a constant for each channel is added. */
static void open_map(const char *kind, uint32_t size, const double addends[CHANNELS]) {
    double filter[CHANNELS * CHANNELS * TAPS * TAPS], *to = filter;
    bool transposed = strcmp(kind, "ConvTranspose") == 0;
    for (uint32_t i = 0; i < CHANNELS; i++)
        for (uint32_t j = 0; j < CHANNELS; j++)
            for (uint32_t tap = 0; tap < TAPS * TAPS; tap++)
                *to++ = filter_at(transposed ? j : i, transposed ? i : j, tap / TAPS, tap % TAPS);
    onnx_build_input(&build, "x", INT8, (struct onnx_build_shape){4, {1, CHANNELS, size, size}});
    onnx_build_constant(&build, "w", INT8, (struct onnx_build_shape){4, {CHANNELS, CHANNELS, TAPS, TAPS}}, filter);
    onnx_build_constant(&build, "c", FLOAT, (struct onnx_build_shape){3, {CHANNELS, 1, 1}}, addends);
    onnx_build_number(&build, "one", FLOAT, 1);
    onnx_build_number(&build, "zero", INT8, 0);
    onnx_build_node(&build, "DequantizeLinear", "x one zero", "xr");
    onnx_build_node(&build, "DequantizeLinear", "w one zero", "wr");
    Onnx__NodeProto *node = onnx_build_node(&build, kind, "xr wr", "sum");
    onnx_build_ints(&build, node, "strides", 2, (const int64_t[]){STRIDE, STRIDE});
    onnx_build_ints(&build, node, "pads", 4, (const int64_t[]){BORDER, BORDER, BORDER, BORDER});
    onnx_build_node(&build, "Add", "sum c", "more");
    quantize("more", 10);
}

/* The sum of an output: each pair of places, one in the wide map and one in the narrow, that a tap joins. */
static double map_sum(const int8_t *x, bool transposed, uint32_t channel, uint32_t row, uint32_t column) {
    uint32_t size = transposed ? NARROW : WIDE;
    double sum = 0;
    for (uint32_t i = 0; i < CHANNELS * size * size; i++) {
        uint32_t in = i / (size * size), y = i / size % size, z = i % size;
        int32_t tap_y = (int32_t)((transposed ? row : y) + BORDER) - STRIDE * (int32_t)(transposed ? y : row);
        int32_t tap_x = (int32_t)((transposed ? column : z) + BORDER) - STRIDE * (int32_t)(transposed ? z : column);
        if (tap_y < 0 || tap_y >= TAPS || tap_x < 0 || tap_x >= TAPS) continue;
        sum += x[i] * filter_at(channel, in, (uint32_t)tap_y, (uint32_t)tap_x);
    }
    return sum;
}

/* The constants are near the sums' largest, so that some outputs are not cut. */
static void check_map(const char *kind, bool transposed) {
    static const double addends[] = {50003.5, -50003.5};
    static int8_t x[CHANNELS * WIDE * WIDE], y[CHANNELS * WIDE * WIDE];
    static int32_t differences[CHANNELS * WIDE * WIDE];
    uint32_t from = transposed ? NARROW : WIDE, size = transposed ? WIDE : NARROW, wrong = 0, whole = 0, seed = 1;
    struct qm_program *program;
    open_map(kind, from, addends);
    cr_assert(eq(int, compile(false, &program), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "qmac run --accept-error takes the nearest") != NULL, "%s", diag.text);
    cr_assert(eq(int, compile(true, &program), QM_OK), "%s", diag.text);
    cr_assert(eq(u32, inexact_layers(program), 1));
    for (uint32_t i = 0; i < CHANNELS * from * from; i++) x[i] = (int8_t)((int32_t)random_below(&seed, 256) - 128);
    run(program, (const int8_t *const[]){x}, y, differences);
    for (uint32_t i = 0; i < CHANNELS * size * size; i++) {
        uint32_t channel = i / (size * size);
        double meant = nearbyint((map_sum(x, transposed, channel, i / size % size, i % size) + addends[channel]) / 10);
        cr_assert(eq(i32, differences[i], (int32_t)(y[i] - cut(meant, INT8_MIN, INT8_MAX))), "element %u", i);
        whole += fabs(meant) < INT8_MAX;
        wrong += differences[i] != 0;
    }
    cr_assert(gt(u32, whole, 0));
    cr_assert(gt(u32, wrong, 0));
    qm_program_destroy(program);
}

Test(accept, a_convolution_is_off_by_what_is_stated) {
    check_map("Conv", false);
}

Test(accept, a_transposed_convolution_is_off_by_what_is_stated) {
    check_map("ConvTranspose", true);
}

/* ---- sums of two tensors ---- */

Test(accept, a_sum_of_two_tensors_is_off_by_what_is_stated) {
    enum { BYTES = 256 };
    const double as = (double)210.45F, bs = (double)0.500003F;
    static int8_t a[BYTES * BYTES], b[BYTES * BYTES], y[BYTES * BYTES];
    static int32_t differences[BYTES * BYTES];
    struct qm_program *program;
    uint32_t wrong = 0;
    onnx_build_input(&build, "a", INT8, (struct onnx_build_shape){2, {BYTES, BYTES}});
    onnx_build_input(&build, "b", INT8, (struct onnx_build_shape){2, {BYTES, BYTES}});
    onnx_build_number(&build, "as", FLOAT, as);
    onnx_build_number(&build, "bs", FLOAT, bs);
    onnx_build_number(&build, "zero", INT8, 0);
    onnx_build_node(&build, "DequantizeLinear", "a as zero", "ar");
    onnx_build_node(&build, "DequantizeLinear", "b bs zero", "br");
    onnx_build_node(&build, "Add", "ar br", "sum");
    quantize("sum", 1);
    cr_assert(eq(int, compile(false, &program), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "cannot be rounded exactly; qmac run --accept-error takes the nearest") != NULL, "%s", diag.text);
    cr_assert(eq(int, compile(true, &program), QM_OK), "%s", diag.text);
    for (int i = 0; i < BYTES * BYTES; i++) {
        a[i] = (int8_t)(i / BYTES);
        b[i] = (int8_t)(i % BYTES);
    }
    run(program, (const int8_t *const[]){a, b}, y, differences);
    for (int i = 0; i < BYTES * BYTES; i++) {
        double meant = cut(nearbyint(a[i] * as + b[i] * bs), INT8_MIN, INT8_MAX);
        cr_assert(eq(i32, differences[i], (int32_t)(y[i] - meant)), "%d and %d", a[i], b[i]);
        wrong += differences[i] != 0;
    }
    cr_assert(gt(u32, wrong, 0));
    qm_program_destroy(program);
}
