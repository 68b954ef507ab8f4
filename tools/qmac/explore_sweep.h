/* explore_sweep.h - runs the points of an exploration, on all cores, and keeps those that are done in a journal. */
#ifndef QM_TOOLS_EXPLORE_SWEEP_H
#define QM_TOOLS_EXPLORE_SWEEP_H

#include "explore/explore.h"

struct sweep {
    struct exploration *exploration;
    struct qm_compile_options options; /* but for the precision */
    bool is_quantized_here;            /* networks have their precision already */
    const char *journal_file;          /* NULL: no journal */
    uint64_t jobs;                     /* processes at a time */

    /* of the run */
    struct journal journal;
    uint64_t *todo; /* [todo_count] indices of points that the journal has not */
    uint64_t todo_count;
    double begin_seconds, shown_seconds;
    bool on_terminal;
};

/* Fills the points, of which those that the journal has are not run again. A signal that ends the sweep (SIGINT, SIGTERM, SIGHUP) ends the
 * process, with a line that says what is kept. QM_BAD_INPUT: the journal is of another sweep, or cannot be written. */
QM_MUST_USE enum qm_status sweep_run(struct sweep *sweep, struct qm_diag *diag);

/* Removes the journal, when the results are written. */
QM_MUST_USE enum qm_status sweep_forget(struct sweep *sweep, struct qm_diag *diag);

#endif
