/* model.c - reads a model file whole, picks the front end that recognizes its content, and stamps the graph with the file's SHA-256. */
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "compiler/compiler.h"
#include "compiler/frontend/frontend.h"

static const struct frontend frontends[] = {
    {"TFLite", false, false, tflite_recognizes, tflite_parse},
    {"table of shapes", false, true, shapes_recognizes, shapes_parse},
    {"ONNX", true, false, onnx_recognizes, onnx_parse},
};

enum { FRONTENDS = sizeof frontends / sizeof *frontends, ALIGNMENT = 8, FILE_BYTES_MAX = INT32_MAX };

/* Names the graph, and digests what it is made of. A table of other sizes is another network: they are in both. */
static void stamp(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph) {
    struct sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&context);
    sha256_update(&context, file->size, file->bytes);
    graph->file = file->name;
    for (uint32_t i = 0; i < file->options->size_count; i++) {
        const char *size = file->options->sizes[i];
        graph->file = qm_arena_printf(arena, "%s,%s", graph->file, size);
        sha256_update(&context, strlen(size) + 1, (const uint8_t *)size);
    }
    sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) snprintf(graph->sha256 + 2 * i, 3, "%02x", digest[i]);
}

static enum qm_status check_options(const struct frontend *frontend, const struct model_file *file, struct qm_diag *diag) {
    const struct qm_model_options *given = file->options;
    const char *option = given->option;
    if (option == NULL && (given->end_at != NULL || given->saturate || given->unsigned_inputs || given->channels_last))
        option = "an option of ONNX models";
    if (!frontend->takes_sizes && (given->has_seed || given->size_count > 0))
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s is for tables of shapes, and this model has weights and sizes", file->name,
                       given->has_seed ? "--seed-weights" : "--size");
    if (frontend->takes_options || option == NULL) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: %s is not for %s models, which say it themselves", file->name, option, frontend->format);
}

enum qm_status qm_model_parse(const struct qm_model_bytes *model, const struct qm_model_options *options, struct qm_arena *arena,
                              struct qm_graph **graph, struct qm_diag *diag) {
    static const struct qm_model_options none;
    struct model_file file = {.bytes = model->bytes, .size = model->size, .name = qm_arena_strdup(arena, model->name)};
    if (file.size > FILE_BYTES_MAX) return qm_fail(diag, QM_BAD_INPUT, "%s: larger than 2 GiB, the limit of the formats", file.name);
    file.options = options != NULL ? options : &none;
    if ((uintptr_t)file.bytes % ALIGNMENT != 0) file.bytes = memcpy(qm_arena_alloc(arena, file.size), file.bytes, file.size);
    for (uint32_t i = 0; i < FRONTENDS; i++) {
        if (!frontends[i].recognizes(&file)) continue;
        struct qm_graph *result = QM_ARENA_NEW(arena, struct qm_graph, 1);
        stamp(&file, arena, result);
        QM_TRY(check_options(&frontends[i], &file, diag));
        QM_TRY(frontends[i].parse(&file, arena, result, diag));
        *graph = result;
        return QM_OK;
    }
    return qm_fail(diag, QM_BAD_INPUT, "%s: at byte 0x0: not a model that can be read; the format must be %s, %s or %s", file.name,
                   frontends[0].format, frontends[2].format, frontends[1].format);
}

enum qm_status qm_model_read(const char *file, const struct qm_model_options *options, struct qm_arena *arena, struct qm_graph **graph,
                             struct qm_diag *diag) {
    uint8_t *bytes;
    struct qm_model_bytes model = {.name = file};
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &model.size, diag));
    qm_arena_keep(arena, bytes);
    model.bytes = bytes;
    return qm_model_parse(&model, options, arena, graph, diag);
}
