/* explore_float.c - a float network at each precision of an exploration: quantized as qmac quantize does it without options, packed as its
 * file, and read again, so that a point is what running that file says.
 */
#include "tools/qmac/explore_float.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "quantize/network/network.h"
#include "quantize/onnx/write.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/ends.h"
#include "tools/qmac/examples.h"

struct float_network {
    struct qm_arena *arena;
    const char *file;
    struct qm_graph *graph;  /* of real numbers */
    struct qm_program *ends; /* to destroy */
    struct cli_examples calibration, judged;
    bool shows_progress;
};

static enum qm_status read_network(const struct explore_examples *wanted, const struct qm_model_options *options,
                                   struct float_network *network, struct qm_diag *diag) {
    struct qm_graph *read;
    struct cli_examples *judged = wanted->inputs.count > 0 ? &network->judged : &network->calibration;
    QM_TRY(cli_read_graph(network->file, options, network->arena, &read, diag));
    QM_TRY(qm_reals(read, network->arena, &network->graph, diag));
    network->ends = cli_ends_of(network->graph);
    QM_TRY(cli_examples_read(network->ends, &wanted->calibration, network->arena, &network->calibration, diag));
    if (wanted->inputs.count > 0) QM_TRY(cli_examples_read(network->ends, &wanted->inputs, network->arena, &network->judged, diag));
    return cli_examples_label(network->ends, wanted->labels, network->arena, judged, diag);
}

static void show_progress(void *context, const struct qm_quantize_progress *progress) {
    const char *precision = context;
    fprintf(stderr, "\r\033[K%s: %s, %" PRIu64 " of %" PRIu64, precision, progress->what, progress->done + 1, progress->of);
}

/* The network that a file of the quantized graph means. */
static enum qm_status network_of(const struct float_network *network, const struct qm_graph *quantized, enum qm_requant_mode requant,
                                 struct qm_network **made, struct qm_diag *diag) {
    struct qm_compile_options options = {.requant = requant};
    struct qm_model_bytes packed = {.name = network->file};
    struct qm_graph *graph;
    QM_TRY(qm_onnx_pack(quantized, network->arena, &packed.bytes, &packed.size, diag));
    QM_TRY(qm_model_parse(&packed, &options.model, network->arena, &graph, diag));
    return cli_make_network(graph, &options, network->arena, made, diag);
}

static enum qm_status quantize_to(const struct float_network *network, const char *precision, enum qm_requant_mode requant,
                                  struct qm_network **made, struct quality *quality, struct qm_diag *diag) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct qm_quantize_options options = qm_quantize_defaults(precision);
    const struct qm_examples *judged = network->judged.view.count > 0 ? &network->judged.view : &network->calibration.view;
    struct qm_quantized *result;
    options.threads = processors > 1 ? (uint32_t)processors : 1;
    options.progress = network->shows_progress ? show_progress : NULL;
    options.context = (void *)(uintptr_t)precision;
    QM_TRY(qm_quantize_network(network->graph, &options, &network->calibration.view, judged, network->arena, &result, diag));
    const struct qm_quantize_step *last = &result->steps[result->step_count - 1];
    *quality = (struct quality){last->sqnr_db, last->agreement, last->accuracy};
    return network_of(network, result->graph, requant, made, diag);
}

static enum qm_status quantize_all(const struct float_network *network, const struct qm_compile_options *options,
                                   struct exploration *exploration, struct qm_diag *diag) {
    enum qm_status status = QM_OK;
    for (uint32_t i = 0; i < exploration->precision_count && status == QM_OK; i++)
        status =
            quantize_to(network, exploration->precisions[i], options->requant, &exploration->networks[i], &exploration->qualities[i], diag);
    if (network->shows_progress) fprintf(stderr, "\r\033[K");
    return status;
}

enum qm_status explore_quantize(const struct explore_examples *wanted, const struct qm_compile_options *options,
                                struct exploration *exploration, struct qm_arena *arena, struct qm_diag *diag) {
    struct float_network network = {.arena = arena, .file = exploration->models[0].file, .shows_progress = isatty(STDERR_FILENO)};
    exploration->qualities = QM_ARENA_NEW(arena, struct quality, exploration->precision_count);
    enum qm_status status = read_network(wanted, &options->model, &network, diag);
    if (status == QM_OK) memcpy(exploration->models[0].sha256, network.graph->sha256, sizeof exploration->models[0].sha256);
    if (status == QM_OK) status = quantize_all(&network, options, exploration, diag);
    cli_examples_free(&network.calibration);
    cli_examples_free(&network.judged);
    qm_program_destroy(network.ends);
    return status;
}
