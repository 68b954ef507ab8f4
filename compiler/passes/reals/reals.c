/* reals.c - the pass: what is no float network, the ends, and the operators one after another. */
#include "compiler/passes/reals/reals.h"

#include <string.h>

#include "compiler/compiler.h"

static reals_writing *const writers[QM_GRAPH_OP_KINDS] = {
    [QM_OP_CONV_2D] = reals_conv,
    [QM_OP_DEPTHWISE_CONV_2D] = reals_depthwise,
    [QM_OP_TRANSPOSE_CONV] = reals_transpose_conv,
    [QM_OP_FULLY_CONNECTED] = reals_fully_connected,
    [QM_OP_BATCH_MATMUL] = reals_matmul,
    [QM_OP_AVERAGE_POOL_2D] = reals_pool,
    [QM_OP_MAX_POOL_2D] = reals_pool,
    [QM_OP_RELU] = reals_relu,
    [QM_OP_RELU6] = reals_relu,
    [QM_OP_RELU_N1_TO_1] = reals_relu,
    [QM_OP_RELU_0_TO_1] = reals_relu,
    [QM_OP_LEAKY_RELU] = reals_function,
    [QM_OP_LOGISTIC] = reals_function,
    [QM_OP_TANH] = reals_function,
    [QM_OP_HARD_SWISH] = reals_function,
    [QM_OP_ELU] = reals_function,
    [QM_OP_GELU] = reals_function,
    [QM_OP_EXP] = reals_function,
    [QM_OP_LOG] = reals_function,
    [QM_OP_ABS] = reals_function,
    [QM_OP_SQRT] = reals_function,
    [QM_OP_SQUARE] = reals_function,
    [QM_OP_FLOOR] = reals_function,
    [QM_OP_CEIL] = reals_function,
    [QM_OP_ROUND] = reals_function,
    [QM_OP_NEG] = reals_neg,
    [QM_OP_RSQRT] = reals_rsqrt,
    [QM_OP_ADD] = reals_pair,
    [QM_OP_SUB] = reals_pair,
    [QM_OP_MUL] = reals_pair,
    [QM_OP_DIV] = reals_pair,
    [QM_OP_MINIMUM] = reals_pair,
    [QM_OP_MAXIMUM] = reals_pair,
    [QM_OP_PRELU] = reals_pair,
    [QM_OP_SOFTMAX] = reals_softmax,
    [QM_OP_LOG_SOFTMAX] = reals_softmax,
    [QM_OP_ARG_MAX] = reals_arg,
    [QM_OP_ARG_MIN] = reals_arg,
    [QM_OP_MEAN] = reals_reduce,
    [QM_OP_SUM] = reals_reduce,
    [QM_OP_REDUCE_MAX] = reals_reduce,
    [QM_OP_REDUCE_MIN] = reals_reduce,
    [QM_OP_RESHAPE] = reals_move,
    [QM_OP_TRANSPOSE] = reals_move,
    [QM_OP_STRIDED_SLICE] = reals_move,
    [QM_OP_PAD] = reals_pad,
    [QM_OP_CONCATENATION] = reals_concatenation,
    [QM_OP_PACK] = reals_concatenation,
    [QM_OP_SPLIT] = reals_split,
    [QM_OP_RESIZE_NEAREST_NEIGHBOR] = reals_resize,
    [QM_OP_GATHER] = reals_gather,
};

/* Operators that are left as they are, for the host's kernels. */
static bool is_for_kernels(enum qm_graph_op_kind kind) {
    return kind == QM_OP_RESIZE_BILINEAR || kind == QM_OP_L2_NORMALIZATION || kind == QM_OP_SQUARED_DIFFERENCE || kind == QM_OP_FLOOR_DIV ||
           kind == QM_OP_SIN || kind == QM_OP_COS || kind == QM_OP_TILE || kind == QM_OP_BROADCAST_TO;
}

/* Of one output, with operands in the file's order. */
static void leave(const struct reals_node *n) {
    struct qm_shape shape = reals_result(n, 0, REALS_AS_IS);
    uint32_t inputs[3] = {QM_NO_TENSOR, QM_NO_TENSOR, QM_NO_TENSOR};
    for (uint32_t i = 0; i < 3; i++)
        if (reals_has_input(n, i)) inputs[i] = reals_take(n, i, REALS_AS_IS);
    uint32_t result = reals_emit(n, n->op, inputs, &shape);
    n->r->maker.graph->ops[n->r->maker.graph->op_count - 1].activation = n->op->activation;
    reals_put(n, 0, result, REALS_AS_IS);
}

