/* machine.c - the knob table, its checks, and the reader of machine files: a flat YAML mapping of knob to number, read event by event so that each
 * complaint has its line.
 */
#include "common/machine.h"

#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/isa.h"

enum { ANY = 0, POW2 = 1 };

/* The verilog column is a bare word; NONE becomes NULL. */
#define VERILOG_NAME(word) (#word[0] == 'N' && sizeof #word == sizeof "NONE" ? NULL : #word)

const struct qm_param qm_params[] = {
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text) \
    {#name, VERILOG_NAME(verilog), unit, text, minimum, maximum, default_value, (rule) == POW2, offsetof(struct qm_machine, name)},
#include "spec/hw_params.def"
#undef QM_PARAM
};
const size_t qm_param_count = sizeof qm_params / sizeof *qm_params;

static uint32_t *knob(struct qm_machine *machine, const struct qm_param *param) {
    return (uint32_t *)((char *)machine + param->offset);
}

static uint32_t knob_value(const struct qm_machine *machine, const struct qm_param *param) {
    return *(const uint32_t *)((const char *)machine + param->offset);
}

void qm_machine_init(struct qm_machine *machine) {
    memset(machine, 0, sizeof *machine);
    snprintf(machine->name, sizeof machine->name, "default");
    for (size_t i = 0; i < qm_param_count; i++) *knob(machine, &qm_params[i]) = qm_params[i].default_value;
}

static const struct qm_param *find_param(const char *name) {
    for (size_t i = 0; i < qm_param_count; i++)
        if (strcmp(qm_params[i].name, name) == 0) return &qm_params[i];
    return NULL;
}

/* One knob's range and rule; where is the place for the message. */
static enum qm_status check_knob(const struct qm_param *param, uint64_t value, const char *where, struct qm_diag *diag) {
    if (value < param->minimum || value > param->maximum)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = %" PRIu64 " is not between %u and %u %s", where, param->name, value, param->minimum, param->maximum,
                       param->unit);
    if (param->power_of_two && (value & (value - 1)) != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = %" PRIu64 " is not a power of two", where, param->name, value);
    return QM_OK;
}

static enum qm_status set_knob(struct qm_machine *machine, const char *name, const char *text, const char *where, struct qm_diag *diag) {
    const struct qm_param *param = find_param(name);
    if (param == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: unknown knob '%s': see docs/tables.md for the list", where, name);
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0')
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = '%s' is not a whole number", where, name, text);
    QM_TRY(check_knob(param, value, where, diag));
    *knob(machine, param) = (uint32_t)value;
    return QM_OK;
}

static enum qm_status check_together(const struct qm_machine *machine, const char *where, struct qm_diag *diag) {
    if (machine->dram_bytes_per_cycle > machine->axi_bytes)
        return qm_fail(diag, QM_BAD_INPUT, "%s: dram_bytes_per_cycle = %u is more than axi_bytes = %u can carry", where, machine->dram_bytes_per_cycle,
                       machine->axi_bytes);
    return QM_OK;
}

enum qm_status qm_machine_check(const struct qm_machine *machine, struct qm_diag *diag) {
    for (size_t i = 0; i < qm_param_count; i++) QM_TRY(check_knob(&qm_params[i], knob_value(machine, &qm_params[i]), machine->name, diag));
    return check_together(machine, machine->name, diag);
}

enum qm_status qm_machine_set(struct qm_machine *machine, const char *assignment, struct qm_diag *diag) {
    char name[64];
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || (size_t)(equals - assignment) >= sizeof name)
        return qm_fail(diag, QM_BAD_INPUT, "--set %s: write knob=value", assignment);
    snprintf(name, sizeof name, "%.*s", (int)(equals - assignment), assignment);
    char where[128];
    snprintf(where, sizeof where, "--set %.100s", assignment);
    return set_knob(machine, name, equals + 1, where, diag);
}

/* ---- machine files ---- */

struct reader {
    const char *file;
    yaml_parser_t parser;
    yaml_event_t event;
    bool has_event;
    char where[300]; /* FILE:LINE of the current event */
    struct qm_diag *diag;
};

static enum qm_status next_event(struct reader *reader) {
    if (reader->has_event) yaml_event_delete(&reader->event);
    reader->has_event = yaml_parser_parse(&reader->parser, &reader->event) != 0;
    size_t line = reader->has_event ? reader->event.start_mark.line : reader->parser.problem_mark.line;
    snprintf(reader->where, sizeof reader->where, "%.250s:%zu", reader->file, line + 1);
    if (reader->has_event) return QM_OK;
    return qm_fail(reader->diag, QM_BAD_INPUT, "%s: not YAML: %s", reader->where, reader->parser.problem ? reader->parser.problem : "unreadable");
}

