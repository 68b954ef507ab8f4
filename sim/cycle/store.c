/* store.c - one burst is open at a time; the walk over the rows moves with the accepted beats. */
#include "sim/cycle/store.h"

#include <string.h>

void store_reset(struct store *store) {
    store->is_busy = store->is_open = false;
    store->beats_left = 0;
    store->responses_due = 0;
}

struct write_request store_request(const struct store *store) {
    struct write_request request = {0};
    if (!store->is_busy || store->transfer.is_done) return request;
    request.address_valid = !store->is_open;
    request.beat_valid = store->is_open;
    request.offset = store->transfer.at;
    request.beats = store->is_open ? store->beats_left : transfer_beats_left(&store->transfer);
    return request;
}

uint64_t store_read(const struct store *store, const uint8_t *scratchpad, uint64_t beats, uint8_t *data) {
    struct transfer_span span = transfer_span(&store->transfer, beats);
    memcpy(data + span.skip, scratchpad + span.spad, span.length);
    struct transfer_span first = transfer_span(&store->transfer, 1);
    return (UINT64_MAX >> (BEAT_BYTES_MAX - first.length)) << first.skip;
}

bool store_is_last_response(const struct store *store) {
    return store->is_busy && store->transfer.is_done && store->responses_due == 1;
}

void store_clock_start(struct store *store, const struct qm_insn *insn) {
    store->is_busy = true;
    transfer_begin(&store->transfer, insn, store->beat_bytes);
}

void store_clock_address(struct store *store) {
    store->is_open = true;
    store->beats_left = transfer_beats_left(&store->transfer);
    store->responses_due++;
}

uint64_t store_clock_beats(struct store *store, uint64_t beats) {
    uint64_t bytes = transfer_span(&store->transfer, beats).length;
    transfer_advance(&store->transfer, beats);
    store->beats_left -= (uint32_t)beats;
    if (store->beats_left == 0) store->is_open = false;
    return bytes;
}

void store_clock_response(struct store *store) {
    if (store_is_last_response(store)) store->is_busy = false;
    store->responses_due--;
}
