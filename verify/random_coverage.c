/* random_coverage.c - what random programs have reached: classes of value of each field, limits, ways of malforming. Each is recognized by
 * what the instructions hold, whatever was drawn for its sake.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/status.h"
#include "verify/random_limits.h"
#include "verify/random_program.h"

enum { MAX_FIELDS = 96, CLASSES = 8, CLASS_ZERO = 0, CLASS_POSITIVE = 1, CLASS_NEGATIVE = 2 };

struct qm_coverage {
    bool seen[QM_OPCODE_END][MAX_FIELDS][CLASSES];
    bool at[QM_LIMITS_MAX], beyond[QM_LIMITS_MAX], has_at[QM_LIMITS_MAX], has_beyond[QM_LIMITS_MAX];
    bool spoilt[QM_RANDOM_SPOILERS];
};

size_t qm_coverage_bytes(void) {
    return sizeof(struct qm_coverage);
}

struct qm_coverage *qm_coverage_create(void) {
    QM_CHECK(qm_field_count <= MAX_FIELDS);
    struct qm_coverage *coverage = qm_alloc_zeroed(1, sizeof *coverage);
    return coverage;
}

void qm_coverage_destroy(struct qm_coverage *coverage) {
    free(coverage);
}

static bool is_mask(const struct qm_field *field) {
    return field == &qm_fields[QM_FIELD_wait] || field == &qm_fields[QM_FIELD_signal];
}

/* Zero is illegal in extents and in `tiles`. */
static bool never_zero(const struct qm_field *field) {
    return field->is_extent || field == &qm_fields[QM_FIELD_tiles];
}

/* MATMUL writes only the accumulator and STORE reads only the scratchpad: there is no hazard between them, and no token. */
static bool token_exists(enum qm_unit a, enum qm_unit b) {
    bool matmul = a == QM_UNIT_MATMUL || b == QM_UNIT_MATMUL, store = a == QM_UNIT_STORE || b == QM_UNIT_STORE;
    return a != b && b < QM_UNITS && !(matmul && store);
}

/* Can class occur in a well-formed instruction? */
static bool class_exists(const struct qm_field *field, int opcode, int class) {
    if (is_mask(field)) return token_exists(qm_opcode_unit(opcode), (enum qm_unit) class);
    if (class == CLASS_ZERO && limit_is_written_address(field, opcode)) return false;
    if (qm_field_is_enumerated(field)) {
        for (size_t i = 0; i < qm_enum_value_count; i++)
            if (strcmp(qm_enum_values[i].field, field->name) == 0 && qm_enum_values[i].value == class)
                return limit_allows_value(opcode, &qm_enum_values[i]);
        return false;
    }
    if (class == CLASS_ZERO) return !never_zero(field);
    return class == CLASS_POSITIVE || (class == CLASS_NEGATIVE && field->is_signed);
}

static void cover_field(struct qm_coverage *coverage, const struct qm_insn *insn, size_t index) {
    const struct qm_field *field = &qm_fields[index];
    int64_t value = qm_field_value(field, insn);
    bool *seen = coverage->seen[insn->opcode][index];
    if (is_mask(field)) {
        for (int unit = 0; unit < QM_UNITS; unit++) seen[unit] = seen[unit] || (value >> unit & 1) != 0;
    } else if (qm_field_is_enumerated(field)) {
        seen[value] = true;
    } else {
        seen[value == 0 ? CLASS_ZERO : value > 0 ? CLASS_POSITIVE : CLASS_NEGATIVE] = true;
    }
}

static void cover_limits(struct qm_coverage *coverage, const struct limits *limits, const struct qm_insn *insn) {
    for (int i = 0; i < limits->count; i++) {
        int64_t slack = limit_slack(&limits->list[i], limits->machine, insn);
        coverage->at[i] = coverage->at[i] || slack == 0;
        coverage->beyond[i] = coverage->beyond[i] || slack == -1;
    }
}

static void note_limits(struct qm_coverage *coverage, const struct limits *limits) {
    for (int i = 0; i < limits->count; i++) {
        coverage->has_at[i] = coverage->has_at[i] || limits->list[i].has_at;
        coverage->has_beyond[i] = coverage->has_beyond[i] || limits->list[i].has_beyond;
    }
}

