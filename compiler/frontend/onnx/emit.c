/* emit.c - operators into the graph, each with its result, folded when it is a constant. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* How messages name the node: its operator and, in brackets, its own name. */
static const char *node_name(const struct onnx_node *n) {
    const char *name = n->source->name != NULL ? n->source->name : "", *op = n->source->op_type;
    return name[0] != '\0' ? qm_arena_printf(n->r->arena, "%.40s (%.60s)", op, name) : qm_arena_printf(n->r->arena, "%.40s", op);
}

struct qm_graph_op onnx_op(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in) {
    struct qm_graph_op op = {.kind = kind, .index = n->index, .name = node_name(n), .input_count = 1, .output_count = 1};
    qm_graph_open_operands(&op, n->r->arena);
    op.inputs[0] = in;
    return op;
}

/* Whether the operator multiplies a constant by all kinds of numbers, 0 among them, so that infinity gives none. */
static bool multiplies(const struct qm_graph_op *op, uint32_t operand) {
    bool sums = op->kind == QM_OP_CONV_2D || op->kind == QM_OP_TRANSPOSE_CONV || op->kind == QM_OP_MATMUL;
    return sums || op->kind == QM_OP_MUL || (op->kind == QM_OP_DIV && operand == 0);
}

/* Constants are numbers. */
static bool check_constant(const struct onnx_node *n, const struct qm_graph_op *op, uint32_t i) {
    const struct qm_graph_tensor *t = op->inputs[i] != QM_NO_TENSOR ? &n->r->graph->tensors[op->inputs[i]] : NULL;
    if (t == NULL || t->data == NULL || (t->dtype != QM_F32 && t->dtype != QM_F64) || evaluate_is_move(op->kind)) return true;
    bool finite = multiplies(op, i);
    for (size_t e = 0; e < (size_t)qm_graph_elements(t); e++) {
        double number = evaluate_stored(t, e);
        if (isnan(number) || (finite && isinf(number))) return onnx_refuse(n, "computes with %g in %.60s", number, t->name);
    }
    return true;
}

/* Whether the node's row says that it becomes such an operator. */
static bool is_of_row(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    uint32_t i = 0;
    while (n->kinds[i] != QM_GRAPH_OP_KINDS && n->kinds[i] != kind) i++;
    return n->kinds[i] == kind;
}

uint32_t onnx_emit(const struct onnx_node *n, const struct qm_graph_op *op, const struct onnx_element *element,
                   const struct qm_shape *shape) {
    struct qm_graph *graph = n->r->graph;
    QM_CHECK(is_of_row(n, op->kind));
    for (uint32_t i = 0; i < op->input_count; i++)
        if ((i == 0 && op->inputs[i] == QM_NO_TENSOR) || !check_constant(n, op, i)) return QM_NO_TENSOR; /* refused, here or before */
    uint64_t elements = 1;
    for (uint32_t d = 0; d < shape->rank; d++) {
        elements *= shape->dims[d];
        if (elements == 0 || elements > INT32_MAX) return onnx_refuse(n, "makes a tensor of no elements, or of 2^31 or more"), QM_NO_TENSOR;
    }
    const char *name = qm_arena_printf(n->r->arena, "%s.%u", n->outputs[0]->name, graph->tensor_count - n->first_tensor);
    uint32_t result = qm_graph_add_tensor(&n->r->maker, name, element->dtype, shape);
    graph->tensors[result].bits = element->bits;
    struct qm_graph_op *added = qm_graph_add_op(&n->r->maker, op->kind, op->inputs[0], result);
    *added = *op;
    qm_graph_own_operands(added, n->r->arena);
    added->outputs[0] = result;
    const char *problem = evaluate_fold(graph, added, n->r->arena);
    if (problem != NULL) return onnx_refuse(n, "%s", problem), QM_NO_TENSOR;
    if (graph->tensors[result].data != NULL) graph->op_count--;
    return result;
}

