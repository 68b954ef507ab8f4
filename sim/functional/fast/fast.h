/* fast.h - what the engines run: the instructions of functional.h, equal to the plain routines byte for byte (by test). */
#ifndef QM_SIM_FUNCTIONAL_FAST_FAST_H
#define QM_SIM_FUNCTIONAL_FAST_FAST_H

#include "sim/functional/functional.h"

qm_functional_routine fast_MATMUL, fast_REQUANTIZE, fast_POOL, fast_ADD, fast_COPY;

/* The plain ones are fast enough. */
#define fast_LOAD  qm_functional_LOAD
#define fast_STORE qm_functional_STORE

/* Computes an instruction that decode has accepted: an unknown opcode is a fault of the caller. */
void fast_compute(const struct qm_insn *insn, struct qm_functional_memory *memory);

#endif