/* Of the instruction that decode refuses: the one limit that it breaks, by one. */
static void cover_refused(struct qm_coverage *coverage, const struct limits *limits, const struct qm_random_program *program) {
    for (uint32_t i = 0; i < program->count; i++) {
        struct qm_insn insn;
        int which;
        qm_insn_unpack(program->words[i], &insn);
        if (qm_opcode_name(insn.opcode) == NULL || qm_insn_has_reserved_bits(program->words[i])) return;
        int broken = limits_broken(limits, &insn, &which);
        if (broken == 1 && limit_slack(&limits->list[which], limits->machine, &insn) == -1) coverage->beyond[which] = true;
        if (broken > 0) return;
    }
}

static void add_fault(struct qm_coverage *coverage, const struct limits *limits, const struct qm_random_program *program) {
    note_limits(coverage, limits);
    if (program->malformed == NULL) return;
    cover_refused(coverage, limits, program);
    for (int i = 0; i < QM_RANDOM_SPOILERS; i++)
        if (program->malformed == qm_random_spoiler_name(i)) coverage->spoilt[i] = true;
}

void qm_coverage_add_fault(struct qm_coverage *coverage, const struct qm_machine *machine, const struct qm_random_program *program) {
    struct limits limits;
    limits_init(&limits, machine);
    add_fault(coverage, &limits, program);
}

void qm_coverage_add(struct qm_coverage *coverage, const struct qm_machine *machine, const struct qm_random_program *program) {
    struct limits limits;
    limits_init(&limits, machine);
    add_fault(coverage, &limits, program);
    for (uint32_t i = 0; i < program->count; i++) {
        cover_limits(coverage, &limits, &program->insns[i]);
        for (size_t f = 1; f < qm_field_count; f++)
            if (qm_field_applies(&qm_fields[f], program->insns[i].opcode)) cover_field(coverage, &program->insns[i], f);
    }
}

/* ---- counting ---- */

struct count {
    size_t covered, all;
    struct qm_diag missing;
};

static void note_class(struct count *count, bool seen, const char *name) {
    count->all++;
    count->covered += seen;
    char *text = count->missing.text;
    size_t used = strlen(text);
    if (!seen) snprintf(text + used, sizeof count->missing.text - used, "%s%s", used ? ", " : "", name);
}

static void count_fields(const struct qm_coverage *coverage, int opcode, struct count *count) {
    for (size_t f = 1; f < qm_field_count; f++)
        for (int class = 0; class < CLASSES; class ++) {
            if (!qm_field_applies(&qm_fields[f], opcode) || !class_exists(&qm_fields[f], opcode, class)) continue;
            char name[80];
            snprintf(name, sizeof name, "%s.%s[%d]", qm_opcode_name(opcode), qm_fields[f].name, class);
            note_class(count, coverage->seen[opcode][f][class], name);
        }
}

/* "MATMUL end of the weights (W4A8) one beyond" */
static const char *print_limit(const struct limit *limit, const char *where, char *text, size_t size) {
    const char *value = limit->when == NULL ? NULL : qm_enum_value_name(limit->when->name, limit->value);
    const char *open = value == NULL ? "" : " (", *close = value == NULL ? "" : ")";
    snprintf(text, size, "%s %s%s%s%s %s", qm_opcode_name(limit->opcode), limit->name, open, value == NULL ? "" : value, close, where);
    return text;
}

static void count_limits(const struct qm_coverage *coverage, struct count *count) {
    struct limits limits;
    struct qm_machine machine;
    qm_machine_init(&machine);
    limits_init(&limits, &machine);
    for (int i = 0; i < limits.count; i++) {
        char name[120];
        const struct limit *limit = &limits.list[i];
        bool is_low = limit->slack == NULL && limit->step < 0;
        const char *at = is_low ? "at its least" : "at its most", *beyond = is_low ? "one below" : "one beyond";
        if (coverage->has_at[i]) note_class(count, coverage->at[i], print_limit(limit, at, name, sizeof name));
        if (coverage->has_beyond[i]) note_class(count, coverage->beyond[i], print_limit(limit, beyond, name, sizeof name));
    }
}

void qm_coverage_count(const struct qm_coverage *coverage, size_t *covered, size_t *all, char *missing, size_t size) {
    struct count count = {0};
    for (int opcode = 1; opcode < QM_OPCODE_END; opcode++) count_fields(coverage, opcode, &count);
    count_limits(coverage, &count);
    for (int i = 0; i < QM_RANDOM_SPOILERS; i++) note_class(&count, coverage->spoilt[i], qm_random_spoiler_name(i));
    *covered = count.covered;
    *all = count.all;
    snprintf(missing, size, "%s", count.missing.text);
}
