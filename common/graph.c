/* graph.c - names and sizes for messages, reports and checks; the graph as text: one line a tensor, one an operator. */
#include "common/graph.h"

#include <math.h>
#include <string.h>

#include "common/status.h"
#include "common/text.h"

static const struct {
    const char *name;
    size_t bytes;
} dtypes[QM_ANY_DTYPES] = {
    [QM_I8] = {"int8", 1},    [QM_U8] = {"uint8", 1},  [QM_I16] = {"int16", 2},   [QM_I32] = {"int32", 4}, [QM_F32] = {"float32", 4},
    [QM_U16] = {"uint16", 2}, [QM_I64] = {"int64", 8}, [QM_F64] = {"float64", 8}, [QM_BOOL] = {"bool", 1},
};

size_t qm_dtype_bytes(enum qm_dtype dtype) {
    return dtypes[dtype].bytes;
}

const char *qm_dtype_name(enum qm_dtype dtype) {
    return dtypes[dtype].name;
}

const char *qm_graph_op_name(enum qm_graph_op_kind kind) {
    static const char *const names[] = {
#define QM_GRAPH_OP(name, ...) #name,
#define QM_REAL_OP(name, real) #name,
#include "common/graph_ops.def"
#undef QM_GRAPH_OP
    };
    QM_CHECK((unsigned)kind < QM_GRAPH_OP_KINDS);
    return names[kind];
}

bool qm_graph_has_weights(enum qm_graph_op_kind kind) {
    return kind == QM_OP_CONV_2D || kind == QM_OP_DEPTHWISE_CONV_2D || kind == QM_OP_TRANSPOSE_CONV || kind == QM_OP_FULLY_CONNECTED;
}

bool qm_scales_are_near(float a, float b) {
    return fabsf(a - b) <= 1e-6F;
}

bool qm_graph_has_window(enum qm_graph_op_kind kind) {
    return kind == QM_OP_CONV_2D || kind == QM_OP_DEPTHWISE_CONV_2D || kind == QM_OP_TRANSPOSE_CONV || kind == QM_OP_AVERAGE_POOL_2D ||
           kind == QM_OP_MAX_POOL_2D;
}

uint64_t qm_graph_elements(const struct qm_graph_tensor *tensor) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < tensor->rank; i++) elements *= tensor->dims[i];
    return elements;
}

/* bound / scale, rounded in float as TFLite does, in the tensor's units; beyond int8 it only has to stay beyond. */
static int32_t quantized(const struct qm_graph_tensor *tensor, float bound) {
    float integer = roundf(bound / tensor->quant.scale[0]);
    return (int32_t)tensor->quant.zero_point[0] + (int32_t)fminf(fmaxf(integer, -1e6F), 1e6F);
}

void qm_graph_activation_range(const struct qm_graph_tensor *tensor, enum qm_activation activation, int32_t *low, int32_t *high) {
    *low = qm_graph_lowest(tensor);
    *high = qm_graph_highest(tensor);
    if (activation == QM_ACT_NONE) return;
    int32_t least = quantized(tensor, activation == QM_ACT_RELU_N1_TO_1 ? -1 : 0);
    if (least > *low) *low = least;
    if (activation == QM_ACT_RELU) return;
    int32_t most = quantized(tensor, activation == QM_ACT_RELU6 ? 6 : 1);
    if (most < *high) *high = most;
}

/* ---- making one ---- */

uint64_t qm_shape_elements(const struct qm_shape *shape) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < shape->rank; i++) elements *= shape->dims[i];
    return elements;
}

