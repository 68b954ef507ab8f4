/* onnx_draw_moves.c - see onnx_draw.h: operators that put elements elsewhere, and means. */
#include <string.h>

#include "tests/support/onnx_draw.h"

bool onnx_draw_transpose(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t order[6];
    for (uint32_t i = 0; i < x->shape.rank; i++) order[i] = i;
    for (uint32_t i = x->shape.rank - 1; i > 1; i--) {
        uint32_t other = 1 + onnx_draw_below(d, i);
        int64_t kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    if (x->shape.rank == 2 && onnx_draw_chance(d, 50)) {
        order[0] = 1;
        order[1] = 0;
    }
    for (uint32_t i = 0; i < x->shape.rank; i++) y->shape.dims[i] = x->shape.dims[order[i]];
    onnx_build_ints(&d->b, onnx_draw_node(d, "Transpose", x->name, &y->name), "perm", x->shape.rank, order);
    onnx_draw_note(d, "Transpose");
    y->quant = x->quant;
    return true;
}

bool onnx_draw_reshape(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t elements = (int64_t)(onnx_draw_elements(&x->shape) / (size_t)x->shape.dims[0]), part = 1 + onnx_draw_below(d, 8);
    uint32_t rank = 2 + onnx_draw_below(d, 2);
    while (elements % part != 0) part--;
    y->shape = (struct onnx_build_shape){rank, {x->shape.dims[0], rank == 2 ? elements : part, elements / part}};
    if (rank == 2) y->shape.dims[2] = 0;
    int64_t asked[3] = {onnx_draw_chance(d, 30) ? 0 : x->shape.dims[0], onnx_draw_chance(d, 50) ? -1 : y->shape.dims[1], y->shape.dims[2]};
    const char *list = onnx_draw_list(d, rank, asked);
    onnx_draw_node(d, "Reshape", qm_arena_printf(d->b.arena, "%s %s", x->name, list), &y->name);
    onnx_draw_note(d, "Reshape");
    y->quant = x->quant;
    return true;
}

bool onnx_draw_flatten(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    if (x->shape.rank < 3) return false;
    y->shape = (struct onnx_build_shape){2, {x->shape.dims[0], (int64_t)onnx_draw_elements(&x->shape) / x->shape.dims[0]}};
    onnx_draw_node(d, "Flatten", x->name, &y->name);
    onnx_draw_note(d, "Flatten");
    y->quant = x->quant;
    return true;
}

/* Below 0 it cuts. */
static int64_t draw_pad(struct onnx_draw *d, int64_t extent) {
    return extent > 2 && onnx_draw_chance(d, 10) ? -1 : (int64_t)onnx_draw_below(d, 3);
}

bool onnx_draw_pad(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t pads[12] = {0};
    for (uint32_t i = x->shape.rank == 4 && onnx_draw_chance(d, 70) ? 2 : 1; i < x->shape.rank; i++) {
        pads[i] = draw_pad(d, y->shape.dims[i]);
        pads[i + x->shape.rank] = draw_pad(d, y->shape.dims[i]);
        y->shape.dims[i] += pads[i] + pads[i + x->shape.rank];
    }
    const char *list = onnx_draw_list(d, 2 * x->shape.rank, pads), *value = "";
    if (onnx_draw_chance(d, 40)) {
        double fill = onnx_draw_chance(d, 50) ? 0 : onnx_draw_between(d, -1, 1) * x->spread;
        value = onnx_draw_name(d, "c");
        onnx_build_constant(&d->b, value, 1, (struct onnx_build_shape){0, {0}}, &fill);
    }
    const char *operands = qm_arena_printf(d->b.arena, "%s %s %s", x->name, list, value);
    onnx_draw_node(d, "Pad", operands, &y->name);
    onnx_draw_note(d, value[0] != '\0' ? "Pad-value" : "Pad");
    y->quant = x->quant;
    return true;
}

bool onnx_draw_slice(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t axis = 1 + onnx_draw_below(d, x->shape.rank - 1), extent = (uint32_t)x->shape.dims[axis];
    int64_t first = onnx_draw_below(d, extent), step = onnx_draw_chance(d, 30) ? 2 : 1,
            end = first + 1 + onnx_draw_below(d, extent - (uint32_t)first);
    y->shape.dims[axis] = (end - first + step - 1) / step;
    const char *starts = onnx_draw_list(d, 1, &first), *axes = onnx_draw_list(d, 1, &(int64_t){axis}), *steps = onnx_draw_list(d, 1, &step);
    int64_t asked = end == extent && onnx_draw_chance(d, 50) ? INT64_MAX / 2 : end < extent && onnx_draw_chance(d, 30) ? end - extent : end;
    const char *ends = onnx_draw_list(d, 1, &asked);
    onnx_draw_node(d, "Slice", qm_arena_printf(d->b.arena, "%s %s %s %s %s", x->name, starts, ends, axes, steps), &y->name);
    onnx_draw_note(d, step > 1 ? "Slice-step" : "Slice");
    y->quant = x->quant;
    return true;
}

/* One part is used, the others are not. */
bool onnx_draw_split(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t axis = 1 + onnx_draw_below(d, x->shape.rank - 1), extent = (uint32_t)x->shape.dims[axis];
    if (extent < 2) return false;
    int64_t parts[2] = {1 + onnx_draw_below(d, extent - 1), 0};
    parts[1] = extent - parts[0];
    const char *list = onnx_draw_list(d, 2, parts);
    y->name = onnx_draw_name(d, "t");
    Onnx__NodeProto *node = onnx_build_node(&d->b, "Split", qm_arena_printf(d->b.arena, "%s %s", x->name, list),
                                            qm_arena_printf(d->b.arena, "%s %s", y->name, onnx_draw_name(d, "unused")));
    onnx_build_int(&d->b, node, "axis", axis);
    y->shape.dims[axis] = parts[0];
    onnx_draw_note(d, "Split");
    y->quant = x->quant;
    return true;
}

bool onnx_draw_reduce_mean(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t rank = x->shape.rank, first = 1 + onnx_draw_below(d, rank - 1), last = first + onnx_draw_below(d, rank - first);
    bool keep = onnx_draw_chance(d, 50) || rank - (last - first + 1) < 2;
    int64_t axes[6];
    uint32_t count = 0, kept = 0;
    for (uint32_t i = first; i <= last; i++) axes[count++] = onnx_draw_chance(d, 30) ? (int64_t)i - rank : i;
    y->shape = (struct onnx_build_shape){0, {0}};
    for (uint32_t i = 0; i < rank; i++)
        if (keep || i < first || i > last) y->shape.dims[kept++] = i < first || i > last ? x->shape.dims[i] : 1;
    y->shape.rank = kept;
    const char *operands = d->opset < 18 ? x->name : qm_arena_printf(d->b.arena, "%s %s", x->name, onnx_draw_list(d, count, axes));
    Onnx__NodeProto *node = onnx_draw_node(d, "ReduceMean", operands, &y->name);
    if (d->opset < 18) onnx_build_ints(&d->b, node, "axes", count, axes);
    onnx_build_int(&d->b, node, "keepdims", keep);
    onnx_draw_note(d, "ReduceMean");
    return true;
}

bool onnx_draw_concat(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    const char *names = x->name;
    uint32_t axis = 1 + onnx_draw_below(d, x->shape.rank - 1), count = 1 + onnx_draw_below(d, 2);
    if (d->input_count > 2) return false;
    for (uint32_t i = 0; i < count; i++) {
        struct onnx_build_shape shape = x->shape;
        shape.dims[axis] = 1 + onnx_draw_below(d, 6);
        const struct onnx_draw_flow *flow =
            onnx_draw_chance(d, 50) ? onnx_draw_other_flow(d, &x->shape, NULL, 0) : onnx_draw_input(d, &shape, 0);
        if (flow == NULL) flow = onnx_draw_input(d, &shape, 0);
        names = qm_arena_printf(d->b.arena, "%s %s", names, onnx_draw_dequantize(d, flow).name);
        y->shape.dims[axis] += flow->shape.dims[axis];
    }
    uint32_t rounds = onnx_draw_rounds(d, onnx_draw_elements(&y->shape));
    y->shape.dims[axis] *= rounds;
    onnx_build_int(&d->b, onnx_draw_node(d, "Concat", onnx_draw_again(d, names, rounds), &y->name), "axis", axis);
    onnx_draw_note(d, "Concat");
    return true;
}

bool onnx_draw_only_quantize(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    const struct onnx_draw_flow *flow =
        onnx_draw_quantize(d, &(struct onnx_draw_value){.name = x->name, .shape = x->shape, .spread = x->spread}, NULL);
    *y = onnx_draw_dequantize(d, flow);
    return true;
}
