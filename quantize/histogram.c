/* histogram.c - see histogram.h. */
#include "quantize/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HALF = QM_HISTOGRAM_BINS / 2, HALF_BITS = 12, EXPONENT_MIN = -160 };
_Static_assert(1 << HALF_BITS == HALF, "half of the bins are a power of two");

void qm_histogram_init(struct qm_histogram *histogram) {
    memset(histogram, 0, sizeof *histogram);
    histogram->exponent = EXPONENT_MIN;
}

/* Makes bins 2^shift times as wide. */
static void widen(struct qm_histogram *histogram, int shift) {
    uint64_t wider[QM_HISTOGRAM_BINS] = {0};
    int64_t width = shift < HALF_BITS ? INT64_C(1) << shift : QM_HISTOGRAM_BINS;
    for (int64_t b = 0; b < QM_HISTOGRAM_BINS; b++)
        wider[HALF + (b >= HALF ? (b - HALF) / width : (b - HALF + 1) / width - 1)] += histogram->bins[b];
    memcpy(histogram->bins, wider, sizeof wider);
    histogram->exponent += shift;
}

static void add(struct qm_histogram *histogram, double x) {
    int exponent;
    (void)frexp(x, &exponent); /* |x| < 2^exponent */
    if (exponent - HALF_BITS > histogram->exponent) widen(histogram, exponent - HALF_BITS - histogram->exponent);
    histogram->bins[HALF + (int64_t)floor(ldexp(x, -histogram->exponent))]++;
}

void qm_histogram_add(struct qm_histogram *histogram, size_t count, const float *numbers) {
    for (size_t i = 0; i < count; i++) {
        double x = (double)numbers[i];
        if (!isfinite(x)) {
            histogram->not_finite++;
            continue;
        }
        histogram->low = histogram->count == 0 ? x : fmin(histogram->low, x);
        histogram->high = histogram->count == 0 ? x : fmax(histogram->high, x);
        histogram->count++;
        if (x == 0)
            histogram->zeros++;
        else
            add(histogram, x);
    }
}

struct qm_points qm_histogram_points(const struct qm_histogram *histogram, struct qm_arena *arena) {
    double *values = QM_ARENA_NEW(arena, double, QM_HISTOGRAM_BINS + 1);
    uint64_t *times = QM_ARENA_NEW(arena, uint64_t, QM_HISTOGRAM_BINS + 1);
    struct qm_points points = {.values = values, .times = times};
    for (int b = 0; b < QM_HISTOGRAM_BINS; b++) {
        if (b == HALF && histogram->zeros > 0) times[points.count++] = histogram->zeros;
        if (histogram->bins[b] == 0) continue;
        double middle = ldexp(b - HALF + 0.5, histogram->exponent);
        values[points.count] = fmin(fmax(middle, histogram->low), histogram->high);
        times[points.count++] = histogram->bins[b];
    }
    return points;
}
