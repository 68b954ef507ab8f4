/* program_text.c - reader and runner of program tests. A line is split into words once; each kind of line has one function. */
#include "verify/program_text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/prng.h"
#include "common/work.h"

enum { MAX_WORDS = 600, FILE_BYTES_MAX = 1 << 26, CODE_ALIGN = 256 };

struct reader {
    struct qm_program_text *program;
    struct qm_arena *arena;
    struct qm_diag *diag;
    unsigned line;
    size_t count; /* words of the line */
    char *words[MAX_WORDS];
    bool has_machine;
    bool has_count; /* a line has said PROGRAM_COUNT, which may be 0 */
};

static enum qm_status complain(const struct reader *reader, const char *what, const char *word) {
    return qm_fail(reader->diag, QM_BAD_INPUT, "%s:%u: %s '%s'", reader->program->file, reader->line, what, word);
}

static enum qm_status read_number(const struct reader *reader, const char *text, int base, int64_t *value) {
    char *end;
    errno = 0;
    *value = strtoll(text, &end, base);
    if (errno != 0 || end == text || *end != '\0') return complain(reader, "expected a number, got", text);
    return QM_OK;
}

static enum qm_status read_units(const struct reader *reader, char *text, int64_t *mask) {
    char *rest = text;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        int unit = 0;
        while (unit < QM_UNITS && strcmp(name, qm_unit_name((enum qm_unit)unit)) != 0) unit++;
        if (unit == QM_UNITS) return complain(reader, "unknown unit", name);
        *mask |= 1 << unit;
    }
    return QM_OK;
}

static enum qm_status read_value(const struct reader *reader, const struct qm_field *field, char *text, int64_t *value) {
    if (strcmp(field->name, "wait") == 0 || strcmp(field->name, "signal") == 0) return read_units(reader, text, value);
    for (size_t i = 0; i < qm_enum_value_count; i++)
        if (strcmp(qm_enum_values[i].field, field->name) == 0 && strcmp(qm_enum_values[i].name, text) == 0) {
            *value = qm_enum_values[i].value;
            return QM_OK;
        }
    return read_number(reader, text, 0, value);
}

static enum qm_status read_field(const struct reader *reader, char *word, struct qm_insn *insn) {
    char *equals = strchr(word, '=');
    if (equals == NULL) return complain(reader, "expected field=value, got", word);
    *equals = '\0';
    for (size_t i = 1; i < qm_field_count; i++)
        if (strcmp(qm_fields[i].name, word) == 0) {
            if (!qm_field_applies(&qm_fields[i], insn->opcode)) return complain(reader, "the opcode has no field", word);
            return read_value(reader, &qm_fields[i], equals + 1, qm_field_member(&qm_fields[i], insn));
        }
    return complain(reader, "unknown field", word);
}

static enum qm_status read_insn(struct reader *reader, struct qm_insn *insn) {
    while (insn->opcode < QM_OPCODE_LIMIT &&
           (qm_opcode_name(insn->opcode) == NULL || strcmp(qm_opcode_name(insn->opcode), reader->words[1]) != 0))
        insn->opcode++;
    if (insn->opcode == QM_OPCODE_LIMIT) return complain(reader, "unknown opcode", reader->words[1]);
    for (size_t i = 2; i < reader->count; i++) QM_TRY(read_field(reader, reader->words[i], insn));
    return QM_OK;
}

static enum qm_status read_raw(struct reader *reader, uint32_t *words) {
    int64_t word;
    if (reader->count != QM_INSN_WORDS + 1) return complain(reader, "expected sixteen words after", reader->words[0]);
    for (size_t i = 0; i < QM_INSN_WORDS; i++) {
        QM_TRY(read_number(reader, reader->words[i + 1], 16, &word));
        words[i] = (uint32_t)word;
    }
    return QM_OK;
}

static enum qm_status read_instruction(struct reader *reader) {
    struct qm_program_text *program = reader->program;
    if (program->insn_count == QM_TEXT_MAX_INSNS) return complain(reader, "too many instructions at", reader->words[0]);
    struct qm_insn *insn = &program->insns[program->insn_count];
    uint32_t *words = program->words[program->insn_count++];
    if (strcmp(reader->words[0], "insn") == 0) {
        QM_TRY(read_insn(reader, insn));
        return qm_insn_pack(insn, words, reader->diag);
    }
    QM_TRY(read_raw(reader, words));
    qm_insn_unpack(words, insn);
    return QM_OK;
}

static enum qm_status read_machine(struct reader *reader) {
    struct qm_machine *machine = &reader->program->machine;
    reader->has_machine = true;
    QM_TRY(qm_machine_load(reader->words[1], machine, reader->diag));
    for (size_t i = 2; i < reader->count; i++) QM_TRY(qm_machine_set(machine, reader->words[i], reader->diag));
    return qm_machine_check(machine, reader->diag);
}

