/* read.h - a report that was written as JSON, read again: what was run, and what comparisons of two runs need of its figures. */
#ifndef QM_REPORT_READ_H
#define QM_REPORT_READ_H

#include "report/report.h"

struct qm_read_cost {
    double cycles, pj, dram_bytes;
};

struct qm_read_layer {
    const char *name, *op, *shape, *precision;
    bool on_host; /* it has no cost */
    struct qm_read_cost cost;
    double causes[QM_LAYER_CAUSES];
};

/* Texts are as JSON has them, fit to be shown. */
struct qm_read_report {
    const char *file, *model, *model_sha256, *version, *engine, *requant, *search, *precision, *energy_table, *energy_table_sha256;
    struct qm_machine machine;
    struct qm_read_cost cost;
    double seconds, stalls;
    double components[QM_COMPONENTS]; /* picojoules */
    double causes[QM_COUNTERS];       /* cycles, of the counters that are causes */
    uint32_t layer_count;
    struct qm_read_layer *layers; /* [layer_count] */
};

/* Reads a file of qmac run --json into arena. What is no such file, and a run without time, is QM_BAD_INPUT. */
QM_MUST_USE enum qm_status qm_report_read(const char *file, struct qm_arena *arena, struct qm_read_report *report, struct qm_diag *diag);

#endif
