/* naive.c - exact quotients of wide integers, rounded as the name of the rounding says. Slow on purpose. */
#include "tests/support/naive.h"

#include <stdbool.h>

typedef __int128 wide;

static wide power_of_two(int64_t exponent) {
    return (wide)1 << exponent;
}

static wide floor_quotient(wide x, wide divisor) {
    wide quotient = x / divisor;
    return quotient * divisor > x ? quotient - 1 : quotient;
}

static int32_t wrap(wide x) {
    wide rest = x - floor_quotient(x, power_of_two(32)) * power_of_two(32);
    return (int32_t)(rest >= power_of_two(31) ? rest - power_of_two(32) : rest);
}

static int32_t saturate(wide x) {
    if (x > INT32_MAX) return INT32_MAX;
    return x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* x / divisor to the nearest; `ties` says where a half goes: +1 up, -1 away from zero, 0 to the even neighbour. */
static wide nearest_quotient(wide x, wide divisor, int ties) {
    wide below = floor_quotient(x, divisor), twice_rest = 2 * (x - below * divisor);
    if (twice_rest != divisor) return below + (twice_rest > divisor);
    if (ties > 0) return below + 1;
    if (ties < 0) return x >= 0 ? below + 1 : below;
    return below % 2 == 0 ? below : below + 1;
}

/* gemmlowp: nudged and truncated is the nearest with ties up, then the nearest with ties away from zero. */
static int32_t scale_twice(int32_t x, int32_t multiplier, int64_t shift) {
    int32_t shifted = shift > 0 ? wrap(x * power_of_two(shift)) : x;
    int32_t high = saturate(nearest_quotient((wide)shifted * multiplier, power_of_two(31), 1));
    return shift < 0 ? (int32_t)nearest_quotient(high, power_of_two(-shift), -1) : high;
}

int32_t naive_scale(int32_t x, int32_t multiplier, int64_t shift, int64_t rounding) {
    if (shift > 31) shift = 31;
    if (shift < -31) shift = -31;
    wide product = (wide)x * multiplier, divisor = power_of_two(31 - shift);
    switch (rounding) {
    case QM_rounding_TFLITE: return scale_twice(x, multiplier, shift);
    case QM_rounding_SINGLE: return saturate(nearest_quotient(product, divisor, 1));
    case QM_rounding_EVEN:
    case QM_rounding_OFFSET: return saturate(nearest_quotient(product, divisor, 0));
    case QM_rounding_AWAY: return saturate(nearest_quotient(product, divisor, -1));
    default: return saturate(floor_quotient(product, divisor));
    }
}

int32_t naive_scale_addend(int32_t x, int32_t multiplier, int64_t shift, int32_t addend) {
    int64_t bounded = shift > 31 ? 31 : shift < -31 ? -31 : shift;
    return saturate(floor_quotient((wide)x * multiplier + addend, power_of_two(31 - bounded)));
}

int32_t naive_scale_offset(int32_t x, int32_t multiplier, int64_t shift, int32_t bias) {
    int64_t total = 31 - (shift > 31 ? 31 : shift < -31 ? -31 : shift);
    int64_t lift = total < 21 ? 0 : total > 52 ? 31 : total - 21;
    return saturate(nearest_quotient((wide)x * multiplier + bias * power_of_two(lift), power_of_two(total), 0));
}
