/* legalize_thresholds.c - the multiplier m, shift T and addend a with which the machine gives exactly the integers that thresholds say.
 *
 * The integer of a sum is the number of its channel's thresholds t[1] <= t[2] <= ... that the sum has reached. The machine computes
 * (sum * m + a) >> T. So that must be at least i when the sum is t[i], and less than i when the sum is t[i] - 1:
 *   t[i] * m + a >= i * 2^T   and   (t[i] - 1) * m + a < i * 2^T
 * One inequality of each kind, subtracted, bounds the slope m / 2^T by a fraction without a. Of each T, from 0 on, the smallest m between
 * all bounds is tried; the first for which some a fulfils all inequalities is taken. When the integers fall as the sum grows, m, a and T
 * are those of the negated sums, and m is negated. What has no answer is refused, so that what runs is exact.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/fixed_point.h"
#include "compiler/passes/legalize_site.h"

enum { TOTAL_MAX = 62, PLAIN_SUMS_MAX = 1 << 20 };

/* A fraction with a denominator above 0; 1/0 is infinite. */
struct fraction {
    int64_t above, below;
};

static bool less(struct fraction a, struct fraction b) {
    return (__int128)a.above * b.below < (__int128)b.above * a.below;
}

/* One channel: thresholds of sums between low and high. Those that no sum crosses bound nothing. */
struct channel_thresholds {
    uint32_t count;
    const int64_t *thresholds; /* [count], rising or all equal */
    int64_t low, high;
    int64_t level; /* of the first threshold */
};

/* The smallest sum that reaches threshold i, and below the largest that does not; false: there is no such sum. */
static bool reached_at(const struct channel_thresholds *s, uint32_t i, int64_t *sum) {
    *sum = s->thresholds[i] < s->low ? s->low : s->thresholds[i];
    return s->thresholds[i] <= s->high;
}

static bool missed_at(const struct channel_thresholds *s, uint32_t i, int64_t *sum) {
    *sum = s->thresholds[i] - 1 > s->high ? s->high : s->thresholds[i] - 1;
    return s->thresholds[i] > s->low;
}

/* Two conditions, x * m + a >= (level + i) * 2^T and y * m + a < (level + j) * 2^T, give (y - x) * m < (j - i) * 2^T: with run = y - x and
 * rise = j - i a bound of the slope, from above or from below. False when no slope fulfils it. */
static bool bound_slope(int64_t run, int64_t rise, struct fraction *low, struct fraction *high) {
    if (run == 0) return rise > 0;
    struct fraction bound = run > 0 ? (struct fraction){rise, run} : (struct fraction){-rise, -run};
    if (run > 0 && less(bound, *high)) *high = bound;
    if (run < 0 && less(*low, bound)) *low = bound;
    return true;
}

/* The bounds between which m / 2^T must lie; neither is allowed itself. */
static bool find_bounds(const struct channel_thresholds *s, struct fraction *low, struct fraction *high) {
    *low = (struct fraction){-1, INT32_MAX};
    *high = (struct fraction){1, 0};
    for (uint32_t i = 0; i < s->count; i++) {
        int64_t x, y;
        if (!reached_at(s, i, &x)) continue;
        for (uint32_t j = 0; j < s->count; j++)
            if (missed_at(s, j, &y) && !bound_slope(y - x, (int64_t)j - (int64_t)i, low, high)) return false;
    }
    return less(*low, *high);
}

static int64_t floor_div(__int128 a, int64_t b) {
    __int128 q = a / b;
    return (int64_t)(q - (a % b != 0 && a < 0));
}

/* The addends that fit a multiplier; smallest <= a <= largest. */
static bool find_addend(const struct channel_thresholds *s, int64_t multiplier, uint32_t total, int32_t *addend) {
    __int128 smallest = INT32_MIN, largest = INT32_MAX;
    for (uint32_t i = 0; i < s->count; i++) {
        int64_t sum;
        __int128 level = (__int128)(s->level + i) << total;
        if (reached_at(s, i, &sum) && level - (__int128)sum * multiplier > smallest) smallest = level - (__int128)sum * multiplier;
        if (missed_at(s, i, &sum) && level - (__int128)sum * multiplier - 1 < largest) largest = level - (__int128)sum * multiplier - 1;
    }
    if (smallest > largest) return false;
    *addend = smallest > 0 ? (int32_t)smallest : largest < 0 ? (int32_t)largest : 0;
    return true;
}

