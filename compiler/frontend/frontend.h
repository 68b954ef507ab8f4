/* frontend.h - what a front end is: it recognizes a file by its content and makes a graph of it. The table is in model.c. */
#ifndef QM_COMPILER_FRONTEND_FRONTEND_H
#define QM_COMPILER_FRONTEND_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/status.h"
#include "compiler/compiler.h"
#include "common/graph.h"

/* A whole file in memory, aligned to 8. It outlives the graph. */
struct model_file {
    const uint8_t *bytes;
    size_t size;
    const char *name;
    const struct qm_model_options *options;
};

struct frontend {
    const char *format;
    bool takes_options; /* those of struct qm_model_options that are for ONNX */
    bool takes_sizes;   /* those that are for tables of shapes */
    bool (*recognizes)(const struct model_file *file);
    /* Fills a zeroed graph, but for file and sha256. */
    enum qm_status (*parse)(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph, struct qm_diag *diag);
};

bool tflite_recognizes(const struct model_file *file);
QM_MUST_USE enum qm_status tflite_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph,
                                        struct qm_diag *diag);
bool onnx_recognizes(const struct model_file *file);
QM_MUST_USE enum qm_status onnx_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph, struct qm_diag *diag);
bool shapes_recognizes(const struct model_file *file);
QM_MUST_USE enum qm_status shapes_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph,
                                        struct qm_diag *diag);

#endif
