/* diff_knobs.c - which of the knobs that differ explains the difference: the network is run on A's machine with one of them as B has it. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/memory.h"
#include "explain/diff.h"

uint32_t diff_knobs(const struct diff *diff, const struct qm_param **params) {
    uint32_t count = 0;
    for (size_t i = 0; i < qm_param_count; i++)
        if (qm_machine_knob(&diff->a->machine, &qm_params[i]) != qm_machine_knob(&diff->b->machine, &qm_params[i]))
            params[count++] = &qm_params[i];
    return count;
}

/* Whether a run of the network on A's machine takes the cycles that A says. */
static enum qm_status finds_again(const struct diff *diff, const struct explain_subject *subject, bool *does, struct qm_diag *diag) {
    struct explain_variant same = {.param = &qm_params[0], .to = qm_machine_knob(&diff->a->machine, &qm_params[0])};
    QM_TRY(explain_knob(subject, &diff->a->machine, EXPLAIN_ALL, &same, diag));
    *does = (double)same.whole.cycles == diff->a->cost.cycles;
    return QM_OK;
}

/* The cells of a row, of which it returns the end. */
static qm_cell *add_row(const struct diff *diff, const struct explain_variant *variant, bool is_possible, qm_cell *cell) {
    const struct qm_read_report *a = diff->a;
    explain_variant_name(variant, *cell++);
    if (!is_possible) {
        snprintf(*cell++, QM_CELL_BYTES, "not possible");
        return cell + 3;
    }
    qm_cell_count(variant->whole.cycles, *cell++);
    qm_cell_change(a->cost.cycles, (double)variant->whole.cycles, *cell++);
    qm_cell_change(a->seconds, variant->whole.seconds, *cell++);
    qm_cell_change(a->cost.pj, variant->whole.pj, *cell++);
    return cell;
}

static const struct qm_column columns[] = {
    {"one knob of B on A", false}, {"cycles", true}, {"change", true}, {"latency", true}, {"energy", true}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static enum qm_status run_knobs(const struct diff *diff, const struct explain_subject *subject, const struct qm_param **params,
                                uint32_t count, qm_cell *cell, struct qm_diag *diag) {
    for (uint32_t i = 0; i < count; i++) {
        struct explain_variant variant = {.param = params[i], .from = qm_machine_knob(&diff->a->machine, params[i])};
        variant.to = qm_machine_knob(&diff->b->machine, params[i]);
        enum qm_status status = explain_knob(subject, &diff->a->machine, EXPLAIN_ALL, &variant, diag);
        if (status != QM_OK && status != QM_BAD_INPUT) return status;
        cell = add_row(diff, &variant, status == QM_OK, cell);
    }
    return QM_OK;
}

enum qm_status diff_knobs_text(const struct diff *diff, const struct explain_subject *subject, struct qm_arena *arena, char **text,
                               struct qm_diag *diag) {
    const struct qm_param **params = QM_ARENA_NEW(arena, const struct qm_param *, qm_param_count);
    uint32_t count = diff_knobs(diff, params);
    qm_cell *cells = QM_ARENA_NEW(arena, qm_cell, (size_t)count * COLUMNS);
    bool does;
    size_t size;
    char *made;
    *text = NULL;
    QM_TRY(finds_again(diff, subject, &does, diag));
    if (!does) return QM_OK;
    QM_TRY(run_knobs(diff, subject, params, count, cells, diag));
    FILE *out = qm_text_stream_open(&made, &size);
    qm_cells_print(out, columns, COLUMNS, cells, count);
    *text = qm_arena_close_text(arena, out, &made);
    return QM_OK;
}
