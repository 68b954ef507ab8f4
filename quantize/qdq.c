/* qdq.c - see qdq.h. */
#include "quantize/qdq.h"

#include <string.h>

#include "common/status.h"

struct qdq {
    const struct qm_graph *source;
    const struct qm_tensor_encoding *encodings;
    struct qm_graph_maker maker;
    uint32_t *made; /* [tensor_count of the source] the tensor of the result that operators read */
};

void qm_tensor_encoding_set(struct qm_tensor_encoding *tensor, const struct qm_format *format, const struct qm_encoding *encodings,
                            uint32_t count) {
    tensor->count = count;
    tensor->encodings = encodings;
    tensor->dtype = format->is_signed ? QM_I8 : QM_U8;
    tensor->bits = format->bits <= 2 ? 2 : format->bits <= 4 ? 4 : 0;
}

static uint32_t add(struct qdq *q, const char *name, enum qm_dtype dtype, const struct qm_shape *shape) {
    return qm_graph_add_tensor(&q->maker, name, dtype, shape);
}

/* The name of a tensor and what it becomes. */
static const char *named(struct qdq *q, uint32_t tensor, const char *what) {
    const char *name = q->source->tensors[tensor].name;
    return qm_arena_printf(q->maker.arena, "%s_%s", name != NULL && name[0] != '\0' ? name : "tensor", what);
}

/* ---- quantizers ---- */

/* Stores integers in their type. */
static void *stored(struct qdq *q, enum qm_dtype dtype, const int32_t *integers, size_t count) {
    if (dtype == QM_I32) return memcpy(QM_ARENA_NEW(q->maker.arena, int32_t, count), integers, count * sizeof *integers);
    uint8_t *bytes = QM_ARENA_NEW(q->maker.arena, uint8_t, count);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)integers[i];
    return bytes;
}

/* A constant of one number. */
static uint32_t add_number(struct qdq *q, uint32_t tensor, const char *what, enum qm_dtype dtype, const void *number) {
    return qm_graph_add_constant(&q->maker, named(q, tensor, what), dtype, &(struct qm_shape){.rank = 0}, number);
}

/* Adds QUANTIZE and DEQUANTIZE by the one encoding of a tensor of the source, from real numbers to integers to real numbers. */
static void add_operators(struct qdq *q, uint32_t tensor, uint32_t before, uint32_t integers, uint32_t after) {
    const struct qm_tensor_encoding *e = &q->encodings[tensor];
    float *scale = QM_ARENA_NEW(q->maker.arena, float, 1);
    *scale = e->encodings->scale;
    uint32_t scale_made = add_number(q, tensor, "scale", QM_F32, scale);
    uint32_t zero_made = add_number(q, tensor, "zero_point", e->dtype, stored(q, e->dtype, &e->encodings->zero, 1));
    q->maker.graph->tensors[zero_made].bits = e->bits;
    for (uint32_t i = 0; i < 2; i++) {
        bool quantizes = i == 0;
        struct qm_graph_op *op = qm_graph_add_op(&q->maker, quantizes ? QM_OP_QUANTIZE : QM_OP_DEQUANTIZE, quantizes ? before : integers,
                                                 quantizes ? integers : after);
        op->inputs[1] = scale_made;
        op->inputs[2] = zero_made;
        op->input_count = 3;
        if (!quantizes) continue;
        op->low = qm_graph_lowest(&q->maker.graph->tensors[zero_made]);
        op->high = qm_graph_highest(&q->maker.graph->tensors[zero_made]);
    }
}

/* A tensor of the encoding's integers. */
static uint32_t add_integers(struct qdq *q, uint32_t tensor, const struct qm_shape *shape) {
    const struct qm_tensor_encoding *e = &q->encodings[tensor];
    uint32_t integers = add(q, named(q, tensor, "quantized"), e->dtype, shape);
    q->maker.graph->tensors[integers].bits = e->bits;
    return integers;
}

/* ---- tensors ---- */

static void add_constant(struct qdq *q, uint32_t tensor) {
    const struct qm_tensor_encoding *e = &q->encodings[tensor];
    const struct qm_graph_tensor *source = &q->source->tensors[tensor];
    struct qm_shape shape = qm_graph_shape(source);
    if (e->count == 0) {
        q->made[tensor] = qm_graph_add_constant(&q->maker, source->name, source->dtype, &shape, source->data);
        return;
    }
    q->made[tensor] = qm_graph_add_constant(&q->maker, source->name, e->dtype, &shape,
                                            stored(q, e->dtype, e->integers, (size_t)qm_shape_elements(&shape)));
    float *scales = QM_ARENA_NEW(q->maker.arena, float, e->count);
    int64_t *zeros = QM_ARENA_NEW(q->maker.arena, int64_t, e->count);
    for (uint32_t c = 0; c < e->count; c++) {
        scales[c] = e->encodings[c].scale;
        zeros[c] = e->encodings[c].zero;
    }
    struct qm_graph_tensor *made = &q->maker.graph->tensors[q->made[tensor]];
    made->bits = e->bits;
    made->quant = (struct qm_quant){.count = e->count, .scale = scales, .zero_point = zeros, .axis = e->axis};
}

