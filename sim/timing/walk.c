/* walk.c - row by row, and in a row from one multiple of a burst to the next. */
#include "sim/timing/walk.h"

#include "sim/timing/extremes.h"

static void enter_row(struct walk *walk, uint64_t first) {
    walk->first = first;
    walk->at = first >> walk->beat_bits;
    walk->end = ((first + walk->insn->transfer.row_bytes - 1) >> walk->beat_bits) + 1;
}

/* All rows begin a multiple of some power of two apart, and each ends before the next multiple of it. */
static bool rows_are_alike(const struct qm_record *insn) {
    uint64_t strides = QM_BURST_BYTES;
    if (insn->transfer.row_count > 1) strides |= insn->transfer.row_stride;
    if (insn->transfer.plane_count > 1) strides |= insn->transfer.plane_stride;
    uint64_t apart = strides & -strides;
    return (insn->transfer.address & (apart - 1)) + insn->transfer.row_bytes <= apart;
}

void walk_begin(struct walk *walk, const struct qm_record *insn, uint64_t beat_bytes) {
    *walk = (struct walk){.insn = insn,
                          .rows = (uint64_t)insn->transfer.plane_count * insn->transfer.row_count,
                          .rows_are_alike = rows_are_alike(insn),
                          .beat_bits = (uint32_t)__builtin_ctzll(beat_bytes),
                          .beats_max = (uint32_t)(QM_BURST_BYTES / beat_bytes),
                          .plane = insn->transfer.address};
    enter_row(walk, walk->plane);
}

static void next_row(struct walk *walk) {
    walk->rows--;
    if (++walk->row < walk->insn->transfer.row_count) {
        enter_row(walk, walk->first + walk->insn->transfer.row_stride);
        return;
    }
    walk->row = 0;
    walk->plane += walk->insn->transfer.plane_stride;
    enter_row(walk, walk->plane);
}

uint32_t walk_bursts(struct walk *walk, uint32_t most) {
    uint32_t beats = walk_beats(walk), bursts = 0;
    if (walk->rows_are_alike) {
        bursts = (uint32_t)smaller(walk->rows, most);
        walk->rows -= bursts;
        return bursts;
    }
    do {
        uint64_t whole = beats == walk->beats_max ? (walk->end - walk->at) / beats : 1;
        uint32_t passed = (uint32_t)smaller(whole, most - bursts);
        bursts += passed;
        walk->at += (uint64_t)passed * beats;
        if (walk->at == walk->end) next_row(walk);
    } while (bursts < most && !walk_is_done(walk) && walk_beats(walk) == beats);
    return bursts;
}
