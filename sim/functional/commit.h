/* commit.h - how a sum enters the accumulator: what does not fit its width wraps or saturates, and is counted (docs/machine.md, Matmul). */
#ifndef QM_SIM_FUNCTIONAL_COMMIT_H
#define QM_SIM_FUNCTIONAL_COMMIT_H

#include <stdint.h>

#include "common/machine.h"

/* The largest sum of `bits` bits; the smallest is -most - 1. */
static inline int64_t commit_most(const struct qm_machine *machine) {
    return ((int64_t)1 << (machine->accumulator_bits - 1)) - 1;
}

/* The low bits of x as a signed number. */
static inline int32_t commit_wrap(int64_t x, const struct qm_machine *machine) {
    uint64_t sign = (uint64_t)1 << (machine->accumulator_bits - 1), low = (uint64_t)x & (2 * sign - 1);
    return (int32_t)((int64_t)(low ^ sign) - (int64_t)sign);
}

/* What the accumulator holds after the exact sum was committed. */
static inline int32_t commit_sum(int64_t exact, const struct qm_machine *machine, uint64_t *overflows) {
    int64_t most = commit_most(machine), least = -most - 1;
    if (least <= exact && exact <= most) return (int32_t)exact;
    ++*overflows;
    if (machine->accumulator_saturate == 0) return commit_wrap(exact, machine);
    return (int32_t)(exact > most ? most : least);
}

#endif
