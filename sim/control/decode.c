/* decode.c - the checks of docs/machine.md in their order; the first that fails names the cause.
 * What an opcode demands stands in common/opcode/. */
#include "sim/control/decode.h"

#include <string.h>

#include "common/opcode/opcode.h"

static void add_rule(struct decode *decode, const struct qm_field *field) {
    struct decode_rule rule = {.field = field};
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        if (strcmp(qm_enum_values[i].field, field->name) != 0) continue;
        rule.listed |= 1ull << qm_enum_values[i].value;
        rule.supported |= (uint64_t)qm_enum_values[i].supported << qm_enum_values[i].value;
    }
    QM_CHECK(decode->rule_count < DECODE_RULES_MAX);
    decode->rules[decode->rule_count++] = rule;
}

void decode_init(struct decode *decode, const struct qm_machine *machine) {
    memset(decode, 0, sizeof *decode);
    decode->machine = machine;
    for (size_t i = 0; i < qm_field_count; i++)
        if (qm_fields[i].is_extent || qm_field_is_enumerated(&qm_fields[i])) add_rule(decode, &qm_fields[i]);
}

static bool rule_applies(const struct decode_rule *rule, const struct qm_insn *insn) {
    return (rule->field->opcodes >> insn->opcode & 1) != 0;
}

static bool has_legal_fields(const struct decode *decode, const struct qm_insn *insn) {
    int64_t own = 1 << qm_opcode_unit(insn->opcode);
    if (((insn->wait | insn->signal) & own) != 0) return false;
    for (uint32_t i = 0; i < decode->rule_count; i++) {
        const struct decode_rule *rule = &decode->rules[i];
        if (!rule_applies(rule, insn)) continue;
        int64_t value = qm_field_value(rule->field, insn);
        if (rule->listed == 0 ? value == 0 : (rule->listed >> value & 1) == 0) return false;
    }
    return true;
}

static bool has_supported_fields(const struct decode *decode, const struct qm_insn *insn) {
    for (uint32_t i = 0; i < decode->rule_count; i++) {
        const struct decode_rule *rule = &decode->rules[i];
        if (rule->listed == 0 || !rule_applies(rule, insn)) continue;
        if ((rule->supported >> qm_field_value(rule->field, insn) & 1) == 0) return false;
    }
    return true;
}

/* The first space that an operand leaves. */
static enum qm_error check_ends(const struct decode *decode, const struct qm_opcode_info *info, uint64_t memory_bytes) {
    static const enum qm_error causes[] = {QM_ERROR_MEMORY, QM_ERROR_SCRATCHPAD, QM_ERROR_ACCUMULATOR};
    const struct qm_machine *machine = decode->machine;
    int64_t sizes[] = {(int64_t)memory_bytes, machine->scratchpad_bytes, machine->accumulator_rows};
    struct qm_operand operands[QM_OPERANDS];
    uint32_t count = info->find_operands(&decode->insn, machine, operands), left = QM_SPACES;
    for (uint32_t i = 0; i < count; i++)
        if (operands[i].end > sizes[operands[i].space] && operands[i].space < left) left = operands[i].space;
    return left == QM_SPACES ? QM_ERROR_NONE : causes[left];
}

enum qm_error decode_check(struct decode *decode, const uint32_t *words, uint64_t memory_bytes) {
    struct qm_insn *insn = &decode->insn;
    qm_insn_unpack(words, insn);
    if (qm_opcode_name(insn->opcode) == NULL || qm_insn_has_reserved_bits(words)) return QM_ERROR_ILLEGAL;
    if (!has_legal_fields(decode, insn)) return QM_ERROR_ILLEGAL;
    if (!has_supported_fields(decode, insn)) return QM_ERROR_UNSUPPORTED;
    const struct qm_opcode_info *info = qm_opcode_info(insn->opcode);
    enum qm_error error = info->check == NULL ? QM_ERROR_NONE : info->check(insn, decode->machine);
    return error != QM_ERROR_NONE ? error : check_ends(decode, info, memory_bytes);
}
