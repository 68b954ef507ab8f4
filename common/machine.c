/* machine.c - the knob table, its checks, and the reader of machine files: a flat YAML mapping of knob to number or name. Every
 * complaint names its place: a line of the file, or the option.
 */
#include "common/machine.h"

#include <errno.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/file.h"
#include "common/isa.h"
#include "common/yaml.h"

enum { ANY = 0, POW2 = 1 };

/* The column `verilog` as a text: a bare word, of which NONE becomes NULL. */
#define VERILOG_NAME(word) (#word[0] == 'N' && sizeof #word == sizeof "NONE" ? NULL : #word)

const struct qm_param qm_params[] = {
#define QM_PARAM(name, verilog, minimum, maximum, default_value, rule, unit, text)                                                         \
    {#name, VERILOG_NAME(verilog), unit, text, minimum, maximum, default_value, (rule) == POW2, offsetof(struct qm_machine, name)},
#include "spec/hw_params.def"
#undef QM_PARAM
};
const size_t qm_param_count = sizeof qm_params / sizeof *qm_params;

static const struct choice {
    const char *knob, *name;
    uint32_t value;
} choices[] = {
#define QM_CHOICE(knob, name, value, text) {#knob, #name, value},
#include "spec/hw_params.def"
#undef QM_CHOICE
};

static uint32_t *knob(struct qm_machine *machine, const struct qm_param *param) {
    return (uint32_t *)((char *)machine + param->offset);
}

uint32_t qm_machine_knob(const struct qm_machine *machine, const struct qm_param *param) {
    return *(const uint32_t *)((const char *)machine + param->offset);
}

void qm_machine_init(struct qm_machine *machine) {
    memset(machine, 0, sizeof *machine);
    snprintf(machine->name, sizeof machine->name, "default");
    for (size_t i = 0; i < qm_param_count; i++) *knob(machine, &qm_params[i]) = qm_params[i].default_value;
}

const struct qm_param *qm_param_find(const char *name) {
    for (size_t i = 0; i < qm_param_count; i++)
        if (strcmp(qm_params[i].name, name) == 0) return &qm_params[i];
    return NULL;
}

const char *qm_param_choice(const struct qm_param *param, uint32_t value) {
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(choices[i].knob, param->name) == 0 && choices[i].value == value) return choices[i].name;
    return NULL;
}

struct qm_knob_text qm_param_text(const struct qm_param *param, uint32_t value) {
    struct qm_knob_text text;
    const char *name = qm_param_choice(param, value);
    if (name != NULL)
        snprintf(text.text, sizeof text.text, "%s", name);
    else
        snprintf(text.text, sizeof text.text, "%" PRIu32, value);
    return text;
}

/* Checks one knob's range and rule; where is the place that the message names. */
static enum qm_status check_knob(const struct qm_param *param, uint64_t value, const char *where, struct qm_diag *diag) {
    if (value < param->minimum || value > param->maximum)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = %" PRIu64 " is not between %u and %u %s", where, param->name, value, param->minimum,
                       param->maximum, param->unit);
    if (param->power_of_two && (value & (value - 1)) != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = %" PRIu64 " is not a power of two", where, param->name, value);
    return QM_OK;
}

static const char *knob_names(char *text, size_t size) {
    text[0] = '\0';
    for (size_t i = 0; i < qm_param_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", qm_params[i].name);
    }
    return text;
}

static enum qm_status parse_choice(const struct qm_param *param, const char *text, const char *where, uint32_t *value,
                                   struct qm_diag *diag) {
    char names[128] = "";
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        size_t used = strlen(names);
        if (strcmp(choices[i].knob, param->name) != 0) continue;
        *value = choices[i].value;
        if (strcmp(choices[i].name, text) == 0) return QM_OK;
        snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", choices[i].name);
    }
    return qm_fail(diag, QM_BAD_INPUT, "%s: %s = '%.100s' is none of its values: %s", where, param->name, text, names);
}

enum qm_status qm_param_parse(const struct qm_param *param, const char *text, const char *where, uint32_t *value, struct qm_diag *diag) {
    if (qm_param_choice(param, param->default_value) != NULL) return parse_choice(param, text, where, value, diag);
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: %s = '%.100s' is not a whole number", where, param->name, text);
    QM_TRY(check_knob(param, number, where, diag));
    *value = (uint32_t)number;
    return QM_OK;
}

