/* post.c - issues the items that an opcode's shape (common/opcode/) counts, and ends its latency after the last. */
#include "sim/cycle/post.h"

void post_reset(struct post *post) {
    *post = (struct post){.machine = post->machine};
}

static const struct qm_post_shape *shape_of(const struct qm_insn *insn) {
    const struct qm_post_shape *shape = qm_opcode_info(insn->opcode)->post;
    QM_CHECK(shape != NULL);
    return shape;
}

/* The items from the next on that have its cause; there is one. */
static struct qm_post_stretch stretch(const struct post *post) {
    const struct qm_post_shape *shape = shape_of(post->insn);
    if (shape->stretch == NULL) return (struct qm_post_stretch){false, post->items - post->issued};
    return shape->stretch(post->insn, post->machine, post->issued);
}

enum post_activity post_activity(const struct post *post) {
    if (!post->is_busy) return POST_FREE;
    if (post->issued == post->items) return POST_DRAIN;
    return stretch(post).is_param ? POST_PARAM : POST_ROW;
}

bool post_ends(const struct post *post, uint64_t now) {
    return post->is_busy && now == post->end_cycle;
}

uint64_t post_steady_cycles(const struct post *post, uint64_t now) {
    switch (post_activity(post)) {
    case POST_FREE: return UINT64_MAX;
    case POST_DRAIN: return now == post->end_cycle ? 1 : post->end_cycle - now;
    default: return stretch(post).items;
    }
}

void post_clock_start(struct post *post, const struct qm_insn *insn, uint64_t now) {
    const struct qm_post_shape *shape = shape_of(insn);
    post->is_busy = true;
    post->insn = insn;
    post->issued = 0;
    post->items = shape->item_count(insn, post->machine);
    post->end_cycle = now + post->items + qm_post_latency(insn);
    post->events = (struct qm_post_events){0};
}

void post_clock(struct post *post, uint64_t now, uint64_t cycles, struct qm_counters *counters) {
    if (post->issued < post->items) {
        post->issued += cycles;
        struct qm_post_events events = shape_of(post->insn)->events(post->insn, post->machine, post->issued);
        qm_post_count(&post->events, &events, counters->value);
        post->events = events;
    }
    if (now == post->end_cycle) post->is_busy = false;
}
