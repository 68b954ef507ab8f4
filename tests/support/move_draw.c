/* move_draw.c - shapes with dimensions that are now short, now long; bytes of one scale and zero point, so that nothing is
 * rescaled. */
#include "tests/support/move_draw.h"

#include <string.h>

enum { BYTES_MAX = 1 << 19, INDICES_MAX = 300, PARTS_MAX = 4, RESIZED_MAX = 2000, ZERO = -7 };

static uint32_t between(struct qm_prng *prng, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(prng) % (high - low + 1));
}

static bool chance(struct qm_prng *prng, uint32_t percent) {
    return between(prng, 1, 100) <= percent;
}

/* Of at most so many bytes. */
static struct qm_shape draw_shape(struct qm_prng *prng, uint32_t rank, uint64_t most_bytes) {
    struct qm_shape shape = {.rank = rank};
    uint64_t bytes = 1;
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t most = chance(prng, 33) ? 4 : chance(prng, 50) ? 64 : chance(prng, 80) ? 1500 : BYTES_MAX;
        if (most > most_bytes / bytes) most = (uint32_t)(most_bytes / bytes);
        shape.dims[d] = between(prng, 1, most);
        bytes *= shape.dims[d];
    }
    return shape;
}

/* A graph of one operator on its way. */
struct making {
    struct qm_graph_maker maker;
    struct qm_graph_op *op;
};

static uint32_t add_map(struct making *m, const char *name, const struct qm_shape *shape) {
    uint32_t tensor = qm_graph_add_tensor(&m->maker, name, QM_I8, shape);
    qm_graph_set_quant(&m->maker, tensor, 1, ZERO);
    return tensor;
}

static struct making open_graph(struct qm_arena *arena, enum qm_graph_op_kind kind, const struct qm_shape *in, const struct qm_shape *out) {
    struct making m = {.maker = {.arena = arena, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)}};
    uint32_t x = add_map(&m, "x", in), y = add_map(&m, "y", out);
    m.op = qm_graph_add_op(&m.maker, kind, x, y);
    return m;
}

/* All inputs of the operator that are no constants are those of the graph. */
static struct qm_graph *close_graph(struct making *m) {
    struct qm_graph *graph = m->maker.graph;
    graph->file = "move";
    graph->inputs = QM_ARENA_NEW(m->maker.arena, uint32_t, m->op->input_count);
    for (uint32_t i = 0; i < m->op->input_count; i++)
        if (graph->tensors[m->op->inputs[i]].data == NULL) graph->inputs[graph->input_count++] = m->op->inputs[i];
    graph->outputs = QM_ARENA_NEW(m->maker.arena, uint32_t, 1);
    graph->outputs[graph->output_count++] = m->op->outputs[0];
    return graph;
}

/* ---- by loops ---- */

static struct qm_graph *draw_transposition(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, between(prng, 2, 4), BYTES_MAX), out = in;
    uint32_t permutation[QM_MAX_RANK];
    for (uint32_t d = 0; d < in.rank; d++) permutation[d] = d;
    for (uint32_t d = in.rank; d-- > 1;) {
        uint32_t other = between(prng, 0, d), swapped = permutation[d];
        permutation[d] = permutation[other];
        permutation[other] = swapped;
    }
    for (uint32_t d = 0; d < in.rank; d++) out.dims[d] = in.dims[permutation[d]];
    struct making m = open_graph(arena, QM_OP_TRANSPOSE, &in, &out);
    memcpy(m.op->permutation, permutation, in.rank * sizeof *permutation);
    return close_graph(&m);
}

/* Up or down, and now and then all of a dimension down: a reversal. */
static struct qm_graph *draw_slice(struct qm_prng *prng, struct qm_arena *arena, bool goes_down) {
    struct qm_shape in = draw_shape(prng, between(prng, 1, 4), BYTES_MAX), out = in;
    int32_t begin[QM_MAX_RANK], step[QM_MAX_RANK];
    uint32_t down = between(prng, 0, in.rank - 1);
    for (uint32_t d = 0; d < in.rank; d++) {
        bool whole = chance(prng, 60), turns = goes_down && (d == down || chance(prng, 20));
        uint32_t apart = whole ? 1 : between(prng, 1, 3), low = whole ? 0 : between(prng, 0, (in.dims[d] - 1) / 4);
        out.dims[d] = (in.dims[d] - low + apart - 1) / apart;
        begin[d] = (int32_t)(turns ? low + (out.dims[d] - 1) * apart : low);
        step[d] = turns ? -(int32_t)apart : (int32_t)apart;
    }
    struct making m = open_graph(arena, QM_OP_STRIDED_SLICE, &in, &out);
    memcpy(m.op->begin, begin, sizeof begin);
    memcpy(m.op->step, step, sizeof step);
    memcpy(m.op->slice_dims, out.dims, sizeof out.dims);
    return close_graph(&m);
}

