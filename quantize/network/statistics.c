/* statistics.c - how the results of each layer's channels are distributed in the float network: what a batch normalization would say of
 * them, measured, because a network whose normalizations have been folded does not say it any more.
 */
#include <math.h>

#include "quantize/network/parts.h"

/* Sums of each example's mean and mean square. In doubles, because the deviation of what lies far from 0 is a small difference of the
 * two. */
struct moments {
    double means, squares;
};

/* Adds an example to the moments of a layer's channels. */
static void add_moments(const struct qm_channels *shape, const float *numbers, struct moments *moments) {
    size_t count = shape->outer * shape->channels * shape->inner;
    double share = 1 / (double)(shape->outer * shape->inner);
    for (size_t i = 0; i < count; i++) {
        struct moments *of_channel = &moments[i / shape->inner % shape->channels];
        double number = (double)numbers[i];
        of_channel->means += number * share;
        of_channel->squares += number * number * share;
    }
}

static void finish(const struct quant_layer *layer, const struct moments *moments, uint64_t examples) {
    for (uint32_t c = 0; c < quant_outputs(layer); c++) {
        double mean = moments[c].means / (double)examples;
        layer->means[c] = (float)mean;
        layer->deviations[c] = (float)sqrt(fmax(0, moments[c].squares / (double)examples - mean * mean));
    }
}

enum qm_status quant_find_statistics(struct quant_network *network, const struct qm_graph *graph) {
    uint64_t examples = network->calibration->count;
    const float *inputs[QUANT_INPUTS_MAX];
    struct infer *run;
    QM_TRY(infer_create(graph, &run, network->diag));
    enum qm_status status = QM_OK;
    struct moments **moments = QM_ARENA_NEW(network->arena, struct moments *, network->layer_count);
    for (uint32_t i = 0; i < network->layer_count; i++) {
        moments[i] = QM_ARENA_NEW(network->arena, struct moments, quant_outputs(&network->layers[i]));
        network->layers[i].means = QM_ARENA_NEW(network->arena, float, quant_outputs(&network->layers[i]));
        network->layers[i].deviations = QM_ARENA_NEW(network->arena, float, quant_outputs(&network->layers[i]));
    }
    for (uint64_t e = 0; e < examples && status == QM_OK; e++) {
        quant_take_example(graph, network->calibration, e, inputs);
        if (!infer_run(run, inputs)) status = quant_fail_example(network, e);
        for (uint32_t i = 0; i < network->layer_count && status == QM_OK; i++) {
            const struct quant_layer *layer = &network->layers[i];
            const struct qm_channels shape = quant_channels_of(graph, &graph->ops[layer->op], layer->out);
            add_moments(&shape, infer_numbers(run, layer->out), moments[i]);
        }
    }
    for (uint32_t i = 0; i < network->layer_count; i++) finish(&network->layers[i], moments[i], examples);
    infer_destroy(run);
    return status;
}
