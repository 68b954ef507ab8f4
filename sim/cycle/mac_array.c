/* mac_array.c - a ring of the steps whose rows are in flight; each takes at least one cycle, so that there are no more than the delay. */
#include "sim/cycle/mac_array.h"

#include <stdlib.h>

#include "common/memory.h"

void mac_array_init(struct mac_array *array, const struct qm_machine *machine) {
    uint64_t delay = machine->rows + machine->cols, capacity = 1;
    while (capacity < delay + 2) capacity *= 2;
    *array = (struct mac_array){.delay_cycles = (uint32_t)delay, .cols = machine->cols, .mask = capacity - 1};
    array->in_flight = qm_alloc_zeroed(capacity, sizeof *array->in_flight);
    array->ends = qm_alloc_zeroed(capacity, sizeof *array->ends);
}

void mac_array_fini(struct mac_array *array) {
    free(array->in_flight);
    free(array->ends);
}

void mac_array_reset(struct mac_array *array) {
    array->first = array->next = array->first_end = array->next_end = 0;
}

void mac_array_push(struct mac_array *array, struct mac_array_rows rows, uint64_t now) {
    QM_CHECK(array->next - array->first <= array->mask);
    rows.commit = now + array->delay_cycles;
    array->in_flight[array->next++ & array->mask] = rows;
    if (rows.is_last) array->ends[array->next_end++ & array->mask] = rows.commit + rows.stream.rows - 1;
}

uint64_t mac_array_next_end(const struct mac_array *array) {
    return array->first_end == array->next_end ? UINT64_MAX : array->ends[array->first_end & array->mask];
}

/* Commits those that fall before the cycle `end`. */
static void commit(const struct mac_array *array, struct mac_array_rows *rows, uint64_t end, struct qm_counters *counters) {
    uint64_t left = rows->stream.rows - rows->done, count = end - rows->commit < left ? end - rows->commit : left;
    uint64_t outputs = qm_stream_outputs(&rows->stream, rows->done + count) - qm_stream_outputs(&rows->stream, rows->done);
    counters->value[QM_C_acc_writes] += outputs * array->cols;
    if (rows->adds) counters->value[QM_C_acc_reads] += outputs * array->cols;
    rows->commit += count;
    rows->done += count;
}

void mac_array_clock(struct mac_array *array, uint64_t now, uint64_t cycles, struct qm_counters *counters) {
    uint64_t end = now + cycles;
    while (array->first != array->next) {
        struct mac_array_rows *rows = &array->in_flight[array->first & array->mask];
        if (rows->commit >= end) break;
        commit(array, rows, end, counters);
        if (rows->done < rows->stream.rows) break;
        array->first++;
    }
    while (mac_array_next_end(array) < end) array->first_end++;
}
