/* onnx_draw_rows.c - see onnx_draw.h: reductions over any dimensions, places of extremes, softmax, normalizations. */
#include <math.h>
#include <string.h>

#include "tests/support/onnx_draw.h"

enum { FLOAT = 1 };

/* ---- reductions ---- */

/* Dimensions to reduce, some written from the back; *elements of each that is reduced. */
static uint32_t draw_axes(struct onnx_draw *d, const struct onnx_build_shape *shape, bool over[6], int64_t *axes, size_t *elements) {
    uint32_t count = 0, first = onnx_draw_chance(d, 80) ? 1 : 0;
    uint32_t sure = first + onnx_draw_below(d, shape->rank - first);
    *elements = 1;
    for (uint32_t i = 0; i < shape->rank; i++) {
        over[i] = i == sure || (i >= first && onnx_draw_chance(d, 35));
        if (!over[i]) continue;
        *elements *= (size_t)shape->dims[i];
        axes[count++] = onnx_draw_chance(d, 30) ? (int64_t)i - shape->rank : i;
    }
    if (count < shape->rank && onnx_draw_chance(d, 8)) axes[count++] = (int64_t)sure - shape->rank; /* once more */
    return count;
}

static struct onnx_build_shape without(const struct onnx_build_shape *shape, const bool over[6], bool keep) {
    struct onnx_build_shape out = {0, {0}};
    for (uint32_t i = 0; i < shape->rank; i++)
        if (keep || !over[i]) out.dims[out.rank++] = over[i] ? 1 : shape->dims[i];
    return out;
}

static const char *reduction(struct onnx_draw *d, const struct onnx_draw_value *x, size_t elements) {
    static const char *const ops[] = {"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"};
    bool small = elements <= 4 && x->spread > 0.05 && x->spread < 20;
    return ops[small && onnx_draw_chance(d, 40) ? 4 : onnx_draw_below(d, 4)];
}

bool onnx_draw_reduce(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    bool over[6], keep = onnx_draw_chance(d, 50);
    int64_t axes[6];
    size_t elements;
    uint32_t count = draw_axes(d, &x->shape, over, axes, &elements);
    const char *op = reduction(d, x, elements), *operands = x->name;
    bool listed = d->opset >= (op[6] == 'S' ? 13 : 18), all = count == x->shape.rank;
    for (uint32_t i = 0; i < x->shape.rank; i++) all = all && over[i];
    all = all && onnx_draw_chance(d, 50);
    keep = keep || x->shape.rank - count < 2;
    y->shape = without(&x->shape, over, keep);
    if (listed && !all) operands = qm_arena_printf(d->b.arena, "%s %s", x->name, onnx_draw_list(d, count, axes));
    Onnx__NodeProto *node = onnx_draw_node(d, op, operands, &y->name);
    if (!listed && !all) onnx_build_ints(&d->b, node, "axes", count, axes);
    onnx_build_int(&d->b, node, "keepdims", keep);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "%s-any", op));
    if (op[6] == 'S') y->spread = x->spread * sqrt((double)elements);
    if (op[6] == 'P') y->spread = pow(x->spread, (double)elements);
    if (strcmp(op, "ReduceMax") == 0 || strcmp(op, "ReduceMin") == 0) y->quant = x->quant;
    return true;
}

/* Places are whole numbers, cast to floats. What is compared must be exact, so that it is the same for everybody. */
bool onnx_draw_find(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t axis = onnx_draw_below(d, x->shape.rank);
    bool over[6] = {false}, keep = onnx_draw_chance(d, 50) || x->shape.rank < 3;
    const char *op = onnx_draw_chance(d, 50) ? "ArgMax" : "ArgMin", *places;
    if (x->quant == NULL) return false;
    over[axis] = true;
    Onnx__NodeProto *node = onnx_draw_node(d, op, x->name, &places);
    if (axis != 0 || onnx_draw_chance(d, 50)) onnx_build_int(&d->b, node, "axis", axis);
    onnx_build_int(&d->b, node, "keepdims", keep);
    if (onnx_draw_chance(d, 30)) onnx_build_int(&d->b, node, "select_last_index", 1);
    onnx_build_int(&d->b, onnx_draw_node(d, "Cast", places, &y->name), "to", FLOAT);
    onnx_draw_note(d, op);
    y->spread = (double)x->shape.dims[axis];
    y->unit = 1;
    y->shape = without(&x->shape, over, keep);
    return true;
}

