/* histogram.h - how often which real numbers occur, gathered from a stream whose range is not known before.
 *
 * Bins are as wide as a power of two and begin at multiples of it. When a number falls outside, the width doubles and two neighbours become
 * one, so that the result does not depend on the order of the numbers. Exact zeros, of which ReLU makes many, are counted apart.
 */
#ifndef QM_QUANTIZE_HISTOGRAM_H
#define QM_QUANTIZE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

enum { QM_HISTOGRAM_BINS = 8192 };

struct qm_histogram {
    int exponent;                     /* of the width of a bin, 2^exponent */
    double low, high;                 /* smallest and largest number; 0 and 0 when there is none */
    uint64_t count;                   /* of finite numbers */
    uint64_t zeros;                   /* those of them that are 0, which are in no bin */
    uint64_t not_finite;              /* NaN and infinite ones, which are left out */
    uint64_t bins[QM_HISTOGRAM_BINS]; /* bin b begins at (b - QM_HISTOGRAM_BINS / 2) * 2^exponent */
};

void qm_histogram_init(struct qm_histogram *histogram);
void qm_histogram_add(struct qm_histogram *histogram, size_t count, const float *numbers);

/* Numbers in rising order, and how often each occurs. */
struct qm_points {
    size_t count;
    const double *values;  /* [count] */
    const uint64_t *times; /* [count] 1 or more */
};

/* The middles of the bins that are not empty, cut to the smallest and the largest number; zeros stand among them as 0. */
struct qm_points qm_histogram_points(const struct qm_histogram *histogram, struct qm_arena *arena);

#endif
