/* random_program.h - programs drawn from a seed: every instruction and field, free of races, short enough for RTL simulation.
 *
 * Every second instruction is drawn at a boundary (verify/random_boundaries.h), and three programs in five are malformed on purpose, rather
 * late: an instruction one beyond a boundary, a lost token, a bad program register. Boundaries and ways come by turns, from seed to seed,
 * so that a few hundred seeds in a row have all. The same machine and seed give the same program everywhere. Out of reach are tokens near
 * their 65535.
 */
#ifndef QM_VERIFY_RANDOM_PROGRAM_H
#define QM_VERIFY_RANDOM_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"
#include "sim/device.h"

enum { QM_RANDOM_MAX_INSNS = 24, QM_RANDOM_ARENA_BYTES = 1 << 16, QM_RANDOM_SPOILERS = 11 + QM_OPCODE_END - 1 };

struct qm_random_program {
    uint32_t count;
    struct qm_insn insns[QM_RANDOM_MAX_INSNS]; /* before malforming */
    uint32_t words[QM_RANDOM_MAX_INSNS][QM_INSN_WORDS];
    const char *malformed;  /* what was spoilt, or NULL */
    uint32_t program_addr;  /* for PROGRAM_ADDR: arena offset of words */
    uint32_t program_count; /* for PROGRAM_COUNT */
};

void qm_random_program_make(const struct qm_machine *machine, uint64_t seed, struct qm_random_program *program);

/* Writes the program to the arena, which begins at address 0, sets the registers, and starts it. */
void qm_random_program_start(const struct qm_random_program *program, struct qm_device *device);

/* The name of one of the ways of malforming, 0 .. QM_RANDOM_SPOILERS - 1. A program's malformed is such a name or that of a boundary. */
const char *qm_random_spoiler_name(int spoiler);

/* Which classes of value the generator has used for each field of each opcode (each named value; else zero, positive, negative; each unit
 * of wait and signal); at which boundaries good instructions were, and one beyond which; and which ways of malforming. */
struct qm_coverage;
struct qm_coverage *qm_coverage_create(void);
size_t qm_coverage_bytes(void); /* zeroed memory of so many bytes is one too */
void qm_coverage_destroy(struct qm_coverage *coverage);
/* Adds the instructions as they were before malforming, of the machine that they are for. */
void qm_coverage_add(struct qm_coverage *coverage, const struct qm_machine *machine, const struct qm_random_program *program);
/* Adds only how the program was malformed. */
void qm_coverage_add_malformed(struct qm_coverage *coverage, const struct qm_machine *machine, const struct qm_random_program *program);
/* Counts covered and all classes that a program for one of the machines can have;
 * the names of up to `size` bytes of uncovered ones go to missing. */
void qm_coverage_count(const struct qm_coverage *coverage, size_t *covered, size_t *all, char *missing, size_t size);

#endif
