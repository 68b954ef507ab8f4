/* onnx_draw_products.c - see onnx_draw.h: products with vectors and with stacks of matrices, and what Gemm adds beside a bias. */
#include <math.h>

#include "tests/support/onnx_draw.h"

enum { PRODUCTS_MAX = 40000 };

/* ---- operands of MatMul ---- */

/* A vector, one matrix, or stacks that x repeats in or that repeat in x; `depth` elements of the second last dimension, or of the last. */
static struct onnx_build_shape operand_shape(struct onnx_draw *d, const struct onnx_build_shape *x, bool first, int64_t depth) {
    uint32_t way = onnx_draw_below(d, 4), stacked = x->rank < 3 ? 1 : x->rank - 2;
    struct onnx_build_shape shape = {way < 2 ? 1 : way == 2 ? 2 : 2 + stacked, {depth}};
    int64_t other = 1 + onnx_draw_below(d, 4);
    if (way < 2) return shape;
    for (uint32_t i = 0; i + 2 < shape.rank; i++)
        shape.dims[i] = x->rank < 3 ? 1 + onnx_draw_below(d, 3) : onnx_draw_chance(d, 30) ? 1 : x->dims[i];
    shape.dims[shape.rank - 2] = first ? other : depth;
    shape.dims[shape.rank - 1] = first ? depth : other;
    return shape;
}

/* The shape of the product of x and an operand, which stands first or second. */
static struct onnx_build_shape product_shape(const struct onnx_build_shape *x, const struct onnx_build_shape *operand, bool first) {
    struct onnx_build_shape out = *x;
    if (operand->rank > x->rank) out = (struct onnx_build_shape){operand->rank, {operand->dims[0], x->dims[0], x->dims[1]}};
    if (operand->rank > 1) out.dims[out.rank - (first ? 2 : 1)] = operand->dims[operand->rank - (first ? 2 : 1)];
    if (operand->rank > 1) return out;
    if (first) out.dims[out.rank - 2] = out.dims[out.rank - 1];
    out.dims[--out.rank] = 0;
    return out;
}

/* Its name and spread: a constant, which only quantized numbers are multiplied by, or another tensor. NULL: neither. */
static const char *operand(struct onnx_draw *d, const struct onnx_build_shape *shape, bool first, bool constant, double *spread) {
    if (constant) {
        struct onnx_draw_weights w = {.shape = *shape, .axis = first ? 0 : shape->rank - 1, .channels = 1};
        if (!first && shape->rank > 1) w.channels = (uint32_t)shape->dims[w.axis];
        onnx_draw_weights(d, &w, true);
        *spread = 70 * w.scales[0];
        return w.name;
    }
    const struct onnx_draw_flow *flow = onnx_draw_other_flow(d, shape, NULL, 0);
    if (flow == NULL) return NULL;
    struct onnx_draw_value value = onnx_draw_dequantize(d, flow);
    *spread = value.spread;
    return value.name;
}

bool onnx_draw_vectors(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    bool first = onnx_draw_chance(d, 50), constant = x->quant != NULL && onnx_draw_chance(d, 60);
    int64_t depth = x->shape.dims[x->shape.rank - (first ? 2 : 1)];
    struct onnx_build_shape shape = operand_shape(d, &x->shape, first, depth), out = product_shape(&x->shape, &shape, first);
    double spread;
    if (!(x->spread > 1e-3 && x->spread < 1e3) || onnx_draw_elements(&out) * (size_t)depth > PRODUCTS_MAX) return false;
    const char *other = operand(d, &shape, first, constant, &spread);
    if (other == NULL) return false;
    onnx_draw_node(d, "MatMul", qm_arena_printf(d->b.arena, first ? "%2$s %1$s" : "%1$s %2$s", x->name, other), &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "MatMul-%s%s",
                                      shape.rank == 1   ? "vector"
                                      : shape.rank == 2 ? "matrix"
                                                        : "stack",
                                      constant ? "" : "-computed"));
    y->shape = out;
    y->spread = x->spread * spread * sqrt((double)depth);
    if (out.rank > 1) return true;
    onnx_draw_node(d, "Unsqueeze", qm_arena_printf(d->b.arena, "%s %s", y->name, onnx_draw_list(d, 1, (int64_t[]){0})), &y->name);
    y->shape = (struct onnx_build_shape){2, {1, out.dims[0]}};
    return true;
}

/* ---- addends of Gemm ---- */

const char *onnx_draw_addend(struct onnx_draw *d, const struct onnx_build_shape *product, double spread) {
    int64_t rows = product->dims[0], columns = product->dims[1];
    const struct onnx_build_shape shapes[] = {{0, {0}},       {1, {1}},       {2, {1, 1}},         {2, {1, columns}},
                                              {1, {columns}}, {2, {rows, 1}}, {2, {rows, columns}}};
    static const char *const names[] = {"number", "one", "one-by-one", "row", "channels", "column", "matrix"};
    const struct onnx_build_shape *shape = &shapes[onnx_draw_below(d, d->for_host ? 7 : 5)];
    size_t count = onnx_draw_elements(shape);
    double *values = QM_ARENA_NEW(d->b.arena, double, count);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "addend-%s", names[shape - shapes]));
    if (shape->rank == 2 && shape->dims[0] == rows && onnx_draw_chance(d, 40)) {
        const struct onnx_draw_flow *flow = onnx_draw_other_flow(d, shape, NULL, 0);
        if (flow != NULL) return onnx_draw_dequantize(d, flow).name;
    }
    for (size_t i = 0; i < count; i++) values[i] = onnx_draw_between(d, -spread, spread);
    return onnx_draw_constant(d, *shape, values);
}
