/* move_blocks.h - the blocks of a move, for the passes that cut layers and write their operations. */
#ifndef QM_COMPILER_PASSES_MOVE_BLOCKS_H
#define QM_COMPILER_PASSES_MOVE_BLOCKS_H

#include "compiler/passes/passes.h"

/* Some rounds of each loop, and some of the contiguous elements. */
struct move_block {
    uint32_t first[QM_MOVE_LOOPS], count[QM_MOVE_LOOPS];
    struct range elements;
};

/* The first block, and the largest, of at most so many elements; a part of the contiguous elements, or all of them. */
struct move_block move_block_of(const struct qm_move *move, uint32_t chunk_elements, uint32_t most);
/* The block behind a block. False: it was the last. */
bool move_next(const struct qm_move *move, const struct move_block *whole, struct move_block *block);
uint64_t move_block_elements(const struct qm_move *move, const struct move_block *block);
/* The loops by their strides in a map, the shortest first. */
void move_order(const struct qm_move *move, bool of_input, uint32_t order[QM_MOVE_LOOPS]);

/* The bytes of a block in a map: runs of neighbours, and the loops over them, the shortest stride first. */
struct move_runs {
    uint32_t bytes; /* of a run */
    uint32_t count, rounds[QM_MOVE_LOOPS], stride[QM_MOVE_LOOPS];
};

/* Those of a block whose contiguous elements are so many bytes. A loop that stays where it is has no bytes of its own. */
struct move_runs move_runs_of(const struct qm_move *move, const struct move_block *block, bool of_input, uint32_t contiguous_bytes);

#endif
