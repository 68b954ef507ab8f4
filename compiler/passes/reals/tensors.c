/* tensors.c - the tensors of the result: operands in the order that is asked for, results, and the operators between them. */
#include <math.h>
#include <string.h>

#include "compiler/passes/reals/reals.h"

const uint32_t reals_to_first[4] = {0, 3, 1, 2}, reals_to_last[4] = {0, 2, 3, 1};

static struct qm_arena *arena_of(const struct reals_node *n) {
    return n->r->maker.arena;
}

static struct qm_graph_tensor *tensor_of(const struct reals_node *n, uint32_t tensor) {
    return &n->r->maker.graph->tensors[tensor];
}

const struct qm_graph_tensor *reals_input(const struct reals_node *n, uint32_t i) {
    return &n->r->source->tensors[n->op->inputs[i]];
}

const struct qm_graph_tensor *reals_output(const struct reals_node *n, uint32_t i) {
    return &n->r->source->tensors[n->op->outputs[i]];
}

struct qm_shape reals_shape(const struct reals_node *n, uint32_t tensor) {
    return qm_graph_shape(tensor_of(n, tensor));
}

bool reals_has_input(const struct reals_node *n, uint32_t i) {
    return i < n->op->input_count && n->op->inputs[i] != QM_NO_TENSOR;
}

struct qm_shape reals_permuted(const struct qm_shape *shape, const uint32_t *permutation) {
    struct qm_shape result = {.rank = shape->rank};
    for (uint32_t d = 0; d < shape->rank; d++) result.dims[d] = shape->dims[permutation[d]];
    return result;
}

/* ---- constants ---- */

/* Copies the elements of a map or filter in their new order. */
static const void *permuted_data(const struct reals_node *n, const struct qm_graph_tensor *tensor, const uint32_t *permutation) {
    struct qm_shape from = qm_graph_shape(tensor), to = reals_permuted(&from, permutation);
    size_t size = qm_dtype_bytes(tensor->dtype), count = (size_t)qm_graph_elements(tensor);
    uint8_t *data = qm_arena_alloc(arena_of(n), count * size);
    for (size_t i = 0; i < count; i++) {
        size_t rest = i, source = 0, at[QM_MAX_RANK];
        for (uint32_t d = to.rank; d-- > 0; rest /= to.dims[d]) at[permutation[d]] = rest % to.dims[d];
        for (uint32_t d = 0; d < from.rank; d++) source = source * from.dims[d] + at[d];
        memcpy(data + i * size, (const uint8_t *)tensor->data + source * size, size);
    }
    return data;
}

uint32_t reals_number(const struct reals_node *n, double number) {
    float *data = QM_ARENA_NEW(arena_of(n), float, 1);
    *data = (float)number;
    return qm_graph_add_constant(&n->r->maker, qm_graph_op_name(n->op->kind), QM_F32, &(struct qm_shape){0}, data);
}

/* ---- operands ---- */

/* Another tensor that holds what a tensor holds. */
static uint32_t add_like(const struct reals_node *n, uint32_t tensor, const struct qm_shape *shape) {
    const struct qm_graph_tensor like = *tensor_of(n, tensor);
    char *name = qm_arena_printf(arena_of(n), "%s/%u", like.name, n->r->maker.graph->tensor_count);
    return qm_graph_add_tensor(&n->r->maker, name, like.dtype, shape);
}

uint32_t reals_transpose(const struct reals_node *n, uint32_t tensor, const uint32_t *permutation) {
    const struct qm_graph_tensor from = *tensor_of(n, tensor);
    struct qm_shape shape = qm_graph_shape(&from), to = reals_permuted(&shape, permutation);
    if (from.data != NULL) return qm_graph_add_constant(&n->r->maker, from.name, from.dtype, &to, permuted_data(n, &from, permutation));
    struct qm_graph_op op = {.kind = QM_OP_TRANSPOSE};
    memcpy(op.permutation, permutation, shape.rank * sizeof *permutation);
    return reals_emit(n, &op, REALS_ONE(tensor), &to);
}

uint32_t reals_reshape(const struct reals_node *n, uint32_t tensor, const struct qm_shape *shape) {
    const struct qm_graph_tensor from = *tensor_of(n, tensor);
    struct qm_shape before = qm_graph_shape(&from);
    if (qm_shape_same(&before, shape)) return tensor;
    if (from.data != NULL) return qm_graph_add_constant(&n->r->maker, from.name, from.dtype, shape, from.data);
    return reals_emit(n, &(struct qm_graph_op){.kind = QM_OP_RESHAPE}, REALS_ONE(tensor), shape);
}

