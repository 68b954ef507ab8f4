/* surroundings.h - prints what surrounds a difference between model and RTL: the last events that agreed,
 * and the instructions that were at work. */
#ifndef QM_VERIFY_SURROUNDINGS_H
#define QM_VERIFY_SURROUNDINGS_H

#include "common/program.h"
#include "sim/lockstep/lockstep.h"

/* words: the instructions of the run in program order; layers (of each instruction) and program may be NULL. */
struct surroundings_program {
    const uint32_t (*words)[QM_INSN_WORDS];
    uint32_t count;
    const uint32_t *layers;
    const struct qm_program *program;
};

/* The instructions of the run in which the difference is: each device stage of the program is a run of its own. */
struct surroundings_program surroundings_of_program(const struct qm_program *program, const struct qm_lockstep_surroundings *around);

/* Prints the difference of a probed pair and its surroundings to stdout, and writes waveforms to the folder; when these fail, stderr says
 * why. Does nothing when the pair is not probed: its caller runs a probed one next. */
void surroundings_report(const struct qm_device *pair, const struct surroundings_program *run, const char *waves_dir);

#endif
