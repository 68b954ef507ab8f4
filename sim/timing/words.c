/* words.c - a program as it lies in memory: what decode refuses, what time needs to know of the rest, and its events. */
#include <stdlib.h>

#include "common/memory.h"
#include "common/opcode/opcode.h"
#include "common/work.h"
#include "sim/control/decode.h"
#include "sim/timing/timing.h"

struct reader {
    struct decode decode;
    const struct qm_machine *machine;
    uint64_t memory_bytes, limit_cycles;
    struct qm_counters *counters;
};

static enum qm_error read_insn(struct reader *reader, const uint32_t *words, struct qm_timing_insn *record) {
    enum qm_error error = decode_check(&reader->decode, words, reader->memory_bytes);
    if (error != QM_ERROR_NONE) return error;
    const struct qm_insn *insn = &reader->decode.insn;
    qm_timing_insn(insn, reader->machine, record);
    qm_work_add(insn, reader->machine, reader->counters);
    uint64_t share = qm_work_limit_share(insn, reader->machine, 0), room = QM_ENDLESS - reader->limit_cycles;
    reader->limit_cycles += share < room ? share : room;
    return QM_ERROR_NONE;
}

void qm_timing_words(const struct qm_timing_words *program, struct qm_insn_time *times, struct qm_timing_result *result) {
    struct reader reader = {.machine = program->machine,
                            .memory_bytes = program->memory_bytes,
                            .limit_cycles = QM_LIMIT_MIN_CYCLES,
                            .counters = &result->counters};
    struct qm_timing_insn *records = qm_alloc((program->count + 1) * sizeof *records);
    uint32_t count = 0;
    *result = (struct qm_timing_result){0};
    decode_init(&reader.decode, program->machine);
    for (; count < program->count && result->error == QM_ERROR_NONE; count++)
        result->error = read_insn(&reader, program->words[count], &records[count]);
    if (result->error != QM_ERROR_NONE) count--;
    struct qm_timing_program good = {records, count, program->machine, reader.limit_cycles};
    enum qm_timing_outcome outcome = qm_timing_run(&good, times, &result->counters, &result->accepted);
    result->is_endless = outcome == QM_TIMING_LONG;
    bool is_stuck = outcome == QM_TIMING_DEADLOCK && (count == program->count || result->accepted < count);
    if (is_stuck) result->error = QM_ERROR_DEADLOCK;
    if (result->error != QM_ERROR_NONE || result->is_endless) result->counters = (struct qm_counters){0};
    free(records);
}
