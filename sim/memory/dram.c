/* dram.c - read bursts in a ring, one open write burst, responses in a ring; one data bus that alternates when both sides want it.
 *
 * Time is a counter of cycles since the reset. What is driven in a cycle follows from the state alone, so qm_dram_outputs may be called as often as
 * wanted; qm_dram_clock is the only thing that moves the state, and qm_dram_skip is qm_dram_clock done n times where each does the same.
 */
#include "sim/memory/dram.h"

#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "common/status.h"

enum channel { READ_ADDRESS, READ_DATA, WRITE_ADDRESS, WRITE_DATA, RESPONSE, CHANNELS };
enum { RESPONSES_MAX = 1 << 14, MAX_BEAT_BYTES = 64 };

struct burst {
    uint64_t address, beats_left, ready_at;
    uint8_t id;
};

struct response {
    uint64_t due_at;
    bool error;
};

struct qm_dram {
    uint64_t base, size_bytes;
    uint32_t beat_bytes, bytes_per_cycle, latency, queue_depth;
    uint64_t seed, stall_threshold; /* a channel stalls when its hash is below */
    uint8_t *bytes;

    uint64_t now;
    uint32_t credit;
    bool turn_is_write;
    struct burst *reads; /* ring [queue_depth] */
    uint32_t read_first, read_count;
    struct burst write; /* open while beats_left > 0 */
    bool write_error;
    struct response *responses; /* ring [RESPONSES_MAX] */
    uint32_t response_first, response_count;
};

struct qm_dram *qm_dram_create(const struct qm_machine *machine, uint64_t base, uint64_t size_bytes, uint64_t seed, double stalls) {
    struct qm_dram *dram = calloc(1, sizeof *dram);
    QM_CHECK(dram != NULL);
    dram->base = base;
    dram->size_bytes = size_bytes;
    dram->beat_bytes = machine->axi_bytes;
    dram->bytes_per_cycle = machine->dram_bytes_per_cycle;
    dram->latency = machine->dram_latency;
    dram->queue_depth = machine->dram_queue;
    dram->seed = seed;
    dram->stall_threshold = (uint64_t)(stalls * 18446744073709549568.0); /* the largest double below 2^64 */
    dram->bytes = calloc(size_bytes + MAX_BEAT_BYTES, 1);
    dram->reads = calloc(dram->queue_depth, sizeof *dram->reads);
    dram->responses = calloc(RESPONSES_MAX, sizeof *dram->responses);
    QM_CHECK(dram->bytes != NULL && dram->reads != NULL && dram->responses != NULL);
    qm_dram_reset(dram);
    return dram;
}

void qm_dram_destroy(struct qm_dram *dram) {
    if (dram == NULL) return;
    free(dram->bytes);
    free(dram->reads);
    free(dram->responses);
    free(dram);
}

void qm_dram_reset(struct qm_dram *dram) {
    dram->now = 0;
    dram->credit = dram->beat_bytes;
    dram->turn_is_write = false;
    dram->read_first = dram->read_count = 0;
    dram->response_first = dram->response_count = 0;
    dram->write = (struct burst){0};
    dram->write_error = false;
}

uint8_t *qm_dram_bytes(struct qm_dram *dram) {
    return dram->bytes;
}

static bool stalls(const struct qm_dram *dram, enum channel channel) {
    return dram->stall_threshold != 0 && qm_hash3(dram->seed, dram->now, channel) < dram->stall_threshold;
}

static bool is_inside(const struct qm_dram *dram, uint64_t address, uint64_t size) {
    return address >= dram->base && size <= dram->size_bytes && address - dram->base <= dram->size_bytes - size;
}

static struct burst *read_head(const struct qm_dram *dram) {
    return dram->read_count > 0 ? &dram->reads[dram->read_first] : NULL;
}

static bool wants_read(const struct qm_dram *dram) {
    const struct burst *head = read_head(dram);
    return head != NULL && head->ready_at <= dram->now && dram->credit >= dram->beat_bytes && !stalls(dram, READ_DATA);
}

static bool wants_write(const struct qm_dram *dram) {
    return dram->write.beats_left > 0 && dram->credit >= dram->beat_bytes && !stalls(dram, WRITE_DATA);
}

static bool response_is_due(const struct qm_dram *dram) {
    return dram->response_count > 0 && dram->responses[dram->response_first].due_at <= dram->now && !stalls(dram, RESPONSE);
}

void qm_dram_outputs(struct qm_dram *dram, struct qm_dram_out *out) {
    static const uint8_t zeros[MAX_BEAT_BYTES];
    const struct burst *head = read_head(dram);
    bool read = wants_read(dram), write = wants_write(dram), both = read && write;
    *out = (struct qm_dram_out){.r_data = zeros};
    out->ar_ready = dram->read_count < dram->queue_depth && !stalls(dram, READ_ADDRESS);
    out->aw_ready = dram->write.beats_left == 0 && !stalls(dram, WRITE_ADDRESS);
    out->r_valid = both ? !dram->turn_is_write : read;
    out->w_ready = both ? dram->turn_is_write : write;
    out->w_address = dram->write.address;
    out->b_valid = response_is_due(dram);
    if (out->b_valid) out->b_error = dram->responses[dram->response_first].error;
    if (!out->r_valid) return;
    out->r_id = head->id;
    out->r_address = head->address;
    out->r_last = head->beats_left == 1;
    out->r_error = !is_inside(dram, head->address, dram->beat_bytes);
    if (!out->r_error) out->r_data = dram->bytes + (head->address - dram->base);
}

