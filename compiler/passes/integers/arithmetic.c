/* arithmetic.c - elementwise operators: with a constant they go into the epilogue of a deferred operator, between tensors they are
 * operators.
 */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

static bool is_whole(enum qm_dtype type) {
    return type == QM_I64 || type == QM_I32;
}

/* ---- with a constant ---- */

/* Input i and the other one, a constant times sign. */
static bool with_constant(const struct real_node *n, uint32_t i, enum real_epilogue_kind kind, double sign) {
    enum qm_dtype type = n->inputs[i]->type;
    if (!real_defer_elementwise(n, i, kind, n->inputs[1 - i], sign)) return false;
    if (kind == REAL_DIV && is_whole(type)) real_append(n, n->outputs[0]->deferred, REAL_TRUNCATE, 0, NULL);
    return true;
}

/* Which of the two inputs is a constant that is no map of integers; -1: none. */
static int constant_side(const struct real_node *n) {
    for (int i = 0; i < 2; i++)
        if (n->inputs[i]->state == REAL_CONSTANT) return i;
    return -1;
}

/* Whether a constant is better an operand than an epilogue: it is quantized with one scale, and has more than one number a channel. */
static bool is_operand(const struct real_node *n, int side) {
    const struct real_value *constant = n->inputs[side];
    uint32_t wide = 0;
    for (uint32_t d = 0; d < constant->shape.rank; d++) wide += constant->shape.dims[d] > 1;
    return wide > 1 && constant->constant->quant.count == 1;
}

bool real_div(const struct real_node *n) {
    if (n->inputs[1]->state != REAL_CONSTANT) return real_refuse(n, "divides by what is not a constant");
    return with_constant(n, 0, REAL_DIV, 1);
}

bool real_floor(const struct real_node *n) {
    return real_defer_elementwise(n, 0, REAL_FLOOR, NULL, 1);
}

bool real_round(const struct real_node *n) {
    return real_defer_elementwise(n, 0, REAL_ROUND, NULL, 1);
}

bool real_clip(const struct real_node *n) {
    return real_defer_clip(n, n->op->low, n->op->high);
}

/* Whether the numbers of a TENSOR are integers. */
static bool has_whole_steps(const struct real_value *value) {
    return !value->real || (double)value->scale == floor((double)value->scale);
}

/* Integers of another type, which must have them all: others would wrap. As floats they mean themselves. */
static bool cast_tensor(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    double one = 1, none = 0;
    double scale = in->real ? (double)in->scale : 1, zero = in->real ? (double)in->zero : 0, low, high;
    bool is_integer = evaluate_range(&n->r->source->tensors[n->op->outputs[0]], &low, &high);
    if (is_integer && ((in->low - zero) * scale < low || (in->high - zero) * scale > high))
        return real_refuse(n, "casts %g to %g to %s", (in->low - zero) * scale, (in->high - zero) * scale,
                           qm_dtype_name(n->outputs[0]->type));
    enum qm_dtype type = n->outputs[0]->type;
    if (!is_integer && !in->real) return real_put_as(n, in, &(struct real_scales){1, &one, &none});
    real_put_same(n, in);
    n->outputs[0]->type = type;
    return true;
}

/* Fractions are cut off; floats stay as they are. */
bool real_cast(const struct real_node *n) {
    const struct real_value *in = n->inputs[0];
    struct real_epilogue epilogue;
    enum qm_dtype type = n->outputs[0]->type;
    bool is_float = type == QM_F32 || type == QM_F64;
    if (!is_float && !is_whole(type)) return real_refuse(n, "casts to %s", qm_dtype_name(type));
    if (in->state == REAL_TENSOR && (is_float || has_whole_steps(in))) return cast_tensor(n);
    if (in->state == REAL_TENSOR) return real_defer_elementwise(n, 0, REAL_TRUNCATE, NULL, 1);
    if (!is_float && in->state == REAL_DEFERRED) {
        if (in->deferred->sum_scale == NULL) return real_refuse(n, "casts what has no scale");
        if (!real_epilogue_open(n, in->deferred, &epilogue)) return false;
        if (!real_epilogue_is_integral(&epilogue)) return real_defer_elementwise(n, 0, REAL_TRUNCATE, NULL, 1);
    }
    real_put_same(n, in);
    n->outputs[0]->type = type;
    return true;
}

bool real_check_integers(const struct real_node *n) {
    const struct real_value *out = n->outputs[0];
    struct real_epilogue epilogue;
    double low, high, lowest, highest;
    if (out->state != REAL_DEFERRED || !evaluate_range(&n->r->source->tensors[n->op->outputs[0]], &lowest, &highest)) return true;
    const char *type = qm_dtype_name(out->type);
    if (out->deferred->sum_scale == NULL) return real_refuse(n, "makes %s of operands whose scales differ", type);
    if (!real_epilogue_open(n, out->deferred, &epilogue)) return false;
    if (!real_epilogue_is_integral(&epilogue)) return real_refuse(n, "makes fractions, and %s of them", type);
    if (!real_epilogue_is_monotone(&epilogue)) return real_refuse(n, "makes %s of what is not known to fit", type);
    real_epilogue_range(&epilogue, &low, &high);
    return (low >= lowest && high <= highest) || real_refuse(n, "makes %g to %g, which %s does not hold", low, high, type);
}

/* ---- between tensors ---- */

