/* tflite_draw_moves.c - operators that move elements, and resizing, for tflite_draw.h. */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tflite_draw.h"

enum { MANY_ELEMENTS_MAX = 3000 }; /* of what some hundred parts become */

static struct qm_graph_op *last_op(struct tflite_draw *d) {
    return &d->ops[d->graph.op_count - 1];
}

/* The operator takes `in` and gives its elements in another shape. */
static void move(struct tflite_draw *d, const struct tflite_draw_row *row, uint32_t in, const struct qm_shape *shape) {
    uint32_t out = tflite_draw_like(d, in, shape);
    tflite_draw_op(d, row);
    tflite_draw_takes(d, in);
    tflite_draw_gives(d, out);
}

static uint32_t says_numbers(struct tflite_draw *d, uint32_t count, const int32_t *numbers) {
    uint32_t tensor = tflite_draw_numbers(d, 1, count, numbers);
    tflite_draw_says(d, tensor);
    return tensor;
}

static uint32_t rank_of(const struct tflite_draw *d, uint32_t tensor) {
    return d->tensors[tensor].rank;
}

/* ---- other shapes of the same bytes ---- */

/* Some dimensions side by side become one, one of them may be said as -1. */
static void draw_reshape(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    struct qm_shape from = qm_graph_shape(&d->tensors[in]), to = {.rank = 0};
    int32_t said[QM_MAX_RANK];
    for (uint32_t i = 0; i < from.rank; i++) {
        if (to.rank > 0 && tflite_draw_chance(d, 40))
            to.dims[to.rank - 1] *= from.dims[i];
        else
            to.dims[to.rank++] = from.dims[i];
    }
    while (to.rank < 5 && tflite_draw_chance(d, 30)) to.dims[to.rank++] = 1;
    for (uint32_t i = 0; i < to.rank; i++) said[i] = (int32_t)to.dims[i];
    if (tflite_draw_chance(d, 50)) said[tflite_draw_between(d, 0, to.rank - 1)] = -1;
    move(d, row, in, &to);
    says_numbers(d, to.rank, said);
}

static void draw_expand_dims(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 4);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    uint32_t axis = tflite_draw_between(d, 0, shape.rank);
    int32_t said = tflite_draw_axis(d, axis, shape.rank + 1);
    memmove(shape.dims + axis + 1, shape.dims + axis, (shape.rank - axis) * sizeof *shape.dims);
    shape.dims[axis] = 1;
    shape.rank++;
    move(d, row, in, &shape);
    tflite_draw_says(d, tflite_draw_numbers(d, tflite_draw_between(d, 0, 1), 1, &said));
}

static void draw_squeeze(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    struct qm_shape from = qm_graph_shape(&d->tensors[in]), to = {.rank = 0};
    for (uint32_t i = 0; i < from.rank; i++)
        if (from.dims[i] != 1) to.dims[to.rank++] = from.dims[i];
    move(d, row, in, &to);
}

static void draw_transpose(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), rank = rank_of(d, in);
    struct qm_shape shape = {.rank = rank};
    uint32_t order[QM_MAX_RANK];
    int32_t said[QM_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t at = tflite_draw_between(d, 0, i);
        order[i] = order[at];
        order[at] = i;
    }
    for (uint32_t i = 0; i < rank; i++) {
        shape.dims[i] = d->tensors[in].dims[order[i]];
        said[i] = (int32_t)order[i];
    }
    move(d, row, in, &shape);
    memcpy(last_op(d)->permutation, order, rank * sizeof *order);
    says_numbers(d, rank, said);
}

/* ---- around and repeated ---- */

/* Pads of each dimension up to `most` and the input's own size, less by `less`. */
static void draw_pads(struct tflite_draw *d, const struct tflite_draw_row *row, uint32_t most, int less) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), rank = rank_of(d, in);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    int32_t pads[2 * QM_MAX_RANK];
    for (uint32_t i = 0; i < 2 * rank; i++) {
        uint32_t bound = less < 0 ? most : d->tensors[in].dims[i / 2] - (uint32_t)less;
        pads[i] = tflite_draw_chance(d, 50) ? 0 : (int32_t)tflite_draw_between(d, 0, bound < most ? bound : most);
        shape.dims[i / 2] += (uint32_t)pads[i];
    }
    move(d, row, in, &shape);
    for (uint32_t i = 0; i < rank; i++) {
        last_op(d)->pads[i].before = (uint32_t)pads[2 * i];
        last_op(d)->pads[i].after = (uint32_t)pads[2 * i + 1];
    }
    if (d->tensors[in].dtype != QM_F32) last_op(d)->pad_value = (int32_t)d->tensors[in].quant.zero_point[0];
    tflite_draw_says(d, tflite_draw_tensor(d, QM_I32, &(struct qm_shape){2, {rank, 2}}, 1));
    uint32_t said = d->graph.tensor_count - 1;
    memcpy(tflite_draw_constant(d, said), pads, 2 * rank * sizeof *pads);
}

