/* shapes.c - nodes that only change a shape or an order, and those that compute shapes. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* ---- shapes ---- */

bool onnx_axes(const struct onnx_node *n, uint32_t rank, uint32_t *bits) {
    struct onnx_list list;
    *bits = 0;
    if (!onnx_list(n, 1, "axes", &list)) return false;
    for (uint32_t i = 0; i < list.length; i++) {
        uint32_t axis;
        if (!onnx_axis(n, (int64_t)list.numbers[i], rank, &axis)) return false;
        *bits |= 1U << axis;
    }
    return true;
}

uint32_t onnx_emit_reshape(const struct onnx_node *n, uint32_t in, const struct qm_shape *shape) {
    if (in == QM_NO_TENSOR) return in;
    struct qm_graph_op op = onnx_op(n, QM_OP_RESHAPE, in);
    struct onnx_element element = {.dtype = n->r->graph->tensors[in].dtype, .bits = n->r->graph->tensors[in].bits};
    return onnx_emit(n, &op, &element, shape);
}

static bool reshape_to(const struct onnx_node *n, const struct qm_shape *shape) {
    struct qm_shape in = onnx_shape(n, 0);
    if (qm_shape_elements(shape) != qm_shape_elements(&in)) return onnx_refuse(n, "makes another number of elements");
    return onnx_put(n, onnx_emit_reshape(n, n->inputs[0], shape));
}

/* Drops the axes that are named, or else all of one element. */
bool onnx_squeeze(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), out = {.rank = 0};
    uint32_t bits;
    if (!onnx_axes(n, in.rank, &bits)) return false;
    for (uint32_t d = 0; d < in.rank; d++) {
        bool drop = bits != 0 ? (bits >> d & 1) != 0 : in.dims[d] == 1;
        if (drop && in.dims[d] != 1) return onnx_refuse(n, "drops a dimension of %u", in.dims[d]);
        if (!drop) out.dims[out.rank++] = in.dims[d];
    }
    return reshape_to(n, &out);
}

bool onnx_unsqueeze(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), out;
    struct onnx_list list;
    uint32_t bits = 0, next = 0, axis;
    if (!onnx_list(n, 1, "axes", &list)) return false;
    if (list.length == 0) return onnx_refuse(n, "has no axes");
    if (list.length + in.rank > QM_MAX_RANK) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    out.rank = in.rank + list.length;
    for (uint32_t i = 0; i < list.length; i++)
        if (!onnx_axis_once(n, (int64_t)list.numbers[i], out.rank, &bits, &axis)) return false;
    for (uint32_t d = 0; d < out.rank; d++) out.dims[d] = (bits >> d & 1) != 0 ? 1 : in.dims[next++];
    return reshape_to(n, &out);
}

bool onnx_flatten(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), out = {2, {1, 1}};
    int64_t axis = onnx_int(n, "axis", 1);
    if (axis < 0) axis += in.rank;
    if (axis < 0 || axis > (int64_t)in.rank) return onnx_refuse(n, "has axis %lld on %u dimensions", (long long)axis, in.rank);
    for (uint32_t d = 0; d < in.rank; d++) out.dims[d < axis ? 0 : 1] *= in.dims[d];
    return reshape_to(n, &out);
}

bool onnx_reshape(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), out;
    const struct qm_graph_tensor *list;
    if (!onnx_constant(n, 1, &list)) return false;
    uint64_t count = qm_graph_elements(list), known = 1, elements = qm_shape_elements(&in);
    if (count > QM_MAX_RANK || list->rank > 1) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    uint32_t open = QM_MAX_RANK;
    out.rank = (uint32_t)count;
    for (uint32_t d = 0; d < count; d++) {
        double extent = evaluate_stored(list, d);
        if (extent == 0 && d < in.rank && onnx_int(n, "allowzero", 0) == 0) extent = in.dims[d];
        if (extent == -1 && open == QM_MAX_RANK)
            open = d;
        else if (!(extent >= 1 && extent <= (double)elements))
            return onnx_refuse(n, "has the dimension %g", extent);
        out.dims[d] = extent == -1 ? 1 : (uint32_t)extent;
        known *= out.dims[d];
        if (known > elements) return onnx_refuse(n, "makes %llu elements of %llu", (unsigned long long)known, (unsigned long long)elements);
    }
    if (open < QM_MAX_RANK) out.dims[open] = (uint32_t)(elements / known);
    return reshape_to(n, &out);
}

