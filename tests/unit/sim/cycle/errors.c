/* errors.c - every error cause, in the place where it is found, and what ends a run without one. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "tests/unit/sim/cycle/rig.h"

TestSuite(cycle_errors);

static void assert_error(const struct rig *rig, enum qm_error cause, uint32_t index) {
    cr_assert(eq(u32, rig->status, QM_STATUS_ERROR));
    cr_assert(eq(u32, rig->cause, cause));
    cr_assert(eq(u32, rig->index, index));
}

/* Runs a good LOAD and then the instruction. */
static void assert_refused(struct rig *rig, struct qm_insn insn, enum qm_error cause) {
    struct qm_insn program[2] = {rig_transfer(QM_LOAD, 16, 1), insn};
    rig_run(rig, program, 2);
    assert_error(rig, cause, 1);
    cr_assert(eq(u64, rig->counters.value[QM_C_instructions], 1));
    cr_assert(eq(u64, rig->counters.value[QM_C_load_beat], 1), "the LOAD before the error must finish");
}

static void assert_accepted(struct rig *rig, struct qm_insn insn) {
    rig_run(rig, &insn, 1);
    cr_assert(eq(u32, rig->status, QM_STATUS_DONE));
    cr_assert(eq(u32, rig->cause, QM_ERROR_NONE));
}

Test(cycle_errors, an_empty_program_is_done_after_one_cycle) {
    struct rig *rig = rig_create(4, 4);
    rig_run(rig, NULL, 0);
    cr_assert(eq(u32, rig->status, QM_STATUS_DONE));
    cr_assert(eq(u64, rig->counters.value[QM_C_cycles], 1));
    rig_destroy(rig);
}

Test(cycle_errors, a_misplaced_program_is_refused_before_it_is_fetched) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn insn = rig_transfer(QM_LOAD, 16, 1);
    rig->program_addr = 64;
    rig_run(rig, &insn, 1);
    assert_error(rig, QM_ERROR_ILLEGAL, 0);
    cr_assert(eq(u64, rig->counters.value[QM_C_cycles], 2));
    rig->program_addr = 256;
    rig->memory_size = 256 + 63;
    rig_run(rig, &insn, 1);
    assert_error(rig, QM_ERROR_MEMORY, 0);
    cr_assert(eq(sz, rig->event_count, 0));
    rig_destroy(rig);
}

Test(cycle_errors, words_without_meaning_are_illegal) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn insn = rig_transfer(QM_LOAD, 16, 1);
    struct qm_diag diag;
    uint32_t words[1][QM_INSN_WORDS];
    cr_assert(qm_insn_pack(&insn, words[0], &diag) == QM_OK);
    words[0][15] = 1;
    rig_run_words(rig, words, 1);
    assert_error(rig, QM_ERROR_ILLEGAL, 0);
    memset(words, 0, sizeof words);
    for (uint32_t opcode = 0; opcode < 256; opcode += opcode == 0 ? 8 : 1) {
        words[0][0] = opcode;
        rig_run_words(rig, words, 1);
        assert_error(rig, QM_ERROR_ILLEGAL, 0);
    }
    rig_destroy(rig);
}

Test(cycle_errors, own_tokens_bad_values_and_empty_extents_are_illegal) {
    struct rig *rig = rig_create(4, 8);
    struct qm_insn insn = rig_transfer(QM_LOAD, 16, 1);
    insn.wait = 1 << QM_UNIT_LOAD;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    insn = rig_add(10);
    insn.signal = 1 << QM_UNIT_POST;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    insn.signal = 0;
    insn.rounding = 7;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    assert_refused(rig, rig_add(0), QM_ERROR_ILLEGAL);
    insn = rig_matmul(&rig->machine, 3, 3, 9);
    insn.precision = 7;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    insn = rig_pool(2, 2, 2, 4);
    insn.run_bytes = 2;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    insn = rig_copy(2, 2, 2, 4);
    insn.in_rows = 0;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    rig_destroy(rig);
}