static void draw_pad(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_pads(d, row, 3, -1);
}

static void draw_padv2(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_pads(d, row, 3, -1);
    uint32_t in = last_op(d)->inputs[0],
             value = tflite_draw_like(d, in, &(struct qm_shape){.rank = tflite_draw_between(d, 0, 1), .dims = {1}});
    uint8_t *bytes = tflite_draw_constant(d, value);
    float real;
    if (d->tensors[in].dtype == QM_F32)
        last_op(d)->low = (double)*(float *)memcpy(&real, bytes, sizeof real);
    else
        last_op(d)->pad_value = d->tensors[in].dtype == QM_U8 ? *bytes : (int8_t)*bytes;
    tflite_draw_says(d, value);
}

static void draw_mirror_pad(struct tflite_draw *d, const struct tflite_draw_row *row) {
    bool symmetric = tflite_draw_chance(d, 50);
    draw_pads(d, row, 3, symmetric ? 0 : 1);
    last_op(d)->repeats_edge = symmetric;
    tflite_draw_slot(d, MIRROR_PAD_MODE, symmetric);
}

static void draw_tile(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    int32_t times[QM_MAX_RANK];
    for (uint32_t i = 0; i < shape.rank; i++) {
        times[i] = tflite_draw_chance(d, 50) ? 1 : (int32_t)tflite_draw_between(d, 1, 3);
        shape.dims[i] *= (uint32_t)times[i];
    }
    move(d, row, in, &shape);
    says_numbers(d, shape.rank, times);
}

static void draw_broadcast_to(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), more = tflite_draw_between(d, 0, 5 - rank_of(d, in));
    struct qm_shape shape = {.rank = rank_of(d, in) + more};
    int32_t said[QM_MAX_RANK];
    for (uint32_t i = 0; i < shape.rank; i++) {
        uint32_t own = i < more ? 1 : d->tensors[in].dims[i - more];
        shape.dims[i] = own == 1 ? tflite_draw_between(d, 1, 3) : own;
        said[i] = (int32_t)shape.dims[i];
    }
    move(d, row, in, &shape);
    says_numbers(d, shape.rank, said);
}

/* ---- side by side and apart ---- */

/* Other parts of a tensor's quantization, of a shape: the tensor itself, or new inputs. */
static uint32_t draw_part(struct tflite_draw *d, uint32_t in, const struct qm_shape *shape) {
    struct qm_shape own = qm_graph_shape(&d->tensors[in]);
    if (qm_shape_same(&own, shape) && tflite_draw_chance(d, 50)) return in;
    if (d->tensors[in].dtype == QM_F32) return tflite_draw_operand(d, QM_F32, shape, true);
    uint32_t part = tflite_draw_like(d, in, shape);
    tflite_draw_input(d, part);
    return part;
}

/* How often all parts come one after the other: now and then they are some hundreds. */
static uint32_t draw_rounds(struct tflite_draw *d, uint32_t count, const struct qm_shape *whole) {
    uint32_t rounds = tflite_draw_chance(d, 8) ? tflite_draw_between(d, 140, BUILD_OPERANDS) / count : 1;
    return rounds * qm_shape_elements(whole) <= MANY_ELEMENTS_MAX ? rounds : 1;
}

