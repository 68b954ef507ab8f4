/* program.c - program files come back as they were saved, and damaged ones are refused. */
#include "common/program.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/prng.h"
#include "tests/support/host_stage.h"

TestSuite(program);

static struct qm_diag diag;

enum { INSNS = 4, IMAGE = 40, TENSORS = 3 };

static void fill_tensor(struct qm_program_tensor *tensor, const char *name, uint32_t offset) {
    *tensor = (struct qm_program_tensor){.dtype = QM_I8, .rank = 2, .dims = {1, 10}, .scale = 0.5F, .zero_point = -3};
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->arena_offset = offset;
    tensor->size_bytes = 10;
}

/* Two layers, one of them a softmax on the host. */
static struct qm_program *sample(void) {
    struct qm_program *program = qm_program_create();
    snprintf(program->model, sizeof program->model, "m.tflite");
    snprintf(program->requant, sizeof program->requant, "tflite");
    snprintf(program->file_requant, sizeof program->file_requant, "even");
    snprintf(program->search, sizeof program->search, "layers");
    snprintf(program->precision, sizeof program->precision, "conv=w8a8,default=w4a4");
    program->insn_count = INSNS;
    program->insns = qm_arena_alloc(program->arena, INSNS * sizeof *program->insns);
    program->insn_layer = QM_ARENA_NEW(program->arena, uint32_t, INSNS);
    for (uint32_t i = 0; i < INSNS; i++) program->insns[i][i] = 0x01020304 * (i + 1);
    program->arena_bytes = 2048;
    program->code_offset = 1024;
    program->image_offset = 512;
    program->image_bytes = IMAGE;
    program->image = QM_ARENA_NEW(program->arena, uint8_t, IMAGE);
    memset(program->image, 0x5a, IMAGE);
    program->tensor_count = TENSORS;
    program->input_count = program->output_count = 1;
    program->tensors = QM_ARENA_NEW(program->arena, struct qm_program_tensor, TENSORS);
    fill_tensor(&program->tensors[0], "in", 0);
    fill_tensor(&program->tensors[1], "out", 64);
    fill_tensor(&program->tensors[2], "logits", 128);
    program->layer_count = 2;
    program->layers = QM_ARENA_NEW(program->arena, struct qm_program_layer, 2);
    program->layers[0].macs = (uint64_t)1 << 40;
    program->layers[1].on_host = true;
    program->stage_count = 2;
    program->stages = QM_ARENA_NEW(program->arena, struct qm_program_stage, 2);
    program->stages[0].insn_count = INSNS;
    program->stages[1] = host_stage_softmax(program, 1, 2, 1, 0.75F);
    return program;
}

static uint8_t *saved(const struct qm_program *program, size_t *size) {
    char file[] = "/tmp/qmac-program-XXXXXX";
    close(mkstemp(file));
    cr_assert(qm_program_save(program, file, &diag) == QM_OK, "%s", diag.text);
    uint8_t *bytes;
    cr_assert(eq(int, qm_file_read(file, 1 << 20, &bytes, size, &diag), QM_OK));
    unlink(file);
    return bytes;
}

