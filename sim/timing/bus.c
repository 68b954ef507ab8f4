/* bus.c - beats move in slots: every cycle when the memory is as fast as the bus, else when there is credit for a beat. Slots in which
 * only one side wants to move, and slots that alternate, are counted in one go. */
#include "sim/timing/bus.h"

#include <stdlib.h>

#include "common/isa.h"
#include "common/memory.h"

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

void bus_init(struct bus *bus, const struct qm_machine *machine) {
    *bus = (struct bus){.beat_bytes = machine->axi_bytes,
                        .rate = machine->dram_bytes_per_cycle,
                        .latency = machine->dram_latency,
                        .depth = machine->dram_queue,
                        .insn_beats = QM_INSN_BYTES / machine->axi_bytes,
                        .credit = machine->axi_bytes};
    bus->reads = qm_alloc(bus->depth * sizeof *bus->reads);
}

void bus_fini(struct bus *bus) {
    free(bus->reads);
}

/* The bursts can go behind those of the last reads, which keep the bus at least until they are ready. */
static bool continues(const struct bus *bus, const struct reads *last, const struct reads *reads) {
    if (last->is_fetch || last->is_last || last->size != reads->size) return false;
    return reads->ready <= bus->now + bus->beats || reads->ready <= last->last_ready + last->size;
}

static struct reads *at(const struct bus *bus, uint32_t index) {
    index += bus->first;
    return &bus->reads[index < bus->depth ? index : index - bus->depth];
}

void bus_read(struct bus *bus, uint64_t cycle, struct reads reads) {
    reads.ready = cycle + bus->latency;
    reads.last_ready = reads.ready + reads.bursts - 1;
    reads.beats = (uint64_t)reads.size * reads.bursts;
    struct reads *last = bus->count > 0 ? at(bus, bus->count - 1) : NULL;
    if (last != NULL && !reads.is_fetch && continues(bus, last, &reads)) {
        last->last_ready = reads.last_ready;
        last->beats += reads.beats;
        last->bursts += reads.bursts;
        last->is_last = reads.is_last;
    } else {
        *at(bus, bus->count++) = reads;
    }
    bus->held += reads.bursts;
    bus->beats += reads.beats;
    QM_CHECK(bus->held <= bus->depth && cycle + 1 >= bus->now);
}

void bus_release(struct bus *bus) {
    if (bus->count == 0) return;
    struct reads *head = at(bus, 0);
    uint32_t left = (uint32_t)((head->beats + head->size - 1) / head->size);
    bus->held -= head->bursts - left;
    head->bursts = left;
}

bool bus_is_full(const struct bus *bus) {
    return bus->held == bus->depth;
}

void bus_drop_writes(struct bus *bus) {
    bus->write_beats = bus->write_more = 0;
}

void bus_write(struct bus *bus, uint64_t cycle, uint32_t beats, uint32_t bursts) {
    QM_CHECK(bus->write_beats == 0 && cycle + 1 >= bus->now);
    bus->write_from = cycle + 1;
    bus->write_beats = bus->write_size = beats;
    bus->write_more = bursts - 1;
}

static bool is_fast(const struct bus *bus) {
    return bus->rate >= bus->beat_bytes;
}

/* Nothing wants to move before `cycle`. */
static void idle(struct bus *bus, uint64_t cycle) {
    if (!is_fast(bus)) bus->credit = smaller(bus->credit + (cycle - bus->now) * bus->rate, bus->beat_bytes + bus->rate - 1);
    bus->now = cycle;
}

/* The cycle of the n-th slot from now on, n at least 1. */
static uint64_t slot_cycle(const struct bus *bus, uint64_t n) {
    if (is_fast(bus)) return bus->now + n - 1;
    uint64_t needed = n * bus->beat_bytes;
    return needed <= bus->credit ? bus->now : bus->now + (needed - bus->credit + bus->rate - 1) / bus->rate;
}

static uint64_t slots_before(const struct bus *bus, uint64_t cycle) {
    if (is_fast(bus)) return cycle - bus->now;
    return (bus->credit + (cycle - 1 - bus->now) * bus->rate) / bus->beat_bytes;
}

/* So many slots are used before `cycle`. */
static void pass(struct bus *bus, uint64_t slots, uint64_t cycle) {
    if (!is_fast(bus)) bus->credit += (cycle - bus->now) * bus->rate - slots * bus->beat_bytes;
    bus->now = cycle;
}

