/* malformed.c - model and RTL as a pair on malformed programs: every bit of an instruction of every opcode flipped, one at a time; tokens
 * that nobody gives, that wait in a circle, or that an earlier program has left behind.
 * Both must end alike, and run the next program right.
 *
 * A flip may also make a good instruction, and a long one: what does not end in LIMIT cycles is reset. It may write over its own operands,
 * and then values are not defined; so each program begins with the same memories, and the values that are compared are those on the bus.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stddef.h>
#include <string.h>

#include "sim/lockstep/lockstep.h"

TestSuite(malformed);

enum {
    BASE = 0x10000,
    ARENA = 1 << 15,
    CODE = 0x4000,
    DATA = 0x1000,
    RESULT = 0x2000,
    BYTES = 24,
    LIMIT = 600,
    SCRATCHPAD = 4096,
    ACCUMULATOR_ROWS = 64
};

static struct qm_device *create_pair(void) {
    struct qm_machine machine;
    struct qm_device_options options = {.memory_base = BASE, .memory_bytes = ARENA};
    struct qm_device *pair;
    struct qm_diag diag;
    qm_machine_init(&machine);
    machine.rows = machine.cols = 4;
    machine.scratchpad_bytes = SCRATCHPAD;
    machine.accumulator_rows = ACCUMULATOR_ROWS;
    machine.axi_bytes = machine.dram_bytes_per_cycle = 8;
    machine.queue_depth = 4;
    machine.dram_latency = 10;
    cr_assert(qm_lockstep_create(&qm_device_cycle, &qm_device_rtl, &machine, &options, &pair, &diag) == QM_OK, "%s", diag.text);
    return pair;
}

static void destroy_pair(struct qm_device *pair) {
    const char *difference = qm_lockstep_difference(pair);
    cr_assert(difference == NULL, "%s", difference);
    pair->ops->destroy(pair);
}

static void pack(const struct qm_insn *insn, uint32_t *words) {
    struct qm_diag diag;
    cr_assert(qm_insn_pack(insn, words, &diag) == QM_OK, "%s", diag.text);
}

/* Runs the words; what does not end is reset. Returns whether it ended. */
static bool run_words(struct qm_device *pair, uint32_t (*words)[QM_INSN_WORDS], uint32_t count) {
    static const uint8_t scratchpad[SCRATCHPAD];
    static const int32_t accumulator[ACCUMULATOR_ROWS * 4];
    pair->ops->write_internal(pair, scratchpad, accumulator);
    pair->ops->write_memory(pair, BASE + CODE, words, count * sizeof *words);
    pair->ops->write_csr(pair, QM_CSR_PROGRAM_ADDR, CODE);
    pair->ops->write_csr(pair, QM_CSR_PROGRAM_COUNT, count);
    pair->ops->write_csr(pair, QM_CSR_MEMORY_BASE, BASE);
    pair->ops->write_csr(pair, QM_CSR_MEMORY_SIZE, ARENA);
    pair->ops->write_csr(pair, QM_CSR_CONTROL, QM_CONTROL_START);
    bool ended = pair->ops->wait(pair, LIMIT);
    if (!ended) pair->ops->reset(pair);
    return ended;
}

static void run(struct qm_device *pair, const struct qm_insn *insns, uint32_t count) {
    uint32_t words[4][QM_INSN_WORDS];
    for (uint32_t i = 0; i < count; i++) pack(&insns[i], words[i]);
    cr_assert(run_words(pair, words, count));
}

static void expect_error(struct qm_device *pair, enum qm_error cause, uint32_t index) {
    cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_STATUS), QM_STATUS_ERROR));
    cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_ERROR_CAUSE), cause));
    cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_ERROR_INDEX), index));
}

#define TRANSFER .row_bytes = BYTES, .row_count = 1, .plane_count = 1

