/* matmul.c - matrix products, with constant weights or of two computed operands. */
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

/* ---- stacks ---- */

/* A stack of byte matrices [k][columns], each turned. NULL: refused. */
static struct real_value *turned(const struct real_node *n, const struct real_value *b) {
    const struct qm_graph_tensor *from = b->constant;
    uint32_t rank = from->rank, k = from->dims[rank - 2], columns = from->dims[rank - 1];
    if (from->quant.count > 1 || (from->dtype != QM_I8 && from->dtype != QM_U8))
        return real_refuse(n, "multiplies by a stack of matrices %.60s, which have not one scale", b->name), NULL;
    struct real_value *result = QM_ARENA_NEW(n->r->arena, struct real_value, 1);
    struct qm_graph_tensor *to = QM_ARENA_NEW(n->r->arena, struct qm_graph_tensor, 1);
    uint8_t *data = QM_ARENA_NEW(n->r->arena, uint8_t, qm_graph_elements(from));
    size_t matrix = (size_t)k * columns;
    for (size_t i = 0; i < qm_graph_elements(from); i++)
        data[i / matrix * matrix + i % columns * k + i % matrix / columns] = ((const uint8_t *)from->data)[i];
    *to = *from;
    to->data = data;
    *result = *b;
    result->constant = to;
    return result;
}

/* The tensor's first dimensions [stack][rows] changed for [rows][stack], or back. */
static uint32_t swapped(const struct real_node *n, uint32_t tensor, uint32_t first, uint32_t second, uint32_t last) {
    uint32_t as_three = real_add_reshape(n, tensor, &(struct qm_shape){3, {first, second, last}});
    uint32_t result = real_add_like(n, as_three, &(struct qm_shape){3, {second, first, last}});
    struct qm_graph_op *op = real_add_op(n, QM_OP_TRANSPOSE, as_three, result);
    memcpy(op->permutation, (const uint32_t[]){1, 0, 2}, 3 * sizeof *op->permutation);
    return result;
}

/* A stack of matrices times as many constant ones is one convolution: of rows, whose channels are the k of all matrices, with a group for
 * each. */
static bool multiply_stack(const struct real_node *n, struct real_value *a) {
    const struct real_value *b = n->op->transposed ? n->inputs[1] : turned(n, n->inputs[1]);
    uint32_t rank = a->shape.rank, k = a->shape.dims[rank - 1], rows = a->shape.dims[rank - 2], in;
    uint32_t columns = n->outputs[0]->shape.dims[rank - 1], stack = (uint32_t)(qm_shape_elements(&a->shape) / k / rows);
    if (b == NULL || !real_tensor(n, a, REAL_PLAIN, &in)) return false;
    struct real_deferred *deferred = real_deferred_create(n, QM_OP_CONV_2D, stack * columns);
    struct real_weights w = {.shape = {4, {stack * columns, 1, 1, k}}, .count = {stack * columns, 1, 1, k}, .stride = {k, 0, 0, 1}};
    deferred->op.inputs[0] = real_add_reshape(n, swapped(n, in, stack, rows, k), &(struct qm_shape){4, {1, rows, 1, stack * k}});
    deferred->op.kernel_h = deferred->op.kernel_w = deferred->op.stride_h = deferred->op.stride_w = deferred->op.dilation_h =
        deferred->op.dilation_w = 1;
    if (!real_add_weights(n, b, &w, a, deferred)) return false;
    deferred->op_shape = (struct qm_shape){4, {1, rows, 1, stack * columns}};
    deferred->stack = stack;
    deferred->result.rank = rank;
    memcpy(deferred->result.dims, n->outputs[0]->shape.dims, sizeof deferred->result.dims);
    deferred->axis = rank - 1;
    return real_defer(n, deferred);
}

/* ---- of two computed operands ---- */

enum { WEIGHTS_MAX = UINT16_MAX }; /* rows and columns of a matrix that the machine takes for weights */

/* The quantization of a constant second operand that has a scale for each column; NULL: it is none. */
static const struct qm_quant *scales_of_columns(const struct real_node *n) {
    const struct real_value *b = n->inputs[1];
    bool many = b->state == REAL_CONSTANT && b->constant->quant.count > 1;
    return many && b->constant->quant.axis == b->constant->rank - (n->op->transposed ? 2 : 1) ? &b->constant->quant : NULL;
}

/* A tensor of bytes with a scale, of a constant, too, which may have a scale for each column. */
static bool open_operand(const struct real_node *n, struct real_value **operand, uint32_t *tensor) {
    bool by_column = *operand == n->inputs[1] && scales_of_columns(n) != NULL;
    if ((*operand)->state == REAL_CONSTANT)
        *operand = (by_column ? real_constant_integers : real_constant_tensor)(n, *operand, (*operand)->shape.rank, REAL_PLAIN);
    struct real_value *value = *operand;
    if (value == NULL) return false;
    if (!real_materialize(n, value) || !real_check_real(n, value) || !real_tensor(n, value, REAL_PLAIN, tensor)) return false;
    const struct qm_graph_tensor *t = &real_tensors(n)[*tensor];
    bool bytes = t->dtype == QM_I8 || t->dtype == QM_U8;
    return (bytes && t->quant.count == 1) ||
           real_refuse(n, "multiplies by %.60s, which has no integers of 8 bits with a scale", value->name);
}

