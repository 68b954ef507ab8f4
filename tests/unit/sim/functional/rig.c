/* rig.c - two memories with the same random bytes, one for the plain routines and one for the fast ones. The latter end where a page
 * that may not be touched begins, so that a read or write beyond the end is a fault, also one of assembly that no sanitizer sees. */
#include "tests/unit/sim/functional/rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* rows, cols, accumulator_bits, accumulator_saturate */
static const uint32_t machines[][4] = {{1, 1, 32, 0},   {3, 5, 32, 0},   {16, 16, 32, 0}, {8, 16, 32, 1}, {32, 32, 32, 0},
                                       {40, 70, 32, 0}, {128, 2, 32, 0}, {5, 3, 20, 1},   {16, 9, 17, 0}, {8, 20, 24, 1}};

int64_t rig_draw(struct rig *rig, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(&rig->prng) % (uint64_t)(high - low + 1));
}

int64_t rig_constants(const struct rig *rig) {
    return rig->machine.scratchpad_bytes / 4;
}

int64_t rig_outputs(const struct rig *rig) {
    return rig->machine.scratchpad_bytes / 2;
}

void rig_draw_window(struct rig *rig, struct qm_insn *insn, int64_t run_max) {
    insn->in_addr = rig_draw(rig, 0, 100);
    insn->in_rows = rig_draw(rig, 1, 12);
    insn->in_row_bytes = rig_draw(rig, 1, rig_draw(rig, 1, 300));
    insn->in_pitch = rig_draw(rig, 0, 350);
    insn->out_h = rig_draw(rig, 1, 6);
    insn->out_w = rig_draw(rig, 1, 9);
    insn->kernel_h = rig_draw(rig, 1, 3);
    insn->kernel_w = rig_draw(rig, 1, 3);
    insn->y_start = rig_draw(rig, -4, 3);
    insn->x_start = rig_draw(rig, -40, 20);
    insn->x_stride = rig_draw(rig, 0, 40);
    insn->y_stride = rig_draw(rig, 0, 3);
    insn->x_dilation = rig_draw(rig, 0, 40);
    insn->y_dilation = rig_draw(rig, 0, 3);
    insn->run_bytes = rig_draw(rig, 1, rig_draw(rig, 1, run_max));
    insn->pad_value = rig_draw(rig, 0, 255);
    if (rig_draw(rig, 0, 19) == 0) insn->y_stride = insn->x_stride = insn->x_dilation = 60000 + rig_draw(rig, 0, 5000);
    if (insn->y_stride > 255) insn->y_stride = 255;
}

void rig_draw_tiles(struct rig *rig, struct qm_insn *insn, int64_t channels_max) {
    int64_t width = qm_machine_tile(&rig->machine, insn->depthwise != 0), positions = insn->out_h * insn->out_w;
    int64_t tiles_max = rig->machine.accumulator_rows / positions;
    insn->channels = rig_draw(rig, 1, channels_max < tiles_max * width ? channels_max : tiles_max * width);
    insn->tiles = (insn->channels + width - 1) / width;
    insn->acc_addr = rig_draw(rig, 0, rig->machine.accumulator_rows - insn->tiles * positions);
}

void rig_draw_output(struct rig *rig, struct qm_insn *insn, int64_t n) {
    int64_t free_bytes = rig->machine.scratchpad_bytes - rig_outputs(rig) - n;
    insn->out_pixel = rig_draw(rig, 0, 2) == 0 ? n : rig_draw(rig, 0, 2 * n < 1000 ? 2 * n : 1000);
    if ((insn->out_w - 1) * insn->out_pixel > free_bytes / 2) insn->out_pixel = 1;
    insn->out_pitch = rig_draw(rig, 0, insn->out_h == 1 ? 1000 : free_bytes / 2 / (insn->out_h - 1));
    insn->out_addr = rig->machine.scratchpad_bytes - n - (insn->out_w - 1) * insn->out_pixel - (insn->out_h - 1) * insn->out_pitch;
    if (rig_draw(rig, 0, 1) == 0) insn->out_addr = rig_draw(rig, rig_outputs(rig), insn->out_addr);
}

void rig_draw_scale(struct rig *rig, struct qm_insn *insn) {
    insn->rounding = rig_draw(rig, 0, 6);
    insn->out_zero = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, -128, 127) : rig_draw(rig, -32768, 32767);
    insn->clamp_min = rig_draw(rig, 0, 1) == 0 ? -128 : rig_draw(rig, -32768, 32767);
    insn->clamp_max = rig_draw(rig, 0, 1) == 0 ? 127 : rig_draw(rig, -32768, 32767);
    insn->out_multiplier = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, 1 << 30, INT32_MAX) : rig_draw(rig, INT32_MIN, INT32_MAX);
    insn->out_shift = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, -20, 8) : rig_draw(rig, -128, 127);
}

struct memories {
    struct qm_functional_memory plain, fast;
    size_t accumulator_bytes;
};

