/* pareto.c - the Pareto front: by latency, then energy, a point is on it when it needs less energy than all before it.
 * Points that are equal in both are on it together. Those whose values may be wrong are not judged by what they cost, unless asked for.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "explore/explore.h"

struct candidate {
    double seconds, energy_pj;
    uint64_t index;
};

static int compare(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? -1 : 1;
    if (x->energy_pj != y->energy_pj) return x->energy_pj < y->energy_pj ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static bool is_equal(const struct candidate *a, const struct candidate *b) {
    return a->seconds == b->seconds && a->energy_pj == b->energy_pj;
}

/* Whether prices within their ranges could turn which of two points needs less. */
static bool could_turn(const struct point *a, const struct point *b) {
    struct qm_energy_ratio ratio = qm_energy_compare(&a->energy, &b->energy);
    return ratio.low <= 1 && ratio.high >= 1;
}

uint64_t point_pareto(struct point *points, uint64_t count, bool allow_overflow, uint64_t *pareto) {
    struct candidate *candidates = qm_alloc_zeroed(count + 1, sizeof *candidates);
    const struct candidate *last = NULL; /* on it */
    uint64_t candidate_count = 0, pareto_count = 0;
    for (uint64_t i = 0; i < count; i++)
        if (points[i].state == POINT_OK && (allow_overflow || !points[i].may_overflow))
            candidates[candidate_count++] =
                (struct candidate){points[i].figures[QM_FIGURE_seconds], points[i].figures[QM_FIGURE_energy_pj], i};
    qsort(candidates, candidate_count, sizeof *candidates, compare);
    for (const struct candidate *at = candidates; at < candidates + candidate_count; at++) {
        if (last != NULL && !is_equal(at, last)) points[at->index].is_undecided = could_turn(&points[at->index], &points[last->index]);
        if (last != NULL && at->energy_pj >= last->energy_pj && !is_equal(at, last)) continue;
        points[at->index].is_pareto = true;
        pareto[pareto_count++] = at->index;
        last = at;
    }
    free(candidates);
    return pareto_count;
}
