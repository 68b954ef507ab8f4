/* legalize_lists.c - operators whose output takes listed elements: gathers, repetitions, mirrors, and blocks of space as depth or batch.
 *
 * What a list has in it decides how it is moved (move_axes.h). Where several dimensions have lists that are no loops, or go down, so that
 * every combination of their entries would be an instruction, one dimension is moved after the other. Long reversals take two steps
 * (move_reversals.h).
 */
#include <string.h>

#include "compiler/passes/legalize_site.h"
#include "compiler/passes/move_axes.h"
#include "compiler/passes/move_reversals.h"

enum { COMBINATIONS_MAX = 64 }; /* of the places of several lists; with more they are moved one after the other */

/* ---- axes to layers ---- */

static void add_layer(const struct site *s, uint32_t from, uint32_t to, const struct qm_move *move) {
    const struct qm_graph_tensor *in = site_input(s, 0);
    struct qm_layer *layer = site_move(s, in, from, to);
    layer->move = *move;
    if (in->quant.count == 1) layer->pad_value = (int8_t)in->quant.zero_point[0];
}

/* The layers of a move: one, or those of both steps of a reversal. */
static void add_move(const struct site *s, uint32_t from, uint32_t to, const struct qm_move *move) {
    struct move_steps steps;
    if (!move_split_reversal(move, s->l->arena, &steps)) {
        add_layer(s, from, to, move);
        return;
    }
    uint32_t between = site_between(s, s->op->inputs[0], steps.bytes / move->contiguous_bytes, 1, move->contiguous_bytes);
    for (uint32_t i = 0; i < steps.count; i++) add_layer(s, from, between, &steps.first[i]);
    for (uint32_t i = 0; i < steps.count; i++) add_move(s, between, to, &steps.second[i]);
}

static void add_moves(const struct site *s, uint32_t from, uint32_t to, const struct qm_move *moves, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) add_move(s, from, to, &moves[i]);
}

/* A layer or more for each move that the axes become. With a fill the first one fills. */
static enum qm_status move_axes(const struct site *s, uint32_t from, uint32_t to, const struct move_axis *axes, uint32_t count,
                                bool fills) {
    struct qm_move moves[MOVE_AXES_LAYERS];
    uint32_t made = move_axes_split(axes, count, s->l->arena, moves);
    if (made == 0) return site_refuse(s, "its elements come from too many places, more than %u", MOVE_AXES_PLACES);
    moves[0].fill = fills;
    add_moves(s, from, to, moves, made);
    return QM_OK;
}

static struct move_axis new_axis(const struct site *s, uint32_t room) {
    return (struct move_axis){.at = QM_ARENA_NEW(s->l->arena, struct qm_move_place, room)};
}

static void put(struct move_axis *axis, uint32_t in, uint32_t out) {
    axis->at[axis->count++] = (struct qm_move_place){in, out};
}

/* All of a dimension, by these distances. */
static struct move_axis whole_axis(const struct site *s, uint32_t count, uint32_t in, uint32_t out) {
    struct move_axis axis = new_axis(s, count);
    for (uint32_t i = 0; i < count; i++) put(&axis, i * in, i * out);
    return axis;
}

/* ---- elements of dimensions ---- */

/* A map on its way: its value and its shape. */
struct taking {
    uint32_t value;
    struct qm_shape shape;
};

/* Elements from one of dimension d to the next. */
static uint32_t behind(const struct qm_shape *shape, uint32_t d) {
    uint32_t elements = 1;
    for (uint32_t i = d + 1; i < shape->rank; i++) elements *= shape->dims[i];
    return elements;
}

static struct move_axis axis_of(const struct site *s, const struct qm_shape *in, const struct qm_shape *out, uint32_t d,
                                const uint32_t *taken) {
    struct move_axis axis = new_axis(s, out->dims[d]);
    for (uint32_t i = 0; i < out->dims[d]; i++) put(&axis, (taken != NULL ? taken[i] : i) * behind(in, d), i * behind(out, d));
    return axis;
}

