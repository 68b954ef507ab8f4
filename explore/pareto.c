/* pareto.c - the Pareto front: by latency, then energy, then quality, a point is on it when it needs less energy than all before it that
 * are as good or better. Points that are equal in all are on it together. Those whose values may be wrong are not judged by what they cost,
 * unless asked for.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "explore/explore.h"

struct candidate {
    double seconds, energy_pj, quality;
    uint64_t index;
};

static int compare(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? -1 : 1;
    if (x->energy_pj != y->energy_pj) return x->energy_pj < y->energy_pj ? -1 : 1;
    if (x->quality != y->quality) return x->quality > y->quality ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static bool is_equal(const struct candidate *a, const struct candidate *b) {
    return a->seconds == b->seconds && a->energy_pj == b->energy_pj && a->quality == b->quality;
}

/* Whether prices within their ranges could turn which of two points needs less. */
static bool could_turn(const struct point *a, const struct point *b) {
    struct qm_energy_ratio ratio = qm_energy_compare(&a->energy, &b->energy);
    return ratio.low <= 1 && ratio.high >= 1;
}

/* The last points of the front by their quality: of each the one that needs least energy. There are as many as precisions. */
struct front {
    const struct candidate **last; /* [count] */
    uint64_t count;
};

/* The one that needs least of those as good as the candidate or better; NULL: there is none. */
static const struct candidate *least_before(const struct front *front, const struct candidate *at) {
    const struct candidate *least = NULL;
    for (uint64_t i = 0; i < front->count; i++) {
        const struct candidate *last = front->last[i];
        if (last->quality >= at->quality && (least == NULL || last->energy_pj < least->energy_pj)) least = last;
    }
    return least;
}

static void put_last(struct front *front, const struct candidate *at) {
    uint64_t i = 0;
    while (i < front->count && front->last[i]->quality != at->quality) i++;
    if (i == front->count) front->last = qm_alloc_more(front->last, ++front->count * sizeof *front->last);
    front->last[i] = at;
}

static uint64_t list_candidates(const struct point *points, uint64_t count, bool allow_overflow, struct candidate *candidates) {
    uint64_t candidate_count = 0;
    for (uint64_t i = 0; i < count; i++)
        if (points[i].state == POINT_OK && (allow_overflow || !points[i].may_overflow))
            candidates[candidate_count++] =
                (struct candidate){points[i].figures[QM_FIGURE_seconds], points[i].figures[QM_FIGURE_energy_pj], points[i].quality, i};
    qsort(candidates, candidate_count, sizeof *candidates, compare);
    return candidate_count;
}

uint64_t point_pareto(struct point *points, uint64_t count, bool allow_overflow, uint64_t *pareto) {
    struct candidate *candidates = qm_alloc_zeroed(count + 1, sizeof *candidates);
    uint64_t candidate_count = list_candidates(points, count, allow_overflow, candidates), pareto_count = 0;
    struct front front = {0};
    for (const struct candidate *at = candidates; at < candidates + candidate_count; at++) {
        const struct candidate *least = least_before(&front, at);
        if (least != NULL && !is_equal(at, least)) points[at->index].is_undecided = could_turn(&points[at->index], &points[least->index]);
        if (least != NULL && at->energy_pj >= least->energy_pj && !is_equal(at, least)) continue;
        points[at->index].is_pareto = true;
        pareto[pareto_count++] = at->index;
        put_last(&front, at);
    }
    free(front.last);
    free(candidates);
    return pareto_count;
}
