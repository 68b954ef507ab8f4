/* examples.c - examples of a float network and their labels. */
#include "tools/qmac/examples.h"

enum qm_status cli_examples_read(const struct qm_program *ends, const struct cli_list *files, struct qm_arena *arena,
                                 struct cli_examples *examples, struct qm_diag *diag) {
    QM_TRY(cli_inputs_read(ends, files->items, files->count, &examples->inputs, diag));
    const float **inputs = QM_ARENA_NEW(arena, const float *, ends->input_count);
    for (uint32_t i = 0; i < ends->input_count; i++) inputs[i] = (const float *)(const void *)examples->inputs.data[i];
    examples->view = (struct qm_examples){.count = examples->inputs.examples, .inputs = inputs};
    return QM_OK;
}

enum qm_status cli_examples_label(const struct qm_program *ends, const char *file, struct qm_arena *arena, struct cli_examples *examples,
                                  struct qm_diag *diag) {
    if (file == NULL) return QM_OK;
    QM_TRY(cli_labels_read(ends, file, examples->view.count, &examples->labels, diag));
    int64_t *labels = QM_ARENA_NEW(arena, int64_t, examples->view.count);
    for (uint64_t i = 0; i < examples->view.count; i++) labels[i] = qm_npy_integer(&examples->labels, i);
    examples->view.labels = labels;
    return QM_OK;
}

void cli_examples_free(struct cli_examples *examples) {
    cli_inputs_free(&examples->inputs);
    qm_npy_free(&examples->labels);
}