static bool is_end(uint32_t count, const uint32_t *ends, uint32_t tensor) {
    for (uint32_t i = 0; i < count; i++)
        if (ends[i] == tensor) return true;
    return false;
}

/* Adds what is computed or given, as real numbers. Of an output that gets quantizers the file's name is that of their result. */
static uint32_t add_computed(struct qdq *q, uint32_t tensor) {
    const struct qm_graph_tensor *source = &q->source->tensors[tensor];
    struct qm_shape shape = qm_graph_shape(source);
    bool renames = q->encodings[tensor].count > 0 && is_end(q->source->output_count, q->source->outputs, tensor) &&
                   !is_end(q->source->input_count, q->source->inputs, tensor);
    const char *name = renames ? named(q, tensor, "real") : source->name;
    return q->made[tensor] = add(q, name, source->dtype, &shape);
}

/* Adds the quantizers behind a tensor that has been added, if it has an encoding: from now on their result is read. */
static void add_quantizers(struct qdq *q, uint32_t tensor) {
    if (q->encodings[tensor].count == 0) return;
    QM_CHECK(q->encodings[tensor].count == 1);
    const struct qm_graph_tensor *source = &q->source->tensors[tensor];
    struct qm_shape shape = qm_graph_shape(source);
    uint32_t before = q->made[tensor], integers = add_integers(q, tensor, &shape);
    bool is_free = q->maker.graph->tensors[before].name != source->name;
    const char *name = is_free ? source->name : named(q, tensor, "dequantized");
    q->made[tensor] = add(q, name, QM_F32, &shape);
    add_operators(q, tensor, before, integers, q->made[tensor]);
}

/* ---- operators ---- */

/* What an operator reads: constants are added when they are first read. */
static uint32_t operand(struct qdq *q, uint32_t tensor) {
    if (tensor == QM_NO_TENSOR) return tensor;
    if (q->made[tensor] == QM_NO_TENSOR) add_constant(q, tensor);
    return q->made[tensor];
}

static void add_operator(struct qdq *q, const struct qm_graph_op *source) {
    struct qm_graph_op op = *source;
    qm_graph_own_operands(&op, q->maker.arena);
    for (uint32_t i = 0; i < op.input_count; i++) op.inputs[i] = operand(q, source->inputs[i]);
    for (uint32_t i = 0; i < op.output_count; i++)
        if (op.outputs[i] != QM_NO_TENSOR) op.outputs[i] = add_computed(q, source->outputs[i]);
    *qm_graph_add_op(&q->maker, op.kind, op.inputs[0], op.outputs[0]) = op;
    for (uint32_t i = 0; i < op.output_count; i++)
        if (op.outputs[i] != QM_NO_TENSOR) add_quantizers(q, source->outputs[i]);
}

static void add_input(struct qdq *q, uint32_t tensor) {
    q->maker.graph->inputs[q->maker.graph->input_count++] = add_computed(q, tensor);
    add_quantizers(q, tensor);
}

struct qm_graph *qm_qdq_graph(const struct qm_graph *graph, const struct qm_tensor_encoding *encodings, struct qm_arena *arena) {
    struct qm_graph *result = QM_ARENA_NEW(arena, struct qm_graph, 1);
    struct qdq q = {.source = graph, .encodings = encodings, .maker = {.arena = arena, .graph = result}};
    q.made = QM_ARENA_NEW(arena, uint32_t, graph->tensor_count);
    memset(q.made, 0xff, graph->tensor_count * sizeof *q.made);
    result->file = graph->file;
    result->is_real = result->is_quantized = true;
    memcpy(result->sha256, graph->sha256, sizeof graph->sha256);
    result->inputs = QM_ARENA_NEW(arena, uint32_t, graph->input_count);
    result->outputs = QM_ARENA_NEW(arena, uint32_t, graph->output_count);
    for (uint32_t i = 0; i < graph->input_count; i++) add_input(&q, graph->inputs[i]);
    for (uint32_t i = 0; i < graph->op_count; i++) add_operator(&q, &graph->ops[i]);
    for (uint32_t i = 0; i < graph->output_count; i++) result->outputs[result->output_count++] = operand(&q, graph->outputs[i]);
    return result;
}
