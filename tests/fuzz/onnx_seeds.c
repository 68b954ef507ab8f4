/* onnx_seeds.c - writes small ONNX models for the fuzz targets to start from: DIR/qdq_N.onnx, DIR/integer_N.onnx, and DIR/host_N.onnx, of
 * which the host computes the most.
 */
#include <stdio.h>

#include "tests/support/onnx_build.h"

static int write_model(struct onnx_build *b, const char *folder, const char *name, uint32_t seed) {
    struct file_bytes bytes = onnx_build_pack(b);
    FILE *stream = fopen(qm_arena_printf(b->arena, "%s/%s_%u.onnx", folder, name, seed), "wb");
    if (stream == NULL) return 1;
    bool whole = fwrite(bytes.data, 1, bytes.size, stream) == bytes.size;
    return fclose(stream) != 0 || !whole;
}

/* ---- for the host ---- */

enum { FLOAT = 1, INT8 = 3, INT64 = 7 };

static void list(struct onnx_build *b, const char *name, uint32_t count, const double *numbers) {
    onnx_build_constant(b, name, INT64, (struct onnx_build_shape){1, {count}}, numbers);
}

/* m is a map of 2 channels, 4 high and 4 wide; s is its square. */
static void open_map(struct onnx_build *b, struct qm_arena *arena) {
    static const double scale = 0.05, zero = 3;
    onnx_build_open(b, arena);
    onnx_build_input(b, "x", INT8, (struct onnx_build_shape){4, {1, 2, 4, 4}});
    onnx_build_constant(b, "scale", FLOAT, (struct onnx_build_shape){0}, &scale);
    onnx_build_constant(b, "zero", INT8, (struct onnx_build_shape){0}, &zero);
    onnx_build_node(b, "DequantizeLinear", "x scale zero", "m");
    onnx_build_node(b, "Mul", "m m", "s");
}

static void close_map(struct onnx_build *b) {
    onnx_build_node(b, "QuantizeLinear", "y scale zero", "q");
    onnx_build_output(b, "q");
}

static void attention(struct onnx_build *b) {
    onnx_build_ints(b, onnx_build_node(b, "Transpose", "m", "t"), "perm", 4, (const int64_t[]){0, 1, 3, 2});
    onnx_build_node(b, "MatMul", "s t", "product");
    onnx_build_int(b, onnx_build_node(b, "Softmax", "product", "weights"), "axis", -1);
    onnx_build_node(b, "MatMul", "weights m", "y");
}

static void normalization(struct onnx_build *b) {
    onnx_build_constant(b, "gain", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 2, 0.5, -1});
    onnx_build_int(b, onnx_build_node(b, "LayerNormalization", "s gain", "n"), "axis", -1);
    onnx_build_node(b, "Erf", "n", "e");
    onnx_build_ints(b, onnx_build_node(b, "ReduceMax", "s", "most"), "axes", 2, (const int64_t[]){1, 3});
    onnx_build_node(b, "Max", "e most m", "y");
}

static void windows(struct onnx_build *b) {
    Onnx__NodeProto *pool = onnx_build_node(b, "MaxPool", "s", "p"), *mean = onnx_build_node(b, "AveragePool", "p", "a");
    onnx_build_ints(b, pool, "kernel_shape", 2, (const int64_t[]){2, 3});
    onnx_build_ints(b, pool, "pads", 4, (const int64_t[]){1, 1, 0, 1});
    onnx_build_ints(b, mean, "kernel_shape", 2, (const int64_t[]){3, 3});
    onnx_build_ints(b, mean, "pads", 4, (const int64_t[]){1, 1, 1, 1});
    onnx_build_node(b, "PRelu", "a m", "y");
}

static void moves(struct onnx_build *b) {
    list(b, "places", 3, (const double[]){1, 0, 1});
    onnx_build_int(b, onnx_build_node(b, "Concat", "s m", "c"), "axis", 2);
    list(b, "starts", 2, (const double[]){-1, 0});
    list(b, "ends", 2, (const double[]){-8, 3});
    list(b, "axes", 2, (const double[]){2, 3});
    list(b, "steps", 2, (const double[]){-2, 1});
    onnx_build_node(b, "Slice", "c starts ends axes steps", "part");
    onnx_build_int(b, onnx_build_node(b, "Gather", "part places", "g"), "axis", 1);
    list(b, "around", 8, (const double[]){0, 0, 1, 0, 0, 0, 0, 2});
    onnx_build_node(b, "Pad", "g around", "padded");
    onnx_build_constant(b, "factors", FLOAT, (struct onnx_build_shape){1, {4}}, (const double[]){1, 1, 2, 3});
    onnx_build_node(b, "Resize", "padded - factors", "y");
}

static int write_host(struct qm_arena *arena, const char *folder) {
    static void (*const networks[])(struct onnx_build * b) = {attention, normalization, windows, moves};
    int failed = 0;
    for (uint32_t i = 0; i < sizeof networks / sizeof *networks && !failed; i++) {
        struct onnx_build b = {0};
        open_map(&b, arena);
        networks[i](&b);
        close_map(&b);
        failed = write_model(&b, folder, "host", i + 1);
    }
    return failed;
}

int main(int argc, char **argv) {
    int failed = argc != 2;
    for (uint32_t seed = 1; seed <= 3 && !failed; seed++) {
        struct qm_arena *arena = qm_arena_create();
        struct onnx_build quantized = {0}, integer = {0};
        onnx_build_qdq(&quantized, arena, seed);
        onnx_build_integer(&integer, arena, seed);
        failed = write_model(&quantized, argv[1], "qdq", seed) || write_model(&integer, argv[1], "integer", seed);
        if (seed == 1) failed = failed || write_host(arena, argv[1]);
        qm_arena_destroy(arena);
    }
    return failed;
}
