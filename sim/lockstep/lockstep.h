/* lockstep.h - two engines behind one device: every call goes to both, and everything that can be seen of them is compared.
 *
 * The driver runs on it as on any device, so a whole network, host stages included, is verified by running it. Compared with zero
 * tolerance: each instruction's start and end, each burst, beat (address, strobe, data) and response with its cycle; each register
 * and counter when a run ends; scratchpad, accumulator and DRAM on request; of a probed pair (qm_device_options) also in each cycle
 * the signals between the blocks (spec/probes.def). While a run lasts, a register is read of the model alone: an access takes the RTL a
 * cycle that the model does not have.
 */
#ifndef QM_SIM_LOCKSTEP_LOCKSTEP_H
#define QM_SIM_LOCKSTEP_LOCKSTEP_H

#include "sim/device.h"
#include "sim/probe.h"

struct qm_lockstep_stats {
    uint64_t cycles; /* compared */
    uint64_t events; /* starts, ends, bursts, beats and responses compared */
    uint64_t runs;
    struct qm_counters counters; /* after the last run that ended */
};

/* Makes the pair; model and rtl are the two engines. The device is destroyed through its ops, which own both. */
QM_MUST_USE enum qm_status qm_lockstep_create(const struct qm_device_ops *model, const struct qm_device_ops *rtl,
                                              const struct qm_machine *machine, const struct qm_device_options *options,
                                              struct qm_device **device, struct qm_diag *diag);

/* Compares scratchpad, accumulator and all DRAM. Call between runs. */
void qm_lockstep_compare_memories(struct qm_device *device);

/* The first difference as one line, or NULL when there was none. After a difference wait() lets no more time pass, and the
 * pair is neither reset nor started again: it stays where they parted. */
const char *qm_lockstep_difference(const struct qm_device *device);

struct qm_lockstep_stats qm_lockstep_stats(const struct qm_device *device);

/* The signal that differed first. Not known of differences in registers and memories, and of events when the pair is not probed. */
struct qm_lockstep_place {
    bool is_known;
    uint64_t cycle;
    const char *unit, *signal;
    char what[96]; /* what the model has and what the RTL has */
    bool has_insn;
    int insn_unit; /* insn counts the instructions of this unit; -1: those of the program */
    uint32_t insn;
};

enum { QM_SCENE_EVENTS = 8, QM_SCENE_TEXT = 160 };

/* Where the engines were when they still agreed: what tells a difference's reader which instructions to look at. */
struct qm_lockstep_scene {
    uint64_t run; /* number of STARTs before this one */
    struct qm_lockstep_place place;
    uint32_t started[QM_UNITS], ended[QM_UNITS]; /* instructions of each unit in this run */
    uint32_t event_count;                        /* of events */
    char events[QM_SCENE_EVENTS][QM_SCENE_TEXT]; /* the last that were equal, oldest first */
};
struct qm_lockstep_scene qm_lockstep_scene(const struct qm_device *device);

/* The last frames of the run, up to a window beyond a difference; borrowed. NULL when the pair is not probed. */
const struct qm_frames *qm_lockstep_frames(const struct qm_device *device, bool of_rtl);

#endif
