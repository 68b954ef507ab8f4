/* ideal.c - a ring of reads and one open write; beats are copied to and from the test's bytes when they move. */
#include "tests/unit/sim/memory/ideal.h"

#include <criterion/criterion.h>

static struct ideal *downcast(struct qm_memory *memory) {
    return (struct ideal *)memory;
}

static uint8_t *beat_at(const struct ideal *ideal, uint64_t address) {
    uint64_t offset = address - ideal->address;
    cr_assert(offset <= ideal->size_bytes - ideal->beat_bytes, "a beat at %#lx", address);
    return ideal->bytes + offset;
}

static void reset(struct qm_memory *memory) {
    struct ideal *ideal = downcast(memory);
    ideal->first = ideal->count = ideal->write_beats_left = 0;
    ideal->responds = false;
}

static void outputs(struct qm_memory *memory, struct qm_memory_out *out) {
    const struct ideal *ideal = downcast(memory);
    const struct ideal_read *read = &ideal->reads[ideal->first % IDEAL_READS];
    *out = (struct qm_memory_out){.ar_ready = true, .b_valid = ideal->responds, .w_address = ideal->write_address};
    out->aw_ready = ideal->write_beats_left == 0;
    out->w_ready = ideal->write_beats_left > 0;
    if (ideal->count == 0) return;
    out->r_valid = true;
    out->r_last = read->beats_left == 1;
    out->r_id = read->id;
    out->r_address = read->address;
    out->r_data = beat_at(ideal, read->address);
}

static uint64_t steady_cycles(struct qm_memory *memory, const struct qm_memory_in *in) {
    (void)memory, (void)in;
    return 1;
}

static void clock_reads(struct ideal *ideal, const struct qm_memory_in *in) {
    struct ideal_read *read = &ideal->reads[ideal->first % IDEAL_READS];
    if (ideal->count > 0) {
        read->address += ideal->beat_bytes;
        if (--read->beats_left == 0) ideal->first++, ideal->count--;
    }
    if (!in->ar_valid) return;
    cr_assert(ideal->count < IDEAL_READS);
    ideal->reads[(ideal->first + ideal->count++) % IDEAL_READS] = (struct ideal_read){in->ar_address, in->ar_beats, in->ar_id};
}

static void clock_writes(struct ideal *ideal, const struct qm_memory_in *in) {
    bool takes_beat = in->w_valid && ideal->write_beats_left > 0;
    if (in->aw_valid && ideal->write_beats_left == 0) {
        ideal->write_address = in->aw_address;
        ideal->write_beats_left = in->aw_beats;
    }
    ideal->responds = takes_beat && ideal->write_beats_left == 1;
    if (!takes_beat) return;
    uint8_t *beat = beat_at(ideal, ideal->write_address);
    for (uint32_t i = 0; i < ideal->beat_bytes; i++)
        if ((in->w_strobe >> i & 1) != 0) beat[i] = in->w_data[i];
    ideal->write_address += ideal->beat_bytes;
    ideal->write_beats_left--;
}

static void clock(struct qm_memory *memory, const struct qm_memory_in *in, uint64_t cycles) {
    cr_assert_eq(cycles, 1);
    clock_reads(downcast(memory), in);
    clock_writes(downcast(memory), in);
}

static const struct qm_memory_ops ideal_ops = {.reset = reset, .outputs = outputs, .steady_cycles = steady_cycles, .clock = clock};

void ideal_init(struct ideal *ideal) {
    ideal->base.ops = &ideal_ops;
    reset(&ideal->base);
}
