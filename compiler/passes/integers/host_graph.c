/* host_graph.c - a value as a graph of real numbers that the host computes from tensors of the graph of integers.
 *
 * The graph has the operators of the file, back to what the network has as integers: quantized tensors, and the 32-bit sums of products
 * that the machine computes. A value that several operators read is computed once.
 */
#include <math.h>
#include <string.h>

#include "common/status.h"
#include "compiler/passes/integers/integers.h"

enum { OPERATORS_MAX = 1000 }; /* between two quantizers */

/* ---- operators ---- */

struct qm_graph_op *real_host_op(struct real_host *host, enum qm_graph_op_kind kind, uint32_t in, const struct qm_shape *shape,
                                 enum qm_dtype dtype) {
    uint32_t out = qm_graph_add_tensor(&host->maker, "", dtype, shape);
    struct qm_graph_op *op = qm_graph_add_op(&host->maker, kind, in, out);
    op->index = host->n->op->index;
    return op;
}

static uint32_t add_op(struct real_host *host, enum qm_graph_op_kind kind, uint32_t in, const struct qm_shape *shape) {
    return real_host_op(host, kind, in, shape, QM_F64)->outputs[0];
}

uint32_t real_host_transpose(struct real_host *host, uint32_t in, const uint32_t permutation[4], enum qm_dtype dtype) {
    struct qm_shape shape = {.rank = 4};
    for (uint32_t d = 0; d < 4; d++) shape.dims[d] = host->maker.graph->tensors[in].dims[permutation[d]];
    struct qm_graph_op *op = real_host_op(host, QM_OP_TRANSPOSE, in, &shape, dtype);
    memcpy(op->permutation, permutation, 4 * sizeof *permutation);
    return op->outputs[0];
}

/* x with a constant, one number or one for each channel of a deferred operator. */
static uint32_t with_numbers(struct real_host *host, enum qm_graph_op_kind kind, uint32_t x, const struct real_deferred *deferred,
                             uint32_t count, const double *numbers) {
    struct qm_shape own = qm_graph_shape(&host->maker.graph->tensors[x]), shape = {0};
    bool one = deferred->axis < own.rank && own.dims[deferred->axis] == count;
    for (uint32_t d = deferred->axis; count > 1 && d < own.rank; d++)
        shape.dims[shape.rank++] = one && d > deferred->axis ? 1 : own.dims[d];
    uint32_t constant = qm_graph_add_constant(&host->maker, "", QM_F64, &shape, numbers);
    struct qm_graph_op *op = real_host_op(host, kind, x, &own, QM_F64);
    op->inputs[1] = constant;
    op->input_count = 2;
    return op->outputs[0];
}

/* ---- leaves ---- */

static uint32_t cannot(const struct real_host *host, const char *why) {
    real_refuse(host->n, "%s", why);
    return QM_NO_TENSOR;
}

/* Adds an input, and gives its numbers in the file's order. */
static uint32_t add_input(struct real_host *host, const struct real_value *value) {
    enum real_order order = value->tensors[REAL_PLAIN] != QM_NO_TENSOR ? REAL_PLAIN : REAL_CHANNELS_LAST;
    uint32_t tensor = value->tensors[order];
    const struct qm_graph_tensor *source = &real_tensors(host->n)[tensor];
    struct qm_shape shape = qm_graph_shape(source);
    uint32_t x = qm_graph_add_tensor(&host->maker, "", source->dtype, &shape);
    if (value->real) qm_graph_set_quant(&host->maker, x, value->scale, value->zero);
    host->inputs = qm_arena_grow(host->maker.arena, host->inputs, sizeof *host->inputs, host->input_count, &host->input_room);
    host->ends = qm_arena_grow(host->maker.arena, host->ends, sizeof *host->ends, host->input_count, &host->end_room);
    host->inputs[host->input_count] = tensor;
    host->ends[host->input_count++] = x;
    struct real_map map;
    if (order == REAL_PLAIN) return qm_shape_same(&shape, &value->shape) ? x : add_op(host, QM_OP_RESHAPE, x, &value->shape);
    host->channels_last = true;
    if (value->map != NULL)
        map = *value->map;
    else if (!real_map_of(host->n, &value->shape, &map))
        return QM_NO_TENSOR;
    x = add_op(host, QM_OP_RESHAPE, x, &(struct qm_shape){4, {map.n, map.h, map.w, map.c}});
    x = real_host_transpose(host, x, (const uint32_t[]){0, 3, 1, 2}, QM_F64);
    return add_op(host, QM_OP_RESHAPE, x, &value->shape);
}

/* A float input of the network. */
static uint32_t add_float_input(struct real_host *host, const struct real_value *value) {
    struct real_value *origin = value->origin;
    struct real_pass *r = host->n->r;
    if (!r->quantizes) return cannot(host, "computes with the float input of a network without quantizers");
    if (origin->type != QM_F32) return cannot(host, "computes with an input that is no float32");
    if (origin->state != REAL_INPUT) return cannot(host, "computes with an input whose integers have been taken before");
    if (!real_input_is_made(origin)) real_add_input(r, origin, origin->name, QM_F32);
    struct real_value own = *origin;
    own.real = false;
    uint32_t x = add_input(host, &own);
    return x == QM_NO_TENSOR || qm_shape_same(&origin->shape, &value->shape) ? x : add_op(host, QM_OP_RESHAPE, x, &value->shape);
}

