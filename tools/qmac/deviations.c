/* deviations.c - the comparison of a program: its last outputs are the differences, layer by layer, that the host has computed. Values do
 * not depend on time, so that a plan of its own and the engine without time leave the program's cycles as they are.
 */
#include "tools/qmac/deviations.h"

#include <math.h>
#include <stdlib.h>

#include "common/memory.h"
#include "driver/driver.h"

struct comparison {
    const struct qm_program *program;
    const struct cli_inputs *inputs;
    struct qm_device *device;
    uint32_t first; /* tensor of the first difference */
    struct cli_deviations *deviations;
};

/* Adds the differences of one example to the mean, which is a sum until the end. */
static void add_differences(const struct comparison *c, uint32_t i) {
    const struct qm_program_tensor *tensor = &c->program->tensors[c->first + i];
    struct qm_deviation *deviation = &c->deviations->items[i];
    int32_t *differences = qm_alloc(tensor->size_bytes + 1);
    qm_driver_read_tensor(c->device, c->program, c->first + i, differences);
    for (uint32_t k = 0; k < tensor->size_bytes / sizeof *differences; k++) {
        deviation->largest = fmax(deviation->largest, fabs((double)differences[k]));
        deviation->mean += fabs((double)differences[k]);
    }
    free(differences);
}

static enum qm_status run_example(const struct comparison *c, uint64_t example, struct qm_diag *diag) {
    for (uint32_t i = 0; i < c->program->input_count; i++)
        qm_driver_write_tensor(c->device, c->program, i, c->inputs->data[i] + example * c->program->tensors[i].size_bytes);
    QM_TRY(qm_driver_run(c->device, c->program, NULL, NULL, diag));
    for (uint32_t i = 0; i < c->deviations->count; i++) add_differences(c, i);
    return QM_OK;
}

static enum qm_status run_examples(const struct comparison *c, struct qm_diag *diag) {
    QM_TRY(qm_driver_load(c->device, c->program, diag));
    for (uint64_t example = 0; example < c->inputs->examples; example++) QM_TRY(run_example(c, example, diag));
    for (uint32_t i = 0; i < c->deviations->count; i++) {
        double elements = c->program->tensors[c->first + i].size_bytes / sizeof(int32_t) * (double)c->inputs->examples;
        c->deviations->items[i].mean /= elements;
    }
    return QM_OK;
}

static void list_layers(const struct qm_program *program, struct cli_deviations *deviations) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < program->layer_count; i++)
        if (program->layers[i].is_inexact) deviations->items[count++].layer = i;
    QM_CHECK(count == deviations->count);
}

enum qm_status cli_deviations_measure(const struct cli_program *opened, const struct cli_inputs *inputs, struct qm_arena *arena,
                                      struct cli_deviations *deviations, struct qm_diag *diag) {
    struct comparison c = {.program = opened->comparison, .inputs = inputs, .deviations = deviations};
    struct qm_device_options options = {0};
    deviations->count = 0;
    if (c.program == NULL) return QM_OK;
    c.first = c.program->input_count + opened->program->output_count;
    deviations->count = c.program->output_count - opened->program->output_count;
    deviations->items = QM_ARENA_NEW(arena, struct qm_deviation, deviations->count);
    list_layers(opened->program, deviations);
    qm_driver_memory(c.program, &options);
    QM_TRY(qm_device_functional.create(&c.program->machine, &options, &c.device, diag));
    enum qm_status status = run_examples(&c, diag);
    c.device->ops->destroy(c.device);
    return status;
}
