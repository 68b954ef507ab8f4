/* matmul.c - matrix products, and the operands and results of nodes of integers. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* Stacks of the rank of the shape, of which either may have one matrix where the other has more. */
static bool join_stacks(const struct onnx_node *n, const struct qm_graph_tensor *a, const struct qm_graph_tensor *b,
                        struct qm_shape *shape) {
    for (uint32_t d = 3; d <= shape->rank; d++) {
        uint32_t left = d <= a->rank ? a->dims[a->rank - d] : 1, right = d <= b->rank ? b->dims[b->rank - d] : 1;
        if (left != right && left != 1 && right != 1) return onnx_refuse(n, "multiplies stacks of matrices that are not as many");
        shape->dims[shape->rank - d] = left == 1 ? right : left;
    }
    return true;
}

/* Shape of rows times a matrix, or of stacks of both. */
static bool product_shape(const struct onnx_node *n, const struct qm_graph_tensor *a, const struct qm_graph_tensor *b, bool transposed,
                          struct qm_shape *shape) {
    uint32_t k = b->dims[b->rank - (transposed ? 1 : 2)], columns = b->dims[b->rank - (transposed ? 2 : 1)];
    if (a->dims[a->rank - 1] != k) return onnx_refuse(n, "multiplies rows of %u elements by a matrix of %u rows", a->dims[a->rank - 1], k);
    *shape = qm_graph_shape(a->rank >= b->rank ? a : b);
    shape->dims[shape->rank - 2] = a->dims[a->rank - 2];
    shape->dims[shape->rank - 1] = columns;
    return join_stacks(n, a, b, shape);
}

static uint32_t emit_product(const struct onnx_node *n, uint32_t a, uint32_t b, bool transposed) {
    const struct qm_graph_tensor *tensors = n->r->graph->tensors;
    struct qm_shape shape;
    if (!product_shape(n, &tensors[a], &tensors[b], transposed, &shape)) return QM_NO_TENSOR;
    struct qm_graph_op op = onnx_op(n, QM_OP_MATMUL, a);
    op.inputs[1] = b;
    op.input_count = 2;
    op.transposed = transposed;
    return onnx_emit_float(n, &op, &shape);
}

/* A tensor without dimension d, which has one element. */
static uint32_t emit_dropped(const struct onnx_node *n, uint32_t in, uint32_t d) {
    if (in == QM_NO_TENSOR) return in;
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[in]);
    shape.rank--;
    memmove(shape.dims + d, shape.dims + d + 1, (shape.rank - d) * sizeof *shape.dims);
    return onnx_emit_reshape(n, in, &shape);
}

uint32_t onnx_emit_matmul(const struct onnx_node *n, uint32_t a, uint32_t b, bool transposed) {
    if (a == QM_NO_TENSOR || b == QM_NO_TENSOR) return QM_NO_TENSOR;
    struct qm_shape left = qm_graph_shape(&n->r->graph->tensors[a]), right = qm_graph_shape(&n->r->graph->tensors[b]);
    bool row = left.rank == 1, column = right.rank == 1;
    if (left.rank == 0 || right.rank == 0) return onnx_refuse(n, "multiplies by a single number; MatMul takes none"), QM_NO_TENSOR;
    if (row) a = onnx_emit_reshape(n, a, &(struct qm_shape){2, {1, left.dims[0]}});
    if (column) b = onnx_emit_reshape(n, b, &(struct qm_shape){2, {right.dims[0], 1}});
    if (a == QM_NO_TENSOR || b == QM_NO_TENSOR) return QM_NO_TENSOR;
    uint32_t product = emit_product(n, a, b, transposed);
    if (product == QM_NO_TENSOR) return product;
    uint32_t rank = n->r->graph->tensors[product].rank;
    if (column) product = emit_dropped(n, product, --rank);
    return row ? emit_dropped(n, product, rank - (column ? 1 : 2)) : product;
}

/* Each matrix with its rows as columns. */
static uint32_t emit_turned(const struct onnx_node *n, uint32_t in) {
    if (in == QM_NO_TENSOR) return QM_NO_TENSOR;
    uint32_t permutation[QM_MAX_RANK], rank = n->r->graph->tensors[in].rank;
    for (uint32_t d = 0; d < rank; d++) permutation[d] = d;
    permutation[rank - 2] = rank - 1;
    permutation[rank - 1] = rank - 2;
    return onnx_emit_transpose(n, in, permutation);
}

