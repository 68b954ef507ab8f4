/* engine.c - cycles of whole runs: the closed forms of docs/machine.md, and skipping against stepping. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/sim/cycle/rig.h"

TestSuite(cycle_engine);

/* From the start to the end of the only instruction of a program. */
static uint64_t duration(struct rig *rig, const struct qm_insn *insn) {
    enum qm_unit unit = qm_opcode_unit(insn->opcode);
    rig_run(rig, insn, 1);
    cr_assert(eq(u32, rig->status, QM_STATUS_DONE));
    uint64_t end = rig_cycle(rig, QM_EVENT_END, unit, 0);
    cr_assert(eq(u64, rig->counters.value[QM_C_cycles], end + 2));
    return end - rig_cycle(rig, QM_EVENT_START, unit, 0);
}

/* The recurrence of docs/machine.md, step by step; the last piece of a run may be shorter. */
static uint64_t matmul_end(uint32_t rows, uint32_t cols, uint64_t m, const uint32_t shape[2]) {
    uint32_t k = shape[0], n = shape[1], pieces = (k + rows - 1) / rows, tiles = (n + cols - 1) / cols;
    uint64_t preload_end = 0, stream_end = 0, stream_end_before = 0;
    for (uint32_t step = 0; step < tiles * pieces; step++) {
        uint32_t piece = step % pieces, weight_rows = piece + 1 < pieces ? rows : k - piece * rows;
        uint64_t preload = (preload_end > stream_end_before ? preload_end : stream_end_before) + 1;
        preload_end = preload + weight_rows - 1;
        stream_end_before = stream_end;
        stream_end = (stream_end > preload_end ? stream_end : preload_end) + m;
    }
    return stream_end + rows + cols;
}

Test(cycle_engine, matmul_takes_the_cycles_of_the_recurrence) {
    static const uint32_t arrays[][2] = {{1, 1}, {4, 4}, {16, 16}, {32, 8}, {8, 32}, {5, 7}};
    static const uint32_t shapes[][2] = {{1, 1}, {4, 4}, {16, 16}, {17, 9}, {64, 33}, {40, 64}};
    static const uint32_t row_counts[] = {1, 3, 8, 16, 100};
    for (size_t a = 0; a < 6; a++) {
        struct rig *rig = rig_create(arrays[a][0], arrays[a][1]);
        for (size_t i = 0; i < 6 * 5; i++) {
            const uint32_t *shape = shapes[i / 5], m = row_counts[i % 5];
            struct qm_insn insn = rig_matmul(&rig->machine, m, shape[0], shape[1]);
            rig->machine.accumulator_rows = 65536;
            cr_assert(eq(u64, duration(rig, &insn), matmul_end(arrays[a][0], arrays[a][1], m, shape)));
            cr_assert(eq(u64, rig->counters.value[QM_C_macs], (uint64_t)m * shape[0] * shape[1]));
            cr_assert(eq(u64, rig->counters.value[QM_C_weight_reads], (uint64_t)shape[0] * shape[1]));
            cr_assert(eq(u64, rig->counters.value[QM_C_stream_reads], (uint64_t)m * shape[0] * (uint64_t)insn.tiles));
        }
        rig_destroy(rig);
    }
}

Test(cycle_engine, matmul_with_equal_steps_takes_the_closed_form) {
    struct rig *rig = rig_create(8, 4);
    struct qm_insn wide = rig_matmul(&rig->machine, 20, 24, 8), narrow = rig_matmul(&rig->machine, 3, 24, 8);
    cr_assert(eq(u64, duration(rig, &wide), 8 + 6 * 20 + 8 + 4));
    cr_assert(eq(u64, duration(rig, &narrow), 6 * 8 + 3 + 8 + 4));
    wide.depthwise = 1;
    wide.run_bytes = wide.sample_step = 1;
    wide.tiles = 2;
    cr_assert(eq(u64, duration(rig, &wide), 1 + 2 * 20 + 8 + 4));
    cr_assert(eq(u64, rig->counters.value[QM_C_macs], 20 * 8));
    cr_assert(eq(u64, rig->counters.value[QM_C_acc_writes], 2 * 20 * 4));
    cr_assert(eq(u64, rig->counters.value[QM_C_acc_reads], 0));
    rig_destroy(rig);
}

