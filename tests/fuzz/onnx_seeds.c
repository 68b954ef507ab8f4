/* onnx_seeds.c - writes small ONNX models for the fuzz target to start from: DIR/qdq_N.onnx, DIR/integer_N.onnx. */
#include <stdio.h>

#include "tests/support/onnx_build.h"

static int write_model(struct onnx_build *b, const char *folder, const char *name, uint32_t seed) {
    struct file_bytes bytes = onnx_build_pack(b);
    FILE *stream = fopen(qm_arena_printf(b->arena, "%s/%s_%u.onnx", folder, name, seed), "wb");
    if (stream == NULL) return 1;
    bool whole = fwrite(bytes.data, 1, bytes.size, stream) == bytes.size;
    return fclose(stream) != 0 || !whole;
}

int main(int argc, char **argv) {
    int failed = argc != 2;
    for (uint32_t seed = 1; seed <= 3 && !failed; seed++) {
        struct qm_arena *arena = qm_arena_create();
        struct onnx_build quantized = {0}, integer = {0};
        onnx_build_qdq(&quantized, arena, seed);
        onnx_build_integer(&integer, arena, seed);
        failed = write_model(&quantized, argv[1], "qdq", seed) || write_model(&integer, argv[1], "integer", seed);
        qm_arena_destroy(arena);
    }
    return failed;
}
