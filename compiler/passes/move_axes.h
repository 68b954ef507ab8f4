/* move_axes.h - moves whose elements each come from one place along each of some axes: slices, repetitions, gathers, blocks.
 *
 * An axis lists which bytes of the input go where in the output, and every combination of the axes' entries is moved. Where entries lie
 * at equal distances they become loops of a move; what is left of them becomes its places.
 */
#ifndef QM_COMPILER_PASSES_MOVE_AXES_H
#define QM_COMPILER_PASSES_MOVE_AXES_H

#include "common/arena.h"
#include "compiler/ir/layer.h"

/* Entries of which no two write the same byte. */
struct move_axis {
    uint32_t count;
    struct qm_move_place *at; /* [count] bytes from the first of the input and of the output */
};

enum {
    MOVE_AXES_MAX = QM_MAX_RANK,
    MOVE_AXES_LAYERS = 16,       /* moves that one list of axes becomes, at most */
    MOVE_AXES_PLACES = 1U << 13, /* of a move: each is an instruction or more */
};

/* Fills moves with those that together move all combinations, and returns how many. The last axis has neighbouring bytes, the first ones
 * the longest distances. 0: it would take too many places. */
uint32_t move_axes_split(const struct move_axis *axes, uint32_t count, struct qm_arena *arena, struct qm_move moves[MOVE_AXES_LAYERS]);

/* How many places the entries of an axis become, rounds of loops that go down included; 0: loops that go up alone. */
uint32_t move_axis_places(const struct move_axis *axis, struct qm_arena *arena);

/* Adds a loop inside those that are there; one with it where their bytes follow one another in both maps. */
void move_add_loop(struct qm_move *move, struct qm_move_loop loop);
/* The innermost loop becomes the contiguous bytes if it can. */
void move_close_loops(struct qm_move *move);

#endif
