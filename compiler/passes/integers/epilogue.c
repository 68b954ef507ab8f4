/* epilogue.c - what becomes of the sums of a deferred operator.
 *
 * Every dialect says it in its own nodes: Mul Add Div Floor Clip, RequantShift, BatchNormalization Relu Quant. Here they are one function
 * of the sum, computed in doubles, in which all integers below 2^53 are exact. materialize.c makes operators of the graph of it.
 */
#include <math.h>

#include "compiler/passes/integers/integers.h"

void real_deferred_set_sums(const struct real_node *n, struct real_deferred *deferred, uint32_t channels, double scale, int64_t low,
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

bool real_epilogue_rounds(const struct real_deferred *deferred) {
    return deferred->newest != NULL && deferred->newest->is_rounded;
}

static struct real_epilogue_op *append(const struct real_node *n, struct real_deferred *deferred, enum real_epilogue_kind kind) {
    bool rounds = kind == REAL_FLOOR || kind == REAL_ROUND || kind == REAL_SIGN;
    struct real_epilogue_op *op = QM_ARENA_NEW(n->r->arena, struct real_epilogue_op, 1);
    *op = (struct real_epilogue_op){.before = deferred->newest, .kind = kind, .is_rounded = rounds || real_epilogue_rounds(deferred)};
    deferred->newest = op;
    return op;
}

void real_append(const struct real_node *n, struct real_deferred *deferred, enum real_epilogue_kind kind, uint32_t count,
                 const double *numbers) {
    struct real_epilogue_op *op = append(n, deferred, kind);
    op->count = count;
    op->numbers = numbers;
}

void real_append_number(const struct real_node *n, struct real_deferred *deferred, enum real_epilogue_kind kind, double number) {
    double *numbers = QM_ARENA_NEW(n->r->arena, double, 1);
    *numbers = number;
    real_append(n, deferred, kind, 1, numbers);
}

void real_append_function(const struct real_node *n, struct real_deferred *deferred, const struct qm_graph_op *function) {
    append(n, deferred, REAL_FUNCTION)->function = function;
}

void real_append_clip(const struct real_node *n, struct real_deferred *deferred, double low, double high) {
    struct real_epilogue_op *op = append(n, deferred, REAL_CLIP);
    op->low = low;
    op->high = high;
}

/* ---- what an epilogue computes ---- */

bool real_epilogue_open(const struct real_node *n, const struct real_deferred *deferred, struct real_epilogue *epilogue) {
    uint32_t count = 0;
    for (const struct real_epilogue_op *op = deferred->newest; op != NULL; op = op->before) count++;
    if (count > REAL_EPILOGUE_MAX) return real_refuse(n, "comes after %u elementwise operators; at most %d", count, REAL_EPILOGUE_MAX);
    epilogue->deferred = deferred;
    epilogue->count = count;
    for (const struct real_epilogue_op *op = deferred->newest; op != NULL; op = op->before) epilogue->ops[--count] = op;
    return true;
}

static double number(const struct real_epilogue_op *op, uint32_t channel) {
    return op->numbers[op->count > 1 ? channel : 0];
}

static double apply(const struct real_epilogue_op *op, uint32_t channel, double x) {
    switch (op->kind) {
    case REAL_MUL: return x * number(op, channel);
    case REAL_ADD: return x + number(op, channel);
    case REAL_DIV: return x / number(op, channel);
    case REAL_FLOOR: return floor(x);
    case REAL_ROUND: return nearbyint(x);
    case REAL_TRUNCATE: return trunc(x);
    case REAL_CLIP: return x < op->low ? op->low : x > op->high ? op->high : x;
    case REAL_SIGN: return x >= 0 ? 1 : -1;
    case REAL_LEAK: return x < 0 ? x * number(op, channel) : x;
    case REAL_FUNCTION: return evaluate_function(op->function, x);
    }
    return x;
}

double real_epilogue_value(const struct real_epilogue *epilogue, uint32_t channel, int64_t sum) {
    double x = (double)sum * epilogue->deferred->sum_scale[channel];
    for (uint32_t i = 0; i < epilogue->count; i++) x = apply(epilogue->ops[i], channel, x);
    return x;
}

static bool is_shared(const struct real_epilogue_op *op) {
    for (uint32_t c = 1; c < op->count; c++)
        if (op->numbers[c] != op->numbers[0]) return false;
    return true;
}

/* An operation behind a clip does the same to its ends. */
static void scale_clip(const struct real_epilogue_op *op, struct real_affine *f) {
    double low = apply(op, 0, f->low), high = apply(op, 0, f->high);
    f->low = fmin(low, high);
    f->high = fmax(low, high);
}

/* Whether the ends of a clip, 0 or none, stay where they are: the operation multiplies each channel by a number above 0. */
static bool keeps_ends(const struct real_epilogue_op *op, const struct real_affine *f) {
    bool positive = op->kind == REAL_MUL || op->kind == REAL_DIV;
    for (uint32_t c = 0; c < op->count; c++) positive = positive && op->numbers[c] > 0;
    return positive && (f->low == 0 || !isfinite(f->low)) && (f->high == 0 || !isfinite(f->high));
}

bool real_epilogue_affine(const struct real_node *n, const struct real_epilogue *epilogue, struct real_affine *f) {
    const struct real_deferred *deferred = epilogue->deferred;
    f->a = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    f->b = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    f->low = -INFINITY;
    f->high = INFINITY;
    for (uint32_t c = 0; c < deferred->channels; c++) f->a[c] = deferred->sum_scale != NULL ? deferred->sum_scale[c] : 1;
    for (uint32_t i = 0; i < epilogue->count; i++) {
        const struct real_epilogue_op *op = epilogue->ops[i];
        if (op->kind == REAL_CLIP) {
            f->low = fmin(fmax(f->low, op->low), op->high);
            f->high = fmax(fmin(f->high, op->high), op->low);
            continue;
        }
        bool clipped = isfinite(f->low) || isfinite(f->high);
        if (op->kind > REAL_DIV || (clipped && !is_shared(op) && !keeps_ends(op, f))) return false;
        if (clipped && is_shared(op)) scale_clip(op, f);
        for (uint32_t c = 0; c < deferred->channels; c++) {
            f->b[c] = apply(op, c, f->b[c]);
            if (op->kind != REAL_ADD) f->a[c] = apply(op, c, f->a[c]);
        }
    }
    return true;
}

const struct qm_graph_op *real_epilogue_function(const struct real_epilogue *epilogue) {
    for (uint32_t i = 0; i < epilogue->count; i++)
        if (epilogue->ops[i]->kind == REAL_FUNCTION) return epilogue->ops[i]->function;
    return NULL;
}

bool real_epilogue_is_monotone(const struct real_epilogue *epilogue) {
    for (uint32_t i = 0; i < epilogue->count; i++) {
        const struct real_epilogue_op *op = epilogue->ops[i];
        if (op->kind == REAL_FUNCTION) return false;
        for (uint32_t c = 0; op->kind == REAL_LEAK && c < op->count; c++)
            if (op->numbers[c] < 0) return false;
    }
    return true;
}

bool real_epilogue_is_shared(const struct real_epilogue *epilogue) {
    for (uint32_t i = 0; i < epilogue->count; i++)
        if (!is_shared(epilogue->ops[i])) return false;
    return true;
}

/* Whether all slopes of a LEAK are below 0, or none is. */
static bool one_sign(const struct real_epilogue_op *leak) {
    uint32_t below = 0;
    for (uint32_t c = 0; c < leak->count; c++) below += leak->numbers[c] < 0;
    return below == 0 || below == leak->count;
}

bool real_epilogue_split(const struct real_node *n, const struct real_epilogue *epilogue, struct real_deferred parts[2]) {
    uint32_t at = 0;
    while (at < epilogue->count && epilogue->ops[at]->kind != REAL_LEAK) at++;
    for (uint32_t i = at + 1; i < epilogue->count; i++)
        if (epilogue->ops[i]->kind != REAL_CLIP) return false;
    if (at == epilogue->count || !one_sign(epilogue->ops[at])) return false;
    const struct real_epilogue_op *leak = epilogue->ops[at];
    for (uint32_t i = 0; i < 2; i++) {
        parts[i] = real_deferred_copy(n, epilogue->deferred);
        parts[i].newest = leak->before;
    }
    bool falls = leak->numbers[0] < 0;
    real_append_clip(n, &parts[0], 0, INFINITY);
    real_append(n, &parts[1], REAL_MUL, leak->count, leak->numbers);
    real_append_clip(n, &parts[1], falls ? 0 : -INFINITY, falls ? INFINITY : 0);
    return true;
}

static bool is_integer(double x) {
    return x == floor(x);
}

bool real_epilogue_is_integral(const struct real_epilogue *epilogue) {
    const struct real_deferred *deferred = epilogue->deferred;
    bool integral = true;
    for (uint32_t c = 0; c < deferred->channels; c++) integral = integral && is_integer(deferred->sum_scale[c]);
    for (uint32_t i = 0; i < epilogue->count; i++) {
        const struct real_epilogue_op *op = epilogue->ops[i];
        if (op->kind == REAL_DIV || op->kind == REAL_LEAK || op->kind == REAL_FUNCTION) integral = false;
        if (op->kind == REAL_CLIP) integral = integral && is_integer(op->low) && is_integer(op->high);
        if (op->kind == REAL_FLOOR || op->kind == REAL_ROUND || op->kind == REAL_TRUNCATE || op->kind == REAL_SIGN) integral = true;
        for (uint32_t c = 0; integral && c < op->count && op->kind <= REAL_ADD; c++) integral = is_integer(op->numbers[c]);
    }
    return integral;
}
