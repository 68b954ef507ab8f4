/* draft.c - elementwise steps on a sum, gathered until its integers are needed.
 *
 * Every dialect says in its own nodes what becomes of a sum: Mul Add Div Floor Clip, RequantShift, BatchNormalization Relu Quant. Here they
 * are one function of the sum, monotone in each channel, computed in doubles, in which all integers below 2^53 are exact.
 * land.c makes operators of it.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

struct onnx_draft *onnx_draft_create(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t channels) {
    struct onnx_draft *draft = QM_ARENA_NEW(n->r->arena, struct onnx_draft, 1);
    draft->op = (struct qm_graph_op){.kind = kind, .index = n->index, .input_count = 1, .output_count = 1};
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) draft->op.inputs[i] = draft->op.outputs[i] = QM_NO_TENSOR;
    draft->channels = channels;
    return draft;
}

bool onnx_draft_put(const struct onnx_node *n, const struct onnx_shape *shape, struct onnx_draft *draft) {
    struct onnx_value *out = n->outputs[0];
    out->state = ONNX_PENDING;
    out->shape = *shape;
    out->type = ONNX_FLOAT;
    out->draft = draft;
    return true;
}

/* The sum is the tensor's integers without their zero point. */
static bool draft_identity(const struct onnx_node *n, struct onnx_value *value, const struct onnx_draft **result) {
    if (!onnx_settle(n, value)) return false;
    if (!value->real) return onnx_refuse(n, "computes on the integers %.60s without a scale", value->name);
    bool is_map = value->shape.rank == 4 || (value->shape.rank == 3 && value->tensors[ONNX_LAST] != QM_NO_TENSOR);
    enum onnx_order order = is_map ? ONNX_LAST : ONNX_PLAIN;
    uint32_t rank = value->shape.rank, tensor;
    if (!onnx_tensor(n, value, order, &tensor)) return false;
    uint32_t axis = is_map ? 1 : rank > 0 ? rank - 1 : 0, channels = rank > 0 ? value->shape.dims[axis] : 1;
    struct onnx_draft *draft = onnx_draft_create(n, QM_OP_QUANTIZE, channels);
    double *unit = QM_ARENA_NEW(n->r->arena, double, channels);
    int64_t *low = QM_ARENA_NEW(n->r->arena, int64_t, channels), *high = QM_ARENA_NEW(n->r->arena, int64_t, channels);
    for (uint32_t c = 0; c < channels; c++) {
        unit[c] = (double)value->scale;
        low[c] = value->low - value->zero;
        high[c] = value->high - value->zero;
    }
    draft->op.inputs[0] = tensor;
    draft->result = n->r->graph->tensors[tensor];
    draft->order = order;
    draft->axis = axis;
    draft->unit = unit;
    draft->low = low;
    draft->high = high;
    *result = draft;
    return true;
}

static bool rounds(enum onnx_step_kind kind) {
    return kind == ONNX_FLOOR || kind == ONNX_ROUND || kind == ONNX_SIGN;
}

static bool is_rounded(const struct onnx_draft *draft) {
    return draft->steps != NULL && draft->steps->is_rounded;
}

bool onnx_draft_of(const struct onnx_node *n, struct onnx_value *value, const struct onnx_draft **draft) {
    if (value->state != ONNX_PENDING) return draft_identity(n, value, draft);
    *draft = value->draft;
    return true;
}

