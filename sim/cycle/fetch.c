/* fetch.c - the FIFO never overflows, because a burst is requested only when all of it has room. */
#include "sim/cycle/fetch.h"

#include <string.h>

void fetch_reset(struct fetch *fetch) {
    fetch->requested = fetch->delivered = fetch->popped = 0;
    fetch->filled_bytes = 0;
}

struct read_request fetch_request(const struct fetch *fetch, const struct csr *csr) {
    struct read_request request = {0};
    if (csr->error_cause != QM_ERROR_NONE || fetch->requested >= csr->program_count) return request;
    uint64_t chunk = csr->program_count - fetch->requested;
    if (chunk > FETCH_CHUNK) chunk = FETCH_CHUNK;
    if (fetch->requested - fetch->popped + chunk > FETCH_FIFO) return request;
    request.valid = true;
    request.offset = csr->program_addr + fetch->requested * QM_INSN_BYTES;
    request.beats = (uint32_t)(chunk * QM_INSN_BYTES / fetch->beat_bytes);
    return request;
}

bool fetch_is_burst_end(const struct fetch *fetch, const struct csr *csr) {
    uint64_t end = fetch->delivered + 1;
    return fetch->filled_bytes + fetch->beat_bytes == QM_INSN_BYTES && (end % FETCH_CHUNK == 0 || end == csr->program_count);
}

void fetch_clock_request(struct fetch *fetch, const struct read_request *request) {
    fetch->requested += request->beats * fetch->beat_bytes / QM_INSN_BYTES;
}

void fetch_clock_beat(struct fetch *fetch, const uint8_t *data) {
    uint32_t *words = fetch->words[fetch->delivered % FETCH_FIFO];
    memcpy((uint8_t *)words + fetch->filled_bytes, data, fetch->beat_bytes);
    fetch->filled_bytes += fetch->beat_bytes;
    if (fetch->filled_bytes < QM_INSN_BYTES) return;
    fetch->filled_bytes = 0;
    fetch->delivered++;
}
