/* kept.h - packed weights that a MATMUL leaves for the next one: a layer's positions are often computed a block at a time, each with the
 * same weights.
 *
 * They are kept until a byte that they were made of is written. Whoever writes the scratchpad says so by kept_forget; for instructions
 * fast_compute does. An engine whose scratchpad is also written in other ways has nothing kept.
 */
#ifndef QM_SIM_FUNCTIONAL_FAST_KEPT_H
#define QM_SIM_FUNCTIONAL_FAST_KEPT_H

#include "sim/functional/fast/kernels.h"
#include "sim/functional/functional.h"

/* Nothing is kept yet. The caller destroys it. */
struct kept *kept_create(void);
void kept_destroy(struct kept *kept);

/* Bytes begin <= b < end of the scratchpad are written. kept may be NULL: nothing is kept. */
void kept_forget(struct kept *kept, int64_t begin, int64_t end);

/* What the instruction, which decode has accepted, writes to the scratchpad; likewise. */
void kept_forget_written(struct kept *kept, const struct qm_insn *insn, const struct qm_machine *machine);

/* How a MATMUL uses its weights. */
struct kept_use {
    const struct kernel *kernel;
    bool is_transformed; /* for pairs of outputs (matmul_winograd.c) */
    int64_t job_count;   /* into which they are divided, in the same way by every instruction with the same weights and use */
};

/* The packed weights of an instruction, a job after the other. */
struct kept_weights {
    const struct kernel *kernel;
    struct kernel_packed *jobs;
    int64_t stride;  /* 1; or 0 when they are too many to be kept: each job takes the place of the one before */
    bool are_packed; /* by an instruction before */
};

/* Room for the packed weights of a MATMUL, or `one` if they are not kept. The caller multiplies all jobs before the instruction ends. */
struct kept_weights kept_begin(const struct qm_functional_memory *memory, const struct qm_insn *insn, struct kept_use use,
                               struct kernel_packed *one);

/* Multiplies job `index` of the instruction, whose weights are packed now if they are not yet. */
void kept_multiply(const struct kept_weights *weights, int64_t index, struct kernel_job *job);

/* All jobs have been multiplied; those that follow have the same weights. */
void kept_repeat(struct kept_weights *weights);

#endif
