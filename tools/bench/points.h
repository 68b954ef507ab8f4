/* points.h - what a point of qmac explore costs: time, and memory. */
#ifndef QM_TOOLS_BENCH_POINTS_H
#define QM_TOOLS_BENCH_POINTS_H

#include "compiler/compiler.h"

struct qm_bench_point {
    uint32_t layers, insns;
    double plan_seconds; /* to plan it */
    double time_seconds; /* for the exact time and the counters of the plan */
    double seconds;      /* all of it: planned, timed, reported */
    double peak_mib;     /* by which the process grew at its first point, beyond the network: peak resident set, pages of code among it */
};

/* Measures points of the network on the machine, in a process of their own: the fastest of several, the memory of the first. */
QM_MUST_USE enum qm_status qm_bench_point(const struct qm_network *network, const struct qm_machine *machine, enum qm_search search,
                                          struct qm_bench_point *point, struct qm_diag *diag);

/* Prints points of small and large networks side by side; data is the folder of networks, NULL: those of the project's own only. */
QM_MUST_USE enum qm_status qm_bench_points(const char *data, struct qm_diag *diag);

#endif
