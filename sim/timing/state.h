/* state.h - how far a run is known: the times of instructions, the bus, and what the causes are made of. */
#ifndef QM_SIM_TIMING_STATE_H
#define QM_SIM_TIMING_STATE_H

#include "sim/timing/bus.h"
#include "sim/timing/spans.h"
#include "sim/timing/timing.h"
#include "sim/timing/walk.h"

enum { FIFO = 8, CHUNK = 4, QUEUE_MAX = 64, TOKENS_MAX = 65535 };

/* The tokens of a pair of units: each start that waits takes the next token that was not lost. */
struct tokens {
    uint32_t next; /* instruction of the giver, counted in the unit, whose end may give the next token */
    uint32_t taken;
    uint32_t passed;       /* instructions of the taker, counted in the unit, that start no later than the end of `next` */
    uint32_t passed_taken; /* tokens that these have taken */
};

/* One unit's instructions: popped by decode, started, taken, ended, in order. Times of those that are in the queue lie in rings. */
struct unit {
    uint32_t *members; /* [count] instructions in program order */
    uint32_t count, popped, started, taken, ended;
    uint64_t pop_at[QUEUE_MAX], take_at[QUEUE_MAX];
    uint64_t free_at;               /* the front can start from here on; NEVER: not known yet */
    struct tokens tokens[QM_UNITS]; /* from each unit */
    uint64_t start_cycles, wait_token_cycles;
};

struct timing {
    const struct qm_machine *machine;
    const struct qm_timing_insn *insns;
    uint32_t insn_count;
    struct qm_insn_time *times;
    uint64_t limit_cycles;
    bool is_long; /* it goes beyond */
    struct unit units[QM_UNITS];
    struct bus bus;

    /* fetch and decode */
    uint32_t requested, delivered, popped;
    uint64_t deliver_at[FIFO], pop_at[FIFO]; /* by instruction % FIFO: when it is in the FIFO, when it leaves */
    uint64_t fetch_from, load_from;          /* when a read burst is presented; NEVER: none, or not known yet */
    uint64_t accept_from;                    /* the read address channel is free, and the memory has room */
    bool waits_for_room;
    struct walk load, store;

    /* matmul: one more than the last cycle of the last preload, of the last step's streaming, and of the one's before */
    uint64_t preloaded, streamed, streamed_before;
    struct spans stream, matmul_busy, matmul_all, post_issue, post_all, load_busy, store_busy;
    uint64_t load_beats, store_beats, rows, drain_cycles, parameter_items, items, latency_cycles;
};

/* Cycles and causes of a run that is over. */
void count_causes(struct timing *t, struct qm_counters *counters);

#endif
