/* endurance.h - random programs for hours: several processes, a corpus of what was interesting, and nothing lost when it is stopped. */
#ifndef QM_VERIFY_ENDURANCE_H
#define QM_VERIFY_ENDURANCE_H

#include "verify/agreement.h"
#include "verify/verify_random.h"

enum { QM_ENDURANCE_JOBS_MAX = 64 };

struct qm_endurance {
    uint64_t count;          /* of programs */
    uint64_t seed;           /* of the first; a corpus that was begun goes on where it was. The last seed is below UINT64_MAX */
    uint64_t jobs;           /* processes, 1 .. QM_ENDURANCE_JOBS_MAX */
    const char *corpus;      /* folder, or NULL: nothing is kept */
    const char *shrink_file; /* where a failing program goes, reduced; or NULL */
    /* Options with which qmac verify finds a difference again, a space before each: of a random program, of a program of the corpus. */
    const char *random_options, *file_options;
    struct agreement *agreement; /* filled with what was compared */
};

/* Runs the corpus, then the programs; prints what was compared and the rate. SIGINT and SIGTERM end it in good order: what was done is
 * saved. QM_MISMATCH after a difference, which is told at once with how to find it again, and whatever fails later: the corpus then goes on
 * with the program that differed. */
QM_MUST_USE enum qm_status qm_endurance_run(const struct qm_endurance *endurance, struct qm_verify_random *verify, struct qm_diag *diag);

#endif
