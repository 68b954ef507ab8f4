/* weights.c - the integers of the layers. Layers are gone through in order, so that each is learned on what it really reads: the results of
 * the layers before, as they have been rounded.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/prng.h"
#include "quantize/network/parts.h"

enum { COARSE_BITS = 2, LEARNED_BITS = 7, ROWS_MAX = 32768, WINDOW_FLOATS_MAX = 1 << 25 };

/* ---- into the graph ---- */

/* Where the graph has weight i of a layer. */
static size_t place_of(const struct quant_network *network, const struct quant_layer *layer, size_t i) {
    bool turns = network->real->ops[layer->op].kind == QM_OP_MATMUL;
    return turns ? i % layer->inputs * quant_outputs(layer) + i / layer->inputs : i;
}

static void put_weights(struct quant_network *network, struct quant_layer *layer) {
    size_t outputs = quant_outputs(layer), count = outputs * layer->inputs;
    float *rounded = qm_alloc(count * sizeof *rounded);
    for (size_t i = 0; i < count; i++) {
        size_t at = place_of(network, layer, i);
        layer->placed[at] = layer->integers[i];
        rounded[at] = qm_dequantize(&layer->encodings[i / layer->inputs], layer->integers[i]);
    }
    infer_set_numbers(network->quantized_run, layer->weights_at, rounded);
    free(rounded);
}

/* ---- rounding to the nearest ---- */

static struct qm_range range_of(const float *weights, size_t count) {
    struct qm_range range = {0, 0};
    for (size_t i = 0; i < count; i++) {
        range.low = fmin(range.low, (double)weights[i]);
        range.high = fmax(range.high, (double)weights[i]);
    }
    return range;
}

/* What a range of weights must reach so that the bias of its channel has few enough steps of the product of the scales, as in a channel
 * whose weights are nearly 0. */
static double reach_for_bias(const struct quant_layer *layer, size_t channel) {
    enum { BIAS_BITS = 28 };
    double most = (double)(INT32_C(1) << (layer->report.weight_bits - 1)) - 1;
    if (layer->point == NULL) return 0;
    return fabs((double)layer->real_bias[channel]) / (double)layer->point->encoding.scale / exp2(BIAS_BITS) * most;
}

/* The part of a range, in hundredths, whose integers are closest to the weights. */
static struct qm_range closest_range(const struct qm_format *format, struct qm_range range, const float *weights, size_t count) {
    double best = INFINITY, part = 1;
    for (int step = 100; step > 0; step--) {
        struct qm_encoding encoding = qm_encoding_of(format, (struct qm_range){range.low * step / 100, range.high * step / 100});
        double error = 0;
        for (size_t i = 0; i < count; i++)
            error += pow((double)qm_dequantize(&encoding, qm_quantize(&encoding, weights[i])) - (double)weights[i], 2);
        if (error >= best) continue;
        best = error;
        part = step / 100.0;
    }
    return (struct qm_range){range.low * part, range.high * part};
}

/* The range that weights are encoded for: all of it, but with three integers, of which the outer ones would be for few, the closest. */
static struct qm_range encoded_range(const struct qm_format *format, const float *weights, size_t count) {
    struct qm_range range = range_of(weights, count);
    return format->bits == COARSE_BITS ? closest_range(format, range, weights, count) : range;
}

static void encode(const struct quant_network *network, struct quant_layer *layer) {
    const struct qm_format format = {.bits = layer->report.weight_bits,
                                     .is_signed = true,
                                     .is_symmetric = true,
                                     .is_short = true,
                                     .power_of_two = network->options->power_of_two};
    size_t outputs = quant_outputs(layer);
    struct qm_range whole = encoded_range(&format, layer->real_weights, outputs * layer->inputs);
    if (whole.low == 0 && whole.high == 0) layer->report.note = "all its weights are 0";
    for (size_t c = 0; c < outputs; c++) whole.high = fmax(whole.high, reach_for_bias(layer, c));
    for (size_t c = 0; c < outputs; c++) {
        struct qm_range range = encoded_range(&format, layer->real_weights + c * layer->inputs, layer->inputs);
        if (network->options->per_tensor) range = whole;
        range.high = fmax(range.high, reach_for_bias(layer, c));
        layer->encodings[c] = qm_encoding_of(&format, range);
    }
}

void quant_round_weights(struct quant_network *network) {
    for (uint32_t i = 0; i < network->layer_count; i++) {
        struct quant_layer *layer = &network->layers[i];
        size_t outputs = quant_outputs(layer);
        encode(network, layer);
        qm_quantize_all(layer->encodings, &(struct qm_channels){1, outputs, layer->inputs}, layer->real_weights, layer->integers);
        memcpy(layer->corrected, layer->real_bias, outputs * sizeof *layer->corrected);
        put_weights(network, layer);
        quant_put_bias(network, layer);
    }
}

/* ---- learning ---- */

/* Rows of a layer: windows of the quantized network, and results of the float one, [rows][groups][inputs] and [rows][groups][channels]. */
struct rows {
    uint32_t count;
    float *windows, *targets;
};

/* Fills the window of a convolution at a position of its output, in the order of a filter's weights. */
static void take_window(const struct qm_graph *graph, const struct qm_graph_op *op, const float *from, size_t position, float *to) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->outputs[0]];
    size_t h = in->rank == 4 ? in->dims[2] : 1, w = in->dims[in->rank - 1], ow = out->dims[out->rank - 1];
    size_t per_map = (in->rank == 4 ? out->dims[2] : 1) * ow, n = position / per_map, y0 = position % per_map / ow, x0 = position % ow;
    from += n * in->dims[1] * h * w;
    for (size_t c = 0; c < in->dims[1]; c++)
        for (size_t ky = 0; ky < op->kernel_h; ky++)
            for (size_t kx = 0; kx < op->kernel_w; kx++) {
                size_t y = y0 * op->stride_h + ky * op->dilation_h - op->pad_top,
                       x = x0 * op->stride_w + kx * op->dilation_w - op->pad_left;
                *to++ = y < h && x < w ? from[(c * h + y) * w + x] : 0; /* what is in front of the map has wrapped */
            }
}

