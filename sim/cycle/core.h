/* core.h - the machine without its memory: registers, fetch, decode, tokens, queues, units, counters, scratchpad and accumulator.
 *
 * A cycle has two phases. First every block says what it does in it, from registers and what the memory drives: the wires (wires.h). Then
 * all registers move at once. When the wires will repeat for n cycles, the second phase moves the registers by n: that is all there is to
 * skipping. The core sees its bus; who is behind the bus, and who watches, it does not know.
 */
#ifndef QM_SIM_CYCLE_CORE_H
#define QM_SIM_CYCLE_CORE_H

#include "common/counters.h"
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
#include "sim/functional/functional.h"

struct wires;

struct core {
    struct qm_machine machine;
    bool has_values; /* else only instructions are read, and nothing is moved or computed */

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

    struct qm_functional_memory values;             /* scratchpad, accumulator */
    uint8_t beats[QM_BURST_BYTES + BEAT_BYTES_MAX]; /* that the store unit drives */
};

/* Blocks point at the machine in the core, so that a core stays where it was made. */
void core_init(struct core *core, const struct qm_machine *machine, bool has_values);
void core_fini(struct core *core);

/* docs/machine.md, Reset. */
void core_reset(struct core *core);

/* Returns whether the write is a START that is accepted: the next cycle is cycle 0. */
bool core_write_csr(struct core *core, uint32_t offset, uint32_t value);
uint32_t core_read_csr(const struct core *core, uint32_t offset);

/* What an instruction of matmul or post computes; the others move their bytes beat by beat. */
void core_compute_values(struct core *core, const struct qm_insn *insn);

/* The edges of `cycles` cycles, in which the wires are these. The bytes of all beats that are written lie at wires->bus.w_data then. */
void core_clock(struct core *core, const struct wires *wires, uint64_t cycles);

#endif
