/* residents.h - the maps that stay in the scratchpad as long as they are live, from their first layer to their last; place.c decides which.
 *
 * Each has the lowest address that no larger map needs while it is live (of equal ones, no earlier one). A map that finds no room is
 * spilled. Spilling one moves only those that this makes room for: all others stay where placing all anew would put them.
 */
#ifndef QM_COMPILER_PASSES_RESIDENTS_H
#define QM_COMPILER_PASSES_RESIDENTS_H

#include "compiler/ir/plan.h"

/* Places all values whose `resident` is set; clears it where there is no room. Owned by the plan's arena. */
struct residents *residents_create(struct plan *plan);

/* The largest, of equals the earliest, that is live in the layer; NULL: none is. */
struct plan_value *residents_largest(struct residents *residents, uint32_t layer);

/* Spills it and places the others again. Layers that see a change have hole_bytes PLAN_NONE after it; returns the first of them. */
uint32_t residents_spill(struct residents *residents, struct plan_value *value);

/* Maps that have been placed again, all together. */
uint64_t residents_moves(const struct residents *residents);

/* Those that are live in some of the layers, in no order; *found is good until the next question. Returns how many. */
uint32_t residents_live(struct residents *residents, uint32_t first_layer, uint32_t last_layer, struct plan_value *const **found);

/* The largest stretch of the scratchpad that is free in the layer. */
uint32_t residents_hole(struct residents *residents, uint32_t layer);

#endif
