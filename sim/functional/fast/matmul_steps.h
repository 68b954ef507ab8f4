/* matmul_steps.h - one step of a MATMUL, and one row of it, as the array sees them. */
#ifndef QM_SIM_FUNCTIONAL_FAST_MATMUL_STEPS_H
#define QM_SIM_FUNCTIONAL_FAST_MATMUL_STEPS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/functional/functional.h"

enum { MATMUL_COLS_MAX = 256, MATMUL_BYTES_MAX = 512, MATMUL_DEPTH_MAX = 2 * MATMUL_BYTES_MAX };

struct matmul_step {
    int64_t tile, n, ky, kx;
    int64_t first, bytes; /* of the run; channels when depthwise */
    int64_t depth;        /* activations of a row */
    bool adds;            /* to what the accumulator holds */
    int8_t weights[MATMUL_DEPTH_MAX][MATMUL_COLS_MAX];
};

/* Reads the weights of the step whose tile, n, ky, kx, first and bytes are set. */
void matmul_step_begin(const struct qm_insn *insn, const struct qm_functional_memory *memory, struct matmul_step *step);

/* sums [n]: products of row m with the weights, which fit 32 bits; returns what their zero point takes from each. */
int32_t matmul_step_row(const struct qm_insn *insn, const struct qm_functional_memory *memory, const struct matmul_step *step, int64_t m,
                        int32_t *sums);

#endif
