/* state.h - how far a run is known: the times of instructions, the bus, and what the causes are made of. */
#ifndef QM_SIM_TIMING_STATE_H
#define QM_SIM_TIMING_STATE_H

#include "common/record.h"
#include "common/run.h"
#include "sim/control/sizes.h"
#include "sim/timing/bus.h"
#include "sim/timing/extremes.h"
#include "sim/timing/spans.h"
#include "sim/timing/stream.h"
#include "sim/timing/timing.h"
#include "sim/timing/walk.h"

enum {
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text) LARGEST_##name = (maximum),
#include "spec/hw_params.def"
#undef QM_PARAM
    QUEUE_MAX = LARGEST_queue_depth
};

/* The tokens of a pair of units: each start that waits takes the next token that was not lost. */
struct tokens {
    uint32_t next; /* instruction of the giver, counted in the unit, whose end may give the next token */
    uint32_t taken;
    uint32_t passed;       /* instructions of the taker, counted in the unit, that start no later than the end of `next` */
    uint32_t passed_taken; /* tokens that these have taken */
};

/* An instruction of a unit. */
struct member {
    uint64_t start, end; /* when they are known */
    uint32_t index;      /* in the program */
    uint8_t wait, signal;
};

/* One unit's instructions: popped by decode, started, taken, ended, in order. Times of those that are in the queue lie in rings. */
struct unit {
    struct member *members; /* [count] in program order */
    uint32_t count, popped, started, taken, ended;
    uint64_t pop_at[QUEUE_MAX], take_at[QUEUE_MAX];
    uint64_t free_at;               /* the front can start from here on; NEVER: not known yet */
    struct tokens tokens[QM_UNITS]; /* from each unit */
    uint64_t start_cycles, wait_token_cycles;
};

struct timing {
    const struct qm_machine *machine;
    const struct qm_record *insns;      /* [insn_count] those that decode accepts, in order from the first on */
    uint32_t insn_count, program_count; /* when the program has more, decode refuses the next */
    struct member *members;             /* [insn_count] of all units */
    bool has_causes;                    /* they are asked for */
    uint64_t limit_cycles;
    bool is_cut;      /* something would start beyond it */
    uint64_t stop_at; /* decode sees the instruction that it refuses: later nothing starts; NEVER: not known yet, or there is none */
    struct unit units[QM_UNITS];
    uint32_t awake; /* bit u: unit u, bit QM_UNITS: decode may go on, since something that it may have waited for is known now */
    struct bus bus;

    /* fetch and decode */
    uint32_t requested, delivered, popped;
    uint64_t deliver_at[FETCH_FIFO], pop_at[FETCH_FIFO]; /* by instruction % FETCH_FIFO: when it is in the FIFO, when it leaves */
    uint64_t last_fetch_beat;
    uint64_t fetch_from, load_from; /* when a read burst is presented; NEVER: none, or not known yet */
    uint64_t accept_from;           /* the read address channel is free, and the memory has room */
    bool waits_for_room;
    struct walk load, store;

    /* matmul: the first cycle after the last preload; after the last step was streamed; after the step before it was */
    uint64_t preloaded, streamed, streamed_before;
    struct stream stream;
    struct spans matmul_busy, matmul_all, post_issue, post_all, load_busy, store_busy;
    uint64_t load_beats, store_beats, rows, drain_cycles, parameter_items, items, latency_cycles;
};

/* Streams the rows of a MATMUL whose preload may begin in cycle t->preloaded. Runs that begin like the one before are like it. False: they
 * go on beyond the limit. */
bool stream_runs(struct timing *t, const struct qm_record *insn);

/* Counts the cycles and causes of a run that is DONE; the cycles are known. */
void count_causes(struct timing *t, struct qm_counters *counters);

/* What becomes of a program: works out the times of all instructions, as far as they start. Fills times [insn_count] and counts the causes
 * when the run is DONE. NULL: only the cycles are asked for. */
void timing_run(struct timing *t, struct qm_insn_time *times, struct qm_timing_result *result);

#endif