static size_t positions_of(const struct quant_network *network, const struct quant_layer *layer) {
    return (size_t)qm_graph_elements(&network->real->tensors[layer->out]) / quant_outputs(layer);
}

/* Takes one row at a position from the example that both networks have run. */
static void take_row(const struct quant_network *network, const struct quant_layer *layer, size_t position, struct rows *rows) {
    const struct qm_graph_op *op = &network->quantized->ops[layer->quantized_op];
    size_t outputs = quant_outputs(layer), inputs = (size_t)layer->groups * layer->inputs, inner = 1;
    const struct qm_graph_tensor *out = &network->real->tensors[layer->out];
    const float *from = infer_numbers(network->quantized_run, op->inputs[0]), *target = infer_numbers(network->real_run, layer->out);
    float *window = rows->windows + rows->count * inputs, *to = rows->targets + rows->count * outputs;
    rows->count++;
    if (op->kind == QM_OP_MATMUL) {
        memcpy(window, from + position * inputs, inputs * sizeof *window);
        memcpy(to, target + position * outputs, outputs * sizeof *to);
        return;
    }
    take_window(network->quantized, op, from, position, window);
    for (uint32_t d = 2; d < out->rank; d++) inner *= out->dims[d];
    for (size_t c = 0; c < outputs; c++) to[c] = target[(position / inner * outputs + c) * inner + position % inner];
}

/* As many rows of each example, at places that are drawn. */
static enum qm_status take_rows(struct quant_network *network, const struct quant_walk *walk, const struct quant_layer *layer,
                                struct rows *rows) {
    size_t positions = positions_of(network, layer), inputs = (size_t)layer->groups * layer->inputs;
    uint64_t examples = network->learned_of, most = WINDOW_FLOATS_MAX / inputs;
    uint64_t each = ((most < ROWS_MAX ? most : ROWS_MAX) + examples - 1) / examples;
    if (each > positions) each = positions;
    if (each == 0) each = 1;
    *rows = (struct rows){0, qm_alloc(examples * each * inputs * sizeof(float)),
                          qm_alloc(examples * each * quant_outputs(layer) * sizeof(float))};
    for (uint64_t e = 0; e < examples; e++) {
        QM_TRY(quant_walk_run(walk, layer, e));
        for (uint64_t i = 0; i < each; i++)
            take_row(network, layer, each == positions ? i : qm_hash3(network->options->seed, e, i) % positions, rows);
    }
    return QM_OK;
}

static enum qm_status learn(struct quant_network *network, const struct quant_walk *walk, struct quant_layer *layer) {
    struct rows rows = {0};
    struct qm_adaround_options options = qm_adaround_defaults();
    struct qm_adaround_errors errors = {NAN, NAN};
    options.seed = network->options->seed;
    options.threads = network->options->threads;
    if (network->options->iterations > 0) options.iterations = network->options->iterations;
    enum qm_status status = take_rows(network, walk, layer, &rows);
    const struct qm_adaround_layer learned = {.groups = layer->groups,
                                              .channels = layer->channels,
                                              .inputs = layer->inputs,
                                              .weights = layer->real_weights,
                                              .encodings = layer->encodings,
                                              .bias = layer->real_bias,
                                              .rows = rows.count,
                                              .windows = rows.windows,
                                              .targets = rows.targets,
                                              .activation = layer->activation};
    if (status == QM_OK) qm_adaround(&network->blas, &learned, &options, layer->integers, &errors);
    layer->report.nearest = errors.nearest;
    layer->report.learned = errors.learned;
    free(rows.windows);
    free(rows.targets);
    return status;
}

/* ---- layer by layer ---- */

static bool is_learned(const struct quant_layer *layer) {
    return layer->report.weight_bits <= LEARNED_BITS;
}

bool quant_learns_any(const struct quant_network *network) {
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (is_learned(&network->layers[i])) return true;
    return false;
}

static enum qm_status learn_layer(struct quant_network *network, struct quant_walk *walk, struct quant_layer *layer, bool learns) {
    QM_TRY(quant_walk_to(walk, layer));
    if (learns && is_learned(layer)) {
        QM_TRY(learn(network, walk, layer));
        put_weights(network, layer);
    }
    return quant_correct_bias(network, walk, layer);
}

/* A layer's part of the work: its weights, which learning goes through in each of its steps, and what rows and examples cost, which is as
 * much as that of so many weights [measured: MobileNetV1]. */
static double work_of(const struct quant_layer *layer, bool learns) {
    enum { ROWS_AS_WEIGHTS = 16384 };
    return ROWS_AS_WEIGHTS + (learns && is_learned(layer) ? (double)quant_outputs(layer) * layer->inputs : 0);
}

enum qm_status quant_learn_weights(struct quant_network *network, bool learns) {
    struct quant_walk *walk = quant_walk_begin(network);
    enum qm_status status = QM_OK;
    double all = 0, done = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) all += work_of(&network->layers[i], learns);
    for (uint32_t i = 0; i < network->layer_count && status == QM_OK; i++) {
        quant_tell(network, learns ? "rounding" : "biases", i, network->layer_count, done / all);
        status = learn_layer(network, walk, &network->layers[i], learns);
        done += work_of(&network->layers[i], learns);
    }
    quant_walk_end(walk);
    return status;
}
