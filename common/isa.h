/* isa.h - instructions in C: the opcodes, values and fields of spec/isa.def, packed and unpacked.
 *
 * struct qm_insn holds every field as a number, whatever its width; qm_insn_pack checks the ranges. The packed form is sixteen
 * 32-bit words (little-endian in memory), as drawn in docs/tables.md.
 */
#ifndef QM_COMMON_ISA_H
#define QM_COMMON_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

enum { QM_INSN_WORDS = 16, QM_INSN_BYTES = 64 };

enum qm_unit { QM_UNIT_LOAD, QM_UNIT_MATMUL, QM_UNIT_POST, QM_UNIT_STORE, QM_UNITS };

enum qm_opcode {
#define QM_OPCODE(name, code, unit, text) QM_##name = (code),
#include "spec/isa.def"
#undef QM_OPCODE
    QM_OPCODE_END,       /* one more than the largest code, which is that of the last line */
    QM_OPCODE_LIMIT = 32 /* codes that a field's mask of opcodes has room for */
};

/* QM_PARAMETER_BYTES, QM_TABLE_BYTES ... */
enum {
#define QM_SIZE(name, value, text) QM_##name = (value),
#include "spec/isa.def"
#undef QM_SIZE
};

/* Values of enumerated fields: QM_precision_W8A8, QM_rounding_TFLITE, QM_pool_kind_SUM ... */
enum {
#define QM_ENUM(field, name, value, supported, text) QM_##field##_##name = (value),
#include "spec/isa.def"
#undef QM_ENUM
};

struct qm_insn {
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text) int64_t name;
#include "spec/isa.def"
#undef QM_FIELD
};

/* QM_FIELD_wait ...: where a field stands in qm_fields. */
enum qm_field_id {
#define QM_FIELD(name, word, lsb, width, sign, opcodes, text) QM_FIELD_##name,
#include "spec/isa.def"
#undef QM_FIELD
};

/* One line of the field table. */
struct qm_field {
    const char *name;
    uint8_t word, lsb, width;
    bool is_signed;
    bool is_extent;   /* 0 is illegal */
    uint32_t opcodes; /* bit i: opcode i has the field */
    size_t offset;    /* of the int64_t in struct qm_insn */
    const char *text;
};

struct qm_enum_value {
    const char *field, *name;
    int64_t value;
    bool supported;
    const char *text;
};

extern const struct qm_field qm_fields[];
extern const size_t qm_field_count;
extern const struct qm_enum_value qm_enum_values[];
extern const size_t qm_enum_value_count;

static inline int64_t qm_field_value(const struct qm_field *field, const struct qm_insn *insn) {
    return *(const int64_t *)((const char *)insn + field->offset);
}
int64_t *qm_field_member(const struct qm_field *field, struct qm_insn *insn);
bool qm_field_is_enumerated(const struct qm_field *field);

/* The bits of a field in packed words, without its sign; and the words with other bits there, those beyond the field's width cut off. */
static inline uint32_t qm_field_bits(const struct qm_field *field, const uint32_t *words) {
    return words[field->word] >> field->lsb & (uint32_t)(((uint64_t)1 << field->width) - 1);
}

static inline void qm_field_set_bits(const struct qm_field *field, uint32_t *words, uint32_t bits) {
    uint32_t mask = (uint32_t)(((uint64_t)1 << field->width) - 1) << field->lsb;
    words[field->word] = (words[field->word] & ~mask) | (bits << field->lsb & mask);
}

static inline int64_t qm_words_opcode(const uint32_t *words) {
    return qm_field_bits(&qm_fields[QM_FIELD_opcode], words);
}

bool qm_field_applies(const struct qm_field *field, int64_t opcode); /* an unknown opcode has those of the header */

/* The name of an enumerated field's value; NULL: it has none. */
const char *qm_enum_value_name(const char *field, int64_t value);

const char *qm_opcode_name(int64_t opcode);  /* NULL when unknown */
const char *qm_unit_name(enum qm_unit unit); /* "load", "matmul", "post", "store" */
enum qm_unit qm_opcode_unit(int64_t opcode); /* of a known opcode */

/* Packs insn into words[16]. A field of the opcode that does not fit its width is QM_BAD_INPUT and named; fields that the opcode does
 * not have are ignored. */
QM_MUST_USE enum qm_status qm_insn_pack(const struct qm_insn *insn, uint32_t *words, struct qm_diag *diag);

/* QM_OK when qm_insn_pack takes insn; else what it says. */
QM_MUST_USE enum qm_status qm_insn_check(const struct qm_insn *insn, struct qm_diag *diag);

/* Unpacks words[16]; fields that the opcode does not have are 0. Never fails: an unknown opcode gives its header fields only. */
void qm_insn_unpack(const uint32_t *words, struct qm_insn *insn);

/* Words [16] from the bytes [64] that lie in memory. */
void qm_insn_read(const uint8_t *bytes, uint32_t *words);

/* Bits of words that no field of the opcode covers are set (an unknown opcode: covered are the header fields). */
bool qm_insn_has_reserved_bits(const uint32_t *words);

/* Writes "MATMUL wait=load in_addr=0x40 ..." into text; fields that are 0 are left out. */
void qm_insn_print(const struct qm_insn *insn, char *text, size_t size);

#endif