/* As many bits as the accumulator has, or so few that sums stay far from its bounds. */
static void draw_sums(struct rig *rig, int32_t *sums, size_t count) {
    int64_t most = ((int64_t)1 << (rig->machine.accumulator_bits - 1)) - 1;
    if (rig_draw(rig, 0, 1) == 0) most /= 4096;
    for (size_t i = 0; i < count; i++) sums[i] = (int32_t)rig_draw(rig, -most - 1, most);
}

/* Bytes mapped for size_bytes with a page before and one behind. */
static size_t guarded_bytes(size_t size_bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size_bytes + page - 1) / page * page + 2 * page;
}

/* Zeros that end at a page without access; the page before the first one has none either. */
static void *guarded_create(size_t size_bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped = guarded_bytes(size_bytes);
    uint8_t *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(base != MAP_FAILED);
    cr_assert(mprotect(base, page, PROT_NONE) == 0 && mprotect(base + mapped - page, page, PROT_NONE) == 0);
    return base + mapped - page - size_bytes;
}

static void guarded_destroy(void *memory, size_t size_bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), mapped = guarded_bytes(size_bytes);
    cr_assert(munmap((uint8_t *)memory + size_bytes + page - mapped, mapped) == 0);
}

static struct memories memories_create(struct rig *rig) {
    const struct qm_machine *machine = &rig->machine;
    struct memories memories = {.accumulator_bytes = (size_t)machine->accumulator_rows * machine->cols * sizeof(int32_t)};
    qm_functional_init(&memories.plain, machine);
    memories.fast = (struct qm_functional_memory){.machine = machine};
    memories.fast.scratchpad = guarded_create(machine->scratchpad_bytes);
    memories.fast.accumulator = guarded_create(memories.accumulator_bytes);
    qm_prng_fill(&rig->prng, memories.plain.scratchpad, machine->scratchpad_bytes);
    draw_sums(rig, memories.plain.accumulator, memories.accumulator_bytes / sizeof(int32_t));
    qm_functional_write(&memories.fast, memories.plain.scratchpad, memories.plain.accumulator);
    return memories;
}

static void memories_destroy(struct memories *memories) {
    qm_functional_fini(&memories->plain);
    guarded_destroy(memories->fast.scratchpad, memories->fast.machine->scratchpad_bytes);
    guarded_destroy(memories->fast.accumulator, memories->accumulator_bytes);
}

static void expect_equal(const struct rig *rig, const char *what, const void *got, const void *want, size_t size_bytes) {
    size_t i = 0;
    while (i < size_bytes && ((const uint8_t *)got)[i] == ((const uint8_t *)want)[i]) i++;
    cr_assert(i == size_bytes, "%ux%u, seed %lu: %s differs at byte %zu: %d, not %d", rig->machine.rows, rig->machine.cols, rig->seed, what,
              i, ((const uint8_t *)got)[i], ((const uint8_t *)want)[i]);
}

static void compare_one(struct rig *rig, rig_draw_insn *draw) {
    qm_prng_init(&rig->prng, rig->seed);
    struct memories memories = memories_create(rig);
    struct qm_insn insn = {0};
    draw(rig, &insn);
    rig->plain(&insn, &memories.plain);
    rig->kernel != NULL ? matmul_with(&insn, &memories.fast, rig->kernel) : rig->fast(&insn, &memories.fast);
    expect_equal(rig, "scratchpad", memories.fast.scratchpad, memories.plain.scratchpad, rig->machine.scratchpad_bytes);
    expect_equal(rig, "accumulator", memories.fast.accumulator, memories.plain.accumulator, memories.accumulator_bytes);
    cr_assert(memories.fast.acc_overflows == memories.plain.acc_overflows, "%ux%u, seed %lu: %lu overflows, not %lu", rig->machine.rows,
              rig->machine.cols, rig->seed, memories.fast.acc_overflows, memories.plain.acc_overflows);
    memories_destroy(&memories);
}

static void compare(struct rig *rig, rig_draw_insn *draw, uint32_t count) {
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        qm_machine_init(&rig->machine);
        rig->machine.rows = machines[i][0];
        rig->machine.cols = machines[i][1];
        rig->machine.accumulator_bits = machines[i][2];
        rig->machine.accumulator_saturate = machines[i][3];
        rig->machine.scratchpad_bytes = 131072;
        rig->machine.accumulator_rows = 256;
        for (uint32_t n = 0; n < count; n++) {
            rig->seed = i * 1000000 + n;
            compare_one(rig, draw);
        }
    }
}

void rig_compare(rig_draw_insn *draw, qm_functional_routine *plain, qm_functional_routine *fast, uint32_t count) {
    compare(&(struct rig){.plain = plain, .fast = fast}, draw, count);
}

void rig_compare_kernel(const struct kernel *kernel, rig_draw_insn *draw, uint32_t count) {
    compare(&(struct rig){.plain = qm_functional_MATMUL, .kernel = kernel}, draw, count);
}
