/* commit.c - what the accumulator keeps of a sum, against one range after another taken off or put on. */
#include "sim/functional/commit.h"

#include <criterion/criterion.h>

TestSuite(commit);

static int64_t brought_into_range(int64_t sum, int64_t range) {
    while (sum >= range / 2) sum -= range;
    while (sum < -range / 2) sum += range;
    return sum;
}

static void check(const struct qm_machine *machine, int64_t sum) {
    int64_t range = (int64_t)1 << machine->accumulator_bits, kept = brought_into_range(sum, range);
    int64_t nearest = sum < 0 ? -range / 2 : range / 2 - 1, want = kept == sum || !machine->accumulator_saturate ? kept : nearest;
    uint64_t overflows = 0;
    int32_t got = commit_sum(sum, machine, &overflows);
    cr_assert(got == want && overflows == (kept != sum), "%ld in %u bits is %d, %lu overflows; not %ld", sum, machine->accumulator_bits,
              got, overflows, want);
}

Test(commit, what_does_not_fit_wraps_or_saturates_and_is_counted) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    for (machine.accumulator_saturate = 0; machine.accumulator_saturate < 2; machine.accumulator_saturate++)
        for (machine.accumulator_bits = 16; machine.accumulator_bits <= 32; machine.accumulator_bits++)
            for (int64_t edge = -3; edge <= 3; edge++)
                for (int64_t off = -2; off <= 2; off++) check(&machine, edge * ((int64_t)1 << (machine.accumulator_bits - 1)) + off);
}