bool onnx_draw_global_max(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    if (x->shape.rank < 3 || x->shape.rank > 4) return false;
    for (uint32_t i = 2; i < x->shape.rank; i++) y->shape.dims[i] = 1;
    onnx_draw_node(d, "GlobalMaxPool", x->name, &y->name);
    onnx_draw_note(d, "GlobalMaxPool");
    y->quant = x->quant;
    return true;
}

/* ---- rows ---- */

bool onnx_draw_softmax(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    const char *op = onnx_draw_chance(d, 75) ? "Softmax" : "LogSoftmax";
    uint32_t axis = onnx_draw_below(d, x->shape.rank);
    Onnx__NodeProto *node = onnx_draw_node(d, op, x->name, &y->name);
    if (onnx_draw_chance(d, 70)) onnx_build_int(&d->b, node, "axis", onnx_draw_chance(d, 40) ? (int64_t)axis - x->shape.rank : axis);
    onnx_draw_note(d, op);
    y->spread = op[0] == 'S' ? 0.4 : x->spread;
    return true;
}

static const char *numbers(struct onnx_draw *d, struct onnx_build_shape shape, double low, double high) {
    double *values = QM_ARENA_NEW(d->b.arena, double, onnx_draw_elements(&shape) + 1);
    for (size_t i = 0; i < onnx_draw_elements(&shape); i++) values[i] = onnx_draw_between(d, low, high);
    return onnx_draw_constant(d, shape, values);
}

bool onnx_draw_layer_normalization(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t axis = onnx_draw_chance(d, 70) ? x->shape.rank - 1 : 1 + onnx_draw_below(d, x->shape.rank - 1);
    struct onnx_build_shape shape = {x->shape.rank - axis, {0}};
    if (d->opset < 17) return false;
    for (uint32_t i = 0; i < shape.rank; i++) shape.dims[i] = x->shape.dims[axis + i];
    const char *operands = qm_arena_printf(d->b.arena, "%s %s", x->name, numbers(d, shape, 0.3, 2));
    if (onnx_draw_chance(d, 70)) operands = qm_arena_printf(d->b.arena, "%s %s", operands, numbers(d, shape, -1, 1));
    Onnx__NodeProto *node = onnx_draw_node(d, "LayerNormalization", operands, &y->name);
    if (axis + 1 != x->shape.rank || onnx_draw_chance(d, 50)) onnx_build_int(&d->b, node, "axis", axis);
    if (onnx_draw_chance(d, 50)) onnx_build_float(&d->b, node, "epsilon", 0.001F);
    onnx_draw_note(d, "LayerNormalization");
    y->spread = 1.5;
    return true;
}

bool onnx_draw_instance_normalization(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct onnx_build_shape shape = {1, {x->shape.dims[1]}};
    if (x->shape.rank < 3) return false;
    const char *scale = numbers(d, shape, 0.3, 2), *shift = numbers(d, shape, -1, 1);
    Onnx__NodeProto *node =
        onnx_draw_node(d, "InstanceNormalization", qm_arena_printf(d->b.arena, "%s %s %s", x->name, scale, shift), &y->name);
    if (onnx_draw_chance(d, 50)) onnx_build_float(&d->b, node, "epsilon", 0.001F);
    onnx_draw_note(d, "InstanceNormalization");
    y->spread = 1.5;
    return true;
}
