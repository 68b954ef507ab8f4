/* dram.c - read bursts in a ring, one open write burst, responses in a ring; one data bus that alternates when both sides want it.
 *
 * Time is a counter of cycles since the reset. What is driven in a cycle follows from the state alone, so the outputs may be asked for as
 * often as wanted; only the clock moves the state, and clock_steady is clock_one done n times where each does the same. The bytes of a
 * burst are moved at once: read when it is accepted, written with its last beat.
 */
#include "sim/memory/dram.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/prng.h"
#include "common/status.h"

enum channel { READ_ADDRESS, READ_DATA, WRITE_ADDRESS, WRITE_DATA, RESPONSE, CHANNELS };
enum { RESPONSES_MAX = 1 << 14 };

struct burst {
    uint64_t address, beats_left; /* of the next beat */
    uint64_t ready_at;
    uint8_t id;
    bool is_error, is_misframed;
    uint8_t *next; /* beat in bytes */
    uint8_t bytes[QM_BURST_BYTES_MAX];
};

struct response {
    uint64_t due_at;
    bool error;
};

struct dram {
    struct qm_memory base;
    qm_burst_target *target;
    void *target_context;
    uint64_t address, size_bytes; /* where its range begins on the bus */
    uint32_t beat_bytes, bytes_per_cycle, latency, queue_depth;
    uint64_t seed, stall_threshold; /* a channel stalls when its hash is below */
    uint8_t *bytes;                 /* [size_bytes]; none when they are elsewhere */

    uint64_t now;
    uint32_t credit;
    bool turn_is_write;
    struct burst *reads; /* ring [queue_depth] */
    uint32_t read_first, read_count;
    struct burst write;                  /* open while beats_left > 0 */
    uint8_t enables[QM_BURST_BYTES_MAX]; /* of its bytes */
    struct response *responses;          /* ring [RESPONSES_MAX] */
    uint32_t response_first, response_count;
};

static struct dram *downcast(struct qm_memory *memory) {
    return (struct dram *)memory;
}

static bool is_inside(const struct dram *dram, uint64_t address, uint64_t size) {
    return address >= dram->address && size <= dram->size_bytes && address - dram->address <= dram->size_bytes - size;
}

static void access_own(void *context, struct qm_memory_access *access) {
    struct dram *dram = context;
    access->is_error = !is_inside(dram, access->address, access->size);
    if (access->is_error) return;
    uint8_t *bytes = dram->bytes + (access->address - dram->address);
    if (!access->is_write) memcpy(access->bytes, bytes, access->size);
    for (uint32_t i = 0; access->is_write && i < access->size; i++)
        if (access->enables[i] != 0) bytes[i] = access->bytes[i];
}

static void dram_reset(struct qm_memory *memory) {
    struct dram *dram = downcast(memory);
    dram->now = 0;
    dram->credit = dram->beat_bytes;
    dram->turn_is_write = false;
    dram->read_first = dram->read_count = 0;
    dram->response_first = dram->response_count = 0;
    dram->write.beats_left = 0;
}

static bool stalls(const struct dram *dram, enum channel channel) {
    return dram->stall_threshold != 0 && qm_hash3(dram->seed, dram->now, channel) < dram->stall_threshold;
}

static struct burst *read_head(const struct dram *dram) {
    return dram->read_count > 0 ? &dram->reads[dram->read_first] : NULL;
}

static bool wants_read(const struct dram *dram) {
    const struct burst *head = read_head(dram);
    return head != NULL && head->ready_at <= dram->now && dram->credit >= dram->beat_bytes && !stalls(dram, READ_DATA);
}

static bool wants_write(const struct dram *dram) {
    return dram->write.beats_left > 0 && dram->credit >= dram->beat_bytes && !stalls(dram, WRITE_DATA);
}

static bool response_is_due(const struct dram *dram) {
    return dram->response_count > 0 && dram->responses[dram->response_first].due_at <= dram->now && !stalls(dram, RESPONSE);
}

static void dram_outputs(struct qm_memory *memory, struct qm_memory_out *out) {
    const struct dram *dram = downcast(memory);
    static const uint8_t zeros[QM_BURST_BYTES_MAX];
    const struct burst *head = read_head(dram);
    bool read = wants_read(dram), write = wants_write(dram), both = read && write;
    *out = (struct qm_memory_out){.r_data = zeros};
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
    out->r_last = (head->beats_left == 1) != head->is_misframed;
    out->r_error = head->is_error;
    if (!head->is_error) out->r_data = head->next;
}