static void write_beat(struct qm_dram *dram, uint64_t strobe, const uint8_t *data) {
    if (!is_inside(dram, dram->write.address, dram->beat_bytes)) {
        dram->write_error = true;
        return;
    }
    if (data == NULL) return;
    uint8_t *bytes = dram->bytes + (dram->write.address - dram->base);
    for (uint32_t i = 0; i < dram->beat_bytes; i++)
        if (strobe >> i & 1) bytes[i] = data[i];
}

static void close_write(struct qm_dram *dram) {
    QM_CHECK(dram->response_count < RESPONSES_MAX);
    uint32_t slot = (dram->response_first + dram->response_count++) % RESPONSES_MAX;
    dram->responses[slot] = (struct response){dram->now + dram->latency, dram->write_error};
    dram->write_error = false;
}

static void take_write_beat(struct qm_dram *dram, const struct qm_dram_in *in) {
    write_beat(dram, in->w_strobe, in->w_data);
    dram->write.address += dram->beat_bytes;
    if (--dram->write.beats_left == 0) close_write(dram);
}

static void give_read_beat(struct qm_dram *dram) {
    struct burst *head = read_head(dram);
    head->address += dram->beat_bytes;
    if (--head->beats_left > 0) return;
    dram->read_first = (dram->read_first + 1) % dram->queue_depth;
    dram->read_count--;
}

static void refill_credit(struct qm_dram *dram, bool used) {
    if (used) dram->credit -= dram->beat_bytes;
    dram->credit += dram->bytes_per_cycle;
    uint32_t limit = dram->beat_bytes + dram->bytes_per_cycle - 1;
    if (dram->credit > limit) dram->credit = limit;
}

static void accept_addresses(struct qm_dram *dram, const struct qm_dram_in *in, const struct qm_dram_out *out) {
    if (in->ar_valid && out->ar_ready) {
        uint32_t slot = (dram->read_first + dram->read_count++) % dram->queue_depth;
        dram->reads[slot] = (struct burst){in->ar_address, in->ar_beats, dram->now + dram->latency, in->ar_id};
    }
    if (in->aw_valid && out->aw_ready) dram->write = (struct burst){in->aw_address, in->aw_beats, dram->now, 0};
}

void qm_dram_clock(struct qm_dram *dram, const struct qm_dram_in *in) {
    struct qm_dram_out out;
    qm_dram_outputs(dram, &out);
    if (wants_read(dram) && wants_write(dram)) dram->turn_is_write = !dram->turn_is_write;
    bool writes = in->w_valid && out.w_ready;
    if (out.r_valid) give_read_beat(dram);
    if (writes) take_write_beat(dram, in);
    if (out.b_valid) {
        dram->response_first = (dram->response_first + 1) % RESPONSES_MAX;
        dram->response_count--;
    }
    accept_addresses(dram, in, &out);
    refill_credit(dram, out.r_valid || writes);
    dram->now++;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Cycles until something that is not ready now becomes ready. */
static uint64_t cycles_to_next_change(const struct qm_dram *dram) {
    uint64_t cycles = UINT64_MAX;
    const struct burst *head = read_head(dram);
    if (head != NULL && head->ready_at > dram->now) cycles = head->ready_at - dram->now;
    if (dram->response_count > 0) cycles = smaller(cycles, dram->responses[dram->response_first].due_at - dram->now);
    return cycles;
}

uint64_t qm_dram_steady_cycles(struct qm_dram *dram, const struct qm_dram_in *in) {
    struct qm_dram_out out;
    qm_dram_outputs(dram, &out);
    bool in_use = dram->read_count > 0 || dram->write.beats_left > 0 || dram->response_count > 0;
    if (dram->stall_threshold != 0 && (in_use || in->ar_valid || in->aw_valid)) return 1;
    if (out.b_valid || (in->ar_valid && out.ar_ready) || (in->aw_valid && out.aw_ready)) return 1;
    if (wants_read(dram) && wants_write(dram)) return 1;
    bool moves = out.r_valid || (in->w_valid && out.w_ready);
    if (dram->bytes_per_cycle < dram->beat_bytes && in_use) return 1;
    uint64_t cycles = cycles_to_next_change(dram);
    if (!moves) return cycles;
    const struct burst *burst = out.r_valid ? read_head(dram) : &dram->write;
    if (burst->beats_left == 1 || !is_inside(dram, burst->address, burst->beats_left * dram->beat_bytes)) return 1;
    return smaller(cycles, burst->beats_left - 1);
}

void qm_dram_skip(struct qm_dram *dram, const struct qm_dram_in *in, uint64_t cycles) {
    struct qm_dram_out out;
    qm_dram_outputs(dram, &out);
    if (out.r_valid) {
        read_head(dram)->address += cycles * dram->beat_bytes;
        read_head(dram)->beats_left -= cycles;
    }
    if (in->w_valid && out.w_ready) {
        write_beat(dram, in->w_strobe, in->w_data);
        uint8_t *rest = dram->bytes + (dram->write.address - dram->base) + dram->beat_bytes;
        if (in->w_data != NULL) memcpy(rest, in->w_data + dram->beat_bytes, (cycles - 1) * dram->beat_bytes);
        dram->write.address += cycles * dram->beat_bytes;
        dram->write.beats_left -= cycles;
    }
    /* Beats move in skipped cycles only when every cycle brings at least a beat's credit, so use need not be subtracted. */
    uint64_t limit = dram->beat_bytes + dram->bytes_per_cycle - 1;
    dram->credit = (uint32_t)(cycles > limit ? limit : smaller(limit, dram->credit + cycles * dram->bytes_per_cycle));
    dram->now += cycles;
}