uint32_t onnx_emit_transpose(const struct onnx_node *n, uint32_t in, const uint32_t *permutation) {
    if (in == QM_NO_TENSOR) return in;
    const struct qm_graph_tensor *x = &n->r->graph->tensors[in];
    struct onnx_element element = {.dtype = x->dtype, .bits = x->bits};
    struct qm_graph_op op = onnx_op(n, QM_OP_TRANSPOSE, in);
    struct qm_shape shape = {.rank = x->rank};
    for (uint32_t d = 0; d < x->rank; d++) {
        op.permutation[d] = permutation[d];
        shape.dims[d] = x->dims[permutation[d]];
    }
    return onnx_emit(n, &op, &element, &shape);
}

bool onnx_transpose(const struct onnx_node *n) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, "perm");
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    uint32_t permutation[QM_MAX_RANK], seen = 0;
    if (attribute != NULL && attribute->n_ints != in->rank)
        return onnx_refuse(n, "has a perm of %zu for %u dimensions", attribute->n_ints, in->rank);
    for (uint32_t d = 0; d < in->rank; d++) {
        int64_t from = attribute != NULL ? attribute->ints[d] : (int64_t)(in->rank - 1 - d);
        if (from < 0 || from >= (int64_t)in->rank || (seen >> from & 1) != 0) return onnx_refuse(n, "has a perm that is none");
        seen |= 1U << from;
        permutation[d] = (uint32_t)from;
    }
    return onnx_put(n, onnx_emit_transpose(n, n->inputs[0], permutation));
}

/* ---- shapes that are computed ---- */

static uint32_t whole_numbers(const struct onnx_node *n, uint32_t count, const uint32_t *numbers) {
    int64_t *data = QM_ARENA_NEW(n->r->arena, int64_t, count + 1);
    for (uint32_t i = 0; i < count; i++) data[i] = numbers[i];
    return qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_I64, &(struct qm_shape){1, {count}}, data);
}

/* Also of what the network computes, since its shape is known. */
bool onnx_shape_of(const struct onnx_node *n) {
    const struct qm_graph_tensor *of = onnx_input(n, 0);
    int64_t begin = onnx_int(n, "start", 0), end = onnx_int(n, "end", of->rank), rank = of->rank;
    begin = begin < 0 ? begin + rank : begin;
    end = end < 0 ? end + rank : end > rank ? rank : end;
    if (begin < 0 || begin >= end) return onnx_refuse(n, "takes no dimension");
    return onnx_put(n, whole_numbers(n, (uint32_t)(end - begin), of->dims + begin));
}

bool onnx_gather(const struct onnx_node *n) {
    const struct qm_graph_tensor *data = onnx_input(n, 0), *indices;
    struct qm_graph_op op = onnx_op(n, QM_OP_GATHER, n->inputs[0]);
    struct qm_shape shape = {.rank = 0};
    if (!onnx_constant(n, 1, &indices) || !onnx_axis(n, onnx_int(n, "axis", 0), data->rank, &op.axis)) return false;
    if (data->rank + indices->rank > QM_MAX_RANK + 1) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    op.inputs[1] = n->inputs[1];
    op.input_count = 2;
    for (size_t i = 0; i < (size_t)qm_graph_elements(indices); i++) {
        double at = evaluate_stored(indices, i), extent = data->dims[op.axis];
        if (!(at >= -extent && at < extent)) return onnx_refuse(n, "gathers element %g of %g", at, extent);
    }
    for (uint32_t d = 0; d < op.axis; d++) shape.dims[shape.rank++] = data->dims[d];
    for (uint32_t d = 0; d < indices->rank; d++) shape.dims[shape.rank++] = indices->dims[d];
    for (uint32_t d = op.axis + 1; d < data->rank; d++) shape.dims[shape.rank++] = data->dims[d];
    return onnx_put(n, onnx_emit(n, &op, &(struct onnx_element){.dtype = data->dtype, .bits = data->bits}, &shape));
}

