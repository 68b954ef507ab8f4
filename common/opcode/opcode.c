/* opcode.c - the table of descriptions, and what is asked of any opcode by it. */
#include "common/opcode/opcode.h"

#define QM_OPCODE(name, code, unit, text) extern const struct qm_opcode_info qm_opcode_##name;
#include "spec/isa.def"
#undef QM_OPCODE

const struct qm_opcode_info *qm_opcode_info(int64_t opcode) {
    static const struct qm_opcode_info *const infos[QM_OPCODE_LIMIT] = {
#define QM_OPCODE(name, code, unit, text) [code] = &qm_opcode_##name,
#include "spec/isa.def"
#undef QM_OPCODE
    };
    QM_CHECK(opcode >= 0 && opcode < QM_OPCODE_LIMIT && infos[opcode] != NULL);
    return infos[opcode];
}

uint64_t qm_post_latency(const struct qm_insn *insn) {
    const struct qm_post_shape *shape = qm_opcode_info(insn->opcode)->post;
    return shape->latency_cycles + (insn->residual != 0 ? shape->residual_cycles : 0);
}

bool qm_writes_arena_below(const struct qm_insn *insn, const struct qm_machine *machine, int64_t bytes) {
    struct qm_operand operands[QM_OPERANDS];
    uint32_t count = qm_opcode_info(insn->opcode)->find_operands(insn, machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].space == QM_SPACE_ARENA && operands[i].is_written && operands[i].begin < bytes) return true;
    return false;
}

void qm_post_count(const struct qm_post_events *from, const struct qm_post_events *to, uint64_t *value) {
#define QM_POST_COUNTER(name, unit, text) value[QM_C_##name] += to->name - from->name;
#define QM_COUNTER(name, unit, text)
#define QM_VALUE_COUNTER(name, unit, text)
#define QM_CAUSE(group, name, text)
#include "spec/counters.def"
#undef QM_COUNTER
#undef QM_VALUE_COUNTER
#undef QM_CAUSE
}

void qm_opcode_add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    static const struct qm_post_events none;
    const struct qm_opcode_info *info = qm_opcode_info(insn->opcode);
    if (info->post == NULL) {
        info->add_events(insn, machine, value);
        return;
    }
    struct qm_post_events all = info->post->events(insn, machine, info->post->item_count(insn, machine));
    qm_post_count(&none, &all, value);
}

uint64_t qm_opcode_alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    const struct qm_opcode_info *info = qm_opcode_info(insn->opcode);
    return info->post != NULL ? info->post->item_count(insn, machine) + qm_post_latency(insn) : info->alone_cycles(insn, machine);
}