static bool fit(const struct channel_thresholds *s, struct qm_multiplier *scale, int32_t *addend) {
    struct fraction low, high;
    if (!find_bounds(s, &low, &high)) return false;
    for (uint32_t total = 0; total <= TOTAL_MAX; total++) {
        __int128 unit = (__int128)1 << total;
        int64_t multiplier = floor_div(low.above * unit, low.below) + 1;
        if (multiplier > INT32_MAX) return false;
        if (high.below != 0 && (__int128)multiplier * high.below >= high.above * unit) continue;
        if (!find_addend(s, multiplier, total, addend)) continue;
        *scale = (struct qm_multiplier){.value = (int32_t)multiplier, .shift = 31 - (int32_t)total};
        return true;
    }
    return false;
}

/* ---- the nearest, where there is no answer ---- */

/* The addend with which the sums half way to the thresholds are off their levels by the same at most above and below. */
static double middle_addend(const struct channel_thresholds *s, double multiplier, uint32_t total) {
    double lowest = INFINITY, highest = -INFINITY;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->thresholds[i] <= s->low || s->thresholds[i] > s->high) continue;
        double addend = ldexp((double)(s->level + i), (int)total) - ((double)s->thresholds[i] - 0.5) * multiplier;
        lowest = fmin(lowest, addend);
        highest = fmax(highest, addend);
    }
    return nearbyint((lowest + highest) / 2);
}

/* The slope of the outermost thresholds that sums cross, with as many bits as leave room for the addend. */
static void take_nearest(const struct channel_thresholds *s, struct qm_multiplier *scale, int32_t *addend) {
    uint32_t first = 0, last = s->count - 1;
    while (first < last && s->thresholds[first] <= s->low) first++;
    while (last > first && s->thresholds[last] > s->high) last--;
    double run = fmax((double)(s->thresholds[last] - s->thresholds[first]), 1), slope = fmax(last - first, 1) / run, multiplier, middle;
    uint32_t total = TOTAL_MAX + 1;
    do {
        total--;
        multiplier = nearbyint(ldexp(slope, (int)total));
        middle = middle_addend(s, multiplier, total);
    } while (total > 0 && (multiplier > INT32_MAX || fabs(middle) > INT32_MAX));
    *scale = (struct qm_multiplier){.value = (int32_t)multiplier, .shift = 31 - (int32_t)total};
    *addend = (int32_t)fmin(fmax(middle, -INT32_MAX), INT32_MAX);
}

/* ---- channels ---- */

/* The thresholds of a channel over the machine's sums, which are the file's sums plus offset; thresholds [count] is memory for them. */
static struct channel_thresholds shifted_thresholds(const struct qm_requant *requant, uint32_t c, int64_t offset, int64_t *thresholds) {
    uint32_t count = (uint32_t)(requant->high - requant->low);
    int64_t low = requant->sum_low[c] + offset, high = requant->sum_high[c] + offset;
    bool falling = requant->falling[c];
    for (uint32_t i = 0; i < count; i++) {
        int64_t threshold = requant->thresholds[(size_t)c * count + i] + offset;
        thresholds[i] = falling ? -threshold : threshold;
    }
    return (struct channel_thresholds){count, thresholds, falling ? -high : low, falling ? -low : high, 1};
}

