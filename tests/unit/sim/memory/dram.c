/* dram.c - the memory's cycles against docs/machine.md, and skipping against stepping. */
#include "sim/memory/dram.h"

#include <criterion/criterion.h>
#include <string.h>

#include "common/prng.h"

TestSuite(dram);

enum { BASE = 0x10000, SIZE = 8192, BEAT = 16, LATENCY = 10 };

struct bench {
    struct qm_machine machine;
    struct qm_memory *dram;
    uint64_t now;
    struct qm_memory_out out; /* of the last cycle */
    uint8_t data[64 * BEAT];
};

static struct bench bench_with(uint32_t bytes_per_cycle, uint32_t queue, double stalls) {
    struct bench bench = {0};
    qm_machine_init(&bench.machine);
    bench.machine.axi_bytes = BEAT;
    bench.machine.dram_latency = LATENCY;
    bench.machine.dram_bytes_per_cycle = bytes_per_cycle;
    bench.machine.dram_queue = queue;
    struct qm_device_options options = {.seed = 77, .stalls = stalls, .memory_base = BASE, .memory_bytes = SIZE};
    bench.dram = qm_dram_create(&bench.machine, &options);
    for (int i = 0; i < SIZE; i++) qm_dram_at(bench.dram, BASE, SIZE)[i] = (uint8_t)(i * 13 + i / 256);
    for (size_t i = 0; i < sizeof bench.data; i++) bench.data[i] = (uint8_t)(i * 5 + 3);
    return bench;
}

static void cycle(struct bench *bench, struct qm_memory_in in) {
    if (in.w_valid && in.w_data == NULL) in.w_data = bench->data;
    bench->dram->ops->outputs(bench->dram, &bench->out);
    bench->dram->ops->clock(bench->dram, &in, 1);
    bench->now++;
}

static void idle(struct bench *bench, uint64_t cycles) {
    while (cycles-- > 0) {
        cycle(bench, (struct qm_memory_in){0});
        cr_assert_not(bench->out.r_valid || bench->out.b_valid, "cycle %lu", bench->now - 1);
    }
}

static struct qm_memory_in read_of(uint64_t address, uint32_t beats, uint8_t id) {
    return (struct qm_memory_in){.ar_valid = true, .ar_address = address, .ar_beats = beats, .ar_id = id};
}

static struct qm_memory_in write_of(uint64_t address, uint32_t beats) {
    return (struct qm_memory_in){.aw_valid = true, .aw_address = address, .aw_beats = beats};
}

static const struct qm_memory_in write_beat = {.w_valid = true, .w_strobe = UINT64_MAX};

static void expect_beat(struct bench *bench, uint64_t address, uint8_t id, bool last) {
    cycle(bench, (struct qm_memory_in){0});
    cr_assert(bench->out.r_valid, "cycle %lu", bench->now - 1);
    cr_assert_eq(bench->out.r_address, address);
    cr_assert_eq(bench->out.r_id, id);
    cr_assert_eq(bench->out.r_last, last);
    cr_assert_not(bench->out.r_error);
    for (uint64_t i = 0; i < BEAT; i++)
        cr_assert_eq(bench->out.r_data[i], (uint8_t)((address - BASE + i) * 13 + (address - BASE + i) / 256));
}

Test(dram, first_beat_comes_a_latency_after_the_acceptance_and_bursts_keep_their_order) {
    struct bench bench = bench_with(BEAT, 4, 0);
    cycle(&bench, read_of(BASE + 64, 2, 1));
    cr_assert(bench.out.ar_ready);
    cycle(&bench, read_of(BASE + 4096, 3, 0));
    idle(&bench, LATENCY - 2);
    expect_beat(&bench, BASE + 64, 1, false);
    expect_beat(&bench, BASE + 80, 1, true);
    for (uint64_t beat = 0; beat < 3; beat++) expect_beat(&bench, BASE + 4096 + beat * BEAT, 0, beat == 2);
    idle(&bench, 20);
    qm_dram_destroy(bench.dram);
}

Test(dram, holds_no_more_bursts_than_its_queue) {
    struct bench bench = bench_with(BEAT, 2, 0);
    cycle(&bench, read_of(BASE, 1, 0));
    cycle(&bench, read_of(BASE, 1, 0));
    for (uint64_t t = 2; t <= LATENCY; t++) { /* the first burst is held up to the cycle of its last beat */
        cycle(&bench, read_of(BASE, 1, 0));
        cr_assert_not(bench.out.ar_ready, "cycle %lu", t);
    }
    cr_assert(bench.out.r_valid);
    cycle(&bench, read_of(BASE, 1, 0));
    cr_assert(bench.out.ar_ready);
    qm_dram_destroy(bench.dram);
}

