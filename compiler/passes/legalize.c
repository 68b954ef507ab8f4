/* legalize.c - the graph's real numbers become the machine's integers: every scale a multiplier and a shift, every zero point a bias.
 *
 * The arithmetic of the numbers is TFLite's, to the bit:
 *   convolution       double(input scale) * double(filter scale[c]) / double(output scale)
 *   fully connected   float(input scale * filter scale), then in double / output scale; per channel as in convolution
 *   add               each scale / (2 * the larger) for the operands, 2 * the larger / (2^20 * output scale) for the sum
 *   clamp             zero point + roundf(bound / scale), cut to int8
 *   bias              bias[c] - input zero point * sum of weights[c], which must fit 32 bits
 * Constants that already lie as layer.h wants them are not copied.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/isa.h"
#include "common/multiplier.h"
#include "compiler/compiler.h"
#include "compiler/ir/problems.h"

enum {
    ADD_PRE_SHIFT = 20,
    SHIFT_MAX = 30,
    AVERAGE_COUNT_MAX = 1024,     /* docs/numerics.md, Average pooling */
    SOFTMAX_DEPTH_MAX = 4095,     /* the sum of exponentials has 12 integer bits */
    EXPANDED_BYTES_MAX = 1 << 26, /* weights of a depthwise layer written out as a convolution */
};

static const uint32_t no_value = UINT32_MAX;

struct legalizer {
    const struct qm_graph *graph;
    struct qm_network *network;
    struct qm_arena *arena;
    struct qm_diag *diag;
    uint32_t rounding;
    uint32_t *value_of; /* [tensor_count] the value in the tensor's own shape; no_value: none yet */
};

/* One operator on its way to a layer. */
struct site {
    struct legalizer *l;
    const struct qm_graph_op *op;
    struct qm_layer *layer;
};

