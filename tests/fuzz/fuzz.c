/* fuzz.c - the checks of fuzz.h. They restate what common/program.h promises of a program that loads, not how program.c checks it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

void fuzz_check_refusal(enum qm_status status, const struct qm_diag *diag) {
    QM_CHECK(status == QM_BAD_INPUT);
    QM_CHECK(strncmp(diag->text, FUZZ_NAME ":", sizeof FUZZ_NAME) == 0);
    QM_CHECK(strchr(diag->text, '\n') == NULL);
}

static void check_inside(uint64_t first, uint64_t count, uint64_t limit) {
    QM_CHECK(first <= limit && count <= limit - first);
}

static void check_tensor(const struct qm_program *program, const struct qm_program_tensor *tensor) {
    uint64_t size_bytes = qm_dtype_bytes(tensor->dtype);
    QM_CHECK(tensor->dtype < QM_DTYPES && tensor->rank <= QM_MAX_RANK);
    QM_CHECK(memchr(tensor->name, 0, sizeof tensor->name) != NULL);
    for (uint32_t i = 0; i < tensor->rank; i++) QM_CHECK(!__builtin_mul_overflow(size_bytes, tensor->dims[i], &size_bytes));
    QM_CHECK(size_bytes == tensor->size_bytes);
    check_inside(tensor->arena_offset, tensor->size_bytes, program->arena_bytes);
}

static void check_layer(const struct qm_program_layer *layer) {
    QM_CHECK(memchr(layer->name, 0, sizeof layer->name) != NULL && memchr(layer->op, 0, sizeof layer->op) != NULL);
    QM_CHECK(memchr(layer->shape, 0, sizeof layer->shape) != NULL && memchr(layer->precision, 0, sizeof layer->precision) != NULL);
}

static void check_stage(const struct qm_program *program, const struct qm_program_stage *stage) {
    if (stage->on_host) {
        QM_CHECK(stage->graph != NULL && stage->graph->output_count == 1 && stage->layer < program->layer_count);
        QM_CHECK(stage->graph->input_count == stage->input_count && stage->output < program->tensor_count);
        for (uint32_t i = 0; i < stage->input_count; i++) QM_CHECK(stage->inputs[i] < program->tensor_count);
    } else {
        check_inside(stage->first_insn, stage->insn_count, program->insn_count);
        QM_CHECK(stage->first_insn % 4 == 0);
    }
}

/* Instructions may say anything; they must be there, and belong to a layer. */
static void check_insns(const struct qm_program *program) {
    struct qm_insn insn;
    char text[1024];
    check_inside(program->code_offset, (uint64_t)program->insn_count * QM_INSN_BYTES, program->arena_bytes);
    QM_CHECK(program->code_offset % 256 == 0);
    for (uint32_t i = 0; i < program->insn_count; i++) {
        qm_insn_unpack(program->insns[i], &insn);
        qm_insn_print(&insn, text, sizeof text);
        QM_CHECK(program->insn_layer[i] < program->layer_count);
    }
}

void fuzz_check_program(const struct qm_program *program) {
    struct qm_diag diag;
    volatile uint8_t sum = 0;
    QM_CHECK(qm_machine_check(&program->machine, &diag) == QM_OK);
    QM_CHECK((uint64_t)program->input_count + program->output_count <= program->tensor_count);
    check_inside(program->image_offset, program->image_bytes, program->arena_bytes);
    for (uint32_t i = 0; i < program->image_bytes; i++) sum = (uint8_t)(sum + program->image[i]);
    for (uint32_t i = 0; i < program->tensor_count; i++) check_tensor(program, &program->tensors[i]);
    for (uint32_t i = 0; i < program->layer_count; i++) check_layer(&program->layers[i]);
    for (uint32_t i = 0; i < program->stage_count; i++) check_stage(program, &program->stages[i]);
    check_insns(program);
}