/* Two rows of 5 outputs, of 3 taps each: one padding at both ends, or none, or every second sample. */
Test(cycle_engine, chains_read_the_samples_of_a_row_once) {
    static const struct {
        int64_t step, left, right;
        uint64_t samples, rows;
    } cases[] = {{1, 1, 1, 5, 11}, {1, 0, 0, 7, 14}, {2, 0, 1, 10, 21}, {2, 2, 0, 9, 18}};
    struct rig *rig = rig_create(8, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_insn insn = rig_matmul(&rig->machine, 10, 3, 4);
        insn.depthwise = 1;
        insn.out_h = 2;
        insn.out_w = 5;
        insn.sample_step = cases[i].step;
        insn.skip_left = cases[i].left;
        insn.skip_right = cases[i].right;
        cr_assert(eq(u64, duration(rig, &insn), 3 + cases[i].rows + 8 + 4));
        cr_assert(eq(u64, rig->counters.value[QM_C_macs], 10 * 3 * 4));
        cr_assert(eq(u64, rig->counters.value[QM_C_stream_reads], 2 * cases[i].samples * 4));
        cr_assert(eq(u64, rig->counters.value[QM_C_acc_writes], 10 * 4));
    }
    rig_destroy(rig);
}

/* P = 8 weight rows take pieces of 16 bytes, k / 2 of them rounded up the last. */
Test(cycle_engine, narrow_matmuls_take_two_bytes_a_row_of_the_array) {
    static const struct {
        int64_t precision;
        uint32_t cell_bits, per_byte;
        enum qm_counter products;
    } cases[] = {
        {QM_precision_W4A8, 8, 1, QM_C_macs_w4a8},  {QM_precision_W2A8, 4, 1, QM_C_macs_w4a8}, {QM_precision_W1A8, 2, 1, QM_C_macs_w4a8},
        {QM_precision_W4A4, 16, 2, QM_C_macs_w4a4}, {QM_precision_W2A4, 8, 2, QM_C_macs_w4a4}, {QM_precision_W1A4, 4, 2, QM_C_macs_w4a4},
    };
    struct rig *rig = rig_create(8, 4);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_insn many = rig_matmul(&rig->machine, 20, 48, 7), few = rig_matmul(&rig->machine, 3, 48, 7);
        struct qm_insn odd = rig_matmul(&rig->machine, 2, 21, 3);
        many.precision = few.precision = odd.precision = cases[i].precision;
        cr_assert(eq(u64, duration(rig, &many), 8 + 6 * 20 + 8 + 4));
        const uint64_t *value = rig->counters.value;
        cr_assert(eq(u64, value[QM_C_macs] + value[QM_C_macs_w4a8] + value[QM_C_macs_w4a4], value[cases[i].products]));
        cr_assert(eq(u64, value[cases[i].products], 20 * 48 * 7 * cases[i].per_byte));
        cr_assert(eq(u64, value[QM_C_stream_reads], 20 * 48 * 2));
        cr_assert(eq(u64, value[QM_C_weight_writes], 24 * 7 * cases[i].per_byte));
        cr_assert(eq(u64, value[QM_C_weight_reads], 24 * ((4 * cases[i].cell_bits + 7) / 8 + (3 * cases[i].cell_bits + 7) / 8)));
        cr_assert(eq(u64, duration(rig, &few), 6 * 8 + 3 + 8 + 4));
        cr_assert(eq(u64, duration(rig, &odd), 8 + 3 + 2 + 8 + 4)); /* steps of 8 and of 3 weight rows */
        cr_assert(eq(u64, rig->counters.value[cases[i].products], 2 * 21 * 3 * cases[i].per_byte));
    }
    rig_destroy(rig);
}

