/* memory.h - a memory as the master of its bus sees it, whatever it is made of: the signals of one cycle, and how time passes.
 *
 * Each cycle: the outputs are what the memory drives in this cycle (a function of its state only), then the clock takes what the master
 * drives and moves the state. The master is always ready for read beats and responses.
 *
 * Skipping: a memory may say that it goes on as in this cycle, and is then clocked by many cycles at once. One that always says 1 is never
 * asked to.
 */
#ifndef QM_SIM_MEMORY_MEMORY_H
#define QM_SIM_MEMORY_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* What the memory drives. */
struct qm_memory_out {
    bool ar_ready;
    bool r_valid, r_last, r_error; /* a beat moves in each cycle with r_valid */
    uint8_t r_id;
    const uint8_t *r_data; /* [axi_bytes], valid until the clock; in steady cycles the beats lie one after another */
    uint64_t r_address;    /* of the beat */
    bool aw_ready, w_ready;
    bool b_valid, b_error;
    uint64_t w_address; /* of the beat that would be accepted now */
};

/* What the master drives. */
struct qm_memory_in {
    bool ar_valid;
    uint8_t ar_id;
    uint32_t ar_beats;
    uint64_t ar_address; /* a multiple of axi_bytes */
    bool aw_valid;
    uint32_t aw_beats;
    uint64_t aw_address;
    bool w_valid;
    uint64_t w_strobe;     /* of the first beat; those of the other steady cycles are written whole */
    const uint8_t *w_data; /* [axi_bytes], or the beats of all steady cycles; NULL: the beats write nothing */
};

struct qm_memory {
    const struct qm_memory_ops *ops;
};

struct qm_memory_ops {
    void (*reset)(struct qm_memory *memory); /* empties the queues and sets time to cycle 0; the bytes stay */
    void (*outputs)(struct qm_memory *memory, struct qm_memory_out *out);
    /* For how many cycles, this one included, the memory does the same as now while the master drives the same (a read beat in each, a
     * write beat in each, or nothing); at least 1. Never covers the last beat of a burst, an acceptance, or a cycle that may stall. */
    uint64_t (*steady_cycles)(struct qm_memory *memory, const struct qm_memory_in *in);
    /* The edges of `cycles` cycles, at most the steady ones. */
    void (*clock)(struct qm_memory *memory, const struct qm_memory_in *in, uint64_t cycles);
};

#endif
