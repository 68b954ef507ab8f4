/* process.h - runs other programs with lists of arguments, so that no shell and no make ever sees a path.
 *
 * A program gets a fixed environment: PATH, HOME, TMPDIR, LD_LIBRARY_PATH and VERILATOR_ROOT as they are, LC_ALL=C, and nothing else, so
 * that what it makes depends on nothing that is not asked for. It dies with the process that started it. Its output is kept in memory, so
 * that its last words survive a full disk.
 */
#ifndef QM_COMMON_PROCESS_H
#define QM_COMMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/arena.h"
#include "common/status.h"

struct qm_process {
    const char *const *arguments; /* [0] is the program, searched in PATH; ends with NULL */
    const char *folder;           /* it works there; NULL: here */
    char *output;                 /* what it printed, to both streams; set at its end */
    int status;                   /* exit status at its end; 128 + signal when one ended it; 127 when it could not be started */
    bool is_missing;              /* there is no such program, or folder */
};

/* Runs the processes [count], at most jobs (1 or more) at a time, in their order; output is of the arena. QM_INTERNAL when the system gives
 * no process; whether a program succeeded is for the caller to see. */
QM_MUST_USE enum qm_status qm_process_run(struct qm_process *processes, size_t count, unsigned jobs, struct qm_arena *arena,
                                          struct qm_diag *diag);

#endif
