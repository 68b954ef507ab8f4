/* engine.h - a core, the memory behind its bus, and who watches them: advances all by the same cycles. */
#ifndef QM_SIM_CYCLE_ENGINE_H
#define QM_SIM_CYCLE_ENGINE_H

#include "sim/cycle/core.h"
#include "sim/device.h"
#include "sim/memory/memory.h"

struct engine {
    struct qm_device device;
    struct core core;
    struct qm_memory *memory; /* borrowed */
    bool is_stepping;         /* every cycle one by one */
    qm_observer *observer;
    void *observer_context;
    struct probe *probe; /* NULL: nobody looks */
};

/* Of the options: step, no_values. The operations of the device are set by who has one (device.c). */
void engine_init(struct engine *engine, const struct qm_machine *machine, const struct qm_device_options *options,
                 struct qm_memory *memory);
void engine_fini(struct engine *engine);

/* A run begins, or there was a reset: cycle 0 is next. */
void engine_begin(struct engine *engine);

/* Lets at least one cycle and at most `limit` pass; returns how many. */
uint64_t engine_advance(struct engine *engine, uint64_t limit);

#endif