static struct qm_graph *draw_up(struct qm_prng *prng, struct qm_arena *arena) {
    return draw_slice(prng, arena, false);
}

static struct qm_graph *draw_down(struct qm_prng *prng, struct qm_arena *arena) {
    return draw_slice(prng, arena, true);
}

static struct qm_graph *draw_concatenation(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape first = draw_shape(prng, between(prng, 1, 4), BYTES_MAX / PARTS_MAX), whole = first;
    uint32_t axis = between(prng, 0, first.rank - 1), count = between(prng, 2, PARTS_MAX);
    struct making m = open_graph(arena, QM_OP_CONCATENATION, &first, &whole);
    m.op->axis = axis;
    while (m.op->input_count < count) {
        struct qm_shape part = first;
        part.dims[axis] = between(prng, 1, first.dims[axis]);
        whole.dims[axis] += part.dims[axis];
        m.op->inputs[m.op->input_count++] = add_map(&m, "more", &part);
    }
    m.maker.graph->tensors[m.op->outputs[0]].dims[axis] = whole.dims[axis];
    return close_graph(&m);
}

static struct qm_graph *draw_depth(struct qm_prng *prng, struct qm_arena *arena) {
    uint32_t block = between(prng, 2, 4);
    bool to_space = chance(prng, 50);
    struct qm_shape deep = draw_shape(prng, 4, BYTES_MAX / (block * block)), space = deep;
    deep.dims[3] *= block * block;
    space.dims[1] *= block;
    space.dims[2] *= block;
    struct making m =
        open_graph(arena, to_space ? QM_OP_DEPTH_TO_SPACE : QM_OP_SPACE_TO_DEPTH, to_space ? &deep : &space, to_space ? &space : &deep);
    m.op->block[1] = m.op->block[2] = block;
    return close_graph(&m);
}

static struct qm_graph *draw_pad(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, between(prng, 1, 4), BYTES_MAX / 8), out = in;
    struct making m = open_graph(arena, QM_OP_PAD, &in, &out);
    m.op->pad_value = ZERO;
    for (uint32_t d = 0; d < in.rank; d++) {
        if (chance(prng, 40)) continue;
        m.op->pads[d].before = between(prng, 0, 3);
        m.op->pads[d].after = between(prng, 0, in.dims[d] > 8 ? 30 : 1);
        m.maker.graph->tensors[m.op->outputs[0]].dims[d] += m.op->pads[d].before + m.op->pads[d].after;
    }
    return close_graph(&m);
}

/* ---- by lists ---- */

/* How many indices there are, each of so many bytes. */
static uint32_t draw_count(struct qm_prng *prng, uint64_t bytes_each) {
    return between(prng, 1, bytes_each * INDICES_MAX <= BYTES_MAX ? INDICES_MAX : (uint32_t)(BYTES_MAX / bytes_each));
}

static struct qm_graph *draw_gather(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, between(prng, 1, 4), chance(prng, 50) ? BYTES_MAX : BYTES_MAX / INDICES_MAX), out = in;
    uint32_t axis = between(prng, 0, in.rank - 1), indices[INDICES_MAX];
    uint32_t count = draw_count(prng, qm_shape_elements(&in) / in.dims[axis]);
    out.dims[axis] = count;
    for (uint32_t i = 0; i < count; i++) indices[i] = between(prng, 0, in.dims[axis] - 1);
    struct making m = open_graph(arena, QM_OP_GATHER, &in, &out);
    void *data = memcpy(QM_ARENA_NEW(arena, uint32_t, count), indices, count * sizeof *indices);
    m.op->inputs[m.op->input_count++] = qm_graph_add_constant(&m.maker, "indices", QM_I32, &(struct qm_shape){1, {count}}, data);
    m.op->axis = axis;
    return close_graph(&m);
}

/* Elements by the indices of the first dimensions, all of them or some. */
static struct qm_graph *draw_named(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, between(prng, 1, 4), chance(prng, 50) ? BYTES_MAX : BYTES_MAX / INDICES_MAX), out = {.rank = 1};
    uint32_t depth = between(prng, 1, in.rank);
    uint64_t row = 1;
    for (uint32_t d = depth; d < in.rank; d++) row *= in.dims[d];
    uint32_t count = draw_count(prng, row);
    uint32_t *indices = QM_ARENA_NEW(arena, uint32_t, (size_t)count * depth);
    for (uint32_t i = 0; i < count * depth; i++) indices[i] = between(prng, 0, in.dims[i % depth] - 1);
    out.dims[0] = count;
    for (uint32_t d = depth; d < in.rank; d++) out.dims[out.rank++] = in.dims[d];
    struct making m = open_graph(arena, QM_OP_GATHER_ND, &in, &out);
    m.op->inputs[m.op->input_count++] = qm_graph_add_constant(&m.maker, "indices", QM_I32, &(struct qm_shape){2, {count, depth}}, indices);
    return close_graph(&m);
}

