/* words.c - the forms that a program has: words as they lie in memory, which decode may refuse, and records. */
#include <stdlib.h>

#include "common/memory.h"
#include "common/work.h"
#include "sim/control/decode.h"
#include "sim/timing/state.h"

/* Makes the records [count] of the instructions up to the first that decode refuses, and counts their events; returns how many, and why the
 * next is refused. */
static uint32_t read_words(const struct qm_timing_words *program, struct qm_record *records, struct qm_timing_result *result) {
    struct decode decode;
    decode_init(&decode, program->machine);
    for (uint32_t i = 0; i < program->count; i++) {
        result->error = decode_check(&decode, program->words[i], program->memory_bytes);
        if (result->error != QM_ERROR_NONE) return i;
        qm_record_make(&decode.insn, program->machine, &records[i]);
        qm_work_add(&decode.insn, program->machine, &result->counters);
    }
    return program->count;
}

/* Only a run that is DONE has counters. */
static void run(struct timing *timing, struct qm_insn_time *times, struct qm_timing_result *result) {
    timing_run(timing, times, result);
    if (result->error != QM_ERROR_NONE || result->is_long) result->counters = (struct qm_counters){0};
}

static struct timing accepted(const struct qm_record *records, uint32_t count, const struct qm_machine *machine) {
    return (struct timing){
        .machine = machine, .insns = records, .program_count = count, .insn_count = count, .limit_cycles = QM_TIMING_CYCLES_MAX};
}

void qm_timing_words(const struct qm_timing_words *program, struct qm_insn_time *times, struct qm_timing_result *result) {
    struct qm_record *records = qm_alloc((program->count + 1) * sizeof *records);
    *result = (struct qm_timing_result){0};
    struct timing timing = {.machine = program->machine,
                            .insns = records,
                            .program_count = program->count,
                            .insn_count = read_words(program, records, result),
                            .limit_cycles = program->limit_cycles};
    run(&timing, times, result);
    free(records);
}

void qm_timing_records(const struct qm_timing_records *program, struct qm_insn_time *times, struct qm_timing_result *result) {
    struct timing timing = accepted(program->records, program->count, program->machine);
    *result = (struct qm_timing_result){.counters = *program->events};
    run(&timing, times, result);
}

uint64_t qm_timing_cycles(const struct qm_record *records, uint32_t count, const struct qm_machine *machine) {
    struct timing timing = accepted(records, count, machine);
    struct qm_timing_result result = {0};
    timing_run(&timing, NULL, &result);
    return result.is_long || result.error != QM_ERROR_NONE ? UINT64_MAX : result.cycles;
}
