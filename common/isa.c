/* isa.c - the field table and the four things made from it: pack, unpack, reserved bits, text. */
#include "common/isa.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
#define QM_OPCODE(name, code, unit, text) name = 1u << (code),
#include "spec/isa.def"
#undef QM_OPCODE
    ALL = 0xffffffffu
};

enum { U, N, S };

const struct qm_field qm_fields[] = {
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text)                                                                              \
    {#name, word, lsb, width, (sign) == S, (sign) == N, (uint32_t)(opcodes), offsetof(struct qm_insn, name), text},
#include "spec/isa.def"
#undef QM_FIELD
};
const size_t qm_field_count = sizeof qm_fields / sizeof *qm_fields;

const struct qm_enum_value qm_enum_values[] = {
#define QM_ENUM(field, name, value, supported, text) {#field, #name, value, supported, text},
#include "spec/isa.def"
#undef QM_ENUM
};
const size_t qm_enum_value_count = sizeof qm_enum_values / sizeof *qm_enum_values;

const char *qm_opcode_name(int64_t opcode) {
    switch (opcode) {
#define QM_OPCODE(name, code, unit, text)                                                                                                  \
    case code:                                                                                                                             \
        return #name;
#include "spec/isa.def"
#undef QM_OPCODE
    default: return NULL;
    }
}

const char *qm_unit_name(enum qm_unit unit) {
    static const char *const names[QM_UNITS] = {"load", "matmul", "post", "store"};
    return names[unit];
}

enum qm_unit qm_opcode_unit(int64_t opcode) {
    switch (opcode) {
#define QM_OPCODE(name, code, unit, text)                                                                                                  \
    case code:                                                                                                                             \
        return QM_UNIT_##unit;
#include "spec/isa.def"
#undef QM_OPCODE
    default: QM_CHECK(!"known opcode");
    }
    return QM_UNITS;
}

bool qm_field_applies(const struct qm_field *field, int64_t opcode) {
    if (field->opcodes == (uint32_t)ALL) return true;
    return opcode > 0 && opcode < QM_OPCODE_LIMIT && (field->opcodes >> opcode & 1) != 0;
}

static bool fits(const struct qm_field *field, int64_t value) {
    int64_t range = (int64_t)1 << field->width;
    if (field->is_signed) return value >= -range / 2 && value < range / 2;
    return value >= 0 && value < range;
}

int64_t *qm_field_member(const struct qm_field *field, struct qm_insn *insn) {
    return (int64_t *)((char *)insn + field->offset);
}

bool qm_field_is_enumerated(const struct qm_field *field) {
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, field->name) == 0) return true;
    return false;
}

/* Every instruction that is made or run is packed and unpacked here. The routines over all fields are called with the opcode's bit in the
 * field table as a constant (0: unknown, the header alone), so that what is left of them are the opcode's own fields with constant
 * shifts. */
#define APPLIES(opcodes, bit)    ((uint32_t)(opcodes) == (uint32_t)ALL || ((uint32_t)(opcodes) & (bit)) != 0)
#define MASK(width)              (uint32_t)(((uint64_t)1 << (width)) - 1)
#define FITS(value, width, sign) ((uint64_t)(value) + ((sign) == S ? (uint64_t)1 << ((width)-1) : 0) <= MASK(width))
#define INLINE                   static inline __attribute__((always_inline))

static enum qm_status refuse_pack(const struct qm_insn *insn, struct qm_diag *diag) {
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        int64_t value = qm_field_value(field, insn);
        if (!qm_field_applies(field, insn->opcode) || fits(field, value)) continue;
        const char *name = qm_opcode_name(insn->opcode);
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = %" PRId64 " does not fit in %u bits", name ? name : "instruction", field->name, value,
                       field->width);
    }
    return qm_fail(diag, QM_INTERNAL, "all fields fit");
}

INLINE bool pack_fields(uint32_t bit, const struct qm_insn *insn, uint32_t *words) {
    bool all_fit = true;
    memset(words, 0, QM_INSN_BYTES);
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text)                                                                              \
    if (APPLIES(opcodes, bit)) {                                                                                                           \
        all_fit &= FITS(insn->name, width, sign);                                                                                          \
        words[word] |= ((uint32_t)insn->name & MASK(width)) << (lsb);                                                                      \
    }
#include "spec/isa.def"
#undef QM_FIELD
    return all_fit;
}

enum qm_status qm_insn_pack(const struct qm_insn *insn, uint32_t *words, struct qm_diag *diag) {
    bool all_fit;
    switch (insn->opcode) {
#define QM_OPCODE(name, code, unit, text)                                                                                                  \
    case code:                                                                                                                             \
        all_fit = pack_fields(name, insn, words);                                                                                          \
        break;
#include "spec/isa.def"
#undef QM_OPCODE
    default: all_fit = pack_fields(0, insn, words);
    }
    return all_fit ? QM_OK : refuse_pack(insn, diag);
}