static enum qm_status refuse(const struct site *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static enum qm_status refuse(const struct site *s, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return qm_fail(s->l->diag, QM_BAD_INPUT, "%s: operator %u %s: %s", s->l->graph->file, s->op->index, qm_graph_op_name(s->op->kind),
                   text);
}

static const struct qm_graph_tensor *input(const struct site *s, uint32_t i) {
    return &s->l->graph->tensors[s->op->inputs[i]];
}

static const struct qm_graph_tensor *output(const struct site *s) {
    return &s->l->graph->tensors[s->op->outputs[0]];
}

/* ---- types ---- */

static bool has_weights(enum qm_graph_op_kind kind) {
    return kind == QM_OP_CONV_2D || kind == QM_OP_DEPTHWISE_CONV_2D || kind == QM_OP_FULLY_CONNECTED;
}

/* The type operand i must have. */
static enum qm_dtype wanted_type(const struct qm_graph_op *op, uint32_t i) {
    return has_weights(op->kind) && i == 2 ? QM_I32 : QM_I8;
}

static const char *type_name(enum qm_dtype dtype) {
    static const char *const names[QM_DTYPES] = {"int8", "uint8", "int16", "int32", "float32"};
    return names[dtype];
}

static void check_types(const struct qm_graph *graph, const struct qm_graph_op *op, struct problems *problems) {
    const char *name = qm_graph_op_name(op->kind);
    enum qm_dtype in = graph->tensors[op->inputs[0]].dtype, out = graph->tensors[op->outputs[0]].dtype;
    if (has_weights(op->kind) && in == QM_F32 && graph->tensors[op->inputs[1]].dtype == QM_I8) {
        problems_add(problems, "operator %u %s has int8 weights but float32 activations (dynamic range)", op->index, name);
        return;
    }
    for (uint32_t i = 0; i < op->input_count; i++) {
        if (op->inputs[i] == QM_NO_TENSOR) continue;
        enum qm_dtype dtype = graph->tensors[op->inputs[i]].dtype;
        if (dtype == wanted_type(op, i)) continue;
        problems_add(problems, "operator %u %s on %s is not supported", op->index, name, type_name(dtype));
        return;
    }
    if (out != QM_I8) problems_add(problems, "operator %u %s to %s is not supported", op->index, name, type_name(out));
}

/* ---- values ---- */

static uint32_t add_value(struct legalizer *l, uint32_t tensor, uint32_t storage) {
    uint32_t index = l->network->value_count++;
    const struct qm_graph_tensor *source = &l->graph->tensors[tensor];
    struct qm_value *value = &l->network->values[index];
    *value = (struct qm_value){.name = source->name, .graph_tensor = tensor, .dtype = source->dtype, .h = 1, .w = 1, .c = 1};
    value->storage = storage == QM_NO_TENSOR ? index : l->network->values[storage].storage;
    uint32_t rank = source->rank;
    if (rank >= 1) value->c = source->dims[rank - 1];
    if (rank == 2) value->h = source->dims[0];
    if (rank >= 3) value->w = source->dims[rank - 2];
    for (uint32_t i = 0; rank >= 3 && i < rank - 2; i++) value->h *= source->dims[i];
    return index;
}

/* A value seen as rows of features, as matrix products need it: itself, or a second value over the same bytes. */
static uint32_t as_rows(struct legalizer *l, uint32_t value, uint32_t rows, uint32_t features) {
    const struct qm_value *own = &l->network->values[value];
    if (own->h == rows && own->w == 1 && own->c == features) return value;
    uint32_t index = add_value(l, own->graph_tensor, value);
    struct qm_value *result = &l->network->values[index];
    result->h = rows;
    result->w = 1;
    result->c = features;
    return index;
}

/* The value of an input of the operator; a constant has none. */
static enum qm_status operand(const struct site *s, uint32_t i, uint32_t *value) {
    *value = s->l->value_of[s->op->inputs[i]];
    if (*value != no_value) return QM_OK;
    return refuse(s, "input %u (%s) is a constant, which is not supported there", i, input(s, i)->name);
}

static uint32_t result(const struct site *s) {
    uint32_t value = add_value(s->l, s->op->outputs[0], QM_NO_TENSOR);
    s->l->value_of[s->op->outputs[0]] = value;
    return value;
}

/* ---- scales ---- */

/* Activations have one positive scale and an int8 zero point. */
static enum qm_status check_activation(const struct site *s, const struct qm_graph_tensor *tensor) {
    const struct qm_quant *quant = &tensor->quant;
    if (quant->count != 1) return refuse(s, "%s has %u scales; activations must have one", tensor->name, quant->count);
    if (!(quant->scale[0] > 0)) return refuse(s, "%s has scale 0", tensor->name);
    if (quant->zero_point[0] < INT8_MIN || quant->zero_point[0] > INT8_MAX)
        return refuse(s, "%s has zero point %lld; int8 needs -128 to 127", tensor->name, (long long)quant->zero_point[0]);
    return QM_OK;
}

/* Weights are constant and symmetric, with one scale or one for each of the channels along the axis. */
static enum qm_status check_weights(const struct site *s, uint32_t axis, uint32_t channels) {
    const struct qm_graph_tensor *weights = input(s, 1);
    const struct qm_quant *quant = &weights->quant;
    if (weights->data == NULL) return refuse(s, "weights %s are computed by the network, which is not supported", weights->name);
    if (quant->count != 1 && (quant->count != channels || quant->axis != axis))
        return refuse(s, "weights %s have %u scales along axis %u; there must be one, or %u along axis %u", weights->name, quant->count,
                      quant->axis, channels, axis);
    for (uint32_t c = 0; c < quant->count; c++)
        if (quant->zero_point[c] != 0)
            return refuse(s, "weights %s have zero point %lld; only symmetric weights are supported", weights->name,
                          (long long)quant->zero_point[c]);
    if (s->op->inputs[2] != QM_NO_TENSOR && input(s, 2)->data == NULL)
        return refuse(s, "bias %s is computed by the network, which is not supported", input(s, 2)->name);
    return QM_OK;
}

static enum qm_status to_scale(const struct site *s, double factor, int32_t shift_max, struct qm_scale *scale) {
    if (!isfinite(factor)) return refuse(s, "the scales of its operands give the factor %g", factor);
    struct qm_multiplier multiplier = qm_multiplier_from_real(factor);
    if (multiplier.shift > shift_max) return refuse(s, "the scales of its operands give the factor %g, which is too large", factor);
    *scale = (struct qm_scale){.multiplier = multiplier.value, .shift = (int8_t)multiplier.shift};
    return QM_OK;
}

static enum qm_status set_channel_scales(const struct site *s, uint32_t channels) {
    const struct qm_quant *weights = &input(s, 1)->quant;
    float in = input(s, 0)->quant.scale[0], out = output(s)->quant.scale[0];
    bool float_product = s->op->kind == QM_OP_FULLY_CONNECTED && weights->count == 1;
    struct qm_scale *scales = QM_ARENA_NEW(s->l->arena, struct qm_scale, channels);
    for (uint32_t c = 0; c < channels; c++) {
        float weight = weights->scale[weights->count > 1 ? c : 0];
        double product = float_product ? (double)(in * weight) : (double)in * (double)weight;
        QM_TRY(to_scale(s, product / (double)out, SHIFT_MAX, &scales[c]));
    }
    s->layer->scales = scales;
    return QM_OK;
}

/* bound / scale, rounded in float as TFLite does, in the output's units; beyond int8 it only has to stay beyond. */
static int32_t quantized(float bound, float scale, int32_t zero_point) {
    float steps = roundf(bound / scale);
    return zero_point + (int32_t)fminf(fmaxf(steps, -1e6F), 1e6F);
}

static void set_clamp(const struct site *s) {
    const struct qm_quant *quant = &output(s)->quant;
    float scale = quant->scale[0];
    int32_t zero = (int32_t)quant->zero_point[0], low = INT8_MIN, high = INT8_MAX;
    enum qm_activation activation = s->op->activation;
    if (activation == QM_ACT_RELU || activation == QM_ACT_RELU6) low = quantized(0, scale, zero);
    if (activation == QM_ACT_RELU6) high = quantized(6, scale, zero);
    if (activation == QM_ACT_RELU_N1_TO_1) {
        low = quantized(-1, scale, zero);
        high = quantized(1, scale, zero);
    }
    s->layer->clamp_min = low > INT8_MIN ? low : INT8_MIN;
    s->layer->clamp_max = high < INT8_MAX ? high : INT8_MAX;
}

/* ---- convolutions ---- */

/* Weight k of channel c is weights[c * channel_stride + k * stride]. */
struct filter {
    uint32_t channels, count; /* count: weights of a channel */
    size_t channel_stride, stride;
};

static int64_t weight_sum(const int8_t *weights, const struct filter *f, uint32_t channel) {
    int64_t sum = 0;
    for (uint32_t k = 0; k < f->count; k++) sum += weights[channel * f->channel_stride + k * f->stride];
    return sum;
}

/* Reads the bias by bytes: its data need not be aligned. */
static enum qm_status fold_bias(const struct site *s, const struct filter *f) {
    const uint8_t *given = s->op->inputs[2] != QM_NO_TENSOR ? input(s, 2)->data : NULL;
    int64_t zero = input(s, 0)->quant.zero_point[0];
    int32_t *bias = QM_ARENA_NEW(s->l->arena, int32_t, f->channels);
    for (uint32_t c = 0; c < f->channels; c++) {
        if (given != NULL) memcpy(&bias[c], given + sizeof *bias * c, sizeof *bias);
        int64_t folded = bias[c] - zero * weight_sum(s->layer->weights, f, c);
        if (folded < INT32_MIN || folded > INT32_MAX)
            return refuse(s, "channel %u: the bias with the input's zero point folded in is %lld, which 32 bits cannot hold", c,
                          (long long)folded);
        bias[c] = (int32_t)folded;
    }
    s->layer->bias = bias;
    return QM_OK;
}

static void copy_window(const struct site *s) {
    const struct qm_graph_op *op = s->op;
    struct qm_layer *layer = s->layer;
    layer->kernel_h = op->kernel_h;
    layer->kernel_w = op->kernel_w;
    layer->stride_h = op->stride_h;
    layer->stride_w = op->stride_w;
    layer->dilation_h = op->dilation_h;
    layer->dilation_w = op->dilation_w;
    layer->pad_top = op->pad_top;
    layer->pad_left = op->pad_left;
}

/* What all products have: operand, result, scales, folded bias, clamp. The layer's kind and weights are set. */
static enum qm_status finish_product(const struct site *s, const struct filter *f, uint32_t axis) {
    QM_TRY(check_activation(s, input(s, 0)));
    QM_TRY(check_activation(s, output(s)));
    QM_TRY(check_weights(s, axis, f->channels));
    QM_TRY(set_channel_scales(s, f->channels));
    QM_TRY(fold_bias(s, f));
    s->layer->pad_value = (int8_t)input(s, 0)->quant.zero_point[0];
    s->layer->out_zero = (int32_t)output(s)->quant.zero_point[0];
    s->layer->rounding = s->l->rounding;
    set_clamp(s);
    QM_TRY(operand(s, 0, &s->layer->inputs[0]));
    s->layer->input_count = 1;
    s->layer->output = result(s);
    return QM_OK;
}

static uint64_t positions(const struct site *s) {
    const struct qm_value *out = &s->l->network->values[s->layer->output];
    return (uint64_t)out->h * out->w;
}

static enum qm_status legalize_conv(const struct site *s) {
    const struct qm_graph_tensor *weights = input(s, 1);
    uint32_t channels = weights->dims[0], count = weights->dims[1] * weights->dims[2] * weights->dims[3];
    struct filter filter = {.channels = channels, .count = count, .channel_stride = count, .stride = 1};
    s->layer->kind = QM_LAYER_CONV;
    s->layer->weights = weights->data;
    copy_window(s);
    QM_TRY(check_weights(s, 0, channels));
    QM_TRY(finish_product(s, &filter, 0));
    s->layer->macs = positions(s) * channels * count;
    return QM_OK;
}

/* A depthwise filter [kh][kw][oc] with a multiplier as that of a convolution: [oc][kh][kw][ic], zero but for each channel's own input. */
static enum qm_status expand(const struct site *s, uint32_t taps, uint32_t channels, const int8_t **expanded) {
    uint32_t multiplier = s->op->depth_multiplier, in_channels = channels / multiplier;
    uint64_t bytes = (uint64_t)taps * channels * in_channels;
    if (bytes > EXPANDED_BYTES_MAX)
        return refuse(s, "depth multiplier %u on %u channels needs %llu bytes of weights, more than %d", multiplier, in_channels,
                      (unsigned long long)bytes, EXPANDED_BYTES_MAX);
    const int8_t *source = input(s, 1)->data;
    int8_t *to = QM_ARENA_NEW(s->l->arena, int8_t, bytes);
    for (size_t c = 0; c < channels; c++)
        for (size_t tap = 0; tap < taps; tap++) to[(c * taps + tap) * in_channels + c / multiplier] = source[tap * channels + c];
    *expanded = to;
    return QM_OK;
}

static enum qm_status legalize_depthwise(const struct site *s) {
    const struct qm_graph_tensor *weights = input(s, 1);
    uint32_t channels = weights->dims[3], taps = weights->dims[1] * weights->dims[2];
    struct filter filter = {.channels = channels, .count = taps, .channel_stride = 1, .stride = channels};
    s->layer->kind = QM_LAYER_DEPTHWISE;
    s->layer->weights = weights->data;
    copy_window(s);
    QM_TRY(check_weights(s, 3, channels));
    if (s->op->depth_multiplier > 1) {
        uint32_t count = taps * (channels / s->op->depth_multiplier);
        s->layer->kind = QM_LAYER_CONV;
        QM_TRY(expand(s, taps, channels, &s->layer->weights));
        filter = (struct filter){.channels = channels, .count = count, .channel_stride = count, .stride = 1};
    }
    QM_TRY(finish_product(s, &filter, 3));
    s->layer->macs = positions(s) * channels * taps;
    return QM_OK;
}

static enum qm_status legalize_fully_connected(const struct site *s) {
    const struct qm_graph_tensor *weights = input(s, 1);
    struct qm_layer *layer = s->layer;
    uint32_t channels = weights->dims[0], features = weights->dims[1];
    uint32_t rows = (uint32_t)(qm_graph_elements(input(s, 0)) / features);
    struct filter filter = {.channels = channels, .count = features, .channel_stride = features, .stride = 1};
    layer->kind = QM_LAYER_CONV;
    layer->weights = weights->data;
    layer->kernel_h = layer->kernel_w = layer->stride_h = layer->stride_w = layer->dilation_h = layer->dilation_w = 1;
    QM_TRY(check_weights(s, 0, channels));
    QM_TRY(finish_product(s, &filter, 0));
    layer->inputs[0] = as_rows(s->l, layer->inputs[0], rows, features);
    uint32_t shaped = layer->output;
    layer->output = as_rows(s->l, shaped, rows, channels);
    s->l->network->values[layer->output].storage = s->l->network->values[shaped].storage =
        layer->output; /* what a layer writes owns its bytes */
    layer->macs = (uint64_t)rows * channels * features;
    return QM_OK;
}

/* ---- the others ---- */

static enum qm_status legalize_add(const struct site *s) {
    struct qm_layer *layer = s->layer;
    for (uint32_t i = 0; i < 2; i++) {
        QM_TRY(check_activation(s, input(s, i)));
        QM_TRY(operand(s, i, &layer->inputs[i]));
    }
    QM_TRY(check_activation(s, output(s)));
    float a = input(s, 0)->quant.scale[0], b = input(s, 1)->quant.scale[0], out = output(s)->quant.scale[0];
    double twice_larger = 2 * (double)(a > b ? a : b);
    QM_TRY(to_scale(s, (double)a / twice_larger, 0, &layer->a_scale));
    QM_TRY(to_scale(s, (double)b / twice_larger, 0, &layer->b_scale));
    QM_TRY(to_scale(s, twice_larger / ((1 << ADD_PRE_SHIFT) * (double)out), 0, &layer->out_scale));
    layer->kind = QM_LAYER_ADD;
    layer->a_zero = (int32_t)input(s, 0)->quant.zero_point[0];
    layer->b_zero = (int32_t)input(s, 1)->quant.zero_point[0];
    layer->out_zero = (int32_t)output(s)->quant.zero_point[0];
    layer->pre_shift = ADD_PRE_SHIFT;
    layer->rounding = s->l->rounding;
    layer->input_count = 2;
    set_clamp(s);
    layer->output = result(s);
    return QM_OK;
}

/* Pools work on the stored numbers, so input and output must mean the same by them; the output zero is 0. */
static enum qm_status legalize_pool(const struct site *s) {
    struct qm_layer *layer = s->layer;
    bool average = s->op->kind == QM_OP_AVERAGE_POOL_2D;
    QM_TRY(check_activation(s, input(s, 0)));
    QM_TRY(check_activation(s, output(s)));
    const struct qm_quant *in = &input(s, 0)->quant, *out = &output(s)->quant;
    if (fabsf(in->scale[0] - out->scale[0]) > 1e-6F || in->zero_point[0] != out->zero_point[0])
        return refuse(s, "input and output have different scales or zero points; TFLite pools do not rescale");
    uint64_t count = (uint64_t)s->op->kernel_h * s->op->kernel_w;
    if (average && count > AVERAGE_COUNT_MAX)
        return refuse(s, "an average over %llu elements is not supported; at most %d are exact", (unsigned long long)count,
                      AVERAGE_COUNT_MAX);
    layer->kind = average ? QM_LAYER_POOL_AVG : QM_LAYER_POOL_MAX;
    layer->pad_value = average ? 0 : INT8_MIN;
    layer->rounding = average ? QM_rounding_AWAY : s->l->rounding;
    copy_window(s);
    set_clamp(s);
    QM_TRY(operand(s, 0, &layer->inputs[0]));
    layer->input_count = 1;
    layer->output = result(s);
    return QM_OK;
}

static enum qm_status legalize_softmax(const struct site *s) {
    struct qm_layer *layer = s->layer;
    QM_TRY(check_activation(s, input(s, 0)));
    QM_TRY(check_activation(s, output(s)));
    const struct qm_quant *out = &output(s)->quant;
    uint32_t depth = output(s)->dims[output(s)->rank - 1];
    if (out->scale[0] != 1.0F / 256 || out->zero_point[0] != INT8_MIN)
        return refuse(s, "the output has scale %g and zero point %lld; TFLite gives 1/256 and -128", (double)out->scale[0],
                      (long long)out->zero_point[0]);
    if (depth > SOFTMAX_DEPTH_MAX) return refuse(s, "rows of %u elements are not supported; at most %d", depth, SOFTMAX_DEPTH_MAX);
    if (!((double)s->op->beta * (double)input(s, 0)->quant.scale[0] * 0x1p26 > 1))
        return refuse(s, "beta times the input's scale is too small");
    layer->kind = QM_LAYER_SOFTMAX;
    layer->beta = s->op->beta;
    QM_TRY(operand(s, 0, &layer->inputs[0]));
    layer->input_count = 1;
    layer->output = result(s);
    return QM_OK;
}

/* No layer: the same bytes under another shape. */
static enum qm_status legalize_reshape(const struct site *s) {
    uint32_t source;
    QM_TRY(operand(s, 0, &source));
    s->l->value_of[s->op->outputs[0]] = add_value(s->l, s->op->outputs[0], source);
    return QM_OK;
}

static enum qm_status (*const steps[QM_GRAPH_OP_KINDS])(const struct site *) = {
    [QM_OP_CONV_2D] = legalize_conv,
    [QM_OP_DEPTHWISE_CONV_2D] = legalize_depthwise,
    [QM_OP_FULLY_CONNECTED] = legalize_fully_connected,
    [QM_OP_ADD] = legalize_add,
    [QM_OP_AVERAGE_POOL_2D] = legalize_pool,
    [QM_OP_MAX_POOL_2D] = legalize_pool,
    [QM_OP_RESHAPE] = legalize_reshape,
    [QM_OP_SOFTMAX] = legalize_softmax,
};

static enum qm_status legalize_op(struct legalizer *l, uint32_t index) {
    struct qm_network *network = l->network;
    struct site site = {.l = l, .op = &l->graph->ops[index], .layer = &network->layers[network->layer_count]};
    site.layer->graph_op = index;
    QM_TRY(steps[site.op->kind](&site));
    if (site.op->kind != QM_OP_RESHAPE) network->layer_count++;
    return QM_OK;
}

static enum qm_status check_network(const struct qm_graph *graph, struct qm_diag *diag) {
    struct problems problems = {0};
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        if (steps[op->kind] != NULL)
            check_types(graph, op, &problems);
        else
            problems_add(&problems, "operator %u %s is not supported", op->index, qm_graph_op_name(op->kind));
    }
    QM_TRY(problems_report(&problems, graph->file, "quantize the model to int8 with int8 inputs and outputs", diag));
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct qm_graph_tensor *tensor = &graph->tensors[graph->inputs[i]];
        if (tensor->dtype != QM_I8)
            return qm_fail(diag, QM_BAD_INPUT, "%s: input %u (%s) is %s; only int8 is supported", graph->file, i, tensor->name,
                           type_name(tensor->dtype));
    }
    return QM_OK;
}