/* LOAD, STORE: the program that must always run. */
static void expect_next_runs(struct qm_device *pair, uint8_t first) {
    const struct qm_insn insns[] = {
        {.opcode = QM_LOAD, .signal = 1 << QM_UNIT_STORE, .dram_addr = DATA, TRANSFER},
        {.opcode = QM_STORE, .wait = 1 << QM_UNIT_LOAD, .dram_addr = RESULT, TRANSFER},
    };
    uint8_t bytes[BYTES], got[BYTES];
    for (int i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(first + i * 3);
    pair->ops->write_memory(pair, BASE + DATA, bytes, BYTES);
    run(pair, insns, 2);
    cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_STATUS), QM_STATUS_DONE), "%s", qm_lockstep_difference(pair));
    pair->ops->read_memory(pair, BASE + RESULT, got, BYTES);
    cr_assert(memcmp(got, bytes, BYTES) == 0);
}

#define WINDOW .in_pitch = 16, .in_row_bytes = 16, .in_rows = 3, .out_w = 2, .out_h = 2, .x_stride = 4, .y_stride = 1
#define KERNEL .kernel_h = 2, .kernel_w = 2, .y_dilation = 1, .x_dilation = 4
#define OUTPUT .out_addr = 1024, .out_pitch = 16, .out_pixel = 8

/* One good instruction of each opcode, with something in most fields. */
static const struct qm_insn good[] = {
    {.opcode = QM_LOAD, .dram_addr = DATA, .spad_addr = 5, .row_bytes = 9, .row_count = 2, .plane_count = 2, .dram_row_stride = 20},
    {.opcode = QM_STORE, .dram_addr = RESULT, .spad_addr = 3, .row_bytes = 9, .row_count = 2, .plane_count = 2, .spad_row_stride = 10},
    {.opcode = QM_MATMUL, WINDOW, KERNEL, .run_bytes = 4, .weight_addr = 64, .acc_addr = 2, .channels = 6, .tiles = 2},
    {.opcode = QM_REQUANTIZE,
     .out_w = 2,
     .out_h = 2,
     .param_addr = 256,
     .channels = 6,
     .tiles = 2,
     OUTPUT,
     .clamp_min = -128,
     .clamp_max = 127},
    {.opcode = QM_POOL, WINDOW, KERNEL, .run_bytes = 1, .channels = 4, OUTPUT, .clamp_max = 127, .out_multiplier = 1 << 30, .out_shift = 1},
    {.opcode = QM_ADD, .in_addr = 64, .b_addr = 128, .length = 10, .out_addr = 1024, .pre_shift = 20, .clamp_max = 127},
    {.opcode = QM_COPY, WINDOW, KERNEL, .run_bytes = 4, .out_addr = 1024, .out_pitch = 64, .out_pixel = 16},
};

static bool is_in_a_field(int64_t opcode, unsigned bit) {
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        unsigned first = field->word * 32u + field->lsb;
        if ((field->opcodes >> opcode & 1) != 0 && bit >= first && bit < first + field->width) return true;
    }
    return false;
}

Test(malformed, each_bit_of_each_opcode_flipped_ends_alike_in_model_and_rtl) {
    struct qm_device *pair = create_pair();
    const struct qm_insn load = {.opcode = QM_LOAD, .dram_addr = DATA, .spad_addr = 3900, TRANSFER}; /* out of the way of the others */
    unsigned causes[QM_ERROR_DEADLOCK + 1] = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (unsigned bit = 0; bit < 512; bit++) {
            uint32_t words[3][QM_INSN_WORDS];
            pack(&load, words[0]);
            pack(&good[i], words[1]);
            pack(&load, words[2]);
            words[1][bit / 32] ^= 1u << bit % 32;
            bool ended = run_words(pair, words, 3);
            cr_assert(qm_lockstep_difference(pair) == NULL, "opcode %zu, bit %u: %s", i + 1, bit, qm_lockstep_difference(pair));
            if (ended) causes[pair->ops->read_csr(pair, QM_CSR_ERROR_CAUSE)]++;
            if (bit >= 8 && !is_in_a_field(good[i].opcode, bit)) expect_error(pair, QM_ERROR_ILLEGAL, 1);
            if (bit % 8 == 0) expect_next_runs(pair, (uint8_t)bit);
        }
    for (uint32_t cause = 0; cause <= QM_ERROR_DEADLOCK; cause++)
        cr_assert(causes[cause] > 0 || cause == QM_ERROR_BUS, "no flip leads to %s", qm_error_name(cause));
    destroy_pair(pair);
}

