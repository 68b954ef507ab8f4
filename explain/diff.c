/* diff.c - finds the layers of one report in another, and sorts them by how much they differ. */
#include "explain/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which layers belong together ---- */

static int compare_kinds(const struct qm_read_layer *a, const struct qm_read_layer *b) {
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : strcmp(a->op, b->op);
}

/* Of pointers into the same list. */
static int compare_places(const void *one, const void *other) {
    const struct qm_read_layer *a = *(const struct qm_read_layer *const *)one, *b = *(const struct qm_read_layer *const *)other;
    int order = compare_kinds(a, b);
    return order != 0 ? order : a < b ? -1 : a > b;
}

/* The layers of the device by name and operator, those alike in order; returns how many. */
static uint32_t sort_layers(const struct qm_read_report *report, const struct qm_read_layer **sorted) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < report->layer_count; i++)
        if (!report->layers[i].on_host) sorted[count++] = &report->layers[i];
    qsort(sorted, count, sizeof *sorted, compare_places);
    return count;
}

/* Goes through both sorted lists at once. */
static void join(struct diff *diff, const struct qm_read_layer **a, uint32_t a_count, const struct qm_read_layer **b, uint32_t b_count) {
    for (uint32_t i = 0, j = 0; i < a_count || j < b_count;) {
        struct diff_layer *layer = &diff->layers[diff->layer_count++];
        int order = i == a_count ? 1 : j == b_count ? -1 : compare_kinds(a[i], b[j]);
        layer->a = order <= 0 ? (uint32_t)(a[i++] - diff->a->layers) : DIFF_NONE;
        layer->b = order >= 0 ? (uint32_t)(b[j++] - diff->b->layers) : DIFF_NONE;
    }
}

/* ---- which differ most ---- */

static struct qm_read_cost cost_of(const struct qm_read_report *report, uint32_t layer) {
    return layer == DIFF_NONE ? (struct qm_read_cost){0} : report->layers[layer].cost;
}

struct qm_read_cost diff_cost_a(const struct diff *diff, const struct diff_layer *layer) {
    return cost_of(diff->a, layer->a);
}

struct qm_read_cost diff_cost_b(const struct diff *diff, const struct diff_layer *layer) {
    return cost_of(diff->b, layer->b);
}

static double largest_first(double a, double b) {
    return fabs(b) - fabs(a);
}

static int compare_changes(const void *one, const void *other, void *context) {
    const struct diff_layer *a = one, *b = other;
    struct qm_read_cost a1 = diff_cost_a(context, a), a2 = diff_cost_b(context, a), b1 = diff_cost_a(context, b),
                        b2 = diff_cost_b(context, b);
    double order = largest_first(a2.cycles - a1.cycles, b2.cycles - b1.cycles);
    if (order == 0) order = largest_first(a2.pj - a1.pj, b2.pj - b1.pj);
    if (order == 0) order = a->a != b->a ? (a->a < b->a ? -1 : 1) : a->b < b->b ? -1 : 1;
    return order < 0 ? -1 : 1;
}

void diff_make(const struct qm_read_report *a, const struct qm_read_report *b, struct qm_arena *arena, struct diff *diff) {
    const struct qm_read_layer **of_a = QM_ARENA_NEW(arena, const struct qm_read_layer *, a->layer_count),
                               **of_b = QM_ARENA_NEW(arena, const struct qm_read_layer *, b->layer_count);
    *diff = (struct diff){.a = a, .b = b, .layers = QM_ARENA_NEW(arena, struct diff_layer, (size_t)a->layer_count + b->layer_count)};
    join(diff, of_a, sort_layers(a, of_a), of_b, sort_layers(b, of_b));
    qsort_r(diff->layers, diff->layer_count, sizeof *diff->layers, compare_changes, diff);
}