Test(cycle_errors, tiles_must_be_the_channels_by_the_tile_width) {
    struct rig *rig = rig_create(4, 8);
    struct qm_insn insn = rig_matmul(&rig->machine, 3, 1, 9);
    for (int64_t tiles = 0; tiles < 5; tiles++) {
        insn.tiles = tiles;
        if (tiles == 2)
            assert_accepted(rig, insn);
        else
            assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    }
    insn.depthwise = 1; /* tiles of min(4, 8) */
    insn.tiles = 3;
    assert_refused(rig, insn, QM_ERROR_ILLEGAL); /* no step to the next output */
    insn.sample_step = 1;
    assert_accepted(rig, insn);
    rig_destroy(rig);
}

Test(cycle_errors, a_chain_has_as_many_taps_as_the_array_can_chain_and_sees_samples) {
    static const uint32_t rows[] = {4, 12}, taps[] = {4, 8};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = rig_create(rows[i], 8);
        struct qm_insn insn = rig_matmul(&rig->machine, 3, taps[i], 3);
        insn.depthwise = insn.sample_step = 1;
        insn.skip_left = 1;
        insn.skip_right = taps[i] - 2;
        assert_accepted(rig, insn);
        insn.skip_left = 2;
        assert_refused(rig, insn, QM_ERROR_ILLEGAL);
        insn.skip_left = 0;
        insn.run_bytes++;
        assert_refused(rig, insn, QM_ERROR_ILLEGAL);
        rig_destroy(rig);
    }
}

Test(cycle_errors, values_without_hardware_are_unsupported) {
    struct rig *rig = rig_create(4, 8);
    struct qm_insn insn = rig_matmul(&rig->machine, 3, 3, 9);
    insn.dataflow = QM_dataflow_OS;
    assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
    insn.tiles = 7; /* a later check */
    assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
    insn.out_h = 0; /* an earlier one */
    assert_refused(rig, insn, QM_ERROR_ILLEGAL);
    rig_destroy(rig);
}

Test(cycle_errors, depthwise_has_8_bit_operands) {
    struct rig *rig = rig_create(8, 8);
    for (int64_t precision = QM_precision_W4A8; precision <= QM_precision_W1A4; precision++) {
        struct qm_insn insn = rig_matmul(&rig->machine, 3, 1, 9);
        insn.precision = precision;
        assert_accepted(rig, insn);
        insn.depthwise = 1;
        assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
    }
    rig_destroy(rig);
}

Test(cycle_errors, weights_have_a_zero_point_of_one_byte_and_a_sign_unless_depthwise) {
    struct rig *rig = rig_create(8, 8);
    struct qm_insn insn = rig_matmul(&rig->machine, 3, 1, 9);
    for (int64_t sign = -1; sign <= 1; sign += 2) {
        insn.depthwise = 0;
        insn.weight_zero = sign * 255;
        assert_accepted(rig, insn);
        insn.weight_zero = sign * 256;
        assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
        insn.depthwise = 1;
        insn.weight_zero = sign;
        assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
    }
    rig_destroy(rig);
}

Test(cycle_errors, only_bytes_are_looked_up) {
    struct rig *rig = rig_create(4, 8);
    for (int64_t out_type = QM_out_type_BITS8; out_type <= QM_out_type_BITS32; out_type++) {
        struct qm_insn insn = rig_requantize(&rig->machine, 3, 9);
        insn.out_type = out_type;
        assert_accepted(rig, insn);
        insn.lookup = QM_lookup_TABLE;
        if (out_type == QM_out_type_BITS8)
            assert_accepted(rig, insn);
        else
            assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
    }
    rig_destroy(rig);
}