static void draw_concatenation(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), parts[4], count = tflite_draw_between(d, 1, 4);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]), whole = shape;
    uint32_t axis = tflite_draw_between(d, 0, shape.rank - 1);
    parts[0] = in;
    for (uint32_t i = 1; i < count; i++) {
        if (tflite_draw_chance(d, 60)) shape.dims[axis] = tflite_draw_between(d, 1, 4);
        parts[i] = draw_part(d, in, &shape);
        whole.dims[axis] += d->tensors[parts[i]].dims[axis];
    }
    uint32_t rounds = draw_rounds(d, count, &whole);
    whole.dims[axis] *= rounds;
    uint32_t out = tflite_draw_like(d, in, &whole);
    tflite_draw_op(d, row)->axis = axis;
    tflite_draw_slot(d, CONCATENATION_AXIS, (uint32_t)tflite_draw_axis(d, axis, whole.rank));
    for (uint32_t i = 0; i < rounds * count; i++) tflite_draw_takes(d, parts[i % count]);
    tflite_draw_gives(d, out);
}

static void draw_pack(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), parts[4], count = tflite_draw_between(d, 1, 4);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]), whole = {.rank = shape.rank + 1};
    uint32_t axis = tflite_draw_between(d, 0, shape.rank);
    parts[0] = in;
    for (uint32_t i = 1; i < count; i++) parts[i] = draw_part(d, in, &shape);
    for (uint32_t i = 0; i < whole.rank; i++) whole.dims[i] = i == axis ? count : shape.dims[i < axis ? i : i - 1];
    uint32_t rounds = draw_rounds(d, count, &whole);
    whole.dims[axis] *= rounds;
    uint32_t out = tflite_draw_like(d, in, &whole);
    tflite_draw_op(d, row)->axis = axis;
    tflite_draw_slot(d, PACK_COUNT, rounds * count);
    tflite_draw_slot(d, PACK_AXIS, (uint32_t)tflite_draw_axis(d, axis, whole.rank));
    for (uint32_t i = 0; i < rounds * count; i++) tflite_draw_takes(d, parts[i % count]);
    tflite_draw_gives(d, out);
}

/* Parts of so many elements of the axis; without the axis when they are unpacked. */
static void give_parts(struct tflite_draw *d, uint32_t in, uint32_t axis, const int32_t *lengths, uint32_t count, bool unpacks) {
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    if (unpacks) memmove(shape.dims + axis, shape.dims + axis + 1, (--shape.rank - axis) * sizeof *shape.dims);
    for (uint32_t i = 0; i < count; i++) {
        if (!unpacks) shape.dims[axis] = (uint32_t)lengths[i];
        tflite_draw_gives(d, tflite_draw_like(d, in, &shape));
    }
}

static void draw_split(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), axis = tflite_draw_between(d, 0, rank_of(d, in) - 1);
    uint32_t extent = d->tensors[in].dims[axis], count = tflite_draw_between(d, 1, extent < 5 ? extent : 5);
    int32_t said = tflite_draw_axis(d, axis, rank_of(d, in)), lengths[5];
    while (extent % count != 0) count--;
    for (uint32_t i = 0; i < count; i++) lengths[i] = (int32_t)(extent / count);
    tflite_draw_op(d, row)->axis = axis;
    tflite_draw_slot(d, SPLIT_PARTS, count);
    tflite_draw_says(d, tflite_draw_numbers(d, tflite_draw_between(d, 0, 1), 1, &said));
    tflite_draw_takes(d, in);
    give_parts(d, in, axis, lengths, count, false);
}

static void draw_split_v(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), axis = tflite_draw_between(d, 0, rank_of(d, in) - 1), count = 0;
    int32_t left = (int32_t)d->tensors[in].dims[axis], axis_said = tflite_draw_axis(d, axis, rank_of(d, in)), lengths[5], said[5];
    while (left > 0 && count < 5) {
        lengths[count] = count == 4 ? left : (int32_t)tflite_draw_between(d, 1, (uint32_t)left);
        left -= lengths[count++];
    }
    memcpy(said, lengths, sizeof said);
    if (tflite_draw_chance(d, 40)) said[tflite_draw_between(d, 0, count - 1)] = -1;
    tflite_draw_op(d, row)->axis = axis;
    tflite_draw_slot(d, SPLIT_PARTS, count);
    tflite_draw_takes(d, in);
    says_numbers(d, count, said);
    tflite_draw_says(d, tflite_draw_numbers(d, tflite_draw_between(d, 0, 1), 1, &axis_said));
    give_parts(d, in, axis, lengths, count, false);
}

