/* wires.h - what every block of the core does in one cycle, and how long it will repeat. */
#ifndef QM_SIM_CYCLE_WIRES_H
#define QM_SIM_CYCLE_WIRES_H

#include "sim/cycle/core.h"
#include "sim/memory/memory.h"

struct wires {
    uint64_t now;                /* the cycle */
    struct qm_memory_out memory; /* what the memory drives */
    struct qm_memory_in bus;     /* what the core drives */

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

/* From the registers of the core and what the memory drives. No register moves; the core keeps the head of the FIFO once it is checked, and
 * the beats that store reads. */
void wires_evaluate(struct wires *wires, struct core *core, const struct qm_memory_out *memory);

/* For how many cycles, this one included, the core does the same if the memory does; 1 when anything but steady progress happens. */
uint64_t wires_steady_cycles(const struct wires *wires, const struct core *core);

#endif
