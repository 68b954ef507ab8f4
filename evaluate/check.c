/* check.c - whether an operator of real numbers is what evaluate_operator takes: operands that are there, attributes in their ranges, and
 * shapes of inputs and outputs that follow from each other.
 */
#include "evaluate/check.h"

#include <math.h>

/* ---- shapes ---- */

static const char *check_same(const struct evaluate_site *s) {
    struct qm_shape in = qm_graph_shape(s->in);
    return evaluate_is_result(s, &in);
}

/* What a dimension of the broadcast shape is in an operand, which may lack it in front. */
static uint32_t extent_of(const struct qm_graph_tensor *operand, uint32_t d, uint32_t rank) {
    return d + operand->rank >= rank ? operand->dims[d + operand->rank - rank] : 1;
}

/* Dimensions from the first to the last but `rest` are those of a and b broadcast. */
static const char *check_broadcast(const struct evaluate_site *s, uint32_t rest) {
    uint32_t rank = s->in->rank > s->second->rank ? s->in->rank : s->second->rank;
    if (s->out->rank != rank) return evaluate_other_result;
    for (uint32_t d = 0; d + rest < rank; d++) {
        uint32_t a = extent_of(s->in, d, rank), b = extent_of(s->second, d, rank);
        if (a != b && a != 1 && b != 1) return evaluate_other_shapes;
        if (s->out->dims[d] != (a == 1 ? b : a)) return evaluate_other_result;
    }
    return NULL;
}

static const char *check_two(const struct evaluate_site *s) {
    return check_broadcast(s, 0);
}

/* The dimensions of the input as numbers. */
static const char *check_shape(const struct evaluate_site *s) {
    return qm_graph_elements(s->out) == s->in->rank ? NULL : evaluate_other_result;
}

/* ---- quantizers ---- */

static const char *check_parameter(const struct evaluate_site *s, const struct qm_graph_tensor *parameter) {
    uint64_t count = parameter != NULL ? qm_graph_elements(parameter) : 1;
    if (count == 1) return NULL;
    if (s->op->axis >= s->in->rank) return evaluate_no_axis;
    return count == s->in->dims[s->op->axis] ? NULL : "has scales or zero points that are neither one nor one a channel";
}

static const char *check_scales(const struct qm_graph_tensor *scale) {
    size_t count = scale->data != NULL ? (size_t)qm_graph_elements(scale) : 0;
    for (size_t i = 0; i < count; i++) {
        double number = evaluate_stored(scale, i);
        if (!(number > 0) || !isfinite(number)) return "has a scale that is no positive number";
    }
    return NULL;
}

static const char *check_quantizer(const struct evaluate_site *s) {
    const char *problem = check_parameter(s, s->second);
    if (problem == NULL) problem = check_scales(s->second);
    if (problem == NULL) problem = check_parameter(s, s->third);
    return problem != NULL ? problem : check_same(s);
}

/* ---- products and reductions ---- */

/* Stacks are broadcast. */
static const char *check_matmul(const struct evaluate_site *s) {
    const struct qm_graph_tensor *a = s->in, *b = s->second, *out = s->out;
    if (a->rank < 2 || b->rank < 2) return "multiplies by what is no matrix";
    const uint32_t *matrix = &b->dims[b->rank - 2];
    if (a->dims[a->rank - 1] != matrix[s->op->transposed ? 1 : 0]) return evaluate_other_shapes;
    const char *problem = check_broadcast(s, 2);
    if (problem != NULL) return problem;
    const uint32_t *result = &out->dims[out->rank - 2];
    bool fits = result[0] == a->dims[a->rank - 2] && result[1] == matrix[s->op->transposed ? 0 : 1];
    return fits ? NULL : evaluate_other_result;
}

/* The output has the dimensions of the axes with one element, or not at all. */
static const char *check_reduction(const struct evaluate_site *s) {
    struct qm_shape kept = qm_graph_shape(s->in), dropped = {.rank = 0};
    if (s->op->axes >> s->in->rank != 0) return evaluate_no_axis;
    for (uint32_t d = 0; d < s->in->rank; d++) {
        bool goes = (s->op->axes >> d & 1) != 0;
        if (goes) kept.dims[d] = 1;
        if (!goes) dropped.dims[dropped.rank++] = s->in->dims[d];
    }
    return evaluate_is_result(s, &kept) == NULL ? NULL : evaluate_is_result(s, &dropped);
}

/* The place of an extreme is a reduction of the axis. */
static const char *check_place(const struct evaluate_site *s) {
    struct qm_graph_op op = *s->op;
    struct evaluate_site reduction = *s;
    if (op.axis >= s->in->rank) return evaluate_no_axis;
    op.axes = 1U << op.axis;
    reduction.op = &op;
    return check_reduction(&reduction);
}

static const char *check_row(const struct evaluate_site *s) {
    return s->op->axis < s->in->rank ? check_same(s) : evaluate_no_axis;
}

/* ---- all operators ---- */

#define MANY UINT32_MAX

/* Inputs that must be there, those that can be, and what else is looked at. What a row does not say of functions of one and of two numbers
 * is known from their tables. */
