/* fold.c - operators whose inputs are all constants become constants: shapes that exporters compute, parameters, quantized weights.
 *
 * What moves is moved as it is stored. What is computed are doubles, and where the output is of integers they must be such that nothing
 * has been rounded: operands, sums and results below 2^53, and within the type.
 */
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"

enum { INTEGERS_FOLDED_MAX = 1 << 20 }; /* elements of a constant in a graph of integers, where only shapes and axes are folded */

static const char *const no_integers = "makes numbers that are no integers of their type, or none of 53 bits";

/* ---- outputs ---- */

/* Memory for the output, which is no constant before all of it is known. */
static uint8_t *open_constant(const struct qm_graph_tensor *tensor, struct qm_arena *arena) {
    return qm_arena_alloc(arena, (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(tensor->dtype) + 1);
}

static void close_constant(struct qm_graph_tensor *tensor, const void *data) {
    tensor->data = data;
    tensor->size_bytes = (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(tensor->dtype);
}

/* ---- quantized constants ---- */

/* Scales and zero points as a quantization. NULL: done. */
static const char *dequantize(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena) {
    struct qm_graph_tensor *tensors = graph->tensors, *out = &tensors[op->outputs[0]];
    const struct qm_graph_tensor *in = &tensors[op->inputs[0]], *scale = &tensors[op->inputs[1]];
    const struct qm_graph_tensor *zero = op->inputs[2] != QM_NO_TENSOR ? &tensors[op->inputs[2]] : NULL;
    uint32_t scales = (uint32_t)qm_graph_elements(scale), zeros = zero != NULL ? (uint32_t)qm_graph_elements(zero) : 1;
    uint32_t count = scales > zeros ? scales : zeros;
    float *to = QM_ARENA_NEW(arena, float, count);
    int64_t *points = QM_ARENA_NEW(arena, int64_t, count);
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

/* ---- what moves ---- */

/* Whether the stored numbers of a mean the same in b: one type, and the same scale or none. */
static bool same_numbers(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b) {
    if (a->dtype != b->dtype || a->quant.count != b->quant.count || a->quant.count > 1) return false;
    return a->quant.count == 0 || (a->quant.scale[0] == b->quant.scale[0] && a->quant.zero_point[0] == b->quant.zero_point[0]);
}

/* A cast to its own type is a move. */
static bool keeps_elements(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->outputs[0]];
    return op->kind == QM_OP_RESHAPE || (op->kind == QM_OP_CAST && same_numbers(in, out) && in->bits == out->bits);
}

/* Whether the output is made of elements as they are stored. Of many tensors it is when they mean the same, else of the numbers that they
 * mean. */
static bool moves_stored(const struct qm_graph *graph, const struct qm_graph_op *op) {
    bool joins = op->kind == QM_OP_CONCATENATION || op->kind == QM_OP_PACK || op->kind == QM_OP_PAD;
    bool same = true;
    for (uint32_t i = 0; joins && i < op->input_count; i++)
        same = same && same_numbers(&graph->tensors[op->inputs[i]], &graph->tensors[op->outputs[0]]);
    return evaluate_is_move(op->kind) && same;
}

/* The output has the type and the quantization of input 0. NULL: done. */
static const char *leave_type(struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]];
    struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    out->dtype = in->dtype;
    out->bits = in->bits;
    return in->quant.count > 0 ? move_quantization(op, in, out) : NULL;
}

static const char *move(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena) {
    struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    const char *problem = leave_type(graph, op);
    if (problem != NULL) return problem;
    const void **from = QM_ARENA_NEW(arena, const void *, op->input_count);
    uint8_t padding[sizeof(double)];
    for (uint32_t i = 0; i < op->input_count; i++) from[i] = graph->tensors[op->inputs[i]].data;
    if (op->kind == QM_OP_PAD && !evaluate_store(out->dtype, &op->low, 1, padding)) return no_integers;
    struct evaluate_moving moving = {graph, op, qm_dtype_bytes(out->dtype), from, NULL, padding, open_constant(out, arena)};
    if (op->kind == QM_OP_GATHER) moving.indices = evaluate_numbers(&graph->tensors[op->inputs[1]], arena);
    if (!evaluate_move(&moving)) return "gathers elements that are not there";
    close_constant(out, moving.to);
    return NULL;
}

/* The same elements in another shape: no byte is copied. */
static const char *keep(struct qm_graph *graph, const struct qm_graph_op *op) {
    const char *problem = leave_type(graph, op);
    if (problem == NULL) close_constant(&graph->tensors[op->outputs[0]], graph->tensors[op->inputs[0]].data);
    return problem;
}

/* ---- what computes ---- */

static double largest_magnitude(const struct qm_graph_tensor *tensor, const double *numbers) {
    double magnitude = 0;
    for (size_t i = 0; i < (size_t)qm_graph_elements(tensor); i++) magnitude = fmax(magnitude, fabs(numbers[i]));
    return magnitude;
}

