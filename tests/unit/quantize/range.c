/* range.c - ranges by worked numbers, and against trials of all that there are. */
#include "quantize/range.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/drawn.h"

TestSuite(range);

enum { COUNT = 4000 };

static const struct qm_format asymmetric = {4, false, false, false, false}, symmetric = {4, true, true, false, false};

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers as the points that they are. */
static struct qm_points points_of(size_t count, const float *numbers, struct qm_arena *arena) {
    double *values = QM_ARENA_NEW(arena, double, count);
    uint64_t *times = QM_ARENA_NEW(arena, uint64_t, count);
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)numbers[i];
        times[i] = 1;
    }
    qsort(values, count, sizeof *values, rising);
    return (struct qm_points){count, values, times};
}

/* Normal numbers, cut below by a ReLU or not, with a few far ones. */
static const float *drawn(bool relu, float far) {
    static float numbers[COUNT];
    struct qm_prng prng;
    qm_prng_init(&prng, 3);
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = (float)drawn_normal(&prng) * (i % 1000 == 0 ? far : 1);
        if (relu && numbers[i] < 0) numbers[i] = 0;
    }
    return numbers;
}

/* The mean squared error of numbers, naively. */
static double error_of(const float *numbers, const struct qm_format *format, struct qm_range range) {
    struct qm_encoding e = qm_encoding_of(format, range);
    double sum = 0;
    for (int i = 0; i < COUNT; i++) {
        double integer = fmin(fmax(nearbyint((double)numbers[i] / (double)e.scale) + e.zero, e.low), e.high);
        sum += pow((double)numbers[i] - (integer - e.zero) * (double)e.scale, 2);
    }
    return sum / COUNT;
}

Test(range, of_all_numbers) {
    static const float numbers[] = {3, -2, 7};
    struct qm_arena *arena = qm_arena_create();
    struct qm_points points = points_of(3, numbers, arena), none = {0};
    struct qm_range range = qm_range_min_max(&points), of_none = qm_range_min_max(&none);
    cr_assert(eq(dbl, range.low, -2));
    cr_assert(eq(dbl, range.high, 7));
    cr_assert(eq(dbl, of_none.high, 0));
    qm_arena_destroy(arena);
}

Test(range, leaves_out_a_share_on_either_side) {
    float numbers[200];
    struct qm_arena *arena = qm_arena_create();
    for (int i = 0; i < 200; i++) numbers[i] = (float)(199 - i);
    struct qm_points points = points_of(200, numbers, arena);
    struct qm_range all = qm_range_percentile(&points, 100), most = qm_range_percentile(&points, 99),
                    half = qm_range_percentile(&points, 50);
    cr_assert(eq(dbl, all.low, 0));
    cr_assert(eq(dbl, all.high, 199));
    cr_assert(eq(dbl, most.low, 1)); /* half a percent of 200 is one */
    cr_assert(eq(dbl, most.high, 198));
    cr_assert(eq(dbl, half.low, 50));
    cr_assert(eq(dbl, half.high, 149));
    qm_arena_destroy(arena);
}

Test(range, error_is_that_of_the_definition) {
    struct qm_arena *arena = qm_arena_create();
    const float *numbers = drawn(false, 5);
    struct qm_points points = points_of(COUNT, numbers, arena);
    struct qm_encoding encoding = qm_encoding_of(&asymmetric, (struct qm_range){-1, 2});
    double want = error_of(numbers, &asymmetric, (struct qm_range){-1, 2});
    cr_assert(epsilon_eq(dbl, qm_squared_error(&points, &encoding), want, want * 1e-5));
    qm_arena_destroy(arena);
}

/* No range on a grid of its own has an error that is much less, and the one of all numbers has a greater one. */
static void compare_error(bool relu, const struct qm_format *format) {
    struct qm_arena *arena = qm_arena_create();
    const float *numbers = drawn(relu, 5);
    struct qm_points points = points_of(COUNT, numbers, arena);
    struct qm_range full = qm_range_min_max(&points);
    double got = error_of(numbers, format, qm_range_squared_error(&points, format)), least = INFINITY;
    for (int low = 1; low <= 60; low++)
        for (int high = 1; high <= 60; high++) {
            struct qm_range tried = {full.low * low / 60, full.high * high / 60};
            if (format->is_symmetric) tried.low = -tried.high;
            least = fmin(least, error_of(numbers, format, tried));
        }
    cr_assert(le(dbl, got, least * 1.02));
    cr_assert(lt(dbl, got, error_of(numbers, format, full) * 0.8));
    qm_arena_destroy(arena);
}