Test(dram, response_comes_a_latency_after_the_last_beat_and_the_next_burst_need_not_wait) {
    struct bench bench = bench_with(BEAT, 4, 0);
    cycle(&bench, write_of(BASE + 32, 2));
    cr_assert(bench.out.aw_ready);
    cr_assert_not(bench.out.w_ready);
    cycle(&bench, write_beat);
    cr_assert_eq(bench.out.w_address, BASE + 32);
    cr_assert_not(bench.out.aw_ready);
    cycle(&bench, write_beat); /* cycle 2: the last beat */
    cr_assert_eq(bench.out.w_address, BASE + 48);
    cycle(&bench, write_of(BASE, 1));
    cr_assert(bench.out.aw_ready);
    cycle(&bench, write_beat); /* cycle 4 */
    idle(&bench, 2 + LATENCY - 5);
    cycle(&bench, (struct qm_memory_in){0});
    cr_assert(bench.out.b_valid && !bench.out.b_error);
    idle(&bench, 1);
    cycle(&bench, (struct qm_memory_in){0});
    cr_assert(bench.out.b_valid && !bench.out.b_error);
    idle(&bench, 20);
    cr_assert_arr_eq(qm_dram_at(bench.dram, BASE, SIZE) + 32, bench.data, BEAT);
    cr_assert_arr_eq(qm_dram_at(bench.dram, BASE, SIZE), bench.data, BEAT);
    qm_dram_destroy(bench.dram);
}

Test(dram, strobes_choose_the_bytes) {
    struct bench bench = bench_with(BEAT, 4, 0);
    uint8_t before[BEAT];
    memcpy(before, qm_dram_at(bench.dram, BASE, SIZE), BEAT);
    cycle(&bench, write_of(BASE, 1));
    cycle(&bench, (struct qm_memory_in){.w_valid = true, .w_strobe = 0x8421, .w_data = bench.data});
    for (int i = 0; i < BEAT; i++) cr_assert_eq(qm_dram_at(bench.dram, BASE, SIZE)[i], 0x8421 >> i & 1 ? bench.data[i] : before[i]);
    qm_dram_destroy(bench.dram);
}

/* Opens a write burst so that its first beat could move in the cycle in which the read's first beat is ready. */
static void open_both(struct bench *bench, uint32_t beats) {
    cycle(bench, read_of(BASE, beats, 0));
    idle(bench, LATENCY - 2);
    cycle(bench, write_of(BASE + 4096, beats));
}

Test(dram, bus_alternates_first_read_when_both_want_it) {
    struct bench bench = bench_with(BEAT, 4, 0);
    open_both(&bench, 4);
    for (int i = 0; i < 7; i++) {
        cycle(&bench, write_beat);
        cr_assert_eq(bench.out.r_valid, i % 2 == 0, "slot %d", i);
        cr_assert_eq(bench.out.w_ready, i % 2 == 1, "slot %d", i);
    }
    cycle(&bench, write_beat);
    cr_assert(bench.out.w_ready && !bench.out.r_valid);
    qm_dram_destroy(bench.dram);
}

Test(dram, slot_granted_to_a_write_without_a_beat_is_lost) {
    struct bench bench = bench_with(BEAT, 4, 0);
    open_both(&bench, 4);
    for (int i = 0; i < 7; i++) {
        cycle(&bench, (struct qm_memory_in){0});
        cr_assert_eq(bench.out.r_valid, i % 2 == 0, "slot %d", i);
    }
    qm_dram_destroy(bench.dram);
}

/* The latency fills the credit to 16 + 5 - 1 = 20. In the cycles 0, 3, 6, 9, 12 of the first beats it is 20, 19, 18, 17, 16;
 * then 0 + 5 * 4 = 20 again. */
Test(dram, beats_wait_for_credit) {
    static const uint64_t want[] = {0, 3, 6, 9, 12, 16, 19};
    struct bench bench = bench_with(5, 4, 0);
    cycle(&bench, read_of(BASE, 7, 0));
    for (uint64_t t = 1, count = 0; count < 7; t++) {
        cycle(&bench, (struct qm_memory_in){0});
        bool due = t == LATENCY + want[count];
        cr_assert_eq(bench.out.r_valid, due, "cycle %lu", t);
        count += due;
    }
    qm_dram_destroy(bench.dram);
}

