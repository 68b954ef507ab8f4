/* load_store.c - LOAD and STORE against loops over bytes: each copies planes of rows of bytes from one side to the other. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "sim/functional/functional.h"

TestSuite(load_store);

enum { BYTES = 65536 };

static int64_t draw(struct qm_prng *prng, int64_t low, int64_t high) {
    return low + (int64_t)(qm_prng_next(prng) % (uint64_t)(high - low + 1));
}

static struct qm_insn draw_insn(struct qm_prng *prng) {
    return (struct qm_insn){.row_bytes = draw(prng, 1, 700),
                            .row_count = draw(prng, 1, 6),
                            .plane_count = draw(prng, 1, 4),
                            .dram_row_stride = draw(prng, 0, 1500),
                            .spad_row_stride = draw(prng, 0, 1500),
                            .dram_plane_stride = draw(prng, 0, 9000),
                            .spad_plane_stride = draw(prng, 0, 9000),
                            .dram_addr = draw(prng, 0, 20000),
                            .spad_addr = draw(prng, 0, 20000)};
}

static void copy_bytes(const struct qm_insn *insn, bool loads, uint8_t *scratchpad, uint8_t *arena) {
    for (int64_t plane = 0; plane < insn->plane_count; plane++)
        for (int64_t row = 0; row < insn->row_count; row++)
            for (int64_t i = 0; i < insn->row_bytes; i++) {
                uint8_t *near = &scratchpad[insn->spad_addr + plane * insn->spad_plane_stride + row * insn->spad_row_stride + i];
                uint8_t *far = &arena[insn->dram_addr + plane * insn->dram_plane_stride + row * insn->dram_row_stride + i];
                *(loads ? near : far) = *(loads ? far : near);
            }
}

static void compare(bool loads, uint64_t seed) {
    static uint8_t scratchpad[2][BYTES], arena[2][BYTES];
    struct qm_prng prng;
    struct qm_machine machine;
    struct qm_functional_memory memory = {.machine = &machine, .scratchpad = scratchpad[0], .arena = arena[0]};
    qm_machine_init(&machine);
    qm_prng_init(&prng, seed);
    qm_prng_fill(&prng, scratchpad[0], BYTES);
    qm_prng_fill(&prng, arena[0], BYTES);
    memcpy(scratchpad[1], scratchpad[0], BYTES);
    memcpy(arena[1], arena[0], BYTES);
    struct qm_insn insn = draw_insn(&prng);
    loads ? qm_functional_LOAD(&insn, &memory) : qm_functional_STORE(&insn, &memory);
    copy_bytes(&insn, loads, scratchpad[1], arena[1]);
    cr_assert(memcmp(scratchpad[0], scratchpad[1], BYTES) == 0 && memcmp(arena[0], arena[1], BYTES) == 0, "seed %lu", seed);
}

Test(load_store, copy_planes_of_rows) {
    for (uint64_t seed = 0; seed < 300; seed++) {
        compare(true, seed);
        compare(false, seed);
    }
}
