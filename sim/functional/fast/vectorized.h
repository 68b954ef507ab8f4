/* vectorized.h - plain loops that the compiler turns into vector code, once for each kind of processor, chosen when the program starts.
 *
 * VECTORIZED marks the function that holds the loops; INLINE what it is made of, so that constants reach the loops.
 * WITH_ROUNDING calls something with each rounding as a constant: a loop with a constant rounding has no branches.
 */
#ifndef QM_SIM_FUNCTIONAL_FAST_VECTORIZED_H
#define QM_SIM_FUNCTIONAL_FAST_VECTORIZED_H

#include "common/isa.h"

#ifdef __x86_64__
#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define VECTORIZED
#endif
#define INLINE static inline __attribute__((always_inline))

#define WITH_ROUNDING(rounding, call, ...)                                                                                                 \
    switch (rounding) {                                                                                                                    \
    case QM_rounding_TFLITE: call(__VA_ARGS__, QM_rounding_TFLITE); break;                                                                 \
    case QM_rounding_SINGLE: call(__VA_ARGS__, QM_rounding_SINGLE); break;                                                                 \
    case QM_rounding_EVEN: call(__VA_ARGS__, QM_rounding_EVEN); break;                                                                     \
    case QM_rounding_AWAY: call(__VA_ARGS__, QM_rounding_AWAY); break;                                                                     \
    case QM_rounding_ADDEND: call(__VA_ARGS__, QM_rounding_ADDEND); break;                                                                 \
    case QM_rounding_OFFSET: call(__VA_ARGS__, QM_rounding_OFFSET); break;                                                                 \
    default: call(__VA_ARGS__, QM_rounding_FLOOR); break;                                                                                  \
    }

#endif
