/* decode.c - the checks of docs/machine.md in their order; the first that fails names the cause.
 *
 * Fields are at most 32 bits wide, so that no sum or product below leaves 63 bits.
 */
#include "sim/control/decode.h"

#include <string.h>

#include "common/precision.h"

enum { PARAMETER_BYTES = 9, WEIGHT_ZERO_MAX = 255 };

static int64_t field_value(const struct decode_rule *rule, const struct qm_insn *insn) {
    return *(const int64_t *)((const char *)insn + rule->offset);
}

static bool rule_applies(const struct decode_rule *rule, const struct qm_insn *insn) {
    return (rule->opcodes >> insn->opcode & 1) != 0;
}

static void add_rule(struct decode *decode, const struct qm_field *field, bool is_enumerated) {
    struct decode_rule rule = {.offset = field->offset, .opcodes = field->opcodes};
    for (size_t i = 0; is_enumerated && i < qm_enum_value_count; i++) {
        if (strcmp(qm_enum_values[i].field, field->name) != 0) continue;
        rule.listed |= 1ull << qm_enum_values[i].value;
        rule.supported |= (uint64_t)qm_enum_values[i].supported << qm_enum_values[i].value;
    }
    QM_CHECK(decode->rule_count < DECODE_RULES_MAX);
    decode->rules[decode->rule_count++] = rule;
}

static bool is_enumerated(const struct qm_field *field) {
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, field->name) == 0) return true;
    return false;
}

static bool is_extent(const struct qm_field *field) {
    static const size_t extents[] = {
        offsetof(struct qm_insn, row_bytes), offsetof(struct qm_insn, row_count),    offsetof(struct qm_insn, plane_count),
        offsetof(struct qm_insn, out_h),     offsetof(struct qm_insn, out_w),        offsetof(struct qm_insn, kernel_h),
        offsetof(struct qm_insn, kernel_w),  offsetof(struct qm_insn, run_bytes),    offsetof(struct qm_insn, in_rows),
        offsetof(struct qm_insn, channels),  offsetof(struct qm_insn, in_row_bytes), offsetof(struct qm_insn, length),
    };
    for (size_t i = 0; i < sizeof extents / sizeof *extents; i++)
        if (extents[i] == field->offset) return true;
    return false;
}

void decode_init(struct decode *decode, const struct qm_machine *machine) {
    memset(decode, 0, sizeof *decode);
    decode->machine = machine;
    for (size_t i = 0; i < qm_field_count; i++)
        if (is_enumerated(&qm_fields[i]) || is_extent(&qm_fields[i])) add_rule(decode, &qm_fields[i], is_enumerated(&qm_fields[i]));
}

static bool has_legal_fields(const struct decode *decode, const struct qm_insn *insn) {
    int64_t own = 1 << qm_opcode_unit(insn->opcode);
    if (((insn->wait | insn->signal) & own) != 0) return false;
    for (uint32_t i = 0; i < decode->rule_count; i++) {
        const struct decode_rule *rule = &decode->rules[i];
        if (!rule_applies(rule, insn)) continue;
        int64_t value = field_value(rule, insn);
        if (rule->listed == 0 ? value == 0 : (rule->listed >> value & 1) == 0) return false;
    }
    return true;
}

static bool has_supported_fields(const struct decode *decode, const struct qm_insn *insn) {
    for (uint32_t i = 0; i < decode->rule_count; i++) {
        const struct decode_rule *rule = &decode->rules[i];
        if (rule->listed == 0 || !rule_applies(rule, insn)) continue;
        if ((rule->supported >> field_value(rule, insn) & 1) == 0) return false;
    }
    return true;
}

/* Whether a tile of 4-bit elements ends within a byte and another follows. */
static bool splits_bytes(const struct qm_insn *insn, const struct qm_machine *machine) {
    if (qm_machine_tile(machine, insn->depthwise != 0) % 2 == 0) return false;
    return insn->opcode == QM_REQUANTIZE ? insn->tiles > 1 : (insn->opcode == QM_POOL ? insn->channels : insn->length) > machine->cols;
}

/* Values that are not supported, or not together. A field that the opcode lacks is 0. */
static bool has_supported_modes(const struct decode *decode, const struct qm_insn *insn) {
    if (insn->opcode == QM_MATMUL && insn->depthwise != 0) return insn->precision == QM_precision_W8A8 && insn->weight_zero == 0;
    if (insn->opcode == QM_MATMUL) return -WEIGHT_ZERO_MAX <= insn->weight_zero && insn->weight_zero <= WEIGHT_ZERO_MAX;
    if (insn->lookup == QM_lookup_TABLE && insn->out_type != QM_out_type_BITS8) return false;
    switch (insn->out_type) {
    case QM_out_type_BITS8: return true;
    case QM_out_type_BITS4: return !splits_bytes(insn, decode->machine);
    default: return insn->opcode == QM_REQUANTIZE;
    }
}

