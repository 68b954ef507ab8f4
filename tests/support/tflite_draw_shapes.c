/* tflite_draw_shapes.c - shapes that operators compute, as converters write them, for tflite_draw.h: SHAPE and what takes it. The graph has
 * only the operator that goes by such a shape.
 */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tflite_draw.h"

enum { SHAPE_TYPE = 0, CAST_FROM = 0, CAST_TO = 1 };

/* An operator of the file alone that gives `count` numbers, or one without a dimension (count 0). */
static uint32_t gives_numbers(struct tflite_draw *d, enum qm_dtype dtype, uint32_t count) {
    struct build_node *node = &d->file.nodes[d->file.node_count - 1];
    const struct qm_shape shape = {.rank = count > 0, .dims = {count}};
    uint32_t tensor = tflite_draw_tensor(d, dtype, &shape, 1);
    node->outputs[node->output_count++] = (int32_t)tensor;
    return tensor;
}

static uint32_t shape_of(struct tflite_draw *d, uint32_t in, enum qm_dtype dtype) {
    tflite_draw_node(d, TFLITE_SHAPE, OPTIONS_SHAPE);
    tflite_draw_says(d, in);
    tflite_draw_slot(d, SHAPE_TYPE, dtype == QM_I64 ? BUILD_INT64 : BUILD_INT32);
    return gives_numbers(d, dtype, d->tensors[in].rank);
}

/* The operator that takes `in` and goes by `said`. */
static void go_by(struct tflite_draw *d, const struct tflite_draw_row *row, uint32_t in, uint32_t said, const struct qm_shape *shape) {
    uint32_t out = tflite_draw_like(d, in, shape);
    tflite_draw_op(d, row);
    tflite_draw_takes(d, in);
    tflite_draw_says(d, said);
    tflite_draw_gives(d, out);
}

static const struct tflite_draw_row reshape = {TFLITE_RESHAPE, OPTIONS_RESHAPE, QM_OP_RESHAPE, DRAW_ANY, NULL};

/* To [the first dimension][the rest], as Keras flattens: an element of the shape beside a constant. */
static void draw_flattening(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 2, 5), shape = shape_of(d, in, QM_I32);
    const int32_t ends[] = {0, 1},
                  rest = tflite_draw_chance(d, 50) ? -1 : (int32_t)(qm_graph_elements(&d->tensors[in]) / d->tensors[in].dims[0]);
    uint32_t zero = tflite_draw_numbers(d, 1, 1, &ends[0]), one = tflite_draw_numbers(d, 1, 1, &ends[1]);
    tflite_draw_node(d, TFLITE_STRIDED_SLICE, OPTIONS_STRIDED_SLICE);
    const uint32_t slice[] = {shape, zero, one, one};
    for (int i = 0; i < 4; i++) tflite_draw_says(d, slice[i]);
    tflite_draw_slot(d, SLICE_SHRINK_MASK, 1);
    uint32_t first = gives_numbers(d, QM_I32, 0), second = tflite_draw_numbers(d, 0, 1, &rest);
    tflite_draw_node(d, TFLITE_PACK, OPTIONS_PACK);
    tflite_draw_slot(d, PACK_COUNT, 2);
    tflite_draw_says(d, first);
    tflite_draw_says(d, second);
    const struct qm_shape to = {2, {d->tensors[in].dims[0], (uint32_t)qm_graph_elements(&d->tensors[in]) / d->tensors[in].dims[0]}};
    go_by(d, &reshape, in, gives_numbers(d, QM_I32, 2), &to);
}

/* To one dimension: the product of the shape. */
static void draw_product(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), shape = shape_of(d, in, QM_I32);
    const int32_t axis = 0;
    uint32_t axes = tflite_draw_numbers(d, 1, 1, &axis);
    tflite_draw_node(d, TFLITE_REDUCE_PROD, OPTIONS_REDUCER);
    tflite_draw_slot(d, REDUCER_KEEP_DIMS, 1);
    tflite_draw_says(d, shape);
    tflite_draw_says(d, axes);
    const struct qm_shape to = {1, {(uint32_t)qm_graph_elements(&d->tensors[in])}};
    go_by(d, &reshape, in, gives_numbers(d, QM_I32, 1), &to);
}

