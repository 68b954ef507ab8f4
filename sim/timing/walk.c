/* walk.c - row by row, and in a row from one multiple of a burst to the next. */
#include "sim/timing/walk.h"

static void enter_row(struct walk *walk, uint64_t first) {
    walk->first = first;
    walk->at = first >> walk->beat_bits;
    walk->end = ((first + walk->insn->transfer.row_bytes - 1) >> walk->beat_bits) + 1;
}

void walk_begin(struct walk *walk, const struct record *insn, uint64_t beat_bytes) {
    *walk = (struct walk){
        .insn = insn, .beat_bits = (uint32_t)__builtin_ctzll(beat_bytes), .beats_max = (uint32_t)(QM_BURST_BYTES / beat_bytes)};
    enter_row(walk, insn->transfer.address);
}

static void next_row(struct walk *walk) {
    if (++walk->row < walk->insn->transfer.row_count) {
        enter_row(walk, walk->first + walk->insn->transfer.row_stride);
        return;
    }
    walk->row = 0;
    walk->plane++;
    enter_row(walk, walk->insn->transfer.address + walk->plane * (uint64_t)walk->insn->transfer.plane_stride);
}

uint32_t walk_bursts(struct walk *walk, uint32_t most) {
    uint32_t beats = walk_beats(walk), bursts = 0;
    do {
        uint64_t whole = beats == walk->beats_max ? (walk->end - walk->at) / beats : 1;
        uint32_t passed = whole < most - bursts ? (uint32_t)whole : most - bursts;
        bursts += passed;
        walk->at += (uint64_t)passed * beats;
        if (walk->at == walk->end) next_row(walk);
    } while (bursts < most && !walk_is_done(walk) && walk_beats(walk) == beats);
    return bursts;
}
