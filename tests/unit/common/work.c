/* work.c - event counts of an instruction against walks of docs/machine.md that count one thing after another. */
#include "common/work.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/prng.h"

TestSuite(work);

static struct qm_machine machine;
static struct qm_counters got;

static void count(const struct qm_insn *insn, uint32_t rows, uint32_t cols) {
    qm_machine_init(&machine);
    machine.rows = rows;
    machine.cols = cols;
    got = (struct qm_counters){0};
    qm_work_add(insn, &machine, &got);
}

static void expect(enum qm_counter counter, uint64_t want) {
    cr_assert(got.value[counter] == want, "%s: %lu, want %lu", qm_counter_infos[counter].name, got.value[counter], want);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Bits of a cell and activations of a byte, by precision. */
static const struct {
    int64_t cell_bits, per_byte;
    enum qm_counter products;
} formats[] = {
    [QM_precision_W8A8] = {8, 1, QM_C_macs},       [QM_precision_W4A8] = {8, 1, QM_C_macs_w4a8},
    [QM_precision_W4A4] = {16, 2, QM_C_macs_w4a4}, [QM_precision_W2A8] = {4, 1, QM_C_macs_w4a8},
    [QM_precision_W1A8] = {2, 1, QM_C_macs_w4a8},  [QM_precision_W2A4] = {8, 2, QM_C_macs_w4a4},
    [QM_precision_W1A4] = {4, 2, QM_C_macs_w4a4},
};

/* Samples that a chain reads for one row of outputs: those that some output sees, from the first to the last. */
static int64_t samples_seen(const struct qm_insn *insn) {
    int64_t first = insn->skip_left, end = (insn->out_w - 1) * insn->sample_step + insn->run_bytes - insn->skip_right;
    return end - first;
}

/* Streams every row of every step, as the streamer does. */
static void walk_matmul(const struct qm_insn *insn) {
    int64_t cell_bytes = insn->precision == QM_precision_W8A8 ? 1 : 2, per_byte = formats[insn->precision].per_byte;
    int64_t rows = machine.rows * cell_bytes, cols = machine.cols, tile_width = qm_machine_tile(&machine, insn->depthwise);
    uint64_t macs = 0, reads = 0, weight_reads = 0, weight_writes = 0, acc_reads = 0, acc_writes = 0, row_sums = 0;
    for (int64_t first = 0; first < insn->channels; first += tile_width) {
        int64_t n = least(tile_width, insn->channels - first);
        bool is_first = true;
        for (int64_t tap = 0; tap < insn->kernel_h * insn->kernel_w; tap++)
            for (int64_t piece = 0; piece < insn->run_bytes; piece += rows, is_first = false) { /* a chain is one piece */
                int64_t k = insn->depthwise ? n : least(rows, insn->run_bytes - piece);
                for (int64_t row = 0; row < (insn->depthwise ? insn->run_bytes : k); row += cell_bytes) {
                    weight_reads += (uint64_t)((n * formats[insn->precision].cell_bits + 7) / 8);
                    weight_writes += (uint64_t)(n * per_byte);
                }
                if (insn->depthwise) reads += (uint64_t)(insn->out_h * samples_seen(insn) * n);
                for (int64_t m = 0; m < insn->out_h * insn->out_w; m++) {
                    macs += (uint64_t)(insn->depthwise ? n * insn->run_bytes : k * n * per_byte);
                    if (!insn->depthwise) reads += (uint64_t)k;
                    if (insn->weight_zero != 0) row_sums += (uint64_t)(k * per_byte);
                    acc_writes += (uint64_t)cols;
                    if (!is_first || insn->accumulate) acc_reads += (uint64_t)cols;
                }
            }
    }
    for (enum qm_counter counter = QM_C_macs; counter <= QM_C_macs_w4a4; counter++)
        expect(counter, counter == formats[insn->precision].products ? macs : 0);
    expect(QM_C_row_sum_ops, row_sums);
    expect(QM_C_stream_reads, reads);
    expect(QM_C_weight_reads, weight_reads);
    expect(QM_C_weight_writes, weight_writes);
    expect(QM_C_acc_reads, acc_reads);
    expect(QM_C_acc_writes, acc_writes);
}

Test(work, matmul_counts_every_row_of_every_step) {
    for (int i = 0; i < 256; i++) {
        struct qm_insn insn = {.opcode = QM_MATMUL, .kernel_h = 1 + i % 3, .kernel_w = 1 + i % 2, .out_h = 2, .out_w = 1 + i % 5};
        uint32_t rows = 1 + (uint32_t)i % 7, cols = 1 + (uint32_t)i % 6;
        insn.depthwise = i % 4 == 0;
        insn.accumulate = i % 3 == 0;
        if (!insn.depthwise) insn.precision = i / 4 % 7;
        if (!insn.depthwise) insn.weight_zero = i % 3 - 1;
        insn.run_bytes = insn.depthwise ? 1 + i / 4 % least(rows, 8) : 1 + i % 17;
        insn.sample_step = 1 + i / 8 % 3;
        insn.skip_left = i / 4 % insn.run_bytes;
        insn.skip_right = i % (insn.run_bytes - insn.skip_left);
        insn.channels = 1 + i % 11;
        int64_t tile = insn.depthwise ? least(rows, cols) : cols;
        insn.tiles = (insn.channels + tile - 1) / tile;
        count(&insn, rows, cols);
        walk_matmul(&insn);
        expect(QM_C_instructions, 1);
        expect(QM_C_dram_fetch_beats, 4);
    }
}

Test(work, transfers_pay_every_beat_that_a_row_touches) {
    for (int i = 0; i < 64; i++) {
        struct qm_insn insn = {
            .opcode = i % 2 ? QM_LOAD : QM_STORE, .dram_addr = 100 + 37 * i, .row_bytes = 1 + 61 * i, .row_count = 3, .plane_count = 2};
        insn.dram_row_stride = 4001;
        insn.dram_plane_stride = 20003;
        count(&insn, 16, 16);
        uint64_t beats = 0;
        for (int64_t plane = 0; plane < 2; plane++)
            for (int64_t row = 0; row < 3; row++) {
                int64_t begin = insn.dram_addr + plane * 20003 + row * 4001, last = -1;
                for (int64_t byte = begin; byte < begin + insn.row_bytes; byte++) {
                    beats += byte / 16 != last;
                    last = byte / 16;
                }
            }
        expect(i % 2 ? QM_C_dram_read_beats : QM_C_dram_write_beats, beats);
        expect(i % 2 ? QM_C_load_writes : QM_C_store_reads, (uint64_t)(6 * insn.row_bytes));
    }
}

/* Every row of every plane, one after another. */
static uint64_t naive_beats(const struct qm_insn *insn, int64_t width) {
    uint64_t beats = 0;
    for (int64_t plane = 0; plane < insn->plane_count; plane++)
        for (int64_t row = 0; row < insn->row_count; row++) {
            int64_t begin = insn->dram_addr + plane * insn->dram_plane_stride + row * insn->dram_row_stride;
            beats += (uint64_t)((begin + insn->row_bytes + width - 1) / width - begin / width);
        }
    return beats;
}

static int64_t up_to(struct qm_prng *prng, uint64_t most) {
    return (int64_t)(1 + qm_prng_next(prng) % most);
}

Test(work, beats_of_any_transfer_are_those_of_a_walk_over_its_rows) {
    struct qm_prng prng;
    qm_prng_init(&prng, 7);
    for (int i = 0; i < 2000; i++) {
        struct qm_insn insn = {.opcode = QM_LOAD, .dram_addr = up_to(&prng, 1 << 20), .row_bytes = up_to(&prng, i % 3 == 0 ? 3 : 300)};
        insn.row_count = up_to(&prng, i % 5 == 0 ? 400 : 5);
        insn.plane_count = up_to(&prng, i % 7 == 0 ? 200 : 5);
        insn.dram_row_stride = up_to(&prng, i % 2 == 0 ? 70 : UINT32_MAX) - 1;
        insn.dram_plane_stride = up_to(&prng, i % 4 < 2 ? 70 : UINT32_MAX) - 1;
        qm_machine_init(&machine);
        machine.axi_bytes = 4u << i % 5;
        got = (struct qm_counters){0};
        qm_work_add(&insn, &machine, &got);
        expect(QM_C_dram_read_beats, naive_beats(&insn, machine.axi_bytes));
    }
}

Test(work, two_billion_rows_are_counted_at_once, .timeout = 2) {
    struct qm_insn insn = {.opcode = QM_STORE, .dram_addr = 15, .row_bytes = 2, .row_count = 65535, .plane_count = 32767};
    insn.dram_row_stride = 16; /* each row touches two beats */
    count(&insn, 16, 16);
    expect(QM_C_dram_write_beats, 2 * 65535ull * 32767);
}

static uint64_t limit_of(const struct qm_insn *insn, double stalls) {
    uint32_t words[1][QM_INSN_WORDS];
    struct qm_diag diag;
    cr_assert(qm_insn_pack(insn, words[0], &diag) == QM_OK, "%s", diag.text);
    return qm_work_limit((const uint32_t(*)[QM_INSN_WORDS])words, 1, &machine, stalls);
}

/* docs/machine.md, Limits of time: the part of the formula that does not depend on the opcode;
 * 16 bytes a beat, latency 100, queue of 64. */
static uint64_t without_work(uint64_t stall) {
    uint64_t beat = 1 + stall, burst = 2 + 2 * stall + 2;
    return 1000000 + 8 * (16 + 16 + 200 + 100 + 4 * beat + burst);
}

Test(work, the_limit_is_the_formula_of_the_document) {
    const struct {
        struct qm_insn insn;
        uint64_t work; /* without stalls */
    } cases[] = {
        {{.opcode = QM_LOAD, .row_bytes = 3000, .row_count = 5, .plane_count = 2}, 10 * (189 * 2 + 4 * 6)},
        {{.opcode = QM_LOAD, .row_bytes = 64, .row_count = 65535, .plane_count = 32767}, 4096 * (6 * 2 + 2 * 6)},
        {{.opcode = QM_STORE, .row_bytes = 1, .row_count = 65535, .plane_count = 32767}, 262144 * (2 * 2 + 2 * 6)},
        {{.opcode = QM_MATMUL, .kernel_h = 3, .kernel_w = 1, .run_bytes = 40, .out_h = 4, .out_w = 5, .channels = 20, .tiles = 2},
         2 * 20 * 9 + 2 * 120},
        {{.opcode = QM_MATMUL, .kernel_h = 255, .kernel_w = 255, .run_bytes = 65535, .out_h = 65535, .out_w = 65535, .tiles = 65535},
         1024ull * 262144 + 262144},
        {{.opcode = QM_REQUANTIZE, .out_h = 4, .out_w = 5, .tiles = 2, .out_type = QM_out_type_BITS32}, 256 + 18 + 2 * 20 * 4},
        {{.opcode = QM_REQUANTIZE, .out_h = 65535, .out_w = 65535, .tiles = 65535}, 256 + 9 * 1024 + 1024},
        {{.opcode = QM_POOL, .out_h = 4, .out_w = 5, .kernel_h = 2, .kernel_w = 3, .channels = 17, .in_rows = 9, .in_row_bytes = 99},
         20 * 2 * 6},
        {{.opcode = QM_POOL,
          .out_h = 65535,
          .out_w = 65535,
          .kernel_h = 255,
          .kernel_w = 255,
          .channels = 1,
          .in_rows = 2,
          .in_row_bytes = 5},
         262144 * 10},
        {{.opcode = QM_ADD, .length = 33}, 3},
        {{.opcode = QM_ADD, .length = 16777215}, 262144 / 16},
        {{.opcode = QM_COPY, .out_h = 4, .out_w = 5, .kernel_h = 2, .kernel_w = 3, .run_bytes = 17}, 20 * 6 * 2},
        {{.opcode = QM_COPY, .out_h = 65535, .out_w = 65535, .kernel_h = 255, .kernel_w = 255, .run_bytes = 65535}, 262144},
    };
    qm_machine_init(&machine);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t limit = limit_of(&cases[i].insn, 0), want = without_work(1) + 8 * cases[i].work;
        cr_expect(limit == want, "case %zu: %lu, want %lu", i, limit, want);
    }
}