bool qm_shape_same(const struct qm_shape *a, const struct qm_shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

struct qm_shape qm_graph_shape(const struct qm_graph_tensor *tensor) {
    struct qm_shape shape = {.rank = tensor->rank};
    memcpy(shape.dims, tensor->dims, sizeof shape.dims);
    return shape;
}

uint32_t qm_graph_add_tensor(struct qm_graph_maker *maker, const char *name, enum qm_dtype dtype, const struct qm_shape *shape) {
    struct qm_graph *graph = maker->graph;
    graph->tensors = qm_arena_grow(maker->arena, graph->tensors, sizeof *graph->tensors, graph->tensor_count, &maker->tensor_room);
    struct qm_graph_tensor *tensor = &graph->tensors[graph->tensor_count];
    *tensor = (struct qm_graph_tensor){.name = name, .dtype = dtype, .rank = shape->rank};
    memcpy(tensor->dims, shape->dims, shape->rank * sizeof *tensor->dims);
    return graph->tensor_count++;
}

uint32_t qm_graph_add_constant(struct qm_graph_maker *maker, const char *name, enum qm_dtype dtype, const struct qm_shape *shape,
                               const void *data) {
    uint32_t index = qm_graph_add_tensor(maker, name, dtype, shape);
    maker->graph->tensors[index].data = data;
    maker->graph->tensors[index].size_bytes = (size_t)qm_shape_elements(shape) * qm_dtype_bytes(dtype);
    return index;
}

void qm_graph_set_quant(struct qm_graph_maker *maker, uint32_t tensor, float scale, int64_t zero) {
    float *scales = QM_ARENA_NEW(maker->arena, float, 1);
    int64_t *zeros = QM_ARENA_NEW(maker->arena, int64_t, 1);
    *scales = scale;
    *zeros = zero;
    maker->graph->tensors[tensor].quant = (struct qm_quant){.count = 1, .scale = scales, .zero_point = zeros};
}

uint32_t qm_graph_operand_room(uint32_t count) {
    return count > QM_OPERANDS_FEW ? count : QM_OPERANDS_FEW;
}

uint32_t *qm_graph_operands(struct qm_arena *arena, uint32_t count) {
    uint32_t room = qm_graph_operand_room(count);
    uint32_t *operands = QM_ARENA_NEW(arena, uint32_t, room);
    for (uint32_t i = 0; i < room; i++) operands[i] = QM_NO_TENSOR;
    return operands;
}

void qm_graph_open_operands(struct qm_graph_op *op, struct qm_arena *arena) {
    op->inputs = qm_graph_operands(arena, op->input_count);
    op->outputs = qm_graph_operands(arena, op->output_count);
}

static uint32_t *own_list(const uint32_t *operands, uint32_t count, struct qm_arena *arena) {
    uint32_t *own = qm_graph_operands(arena, count);
    memcpy(own, operands, qm_graph_operand_room(count) * sizeof *own);
    return own;
}

void qm_graph_own_operands(struct qm_graph_op *op, struct qm_arena *arena) {
    op->inputs = own_list(op->inputs, op->input_count, arena);
    op->outputs = own_list(op->outputs, op->output_count, arena);
}

struct qm_graph_op *qm_graph_add_op(struct qm_graph_maker *maker, enum qm_graph_op_kind kind, uint32_t in, uint32_t out) {
    struct qm_graph *graph = maker->graph;
    graph->ops = qm_arena_grow(maker->arena, graph->ops, sizeof *graph->ops, graph->op_count, &maker->op_room);
    struct qm_graph_op *op = &graph->ops[graph->op_count++];
    *op = (struct qm_graph_op){.kind = kind, .input_count = 1, .output_count = 1};
    qm_graph_open_operands(op, maker->arena);
    op->inputs[0] = in;
    op->outputs[0] = out;
    return op;
}

void qm_graph_set_ends(struct qm_graph_maker *maker, uint32_t input_count, const uint32_t *inputs, uint32_t output) {
    struct qm_graph *graph = maker->graph;
    graph->input_count = input_count;
    graph->inputs = QM_ARENA_NEW(maker->arena, uint32_t, input_count);
    for (uint32_t i = 0; i < input_count; i++) graph->inputs[i] = inputs[i];
    graph->output_count = 1;
    graph->outputs = QM_ARENA_NEW(maker->arena, uint32_t, 1);
    graph->outputs[0] = output;
}

/* ---- of the host ---- */

/* Products that are summed up to one element of an operator's output, 0 if it multiplies no matrices. */
static uint32_t products_each(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *rows = &graph->tensors[op->inputs[0]];
    if (op->kind == QM_OP_FULLY_CONNECTED) return graph->tensors[op->inputs[1]].dims[1];
    if (op->kind != QM_OP_MATMUL && op->kind != QM_OP_BATCH_MATMUL) return 0;
    return rows->dims[rows->rank - (op->first_transposed ? 2 : 1)];
}

uint64_t qm_graph_products(const struct qm_graph *graph) {
    uint64_t products = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        products += qm_graph_elements(&graph->tensors[graph->ops[i].outputs[0]]) * products_each(graph, &graph->ops[i]);
    return products;
}

static void *copied(struct qm_arena *arena, const void *from, size_t size) {
    void *copy = qm_arena_alloc(arena, size);
    if (size > 0) memcpy(copy, from, size);
    return copy;
}

static void copy_tensor(struct qm_graph_tensor *tensor, struct qm_arena *arena) {
    struct qm_quant *quant = &tensor->quant;
    tensor->name = "";
    quant->scale = copied(arena, quant->scale, quant->count * sizeof *quant->scale);
    quant->zero_point = copied(arena, quant->zero_point, quant->count * sizeof *quant->zero_point);
    if (tensor->data != NULL) tensor->data = copied(arena, tensor->data, tensor->size_bytes);
}

struct qm_graph *qm_graph_copy(const struct qm_graph *graph, struct qm_arena *arena) {
    struct qm_graph *copy = copied(arena, graph, sizeof *graph);
    copy->tensors = copied(arena, graph->tensors, graph->tensor_count * sizeof *graph->tensors);
    copy->ops = copied(arena, graph->ops, graph->op_count * sizeof *graph->ops);
    copy->inputs = copied(arena, graph->inputs, graph->input_count * sizeof *graph->inputs);
    copy->outputs = copied(arena, graph->outputs, graph->output_count * sizeof *graph->outputs);
    for (uint32_t i = 0; i < copy->tensor_count; i++) copy_tensor(&copy->tensors[i], arena);
    for (uint32_t i = 0; i < copy->op_count; i++) {
        copy->ops[i].name = NULL;
        qm_graph_own_operands(&copy->ops[i], arena);
    }
    return copy;
}

/* ---- as text ---- */

static void print_quant(const struct qm_quant *quant, FILE *out) {
    if (quant->count == 1) fprintf(out, ", scale %g zero %lld", (double)quant->scale[0], (long long)quant->zero_point[0]);
    if (quant->count > 1) fprintf(out, ", %u scales along dimension %u", quant->count, quant->axis);
}

static void print_tensor(const struct qm_graph *graph, uint32_t index, FILE *out) {
    const struct qm_graph_tensor *tensor = &graph->tensors[index];
    if (tensor->dtype == QM_ANY_DTYPES) return; /* no operator uses it */
    fprintf(out, "tensor %u %s %s", index, qm_shown(tensor->name).text, qm_dtype_name(tensor->dtype));
    if (tensor->bits != 0) fprintf(out, " of %u bits", tensor->bits);
    for (uint32_t i = 0; i < tensor->rank; i++) fprintf(out, "%c%u", i == 0 ? ' ' : 'x', tensor->dims[i]);
    print_quant(&tensor->quant, out);
    fputs(tensor->data != NULL ? ", constant\n" : "\n", out);
}

static void print_indices(const uint32_t *indices, uint32_t count, FILE *out) {
    for (uint32_t i = 0; i < count; i++) indices[i] == QM_NO_TENSOR ? fputs(" -", out) : fprintf(out, " %u", indices[i]);
}

static void print_graph_op(const struct qm_graph_op *op, FILE *out) {
    static const char *const activations[] = {
        [QM_ACT_NONE] = "", [QM_ACT_RELU] = ", RELU", [QM_ACT_RELU6] = ", RELU6", [QM_ACT_RELU_N1_TO_1] = ", RELU_N1_TO_1"};
    fprintf(out, "operator %u %s", op->index, qm_graph_op_name(op->kind));
    print_indices(op->inputs, op->input_count, out);
    fputs(" >", out);
    print_indices(op->outputs, op->output_count, out);
    if (op->kernel_h > 0)
        fprintf(out, ", window %ux%u stride %ux%u dilation %ux%u padding %u,%u,%u,%u", op->kernel_h, op->kernel_w, op->stride_h,
                op->stride_w, op->dilation_h, op->dilation_w, op->pad_top, op->pad_left, op->pad_bottom, op->pad_right);
    fputs(activations[op->activation], out);
    if (op->requant != NULL)
        fprintf(out, ", integers %d..%d, %u channels of thresholds", op->requant->low, op->requant->high, op->requant->channels);
    fputc('\n', out);
}

void graph_print(const struct qm_graph *graph, FILE *out) {
    for (uint32_t i = 0; i < graph->tensor_count; i++) print_tensor(graph, i, out);
    fputs("inputs", out);
    print_indices(graph->inputs, graph->input_count, out);
    fputs("\noutputs", out);
    print_indices(graph->outputs, graph->output_count, out);
    fputc('\n', out);
    for (uint32_t i = 0; i < graph->op_count; i++) print_graph_op(&graph->ops[i], out);
}
