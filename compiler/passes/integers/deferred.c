/* deferred.c - deferred operators, and the elementwise operators that are gathered in their epilogues (epilogue.c). */
#include <math.h>

#include "compiler/passes/integers/integers.h"

struct real_deferred *real_deferred_create(const struct real_node *n, enum qm_graph_op_kind kind, uint32_t channels) {
    struct real_deferred *deferred = QM_ARENA_NEW(n->r->arena, struct real_deferred, 1);
    deferred->op = (struct qm_graph_op){.kind = kind, .index = n->op->index, .name = n->op->name, .input_count = 1, .output_count = 1};
    qm_graph_open_operands(&deferred->op, n->r->arena);
    deferred->channels = channels;
    return deferred;
}

bool real_defer(const struct real_node *n, struct real_deferred *deferred) {
    struct real_value *out = n->outputs[0];
    out->state = REAL_DEFERRED;
    out->deferred = deferred;
    return true;
}

/* A QUANTIZE of a tensor, whose sums are the tensor's integers without their zero point. */
static bool defer_tensor(const struct real_node *n, struct real_value *value, struct real_deferred **result) {
    if (!real_materialize(n, value) || !real_check_real(n, value)) return false;
    bool is_map = value->shape.rank == 4 || (value->shape.rank == 3 && value->tensors[REAL_CHANNELS_LAST] != QM_NO_TENSOR);
    enum real_order order = is_map ? REAL_CHANNELS_LAST : REAL_PLAIN;
    uint32_t rank = value->shape.rank, tensor;
    if (!real_tensor(n, value, order, &tensor)) return false;
    uint32_t axis = is_map ? 1 : rank > 0 ? rank - 1 : 0, channels = rank > 0 ? value->shape.dims[axis] : 1;
    struct real_deferred *deferred = *result = real_deferred_create(n, QM_OP_QUANTIZE, channels);
    real_deferred_set_sums(n, deferred, channels, (double)value->scale, value->low - value->zero, value->high - value->zero);
    deferred->op.inputs[0] = tensor;
    deferred->result = real_tensors(n)[tensor];
    deferred->order = order;
    deferred->axis = axis;
    return true;
}

bool real_deferred_of(const struct real_node *n, struct real_value *value, struct real_deferred **deferred) {
    if (value->state != REAL_DEFERRED) return defer_tensor(n, value, deferred);
    *deferred = QM_ARENA_NEW(n->r->arena, struct real_deferred, 1);
    **deferred = real_deferred_copy(n, value->deferred);
    return true;
}

/* The same for operators that scale: what has been rounded before is materialized first, since it is integers of the network. */
static bool deferred_unrounded(const struct real_node *n, struct real_value *value, struct real_deferred **deferred) {
    if (value->state == REAL_DEFERRED && real_epilogue_rounds(value->deferred) && !real_materialize(n, value)) return false;
    return real_deferred_of(n, value, deferred);
}

/* ---- elementwise operators ---- */

/* How many numbers a constant has for the channels: one, or one a channel. 0: it is neither. */
static uint32_t count_numbers(const struct real_value *constant, const struct qm_shape *shape, const struct real_deferred *deferred) {
    uint64_t elements = qm_shape_elements(&constant->shape);
    uint32_t rank = constant->shape.rank, behind = shape->rank - deferred->axis; /* the channels' place, counted from the end */
    if (elements == 1) return 1;
    bool fits = rank >= behind && rank <= shape->rank && elements == deferred->channels && constant->shape.dims[rank - behind] == elements;
    return fits ? (uint32_t)elements : 0;
}

