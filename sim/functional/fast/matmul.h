/* matmul.h - MATMUL with a given kernel, for tests and measurements; fast_MATMUL takes the best. */
#ifndef QM_SIM_FUNCTIONAL_FAST_MATMUL_H
#define QM_SIM_FUNCTIONAL_FAST_MATMUL_H

#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/kept.h"

static inline int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* The processor must support the kernel; a depthwise MATMUL does not use it. */
void matmul_with(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel);

/* Vectors of a dense MATMUL: of neighbouring columns of one tile each, the last of a tile of those that are left. */
static inline int64_t matmul_vectors(const struct qm_insn *insn, int64_t cols) {
    int64_t whole_tiles = insn->tiles - 1;
    return whole_tiles * ceil_div(cols, KERNEL_LANES) + ceil_div(insn->channels - whole_tiles * cols, KERNEL_LANES);
}

/* Whether no sum can leave the accumulator's width, in whatever order products are added. Depthwise: all channels count as one sum. */
bool matmul_always_fits(const struct qm_insn *insn, const struct qm_functional_memory *memory);

/* Two outputs of a row at a time, when matmul_winograd_fits; leaves the columns beyond a tile's channels as they are. */
void matmul_winograd(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel);

/* Whether the windows are of the kind that it computes, and enough of them that it pays. The instruction must always fit. */
bool matmul_winograd_fits(const struct qm_insn *insn, const struct kernel *kernel);

/* Step by step, for instructions that may not fit; leaves the columns beyond a tile's channels as they are. */
void matmul_steps(const struct qm_insn *insn, struct qm_functional_memory *memory);

/* The depthwise half; leaves the columns beyond a tile's channels as they are. */
void matmul_depthwise(const struct qm_insn *insn, struct qm_functional_memory *memory);

#endif
