/* move_windows.h - the places of a list that come and go together.
 *
 * Where a map is not in the scratchpad, a LOAD or a STORE for each place would cost the memory's latency each. So a window holds all bytes
 * from the first place's first to the last place's last, and comes and goes at once. Of the output's window only some bytes may be those
 * places'; then it is loaded first, so that the others go back as they were.
 * Elements at places are bytes: narrow packs no such map.
 */
#ifndef QM_COMPILER_PASSES_MOVE_WINDOWS_H
#define QM_COMPILER_PASSES_MOVE_WINDOWS_H

#include "compiler/passes/move_blocks.h"

/* How one map is cut into windows. */
struct move_windows {
    bool of_input;
    uint32_t span;      /* bytes of a block at one place, from its first to its last */
    uint32_t bytes_max; /* of a window; UINT32_MAX: the map is in the scratchpad, and is one window */
    uint32_t gap_max;   /* bytes between two places of a window, at most: to skip more, another transfer is faster */
};

/* Those of a layer's input or output, when a block has so many bytes from its first to its last. */
struct move_windows move_windows_of(const struct plan *plan, uint32_t layer, const struct plan_tiling *t, bool of_input, uint32_t span);

/* Puts places in the order in which they lie in the input or in the output. */
void move_sort_places(struct qm_move_place *places, uint32_t count, bool of_input);

/* How many of the places [left], which are in that order, are in the window that the first of them begins; one or more. */
uint32_t move_window_places(const struct move_windows *windows, const struct qm_move_place *places, uint32_t left);

/* The bytes from the first of a block to the last in the input or in the output, at one place. */
uint32_t move_block_span(const struct qm_move *move, const struct move_block *block, bool of_input);

/* Sets window_in, window_out and block_bytes where windows are faster than a transfer for each place. */
void move_choose_windows(const struct plan *plan, uint32_t layer, struct plan_tiling *t);

#endif