uint32_t onnx_emit_float(const struct onnx_node *n, const struct qm_graph_op *op, const struct qm_shape *shape) {
    return onnx_emit(n, op, &(struct onnx_element){.dtype = QM_F32}, shape);
}

uint32_t onnx_emit_same(const struct onnx_node *n, const struct qm_graph_op *op) {
    if (op->inputs[0] == QM_NO_TENSOR) return QM_NO_TENSOR;
    const struct qm_graph_tensor *in = &n->r->graph->tensors[op->inputs[0]];
    bool quantized = in->quant.count > 0 && !evaluate_is_move(op->kind);
    struct qm_shape shape = qm_graph_shape(in);
    return onnx_emit(n, op, &(struct onnx_element){.dtype = quantized ? QM_F32 : in->dtype, .bits = quantized ? 0 : in->bits}, &shape);
}

uint32_t onnx_emit_with(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, uint32_t count, const double *numbers,
                        uint32_t axis) {
    if (in == QM_NO_TENSOR) return QM_NO_TENSOR;
    struct qm_shape shape = {.rank = count > 1 ? n->r->graph->tensors[in].rank - axis : 0};
    for (uint32_t d = 0; d < shape.rank; d++) shape.dims[d] = d == 0 ? count : 1;
    double *data = QM_ARENA_NEW(n->r->arena, double, count);
    memcpy(data, numbers, count * sizeof *data);
    struct qm_graph_op op = onnx_op(n, kind, in);
    op.inputs[1] = qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_F64, &shape, data);
    op.input_count = 2;
    shape = qm_graph_shape(&n->r->graph->tensors[in]);
    return onnx_emit_float(n, &op, &shape);
}

bool onnx_put(const struct onnx_node *n, uint32_t tensor) {
    n->outputs[0]->tensor = tensor;
    if (tensor != QM_NO_TENSOR && tensor >= n->first_tensor) n->r->graph->tensors[tensor].name = n->outputs[0]->name;
    return tensor != QM_NO_TENSOR;
}

/* ---- quantizers ---- */

/* A constant of the same number several times as one number. */
static uint32_t as_one(const struct onnx_node *n, uint32_t tensor) {
    if (tensor == QM_NO_TENSOR || n->r->graph->tensors[tensor].data == NULL) return tensor;
    struct qm_graph_tensor t = n->r->graph->tensors[tensor];
    for (size_t i = 1; i < (size_t)qm_graph_elements(&t); i++)
        if (evaluate_stored(&t, i) != evaluate_stored(&t, 0)) return tensor;
    uint32_t one = qm_graph_add_constant(&n->r->maker, t.name, t.dtype, &(struct qm_shape){.rank = 0}, t.data);
    n->r->graph->tensors[one].bits = t.bits;
    return one;
}

void onnx_set_scales(const struct onnx_node *n, struct qm_graph_op *op, uint32_t first) {
    bool one = n->r->graph->tensors[op->inputs[0]].data == NULL;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t tensor = onnx_operand(n, first + i);
        op->inputs[1 + i] = one ? as_one(n, tensor) : tensor;
    }
    op->input_count = 3;
}

static bool check_scales(const struct onnx_node *n, const struct qm_graph_op *op, uint32_t first, uint32_t channels) {
    const struct qm_graph_tensor *scale, *zero = NULL;
    if (!onnx_constant(n, first, &scale)) return false;
    if (op->inputs[2] != QM_NO_TENSOR && !onnx_constant(n, first + 1, &zero)) return false;
    scale = &n->r->graph->tensors[op->inputs[1]];
    if (zero != NULL) zero = &n->r->graph->tensors[op->inputs[2]];
    uint64_t count = qm_graph_elements(scale), zeros = zero != NULL ? qm_graph_elements(zero) : 1;
    if ((count != 1 && count != channels) || (zeros != 1 && zeros != channels))
        return onnx_refuse(n, "has %llu scales and %llu zero points for %u channels; blocks are not supported", (unsigned long long)count,
                           (unsigned long long)zeros, channels);
    for (uint64_t c = 0; c < count; c++) {
        double s = evaluate_stored(scale, c);
        if (!(s > 0) || !isfinite(s)) return onnx_refuse(n, "has the scale %g in %.60s; it must be above 0", s, scale->name);
    }
    for (uint64_t c = 0; zero != NULL && c < zeros; c++) {
        double z = evaluate_stored(zero, c);
        if (z != floor(z) || fabs(z) > INT32_MAX) return onnx_refuse(n, "has the zero point %g in %.60s", z, zero->name);
    }
    return true;
}

