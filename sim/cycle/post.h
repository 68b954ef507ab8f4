/* post.h - the post unit: one instruction at a time, one item a cycle without a gap.
 * What the items of an opcode are says its qm_post_shape. */
#ifndef QM_SIM_CYCLE_POST_H
#define QM_SIM_CYCLE_POST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/opcode/opcode.h"

struct post {
    const struct qm_machine *machine;
    bool is_busy;
    const struct qm_insn *insn;
    uint64_t items, issued;
    uint64_t end_cycle;           /* known from the start on */
    struct qm_post_events events; /* of the issued items */
};

enum post_activity { POST_FREE, POST_PARAM, POST_ROW, POST_DRAIN };

void post_reset(struct post *post);
enum post_activity post_activity(const struct post *post);
bool post_ends(const struct post *post, uint64_t now);

/* For how many cycles, this one included, the activity stays and no instruction ends; at least 1. */
uint64_t post_steady_cycles(const struct post *post, uint64_t now);

/* The edge of a cycle in which the unit starts. */
void post_clock_start(struct post *post, const struct qm_insn *insn, uint64_t now);

/* The edges of `cycles` cycles, at most the steady ones. */
void post_clock(struct post *post, uint64_t now, uint64_t cycles, struct qm_counters *counters);

#endif
