/* deferred.c - deferred operators, and the elementwise nodes that are gathered in their epilogues.
 *
 * Every dialect says in its own nodes what becomes of a sum: Mul Add Div Floor Clip, RequantShift, BatchNormalization Relu Quant. Here they
 * are one function of the sum, monotone in each channel, computed in doubles, in which all integers below 2^53 are exact. materialize.c
 * makes operators of the graph of it.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

struct onnx_deferred *onnx_deferred_create(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t channels) {
    struct onnx_deferred *deferred = QM_ARENA_NEW(n->r->arena, struct onnx_deferred, 1);
    deferred->op = (struct qm_graph_op){.kind = kind, .index = n->index, .input_count = 1, .output_count = 1};
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) deferred->op.inputs[i] = deferred->op.outputs[i] = QM_NO_TENSOR;
    deferred->channels = channels;
    return deferred;
}

void onnx_deferred_set_sums(const struct onnx_node *n, struct onnx_deferred *deferred, uint32_t channels, double scale, int64_t low,
                            int64_t high) {
    double *scales = QM_ARENA_NEW(n->r->arena, double, channels);
    int64_t *lows = QM_ARENA_NEW(n->r->arena, int64_t, channels), *highs = QM_ARENA_NEW(n->r->arena, int64_t, channels);
    for (uint32_t c = 0; c < channels; c++) {
        scales[c] = scale;
        lows[c] = low;
        highs[c] = high;
    }
    deferred->channels = channels;
    deferred->sum_scale = scales;
    deferred->sum_low = lows;
    deferred->sum_high = highs;
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

static bool is_rounded(const struct onnx_deferred *deferred) {
    return deferred->newest != NULL && deferred->newest->is_rounded;
}

bool onnx_deferred_unrounded(const struct onnx_node *n, struct onnx_value *value, struct onnx_deferred **deferred) {
    if (value->state == ONNX_DEFERRED && is_rounded(value->deferred) && !onnx_materialize(n, value)) return false;
    return onnx_deferred_of(n, value, deferred);
}

/* ---- epilogues ---- */

static struct onnx_epilogue_op *append(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind) {
    bool rounds = kind == ONNX_FLOOR || kind == ONNX_ROUND || kind == ONNX_SIGN;
    struct onnx_epilogue_op *op = QM_ARENA_NEW(n->r->arena, struct onnx_epilogue_op, 1);
    *op = (struct onnx_epilogue_op){.before = deferred->newest, .kind = kind, .is_rounded = rounds || is_rounded(deferred)};
    deferred->newest = op;
    return op;
}

void onnx_append(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind, uint32_t count,
                 const double *numbers) {
    struct onnx_epilogue_op *op = append(n, deferred, kind);
    op->count = count;
    op->numbers = numbers;
}

void onnx_append_number(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind, double number) {
    double *numbers = QM_ARENA_NEW(n->r->arena, double, 1);
    *numbers = number;
    onnx_append(n, deferred, kind, 1, numbers);
}

void onnx_append_clip(const struct onnx_node *n, struct onnx_deferred *deferred, double low, double high) {
    struct onnx_epilogue_op *op = append(n, deferred, ONNX_CLIP);
    op->low = low;
    op->high = high;
}

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

/* ---- what an epilogue computes ---- */

bool onnx_epilogue_open(const struct onnx_node *n, const struct onnx_deferred *deferred, struct onnx_epilogue *epilogue) {
    uint32_t count = 0;
    for (const struct onnx_epilogue_op *op = deferred->newest; op != NULL; op = op->before) count++;
    if (count > ONNX_EPILOGUE_MAX) return onnx_refuse(n, "comes after %u elementwise operators; at most %d", count, ONNX_EPILOGUE_MAX);
    epilogue->deferred = deferred;
    epilogue->count = count;
    for (const struct onnx_epilogue_op *op = deferred->newest; op != NULL; op = op->before) epilogue->ops[--count] = op;
    return true;
}

static double number(const struct onnx_epilogue_op *op, uint32_t channel) {
    return op->numbers[op->count > 1 ? channel : 0];
}

static double apply(const struct onnx_epilogue_op *op, uint32_t channel, double x) {
    switch (op->kind) {
    case ONNX_MUL: return x * number(op, channel);
    case ONNX_ADD: return x + number(op, channel);
    case ONNX_DIV: return x / number(op, channel);
    case ONNX_FLOOR: return floor(x);
    case ONNX_ROUND: return nearbyint(x);
    case ONNX_TRUNCATE: return trunc(x);
    case ONNX_CLIP: return x < op->low ? op->low : x > op->high ? op->high : x;
    case ONNX_SIGN: return x >= 0 ? 1 : -1;
    }
    return x;
}

double onnx_epilogue_value(const struct onnx_epilogue *epilogue, uint32_t channel, int64_t sum) {
    double x = (double)sum * epilogue->deferred->sum_scale[channel];
    for (uint32_t i = 0; i < epilogue->count; i++) x = apply(epilogue->ops[i], channel, x);
    return x;
}

bool onnx_epilogue_affine(const struct onnx_node *n, const struct onnx_epilogue *epilogue, struct onnx_affine *f) {
    const struct onnx_deferred *deferred = epilogue->deferred;
    f->a = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    f->b = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    f->low = -INFINITY;
    f->high = INFINITY;
    for (uint32_t c = 0; c < deferred->channels; c++) f->a[c] = deferred->sum_scale != NULL ? deferred->sum_scale[c] : 1;
    for (uint32_t i = 0; i < epilogue->count; i++) {
        const struct onnx_epilogue_op *op = epilogue->ops[i];
        if (op->kind == ONNX_CLIP) {
            f->low = fmin(fmax(f->low, op->low), op->high);
            f->high = fmax(fmin(f->high, op->high), op->low);
            continue;
        }
        if (op->kind > ONNX_DIV || isfinite(f->low) || isfinite(f->high)) return false;
        for (uint32_t c = 0; c < deferred->channels; c++) {
            f->b[c] = apply(op, c, f->b[c]);
            if (op->kind != ONNX_ADD) f->a[c] = apply(op, c, f->a[c]);
        }
    }
    return true;
}

static bool is_integer(double x) {
    return x == floor(x);
}

bool onnx_epilogue_is_integral(const struct onnx_epilogue *epilogue) {
    const struct onnx_deferred *deferred = epilogue->deferred;
    bool integral = true;
    for (uint32_t c = 0; c < deferred->channels; c++) integral = integral && is_integer(deferred->sum_scale[c]);
    for (uint32_t i = 0; i < epilogue->count; i++) {
        const struct onnx_epilogue_op *op = epilogue->ops[i];
        if (op->kind == ONNX_DIV) integral = false;
        if (op->kind == ONNX_CLIP) integral = integral && is_integer(op->low) && is_integer(op->high);
        if (op->kind == ONNX_FLOOR || op->kind == ONNX_ROUND || op->kind == ONNX_TRUNCATE || op->kind == ONNX_SIGN) integral = true;
        for (uint32_t c = 0; integral && c < op->count && op->kind <= ONNX_ADD; c++) integral = is_integer(op->numbers[c]);
    }
    return integral;
}