/* To the same dimensions the other way round: elements of the shape, perhaps of int64 before. */
static void draw_turned(struct tflite_draw *d, const struct tflite_draw_row *row) {
    bool wide = tflite_draw_chance(d, 50);
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), rank = d->tensors[in].rank, shape = shape_of(d, in, wide ? QM_I64 : QM_I32);
    int32_t order[QM_MAX_RANK];
    struct qm_shape to = {.rank = rank};
    for (uint32_t i = 0; i < rank; i++) {
        order[i] = (int32_t)(rank - 1 - i);
        to.dims[i] = d->tensors[in].dims[rank - 1 - i];
    }
    if (wide) {
        tflite_draw_node(d, TFLITE_CAST, OPTIONS_CAST);
        tflite_draw_slot(d, CAST_FROM, BUILD_INT64);
        tflite_draw_slot(d, CAST_TO, BUILD_INT32);
        tflite_draw_says(d, shape);
        shape = gives_numbers(d, QM_I32, rank);
    }
    uint32_t indices = tflite_draw_numbers(d, 1, rank, order);
    tflite_draw_node(d, TFLITE_GATHER, OPTIONS_GATHER);
    tflite_draw_says(d, shape);
    tflite_draw_says(d, indices);
    go_by(d, &reshape, in, gives_numbers(d, QM_I32, rank), &to);
}

/* Each dimension so many times: a number, repeated. */
static void draw_filled(struct tflite_draw *d, const struct tflite_draw_row *row) {
    static const struct tflite_draw_row tile = {TFLITE_TILE, OPTIONS_TILE, QM_OP_TILE, DRAW_BYTES, NULL};
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), rank = d->tensors[in].rank;
    const int32_t count = (int32_t)rank, times = (int32_t)tflite_draw_between(d, 1, 2);
    struct qm_shape to = qm_graph_shape(&d->tensors[in]);
    for (uint32_t i = 0; i < rank; i++) to.dims[i] *= (uint32_t)times;
    uint32_t dims = tflite_draw_numbers(d, 1, 1, &count), value = tflite_draw_numbers(d, 0, 1, &times);
    tflite_draw_node(d, TFLITE_FILL, OPTIONS_FILL);
    tflite_draw_says(d, dims);
    tflite_draw_says(d, value);
    go_by(d, &tile, in, gives_numbers(d, QM_I32, rank), &to);
}

/* To what its shape and a constant one come to together. */
static void draw_broadcast_args(struct tflite_draw *d, const struct tflite_draw_row *row) {
    static const struct tflite_draw_row broadcast = {TFLITE_BROADCAST_TO, OPTIONS_BROADCAST_TO, QM_OP_BROADCAST_TO, DRAW_BYTES, NULL};
    uint32_t in = tflite_draw_source(d, row->types, 1, 4), rank = d->tensors[in].rank, shape = shape_of(d, in, QM_I32);
    int32_t other[QM_MAX_RANK];
    struct qm_shape to = qm_graph_shape(&d->tensors[in]);
    for (uint32_t i = 0; i < rank; i++) {
        other[i] = tflite_draw_chance(d, 50) ? 1 : (int32_t)to.dims[i];
        if (to.dims[i] == 1) other[i] = (int32_t)tflite_draw_between(d, 1, 4);
        if (to.dims[i] == 1) to.dims[i] = (uint32_t)other[i];
    }
    uint32_t said = tflite_draw_numbers(d, 1, rank, other);
    tflite_draw_node(d, TFLITE_BROADCAST_ARGS, OPTIONS_NONE);
    tflite_draw_says(d, shape);
    tflite_draw_says(d, said);
    go_by(d, &broadcast, in, gives_numbers(d, QM_I32, rank), &to);
}

/* clang-format off */
const struct tflite_draw_row tflite_draw_shapes[] = {
    {.types = DRAW_ANY,   .draw = draw_flattening},
    {.types = DRAW_ANY,   .draw = draw_product},
    {.types = DRAW_ANY,   .draw = draw_turned},
    {.types = DRAW_BYTES, .draw = draw_filled},
    {.types = DRAW_BYTES, .draw = draw_broadcast_args},
    {.draw = NULL},
};
/* clang-format on */
