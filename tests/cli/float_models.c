/* float_models.c - writes float networks with examples and labels to a folder, for the tests of the command line.
 *
 * float_models FOLDER
 * net.onnx: maps of 3x8x8, a convolution with its batch norm, a depthwise one, a sum, a mean over the map, Gemm and Softmax; x.npy has 48
 * examples, labels.npy a class for each, nan.npy a NaN among them, zeros.npy zeros, few.npy one example.
 * net.tflite: 1x12, two fully connected layers; sines.tflite: one, of sines, which are not written; rows.npy has 48 examples.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "common/prng.h"
#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/onnx_build.h"
#include "tests/support/tflite_build.h"

enum { FLOAT = 1, EXAMPLES = 48, MAP = 3 * 8 * 8, ROW = 12, CLASSES = 5 };

static struct qm_prng prng;

static double drawn(void) {
    return (double)((int)(qm_prng_next(&prng) % 2001) - 1000) / 1000;
}

static char *path_of(const char *folder, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void store(const char *folder, const char *name, const uint8_t *bytes, size_t size) {
    FILE *stream = fopen(path_of(folder, name), "wb");
    bool whole = stream != NULL && fwrite(bytes, 1, size, stream) == size;
    if (stream == NULL || fclose(stream) != 0 || !whole) {
        fprintf(stderr, "float_models: cannot write %s\n", path_of(folder, name));
        exit(1);
    }
}

static void store_npy(const char *folder, const char *name, struct qm_npy npy) {
    struct qm_diag diag;
    if (qm_npy_write(path_of(folder, name), &npy, &diag) == QM_OK) return;
    fprintf(stderr, "float_models: %s\n", diag.text);
    exit(1);
}

/* ---- ONNX ---- */

static void add_constant(struct onnx_build *b, const char *name, struct onnx_build_shape shape, double about) {
    static double numbers[1024];
    size_t count = 1;
    for (uint32_t d = 0; d < shape.rank; d++) count *= (size_t)shape.dims[d];
    for (size_t i = 0; i < count; i++) numbers[i] = about + drawn() / (about > 0 ? 2 : 1);
    onnx_build_constant(b, name, FLOAT, shape, numbers);
}

static void write_onnx(const char *folder) {
    static struct onnx_build b;
    struct qm_arena *arena = qm_arena_create();
    onnx_build_open(&b, arena);
    onnx_build_input(&b, "x", FLOAT, (struct onnx_build_shape){4, {1, 3, 8, 8}});
    add_constant(&b, "w0", (struct onnx_build_shape){4, {8, 3, 3, 3}}, 0);
    add_constant(&b, "b0", (struct onnx_build_shape){1, {8}}, 0);
    const char *const norms[] = {"scale", "shift", "mean", "variance"};
    for (int i = 0; i < 4; i++) add_constant(&b, norms[i], (struct onnx_build_shape){1, {8}}, i % 3 == 0);
    add_constant(&b, "w1", (struct onnx_build_shape){4, {8, 1, 3, 3}}, 0);
    add_constant(&b, "b1", (struct onnx_build_shape){1, {8}}, 0);
    add_constant(&b, "w2", (struct onnx_build_shape){2, {8, CLASSES}}, 0);
    add_constant(&b, "b2", (struct onnx_build_shape){1, {CLASSES}}, 0);
    Onnx__NodeProto *stem = onnx_build_node(&b, "Conv", "x w0 b0", "stem");
    onnx_build_ints(&b, stem, "pads", 4, (const int64_t[]){1, 1, 1, 1});
    onnx_build_node(&b, "BatchNormalization", "stem scale shift mean variance", "normal");
    onnx_build_node(&b, "Relu", "normal", "act0");
    Onnx__NodeProto *deep = onnx_build_node(&b, "Conv", "act0 w1 b1", "deep");
    onnx_build_ints(&b, deep, "pads", 4, (const int64_t[]){1, 1, 1, 1});
    onnx_build_int(&b, deep, "group", 8);
    onnx_build_node(&b, "Add", "deep act0", "sum");
    onnx_build_node(&b, "Relu", "sum", "act1");
    onnx_build_node(&b, "GlobalAveragePool", "act1", "pooled");
    onnx_build_node(&b, "Flatten", "pooled", "flat");
    onnx_build_node(&b, "Gemm", "flat w2 b2", "logits");
    onnx_build_node(&b, "Softmax", "logits", "y");
    onnx_build_output(&b, "y");
    struct file_bytes bytes = onnx_build_pack(&b);
    store(folder, "net.onnx", bytes.data, bytes.size);
    qm_arena_destroy(arena);
}