/* Dimensions of one element may move without any data. */
static uint32_t turn(const struct reals_node *n, uint32_t tensor, const uint32_t *permutation) {
    struct qm_shape shape = reals_shape(n, tensor), to = reals_permuted(&shape, permutation);
    uint64_t elements = qm_shape_elements(&shape);
    bool is_flat = shape.dims[0] == 1 && (elements == shape.dims[3] || elements == shape.dims[1]);
    return is_flat ? reals_reshape(n, tensor, &to) : reals_transpose(n, tensor, permutation);
}

static uint32_t with_four(const struct reals_node *n, uint32_t tensor) {
    struct qm_shape shape = reals_shape(n, tensor), padded = {.rank = 4, .dims = {1, 1, 1, 1}};
    memcpy(padded.dims + 4 - shape.rank, shape.dims, shape.rank * sizeof *shape.dims);
    return reals_reshape(n, tensor, &padded);
}

uint32_t reals_take(const struct reals_node *n, uint32_t i, enum reals_order order) {
    uint32_t source = n->op->inputs[i], *made = n->r->made[source];
    if (made[order] != QM_NO_TENSOR) return made[order];
    if (made[REALS_AS_IS] == QM_NO_TENSOR && made[REALS_CHANNELS_FIRST] == QM_NO_TENSOR) {
        const struct qm_graph_tensor *constant = &n->r->source->tensors[source];
        struct qm_shape shape = qm_graph_shape(constant);
        made[REALS_AS_IS] = qm_graph_add_constant(&n->r->maker, constant->name, constant->dtype, &shape, constant->data);
    }
    if (order == REALS_CHANNELS_FIRST)
        made[order] = turn(n, with_four(n, made[REALS_AS_IS]), reals_to_first);
    else if (made[order] == QM_NO_TENSOR)
        made[order] = turn(n, made[REALS_CHANNELS_FIRST], reals_to_last);
    return made[order];
}

bool reals_is_first(const struct reals_node *n, uint32_t i) {
    return reals_input(n, i)->data == NULL && n->r->made[n->op->inputs[i]][REALS_CHANNELS_FIRST] != QM_NO_TENSOR &&
           reals_input(n, i)->rank == 4;
}

/* ---- results ---- */

uint32_t reals_emit(const struct reals_node *n, const struct qm_graph_op *attributes, const uint32_t inputs[3],
                    const struct qm_shape *shape) {
    uint32_t result = add_like(n, inputs[0], shape);
    struct qm_graph_op *op = qm_graph_add_op(&n->r->maker, attributes->kind, inputs[0], result);
    uint32_t *ins = op->inputs, *outs = op->outputs;
    *op = *attributes;
    op->index = n->op->index;
    op->name = qm_graph_op_name(n->op->kind);
    op->activation = QM_ACT_NONE;
    op->inputs = ins;
    op->outputs = outs;
    op->input_count = op->output_count = 1;
    for (uint32_t i = 1; i < 3; i++) {
        op->inputs[i] = inputs[i];
        if (inputs[i] != QM_NO_TENSOR) op->input_count = i + 1;
    }
    return result;
}

uint32_t reals_emit_plain(const struct reals_node *n, enum qm_graph_op_kind kind, const uint32_t inputs[3]) {
    struct qm_shape shape = reals_shape(n, inputs[0]);
    return reals_emit(n, &(struct qm_graph_op){.kind = kind}, inputs, &shape);
}

struct qm_shape reals_result(const struct reals_node *n, uint32_t i, enum reals_order order) {
    struct qm_shape shape = qm_graph_shape(reals_output(n, i));
    return order == REALS_CHANNELS_FIRST ? reals_permuted(&shape, reals_to_first) : shape;
}

void reals_put(const struct reals_node *n, uint32_t i, uint32_t tensor, enum reals_order order) {
    tensor_of(n, tensor)->name = reals_output(n, i)->name;
    tensor_of(n, tensor)->dtype = reals_output(n, i)->dtype;
    n->r->made[n->op->outputs[i]][order] = tensor;
}

void reals_end(const struct reals_node *n, uint32_t tensor, enum reals_order order) {
    static const double low[] = {[QM_ACT_RELU_N1_TO_1] = -1};
    static const double high[] = {[QM_ACT_RELU] = INFINITY, [QM_ACT_RELU6] = 6, [QM_ACT_RELU_N1_TO_1] = 1};
    enum qm_activation activation = n->op->activation;
    struct qm_shape shape = reals_shape(n, tensor);
    struct qm_graph_op clip = {.kind = QM_OP_CLIP, .low = low[activation], .high = high[activation]};
    reals_put(n, 0, activation == QM_ACT_NONE ? tensor : reals_emit(n, &clip, REALS_ONE(tensor), &shape), order);
}
