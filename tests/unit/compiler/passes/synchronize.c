/* synchronize.c - tokens against hazards found byte by byte, and the exact tokens of small chains. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "compiler/compiler.h"

TestSuite(synchronize);

enum { LOAD_BIT = 1 << QM_UNIT_LOAD, MATMUL_BIT = 1 << QM_UNIT_MATMUL, POST_BIT = 1 << QM_UNIT_POST, STORE_BIT = 1 << QM_UNIT_STORE };

static struct qm_machine small_machine(void) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = machine.cols = 4;
    return machine;
}

static struct qm_insn transfer(int64_t opcode, int64_t dram, int64_t scratchpad, int64_t bytes) {
    return (struct qm_insn){
        .opcode = opcode, .dram_addr = dram, .spad_addr = scratchpad, .row_bytes = bytes, .row_count = 1, .plane_count = 1};
}

/* One position of `channels` output channels from `bytes` inputs. */
static struct qm_insn matmul(int64_t in, int64_t bytes, int64_t weights, int64_t accumulator) {
    return (struct qm_insn){.opcode = QM_MATMUL,
                            .in_addr = in,
                            .in_rows = 1,
                            .in_row_bytes = bytes,
                            .in_pitch = bytes,
                            .kernel_h = 1,
                            .kernel_w = 1,
                            .run_bytes = bytes,
                            .out_h = 1,
                            .out_w = 1,
                            .channels = 4,
                            .tiles = 1,
                            .weight_addr = weights,
                            .acc_addr = accumulator};
}

static struct qm_insn requantize(int64_t accumulator, int64_t params, int64_t out) {
    return (struct qm_insn){.opcode = QM_REQUANTIZE,
                            .acc_addr = accumulator,
                            .param_addr = params,
                            .out_addr = out,
                            .out_h = 1,
                            .out_w = 1,
                            .channels = 4,
                            .tiles = 1};
}

static struct qm_insn add(int64_t a, int64_t b, int64_t out, int64_t length) {
    return (struct qm_insn){.opcode = QM_ADD, .in_addr = a, .b_addr = b, .out_addr = out, .length = length};
}

static void expect(const struct qm_insn *insn, int wait, int signal) {
    cr_assert(eq(i64, insn->wait, wait));
    cr_assert(eq(i64, insn->signal, signal));
}

Test(synchronize, orders_a_chain_by_one_token_a_link) {
    struct qm_machine machine = small_machine();
    struct qm_insn chain[] = {transfer(QM_LOAD, 0, 0, 100), matmul(0, 8, 16, 0), requantize(0, 60, 200), transfer(QM_STORE, 500, 200, 4)};
    qm_synchronize(chain, 4, &machine);
    expect(&chain[0], 0, MATMUL_BIT); /* post knows of the load through matmul */
    expect(&chain[1], LOAD_BIT, POST_BIT);
    expect(&chain[2], MATMUL_BIT, STORE_BIT);
    expect(&chain[3], POST_BIT, 0);
}

Test(synchronize, leaves_what_does_not_touch_alone) {
    struct qm_machine machine = small_machine();
    struct qm_insn apart[] = {transfer(QM_LOAD, 0, 0, 100), add(100, 110, 120, 10), transfer(QM_STORE, 500, 130, 10)};
    qm_synchronize(apart, 3, &machine);
    for (int i = 0; i < 3; i++) expect(&apart[i], 0, 0);
}

Test(synchronize, lets_readers_read_together) {
    struct qm_machine machine = small_machine();
    struct qm_insn readers[] = {matmul(0, 8, 16, 0), add(0, 4, 100, 4), transfer(QM_STORE, 0, 0, 8)};
    qm_synchronize(readers, 3, &machine);
    for (int i = 0; i < 3; i++) expect(&readers[i], 0, 0);
}