/* ---- TFLite ---- */

static struct build_tensor constant(int32_t rows, int32_t columns, float *numbers) {
    for (int32_t i = 0; i < rows * (columns > 0 ? columns : 1); i++) numbers[i] = (float)drawn();
    return (struct build_tensor){.type = BUILD_FLOAT, .dims = {rows, columns}, .data = numbers};
}

static void write_tflite(const char *folder) {
    static struct build_model m = {.tensor_count = 7, .inputs = {0}, .input_count = 1, .outputs = {6}, .node_count = 2};
    static struct fbb bytes;
    static float numbers[4][ROW * ROW];
    m.tensors[0] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {1, ROW}};
    m.tensors[1] = constant(ROW, ROW, numbers[0]);
    m.tensors[2] = constant(ROW, 0, numbers[1]);
    m.tensors[3] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {1, ROW}};
    m.tensors[4] = constant(CLASSES, ROW, numbers[2]);
    m.tensors[5] = constant(CLASSES, 0, numbers[3]);
    m.tensors[6] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {1, CLASSES}};
    for (int i = 0; i < 2; i++)
        m.nodes[i] = (struct build_node){.code = TFLITE_FULLY_CONNECTED,
                                         .options = OPTIONS_FC,
                                         .inputs = {3 * i, 3 * i + 1, 3 * i + 2},
                                         .outputs = {3 * i + 3},
                                         .input_count = 3};
    m.nodes[0].slots[FC_ACTIVATION] = 1;
    build_write(&m, &bytes);
    store(folder, "net.tflite", bytes.bytes, bytes.size);
}

static void write_sines(const char *folder) {
    static struct build_model m = {.tensor_count = 5, .inputs = {0}, .input_count = 1, .outputs = {4}, .node_count = 2};
    static struct fbb bytes;
    static float numbers[2][ROW * ROW];
    m.tensors[0] = m.tensors[1] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {1, ROW}};
    m.tensors[2] = constant(CLASSES, ROW, numbers[0]);
    m.tensors[3] = constant(CLASSES, 0, numbers[1]);
    m.tensors[4] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {1, CLASSES}};
    m.nodes[0] = (struct build_node){.code = TFLITE_SIN, .inputs = {0}, .outputs = {1}, .input_count = 1};
    m.nodes[1] =
        (struct build_node){.code = TFLITE_FULLY_CONNECTED, .options = OPTIONS_FC, .inputs = {1, 2, 3}, .outputs = {4}, .input_count = 3};
    build_write(&m, &bytes);
    store(folder, "sines.tflite", bytes.bytes, bytes.size);
}

/* ---- examples ---- */

static void write_examples(const char *folder) {
    static float maps[EXAMPLES][MAP], rows[EXAMPLES][ROW];
    static int32_t labels[EXAMPLES];
    for (size_t i = 0; i < EXAMPLES; i++) {
        double bright = 1 + drawn() / 2;
        for (size_t j = 0; j < MAP; j++) maps[i][j] = (float)(bright * (drawn() + (double)(i % CLASSES) * 0.2));
        for (size_t j = 0; j < ROW; j++) rows[i][j] = (float)(3 * drawn());
        labels[i] = (int32_t)(i % CLASSES);
    }
    struct qm_npy npy = {.type = "f4", .rank = 4, .dims = {EXAMPLES, 3, 8, 8}, .data = (uint8_t *)maps};
    store_npy(folder, "x.npy", npy);
    npy.dims[0] = 1;
    store_npy(folder, "few.npy", npy);
    store_npy(folder, "labels.npy", (struct qm_npy){.type = "i4", .rank = 1, .dims = {EXAMPLES}, .data = (uint8_t *)labels});
    store_npy(folder, "rows.npy", (struct qm_npy){.type = "f4", .rank = 2, .dims = {EXAMPLES, ROW}, .data = (uint8_t *)rows});
    npy.dims[0] = EXAMPLES;
    maps[EXAMPLES - 1][7] = NAN;
    store_npy(folder, "nan.npy", npy);
    memset(maps, 0, sizeof maps);
    store_npy(folder, "zeros.npy", npy);
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "usage: float_models FOLDER\n"), 2;
    qm_prng_init(&prng, 1);
    write_onnx(argv[1]);
    write_tflite(argv[1]);
    write_sines(argv[1]);
    write_examples(argv[1]);
    return 0;
}