Test(cycle_errors, tiles_of_4_bit_outputs_do_not_share_bytes) {
    struct rig *rig = rig_create(3, 7);
    struct qm_insn insn = rig_requantize(&rig->machine, 3, 7);
    insn.out_type = QM_out_type_BITS4;
    assert_accepted(rig, insn);
    insn.channels = 8;
    insn.tiles = 2;
    assert_refused(rig, insn, QM_ERROR_UNSUPPORTED);
    insn.out_type = QM_out_type_BITS16;
    assert_accepted(rig, insn);
    struct qm_insn pool = rig_pool(2, 3, 2, 7), add = rig_add(7);
    pool.out_type = add.out_type = QM_out_type_BITS4;
    assert_accepted(rig, pool);
    assert_accepted(rig, add);
    pool.channels = add.length = 8;
    assert_refused(rig, pool, QM_ERROR_UNSUPPORTED);
    assert_refused(rig, add, QM_ERROR_UNSUPPORTED);
    rig_destroy(rig);
}

Test(cycle_errors, only_sums_of_the_array_are_written_wide) {
    struct rig *rig = rig_create(4, 8);
    for (int64_t out_type = QM_out_type_BITS16; out_type <= QM_out_type_BITS32; out_type++) {
        struct qm_insn pool = rig_pool(2, 3, 2, 9), add = rig_add(77);
        pool.out_type = add.out_type = out_type;
        assert_refused(rig, pool, QM_ERROR_UNSUPPORTED);
        assert_refused(rig, add, QM_ERROR_UNSUPPORTED);
    }
    rig_destroy(rig);
}

Test(cycle_errors, transfers_may_reach_the_end_of_the_arena_and_no_further) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn insn = rig_transfer(QM_LOAD, 100, 3);
    insn.plane_count = 2;
    insn.dram_plane_stride = 1000;
    insn.dram_addr = RIG_MEMORY_BYTES - (1000 + 200 + 100);
    assert_accepted(rig, insn);
    insn.dram_addr++;
    assert_refused(rig, insn, QM_ERROR_MEMORY);
    insn.dram_addr = 0xffffffff;
    insn.dram_plane_stride = 0xffffffff;
    insn.plane_count = 0xffff;
    assert_refused(rig, insn, QM_ERROR_MEMORY);
    rig_destroy(rig);
}

/* Moves each address to the last byte that fits and one further. */
static void assert_edge(struct rig *rig, struct qm_insn *insn, int64_t *address, int64_t extent) {
    int64_t kept = *address;
    *address = rig->machine.scratchpad_bytes - extent;
    assert_accepted(rig, *insn);
    ++*address;
    assert_refused(rig, *insn, QM_ERROR_SCRATCHPAD);
    *address = kept;
}

Test(cycle_errors, operands_may_reach_the_end_of_the_scratchpad_and_no_further) {
    struct rig *rig = rig_create(4, 8);
    struct qm_insn matmul = rig_matmul(&rig->machine, 5, 6, 9), requantize = rig_requantize(&rig->machine, 5, 9);
    assert_edge(rig, &matmul, &matmul.in_addr, 5 + 6);
    assert_edge(rig, &matmul, &matmul.weight_addr, 6 * 9);
    assert_edge(rig, &requantize, &requantize.param_addr, 2 * 9 * 8);
    assert_edge(rig, &requantize, &requantize.out_addr, 5 * 9);
    requantize.lookup = QM_lookup_TABLE;
    assert_edge(rig, &requantize, &requantize.table_addr, 256);
    struct qm_insn pool = rig_pool(2, 3, 2, 9), copy = rig_copy(2, 3, 2, 5), add = rig_add(77), load = rig_transfer(QM_LOAD, 30, 4);
    assert_edge(rig, &pool, &pool.in_addr, 3 * 4 * 9);
    assert_edge(rig, &pool, &pool.out_addr, 2 * 3 * 9);
    assert_edge(rig, &copy, &copy.out_addr, 6 * 4 * 5);
    assert_edge(rig, &add, &add.in_addr, 77);
    assert_edge(rig, &add, &add.b_addr, 77);
    assert_edge(rig, &add, &add.out_addr, 77);
    assert_edge(rig, &load, &load.spad_addr, 120);
    rig_destroy(rig);
}

