/* parse.c - a TFLite model's bytes to a graph: the model, its one subgraph, and the ends of the network.
 *
 * Tensors are in tensors.c, operators in ops.c. A failure sticks to the reader (flatbuffer.h), so that functions are called one after
 * another and only the last line asks whether one has failed.
 */
#include <string.h>

#include "compiler/frontend/frontend.h"
#include "compiler/frontend/tflite/tflite.h"

static const char identifier[] = "TFL3";

enum { SCHEMA_VERSION = 3, COUNT_MAX = 1 << 16 };

bool tflite_recognizes(const struct model_file *file) {
    return file->size >= 8 && memcmp(file->bytes + 4, identifier, 4) == 0;
}

/* The indices of the subgraph's inputs or outputs, each once, in range, and known or not as the caller needs. */
static uint32_t *read_ends(struct tflite_reader *r, struct fb_vector ends, const char *what, bool known) {
    uint32_t *indices = QM_ARENA_NEW(r->arena, uint32_t, ends.count);
    bool *seen = QM_ARENA_NEW(r->arena, bool, r->tensors.count);
    if (ends.count == 0) fb_fail(&r->fb, ends.at, "the network has no %s", what);
    for (uint32_t i = 0; i < ends.count && r->fb.status == QM_OK; i++) {
        int32_t index = fb_i32_at(&r->fb, ends, i);
        if (index < 0 || (uint32_t)index >= r->tensors.count || seen[index])
            fb_fail(&r->fb, ends.at + 4 * i, "%s %u is tensor %d, which is not there or listed twice; the file is damaged", what, i, index);
        else if (r->known[index] != known)
            fb_fail(&r->fb, ends.at + 4 * i, "%s %u is tensor %d (%s), which %s", what, i, index, r->graph->tensors[index].name,
                    known ? "no operator computes" : "is a constant");
        else {
            indices[i] = (uint32_t)index;
            seen[index] = true;
        }
    }
    return indices;
}

static struct fb_table open_model(struct tflite_reader *r) {
    struct fb *fb = &r->fb;
    struct fb_table model = fb_root(fb, identifier);
    uint32_t version = fb_u32(fb, &model, MODEL_VERSION, 0);
    if (version != SCHEMA_VERSION) fb_fail(fb, model.at, "schema version %u; only version %d can be read", version, SCHEMA_VERSION);
    struct fb_vector subgraphs = fb_vector(fb, &model, MODEL_SUBGRAPHS, 4);
    if (subgraphs.count != 1) {
        fb_fail(fb, model.at, "the model has %u subgraphs; only models with one can be read", subgraphs.count);
        return (struct fb_table){0};
    }
    r->codes = fb_vector(fb, &model, MODEL_OPERATOR_CODES, 4);
    r->buffers = fb_vector(fb, &model, MODEL_BUFFERS, 4);
    struct fb_table subgraph = fb_table_at(fb, subgraphs, 0);
    r->tensors = fb_vector(fb, &subgraph, SUBGRAPH_TENSORS, 4);
    r->operators = fb_vector(fb, &subgraph, SUBGRAPH_OPERATORS, 4);
    if (r->operators.count == 0) fb_fail(fb, subgraph.at, "the network has no operators");
    if (r->tensors.count > COUNT_MAX || r->operators.count > COUNT_MAX)
        fb_fail(fb, subgraph.at, "%u tensors and %u operators; at most %d of each can be read", r->tensors.count, r->operators.count,
                COUNT_MAX);
    return subgraph;
}

/* The tensors that operators, inputs or outputs name. Nothing else of a file needs to be right. */
static bool *find_used(struct tflite_reader *r, struct fb_vector inputs, struct fb_vector outputs) {
    bool *used = QM_ARENA_NEW(r->arena, bool, r->tensors.count);
    const struct fb_vector ends[] = {inputs, outputs};
    tflite_mark_used(r, used);
    for (uint32_t e = 0; e < 2; e++)
        for (uint32_t i = 0; i < ends[e].count; i++) {
            int32_t index = fb_i32_at(&r->fb, ends[e], i);
            if (index >= 0 && (uint32_t)index < r->tensors.count) used[index] = true;
        }
    return used;
}

/* Inputs whose type the graph has; a batch that the file leaves open becomes the one that is asked for. */
static void open_inputs(struct tflite_reader *r) {
    const struct qm_graph *graph = r->graph;
    bool any_open = false;
    for (uint32_t i = 0; i < graph->input_count && r->fb.status == QM_OK; i++) {
        uint32_t index = graph->inputs[i], dims[QM_MAX_RANK];
        const struct qm_graph_tensor *tensor = &graph->tensors[index];
        r->known[index] = true;
        if (!tflite_type_known(r->types[index]))
            fb_fail(&r->fb, r->tensors.at + 4 * index, "input %u (%s) has type %s, which is not supported", i, tensor->name,
                    tflite_type_name(r->types[index]));
        if (r->batch == 0 || (r->open[index] & 1) == 0) continue;
        any_open = true;
        memcpy(dims, tensor->dims, sizeof dims);
        dims[0] = r->batch;
        tflite_set_shape(r, index, tensor->rank, dims);
    }
    if (r->batch != 0 && !any_open) fb_fail(&r->fb, 0, "--batch %u: no input of the model leaves its batch open", r->batch);
}

static void read_subgraph(struct tflite_reader *r, const struct fb_table *subgraph) {
    struct qm_graph *graph = r->graph;
    struct fb_vector inputs = fb_vector(&r->fb, subgraph, SUBGRAPH_INPUTS, 4);
    struct fb_vector outputs = fb_vector(&r->fb, subgraph, SUBGRAPH_OUTPUTS, 4);
    tflite_read_tensors(r, find_used(r, inputs, outputs));
    if (r->fb.status != QM_OK) return;
    graph->input_count = inputs.count;
    graph->inputs = read_ends(r, inputs, "input", false);
    if (r->fb.status == QM_OK) open_inputs(r);
    if (r->fb.status != QM_OK) return;
    tflite_read_operators(r);
    if (r->fb.status != QM_OK) return;
    graph->outputs = read_ends(r, outputs, "output", true);
    graph->output_count = outputs.count;
}

enum qm_status tflite_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph, struct qm_diag *diag) {
    struct tflite_reader r = {.fb = {.bytes = file->bytes, .size = file->size, .file = file->name, .diag = diag},
                              .arena = arena,
                              .graph = graph,
                              .batch = file->options->batch};
    struct fb_table subgraph = open_model(&r);
    if (r.fb.status == QM_OK) tflite_check_operators(&r);
    if (r.fb.status == QM_OK) read_subgraph(&r, &subgraph);
    return r.fb.status;
}
