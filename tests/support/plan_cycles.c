/* plan_cycles.c - see plan_cycles.h. */
#include "tests/support/plan_cycles.h"

#include <stdlib.h>

#include "common/memory.h"
#include "common/program_work.h"
#include "sim/timing/timing.h"

uint64_t plan_cycles(const struct qm_program *program) {
    uint64_t cycles = 0;
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->insn_count == 0) continue;
        struct qm_counters events = qm_program_work_of_stage(program, i);
        struct qm_timing_records records = {program->work->records + stage->first_insn, stage->insn_count, &events, &program->machine};
        struct qm_insn_time *times = qm_alloc_zeroed(stage->insn_count, sizeof *times);
        struct qm_timing_result result;
        qm_timing_records(&records, times, &result);
        free(times);
        QM_CHECK(!result.is_long && result.error == QM_ERROR_NONE);
        cycles += result.cycles;
    }
    return cycles;
}
