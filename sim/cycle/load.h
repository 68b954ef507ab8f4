/* load.h - the load unit: a front that issues read bursts and a back that takes the beats. */
#ifndef QM_SIM_CYCLE_LOAD_H
#define QM_SIM_CYCLE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/cycle/fetch.h"
#include "sim/cycle/transfer.h"

struct load {
    uint32_t beat_bytes;
    bool front_busy, back_busy;
    struct transfer front, back;
};

void load_reset(struct load *load);

/* The burst that the front has to issue. */
struct read_request load_request(const struct load *load);

/* A beat that arrives now is the last of its instruction, of its burst. */
bool load_is_last_beat(const struct load *load);
bool load_is_burst_end(const struct load *load);

/* Copies the bytes of rows in the `beats` beats that arrive now, the first of which lies at data, to the scratchpad. */
void load_write(const struct load *load, const uint8_t *data, uint64_t beats, uint8_t *scratchpad);

/* The edges of cycles in which: the front starts; the back takes; the burst was accepted; beats arrived (returns the bytes of rows in
 * them). */
void load_clock_start(struct load *load, const struct qm_insn *insn);
void load_clock_take(struct load *load, const struct qm_insn *insn);
void load_clock_request(struct load *load);
uint64_t load_clock_beats(struct load *load, uint64_t beats);

#endif
