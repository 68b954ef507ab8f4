/* fast.h - what the engines run: the instructions of functional.h whose plain routines are too slow, equal to them byte for byte (by test).
 *
 * LOAD, STORE and COPY have no fast form: the plain ones are fast enough.
 */
#ifndef QM_SIM_FUNCTIONAL_FAST_FAST_H
#define QM_SIM_FUNCTIONAL_FAST_FAST_H

#include "sim/functional/functional.h"

void fast_matmul(const struct qm_insn *insn, struct qm_functional_memory *memory);
void fast_requantize(const struct qm_insn *insn, struct qm_functional_memory *memory);
void fast_pool(const struct qm_insn *insn, struct qm_functional_memory *memory);
void fast_add(const struct qm_insn *insn, struct qm_functional_memory *memory);

#endif