/* The first tensor of an operator that is of a quantized network, or NULL. */
static const struct qm_graph_tensor *find_quantized(const struct qm_graph *graph, const struct qm_graph_op *op) {
    for (uint32_t i = 0; i < op->input_count + op->output_count; i++) {
        uint32_t index = i < op->input_count ? op->inputs[i] : op->outputs[i - op->input_count];
        const struct qm_graph_tensor *tensor = index != QM_NO_TENSOR ? &graph->tensors[index] : NULL;
        if (tensor != NULL && (tensor->dtype == QM_I8 || tensor->dtype == QM_U8 || tensor->dtype == QM_I16)) return tensor;
    }
    return NULL;
}

static enum qm_status check_float(const struct qm_graph *graph, struct qm_diag *diag) {
    QM_TRY(problems_report(&graph->problems, graph->file, "docs/operators.md lists what can be run", diag));
    if (graph->is_quantized) return qm_fail(diag, QM_BAD_INPUT, "%s: is a quantized network, not a float one", graph->file);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_tensor *tensor = find_quantized(graph, &graph->ops[i]);
        if (tensor != NULL)
            return qm_fail(diag, QM_BAD_INPUT, "%s: is a quantized network, not a float one: tensor %.60s is %s", graph->file, tensor->name,
                           qm_dtype_name(tensor->dtype));
    }
    return QM_OK;
}

static void open_ends(struct reals *r) {
    struct qm_graph *graph = r->maker.graph;
    const struct qm_graph *source = r->source;
    for (uint32_t i = 0; i < source->tensor_count; i++) r->made[i][REALS_AS_IS] = r->made[i][REALS_CHANNELS_FIRST] = QM_NO_TENSOR;
    graph->inputs = QM_ARENA_NEW(r->maker.arena, uint32_t, source->input_count);
    graph->outputs = QM_ARENA_NEW(r->maker.arena, uint32_t, source->output_count);
    for (uint32_t i = 0; i < source->input_count; i++) {
        const struct qm_graph_tensor *input = &source->tensors[source->inputs[i]];
        struct qm_shape shape = qm_graph_shape(input);
        graph->inputs[graph->input_count++] = qm_graph_add_tensor(&r->maker, input->name, input->dtype, &shape);
        r->made[source->inputs[i]][REALS_AS_IS] = graph->inputs[i];
    }
}

/* All operators that have no meaning here are named before any is written. */
static enum qm_status check_operators(const struct qm_graph *graph, struct qm_diag *diag) {
    struct problems problems = {0};
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (writers[graph->ops[i].kind] == NULL && !is_for_kernels(graph->ops[i].kind))
            problems_add(&problems, graph->ops[i].index, "%s is not supported in a float network", qm_graph_op_name(graph->ops[i].kind));
    return problems_report(&problems, graph->file, "docs/operators.md lists what can be run", diag);
}

static void write_operator(struct reals *r, const struct qm_graph_op *op) {
    const struct reals_node n = {r, op};
    if (writers[op->kind] != NULL)
        writers[op->kind](&n);
    else
        leave(&n);
}

/* Outputs are in the file's order, under the file's names. */
static void put_outputs(struct reals *r) {
    struct qm_graph *graph = r->maker.graph;
    for (uint32_t i = 0; i < r->source->output_count; i++) {
        uint32_t source = r->source->outputs[i];
        struct qm_graph_op reader = {.kind = QM_OP_TRANSPOSE, .inputs = &source, .input_count = 1, .outputs = &source, .output_count = 1};
        uint32_t result = reals_take(&(struct reals_node){r, &reader}, 0, REALS_AS_IS), first = r->made[source][REALS_CHANNELS_FIRST];
        if (first != QM_NO_TENSOR) {
            const char *name = graph->tensors[result].name;
            graph->tensors[result].name = r->source->tensors[source].name;
            if (strcmp(graph->tensors[first].name, graph->tensors[result].name) == 0) graph->tensors[first].name = name;
        }
        graph->outputs[graph->output_count++] = result;
    }
}

enum qm_status qm_reals(struct qm_graph *graph, struct qm_arena *arena, struct qm_graph **result, struct qm_diag *diag) {
    QM_TRY(check_float(graph, diag));
    *result = graph;
    if (graph->is_real) return QM_OK;
    QM_TRY(check_operators(graph, diag));
    *result = QM_ARENA_NEW(arena, struct qm_graph, 1);
    struct reals r = {.source = graph, .maker = {.arena = arena, .graph = *result}};
    (*result)->file = graph->file;
    (*result)->is_real = true;
    memcpy((*result)->sha256, graph->sha256, sizeof graph->sha256);
    r.made = qm_arena_alloc(arena, graph->tensor_count * sizeof *r.made);
    open_ends(&r);
    for (uint32_t i = 0; i < graph->op_count && r.problems.count == 0; i++) write_operator(&r, &graph->ops[i]);
    QM_TRY(problems_report(&r.problems, graph->file, "docs/operators.md lists what can be run", diag));
    put_outputs(&r);
    return QM_OK;
}
