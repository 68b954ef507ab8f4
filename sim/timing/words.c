/* words.c - a program as it lies in memory: what decode refuses, what time needs to know of the rest, and its events. */
#include <stdlib.h>

#include "common/memory.h"
#include "common/work.h"
#include "sim/control/decode.h"
#include "sim/timing/state.h"

/* Makes the records [count] of the instructions up to the first that decode refuses, and counts their events; returns how many, and why the
 * next is refused. */
static uint32_t read_words(const struct qm_timing_words *program, struct record *records, struct qm_timing_result *result) {
    struct decode decode;
    decode_init(&decode, program->machine);
    for (uint32_t i = 0; i < program->count; i++) {
        result->error = decode_check(&decode, program->words[i], program->memory_bytes);
        if (result->error != QM_ERROR_NONE) return i;
        record_make(&decode.insn, program->machine, &records[i]);
        qm_work_add(&decode.insn, program->machine, &result->counters);
    }
    return program->count;
}

void qm_timing_words(const struct qm_timing_words *program, struct qm_insn_time *times, struct qm_timing_result *result) {
    struct record *records = qm_alloc((program->count + 1) * sizeof *records);
    *result = (struct qm_timing_result){0};
    struct timing timing = {.machine = program->machine,
                            .insns = records,
                            .program_count = program->count,
                            .insn_count = read_words(program, records, result),
                            .limit_cycles = program->limit_cycles};
    timing_run(&timing, times, result);
    if (result->error != QM_ERROR_NONE || result->is_long) result->counters = (struct qm_counters){0};
    free(records);
}

uint64_t qm_timing_cycles(const struct qm_timing_insns *program) {
    struct record *records = qm_alloc((program->count + 1) * sizeof *records);
    struct qm_timing_result result = {0};
    for (uint32_t i = 0; i < program->count; i++)
        record_make((const struct qm_insn *)((const char *)program->first + i * program->stride), program->machine, &records[i]);
    struct timing timing = {.machine = program->machine,
                            .insns = records,
                            .program_count = program->count,
                            .insn_count = program->count,
                            .limit_cycles = QM_TIMING_CYCLES_MAX};
    timing_run(&timing, NULL, &result);
    free(records);
    return result.is_long || result.error != QM_ERROR_NONE ? UINT64_MAX : result.cycles;
}
