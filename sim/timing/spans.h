/* spans.h - stretches of cycles in order of time, and how many cycles several of them cover together. */
#ifndef QM_SIM_TIMING_SPANS_H
#define QM_SIM_TIMING_SPANS_H

#include <stdint.h>

struct span {
    uint64_t begin, end; /* begin <= t < end */
};

struct spans {
    struct span *items; /* [count], by begin and by end */
    uint32_t count, room;
};

void spans_add(struct spans *spans, uint64_t begin, uint64_t end); /* not before the last one; empty ones are left out */
void spans_fini(struct spans *spans);

enum { SPANS_TOGETHER_MAX = 4 };
/* Cycles in any of lists [count]. */
uint64_t spans_cover(const struct spans *const *lists, uint32_t count);

#endif