Test(malformed, words_that_are_all_the_same_are_illegal) {
    static const uint8_t fills[] = {0x00, 0xff, 0x55, 0xaa, 0x01, 0x07, 0x08, 0x80};
    struct qm_device *pair = create_pair();
    for (size_t i = 0; i < sizeof fills; i++) {
        uint32_t words[1][QM_INSN_WORDS];
        memset(words, fills[i], sizeof words);
        cr_assert(run_words(pair, words, 1));
        expect_error(pair, QM_ERROR_ILLEGAL, 0);
        expect_next_runs(pair, (uint8_t)i);
    }
    destroy_pair(pair);
}

Test(malformed, a_circle_of_tokens_is_a_deadlock) {
    const struct qm_insn circle[] = {
        {.opcode = QM_LOAD, .wait = 1 << QM_UNIT_STORE, .signal = 1 << QM_UNIT_STORE, .dram_addr = DATA, TRANSFER},
        {.opcode = QM_STORE, .wait = 1 << QM_UNIT_LOAD, .signal = 1 << QM_UNIT_LOAD, .dram_addr = RESULT, TRANSFER},
    };
    struct qm_device *pair = create_pair();
    run(pair, circle, 2);
    expect_error(pair, QM_ERROR_DEADLOCK, 2);
    expect_next_runs(pair, 1);
    destroy_pair(pair);
}

/* More instructions for one unit than its queue and the FIFO hold, behind one that waits for ever. */
Test(malformed, a_deadlock_behind_full_queues_is_found) {
    struct qm_device *pair = create_pair();
    const struct qm_insn waits = {.opcode = QM_LOAD, .wait = 1 << QM_UNIT_POST, .dram_addr = DATA, TRANSFER};
    static uint32_t words[20][QM_INSN_WORDS];
    for (int i = 0; i < 20; i++) pack(&waits, words[i]);
    cr_assert(run_words(pair, words, 20));
    expect_error(pair, QM_ERROR_DEADLOCK, 4); /* the queue's depth */
    expect_next_runs(pair, 2);
    destroy_pair(pair);
}

Test(malformed, tokens_of_an_earlier_program_are_gone) {
    const struct qm_insn gives = {.opcode = QM_LOAD, .signal = 1 << QM_UNIT_STORE, .dram_addr = DATA, TRANSFER};
    const struct qm_insn takes = {.opcode = QM_STORE, .wait = 1 << QM_UNIT_LOAD, .dram_addr = RESULT, TRANSFER};
    struct qm_device *pair = create_pair();
    run(pair, &gives, 1);
    cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_STATUS), QM_STATUS_DONE));
    run(pair, &takes, 1);
    expect_error(pair, QM_ERROR_DEADLOCK, 1);
    /* nor is there anything left of what waited in the queue */
    run(pair, &gives, 1);
    cr_assert(eq(u64, qm_device_counter(pair, QM_C_dram_write_beats), 0));
    cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_STATUS), QM_STATUS_DONE));
    expect_next_runs(pair, 3);
    destroy_pair(pair);
}

