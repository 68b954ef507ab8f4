/* multiplier.c - multipliers against hand-made values and a second way to find them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "common/multiplier.h"
#include "tests/support/reference.h"

Test(multiplier, gives_the_values_of_the_definition) {
    static const struct {
        double factor;
        int32_t value, shift;
    } rows[] = {
        {0, 0, 0},
        {1, 1 << 30, 1},
        {0.5, 1 << 30, 0},
        {0.75, 3 << 29, 0},
        {6, 3 << 29, 3},
        {0x1p-32, 1 << 30, -31},
        {0x1p-33, 0, 0},           /* too small */
        {1 - 0x1p-40, 1 << 30, 1}, /* rounds up to the next power of two */
        {1 - 0x1p-31, INT32_MAX, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct qm_multiplier got = qm_multiplier_from_real(rows[i].factor);
        cr_expect(eq(i32, got.value, rows[i].value), "%a", rows[i].factor);
        cr_expect(eq(i32, got.shift, rows[i].shift), "%a", rows[i].factor);
    }
}

Test(multiplier, agrees_with_a_search_for_the_mantissa) {
    for (int i = 0; i < 2000; i++) {
        double factor = ldexp(1 + sin(i) * 0.9, i % 60 - 35);
        int32_t value;
        int shift;
        reference_multiplier(factor, &value, &shift);
        struct qm_multiplier got = qm_multiplier_from_real(factor);
        cr_expect(eq(i32, got.value, value), "%a", factor);
        cr_expect(eq(i32, got.shift, shift), "%a", factor);
    }
}
