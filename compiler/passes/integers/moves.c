/* moves.c - operators that put elements elsewhere: CONCATENATION, PAD, STRIDED_SLICE, GATHER, RESIZE_NEAREST_NEIGHBOR.
 *
 * They work on the order that the bytes have; axis_in finds an axis of the file's shape in it.
 */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* Where an axis of the file's shape is in a tensor of the order. */
static uint32_t axis_in(const struct qm_shape *shape, enum real_order order, uint32_t axis) {
    static const uint32_t of_four[] = {0, 3, 1, 2}, of_three[] = {0, 3, 2};
    if (order == REAL_PLAIN) return axis;
    return shape->rank == 4 ? of_four[axis] : of_three[axis];
}

/* ---- concatenation and padding ---- */

/* Part i as a TENSOR of the meaning of the first. */
static bool open_part(const struct real_node *n, uint32_t i, enum real_order order, uint32_t *tensor) {
    struct real_value *part = n->inputs[i];
    const struct real_value *first = n->inputs[0];
    if (!real_materialize(n, part)) return false;
    if (part->real != first->real || part->scale != first->scale || part->zero != first->zero || !part->quant_known)
        return real_refuse(n, "has parts with different scales");
    if (!real_tensor(n, part, order, tensor)) return false;
    return true;
}

bool real_concat(const struct real_node *n) {
    uint32_t count = n->op->input_count, axis = n->op->axis, *tensors = qm_graph_operands(n->r->arena, count);
    struct real_value *first = n->inputs[0];
    if (!real_materialize(n, first)) return false;
    enum real_order order = real_order_of(first);
    struct real_value like = *first;
    for (uint32_t i = 0; i < count; i++) {
        if (!open_part(n, i, order, &tensors[i])) return false;
        if (real_tensors(n)[tensors[i]].dtype != real_tensors(n)[tensors[0]].dtype) return real_refuse(n, "has parts of int8 and of uint8");
        like.low = n->inputs[i]->low < like.low ? n->inputs[i]->low : like.low;
        like.high = n->inputs[i]->high > like.high ? n->inputs[i]->high : like.high;
    }
    struct qm_shape whole = qm_graph_shape(&real_tensors(n)[tensors[0]]);
    uint32_t along = axis_in(&first->shape, order, axis);
    whole.dims[along] = n->outputs[0]->shape.dims[axis];
    uint32_t result = real_add_like(n, tensors[0], &whole);
    struct qm_graph_op *op = real_add_op(n, QM_OP_CONCATENATION, tensors[0], result);
    op->input_count = count;
    op->inputs = tensors;
    op->axis = along;
    real_put(n, &like, order, result);
    return true;
}

bool real_pad(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    uint32_t rank = in->shape.rank, tensor;
    if (!real_materialize(n, in)) return false;
    double value = n->op->low, steps = in->real ? value / (double)in->scale : value;
    double stored = nearbyint(steps) + (in->real ? (double)in->zero : 0);
    if (n->quantizer != NULL) stored = fmin(fmax(stored, n->quantizer->low), n->quantizer->high);
    enum real_order order = rank == 4 ? REAL_CHANNELS_LAST : REAL_PLAIN;
    if (!real_tensor(n, in, order, &tensor)) return false;
    bool is_unsigned = real_tensors(n)[tensor].dtype == QM_U8;
    if (n->quantizer == NULL && steps != nearbyint(steps))
        return real_refuse(n, "pads with %g, which is no whole number of steps of its input", value);
    if (stored < (is_unsigned ? 0 : INT8_MIN) || stored > (is_unsigned ? UINT8_MAX : INT8_MAX))
        return real_refuse(n, "pads with %g", value);
    struct qm_shape whole = qm_graph_shape(&real_tensors(n)[tensor]);
    for (uint32_t d = 0; d < rank; d++) whole.dims[axis_in(&in->shape, order, d)] = n->outputs[0]->shape.dims[d];
    uint32_t result = real_add_like(n, tensor, &whole);
    struct qm_graph_op *op = real_add_op(n, QM_OP_PAD, tensor, result);
    op->pad_value = (int32_t)stored;
    for (uint32_t d = 0; d < rank; d++) op->pads[axis_in(&in->shape, order, d)] = n->op->pads[d];
    struct real_value like = *in;
    like.low = stored < like.low ? (int32_t)stored : like.low;
    like.high = stored > like.high ? (int32_t)stored : like.high;
    real_put(n, &like, order, result);
    return true;
}