enum qm_status site_fit_thresholds(const struct site *s, struct qm_layer *layer, uint32_t channels, const int64_t *offsets) {
    const struct qm_requant *requant = s->op->requant;
    struct qm_multiplier *scales = QM_ARENA_NEW(s->l->arena, struct qm_multiplier, channels);
    int32_t *addends = QM_ARENA_NEW(s->l->arena, int32_t, channels);
    int64_t *thresholds = QM_ARENA_NEW(s->l->arena, int64_t, requant->high - requant->low + 1);
    for (uint32_t c = 0; c < channels; c++) {
        struct channel_thresholds shifted = shifted_thresholds(requant, c, offsets[c], thresholds);
        if (!fit(&shifted, &scales[c], &addends[c])) {
            QM_TRY(site_inexact(s, layer, "channel %u: no multiplier, shift and addend give its integers exactly", c));
            take_nearest(&shifted, &scales[c], &addends[c]);
        }
        if (requant->falling[c]) scales[c].value = -scales[c].value;
    }
    layer->scales = scales;
    layer->bias = addends;
    layer->rounding = QM_rounding_ADDEND;
    layer->out_zero = requant->low;
    return QM_OK;
}

/* ---- sums without an addend: of two tensors, of a window ---- */

/* By how many steps all sums together are off; more than the limit: it is more than that. */
static uint64_t error_of(const struct qm_requant *requant, struct qm_multiplier scale, uint32_t rounding, uint64_t limit) {
    int32_t count = requant->high - requant->low;
    uint64_t error = 0;
    for (int64_t sum = requant->sum_low[0], level = 0; sum <= requant->sum_high[0] && error <= limit; sum++) {
        while (level < count && requant->thresholds[level] <= sum) level++;
        int32_t got = qm_output(qm_scale((int32_t)sum, scale.value, scale.shift, rounding), 0, requant->low, requant->high);
        error += (uint64_t)llabs(got - (requant->low + level));
    }
    return error;
}

/* The slope between the outermost thresholds is close to that of any answer; the multipliers around it are tried. */
static bool try_plain(const struct qm_requant *requant, double slope, uint32_t rounding, struct qm_multiplier *scale) {
    for (int32_t total = 0; total <= 40; total++) {
        double middle = ldexp(slope, total);
        if (middle > INT32_MAX - 8) return false;
        for (int32_t m = (int32_t)middle - 4; middle >= 1 && m <= (int32_t)middle + 4; m++) {
            *scale = (struct qm_multiplier){.value = m, .shift = 31 - total};
            if (m > 0 && error_of(requant, *scale, rounding, 0) == 0) return true;
        }
    }
    return false;
}

enum qm_status site_fit_plain(const struct site *s, struct qm_layer *layer) {
    const struct qm_requant *requant = s->op->requant;
    int32_t count = requant->high - requant->low;
    QM_TRY(site_check_override(s, "the file itself rounds its sums"));
    for (uint32_t c = 1; c < requant->channels; c++)
        if (memcmp(requant->thresholds, requant->thresholds + (size_t)c * (size_t)count, (size_t)count * sizeof *requant->thresholds) != 0)
            return site_refuse(s, "its channels become integers in different ways, which only products can");
    if (requant->falling[0] || requant->sum_high[0] - requant->sum_low[0] > PLAIN_SUMS_MAX)
        return site_refuse(s, "its sums fall or are too many");
    int64_t span = count > 1 ? requant->thresholds[count - 1] - requant->thresholds[0] : 0;
    double slope = span > 0 ? (double)(count - 1) / (double)span : 1;
    static const uint32_t roundings[] = {QM_rounding_FLOOR, QM_rounding_SINGLE};
    for (uint32_t i = 0; i < 2; i++) {
        layer->rounding = roundings[i];
        if (try_plain(requant, slope, roundings[i], &layer->out_scale)) return QM_OK;
    }
    layer->out_scale = qm_multiplier_from_real(slope);
    uint64_t floor_error = error_of(requant, layer->out_scale, QM_rounding_FLOOR, UINT64_MAX - 1);
    if (floor_error < error_of(requant, layer->out_scale, QM_rounding_SINGLE, floor_error)) layer->rounding = QM_rounding_FLOOR;
    return site_inexact(s, layer, "no multiplier and shift give its integers exactly");
}
