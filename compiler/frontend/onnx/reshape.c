/* reshape.c - nodes that only change a shape or an order: Reshape, Flatten, Squeeze, Unsqueeze, Transpose.
 *
 * A flattened map stays channels last as long as nobody but a matrix product reads it, which then orders its weights instead.
 */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* ---- shapes ---- */

bool onnx_axes(const struct onnx_node *n, uint32_t rank, uint32_t *bits) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, "axes");
    const struct onnx_value *list = NULL;
    if (attribute == NULL && n->inputs[1] != NULL && !onnx_constant(n, 1, &list)) return false;
    uint64_t count = attribute != NULL ? attribute->n_ints : list != NULL ? onnx_elements(&list->shape) : 0;
    *bits = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t axis;
        if (!onnx_axis(n, attribute != NULL ? attribute->ints[i] : (int64_t)list->numbers[i], rank, &axis)) return false;
        *bits |= 1U << axis;
    }
    return count > 0 || onnx_refuse(n, "has no axes");
}

static bool squeezed(const struct onnx_node *n, const struct onnx_shape *in, struct onnx_shape *out) {
    uint32_t bits;
    if (!onnx_axes(n, in->rank, &bits)) return false;
    for (uint32_t d = 0; d < in->rank; d++) {
        bool drop = (bits >> d & 1) != 0;
        if (drop && in->dims[d] != 1) return onnx_refuse(n, "drops a dimension of %u", in->dims[d]);
        if (!drop) out->dims[out->rank++] = in->dims[d];
    }
    return true;
}

static bool unsqueezed(const struct onnx_node *n, const struct onnx_shape *in, struct onnx_shape *out) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, "axes");
    uint64_t added = attribute != NULL ? attribute->n_ints : n->inputs[1] != NULL ? onnx_elements(&n->inputs[1]->shape) : 0;
    uint32_t bits, next = 0;
    if (added + in->rank > QM_MAX_RANK) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    out->rank = in->rank + (uint32_t)added;
    if (!onnx_axes(n, out->rank, &bits)) return false;
    for (uint32_t d = 0; d < out->rank; d++) {
        bool one = (bits >> d & 1) != 0 || next == in->rank;
        out->dims[d] = one ? 1 : in->dims[next++];
    }
    return next == in->rank || onnx_refuse(n, "has axes that do not fit");
}

static bool flattened(const struct onnx_node *n, const struct onnx_shape *in, struct onnx_shape *out) {
    int64_t axis = onnx_int(n, "axis", 1);
    if (axis < 0) axis += in->rank;
    if (axis < 0 || axis > (int64_t)in->rank) return onnx_refuse(n, "has axis %lld on %u dimensions", (long long)axis, in->rank);
    *out = (struct onnx_shape){2, {1, 1}};
    for (uint32_t d = 0; d < in->rank; d++) out->dims[d < axis ? 0 : 1] *= in->dims[d];
    return true;
}

static bool reshaped(const struct onnx_node *n, const struct onnx_shape *in, struct onnx_shape *out) {
    const struct onnx_value *list;
    if (!onnx_constant(n, 1, &list)) return false;
    uint64_t count = onnx_elements(&list->shape), known = 1, elements = onnx_elements(in);
    if (count > QM_MAX_RANK || list->shape.rank > 1) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    uint32_t open = QM_MAX_RANK;
    out->rank = (uint32_t)count;
    for (uint32_t d = 0; d < count; d++) {
        double extent = list->numbers[d];
        if (extent == 0 && d < in->rank && onnx_int(n, "allowzero", 0) == 0) extent = in->dims[d];
        if (extent == -1 && open == QM_MAX_RANK)
            open = d;
        else if (!(extent >= 1 && extent <= (double)elements))
            return onnx_refuse(n, "has the dimension %g", extent);
        out->dims[d] = extent == -1 ? 1 : (uint32_t)extent;
        known *= out->dims[d];
        if (known > elements) return onnx_refuse(n, "makes %llu elements of %llu", (unsigned long long)known, (unsigned long long)elements);
    }
    if (open < QM_MAX_RANK) out->dims[open] = (uint32_t)(elements / known);
    return true;
}

