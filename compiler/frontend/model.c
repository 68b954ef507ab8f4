/* model.c - reads a model file whole, picks the front end that recognizes its content, and stamps the graph with the file's SHA-256. */
#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "compiler/compiler.h"
#include "compiler/frontend/frontend.h"

static const struct frontend frontends[] = {
    {"TFLite", tflite_recognizes, tflite_parse},
    {"ONNX", onnx_recognizes, onnx_parse},
};

enum { FRONTENDS = sizeof frontends / sizeof *frontends, ALIGNMENT = 8 };

static void stamp(const struct model_file *file, struct qm_graph *graph) {
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, file->size, file->bytes);
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(graph->sha256 + 2 * i, 3, "%02x", digest[i]);
}

enum qm_status qm_model_parse(const uint8_t *bytes, size_t size, const char *name, struct qm_arena *arena, struct qm_graph **graph,
                              struct qm_diag *diag) {
    struct model_file file = {.bytes = bytes, .size = size, .name = qm_arena_strdup(arena, name)};
    if ((uintptr_t)bytes % ALIGNMENT != 0) file.bytes = memcpy(qm_arena_alloc(arena, size), bytes, size);
    for (uint32_t i = 0; i < FRONTENDS; i++) {
        if (!frontends[i].recognizes(&file)) continue;
        struct qm_graph *result = QM_ARENA_NEW(arena, struct qm_graph, 1);
        result->file = file.name;
        stamp(&file, result);
        QM_TRY(frontends[i].parse(&file, arena, result, diag));
        *graph = result;
        return QM_OK;
    }
    return qm_fail(diag, QM_BAD_INPUT, "%s: at byte 0x0: not a model that can be read; the format must be %s or %s", name,
                   frontends[0].format, frontends[1].format);
}

static enum qm_status read_stream(FILE *stream, const char *name, struct qm_arena *arena, struct model_file *file, struct qm_diag *diag) {
    struct stat info;
    if (fstat(fileno(stream), &info) != 0) return qm_fail(diag, QM_BAD_INPUT, "%s: %s", name, strerror(errno));
    if (!S_ISREG(info.st_mode)) return qm_fail(diag, QM_BAD_INPUT, "%s: not a regular file", name);
    if (info.st_size > INT32_MAX) return qm_fail(diag, QM_BAD_INPUT, "%s: larger than 2 GiB, the limit of the format", name);
    file->size = (size_t)info.st_size;
    uint8_t *bytes = qm_arena_alloc(arena, file->size + 1);
    if (fread(bytes, 1, file->size, stream) != file->size) return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be read whole", name);
    file->bytes = bytes;
    return QM_OK;
}

enum qm_status qm_model_read(const char *name, struct qm_arena *arena, struct qm_graph **graph, struct qm_diag *diag) {
    FILE *stream = fopen(name, "rb");
    if (stream == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: %s", name, strerror(errno));
    struct model_file file = {.name = name};
    enum qm_status status = read_stream(stream, name, arena, &file, diag);
    fclose(stream);
    QM_TRY(status);
    return qm_model_parse(file.bytes, file.size, name, arena, graph, diag);
}
