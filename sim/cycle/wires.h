/* wires.h - what every block does in one cycle, and the two things made from it: the events, and how long it will repeat. */
#ifndef QM_SIM_CYCLE_WIRES_H
#define QM_SIM_CYCLE_WIRES_H

#include "sim/cycle/engine.h"

struct wires {
    uint64_t now; /* the cycle */
    struct qm_memory_out memory;
    struct qm_memory_in bus;

    bool starts[QM_UNITS], ends[QM_UNITS];
    bool load_takes, matmul_takes;
    struct read_request fetch, load;
    struct write_request store;
    bool fetch_accepted, load_accepted, address_accepted;
    bool fetch_beat, load_beat, store_beat;
    struct matmul_issue matmul;
    enum post_activity post;

    bool decodes; /* the head goes into its queue */
    bool is_quiet;
    enum qm_error error; /* the smallest seen */
    bool run_ends;
};

void wires_settle(struct wires *wires, struct engine *engine);
void wires_report(const struct wires *wires, const struct engine *engine);

/* For how many cycles, this one included, the wires repeat; 1 when anything but steady progress happens. */
uint64_t wires_steady_cycles(const struct wires *wires, const struct engine *engine);

#endif
