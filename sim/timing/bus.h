/* bus.h - the memory of docs/machine.md, DRAM, without stalls and faults, moved from event to event.
 *
 * Reads wait in order; one write burst may be open. An event is the end of a stretch of beats: a load burst, an instruction of a fetch
 * burst, or the last of some equal write bursts.
 */
#ifndef QM_SIM_TIMING_BUS_H
#define QM_SIM_TIMING_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/machine.h"

#define NEVER UINT64_MAX

struct read_burst {
    uint64_t ready; /* cycle of the first beat at the earliest */
    uint32_t beats;
    bool is_fetch;
    bool is_last; /* of its LOAD */
};

struct bus {
    uint64_t beat_bytes, rate; /* rate: bytes a cycle */
    uint32_t latency, depth, insn_beats;
    uint64_t now;         /* all cycles before it are over */
    uint64_t credit;      /* bytes, in cycle now; not kept when every cycle has enough */
    bool turn_is_write;
    struct read_burst *reads; /* ring [depth] */
    uint32_t first, count;
    uint64_t write_from;  /* first cycle in which a beat of the open write burst may move */
    uint32_t write_beats; /* left of it; 0: none is open */
    uint32_t write_size;  /* beats of each of the bursts that follow, its address in the cycle after the last beat before */
    uint32_t write_more;  /* how many */
};

enum bus_event { BUS_NOTHING, BUS_READ, BUS_WRITE };

void bus_init(struct bus *bus, const struct qm_machine *machine);
void bus_fini(struct bus *bus);
/* A read burst accepted in `cycle`, which is not over. */
void bus_read(struct bus *bus, uint64_t cycle, struct read_burst burst);
/* Equal write bursts, the address of the first in `cycle`; none may be open. */
void bus_write(struct bus *bus, uint64_t cycle, uint32_t beats, uint32_t bursts);
/* Goes on to the first event before the cycle `end` and returns it with its cycle. A read that has ended is in *read; beats 0: it is out
 * of the queue. BUS_NOTHING: there is none, and nothing before end will be looked at again. */
enum bus_event bus_advance(struct bus *bus, uint64_t end, uint64_t *cycle, struct read_burst *read);

#endif
