/* histogram.c - numbers counted in bins, whatever their order and size. */
#include "quantize/histogram.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "common/memory.h"
#include "tests/support/drawn.h"

TestSuite(histogram);

static struct qm_histogram *of(size_t count, const float *numbers) {
    struct qm_histogram *histogram = qm_alloc(sizeof *histogram);
    qm_histogram_init(histogram);
    qm_histogram_add(histogram, count, numbers);
    return histogram;
}

Test(histogram, counts_what_is_finite_and_what_is_not) {
    static const float numbers[] = {1, 0, -3, NAN, 0, INFINITY, 2, -0.0F, -INFINITY};
    struct qm_histogram *histogram = of(9, numbers);
    cr_assert(eq(u64, histogram->count, 6));
    cr_assert(eq(u64, histogram->zeros, 3));
    cr_assert(eq(u64, histogram->not_finite, 3));
    cr_assert(eq(dbl, histogram->low, -3));
    cr_assert(eq(dbl, histogram->high, 2));
    free(histogram);
}

Test(histogram, does_not_depend_on_the_order) {
    enum { COUNT = 3000 };
    float numbers[COUNT], turned[COUNT];
    struct qm_prng prng;
    qm_prng_init(&prng, 7);
    for (int i = 0; i < COUNT; i++) turned[COUNT - 1 - i] = numbers[i] = (float)(drawn_normal(&prng) * exp2(i % 40 - 30));
    struct qm_histogram *there = of(COUNT, numbers), *back = of(COUNT, turned);
    cr_assert(eq(int, memcmp(there, back, sizeof *there), 0));
    free(there);
    free(back);
}

/* Each number is in the bin of its definition, and there are at least 2^11 bins on the side of the largest. */
Test(histogram, puts_each_number_into_its_bin) {
    enum { COUNT = 2000 };
    float numbers[COUNT];
    struct qm_prng prng;
    qm_prng_init(&prng, 8);
    for (int i = 0; i < COUNT; i++) numbers[i] = (float)(drawn_normal(&prng) * 0.37);
    struct qm_histogram *histogram = of(COUNT, numbers);
    double width = exp2(histogram->exponent);
    uint64_t bins[QM_HISTOGRAM_BINS] = {0};
    for (int i = 0; i < COUNT; i++) bins[QM_HISTOGRAM_BINS / 2 + (int)floor((double)numbers[i] / width)]++;
    cr_assert(eq(int, memcmp(histogram->bins, bins, sizeof bins), 0));
    cr_assert(ge(dbl, fmax(-histogram->low, histogram->high), 2048 * width));
    cr_assert(lt(dbl, fmax(-histogram->low, histogram->high), 4096 * width));
    free(histogram);
}

Test(histogram, gives_points_in_rising_order) {
    static const float numbers[] = {4, 0, -1, 4, 0, 4.0001F, 1e-30F};
    struct qm_arena *arena = qm_arena_create();
    struct qm_histogram *histogram = of(7, numbers);
    struct qm_points points = qm_histogram_points(histogram, arena);
    double half = exp2(histogram->exponent) / 2;
    cr_assert(eq(sz, points.count, 4));
    cr_assert(epsilon_eq(dbl, points.values[0], -1, half));
    cr_assert(eq(dbl, points.values[1], 0));
    cr_assert(eq(u64, points.times[1], 2));
    cr_assert(epsilon_eq(dbl, points.values[2], 0, half));
    cr_assert(eq(dbl, points.values[3], 4.0001F)); /* the middle lies above */
    cr_assert(eq(u64, points.times[3], 3));
    free(histogram);
    qm_arena_destroy(arena);
}

Test(histogram, holds_the_largest_and_the_smallest_floats) {
    static const float numbers[] = {0x1p-149F, -0x1p-149F, 3.4e38F, -3.4e38F};
    struct qm_arena *arena = qm_arena_create();
    struct qm_histogram *histogram = of(4, numbers);
    struct qm_points points = qm_histogram_points(histogram, arena);
    cr_assert(eq(sz, points.count, 4));
    cr_assert(epsilon_eq(dbl, points.values[0], -3.4e38F, exp2(histogram->exponent)));
    free(histogram);
    qm_arena_destroy(arena);
}
