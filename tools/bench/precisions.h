/* precisions.h - compares what a network costs at several precisions. */
#ifndef QM_TOOLS_BENCH_PRECISIONS_H
#define QM_TOOLS_BENCH_PRECISIONS_H

#include "compiler/compiler.h"

/* Compiles the network at W8A8, W4A8 and W4A4 for the machine and prints cycles, utilization, DRAM bytes and energy of each, with their
 * ratios to W8A8. */
QM_MUST_USE enum qm_status qm_bench_precisions(const struct qm_graph *graph, const struct qm_machine *machine, struct qm_diag *diag);

#endif
