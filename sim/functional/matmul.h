/* matmul.h - MATMUL with a given kernel, for tests and measurements; qm_functional_matmul takes the best. */
#ifndef QM_SIM_FUNCTIONAL_MATMUL_H
#define QM_SIM_FUNCTIONAL_MATMUL_H

#include "sim/functional/functional.h"
#include "sim/functional/kernels.h"

/* The processor must support the kernel; a depthwise MATMUL does not use it. */
void matmul_with(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel);

/* The depthwise half; leaves the columns beyond a tile's channels as they are. */
void matmul_depthwise(const struct qm_insn *insn, struct qm_functional_memory *memory);

#endif
