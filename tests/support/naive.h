/* naive.h - what every instruction must compute, written a second time as the plainest loops that docs/machine.md and docs/numerics.md allow.
 *
 * Tests compare the production code with it. It shares nothing with that code but the instruction's fields: byte by byte, __int128 for
 * every product, no fast path. Instructions must have passed decode's checks.
 */
#ifndef QM_TESTS_SUPPORT_NAIVE_H
#define QM_TESTS_SUPPORT_NAIVE_H

#include <stdint.h>

#include "common/isa.h"
#include "common/machine.h"

struct naive_memory {
    const struct qm_machine *machine;
    uint8_t *scratchpad;  /* [scratchpad_bytes] */
    int32_t *accumulator; /* [accumulator_rows][cols] */
    uint8_t *arena;       /* LOAD and STORE only */
    uint64_t overflows;   /* sums that did not fit when they were committed */
};

/* x * multiplier * 2^(shift - 31), as docs/numerics.md, Scaling. */
int32_t naive_scale(int32_t x, int32_t multiplier, int64_t shift, int64_t rounding);
int32_t naive_scale_addend(int32_t x, int32_t multiplier, int64_t shift, int32_t addend); /* in rounding ADDEND */

/* The byte that a window sees at byte `index` of run (ky, kx) for output position (oy, ox). */
uint8_t naive_window(const struct qm_insn *insn, const uint8_t *scratchpad, int64_t oy, int64_t ox, int64_t ky, int64_t kx, int64_t index);

/* Runs one instruction of any opcode. */
void naive_run(const struct qm_insn *insn, struct naive_memory *memory);

#endif
