/* epilogue.c - what becomes of the sums of a deferred operator.
 *
 * Every dialect says it in its own nodes: Mul Add Div Floor Clip, RequantShift, BatchNormalization Relu Quant. Here they are one function
 * of the sum, monotone in each channel, computed in doubles, in which all integers below 2^53 are exact. materialize.c makes operators of
 * the graph of it.
 */
#include <math.h>

#include "compiler/frontend/onnx/onnx.h"

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

/* ---- appending ---- */

bool onnx_epilogue_rounds(const struct onnx_deferred *deferred) {
    return deferred->newest != NULL && deferred->newest->is_rounded;
}

static struct onnx_epilogue_op *append(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind) {
    bool rounds = kind == ONNX_FLOOR || kind == ONNX_ROUND || kind == ONNX_SIGN;
    struct onnx_epilogue_op *op = QM_ARENA_NEW(n->r->arena, struct onnx_epilogue_op, 1);
    *op = (struct onnx_epilogue_op){.before = deferred->newest, .kind = kind, .is_rounded = rounds || onnx_epilogue_rounds(deferred)};
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