/* A new input of some hundred rows. */
static uint32_t draw_rows(struct tflite_draw *d, uint32_t like) {
    const struct qm_shape shape = {2, {tflite_draw_between(d, 130, 200), tflite_draw_between(d, 1, 3)}};
    bool floats = d->tensors[like].dtype == QM_F32; /* those are no inputs */
    uint32_t rows = floats ? tflite_draw_tensor(d, QM_I8, &shape, 1) : tflite_draw_like(d, like, &shape);
    tflite_draw_input(d, rows);
    return rows;
}

/* The graph has no operator of that: a SPLIT whose parts have another shape. */
static void draw_unpack(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), axis = 0, rank = rank_of(d, in);
    for (uint32_t i = 1; i < rank; i++)
        if (d->tensors[in].dims[i] < d->tensors[in].dims[axis] || tflite_draw_chance(d, 20)) axis = i;
    if (d->tensors[in].dims[axis] > 6) return;
    if (tflite_draw_chance(d, 15) && d->graph.tensor_count < BUILD_TENSORS / 2) {
        in = draw_rows(d, in);
        axis = 0;
        rank = 2;
    }
    tflite_draw_op(d, row)->axis = axis;
    tflite_draw_slot(d, UNPACK_COUNT, d->tensors[in].dims[axis]);
    tflite_draw_slot(d, UNPACK_AXIS, (uint32_t)tflite_draw_axis(d, axis, rank));
    tflite_draw_takes(d, in);
    give_parts(d, in, axis, NULL, d->tensors[in].dims[axis], true);
}

/* ---- slices ---- */

static void slice(struct tflite_draw *d, uint32_t i, int32_t begin, int32_t step, uint32_t count) {
    last_op(d)->begin[i] = begin;
    last_op(d)->step[i] = step;
    last_op(d)->slice_dims[i] = count;
}

static void draw_slice(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), rank = rank_of(d, in);
    struct qm_shape shape = {.rank = rank};
    int32_t begin[QM_MAX_RANK], size[QM_MAX_RANK];
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t first = tflite_draw_chance(d, 50) ? 0 : tflite_draw_between(d, 0, d->tensors[in].dims[i] - 1);
        uint32_t left = d->tensors[in].dims[i] - first, count = tflite_draw_chance(d, 40) ? left : tflite_draw_between(d, 1, left);
        begin[i] = (int32_t)first;
        size[i] = count == left && tflite_draw_chance(d, 50) ? -1 : (int32_t)count;
        shape.dims[i] = count;
    }
    move(d, row, in, &shape);
    for (uint32_t i = 0; i < rank; i++) slice(d, i, begin[i], 1, shape.dims[i]);
    says_numbers(d, rank, begin);
    says_numbers(d, rank, size);
}

/* A new input with one dimension that is long. */
static uint32_t draw_long(struct tflite_draw *d, uint32_t types) {
    uint32_t like = tflite_draw_source(d, types & DRAW_BYTES, 1, 5);
    struct qm_shape shape = {.rank = tflite_draw_between(d, 1, 4)};
    for (uint32_t i = 0; i < shape.rank; i++) shape.dims[i] = tflite_draw_between(d, 1, 3);
    shape.dims[tflite_draw_between(d, 0, shape.rank - 1)] = tflite_draw_between(d, 60, 700);
    uint32_t tensor = tflite_draw_tensor(d, d->tensors[like].dtype, &shape, 1);
    tflite_draw_input(d, tensor);
    return tensor;
}

static void draw_reverse(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_chance(d, 30) ? draw_long(d, row->types) : tflite_draw_source(d, row->types, 1, 5);
    uint32_t axis = tflite_draw_between(d, 0, rank_of(d, in) - 1);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    uint32_t count = axis + 1 < shape.rank && tflite_draw_chance(d, 30) ? 2 : 1;
    const int32_t axes[] = {(int32_t)axis, (int32_t)axis + 1};
    move(d, row, in, &shape);
    for (uint32_t i = 0; i < shape.rank; i++) {
        bool turned = i >= axis && i < axis + count;
        slice(d, i, turned ? (int32_t)shape.dims[i] - 1 : 0, turned ? -1 : 1, shape.dims[i]);
    }
    says_numbers(d, count, axes);
}

/* One dimension of a STRIDED_SLICE: what is said, and what it means. */
struct strided {
    int32_t begin, end, step, first;
    uint32_t count;
    bool open_begin, open_end, shrinks;
};

