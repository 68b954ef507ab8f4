/* move_draw.h - random graphs of one operator that only moves bytes, for tests of what it costs and of where it puts them. */
#ifndef QM_TESTS_SUPPORT_MOVE_DRAW_H
#define QM_TESTS_SUPPORT_MOVE_DRAW_H

#include "common/arena.h"
#include "common/graph.h"
#include "common/prng.h"

struct move_draw_kind {
    const char *name;
    double cycles_per_byte, cycles_per_run; /* that it may cost where the memory carries two bytes a cycle */
    struct qm_graph *(*draw)(struct qm_prng *prng, struct qm_arena *arena);
};

enum { MOVE_DRAW_KINDS = 12 };

/* Bytes that lie side by side in input and output, whatever is listed of the dimensions before them. */
uint64_t move_draw_run_bytes(const struct qm_graph *graph);

extern const struct move_draw_kind move_draw_kinds[MOVE_DRAW_KINDS];

#endif