bool onnx_draft_rescaled(const struct onnx_node *n, struct onnx_value *value, const struct onnx_draft **draft) {
    if (value->state == ONNX_PENDING && is_rounded(value->draft) && !onnx_settle(n, value)) return false;
    return onnx_draft_of(n, value, draft);
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

struct onnx_draft *onnx_draft_copy(const struct onnx_node *n, const struct onnx_draft *draft) {
    struct onnx_draft *copy = QM_ARENA_NEW(n->r->arena, struct onnx_draft, 1);
    *copy = *draft;
    return copy;
}

struct onnx_step *onnx_draft_append(const struct onnx_node *n, struct onnx_draft *draft, enum onnx_step_kind kind) {
    struct onnx_step *step = QM_ARENA_NEW(n->r->arena, struct onnx_step, 1);
    *step = (struct onnx_step){.before = draft->steps, .kind = kind, .is_rounded = rounds(kind) || is_rounded(draft)};
    draft->steps = step;
    return step;
}

bool onnx_draft_step(const struct onnx_node *n, uint32_t i, enum onnx_step_kind kind, const struct onnx_value *numbers) {
    const struct onnx_draft *draft;
    uint32_t count = 0;
    if (!(kind <= ONNX_DIV ? onnx_draft_rescaled : onnx_draft_of)(n, n->inputs[i], &draft)) return false;
    if (numbers != NULL && !onnx_per_channel(n, numbers, &n->inputs[i]->shape, draft->axis, &count)) return false;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    struct onnx_step *step = onnx_draft_append(n, next, kind);
    step->count = count;
    step->numbers = numbers != NULL ? numbers->numbers : NULL;
    struct onnx_shape shape = n->inputs[i]->shape;
    return onnx_draft_put(n, &shape, next);
}

bool onnx_draft_clip(const struct onnx_node *n, uint32_t i, double low, double high) {
    const struct onnx_draft *draft;
    if (!onnx_draft_of(n, n->inputs[i], &draft)) return false;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    struct onnx_step *step = onnx_draft_append(n, next, ONNX_CLIP);
    step->low = low;
    step->high = high;
    struct onnx_shape shape = n->inputs[i]->shape;
    return onnx_draft_put(n, &shape, next);
}

/* ---- what the steps compute ---- */

bool onnx_chain_open(const struct onnx_node *n, const struct onnx_draft *draft, struct onnx_chain *chain) {
    chain->count = 0;
    for (const struct onnx_step *step = draft->steps; step != NULL; step = step->before) chain->count++;
    if (chain->count > ONNX_STEPS_MAX)
        return onnx_refuse(n, "comes after %u elementwise operators; at most %d", chain->count, ONNX_STEPS_MAX);
    uint32_t at = chain->count;
    for (const struct onnx_step *step = draft->steps; step != NULL; step = step->before) chain->steps[--at] = step;
    return true;
}

static double number(const struct onnx_step *step, uint32_t channel) {
    return step->numbers[step->count > 1 ? channel : 0];
}

static double apply(const struct onnx_step *step, uint32_t channel, double x) {
    switch (step->kind) {
    case ONNX_MUL: return x * number(step, channel);
    case ONNX_ADD: return x + number(step, channel);
    case ONNX_DIV: return x / number(step, channel);
    case ONNX_FLOOR: return floor(x);
    case ONNX_ROUND: return nearbyint(x);
    case ONNX_TRUNCATE: return trunc(x);
    case ONNX_CLIP: return x < step->low ? step->low : x > step->high ? step->high : x;
    case ONNX_SIGN: return x >= 0 ? 1 : -1;
    }
    return x;
}

double onnx_chain_value(const struct onnx_chain *chain, const struct onnx_draft *draft, uint32_t channel, int64_t sum) {
    double x = (double)sum * draft->unit[channel];
    for (uint32_t i = 0; i < chain->count; i++) x = apply(chain->steps[i], channel, x);
    return x;
}

bool onnx_chain_affine(const struct onnx_node *n, const struct onnx_chain *chain, const struct onnx_draft *draft, struct onnx_affine *f) {
    f->a = QM_ARENA_NEW(n->r->arena, double, draft->channels);
    f->b = QM_ARENA_NEW(n->r->arena, double, draft->channels);
    f->low = -INFINITY;
    f->high = INFINITY;
    for (uint32_t c = 0; c < draft->channels; c++) f->a[c] = draft->unit != NULL ? draft->unit[c] : 1;
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct onnx_step *step = chain->steps[i];
        if (step->kind == ONNX_CLIP) {
            f->low = fmin(fmax(f->low, step->low), step->high);
            f->high = fmax(fmin(f->high, step->high), step->low);
            continue;
        }
        if (step->kind > ONNX_DIV || isfinite(f->low) || isfinite(f->high)) return false;
        for (uint32_t c = 0; c < draft->channels; c++) {
            f->b[c] = apply(step, c, f->b[c]);
            if (step->kind != ONNX_ADD) f->a[c] = apply(step, c, f->a[c]);
        }
    }
    return true;
}

static bool is_integer(double x) {
    return x == floor(x);
}

bool onnx_chain_integral(const struct onnx_chain *chain, const struct onnx_draft *draft) {
    bool integral = true;
    for (uint32_t c = 0; c < draft->channels; c++) integral = integral && is_integer(draft->unit[c]);
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct onnx_step *step = chain->steps[i];
        if (step->kind == ONNX_DIV) integral = false;
        if (step->kind == ONNX_CLIP) integral = integral && is_integer(step->low) && is_integer(step->high);
        if (step->kind == ONNX_FLOOR || step->kind == ONNX_ROUND || step->kind == ONNX_TRUNCATE || step->kind == ONNX_SIGN) integral = true;
        for (uint32_t c = 0; integral && c < step->count && step->kind <= ONNX_ADD; c++) integral = is_integer(step->numbers[c]);
    }
    return integral;
}
