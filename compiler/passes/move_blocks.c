/* move_blocks.c - how a move is cut into blocks: so many rounds of each of its loops, and some of its contiguous elements.
 *
 * A map in the arena comes and goes in runs of neighbouring bytes, and runs that are short cost a burst for little. So a block first grows
 * until its runs are long in both maps, each in the order in which the map lies, and then fills what room there is.
 */
#include "compiler/passes/move_blocks.h"

enum { RUN_BYTES = 64 };

static uint32_t stride_in(const struct qm_move_loop *loop, bool of_input) {
    return of_input ? loop->in : loop->out;
}

void move_order(const struct qm_move *move, bool of_input, uint32_t order[QM_MOVE_LOOPS]) {
    for (uint32_t i = 0; i < move->loop_count; i++) {
        uint32_t at = i, stride = stride_in(&move->loops[i], of_input);
        for (; at > 0 && stride < stride_in(&move->loops[order[at - 1]], of_input); at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

uint64_t move_block_elements(const struct qm_move *move, const struct move_block *block) {
    uint64_t elements = block->elements.count;
    for (uint32_t i = 0; i < move->loop_count; i++) elements *= block->count[i];
    return elements;
}

struct move_runs move_runs_of(const struct qm_move *move, const struct move_block *block, bool of_input, uint32_t contiguous_bytes) {
    struct move_runs runs = {.bytes = contiguous_bytes};
    uint32_t order[QM_MOVE_LOOPS];
    move_order(move, of_input, order);
    for (uint32_t i = 0; i < move->loop_count; i++) {
        uint32_t rounds = block->count[order[i]], stride = stride_in(&move->loops[order[i]], of_input);
        if (rounds == 1 || stride == 0) continue;
        if (runs.count == 0 && stride == runs.bytes) {
            runs.bytes *= rounds;
            continue;
        }
        runs.rounds[runs.count] = rounds;
        runs.stride[runs.count++] = stride;
    }
    return runs;
}

/* Makes the runs of a map longer, loop by loop, until they are RUN_BYTES or the next loop's bytes are no neighbours. */
static void lengthen(const struct qm_move *move, struct move_block *block, bool of_input, uint32_t most) {
    uint32_t order[QM_MOVE_LOOPS], run = block->elements.count;
    move_order(move, of_input, order);
    for (uint32_t i = 0; i < move->loop_count && run < RUN_BYTES; i++) {
        const struct qm_move_loop *loop = &move->loops[order[i]];
        uint32_t *count = &block->count[order[i]], stride = stride_in(loop, of_input);
        if (stride == 0) continue;
        if (stride != run) return;
        uint32_t others = (uint32_t)(move_block_elements(move, block) / *count), wanted = plan_ceil_div(RUN_BYTES, run);
        *count = plan_min(loop->count, plan_max(*count, plan_min(wanted, plan_max(most / others, 1))));
        run *= *count;
    }
}

struct move_block move_block_of(const struct qm_move *move, uint32_t chunk_elements, uint32_t most) {
    struct move_block block = {.elements = {0, chunk_elements}};
    uint32_t order[QM_MOVE_LOOPS];
    for (uint32_t i = 0; i < move->loop_count; i++) block.count[i] = 1;
    if (chunk_elements < move->contiguous_bytes) return block;
    lengthen(move, &block, false, most);
    lengthen(move, &block, true, most);
    move_order(move, false, order);
    for (uint32_t i = 0; i < move->loop_count; i++) {
        uint32_t *count = &block.count[order[i]], others = (uint32_t)(move_block_elements(move, &block) / *count);
        *count = plan_min(move->loops[order[i]].count, plan_max(*count, most / others));
    }
    return block;
}

bool move_next(const struct qm_move *move, const struct move_block *whole, struct move_block *block) {
    block->elements.first += whole->elements.count;
    if (block->elements.first < move->contiguous_bytes) {
        block->elements.count = plan_min(whole->elements.count, move->contiguous_bytes - block->elements.first);
        return true;
    }
    block->elements = whole->elements;
    for (uint32_t i = move->loop_count; i-- > 0;) {
        block->first[i] += whole->count[i];
        if (block->first[i] < move->loops[i].count) {
            block->count[i] = plan_min(whole->count[i], move->loops[i].count - block->first[i]);
            return true;
        }
        block->first[i] = 0;
        block->count[i] = whole->count[i];
    }
    return false;
}