static void open_network(struct legalizer *l) {
    const struct qm_graph *graph = l->graph;
    struct qm_network *network = l->network;
    network->graph = graph;
    network->values = QM_ARENA_NEW(l->arena, struct qm_value, graph->input_count + 3 * (size_t)graph->op_count);
    network->layers = QM_ARENA_NEW(l->arena, struct qm_layer, graph->op_count + 1);
    l->value_of = QM_ARENA_NEW(l->arena, uint32_t, graph->tensor_count);
    for (uint32_t i = 0; i < graph->tensor_count; i++) l->value_of[i] = no_value;
    network->input_count = graph->input_count;
    network->inputs = QM_ARENA_NEW(l->arena, uint32_t, graph->input_count);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        network->inputs[i] = add_value(l, graph->inputs[i], QM_NO_TENSOR);
        l->value_of[graph->inputs[i]] = network->inputs[i];
    }
}

static enum qm_status close_network(struct legalizer *l) {
    const struct qm_graph *graph = l->graph;
    l->network->output_count = graph->output_count;
    l->network->outputs = QM_ARENA_NEW(l->arena, uint32_t, graph->output_count);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        l->network->outputs[i] = l->value_of[graph->outputs[i]];
        if (l->network->outputs[i] == no_value)
            return qm_fail(l->diag, QM_BAD_INPUT, "%s: output %u (%s) is a constant", graph->file, i,
                           graph->tensors[graph->outputs[i]].name);
    }
    return QM_OK;
}

enum qm_status qm_legalize(const struct qm_graph *graph, uint32_t rounding, struct qm_arena *arena, struct qm_network **network,
                           struct qm_diag *diag) {
    QM_TRY(check_network(graph, diag));
    struct legalizer l = {
        .graph = graph, .network = QM_ARENA_NEW(arena, struct qm_network, 1), .arena = arena, .diag = diag, .rounding = rounding};
    open_network(&l);
    for (uint32_t i = 0; i < graph->op_count; i++) QM_TRY(legalize_op(&l, i));
    QM_TRY(close_network(&l));
    *network = l.network;
    return QM_OK;
}