static const struct rule {
    uint32_t inputs_min, inputs_max;
    evaluate_checking *check;
} rules[QM_GRAPH_OP_KINDS] = {
    [QM_OP_CONV_2D] = {2, 3, evaluate_check_conv},
    [QM_OP_TRANSPOSE_CONV] = {2, 3, evaluate_check_transposed},
    [QM_OP_MATMUL] = {2, 2, check_matmul},
    [QM_OP_AVERAGE_POOL_2D] = {1, 1, evaluate_check_pool},
    [QM_OP_MAX_POOL_2D] = {1, 1, evaluate_check_pool},
    [QM_OP_MEAN] = {1, 1, check_reduction},
    [QM_OP_SUM] = {1, 1, check_reduction},
    [QM_OP_REDUCE_PROD] = {1, 1, check_reduction},
    [QM_OP_REDUCE_MAX] = {1, 1, check_reduction},
    [QM_OP_REDUCE_MIN] = {1, 1, check_reduction},
    [QM_OP_ARG_MAX] = {1, 1, check_place},
    [QM_OP_ARG_MIN] = {1, 1, check_place},
    [QM_OP_SOFTMAX] = {1, 1, check_row},
    [QM_OP_LOG_SOFTMAX] = {1, 1, check_row},
    [QM_OP_QUANTIZE] = {2, 3, check_quantizer},
    [QM_OP_DEQUANTIZE] = {2, 3, check_quantizer},
    [QM_OP_CAST] = {1, 1, check_same},
    [QM_OP_SHAPE] = {1, 1, check_shape},
    [QM_OP_RESHAPE] = {1, 1, evaluate_check_reshape},
    [QM_OP_TRANSPOSE] = {1, 1, evaluate_check_transpose},
    [QM_OP_STRIDED_SLICE] = {1, 1, evaluate_check_slice},
    [QM_OP_PAD] = {1, 1, evaluate_check_pad},
    [QM_OP_RESIZE_NEAREST_NEIGHBOR] = {1, 1, evaluate_check_resize},
    [QM_OP_CONCATENATION] = {1, MANY, evaluate_check_concatenation},
    [QM_OP_PACK] = {1, MANY, evaluate_check_pack},
    [QM_OP_GATHER] = {2, 2, evaluate_check_gather},
    [QM_OP_FILL] = {1, 1, evaluate_check_fill},
};

static struct rule rule_of(enum qm_graph_op_kind kind) {
    if (evaluate_is_function(kind)) return (struct rule){1, 1, check_same};
    if (evaluate_is_of_two(kind)) return (struct rule){2, 2, check_two};
    return rules[kind];
}

bool evaluate_has_meaning(enum qm_graph_op_kind kind) {
    return (unsigned)kind < QM_GRAPH_OP_KINDS && rule_of(kind).check != NULL;
}

/* Whether numbers of the tensor can be read: elements that can be counted, a type of numbers, a scale each or one a channel, and data for
 * all. */
static bool is_sound(const struct qm_graph_tensor *tensor) {
    const struct qm_quant *quant = &tensor->quant;
    uint64_t elements = 1;
    if (tensor->rank > QM_MAX_RANK || (unsigned)tensor->dtype >= QM_ANY_DTYPES || tensor->dtype == QM_BOOL) return false;
    if (tensor->bits > 8 * qm_dtype_bytes(tensor->dtype)) return false;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        elements *= tensor->dims[d];
        if (elements == 0 || elements > INT32_MAX) return false;
    }
    if (quant->count > 1 && (quant->axis >= tensor->rank || quant->count != tensor->dims[quant->axis])) return false;
    return tensor->data == NULL || tensor->size_bytes >= elements * qm_dtype_bytes(tensor->dtype);
}

static bool is_tensor(const struct qm_graph *graph, uint32_t index) {
    return index < graph->tensor_count && is_sound(&graph->tensors[index]);
}

static const char *check_operands(const struct qm_graph *graph, const struct qm_graph_op *op, const struct rule *rule) {
    if (op->input_count < rule->inputs_min || op->input_count > rule->inputs_max) return "has another number of inputs";
    if (op->output_count != 1 || !is_tensor(graph, op->outputs[0])) return "has an output that is no tensor, or several";
    for (uint32_t i = 0; i < op->input_count; i++) {
        bool optional = i >= rule->inputs_min && rule->inputs_max != MANY;
        if (!is_tensor(graph, op->inputs[i]) && !(optional && op->inputs[i] == QM_NO_TENSOR)) return "has an input that is no tensor";
    }
    return NULL;
}

static const struct qm_graph_tensor *input(const struct qm_graph *graph, const struct qm_graph_op *op, uint32_t i) {
    return i < op->input_count && op->inputs[i] != QM_NO_TENSOR ? &graph->tensors[op->inputs[i]] : NULL;
}

const char *evaluate_check(const struct qm_graph *graph, const struct qm_graph_op *op) {
    if (!evaluate_has_meaning(op->kind)) return "has no meaning on real numbers";
    struct rule rule = rule_of(op->kind);
    const char *problem = check_operands(graph, op, &rule);
    if (problem != NULL) return problem;
    return rule.check(&(struct evaluate_site){.graph = graph,
                                              .op = op,
                                              .in = input(graph, op, 0),
                                              .second = input(graph, op, 1),
                                              .third = input(graph, op, 2),
                                              .out = &graph->tensors[op->outputs[0]]});
}

const char *evaluate_check_graph(const struct qm_graph *graph) {
    const char *problem = NULL;
    for (uint32_t i = 0; i < graph->tensor_count && problem == NULL; i++) {
        if (!is_sound(&graph->tensors[i])) return "has a tensor that is none";
        if (qm_graph_elements(&graph->tensors[i]) > EVALUATE_ELEMENTS_MAX) return "has a tensor of more than 67108864 elements";
    }
    for (uint32_t i = 0; i < graph->input_count && problem == NULL; i++)
        if (!is_tensor(graph, graph->inputs[i])) problem = "has an input that is no tensor";
    for (uint32_t i = 0; i < graph->output_count && problem == NULL; i++)
        if (!is_tensor(graph, graph->outputs[i])) problem = "has an output that is no tensor";
    for (uint32_t i = 0; i < graph->op_count && problem == NULL; i++) problem = evaluate_check(graph, &graph->ops[i]);
    return problem;
}
