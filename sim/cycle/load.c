/* load.c - front and back walk the same rows, the front by bursts and the back by beats; beats come in the order of the bursts. */
#include "sim/cycle/load.h"

#include <string.h>

void load_reset(struct load *load) {
    load->front_busy = load->back_busy = false;
}

struct read_request load_request(const struct load *load) {
    struct read_request request = {0};
    if (!load->front_busy) return request;
    request.valid = true;
    request.offset = load->front.at;
    request.beats = transfer_beats_left(&load->front);
    return request;
}

bool load_is_last_beat(const struct load *load) {
    return load->back_busy && transfer_is_last_beat(&load->back);
}

bool load_is_burst_end(const struct load *load) {
    return load->back_busy && transfer_beats_left(&load->back) == 1;
}

void load_clock_start(struct load *load, const struct qm_insn *insn) {
    load->front_busy = true;
    transfer_begin(&load->front, insn, load->beat_bytes);
}

void load_clock_take(struct load *load, const struct qm_insn *insn) {
    load->back_busy = true;
    transfer_begin(&load->back, insn, load->beat_bytes);
}

void load_clock_request(struct load *load) {
    transfer_advance(&load->front, transfer_beats_left(&load->front));
    if (load->front.is_done) load->front_busy = false;
}

void load_write(const struct load *load, const uint8_t *data, uint64_t beats, uint8_t *scratchpad) {
    struct transfer_span span = transfer_span(&load->back, beats);
    memcpy(scratchpad + span.spad, data + span.skip, span.length);
}

uint64_t load_clock_beats(struct load *load, uint64_t beats) {
    QM_CHECK(load->back_busy);
    uint64_t bytes = transfer_span(&load->back, beats).length;
    transfer_advance(&load->back, beats);
    if (load->back.is_done) load->back_busy = false;
    return bytes;
}