Test(synchronize, keeps_a_writer_behind_the_readers) {
    struct qm_machine machine = small_machine();
    struct qm_insn reuse[] = {matmul(0, 8, 16, 0), transfer(QM_LOAD, 0, 16, 32)};
    qm_synchronize(reuse, 2, &machine);
    expect(&reuse[0], 0, LOAD_BIT);
    expect(&reuse[1], MATMUL_BIT, 0);
}

Test(synchronize, sees_hazards_through_the_arena) {
    struct qm_machine machine = small_machine();
    struct qm_insn through[] = {transfer(QM_STORE, 64, 0, 16), transfer(QM_LOAD, 79, 100, 1), transfer(QM_LOAD, 80, 200, 1)};
    qm_synchronize(through, 3, &machine);
    expect(&through[0], 0, LOAD_BIT);
    expect(&through[1], STORE_BIT, 0);
    expect(&through[2], 0, 0);
}

Test(synchronize, sees_hazards_through_the_accumulator) {
    struct qm_machine machine = small_machine();
    struct qm_insn sums[] = {matmul(0, 8, 16, 0), requantize(0, 60, 200), matmul(0, 8, 16, 1), matmul(0, 8, 16, 0)};
    qm_synchronize(sums, 4, &machine);
    expect(&sums[0], 0, POST_BIT);
    expect(&sums[1], MATMUL_BIT, MATMUL_BIT);
    expect(&sums[2], 0, 0);
    expect(&sums[3], POST_BIT, 0);
}

Test(synchronize, drops_old_tokens_before_new_ones) {
    struct qm_machine machine = small_machine();
    struct qm_insn again[] = {transfer(QM_LOAD, 0, 0, 8), transfer(QM_LOAD, 0, 8, 8)};
    again[0].wait = again[1].signal = STORE_BIT;
    qm_synchronize(again, 2, &machine);
    expect(&again[0], 0, 0);
    expect(&again[1], 0, 0);
}

/* ---- random programs ---- */

enum { BYTES = 512, ACCUMULATORS = 16, ARENA_BYTES = 512, COUNT = 60, SPACES = 3 };

/* 1: read, 2: written, byte by byte. */
struct footprint {
    uint8_t touched[SPACES][BYTES];
};

static void touch(uint8_t *bytes, int64_t at, int64_t count, uint8_t how) {
    for (int64_t i = 0; i < count; i++) bytes[at + i] |= how;
}

static void touch_window(uint8_t *bytes, const struct qm_insn *insn, int64_t run) {
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++)
            for (int64_t ky = 0; ky < insn->kernel_h; ky++)
                for (int64_t kx = 0; kx < insn->kernel_w; kx++)
                    for (int64_t j = 0; j < run; j++) {
                        int64_t y = insn->y_start + oy * insn->y_stride + ky * insn->y_dilation;
                        int64_t x = insn->x_start + ox * insn->x_stride + kx * insn->x_dilation + j;
                        if (y >= 0 && y < insn->in_rows && x >= 0 && x < insn->in_row_bytes)
                            touch(bytes, insn->in_addr + y * insn->in_pitch + x, 1, 1);
                    }
}

/* Samples of a chain: a column each, one byte a channel. */
static void touch_samples(uint8_t *bytes, const struct qm_insn *insn) {
    struct qm_insn samples = *insn;
    samples.out_w = (insn->out_w - 1) * insn->sample_step + insn->run_bytes - insn->skip_left - insn->skip_right;
    touch_window(bytes, &samples, insn->channels);
}

