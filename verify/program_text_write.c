/* program_text_write.c - writes a program test; what must be left after is what the cycle model leaves.
 *
 * The expectations make the file a regression test of the RTL against the model of its day. Bytes stand in lines of at most LINE_BYTES.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/memory.h"
#include "common/text.h"
#include "verify/program_text.h"

enum { LINE_BYTES = 16, TEXT_BYTES = 1024 };

/* All three memories in one block. */
struct image {
    size_t size, scratchpad, accumulator; /* of all; where the others begin behind the arena */
    uint8_t *bytes;
};

static struct image create_image(const struct qm_machine *machine) {
    struct image image = {.scratchpad = QM_TEXT_ARENA_BYTES, .accumulator = QM_TEXT_ARENA_BYTES + machine->scratchpad_bytes};
    image.size = image.accumulator + sizeof(int32_t) * machine->accumulator_rows * machine->cols;
    image.bytes = qm_alloc_zeroed(image.size, 1);
    return image;
}

static int32_t *sums_of(const struct image *image) {
    return (int32_t *)(void *)(image->bytes + image->accumulator);
}

/* The knobs that the machine of that name does not have. A machine from a file is written as a changed edge. */
static enum qm_status write_machine(FILE *file, const struct qm_machine *machine, struct qm_diag *diag) {
    char name[sizeof machine->name];
    struct qm_machine named;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(machine->name, ","), machine->name);
    if (qm_machine_load(name, &named, diag) != QM_OK) {
        snprintf(name, sizeof name, "edge");
        QM_TRY(qm_machine_load(name, &named, diag));
    }
    fprintf(file, "machine %s", name);
    for (size_t i = 0; i < qm_param_count; i++) {
        uint32_t value = qm_machine_knob(machine, &qm_params[i]);
        if (value != qm_machine_knob(&named, &qm_params[i]))
            fprintf(file, " %s=%s", qm_params[i].name, qm_param_text(&qm_params[i], value).text);
    }
    fputc('\n', file);
    return QM_OK;
}

static void write_insn(FILE *file, const struct qm_insn *insn, const uint32_t *words) {
    uint32_t packed[QM_INSN_WORDS];
    char text[TEXT_BYTES];
    struct qm_diag diag;
    qm_insn_print(insn, text, sizeof text);
    if (qm_opcode_name(insn->opcode) != NULL && qm_insn_pack(insn, packed, &diag) == QM_OK && memcmp(words, packed, sizeof packed) == 0) {
        fprintf(file, "insn %s\n", text);
        return;
    }
    fputs("raw", file);
    for (int i = 0; i < QM_INSN_WORDS; i++) fprintf(file, " %08" PRIx32, words[i]);
    fprintf(file, " # %s\n", text);
}

static enum qm_status write_program(FILE *file, const struct qm_program_text *program, struct qm_diag *diag) {
    fprintf(file, "# Reduced from: ");
    qm_text_print(program->file, file);
    fputc('\n', file);
    QM_TRY(write_machine(file, &program->machine, diag));
    if (program->is_filled) fprintf(file, "fill %" PRId64 "\n", (int64_t)program->fill);
    if (program->first_cycles > 0) fprintf(file, "first %" PRIu64 "\n", program->first_cycles);
    if (program->stalls > 0) fprintf(file, "stalls %.17g %" PRId64 "\n", program->stalls, (int64_t)program->stall_seed);
    for (uint32_t i = 0; i < program->insn_count; i++) {
        struct qm_insn insn;
        qm_insn_unpack(program->words[i], &insn);
        write_insn(file, &insn, program->words[i]);
    }
    if (program->program_addr != 0 || program->program_count != program->insn_count)
        fprintf(file, "program 0x%" PRIx32 " %" PRIu32 "\n", program->program_addr, program->program_count);
    return QM_OK;
}

/* Bytes from..to of a memory that begins at `base` of the image, those that have changed. */
static void write_changes(FILE *file, const struct image *before, const struct image *after, const char *name, size_t base) {
    size_t end = base == 0 ? before->scratchpad : before->accumulator;
    for (size_t i = base; i < end;) {
        size_t stop = i;
        while (stop < end && stop < i + LINE_BYTES && before->bytes[stop] != after->bytes[stop]) stop++;
        if (stop > i) fprintf(file, "expect %s 0x%zx:", name, i - base);
        for (size_t at = i; at < stop; at++) fprintf(file, " %02x", after->bytes[at]);
        if (stop > i) fputc('\n', file);
        i = stop > i ? stop : i + 1;
    }
}

static void write_sums(FILE *file, const struct qm_machine *machine, const struct image *before, const struct image *after) {
    for (uint32_t row = 0; row < machine->accumulator_rows; row++) {
        const int32_t *was = sums_of(before) + (size_t)row * machine->cols, *is = sums_of(after) + (size_t)row * machine->cols;
        if (memcmp(was, is, machine->cols * sizeof *is) == 0) continue;
        fprintf(file, "expect accumulator %" PRIu32 ":", row);
        for (uint32_t c = 0; c < machine->cols; c++) fprintf(file, " %" PRId32, is[c]);
        fputc('\n', file);
    }
}

static void write_changes_of_all(FILE *file, const struct qm_machine *machine, const struct image *before, const struct image *after) {
    write_changes(file, before, after, "arena", 0);
    write_changes(file, before, after, "scratchpad", before->scratchpad);
    write_sums(file, machine, before, after);
}

static enum qm_status write_expectations(FILE *file, const struct qm_program_text *program, struct qm_device *device,
                                         struct qm_diag *diag) {
    uint64_t limit = qm_program_text_limit(program);
    struct image before = create_image(&program->machine), after = create_image(&program->machine);
    qm_program_text_start(program, device, limit);
    device->ops->read_memory(device, QM_TEXT_MEMORY_BASE, before.bytes, QM_TEXT_ARENA_BYTES);
    device->ops->read_internal(device, before.bytes + before.scratchpad, sums_of(&before));
    bool ended = device->ops->wait(device, limit);
    device->ops->read_memory(device, QM_TEXT_MEMORY_BASE, after.bytes, QM_TEXT_ARENA_BYTES);
    device->ops->read_internal(device, after.bytes + after.scratchpad, sums_of(&after));
    write_changes_of_all(file, &program->machine, &before, &after);
    for (int i = 0; i < QM_COUNTERS; i++)
        fprintf(file, "expect counter %s %" PRIu64 "\n", qm_counter_infos[i].name, qm_device_counter(device, (enum qm_counter)i));
    fprintf(file, "expect error %s\n", qm_error_name(device->ops->read_csr(device, QM_CSR_ERROR_CAUSE)));
    free(before.bytes);
    free(after.bytes);
    if (ended) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: the model is still busy after %" PRIu64 " cycles: it cannot be saved", program->file, limit);
}

enum qm_status qm_program_text_write(const struct qm_program_text *program, const char *file, struct qm_diag *diag) {
    struct qm_device_options options = qm_program_text_options(program);
    struct qm_device *device;
    char *text;
    size_t size;
    QM_TRY(qm_device_cycle.create(&program->machine, &options, &device, diag));
    FILE *stream = qm_text_stream_open(&text, &size);
    enum qm_status status = write_program(stream, program, diag);
    if (status == QM_OK) status = write_expectations(stream, program, device, diag);
    qm_text_stream_close(stream);
    if (status == QM_OK) status = qm_file_write(file, text, size, diag);
    free(text);
    device->ops->destroy(device);
    return status;
}
