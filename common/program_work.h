/* program_work.h - what time and reports need of a program's instructions, whether it has words or not.
 *
 * The compiler gives it with a plan that is only timed. Of a program with words it is made when it is asked for: each is unpacked once.
 */
#ifndef QM_COMMON_PROGRAM_WORK_H
#define QM_COMMON_PROGRAM_WORK_H

#include "common/counters.h"
#include "common/program.h"
#include "common/record.h"

struct qm_program_work {
    struct qm_record *records;  /* [insn_count]; zero between stages */
    struct qm_counters *events; /* [layer_count] of the layer's instructions, by common/work.h */
};

/* Room for the work of the program, whose insn_count and layer_count are known; belongs to arena. */
struct qm_program_work *qm_program_work_create(const struct qm_program *program, struct qm_arena *arena);
/* Adds the program's instruction `index`, which decode accepts. */
void qm_program_work_add(struct qm_program_work *work, const struct qm_machine *machine, const struct qm_insn *insn, uint32_t index,
                         uint32_t layer);

/* The work that came with the program; else that of its words on the machine, which belongs to arena. */
const struct qm_program_work *qm_program_work(const struct qm_program *program, const struct qm_machine *machine, struct qm_arena *arena);

/* The events of a device stage of a program that came with its work: those of all layers before the next stage begins. */
struct qm_counters qm_program_work_of_stage(const struct qm_program *program, uint32_t stage);

#endif