static struct qm_graph *draw_tile(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, between(prng, 1, 4), BYTES_MAX / 16), out = in;
    for (uint32_t d = 0, room = 16; d < in.rank; d++) {
        uint32_t times = chance(prng, 50) ? 1 : between(prng, 1, room);
        out.dims[d] *= times;
        room /= times;
    }
    struct making m = open_graph(arena, QM_OP_TILE, &in, &out);
    return close_graph(&m);
}

static struct qm_graph *draw_mirror(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, between(prng, 1, 4), BYTES_MAX / 9), out = in;
    struct making m = open_graph(arena, QM_OP_MIRROR_PAD, &in, &out);
    m.op->repeats_edge = chance(prng, 50);
    for (uint32_t d = 0, wide = 0; d < in.rank; d++) {
        uint32_t most = in.dims[d] - (m.op->repeats_edge ? 0 : 1);
        if (chance(prng, 40)) continue;
        if (most > 3 && (wide == 2 || chance(prng, 60))) most = 3; /* two dimensions at most become three times as long */
        wide += most > 3;
        m.op->pads[d].before = between(prng, 0, most);
        m.op->pads[d].after = between(prng, 0, most);
        m.maker.graph->tensors[m.op->outputs[0]].dims[d] += m.op->pads[d].before + m.op->pads[d].after;
    }
    return close_graph(&m);
}

/* Batches to space: the other way around. */
static struct qm_graph *draw_blocks(struct qm_prng *prng, struct qm_arena *arena) {
    uint32_t bh = between(prng, 1, 4), bw = between(prng, 1, 4);
    bool to_space = chance(prng, 50);
    struct qm_shape batch = draw_shape(prng, 4, BYTES_MAX / (bh * bw)), space = batch;
    uint32_t pads[2][2] = {{0}};
    batch.dims[0] *= bh * bw;
    space.dims[1] *= bh;
    space.dims[2] *= bw;
    for (uint32_t d = 0; d < 2; d++)
        for (uint32_t end = 0; end < 2; end++) {
            pads[d][end] = between(prng, 0, space.dims[1 + d] > 8 ? 3 : 0);
            space.dims[1 + d] -= pads[d][end];
        }
    struct making m = open_graph(arena, to_space ? QM_OP_BATCH_TO_SPACE_ND : QM_OP_SPACE_TO_BATCH_ND, to_space ? &batch : &space,
                                 to_space ? &space : &batch);
    for (uint32_t d = 0; d < QM_MAX_RANK; d++) m.op->block[d] = d == 1 ? bh : d == 2 ? bw : 1;
    for (uint32_t d = 0; d < 2; d++) {
        m.op->pads[1 + d].before = pads[d][0];
        m.op->pads[1 + d].after = pads[d][1];
    }
    return close_graph(&m);
}

static struct qm_graph *draw_resize(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_shape in = draw_shape(prng, 4, BYTES_MAX / 9), out = in;
    for (uint32_t d = 1; d <= 2; d++)
        if (in.dims[d] > RESIZED_MAX) in.dims[d] = RESIZED_MAX;
    for (uint32_t d = 1; d <= 2; d++) out.dims[d] = chance(prng, 50) ? between(prng, 1, 3) * in.dims[d] : between(prng, 1, 3 * in.dims[d]);
    struct making m = open_graph(arena, QM_OP_RESIZE_NEAREST_NEIGHBOR, &in, &out);
    m.op->half_pixel_centers = chance(prng, 50);
    return close_graph(&m);
}

uint64_t move_draw_run_bytes(const struct qm_graph *graph) {
    const struct qm_graph_op *op = &graph->ops[0];
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->outputs[0]];
    uint64_t bytes = 1;
    if (op->kind == QM_OP_GATHER_ND) return qm_graph_elements(out) / out->dims[0];
    for (uint32_t d = in->rank; d-- > 0 && in->dims[d] == out->dims[d];) {
        if (op->kind == QM_OP_GATHER && d == op->axis) break;
        bytes *= in->dims[d];
    }
    return bytes;
}

/* Cycles a byte and a run. */
const struct move_draw_kind move_draw_kinds[MOVE_DRAW_KINDS] = {
    {"transpositions", 1.25, 0, draw_transposition},
    {"slices up", 1.25, 0, draw_up},
    {"slices down", 2.25, 0, draw_down},
    {"concatenations", 2.5, 0, draw_concatenation},
    {"depths", 1.25, 0, draw_depth},
    {"blocks", 5, 0, draw_blocks},
    {"tiles", 1.25, 0, draw_tile},
    {"paddings", 2.25, 0, draw_pad}, /* all bytes are filled before */
    {"gathers", 1.25, 16, draw_gather},
    {"named elements", 1.25, 16, draw_named},
    {"mirror pads", 1.25, 16, draw_mirror},
    {"resizes", 1.25, 16, draw_resize},
};