/* Takes elements of all dimensions at once. A NULL takes all. */
static enum qm_status take_all(const struct site *s, const struct taking *from, uint32_t to, const struct qm_shape *shape,
                               const uint32_t *const *taken) {
    struct move_axis axes[QM_MAX_RANK];
    for (uint32_t d = 0; d < shape->rank; d++) axes[d] = axis_of(s, &from->shape, shape, d, taken[d]);
    return move_axes(s, from->value, to, axes, shape->rank, false);
}

/* Takes elements of one dimension, to a map between the operator's layers. */
static enum qm_status take_dimension(const struct site *s, struct taking *map, uint32_t d, const uint32_t *taken, uint32_t count) {
    const uint32_t *own[QM_MAX_RANK] = {NULL};
    struct qm_shape shape = map->shape;
    shape.dims[d] = count;
    own[d] = taken;
    uint32_t elements = (uint32_t)qm_shape_elements(&shape), channels = shape.dims[shape.rank - 1];
    uint32_t to = site_between(s, s->op->inputs[0], elements / channels, 1, channels);
    QM_TRY(take_all(s, map, to, &shape, own));
    *map = (struct taking){to, shape};
    return QM_OK;
}

/* Marks the dimensions whose lists become no loops that go up, and returns how many combinations their places have: at most
 * COMBINATIONS_MAX + 1. */
static uint32_t find_irregular(const struct site *s, const struct taking *map, const struct qm_shape *shape, const uint32_t *const *taken,
                               bool *irregular) {
    uint64_t combinations = 1;
    for (uint32_t d = 0; d < shape->rank; d++) {
        struct move_axis axis = axis_of(s, &map->shape, shape, d, taken[d]);
        uint32_t places = taken[d] != NULL ? move_axis_places(&axis, s->l->arena) : 0;
        irregular[d] = places > 0;
        if (irregular[d]) combinations *= places;
        if (combinations > COMBINATIONS_MAX) combinations = COMBINATIONS_MAX + 1;
    }
    return (uint32_t)combinations;
}

/* The same of any map, to an output. */
static enum qm_status take(const struct site *s, struct taking map, const uint32_t *const *taken, const struct qm_shape *shape) {
    const uint32_t *left[QM_MAX_RANK];
    bool irregular[QM_MAX_RANK];
    uint32_t count = 0;
    memcpy(left, taken, shape->rank * sizeof *taken);
    bool at_once = find_irregular(s, &map, shape, taken, irregular) <= COMBINATIONS_MAX;
    for (uint32_t d = 0; d < shape->rank; d++) count += irregular[d];
    for (uint32_t d = 0; d < shape->rank && !at_once && count > 1; d++) {
        if (!irregular[d]) continue;
        QM_TRY(take_dimension(s, &map, d, left[d], shape->dims[d]));
        left[d] = NULL;
        count--;
    }
    return take_all(s, &map, site_result(s, 0), shape, left);
}

enum qm_status site_take(const struct site *s, const uint32_t *const *taken, const uint32_t *taken_count) {
    struct taking map = {.shape = qm_graph_shape(site_input(s, 0))};
    struct qm_shape shape = {.rank = map.shape.rank};
    memcpy(shape.dims, taken_count, shape.rank * sizeof *taken_count);
    QM_TRY(site_operand(s, 0, &map.value));
    return take(s, map, taken, &shape);
}

/* ---- repetitions and mirrors ---- */

/* TILE and BROADCAST_TO: a dimension of the output repeats that of the input, of which there may be fewer. */
enum qm_status legalize_tile(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0);
    struct qm_shape shape = qm_graph_shape(site_output(s, 0));
    struct taking map = {.shape = {.rank = shape.rank}};
    uint32_t *taken[QM_MAX_RANK], missing = shape.rank - in->rank;
    QM_TRY(site_check_same_numbers(s));
    QM_TRY(site_operand(s, 0, &map.value));
    for (uint32_t d = 0; d < shape.rank; d++) {
        map.shape.dims[d] = d < missing ? 1 : in->dims[d - missing];
        taken[d] = QM_ARENA_NEW(s->l->arena, uint32_t, shape.dims[d]);
        for (uint32_t i = 0; i < shape.dims[d]; i++) taken[d][i] = i % map.shape.dims[d];
    }
    return take(s, map, (const uint32_t *const *)taken, &shape);
}

