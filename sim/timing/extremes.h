/* extremes.h - the smaller and the larger of two: times are made of little else. */
#ifndef QM_SIM_TIMING_EXTREMES_H
#define QM_SIM_TIMING_EXTREMES_H

#include <stdint.h>

static inline uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

#endif
