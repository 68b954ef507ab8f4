/* ideal.h - the simplest memory that a core can have: ready in every cycle, a beat the cycle after it is asked for, reads and writes at
 * the same time, and never a word about the cycles to come. */
#ifndef QM_TESTS_UNIT_SIM_MEMORY_IDEAL_H
#define QM_TESTS_UNIT_SIM_MEMORY_IDEAL_H

#include "sim/memory/memory.h"

enum { IDEAL_READS = 4096 };

struct ideal_read {
    uint64_t address; /* of the next beat */
    uint32_t beats_left;
    uint8_t id;
};

struct ideal {
    struct qm_memory base;
    uint8_t *bytes; /* [size_bytes] from this address on, of the test; accesses must lie inside */
    uint64_t address, size_bytes;
    uint32_t beat_bytes;
    struct ideal_read reads[IDEAL_READS]; /* ring */
    uint32_t first, count;
    uint64_t write_address; /* of the next beat */
    uint32_t write_beats_left;
    bool responds;
};

/* Sets all but bytes, address, size_bytes and beat_bytes. */
void ideal_init(struct ideal *ideal);

#endif
