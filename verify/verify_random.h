/* verify_random.h - one program on two engines in lockstep: a program test, or a random one (verify/random_program.h draws them). */
#ifndef QM_VERIFY_VERIFY_RANDOM_H
#define QM_VERIFY_VERIFY_RANDOM_H

#include "sim/lockstep/lockstep.h"
#include "verify/program_text.h"
#include "verify/random_program.h"
#include "verify/rtl_builds.h"

/* Called at the first sight of a difference, before anything is made of it. */
typedef void qm_verify_found(void *context, const struct qm_program_text *program, const struct qm_diag *difference);

struct qm_verify_random {
    const struct qm_machine *machine;
    const struct qm_device_ops *model, *rtl;
    double stalls;             /* probability per channel and cycle */
    uint64_t max_cycles;       /* of a run; 0: qm_program_text_limit */
    struct rtl_builds *builds; /* of the Verilog; NULL: rtl is another engine */
    bool probed;               /* signals between the blocks are compared from the start, not only to find where a difference begins */
    const char *waves_dir;     /* where waveforms of a difference go; NULL: differences are neither located nor reported */
    qm_verify_found *found;    /* or NULL */
    void *context;             /* of found */
};

/* The program of one seed, with memories and stalls of the seed; `file` of it is what messages call it. Owned by the arena. */
struct qm_program_text *qm_verify_random_text(const struct qm_verify_random *verify, uint64_t seed, struct qm_arena *arena);

/* Runs a program test, on its own machine, not that of verify. QM_MISMATCH with one line when the engines differ, also when the report of
 * the difference has failed; QM_BAD_INPUT when both are still busy at the limit of cycles, which shows nothing. Adds to stats. */
QM_MUST_USE enum qm_status qm_verify_text(const struct qm_verify_random *verify, const struct qm_program_text *program,
                                          struct qm_lockstep_stats *stats, struct qm_diag *diag);

/* Runs the program of one seed in the same way; adds to coverage. */
QM_MUST_USE enum qm_status qm_verify_random_one(const struct qm_verify_random *verify, uint64_t seed, struct qm_coverage *coverage,
                                                struct qm_lockstep_stats *stats, struct qm_diag *diag);

#endif
