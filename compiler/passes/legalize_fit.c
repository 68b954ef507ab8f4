/* legalize_fit.c - multipliers that give the very numbers that another arithmetic gives.
 *
 * XNNPACK multiplies a sum by a float32 and rounds the float32 product half to even. That product has 24 bits and not all: near the middle
 * between two numbers it can fall onto the middle itself, and then to the even side. The machine's product is exact. But its multiplier
 * has 31 bits where a float32 has 24, and rounding OFFSET has a bias of fractions of a step, too. Numbers change at few sums. What is right
 * at each of them and at the sum before it is right for all: a line between two rows of points.
 */
#include <math.h>

#include "common/fixed_point.h"
#include "compiler/passes/legalize_site.h"

enum { NUMBERS_MAX = 256, SLOPES = 40, OFFSET_TOTAL_MAX = QM_OFFSET_BITS + QM_OFFSET_RAISE_MAX };

/* The sums at which numbers change: from sum[i] on it is number[i], and not with the sum before. */
struct changes {
    int32_t count, number[NUMBERS_MAX];
    int64_t sum[NUMBERS_MAX];
};

static int64_t into_range(const struct meant *m, double sum) {
    return (int64_t)fmin(fmax(sum, (double)m->sum_low), (double)m->sum_high + 1);
}

/* The smallest sum with at least this number; sum_high + 1: there is none. */
static int64_t first_sum(const struct meant *m, int32_t number) {
    double guess = floor((number - m->zero - 0.5) / (double)m->scale), reach = 4 + fabs(guess) * 0x1p-20;
    int64_t low = into_range(m, guess - reach), high = into_range(m, guess + reach); /* what is sought is from low on, up to high */
    if (low > m->sum_low && m->number(m, (int32_t)low - 1) >= number) low = m->sum_low;
    if (high <= m->sum_high && m->number(m, (int32_t)high) < number) high = m->sum_high + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (m->number(m, (int32_t)middle) >= number)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void find_changes(const struct meant *m, struct changes *changes) {
    changes->count = 0;
    for (int32_t number = m->low + 1; number <= m->high; number++) {
        int64_t first = first_sum(m, number);
        if (first <= m->sum_low || first > m->sum_high) continue;
        changes->number[changes->count] = number - m->zero;
        changes->sum[changes->count++] = first;
    }
}

/* ---- lines ---- */

/* A multiplier, and the bias of rounding OFFSET. */
struct fit {
    struct qm_multiplier scale;
    uint32_t rounding;
    int32_t bias;
};

/* At how many sums there is another number; before: what is added to a machine's sum to become one of `changes`. */
static uint32_t misses_of(const struct changes *changes, const struct fit *fit, int64_t before) {
    uint32_t misses = 0;
    for (int32_t i = 0; i < changes->count; i++)
        for (int32_t back = 0; back < 2; back++) {
            int64_t sum = changes->sum[i] - back - before;
            if (sum < INT32_MIN || sum > INT32_MAX) return SITE_NO_FIT;
            int32_t got = qm_scale_biased((int32_t)sum, fit->bias, fit->scale.value, fit->scale.shift, fit->rounding);
            misses += (got >= changes->number[i]) != (back == 0);
        }
    return misses;
}

/* How far a line of this slope through the zero can be moved upwards: at least, and at most. */
struct room {
    double least, most;
};

static struct room room_of(const struct changes *changes, double slope) {
    struct room room = {-INFINITY, INFINITY};
    for (int32_t i = 0; i < changes->count; i++) {
        double middle = changes->number[i] - 0.5 - slope * (double)changes->sum[i];
        room.least = fmax(room.least, middle);
        room.most = fmin(room.most, middle + slope);
    }
    return room;
}

static double width(struct room room) {
    return room.most - room.least;
}

/* The slope with the most room, which falls to both sides of it; that of the factor, if that has some. */
static double best_slope(const struct changes *changes, double factor) {
    double low = factor * (1 - 0x1p-20), high = factor * (1 + 0x1p-20);
    if (width(room_of(changes, factor)) > ldexp(4, -QM_OFFSET_BITS)) return factor;
    for (int i = 0; i < SLOPES; i++) {
        double left = low + (high - low) / 3, right = high - (high - low) / 3;
        if (width(room_of(changes, left)) < width(room_of(changes, right)))
            low = left;
        else
            high = right;
    }
    return (low + high) / 2;
}

/* The middle of the slopes that are right without a bias; 0: none is. */
static double slope_through_zero(const struct changes *changes) {
    double low = 0, high = INFINITY;
    for (int32_t i = 0; i < changes->count; i++) {
        int64_t sum = changes->sum[i];
        double middle = changes->number[i] - 0.5, at = middle / (double)sum, before = middle / (double)(sum - 1);
        if (sum == 0 || sum == 1) continue; /* any slope will do for one of the two */
        low = fmax(low, sum > 0 ? at : before);
        high = fmin(high, sum > 0 ? before : at);
    }
    return low < high ? (low + high) / 2 : 0;
}

static bool is_usable(float scale) {
    return isfinite(scale) && scale > 0;
}

uint32_t site_fit(const struct meant *m, struct qm_multiplier *scale) {
    struct changes changes;
    *scale = (struct qm_multiplier){0, 0};
    if (!is_usable(m->scale)) return SITE_NO_FIT;
    struct fit fit = {qm_multiplier_from_real((double)m->scale), QM_rounding_EVEN, 0};
    find_changes(m, &changes);
    uint32_t misses = misses_of(&changes, &fit, 0);
    double slope = misses > 0 ? slope_through_zero(&changes) : 0;
    *scale = fit.scale;
    if (slope == 0 || !isfinite(slope)) return misses;
    fit.scale = qm_multiplier_from_real(slope);
    uint32_t other = misses_of(&changes, &fit, 0);
    if (other < misses) *scale = fit.scale;
    return other < misses ? other : misses;
}

/* The multiplier of a slope, and a bias that moves the line by so many steps. */
static struct fit moved(double slope, double steps, int32_t before) {
    struct fit fit = {qm_multiplier_from_real(slope), QM_rounding_OFFSET, 0};
    double units = nearbyint(ldexp(steps + ldexp((double)fit.scale.value, fit.scale.shift - 31) * before, QM_OFFSET_BITS));
    int32_t total = 31 - fit.scale.shift;
    bool fits = total >= QM_OFFSET_BITS && total <= OFFSET_TOTAL_MAX && fabs(units) < 0x1p31;
    if (fits)
        fit.bias = (int32_t)units;
    else
        fit.scale.value = 0;
    return fit;
}

uint32_t site_fit_offset(const struct meant *m, int32_t before, struct qm_multiplier *scale, int32_t *bias) {
    struct changes changes;
    if (!is_usable(m->scale)) return SITE_NO_FIT;
    find_changes(m, &changes);
    double slope = best_slope(&changes, (double)m->scale);
    struct room room = room_of(&changes, slope);
    double steps = changes.count > 0 ? (room.least + room.most) / 2 : 0;
    const struct fit fits[] = {moved(slope, steps, before), moved((double)m->scale, 0, before)};
    uint32_t best = SITE_NO_FIT;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        uint32_t misses = fits[i].scale.value != 0 ? misses_of(&changes, &fits[i], before) : SITE_NO_FIT;
        if (misses >= best) continue;
        best = misses;
        *scale = fits[i].scale;
        *bias = fits[i].bias;
    }
    return best;
}