/* What is beyond an end is cut. */
static struct strided draw_strided(struct tflite_draw *d, uint32_t extent) {
    int32_t size = (int32_t)extent, step = (int32_t)tflite_draw_between(d, 1, 3);
    int32_t first = (int32_t)tflite_draw_between(d, 0, extent - 1), last = (int32_t)tflite_draw_between(d, (uint32_t)first, extent - 1);
    struct strided s = {.first = first, .step = step, .begin = first, .end = last + 1, .count = (uint32_t)((last - first) / step) + 1};
    if (tflite_draw_chance(d, 25)) {
        s = (struct strided){.first = last, .step = -step, .begin = last, .end = first - 1, .count = s.count};
        s.open_end = first == 0; /* before the first there is no place to say */
    } else if (last == size - 1 && tflite_draw_chance(d, 30)) {
        s.end = size + 5;
    } else if (last == size - 1 && tflite_draw_chance(d, 30)) {
        s.open_end = true;
    }
    if (s.first == (s.step > 0 ? 0 : size - 1) && tflite_draw_chance(d, 30)) s.open_begin = true;
    if (tflite_draw_chance(d, 15))
        s = (struct strided){.first = first, .step = 1, .begin = first, .end = first + 1, .count = 1, .shrinks = true};
    if (!s.open_begin && tflite_draw_chance(d, 30)) s.begin -= size;
    return s;
}

/* An ellipsis or a new axis may stand anywhere. */
static void draw_strided_slice(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), rank = rank_of(d, in), entries = 0, masks[5] = {0};
    uint32_t hole = tflite_draw_chance(d, 25) ? tflite_draw_between(d, 0, rank - 1) : rank; /* dimensions from here on to `behind` */
    uint32_t behind = hole < rank ? tflite_draw_between(d, hole + 1, rank) : rank;
    uint32_t added = tflite_draw_chance(d, 20) ? tflite_draw_between(d, 0, rank - 1) : rank; /* a new axis before this one */
    struct qm_shape shape = {.rank = 0};
    struct strided slices[QM_MAX_RANK];
    int32_t said[3][QM_MAX_RANK + 2] = {{0}};
    for (uint32_t i = 0; i < rank; i++) {
        const uint32_t extent = d->tensors[in].dims[i];
        bool whole = i >= hole && i < behind;
        if (i == added && !whole) {
            said[2][entries] = 1;
            masks[SLICE_NEW_AXIS_MASK] |= 1U << entries++;
            shape.dims[shape.rank++] = 1;
        }
        slices[i] = whole ? (struct strided){.step = 1, .count = extent} : draw_strided(d, extent);
        if (!slices[i].shrinks) shape.dims[shape.rank++] = slices[i].count;
        if (whole && i > hole) continue;
        said[0][entries] = slices[i].begin;
        said[1][entries] = slices[i].end;
        said[2][entries] = slices[i].step;
        masks[SLICE_BEGIN_MASK] |= (uint32_t)slices[i].open_begin << entries;
        masks[SLICE_END_MASK] |= (uint32_t)slices[i].open_end << entries;
        masks[SLICE_SHRINK_MASK] |= (uint32_t)slices[i].shrinks << entries;
        masks[SLICE_ELLIPSIS_MASK] |= (uint32_t)whole << entries++;
    }
    move(d, row, in, &shape);
    for (uint32_t i = 0; i < rank; i++) slice(d, i, slices[i].first, slices[i].step, slices[i].count);
    for (uint32_t i = 0; i < 3; i++) says_numbers(d, entries, said[i]);
    for (uint32_t i = 0; i < 5; i++) tflite_draw_slot(d, i, masks[i]);
}

/* ---- blocks ---- */

static uint32_t divisor_of(struct tflite_draw *d, uint32_t number, uint32_t most) {
    uint32_t divisor = tflite_draw_between(d, 1, number < most ? number : most);
    while (number % divisor != 0) divisor--;
    return divisor;
}

static void say_block(struct tflite_draw *d, uint32_t block) {
    last_op(d)->block[1] = last_op(d)->block[2] = block;
    tflite_draw_slot(d, BLOCK_SIZE, block);
}

