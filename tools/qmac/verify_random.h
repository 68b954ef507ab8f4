/* verify_random.h - random programs on two engines in lockstep (tools/qmac/random_program.h draws them). */
#ifndef QM_TOOLS_VERIFY_RANDOM_H
#define QM_TOOLS_VERIFY_RANDOM_H

#include "sim/lockstep/lockstep.h"
#include "tools/qmac/random_program.h"

struct qm_verify_random {
    const struct qm_machine *machine;
    const struct qm_device_ops *model, *rtl;
    double stalls;         /* probability per channel and cycle */
    const char *rtl_dir;   /* as in qm_device_options */
    bool probed;           /* signals between the blocks are compared from the start, not only to find where a difference begins */
    const char *waves_dir; /* where waveforms of a difference go */
};

/* Runs the program of one seed from memories filled from the seed. QM_MISMATCH with one line when the engines differ; adds to coverage and stats. */
QM_MUST_USE enum qm_status qm_verify_random_one(const struct qm_verify_random *verify, uint64_t seed, struct qm_coverage *coverage,
                                                struct qm_lockstep_stats *stats, struct qm_diag *diag);

#endif
