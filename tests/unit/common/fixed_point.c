/* fixed_point.c - scaling against a 128-bit oracle and against corners worked out by hand. */
#include "common/fixed_point.h"

#include <criterion/criterion.h>

#include "common/prng.h"
#include "tests/support/naive.h"

TestSuite(fixed_point);

static const int32_t corners[] = {0,
                                  1,
                                  -1,
                                  2,
                                  -2,
                                  3,
                                  -3,
                                  5,
                                  1 << 15,
                                  -(1 << 15),
                                  (1 << 16) + 1,
                                  1 << 29,
                                  1 << 30,
                                  (1 << 30) + 1,
                                  -(1 << 30),
                                  INT32_MAX - 1,
                                  INT32_MAX,
                                  INT32_MIN,
                                  INT32_MIN + 1,
                                  0x55555555,
                                  -0x55555555,
                                  1234567891};
enum { CORNERS = sizeof corners / sizeof *corners, ROUNDINGS = 5 };

static void check(int32_t x, int32_t multiplier, int shift) {
    for (uint32_t rounding = 0; rounding < ROUNDINGS; rounding++) {
        int32_t got = qm_scale(x, multiplier, shift, rounding), want = naive_scale(x, multiplier, shift, rounding);
        cr_assert_eq(got, want, "scale(%d, %d, %d, rounding %u) is %d, not %d", x, multiplier, shift, rounding, got, want);
    }
    for (int i = 0; i < CORNERS; i += 5) {
        int32_t got = qm_scale_addend(x, multiplier, shift, corners[i]), want = naive_scale_addend(x, multiplier, shift, corners[i]);
        cr_assert_eq(got, want, "scale(%d, %d, %d) with addend %d is %d, not %d", x, multiplier, shift, corners[i], got, want);
        got = qm_scale_offset(x, multiplier, shift, corners[i]), want = naive_scale_offset(x, multiplier, shift, corners[i]);
        cr_assert_eq(got, want, "scale(%d, %d, %d) with offset %d is %d, not %d", x, multiplier, shift, corners[i], got, want);
    }
}

Test(fixed_point, every_rounding_agrees_with_the_oracle_at_the_corners) {
    for (int shift = -128; shift <= 127; shift++)
        for (int i = 0; i < CORNERS; i++)
            for (int j = 0; j < CORNERS; j++) check(corners[i], corners[j], shift);
}

/* Products with few bits above the rounding place meet exact halves often. */
Test(fixed_point, every_rounding_agrees_with_the_oracle_on_random_operands) {
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = qm_prng_next(&prng);
        int32_t x = (int32_t)(uint32_t)qm_prng_next(&prng) >> (bits & 31), multiplier = (int32_t)(uint32_t)(bits >> 32) >> (bits >> 5 & 31);
        check(x, multiplier, (int)(bits >> 10 & 63) - 32);
        check(x, (int32_t)(1u << (bits >> 5 & 31)), (int)(bits >> 10 & 63) - 32);
    }
}

struct worked {
    int32_t x, multiplier, shift;
    int32_t want[ROUNDINGS]; /* tflite, single, even, floor, away */
};

static const struct worked by_hand[] = {
    /* x * 2^30 * 2^(shift-31) = x / 2^(1-shift) */
    {3, 1 << 30, 0, {2, 2, 2, 1, 2}},         /*  1.5 */
    {-3, 1 << 30, 0, {-1, -1, -2, -2, -2}},   /* -1.5: the doubling high multiply takes ties up */
    {1, 1 << 30, 0, {1, 1, 0, 0, 1}},         /*  0.5 */
    {-1, 1 << 30, 0, {0, 0, 0, -1, -1}},      /* -0.5 */
    {10, 1 << 30, -1, {3, 3, 2, 2, 3}},       /*  2.5 */
    {-10, 1 << 30, -1, {-3, -2, -2, -3, -3}}, /* -2.5: exact 5, then the shift rounds away */
    {5, 1 << 30, -1, {2, 1, 1, 1, 1}},        /*  1.25: 2.5 becomes 3, 1.5 becomes 2: two roundings */
    {7, 1 << 30, 1, {7, 7, 7, 7, 7}},         /*  7 */
    {INT32_MIN, INT32_MIN, 0, {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}}, /* 2^31 */
    {INT32_MIN, INT32_MIN, -31, {1, 1, 1, 1, 1}},                                       /*  1; twice: (2^31 - 1) / 2^31 rounds to 1 */
    {1 << 30, 1 << 30, 2, {0, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}},             /* 2^31: x << 2 wraps to 0 before the multiply */
    {1 << 30, 1 << 30, 1, {-(1 << 30), 1 << 30, 1 << 30, 1 << 30, 1 << 30}},            /* x << 1 wraps to -2^31 */
    {-5, 3, 31, {-3, -15, -15, -15, -15}}, /* total 0: nothing is rounded; twice: x << 31 wraps to -2^31 */
};

