/* program.c - the steps of a program: every instruction checked as decode would, its record, its events. */
#include <stdlib.h>

#include "common/memory.h"
#include "common/work.h"
#include "sim/control/decode.h"
#include "sim/timing/timing.h"

static enum qm_status refuse(const struct qm_program *program, uint32_t index, const char *what, struct qm_diag *diag) {
    return qm_fail(diag, QM_BAD_INPUT, "%s:instruction %u: %s: the timing engine does not cover that: take --engine cycle",
                   program->model, index, what);
}

static enum qm_status record_step(const struct qm_program *program, const struct qm_program_step *step, const struct qm_machine *machine,
                                  struct qm_timing_insn *records, struct qm_counters *counters, struct qm_diag *diag) {
    struct decode decode;
    decode_init(&decode, machine);
    for (uint32_t i = 0; i < step->insn_count; i++) {
        enum qm_error error = decode_check(&decode, program->insns[step->first_insn + i], program->arena_bytes);
        if (error != QM_ERROR_NONE) return refuse(program, step->first_insn + i, qm_error_text(error), diag);
        qm_timing_insn(&decode.insn, machine, &records[i]);
        qm_work_add(&decode.insn, machine, counters);
    }
    return QM_OK;
}

static enum qm_status time_step(const struct qm_program *program, const struct qm_program_step *step, const struct qm_machine *machine,
                                struct qm_run *run, struct qm_diag *diag) {
    struct qm_counters *counters = &run->counters[step - program->steps];
    struct qm_timing_insn *records = qm_alloc((step->insn_count + 1) * sizeof *records);
    *counters = (struct qm_counters){0};
    enum qm_timing_outcome outcome = QM_TIMING_DONE;
    enum qm_status status = record_step(program, step, machine, records, counters, diag);
    if (status == QM_OK) outcome = qm_timing_run(records, step->insn_count, machine, run->times + step->first_insn, counters);
    if (outcome == QM_TIMING_DEADLOCK) status = refuse(program, step->first_insn, "the step from here on ends in a deadlock", diag);
    if (outcome == QM_TIMING_TOKENS) status = refuse(program, step->first_insn, "the step from here on fills a token counter", diag);
    free(records);
    return status;
}

enum qm_status qm_timing_program(const struct qm_program *program, const struct qm_machine *machine, struct qm_run *run,
                                 struct qm_diag *diag) {
    for (uint32_t i = 0; i < program->step_count; i++)
        if (!program->steps[i].on_host && program->steps[i].insn_count > 0)
            QM_TRY(time_step(program, &program->steps[i], machine, run, diag));
    run->timed = true;
    return QM_OK;
}