/* The element that element `at` of a padded dimension mirrors. */
static uint32_t mirrored(int64_t at, uint32_t extent, bool repeats_edge) {
    int64_t last = (int64_t)extent - 1, edge = repeats_edge ? 1 : 0;
    if (at < 0) return (uint32_t)(-at - edge);
    return (uint32_t)(at > last ? 2 * last - at + edge : at);
}

enum qm_status legalize_mirror_pad(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    uint32_t *taken[QM_MAX_RANK];
    QM_TRY(site_check_same_numbers(s));
    for (uint32_t d = 0; d < in->rank; d++) {
        int64_t before = s->op->pads[d].before;
        taken[d] = QM_ARENA_NEW(s->l->arena, uint32_t, out->dims[d]);
        for (uint32_t i = 0; i < out->dims[d]; i++) taken[d][i] = mirrored(i - before, in->dims[d], s->op->repeats_edge);
    }
    return site_take(s, (const uint32_t *const *)taken, out->dims);
}

/* ---- gathers ---- */

/* Only indices that the file has say where bytes come from; other gathers are the host's. */
static bool is_move(const struct site *s) {
    return site_input(s, 1)->data != NULL && qm_dtype_bytes(site_input(s, 0)->dtype) == 1;
}

/* Moves by the axes, or the host's work when that would take too many instructions. */
static enum qm_status gather(const struct site *s, const struct move_axis *axes, uint32_t count) {
    struct qm_move moves[MOVE_AXES_LAYERS];
    uint32_t from, made;
    QM_TRY(site_check_same_numbers(s));
    made = move_axes_split(axes, count, s->l->arena, moves);
    if (made == 0) return legalize_on_host(s);
    QM_TRY(site_operand(s, 0, &from));
    add_moves(s, from, site_result(s, 0), moves, made);
    return QM_OK;
}

static uint32_t product(const uint32_t *dims, uint32_t first, uint32_t end) {
    uint32_t elements = 1;
    for (uint32_t d = first; d < end; d++) elements *= dims[d];
    return elements;
}

static int64_t index_at(const struct qm_graph_tensor *indices, size_t i) {
    int64_t wide;
    int32_t narrow;
    const uint8_t *data = indices->data;
    if (indices->dtype == QM_I64) return memcpy(&wide, data + i * sizeof wide, sizeof wide), wide;
    return memcpy(&narrow, data + i * sizeof narrow, sizeof narrow), narrow;
}

/* The input is [batch][outer][extent][inner], the indices [batch][count], the output [batch][outer][count][inner]. */
enum qm_status legalize_gather(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *indices = site_input(s, 1);
    uint32_t axis = s->op->axis, batches = product(in->dims, 0, s->op->batch_dims);
    uint32_t outer = product(in->dims, s->op->batch_dims, axis), extent = in->dims[axis], inner = product(in->dims, axis + 1, in->rank);
    uint32_t count = (uint32_t)qm_graph_elements(indices) / batches;
    if (!is_move(s)) return legalize_on_host(s);
    struct move_axis listed = new_axis(s, batches * count);
    for (uint32_t b = 0; b < batches; b++)
        for (uint32_t i = 0; i < count; i++) {
            int64_t index = index_at(indices, (size_t)b * count + i);
            if (index < 0) index += extent;
            put(&listed, (b * outer * extent + (uint32_t)index) * inner, (b * outer * count + i) * inner);
        }
    struct move_axis axes[] = {whole_axis(s, outer, extent * inner, count * inner), listed, whole_axis(s, inner, 1, 1)};
    return gather(s, axes, 3);
}

/* The last dimension of the indices says one index for each of the first dimensions of the input. */
enum qm_status legalize_gather_nd(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *indices = site_input(s, 1);
    uint32_t depth = indices->dims[indices->rank - 1], count = (uint32_t)qm_graph_elements(indices) / depth;
    uint32_t inner = product(in->dims, depth, in->rank);
    if (!is_move(s)) return legalize_on_host(s);
    struct move_axis listed = new_axis(s, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = 0;
        for (uint32_t d = 0; d < depth; d++) place = place * in->dims[d] + (uint32_t)index_at(indices, (size_t)i * depth + d);
        put(&listed, place * inner, i * inner);
    }
    struct move_axis axes[] = {listed, whole_axis(s, inner, 1, 1)};
    return gather(s, axes, 2);
}