Test(cycle_engine, wide_outputs_and_tables_take_cycles_of_their_own) {
    static const struct {
        int64_t out_type, row_cycles, written;
    } cases[] = {{QM_out_type_BITS4, 1, 13 * 10}, {QM_out_type_BITS16, 2, 13 * 38}, {QM_out_type_BITS32, 4, 13 * 76}};
    struct rig *rig = rig_create(4, 8);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_insn insn = rig_requantize(&rig->machine, 13, 19);
        insn.out_type = cases[i].out_type;
        insn.out_pixel = 76;
        cr_assert(eq(u64, duration(rig, &insn), (uint64_t)(3 * (9 + 13 * cases[i].row_cycles) + 5)));
        cr_assert(eq(u64, rig->counters.value[QM_C_post_row], (uint64_t)(3 * 13 * cases[i].row_cycles)));
        cr_assert(eq(u64, rig->counters.value[QM_C_post_param], 3 * 9));
        cr_assert(eq(u64, rig->counters.value[QM_C_post_writes], (uint64_t)cases[i].written));
        cr_assert(eq(u64, rig->counters.value[QM_C_acc_reads], 3 * 13 * 8));
        cr_assert(eq(u64, rig->counters.value[QM_C_requantize_ops], 13 * 19));
    }
    struct qm_insn lookup = rig_requantize(&rig->machine, 13, 19);
    lookup.lookup = QM_lookup_TABLE;
    cr_assert(eq(u64, duration(rig, &lookup), 32 + 3 * (9 + 13) + 5));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_param], 32 + 3 * 9));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_reads], 256 + 3 * 9 * 8));
    rig_destroy(rig);
}

Test(cycle_engine, post_instructions_take_the_closed_forms) {
    struct rig *rig = rig_create(4, 8);
    struct qm_insn requantize = rig_requantize(&rig->machine, 13, 20), pool = rig_pool(3, 5, 2, 20), copy = rig_copy(3, 5, 2, 20);
    struct qm_insn add = rig_add(100);
    cr_assert(eq(u64, duration(rig, &requantize), 3 * (9 + 13) + 5));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_param], 3 * 9));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_reads], 3 * 9 * 8));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_writes], 13 * 20));
    cr_assert(eq(u64, duration(rig, &pool), 3 * 15 * 4 + 5));
    cr_assert(eq(u64, rig->counters.value[QM_C_pool_ops], 15 * 4 * 20));
    cr_assert(eq(u64, rig->counters.value[QM_C_requantize_ops], 15 * 20));
    cr_assert(eq(u64, duration(rig, &copy), 15 * 4 * 3 + 5));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_writes], 15 * 4 * 20));
    requantize.residual = 1;
    cr_assert(eq(u64, duration(rig, &requantize), 3 * (9 + 13) + 11));
    cr_assert(eq(u64, duration(rig, &add), 13 + 8));
    cr_assert(eq(u64, rig->counters.value[QM_C_scale_ops], 2 * 100));
    cr_assert(eq(u64, rig->counters.value[QM_C_post_drain], 8));
    rig_destroy(rig);
}

Test(cycle_engine, load_of_one_burst_takes_latency_and_beats) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn insn = rig_transfer(QM_LOAD, 256, 1);
    /* issued in the cycle after the start, first beat `latency` later, 16 beats of 16 bytes */
    cr_assert(eq(u64, duration(rig, &insn), 1 + 20 + 15));
    cr_assert(eq(u64, rig->counters.value[QM_C_dram_read_beats], 16));
    cr_assert(eq(u64, rig->counters.value[QM_C_dram_fetch_beats], 4));
    cr_assert(eq(u64, rig->counters.value[QM_C_load_writes], 256));
    cr_assert(eq(u64, rig->counters.value[QM_C_load_wait_memory], 20));
    insn.dram_addr += 5; /* one more beat, the same bytes */
    cr_assert(eq(u64, duration(rig, &insn), 1 + 20 + 16));
    cr_assert(eq(u64, rig->counters.value[QM_C_load_writes], 256));
    rig_destroy(rig);
}