/* A burst that is longer than any of ours gets errors, and none of its bytes are kept. */
static void open_burst(const struct dram *dram, struct burst *burst, uint64_t address, uint32_t beats) {
    burst->address = address;
    burst->beats_left = beats;
    burst->is_error = (uint64_t)beats * dram->beat_bytes > QM_BURST_BYTES_MAX;
    burst->is_misframed = false;
    burst->next = burst->bytes;
}

static void advance(const struct dram *dram, struct burst *burst, uint64_t beats) {
    burst->address += beats * dram->beat_bytes;
    burst->beats_left -= beats;
    if (!burst->is_error) burst->next += beats * dram->beat_bytes;
}

/* Moves the bytes of the burst; its first beat or its response is due in the returned cycle. */
static uint64_t access_memory(const struct dram *dram, struct burst *burst, struct qm_memory_access access) {
    access.bytes = burst->bytes;
    if (!burst->is_error) dram->target(dram->target_context, &access);
    burst->is_error = burst->is_error || access.is_error;
    burst->is_misframed = access.is_misframed;
    uint64_t delay = access.delay_cycles > dram->latency ? access.delay_cycles : dram->latency;
    return delay > UINT64_MAX - dram->now ? UINT64_MAX : dram->now + delay;
}

static void close_write(struct dram *dram) {
    QM_CHECK(dram->response_count < RESPONSES_MAX);
    struct burst *write = &dram->write;
    uint32_t size = (uint32_t)(write->next - write->bytes);
    struct qm_memory_access access = {.is_write = true, .size = size, .address = write->address - size, .enables = dram->enables};
    struct response *response = &dram->responses[(dram->response_first + dram->response_count++) % RESPONSES_MAX];
    response->due_at = access_memory(dram, write, access);
    response->error = write->is_error;
}

/* The first of the beats by its strobe, the others whole; nothing when there are no values. */
static void take_write_beats(struct dram *dram, const struct qm_memory_in *in, uint64_t beats) {
    struct burst *write = &dram->write;
    if (!write->is_error) {
        uint8_t *enables = dram->enables + (write->next - write->bytes);
        if (in->w_data != NULL) memcpy(write->next, in->w_data, beats * dram->beat_bytes);
        memset(enables, in->w_data != NULL ? 0xff : 0, beats * dram->beat_bytes);
        for (uint32_t i = 0; in->w_data != NULL && i < dram->beat_bytes; i++) enables[i] = in->w_strobe >> i & 1 ? 0xff : 0;
    }
    advance(dram, write, beats);
    if (write->beats_left == 0) close_write(dram);
}

static void give_read_beats(struct dram *dram, uint64_t beats) {
    struct burst *head = read_head(dram);
    advance(dram, head, beats);
    if (head->beats_left > 0) return;
    dram->read_first = (dram->read_first + 1) % dram->queue_depth;
    dram->read_count--;
}

static void refill_credit(struct dram *dram, bool used) {
    if (used) dram->credit -= dram->beat_bytes;
    dram->credit += dram->bytes_per_cycle;
    uint32_t limit = dram->beat_bytes + dram->bytes_per_cycle - 1;
    if (dram->credit > limit) dram->credit = limit;
}

static void accept_addresses(struct dram *dram, const struct qm_memory_in *in, const struct qm_memory_out *out) {
    if (in->ar_valid && out->ar_ready) {
        struct burst *read = &dram->reads[(dram->read_first + dram->read_count++) % dram->queue_depth];
        open_burst(dram, read, in->ar_address, in->ar_beats);
        read->id = in->ar_id;
        uint32_t size = in->ar_beats * dram->beat_bytes;
        read->ready_at = access_memory(dram, read, (struct qm_memory_access){.size = size, .address = in->ar_address});
    }
    if (in->aw_valid && out->aw_ready) open_burst(dram, &dram->write, in->aw_address, in->aw_beats);
}

static void clock_one(struct dram *dram, const struct qm_memory_in *in, const struct qm_memory_out *out) {
    if (wants_read(dram) && wants_write(dram)) dram->turn_is_write = !dram->turn_is_write;
    bool writes = in->w_valid && out->w_ready;
    if (out->r_valid) give_read_beats(dram, 1);
    if (writes) take_write_beats(dram, in, 1);
    if (out->b_valid) {
        dram->response_first = (dram->response_first + 1) % RESPONSES_MAX;
        dram->response_count--;
    }
    accept_addresses(dram, in, out);
    refill_credit(dram, out->r_valid || writes);
    dram->now++;
}

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* Cycles until something that is not ready now becomes ready. */
static uint64_t cycles_to_next_change(const struct dram *dram) {
    uint64_t cycles = UINT64_MAX;
    const struct burst *head = read_head(dram);
    if (head != NULL && head->ready_at > dram->now) cycles = head->ready_at - dram->now;
    if (dram->response_count > 0) cycles = smaller(cycles, dram->responses[dram->response_first].due_at - dram->now);
    return cycles;
}

