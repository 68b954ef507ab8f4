/* matmul.c - matrix products with constant weights: MatMul, Gemm, QLinearMatMul, MatMulInteger. */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* Where element (k, column) of a constant matrix lies, and in which order its k are read: that of the map, when the activations are a
 * flattened map that lies channels last. */
static bool order_matrix(const struct onnx_node *n, const struct onnx_value *in, const struct onnx_value *b, bool transposed,
                         struct onnx_weights *w) {
    if (b->shape.rank != 2) return onnx_refuse(n, "multiplies by %.60s of %u dimensions; a matrix is supported", b->name, b->shape.rank);
    uint32_t k = b->shape.dims[transposed ? 1 : 0], columns = b->shape.dims[transposed ? 0 : 1], rank = in->shape.rank;
    size_t k_stride = transposed ? 1 : columns, column_stride = transposed ? k : 1;
    if (rank == 0 || in->shape.dims[rank - 1] != k)
        return onnx_refuse(n, "multiplies rows of %u elements by a matrix of %u rows", rank > 0 ? in->shape.dims[rank - 1] : 1, k);
    *w = (struct onnx_weights){.shape = {2, {columns, k}}, .count = {columns, 1, 1, k}, .axis = transposed ? 0 : 1};
    w->stride[0] = column_stride;
    w->stride[3] = k_stride;
    if (in->map == NULL || in->tensors[ONNX_PLAIN] != QM_NO_TENSOR) return true;
    const struct onnx_map *map = in->map;
    w->count[1] = map->h;
    w->count[2] = map->w;
    w->count[3] = map->c;
    w->stride[1] = map->w * k_stride;
    w->stride[2] = k_stride;
    w->stride[3] = (size_t)map->h * map->w * k_stride;
    return true;
}

/* A matrix product of `a`, taken for scales (NULL: its own), with constant weights. NULL: refused. */
static struct onnx_deferred *multiply(const struct onnx_node *n, struct onnx_value *a, const struct onnx_scales *scales,
                                      const struct onnx_value *b, bool transposed) {
    struct onnx_weights w;
    if (!onnx_materialize(n, a) || !order_matrix(n, a, b, transposed, &w)) return NULL;
    struct onnx_deferred *deferred = onnx_deferred_create(n, QM_OP_FULLY_CONNECTED, w.count[0]);
    enum onnx_order order = a->map != NULL && a->tensors[ONNX_PLAIN] == QM_NO_TENSOR ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
    uint32_t *in = &deferred->op.inputs[0];
    if (!onnx_tensor_as(n, a, order, scales, in)) return NULL;
    struct onnx_shape shape = a->shape;
    if (order == ONNX_CHANNELS_LAST) *in = onnx_add_reshape(n, *in, &shape);
    if (!onnx_add_weights(n, b, &w, a, deferred)) return NULL;
    shape.dims[shape.rank - 1] = deferred->channels;
    deferred->result.rank = shape.rank;
    memcpy(deferred->result.dims, shape.dims, sizeof shape.dims);
    deferred->axis = shape.rank - 1;
    return deferred;
}

static bool defer_product(const struct onnx_node *n, struct onnx_deferred *deferred) {
    struct onnx_shape shape = onnx_shape_of(&deferred->result);
    return onnx_defer(n, &shape, deferred);
}

bool onnx_matmul(const struct onnx_node *n) {
    const struct onnx_value *b;
    if (!onnx_constant(n, 1, &b) || !onnx_check_real(n, n->inputs[0])) return false;
    struct onnx_deferred *deferred = multiply(n, n->inputs[0], NULL, b, false);
    return deferred != NULL && defer_product(n, deferred);
}

bool onnx_gemm(const struct onnx_node *n) {
    const struct onnx_value *b, *c;
    float alpha = onnx_float(n, "alpha", 1), beta = onnx_float(n, "beta", 1);
    if (onnx_int(n, "transA", 0) != 0) return onnx_refuse(n, "turns its first matrix, which is not supported");
    if (!onnx_constant(n, 1, &b) || !onnx_check_real(n, n->inputs[0])) return false;
    struct onnx_deferred *deferred = multiply(n, n->inputs[0], NULL, b, onnx_int(n, "transB", 0) != 0);
    if (deferred == NULL) return false;
    if (alpha != 1) onnx_append_number(n, deferred, ONNX_MUL, (double)alpha);
    if (n->inputs[2] == NULL || beta == 0) return defer_product(n, deferred);
    struct onnx_shape shape = {2, {deferred->result.dims[0], deferred->channels}};
    uint32_t count;
    if (!onnx_constant(n, 2, &c) || !onnx_per_channel(n, c, &shape, 1, &count)) return false;
    double *numbers = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t i = 0; i < count; i++) numbers[i] = (double)beta * c->numbers[i];
    onnx_append(n, deferred, ONNX_ADD, count, numbers);
    return defer_product(n, deferred);
}

/* A batch of matrices times as many constant ones: split, multiplied one by one, concatenated. */
struct batch {
    const struct onnx_scales *a_scales, *y_scales; /* of activations and results */
    int32_t type;                                  /* of the results */
    struct onnx_value *b;                          /* [batch][k][columns] with its integers */
};

