/* multiplier.c - the factor's mantissa in [1/2, 1) becomes the value, its exponent the shift. */
#include "common/multiplier.h"

#include <math.h>
#include <stdlib.h>

#include "common/status.h"

struct qm_multiplier qm_multiplier_from_real(double factor) {
    QM_CHECK(isfinite(factor));
    int exponent;
    int64_t value = llround(frexp(factor, &exponent) * 0x1p31);
    if (llabs(value) == INT64_C(1) << 31) {
        value /= 2;
        exponent++;
    }
    if (value == 0 || exponent < -31) return (struct qm_multiplier){0, 0};
    return (struct qm_multiplier){(int32_t)value, exponent};
}
