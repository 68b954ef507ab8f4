/* Event counts of an instruction against walks of docs/machine.md that count one thing after another. */
#include "common/work.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

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

/* Streams every row of every step, as the streamer does. */
static void walk_matmul(const struct qm_insn *insn) {
    int64_t cell_bytes = insn->precision == QM_precision_W8A8 ? 1 : 2, per_byte = formats[insn->precision].per_byte;
    int64_t rows = machine.rows * cell_bytes, cols = machine.cols, tile_width = qm_machine_tile(&machine, insn->depthwise);
    uint64_t macs = 0, reads = 0, weight_reads = 0, weight_writes = 0, acc_reads = 0, acc_writes = 0, row_sums = 0;
    for (int64_t first = 0; first < insn->channels; first += tile_width) {
        int64_t n = least(tile_width, insn->channels - first);
        bool is_first = true;
        for (int64_t tap = 0; tap < insn->kernel_h * insn->kernel_w; tap++)
            for (int64_t piece = 0; piece < insn->run_bytes; piece += rows, is_first = false) {
                int64_t k = insn->depthwise ? n : least(rows, insn->run_bytes - piece);
                for (int64_t row = 0; row < (insn->depthwise ? 1 : k); row += cell_bytes) {
                    weight_reads += (uint64_t)((n * formats[insn->precision].cell_bits + 7) / 8);
                    weight_writes += (uint64_t)(n * per_byte);
                }
                for (int64_t m = 0; m < insn->out_h * insn->out_w; m++) {
                    macs += (uint64_t)(insn->depthwise ? n : k * n * per_byte);
                    reads += (uint64_t)k;
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
        insn.run_bytes = insn.depthwise ? 1 : 1 + i % 17;
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
