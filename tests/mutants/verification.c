/* verification.c - the machines and how many random programs each runs. m3x5 and fixed8 have the array of cells, which is what is
 * synthesized; the others have the form that simulates fast. Long stalls let an address wait longer than a response takes;
 * m16x8 has addresses of more than 16 bits.
 */
#include "tests/mutants/verification.h"

#include <stdio.h>
#include <stdlib.h>

#include "verify/program_text.h"
#include "verify/verify_random.h"

struct stage {
    const char *machine;
    bool cells; /* as in qm_rtl_options */
    double stalls;
    uint64_t seed, programs;
};

/* The seeds of tiny, of m3x5, whose tiles are odd, and of acc20, whose rows of weights are whole words, are enough in a row for every
 * boundary to be met, and passed by one. */
static const struct stage stages[] = {
    {"tiny", false, 0.0, 1, 120},  {"tiny", false, 0.2, 121, 120}, {"tiny", false, 0.95, 241, 20}, {"m3x5", true, 0.2, 1, 260},
    {"acc20", false, 0.0, 1, 260}, {"m16x8", false, 0.0, 1, 50},   {"fixed8", true, 0.2, 1, 60},
};
enum { STAGES = sizeof stages / sizeof *stages, UNIT_SECONDS = 200, COMMAND_BYTES = 1024 };

struct verification {
    struct qm_machine machines[STAGES];
    struct rtl_builds builds[2]; /* [cells] */
    size_t program_count;
    struct qm_program_text **programs;
    const char *unit_tests; /* a Criterion binary of tests that use the RTL */
};

static enum qm_status build(struct verification *verification, size_t stage, struct qm_diag *diag) {
    struct qm_machine *machine = &verification->machines[stage];
    const struct qm_rtl *rtl;
    QM_TRY(qm_machine_load(stages[stage].machine, machine, diag));
    return rtl_builds_get(&verification->builds[stages[stage].cells], machine, false, &rtl, diag);
}

enum qm_status verification_create(const char *unit_tests, char **programs, size_t count, struct qm_arena *arena,
                                   struct verification **verification, struct qm_diag *diag) {
    struct verification *made = QM_ARENA_NEW(arena, struct verification, 1);
    made->programs = QM_ARENA_NEW(arena, struct qm_program_text *, count);
    made->program_count = count;
    made->unit_tests = unit_tests;
    made->builds[true].cells = true;
    made->builds[false].arena = made->builds[true].arena = arena;
    for (size_t i = 0; i < STAGES; i++) QM_TRY(build(made, i, diag));
    for (size_t i = 0; i < count; i++) QM_TRY(qm_program_text_read(programs[i], arena, &made->programs[i], diag));
    *verification = made;
    return QM_OK;
}

static enum qm_status run_stage(struct verification *verification, size_t which, struct qm_diag *diag) {
    const struct stage *stage = &stages[which];
    struct qm_verify_random verify = {.machine = &verification->machines[which],
                                      .model = &qm_device_cycle,
                                      .rtl = &qm_device_rtl,
                                      .stalls = stage->stalls,
                                      .builds = &verification->builds[stage->cells]};
    struct qm_lockstep_stats stats = {0};
    struct qm_coverage *coverage = qm_coverage_create();
    enum qm_status status = QM_OK;
    for (uint64_t i = 0; i < stage->programs && status == QM_OK; i++)
        status = qm_verify_random_one(&verify, stage->seed + i, coverage, &stats, diag);
    qm_coverage_destroy(coverage);
    return status;
}

static enum qm_status run_unit_tests(const struct verification *verification, struct qm_diag *diag) {
    char command[COMMAND_BYTES];
    int size = snprintf(command, sizeof command, "timeout %d '%s' --jobs 1 --fail-fast", UNIT_SECONDS, verification->unit_tests);
    QM_CHECK(size > 0 && size < COMMAND_BYTES);
    if (system(command) == 0) return QM_OK;
    return qm_fail(diag, QM_MISMATCH, "%s: a test fails", verification->unit_tests);
}

enum qm_status verification_run(struct verification *verification, struct qm_diag *diag) {
    QM_TRY(run_stage(verification, 0, diag));
    for (size_t i = 0; i < verification->program_count; i++)
        QM_TRY(qm_program_text_run(verification->programs[i], &qm_device_rtl, false, diag));
    for (size_t i = 1; i < STAGES; i++) QM_TRY(run_stage(verification, i, diag));
    return run_unit_tests(verification, diag);
}
