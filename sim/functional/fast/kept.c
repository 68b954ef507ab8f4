/* kept.c - the packed weights of one MATMUL: of the last whose jobs were few enough. */
#include "sim/functional/fast/kept.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/opcode/opcode.h"
#include "common/precision.h"

enum { KEPT_JOBS = 8 };

struct kept {
    struct qm_insn weights; /* what the packed weights depend on: the instruction without what they do not */
    struct kept_use use;
    int64_t begin, end; /* of the weights in the scratchpad; none: nothing is kept */
    struct kernel_packed jobs[KEPT_JOBS];
};

struct kept *kept_create(void) {
    struct kept *kept = qm_alloc_aligned(_Alignof(struct kept), sizeof *kept);
    kept->begin = kept->end = 0;
    return kept;
}

void kept_destroy(struct kept *kept) {
    free(kept);
}

void kept_forget(struct kept *kept, int64_t begin, int64_t end) {
    if (kept != NULL && begin < kept->end && kept->begin < end) kept->begin = kept->end = 0;
}

void kept_forget_written(struct kept *kept, const struct qm_insn *insn, const struct qm_machine *machine) {
    struct qm_operand operands[QM_OPERANDS];
    if (kept == NULL) return;
    uint32_t count = qm_opcode_info(insn->opcode)->find_operands(insn, machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].is_written && operands[i].space == QM_SPACE_SCRATCHPAD) kept_forget(kept, operands[i].begin, operands[i].end);
}

/* Two instructions have the same packed weights if this of them is equal. A field that is not named here counts. */
static struct qm_insn weights_of(const struct qm_insn *insn) {
    struct qm_insn weights = *insn;
    weights.wait = weights.signal = 0;
    weights.in_addr = weights.in_pitch = weights.in_row_bytes = weights.in_rows = weights.pad_value = 0;
    weights.y_start = weights.x_start = weights.out_h = weights.out_w = 0;
    weights.accumulate = weights.acc_addr = 0;
    return weights;
}

static bool is_kept(const struct kept *kept, const struct qm_insn *weights, struct kept_use use) {
    bool is_same_use = kept->use.kernel == use.kernel && kept->use.is_transformed == use.is_transformed;
    return kept->begin < kept->end && is_same_use && memcmp(&kept->weights, weights, sizeof *weights) == 0;
}

struct kept_weights kept_begin(const struct qm_functional_memory *memory, const struct qm_insn *insn, struct kept_use use,
                               struct kernel_packed *one) {
    struct kept *kept = memory->kept;
    if (kept == NULL || use.job_count > KEPT_JOBS) return (struct kept_weights){.kernel = use.kernel, .jobs = one};
    struct qm_insn weights = weights_of(insn);
    bool are_packed = is_kept(kept, &weights, use);
    kept->weights = weights;
    kept->use = use;
    kept->begin = insn->weight_addr;
    kept->end = insn->weight_addr + qm_weight_bytes(insn, memory->machine->cols);
    return (struct kept_weights){use.kernel, kept->jobs, 1, are_packed};
}

void kept_multiply(const struct kept_weights *weights, int64_t index, struct kernel_job *job) {
    struct kernel_packed *packed = weights->jobs + index * weights->stride;
    if (!weights->are_packed) weights->kernel->pack(job, packed);
    job->packed = packed;
    weights->kernel->multiply(job);
}

void kept_repeat(struct kept_weights *weights) {
    weights->are_packed = weights->stride > 0;
}