static void expect_refusal(struct qm_program *program, const char *why) {
    size_t size;
    uint8_t *bytes = saved(program, &size);
    struct qm_program *loaded;
    cr_assert(eq(int, qm_program_parse(bytes, size, "p", &loaded, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, why) != NULL, "%s", diag.text);
    free(bytes);
    qm_program_destroy(program);
}

Test(program, comes_back_as_it_was_saved) {
    struct qm_program *program = sample(), *loaded;
    size_t size, again_size;
    uint8_t *bytes = saved(program, &size);
    cr_assert(qm_program_parse(bytes, size, "p", &loaded, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(u32, loaded->insns[2][2], 0x0306090c));
    cr_assert(eq(u64, loaded->layers[0].macs, (uint64_t)1 << 40));
    cr_assert(eq(i32, loaded->tensors[1].zero_point, -3));
    cr_assert(eq(str, loaded->search, "layers"));
    cr_assert(eq(u8, loaded->image[IMAGE - 1], 0x5a));
    cr_assert(loaded->stages[1].graph->ops[0].beta == 0.75F);
    cr_assert(eq(u32, loaded->machine.rows, program->machine.rows));
    uint8_t *again = saved(loaded, &again_size);
    cr_assert(eq(sz, again_size, size));
    cr_assert(memcmp(again, bytes, size) == 0);
    free(bytes);
    free(again);
    qm_program_destroy(program);
    qm_program_destroy(loaded);
}

/* Each byte, with one bit of it changed: behind the magic number and the version, only the checksum can tell. */
Test(program, refuses_any_damage) {
    struct qm_program *program = sample(), *loaded;
    size_t size;
    uint8_t *bytes = saved(program, &size);
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 1 << at % 8;
        cr_assert(eq(int, qm_program_parse(bytes, size, "p", &loaded, &diag), QM_BAD_INPUT), "byte %zu", at);
        cr_assert(at < 12 || strstr(diag.text, "damaged: its checksum does not fit; compile the model again") != NULL, "%s", diag.text);
        bytes[at] ^= 1 << at % 8;
    }
    free(bytes);
    qm_program_destroy(program);
}

Test(program, refuses_every_truncation_in_one_line) {
    struct qm_program *program = sample(), *loaded;
    size_t size;
    uint8_t *bytes = saved(program, &size);
    for (size_t cut = 0; cut < size; cut++) {
        qm_program_seal(bytes, cut);
        cr_assert(qm_program_parse(bytes, cut, "p", &loaded, &diag) == QM_BAD_INPUT, "%zu bytes were enough", cut);
        cr_assert(strchr(diag.text, '\n') == NULL);
    }
    free(bytes);
    qm_program_destroy(program);
}

Test(program, survives_any_changed_byte) {
    struct qm_program *program = sample(), *loaded;
    size_t size;
    uint8_t *bytes = saved(program, &size);
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    for (size_t at = 0; at < size; at++) {
        uint8_t old = bytes[at];
        bytes[at] = (uint8_t)qm_prng_next(&prng);
        qm_program_seal(bytes, size);
        if (qm_program_parse(bytes, size, "p", &loaded, &diag) == QM_OK) qm_program_destroy(loaded);
        bytes[at] = old;
    }
    free(bytes);
    qm_program_destroy(program);
}

Test(program, refuses_what_leaves_the_memory) {
    struct qm_program *program = sample();
    program->tensors[1].arena_offset = 2039;
    expect_refusal(program, "a tensor leaves the memory");
    program = sample();
    program->image_offset = 2020;
    expect_refusal(program, "the constants leave the memory");
    program = sample();
    program->code_offset = 1792 + 256;
    expect_refusal(program, "the code leaves the memory");
    program = sample();
    program->stages[0].insn_count = INSNS + 1;
    expect_refusal(program, "a step leaves the code");
}

Test(program, refuses_what_does_not_fit_together) {
    struct qm_program *program = sample();
    program->tensors[0].size_bytes = 11;
    expect_refusal(program, "size is not that of its shape");
    program = sample();
    program->stages[1].inputs[0] = TENSORS;
    expect_refusal(program, "host step");
    program = sample();
    program->stages[1].graph->ops[0].inputs[0] = 1; /* its own output */
    expect_refusal(program, "in no order");
    program = sample();
    program->insn_layer[3] = 2;
    expect_refusal(program, "unknown layer");
    program = sample();
    program->machine.axi_bytes = 12;
    expect_refusal(program, "knob out of range");
}

Test(program, knows_the_types) {
    cr_assert(eq(sz, qm_dtype_bytes(QM_I16), 2));
    cr_assert(eq(str, (char *)qm_dtype_name(QM_U8), "uint8"));
}