/* The numbers of a constant written out for the last dimensions of a shape, from the first in which it has more than one. */
static double *written_out(const struct real_node *n, const struct real_value *constant, const struct qm_shape *shape, uint32_t axis,
                           uint32_t count) {
    const double *numbers = real_numbers(n, constant);
    double *all = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = 0, step = 1, rest = i;
        for (uint32_t d = shape->rank; d-- > axis; rest /= shape->dims[d]) {
            if (d + constant->shape.rank < shape->rank) break;
            uint32_t extent = constant->shape.dims[d + constant->shape.rank - shape->rank];
            if (extent > 1) at += step * (rest % shape->dims[d]);
            step *= extent;
        }
        all[i] = numbers[at];
    }
    return all;
}

/* A tensor whose last dimensions, as many as the constant varies over, are the channels. */
static bool defer_places(const struct real_node *n, struct real_value *value, const struct real_value *constant,
                         struct real_deferred **result, uint32_t *count, const double **numbers) {
    const struct qm_shape *shape = &value->shape;
    uint32_t axis = shape->rank, channels = 1, tensor;
    for (uint32_t d = 0; d < constant->shape.rank && axis == shape->rank; d++)
        if (constant->shape.dims[d] > 1) axis = d + shape->rank - constant->shape.rank;
    for (uint32_t d = axis; d < shape->rank; d++) channels *= shape->dims[d];
    if (value->state == REAL_DEFERRED)
        return real_refuse(n, "uses %.60s, which is neither one number nor one a channel of what is not quantized yet", constant->name);
    if (!real_tensor(n, value, REAL_PLAIN, &tensor)) return false;
    struct real_deferred *deferred = *result = real_deferred_create(n, QM_OP_QUANTIZE, channels);
    real_deferred_set_sums(n, deferred, channels, (double)value->scale, value->low - value->zero, value->high - value->zero);
    deferred->op.inputs[0] = tensor;
    deferred->result = real_tensors(n)[tensor];
    deferred->order = REAL_PLAIN;
    deferred->axis = axis;
    *numbers = written_out(n, constant, shape, axis, channels);
    *count = channels;
    return true;
}

/* Numbers of a constant times sign, all finite and, to divide by, not 0. */
static bool signed_numbers(const struct real_node *n, enum real_epilogue_kind kind, const struct real_value *constant, double sign,
                           uint32_t count, const double **numbers) {
    double *all = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = sign * (*numbers)[i];
        if (!isfinite(all[i]) || (kind == REAL_DIV && all[i] == 0)) return real_refuse(n, "uses %g in %.60s", all[i], constant->name);
    }
    *numbers = all;
    return true;
}

bool real_defer_elementwise(const struct real_node *n, uint32_t i, enum real_epilogue_kind kind, const struct real_value *constant,
                            double sign) {
    struct real_deferred *deferred;
    struct real_value *value = n->inputs[i];
    const double *numbers = NULL;
    uint32_t count = 0;
    if (!(kind <= REAL_DIV ? deferred_unrounded : real_deferred_of)(n, value, &deferred)) return false;
    if (constant != NULL) {
        if (!qm_shape_same(&value->shape, &n->outputs[0]->shape))
            return real_refuse(n, "broadcasts its operand to the shape of a constant");
        count = count_numbers(constant, &value->shape, deferred);
        numbers = count > 0 ? real_numbers(n, constant) : NULL;
        if (count == 0 && !defer_places(n, value, constant, &deferred, &count, &numbers)) return false;
        if (!signed_numbers(n, kind, constant, sign, count, &numbers)) return false;
    }
    real_append(n, deferred, kind, count, numbers);
    return real_defer(n, deferred);
}

bool real_defer_clip(const struct real_node *n, double low, double high) {
    struct real_deferred *deferred;
    if (!real_deferred_of(n, n->inputs[0], &deferred)) return false;
    real_append_clip(n, deferred, low, high);
    return real_defer(n, deferred);
}

bool real_defer_function(const struct real_node *n) {
    struct real_deferred *deferred;
    if (!deferred_unrounded(n, n->inputs[0], &deferred)) return false;
    real_append_function(n, deferred, n->op);
    return real_defer(n, deferred);
}
