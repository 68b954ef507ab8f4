/* multiplier.h - a real factor as the machine and TFLite hold it: an integer in Q0.31 and a shift. */
#ifndef QM_COMMON_MULTIPLIER_H
#define QM_COMMON_MULTIPLIER_H

#include <stdint.h>

#include "common/fixed_point.h"

struct qm_multiplier {
    int32_t value; /* Q0.31 */
    int32_t shift; /* left when positive; factor = value * 2^(shift - 31) */
};
#define QM_MULTIPLIER_ONE ((struct qm_multiplier){.value = 1 << 30, .shift = 1})

/* Rounds a finite factor to the nearest multiplier, ties away from zero: a value of 2^30 .. 2^31 - 1, with the factor's sign. Factors below
 * 2^-32 become 0, as in TFLite. */
struct qm_multiplier qm_multiplier_from_real(double factor);

/* x * factor as TFLite rounds it. */
static inline int32_t qm_multiplied(int32_t x, struct qm_multiplier factor) {
    return qm_scale(x, factor.value, factor.shift, QM_rounding_TFLITE);
}

#endif
