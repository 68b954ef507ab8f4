/* opcode.c - the table of descriptions, and what all opcodes of the post unit share. */
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

bool qm_writes_arena_below(const struct qm_insn *insn, const struct qm_machine *machine, int64_t bytes) {
    struct qm_operand operands[QM_OPERANDS];
    uint32_t count = qm_opcode_info(insn->opcode)->find_operands(insn, machine, operands);
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].space == QM_SPACE_ARENA && operands[i].is_written && operands[i].begin < bytes) return true;
    return false;
}

void qm_post_count(const struct qm_post_events *from, const struct qm_post_events *to, uint64_t *value) {
    value[QM_C_post_reads] += to->post_reads - from->post_reads;
    value[QM_C_post_writes] += to->post_writes - from->post_writes;
    value[QM_C_acc_reads] += to->acc_reads - from->acc_reads;
    value[QM_C_requantize_ops] += to->requantize_ops - from->requantize_ops;
    value[QM_C_scale_ops] += to->scale_ops - from->scale_ops;
    value[QM_C_pool_ops] += to->pool_ops - from->pool_ops;
}

void qm_post_add_events(const struct qm_insn *insn, const struct qm_machine *machine, uint64_t *value) {
    static const struct qm_post_events none;
    const struct qm_post_shape *post = qm_opcode_info(insn->opcode)->post;
    struct qm_post_events all = post->events(insn, machine, post->item_count(insn, machine));
    qm_post_count(&none, &all, value);
}

uint64_t qm_post_alone_cycles(const struct qm_insn *insn, const struct qm_machine *machine) {
    const struct qm_post_shape *post = qm_opcode_info(insn->opcode)->post;
    return post->item_count(insn, machine) + post->latency_cycles;
}