/* Beats to the head's next event. */
static uint64_t read_beats(const struct bus *bus) {
    const struct reads *head = at(bus, 0);
    if (head->is_fetch) return (head->beats - 1) % bus->insn_beats + 1;
    return bus_is_full(bus) ? (head->beats - 1) % head->size + 1 : head->beats;
}

uint64_t bus_event_from(const struct bus *bus) {
    uint64_t from = NEVER;
    if (bus->count > 0) from = larger(at(bus, 0)->ready, bus->now) + read_beats(bus) - 1;
    if (bus->write_beats > 0) from = smaller(from, larger(bus->write_from, bus->now) + bus->write_beats - 1);
    return from;
}

struct wishes {
    bool read, write;
};

static uint64_t slots_to_end(const struct bus *bus, struct wishes wants) {
    uint64_t reads = wants.read ? read_beats(bus) : 0, writes = bus->write_beats;
    if (!wants.write) return reads;
    if (!wants.read) return writes;
    return smaller(2 * reads - !bus->turn_is_write, 2 * writes - bus->turn_is_write);
}

static void pass_reads(struct bus *bus, uint64_t beats) {
    at(bus, 0)->beats -= beats;
    bus->beats -= beats;
}

static void move(struct bus *bus, struct wishes wants, uint64_t slots) {
    uint64_t reads = wants.read ? slots : 0;
    if (wants.read && wants.write) {
        reads = (slots + !bus->turn_is_write) / 2;
        bus->turn_is_write ^= slots % 2 != 0;
    }
    if (wants.read) pass_reads(bus, reads);
    bus->write_beats -= (uint32_t)(slots - reads);
}

static void end_reads(struct bus *bus, struct reads *read) {
    struct reads *head = at(bus, 0);
    *read = *head;
    if (head->beats > 0) return;
    bus->held -= head->bursts;
    bus->first = bus->first + 1 == bus->depth ? 0 : bus->first + 1;
    bus->count--;
}

/* Whole write bursts with their addresses, as long as they all meet the same: no read, or a read that moves in every second cycle and in
 * that of the address. Only from the first beat of a burst on, and not up to the end of a stretch. */
static void skip_writes(struct bus *bus, struct wishes wants, uint64_t until) {
    uint64_t beats = bus->write_size, period = wants.read ? 2 * beats + 1 : beats + 1;
    if (!is_fast(bus) || bus->write_more == 0 || bus->write_beats != beats || (wants.read && bus->turn_is_write)) return;
    uint64_t bursts = smaller(bus->write_more, (until - bus->now) / period);
    if (wants.read) bursts = smaller(bursts, (read_beats(bus) - 1) / (beats + 1));
    if (wants.read) pass_reads(bus, bursts * (beats + 1));
    bus->write_more -= (uint32_t)bursts;
    bus->now += bursts * period;
    bus->write_from = bus->now;
}

/* The open burst has ended in the cycle. */
static bool opens_next(struct bus *bus, uint64_t cycle) {
    if (bus->write_more == 0) return false;
    bus->write_more--;
    bus->write_beats = bus->write_size;
    bus->write_from = cycle + 2;
    return true;
}

enum bus_event bus_advance(struct bus *bus, uint64_t end, uint64_t *cycle, struct reads *read) {
    for (;;) {
        uint64_t reads_from = bus->count > 0 ? larger(bus->reads[bus->first].ready, bus->now) : NEVER;
        uint64_t writes_from = bus->write_beats > 0 ? larger(bus->write_from, bus->now) : NEVER;
        uint64_t from = smaller(reads_from, writes_from);
        if (from >= end) return BUS_NOTHING;
        idle(bus, from);
        struct wishes wants = {reads_from == from, writes_from == from};
        uint64_t until = smaller(end, larger(reads_from, writes_from));
        if (wants.read && wants.write) until = end;
        if (wants.write) skip_writes(bus, wants, until);
        if (bus->now == until) continue;
        uint64_t slots = slots_to_end(bus, wants), last = slot_cycle(bus, slots);
        bool is_before = last < until;
        if (!is_before) slots = slots_before(bus, until);
        bool ends_read = is_before && wants.read && (!wants.write || slots == 2 * read_beats(bus) - !bus->turn_is_write);
        move(bus, wants, slots);
        pass(bus, slots, is_before ? last + 1 : until);
        if (!is_before) continue;
        *cycle = last;
        if (!ends_read && opens_next(bus, last)) continue;
        if (!ends_read) return BUS_WRITE;
        end_reads(bus, read);
        return BUS_READ;
    }
}
