/* bus.c - beats move in slots: every cycle when the memory is as fast as the bus, else when there is credit for a beat. Slots in which
 * only one side wants to move, and slots that alternate, are counted in one go. */
#include "sim/timing/bus.h"

#include <stdlib.h>

#include "common/isa.h"
#include "common/memory.h"
#include "sim/timing/extremes.h"

void bus_init(struct bus *bus, const struct qm_machine *machine) {
    *bus = (struct bus){.beat_bytes = machine->axi_bytes,
                        .rate = machine->dram_bytes_per_cycle,
                        .latency = machine->dram_latency,
                        .depth = machine->dram_queue,
                        .insn_beats = QM_INSN_BYTES / machine->axi_bytes,
                        .credit = machine->axi_bytes};
    while (bus->mask < bus->depth) bus->mask = 2 * bus->mask + 1;
    bus->reads = qm_alloc((bus->mask + 1) * sizeof *bus->reads);
}

void bus_fini(struct bus *bus) {
    free(bus->reads);
}

static struct reads *at(const struct bus *bus, uint32_t index) {
    return &bus->reads[(bus->first + index) & bus->mask];
}

/* The bursts can go behind those of the last reads, which keep the bus at least until they are ready. */
static bool continues(const struct bus *bus, const struct reads *last, const struct reads *reads) {
    if (last->is_fetch || last->is_last || last->size != reads->size) return false;
    return reads->ready <= bus->now + bus->beats || reads->ready <= last->last_ready + last->size;
}

void bus_read(struct bus *bus, uint64_t cycle, struct reads reads) {
    struct reads *last = at(bus, bus->count - 1);
    reads.ready = cycle + bus->latency;
    reads.last_ready = reads.ready + reads.bursts - 1;
    reads.beats = (uint64_t)reads.size * reads.bursts;
    if (bus->count > 0 && !reads.is_fetch && continues(bus, last, &reads)) {
        last->last_ready = reads.last_ready;
        last->beats += reads.beats;
        last->bursts += reads.bursts;
        last->is_last = reads.is_last;
    } else {
        *at(bus, bus->count++) = reads;
    }
    bus->held += reads.bursts;
    bus->beats += reads.beats;
    QM_CHECK(bus->count <= bus->mask + 1 && cycle + 1 >= bus->now);
}

/* Bursts of the reads that have not ended. */
static uint32_t bursts_left(const struct reads *reads) {
    return reads->beats <= reads->size ? 1 : (uint32_t)((reads->beats + reads->size - 1) / reads->size);
}