Test(cycle_engine, store_of_one_burst_takes_address_beats_and_latency) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn program[2] = {rig_transfer(QM_LOAD, 256, 1), rig_transfer(QM_STORE, 250, 1)};
    program[0].signal = 1 << QM_UNIT_STORE;
    program[1].wait = 1 << QM_UNIT_LOAD;
    program[1].dram_addr += 4096 + 3;
    rig_run(rig, program, 2);
    uint64_t start = rig_cycle(rig, QM_EVENT_START, QM_UNIT_STORE, 0), end = rig_cycle(rig, QM_EVENT_END, QM_UNIT_STORE, 0);
    cr_assert(eq(u64, start, rig_cycle(rig, QM_EVENT_END, QM_UNIT_LOAD, 0) + 1));
    cr_assert(eq(u64, end - start, 1 + 16 + 20));
    cr_assert(eq(u64, rig->counters.value[QM_C_store_reads], 250));
    cr_assert(eq(u64, rig->counters.value[QM_C_dram_write_beats], 16));
    cr_assert(eq(int, memcmp(rig->memory + RIG_DATA + 4096 + 3, rig->memory + RIG_DATA, 250), 0));
    for (uint32_t i = RIG_DATA + 4096 + 253; i < RIG_DATA + 4096 + 260; i++)
        cr_assert(eq(u8, rig->memory[i], (uint8_t)(i * 7 + i / 256)), "byte %u behind the row has changed", i);
    rig_destroy(rig);
}

Test(cycle_engine, bytes_travel_from_memory_through_the_scratchpad_and_back) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn program[3] = {rig_transfer(QM_LOAD, 300, 1), rig_copy(1, 1, 1, 300), rig_transfer(QM_STORE, 300, 1)};
    program[0].spad_addr = 0;
    program[0].signal = 1 << QM_UNIT_POST;
    program[1].in_row_bytes = 300;
    program[1].wait = 1 << QM_UNIT_LOAD;
    program[1].signal = 1 << QM_UNIT_STORE;
    program[2].wait = 1 << QM_UNIT_POST;
    program[2].spad_addr = program[1].out_addr;
    program[2].dram_addr += 8192;
    rig_run(rig, program, 3);
    cr_assert(eq(u32, rig->status, QM_STATUS_DONE));
    cr_assert(eq(int, memcmp(rig->memory + RIG_DATA + 8192, rig->memory + RIG_DATA, 300), 0));
    cr_assert(eq(u64, rig_cycle(rig, QM_EVENT_START, QM_UNIT_POST, 0), rig_cycle(rig, QM_EVENT_END, QM_UNIT_LOAD, 0) + 1));
    rig_destroy(rig);
}

/* A later load may start while the first one's beats are on their way; a matmul may start while the one before is streaming. */
Test(cycle_engine, instructions_of_a_unit_overlap) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn loads[2] = {rig_transfer(QM_LOAD, 64, 1), rig_transfer(QM_LOAD, 64, 1)};
    rig_run(rig, loads, 2);
    cr_assert(lt(u64, rig_cycle(rig, QM_EVENT_START, QM_UNIT_LOAD, 1), rig_cycle(rig, QM_EVENT_END, QM_UNIT_LOAD, 0)));
    cr_assert(eq(u64, rig_cycle(rig, QM_EVENT_END, QM_UNIT_LOAD, 1), rig_cycle(rig, QM_EVENT_END, QM_UNIT_LOAD, 0) + 4));
    struct qm_insn matmuls[2] = {rig_matmul(&rig->machine, 30, 4, 4), rig_matmul(&rig->machine, 30, 4, 4)};
    rig_run(rig, matmuls, 2);
    uint64_t first = rig_cycle(rig, QM_EVENT_START, QM_UNIT_MATMUL, 0);
    cr_assert(eq(u64, rig_cycle(rig, QM_EVENT_START, QM_UNIT_MATMUL, 1), first + 5));
    cr_assert(eq(u64, rig_cycle(rig, QM_EVENT_END, QM_UNIT_MATMUL, 0), first + 4 + 30 + 8));
    cr_assert(eq(u64, rig_cycle(rig, QM_EVENT_END, QM_UNIT_MATMUL, 1), first + 4 + 60 + 8));
    rig_destroy(rig);
}

