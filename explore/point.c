/* point.c - the figures of a point. */
#include "explore/explore.h"

static void take_figures(const struct qm_report *report, struct point *point) {
    for (enum qm_figure_id id = 0; id < QM_FIGURES; id++)
        if (qm_figures[id].number != NULL) point->figures[id] = qm_figure_number(&report->total, id);
    point->energy = report->total.energy;
    point->may_overflow = qm_report_overflow(&report->total) != QM_OVERFLOW_NONE;
}

void point_run(const struct qm_network *network, const struct qm_compile_options *options, const struct qm_energy_table *energy,
               const struct qm_machine *machine, struct point *point) {
    struct qm_arena *arena = qm_arena_create();
    struct planned planned;
    point->state = POINT_RUNS;
    enum qm_status status = planned_make(network, options, energy, machine, arena, &planned, &point->why);
    if (status == QM_OK) {
        take_figures(planned.report, point);
        planned_end(&planned);
    }
    point->state = status == QM_OK ? POINT_OK : status == QM_BAD_INPUT ? POINT_IMPOSSIBLE : POINT_FAULT;
    qm_arena_destroy(arena);
}