/* Where the operands of the good instructions end, by docs/machine.md, Decode: size is the operand's bytes, or rows of the accumulator. */
static const struct {
    int insn;      /* of good */
    int64_t kind;  /* precision of the MATMUL, out_type of the REQUANTIZE */
    size_t offset; /* of the field in struct qm_insn */
    int64_t size, limit;
    enum qm_error error;
} ends[] = {
#define END(insn, field, ...)                                                                                                              \
    { insn, 0, offsetof(struct qm_insn, field), __VA_ARGS__ }
#define OUT_END(type, size)                                                                                                                \
    { 3, QM_out_type_##type, offsetof(struct qm_insn, out_addr), size, SCRATCHPAD, QM_ERROR_SCRATCHPAD }
#define WEIGHT_END(precision, size)                                                                                                        \
    { 2, QM_precision_##precision, offsetof(struct qm_insn, weight_addr), size, SCRATCHPAD, QM_ERROR_SCRATCHPAD }
    END(0, dram_addr, 29, ARENA, QM_ERROR_MEMORY),
    END(0, spad_addr, 9, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(1, dram_addr, 9, ARENA, QM_ERROR_MEMORY),
    END(1, spad_addr, 19, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(2, in_addr, 48, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(2, acc_addr, 8, ACCUMULATOR_ROWS, QM_ERROR_ACCUMULATOR),
    WEIGHT_END(W8A8, 4 * 4 * (4 + 2)),
    WEIGHT_END(W4A8, 4 * 2 * (4 + 2)),
    WEIGHT_END(W2A8, 4 * 2 * (2 + 1)),
    WEIGHT_END(W1A8, 4 * 2 * (1 + 1)),
    WEIGHT_END(W4A4, 4 * 2 * (8 + 4)),
    WEIGHT_END(W2A4, 4 * 2 * (4 + 2)),
    WEIGHT_END(W1A4, 4 * 2 * (2 + 1)),
    END(3, param_addr, 2 * 9 * 4, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(3, acc_addr, 8, ACCUMULATOR_ROWS, QM_ERROR_ACCUMULATOR),
    OUT_END(BITS8, 16 + 8 + 6),
    OUT_END(BITS4, 16 + 8 + 3),
    OUT_END(BITS16, 16 + 8 + 12),
    OUT_END(BITS32, 16 + 8 + 24),
    END(4, in_addr, 48, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(4, out_addr, 16 + 8 + 4, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(5, in_addr, 10, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(5, b_addr, 10, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(5, out_addr, 10, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(6, in_addr, 48, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
    END(6, out_addr, 64 + 16 + 16, SCRATCHPAD, QM_ERROR_SCRATCHPAD),
};

Test(malformed, an_operand_may_end_with_its_memory_and_not_behind) {
    struct qm_device *pair = create_pair();
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        for (int behind = 0; behind < 2; behind++) {
            struct qm_insn insn = good[ends[i].insn];
            uint32_t words[1][QM_INSN_WORDS];
            int64_t address = ends[i].limit - ends[i].size + behind;
            if (insn.opcode == QM_MATMUL) insn.precision = ends[i].kind;
            if (insn.opcode == QM_REQUANTIZE) insn.out_type = ends[i].kind;
            memcpy((char *)&insn + ends[i].offset, &address, sizeof address);
            pack(&insn, words[0]);
            cr_assert(run_words(pair, words, 1), "end %zu", i);
            enum qm_error want = behind ? ends[i].error : QM_ERROR_NONE;
            cr_assert(eq(u32, pair->ops->read_csr(pair, QM_CSR_ERROR_CAUSE), want), "end %zu", i);
        }
    destroy_pair(pair);
}

/* MATMUL writes no output, so that channels of which a row would not fit the scratchpad are no fault of the scratchpad. */
Test(malformed, channels_beyond_the_scratchpad_are_refused_by_the_accumulator) {
    struct qm_device *pair = create_pair();
    struct qm_insn matmul = {.opcode = QM_MATMUL, .precision = QM_precision_W1A8, .channels = 5000, .tiles = 1250};
    matmul.out_w = matmul.out_h = matmul.kernel_w = matmul.kernel_h = matmul.run_bytes = matmul.in_rows = matmul.in_row_bytes = 1;
    cr_assert(gt(i64, matmul.channels, SCRATCHPAD));
    run(pair, &matmul, 1);
    expect_error(pair, QM_ERROR_ACCUMULATOR, 0);
    destroy_pair(pair);
}
