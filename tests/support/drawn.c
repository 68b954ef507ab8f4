/* drawn.c - see drawn.h. */
#include "tests/support/drawn.h"

#include <math.h>

double drawn_even(struct qm_prng *prng) {
    return (double)(qm_prng_next(prng) >> 11) * 0x1p-53;
}

double drawn_normal(struct qm_prng *prng) {
    double radius = sqrt(-2 * log(1 - drawn_even(prng)));
    return radius * cos(2 * M_PI * drawn_even(prng));
}
