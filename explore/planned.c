/* planned.c - plans a network for a machine, finds its time without running it and makes the report, as qmac run does. */
#include "common/program_work.h"
#include "explore/explore.h"
#include "sim/timing/timing.h"

/* Of a program that was made for this machine: whatever is wrong with it is our fault. */
static enum qm_status find_times(const struct qm_program *program, const struct qm_machine *machine, struct qm_run *run,
                                 struct qm_diag *diag) {
    run->timed = true;
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host || stage->insn_count == 0) continue;
        struct qm_counters events = qm_program_work_of_stage(program, i);
        struct qm_timing_records records = {program->work->records + stage->first_insn, stage->insn_count, &events, machine};
        struct qm_timing_result result;
        qm_timing_records(&records, run->times + stage->first_insn, &result);
        run->counters[i] = result.counters;
        if (result.is_long || result.error != QM_ERROR_NONE)
            return qm_fail(diag, QM_INTERNAL, "%s:instruction %u: the machine would stop with %s", program->model,
                           stage->first_insn + result.accepted, result.is_long ? "a run that never ends" : qm_error_name(result.error));
    }
    return QM_OK;
}

enum qm_status planned_make(const struct qm_network *network, const struct qm_compile_options *options,
                            const struct qm_energy_table *energy, const struct qm_machine *machine, struct qm_arena *arena,
                            struct planned *planned, struct qm_diag *diag) {
    struct qm_report_source source = {.machine = machine, .energy = energy, .engine = "timing", .examples = 1};
    struct qm_compile_options planning = *options;
    planning.plan_only = true;
    QM_TRY(qm_machine_check(machine, diag));
    QM_TRY(qm_energy_check(energy, machine, diag));
    QM_TRY(qm_compile_network(network, machine, &planning, &planned->program, diag));
    struct qm_run *run = qm_run_create(planned->program, arena);
    source.program = planned->program;
    source.run = run;
    enum qm_status status = find_times(planned->program, machine, run, diag);
    if (status == QM_OK) status = qm_report_make(&source, arena, &planned->report, diag);
    if (status != QM_OK) planned_end(planned);
    return status;
}

void planned_end(struct planned *planned) {
    qm_program_destroy(planned->program);
    planned->program = NULL;
}
