/* sharing.h - which convolutions have the same numbers, as the examples of a batch do: cut alike, they share their constants. It is found
 * once for a network, when its layers have their numbers, and not again for each machine that it is planned for.
 */
#ifndef QM_COMPILER_PASSES_SHARING_H
#define QM_COMPILER_PASSES_SHARING_H

#include "compiler/ir/plan.h"

/* For each layer the last one before it of whose numbers the same constants are made, when both are cut alike; PLAN_NONE: none.
 * [layer_count], in the arena. */
uint32_t *sharing_find(const struct qm_network *network, struct qm_arena *arena);

/* Whether layers of the same numbers that are cut so have the same constants: the same weights, in the same order and chunks. */
bool sharing_same_cuts(const struct plan_tiling *a, const struct plan_tiling *b);

#endif
