/* run_programs.c - runs program tests (verify/program_text.h) on every engine:
 * the cycle model skipping, stepping and in SystemC, and the RTL.
 *
 *   build/run_programs FILE...
 */
#include <stdio.h>

#include "verify/program_text.h"

static enum qm_status run_everywhere(const struct qm_program_text *program, struct qm_diag *diag) {
    QM_TRY(qm_program_text_run(program, &qm_device_cycle, false, diag));
    QM_TRY(qm_program_text_run(program, &qm_device_cycle, true, diag));
    QM_TRY(qm_program_text_run(program, &qm_device_systemc, false, diag));
    return qm_program_text_run(program, &qm_device_rtl, false, diag);
}

int main(int argc, char **argv) {
    int failed = 0;
    struct qm_arena *arena = qm_arena_create();
    for (int i = 1; i < argc; i++) {
        struct qm_program_text *program;
        struct qm_diag diag;
        enum qm_status status = qm_program_text_read(argv[i], arena, &program, &diag);
        if (status == QM_OK) status = run_everywhere(program, &diag);
        if (status != QM_OK) fprintf(stderr, "run_programs: %s\n", diag.text);
        failed += status != QM_OK;
    }
    qm_arena_destroy(arena);
    printf("%d programs, %d failed\n", argc - 1, failed);
    return failed != 0 || argc < 2;
}