static enum qm_status set_knob(struct qm_machine *machine, const char *name, const char *text, const char *where, struct qm_diag *diag) {
    char names[512];
    const struct qm_param *param = qm_param_find(name);
    if (param == NULL)
        return qm_fail(diag, QM_BAD_INPUT, "%s: unknown knob '%.100s'; the knobs are: %s", where, name, knob_names(names, sizeof names));
    return qm_param_parse(param, text, where, knob(machine, param), diag);
}

static enum qm_status check_together(const struct qm_machine *machine, const char *where, struct qm_diag *diag) {
    if (machine->dram_bytes_per_cycle > machine->axi_bytes)
        return qm_fail(diag, QM_BAD_INPUT, "%s: dram_bytes_per_cycle = %u is more than axi_bytes = %u can carry", where,
                       machine->dram_bytes_per_cycle, machine->axi_bytes);
    if (machine->cols * QM_PARAMETER_BYTES > machine->scratchpad_bytes)
        return qm_fail(diag, QM_BAD_INPUT, "%s: scratchpad_bytes = %u does not hold the parameters of cols = %u channels (%u bytes)", where,
                       machine->scratchpad_bytes, machine->cols, machine->cols * QM_PARAMETER_BYTES);
    return QM_OK;
}

enum qm_status qm_machine_check(const struct qm_machine *machine, struct qm_diag *diag) {
    for (size_t i = 0; i < qm_param_count; i++)
        QM_TRY(check_knob(&qm_params[i], qm_machine_knob(machine, &qm_params[i]), machine->name, diag));
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
    QM_TRY(set_knob(machine, name, equals + 1, where, diag));
    size_t used = strlen(machine->name);
    snprintf(machine->name + used, sizeof machine->name - used, ",%s", assignment);
    return QM_OK;
}

/* ---- machine files ---- */

static enum qm_status read_knob(const struct qm_yaml_node *node, struct qm_machine *machine, struct qm_diag *diag) {
    char where[600];
    if (node->text == NULL) return qm_yaml_fail(node, diag, "'%s' must be a number or a name", node->key);
    snprintf(where, sizeof where, "%s:%zu", node->file, node->line);
    return set_knob(machine, node->key, node->text, where, diag);
}

static enum qm_status read_knobs(const char *file, struct qm_arena *arena, struct qm_machine *machine, struct qm_diag *diag) {
    struct qm_yaml_node *root;
    QM_TRY(qm_yaml_load(file, arena, &root, diag));
    for (const struct qm_yaml_node *node = root->first; node != NULL; node = node->next) QM_TRY(read_knob(node, machine, diag));
    return check_together(machine, file, diag);
}

enum qm_status qm_machine_load(const char *name_or_file, struct qm_machine *machine, struct qm_diag *diag) {
    char path[QM_PATH_BYTES];
    QM_TRY(qm_file_find_spec("machines", name_or_file, path, diag));
    qm_machine_init(machine);
    qm_file_base_name(path, machine->name, sizeof machine->name);
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = read_knobs(path, arena, machine, diag);
    qm_arena_destroy(arena);
    return status;
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
        hash_number(&hash, qm_machine_knob(machine, &qm_params[i]));
    }
    for (size_t i = 0; i < qm_field_count; i++) {
        const struct qm_field *field = &qm_fields[i];
        hash_text(&hash, field->name);
        hash_number(&hash, (uint64_t)field->word << 48 | (uint64_t)field->lsb << 40 | (uint64_t)field->width << 32 | field->opcodes);
        hash_number(&hash, field->is_signed);
    }
    for (size_t i = 0; i < qm_enum_value_count; i++) {
        hash_text(&hash, qm_enum_values[i].name);
        hash_number(&hash, (uint64_t)qm_enum_values[i].value << 1 | qm_enum_values[i].supported);
    }
    for (int64_t code = 0; code < QM_OPCODE_LIMIT; code++)
        if (qm_opcode_name(code) != NULL) hash_text(&hash, qm_opcode_name(code));
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_digest(&hash, sizeof digest, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
}
