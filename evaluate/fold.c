/* fold.c - operators whose inputs are all constants become constants: shapes that exporters compute, parameters, quantized weights. */
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"

/* ---- storing ---- */

static void make_constant(struct qm_graph_maker *maker, uint32_t index, const double *numbers) {
    struct qm_graph_tensor *tensor = &maker->graph->tensors[index];
    size_t count = (size_t)qm_graph_elements(tensor);
    uint8_t *data = qm_arena_alloc(maker->arena, count * qm_dtype_bytes(tensor->dtype) + 1);
    evaluate_store(tensor->dtype, numbers, count, data);
    tensor->data = data;
    tensor->size_bytes = count * qm_dtype_bytes(tensor->dtype);
}

/* ---- quantized constants ---- */

/* Scales and zero points as a quantization. NULL: done. */
static const char *dequantize(struct qm_graph_maker *maker, const struct qm_graph_op *op) {
    struct qm_graph_tensor *tensors = maker->graph->tensors, *out = &tensors[op->outputs[0]];
    const struct qm_graph_tensor *in = &tensors[op->inputs[0]], *scale = &tensors[op->inputs[1]];
    const struct qm_graph_tensor *zero = op->inputs[2] != QM_NO_TENSOR ? &tensors[op->inputs[2]] : NULL;
    uint32_t scales = (uint32_t)qm_graph_elements(scale), zeros = zero != NULL ? (uint32_t)qm_graph_elements(zero) : 1;
    uint32_t count = scales > zeros ? scales : zeros;
    float *to = QM_ARENA_NEW(maker->arena, float, count);
    int64_t *points = QM_ARENA_NEW(maker->arena, int64_t, count);
    for (uint32_t c = 0; c < count; c++) {
        to[c] = (float)evaluate_stored(scale, scales > 1 ? c : 0);
        points[c] = zero != NULL ? (int64_t)evaluate_stored(zero, zeros > 1 ? c : 0) : 0;
    }
    out->dtype = in->dtype;
    out->bits = in->bits;
    out->data = in->data;
    out->size_bytes = in->size_bytes;
    out->quant = (struct qm_quant){.count = count, .scale = to, .zero_point = points, .axis = op->axis};
    return NULL;
}

/* The dimension of a reshaped tensor that is dimension `axis` of it: of as many elements, behind as many. False: there is none. */
static bool reshaped_axis(const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, uint32_t *axis) {
    uint64_t before = 1, passed = 1;
    uint32_t extent = in->dims[*axis];
    for (uint32_t d = 0; d < *axis; d++) before *= in->dims[d];
    for (uint32_t d = 0; d < out->rank; passed *= out->dims[d++])
        if (passed == before && out->dims[d] == extent) return *axis = d, true;
    return false;
}

/* The quantization of what a move makes of a quantized constant. */
static const char *move_quantization(const struct qm_graph_op *op, const struct qm_graph_tensor *in, struct qm_graph_tensor *out) {
    uint32_t axis = in->quant.axis;
    out->quant = in->quant;
    if (in->quant.count == 1) return NULL;
    if (op->kind == QM_OP_RESHAPE && !reshaped_axis(in, out, &axis)) return "reshapes weights with a scale for each channel";
    for (uint32_t d = 0; op->kind == QM_OP_TRANSPOSE && d < in->rank; d++)
        if (op->permutation[d] == in->quant.axis) axis = d;
    if (op->kind != QM_OP_RESHAPE && op->kind != QM_OP_TRANSPOSE) return "moves a constant with a scale for each channel";
    out->quant.axis = axis;
    return NULL;
}

/* A move of one constant leaves it in its type and quantized. */
static const char *move(struct qm_graph_maker *maker, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *in = &maker->graph->tensors[op->inputs[0]];
    struct qm_graph_tensor *out = &maker->graph->tensors[op->outputs[0]];
    out->dtype = in->dtype;
    out->bits = in->bits;
    if (in->quant.count > 0) {
        const char *problem = move_quantization(op, in, out);
        if (problem != NULL) return problem;
    }
    if (op->kind != QM_OP_RESHAPE) return NULL;
    out->data = in->data;
    out->size_bytes = in->size_bytes;
    return NULL;
}

/* ---- all operators ---- */

static bool all_constant(const struct qm_graph *graph, const struct qm_graph_op *op) {
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++)
        if (op->inputs[i] != QM_NO_TENSOR && graph->tensors[op->inputs[i]].data == NULL) return false;
    return true;
}

/* The numbers that an operator works on: a move of one constant on what is stored. */
static const double *operand(struct qm_graph_maker *maker, uint32_t tensor, bool as_stored) {
    struct qm_graph_tensor source = maker->graph->tensors[tensor];
    if (as_stored) source.quant.count = 0;
    return evaluate_numbers(&source, maker->arena);
}

const char *evaluate_fold(struct qm_graph_maker *maker, const struct qm_graph_op *op) {
    struct qm_graph *graph = maker->graph;
    const double *inputs[QM_OPERANDS_MAX] = {NULL};
    if (!all_constant(graph, op)) return NULL;
    if (op->kind == QM_OP_DEQUANTIZE) return dequantize(maker, op);
    bool moves = evaluate_is_move(op->kind) && op->kind != QM_OP_CONCATENATION && op->kind != QM_OP_PAD;
    if (moves) {
        const char *problem = move(maker, op);
        if (problem != NULL || op->kind == QM_OP_RESHAPE) return problem;
    }
    uint32_t to = op->outputs[0];
    if (qm_graph_elements(&graph->tensors[to]) > EVALUATE_FOLDED_MAX) return "makes a constant of more than 67108864 elements";
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++)
        if (op->inputs[i] != QM_NO_TENSOR) inputs[i] = operand(maker, op->inputs[i], moves);
    double *result = QM_ARENA_NEW(maker->arena, double, qm_graph_elements(&graph->tensors[to]) + 1);
    if (!evaluate_operator(graph, op, inputs, (double *const[]){result})) return "is not supported on constants";
    make_constant(maker, to, result);
    return NULL;
}