static bool has_legal_tiles(const struct decode *decode, const struct qm_insn *insn) {
    if (insn->opcode == QM_POOL || (insn->opcode == QM_MATMUL && insn->depthwise != 0))
        if (insn->run_bytes != 1) return false;
    if (insn->opcode != QM_MATMUL && insn->opcode != QM_REQUANTIZE) return true;
    int64_t tile = qm_machine_tile(decode->machine, insn->depthwise != 0);
    return (insn->tiles - 1) * tile < insn->channels && insn->channels <= insn->tiles * tile;
}

static bool is_transfer(const struct qm_insn *insn) {
    return insn->opcode == QM_LOAD || insn->opcode == QM_STORE;
}

static int64_t dram_end(const struct qm_insn *insn) {
    return insn->dram_addr + (insn->plane_count - 1) * insn->dram_plane_stride + (insn->row_count - 1) * insn->dram_row_stride +
           insn->row_bytes;
}

static int64_t spad_end(const struct qm_insn *insn) {
    return insn->spad_addr + (insn->plane_count - 1) * insn->spad_plane_stride + (insn->row_count - 1) * insn->spad_row_stride +
           insn->row_bytes;
}

static int64_t window_end(const struct qm_insn *insn) {
    return insn->in_addr + (insn->in_rows - 1) * insn->in_pitch + insn->in_row_bytes;
}

static int64_t output_end(const struct qm_insn *insn, int64_t pixel_bytes) {
    return insn->out_addr + (insn->out_h - 1) * insn->out_pitch + (insn->out_w - 1) * insn->out_pixel + pixel_bytes;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t weights_end(const struct qm_insn *insn, const struct qm_machine *machine) {
    return insn->weight_addr + qm_weight_bytes(insn, qm_machine_tile(machine, insn->depthwise != 0));
}

static int64_t requantize_end(const struct qm_insn *insn, int64_t cols) {
    int64_t params_end = insn->param_addr + insn->tiles * PARAMETER_BYTES * cols;
    int64_t table_end = insn->lookup == QM_lookup_TABLE ? insn->table_addr + QM_TABLE_BYTES : 0;
    return larger(larger(params_end, table_end), output_end(insn, qm_output_bytes(insn, insn->channels)));
}

/* The end of the operand that reaches furthest in the scratchpad. */
static int64_t operands_end(const struct qm_insn *insn, const struct qm_machine *machine) {
    int64_t window_bytes = insn->kernel_h * insn->kernel_w * insn->run_bytes;
    switch (insn->opcode) {
    case QM_MATMUL: return larger(window_end(insn), weights_end(insn, machine));
    case QM_REQUANTIZE: return requantize_end(insn, machine->cols);
    case QM_POOL: return larger(window_end(insn), output_end(insn, qm_output_bytes(insn, insn->channels)));
    case QM_COPY: return larger(window_end(insn), output_end(insn, window_bytes));
    case QM_ADD: return larger(larger(insn->in_addr, insn->b_addr) + insn->length, insn->out_addr + qm_output_bytes(insn, insn->length));
    default: return spad_end(insn);
    }
}

static bool fits_accumulator(const struct decode *decode, const struct qm_insn *insn) {
    if (insn->opcode != QM_MATMUL && insn->opcode != QM_REQUANTIZE) return true;
    return insn->acc_addr + insn->tiles * insn->out_h * insn->out_w <= decode->machine->accumulator_rows;
}

enum qm_error decode_check(struct decode *decode, const uint32_t *words, uint64_t memory_bytes) {
    struct qm_insn *insn = &decode->insn;
    qm_insn_unpack(words, insn);
    if (qm_opcode_name(insn->opcode) == NULL || qm_insn_has_reserved_bits(words)) return QM_ERROR_ILLEGAL;
    if (!has_legal_fields(decode, insn)) return QM_ERROR_ILLEGAL;
    if (!has_supported_fields(decode, insn) || !has_supported_modes(decode, insn)) return QM_ERROR_UNSUPPORTED;
    if (!has_legal_tiles(decode, insn)) return QM_ERROR_ILLEGAL;
    if (is_transfer(insn) && dram_end(insn) > (int64_t)memory_bytes) return QM_ERROR_MEMORY;
    if (operands_end(insn, decode->machine) > decode->machine->scratchpad_bytes) return QM_ERROR_SCRATCHPAD;
    if (!fits_accumulator(decode, insn)) return QM_ERROR_ACCUMULATOR;
    return QM_ERROR_NONE;
}
