/* dram.h - the memory behind the AXI4 port: docs/machine.md, DRAM. Ticked by the cycle model and by the RTL bench alike.
 *
 * It decides when beats move. The bytes are its own, or behind a function (options.memory), which sees whole bursts and may take longer.
 *
 * Each cycle: qm_dram_outputs says what the memory drives in this cycle (a function of its state only), then qm_dram_clock takes what
 * the machine drives and moves to the next cycle. The machine is always ready for read beats and responses.
 */
#ifndef QM_SIM_MEMORY_DRAM_H
#define QM_SIM_MEMORY_DRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/machine.h"
#include "sim/device.h"

struct qm_dram;

struct qm_dram_out {
    bool ar_ready;
    bool r_valid, r_last, r_error; /* a beat moves in each cycle with r_valid */
    uint8_t r_id;
    const uint8_t *r_data; /* [axi_bytes] */
    uint64_t r_address;    /* of the beat */
    bool aw_ready, w_ready;
    bool b_valid, b_error;
    uint64_t w_address; /* of the beat that would be accepted now */
};

struct qm_dram_in {
    bool ar_valid;
    uint8_t ar_id;
    uint32_t ar_beats;
    uint64_t ar_address; /* a multiple of axi_bytes */
    bool aw_valid;
    uint32_t aw_beats;
    uint64_t aw_address;
    bool w_valid;
    uint64_t w_strobe;
    const uint8_t *w_data; /* [axi_bytes]; NULL: the beat writes nothing */
};

/* Of the options: memory, seed, stalls. */
struct qm_dram *qm_dram_create(const struct qm_machine *machine, const struct qm_device_options *options);
void qm_dram_destroy(struct qm_dram *dram);
void qm_dram_reset(struct qm_dram *dram);                                 /* empties the queues and sets time to cycle 0 */
uint8_t *qm_dram_at(struct qm_dram *dram, uint64_t address, size_t size); /* [size] of its own bytes, borrowed; must lie inside */
void qm_dram_outputs(struct qm_dram *dram, struct qm_dram_out *out);
void qm_dram_clock(struct qm_dram *dram, const struct qm_dram_in *in);

/* For the skipping engine: for how many cycles, this one included, the memory does the same as now while the machine drives the same (a
 * read beat in each, a write beat in each, or nothing); at least 1. Never covers the last beat of a burst, an acceptance,
 * or a cycle that may stall. */
uint64_t qm_dram_steady_cycles(struct qm_dram *dram, const struct qm_dram_in *in);
/* Does that many of those cycles at once. Read beats lie at r_data one after another; w_data, unless NULL, holds all the beats, and all but
 * the first are written whole. */
void qm_dram_skip(struct qm_dram *dram, const struct qm_dram_in *in, uint64_t cycles);

#endif
