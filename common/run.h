/* run.h - what is known about one run of a program: its counters, and when each instruction started and ended.
 *
 * The driver fills it from what any device shows; reports are made from it. Instructions stand in program order;
 * the cycles of a stage count from its START.
 */
#ifndef QM_COMMON_RUN_H
#define QM_COMMON_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/counters.h"
#include "common/program.h"

struct qm_insn_time {
    uint64_t start, end; /* cycles of the START and END events */
};

struct qm_run {
    bool timed;                   /* false: the engine knows no time, and counters and times are 0 */
    bool has_values;              /* false: the engine computes none, and counters of values are 0 */
    bool has_no_result;           /* it was given up: an operator of the host has no result for the numbers that it got */
    bool over_limit;              /* it was given up: a stage was still busy at the limit of its cycles */
    struct qm_counters *counters; /* [stage_count], all 0 for a host stage */
    struct qm_insn_time *times;   /* [insn_count] */
};

/* Makes room for a run of program. */
static inline struct qm_run *qm_run_create(const struct qm_program *program, struct qm_arena *arena) {
    struct qm_run *run = QM_ARENA_NEW(arena, struct qm_run, 1);
    run->counters = QM_ARENA_NEW(arena, struct qm_counters, program->stage_count);
    run->times = QM_ARENA_NEW(arena, struct qm_insn_time, program->insn_count);
    return run;
}

#endif
