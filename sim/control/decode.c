/* decode.c - the checks of docs/machine.md in their order; the first that fails names the cause.
 * What an opcode demands stands in common/opcode/. */
#include "sim/control/decode.h"

#include <string.h>

#include "common/opcode/opcode.h"

static struct decode_rule rule_of(const struct qm_field *field) {
    struct decode_rule rule = {.field = field};
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        if (strcmp(qm_enum_values[i].field, field->name) != 0) continue;
        rule.listed |= 1ull << qm_enum_values[i].value;
        rule.supported |= (uint64_t)qm_enum_values[i].supported << qm_enum_values[i].value;
    }
    return rule;
}

void decode_init(struct decode *decode, const struct qm_machine *machine) {
    uint32_t count = 0, field_count = 0;
    struct decode_rule all[DECODE_RULES_MAX];
    *decode = (struct decode){.machine = machine};
    for (size_t i = 0; i < qm_field_count; i++)
        if (qm_fields[i].is_extent || qm_field_is_enumerated(&qm_fields[i])) all[field_count++] = rule_of(&qm_fields[i]);
    for (uint32_t opcode = 0; opcode < QM_OPCODE_END; opcode++) {
        decode->first_rules[opcode] = count;
        for (uint32_t i = 0; i < field_count; i++) {
            if ((all[i].field->opcodes >> opcode & 1) == 0) continue;
            QM_CHECK(count < DECODE_RULES_MAX);
            decode->rules[count++] = all[i];
        }
    }
    decode->first_rules[QM_OPCODE_END] = count;
}

static bool is_legal(const struct decode_rule *rule, int64_t value) {
    return rule->listed == 0 ? value != 0 : (rule->listed >> value & 1) != 0;
}

static bool is_supported(const struct decode_rule *rule, int64_t value) {
    return rule->listed == 0 ? value != 0 : (rule->supported >> value & 1) != 0;
}

/* An illegal field comes before one that is not supported. */
static enum qm_error check_fields(const struct decode *decode, const struct qm_insn *insn) {
    enum qm_error error = QM_ERROR_NONE;
    for (uint32_t i = decode->first_rules[insn->opcode]; i < decode->first_rules[insn->opcode + 1]; i++) {
        const struct decode_rule *rule = &decode->rules[i];
        int64_t value = qm_field_value(rule->field, insn);
        if (is_supported(rule, value)) continue;
        if (!is_legal(rule, value)) return QM_ERROR_ILLEGAL;
        error = QM_ERROR_UNSUPPORTED;
    }
    return error;
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
    if (((insn->wait | insn->signal) >> qm_opcode_unit(insn->opcode) & 1) != 0) return QM_ERROR_ILLEGAL;
    enum qm_error error = check_fields(decode, insn);
    if (error != QM_ERROR_NONE) return error;
    const struct qm_opcode_info *info = qm_opcode_info(insn->opcode);
    if (info->check != NULL) error = info->check(insn, decode->machine);
    return error != QM_ERROR_NONE ? error : check_ends(decode, info, memory_bytes);
}
