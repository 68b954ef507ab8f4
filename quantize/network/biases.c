/* biases.c - the integers of the biases, and what biases make up for. */
#include <math.h>
#include <stdlib.h>

#include "common/memory.h"
#include "quantize/network/parts.h"

static const char cut[] = "a bias has more than 32 bits of the product of its scales, and was cut";

/* A bias of more than 31 bits is cut, and the layer says so as long as it is. */
void quant_put_bias(struct quant_network *network, struct quant_layer *layer) {
    size_t outputs = quant_outputs(layer);
    float *rounded = qm_alloc(outputs * sizeof *rounded);
    if (layer->report.note == cut) layer->report.note = NULL;
    for (size_t c = 0; c < outputs; c++) {
        rounded[c] = layer->corrected[c];
        if (layer->point == NULL) continue;
        struct qm_encoding *encoding = &layer->bias_encodings[c];
        *encoding = qm_encoding_of_bias(layer->point->encoding.scale, layer->encodings[c].scale);
        double integer = nearbyint((double)layer->corrected[c] / (double)encoding->scale);
        if (fabs(integer) > encoding->high) layer->report.note = cut;
        layer->bias_integers[c] = (int32_t)fmin(fmax(integer, encoding->low), encoding->high);
        rounded[c] = qm_dequantize(encoding, layer->bias_integers[c]);
    }
    infer_set_numbers(network->quantized_run, layer->bias_at, rounded);
    free(rounded);
}

/* ---- means over the calibration ---- */

/* Adds to sums what the example has of which the layer has just run. */
typedef void add_example(const struct quant_network *network, const struct quant_layer *layer, float *sums);

/* By how much the means of the float network's results are larger: [channels of the results]. */
static void add_differences(const struct quant_network *network, const struct quant_layer *layer, float *sums) {
    const struct qm_channels shape = quant_channels_of(network->real, &network->real->ops[layer->op], layer->out);
    qm_bias_correct(&shape, infer_numbers(network->real_run, layer->out), infer_numbers(network->quantized_run, layer->out_at), sums);
}

/* The means of what the layer reads in the float network: [channels of that]. */
static void add_input_means(const struct quant_network *network, const struct quant_layer *layer, float *sums) {
    const struct qm_channels shape = quant_channels_of(network->real, &network->real->ops[layer->op], layer->in);
    qm_channel_means(&shape, infer_numbers(network->real_run, layer->in), sums);
}

/* Means over the examples; the result is the caller's to free. */
static enum qm_status mean_of(struct quant_network *network, const struct quant_walk *walk, const struct quant_layer *layer,
                              add_example *add, size_t count, float **means) {
    uint64_t examples = network->learned_of;
    *means = qm_alloc_zeroed(count, sizeof **means);
    for (uint64_t e = 0; e < examples; e++) {
        QM_TRY(quant_walk_run(walk, layer, e));
        add(network, layer, *means);
    }
    for (size_t i = 0; i < count; i++) (*means)[i] /= (float)examples;
    return QM_OK;
}

/* ---- correction ---- */

static enum qm_status correct_by_results(struct quant_network *network, const struct quant_walk *walk, struct quant_layer *layer) {
    size_t outputs = quant_outputs(layer);
    float *means;
    enum qm_status status = mean_of(network, walk, layer, add_differences, outputs, &means);
    for (size_t c = 0; c < outputs; c++) layer->corrected[c] += means[c];
    free(means);
    return status;
}

static enum qm_status correct_by_inputs(struct quant_network *network, const struct quant_walk *walk, struct quant_layer *layer) {
    struct qm_filter filter = quant_filter_of(layer, &network->real->ops[layer->op]);
    size_t count = (size_t)quant_outputs(layer) * layer->inputs;
    float *means, *rounded = qm_alloc(count * sizeof *rounded);
    enum qm_status status = mean_of(network, walk, layer, add_input_means, filter.groups * filter.inputs, &means);
    for (size_t i = 0; i < count; i++) rounded[i] = qm_dequantize(&layer->encodings[i / layer->inputs], layer->integers[i]);
    filter.bias = layer->corrected;
    qm_filter_correct(&filter, rounded, means);
    free(means);
    free(rounded);
    return status;
}

enum qm_status quant_correct_bias(struct quant_network *network, const struct quant_walk *walk, struct quant_layer *layer) {
    if (network->options->correction == QM_CORRECTION_NONE) return QM_OK;
    bool is_analytic = network->options->correction == QM_CORRECTION_ANALYTIC;
    QM_TRY((is_analytic ? correct_by_inputs : correct_by_results)(network, walk, layer));
    quant_put_bias(network, layer);
    return QM_OK;
}