static struct qm_insn random_insn(const struct rig *rig, uint64_t *state) {
    uint32_t a = 1 + rig_random(state, 9), b = 1 + rig_random(state, 9), c = 1 + rig_random(state, 3), d = 1 + rig_random(state, 40);
    struct qm_insn insn;
    switch (rig_random(state, 7)) {
    case 0: insn = rig_transfer(QM_LOAD, 1 + rig_random(state, 700), a); break;
    case 1: insn = rig_transfer(QM_STORE, 1 + rig_random(state, 700), a); break;
    case 2: insn = rig_requantize(&rig->machine, a * b, d); break;
    case 3: insn = rig_pool(a, b, c, d); break;
    case 4: insn = rig_add(a * b * d); break;
    case 5: insn = rig_copy(a, b, c, d); break;
    default: insn = rig_matmul(&rig->machine, a * b, d, 1 + rig_random(state, 40)); break;
    }
    if (insn.opcode == QM_LOAD || insn.opcode == QM_STORE) insn.dram_addr += rig_random(state, 2000);
    if (insn.opcode == QM_STORE) insn.dram_addr += 16384;
    if (insn.opcode == QM_MATMUL) insn.accumulate = rig_random(state, 2);
    return insn;
}

/* Tokens that are mostly matched: one unit signals another, whose next instruction waits. */
static void random_tokens(struct qm_insn *insns, uint32_t count, uint64_t *state) {
    for (uint32_t i = 0; i + 1 < count; i++) {
        enum qm_unit giver = qm_opcode_unit(insns[i].opcode);
        uint32_t j = i + 1 + rig_random(state, 4);
        if (j >= count || rig_random(state, 2) == 0) continue;
        enum qm_unit taker = qm_opcode_unit(insns[j].opcode);
        if (taker == giver || (insns[i].signal >> taker & 1) != 0 || (insns[j].wait >> giver & 1) != 0) continue;
        insns[i].signal |= 1 << taker;
        insns[j].wait |= 1 << giver;
    }
    if (rig_random(state, 8) == 0) insns[count / 2].wait = 1 << (qm_opcode_unit(insns[count / 2].opcode) ^ 1);
}

static void random_machine(struct rig *rig, uint64_t *state) {
    static const uint32_t beat_bytes[] = {4, 8, 16, 32, 64}, latencies[] = {1, 2, 30, 100};
    rig->machine.rows = 1 + rig_random(state, 20);
    rig->machine.cols = 1 + rig_random(state, 20);
    rig->machine.axi_bytes = beat_bytes[rig_random(state, 5)];
    rig->machine.accumulator_rows = 4096;
    rig->machine.queue_depth = 2u << rig_random(state, 3);
    rig->machine.dram_latency = latencies[rig_random(state, 4)];
    rig->machine.dram_bytes_per_cycle = rig_random(state, 2) == 0 ? rig->machine.axi_bytes : 1 + rig_random(state, rig->machine.axi_bytes);
    rig->machine.dram_queue = 1 + rig_random(state, 6);
    rig->options.stalls = rig_random(state, 4) == 0 ? 0.3 : 0;
}

