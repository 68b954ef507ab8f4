/* emit.c - a deferred operator into the graph of integers, with its output, in as few bits as its numbers need. */
#include <string.h>

#include "compiler/passes/integers/integers.h"

bool real_has_weights(const struct real_deferred *deferred) {
    return qm_graph_has_weights(deferred->op.kind) || deferred->op.kind == QM_OP_BATCH_MATMUL;
}

/* Makes a value a TENSOR. */
void real_become_tensor(struct real_value *value, const struct real_encoding *encoding, enum real_order order, uint32_t tensor) {
    value->state = REAL_TENSOR;
    value->real = value->quant_known = true;
    value->scale = (float)encoding->scale;
    value->zero = encoding->zero;
    value->low = encoding->requant.low;
    value->high = encoding->requant.high;
    value->map = NULL;
    for (uint32_t i = 0; i < REAL_ORDERS; i++) value->tensors[i] = QM_NO_TENSOR;
    value->tensors[order] = tensor;
}
/* ---- narrow numbers ---- */

/* 4 when integers from low to high need no more, else 0. */
static uint32_t bits_of_range(enum qm_dtype dtype, int64_t low, int64_t high) {
    int64_t lowest = dtype == QM_U8 ? 0 : -8;
    bool bytes = dtype == QM_U8 || dtype == QM_I8;
    return bytes && lowest <= low && high <= lowest + 15 ? 4 : 0;
}

/* What the numbers of a constant of int8 need: 1 bit for -1 and 1, or 2, or 4, or 0 for all 8, which one number decides. */
static uint32_t bits_of_weights(const struct qm_graph_tensor *weights) {
    const int8_t *numbers = weights->data;
    size_t elements = (size_t)qm_graph_elements(weights), zeros = 0;
    int8_t low = 0, high = 0;
    for (size_t i = 0; i < elements; i++) {
        if (bits_of_range(QM_I8, numbers[i], numbers[i]) == 0) return 0;
        low = numbers[i] < low ? numbers[i] : low;
        high = numbers[i] > high ? numbers[i] : high;
        zeros += numbers[i] == 0;
    }
    if (zeros == 0 && low >= -1 && high <= 1) return 1;
    return low >= -2 && high <= 1 ? 2 : 4;
}

/* Says how few bits the numbers need, for the file's types are often wider: narrow ones run faster and move fewer bytes. */
static void set_bits(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding,
                     uint32_t tensor) {
    struct qm_graph_tensor *tensors = real_tensors(n), *out = &tensors[tensor];
    int64_t low = encoding->requant.low < encoding->zero ? encoding->requant.low : encoding->zero;
    int64_t high = encoding->requant.high > encoding->zero ? encoding->requant.high : encoding->zero;
    out->bits = bits_of_range(encoding->dtype, low, high);
    if (!real_has_weights(deferred)) return;
    struct qm_graph_tensor *weights = &tensors[deferred->op.inputs[1]];
    if (weights->data != NULL) weights->bits = bits_of_weights(weights);
}

/* [rows][stack][columns] as [stack][rows][columns]. */
static uint32_t unstacked(const struct real_node *n, const struct real_deferred *deferred, uint32_t tensor) {
    uint32_t rows = deferred->op_shape.dims[1], stack = deferred->stack, columns = deferred->channels / stack;
    uint32_t three = real_add_reshape(n, tensor, &(struct qm_shape){3, {rows, stack, columns}});
    uint32_t result = real_add_like(n, three, &(struct qm_shape){3, {stack, rows, columns}});
    struct qm_graph_op *op = real_add_op(n, QM_OP_TRANSPOSE, three, result);
    memcpy(op->permutation, (const uint32_t[]){1, 0, 2}, 3 * sizeof *op->permutation);
    return result;
}

/* The operator on a tensor. */
static uint32_t emit_on(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding, uint32_t in,
                        const struct qm_shape *shape) {
    uint32_t tensor = real_add_tensor(n, n->outputs[0]->name, encoding->dtype, shape);
    real_set_quant(n, tensor, (float)encoding->scale, encoding->zero);
    set_bits(n, deferred, encoding, tensor);
    struct qm_graph_op *op = real_add_op(n, deferred->op.kind, QM_NO_TENSOR, tensor);
    *op = real_deferred_copy(n, deferred).op;
    op->inputs[0] = in;
    op->outputs[0] = tensor;
    struct qm_requant *requant = QM_ARENA_NEW(n->r->arena, struct qm_requant, 1);
    *requant = encoding->requant;
    op->requant = requant;
    return tensor;
}

/* Adds the operator with its output, which has the dimensions of result. */
bool real_emit(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding,
               struct real_value *value) {
    struct qm_shape wanted = qm_graph_shape(&deferred->result), own = deferred->op_shape.rank > 0 ? deferred->op_shape : wanted;
    if (qm_graph_has_window(deferred->op.kind) && own.rank == 4 && !real_check_batch(n, own.dims[0])) return false;
    uint32_t tensor = emit_on(n, deferred, encoding, deferred->op.inputs[0], &own);
    real_tensors(n)[tensor].name = value->name;
    if (deferred->stack > 1) tensor = unstacked(n, deferred, tensor);
    if (!qm_shape_same(&own, &wanted)) {
        tensor = real_add_reshape(n, tensor, &wanted);
        real_tensors(n)[tensor].name = value->name;
    }
    real_become_tensor(value, encoding, deferred->order, tensor);
    return true;
}
