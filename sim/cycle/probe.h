/* probe.h - what passes between the blocks of the cycle model, made visible: addresses and data that the model needs for nothing else.
 *
 * The model computes values when an instruction ends. The probe says earlier what they will be: a post instruction's outputs when it
 * starts, a row's sums when it is issued. In a program without races its operands are final then.
 */
#ifndef QM_SIM_CYCLE_PROBE_H
#define QM_SIM_CYCLE_PROBE_H

#include "sim/cycle/wires.h"
#include "sim/probe.h"

struct probe;

struct probe *probe_create(const struct core *core, struct qm_frames *frames);
void probe_destroy(struct probe *probe);

/* A run begins. */
void probe_reset(struct probe *probe, const struct core *core);

/* Writes the frame of a cycle of which the wires are known and the registers have not moved. */
void probe_write_frame(struct probe *probe, const struct wires *wires, struct core *core);

#endif
