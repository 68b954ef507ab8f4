/* work.h - how often each event of spec/counters.def happens for one instruction: the formulas of docs/machine.md, not a simulation.
 *
 * Events do not depend on time, nor on values but for those that are marked, which are left alone. So the sum over a program is what the
 * machine's event counters must show; reports split the machine's counters by layer with it, and check that the parts make the whole.
 */
#ifndef QM_COMMON_WORK_H
#define QM_COMMON_WORK_H

#include "common/counters.h"
#include "common/isa.h"
#include "common/machine.h"

/* Adds the events of one accepted instruction to counters; causes and cycles stay as they are. */
void qm_work_add(const struct qm_insn *insn, const struct qm_machine *machine, struct qm_counters *counters);

/* An upper bound of the cycles that the instruction needs when it runs alone and nothing stalls, at most INT64_MAX. Also for an instruction
 * that decode refuses. */
uint64_t qm_work_cycles(const struct qm_insn *insn, const struct qm_machine *machine);

/* Cycles in which a run of the instructions [count] must be over (docs/machine.md, Limits of time), at most INT64_MAX. The limit
 * depends on the knobs of the memory too; stalls is their probability. Takes time in proportion to count. */
uint64_t qm_work_limit(const uint32_t (*insns)[QM_INSN_WORDS], uint32_t count, const struct qm_machine *machine, double stalls);

#endif
