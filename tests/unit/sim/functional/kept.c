/* kept.c - packed weights that are kept from one MATMUL to the next: sequences of MATMULs with the same few weights, between which every
 * kind of instruction writes to the scratchpad, against the plain routines, which keep nothing.
 */
#include "sim/functional/fast/kept.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/prng.h"
#include "sim/functional/fast/matmul.h"
#include "tests/unit/sim/functional/emulated_vnni.h"

TestSuite(kept);

enum { ARENA = 4096, MAPS = 8192, WEIGHTS = 16384, WEIGHT_BYTES = 16384 };

/* The same instructions go through the plain routines and through the fast ones. */
struct pair {
    struct qm_machine machine;
    struct qm_prng prng;
    struct qm_functional_memory plain, fast;
    uint8_t arena[ARENA];
    const struct kernel *kernel; /* of the fast MATMULs */
};

static int64_t draw(struct pair *pair, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(&pair->prng) % (uint64_t)(high - low + 1));
}

static void pair_init(struct pair *pair, uint64_t seed) {
    qm_prng_init(&pair->prng, seed);
    qm_machine_init(&pair->machine);
    pair->machine.scratchpad_bytes = 65536;
    pair->machine.accumulator_rows = 2048;
    qm_functional_init(&pair->plain, &pair->machine);
    qm_functional_init(&pair->fast, &pair->machine);
    qm_prng_fill(&pair->prng, pair->plain.scratchpad, pair->machine.scratchpad_bytes);
    qm_prng_fill(&pair->prng, pair->arena, ARENA);
    qm_functional_write(&pair->fast, pair->plain.scratchpad, NULL);
    pair->plain.arena = pair->fast.arena = pair->arena;
    pair->fast.kept = kept_create();
    pair->kernel = kernel_best();
}

static void pair_fini(struct pair *pair) {
    kept_destroy(pair->fast.kept);
    qm_functional_fini(&pair->fast);
    qm_functional_fini(&pair->plain);
}

/* ---- MATMULs: a few, so that one often has the weights of the one before ---- */

static const struct qm_insn matmuls[] = {
    /* one tap */
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 100, .channels = 40, .weight_addr = WEIGHTS},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 100, .channels = 40, .weight_addr = WEIGHTS + 1},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 101, .channels = 40, .weight_addr = WEIGHTS},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 100, .channels = 39, .weight_addr = WEIGHTS},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 100, .channels = 40, .weight_addr = WEIGHTS, .in_unsigned = 1},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 100, .channels = 40, .weight_addr = WEIGHTS, .weight_zero = 3},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 100, .channels = 40, .weight_addr = WEIGHTS, .precision = QM_precision_W4A8},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 50, .channels = 40, .weight_addr = WEIGHTS, .precision = QM_precision_W4A4},
    /* more than a chunk, and more jobs than are kept */
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 1200, .channels = 10, .weight_addr = WEIGHTS},
    {.kernel_h = 1, .kernel_w = 1, .run_bytes = 16, .channels = 600, .weight_addr = WEIGHTS},
    /* pairs of outputs, and the same weights in another order of work */
    {.kernel_h = 3, .kernel_w = 3, .run_bytes = 16, .channels = 70, .weight_addr = WEIGHTS, .x_dilation = 16},
    {.kernel_h = 3, .kernel_w = 3, .run_bytes = 16, .channels = 70, .weight_addr = WEIGHTS, .x_dilation = 15},
    {.kernel_h = 1, .kernel_w = 9, .run_bytes = 16, .channels = 70, .weight_addr = WEIGHTS, .x_dilation = 16},
    {.kernel_h = 1, .kernel_w = 4, .run_bytes = 16, .channels = 70, .weight_addr = WEIGHTS, .x_dilation = 16},
    {.kernel_h = 2, .kernel_w = 4, .run_bytes = 16, .channels = 70, .weight_addr = WEIGHTS, .x_dilation = 16},
    /* more than are kept, for more than a block of pairs */
    {.kernel_h = 3, .kernel_w = 3, .run_bytes = 16, .channels = 130, .weight_addr = WEIGHTS, .x_dilation = 16},
};