static void assert_same_run(const struct rig *a, const struct rig *b, uint64_t seed) {
    for (int i = 0; i < QM_COUNTERS; i++)
        cr_assert(a->counters.value[i] == b->counters.value[i], "seed %lu: counter %s: %lu and %lu", seed, qm_counter_infos[i].name,
                  a->counters.value[i], b->counters.value[i]);
    cr_assert(a->status == b->status && a->cause == b->cause && a->index == b->index, "seed %lu: registers differ", seed);
    cr_assert(memcmp(a->memory, b->memory, sizeof a->memory) == 0, "seed %lu: memories differ", seed);
}

static void assert_same_events(const struct rig *a, const struct rig *b, uint64_t seed) {
    for (size_t i = 0; i < a->event_count && i < b->event_count; i++)
        cr_assert(memcmp(&a->events[i], &b->events[i], sizeof a->events[i]) == 0, "seed %lu: event %zu differs", seed, i);
    cr_assert(a->event_count == b->event_count, "seed %lu: %zu and %zu events", seed, a->event_count, b->event_count);
}

static void assert_order(const struct rig *rig) {
    for (size_t i = 1; i < rig->event_count; i++) {
        const struct qm_event *before = &rig->events[i - 1].event, *event = &rig->events[i].event;
        bool later = event->cycle > before->cycle || (event->cycle == before->cycle && event->kind > before->kind);
        cr_assert(later || (event->cycle == before->cycle && event->kind == before->kind && event->unit > before->unit));
    }
}

Test(cycle_engine, skipping_changes_nothing) {
    enum { PROGRAMS = 150, LENGTH = 24 };
    for (uint64_t seed = 1; seed <= PROGRAMS; seed++) {
        uint64_t state = seed;
        struct rig *step = rig_create(4, 4), *skip = rig_create(4, 4), *blind = rig_create(4, 4);
        random_machine(step, &state);
        step->options.step = true;
        skip->machine = blind->machine = step->machine;
        skip->options.stalls = blind->options.stalls = step->options.stalls;
        step->options.seed = skip->options.seed = blind->options.seed = seed;
        blind->observes = false;
        blind->slice_cycles = seed % 3 == 0 ? 0 : 1 + seed % 50;
        struct qm_insn insns[LENGTH];
        for (int i = 0; i < LENGTH; i++) insns[i] = random_insn(step, &state);
        random_tokens(insns, LENGTH, &state);
        rig_run(step, insns, LENGTH);
        rig_run(skip, insns, LENGTH);
        rig_run(blind, insns, LENGTH);
        assert_same_run(step, skip, seed);
        assert_same_run(step, blind, seed);
        assert_same_events(step, skip, seed);
        assert_order(step);
        rig_destroy(step);
        rig_destroy(skip);
        rig_destroy(blind);
    }
}

/* The sums are also checked inside the model; here from the outside, with the groups written out. */
Test(cycle_engine, causes_of_each_group_add_up_to_the_cycles) {
    struct rig *rig = rig_create(8, 8);
    struct qm_insn program[4] = {rig_transfer(QM_LOAD, 600, 2), rig_matmul(&rig->machine, 20, 20, 20),
                                 rig_requantize(&rig->machine, 20, 20), rig_transfer(QM_STORE, 600, 2)};
    rig_run(rig, program, 4);
    const uint64_t *value = rig->counters.value;
    static const int groups[][2] = {{QM_C_load_beat, QM_C_load_idle},
                                    {QM_C_matmul_stream, QM_C_matmul_idle},
                                    {QM_C_post_row, QM_C_post_idle},
                                    {QM_C_store_beat, QM_C_store_idle},
                                    {QM_C_machine_compute, QM_C_machine_control}};
    for (int group = 0; group < 5; group++) {
        uint64_t sum = 0;
        for (int i = groups[group][0]; i <= groups[group][1]; i++) sum += value[i];
        cr_assert(eq(u64, sum, value[QM_C_cycles]));
    }
    cr_assert(eq(u64, value[QM_C_instructions], 4));
    rig_destroy(rig);
}
