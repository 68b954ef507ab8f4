/* random_graph.h - small int8 networks drawn from a seed: chains of every operator that the machine runs, with residual additions. */
#ifndef QM_TESTS_SUPPORT_RANDOM_GRAPH_H
#define QM_TESTS_SUPPORT_RANDOM_GRAPH_H

#include "common/prng.h"
#include "compiler/ir/graph.h"

/* One input map of up to size x size positions, 1 to 7 operators. Everything is in the arena. */
struct qm_graph *random_graph(struct qm_arena *arena, struct qm_prng *prng, uint32_t size);

#endif
