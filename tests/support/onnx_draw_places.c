/* onnx_draw_places.c - see onnx_draw.h: elements at listed or computed places, repeated, mirrored, between each other. */
#include <string.h>

#include "tests/support/onnx_draw.h"

enum { FLOAT = 1, INT64 = 7, ELEMENTS_MAX = 6000 };

bool onnx_draw_gather(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t axis = onnx_draw_chance(d, 80) ? 1 + onnx_draw_below(d, x->shape.rank - 1) : 0, rank = onnx_draw_below(d, 3);
    struct onnx_build_shape list = {rank, {1 + onnx_draw_below(d, 5), 1 + onnx_draw_below(d, 3)}}, shape = {0, {0}};
    size_t count = rank > 0 ? (size_t)list.dims[0] * (rank > 1 ? (size_t)list.dims[1] : 1) : 1;
    double places[15];
    if (x->shape.rank + rank < 3 || x->shape.rank + rank > 6) return false;
    for (size_t i = 0; i < count; i++)
        places[i] = (double)onnx_draw_below(d, (uint32_t)x->shape.dims[axis]) - (onnx_draw_chance(d, 25) ? (double)x->shape.dims[axis] : 0);
    const char *held = onnx_draw_name(d, "list");
    onnx_build_constant(&d->b, held, INT64, list, places);
    for (uint32_t i = 0; i < axis; i++) shape.dims[shape.rank++] = x->shape.dims[i];
    for (uint32_t i = 0; i < rank; i++) shape.dims[shape.rank++] = list.dims[i];
    for (uint32_t i = axis + 1; i < x->shape.rank; i++) shape.dims[shape.rank++] = x->shape.dims[i];
    onnx_build_int(&d->b, onnx_draw_node(d, "Gather", qm_arena_printf(d->b.arena, "%s %s", x->name, held), &y->name), "axis", axis);
    onnx_draw_note(d, "Gather");
    y->shape = shape;
    y->quant = x->quant;
    return true;
}

bool onnx_draw_tile(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t times[6];
    for (uint32_t i = 0; i < x->shape.rank; i++)
        y->shape.dims[i] *= times[i] = i > 0 && onnx_draw_chance(d, 40) ? 1 + onnx_draw_below(d, 3) : 1;
    if (onnx_draw_elements(&y->shape) > ELEMENTS_MAX) return false;
    onnx_draw_node(d, "Tile", qm_arena_printf(d->b.arena, "%s %s", x->name, onnx_draw_list(d, x->shape.rank, times)), &y->name);
    onnx_draw_note(d, "Tile");
    y->quant = x->quant;
    return true;
}

/* Dimensions of one element become longer, and there may be more of them in front. */
bool onnx_draw_expand(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t more = x->shape.rank < 5 && onnx_draw_chance(d, 40);
    int64_t asked[6] = {1 + onnx_draw_below(d, 2)};
    struct onnx_build_shape shape = {x->shape.rank + more, {asked[0]}};
    for (uint32_t i = 0; i < x->shape.rank; i++) {
        int64_t own = x->shape.dims[i], longer = i > 0 && own == 1 && onnx_draw_chance(d, 70) ? 1 + onnx_draw_below(d, 5) : own;
        shape.dims[i + more] = longer;
        asked[i + more] = longer == own && onnx_draw_chance(d, 30) ? 1 : longer;
    }
    if (onnx_draw_elements(&shape) > ELEMENTS_MAX) return false;
    y->shape = shape;
    onnx_draw_node(d, "Expand", qm_arena_printf(d->b.arena, "%s %s", x->name, onnx_draw_list(d, shape.rank, asked)), &y->name);
    onnx_draw_note(d, "Expand");
    y->quant = x->quant;
    return true;
}