/* A quantizer with its parameters, not in the graph yet. */
static bool open_quantizer(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t tensor, uint32_t first, int64_t axis,
                           struct qm_graph_op *op) {
    if (tensor == QM_NO_TENSOR) return false;
    const struct qm_graph_tensor *in = &n->r->graph->tensors[tensor];
    *op = onnx_op(n, kind, tensor);
    uint32_t rank = in->rank, dims[QM_MAX_RANK];
    memcpy(dims, in->dims, sizeof dims);
    onnx_set_scales(n, op, first);
    const struct qm_graph_tensor *tensors = n->r->graph->tensors;
    bool one = op->inputs[1] != QM_NO_TENSOR && qm_graph_elements(&tensors[op->inputs[1]]) == 1;
    if (op->inputs[2] != QM_NO_TENSOR) one = one && qm_graph_elements(&tensors[op->inputs[2]]) == 1;
    if (!one && rank > 0 && !onnx_axis(n, axis, rank, &op->axis)) return false;
    return check_scales(n, op, first, rank > 0 ? dims[op->axis] : 1);
}

uint32_t onnx_emit_quantize(const struct onnx_node *n, uint32_t tensor, uint32_t first, int64_t axis, int32_t type) {
    struct qm_graph_op op;
    struct onnx_element element = onnx_element(type);
    struct qm_graph_tensor like = {.dtype = element.dtype, .bits = element.bits};
    if (!open_quantizer(n, QM_OP_QUANTIZE, tensor, first, axis, &op)) return QM_NO_TENSOR;
    if (element.file_bits == 0 || !evaluate_range(&like, &op.low, &op.high))
        return onnx_refuse(n, "makes %s; int8, uint8 and narrower are supported", onnx_type_name(type)), QM_NO_TENSOR;
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[tensor]);
    return onnx_emit(n, &op, &element, &shape);
}

uint32_t onnx_emit_dequantize(const struct onnx_node *n, uint32_t tensor, uint32_t first, int64_t axis) {
    struct qm_graph_op op;
    if (!open_quantizer(n, QM_OP_DEQUANTIZE, tensor, first, axis, &op)) return QM_NO_TENSOR;
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[tensor]);
    return onnx_emit_float(n, &op, &shape);
}

int32_t onnx_zero_type(const struct onnx_node *n, uint32_t i, int32_t fallback) {
    static const int32_t of[] = {[QM_I8] = ONNX_INT8,   [QM_U8] = ONNX_UINT8,   [QM_I16] = ONNX_INT16, [QM_I32] = ONNX_INT32,
                                 [QM_F32] = ONNX_FLOAT, [QM_U16] = ONNX_UINT16, [QM_I64] = ONNX_INT64, [QM_F64] = ONNX_DOUBLE};
    if (onnx_operand(n, i) == QM_NO_TENSOR) return fallback;
    const struct qm_graph_tensor *zero = onnx_input(n, i);
    bool is_signed = zero->dtype == QM_I8;
    if (zero->bits == 4) return is_signed ? ONNX_INT4 : ONNX_UINT4;
    if (zero->bits == 2) return is_signed ? ONNX_INT2 : ONNX_UINT2;
    return of[zero->dtype];
}
