/* network.c - the pipeline: its steps in order. */
#include "quantize/network/network.h"

#include <math.h>

#include "quantize/network/parts.h"

/* What the writer of the result and the quantizers know nothing of. */
static enum qm_status check(const struct quant_network *network, const struct qm_graph *graph) {
    if (network->calibration->count == 0) return qm_fail(network->diag, QM_BAD_INPUT, "%s: no examples to calibrate with", graph->file);
    if (graph->input_count > QUANT_INPUTS_MAX)
        return qm_fail(network->diag, QM_BAD_INPUT, "%s: has %u inputs; a network of at most %d can be quantized", graph->file,
                       graph->input_count, QUANT_INPUTS_MAX);
    return QM_OK;
}

static enum qm_status open_network(struct quant_network *network, const struct qm_graph *graph) {
    QM_TRY(check(network, graph));
    QM_TRY(qm_blas_open(&network->blas, network->diag));
    QM_TRY(quant_find_layers(network, graph));
    QM_TRY(quant_read_precision(network));
    quant_place_points(network);
    QM_TRY(infer_create(network->real, &network->real_run, network->diag));
    return infer_create(network->quantized, &network->quantized_run, network->diag);
}

/* From the plainest network on, each step on top of those before. */
static enum qm_status run_steps(struct quant_network *network, struct qm_quantized *result) {
    const struct qm_quantize_options *options = network->options;
    QM_TRY(quant_gather(network));
    quant_set_ranges(network, QM_RANGES_MIN_MAX);
    quant_round_weights(network);
    QM_TRY(quant_judge(network, "nearest, min-max", result));
    if (options->ranges != QM_RANGES_MIN_MAX) {
        quant_set_ranges(network, options->ranges);
        for (uint32_t i = 0; i < network->layer_count; i++) quant_put_bias(network, &network->layers[i]);
        QM_TRY(quant_judge(network, qm_range_method_name(options->ranges), result));
    }
    if (options->correction != QM_CORRECTION_NONE) {
        QM_TRY(quant_learn_weights(network, false));
        QM_TRY(quant_judge(network, "bias correction", result));
    }
    if (!options->learns || !quant_learns_any(network)) return QM_OK;
    quant_round_weights(network);
    QM_TRY(quant_learn_weights(network, true));
    return quant_judge(network, "AdaRound", result);
}

static void report_layers(const struct quant_network *network, struct qm_quantized *result) {
    result->graph = qm_qdq_graph(network->real, network->encodings, network->arena);
    result->learned_of = network->learned_of;
    result->layer_count = network->layer_count;
    result->layers = QM_ARENA_NEW(network->arena, struct qm_quantize_layer, network->layer_count);
    for (uint32_t i = 0; i < network->layer_count; i++) result->layers[i] = network->layers[i].report;
}

struct qm_quantize_options qm_quantize_defaults(const char *precision) {
    return (struct qm_quantize_options){.precision = precision,
                                        .ranges = QM_RANGES_SQUARED_ERROR,
                                        .percent = 99.99,
                                        .learns = true,
                                        .correction = QM_CORRECTION_EMPIRICAL,
                                        .kept_floats = UINT64_C(1) << 28,
                                        .seed = 1,
                                        .threads = 1};
}

enum qm_status qm_quantize_network(const struct qm_graph *graph, const struct qm_quantize_options *options,
                                   const struct qm_examples *calibration, const struct qm_examples *judged, struct qm_arena *arena,
                                   struct qm_quantized **result, struct qm_diag *diag) {
    struct quant_network network = {.arena = arena, .diag = diag, .options = options, .calibration = calibration, .judged = judged};
    *result = QM_ARENA_NEW(arena, struct qm_quantized, 1);
    (*result)->float_accuracy = NAN;
    enum qm_status status = open_network(&network, graph);
    if (status == QM_OK) status = run_steps(&network, *result);
    if (status == QM_OK) report_layers(&network, *result);
    infer_destroy(network.real_run);
    infer_destroy(network.quantized_run);
    return status;
}