bool onnx_draw_unsqueeze(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t rank = x->shape.rank, axis = onnx_draw_below(d, rank + 1);
    bool squeezes = onnx_draw_chance(d, 50) && axis < rank && rank > 2 && x->shape.dims[axis] == 1;
    if (!squeezes && rank > 4) return false;
    struct onnx_build_shape shape = {squeezes ? rank - 1 : rank + 1, {0}};
    for (uint32_t i = 0; i < shape.rank; i++)
        shape.dims[i] = squeezes ? x->shape.dims[i < axis ? i : i + 1] : i == axis ? 1 : x->shape.dims[i < axis ? i : i - 1];
    int64_t back = (int64_t)axis - (squeezes ? rank : rank + 1), asked[] = {onnx_draw_chance(d, 30) ? back : axis, back};
    const char *op = squeezes ? "Squeeze" : "Unsqueeze";
    uint32_t times = squeezes && onnx_draw_chance(d, 20) ? 2 : 1; /* Squeeze may name an axis again */
    onnx_draw_node(d, op, qm_arena_printf(d->b.arena, "%s %s", x->name, onnx_draw_list(d, times, asked)), &y->name);
    onnx_draw_note(d, op);
    y->shape = shape;
    y->quant = x->quant;
    return true;
}

/* Whether a map has blocks of b times b, of channels or of positions. */
static bool has_blocks(const struct onnx_build_shape *shape, int64_t b, bool of_channels) {
    return of_channels ? shape->dims[1] % (b * b) == 0 : shape->dims[2] % b == 0 && shape->dims[3] % b == 0;
}

bool onnx_draw_blocks(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t b = has_blocks(&x->shape, 3, true) ? 3 : 2, *dims = y->shape.dims;
    bool to_space = has_blocks(&x->shape, b, true) && onnx_draw_chance(d, 80);
    if (x->shape.rank != 4 || !has_blocks(&x->shape, b, to_space)) return false;
    const char *op = to_space ? "DepthToSpace" : "SpaceToDepth";
    Onnx__NodeProto *node = onnx_draw_node(d, op, x->name, &y->name);
    onnx_build_int(&d->b, node, "blocksize", b);
    if (to_space && onnx_draw_chance(d, 70)) onnx_build_string(&d->b, node, "mode", onnx_draw_chance(d, 50) ? "CRD" : "DCR");
    dims[1] = to_space ? dims[1] / (b * b) : dims[1] * b * b;
    for (uint32_t i = 2; i < 4; i++) dims[i] = to_space ? dims[i] * b : dims[i] / b;
    onnx_draw_note(d, op);
    y->quant = x->quant;
    return true;
}

/* ---- padding with elements ---- */

bool onnx_draw_mirror(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const modes[] = {"reflect", "edge", "wrap"};
    const char *mode = modes[onnx_draw_below(d, d->opset < 19 ? 2 : 3)];
    int64_t pads[12] = {0};
    for (uint32_t i = 1; i < x->shape.rank; i++) {
        uint32_t most = mode[0] == 'e' ? 4 : (uint32_t)(x->shape.dims[i] < 4 ? x->shape.dims[i] : 4);
        if (onnx_draw_chance(d, 40)) continue;
        pads[i] = onnx_draw_below(d, most);
        pads[i + x->shape.rank] = onnx_draw_below(d, most);
        y->shape.dims[i] += pads[i] + pads[i + x->shape.rank];
    }
    const char *list = onnx_draw_list(d, 2 * x->shape.rank, pads);
    onnx_build_string(&d->b, onnx_draw_node(d, "Pad", qm_arena_printf(d->b.arena, "%s %s", x->name, list), &y->name), "mode", mode);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "Pad-%s", mode));
    y->quant = x->quant;
    return true;
}

