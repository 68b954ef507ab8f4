/* machine_run.c - see machine_run.h. */
#include "tests/support/machine_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static double read_element(const uint8_t *data, enum qm_dtype dtype, size_t i) {
    int16_t half;
    int32_t word;
    int64_t wide;
    float real;
    switch (dtype) {
    case QM_I8: return (int8_t)data[i];
    case QM_U8: return data[i];
    case QM_I16: return memcpy(&half, data + 2 * i, 2), half;
    case QM_I32: return memcpy(&word, data + 4 * i, 4), word;
    case QM_I64: return memcpy(&wide, data + 8 * i, 8), (double)wide;
    default: return memcpy(&real, data + 4 * i, 4), (double)real;
    }
}

/* False when the type cannot hold the number. */
static bool write_element(uint8_t *data, enum qm_dtype dtype, size_t i, double number) {
    float real = (float)number;
    if (dtype == QM_I8) data[i] = (uint8_t)(int8_t)number;
    if (dtype == QM_U8) data[i] = (uint8_t)number;
    if (dtype == QM_F32) memcpy(data + 4 * i, &real, sizeof real);
    return read_element(data, dtype, i) == number;
}

static size_t element_count(const struct qm_program_tensor *tensor) {
    return tensor->size_bytes / qm_dtype_bytes(tensor->dtype);
}

static bool write_inputs(const struct machine_case *test, const struct qm_program *program, struct qm_device *device, char *text,
                         size_t size) {
    if (program->input_count > test->input_count) return snprintf(text, size, "has %u inputs", program->input_count), false;
    for (uint32_t t = 0; t < program->input_count; t++) {
        const struct qm_program_tensor *tensor = &program->tensors[t];
        const struct numbers *numbers = &test->inputs[t];
        uint8_t *data = QM_ARENA_NEW(program->arena, uint8_t, tensor->size_bytes);
        if (element_count(tensor) != numbers->count) return snprintf(text, size, "input %u has another number of elements", t), false;
        for (size_t i = 0; i < numbers->count; i++)
            if (!write_element(data, tensor->dtype, i, numbers->values[i]))
                return snprintf(text, size, "input %u: %s cannot hold %g", t, qm_dtype_name(tensor->dtype), numbers->values[i]), false;
        qm_driver_write_tensor(device, program, t, data);
    }
    return true;
}

static uint32_t find_tensor(const struct qm_program *program, const char *name) {
    if (name == NULL) return program->input_count;
    for (uint32_t t = program->input_count; t < program->tensor_count; t++)
        if (strcmp(program->tensors[t].name, name) == 0) return t;
    return UINT32_MAX;
}

/* Where element i of an expected array is in the tensor. */
static size_t element_index(const struct qm_program_tensor *tensor, const struct machine_want *want, size_t i) {
    if (want->last || want->tensor == NULL || tensor->rank != 4) return i;
    size_t h = tensor->dims[1], w = tensor->dims[2], c = tensor->dims[3];
    return i % (h * w) * c + i / (h * w) % c;
}

static bool compare(struct qm_device *device, const struct qm_program *program, const struct machine_want *want, char *text, size_t size) {
    uint32_t t = find_tensor(program, want->tensor);
    if (t == UINT32_MAX) return snprintf(text, size, "there is no tensor %s", want->tensor), false;
    const struct qm_program_tensor *tensor = &program->tensors[t];
    uint8_t *data = QM_ARENA_NEW(program->arena, uint8_t, tensor->size_bytes);
    if (element_count(tensor) != want->numbers->count)
        return snprintf(text, size, "%s has %zu elements, not %zu", tensor->name, element_count(tensor), want->numbers->count), false;
    qm_driver_read_tensor(device, program, t, data);
    for (size_t i = 0; i < want->numbers->count; i++) {
        double got = read_element(data, tensor->dtype, element_index(tensor, want, i));
        if (want->real && tensor->dtype != QM_F32) got = (double)tensor->scale * (got - tensor->zero_point);
        if (want->rounded) got = floor(got + 0.5);
        if (fabs(got - want->numbers->values[i]) > want->tolerance * fabs(want->numbers->values[i]))
            return snprintf(text, size, "%s: element %zu is %g, not %g", tensor->name, i, got, want->numbers->values[i]), false;
    }
    return true;
}

/* As qm_compile does; but maps of 4 bits that are kept are not packed, so that each number has a byte. */
static bool compile(const struct machine_case *test, const struct qm_machine *machine, struct qm_program **program, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_compile_options options = {.model = test->options, .requant = test->requant, .keep_layers = test->keep_layers};
    struct qm_graph *graph;
    struct qm_network *network;
    enum qm_status status = qm_model_parse(&test->model, &options.model, arena, &graph, diag);
    if (status == QM_OK) status = qm_integers(graph, &options.model, arena, &graph, diag);
    if (status == QM_OK) status = qm_legalize(graph, &options, arena, &network, diag);
    if (status == QM_OK && !test->keep_layers) status = qm_narrow(network, NULL, arena, diag);
    if (status == QM_OK) status = qm_compile_network(network, machine, &options, program, diag);
    qm_arena_destroy(arena);
    return status == QM_OK;
}

void machine_compare_all(const struct machine_case *test, const struct machine_want *wants, uint32_t count, char *text, size_t size) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_program *program = NULL;
    struct qm_device *device = NULL;
    struct qm_machine machine;
    struct qm_diag diag = {.text = ""};
    bool right = qm_machine_load("edge", &machine, &diag) == QM_OK && compile(test, &machine, &program, &diag);
    if (right) qm_driver_memory(program, &options);
    right = right && test->engine->create(&machine, &options, &device, &diag) == QM_OK && qm_driver_load(device, program, &diag) == QM_OK;
    snprintf(text, size, "%s", right ? "pass" : diag.text);
    right = right && write_inputs(test, program, device, text, size);
    if (right && qm_driver_run(device, program, NULL, NULL, &diag) != QM_OK) right = snprintf(text, size, "%s", diag.text) < 0;
    for (uint32_t i = 0; right && i < count; i++) right = compare(device, program, &wants[i], text, size);
    if (device != NULL) device->ops->destroy(device);
    qm_program_destroy(program);
}

void machine_compare(const struct machine_case *test, const struct numbers *want, char *text, size_t size) {
    machine_compare_all(test, &(struct machine_want){.numbers = want}, 1, text, size);
}
