/* cuts.h - the ways to cut a convolution that may be the best one: those of the fewest cycles by closed forms, some in each order of its
 * loops, with and without weights in parts. trial.c chooses among them by their exact time.
 */
#ifndef QM_COMPILER_PASSES_CUTS_H
#define QM_COMPILER_PASSES_CUTS_H

#include "compiler/ir/plan.h"

enum { CUT_KINDS = 4, CUTS_OF_KIND = 4, CUTS = CUT_KINDS * CUTS_OF_KIND };

struct cut {
    struct plan_tiling tiling;
    bool is_early;        /* weights in parts only so that work begins before all of them are there */
    uint64_t cycles;      /* by closed forms */
    uint64_t cost;        /* and a part of the time that the memory's bus is taken (passes.h) */
    uint64_t idle_cycles; /* of them those in which the memory's bus has nothing to do */
};

/* What a search for cuts depends on besides the layer. */
struct cuts_context {
    uint64_t idle_before; /* cycles of the layer before in which loads of this one may come */
    uint64_t wait_cycles; /* in which the input is made by the post unit alone */
    bool starts;          /* nothing runs before it */
};

/* Fills cuts [CUTS], the best first; of equals the first that was found. Returns how many there are; 0: none fits. */
uint32_t cuts_find(const struct plan *plan, uint32_t layer, const struct cuts_context *context, struct cut *cuts);

#endif