/* A map of which a dimension is a multiple of `unit`: one that is there, or a new input. */
static uint32_t draw_map(struct tflite_draw *d, uint32_t types, uint32_t dim, uint32_t unit) {
    uint32_t in = tflite_draw_source(d, types, 4, 4);
    if (d->tensors[in].dims[dim] % unit == 0) return in;
    struct qm_shape shape = tflite_draw_shape(d, 4);
    shape.dims[dim] = unit * tflite_draw_between(d, 1, 2);
    uint32_t map = tflite_draw_tensor(d, d->tensors[in].dtype, &shape, 1);
    tflite_draw_input(d, map);
    return map;
}

static void draw_depth_to_space(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t block = tflite_draw_between(d, 1, 3), in = draw_map(d, row->types, 3, block * block);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    shape.dims[1] *= block;
    shape.dims[2] *= block;
    shape.dims[3] /= block * block;
    move(d, row, in, &shape);
    say_block(d, block);
}

static void draw_space_to_depth(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = draw_map(d, row->types, 1, 2), block = divisor_of(d, d->tensors[in].dims[1], 3);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    while (shape.dims[2] % block != 0 || shape.dims[1] % block != 0) block--;
    shape.dims[1] /= block;
    shape.dims[2] /= block;
    shape.dims[3] *= block * block;
    move(d, row, in, &shape);
    say_block(d, block);
}

/* Blocks and what is padded or cut, of the dimensions between the first and the last. */
static void say_blocks(struct tflite_draw *d, uint32_t count, const int32_t *block, const int32_t *pads) {
    for (uint32_t i = 0; i < QM_MAX_RANK; i++) last_op(d)->block[i] = 1;
    for (uint32_t i = 0; i < count; i++) {
        last_op(d)->block[i + 1] = (uint32_t)block[i];
        last_op(d)->pads[i + 1].before = (uint32_t)pads[2 * i];
        last_op(d)->pads[i + 1].after = (uint32_t)pads[2 * i + 1];
    }
    says_numbers(d, count, block);
    uint32_t said = tflite_draw_tensor(d, QM_I32, &(struct qm_shape){2, {count, 2}}, 1);
    memcpy(tflite_draw_constant(d, said), pads, 2 * count * sizeof *pads);
    tflite_draw_says(d, said);
}

static void draw_space_to_batch(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 3, 4), count = rank_of(d, in) - 2;
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    int32_t block[2], pads[4];
    for (uint32_t i = 0; i < count; i++) {
        block[i] = (int32_t)tflite_draw_between(d, 1, 3);
        uint32_t size = shape.dims[i + 1], before = tflite_draw_between(d, 0, 2), after = 0;
        while ((size + before + after) % (uint32_t)block[i] != 0) after++;
        pads[2 * i] = (int32_t)before;
        pads[2 * i + 1] = (int32_t)after;
        shape.dims[0] *= (uint32_t)block[i];
        shape.dims[i + 1] = (size + before + after) / (uint32_t)block[i];
    }
    move(d, row, in, &shape);
    say_blocks(d, count, block, pads);
}

static void draw_batch_to_space(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 3, 4), count = rank_of(d, in) - 2;
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    int32_t block[2], pads[4];
    for (uint32_t i = 0; i < count; i++) {
        block[i] = (int32_t)divisor_of(d, shape.dims[0], 4);
        uint32_t whole = shape.dims[i + 1] * (uint32_t)block[i], cut = tflite_draw_between(d, 0, whole > 3 ? 2 : whole - 1);
        pads[2 * i] = (int32_t)tflite_draw_between(d, 0, cut);
        pads[2 * i + 1] = (int32_t)cut - pads[2 * i];
        shape.dims[0] /= (uint32_t)block[i];
        shape.dims[i + 1] = whole - cut;
    }
    move(d, row, in, &shape);
    say_blocks(d, count, block, pads);
}

/* ---- gathered ---- */

/* Indices below a number: a constant of either type. */
static uint32_t draw_indices(struct tflite_draw *d, const struct qm_shape *shape, const uint32_t *below, uint32_t count) {
    uint32_t indices = tflite_draw_tensor(d, tflite_draw_chance(d, 50) ? QM_I32 : QM_I64, shape, 1);
    uint8_t *bytes = tflite_draw_constant(d, indices);
    size_t size = qm_dtype_bytes(d->tensors[indices].dtype);
    for (uint32_t i = 0; i < qm_graph_elements(&d->tensors[indices]); i++) {
        int64_t index = tflite_draw_between(d, 0, below[i % count] - 1);
        memcpy(bytes + i * size, &index, size);
    }
    return indices;
}