/* fill SEED, first CYCLES, stalls PROBABILITY SEED, program ADDR COUNT */
static enum qm_status read_setting(struct reader *reader) {
    struct qm_program_text *program = reader->program;
    const char *what = reader->words[0];
    int64_t first = 0, last;
    char *end = "";
    program->is_filled = program->is_filled || strcmp(what, "fill") == 0;
    bool has_one = strcmp(what, "fill") == 0 || strcmp(what, "first") == 0;
    if (reader->count != (has_one ? 2 : 3)) return complain(reader, "too few or too many numbers after", what);
    if (strcmp(what, "stalls") == 0) program->stalls = strtod(reader->words[1], &end);
    if (*end != '\0' || program->stalls < 0 || program->stalls > 0.95) return complain(reader, "expected 0 to 0.95, got", reader->words[1]);
    if (strcmp(what, "program") == 0) QM_TRY(read_number(reader, reader->words[1], 0, &first));
    QM_TRY(read_number(reader, reader->words[reader->count - 1], 0, &last));
    if (strcmp(what, "fill") == 0) program->fill = (uint64_t)last;
    if (strcmp(what, "first") == 0) program->first_cycles = (uint64_t)last;
    if (strcmp(what, "stalls") == 0) program->stall_seed = (uint64_t)last;
    if (strcmp(what, "program") != 0) return QM_OK;
    if (first < 0 || first >= 2 * CODE_ALIGN) return complain(reader, "expected an address below 512, got", reader->words[1]);
    program->program_addr = (uint32_t)first;
    program->program_count = (uint32_t)last;
    reader->has_count = true;
    return QM_OK;
}

/* words[at] is the space, words[at + 1] the place with its colon, the rest the values. */
static enum qm_status read_bytes(struct reader *reader, size_t at, struct qm_text_bytes **list) {
    static const char *const spaces[] = {"arena", "scratchpad", "accumulator"};
    const struct qm_machine *machine = &reader->program->machine;
    const uint64_t sizes[] = {QM_TEXT_ARENA_BYTES, machine->scratchpad_bytes, 4ull * machine->accumulator_rows * machine->cols};
    struct qm_text_bytes *item = QM_ARENA_NEW(reader->arena, struct qm_text_bytes, 1);
    while (item->space < 3 && strcmp(spaces[item->space], reader->words[at]) != 0) item->space++;
    if (item->space == 3) return complain(reader, "expected arena, scratchpad or accumulator, got", reader->words[at]);
    if (reader->count < at + 3) return complain(reader, "expected a place and values after", reader->words[at]);
    char *place = reader->words[at + 1];
    if (place[strlen(place) - 1] == ':') place[strlen(place) - 1] = '\0';
    bool is_sums = item->space == QM_TEXT_ACCUMULATOR;
    int64_t offset, value;
    QM_TRY(read_number(reader, place, 0, &offset));
    item->offset_bytes = (uint64_t)offset * (is_sums ? 4 * machine->cols : 1);
    item->bytes = qm_arena_alloc(reader->arena, 4 * reader->count);
    for (size_t i = at + 2; i < reader->count; i++) {
        QM_TRY(read_number(reader, reader->words[i], is_sums ? 0 : 16, &value));
        for (int shift = 0; shift < (is_sums ? 32 : 8); shift += 8) item->bytes[item->size_bytes++] = (uint8_t)(value >> shift);
    }
    if (item->space == QM_TEXT_ARENA && offset < QM_TEXT_CODE_BYTES) return complain(reader, "the program lies below 0x1000:", place);
    if (offset < 0 || item->offset_bytes > sizes[item->space] || item->size_bytes > sizes[item->space] - item->offset_bytes)
        return complain(reader, "outside of the memory:", place);
    item->line = reader->line;
    item->next = *list;
    *list = item;
    return QM_OK;
}

static enum qm_status read_count(struct reader *reader) {
    struct qm_text_count *item = QM_ARENA_NEW(reader->arena, struct qm_text_count, 1);
    int64_t value;
    if (reader->count != 4) return complain(reader, "expected a counter and its value after", reader->words[1]);
    while (item->counter < QM_COUNTERS && strcmp(qm_counter_infos[item->counter].name, reader->words[2]) != 0) item->counter++;
    if (item->counter == QM_COUNTERS) return complain(reader, "unknown counter", reader->words[2]);
    QM_TRY(read_number(reader, reader->words[3], 0, &value));
    item->value = (uint64_t)value;
    item->line = reader->line;
    item->next = reader->program->counts;
    reader->program->counts = item;
    return QM_OK;
}