static bool multiply_one(const struct onnx_node *n, const struct batch *batch, uint32_t part, uint32_t index, struct onnx_value *value) {
    size_t matrix = (size_t)batch->b->shape.dims[1] * batch->b->shape.dims[2];
    struct onnx_value a = *n->inputs[0], b = *batch->b;
    a.shape.dims[0] = 1;
    a.tensors[ONNX_PLAIN] = part;
    a.tensors[ONNX_CHANNELS_LAST] = QM_NO_TENSOR;
    b.shape = (struct onnx_shape){2, {batch->b->shape.dims[1], batch->b->shape.dims[2]}};
    b.numbers += index * matrix;
    b.integers += index * matrix;
    b.scale_axis = 1;
    struct onnx_deferred *deferred = multiply(n, &a, batch->a_scales, &b, false);
    return deferred != NULL && onnx_materialize_as(n, deferred, batch->type, batch->y_scales, value);
}

static bool multiply_batch(const struct onnx_node *n, const struct batch *batch) {
    struct onnx_value *a = n->inputs[0], value = {.name = n->outputs[0]->name};
    uint32_t count = batch->b->shape.dims[0], whole, parts[QM_OPERANDS_MAX] = {0}, products[QM_OPERANDS_MAX] = {0};
    if (a->shape.rank != 3 || a->shape.dims[0] != count || count > QM_OPERANDS_MAX)
        return onnx_refuse(n, "multiplies stacks of %u and %u matrices", a->shape.dims[0], count);
    if (!onnx_tensor_as(n, a, ONNX_PLAIN, batch->a_scales, &whole)) return false;
    struct onnx_shape shape = {3, {1, a->shape.dims[1], a->shape.dims[2]}};
    for (uint32_t i = 0; i < count; i++) parts[i] = onnx_add_like(n, whole, &shape);
    struct qm_graph_op *split = onnx_add_op(n, QM_OP_SPLIT, whole, parts[0]);
    split->output_count = count;
    memcpy(split->outputs, parts, count * sizeof *parts);
    for (uint32_t i = 0; i < count; i++) {
        if (!multiply_one(n, batch, parts[i], i, &value)) return false;
        products[i] = value.tensors[ONNX_PLAIN];
    }
    shape = (struct onnx_shape){3, {count, a->shape.dims[1], batch->b->shape.dims[2]}};
    uint32_t joined = onnx_add_like(n, products[0], &shape);
    struct qm_graph_op *join = onnx_add_op(n, QM_OP_CONCATENATION, products[0], joined);
    join->input_count = count;
    memcpy(join->inputs, products, count * sizeof *products);
    onnx_put(n, &value, &shape, ONNX_PLAIN, joined);
    n->outputs[0]->type = batch->type;
    return true;
}

bool onnx_qlinear_matmul(const struct onnx_node *n) {
    const struct onnx_value *b;
    struct onnx_scales a_scales, b_scales, y_scales;
    struct onnx_value weights = {.name = n->inputs[3] != NULL ? n->inputs[3]->name : ""};
    if (!onnx_constant(n, 3, &b) || b->shape.rank == 0) return b->shape.rank > 0 || onnx_refuse(n, "multiplies by one number");
    uint32_t columns = b->shape.dims[b->shape.rank - 1];
    if (!onnx_scales(n, 1, 1, &a_scales) || !onnx_scales(n, 4, columns, &b_scales) || !onnx_scales(n, 6, 1, &y_scales)) return false;
    if (!onnx_quantize_constant(n, b, &b_scales, b->shape.rank - 1, &weights)) return false;
    int32_t type = n->inputs[7] != NULL ? n->inputs[7]->type : ONNX_UINT8;
    if (b->shape.rank == 3) return multiply_batch(n, &(struct batch){&a_scales, &y_scales, type, &weights});
    struct onnx_deferred *deferred = multiply(n, n->inputs[0], &a_scales, &weights, false);
    if (deferred == NULL || !defer_product(n, deferred)) return false;
    return onnx_materialize_as(n, deferred, type, &y_scales, n->outputs[0]);
}

bool onnx_matmul_integer(const struct onnx_node *n) {
    const struct onnx_value *b;
    struct onnx_scales a_scales, b_scales;
    struct onnx_value weights = {.name = n->inputs[1] != NULL ? n->inputs[1]->name : ""};
    if (!onnx_constant(n, 1, &b)) return false;
    if (b->shape.rank != 2) return onnx_refuse(n, "multiplies by %u dimensions; a matrix is supported", b->shape.rank);
    if (!onnx_integer_operands(n, b->shape.dims[1], &a_scales, &b_scales) || !onnx_quantize_constant(n, b, &b_scales, 1, &weights))
        return false;
    struct onnx_deferred *deferred = multiply(n, n->inputs[0], &a_scales, &weights, false);
    if (deferred == NULL || !defer_product(n, deferred)) return false;
    n->outputs[0]->type = ONNX_INT32;
    return true;
}