static uint64_t dram_steady_cycles(struct qm_memory *memory, const struct qm_memory_in *in) {
    const struct dram *dram = downcast(memory);
    struct qm_memory_out out;
    dram_outputs(memory, &out);
    bool in_use = dram->read_count > 0 || dram->write.beats_left > 0 || dram->response_count > 0;
    if (dram->stall_threshold != 0 && (in_use || in->ar_valid || in->aw_valid)) return 1;
    if (out.b_valid || (in->ar_valid && out.ar_ready) || (in->aw_valid && out.aw_ready)) return 1;
    if (wants_read(dram) && wants_write(dram)) return 1;
    bool moves = out.r_valid || (in->w_valid && out.w_ready);
    if (dram->bytes_per_cycle < dram->beat_bytes && in_use) return 1;
    uint64_t cycles = cycles_to_next_change(dram);
    if (!moves) return cycles;
    const struct burst *burst = out.r_valid ? read_head(dram) : &dram->write;
    if (burst->beats_left == 1 || burst->is_error) return 1;
    return smaller(cycles, burst->beats_left - 1);
}

static void clock_steady(struct dram *dram, const struct qm_memory_in *in, const struct qm_memory_out *out, uint64_t cycles) {
    if (out->r_valid) give_read_beats(dram, cycles);
    if (in->w_valid && out->w_ready) take_write_beats(dram, in, cycles);
    /* Beats move in skipped cycles only when every cycle brings at least a beat's credit, so use need not be subtracted. */
    uint64_t limit = dram->beat_bytes + dram->bytes_per_cycle - 1;
    dram->credit = (uint32_t)(cycles > limit ? limit : smaller(limit, dram->credit + cycles * dram->bytes_per_cycle));
    dram->now += cycles;
}

static void dram_clock(struct qm_memory *memory, const struct qm_memory_in *in, uint64_t cycles) {
    struct dram *dram = downcast(memory);
    struct qm_memory_out out;
    dram_outputs(memory, &out);
    if (cycles == 1)
        clock_one(dram, in, &out);
    else
        clock_steady(dram, in, &out, cycles);
}

static const struct qm_memory_ops dram_ops = {
    .reset = dram_reset,
    .outputs = dram_outputs,
    .steady_cycles = dram_steady_cycles,
    .clock = dram_clock,
};

struct qm_memory *qm_dram_create(const struct qm_machine *machine, const struct qm_device_options *options) {
    struct dram *dram = qm_alloc_zeroed(1, sizeof *dram);
    bool owns = options->memory == NULL;
    dram->base.ops = &dram_ops;
    dram->target = owns ? access_own : options->memory;
    dram->target_context = owns ? dram : options->memory_context;
    dram->address = options->memory_base;
    dram->size_bytes = owns ? options->memory_bytes : 0;
    dram->beat_bytes = machine->axi_bytes;
    dram->bytes_per_cycle = machine->dram_bytes_per_cycle;
    dram->latency = machine->dram_latency;
    dram->queue_depth = machine->dram_queue;
    dram->seed = options->seed;
    dram->stall_threshold = (uint64_t)(options->stalls * 18446744073709549568.0); /* the largest double below 2^64 */
    dram->bytes = qm_alloc_zeroed(dram->size_bytes + 1, 1);
    dram->reads = qm_alloc_zeroed(dram->queue_depth, sizeof *dram->reads);
    dram->responses = qm_alloc_zeroed(RESPONSES_MAX, sizeof *dram->responses);
    dram_reset(&dram->base);
    return &dram->base;
}

void qm_dram_destroy(struct qm_memory *memory) {
    struct dram *dram = downcast(memory);
    if (dram == NULL) return;
    free(dram->bytes);
    free(dram->reads);
    free(dram->responses);
    free(dram);
}

uint8_t *qm_dram_at(struct qm_memory *memory, uint64_t address, size_t size) {
    struct dram *dram = downcast(memory);
    QM_CHECK(is_inside(dram, address, size));
    return dram->bytes + (address - dram->address);
}