static void touch_all(struct footprint *f, const struct qm_insn *insn, const struct qm_machine *machine) {
    uint8_t *scratchpad = f->touched[0], *accumulator = f->touched[1], *arena = f->touched[2];
    bool load = insn->opcode == QM_LOAD, transfers = load || insn->opcode == QM_STORE;
    for (int64_t row = 0; transfers && row < insn->row_count; row++) {
        touch(scratchpad, insn->spad_addr + row * insn->spad_row_stride, insn->row_bytes, load ? 2 : 1);
        touch(arena, insn->dram_addr + row * insn->dram_row_stride, insn->row_bytes, load ? 1 : 2);
    }
    if (transfers) return;
    if (insn->opcode == QM_ADD) {
        touch(scratchpad, insn->in_addr, insn->length, 1);
        touch(scratchpad, insn->b_addr, insn->length, 1);
        touch(scratchpad, insn->out_addr, insn->length, 2);
        return;
    }
    int64_t rows = insn->tiles * insn->out_h * insn->out_w;
    if (insn->opcode == QM_MATMUL) {
        if (insn->depthwise)
            touch_samples(scratchpad, insn);
        else
            touch_window(scratchpad, insn, insn->run_bytes);
        touch(scratchpad, insn->weight_addr, insn->kernel_h * insn->kernel_w * insn->run_bytes * insn->channels, 1);
        touch(accumulator, insn->acc_addr, rows, 2);
        return;
    }
    if (insn->opcode == QM_POOL) touch_window(scratchpad, insn, insn->channels);
    if (insn->opcode == QM_REQUANTIZE) {
        touch(accumulator, insn->acc_addr, rows, 1);
        touch(scratchpad, insn->param_addr, insn->tiles * 9 * (int64_t)machine->cols, 1);
    }
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++)
            touch(scratchpad, insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel, insn->channels, 2);
}

static bool clash(const struct footprint *a, const struct footprint *b) {
    for (int space = 0; space < SPACES; space++)
        for (int i = 0; i < BYTES; i++) {
            uint8_t x = a->touched[space][i], y = b->touched[space][i];
            if (x != 0 && y != 0 && ((x | y) & 2) != 0) return true;
        }
    return false;
}

static int64_t draw(struct qm_prng *prng, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(prng) % (uint64_t)(high - low + 1));
}

static struct qm_insn random_insn(struct qm_prng *prng) {
    static const int64_t opcodes[] = {QM_LOAD, QM_STORE, QM_MATMUL, QM_REQUANTIZE, QM_POOL, QM_ADD};
    struct qm_insn insn = {.opcode = opcodes[draw(prng, 0, 5)]};
    insn.dram_addr = draw(prng, 0, 300);
    insn.spad_addr = draw(prng, 0, 300);
    insn.row_bytes = draw(prng, 1, 12);
    insn.row_count = draw(prng, 1, 4);
    insn.plane_count = 1;
    insn.dram_row_stride = draw(prng, 0, 24);
    insn.spad_row_stride = draw(prng, 0, 24);
    insn.in_addr = draw(prng, 0, 200);
    insn.b_addr = draw(prng, 0, 400);
    insn.out_addr = draw(prng, 0, 300);
    insn.weight_addr = draw(prng, 0, 300);
    insn.param_addr = draw(prng, 0, 300);
    insn.length = draw(prng, 1, 40);
    insn.in_rows = draw(prng, 1, 4);
    insn.in_pitch = 8 * draw(prng, 1, 4);
    insn.in_row_bytes = draw(prng, 1, insn.in_pitch);
    insn.depthwise = insn.opcode == QM_MATMUL ? draw(prng, 0, 1) : 0;
    insn.channels = draw(prng, 1, 4);
    insn.tiles = 1;
    insn.kernel_h = draw(prng, 1, 2);
    insn.kernel_w = draw(prng, 1, 2);
    insn.run_bytes = insn.depthwise ? draw(prng, 1, 3) : draw(prng, 1, 8);
    insn.sample_step = draw(prng, 1, 2);
    insn.skip_left = draw(prng, 0, insn.run_bytes - 1);
    insn.skip_right = draw(prng, 0, insn.run_bytes - 1 - insn.skip_left);
    insn.y_start = draw(prng, -2, 2);
    insn.x_start = draw(prng, -8, 8);
    insn.y_stride = draw(prng, 0, 2);
    insn.x_stride = 4 * draw(prng, 0, 3);
    insn.y_dilation = draw(prng, 0, 2);
    insn.x_dilation = 4 * draw(prng, 0, 2);
    insn.out_h = draw(prng, 1, 3);
    insn.out_w = draw(prng, 1, 2);
    insn.out_pixel = 4 * draw(prng, 1, 3);
    insn.out_pitch = 8 * draw(prng, 1, 4);
    insn.acc_addr = draw(prng, 0, 8);
    return insn;
}

