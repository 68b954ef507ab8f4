/* stream.c - what a group covers up to a cycle is whole periods and a part of one. */
#include "sim/timing/stream.h"

#include <stdlib.h>

#include "common/memory.h"
#include "sim/timing/extremes.h"

void stream_fini(struct stream *stream) {
    free(stream->spans);
    free(stream->groups);
}

static void *with_room(void *list, uint32_t count, uint32_t *room, size_t item_bytes) {
    if (count < *room) return list;
    *room = *room > 0 ? 2 * *room : 64;
    return qm_alloc_more(list, *room * item_bytes);
}

void stream_begin_run(struct stream *stream) {
    stream->groups = with_room(stream->groups, stream->group_count, &stream->group_room, sizeof *stream->groups);
    stream->groups[stream->group_count++] = (struct group){.first = stream->span_count, .times = 1};
}

void stream_add(struct stream *stream, uint64_t begin, uint64_t end) {
    struct group *group = &stream->groups[stream->group_count - 1];
    if (group->count > 0 && stream->spans[stream->span_count - 1].end == begin) {
        stream->spans[stream->span_count - 1].end = end;
        return;
    }
    stream->spans = with_room(stream->spans, stream->span_count, &stream->span_room, sizeof *stream->spans);
    stream->spans[stream->span_count++] = (struct span){begin, end};
    group->count++;
}

void stream_repeat_run(struct stream *stream, uint64_t period, uint64_t times) {
    struct group *group = &stream->groups[stream->group_count - 1];
    group->period = period;
    group->times += times;
}

static uint64_t group_begin(const struct stream *stream, const struct group *group) {
    return stream->spans[group->first].begin;
}

static uint64_t group_end(const struct stream *stream, const struct group *group) {
    return stream->spans[group->first + group->count - 1].end + (group->times - 1) * group->period;
}

/* Of one run, before the cycle as it is in the first. */
static uint64_t run_before(const struct stream *stream, const struct group *group, uint64_t cycle) {
    uint64_t covered = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct span *span = &stream->spans[group->first + i];
        if (span->begin >= cycle) break;
        covered += smaller(span->end, cycle) - span->begin;
    }
    return covered;
}

/* Of all runs of the group, before the cycle, which is not before its begin. */
static uint64_t covered_before(const struct stream *stream, const struct group *group, uint64_t cycle) {
    uint64_t runs = group->times > 1 ? smaller((cycle - group_begin(stream, group)) / group->period, group->times - 1) : 0;
    uint64_t part = run_before(stream, group, cycle - runs * group->period);
    return runs > 0 ? runs * run_before(stream, group, UINT64_MAX) + part : part;
}

uint64_t stream_common(const struct stream *stream, const struct spans *spans) {
    uint64_t common = 0;
    uint32_t first = 0;
    for (uint32_t i = 0; i < spans->count; i++) {
        const struct span *span = &spans->items[i];
        while (first < stream->group_count && group_end(stream, &stream->groups[first]) <= span->begin) first++;
        for (uint32_t g = first; g < stream->group_count && group_begin(stream, &stream->groups[g]) < span->end; g++) {
            const struct group *group = &stream->groups[g];
            uint64_t begin = group_begin(stream, group);
            common += covered_before(stream, group, span->end) - covered_before(stream, group, span->begin > begin ? span->begin : begin);
        }
    }
    return common;
}