Test(work, stalls_and_a_slow_memory_raise_the_limit) {
    struct qm_insn load = {.opcode = QM_LOAD, .row_bytes = 64, .row_count = 10, .plane_count = 1};
    qm_machine_init(&machine);
    cr_assert(eq(u64, limit_of(&load, 0.95), without_work(20) + 8 * 10 * (6 * 21 + 2 * 44)));
    machine.dram_bytes_per_cycle = 3; /* six cycles for the credit of a beat */
    machine.dram_latency = 1000;
    machine.dram_queue = 1;
    cr_assert(eq(u64, limit_of(&load, 0), 1000000 + 8 * (16 + 16 + 2000 + 100 + 4 * 7 + 1004 + 10 * (6 * 7 + 2 * 1004))));
}

Test(work, no_words_are_too_much_for_the_limit) {
    struct qm_prng prng;
    uint32_t words[64][QM_INSN_WORDS];
    qm_prng_init(&prng, 11);
    for (int round = 0; round < 100; round++) {
        qm_prng_fill(&prng, (uint8_t *)words, sizeof words);
        for (uint32_t i = 0; i < 64; i++) words[i][0] = (words[i][0] & ~0xffu) | (i % 8);
        qm_machine_init(&machine);
        uint64_t limit = qm_work_limit((const uint32_t(*)[QM_INSN_WORDS])words, 64, &machine, 0.95), sum = 0;
        cr_assert(limit > 1000000 && limit < UINT64_MAX / 4);
        for (uint32_t i = 0; i < 64; i++) {
            struct qm_insn insn;
            qm_insn_unpack(words[i], &insn);
            sum |= qm_work_cycles(&insn, &machine);
        }
        cr_assert(sum > 0 && sum <= INT64_MAX);
    }
}

