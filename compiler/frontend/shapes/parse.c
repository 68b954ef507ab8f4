/* parse.c - recognizes tables by their head, reads them, and draws the weights. */
#include <string.h>

#include "common/prng.h"
#include "compiler/frontend/shapes/shapes.h"

enum { APART_BYTES = 64 };

/* Reads the head of what may be any file; false when it is no table. Its memory is given back by the caller. */
static bool read_head(struct shapes_reader *r, const struct model_file *file, struct qm_arena *arena) {
    size_t looked_at = file->size < 1024 ? file->size : 1024;
    *r = (struct shapes_reader){.file = file, .maker.arena = arena, .at = (const char *)file->bytes};
    if (memchr(file->bytes, '\0', looked_at) != NULL) return false;
    return shapes_next_row(r);
}

bool shapes_recognizes(const struct model_file *file) {
    struct qm_arena *arena = qm_arena_create();
    struct shapes_reader r;
    bool is_table = read_head(&r, file, arena) && (shapes_is_topology(&r.row) || shapes_is_network(&r.row));
    qm_arena_destroy(arena);
    return is_table;
}

/* All weights lie in one block of drawn bytes as long as the largest, each a little further on: so a table of many billions of weights
 * takes no more memory than its largest layer, and no two layers have the same. -128 is no weight, as in TFLite. */
static void draw_weights(const struct shapes_reader *r, uint64_t seed) {
    size_t most = 0;
    for (uint32_t i = 0; i < r->weight_count; i++) {
        size_t bytes = qm_graph_elements(&r->maker.graph->tensors[r->weights[i]]);
        if (bytes > most) most = bytes;
    }
    size_t size = most + (size_t)APART_BYTES * r->weight_count;
    int8_t *drawn = qm_arena_alloc(r->maker.arena, size);
    struct qm_prng prng;
    qm_prng_init(&prng, seed);
    qm_prng_fill(&prng, drawn, size);
    for (size_t i = 0; i < size; i++) drawn[i] = drawn[i] == INT8_MIN ? INT8_MIN + 1 : drawn[i];
    for (uint32_t i = 0; i < r->weight_count; i++) r->maker.graph->tensors[r->weights[i]].data = drawn + (size_t)APART_BYTES * i;
}

/* Tensors that no operator makes are inputs, those that none reads are outputs. */
static void set_ends(const struct shapes_reader *r) {
    struct qm_graph *graph = r->maker.graph;
    bool *is_made = QM_ARENA_NEW(r->maker.arena, bool, graph->tensor_count),
         *is_read = QM_ARENA_NEW(r->maker.arena, bool, graph->tensor_count);
    graph->inputs = QM_ARENA_NEW(r->maker.arena, uint32_t, graph->tensor_count);
    graph->outputs = QM_ARENA_NEW(r->maker.arena, uint32_t, graph->tensor_count);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++) is_read[graph->ops[i].inputs[j]] = true;
        is_made[graph->ops[i].outputs[0]] = true;
    }
    for (uint32_t i = 0; i < graph->tensor_count; i++) {
        if (!is_made[i] && graph->tensors[i].data == NULL) graph->inputs[graph->input_count++] = i;
        if (!is_read[i]) graph->outputs[graph->output_count++] = i;
    }
}

enum qm_status shapes_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph, struct qm_diag *diag) {
    struct shapes_reader r;
    if (file->options->batch != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: --batch %u: a table of shapes has no batch, but may have parameters (--size)", file->name,
                       file->options->batch);
    QM_CHECK(read_head(&r, file, arena));
    r.maker.graph = graph;
    r.diag = diag;
    QM_TRY(shapes_is_network(&r.row) ? shapes_read_network(&r) : shapes_read_topology(&r));
    if (graph->op_count == 0) return shapes_refuse(&r, "the table ends, and has no layer");
    draw_weights(&r, file->options->has_seed ? file->options->weight_seed : 1);
    set_ends(&r);
    graph->has_no_weights = !file->options->has_seed;
    return QM_OK;
}
