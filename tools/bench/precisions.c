/* precisions.c - runs the network at each precision as a point of qmac explore, without values, which do not change what it costs. */
#include "tools/bench/precisions.h"

#include <stdio.h>

#include "explore/explore.h"

struct bench {
    const struct qm_graph *graph;
    const struct qm_machine *machine;
    struct qm_arena *arena;
    struct qm_energy_table *energy;
    struct qm_diag *diag;
};

static enum qm_status measure(const struct bench *b, const char *precision, struct point *point) {
    struct qm_compile_options options = {.precision = precision};
    struct qm_network *network;
    QM_TRY(qm_legalize(b->graph, &options, b->arena, &network, b->diag));
    QM_TRY(qm_narrow(network, precision, b->arena, b->diag));
    point_run(network, &options, b->energy, b->machine, point);
    if (point->state == POINT_OK) return QM_OK;
    return qm_fail(b->diag, QM_INTERNAL, "%s: %.900s", precision, point->why.text);
}

static void print(const char *precision, const double *f, const double *base) {
    enum { CYCLES = QM_FIGURE_cycles, DRAM = QM_FIGURE_dram_bytes, ENERGY = QM_FIGURE_energy_pj };
    printf("  %s  %12.0f cycles (%.2f), utilization %5.1f %%, DRAM %10.0f B (%.2f), energy %9.2f uJ (%.2f)\n", precision, f[CYCLES],
           f[CYCLES] / base[CYCLES], 100 * f[QM_FIGURE_utilization], f[DRAM], f[DRAM] / base[DRAM], 1e-6 * f[ENERGY],
           f[ENERGY] / base[ENERGY]);
}

static enum qm_status measure_all(const struct bench *b) {
    static const char *const precisions[] = {"w8a8", "w4a8", "w4a4"};
    struct point points[3] = {{.state = POINT_WAITS}};
    for (int i = 0; i < 3; i++) {
        QM_TRY(measure(b, precisions[i], &points[i]));
        print(precisions[i], points[i].figures, points[0].figures);
    }
    return QM_OK;
}

enum qm_status qm_bench_precisions(const struct qm_graph *graph, const struct qm_machine *machine, struct qm_diag *diag) {
    struct bench b = {.graph = graph, .machine = machine, .arena = qm_arena_create(), .diag = diag};
    enum qm_status status = qm_energy_load("cmos45", b.arena, &b.energy, diag);
    if (status == QM_OK) status = measure_all(&b);
    qm_arena_destroy(b.arena);
    return status;
}
