/* diff.h - where two runs differ: which knobs and options, and where cycles and energy went, by layer and cause. */
#ifndef QM_EXPLAIN_DIFF_H
#define QM_EXPLAIN_DIFF_H

#include "explain/explain.h"
#include "report/read.h"

#define DIFF_NONE UINT32_MAX

/* A layer of either report, or of both. */
struct diff_layer {
    uint32_t a, b; /* which layer it is; DIFF_NONE: that report has none like it */
};

struct diff {
    const struct qm_read_report *a, *b;
    uint32_t layer_count;
    struct diff_layer *layers; /* [layer_count], by how much their cycles differ, the largest first; then energy */
};

/* Finds the layers of one report in the other: those of the same name and operator, in order. They belong to arena. */
void diff_make(const struct qm_read_report *a, const struct qm_read_report *b, struct qm_arena *arena, struct diff *diff);

/* Knobs in which the machines differ; returns how many. params: [qm_param_count]. */
uint32_t diff_knobs(const struct diff *diff, const struct qm_param **params);
/* What each of two knobs or more changes alone, on A's machine, as text. NULL: A's cycles are not found again, so that it was run with
 * options that its report does not tell. The network and the options are those of A. */
QM_MUST_USE enum qm_status diff_knobs_text(const struct diff *diff, const struct explain_subject *subject, struct qm_arena *arena,
                                           char **text, struct qm_diag *diag);

struct qm_read_cost diff_cost_a(const struct diff *diff, const struct diff_layer *layer);
struct qm_read_cost diff_cost_b(const struct diff *diff, const struct diff_layer *layer);

/* The difference as text, with at most so many layers; it belongs to arena. */
char *diff_text(const struct diff *diff, uint32_t layers_most, struct qm_arena *arena);

#endif
