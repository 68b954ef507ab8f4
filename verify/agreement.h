/* agreement.h - says that there is no difference, and of how much: as a line, which is refused when nothing was compared, and as JSON. */
#ifndef QM_VERIFY_AGREEMENT_H
#define QM_VERIFY_AGREEMENT_H

#include <stdbool.h>

#include "common/arena.h"
#include "sim/lockstep/lockstep.h"
#include "sim/verilated/rtl.h"

struct agreement {
    const char *what; /* was compared: a model, a program, "random programs" */
    const struct qm_machine *machine;
    struct qm_lockstep_stats stats;
    uint64_t runs, wanted; /* compared from START to their end, and asked for */
    bool was_stopped;      /* by a signal: fewer than wanted are enough, but some must be */
    double seconds;
};

/* Prints the line "no difference". Without a run, a cycle and an event compared it is QM_BAD_INPUT,
 * with fewer runs than wanted QM_INTERNAL. */
QM_MUST_USE enum qm_status agreement_print(const struct agreement *agreement, struct qm_diag *diag);

/* The outcome as JSON: equal when difference is NULL, else different, and difference is its line. The text belongs to the arena. */
char *agreement_json(const struct agreement *agreement, const struct qm_rtl *rtl, const char *difference, struct qm_arena *arena);

#endif