INLINE bool fields_fit(uint32_t bit, const struct qm_insn *insn) {
    bool all_fit = true;
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text) all_fit &= !APPLIES(opcodes, bit) || FITS(insn->name, width, sign);
#include "spec/isa.def"
#undef QM_FIELD
    return all_fit;
}

enum qm_status qm_insn_check(const struct qm_insn *insn, struct qm_diag *diag) {
    bool all_fit;
    switch (insn->opcode) {
#define QM_OPCODE(name, code, unit, text)                                                                                                  \
    case code:                                                                                                                             \
        all_fit = fields_fit(name, insn);                                                                                                  \
        break;
#include "spec/isa.def"
#undef QM_OPCODE
    default: all_fit = fields_fit(0, insn);
    }
    return all_fit ? QM_OK : refuse_pack(insn, diag);
}

INLINE void unpack_fields(uint32_t bit, const uint32_t *words, struct qm_insn *insn) {
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text)                                                                              \
    {                                                                                                                                      \
        int64_t raw = words[word] >> (lsb)&MASK(width), half = (sign) == S ? (int64_t)1 << ((width)-1) : 0;                                \
        insn->name = APPLIES(opcodes, bit) ? (raw ^ half) - half : 0;                                                                      \
    }
#include "spec/isa.def"
#undef QM_FIELD
}

void qm_insn_unpack(const uint32_t *words, struct qm_insn *insn) {
    switch (qm_words_opcode(words)) {
#define QM_OPCODE(name, code, unit, text)                                                                                                  \
    case code:                                                                                                                             \
        unpack_fields(name, words, insn);                                                                                                  \
        return;
#include "spec/isa.def"
#undef QM_OPCODE
    default: unpack_fields(0, words, insn);
    }
}

void qm_insn_read(const uint8_t *bytes, uint32_t *words) {
    for (int i = 0; i < QM_INSN_WORDS; i++)
        words[i] =
            (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
}

INLINE bool has_other_bits(uint32_t bit, const uint32_t *words) {
    uint32_t covered[QM_INSN_WORDS] = {0}, rest = 0;
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text) covered[word] |= APPLIES(opcodes, bit) ? MASK(width) << (lsb) : 0;
#include "spec/isa.def"
#undef QM_FIELD
    for (int i = 0; i < QM_INSN_WORDS; i++) rest |= words[i] & ~covered[i];
    return rest != 0;
}

bool qm_insn_has_reserved_bits(const uint32_t *words) {
    switch (qm_words_opcode(words)) {
#define QM_OPCODE(name, code, unit, text)                                                                                                  \
    case code:                                                                                                                             \
        return has_other_bits(name, words);
#include "spec/isa.def"
#undef QM_OPCODE
    default: return has_other_bits(0, words);
    }
}

const char *qm_enum_value_name(const char *field, int64_t value) {
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, field) == 0 && qm_enum_values[i].value == value) return qm_enum_values[i].name;
    return NULL;
}

static int print_units(int64_t mask, char *text, size_t size) {
    int used = 0;
    for (int unit = 0; unit < QM_UNITS; unit++)
        if (mask >> unit & 1) used += snprintf(text + used, size - (size_t)used, "%s%s", used ? "," : "", qm_unit_name((enum qm_unit)unit));
    return used;
}

static void print_field(const struct qm_field *field, int64_t value, char *text, size_t size) {
    char units[40] = "";
    const char *name = qm_enum_value_name(field->name, value);
    if (strcmp(field->name, "wait") == 0 || strcmp(field->name, "signal") == 0) {
        print_units(value, units, sizeof units);
        name = units;
    }
    if (name != NULL)
        snprintf(text, size, " %s=%s", field->name, name);
    else if (strstr(field->name, "addr") != NULL)
        snprintf(text, size, " %s=0x%" PRIx64, field->name, (uint64_t)value);
    else
        snprintf(text, size, " %s=%" PRId64, field->name, value);
}

void qm_insn_print(const struct qm_insn *insn, char *text, size_t size) {
    const char *name = qm_opcode_name(insn->opcode);
    snprintf(text, size, "%s", name ? name : "UNKNOWN");
    for (size_t i = 1; i < qm_field_count; i++) {
        int64_t value = qm_field_value(&qm_fields[i], insn);
        size_t used = strlen(text);
        if (value != 0 && qm_field_applies(&qm_fields[i], insn->opcode)) print_field(&qm_fields[i], value, text + used, size - used);
    }
}
