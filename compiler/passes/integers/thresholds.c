/* thresholds.c - results of an epilogue that is monotone: for every integer the sum from which on it is reached, so that what runs is exact
 * or refused.
 */
#include <math.h>

#include "compiler/passes/integers/integers.h"

enum { LEVELS_MAX = 256 };

/* The first sum in low .. high + 1 for which the epilogue is at least level (or, when it falls, at most). */
static int64_t find_threshold(const struct real_epilogue *epilogue, uint32_t c, double level, bool falling) {
    int64_t low = epilogue->deferred->sum_low[c], high = epilogue->deferred->sum_high[c] + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        double x = real_epilogue_value(epilogue, c, middle);
        if (falling ? x < level : x >= level)
            high = middle;
        else
            low = middle + 1;
    }
    return falling ? low - 1 : low;
}

/* The values of the smallest and the largest sum of a channel. */
static double value_at_lowest(const struct real_epilogue *epilogue, uint32_t c) {
    return real_epilogue_value(epilogue, c, epilogue->deferred->sum_low[c]);
}

static double value_at_highest(const struct real_epilogue *epilogue, uint32_t c) {
    return real_epilogue_value(epilogue, c, epilogue->deferred->sum_high[c]);
}

static void add_thresholds(const struct real_node *n, const struct real_epilogue *epilogue, struct real_encoding *encoding) {
    const struct real_deferred *deferred = epilogue->deferred;
    struct qm_requant *requant = &encoding->requant;
    uint32_t levels = (uint32_t)(requant->high - requant->low);
    int64_t *thresholds = QM_ARENA_NEW(n->r->arena, int64_t, (size_t)levels * deferred->channels + 1);
    bool *falling = QM_ARENA_NEW(n->r->arena, bool, deferred->channels);
    for (uint32_t c = 0; c < deferred->channels; c++) {
        falling[c] = value_at_lowest(epilogue, c) > value_at_highest(epilogue, c);
        for (uint32_t i = 0; i < levels; i++) {
            double level = (double)(requant->low - encoding->zero + 1 + i);
            thresholds[(size_t)c * levels + i] = find_threshold(epilogue, c, level, falling[c]);
        }
    }
    requant->channels = deferred->channels;
    requant->thresholds = thresholds;
    requant->falling = falling;
    requant->sum_low = deferred->sum_low;
    requant->sum_high = deferred->sum_high;
}

/* The smallest and largest value of all channels, at the ends of their sums, of an epilogue that is monotone. */
void real_epilogue_range(const struct real_epilogue *epilogue, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (uint32_t c = 0; c < epilogue->deferred->channels; c++) {
        double a = value_at_lowest(epilogue, c), b = value_at_highest(epilogue, c);
        *low = fmin(*low, fmin(a, b));
        *high = fmax(*high, fmax(a, b));
    }
}

bool real_materialize_thresholds(const struct real_node *n, const struct real_deferred *source, double scale, struct real_value *value) {
    struct real_deferred deferred = real_deferred_copy(n, source);
    struct real_epilogue epilogue;
    double low, high;
    if (deferred.sum_scale == NULL) return real_refuse(n, "needs the integers of %.60s, whose operands have different scales", value->name);
    if (!real_epilogue_open(n, &deferred, &epilogue)) return false;
    real_epilogue_range(&epilogue, &low, &high);
    if (n->r->options->saturate && high - low >= LEVELS_MAX) {
        low = fmax(low, low < 0 ? INT8_MIN : 0);
        high = fmin(high, low + LEVELS_MAX - 1);
    }
    if (!(low >= INT32_MIN && high <= INT32_MAX && high - low < LEVELS_MAX))
        return real_refuse(n, "needs the integers of %.60s, which are %g to %g, more than 8 bits (--saturate cuts them)", value->name, low,
                           high);
    struct real_encoding encoding = {.dtype = low >= 0 && high <= UINT8_MAX ? QM_U8 : QM_I8, .scale = scale};
    if (encoding.dtype == QM_I8 && !real_zero_point(low, high, &encoding.zero))
        return real_refuse(n, "has integers %g to %g, too far from 0", low, high);
    encoding.requant.low = (int32_t)((int64_t)low + encoding.zero);
    encoding.requant.high = (int32_t)((int64_t)high + encoding.zero);
    if (deferred.op.kind == QM_OP_QUANTIZE) real_quantize_by_weights(n, &deferred);
    add_thresholds(n, &epilogue, &encoding);
    return real_emit(n, &deferred, &encoding, value);
}
