/* deferred.c - deferred operators, and the elementwise nodes that are gathered in their epilogues (epilogue.c). */
#include "compiler/frontend/onnx/onnx.h"

struct onnx_deferred *onnx_deferred_create(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t channels) {
    struct onnx_deferred *deferred = QM_ARENA_NEW(n->r->arena, struct onnx_deferred, 1);
    deferred->op = (struct qm_graph_op){.kind = kind, .index = n->index, .input_count = 1, .output_count = 1};
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) deferred->op.inputs[i] = deferred->op.outputs[i] = QM_NO_TENSOR;
    deferred->channels = channels;
    return deferred;
}

bool onnx_defer(const struct onnx_node *n, const struct onnx_shape *shape, struct onnx_deferred *deferred) {
    struct onnx_value *out = n->outputs[0];
    out->state = ONNX_DEFERRED;
    out->shape = *shape;
    out->type = ONNX_FLOAT;
    out->deferred = deferred;
    return true;
}

/* A QUANTIZE of a tensor, whose sums are the tensor's integers without their zero point. */
static bool defer_tensor(const struct onnx_node *n, struct onnx_value *value, struct onnx_deferred **result) {
    if (!onnx_materialize(n, value) || !onnx_check_real(n, value)) return false;
    bool is_map = value->shape.rank == 4 || (value->shape.rank == 3 && value->tensors[ONNX_CHANNELS_LAST] != QM_NO_TENSOR);
    enum onnx_order order = is_map ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
    uint32_t rank = value->shape.rank, tensor;
    if (!onnx_tensor(n, value, order, &tensor)) return false;
    uint32_t axis = is_map ? 1 : rank > 0 ? rank - 1 : 0, channels = rank > 0 ? value->shape.dims[axis] : 1;
    struct onnx_deferred *deferred = *result = onnx_deferred_create(n, QM_OP_QUANTIZE, channels);
    onnx_deferred_set_sums(n, deferred, channels, (double)value->scale, value->low - value->zero, value->high - value->zero);
    deferred->op.inputs[0] = tensor;
    deferred->result = n->r->graph->tensors[tensor];
    deferred->order = order;
    deferred->axis = axis;
    return true;
}

bool onnx_deferred_of(const struct onnx_node *n, struct onnx_value *value, struct onnx_deferred **deferred) {
    if (value->state != ONNX_DEFERRED) return defer_tensor(n, value, deferred);
    *deferred = QM_ARENA_NEW(n->r->arena, struct onnx_deferred, 1);
    **deferred = *value->deferred;
    return true;
}

bool onnx_deferred_unrounded(const struct onnx_node *n, struct onnx_value *value, struct onnx_deferred **deferred) {
    if (value->state == ONNX_DEFERRED && onnx_epilogue_rounds(value->deferred) && !onnx_materialize(n, value)) return false;
    return onnx_deferred_of(n, value, deferred);
}

/* ---- elementwise nodes ---- */

bool onnx_per_channel(const struct onnx_node *n, const struct onnx_value *constant, const struct onnx_shape *shape, uint32_t axis,
                      uint32_t *count) {
    uint64_t elements = onnx_elements(&constant->shape);
    uint32_t rank = constant->shape.rank;
    *count = (uint32_t)elements;
    if (elements == 1 && rank <= shape->rank) return true;
    uint32_t behind = shape->rank - axis; /* the channels' place, counted from the end */
    bool fits = rank >= behind && rank <= shape->rank && elements == shape->dims[axis] && constant->shape.dims[rank - behind] == elements;
    return fits || onnx_refuse(n, "uses %.60s, which is neither one number nor one a channel", constant->name);
}

bool onnx_defer_elementwise(const struct onnx_node *n, uint32_t i, enum onnx_epilogue_kind kind, const struct onnx_value *constant) {
    struct onnx_deferred *deferred;
    uint32_t count = 0;
    if (!(kind <= ONNX_DIV ? onnx_deferred_unrounded : onnx_deferred_of)(n, n->inputs[i], &deferred)) return false;
    if (constant != NULL && !onnx_per_channel(n, constant, &n->inputs[i]->shape, deferred->axis, &count)) return false;
    onnx_append(n, deferred, kind, count, constant != NULL ? constant->numbers : NULL);
    return onnx_defer(n, &n->inputs[i]->shape, deferred);
}

bool onnx_defer_clip(const struct onnx_node *n, uint32_t i, double low, double high) {
    struct onnx_deferred *deferred;
    if (!onnx_deferred_of(n, n->inputs[i], &deferred)) return false;
    onnx_append_clip(n, deferred, low, high);
    return onnx_defer(n, &n->inputs[i]->shape, deferred);
}
