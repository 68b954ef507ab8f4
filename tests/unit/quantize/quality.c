/* quality.c - worked numbers. */
#include "quantize/quality.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

TestSuite(quality);

Test(quality, ratio_of_signal_to_noise) {
    static const float reference[] = {3, -4, 0}, outputs[] = {3, -4, 0.5F}, zeros[3];
    cr_assert(epsilon_eq(dbl, qm_sqnr_db(3, reference, outputs), 20, 1e-9)); /* 25 by 0.25 */
    cr_assert(eq(dbl, qm_sqnr_db(3, reference, reference), INFINITY));
    cr_assert(eq(dbl, qm_sqnr_db(3, zeros, zeros), INFINITY));
    cr_assert(eq(dbl, qm_sqnr_db(3, zeros, reference), -INFINITY));
}

Test(quality, agreement_is_of_the_first_largest) {
    static const float reference[] = {1, 2, 3, /**/ 5, 4, 5, /**/ 0, 1, 0}, outputs[] = {0, 9, 10, /**/ 5, 4, 6, /**/ -1, 0, -2};
    cr_assert(epsilon_eq(dbl, qm_agreement(3, 3, reference, outputs), 2.0 / 3, 1e-12));
}
