/* random_program.c - random programs: what they must reach, and what they are judged by. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "sim/control/decode.h"
#include "verify/random_boundaries.h"
#include "verify/random_program.h"

TestSuite(random_program);

static const char *const machines[] = {"tiny", "edge", "one", "m3x5"};
enum { MACHINES = sizeof machines / sizeof *machines, SEEDS = 300 };

static struct qm_machine load(const char *name) {
    struct qm_machine machine;
    struct qm_diag diag;
    cr_assert(eq(int, qm_machine_load(name, &machine, &diag), QM_OK), "%s", diag.text);
    return machine;
}

Test(random_program, reaches_every_class_in_300_seeds) {
    for (int m = 0; m < MACHINES; m++) {
        struct qm_machine machine = load(machines[m]);
        struct qm_coverage *coverage = qm_coverage_create();
        struct qm_random_program program;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            qm_random_program_make(&machine, seed, &program);
            qm_coverage_add(coverage, &machine, &program);
        }
        size_t covered, all;
        char missing[1024];
        qm_coverage_count(coverage, &covered, &all, missing, sizeof missing);
        cr_expect(eq(sz, covered, all), "%s: not drawn: %s", machines[m], missing);
        cr_expect(gt(sz, all, 650));
        qm_coverage_destroy(coverage);
    }
}

/* Whether the boundaries find the same instructions good as decode does; what speaks of the words alone is not theirs. */
static bool agree(const struct boundaries *boundaries, struct decode *decode, const uint32_t *words) {
    struct qm_insn insn;
    int which;
    qm_insn_unpack(words, &insn);
    bool is_plain = qm_opcode_name(insn.opcode) != NULL && !qm_insn_has_reserved_bits(words);
    bool is_good = decode_check(decode, words, QM_RANDOM_ARENA_BYTES) == QM_ERROR_NONE;
    return is_good == (is_plain && boundaries_broken(boundaries, &insn, &which) == 0);
}

Test(random_program, boundaries_are_what_decode_checks) {
    for (int m = 0; m < MACHINES; m++) {
        struct qm_machine machine = load(machines[m]);
        struct qm_random_program program;
        struct boundaries boundaries;
        struct decode decode;
        boundaries_init(&boundaries, &machine);
        decode_init(&decode, &machine);
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            qm_random_program_make(&machine, seed, &program);
            for (uint32_t i = 0; i < program.count; i++)
                cr_assert(agree(&boundaries, &decode, program.words[i]), "%s, seed %lu, instruction %u", machines[m], (unsigned long)seed,
                          i);
        }
    }
}

Test(random_program, is_the_same_for_the_same_machine_and_seed) {
    struct qm_machine machine = load("m3x5");
    struct qm_random_program one, two;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        qm_random_program_make(&machine, seed, &one);
        qm_random_program_make(&machine, seed, &two);
        cr_assert(eq(int, memcmp(one.words, two.words, sizeof one.words), 0));
        cr_assert(eq(u32, one.program_count, two.program_count));
    }
}