void bus_release(struct bus *bus) {
    if (bus->count == 0) return;
    struct reads *head = at(bus, 0);
    uint32_t left = bursts_left(head);
    bus->held -= head->bursts - left;
    head->bursts = left;
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

/* Up to the end of the next instruction. */
static uint64_t fetch_beats(const struct bus *bus, const struct reads *fetch) {
    return ((fetch->beats - 1) & (bus->insn_beats - 1)) + 1;
}

uint64_t bus_insn_cycle(const struct bus *bus, uint32_t n) {
    return slot_cycle(bus, (uint64_t)n * bus->insn_beats);
}

void bus_pass_fetch(struct bus *bus) {
    at(bus, 0)->is_fetch = false;
}

/* Beats to the head's next event: while the memory is full, the end of the burst that makes room. */
static uint64_t read_beats(const struct bus *bus) {
    const struct reads *head = at(bus, 0);
    if (head->is_fetch) return fetch_beats(bus, head);
    uint32_t others = bus->held - head->bursts;
    if (!bus_is_full(bus) || others >= bus->depth) return head->beats;
    uint64_t behind = (uint64_t)(bus->depth - 1 - others) * head->size;
    return head->beats > behind ? head->beats - behind : head->beats;
}

static uint64_t writes_end_from(const struct bus *bus) {
    if (bus->write_beats == 0) return NEVER;
    return larger(bus->write_from, bus->now) + bus->write_beats - 1 + bus->write_more * ((uint64_t)bus->write_size + 1);
}

enum { LOOKED_AT = 24 /* reads, for what comes of their end */ };

uint64_t bus_news_from(const struct bus *bus) {
    uint64_t from = bus->now;
    for (uint32_t i = 0; i < bus->count; i++) {
        const struct reads *reads = at(bus, i);
        from = larger(from, reads->ready) + (reads->is_fetch ? fetch_beats(bus, reads) : reads->beats);
        if (reads->is_fetch || reads->is_last || i + 1 == LOOKED_AT) return smaller(from - 1, writes_end_from(bus));
    }
    return writes_end_from(bus);
}

/* Bursts of the reads, of which `left` have not ended, that end with the next beats. */
static uint32_t ends_within(const struct reads *reads, uint32_t left, uint64_t beats) {
    if (beats >= reads->beats) return left;
    return left - (uint32_t)((reads->beats - beats + reads->size - 1) / reads->size);
}

/* Bursts that are sure to end by the cycle `until` and up to the next news of reads, behind those of the reads any number of the size. A
 * beat takes two slots at most. */
static uint64_t sure_ends(const struct bus *bus, uint32_t size, uint64_t until) {
    uint64_t pace = 2 * ((bus->beat_bytes + bus->rate - 1) / bus->rate), from = bus->now, ends = 0;
    for (uint32_t i = 0; i < bus->count; i++) {
        const struct reads *reads = at(bus, i);
        from = larger(from, reads->ready);
        if (reads->is_fetch || from > until) return ends;
        uint32_t left = bursts_left(reads), ended = ends_within(reads, left, (until - from) / pace);
        ends += ended;
        if (ended < left || reads->is_last) return ends;
        from += reads->beats * pace;
    }
    return from > until ? ends : ends + (until - from) / (size * pace);
}

/* Beats that any bursts one after another, as many as the memory holds but one, have less than as many of the size. */
static uint64_t lacking_beats(const struct bus *bus, uint32_t size) {
    uint64_t lacking = 0;
    for (uint32_t i = 0; i < bus->count; i++) {
        const struct reads *reads = at(bus, i);
        if (reads->size < size) lacking += (uint64_t)(size - reads->size) * reads->bursts;
    }
    return lacking;
}

/* The bursts ahead of one that is promised keep the bus for the latency, so that it is ready by its turn whenever it was accepted. */
uint32_t bus_promises(const struct bus *bus, uint32_t size, uint64_t until) {
    enum { MOST = 1 << 20 };
    uint32_t promised = bus->held - bus->depth;
    if (bus->count > smaller(LOOKED_AT, bus->mask) || (bus->depth - 1) * (uint64_t)size < bus->latency + lacking_beats(bus, size)) return 0;
    uint64_t ends = smaller(MOST, sure_ends(bus, size, smaller(until, writes_end_from(bus))));
    return ends > promised ? (uint32_t)ends - promised : 0;
}

struct wishes {
    bool read, write;
    uint64_t beats; /* of the reads, to the head's next event */
};

static uint64_t slots_to_end(const struct bus *bus, const struct wishes *wants) {
    if (!wants->write) return wants->beats;
    if (!wants->read) return bus->write_beats;
    return smaller(2 * wants->beats - !bus->turn_is_write, 2 * (uint64_t)bus->write_beats - bus->turn_is_write);
}

static void pass_reads(struct bus *bus, uint64_t beats) {
    at(bus, 0)->beats -= beats;
    bus->beats -= beats;
}

static void move(struct bus *bus, const struct wishes *wants, uint64_t slots) {
    uint64_t reads = wants->read ? slots : 0;
    if (wants->read && wants->write) {
        reads = (slots + !bus->turn_is_write) / 2;
        bus->turn_is_write ^= slots % 2 != 0;
    }
    if (wants->read) pass_reads(bus, reads);
    bus->write_beats -= (uint32_t)(slots - reads);
}

static enum bus_event end_reads(struct bus *bus) {
    struct reads *head = at(bus, 0);
    enum bus_event event = head->is_fetch ? BUS_FETCHED : head->is_last && head->beats == 0 ? BUS_LOADED : BUS_ROOM;
    if (head->beats > 0) return event;
    bus->held -= head->bursts;
    bus->first = (bus->first + 1) & bus->mask;
    bus->count--;
    return event;
}

/* Whole write bursts with their addresses, as long as they all meet the same: no read, or a read that moves in every second cycle and in
 * that of the address. Only from the first beat of a burst on, and not up to the end of a stretch. */
static void skip_writes(struct bus *bus, struct wishes *wants, uint64_t until) {
    uint64_t beats = bus->write_size, period = wants->read ? 2 * beats + 1 : beats + 1;
    if (!is_fast(bus) || bus->write_more == 0 || bus->write_beats != beats || (wants->read && bus->turn_is_write)) return;
    uint64_t bursts = smaller(bus->write_more, (until - bus->now) / period);
    if (wants->read) bursts = smaller(bursts, (wants->beats - 1) / (beats + 1));
    if (wants->read) {
        pass_reads(bus, bursts * (beats + 1));
        wants->beats -= bursts * (beats + 1);
    }
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

enum bus_event bus_advance(struct bus *bus, uint64_t end, uint64_t *cycle) {
    for (;;) {
        uint64_t reads_from = bus->count > 0 ? larger(bus->reads[bus->first].ready, bus->now) : NEVER;
        uint64_t writes_from = bus->write_beats > 0 ? larger(bus->write_from, bus->now) : NEVER;
        uint64_t from = smaller(reads_from, writes_from);
        if (from >= end) return BUS_NOTHING;
        idle(bus, from);
        struct wishes wants = {.read = reads_from == from, .write = writes_from == from};
        if (wants.read) wants.beats = read_beats(bus);
        uint64_t until = wants.read && wants.write ? end : smaller(end, larger(reads_from, writes_from));
        if (wants.write) skip_writes(bus, &wants, until);
        if (bus->now == until) continue;
        uint64_t slots = slots_to_end(bus, &wants), last = slot_cycle(bus, slots);
        bool is_before = last < until;
        if (!is_before) slots = slots_before(bus, until);
        bool ends_read = is_before && wants.read && (!wants.write || slots == 2 * wants.beats - !bus->turn_is_write);
        move(bus, &wants, slots);
        pass(bus, slots, is_before ? last + 1 : until);
        if (!is_before) continue;
        *cycle = last;
        if (ends_read) return end_reads(bus);
        if (!opens_next(bus, last)) return BUS_WRITTEN;
    }
}
