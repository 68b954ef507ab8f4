/* knobs.c - what a knob would change, found by running the network on the machine with that knob changed. */
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"

struct explain_cost explain_cost(const struct qm_report *report, uint32_t layer) {
    const struct qm_report_part *part = layer == EXPLAIN_ALL ? &report->total : &report->layers[layer];
    return (struct explain_cost){.cycles = part->counters.value[QM_C_cycles],
                                 .seconds = qm_figure_number(part, QM_FIGURE_seconds),
                                 .pj = part->energy.total.nominal_pj};
}

/* The machine with a knob at another value. */
static struct qm_machine changed(const struct qm_machine *machine, const struct qm_param *param, uint32_t value) {
    struct qm_machine other = *machine;
    memcpy((char *)&other + param->offset, &value, sizeof value);
    return other;
}

enum qm_status explain_knob(const struct explain_subject *subject, const struct qm_machine *machine, uint32_t layer,
                            struct explain_variant *variant, struct qm_diag *diag) {
    struct qm_machine other = changed(machine, variant->param, variant->to);
    struct qm_arena *arena = qm_arena_create();
    struct planned planned;
    enum qm_status status = planned_make(subject->network, &subject->options, subject->energy, &other, arena, &planned, diag);
    if (status == QM_OK) {
        variant->whole = explain_cost(planned.report, EXPLAIN_ALL);
        variant->layer = explain_cost(planned.report, layer);
        variant->may_overflow = qm_report_overflow(&planned.report->total) != QM_OVERFLOW_NONE;
        planned_end(&planned);
    }
    qm_arena_destroy(arena);
    return status;
}

void explain_variant_name(const struct explain_variant *variant, qm_cell out) {
    snprintf(out, QM_CELL_BYTES, "%s %s > %s%s", variant->param->name, qm_param_text(variant->param, variant->from).text,
             qm_param_text(variant->param, variant->to).text, variant->may_overflow ? " (sums may overflow)" : "");
}

static int compare_numbers(double a, double b) {
    return a < b ? -1 : a > b;
}

static int compare(const void *one, const void *other) {
    const struct explain_variant *a = one, *b = other;
    int order = compare_numbers((double)a->layer.cycles, (double)b->layer.cycles);
    if (order == 0) order = compare_numbers((double)a->whole.cycles, (double)b->whole.cycles);
    if (order == 0) order = compare_numbers(a->whole.pj, b->whole.pj);
    return order != 0 ? order : compare_numbers((double)(a->param - qm_params), (double)(b->param - qm_params));
}

enum qm_status explain_knobs(const struct explain_subject *subject, const struct qm_machine *machine, uint32_t layer,
                             struct explain_variant *variants, uint32_t *count, struct qm_diag *diag) {
    *count = 0;
    for (size_t i = 0; i < qm_param_count; i++) {
        const struct qm_param *param = &qm_params[i];
        uint32_t from = qm_machine_knob(machine, param), ways[EXPLAIN_WAYS] = {2 * from, from % 2 == 0 ? from / 2 : from};
        for (int way = 0; way < EXPLAIN_WAYS; way++) {
            struct explain_variant variant = {.param = param, .from = from, .to = ways[way]};
            if (variant.to == from || variant.to < param->minimum || variant.to > param->maximum) continue;
            enum qm_status status = explain_knob(subject, machine, layer, &variant, diag);
            if (status == QM_BAD_INPUT) continue;
            QM_TRY(status);
            variants[(*count)++] = variant;
        }
    }
    qsort(variants, *count, sizeof *variants, compare);
    return QM_OK;
}
