/* ranges.c - what the calibration shows of the float network: the numbers of each point. */
#include <math.h>
#include <string.h>

#include "quantize/network/parts.h"

static const char *const names[QM_RANGE_METHODS] = {[QM_RANGES_MIN_MAX] = "min-max",
                                                    [QM_RANGES_PERCENTILE] = "percentile",
                                                    [QM_RANGES_SQUARED_ERROR] = "mse",
                                                    [QM_RANGES_DIVERGENCE] = "kl",
                                                    [QM_RANGES_NORMAL] = "normal"};
static const double NORMAL_WIDTH = 6; /* deviations on either side of the mean */

const char *qm_range_method_name(enum qm_range_method method) {
    return names[method];
}

void quant_take_example(const struct qm_graph *graph, const struct qm_examples *examples, uint64_t example, const float **inputs) {
    for (uint32_t i = 0; i < graph->input_count; i++)
        inputs[i] = examples->inputs[i] + example * qm_graph_elements(&graph->tensors[graph->inputs[i]]);
}

enum qm_status quant_fail_example(const struct quant_network *network, uint64_t example) {
    return qm_fail(network->diag, QM_BAD_INPUT, "%s: example %llu: an operator has no result for its numbers", network->real->file,
                   (unsigned long long)example);
}

enum qm_status quant_fail_output(const struct quant_network *network, uint64_t example) {
    return qm_fail(network->diag, QM_BAD_INPUT, "%s: example %llu of those that judge: the output has NaN or infinite numbers",
                   network->real->file, (unsigned long long)example);
}

void quant_tell(const struct quant_network *network, const char *what, uint64_t done, uint64_t of, double share) {
    const struct qm_quantize_options *options = network->options;
    if (options->progress != NULL) options->progress(options->context, &(struct qm_quantize_progress){what, done, of, share});
}

/* ---- gathering ---- */

static enum qm_status check_finite(const struct quant_network *network, uint64_t example) {
    for (uint32_t i = 0; i < network->point_count; i++)
        if (network->points[i].histogram->not_finite > 0)
            return qm_fail(network->diag, QM_BAD_INPUT, "%s: example %llu of the calibration: tensor %.60s has NaN or infinite numbers",
                           network->real->file, (unsigned long long)example, network->real->tensors[network->points[i].tensor].name);
    return QM_OK;
}

enum qm_status quant_gather(struct quant_network *network) {
    const float *inputs[QUANT_INPUTS_MAX];
    for (uint64_t e = 0; e < network->calibration->count; e++) {
        quant_tell(network, "calibration", e, network->calibration->count, (double)e / (double)network->calibration->count);
        quant_take_example(network->real, network->calibration, e, inputs);
        if (!infer_run(network->real_run, inputs)) return quant_fail_example(network, e);
        for (uint32_t i = 0; i < network->point_count; i++) {
            const struct quant_point *point = &network->points[i];
            qm_histogram_add(point->histogram, (size_t)qm_graph_elements(&network->real->tensors[point->tensor]),
                             infer_numbers(network->real_run, point->tensor));
        }
        QM_TRY(check_finite(network, e));
    }
    return QM_OK;
}

/* ---- encodings ---- */

/* Of a layer's results, by their statistics; of other numbers from the smallest to the largest. */
static struct qm_range normal_range(const struct quant_point *point) {
    const struct quant_layer *layer = point->layer;
    if (layer == NULL) return (struct qm_range){point->histogram->low, point->histogram->high};
    return qm_range_normal(quant_outputs(layer), layer->means, layer->deviations, NORMAL_WIDTH, layer->activation);
}

static struct qm_range range_of(const struct quant_network *network, const struct quant_point *point, enum qm_range_method method) {
    struct qm_points points = qm_histogram_points(point->histogram, network->arena);
    switch (method) {
    case QM_RANGES_PERCENTILE: return qm_range_percentile(&points, network->options->percent);
    case QM_RANGES_SQUARED_ERROR: return qm_range_squared_error(&points, &point->format);
    case QM_RANGES_DIVERGENCE: return qm_range_divergence(&points, &point->format);
    case QM_RANGES_NORMAL: return normal_range(point);
    default: return (struct qm_range){point->histogram->low, point->histogram->high};
    }
}

static void put_point(struct quant_network *network, const struct quant_point *point) {
    const float zero = (float)point->encoding.zero;
    for (int i = 0; i < 2; i++) {
        infer_set_numbers(network->quantized_run, point->scale_at[i], &point->encoding.scale);
        infer_set_numbers(network->quantized_run, point->zero_at[i], &zero);
    }
}

void quant_set_ranges(struct quant_network *network, enum qm_range_method method) {
    for (uint32_t i = 0; i < network->point_count; i++) {
        struct quant_point *point = &network->points[i];
        point->encoding = qm_encoding_of(&point->format, range_of(network, point, method));
        put_point(network, point);
    }
}