static enum qm_status read_error(struct reader *reader) {
    for (uint32_t code = 0; qm_error_name(code) != NULL; code++)
        if (reader->count == 3 && strcmp(qm_error_name(code), reader->words[2]) == 0) {
            reader->program->error = code;
            return QM_OK;
        }
    return complain(reader, "unknown error", reader->words[reader->count - 1]);
}

static enum qm_status read_expectation(struct reader *reader) {
    if (strcmp(reader->words[1], "counter") == 0) return read_count(reader);
    if (strcmp(reader->words[1], "error") == 0) return read_error(reader);
    return read_bytes(reader, 1, &reader->program->after);
}

static enum qm_status read_line(struct reader *reader, char *line) {
    static const char *const settings[] = {"fill", "first", "stalls", "program"};
    line[strcspn(line, "#")] = '\0';
    reader->count = 0;
    for (char *word = strtok(line, " \t\r"); word != NULL; word = strtok(NULL, " \t\r")) {
        if (reader->count == MAX_WORDS) return complain(reader, "more words than a line may have, from here on:", word);
        reader->words[reader->count++] = word;
    }
    if (reader->count == 0) return QM_OK;
    if (reader->count == 1) return complain(reader, "nothing after", reader->words[0]);
    if (strcmp(reader->words[0], "machine") == 0) return read_machine(reader);
    if (strcmp(reader->words[0], "insn") == 0 || strcmp(reader->words[0], "raw") == 0) return read_instruction(reader);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(reader->words[0], settings[i]) == 0) return read_setting(reader);
    if (strcmp(reader->words[0], "expect") == 0) return read_expectation(reader);
    return read_bytes(reader, 0, &reader->program->before);
}

enum qm_status qm_program_text_read(const char *file, struct qm_arena *arena, struct qm_program_text **program, struct qm_diag *diag) {
    struct reader *reader = QM_ARENA_NEW(arena, struct reader, 1);
    *program = QM_ARENA_NEW(arena, struct qm_program_text, 1);
    **program = (struct qm_program_text){.file = qm_arena_strdup(arena, file)};
    *reader = (struct reader){.program = *program, .arena = arena, .diag = diag};
    qm_machine_init(&(*program)->machine);
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    enum qm_status status = QM_OK;
    if (memchr(bytes, 0, size) != NULL) status = qm_fail(diag, QM_BAD_INPUT, "%s: is not a program as text: there is a byte 0 in it", file);
    char *rest = (char *)bytes;
    for (char *line; status == QM_OK && (line = strsep(&rest, "\n")) != NULL;) {
        reader->line++;
        status = read_line(reader, line);
    }
    free(bytes);
    if (status == QM_OK && !reader->has_machine)
        status = qm_fail(diag, QM_BAD_INPUT, "%s: names no machine: begin it with a line 'machine NAME'", file);
    if (!reader->has_count) (*program)->program_count = (*program)->insn_count;
    return status;
}

/* ---- running ---- */

struct memories {
    uint8_t arena[QM_TEXT_ARENA_BYTES];
    uint8_t *scratchpad;
    int32_t *accumulator;
};

static uint8_t *space_bytes(struct memories *memories, enum qm_text_space space) {
    uint8_t *const bytes[] = {memories->arena, memories->scratchpad, (uint8_t *)memories->accumulator};
    return bytes[space];
}

void qm_program_text_memories(const struct qm_program_text *program, uint8_t *arena, uint8_t *scratchpad, int32_t *accumulator) {
    uint8_t *const spaces[] = {arena, scratchpad, (uint8_t *)accumulator};
    const struct qm_machine *machine = &program->machine;
    struct qm_prng prng;
    qm_prng_init(&prng, program->fill);
    if (program->is_filled) {
        qm_prng_fill(&prng, arena, QM_TEXT_ARENA_BYTES);
        qm_prng_fill(&prng, scratchpad, machine->scratchpad_bytes);
        for (size_t i = 0; i < (size_t)machine->accumulator_rows * machine->cols; i++)
            accumulator[i] = (int32_t)(uint32_t)qm_prng_next(&prng);
    }
    for (const struct qm_text_bytes *item = program->before; item != NULL; item = item->next)
        memcpy(spaces[item->space] + item->offset_bytes, item->bytes, item->size_bytes);
    memcpy(arena + program->program_addr / CODE_ALIGN * CODE_ALIGN, program->words, program->insn_count * sizeof *program->words);
}