/* The machine multiplies by matrices that it knows. When the first is one, both are turned and change places. */
bool onnx_matmul(const struct onnx_node *n) {
    const struct qm_graph_tensor *a = onnx_input(n, 0), *b = onnx_input(n, 1);
    bool turn = a->data != NULL && a->rank == 2 && b->data == NULL && b->rank >= 2;
    if (!turn) return onnx_put(n, onnx_emit_matmul(n, n->inputs[0], n->inputs[1], false));
    return onnx_put(n, emit_turned(n, onnx_emit_matmul(n, emit_turned(n, n->inputs[1]), n->inputs[0], true)));
}

/* A tensor times a number; of a constant in doubles, which are not rounded to its type. */
static uint32_t emit_times(const struct onnx_node *n, uint32_t in, double factor) {
    const struct qm_graph_tensor *t = &n->r->graph->tensors[in];
    struct qm_shape shape = qm_graph_shape(t);
    if (factor == 1) return in;
    if (t->data == NULL) return onnx_emit_with(n, QM_OP_MUL, in, 1, &factor, 0);
    double *numbers = evaluate_numbers(t, n->r->arena);
    for (uint64_t i = 0; i < qm_shape_elements(&shape); i++) numbers[i] *= factor;
    return qm_graph_add_constant(&n->r->maker, t->name, QM_F64, &shape, numbers);
}

/* A product plus beta times what fits its rows and columns, a constant or computed. */
static uint32_t emit_addend(const struct onnx_node *n, uint32_t product, uint32_t c, double beta) {
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[product]), own = qm_graph_shape(&n->r->graph->tensors[c]);
    for (uint32_t d = 1; d <= own.rank; d++)
        if (d > shape.rank || (own.dims[own.rank - d] != 1 && own.dims[own.rank - d] != shape.dims[shape.rank - d]))
            return onnx_refuse(n, "adds %.60s, whose shape does not fit the product", n->r->graph->tensors[c].name), QM_NO_TENSOR;
    c = emit_times(n, c, beta);
    if (c == QM_NO_TENSOR) return c;
    struct qm_graph_op op = onnx_op(n, QM_OP_ADD, product);
    op.inputs[1] = c;
    op.input_count = 2;
    return onnx_emit_float(n, &op, &shape);
}

/* alpha * a * b + beta * c; c's numbers are real, or whole steps of the sum (NULL: none). */
static uint32_t emit_gemm(const struct onnx_node *n, uint32_t a, uint32_t b, uint32_t c) {
    float alpha = onnx_float(n, "alpha", 1), beta = onnx_float(n, "beta", 1);
    const struct qm_graph_tensor *tensors = n->r->graph->tensors;
    if (a == QM_NO_TENSOR || b == QM_NO_TENSOR) return QM_NO_TENSOR;
    if (tensors[a].rank != 2 || tensors[b].rank != 2) return onnx_refuse(n, "takes matrices of two dimensions only"), QM_NO_TENSOR;
    if (onnx_int(n, "transA", 0) != 0) a = emit_turned(n, a);
    uint32_t product = onnx_emit_matmul(n, a, b, onnx_int(n, "transB", 0) != 0);
    if (product != QM_NO_TENSOR && alpha != 1) product = onnx_emit_with(n, QM_OP_MUL, product, 1, &(double){(double)alpha}, 0);
    if (product == QM_NO_TENSOR || c == QM_NO_TENSOR || beta == 0) return product;
    const struct qm_graph_tensor *bias = &n->r->graph->tensors[c];
    uint32_t channels = n->r->graph->tensors[product].dims[1];
    uint64_t count = qm_graph_elements(bias);
    bool is_bias = bias->data != NULL && (count == 1 || (count == channels && bias->dims[bias->rank - 1] == channels));
    if (!is_bias) return emit_addend(n, product, c, (double)beta);
    double *numbers = evaluate_numbers(bias, n->r->arena);
    for (uint64_t i = 0; i < count; i++) numbers[i] *= (double)beta;
    return onnx_emit_with(n, QM_OP_ADD, product, (uint32_t)count, numbers, 1);
}

bool onnx_gemm(const struct onnx_node *n) {
    return onnx_put(n, emit_gemm(n, n->inputs[0], n->inputs[1], n->inputs[2]));
}

bool onnx_qlinear_matmul(const struct onnx_node *n) {
    uint32_t rank = onnx_input(n, 3)->rank;
    uint32_t a = onnx_emit_dequantize(n, n->inputs[0], 1, 0), b = onnx_emit_dequantize(n, n->inputs[3], 4, rank > 0 ? rank - 1 : 0);
    return onnx_put(n, onnx_emit_quantize(n, onnx_emit_matmul(n, a, b, false), 6, 0, onnx_zero_type(n, 7, ONNX_UINT8)));
}