static struct qm_insn draw_matmul(struct pair *pair, size_t index) {
    struct qm_insn insn = matmuls[index];
    insn.opcode = QM_MATMUL;
    insn.in_addr = draw(pair, 0, 100);
    insn.in_rows = draw(pair, 1, 10);
    insn.in_pitch = insn.in_row_bytes = draw(pair, 100, 300);
    insn.y_start = draw(pair, -1, 1);
    insn.x_start = draw(pair, -20, 20);
    insn.x_stride = 16;
    insn.y_stride = insn.y_dilation = 1;
    insn.pad_value = draw(pair, 0, 255);
    insn.out_h = draw(pair, 1, 5);
    insn.out_w = draw(pair, 1, 5);
    if (draw(pair, 0, 3) == 0 && insn.channels <= 16) insn.out_h = 30, insn.out_w = 10; /* more than a block */
    if (insn.kernel_h > 1) insn.out_h = 6, insn.out_w = draw(pair, 5, 26);              /* likewise */
    insn.tiles = (insn.channels + pair->machine.cols - 1) / pair->machine.cols;
    insn.accumulate = draw(pair, 0, 1);
    insn.acc_addr = draw(pair, 0, 10);
    return insn;
}

/* ---- what writes n bytes at an address ---- */

static struct qm_insn load_to(int64_t address, int64_t n) {
    return (struct qm_insn){.opcode = QM_LOAD, .spad_addr = address, .row_bytes = n, .row_count = 1, .plane_count = 1};
}

/* n rows of a byte, the last one at the address. */
static struct qm_insn load_rows_to(int64_t address, int64_t n) {
    return (struct qm_insn){.opcode = QM_LOAD,
                            .spad_addr = address - (n - 1) * 7,
                            .row_bytes = 1,
                            .row_count = n,
                            .plane_count = 1,
                            .dram_row_stride = 1,
                            .spad_row_stride = 7};
}

static struct qm_insn window_to(int64_t opcode, int64_t address, int64_t n) {
    return (struct qm_insn){.opcode = opcode,
                            .in_addr = MAPS,
                            .in_rows = 1,
                            .in_row_bytes = n,
                            .kernel_h = 1,
                            .kernel_w = 1,
                            .out_w = 1,
                            .out_h = 1,
                            .out_addr = address,
                            .out_pixel = n,
                            .clamp_min = -128,
                            .clamp_max = 127};
}

static struct qm_insn copy_to(int64_t address, int64_t n) {
    struct qm_insn insn = window_to(QM_COPY, address, n);
    insn.run_bytes = n;
    return insn;
}

static struct qm_insn pool_to(int64_t address, int64_t n) {
    struct qm_insn insn = window_to(QM_POOL, address, n);
    insn.run_bytes = 1;
    insn.channels = n;
    insn.out_multiplier = 1 << 30;
    insn.out_shift = 1;
    return insn;
}

static struct qm_insn add_to(int64_t address, int64_t n) {
    return (struct qm_insn){.opcode = QM_ADD,
                            .in_addr = MAPS,
                            .b_addr = MAPS + 1,
                            .length = n,
                            .out_addr = address,
                            .pre_shift = 20,
                            .a_multiplier = 1 << 30,
                            .b_multiplier = 1 << 30,
                            .out_multiplier = 1 << 30,
                            .out_shift = -18,
                            .clamp_min = -128,
                            .clamp_max = 127};
}

/* Parameters are whatever lies there; of n only what a tile has. */
static struct qm_insn requantize_to(int64_t address, int64_t n) {
    return (struct qm_insn){.opcode = QM_REQUANTIZE,
                            .param_addr = MAPS,
                            .channels = n < 16 ? n : 16,
                            .tiles = 1,
                            .out_w = 1,
                            .out_h = 1,
                            .out_addr = address,
                            .clamp_min = -128,
                            .clamp_max = 127};
}

typedef struct qm_insn writer(int64_t address, int64_t n);
static writer *const writers[] = {load_to, load_rows_to, copy_to, pool_to, add_to, requantize_to};
enum { WRITERS = sizeof writers / sizeof *writers };

/* One byte, some, or all weights, which begin or end near those of the MATMULs or lie anywhere. */
static struct qm_insn draw_writer(struct pair *pair) {
    int64_t n = draw(pair, 0, 2) == 0 ? 1 : draw(pair, 1, 40), places[] = {WEIGHTS, WEIGHTS + 4000, WEIGHTS + 10080, WEIGHTS + 12000};
    int64_t address = draw(pair, 0, 1) == 0 ? places[draw(pair, 0, 3)] - draw(pair, 0, n) : WEIGHTS + draw(pair, -50, WEIGHT_BYTES);
    if (draw(pair, 0, 9) == 0) return load_to(WEIGHTS, ARENA);
    return writers[draw(pair, 0, WRITERS - 1)](address, n);
}

/* ---- */