/* ---- slices and sizes ---- */

bool real_slice(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    uint32_t tensor;
    if (!real_materialize(n, in)) return false;
    enum real_order order = real_order_of(in);
    if (!real_tensor(n, in, order, &tensor)) return false;
    struct qm_shape shape = qm_graph_shape(&real_tensors(n)[tensor]);
    for (uint32_t d = 0; d < in->shape.rank; d++) shape.dims[axis_in(&in->shape, order, d)] = n->outputs[0]->shape.dims[d];
    uint32_t result = real_add_like(n, tensor, &shape);
    struct qm_graph_op *op = real_add_op(n, QM_OP_STRIDED_SLICE, tensor, result);
    for (uint32_t d = 0; d < shape.rank; d++) {
        op->step[d] = 1;
        op->slice_dims[d] = shape.dims[d];
    }
    for (uint32_t d = 0; d < in->shape.rank; d++) {
        op->begin[axis_in(&in->shape, order, d)] = n->op->begin[d];
        op->step[axis_in(&in->shape, order, d)] = n->op->step[d];
    }
    real_put(n, in, order, result);
    return true;
}

/* The indices of a GATHER, which front ends have checked, negative ones made positive, as a constant of the graph of integers. */
static uint32_t add_indices(const struct real_node *n, uint32_t extent) {
    const struct qm_graph_tensor *indices = n->inputs[1]->constant;
    struct qm_shape shape = qm_graph_shape(indices);
    size_t count = (size_t)qm_graph_elements(indices);
    int32_t *from_first = QM_ARENA_NEW(n->r->arena, int32_t, count);
    for (size_t i = 0; i < count; i++) {
        double index = evaluate_stored(indices, i);
        from_first[i] = (int32_t)(index < 0 ? index + extent : index);
    }
    return qm_graph_add_constant(&n->r->maker, n->inputs[1]->name, QM_I32, &shape, from_first);
}

/* The axis becomes the dimensions of the indices: where these are not one, the order must be the file's. */
bool real_gather(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    const struct qm_shape *indices = &n->inputs[1]->shape;
    uint32_t tensor;
    if (!real_materialize(n, in)) return false;
    enum real_order order = indices->rank == 1 ? real_order_of(in) : REAL_PLAIN;
    if (!real_tensor(n, in, order, &tensor)) return false;
    if (qm_dtype_bytes(real_tensors(n)[tensor].dtype) != 1) return real_refuse(n, "gathers integers of more than 8 bits");
    uint32_t axis = axis_in(&in->shape, order, n->op->axis), listed = add_indices(n, in->shape.dims[n->op->axis]);
    struct qm_shape shape = n->outputs[0]->shape;
    if (order == REAL_CHANNELS_LAST) {
        shape = qm_graph_shape(&real_tensors(n)[tensor]);
        shape.dims[axis] = indices->dims[0];
    }
    struct qm_graph_op *op = real_add_op(n, QM_OP_GATHER, tensor, real_add_like(n, tensor, &shape));
    op->inputs[op->input_count++] = listed;
    op->axis = axis;
    real_put(n, in, order, op->outputs[0]);
    return true;
}

bool real_resize(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    const struct qm_shape *shape = &n->outputs[0]->shape;
    uint32_t tensor;
    if (!real_tensor(n, in, REAL_CHANNELS_LAST, &tensor)) return false;
    struct qm_shape last = {4, {shape->dims[0], shape->dims[2], shape->dims[3], shape->dims[1]}};
    uint32_t result = real_add_like(n, tensor, &last);
    real_add_op(n, QM_OP_RESIZE_NEAREST_NEIGHBOR, tensor, result);
    real_put(n, in, REAL_CHANNELS_LAST, result);
    return true;
}