/* The sums of a product, which the machine computes once, in real numbers and with its bias. */
static uint32_t add_sums(struct real_host *host, const struct real_value *value) {
    const struct real_deferred *deferred = value->deferred;
    struct real_value *sums = value->source->sums;
    struct real_epilogue epilogue;
    if (!real_epilogue_open(host->n, deferred, &epilogue)) return QM_NO_TENSOR;
    QM_CHECK(deferred->sum_scale != NULL);
    if (sums == NULL) {
        struct real_encoding encoding = {.dtype = QM_I32, .scale = 1, .requant = {.low = INT32_MIN, .high = INT32_MAX}};
        sums = QM_ARENA_NEW(host->n->r->arena, struct real_value, 1);
        *sums = *value;
        if (!real_emit(host->n, deferred, &encoding, sums)) return QM_NO_TENSOR;
        sums->real = false;
        value->source->sums = sums;
    }
    uint32_t x = add_input(host, sums);
    if (x == QM_NO_TENSOR) return x;
    x = with_numbers(host, QM_OP_MUL, x, deferred, deferred->channels, deferred->sum_scale);
    for (uint32_t i = 0; i < epilogue.count; i++) {
        const struct real_epilogue_op *op = epilogue.ops[i];
        QM_CHECK(op->kind == REAL_MUL || op->kind == REAL_ADD || op->kind == REAL_DIV); /* a product's own are its bias */
        enum qm_graph_op_kind kind = op->kind == REAL_MUL ? QM_OP_MUL : op->kind == REAL_ADD ? QM_OP_ADD : QM_OP_DIV;
        x = with_numbers(host, kind, x, deferred, op->count, op->numbers);
    }
    return x;
}

static uint32_t add_constant(struct real_host *host, const struct real_value *value) {
    uint32_t x = qm_graph_add_tensor(&host->maker, "", value->constant->dtype, &value->shape);
    host->maker.graph->tensors[x] = *value->constant;
    return x;
}

/* ---- operators of the file ---- */

bool real_has_products(const struct qm_graph_op *op, const struct real_value *inputs) {
    if (op->kind == QM_OP_MATMUL) return inputs[0].state == REAL_CONSTANT || inputs[1].state == REAL_CONSTANT;
    return op->kind == QM_OP_CONV_2D || op->kind == QM_OP_TRANSPOSE_CONV;
}

/* Whether the machine computes its sums: always by constant weights, and by computed ones where it can. */
static bool has_sums(const struct real_value *value) {
    const struct real_source *source = value->source;
    return real_has_products(source->op, source->inputs) || (value->state == REAL_DEFERRED && source->op->kind == QM_OP_MATMUL);
}

/* The value is this tensor of the graph; NULL: it has no place in the table. */
static void learn(struct real_host *host, struct real_known *known, uint32_t tensor) {
    if (known == NULL || known->host == host->number) return;
    known->host = host->number;
    known->tensor = tensor;
}

/* An operator of values, with outputs of these shapes. The output that is asked for. */
static uint32_t add_operator(struct real_host *host, const struct qm_graph_op *source, const struct real_value *inputs,
                             const struct qm_shape *shapes, const struct real_known *asked) {
    struct real_pass *r = host->n->r;
    struct qm_graph_op op = *source;
    qm_graph_own_operands(&op, r->arena);
    if (host->depth == OPERATORS_MAX) return cannot(host, "comes after more than 1000 operators without a quantizer");
    if (!real_count_work(host->n)) return QM_NO_TENSOR;
    host->depth++;
    for (uint32_t i = 0; i < op.input_count; i++) {
        if (op.inputs[i] == QM_NO_TENSOR) continue;
        op.inputs[i] = real_host_value(host, &inputs[i]);
        if (op.inputs[i] == QM_NO_TENSOR) return QM_NO_TENSOR;
    }
    host->depth--;
    for (uint32_t i = 0; i < op.output_count; i++) {
        const struct qm_graph_tensor *out = &r->source->tensors[op.outputs[i]];
        op.outputs[i] = qm_graph_add_tensor(&host->maker, "", out->dtype, &shapes[i]);
        learn(host, real_known_output(r, asked->key, i), op.outputs[i]);
    }
    *qm_graph_add_op(&host->maker, op.kind, QM_NO_TENSOR, QM_NO_TENSOR) = op;
    return op.outputs[asked->output];
}

static uint32_t add_value(struct real_host *host, const struct real_value *value, const struct real_known *known) {
    const struct real_source *source = value->source;
    switch (value->state) {
    case REAL_CONSTANT: return add_constant(host, value);
    case REAL_INPUT: return add_float_input(host, value);
    case REAL_TENSOR:
        if (value->real && !value->quant_known) return cannot(host, "computes on integers whose scale nobody says");
        return add_input(host, value);
    case REAL_MOVED: return add_operator(host, value->move, value->parts, &value->shape, known);
    case REAL_DEFERRED:
    case REAL_HOST:
        if (source == NULL) return cannot(host, "computes on what is only a part of a tensor");
        return has_sums(value) ? add_sums(host, value) : add_operator(host, source->op, source->inputs, source->shapes, known);
    default: return cannot(host, "computes on what has been refused");
    }
}

uint32_t real_host_value(struct real_host *host, const struct real_value *value) {
    struct real_known *known = real_known(host->n->r, value);
    bool added = known != NULL && known->host == host->number;
    uint32_t tensor = added ? known->tensor : add_value(host, value, known);
    if (tensor == QM_NO_TENSOR) return tensor;
    learn(host, known, tensor);
    struct qm_shape shape = qm_graph_shape(&host->maker.graph->tensors[tensor]);
    return qm_shape_same(&shape, &value->shape) ? tensor : add_op(host, QM_OP_RESHAPE, tensor, &value->shape);
}
