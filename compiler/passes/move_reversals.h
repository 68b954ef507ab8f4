/* move_reversals.h - a move that takes many short runs from the last to the first, as two steps of fewer instructions.
 *
 * Each round of a loop that goes down is an instruction (schedule_move.c), which is dear when it moves few bytes. So the rounds are taken
 * in groups: a first step turns each group around, all groups at once, and a second one takes the groups, which are long runs, from the
 * last to the first. What is left over of the rounds is moved by itself, in both steps.
 */
#ifndef QM_COMPILER_PASSES_MOVE_REVERSALS_H
#define QM_COMPILER_PASSES_MOVE_REVERSALS_H

#include "common/arena.h"
#include "compiler/ir/layer.h"

/* All moves of the first step come before those of the second, which may have to be split again. */
struct move_steps {
    uint32_t bytes; /* of the map between the steps */
    uint32_t count; /* moves of each step */
    struct qm_move first[2], second[2];
};

/* False: the move is cheap as it is. */
bool move_split_reversal(const struct qm_move *move, struct qm_arena *arena, struct move_steps *steps);

#endif
