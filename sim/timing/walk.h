/* walk.h - the bursts of a LOAD or STORE in order: docs/machine.md, Load. */
#ifndef QM_SIM_TIMING_WALK_H
#define QM_SIM_TIMING_WALK_H

#include <stdbool.h>

#include "common/record.h"

struct walk {
    const struct qm_record *insn;
    uint64_t rows;       /* left, of all planes; this one among them */
    bool rows_are_alike; /* each is one burst, of as many beats: only their number counts */
    uint32_t beat_bits;  /* a beat has 2 to the power of it bytes */
    uint32_t beats_max;  /* of a burst, which begins anew at each multiple of it */
    uint32_t row;        /* of the plane */
    uint64_t plane;      /* byte of the arena with which the plane begins */
    uint64_t first;      /* byte of the arena with which the row begins */
    uint64_t at, end;    /* in beats of the arena: the burst begins here, the row is over there */
};

void walk_begin(struct walk *walk, const struct qm_record *insn, uint64_t beat_bytes);

static inline bool walk_is_done(const struct walk *walk) {
    return walk->rows == 0;
}

/* Beats of the burst that begins here. */
static inline uint32_t walk_beats(const struct walk *walk) {
    uint64_t whole = walk->beats_max - (walk->at & (walk->beats_max - 1)), left = walk->end - walk->at;
    return (uint32_t)(whole < left ? whole : left);
}

/* Passes over the bursts from here on that have as many beats as this one, at most `most` and at least one; returns how many. */
uint32_t walk_bursts(struct walk *walk, uint32_t most);

#endif
