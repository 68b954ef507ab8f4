/* matmul.c - matrix products with constant weights. */
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* Where element (k, column) of a constant matrix lies, and in which order its k are read: that of the map, when the activations are a
 * flattened map that lies channels last. */
static struct real_weights order_matrix(const struct real_node *n, const struct real_value *in, const struct qm_shape *b) {
    bool transposed = n->op->transposed;
    uint32_t k = b->dims[b->rank - (transposed ? 1 : 2)], columns = b->dims[b->rank - (transposed ? 2 : 1)];
    size_t k_stride = transposed ? 1 : columns, column_stride = transposed ? k : 1;
    struct real_weights w = {.shape = {2, {columns, k}}, .count = {columns, 1, 1, k}, .axis = b->rank - (transposed ? 2 : 1)};
    w.stride[0] = column_stride;
    w.stride[3] = k_stride;
    if (in->map == NULL || in->tensors[REAL_PLAIN] != QM_NO_TENSOR) return w;
    const struct real_map *map = in->map;
    w.count[1] = map->h;
    w.count[2] = map->w;
    w.count[3] = map->c;
    w.stride[1] = map->w * k_stride;
    w.stride[2] = k_stride;
    w.stride[3] = (size_t)map->h * map->w * k_stride;
    return w;
}

/* A product of activations, tensor `in`, with the weights. */
static struct real_deferred *multiply(const struct real_node *n, const struct real_value *a, uint32_t in, const struct real_weights *w) {
    struct real_deferred *deferred = real_deferred_create(n, QM_OP_FULLY_CONNECTED, w->count[0]);
    deferred->op.inputs[0] = in;
    if (!real_add_weights(n, n->inputs[1], w, a, deferred)) return NULL;
    struct qm_shape shape = n->outputs[0]->shape;
    deferred->result.rank = shape.rank;
    memcpy(deferred->result.dims, shape.dims, sizeof shape.dims);
    deferred->axis = shape.rank - 1;
    return deferred;
}

/* A stack of matrices times as many constant ones, all as one convolution with a group for each: rows stay rows, and the k of all stacks
 * are the channels. */
static bool multiply_stack(const struct real_node *n, struct real_value *a) {
    return real_refuse(n, "multiplies stacks of %u and %u matrices", a->shape.dims[0], n->inputs[1]->shape.dims[0]);
}

bool real_matmul(const struct real_node *n) {
    struct real_value *a = n->inputs[0];
    const struct real_value *b = n->inputs[1];
    uint32_t in;
    if (b->state != REAL_CONSTANT) return real_refuse(n, "needs %.60s to be a constant", b->name);
    if (!real_materialize(n, a) || !real_check_real(n, a)) return false;
    if (qm_shape_elements(&b->shape) != (uint64_t)b->shape.dims[b->shape.rank - 1] * b->shape.dims[b->shape.rank - 2])
        return multiply_stack(n, a);
    struct real_weights w = order_matrix(n, a, &b->shape);
    enum real_order order = a->map != NULL && a->tensors[REAL_PLAIN] == QM_NO_TENSOR ? REAL_CHANNELS_LAST : REAL_PLAIN;
    if (!real_tensor(n, a, order, &in)) return false;
    if (order == REAL_CHANNELS_LAST) in = real_add_reshape(n, in, &a->shape);
    struct real_deferred *deferred = multiply(n, a, in, &w);
    return deferred != NULL && real_defer(n, deferred);
}
