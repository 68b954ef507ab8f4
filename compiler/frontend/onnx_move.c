/* onnx_move.c - nodes that only give bytes another shape, order or place.
 *
 * A flattened map stays in the graph's order as long as nobody but a matrix product reads it, which then turns its weights instead.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx.h"

/* ---- shapes ---- */

/* The axes of Squeeze and Unsqueeze, an attribute or, later, input 1; as bits of the longer shape. */
static bool read_axes(const struct onnx_node *n, uint32_t rank, uint32_t *bits) {
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
    if (!read_axes(n, in->rank, &bits)) return false;
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
    if (!read_axes(n, out->rank, &bits)) return false;
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

/* A map whose rows are flattened, as long as its bytes are in the graph's order only. */
static bool keep_order(const struct onnx_node *n, const struct onnx_value *in, const struct onnx_shape *shape) {
    uint32_t rank = in->shape.rank;
    if (in->tensors[ONNX_LAST] == QM_NO_TENSOR || in->tensors[ONNX_PLAIN] != QM_NO_TENSOR || rank < 3 || rank > 4) return false;
    struct onnx_map *map = QM_ARENA_NEW(n->r->arena, struct onnx_map, 1);
    if (!onnx_map_of(n, &in->shape, map) || map->c == 1 || map->h * map->w == 1) return false;
    if (map->n != 1 || shape->rank != 2 || shape->dims[0] != 1) return false;
    onnx_put(n, in, shape, ONNX_LAST, in->tensors[ONNX_LAST]);
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
    if (!onnx_settle(n, in) || keep_order(n, in, &shape)) return in->state == ONNX_TENSOR;
    if (!onnx_tensor(n, in, ONNX_PLAIN, &tensor)) return false;
    uint32_t result = onnx_add_like(n, tensor, &shape);
    onnx_add_op(n, QM_OP_RESHAPE, tensor, result);
    onnx_put(n, in, &shape, ONNX_PLAIN, result);
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
    if (!onnx_permutation(n, rank, permutation) || !onnx_settle(n, in)) return false;
    for (uint32_t d = 0; d < rank; d++) shape.dims[d] = in->shape.dims[permutation[d]];
    if (rank == 4 && memcmp(permutation, to_last, sizeof to_last) == 0 && in->tensors[ONNX_LAST] != QM_NO_TENSOR) {
        onnx_put(n, in, &shape, ONNX_PLAIN, in->tensors[ONNX_LAST]);
        return true;
    }
    if (!onnx_tensor(n, in, ONNX_PLAIN, &tensor)) return false;
    if (rank == 4 && memcmp(permutation, to_first, sizeof to_first) == 0) {
        onnx_put(n, in, &shape, ONNX_LAST, tensor);
        return true;
    }
    uint32_t result = onnx_add_like(n, tensor, &shape);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_TRANSPOSE, tensor, result);
    memcpy(op->permutation, permutation, rank * sizeof *permutation);
    onnx_put(n, in, &shape, ONNX_PLAIN, result);
    return true;
}

/* ---- places ---- */

/* Where an axis of the ONNX shape is in a tensor of the order. */
static uint32_t axis_in(const struct onnx_shape *shape, enum onnx_order order, uint32_t axis) {
    static const uint32_t of_four[] = {0, 3, 1, 2}, of_three[] = {0, 3, 2};
    if (order == ONNX_PLAIN) return axis;
    return shape->rank == 4 ? of_four[axis] : of_three[axis];
}

static enum onnx_order order_of(const struct onnx_value *value) {
    return value->map == NULL && value->tensors[ONNX_LAST] != QM_NO_TENSOR ? ONNX_LAST : ONNX_PLAIN;
}

static struct onnx_shape tensor_shape(const struct onnx_node *n, uint32_t tensor) {
    struct onnx_shape shape = {.rank = n->r->graph->tensors[tensor].rank};
    memcpy(shape.dims, n->r->graph->tensors[tensor].dims, sizeof shape.dims);
    return shape;
}