Test(dram, burst_that_leaves_the_memory_gets_errors_and_zeros_and_writes_nothing) {
    struct bench bench = bench_with(BEAT, 4, 0);
    cycle(&bench, read_of(BASE + SIZE - BEAT, 2, 0));
    idle(&bench, LATENCY - 1);
    for (int beat = 0; beat < 2; beat++) {
        cycle(&bench, (struct qm_memory_in){0});
        cr_assert(bench.out.r_valid && bench.out.r_error);
        cr_assert_eq(bench.out.r_last, beat == 1);
        for (int i = 0; i < BEAT; i++) cr_assert_eq(bench.out.r_data[i], 0);
    }
    cycle(&bench, write_of(BASE - BEAT, 1));
    cycle(&bench, write_beat);
    idle(&bench, LATENCY - 1);
    cycle(&bench, (struct qm_memory_in){0});
    cr_assert(bench.out.b_valid && bench.out.b_error);
    qm_dram_destroy(bench.dram);
}

/* Bytes that are elsewhere: what the memory is asked, and what it answers. */
struct elsewhere {
    struct qm_memory_access last; /* its bytes and enables are copied */
    uint8_t bytes[64 * BEAT], enables[64 * BEAT];
    int calls;
    struct qm_memory_access answer;
};

static void ask(void *context, struct qm_memory_access *access) {
    struct elsewhere *elsewhere = context;
    elsewhere->calls++;
    elsewhere->last = *access;
    if (access->is_write) {
        memcpy(elsewhere->bytes, access->bytes, access->size);
        memcpy(elsewhere->enables, access->enables, access->size);
    }
    for (uint32_t i = 0; !access->is_write && i < access->size; i++) access->bytes[i] = (uint8_t)(access->address + i);
    access->is_error = elsewhere->answer.is_error;
    access->is_misframed = elsewhere->answer.is_misframed;
    access->delay_cycles = elsewhere->answer.delay_cycles;
}

static struct bench bench_elsewhere(struct elsewhere *elsewhere) {
    struct bench bench = bench_with(BEAT, 4, 0);
    struct qm_device_options options = {.memory = ask, .memory_context = elsewhere};
    qm_dram_destroy(bench.dram);
    bench.dram = qm_dram_create(&bench.machine, &options);
    return bench;
}

Test(dram, memory_elsewhere_is_asked_once_a_burst) {
    struct elsewhere elsewhere = {0};
    struct bench bench = bench_elsewhere(&elsewhere);
    cycle(&bench, read_of(0x123450, 3, 0));
    cr_assert(elsewhere.calls == 1 && !elsewhere.last.is_write && elsewhere.last.address == 0x123450 && elsewhere.last.size == 3 * BEAT);
    idle(&bench, LATENCY - 1);
    for (uint64_t beat = 0; beat < 3; beat++) {
        cycle(&bench, (struct qm_memory_in){0});
        cr_assert(bench.out.r_valid && !bench.out.r_error && bench.out.r_last == (beat == 2));
        for (uint64_t i = 0; i < BEAT; i++) cr_assert_eq(bench.out.r_data[i], (uint8_t)(0x50 + beat * BEAT + i));
    }
    cycle(&bench, write_of(0x7770, 2));
    cycle(&bench, (struct qm_memory_in){.w_valid = true, .w_strobe = 0xfff8, .w_data = bench.data});
    cr_assert_eq(elsewhere.calls, 1);
    cycle(&bench, (struct qm_memory_in){.w_valid = true, .w_strobe = 0x0001, .w_data = bench.data + BEAT});
    cr_assert(elsewhere.calls == 2 && elsewhere.last.is_write && elsewhere.last.address == 0x7770 && elsewhere.last.size == 2 * BEAT);
    for (int i = 0; i < 2 * BEAT; i++) cr_assert_eq(elsewhere.enables[i], i >= 3 && i <= BEAT ? 0xff : 0);
    cr_assert_arr_eq(elsewhere.bytes + 3, bench.data + 3, BEAT - 2);
    qm_dram_destroy(bench.dram);
}