bool onnx_shape_result(const struct onnx_node *n, struct onnx_shape *shape) {
    const struct onnx_shape *in = &n->inputs[0]->shape;
    const char *op = n->source->op_type;
    *shape = (struct onnx_shape){.rank = 0};
    bool fits = strcmp(op, "Reshape") == 0   ? reshaped(n, in, shape)
                : strcmp(op, "Flatten") == 0 ? flattened(n, in, shape)
                : strcmp(op, "Squeeze") == 0 ? squeezed(n, in, shape)
                                             : unsqueezed(n, in, shape);
    if (!fits) return false;
    return onnx_elements(shape) == onnx_elements(in) || onnx_refuse(n, "makes another number of elements");
}

/* Makes output 0 a flattened map that stays channels last. False, with nothing named: it is none, or has its bytes in the other order. */
static bool keep_order(const struct onnx_node *n, const struct onnx_value *in, const struct onnx_shape *shape) {
    uint32_t rank = in->shape.rank;
    if (in->tensors[ONNX_CHANNELS_LAST] == QM_NO_TENSOR || in->tensors[ONNX_PLAIN] != QM_NO_TENSOR || rank < 3 || rank > 4) return false;
    struct onnx_map *map = QM_ARENA_NEW(n->r->arena, struct onnx_map, 1);
    if (!onnx_map_of(n, &in->shape, map) || map->c == 1 || map->h * map->w == 1) return false;
    if (map->n != 1 || shape->rank != 2 || shape->dims[0] != 1) return false;
    onnx_put(n, in, shape, ONNX_CHANNELS_LAST, in->tensors[ONNX_CHANNELS_LAST]);
    n->outputs[0]->map = map;
    return true;
}

bool onnx_reshape(const struct onnx_node *n) {
    struct onnx_value *in = n->inputs[0];
    struct onnx_shape shape;
    uint32_t tensor;
    if (!onnx_shape_result(n, &shape)) return false;
    if (in->state == ONNX_INPUT && in->tensors[ONNX_PLAIN] == QM_NO_TENSOR) {
        onnx_put(n, in, &shape, ONNX_PLAIN, QM_NO_TENSOR);
        return true;
    }
    if (!onnx_materialize(n, in) || keep_order(n, in, &shape)) return in->state == ONNX_TENSOR;
    if (!onnx_tensor(n, in, ONNX_PLAIN, &tensor)) return false;
    onnx_put(n, in, &shape, ONNX_PLAIN, onnx_add_reshape(n, tensor, &shape));
    return true;
}

bool onnx_permutation(const struct onnx_node *n, uint32_t rank, uint32_t *permutation) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, "perm");
    uint32_t seen = 0;
    if (attribute != NULL && attribute->n_ints != rank)
        return onnx_refuse(n, "has a perm of %zu for %u dimensions", attribute->n_ints, rank);
    for (uint32_t d = 0; d < rank; d++) {
        int64_t from = attribute != NULL ? attribute->ints[d] : (int64_t)(rank - 1 - d);
        if (from < 0 || from >= (int64_t)rank || (seen >> from & 1) != 0) return onnx_refuse(n, "has a perm that is none");
        seen |= 1U << from;
        permutation[d] = (uint32_t)from;
    }
    return true;
}

bool onnx_transpose(const struct onnx_node *n) {
    static const uint32_t to_last[] = {0, 2, 3, 1}, to_first[] = {0, 3, 1, 2};
    struct onnx_value *in = n->inputs[0];
    uint32_t permutation[QM_MAX_RANK], tensor, rank = in->shape.rank;
    struct onnx_shape shape = {.rank = rank};
    if (!onnx_permutation(n, rank, permutation) || !onnx_materialize(n, in)) return false;
    for (uint32_t d = 0; d < rank; d++) shape.dims[d] = in->shape.dims[permutation[d]];
    if (rank == 4 && memcmp(permutation, to_last, sizeof to_last) == 0 && in->tensors[ONNX_CHANNELS_LAST] != QM_NO_TENSOR) {
        onnx_put(n, in, &shape, ONNX_PLAIN, in->tensors[ONNX_CHANNELS_LAST]);
        return true;
    }
    if (!onnx_tensor(n, in, ONNX_PLAIN, &tensor)) return false;
    if (rank == 4 && memcmp(permutation, to_first, sizeof to_first) == 0) {
        onnx_put(n, in, &shape, ONNX_CHANNELS_LAST, tensor);
        return true;
    }
    uint32_t result = onnx_add_like(n, tensor, &shape);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_TRANSPOSE, tensor, result);
    memcpy(op->permutation, permutation, rank * sizeof *permutation);
    onnx_put(n, in, &shape, ONNX_PLAIN, result);
    return true;
}
