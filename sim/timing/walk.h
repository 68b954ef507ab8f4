/* walk.h - the bursts of a LOAD or STORE in order: docs/machine.md, Load. */
#ifndef QM_SIM_TIMING_WALK_H
#define QM_SIM_TIMING_WALK_H

#include "common/opcode/transfer.h"
#include "sim/timing/record.h"

struct walk {
    const struct record *insn;
    uint64_t beat_bytes;
    uint32_t row, plane;
    struct qm_transfer_row bytes; /* of the row, in the arena */
    uint64_t at;                  /* the burst begins here */
};

void walk_begin(struct walk *walk, const struct record *insn, uint64_t beat_bytes);
bool walk_is_done(const struct walk *walk);

/* Beats of the burst that begins here. */
uint32_t walk_beats(const struct walk *walk);

/* Passes over the bursts from here on that have as many beats as this one, at most `most` and at least one; returns how many. */
uint32_t walk_bursts(struct walk *walk, uint32_t most);

#endif
