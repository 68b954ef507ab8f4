/* queue.h - the instruction queue of one unit, and the life of its instructions in counts.
 *
 * Instruction i of the run (0 is the unit's first) is pushed by decode, started by the front, taken by the back (which frees its slot), and
 * ends: ended <= taken <= started <= pushed. It stays readable until it ends, because values are computed then.
 */
#ifndef QM_SIM_CYCLE_QUEUE_H
#define QM_SIM_CYCLE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"

struct queue {
    struct qm_insn *insns; /* [mask + 1], instruction i at i & mask */
    uint64_t mask;
    uint64_t depth;
    uint64_t pushed, started, taken, ended;
};

/* in_flight_max: how many instructions may be taken and not ended. */
void queue_init(struct queue *queue, uint32_t depth, uint32_t in_flight_max);
void queue_fini(struct queue *queue);
void queue_reset(struct queue *queue);
void queue_push(struct queue *queue, const struct qm_insn *insn);

static inline const struct qm_insn *queue_insn(const struct queue *queue, uint64_t index) {
    return &queue->insns[index & queue->mask];
}

static inline bool queue_is_full(const struct queue *queue) {
    return queue->pushed - queue->taken >= queue->depth;
}

static inline bool queue_is_empty(const struct queue *queue) {
    return queue->pushed == queue->taken;
}

/* An instruction has not been started. */
static inline bool queue_is_waiting(const struct queue *queue) {
    return queue->pushed != queue->started;
}

/* A started instruction has not ended. */
static inline bool queue_is_working(const struct queue *queue) {
    return queue->started != queue->ended;
}

#endif
