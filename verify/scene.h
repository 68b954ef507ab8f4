/* scene.h - prints what surrounds a difference between model and RTL: the last events that agreed,
 * and the instructions that were at work. */
#ifndef QM_VERIFY_SCENE_H
#define QM_VERIFY_SCENE_H

#include "common/program.h"
#include "sim/lockstep/lockstep.h"

/* words: the instructions of the run in program order; layers (of each instruction) and program may be NULL. */
struct scene_program {
    const uint32_t (*words)[QM_INSN_WORDS];
    uint32_t count;
    const uint32_t *layers;
    const struct qm_program *program;
};

/* The instructions of the run of a program that the scene belongs to: its device stages are started one after another. */
struct scene_program scene_of_program(const struct qm_program *program, const struct qm_lockstep_scene *scene);

/* Prints the difference of a probed pair to stdout, and writes its waveforms to the folder; when that fails, stderr says why: the
 * difference stands. Nothing when the pair is not probed: the run is to be repeated with one that is. */
void scene_report(const struct qm_device *pair, const struct scene_program *run, const char *waves_dir);

#endif
