/* walk.c - row by row, and in a row from one multiple of a burst to the next. */
#include "sim/timing/walk.h"

static void enter_row(struct walk *walk) {
    uint64_t first = walk->insn->transfer.address + walk->plane * (uint64_t)walk->insn->transfer.plane_stride +
                     walk->row * (uint64_t)walk->insn->transfer.row_stride;
    walk->bytes = (struct qm_transfer_row){.first = first, .end = first + walk->insn->transfer.row_bytes};
    walk->at = first & ~(walk->beat_bytes - 1);
}

void walk_begin(struct walk *walk, const struct record *insn, uint64_t beat_bytes) {
    *walk = (struct walk){.insn = insn, .beat_bytes = beat_bytes};
    enter_row(walk);
}

bool walk_is_done(const struct walk *walk) {
    return walk->plane == walk->insn->transfer.plane_count;
}

uint32_t walk_beats(const struct walk *walk) {
    uint64_t bytes = qm_transfer_burst_end(&walk->bytes, walk->at) - walk->at;
    return (uint32_t)((bytes + walk->beat_bytes - 1) / walk->beat_bytes);
}

static void next_burst(struct walk *walk) {
    walk->at = qm_transfer_burst_end(&walk->bytes, walk->at);
    if (walk->at < walk->bytes.end) return;
    if (++walk->row == walk->insn->transfer.row_count) {
        walk->row = 0;
        walk->plane++;
    }
    if (!walk_is_done(walk)) enter_row(walk);
}

uint32_t walk_bursts(struct walk *walk, uint32_t most) {
    uint32_t beats = walk_beats(walk), bursts = 0;
    do {
        next_burst(walk);
        bursts++;
    } while (bursts < most && !walk_is_done(walk) && walk_beats(walk) == beats);
    return bursts;
}