static bool put_attribute(const struct onnx_node *n, const Onnx__TensorProto *source) {
    struct qm_diag diag; /* the node is named, not the file */
    struct onnx_reader *r = n->r;
    struct qm_diag *own = r->diag;
    r->diag = &diag;
    bool fine = onnx_read_constant(r, source, n->outputs[0]) == QM_OK;
    r->diag = own;
    return fine || onnx_refuse(n, "has a damaged value");
}

bool onnx_constant_node(const struct onnx_node *n) {
    const Onnx__AttributeProto *value = onnx_attribute(n, "value"), *number = onnx_attribute(n, "value_float");
    const Onnx__AttributeProto *list = onnx_attribute(n, "value_ints"), *floats = onnx_attribute(n, "value_floats");
    if (value != NULL && value->t != NULL) return put_attribute(n, value->t);
    if (list != NULL && list->n_ints > 0 && list->n_ints < INT32_MAX)
        return onnx_put(n, qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_I64, &(struct qm_shape){1, {(uint32_t)list->n_ints}},
                                                 list->ints));
    if (floats != NULL && floats->n_floats > 0 && floats->n_floats < INT32_MAX)
        return onnx_put(n, qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_F32,
                                                 &(struct qm_shape){1, {(uint32_t)floats->n_floats}}, floats->floats));
    if (number == NULL) number = onnx_attribute(n, "value_int");
    if (number == NULL) return onnx_refuse(n, "has no value that can be read");
    const void *data = number->has_f ? (const void *)&number->f : (const void *)&number->i;
    return onnx_put(
        n, qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, number->has_f ? QM_F32 : QM_I64, &(struct qm_shape){.rank = 0}, data));
}

/* Elements of one value, 0 unless it is given. */
bool onnx_constant_of_shape(const struct onnx_node *n) {
    const Onnx__AttributeProto *value = onnx_attribute(n, "value");
    const struct qm_graph_tensor *list;
    if (!onnx_constant(n, 0, &list)) return false;
    struct qm_shape shape = {.rank = (uint32_t)qm_graph_elements(list)};
    if (list->rank > 1 || shape.rank > QM_MAX_RANK) return onnx_refuse(n, "makes more than %d dimensions", QM_MAX_RANK);
    for (uint32_t d = 0; d < shape.rank; d++) {
        double extent = evaluate_stored(list, d);
        if (!(extent >= 1 && extent <= EVALUATE_ELEMENTS_MAX)) return onnx_refuse(n, "has the dimension %g", extent);
        shape.dims[d] = (uint32_t)extent;
    }
    if (qm_shape_elements(&shape) > EVALUATE_ELEMENTS_MAX)
        return onnx_refuse(n, "makes a constant of more than %d elements", EVALUATE_ELEMENTS_MAX);
    struct onnx_element element = {.dtype = QM_F32};
    size_t count = (size_t)qm_shape_elements(&shape);
    if (value != NULL && value->t != NULL) {
        if (!put_attribute(n, value->t)) return false;
        if (n->outputs[0]->tensor == QM_NO_TENSOR) return onnx_refuse(n, "has a value that %s", n->outputs[0]->unreadable);
        element.dtype = n->r->graph->tensors[n->outputs[0]->tensor].dtype;
    }
    size_t size = qm_dtype_bytes(element.dtype);
    uint8_t *data = QM_ARENA_NEW(n->r->arena, uint8_t, count * size);
    for (size_t i = 0; n->outputs[0]->tensor != QM_NO_TENSOR && i < count; i++)
        memcpy(data + i * size, n->r->graph->tensors[n->outputs[0]->tensor].data, size);
    return onnx_put(n, qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, element.dtype, &shape, data));
}
