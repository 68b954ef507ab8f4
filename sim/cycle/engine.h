/* engine.h - all blocks of one machine, and the passing of its cycles.
 *
 * A cycle has two phases. First every block says what it does in it, from registers only: the wires. Then all registers move at once.
 * When the wires will repeat for n cycles, the second phase moves the registers by n: that is all there is to skipping.
 */
#ifndef QM_SIM_CYCLE_ENGINE_H
#define QM_SIM_CYCLE_ENGINE_H

#include "sim/cycle/counters.h"
#include "sim/control/csr.h"
#include "sim/control/decode.h"
#include "sim/cycle/fetch.h"
#include "sim/cycle/load.h"
#include "sim/cycle/mac_array.h"
#include "sim/cycle/matmul.h"
#include "sim/cycle/post.h"
#include "sim/cycle/queue.h"
#include "sim/cycle/store.h"
#include "sim/cycle/token.h"
#include "sim/device.h"
#include "sim/functional/functional.h"
#include "sim/memory/dram.h"

struct engine {
    struct qm_device device;
    struct qm_machine machine;
    struct qm_device_options options;
    qm_observer *observer;
    void *observer_context;
    struct probe *probe; /* NULL: nobody looks */

    struct csr csr;
    struct fetch fetch;
    struct decode decode;
    struct token token;
    struct queue queues[QM_UNITS];
    struct load load;
    struct matmul matmul;
    struct mac_array array;
    struct post post;
    struct store store;
    struct qm_counters counters;

    struct qm_memory *dram;
    struct qm_functional_memory values;             /* scratchpad, accumulator */
    uint8_t beats[QM_BURST_BYTES + BEAT_BYTES_MAX]; /* that the store unit drives */
};

void engine_init(struct engine *engine, const struct qm_machine *machine, const struct qm_device_options *options);
void engine_fini(struct engine *engine);

/* Clears everything that START clears. */
void engine_start(struct engine *engine);

/* What an instruction of matmul or post computes; the others move their bytes beat by beat. */
void engine_compute_values(struct engine *engine, const struct qm_insn *insn);

/* Lets at least one cycle and at most `limit` pass; returns how many. */
uint64_t engine_advance(struct engine *engine, uint64_t limit);

#endif
