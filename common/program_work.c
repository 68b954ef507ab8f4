/* program_work.c - see program_work.h. */
#include "common/program_work.h"

#include "common/work.h"

struct qm_program_work *qm_program_work_create(const struct qm_program *program, struct qm_arena *arena) {
    struct qm_program_work *work = QM_ARENA_NEW(arena, struct qm_program_work, 1);
    work->records = QM_ARENA_NEW(arena, struct qm_record, program->insn_count);
    work->events = QM_ARENA_NEW(arena, struct qm_counters, program->layer_count);
    return work;
}

void qm_program_work_add(struct qm_program_work *work, const struct qm_machine *machine, const struct qm_insn *insn, uint32_t index,
                         uint32_t layer) {
    qm_record_make(insn, machine, &work->records[index]);
    qm_work_add(insn, machine, &work->events[layer]);
}

const struct qm_program_work *qm_program_work(const struct qm_program *program, const struct qm_machine *machine, struct qm_arena *arena) {
    if (program->work != NULL) return program->work;
    struct qm_program_work *work = qm_program_work_create(program, arena);
    for (uint32_t s = 0; s < program->stage_count; s++) {
        const struct qm_program_stage *stage = &program->stages[s];
        if (stage->on_host) continue;
        for (uint32_t i = stage->first_insn; i < stage->first_insn + stage->insn_count; i++) {
            struct qm_insn insn;
            qm_insn_unpack(program->insns[i], &insn);
            qm_program_work_add(work, machine, &insn, i, program->insn_layer[i]);
        }
    }
    return work;
}

struct qm_counters qm_program_work_of_stage(const struct qm_program *program, uint32_t stage) {
    uint32_t end = stage + 1 < program->stage_count ? program->stages[stage + 1].layer : program->layer_count;
    struct qm_counters events = {0};
    for (uint32_t layer = program->stages[stage].layer; layer < end; layer++)
        for (int i = 0; i < QM_COUNTERS; i++) events.value[i] += program->work->events[layer].value[i];
    return events;
}
