/* fetch.h - reads the program in bursts of up to four instructions into a FIFO of eight. */
#ifndef QM_SIM_CYCLE_FETCH_H
#define QM_SIM_CYCLE_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"
#include "sim/control/csr.h"
#include "sim/control/sizes.h"

enum { FETCH_READ_ID = 0, LOAD_READ_ID = 1 };

struct fetch {
    uint32_t words[FETCH_FIFO][QM_INSN_WORDS]; /* instruction i of the program at i % FETCH_FIFO */
    uint64_t requested, delivered, popped;     /* instructions */
    uint32_t filled_bytes;                     /* of the instruction that arrives */
    uint32_t beat_bytes;
};

/* A read burst that a unit drives in this cycle. */
struct read_request {
    bool valid;
    uint64_t offset; /* in the arena */
    uint32_t beats;
};

void fetch_reset(struct fetch *fetch);
struct read_request fetch_request(const struct fetch *fetch, const struct csr *csr);

/* A beat that arrives now is the last of its burst. */
bool fetch_is_burst_end(const struct fetch *fetch, const struct csr *csr);

/* The edge of a cycle in which the burst was accepted. */
void fetch_clock_request(struct fetch *fetch, const struct read_request *request);

/* The edge of a cycle in which a beat arrived. */
void fetch_clock_beat(struct fetch *fetch, const uint8_t *data);

static inline bool fetch_has_head(const struct fetch *fetch) {
    return fetch->delivered != fetch->popped;
}

static inline bool fetch_is_outstanding(const struct fetch *fetch) {
    return fetch->requested != fetch->delivered;
}

static inline const uint32_t *fetch_head(const struct fetch *fetch) {
    return fetch->words[fetch->popped % FETCH_FIFO];
}

#endif