Test(cycle_errors, packed_operands_reach_as_far_as_their_bits) {
    struct rig *rig = rig_create(4, 8);
    static const int64_t weight_row_bytes[][2] = {
        /* of 8 channels and of 1 */
        [QM_precision_W4A8] = {8, 1},  [QM_precision_W2A8] = {4, 1}, [QM_precision_W1A8] = {2, 1},
        [QM_precision_W4A4] = {16, 2}, [QM_precision_W2A4] = {8, 1}, [QM_precision_W1A4] = {4, 1},
    };
    for (int64_t precision = QM_precision_W4A8; precision <= QM_precision_W1A4; precision++) {
        struct qm_insn insn = rig_matmul(&rig->machine, 5, 13, 9);
        insn.precision = precision;
        assert_edge(rig, &insn, &insn.weight_addr, 7 * (weight_row_bytes[precision][0] + weight_row_bytes[precision][1]));
    }
    static const int64_t pixel_bytes[] = {
        [QM_out_type_BITS8] = 9, [QM_out_type_BITS4] = 5, [QM_out_type_BITS16] = 18, [QM_out_type_BITS32] = 36};
    for (int64_t out_type = QM_out_type_BITS8; out_type <= QM_out_type_BITS32; out_type++) {
        struct qm_insn insn = rig_requantize(&rig->machine, 5, 9);
        insn.out_type = out_type;
        insn.out_pixel = 40;
        assert_edge(rig, &insn, &insn.out_addr, 4 * 40 + pixel_bytes[out_type]);
    }
    struct qm_insn pool = rig_pool(1, 1, 2, 9), add = rig_add(77);
    pool.out_type = add.out_type = QM_out_type_BITS4;
    assert_edge(rig, &pool, &pool.out_addr, 5);
    assert_edge(rig, &add, &add.out_addr, 39);
    rig_destroy(rig);
}

Test(cycle_errors, tiles_may_fill_the_accumulator_and_no_more) {
    struct rig *rig = rig_create(4, 8);
    rig->machine.accumulator_rows = 16;
    struct qm_insn insn = rig_matmul(&rig->machine, 5, 6, 17);
    insn.acc_addr = 1;
    assert_accepted(rig, insn);
    insn.acc_addr = 2;
    assert_refused(rig, insn, QM_ERROR_ACCUMULATOR);
    rig_destroy(rig);
}

Test(cycle_errors, beats_and_responses_outside_the_memory_are_bus_errors) {
    struct rig *rig = rig_create(4, 4);
    rig->memory_size = 2 * RIG_MEMORY_BYTES;
    struct qm_insn load = rig_transfer(QM_LOAD, 64, 1), store = rig_transfer(QM_STORE, 64, 1);
    load.dram_addr = store.dram_addr = RIG_MEMORY_BYTES;
    rig_run(rig, &load, 1);
    assert_error(rig, QM_ERROR_BUS, 1);
    cr_assert(eq(u64, rig->counters.value[QM_C_load_beat], 4), "a started LOAD takes all its beats");
    rig_run(rig, &store, 1);
    assert_error(rig, QM_ERROR_BUS, 1);
    rig_destroy(rig);
}

Test(cycle_errors, a_token_that_nobody_gives_is_a_deadlock) {
    struct rig *rig = rig_create(4, 4);
    struct qm_insn program[6];
    for (int i = 0; i < 6; i++) program[i] = rig_transfer(QM_LOAD, 16, 1);
    program[2].wait = 1 << QM_UNIT_STORE;
    rig_run(rig, program, 6);
    assert_error(rig, QM_ERROR_DEADLOCK, 6);
    cr_assert(eq(u64, rig->counters.value[QM_C_load_beat], 2));
    rig->machine.queue_depth = 2; /* decode is stuck behind the full queue */
    rig_run(rig, program, 6);
    assert_error(rig, QM_ERROR_DEADLOCK, 4);
    rig_destroy(rig);
}