/* Places of extremes that can be indices of so many elements; QM_NO_TENSOR: there are none. */
static uint32_t find_places(struct tflite_draw *d, uint32_t count, uint32_t rank_max) {
    for (uint32_t i = 0; i < d->graph.tensor_count; i++)
        if (d->below[i] > 0 && d->below[i] <= count && d->tensors[i].rank <= rank_max && qm_graph_elements(&d->tensors[i]) < 100) return i;
    return QM_NO_TENSOR;
}

static void draw_gather(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), rank = rank_of(d, in), axis = tflite_draw_between(d, 0, rank - 1);
    struct qm_shape from = qm_graph_shape(&d->tensors[in]), shape = {.rank = 0}, lists = {.rank = 0};
    uint32_t shared = tflite_draw_chance(d, 25) ? tflite_draw_between(d, 0, axis) : 0,
             own = tflite_draw_between(d, 0, 6 - rank > 2 ? 2 : 6 - rank);
    uint32_t indices = tflite_draw_chance(d, 50) ? find_places(d, from.dims[axis], 6 - rank) : QM_NO_TENSOR;
    if (indices != QM_NO_TENSOR) shared = 0;
    for (uint32_t i = 0; i < shared; i++) lists.dims[lists.rank++] = from.dims[i];
    for (uint32_t i = 0; i < own; i++) lists.dims[lists.rank++] = tflite_draw_between(d, 1, 4);
    if (indices == QM_NO_TENSOR) indices = draw_indices(d, &lists, &from.dims[axis], 1);
    lists = qm_graph_shape(&d->tensors[indices]);
    for (uint32_t i = 0; i < axis; i++) shape.dims[shape.rank++] = from.dims[i];
    for (uint32_t i = shared; i < lists.rank; i++) shape.dims[shape.rank++] = lists.dims[i];
    for (uint32_t i = axis + 1; i < rank; i++) shape.dims[shape.rank++] = from.dims[i];
    move(d, row, in, &shape);
    tflite_draw_takes(d, indices);
    last_op(d)->axis = axis;
    last_op(d)->batch_dims = shared;
    tflite_draw_slot(d, GATHER_AXIS, (uint32_t)tflite_draw_axis(d, axis, rank));
    tflite_draw_slot(d, GATHER_BATCH_DIMS, shared);
}

static void draw_gather_nd(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), rank = rank_of(d, in), depth = tflite_draw_between(d, 1, rank);
    struct qm_shape from = qm_graph_shape(&d->tensors[in]), lists = {.rank = tflite_draw_between(d, 1, 2)}, shape;
    for (uint32_t i = 0; i + 1 < lists.rank; i++) lists.dims[i] = tflite_draw_between(d, 1, 6);
    lists.dims[lists.rank - 1] = depth;
    shape = lists;
    shape.rank--;
    for (uint32_t i = depth; i < rank; i++) shape.dims[shape.rank++] = from.dims[i];
    uint32_t indices = draw_indices(d, &lists, from.dims, depth);
    move(d, row, in, &shape);
    tflite_draw_takes(d, indices);
}

/* ---- resizing ---- */

static void draw_resize(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 4, 4), mode = tflite_draw_between(d, 0, 2);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    int32_t size[2];
    for (uint32_t i = 0; i < 2; i++) {
        shape.dims[i + 1] = tflite_draw_between(d, 1, 2 * shape.dims[i + 1] + 1);
        size[i] = (int32_t)shape.dims[i + 1];
    }
    move(d, row, in, &shape);
    says_numbers(d, 2, size);
    bool bilinear = row->kind == QM_OP_RESIZE_BILINEAR;
    last_op(d)->align_corners = mode == 1;
    last_op(d)->half_pixel_centers = mode == 2;
    tflite_draw_slot(d, bilinear ? BILINEAR_ALIGN_CORNERS : RESIZE_ALIGN_CORNERS, mode == 1);
    tflite_draw_slot(d, bilinear ? BILINEAR_HALF_PIXEL : RESIZE_HALF_PIXEL, mode == 2);
}