bool onnx_concat(const struct onnx_node *n) {
    uint32_t count = (uint32_t)n->source->n_input, axis, tensors[ONNX_INPUTS_MAX];
    struct onnx_value *first = n->inputs[0];
    if (!onnx_settle(n, first) || !onnx_axis(n, onnx_int(n, "axis", 0), first->shape.rank, &axis)) return false;
    enum onnx_order order = order_of(first);
    struct onnx_shape shape = first->shape;
    struct onnx_value like = *first;
    for (uint32_t i = 0; i < count; i++) {
        struct onnx_value *part = n->inputs[i];
        if (!onnx_settle(n, part)) return false;
        bool fits = part->shape.rank == shape.rank;
        for (uint32_t d = 0; fits && d < shape.rank; d++) fits = d == axis || part->shape.dims[d] == shape.dims[d];
        if (!fits) return onnx_refuse(n, "has parts whose shapes do not fit");
        if (part->real != first->real || part->scale != first->scale || part->zero != first->zero || !part->settled)
            return onnx_refuse(n, "has parts with different scales");
        if (!onnx_tensor(n, part, order, &tensors[i])) return false;
        if (n->r->graph->tensors[tensors[i]].dtype != n->r->graph->tensors[tensors[0]].dtype)
            return onnx_refuse(n, "has parts of int8 and of uint8");
        shape.dims[axis] = i == 0 ? part->shape.dims[axis] : shape.dims[axis] + part->shape.dims[axis];
        like.low = part->low < like.low ? part->low : like.low;
        like.high = part->high > like.high ? part->high : like.high;
    }
    struct onnx_shape whole = tensor_shape(n, tensors[0]);
    uint32_t along = axis_in(&first->shape, order, axis);
    whole.dims[along] = shape.dims[axis];
    uint32_t result = onnx_add_like(n, tensors[0], &whole);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_CONCATENATION, tensors[0], result);
    op->input_count = count;
    memcpy(op->inputs, tensors, count * sizeof *tensors);
    op->axis = along;
    onnx_put(n, &like, &shape, order, result);
    return true;
}

static bool read_padding(const struct onnx_node *n, uint32_t rank, double *pads, double *value) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, "pads");
    const struct onnx_value *list = NULL;
    *value = (double)onnx_float(n, "value", 0);
    if (strcmp(onnx_text(n, "mode", "constant"), "constant") != 0) return onnx_refuse(n, "pads with other than a constant");
    if (n->inputs[3] != NULL) return onnx_refuse(n, "has axes, which are not supported");
    if (attribute == NULL && !onnx_constant(n, 1, &list)) return false;
    if (n->inputs[2] != NULL && !onnx_number(n, 2, value)) return false;
    if ((attribute != NULL ? attribute->n_ints : onnx_elements(&list->shape)) != 2 * rank)
        return onnx_refuse(n, "has not two pads a dimension");
    for (uint32_t i = 0; i < 2 * rank; i++) {
        pads[i] = attribute != NULL ? (double)attribute->ints[i] : list->numbers[i];
        if (!(pads[i] >= 0 && pads[i] <= UINT16_MAX)) return onnx_refuse(n, "pads %g elements", pads[i]);
    }
    return true;
}

bool onnx_pad(const struct onnx_node *n) {
    struct onnx_value *in = n->inputs[0];
    uint32_t rank = in->shape.rank, tensor;
    double pads[2 * QM_MAX_RANK], value;
    if (!onnx_settle(n, in) || !read_padding(n, rank, pads, &value)) return false;
    double stored = in->real ? nearbyint(value / (double)in->scale) + (double)in->zero : value;
    enum onnx_order order = rank == 4 ? ONNX_LAST : ONNX_PLAIN;
    if (!onnx_tensor(n, in, order, &tensor)) return false;
    struct onnx_shape shape = in->shape, whole = tensor_shape(n, tensor);
    bool is_unsigned = n->r->graph->tensors[tensor].dtype == QM_U8;
    if (stored < (is_unsigned ? 0 : INT8_MIN) || stored > (is_unsigned ? UINT8_MAX : INT8_MAX))
        return onnx_refuse(n, "pads with %g", value);
    bool any = false;
    for (uint32_t d = 0; d < rank; d++) {
        shape.dims[d] += (uint32_t)(pads[d] + pads[rank + d]);
        whole.dims[axis_in(&in->shape, order, d)] = shape.dims[d];
        any = any || pads[d] + pads[rank + d] > 0;
    }
    uint32_t result = tensor;
    if (any) {
        result = onnx_add_like(n, tensor, &whole);
        struct qm_graph_op *op = onnx_add_op(n, QM_OP_PAD, tensor, result);
        op->pad_value = (int32_t)stored;
        for (uint32_t d = 0; d < rank; d++) {
            uint32_t axis = axis_in(&in->shape, order, d);
            op->pads[axis].before = (uint32_t)pads[d];
            op->pads[axis].after = (uint32_t)pads[rank + d];
        }
    }
    struct onnx_value like = *in;
    like.low = any && stored < like.low ? (int32_t)stored : like.low;
    like.high = any && stored > like.high ? (int32_t)stored : like.high;
    onnx_put(n, &like, &shape, order, result);
    return true;
}
