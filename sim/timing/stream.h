/* stream.h - the cycles in which the array streams rows: run by run of MATMULs, where a run that has become like the one before it stands
 * for all that follow.
 */
#ifndef QM_SIM_TIMING_STREAM_H
#define QM_SIM_TIMING_STREAM_H

#include "sim/timing/spans.h"

/* Spans of one run, and how often they come. */
struct group {
    uint32_t first, count; /* of the spans */
    uint64_t period, times;
};

struct stream {
    struct span *spans;   /* [span_count] */
    struct group *groups; /* [group_count] in order of time; they do not overlap */
    uint32_t span_count, span_room, group_count, group_room;
};

void stream_fini(struct stream *stream);
void stream_begin_run(struct stream *stream);
void stream_add(struct stream *stream, uint64_t begin, uint64_t end); /* of the run; not before the last one */
/* The run comes `times` times more, each `period` cycles after the one before. */
void stream_repeat_run(struct stream *stream, uint64_t period, uint64_t times);

/* Cycles that are both in the stream and in one of the spans. */
uint64_t stream_common(const struct stream *stream, const struct spans *spans);

#endif
