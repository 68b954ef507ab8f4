/* statistics.c - how the results of each layer's channels are distributed in the float network: what a batch normalization would say of
 * them, measured, because a network whose normalizations have been folded does not say it any more.
 */
#include <math.h>

#include "quantize/network/parts.h"

/* Adds an example's mean and mean square of each channel to means and deviations. */
static void add_moments(const struct quant_layer *layer, const struct qm_channels *shape, const float *numbers) {
    size_t count = shape->outer * shape->channels * shape->inner;
    double share = 1 / (double)(shape->outer * shape->inner);
    for (size_t i = 0; i < count; i++) {
        size_t c = i / shape->inner % shape->channels;
        layer->means[c] += (float)((double)numbers[i] * share);
        layer->deviations[c] += (float)((double)numbers[i] * (double)numbers[i] * share);
    }
}

static void finish(const struct quant_layer *layer, uint64_t examples) {
    for (uint32_t c = 0; c < quant_outputs(layer); c++) {
        float mean = layer->means[c] /= (float)examples;
        layer->deviations[c] = sqrtf(fmaxf(0, layer->deviations[c] / (float)examples - mean * mean));
    }
}

enum qm_status quant_find_statistics(struct quant_network *network, const struct qm_graph *graph) {
    uint64_t examples = network->calibration->count;
    const float *inputs[QUANT_INPUTS_MAX];
    struct infer *run;
    QM_TRY(infer_create(graph, &run, network->diag));
    enum qm_status status = QM_OK;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        network->layers[i].means = QM_ARENA_NEW(network->arena, float, quant_outputs(&network->layers[i]));
        network->layers[i].deviations = QM_ARENA_NEW(network->arena, float, quant_outputs(&network->layers[i]));
    }
    for (uint64_t e = 0; e < examples && status == QM_OK; e++) {
        quant_take_example(graph, network->calibration, e, inputs);
        if (!infer_run(run, inputs)) status = quant_fail_example(network, e);
        for (uint32_t i = 0; i < network->layer_count && status == QM_OK; i++) {
            const struct quant_layer *layer = &network->layers[i];
            const struct qm_channels shape = quant_channels_of(graph, &graph->ops[layer->op], layer->out);
            add_moments(layer, &shape, infer_numbers(run, layer->out));
        }
    }
    for (uint32_t i = 0; i < network->layer_count; i++) finish(&network->layers[i], examples);
    infer_destroy(run);
    return status;
}
