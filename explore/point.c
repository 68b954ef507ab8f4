/* point.c - finds the figures of a point: plans the network, finds its time without running it and makes the report, as qmac run does. */
#include "common/program_work.h"
#include "explore/explore.h"
#include "sim/timing/timing.h"

static void take_figures(const struct qm_report *report, double *figures) {
    for (enum qm_figure_id id = 0; id < QM_FIGURES; id++)
        if (qm_figures[id].number != NULL) figures[id] = qm_figure_number(&report->total, id);
}

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

static enum qm_status run_program(struct qm_report_source *source, struct qm_arena *arena, struct point *point) {
    struct qm_run *run = qm_run_create(source->program, arena);
    struct qm_report *report;
    QM_TRY(find_times(source->program, source->machine, run, &point->why));
    source->run = run;
    QM_TRY(qm_report_make(source, arena, &report, &point->why));
    take_figures(report, point->figures);
    point->may_overflow = qm_report_overflow(&report->total) != QM_OVERFLOW_NONE;
    return QM_OK;
}

static enum point_state measure(const struct qm_network *network, const struct qm_compile_options *options, struct qm_report_source *source,
                                struct qm_arena *arena, struct point *point) {
    struct qm_compile_options planning = *options;
    struct qm_program *program;
    planning.plan_only = true;
    enum qm_status status = qm_machine_check(source->machine, &point->why);
    if (status == QM_OK) status = qm_compile_network(network, source->machine, &planning, &program, &point->why);
    if (status != QM_OK) return status == QM_BAD_INPUT ? POINT_IMPOSSIBLE : POINT_FAULT;
    source->program = program;
    status = run_program(source, arena, point); /* must not fail: the program was made for this machine */
    qm_program_destroy(program);
    return status == QM_OK ? POINT_OK : POINT_FAULT;
}

void point_run(const struct qm_network *network, const struct qm_compile_options *options, const struct qm_energy_table *energy,
               const struct qm_machine *machine, struct point *point) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_report_source source = {.machine = machine, .energy = energy, .engine = "timing", .examples = 1};
    point->state = POINT_RUNS;
    point->state = measure(network, options, &source, arena, point);
    qm_arena_destroy(arena);
}