Test(fixed_point, worked_examples) {
    for (size_t i = 0; i < sizeof by_hand / sizeof *by_hand; i++)
        for (uint32_t rounding = 0; rounding < ROUNDINGS; rounding++) {
            const struct worked *worked = &by_hand[i];
            int32_t want = worked->want[rounding];
            int32_t got = qm_scale(worked->x, worked->multiplier, worked->shift, rounding);
            cr_assert_eq(got, want, "example %zu, rounding %u: %d, not %d", i, rounding, got, want);
        }
}

/* The bias counts parts of a step, 2^21 to one for a total (31 - shift) of 21 to 52. */
Test(fixed_point, worked_examples_of_offset) {
    static const struct {
        int32_t x, multiplier, shift, bias, want;
    } offsets[] = {
        {5, 1 << 30, 0, 0, 2},                           /*  2.5: half to even */
        {5, 1 << 30, 0, 1, 3},                           /*  just above */
        {7, 1 << 30, 0, -1, 3},                          /*  just below 3.5 */
        {5, 1 << 30, 0, 1 << 20, 3},                     /*  2.5 + 0.5 */
        {-5, 1 << 30, 0, -(1 << 20), -3},                /* -2.5 - 0.5 */
        {0, 1, 0, INT32_MAX, 1024},                      /*  1024 - 2^-21 */
        {0, 1, 0, INT32_MIN, -1024},                     /* -1024 */
        {3, 1, 10, 1 << 20, 1},                          /*  total 21: 0.5 + 3 2^-21 */
        {0, 1, 11, 1 << 20, 1},                          /*  total 20, units of 2^-20 */
        {0, 1, 31, 1 << 20, 1 << 20},                    /*  total 0: steps */
        {0, 1, -21, 3 << 20, 2},                         /*  total 52: 1.5 */
        {0, 1, -22, 3 << 20, 1},                         /*  total 53, units of 2^-22: 0.75 */
        {INT32_MIN, INT32_MIN, -31, INT32_MAX, 2},       /*  1 and nearly 1: 2^63 - 2^31 of 2^62 */
        {INT32_MIN, INT32_MAX, -31, INT32_MIN, -2},      /*  nearly -1 and -1 */
        {INT32_MAX, INT32_MAX, 0, INT32_MAX, INT32_MAX}, /*  saturates by its bias alone */
        {INT32_MIN, INT32_MAX, 0, INT32_MIN, INT32_MIN}, /*  the same below */
    };
    for (size_t i = 0; i < sizeof offsets / sizeof *offsets; i++) {
        int32_t got = qm_scale_offset(offsets[i].x, offsets[i].multiplier, offsets[i].shift, offsets[i].bias);
        cr_assert_eq(got, offsets[i].want, "example %zu: %d, not %d", i, got, offsets[i].want);
    }
}

Test(fixed_point, output_adds_the_zero_point_then_clamps_and_the_maximum_wins) {
    cr_assert_eq(qm_output8(100, 27, -128, 127), 127);
    cr_assert_eq(qm_output8(100, 28, -128, 127), 127);
    cr_assert_eq(qm_output8(-200, 0, -128, 127), 0x80);
    cr_assert_eq(qm_output8(INT32_MAX, 32767, -128, 127), 127);
    cr_assert_eq(qm_output8(INT32_MIN, -32768, -128, 127), 0x80);
    cr_assert_eq(qm_output8(200, 0, 0, 255), 200);
    cr_assert_eq(qm_output8(5, 0, 10, -3), (uint8_t)-3);
    cr_assert_eq(qm_output8(300, 0, -32768, 32767), 300 - 256);
}

Test(fixed_point, narrowing_wraps_or_saturates) {
    cr_assert_eq(qm_wrap32((int64_t)INT32_MAX + 1), INT32_MIN);
    cr_assert_eq(qm_wrap32((int64_t)INT32_MIN - 1), INT32_MAX);
    cr_assert_eq(qm_saturate_i32((int64_t)INT32_MAX + 1), INT32_MAX);
    cr_assert_eq(qm_saturate_i32((int64_t)INT32_MIN - 1), INT32_MIN);
    cr_assert_eq(qm_saturate_i32(-7), -7);
}