static enum qm_status expect_event(struct reader *reader, yaml_event_type_t type, const char *what) {
    QM_TRY(next_event(reader));
    if (reader->event.type == type) return QM_OK;
    return qm_fail(reader->diag, QM_BAD_INPUT, "%s: expected %s", reader->where, what);
}

static enum qm_status read_pair(struct reader *reader, struct qm_machine *machine, uint32_t *seen) {
    char name[64];
    if (reader->event.type != YAML_SCALAR_EVENT) return qm_fail(reader->diag, QM_BAD_INPUT, "%s: expected 'knob: number'", reader->where);
    snprintf(name, sizeof name, "%s", (const char *)reader->event.data.scalar.value);
    const struct qm_param *param = find_param(name);
    uint32_t bit = param != NULL ? 1u << (param - qm_params) : 0;
    if ((*seen & bit) != 0) return qm_fail(reader->diag, QM_BAD_INPUT, "%s: %s is given twice", reader->where, name);
    *seen |= bit;
    QM_TRY(expect_event(reader, YAML_SCALAR_EVENT, "a number"));
    return set_knob(machine, name, (const char *)reader->event.data.scalar.value, reader->where, reader->diag);
}

static enum qm_status read_mapping(struct reader *reader, struct qm_machine *machine) {
    uint32_t seen = 0;
    QM_TRY(expect_event(reader, YAML_STREAM_START_EVENT, "a machine file"));
    QM_TRY(expect_event(reader, YAML_DOCUMENT_START_EVENT, "'knob: number' lines"));
    QM_TRY(expect_event(reader, YAML_MAPPING_START_EVENT, "'knob: number' lines"));
    QM_TRY(next_event(reader));
    while (reader->event.type != YAML_MAPPING_END_EVENT) {
        QM_TRY(read_pair(reader, machine, &seen));
        QM_TRY(next_event(reader));
    }
    QM_TRY(expect_event(reader, YAML_DOCUMENT_END_EVENT, "one mapping"));
    return expect_event(reader, YAML_STREAM_END_EVENT, "one document");
}

static enum qm_status read_file(const char *file, struct qm_machine *machine, struct qm_diag *diag) {
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: %m", file);
    struct reader reader = {.file = file, .diag = diag};
    QM_CHECK(yaml_parser_initialize(&reader.parser) != 0);
    yaml_parser_set_input_file(&reader.parser, stream);
    enum qm_status status = read_mapping(&reader, machine);
    if (reader.has_event) yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    fclose(stream);
    return status;
}

static bool ends_in(const char *text, const char *end) {
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

/* The file's name without folder and .yaml. */
static void name_machine(struct qm_machine *machine, const char *file) {
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    size_t size = strlen(base) - (ends_in(base, ".yaml") ? strlen(".yaml") : 0);
    snprintf(machine->name, sizeof machine->name, "%.*s", (int)size, base);
}

enum qm_status qm_machine_load(const char *name_or_file, struct qm_machine *machine, struct qm_diag *diag) {
    char path[512];
    bool is_file = strchr(name_or_file, '/') != NULL || ends_in(name_or_file, ".yaml");
    if (is_file)
        snprintf(path, sizeof path, "%s", name_or_file);
    else
        snprintf(path, sizeof path, "%s/spec/machines/%s.yaml", QM_SOURCE_DIR, name_or_file);
    qm_machine_init(machine);
    name_machine(machine, name_or_file);
    QM_TRY(read_file(path, machine, diag));
    return check_together(machine, path, diag);
}

/* ---- fingerprint ---- */

static void hash_text(struct sha256_ctx *hash, const char *text) {
    sha256_update(hash, strlen(text) + 1, (const uint8_t *)text);
}

static void hash_number(struct sha256_ctx *hash, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    hash_text(hash, text);
}

uint32_t qm_machine_fingerprint(const struct qm_machine *machine) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    for (size_t i = 0; i < qm_param_count; i++) {
        if (qm_params[i].verilog == NULL) continue;
        hash_text(&hash, qm_params[i].name);
        hash_number(&hash, knob_value(machine, &qm_params[i]));
    }
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        hash_text(&hash, field->name);
        hash_number(&hash, (uint64_t)field->word << 48 | (uint64_t)field->lsb << 40 | (uint64_t)field->width << 32 | field->opcodes);
    }
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&hash, sizeof digest, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}
