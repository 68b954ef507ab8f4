/* point.c - one point: plan, find its time, report, keep the figures. The way of qmac run, but for what moves and computes data. */
#include "driver/driver.h"
#include "explore/explore.h"

static void take_figures(const struct qm_report *report, double *figures) {
    for (enum qm_figure_id id = 0; id < QM_FIGURES; id++)
        if (qm_figures[id].number != NULL) figures[id] = qm_figure_number(&report->total, id);
}

static enum qm_status run_device(struct qm_device *device, struct qm_report_source *source, struct qm_arena *arena, struct point *point) {
    struct qm_driver_options options = {.no_values = true, .limit_cycles = INT64_MAX};
    struct qm_run *run = qm_run_create(source->program, arena);
    struct qm_report *report;
    QM_TRY(qm_driver_load_code(device, source->program, &point->why));
    QM_TRY(qm_driver_run(device, source->program, &options, run, &point->why));
    source->run = run;
    QM_TRY(qm_report_make(source, arena, &report, &point->why));
    take_figures(report, point->figures);
    return QM_OK;
}

static enum qm_status run_program(struct qm_report_source *source, struct qm_arena *arena, struct point *point) {
    struct qm_device_options options = {.no_values = true};
    struct qm_device *device;
    qm_driver_memory(source->program, &options);
    QM_TRY(qm_device_timing.create(source->machine, &options, &device, &point->why));
    enum qm_status status = run_device(device, source, arena, point);
    device->ops->destroy(device);
    return status;
}

static enum point_state measure(const struct qm_network *network, const struct qm_compile_options *options, struct qm_report_source *source,
                                struct qm_arena *arena, struct point *point) {
    struct qm_program *program;
    enum qm_status status = qm_machine_check(source->machine, &point->why);
    if (status == QM_OK) status = qm_compile_network(network, source->machine, options, &program, &point->why);
    if (status != QM_OK) return status == QM_BAD_INPUT ? POINT_IMPOSSIBLE : POINT_FAULT;
    source->program = program;
    status = run_program(source, arena, point); /* must not fail: the program was made for this machine */
    qm_program_destroy(program);
    return status == QM_OK ? POINT_OK : POINT_FAULT;
}

void point_run(const struct qm_network *network, const struct qm_compile_options *options, const struct qm_energy_table *energy,
               const struct qm_machine *machine, struct point *point) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_report_source source = {.machine = machine, .energy = energy, .engine = qm_device_timing.name, .examples = 1};
    point->state = POINT_RUNS;
    point->state = measure(network, options, &source, arena, point);
    qm_arena_destroy(arena);
}