/* before[j][i]: i has ended when j starts. A unit ends its instructions in order; the k-th wait of a pair takes the k-th signal. */
static void find_order(const struct qm_insn *insns, bool before[COUNT][COUNT]) {
    for (int j = 0; j < COUNT; j++) {
        enum qm_unit own = qm_opcode_unit(insns[j].opcode);
        int previous = -1;
        for (int i = 0; i < j; i++)
            if (qm_opcode_unit(insns[i].opcode) == own) previous = i;
        for (int i = 0; previous >= 0 && i < COUNT; i++) before[j][i] = before[previous][i];
        for (int u = 0; u < QM_UNITS; u++) {
            if ((insns[j].wait >> u & 1) == 0) continue;
            int waits = 0, signaller = -1;
            for (int i = 0; i <= j; i++) waits += qm_opcode_unit(insns[i].opcode) == own && (insns[i].wait >> u & 1) != 0;
            for (int i = 0, signals = 0; i < j && signals < waits; i++)
                if ((int)qm_opcode_unit(insns[i].opcode) == u && (insns[i].signal >> own & 1) != 0) {
                    signals++;
                    signaller = signals == waits ? i : -1;
                }
            cr_assert(signaller >= 0, "instruction %d waits for a signal that comes later or never: deadlock", j);
            for (int i = 0; i < COUNT; i++) before[j][i] |= before[signaller][i];
            for (int i = 0; i <= signaller; i++) before[j][i] |= (int)qm_opcode_unit(insns[i].opcode) == u;
        }
    }
}

Test(synchronize, orders_every_hazard_of_random_programs) {
    struct qm_machine machine = small_machine();
    static struct footprint footprints[COUNT];
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct qm_prng prng;
        struct qm_insn insns[COUNT];
        static bool before[COUNT][COUNT];
        memset(before, 0, sizeof before);
        memset(footprints, 0, sizeof footprints);
        qm_prng_init(&prng, seed);
        for (int i = 0; i < COUNT; i++) insns[i] = random_insn(&prng);
        for (int i = 0; i < COUNT; i++) touch_all(&footprints[i], &insns[i], &machine);
        qm_synchronize(insns, COUNT, &machine);
        find_order(insns, before);
        for (int j = 0; j < COUNT; j++)
            for (int i = 0; i < j; i++) {
                if (qm_opcode_unit(insns[i].opcode) == qm_opcode_unit(insns[j].opcode) || before[j][i]) continue;
                cr_assert(clash(&footprints[i], &footprints[j]) == false, "seed %d: %d does not wait for %d", (int)seed, j, i);
            }
    }
}

/* Two blocks of 4 channels of the same map of 8 channels: bytes alternate and never meet. */
Test(synchronize, tells_interleaved_channels_apart) {
    struct qm_machine machine = small_machine();
    struct qm_insn pair[] = {requantize(0, 400, 0), matmul(4, 4, 300, 8)};
    pair[0].out_w = 8;
    pair[0].out_pixel = 8;
    pair[1].in_row_bytes = pair[1].in_pitch = 60;
    pair[1].out_w = 7;
    pair[1].x_stride = 8;
    qm_synchronize(pair, 2, &machine);
    expect(&pair[1], 0, 0);
    pair[1].in_addr = 3;
    qm_synchronize(pair, 2, &machine);
    expect(&pair[1], POST_BIT, 0);
}