Test(range, of_least_squared_error) {
    compare_error(false, &asymmetric);
    compare_error(true, &asymmetric);
    compare_error(false, &symmetric);
}

/* The divergence of a range by its definition, of numbers that all differ. */
static double divergence_of(const float *numbers, const struct qm_format *format, struct qm_range range) {
    struct qm_encoding e = qm_encoding_of(format, range);
    double in_level[256] = {0}, inside = 0, below = 0, above = 0, all = 0, sum = 0, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < COUNT; i++) {
        double x = (double)numbers[i];
        if (x == 0) continue;
        all++;
        if (x < range.low) below++;
        if (x > range.high) above++;
        if (x < range.low || x > range.high) continue;
        inside++;
        in_level[qm_quantize(&e, numbers[i]) - e.low]++;
        low = fmin(low, x);
        high = fmax(high, x);
    }
    for (int i = 0; i < COUNT; i++) {
        double x = (double)numbers[i], p = (1 + (x == low ? below : 0) + (x == high ? above : 0)) / all;
        if (x == 0 || x < range.low || x > range.high) continue;
        double here = in_level[qm_quantize(&e, numbers[i]) - e.low];
        sum += p * log(p / (here / here / inside));
    }
    return sum;
}

Test(range, of_least_divergence_among_hundredths) {
    struct qm_arena *arena = qm_arena_create();
    const float *numbers = drawn(true, 5);
    struct qm_points points = points_of(COUNT, numbers, arena);
    struct qm_range full = qm_range_min_max(&points), got = qm_range_divergence(&points, &asymmetric);
    double least = INFINITY;
    for (int step = 1; step <= 100; step++)
        least = fmin(least, divergence_of(numbers, &asymmetric, (struct qm_range){full.low, full.high * step / 100}));
    cr_assert(epsilon_eq(dbl, divergence_of(numbers, &asymmetric, got), least, 1e-9));
    qm_arena_destroy(arena);
}

/* In bins, numbers that are dense up to 1 and of which a few are far: the far ones are cut, and those within are not. */
Test(range, of_least_divergence_cuts_what_is_rare) {
    enum { MANY = 100000 };
    static float numbers[MANY];
    struct qm_arena *arena = qm_arena_create();
    struct qm_histogram *histogram = qm_arena_alloc(arena, sizeof *histogram);
    struct qm_prng prng;
    qm_prng_init(&prng, 5);
    for (int i = 0; i < MANY; i++) numbers[i] = i % 10000 == 0 ? (float)(5 + i / 10000) : (float)drawn_normal(&prng);
    qm_histogram_init(histogram);
    qm_histogram_add(histogram, MANY, numbers);
    struct qm_points points = qm_histogram_points(histogram, arena);
    struct qm_range got = qm_range_divergence(&points, &(struct qm_format){8, true, true, false, false});
    cr_assert(lt(dbl, got.high, 10));
    cr_assert(gt(dbl, got.high, 2));
    cr_assert(eq(dbl, got.low, -got.high));
    qm_arena_destroy(arena);
}

Test(range, of_normal_channels_behind_an_activation) {
    static const float means[] = {1, -2}, deviations[] = {0.5F, 1};
    struct qm_range none = {-INFINITY, INFINITY}, relu6 = {0, 6};
    struct qm_range open = qm_range_normal(2, means, deviations, 6, none), cut = qm_range_normal(2, means, deviations, 6, relu6);
    cr_assert(eq(dbl, open.low, -8));
    cr_assert(eq(dbl, open.high, 4));
    cr_assert(eq(dbl, cut.low, 0));
    cr_assert(eq(dbl, cut.high, 4));
}

Test(range, of_zeros_is_nothing) {
    static const float zeros[4];
    struct qm_arena *arena = qm_arena_create();
    struct qm_points points = points_of(4, zeros, arena);
    cr_assert(eq(dbl, qm_range_squared_error(&points, &asymmetric).high, 0));
    cr_assert(eq(dbl, qm_range_divergence(&points, &asymmetric).high, 0));
    cr_assert(eq(dbl, qm_range_percentile(&points, 99).high, 0));
    qm_arena_destroy(arena);
}
