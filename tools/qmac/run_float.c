/* run_float.c - see run_float.h. The ends of the network are described as those of a program, which has nothing else. */
#include "tools/qmac/run_float.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/file.h"
#include "infer/infer.h"
#include "report/values.h"
#include "tools/qmac/ends.h"
#include "tools/qmac/tensors.h"

struct session {
    const struct cli_float_run *options;
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct infer *infer;
    struct qm_program *ends;
    struct cli_inputs inputs;
    struct cli_outputs outputs;
    struct qm_npy labels;
};

static enum qm_status check_places(const struct cli_float_run *options, struct qm_diag *diag) {
    if (options->json != NULL) QM_TRY(cli_check_writable(options->json, diag));
    return options->output != NULL ? cli_check_folder(options->output, diag) : QM_OK;
}

static enum qm_status open_inputs(struct session *session, struct qm_diag *diag) {
    const struct cli_float_run *options = session->options;
    if (options->inputs->count > 0)
        QM_TRY(cli_inputs_read(session->ends, options->inputs->items, options->inputs->count, &session->inputs, diag));
    else
        cli_inputs_random(session->ends, options->seed, &session->inputs);
    if (options->labels != NULL) QM_TRY(cli_labels_read(session->ends, options->labels, session->inputs.examples, &session->labels, diag));
    return options->output != NULL ? cli_prepare_folder(options->output, diag) : QM_OK;
}

static enum qm_status prepare(struct session *session, struct qm_diag *diag) {
    struct qm_graph *read;
    QM_TRY(check_places(session->options, diag));
    QM_TRY(cli_check_float(session->options->model, diag));
    QM_TRY(qm_model_read(session->options->file, session->options->model, session->arena, &read, diag));
    QM_TRY(qm_reals(read, session->arena, &session->graph, diag));
    QM_TRY(infer_create(session->graph, &session->infer, diag));
    session->ends = cli_ends_of(session->graph);
    return open_inputs(session, diag);
}

static enum qm_status run_example(struct session *session, uint64_t example, struct qm_diag *diag) {
    const struct qm_program *ends = session->ends;
    const float **inputs = QM_ARENA_NEW(session->arena, const float *, ends->input_count + 1);
    for (uint32_t i = 0; i < ends->input_count; i++)
        inputs[i] = (const float *)(const void *)(session->inputs.data[i] + example * ends->tensors[i].size_bytes);
    bool done = infer_run(session->infer, inputs);
    for (uint32_t i = 0; i < ends->output_count && done; i++)
        done = infer_store(session->infer, session->graph->outputs[i],
                           session->outputs.data[i] + example * ends->tensors[ends->input_count + i].size_bytes);
    if (done) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: example %" PRIu64 ": an operator has no result for its numbers", session->graph->file, example);
}

static enum qm_status write_results(const struct session *session, struct qm_diag *diag) {
    const struct cli_float_run *options = session->options;
    bool labelled = options->labels != NULL;
    const struct qm_values_source source = {.graph = session->graph,
                                            .engine = cli_engine_float.name,
                                            .examples = session->inputs.examples,
                                            .labelled = labelled ? session->inputs.examples : 0,
                                            .correct = labelled ? cli_labels_count(session->ends, &session->outputs, &session->labels) : 0,
                                            .random_input = options->inputs->count == 0,
                                            .seed = options->seed};
    if (options->output != NULL)
        QM_TRY(cli_outputs_write(session->ends, &session->outputs, session->inputs.stacking, options->output, diag));
    if (options->json != NULL) {
        const char *text = qm_values_json(&source, session->arena);
        QM_TRY(qm_file_write(options->json, text, strlen(text), diag));
    }
    fputs(qm_values_text(&source, session->arena), stdout);
    return QM_OK;
}

static enum qm_status run_all(struct session *session, struct qm_diag *diag) {
    QM_TRY(prepare(session, diag));
    cli_outputs_init(session->ends, false, session->inputs.examples, &session->outputs);
    for (uint64_t i = 0; i < session->inputs.examples; i++) QM_TRY(run_example(session, i, diag));
    return write_results(session, diag);
}

enum qm_status cli_run_float(const struct cli_float_run *options, struct qm_arena *arena, struct qm_diag *diag) {
    struct session session = {.options = options, .arena = arena};
    enum qm_status status = run_all(&session, diag);
    infer_destroy(session.infer);
    cli_outputs_free(&session.outputs);
    cli_inputs_free(&session.inputs);
    qm_npy_free(&session.labels);
    qm_program_destroy(session.ends);
    return status;
}
