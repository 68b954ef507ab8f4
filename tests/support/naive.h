/* naive.h - the scaling of docs/numerics.md written a second time, from its words: __int128 for every product, a division for every shift.
 *
 * It shares nothing with common/fixed_point.h.
 */
#ifndef QM_TESTS_SUPPORT_NAIVE_H
#define QM_TESTS_SUPPORT_NAIVE_H

#include <stdint.h>

#include "common/isa.h"

/* x * multiplier * 2^(shift - 31), as docs/numerics.md, Scaling. */
int32_t naive_scale(int32_t x, int32_t multiplier, int64_t shift, int64_t rounding);
int32_t naive_scale_addend(int32_t x, int32_t multiplier, int64_t shift, int32_t addend); /* in rounding ADDEND */
int32_t naive_scale_offset(int32_t x, int32_t multiplier, int64_t shift, int32_t bias);   /* in rounding OFFSET */

#endif
