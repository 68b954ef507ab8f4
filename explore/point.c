/* point.c - the figures of a point, and what a point is of. */
#include "explore/explore.h"

const char *point_state_name(enum point_state state) {
    static const char *const names[] = {
        [POINT_WAITS] = "not run", [POINT_RUNS] = "fault", [POINT_OK] = "ok", [POINT_IMPOSSIBLE] = "impossible", [POINT_FAULT] = "fault"};
    return names[state];
}

const char *point_why(const struct point *point) {
    if (point->state == POINT_OK) return "";
    return point->state == POINT_WAITS ? "the processes that should have run it died before" : point->why.text;
}

const char *point_overflow(const struct point *point) {
    return qm_overflow_name(point->may_overflow ? QM_OVERFLOW_POSSIBLE : QM_OVERFLOW_NONE);
}

const char *exploration_precision(const struct exploration *exploration, const struct place *place) {
    const char *precision = exploration->precisions[place->precision];
    return precision != NULL ? precision : "model";
}

const struct quality *exploration_quality(const struct exploration *exploration, const struct place *place) {
    return exploration->qualities != NULL ? &exploration->qualities[place->model * exploration->precision_count + place->precision] : NULL;
}

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
