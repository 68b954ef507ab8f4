/* counters.h - counts what is known from the wires: in each group of spec/counters.def one cause for every busy cycle, and most events. */
#ifndef QM_SIM_CYCLE_COUNTERS_H
#define QM_SIM_CYCLE_COUNTERS_H

#include <stdint.h>

#include "common/counters.h"

struct core;
struct wires;

/* The edges of `cycles` cycles. Load, store, array and post unit count themselves where they know more. */
void counters_clock(const struct wires *wires, struct core *core, uint64_t cycles);

/* Aborts unless each group adds up to the cycles. */
void counters_check(const struct qm_counters *counters);

#endif
