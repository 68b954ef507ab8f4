/* timing.h - the exact time of a program without stepping through its cycles: docs/timing.md says why it is exact.
 *
 * Everything but the memory is sums and maxima of times that are known when an instruction starts; only the memory's bus has a clock,
 * and it jumps from event to event. Nothing is estimated.
 */
#ifndef QM_SIM_TIMING_TIMING_H
#define QM_SIM_TIMING_TIMING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/isa.h"
#include "common/machine.h"
#include "common/program.h"
#include "common/record.h"
#include "common/run.h"

/* A program as decode sees it, and how long it may take. */
struct qm_timing_words {
    const uint32_t (*words)[QM_INSN_WORDS]; /* [count] */
    uint32_t count;
    uint64_t memory_bytes; /* of the arena */
    const struct qm_machine *machine;
    uint64_t limit_cycles; /* at most QM_TIMING_CYCLES_MAX */
};
#define QM_TIMING_CYCLES_MAX ((uint64_t)1 << 62)

/* A device stage of a program on the machine, without a limit. Borrows the program's words. */
static inline struct qm_timing_words qm_timing_stage(const struct qm_program *program, const struct qm_program_stage *stage,
                                                     const struct qm_machine *machine) {
    return (struct qm_timing_words){.words = (const uint32_t(*)[QM_INSN_WORDS])program->insns + stage->first_insn,
                                    .count = stage->insn_count,
                                    .memory_bytes = program->arena_bytes,
                                    .machine = machine,
                                    .limit_cycles = QM_TIMING_CYCLES_MAX};
}

struct qm_timing_result {
    bool is_long;                /* the machine is BUSY for more than limit_cycles, and nothing else here means anything */
    uint64_t cycles;             /* in which it is BUSY */
    enum qm_error error;         /* NONE: DONE */
    uint32_t accepted;           /* instructions that decode has taken: ERROR_INDEX */
    struct qm_counters counters; /* of a run that is DONE: all that do not depend on values; else 0 */
};

/* Runs the program from START on, on an idle machine whose memory neither stalls nor fails. Fills times [count], which mean something when
 * the run is DONE. Takes time in proportion to the instructions, the bursts, and the steps that wait for weights; not to cycles. */
void qm_timing_words(const struct qm_timing_words *program, struct qm_insn_time *times, struct qm_timing_result *result);

/* A program that has been planned: decode is known to accept what the compiler makes. */
struct qm_timing_records {
    const struct qm_record *records; /* [count] */
    uint32_t count;
    const struct qm_counters *events; /* of them all together, by common/work.h */
    const struct qm_machine *machine;
};

/* The same of it, without a limit. */
void qm_timing_records(const struct qm_timing_records *program, struct qm_insn_time *times, struct qm_timing_result *result);

/* The cycles that a run of the records [count], all of which decode accepts, is BUSY; UINT64_MAX: it does not end. */
uint64_t qm_timing_cycles(const struct qm_record *records, uint32_t count, const struct qm_machine *machine);

#endif
