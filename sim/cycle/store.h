/* store.h - the store unit: address, beats, address, beats, ..., and the responses that come meanwhile. */
#ifndef QM_SIM_CYCLE_STORE_H
#define QM_SIM_CYCLE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/cycle/transfer.h"

enum { BEAT_BYTES_MAX = 64 };

struct store {
    uint32_t beat_bytes;
    bool is_busy;
    bool is_open;           /* the burst's address was accepted and its beats are not all out */
    uint32_t beats_left;    /* of the open burst */
    uint64_t responses_due; /* of bursts whose address was accepted */
    struct transfer transfer;
};

/* What the unit drives. */
struct write_request {
    bool address_valid, beat_valid;
    uint64_t offset; /* in the arena, of the burst or of the beat */
    uint32_t beats;  /* address: of the burst; beat: left in the burst */
};

void store_reset(struct store *store);
struct write_request store_request(const struct store *store);

/* Copies the `beats` next beats of the open burst to data and returns the strobe of the first. */
uint64_t store_read(const struct store *store, const uint8_t *scratchpad, uint64_t beats, uint8_t *data);

/* A response that arrives now is the last of the instruction. */
bool store_is_last_response(const struct store *store);

/* The edges of cycles in which: the unit starts; the address was accepted; beats were accepted (returns the bytes of rows in them);
 * a response arrived. */
void store_clock_start(struct store *store, const struct qm_insn *insn);
void store_clock_address(struct store *store);
uint64_t store_clock_beats(struct store *store, uint64_t beats);
void store_clock_response(struct store *store);

#endif
