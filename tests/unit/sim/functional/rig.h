/* rig.h - random instructions on several machines, run by the plain routines and by the fast ones on equal memories.
 *
 * Instructions are drawn so that decode would accept them and that what they write does not overlap what they read: feature maps, weights
 * or parameters, and outputs have a third of the scratchpad each. Every failure prints the seed of its instruction.
 */
#ifndef QM_TESTS_UNIT_SIM_FUNCTIONAL_RIG_H
#define QM_TESTS_UNIT_SIM_FUNCTIONAL_RIG_H

#include "common/prng.h"
#include "sim/functional/fast/matmul.h"

struct rig {
    struct qm_machine machine;
    struct qm_prng prng;
    uint64_t seed;
    qm_functional_routine *plain, *fast;
    const struct kernel *kernel; /* the fast MATMUL with this one, instead of `fast`; NULL: none */
};

typedef void rig_draw_insn(struct rig *rig, struct qm_insn *insn);

/* Draws low..high. */
int64_t rig_draw(struct rig *rig, int64_t low, int64_t high);

/* Fills the fields of a window, its feature map and the output grid; runs are at most run_max bytes. */
void rig_draw_window(struct rig *rig, struct qm_insn *insn, int64_t run_max);

/* Places channels, tiles and acc_addr. */
void rig_draw_tiles(struct rig *rig, struct qm_insn *insn, int64_t channels_max);

/* Places an output of n bytes a position. */
void rig_draw_output(struct rig *rig, struct qm_insn *insn, int64_t n);

/* Zero point, clamp, rounding, one scale. */
void rig_draw_scale(struct rig *rig, struct qm_insn *insn);

/* Where the second third of the scratchpad, for weights and parameters, begins; and the third for outputs. */
int64_t rig_constants(const struct rig *rig);
int64_t rig_outputs(const struct rig *rig);

/* Draws `count` instructions for each machine and compares scratchpad, accumulator and overflows after each. */
void rig_compare(rig_draw_insn *draw, qm_functional_routine *plain, qm_functional_routine *fast, uint32_t count);

/* The same for dense MATMULs by one kernel. */
void rig_compare_kernel(const struct kernel *kernel, rig_draw_insn *draw, uint32_t count);

#endif
