/* residents.h - the maps that live in the scratchpad from their first layer to their last, and where; place.c decides which.
 *
 * Each has the lowest address that is free of larger ones as long as it lives (of equal ones, of earlier ones). What finds no room is none any
 * more. Taking one out moves only those that this makes room for: all others stay where a new start would put them.
 */
#ifndef QM_COMPILER_PASSES_RESIDENTS_H
#define QM_COMPILER_PASSES_RESIDENTS_H

#include "compiler/ir/plan.h"

/* Places all values whose `resident` is set; clears it where there is no room. Owned by the plan's arena. */
struct residents *residents_create(struct plan *plan);

/* The largest, of equals the earliest, that lives in the layer; NULL: none does. */
struct plan_value *residents_largest(struct residents *residents, uint32_t layer);

/* Makes it none and places the others again. Layers that see a change have hole_bytes PLAN_NONE after it; returns the first of them. */
uint32_t residents_remove(struct residents *residents, struct plan_value *value);

/* The largest stretch of the scratchpad that is free in the layer. */
uint32_t residents_hole(struct residents *residents, uint32_t layer);

#endif