/* Integers times a scale for each channel, which is alpha * the scales of a and b: the numbers that QGemm adds. */
static uint32_t gemm_bias(const struct onnx_node *n, uint32_t channels) {
    const struct qm_graph_tensor *c, *a_scale, *b_scale;
    if (n->inputs[6] == QM_NO_TENSOR) return QM_NO_TENSOR;
    if (!onnx_constant(n, 6, &c) || !onnx_constant(n, 1, &a_scale) || !onnx_constant(n, 4, &b_scale)) return QM_NO_TENSOR;
    uint64_t count = qm_graph_elements(c), scales = qm_graph_elements(b_scale);
    if (count != channels || (scales != 1 && scales != channels)) return onnx_refuse(n, "has not as many biases as channels"), QM_NO_TENSOR;
    double *numbers = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = evaluate_stored(c, i) * evaluate_stored(a_scale, 0) * evaluate_stored(b_scale, scales > 1 ? i : 0) *
                     (double)onnx_float(n, "alpha", 1);
    return qm_graph_add_constant(&n->r->maker, c->name, QM_F64, &(struct qm_shape){1, {channels}}, numbers);
}

/* A, its scale and zero point, B, the same, C in steps of the sum, scale and zero point of the result (none: float). */
bool onnx_qgemm(const struct onnx_node *n) {
    const struct qm_graph_tensor *b_tensor = onnx_input(n, 3);
    bool turned = onnx_int(n, "transB", 0) != 0;
    if (b_tensor->rank != 2) return onnx_refuse(n, "multiplies by %u dimensions; a matrix is supported", b_tensor->rank);
    uint32_t a = onnx_emit_dequantize(n, n->inputs[0], 1, 0), b = onnx_emit_dequantize(n, n->inputs[3], 4, turned ? 0 : 1);
    uint32_t bias = gemm_bias(n, b_tensor->dims[turned ? 0 : 1]);
    if (a == QM_NO_TENSOR || b == QM_NO_TENSOR || (bias == QM_NO_TENSOR && n->inputs[6] != QM_NO_TENSOR)) return false;
    uint32_t result = emit_gemm(n, a, b, bias);
    if (n->inputs[7] == QM_NO_TENSOR) return onnx_put(n, result);
    return onnx_put(n, onnx_emit_quantize(n, result, 7, 0, onnx_zero_type(n, 8, onnx_zero_type(n, 0, ONNX_UINT8))));
}

/* ---- nodes of integers ---- */

uint32_t onnx_emit_integers(const struct onnx_node *n, uint32_t i, uint32_t zero, int64_t axis) {
    const struct qm_graph_tensor *point = NULL, *in = onnx_input(n, i);
    struct qm_graph_op op = onnx_op(n, QM_OP_DEQUANTIZE, n->inputs[i]);
    static const float one = 1;
    if (n->inputs[zero] != QM_NO_TENSOR && !onnx_constant(n, zero, &point)) return QM_NO_TENSOR;
    uint64_t count = point != NULL ? qm_graph_elements(point) : 1;
    if (axis < 0 || axis >= in->rank) axis = 0;
    uint32_t channels = in->rank > 0 ? in->dims[axis] : 1;
    if (count != 1 && count != channels)
        return onnx_refuse(n, "has %llu zero points for %u channels", (unsigned long long)count, channels), QM_NO_TENSOR;
    struct qm_shape shape = qm_graph_shape(in);
    op.inputs[2] = n->inputs[zero];
    op.inputs[1] = qm_graph_add_constant(&n->r->maker, "one", QM_F32, &(struct qm_shape){.rank = 0}, &one);
    op.input_count = 3;
    op.axis = (uint32_t)axis;
    return onnx_emit_float(n, &op, &shape);
}

uint32_t onnx_emit_sums(const struct onnx_node *n, uint32_t sums) {
    if (sums == QM_NO_TENSOR) return QM_NO_TENSOR;
    struct qm_graph_op op = onnx_op(n, QM_OP_CAST, sums);
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[sums]);
    return onnx_emit(n, &op, &(struct onnx_element){.dtype = QM_I32}, &shape);
}

bool onnx_matmul_integer(const struct onnx_node *n) {
    uint32_t rank = onnx_input(n, 1)->rank;
    uint32_t a = onnx_emit_integers(n, 0, 2, 0), b = onnx_emit_integers(n, 1, 3, rank > 0 ? rank - 1 : 0);
    return onnx_put(n, onnx_emit_sums(n, onnx_emit_matmul(n, a, b, false)));
}
