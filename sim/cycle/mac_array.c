/* mac_array.c - a ring of runs; a run takes at least one cycle, so no more than the delay are in flight. */
#include "sim/cycle/mac_array.h"

#include <stdlib.h>

#include "common/memory.h"

void mac_array_init(struct mac_array *array, const struct qm_machine *machine) {
    uint64_t delay = machine->rows + machine->cols, capacity = 1;
    while (capacity < delay + 2) capacity *= 2;
    *array = (struct mac_array){.delay_cycles = (uint32_t)delay, .cols = machine->cols, .mask = capacity - 1};
    array->runs = qm_alloc_zeroed(capacity, sizeof *array->runs);
    array->ends = qm_alloc_zeroed(capacity, sizeof *array->ends);
}

void mac_array_fini(struct mac_array *array) {
    free(array->runs);
    free(array->ends);
}

void mac_array_reset(struct mac_array *array) {
    array->first = array->next = array->first_end = array->next_end = 0;
}

void mac_array_push(struct mac_array *array, struct mac_array_run run, uint64_t now) {
    QM_CHECK(array->next - array->first <= array->mask);
    run.commit = now + array->delay_cycles;
    array->runs[array->next++ & array->mask] = run;
    if (run.is_last) array->ends[array->next_end++ & array->mask] = run.commit + run.rows - 1;
}

uint64_t mac_array_next_end(const struct mac_array *array) {
    return array->first_end == array->next_end ? UINT64_MAX : array->ends[array->first_end & array->mask];
}

/* Commits the rows of one run that fall before the cycle `end`. */
static void commit(const struct mac_array *array, struct mac_array_run *run, uint64_t end, struct qm_counters *counters) {
    uint64_t rows = end - run->commit < run->rows ? end - run->commit : run->rows;
    counters->value[QM_C_acc_writes] += rows * array->cols;
    if (run->adds) counters->value[QM_C_acc_reads] += rows * array->cols;
    run->commit += rows;
    run->rows -= rows;
}

void mac_array_clock(struct mac_array *array, uint64_t now, uint64_t cycles, struct qm_counters *counters) {
    uint64_t end = now + cycles;
    while (array->first != array->next) {
        struct mac_array_run *run = &array->runs[array->first & array->mask];
        if (run->commit >= end) break;
        commit(array, run, end, counters);
        if (run->rows > 0) break;
        array->first++;
    }
    while (mac_array_next_end(array) < end) array->first_end++;
}