struct qm_device_options qm_program_text_options(const struct qm_program_text *program) {
    return (struct qm_device_options){
        .memory_bytes = QM_TEXT_ARENA_BYTES, .memory_base = QM_TEXT_MEMORY_BASE, .stalls = program->stalls, .seed = program->stall_seed};
}

static struct memories *create_memories(const struct qm_machine *machine) {
    struct memories *memories = qm_alloc_zeroed(1, sizeof *memories);
    memories->scratchpad = qm_alloc_zeroed(machine->scratchpad_bytes, 1);
    memories->accumulator = qm_alloc_zeroed((size_t)machine->accumulator_rows * machine->cols, sizeof *memories->accumulator);
    return memories;
}

static void destroy_memories(struct memories *memories) {
    free(memories->scratchpad);
    free(memories->accumulator);
    free(memories);
}

static void start(const struct qm_program_text *program, struct qm_device *device) {
    struct memories *memories = create_memories(&program->machine);
    qm_program_text_memories(program, memories->arena, memories->scratchpad, memories->accumulator);
    device->ops->write_memory(device, QM_TEXT_MEMORY_BASE, memories->arena, sizeof memories->arena);
    device->ops->write_internal(device, memories->scratchpad, memories->accumulator);
    destroy_memories(memories);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, program->program_addr);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, program->program_count);
    device->ops->write_csr(device, QM_CSR_MEMORY_BASE, QM_TEXT_MEMORY_BASE);
    device->ops->write_csr(device, QM_CSR_MEMORY_BASE_HI, 0);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, QM_TEXT_ARENA_BYTES);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}

uint64_t qm_program_text_limit(const struct qm_program_text *program) {
    return qm_work_limit((const uint32_t(*)[QM_INSN_WORDS])program->words, program->insn_count, &program->machine, program->stalls);
}

void qm_program_text_start(const struct qm_program_text *program, struct qm_device *device, uint64_t limit_cycles) {
    if (program->first_cycles > 0) {
        start(program, device);
        uint64_t cycles = program->first_cycles < limit_cycles ? program->first_cycles : limit_cycles;
        if (!device->ops->wait(device, cycles)) device->ops->reset(device);
    }
    start(program, device);
}

static enum qm_status run(const struct qm_program_text *program, struct qm_device *device, struct qm_diag *diag) {
    uint64_t limit = qm_program_text_limit(program);
    qm_program_text_start(program, device, limit);
    if (!device->ops->wait(device, limit))
        return qm_fail(diag, QM_MISMATCH, "%s: still busy after %" PRIu64 " cycles (engine %s)", program->file, limit, device->ops->name);
    uint32_t error = device->ops->read_csr(device, QM_CSR_ERROR_CAUSE);
    if (error == program->error) return QM_OK;
    return qm_fail(diag, QM_MISMATCH, "%s: error %s, expected %s (engine %s)", program->file, qm_error_name(error),
                   qm_error_name(program->error), device->ops->name);
}

static enum qm_status compare(const struct qm_program_text *program, struct memories *memories, struct qm_device *device,
                              struct qm_diag *diag) {
    device->ops->read_memory(device, QM_TEXT_MEMORY_BASE, memories->arena, sizeof memories->arena);
    device->ops->read_internal(device, memories->scratchpad, memories->accumulator);
    for (const struct qm_text_bytes *item = program->after; item != NULL; item = item->next)
        for (size_t i = 0; i < item->size_bytes; i++) {
            uint8_t got = space_bytes(memories, item->space)[item->offset_bytes + i];
            if (got != item->bytes[i])
                return qm_fail(diag, QM_MISMATCH, "%s:%u: byte %zu is 0x%02x, expected 0x%02x (engine %s)", program->file, item->line, i,
                               got, item->bytes[i], device->ops->name);
        }
    for (const struct qm_text_count *item = program->counts; item != NULL; item = item->next) {
        uint64_t got = qm_device_counter(device, item->counter);
        if (got != item->value)
            return qm_fail(diag, QM_MISMATCH, "%s:%u: %s is %" PRIu64 ", expected %" PRIu64 " (engine %s)", program->file, item->line,
                           qm_counter_infos[item->counter].name, got, item->value, device->ops->name);
    }
    return QM_OK;
}

enum qm_status qm_program_text_run(const struct qm_program_text *program, const struct qm_device_ops *engine, bool step,
                                   struct qm_diag *diag) {
    struct qm_device_options options = qm_program_text_options(program);
    options.step = step;
    struct qm_device *device;
    QM_TRY(engine->create(&program->machine, &options, &device, diag));
    struct memories *memories = create_memories(&program->machine);
    enum qm_status status = run(program, device, diag);
    if (status == QM_OK) status = compare(program, memories, device, diag);
    destroy_memories(memories);
    engine->destroy(device);
    return status;
}