Test(dram, longer_of_latency_and_delay_counts) {
    for (uint64_t delay = LATENCY - 5; delay <= LATENCY + 5; delay += 5) {
        struct elsewhere elsewhere = {.answer.delay_cycles = delay};
        struct bench bench = bench_elsewhere(&elsewhere);
        uint64_t longer = delay > LATENCY ? delay : LATENCY;
        cycle(&bench, read_of(0, 1, 0));
        idle(&bench, longer - 1);
        cycle(&bench, write_of(0, 1));
        cr_assert(bench.out.r_valid);
        cycle(&bench, write_beat);
        idle(&bench, longer - 1);
        cycle(&bench, (struct qm_memory_in){0});
        cr_assert(bench.out.b_valid);
        qm_dram_destroy(bench.dram);
    }
}

Test(dram, answers_can_be_errors_misframed_or_never_come) {
    struct elsewhere elsewhere = {.answer.is_error = true};
    struct bench bench = bench_elsewhere(&elsewhere);
    cycle(&bench, read_of(0x100, 1, 0));
    idle(&bench, LATENCY - 1);
    cycle(&bench, write_of(0, 1));
    cr_assert(bench.out.r_valid && bench.out.r_error && bench.out.r_data[1] == 0);
    cycle(&bench, write_beat);
    idle(&bench, LATENCY - 1);
    elsewhere.answer = (struct qm_memory_access){.is_misframed = true};
    cycle(&bench, read_of(0x100, 2, 0));
    cr_assert(bench.out.b_valid && bench.out.b_error);
    idle(&bench, LATENCY - 1);
    for (int beat = 0; beat < 2; beat++) {
        cycle(&bench, (struct qm_memory_in){0});
        cr_assert(bench.out.r_valid && !bench.out.r_error && bench.out.r_last == (beat == 0) && bench.out.r_data[1] == 1 + beat * BEAT);
    }
    elsewhere.answer = (struct qm_memory_access){.delay_cycles = UINT64_MAX};
    cycle(&bench, read_of(0, 1, 0));
    idle(&bench, 1000);
    cr_assert(bench.dram->ops->steady_cycles(bench.dram, &(struct qm_memory_in){0}) > UINT64_MAX / 2);
    qm_dram_destroy(bench.dram);
}

/* No burst of ours is longer than 1024 bytes. */
Test(dram, burst_that_is_too_long_gets_errors_in_every_beat) {
    struct elsewhere elsewhere = {0};
    struct bench bench = bench_elsewhere(&elsewhere);
    cycle(&bench, read_of(0, 65, 0));
    idle(&bench, LATENCY - 1);
    for (int beat = 0; beat < 65; beat++) {
        cycle(&bench, (struct qm_memory_in){0});
        cr_assert(bench.out.r_valid && bench.out.r_error && bench.out.r_last == (beat == 64));
    }
    cycle(&bench, write_of(0, 65));
    for (int beat = 0; beat < 65; beat++) cycle(&bench, write_beat);
    idle(&bench, LATENCY - 1);
    cycle(&bench, (struct qm_memory_in){0});
    cr_assert(bench.out.b_valid && bench.out.b_error);
    cr_assert_eq(elsewhere.calls, 0);
    qm_dram_destroy(bench.dram);
}

Test(dram, reset_empties_it_and_repeats_the_same_stalls) {
    bool ready[2][200];
    struct bench bench = bench_with(BEAT, 1000, 0.5);
    int count = 0;
    for (int run = 0; run < 2; run++, bench.dram->ops->reset(bench.dram))
        for (int t = 0; t < 200; t++) {
            cycle(&bench, read_of(BASE, 1, 0));
            ready[run][t] = bench.out.ar_ready;
            count += bench.out.ar_ready;
        }
    cr_assert_arr_eq(ready[0], ready[1], sizeof ready[0]);
    cr_assert(count > 120 && count < 280);
    qm_dram_destroy(bench.dram);
}

/* A machine that reads and writes at random, always ready, and whose write beats come in order; driven alike on two memories. */
struct traffic {
    struct qm_prng prng;
    struct qm_memory_in in;
    uint32_t beats_left;
    uint64_t beat_count;
};