Test(work, repeated_work_counts_in_the_cycles_of_an_instruction) {
    struct qm_insn load = {.opcode = QM_LOAD, .row_bytes = 64, .row_count = 65535, .plane_count = 32767};
    struct qm_insn copy = {.opcode = QM_COPY, .out_h = 65535, .out_w = 65535, .kernel_h = 255, .kernel_w = 255, .run_bytes = 65535};
    struct qm_insn pool = {.opcode = QM_POOL, .out_h = 1000, .out_w = 1000, .kernel_h = 100, .kernel_w = 100, .channels = 1};
    pool.in_rows = pool.in_row_bytes = 1;
    qm_machine_init(&machine);
    cr_assert(ge(u64, qm_work_cycles(&load, &machine), 65535ull * 32767 * 4));
    cr_assert(ge(u64, qm_work_cycles(&pool, &machine), 10000000000ull));
    machine.cols = 1;
    cr_assert(qm_work_cycles(&copy, &machine) == INT64_MAX);
}

Test(work, post_instructions_count_what_they_read_and_write) {
    struct qm_insn requantize = {.opcode = QM_REQUANTIZE, .out_h = 3, .out_w = 5, .channels = 10, .tiles = 3};
    count(&requantize, 4, 4);
    expect(QM_C_acc_reads, 3 * 15 * 4);
    expect(QM_C_post_reads, 3 * 9 * 4);
    expect(QM_C_requantize_ops, 15 * 10);
    expect(QM_C_post_writes, 15 * 10);
    requantize.lookup = QM_lookup_TABLE;
    count(&requantize, 4, 4);
    expect(QM_C_post_reads, 3 * 9 * 4 + 256);
    static const uint64_t pixel_bytes[] = {
        [QM_out_type_BITS8] = 11, [QM_out_type_BITS4] = 6, [QM_out_type_BITS16] = 22, [QM_out_type_BITS32] = 44};
    for (int64_t out_type = QM_out_type_BITS8; out_type <= QM_out_type_BITS32; out_type++) {
        struct qm_insn typed = {.opcode = QM_REQUANTIZE, .out_h = 3, .out_w = 5, .channels = 11, .tiles = 3, .out_type = out_type};
        count(&typed, 4, 4);
        expect(QM_C_post_writes, 15 * pixel_bytes[out_type]);
        expect(QM_C_requantize_ops, 15 * 11);
    }
    struct qm_insn pool = {.opcode = QM_POOL, .out_h = 3, .out_w = 5, .kernel_h = 2, .kernel_w = 3, .channels = 10};
    count(&pool, 4, 4);
    expect(QM_C_post_reads, 15 * 6 * 10);
    expect(QM_C_pool_ops, 15 * 6 * 10);
    expect(QM_C_requantize_ops, 15 * 10);
    pool.out_type = QM_out_type_BITS4;
    count(&pool, 4, 4);
    expect(QM_C_post_writes, 15 * 5);
    struct qm_insn add = {.opcode = QM_ADD, .length = 77};
    count(&add, 4, 4);
    expect(QM_C_post_reads, 2 * 77);
    expect(QM_C_scale_ops, 2 * 77);
    expect(QM_C_post_writes, 77);
    add.binary = QM_binary_PRODUCT;
    count(&add, 4, 4);
    expect(QM_C_post_reads, 2 * 77);
    expect(QM_C_scale_ops, 77);
    struct qm_insn copy = {.opcode = QM_COPY, .out_h = 3, .out_w = 5, .kernel_h = 2, .kernel_w = 3, .run_bytes = 7};
    count(&copy, 4, 4);
    expect(QM_C_post_reads, 15 * 6 * 7);
    expect(QM_C_post_writes, 15 * 6 * 7);
}
