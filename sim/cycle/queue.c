/* queue.c - a ring whose size is a power of two, large enough for the queue and for what is in flight behind it. */
#include "sim/cycle/queue.h"

#include <stdlib.h>

#include "common/memory.h"

void queue_init(struct queue *queue, uint32_t depth, uint32_t in_flight_max) {
    uint64_t capacity = 1;
    while (capacity < (uint64_t)depth + in_flight_max) capacity *= 2;
    *queue = (struct queue){.mask = capacity - 1, .depth = depth};
    queue->insns = qm_alloc_zeroed(capacity, sizeof *queue->insns);
}

void queue_fini(struct queue *queue) {
    free(queue->insns);
}

void queue_reset(struct queue *queue) {
    queue->pushed = queue->started = queue->taken = queue->ended = 0;
}

void queue_push(struct queue *queue, const struct qm_insn *insn) {
    QM_CHECK(queue->pushed - queue->ended <= queue->mask);
    queue->insns[queue->pushed++ & queue->mask] = *insn;
}
