/* spans.c - cycles that several lists of stretches cover, against counting cycle by cycle. */
#include "sim/timing/spans.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/unit/sim/cycle/rig.h"

TestSuite(timing_spans);

enum { CYCLES = 400, LISTS = 4 };

static void draw(struct spans *spans, uint64_t *state, bool *covered) {
    for (uint64_t at = 0; at < CYCLES - 60;) {
        uint64_t begin = at + rig_random(state, 20), end = begin + rig_random(state, 20);
        spans_add(spans, begin, end);
        for (uint64_t cycle = begin; cycle < end; cycle++) covered[cycle] = true;
        at = end > 3 ? end - rig_random(state, 4) : end; /* stretches may touch, and may begin within the one before */
        if (at < begin) at = begin;
    }
}

Test(timing_spans, lists_cover_what_is_in_any_of_them) {
    uint64_t state = 11;
    for (int round = 0; round < 200; round++) {
        struct spans spans[LISTS] = {0};
        const struct spans *lists[LISTS];
        bool covered[CYCLES] = {0};
        for (uint32_t i = 0; i < LISTS; i++) {
            uint64_t count = 0;
            draw(&spans[i], &state, covered);
            lists[i] = &spans[i];
            for (int cycle = 0; cycle < CYCLES; cycle++) count += covered[cycle];
            cr_assert(eq(u64, spans_cover(lists, i + 1), count));
        }
        for (int i = 0; i < LISTS; i++) spans_fini(&spans[i]);
    }
}