static void draw_traffic(struct traffic *traffic, const uint8_t *data) {
    uint64_t bits = qm_prng_next(&traffic->prng);
    traffic->in.ar_valid = bits % 40 == 0;
    traffic->in.ar_beats = (uint32_t)(bits >> 8 & 31) + 1;
    traffic->in.ar_address = BASE + (bits >> 16) % (SIZE / BEAT) * BEAT;
    traffic->in.aw_valid = traffic->beats_left == 0 && (bits >> 32) % 50 == 0;
    traffic->in.aw_beats = (uint32_t)(bits >> 40 & 31) + 1;
    traffic->in.aw_address = BASE + (bits >> 48) % (SIZE / BEAT) * BEAT;
    traffic->in.w_valid = traffic->beats_left > 0 && (bits >> 60) != 0;
    traffic->in.w_strobe = UINT64_MAX;
    traffic->in.w_data = data;
}

static void move_traffic(struct traffic *traffic, const struct qm_memory_out *out, uint64_t cycles) {
    if (traffic->in.aw_valid && out->aw_ready) traffic->beats_left = traffic->in.aw_beats;
    if (traffic->in.w_valid && out->w_ready) traffic->beats_left -= (uint32_t)cycles;
}

static bool same_outputs(const struct qm_memory_out *a, const struct qm_memory_out *b) {
    return a->ar_ready == b->ar_ready && a->r_valid == b->r_valid && a->r_last == b->r_last && a->r_error == b->r_error &&
           a->r_id == b->r_id && a->r_address == b->r_address && a->aw_ready == b->aw_ready && a->w_ready == b->w_ready &&
           a->b_valid == b->b_valid && a->b_error == b->b_error && a->w_address == b->w_address && memcmp(a->r_data, b->r_data, BEAT) == 0;
}

/* Passes the steady cycles at once on one memory and one by one on the other, which must do the same in each. Returns how many. */
static uint64_t pass(struct bench *skipping, struct bench *stepping, const struct qm_memory_in *in) {
    uint64_t cycles = skipping->dram->ops->steady_cycles(skipping->dram, in);
    struct qm_memory_in one = *in;
    cr_assert(cycles >= 1);
    if (cycles > 60) cycles = 60;
    for (uint64_t i = 0; i < cycles; i++) {
        stepping->dram->ops->outputs(stepping->dram, &stepping->out);
        cr_assert_eq(stepping->out.r_valid, skipping->out.r_valid);
        cr_assert_eq(in->w_valid && stepping->out.w_ready, in->w_valid && skipping->out.w_ready);
        cr_assert_eq(stepping->out.b_valid, skipping->out.b_valid);
        if (stepping->out.r_valid && cycles > 1) cr_assert_arr_eq(stepping->out.r_data, skipping->out.r_data + i * BEAT, BEAT);
        if (cycles > 1) cr_assert_not(stepping->out.r_valid && stepping->out.r_last);
        one.w_data = in->w_data + i * BEAT;
        stepping->dram->ops->clock(stepping->dram, &one, 1);
    }
    skipping->dram->ops->clock(skipping->dram, in, cycles);
    return cycles;
}

static uint64_t compare_skipping(uint32_t bytes_per_cycle, double stalls, uint64_t seed) {
    struct bench skipping = bench_with(bytes_per_cycle, 3, stalls), stepping = bench_with(bytes_per_cycle, 3, stalls);
    struct traffic traffic = {0};
    uint64_t skipped = 0;
    qm_prng_init(&traffic.prng, seed);
    for (int visit = 0; visit < 4000; visit++) {
        draw_traffic(&traffic, skipping.data);
        skipping.dram->ops->outputs(skipping.dram, &skipping.out);
        stepping.dram->ops->outputs(stepping.dram, &stepping.out);
        cr_assert(same_outputs(&skipping.out, &stepping.out), "seed %lu, visit %d", seed, visit);
        uint64_t cycles = pass(&skipping, &stepping, &traffic.in);
        skipped += cycles - 1;
        move_traffic(&traffic, &skipping.out, cycles);
    }
    cr_assert_arr_eq(qm_dram_at(skipping.dram, BASE, SIZE), qm_dram_at(stepping.dram, BASE, SIZE), SIZE);
    qm_dram_destroy(skipping.dram);
    qm_dram_destroy(stepping.dram);
    return skipped;
}

Test(dram, skipping_is_stepping) {
    for (uint64_t seed = 0; seed < 20; seed++) cr_assert(compare_skipping(BEAT, 0, seed) > 1000);
    for (uint64_t seed = 0; seed < 10; seed++) compare_skipping(3 + (uint32_t)seed * 3, 0, seed);
}

Test(dram, stalls_are_never_skipped) {
    for (uint64_t seed = 0; seed < 5; seed++) compare_skipping(BEAT, 0.2, seed);
}
