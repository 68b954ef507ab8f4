/* spans.c - one merge of all lists by begin. */
#include "sim/timing/spans.h"

#include <stdlib.h>

#include "common/memory.h"
#include "common/status.h"

void spans_add(struct spans *spans, uint64_t begin, uint64_t end) {
    if (begin >= end) return;
    struct span *last = spans->count > 0 ? &spans->items[spans->count - 1] : NULL;
    if (last != NULL && begin <= last->end) {
        QM_CHECK(begin >= last->begin);
        if (end > last->end) last->end = end;
        return;
    }
    if (spans->count == spans->room) {
        spans->room = spans->room > 0 ? 2 * spans->room : 64;
        spans->items = qm_alloc_more(spans->items, spans->room * sizeof *spans->items);
    }
    spans->items[spans->count++] = (struct span){begin, end};
}

void spans_fini(struct spans *spans) {
    free(spans->items);
}

uint64_t spans_cover(const struct spans *const *lists, uint32_t count) {
    uint32_t at[SPANS_TOGETHER_MAX] = {0};
    uint64_t covered = 0, covered_to = 0;
    QM_CHECK(count <= SPANS_TOGETHER_MAX);
    for (;;) {
        const struct span *next = NULL;
        uint32_t from = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (at[i] == lists[i]->count) continue;
            const struct span *span = &lists[i]->items[at[i]];
            if (next != NULL && next->begin <= span->begin) continue;
            next = span;
            from = i;
        }
        if (next == NULL) return covered;
        at[from]++;
        if (next->end <= covered_to) continue;
        covered += next->end - (next->begin > covered_to ? next->begin : covered_to);
        covered_to = next->end;
    }
}