/* clang-format off */
const struct tflite_draw_row tflite_draw_moves[] = {
    {TFLITE_RESHAPE,                 OPTIONS_RESHAPE,                 QM_OP_RESHAPE,                 DRAW_ANY,   draw_reshape},
    {TFLITE_EXPAND_DIMS,             OPTIONS_EXPAND_DIMS,             QM_OP_RESHAPE,                 DRAW_ANY,   draw_expand_dims},
    {TFLITE_SQUEEZE,                 OPTIONS_SQUEEZE,                 QM_OP_RESHAPE,                 DRAW_ANY,   draw_squeeze},
    {TFLITE_TRANSPOSE,               OPTIONS_TRANSPOSE,               QM_OP_TRANSPOSE,               DRAW_ANY,   draw_transpose},
    {TFLITE_PAD,                     OPTIONS_PAD,                     QM_OP_PAD,                     DRAW_ANY,   draw_pad},
    {TFLITE_PADV2,                   OPTIONS_PADV2,                   QM_OP_PAD,                     DRAW_ANY,   draw_padv2},
    {TFLITE_MIRROR_PAD,              OPTIONS_MIRROR_PAD,              QM_OP_MIRROR_PAD,              DRAW_BYTES, draw_mirror_pad},
    {TFLITE_TILE,                    OPTIONS_TILE,                    QM_OP_TILE,                    DRAW_ANY,   draw_tile},
    {TFLITE_BROADCAST_TO,            OPTIONS_BROADCAST_TO,            QM_OP_BROADCAST_TO,            DRAW_ANY,   draw_broadcast_to},
    {TFLITE_CONCATENATION,           OPTIONS_CONCATENATION,           QM_OP_CONCATENATION,           DRAW_ANY,   draw_concatenation},
    {TFLITE_PACK,                    OPTIONS_PACK,                    QM_OP_PACK,                    DRAW_ANY,   draw_pack},
    {TFLITE_SPLIT,                   OPTIONS_SPLIT,                   QM_OP_SPLIT,                   DRAW_ANY,   draw_split},
    {TFLITE_SPLIT_V,                 OPTIONS_SPLIT_V,                 QM_OP_SPLIT,                   DRAW_ANY,   draw_split_v},
    {TFLITE_UNPACK,                  OPTIONS_UNPACK,                  QM_OP_SPLIT,                   DRAW_ANY,   draw_unpack},
    {TFLITE_SLICE,                   OPTIONS_SLICE,                   QM_OP_STRIDED_SLICE,           DRAW_ANY,   draw_slice},
    {TFLITE_REVERSE_V2,              OPTIONS_REVERSE_V2,              QM_OP_STRIDED_SLICE,           DRAW_ANY,   draw_reverse},
    {TFLITE_STRIDED_SLICE,           OPTIONS_STRIDED_SLICE,           QM_OP_STRIDED_SLICE,           DRAW_ANY,   draw_strided_slice},
    {TFLITE_DEPTH_TO_SPACE,          OPTIONS_DEPTH_TO_SPACE,          QM_OP_DEPTH_TO_SPACE,          DRAW_BYTES, draw_depth_to_space},
    {TFLITE_SPACE_TO_DEPTH,          OPTIONS_SPACE_TO_DEPTH,          QM_OP_SPACE_TO_DEPTH,          DRAW_BYTES, draw_space_to_depth},
    {TFLITE_SPACE_TO_BATCH_ND,       OPTIONS_SPACE_TO_BATCH_ND,       QM_OP_SPACE_TO_BATCH_ND,       DRAW_BYTES, draw_space_to_batch},
    {TFLITE_BATCH_TO_SPACE_ND,       OPTIONS_BATCH_TO_SPACE_ND,       QM_OP_BATCH_TO_SPACE_ND,       DRAW_BYTES, draw_batch_to_space},
    {TFLITE_GATHER,                  OPTIONS_GATHER,                  QM_OP_GATHER,                  DRAW_ANY,   draw_gather},
    {TFLITE_GATHER_ND,               OPTIONS_GATHER_ND,               QM_OP_GATHER_ND,               DRAW_ANY,   draw_gather_nd},
    {TFLITE_RESIZE_NEAREST_NEIGHBOR, OPTIONS_RESIZE_NEAREST_NEIGHBOR, QM_OP_RESIZE_NEAREST_NEIGHBOR, DRAW_BYTES, draw_resize},
    {TFLITE_RESIZE_BILINEAR,         OPTIONS_RESIZE_BILINEAR,         QM_OP_RESIZE_BILINEAR,         DRAW_ANY,   draw_resize},
    {.draw = NULL},
};
/* clang-format on */
