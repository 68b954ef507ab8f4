/* counters.h - gives every busy cycle one cause in each group of spec/counters.def. */
#ifndef QM_SIM_CYCLE_COUNTERS_H
#define QM_SIM_CYCLE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/counters.h"
#include "common/isa.h"
#include "sim/cycle/post.h"

/* What the units do in a cycle, as far as a cause depends on it. */
struct activity {
    bool starts[QM_UNITS];
    bool is_waiting[QM_UNITS]; /* an instruction is queued and not started */
    bool load_beat, load_busy; /* the back has an instruction */
    bool row, streamer_busy, array_busy;
    enum post_activity post;
    bool store_beat, store_busy;
};

/* Adds `cycles` cycles in which this goes on. */
void counters_add_cycles(struct qm_counters *counters, const struct activity *activity, uint64_t cycles);

/* Aborts unless each group adds up to the cycles. */
void counters_check(const struct qm_counters *counters);

#endif
