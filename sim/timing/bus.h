/* bus.h - the memory of docs/machine.md, DRAM, without stalls and faults, moved from event to event.
 *
 * Reads wait in order; one write burst may be open. An event is the end of a stretch of beats: of reads, of an instruction that is
 * fetched, or of some equal write bursts.
 */
#ifndef QM_SIM_TIMING_BUS_H
#define QM_SIM_TIMING_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/machine.h"

#define NEVER UINT64_MAX

/* Read bursts of one instruction, or of one fetch, that follow one another without a gap if the bus does not make one. */
struct reads {
    uint64_t ready;      /* cycle of the first beat at the earliest; the other bursts are ready by the time their turn comes */
    uint64_t last_ready; /* of the last burst */
    uint64_t beats;      /* that have not moved */
    uint32_t size;       /* beats of each burst */
    uint32_t bursts;     /* held or promised, those that have ended and were not released yet among them */
    bool is_fetch;       /* one burst; the end of each of its instructions is an event */
    bool is_last;        /* of its LOAD */
};

struct bus {
    uint64_t beat_bytes, rate; /* rate: bytes a cycle */
    uint32_t latency, depth, insn_beats;
    uint64_t now;    /* all cycles before it are over */
    uint64_t credit; /* bytes, in cycle now; not kept when every cycle has enough */
    bool turn_is_write;
    struct reads *reads; /* ring [mask + 1], with room for one more than depth */
    uint32_t mask, first, count;
    uint32_t held;        /* bursts of all reads; those beyond depth are promised */
    uint64_t beats;       /* of all reads */
    uint64_t write_from;  /* first cycle in which a beat of the open write burst may move */
    uint32_t write_beats; /* left of it; 0: none is open */
    uint32_t write_size;  /* beats of each of the bursts that follow, its address in the cycle after the last beat before */
    uint32_t write_more;  /* how many */
};

/* ROOM: a stretch of read beats has ended of which nothing else follows. */
enum bus_event { BUS_NOTHING, BUS_ROOM, BUS_FETCHED, BUS_LOADED, BUS_WRITTEN };

void bus_init(struct bus *bus, const struct qm_machine *machine);
void bus_fini(struct bus *bus);
/* Read bursts accepted in `cycle` and those after it, one in each. Those for which the memory has no room are promised: each is accepted
 * in the cycle after the one in which a burst has ended. */
void bus_read(struct bus *bus, uint64_t cycle, struct reads reads);
/* How many bursts of so many beats the full memory may be promised at most, when nobody else asks for room before the second cycle after
 * `until`, or after the bus's next news. */
uint32_t bus_promises(const struct bus *bus, uint32_t size, uint64_t until);
/* The address or bursts that bus_write has opened are withdrawn; none of their beats has moved. */
void bus_drop_writes(struct bus *bus);
/* Releases bursts that have ended, which are held until somebody needs the room. */
void bus_release(struct bus *bus);
/* The cycle in which the n-th instruction from here on of the fetch that is under way has been fetched, when nothing is written before. */
uint64_t bus_insn_cycle(const struct bus *bus, uint32_t n);
/* The ends of these instructions are no events any more. */
void bus_pass_fetch(struct bus *bus);
/* Whether the memory holds as many bursts as it can. */
static inline bool bus_is_full(const struct bus *bus) {
    return bus->held >= bus->depth;
}
/* The first cycle in which an instruction may have been fetched, or loaded, or the writes may have ended; NEVER: nothing is on the bus. */
uint64_t bus_news_from(const struct bus *bus);
/* Equal write bursts, the address of the first in `cycle`; none may be open. */
void bus_write(struct bus *bus, uint64_t cycle, uint32_t beats, uint32_t bursts);
/* Goes on to the first event before the cycle `end` and returns it with its cycle: an instruction was fetched, the last burst of a LOAD has
 * ended, the writes have ended. BUS_NOTHING: there is none, and the cycles before end are over. */
enum bus_event bus_advance(struct bus *bus, uint64_t end, uint64_t *cycle);

#endif