/* Whether all operands, and all sums on the way to integers, are exact: a sum has at most as many terms as input 0 has elements. */
static bool is_exact(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs) {
    const struct qm_graph_tensor *tensors = graph->tensors;
    bool sums = op->kind == QM_OP_SUM || op->kind == QM_OP_MEAN || op->kind == QM_OP_AVERAGE_POOL_2D || op->kind == QM_OP_CONV_2D ||
                op->kind == QM_OP_MATMUL;
    double low, high;
    bool to_integers = evaluate_range(&tensors[op->outputs[0]], &low, &high);
    double sum = (double)qm_graph_elements(&tensors[op->inputs[0]]);
    for (uint32_t i = 0; i < op->input_count; i++) {
        if (inputs[i] == NULL) continue;
        double magnitude = largest_magnitude(&tensors[op->inputs[i]], inputs[i]);
        if (tensors[op->inputs[i]].dtype == QM_I64 && !(magnitude < EVALUATE_EXACT)) return false;
        if (i < 2) sum *= magnitude;
    }
    return !sums || !to_integers || sum < EVALUATE_EXACT;
}

static const char *compute(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena) {
    struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    const double **inputs = QM_ARENA_NEW(arena, const double *, qm_graph_operand_room(op->input_count));
    size_t elements = (size_t)qm_graph_elements(out);
    for (uint32_t i = 0; i < op->input_count && op->kind != QM_OP_SHAPE; i++)
        if (op->inputs[i] != QM_NO_TENSOR) inputs[i] = evaluate_numbers(&graph->tensors[op->inputs[i]], arena);
    if (!is_exact(graph, op, inputs)) return "computes with integers of more than 53 bits";
    double *result = QM_ARENA_NEW(arena, double, elements + 1);
    if (!evaluate_operator(graph, op, inputs, (double *const[]){result})) return "is not supported on constants";
    uint8_t *data = open_constant(out, arena);
    if (!evaluate_store(out->dtype, result, elements, data)) return no_integers;
    close_constant(out, data);
    return NULL;
}

/* ---- all operators ---- */

static bool all_constant(const struct qm_graph *graph, const struct qm_graph_op *op) {
    for (uint32_t i = 0; i < op->input_count && op->kind != QM_OP_SHAPE; i++)
        if (op->inputs[i] != QM_NO_TENSOR && graph->tensors[op->inputs[i]].data == NULL) return false;
    return true;
}

/* Whether the tensor is of the integers that graphs of integers compute shapes with. */
static bool is_shape_type(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_I32 || tensor->dtype == QM_I64;
}

/* Whether an operator of a graph of integers does to them what it does to numbers. Others do not: there maps have their channels last, and
 * results are rounded as scales say. */
static bool folds_integers(const struct qm_graph *graph, const struct qm_graph_op *op) {
    static const bool moves[QM_GRAPH_OP_KINDS] = {
        [QM_OP_RESHAPE] = true,       [QM_OP_FILL] = true, [QM_OP_STRIDED_SLICE] = true, [QM_OP_TRANSPOSE] = true,
        [QM_OP_CONCATENATION] = true, [QM_OP_PACK] = true, [QM_OP_GATHER] = true};
    static const bool computes[QM_GRAPH_OP_KINDS] = {
        [QM_OP_SHAPE] = true, [QM_OP_CAST] = true, [QM_OP_REDUCE_PROD] = true, [QM_OP_ADD] = true, [QM_OP_SUB] = true, [QM_OP_MUL] = true};
    const struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    bool folds = (moves[op->kind] || computes[op->kind]) && op->activation == QM_ACT_NONE && op->batch_dims == 0;
    folds = folds && qm_graph_elements(out) <= INTEGERS_FOLDED_MAX && (op->kind == QM_OP_FILL || is_shape_type(out));
    if (computes[op->kind]) folds = folds && out->quant.count == 0;
    for (uint32_t i = 0; i < op->input_count && folds && op->kind != QM_OP_SHAPE; i++) {
        const struct qm_graph_tensor *in = &graph->tensors[op->inputs[i]];
        bool plain = computes[op->kind] || (op->kind == QM_OP_GATHER && i == 1);
        folds = qm_graph_elements(in) <= INTEGERS_FOLDED_MAX;
        folds = folds && (plain ? is_shape_type(in) && in->quant.count == 0 : same_numbers(in, out));
    }
    return folds;
}

const char *evaluate_fold(struct qm_graph *graph, const struct qm_graph_op *op, struct qm_arena *arena) {
    bool folds = all_constant(graph, op) && (graph->is_real || folds_integers(graph, op));
    const char *problem = folds || graph->is_real ? evaluate_check(graph, op) : NULL;
    if (problem != NULL || !folds) return problem;
    if (op->kind == QM_OP_DEQUANTIZE) return dequantize(graph, op, arena);
    if (keeps_elements(graph, op)) return keep(graph, op);
    if (qm_graph_elements(&graph->tensors[op->outputs[0]]) > EVALUATE_ELEMENTS_MAX)
        return "makes a constant of more than 67108864 elements";
    return moves_stored(graph, op) ? move(graph, op, arena) : compute(graph, op, arena);
}