/* ---- blocks of space as depth ---- */

/* Space is [n][h][block][w][block][c], depth [n][h][w][block][block][c], or [n][h][w][c][block][block] with block_last. */
static enum qm_status move_depth(const struct site *s, const uint32_t *deep, bool to_space) {
    uint32_t bh = s->op->block[1], bw = s->op->block[2], h = deep[1], w = deep[2], c = deep[3] / (bh * bw), from;
    bool last = s->op->block_last;
    const uint32_t count[] = {deep[0], h, bh, w, bw, c};
    const uint32_t depth[] = {h * w * deep[3], w * deep[3], last ? bw : bw * c, deep[3], last ? 1 : c, last ? bh * bw : 1};
    const uint32_t space[] = {h * w * deep[3], bh * w * bw * c, w * bw * c, bw * c, c, 1};
    QM_TRY(site_check_same_numbers(s));
    QM_TRY(site_operand(s, 0, &from));
    struct qm_layer *layer = site_move(s, site_input(s, 0), from, site_result(s, 0));
    for (uint32_t i = 0; i < 6; i++) {
        uint32_t of_in = to_space ? depth[i] : space[i], of_out = to_space ? space[i] : depth[i];
        move_add_loop(&layer->move, (struct qm_move_loop){count[i], of_in, of_out, false});
    }
    move_close_loops(&layer->move);
    return QM_OK;
}

enum qm_status legalize_depth_to_space(const struct site *s) {
    return move_depth(s, site_input(s, 0)->dims, true);
}

enum qm_status legalize_space_to_depth(const struct site *s) {
    return move_depth(s, site_output(s, 0)->dims, false);
}

/* ---- blocks of space as batch ---- */

/* Batches from one place in a block to the next along dimension d: the last dimension's places are the nearest. */
static uint32_t block_stride(const struct site *s, uint32_t d, uint32_t rank, uint32_t batches) {
    uint32_t stride = batches;
    for (uint32_t i = d + 1; i < rank; i++) stride *= s->op->block[i];
    return stride;
}

/* Places y of a dimension of space, padded before, are y / block of a map of batches, in batch y % block. Places in the padding are left
 * out. */
static struct move_axis block_axis(const struct site *s, const struct qm_shape *space, const struct qm_shape *batch, uint32_t d,
                                   bool splits) {
    uint32_t block = s->op->block[d], before = s->op->pads[d].before, extent = space->dims[d];
    uint32_t apart = block_stride(s, d, space->rank, space->dims[0]) * behind(batch, 0);
    struct move_axis axis = new_axis(s, extent);
    for (uint32_t i = 0; i < extent; i++) {
        uint32_t y = i + before, in = i * behind(space, d), out = y % block * apart + y / block * behind(batch, d);
        put(&axis, splits ? in : out, splits ? out : in);
    }
    return axis;
}

/* splits: space to batch. */
static enum qm_status move_blocks(const struct site *s, bool splits) {
    struct qm_shape in = qm_graph_shape(site_input(s, 0)), out = qm_graph_shape(site_output(s, 0));
    const struct qm_shape *space = splits ? &in : &out, *batch = splits ? &out : &in;
    struct move_axis axes[QM_MAX_RANK];
    uint32_t from;
    QM_TRY(site_check_same_numbers(s));
    QM_TRY(site_operand(s, 0, &from));
    axes[0] = whole_axis(s, space->dims[0], behind(&in, 0), behind(&out, 0));
    for (uint32_t d = 1; d < in.rank; d++) axes[d] = block_axis(s, space, batch, d, splits);
    bool pads = qm_shape_elements(space) < qm_shape_elements(batch);
    return move_axes(s, from, site_result(s, 0), axes, in.rank, splits && pads);
}

enum qm_status legalize_space_to_batch(const struct site *s) {
    return move_blocks(s, true);
}

enum qm_status legalize_batch_to_space(const struct site *s) {
    return move_blocks(s, false);
}
