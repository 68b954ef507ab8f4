/* definition.c - scale() with one rounding as docs/numerics.md defines it: a quotient and a rest in numbers of 128 bits.
 *
 * Written from the text and not from common/fixed_point.h; `tflite`, which rounds twice, is gemmlowp's to define (gemmlowp.cpp).
 */
#include <stdbool.h>

#include "common/isa.h"
#include "tests/oracle/oracle.h"

static bool rounds_up(__int128 quotient, __int128 rest, __int128 unit, uint32_t rounding) {
    bool tie = 2 * rest == unit;
    bool negative = quotient < 0; /* of a quotient towards minus infinity: as the product */
    switch (rounding) {
    case QM_rounding_SINGLE: return tie || 2 * rest > unit;
    case QM_rounding_EVEN:
    case QM_rounding_OFFSET: return tie ? quotient % 2 != 0 : 2 * rest > unit;
    case QM_rounding_AWAY: return tie ? !negative : 2 * rest > unit;
    default: return false;
    }
}

/* What is added to a product with total fraction bits. */
static __int128 added(int32_t addend, int total, uint32_t rounding) {
    if (rounding == QM_rounding_ADDEND) return addend;
    if (rounding != QM_rounding_OFFSET) return 0;
    int lift = total < 21 ? 0 : total > 52 ? 31 : total - 21;
    return addend * ((__int128)1 << lift);
}

static int32_t scale(int32_t x, int32_t multiplier, int shift, int32_t addend, uint32_t rounding) {
    int bounded = shift < -31 ? -31 : shift > 31 ? 31 : shift;
    __int128 product = (__int128)x * multiplier + added(addend, 31 - bounded, rounding);
    __int128 unit = (__int128)1 << (31 - bounded);
    __int128 quotient = product / unit;
    if (quotient * unit > product) quotient--;
    quotient += rounds_up(quotient, product - quotient * unit, unit, rounding);
    return quotient > INT32_MAX ? INT32_MAX : quotient < INT32_MIN ? INT32_MIN : (int32_t)quotient;
}

void oracle_definition(const struct oracle_block *block, uint32_t rounding, int32_t *results) {
    for (size_t i = 0; i < block->count; i++)
        results[i] = scale(block->x[i], block->multiplier[i], block->shift[i], block->addend[i], rounding);
}
