/* attention.c - writes attention.tflite and attention.onnx to a folder: products of two computed tensors, with a softmax between them.
 *
 * attention FOLDER
 * Two heads of 12 queries and 10 keys of 16 features; values of 20. Queries and keys are inputs, values are computed before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/onnx_build.h"
#include "tests/support/tflite_build.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3 };

static void store(const char *folder, const char *name, const uint8_t *bytes, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    bool whole = stream != NULL && fwrite(bytes, 1, size, stream) == size;
    if (stream == NULL || fclose(stream) != 0 || !whole) {
        fprintf(stderr, "attention: cannot write %s\n", path);
        exit(1);
    }
}

/* ---- TFLite ---- */

static struct build_tensor map(int32_t rows, int32_t columns, float scale, int32_t zero) {
    return (struct build_tensor){.type = BUILD_INT8, .dims = {1, 2, rows, columns}, .scale = scale, .zero = zero};
}

static void write_tflite(const char *folder) {
    static struct build_model m = {.tensor_count = 7, .inputs = {0, 1, 2}, .input_count = 3, .outputs = {6}, .node_count = 4};
    static struct fbb bytes;
    uint32_t one;
    memcpy(&one, &(float){1}, sizeof one);
    m.tensors[0] = map(12, 16, 0.05F, 3);         /* queries */
    m.tensors[1] = map(10, 16, 0.04F, -7);        /* keys */
    m.tensors[2] = map(10, 20, 0.03F, 5);         /* half the values */
    m.tensors[3] = map(10, 20, 0.06F, -9);        /* values */
    m.tensors[4] = map(12, 10, 0.2F, 11);         /* scores */
    m.tensors[5] = map(12, 10, 1.0F / 256, -128); /* probabilities */
    m.tensors[6] = map(12, 20, 0.02F, -4);
    m.nodes[0] = (struct build_node){.code = TFLITE_ADD, .options = OPTIONS_ADD, .inputs = {2, 2}, .outputs = {3}, .input_count = 2};
    m.nodes[1] = (struct build_node){
        .code = TFLITE_BATCH_MATMUL, .options = OPTIONS_BATCH_MATMUL, .inputs = {0, 1}, .outputs = {4}, .input_count = 2};
    m.nodes[1].slots[MATMUL_TRANSPOSED] = 1;
    m.nodes[2] = (struct build_node){.code = TFLITE_SOFTMAX, .options = OPTIONS_SOFTMAX, .inputs = {4}, .outputs = {5}, .input_count = 1};
    m.nodes[2].slots[SOFTMAX_BETA] = one;
    m.nodes[3] = (struct build_node){
        .code = TFLITE_BATCH_MATMUL, .options = OPTIONS_BATCH_MATMUL, .inputs = {5, 3}, .outputs = {6}, .input_count = 2};
    build_write(&m, &bytes);
    store(folder, "attention.tflite", bytes.bytes, bytes.size);
}

/* ---- ONNX ---- */

/* Quantizes x to bytes, and makes real numbers of them again: x_r. */
static void quantize(struct onnx_build *b, const char *x, int32_t type, double scale, double zero) {
    struct onnx_build_shape one = {0, {0}};
    struct qm_arena *arena = b->arena;
    const char *operands = qm_arena_printf(arena, "%s_scale %s_zero", x, x);
    onnx_build_constant(b, qm_arena_printf(arena, "%s_scale", x), FLOAT, one, &scale);
    onnx_build_constant(b, qm_arena_printf(arena, "%s_zero", x), type, one, &zero);
    onnx_build_node(b, "QuantizeLinear", qm_arena_printf(arena, "%s %s", x, operands), qm_arena_printf(arena, "%s_q", x));
    onnx_build_node(b, "DequantizeLinear", qm_arena_printf(arena, "%s_q %s", x, operands), qm_arena_printf(arena, "%s_r", x));
}

static void write_onnx(const char *folder) {
    static struct onnx_build b;
    struct qm_arena *arena = qm_arena_create();
    onnx_build_open(&b, arena);
    onnx_build_input(&b, "query", FLOAT, (struct onnx_build_shape){4, {1, 2, 12, 16}});
    onnx_build_input(&b, "key", FLOAT, (struct onnx_build_shape){4, {1, 2, 10, 16}});
    onnx_build_input(&b, "half", FLOAT, (struct onnx_build_shape){4, {1, 2, 10, 20}});
    quantize(&b, "query", UINT8, 0.015, 131);
    quantize(&b, "key", INT8, 0.014, -7);
    quantize(&b, "half", UINT8, 0.013, 120);
    onnx_build_node(&b, "Add", "half_r half_r", "value");
    quantize(&b, "value", UINT8, 0.026, 117);
    onnx_build_ints(&b, onnx_build_node(&b, "Transpose", "key_r", "turned"), "perm", 4, (const int64_t[]){0, 1, 3, 2});
    onnx_build_node(&b, "MatMul", "query_r turned", "products");
    onnx_build_constant(&b, "quarter", FLOAT, (struct onnx_build_shape){0, {0}}, &(double){0.25});
    onnx_build_node(&b, "Mul", "products quarter", "scores");
    quantize(&b, "scores", INT8, 0.02, 5);
    onnx_build_int(&b, onnx_build_node(&b, "Softmax", "scores_r", "parts"), "axis", -1);
    quantize(&b, "parts", UINT8, 1.0 / 255, 0);
    onnx_build_node(&b, "MatMul", "parts_r value_r", "mixed");
    quantize(&b, "mixed", INT8, 0.01, -3);
    onnx_build_output(&b, "mixed_r");
    struct file_bytes bytes = onnx_build_pack(&b);
    store(folder, "attention.onnx", bytes.data, bytes.size);
    qm_arena_destroy(arena);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "attention FOLDER\n");
        return 2;
    }
    write_tflite(argv[1]);
    write_onnx(argv[1]);
    return 0;
}