/* A uint8 tensor as int8: the same bytes when its integers fit, else integers that are less by 128. */
static uint32_t as_signed(const struct real_node *n, const struct real_value *value, uint32_t tensor) {
    struct qm_shape shape = qm_graph_shape(&real_tensors(n)[tensor]);
    uint32_t result = real_add_like(n, tensor, &shape);
    struct qm_graph_tensor *to = &real_tensors(n)[result];
    to->dtype = QM_I8;
    bool fits = value->high <= INT8_MAX;
    if (!fits) real_set_quant(n, result, to->quant.scale[0], to->quant.zero_point[0] + INT8_MIN);
    real_add_op(n, fits ? QM_OP_RESHAPE : QM_OP_QUANTIZE, tensor, result);
    return result;
}

/* Both operands as TENSORS; a constant is one of the rank and in the order of the other operand. */
static bool materialize_both(const struct real_node *n, struct real_value *values[2]) {
    for (uint32_t i = 0; i < 2; i++)
        if (values[i]->state != REAL_CONSTANT && !real_materialize(n, values[i])) return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (values[i]->state != REAL_CONSTANT) continue;
        values[i] = real_constant_tensor(n, values[i], values[1 - i]->shape.rank, real_order_of(values[1 - i]));
        if (values[i] == NULL) return false;
    }
    return true;
}

/* Makes the operands int8 if one of them is. */
static void make_signed(const struct real_node *n, struct real_deferred *deferred, struct real_value *const values[2]) {
    if (real_tensors(n)[deferred->op.inputs[0]].dtype == real_tensors(n)[deferred->op.inputs[1]].dtype) return;
    for (uint32_t i = 0; i < 2; i++)
        if (real_tensors(n)[deferred->op.inputs[i]].dtype == QM_U8)
            deferred->op.inputs[i] = as_signed(n, values[i], deferred->op.inputs[i]);
}

/* An operator on two tensors, brought to one type and order. NULL: refused. */
static struct real_deferred *binary(const struct real_node *n, enum qm_graph_op_kind kind, struct real_value *values[2]) {
    if (!materialize_both(n, values)) return NULL;
    if (values[0]->shape.rank != values[1]->shape.rank) return real_refuse(n, "has operands whose shapes do not fit"), NULL;
    bool flat = values[0]->map != NULL || values[1]->map != NULL;
    bool last = !flat && (real_order_of(values[0]) == REAL_CHANNELS_LAST || real_order_of(values[1]) == REAL_CHANNELS_LAST);
    struct real_deferred *deferred = real_deferred_create(n, kind, 1);
    deferred->order = last ? REAL_CHANNELS_LAST : REAL_PLAIN;
    for (uint32_t i = 0; i < 2; i++)
        if (!real_check_real(n, values[i]) || !real_tensor(n, values[i], deferred->order, &deferred->op.inputs[i])) return NULL;
    make_signed(n, deferred, values);
    const struct qm_graph_tensor *a = &real_tensors(n)[deferred->op.inputs[0]], *b = &real_tensors(n)[deferred->op.inputs[1]];
    deferred->op.input_count = 2;
    deferred->result = *a;
    for (uint32_t d = 0; d < a->rank; d++) deferred->result.dims[d] = a->dims[d] > b->dims[d] ? a->dims[d] : b->dims[d];
    deferred->axis = n->outputs[0]->shape.rank > 1 ? 1 : 0;
    return deferred;
}

/* The sum or difference of two tensors; its sums are known when both have one scale. */
static bool add(const struct real_node *n, bool subtracts) {
    struct real_value *values[] = {n->inputs[0], n->inputs[1]};
    struct real_deferred *deferred = binary(n, QM_OP_ADD, values);
    if (deferred == NULL) return false;
    deferred->subtracts = subtracts;
    const struct qm_quant *a = &real_tensors(n)[deferred->op.inputs[0]].quant, *b = &real_tensors(n)[deferred->op.inputs[1]].quant;
    int64_t low = values[1]->low - values[1]->zero, high = values[1]->high - values[1]->zero;
    if (a->scale[0] == b->scale[0])
        real_deferred_set_sums(n, deferred, 1, (double)a->scale[0], values[0]->low - values[0]->zero + (subtracts ? -high : low),
                               values[0]->high - values[0]->zero + (subtracts ? -low : high));
    return real_defer(n, deferred);
}

bool real_add(const struct real_node *n) {
    int side = constant_side(n);
    if (side < 0 || is_operand(n, side)) return add(n, false);
    return with_constant(n, side == 0 ? 1 : 0, REAL_ADD, 1);
}

bool real_sub(const struct real_node *n) {
    int side = constant_side(n);
    if (side < 0 || is_operand(n, side)) return add(n, true);
    if (side == 1) return with_constant(n, 0, REAL_ADD, -1);
    /* c - x is (x - c) times -1 */
    if (!with_constant(n, 1, REAL_ADD, -1)) return false;
    real_append_number(n, n->outputs[0]->deferred, REAL_MUL, -1);
    return true;
}

bool real_mul(const struct real_node *n) {
    int side = constant_side(n);
    if (side >= 0 && !is_operand(n, side)) return with_constant(n, side == 0 ? 1 : 0, REAL_MUL, 1);
    struct real_value *values[] = {n->inputs[0], n->inputs[1]};
    struct real_deferred *deferred = binary(n, QM_OP_MUL, values);
    return deferred != NULL && real_defer(n, deferred);
}

/* ---- slopes below 0 ---- */

bool real_leaky_relu(const struct real_node *n) {
    struct real_deferred *deferred;
    if (!real_deferred_of(n, n->inputs[0], &deferred)) return false;
    real_append_number(n, deferred, REAL_LEAK, (double)n->op->alpha);
    return real_defer(n, deferred);
}

bool real_prelu(const struct real_node *n) {
    if (n->inputs[1]->state != REAL_CONSTANT) return real_refuse(n, "needs %.60s to be a constant", n->inputs[1]->name);
    return with_constant(n, 0, REAL_LEAK, 1);
}