static void compute(struct pair *pair, const struct qm_insn *insn) {
    static qm_functional_routine *const plain[QM_OPCODE_LIMIT] = {
#define QM_OPCODE(name, code, unit, text) [code] = qm_functional_##name,
#include "spec/isa.def"
#undef QM_OPCODE
    };
    plain[insn->opcode](insn, &pair->plain);
    insn->opcode == QM_MATMUL ? matmul_with(insn, &pair->fast, pair->kernel) : fast_compute(insn, &pair->fast);
}

/* One that this processor has, or the one that every processor of this kind can emulate. */
static const struct kernel *draw_kernel(struct pair *pair) {
    const struct kernel *kernel = kernels[draw(pair, 0, kernel_count - 1)];
#ifdef __x86_64__
    if (draw(pair, 0, 2) == 0) return &emulated_vnni;
#endif
    return kernel->is_supported() ? kernel : kernel_best();
}

static bool are_equal(const struct pair *pair) {
    size_t sums_bytes = (size_t)pair->machine.accumulator_rows * pair->machine.cols * sizeof(int32_t);
    return memcmp(pair->plain.scratchpad, pair->fast.scratchpad, pair->machine.scratchpad_bytes) == 0 &&
           memcmp(pair->plain.accumulator, pair->fast.accumulator, sums_bytes) == 0;
}

Test(kept, weights_that_anything_has_written_are_packed_again) {
    enum { SEEDS = 20, STEPS = 200, MATMULS = sizeof matmuls / sizeof *matmuls };
    struct pair *pair = qm_alloc(sizeof *pair);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        pair_init(pair, seed);
        size_t index = 0;
        for (int step = 0; step < STEPS; step++) {
            if (draw(pair, 0, 3) == 0) index = (size_t)draw(pair, 0, MATMULS - 1);
            if (draw(pair, 0, 9) == 0) pair->kernel = draw_kernel(pair);
            struct qm_insn insn = draw(pair, 0, 2) == 0 ? draw_writer(pair) : draw_matmul(pair, index);
            compute(pair, &insn);
            cr_assert(are_equal(pair), "seed %lu, step %d, opcode %ld, MATMUL %zu", seed, step, insn.opcode, index);
        }
        pair_fini(pair);
    }
    free(pair);
}

/* Every kind of write, of the first byte of the weights and of the last. */
Test(kept, the_first_and_the_last_byte_count) {
    struct pair *pair = qm_alloc(sizeof *pair);
    pair_init(pair, 1);
    const int64_t bytes = matmuls[0].run_bytes * matmuls[0].channels;
    for (int i = 0; i < 2 * WRITERS; i++) {
        struct qm_insn matmul = draw_matmul(pair, 0), write = writers[i / 2](WEIGHTS + (i % 2 == 0 ? 0 : bytes - 1), 1);
        compute(pair, &matmul);
        compute(pair, &write);
        matmul.accumulate = 0;
        compute(pair, &matmul);
        cr_assert(are_equal(pair), "writer %d", i);
    }
    pair_fini(pair);
    free(pair);
}

/* What nobody has told shows whether weights are kept: those of `index`, after `forget_begin` to `forget_end` is told, for another MATMUL
 * with them. */
static bool are_kept(struct pair *pair, size_t index, int64_t forget_begin, int64_t forget_end) {
    struct qm_insn first = draw_matmul(pair, index), matmul = draw_matmul(pair, index);
    first.accumulate = 1;
    matmul.accumulate = 0;
    compute(pair, &first);
    for (int64_t i = 0; i < WEIGHT_BYTES; i++) pair->plain.scratchpad[WEIGHTS + i] ^= 0x55, pair->fast.scratchpad[WEIGHTS + i] ^= 0x55;
    kept_forget(pair->fast.kept, forget_begin, forget_end);
    compute(pair, &matmul);
    bool is_stale = !are_equal(pair);
    kept_forget(pair->fast.kept, 0, pair->machine.scratchpad_bytes);
    compute(pair, &matmul);
    cr_assert(are_equal(pair));
    return is_stale;
}

Test(kept, weights_are_kept_until_a_byte_of_them_is_written) {
    struct pair *pair = qm_alloc(sizeof *pair);
    pair_init(pair, 1);
    const int64_t end = WEIGHTS + matmuls[0].run_bytes * matmuls[0].channels;
    cr_assert(are_kept(pair, 0, 0, WEIGHTS));
    cr_assert(are_kept(pair, 0, end, pair->machine.scratchpad_bytes));
    cr_assert(!are_kept(pair, 0, WEIGHTS, WEIGHTS + 1));
    cr_assert(!are_kept(pair, 0, end - 1, end));
    cr_assert(are_kept(pair, 10, 0, 0));
    cr_assert(!are_kept(pair, 9, 0, 0));
    pair_fini(pair);
    free(pair);
}