/* From the smallest to the largest product of two numbers without their zero points. */
static void find_products(const struct real_node *n, struct real_value *const operands[2], const uint32_t tensors[2], int64_t *low,
                          int64_t *high) {
    int64_t ends[2][2];
    for (uint32_t i = 0; i < 2; i++) {
        ends[i][0] = operands[i]->low - real_tensors(n)[tensors[i]].quant.zero_point[0];
        ends[i][1] = operands[i]->high - real_tensors(n)[tensors[i]].quant.zero_point[0];
    }
    *low = *high = ends[0][0] * ends[1][0];
    for (uint32_t i = 1; i < 4; i++) {
        int64_t product = ends[0][i % 2] * ends[1][i / 2];
        *low = product < *low ? product : *low;
        *high = product > *high ? product : *high;
    }
}

/* The scales of the sums, one for each column. */
static void scale_columns(const struct real_node *n, double a_scale, const struct qm_quant *quant, struct real_deferred *deferred) {
    double *sum_scale = QM_ARENA_NEW(n->r->arena, double, quant->count);
    for (uint32_t c = 0; c < quant->count; c++) sum_scale[c] = a_scale * (double)quant->scale[c];
    deferred->sum_scale = sum_scale;
}

/* The array multiplies both, the second as weights. */
static bool multiply_computed(const struct real_node *n) {
    const struct qm_shape *a = &n->inputs[0]->shape, *shape = &n->outputs[0]->shape;
    struct real_value *operands[2] = {n->inputs[0], n->inputs[1]};
    uint32_t tensors[2], depth = a->dims[a->rank - 1], columns = shape->dims[shape->rank - 1];
    int64_t low, high;
    if (depth > WEIGHTS_MAX || columns > WEIGHTS_MAX) return real_refuse(n, "multiplies by a computed matrix of %u columns", columns);
    for (uint32_t i = 0; i < 2; i++)
        if (!open_operand(n, &operands[i], &tensors[i])) return false;
    find_products(n, operands, tensors, &low, &high);
    if (low * depth < INT32_MIN || high * depth > INT32_MAX) return real_refuse(n, "has sums that 32 bits cannot hold");
    struct real_deferred *deferred = real_deferred_create(n, QM_OP_BATCH_MATMUL, columns);
    double a_scale = (double)real_tensors(n)[tensors[0]].quant.scale[0], b_scale = (double)real_tensors(n)[tensors[1]].quant.scale[0];
    real_deferred_set_sums(n, deferred, columns, a_scale * b_scale, low * depth, high * depth);
    if (scales_of_columns(n) != NULL) scale_columns(n, a_scale, scales_of_columns(n), deferred);
    deferred->op.inputs[0] = tensors[0];
    deferred->op.inputs[1] = tensors[1];
    deferred->op.input_count = 2;
    deferred->op.transposed = n->op->transposed;
    deferred->result.rank = shape->rank;
    memcpy(deferred->result.dims, shape->dims, sizeof shape->dims);
    deferred->axis = shape->rank - 1;
    return real_defer(n, deferred);
}

static bool is_one_matrix(const struct real_value *b) {
    uint32_t rank = b->shape.rank;
    return qm_shape_elements(&b->shape) == (uint64_t)b->shape.dims[rank - 1] * b->shape.dims[rank - 2];
}

/* Whether a constant has as many matrices as what it is multiplied with, and one scale. */
static bool has_stack_of(const struct real_value *b, const struct real_value *a) {
    uint32_t rank = b->shape.rank;
    bool same = rank == a->shape.rank && b->constant->quant.count <= 1;
    for (uint32_t d = 0; same && d + 2 < rank; d++) same = a->shape.dims[d] == b->shape.dims[d];
    return same;
}

bool real_matmul(const struct real_node *n) {
    struct real_value *a = n->inputs[0];
    const struct real_value *b = n->inputs[1];
    uint32_t in;
    bool is_constant = b->state == REAL_CONSTANT, is_one = is_constant && is_one_matrix(b);
    if (!is_one && !(is_constant && has_stack_of(b, a))) return multiply_computed(n);
    if (!real_materialize(n, a) || !real_check_real(n, a)) return false;
    if (!is_one) return multiply_stack(n, a);
    struct real_weights w = order_matrix(n, a, &b->shape);
    enum real_order order = a->map != NULL && a->tensors[REAL_PLAIN] == QM_NO_TENSOR ? REAL_CHANNELS_LAST : REAL_PLAIN;
    if (!real_tensor(n, a, order, &in)) return false;
    if (order == REAL_CHANNELS_LAST) in = real_add_reshape(n, in, &a->shape);
    struct real_deferred *deferred = multiply(n, a, in, &w);
    return deferred != NULL && real_defer(n, deferred);
}
