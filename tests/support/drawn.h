/* drawn.h - real numbers drawn from distributions, for tests of what depends on how numbers are distributed. */
#ifndef QM_TESTS_SUPPORT_DRAWN_H
#define QM_TESTS_SUPPORT_DRAWN_H

#include "common/prng.h"

/* Evenly from 0 to 1, without 1. */
double drawn_even(struct qm_prng *prng);
/* From the standard normal distribution. */
double drawn_normal(struct qm_prng *prng);

#endif