/* A slice of two dimensions; one goes down. */
bool onnx_draw_slice_down(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t starts[2], ends[2], steps[2], axes[2];
    uint32_t first = 1 + onnx_draw_below(d, x->shape.rank - 1), count = first + 1 < x->shape.rank ? 2 : 1;
    for (uint32_t i = 0; i < count; i++) {
        int64_t extent = x->shape.dims[first + i], from = onnx_draw_below(d, (uint32_t)extent);
        int64_t stop = (int64_t)onnx_draw_below(d, (uint32_t)from + 1) - 1, length = from - stop;
        steps[i] = i == 0 ? -1 - (int64_t)onnx_draw_below(d, 2) : -1;
        axes[i] = first + i;
        starts[i] = from == extent - 1 && onnx_draw_chance(d, 40) ? extent + 5 : from;
        ends[i] = stop < 0 || onnx_draw_chance(d, 40) ? stop - extent : stop;
        if (stop < 0 && onnx_draw_chance(d, 40)) ends[i] = -INT64_MAX / 2;
        y->shape.dims[first + i] = (length - steps[i] - 1) / -steps[i];
    }
    const char *operands = qm_arena_printf(d->b.arena, "%s %s %s %s %s", x->name, onnx_draw_list(d, count, starts),
                                           onnx_draw_list(d, count, ends), onnx_draw_list(d, count, axes), onnx_draw_list(d, count, steps));
    onnx_draw_node(d, "Slice", operands, &y->name);
    onnx_draw_note(d, "Slice-down");
    y->quant = x->quant;
    return true;
}

/* ---- resizing ---- */

bool onnx_draw_resize(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    double factors[4] = {1, 1, 1 + onnx_draw_below(d, 3), 1 + onnx_draw_below(d, 3)};
    const char *scales = onnx_draw_name(d, "list");
    if (x->shape.rank != 4) return false;
    onnx_build_constant(&d->b, scales, FLOAT, (struct onnx_build_shape){1, {4}}, factors);
    for (uint32_t i = 2; i < 4; i++) y->shape.dims[i] *= (int64_t)factors[i];
    Onnx__NodeProto *node = onnx_draw_node(d, "Resize", qm_arena_printf(d->b.arena, "%s - %s", x->name, scales), &y->name);
    onnx_build_string(&d->b, node, "coordinate_transformation_mode", "asymmetric");
    onnx_build_string(&d->b, node, "nearest_mode", "floor");
    onnx_draw_note(d, "Resize");
    y->quant = x->quant;
    return true;
}

/* Factors, or sizes, of each dimension behind the second; the operands of the node. */
static const char *resizing(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    double factors[6];
    int64_t sizes[6];
    for (uint32_t i = 0; i < x->shape.rank; i++) {
        factors[i] = i < 2 ? 1 : (double)(4 + onnx_draw_below(d, 12)) / 8 * (onnx_draw_chance(d, 50) ? 1 : 1.0625);
        if (factors[i] * (double)x->shape.dims[i] < 1) factors[i] = 1;
        sizes[i] = y->shape.dims[i] = (int64_t)(factors[i] * (double)x->shape.dims[i]);
    }
    if (onnx_draw_chance(d, 50)) return qm_arena_printf(d->b.arena, "%s - - %s", x->name, onnx_draw_list(d, x->shape.rank, sizes));
    const char *scales = onnx_draw_name(d, "list");
    onnx_build_constant(&d->b, scales, FLOAT, (struct onnx_build_shape){1, {x->shape.rank}}, factors);
    return qm_arena_printf(d->b.arena, "%s - %s", x->name, scales);
}

bool onnx_draw_resize_any(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const coordinates[] = {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"};
    static const char *const nearest[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    bool linear = onnx_draw_chance(d, 50);
    if (x->shape.rank < 3) return false;
    const char *operands = resizing(d, x, y);
    Onnx__NodeProto *node = onnx_draw_node(d, "Resize", operands, &y->name);
    if (linear) onnx_build_string(&d->b, node, "mode", "linear");
    uint32_t how = onnx_draw_below(d, d->opset < 19 ? 4 : 5);
    if (how != 0) onnx_build_string(&d->b, node, "coordinate_transformation_mode", coordinates[how]);
    if (!linear && onnx_draw_chance(d, 70)) onnx_build_string(&d->b, node, "nearest_mode", nearest[onnx_draw_below(d, 4)]);
    onnx_draw_note(d, linear ? "Resize-linear" : "Resize-nearest");
    y->quant = linear ? NULL : x->quant;
    return true;
}
