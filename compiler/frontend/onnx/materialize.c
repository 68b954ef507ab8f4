/* materialize.c - a deferred operator becomes one of the graph, with integers as its result.
 *
 * There are two ways to say how sums become these integers. An epilogue that is a factor, a bias and a clamp is said with scales: the
 * factor of each channel goes into the scale of its weights, and the machine rounds half to even. Any other is said with thresholds: for
 * every integer the sum from which on it is reached, so that what runs is exact or refused. Integers that do not fit 8 bits can only be
 * the 32-bit sums themselves.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { LEVELS_MAX = 256 };

/* How the integers of a result are stored, what they mean, and how sums become them. */
struct encoding {
    enum qm_dtype dtype;
    double scale;
    int64_t zero;
    struct qm_requant requant;
};

static bool has_weights(const struct onnx_deferred *deferred) {
    return qm_graph_has_weights(deferred->op.kind);
}

/* Makes a value a TENSOR. */
static void become_tensor(struct onnx_value *value, const struct encoding *encoding, enum onnx_order order, uint32_t tensor) {
    value->state = ONNX_TENSOR;
    value->real = value->quant_known = true;
    value->scale = (float)encoding->scale;
    value->zero = encoding->zero;
    value->low = encoding->requant.low;
    value->high = encoding->requant.high;
    value->map = NULL;
    for (uint32_t i = 0; i < ONNX_ORDERS; i++) value->tensors[i] = QM_NO_TENSOR;
    value->tensors[order] = tensor;
}

/* ---- narrow numbers ---- */

/* 4 when integers from low to high need no more, else 0. */
static uint32_t bits_of_range(enum qm_dtype dtype, int64_t low, int64_t high) {
    int64_t lowest = dtype == QM_U8 ? 0 : -8;
    bool bytes = dtype == QM_U8 || dtype == QM_I8;
    return bytes && lowest <= low && high <= lowest + 15 ? 4 : 0;
}

/* What the numbers of a constant need: 1 bit for -1 and 1, or 2, 4 or 8. */
static uint32_t bits_of_weights(const struct qm_graph_tensor *weights) {
    bool is_unsigned = weights->dtype == QM_U8, signs = !is_unsigned;
    int32_t low = 0, high = 0;
    for (uint64_t i = 0; i < qm_graph_elements(weights); i++) {
        int32_t number = is_unsigned ? ((const uint8_t *)weights->data)[i] : ((const int8_t *)weights->data)[i];
        low = number < low ? number : low;
        high = number > high ? number : high;
        signs = signs && (number == 1 || number == -1);
    }
    if (signs) return 1;
    if (is_unsigned ? high <= 3 : low >= -2 && high <= 1) return 2;
    return bits_of_range(weights->dtype, low, high);
}

/* Says how few bits the numbers need, for the file's types are often wider: narrow ones run faster and move fewer bytes. */
static void set_bits(const struct onnx_node *n, const struct onnx_deferred *deferred, const struct encoding *encoding, uint32_t tensor) {
    struct qm_graph_tensor *tensors = n->r->graph->tensors, *out = &tensors[tensor];
    int64_t low = encoding->requant.low < encoding->zero ? encoding->requant.low : encoding->zero;
    int64_t high = encoding->requant.high > encoding->zero ? encoding->requant.high : encoding->zero;
    out->bits = bits_of_range(encoding->dtype, low, high);
    if (has_weights(deferred)) tensors[deferred->op.inputs[1]].bits = bits_of_weights(&tensors[deferred->op.inputs[1]]);
}

/* Adds the operator with its output, which has the dimensions of result. */
static bool emit(const struct onnx_node *n, const struct onnx_deferred *deferred, const struct encoding *encoding,
                 struct onnx_value *value) {
    struct onnx_shape wanted = onnx_shape_of(&deferred->result), own = deferred->op_shape.rank > 0 ? deferred->op_shape : wanted;
    uint32_t tensor = onnx_add_tensor(n->r, value->name, encoding->dtype, &own);
    onnx_set_quant(n->r, tensor, (float)encoding->scale, encoding->zero);
    set_bits(n, deferred, encoding, tensor);
    struct qm_graph_op *op = onnx_add_op(n, deferred->op.kind, QM_NO_TENSOR, tensor);
    *op = deferred->op;
    op->outputs[0] = tensor;
    struct qm_requant *requant = QM_ARENA_NEW(n->r->arena, struct qm_requant, 1);
    *requant = encoding->requant;
    op->requant = requant;
    if (!onnx_same_shape(&own, &wanted)) {
        tensor = onnx_add_reshape(n, tensor, &wanted);
        n->r->graph->tensors[tensor].name = value->name;
    }
    become_tensor(value, encoding, deferred->order, tensor);
    return true;
}

/* ---- other operators as convolutions ---- */

/* A depthwise convolution of a tensor [1][rows][n x taps][channels]: taps neighbours make one position, with one weight each. */
static void set_depthwise(const struct onnx_node *n, struct onnx_deferred *deferred, uint32_t tensor, uint32_t taps,
                          const int8_t *weights) {
    const struct qm_graph_tensor *in = &n->r->graph->tensors[tensor];
    uint32_t rows = in->dims[1], channels = in->dims[3];
    struct onnx_shape shape = {4, {1, 1, taps, channels}};
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, (size_t)taps * channels);
    for (uint32_t t = 0; t < taps; t++) memset(data + (size_t)t * channels, weights[t], channels);
    deferred->op.kind = QM_OP_DEPTHWISE_CONV_2D;
    deferred->op.inputs[0] = tensor;
    deferred->op.inputs[1] = onnx_add_constant(n->r, "weights", QM_I8, &shape, data);
    onnx_set_quant(n->r, deferred->op.inputs[1], 1, 0);
    deferred->op.input_count = 2;
    deferred->op.depth_multiplier = 1;
    deferred->op.kernel_h = deferred->op.stride_h = deferred->op.stride_w = deferred->op.dilation_h = deferred->op.dilation_w = 1;
    deferred->op.kernel_w = taps;
    deferred->op_shape = (struct onnx_shape){4, {1, rows, 1, channels}};
}

/* A tensor as a map [1][rows][1][channels]. */
static uint32_t as_rows(const struct onnx_node *n, uint32_t tensor, uint32_t channels) {
    uint32_t rows = (uint32_t)(qm_graph_elements(&n->r->graph->tensors[tensor]) / channels);
    return onnx_add_reshape(n, tensor, &(struct onnx_shape){4, {1, rows, 1, channels}});
}

/* The QUANTIZE of a tensor as a convolution with weights of 1, because only convolutions have factors and thresholds for each channel. */
static void quantize_by_weights(const struct onnx_node *n, struct onnx_deferred *deferred) {
    set_depthwise(n, deferred, as_rows(n, deferred->op.inputs[0], deferred->channels), 1, (const int8_t[]){1});
}

bool onnx_add_by_weights(const struct onnx_node *n, struct onnx_deferred *deferred, int8_t second) {
    const struct qm_graph_tensor *tensors = n->r->graph->tensors;
    const struct qm_graph_tensor *a = &tensors[deferred->op.inputs[0]], *b = &tensors[deferred->op.inputs[1]];
    if (deferred->sum_scale == NULL || a->quant.zero_point[0] != b->quant.zero_point[0])
        return onnx_refuse(n, "has operands with different scales, and a result that is not quantized");
    if (qm_graph_elements(a) != qm_graph_elements(b))
        return onnx_refuse(n, "has operands of different shapes, and a result that is not quantized");
    uint32_t channels = a->rank > 0 ? a->dims[a->rank - 1] : 1, rows[2];
    for (uint32_t i = 0; i < 2; i++) rows[i] = as_rows(n, deferred->op.inputs[i], channels);
    struct onnx_shape shape = onnx_shape_of(&n->r->graph->tensors[rows[0]]);
    shape.dims[2] = 2;
    uint32_t both = onnx_add_like(n, rows[0], &shape);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_CONCATENATION, rows[0], both);
    op->inputs[1] = rows[1];
    op->input_count = 2;
    op->axis = 2;
    onnx_deferred_set_sums(n, deferred, channels, deferred->sum_scale[0], deferred->sum_low[0], deferred->sum_high[0]);
    set_depthwise(n, deferred, both, 2, (const int8_t[]){1, second});
    return true;
}

/* ---- scales ---- */

/* Gives the weights of each channel its factor as their scale, and turns their sign where the factor is negative. */
static bool scale_weights(const struct onnx_node *n, struct onnx_deferred *deferred, const struct onnx_affine *f) {
    struct qm_graph *graph = n->r->graph;
    uint32_t weights = deferred->op.inputs[1], channels = deferred->channels;
    const struct qm_graph_tensor *source = &graph->tensors[weights];
    bool last = deferred->op.kind == QM_OP_DEPTHWISE_CONV_2D;
    size_t elements = (size_t)qm_graph_elements(source), inner = last ? 1 : elements / channels;
    float *scale = QM_ARENA_NEW(n->r->arena, float, channels);
    int64_t *zero = QM_ARENA_NEW(n->r->arena, int64_t, channels);
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, elements);
    memcpy(data, source->data, elements);
    for (uint32_t c = 0; c < channels; c++) {
        if (f->a[c] == 0 || !isfinite(f->a[c])) return onnx_refuse(n, "scales channel %u by %g", c, f->a[c]);
        scale[c] = (float)(fabs(f->a[c]) / (double)graph->tensors[deferred->op.inputs[0]].quant.scale[0]);
        zero[c] = source->quant.zero_point[source->quant.count > 1 ? c : 0];
    }
    for (size_t i = 0; i < elements; i++) {
        uint32_t c = (uint32_t)(i / inner % channels);
        if (f->a[c] > 0) continue;
        if (data[i] == INT8_MIN) return onnx_refuse(n, "turns the sign of channel %u, whose weights have -128", c);
        data[i] = (int8_t)-data[i];
    }
    for (uint32_t c = 0; c < channels; c++) zero[c] = f->a[c] < 0 ? -zero[c] : zero[c];
    struct onnx_shape shape = onnx_shape_of(source);
    deferred->op.inputs[1] = onnx_add_constant(n->r, source->name, QM_I8, &shape, data);
    graph->tensors[deferred->op.inputs[1]].quant =
        (struct qm_quant){.count = channels, .scale = scale, .zero_point = zero, .axis = last ? 3 : 0};
    return true;
}

/* Makes b, in units of the sum, the bias of each channel; exact: refuses what is no integer. */
static bool add_bias(const struct onnx_node *n, struct onnx_deferred *deferred, const struct onnx_affine *f, bool exact) {
    int32_t *bias = QM_ARENA_NEW(n->r->arena, int32_t, deferred->channels);
    bool any = false;
    for (uint32_t c = 0; c < deferred->channels; c++) {
        double real = f->b[c] / fabs(f->a[c]), sum = nearbyint(real);
        if (!(fabs(sum) <= INT32_MAX) || (exact && sum != real))
            return onnx_refuse(n, "adds %g to channel %u, which no 32-bit sum can", f->b[c], c);
        bias[c] = (int32_t)sum;
        any = any || bias[c] != 0;
    }
    if (!any) return true;
    struct onnx_shape shape = {1, {deferred->channels}};
    deferred->op.inputs[2] = onnx_add_constant(n->r, "bias", QM_I32, &shape, bias);
    onnx_set_quant(n->r, deferred->op.inputs[2], 1, 0);
    deferred->op.input_count = 3;
    return true;
}

/* An operator on whole tensors has no weights: the factor goes into the scales that it takes its inputs for. */
static bool scale_inputs(const struct onnx_node *n, struct onnx_deferred *deferred, const struct onnx_affine *f) {
    for (uint32_t c = 0; c < deferred->channels; c++)
        if (f->a[c] != f->a[0] || f->b[c] != 0 || !(f->a[0] > 0))
            return onnx_refuse(n, "multiplies or adds channel by channel after %s", qm_graph_op_name(deferred->op.kind));
    double ratio = f->a[0] / (deferred->sum_scale != NULL ? deferred->sum_scale[0] : 1);
    if (ratio == 1) return true;
    bool linear = deferred->op.kind == QM_OP_QUANTIZE || deferred->op.kind == QM_OP_ADD || deferred->op.kind == QM_OP_AVERAGE_POOL_2D;
    if (!linear) return onnx_refuse(n, "multiplies what %s has made", qm_graph_op_name(deferred->op.kind));
    for (uint32_t i = 0; i < deferred->op.input_count; i++) {
        const struct qm_quant *quant = &n->r->graph->tensors[deferred->op.inputs[i]].quant;
        float scale = (float)((double)quant->scale[0] * ratio);
        deferred->op.inputs[i] = onnx_add_alias(n, deferred->op.inputs[i], scale, quant->zero_point[0]);
    }
    return true;
}

/* The integer of a real number, cut to low .. high. */
static int32_t stored(double real, const struct encoding *encoding, int64_t low, int64_t high) {
    double integer = nearbyint(real / encoding->scale) + (double)encoding->zero;
    return (int32_t)fmin(fmax(integer, (double)low), (double)high);
}

static bool materialize_scaled(const struct onnx_node *n, const struct onnx_deferred *source, const struct onnx_affine *f,
                               struct encoding *encoding, struct onnx_value *value) {
    struct onnx_deferred deferred = *source;
    struct qm_requant *requant = &encoding->requant;
    int64_t low = requant->low, high = requant->high;
    requant->rounding = QM_rounding_EVEN;
    requant->low = stored(f->low, encoding, low, high);
    requant->high = stored(f->high, encoding, low, high);
    bool per_channel = false;
    for (uint32_t c = 0; c < deferred.channels; c++) per_channel = per_channel || f->a[c] != f->a[0] || f->b[c] != 0;
    if (deferred.op.kind == QM_OP_QUANTIZE && per_channel) quantize_by_weights(n, &deferred);
    bool fits = has_weights(&deferred) ? scale_weights(n, &deferred, f) && add_bias(n, &deferred, f, false) : scale_inputs(n, &deferred, f);
    return fits && emit(n, &deferred, encoding, value);
}

/* ---- thresholds ---- */

/* The first sum in low .. high + 1 for which the epilogue is at least level (or, when it falls, at most). */
static int64_t find_threshold(const struct onnx_epilogue *epilogue, uint32_t c, double level, bool falling) {
    int64_t low = epilogue->deferred->sum_low[c], high = epilogue->deferred->sum_high[c] + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        double x = onnx_epilogue_value(epilogue, c, middle);
        if (falling ? x < level : x >= level)
            high = middle;
        else
            low = middle + 1;
    }
    return falling ? low - 1 : low;
}

/* The values of the smallest and the largest sum of a channel. */
static double value_at_lowest(const struct onnx_epilogue *epilogue, uint32_t c) {
    return onnx_epilogue_value(epilogue, c, epilogue->deferred->sum_low[c]);
}

static double value_at_highest(const struct onnx_epilogue *epilogue, uint32_t c) {
    return onnx_epilogue_value(epilogue, c, epilogue->deferred->sum_high[c]);
}

static void add_thresholds(const struct onnx_node *n, const struct onnx_epilogue *epilogue, struct encoding *encoding) {
    const struct onnx_deferred *deferred = epilogue->deferred;
    struct qm_requant *requant = &encoding->requant;
    uint32_t levels = (uint32_t)(requant->high - requant->low);
    int64_t *thresholds = QM_ARENA_NEW(n->r->arena, int64_t, (size_t)levels * deferred->channels + 1);
    bool *falling = QM_ARENA_NEW(n->r->arena, bool, deferred->channels);
    for (uint32_t c = 0; c < deferred->channels; c++) {
        falling[c] = value_at_lowest(epilogue, c) > value_at_highest(epilogue, c);
        for (uint32_t i = 0; i < levels; i++) {
            double level = (double)(requant->low - encoding->zero + 1 + i);
            thresholds[(size_t)c * levels + i] = find_threshold(epilogue, c, level, falling[c]);
        }
    }
    requant->channels = deferred->channels;
    requant->thresholds = thresholds;
    requant->falling = falling;
    requant->sum_low = deferred->sum_low;
    requant->sum_high = deferred->sum_high;
}

/* The smallest and largest value of all channels, at the ends of their sums, since the epilogue is monotone. */
static void find_range(const struct onnx_epilogue *epilogue, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (uint32_t c = 0; c < epilogue->deferred->channels; c++) {
        double a = value_at_lowest(epilogue, c), b = value_at_highest(epilogue, c);
        *low = fmin(*low, fmin(a, b));
        *high = fmax(*high, fmax(a, b));
    }
}

bool onnx_materialize_thresholds(const struct onnx_node *n, const struct onnx_deferred *source, double scale, struct onnx_value *value) {
    struct onnx_deferred deferred = *source;
    struct onnx_epilogue epilogue;
    double low, high;
    if (deferred.sum_scale == NULL) return onnx_refuse(n, "needs the integers of %.60s, whose operands have different scales", value->name);
    if (!onnx_epilogue_open(n, &deferred, &epilogue)) return false;
    find_range(&epilogue, &low, &high);
    if (n->r->file->options->saturate && high - low >= LEVELS_MAX) {
        low = fmax(low, low < 0 ? INT8_MIN : 0);
        high = fmin(high, low + LEVELS_MAX - 1);
    }
    if (!(low >= INT32_MIN && high <= INT32_MAX && high - low < LEVELS_MAX))
        return onnx_refuse(n, "needs the integers of %.60s, which are %g to %g, more than 8 bits (--saturate cuts them)", value->name, low,
                           high);
    struct encoding encoding = {.dtype = low >= 0 && high <= UINT8_MAX ? QM_U8 : QM_I8, .scale = scale};
    if (encoding.dtype == QM_I8 && !onnx_zero_point(low, high, &encoding.zero))
        return onnx_refuse(n, "has integers %g to %g, too far from 0", low, high);
    encoding.requant.low = (int32_t)((int64_t)low + encoding.zero);
    encoding.requant.high = (int32_t)((int64_t)high + encoding.zero);
    if (deferred.op.kind == QM_OP_QUANTIZE) quantize_by_weights(n, &deferred);
    add_thresholds(n, &epilogue, &encoding);
    return emit(n, &deferred, &encoding, value);
}

/* ---- 32-bit sums ---- */

/* The sums themselves. Only an output of the network may mean other numbers by them. */
static bool materialize_sums(const struct onnx_node *n, const struct onnx_deferred *source, const struct onnx_affine *f,
                             struct onnx_value *value) {
    struct onnx_deferred deferred = *source;
    bool same = f->a[0] > 0 && !isfinite(f->low) && !isfinite(f->high), shared = true;
    for (uint32_t c = 0; c < deferred.channels; c++) {
        same = same && f->a[c] == f->a[0];
        shared = shared && f->b[c] == f->b[0];
    }
    if (!same || (!value->is_output && f->a[0] != 1))
        return onnx_refuse(n, "needs the integers of %.60s, which do not fit 8 bits or are scaled", value->name);
    struct encoding encoding = {.dtype = QM_I32, .scale = f->a[0], .requant = {.low = INT32_MIN, .high = INT32_MAX}};
    bool outside = shared && f->b[0] / f->a[0] != nearbyint(f->b[0] / f->a[0]);
    if (outside) value->offset = (float)f->b[0];
    if (!outside && !add_bias(n, &deferred, f, true)) return false;
    return emit(n, &deferred, &encoding, value);
}

/* ---- the choice ---- */

static bool encoding_of_type(const struct onnx_node *n, int32_t type, const struct onnx_scales *scales, struct encoding *encoding) {
    int64_t low, high;
    if (scales->count != 1) return onnx_refuse(n, "has a scale for each channel; results of the network must have one");
    if (!onnx_type_range(type, &low, &high) || low < INT8_MIN || high > UINT8_MAX)
        return onnx_refuse(n, "makes %s; int8, uint8 and narrower are supported", onnx_type_name(type));
    *encoding = (struct encoding){.dtype = low < 0 ? QM_I8 : QM_U8, .scale = scales->scale[0], .zero = (int64_t)scales->zero[0]};
    encoding->requant.low = (int32_t)low;
    encoding->requant.high = (int32_t)high;
    if (encoding->zero < low || encoding->zero > high) return onnx_refuse(n, "has a zero point that its type does not have");
    return true;
}

/* A tensor that already is what is asked for. */
static bool is_same(const struct onnx_node *n, const struct onnx_deferred *deferred, const struct encoding *encoding) {
    const struct qm_graph_tensor *in = &n->r->graph->tensors[deferred->op.inputs[0]];
    return deferred->op.kind == QM_OP_QUANTIZE && deferred->newest == NULL && in->dtype == encoding->dtype &&
           in->quant.scale[0] == (float)encoding->scale && in->quant.zero_point[0] == encoding->zero;
}

static bool materialize_encoded(const struct onnx_node *n, const struct onnx_deferred *deferred, struct encoding *encoding,
                                struct onnx_value *value) {
    struct onnx_epilogue epilogue;
    struct onnx_affine affine;
    if (is_same(n, deferred, encoding)) {
        become_tensor(value, encoding, deferred->order, deferred->op.inputs[0]);
        return true;
    }
    if (!onnx_epilogue_open(n, deferred, &epilogue)) return false;
    if (onnx_epilogue_affine(n, &epilogue, &affine)) return materialize_scaled(n, deferred, &affine, encoding, value);
    return onnx_refuse(n, "quantizes what has been rounded before");
}

bool onnx_materialize_as(const struct onnx_node *n, const struct onnx_deferred *deferred, int32_t type, const struct onnx_scales *scales,
                         struct onnx_value *value) {
    struct encoding encoding;
    if (!encoding_of_type(n, type, scales, &encoding) || !materialize_encoded(n, deferred, &encoding, value)) return false;
    value->type = type;
    value->real = false;
    return true;
}

/* Whether the integers from low to high are bytes. */
static bool are_bytes(const struct onnx_value *value, double low, double high) {
    return value->type != ONNX_INT32 && ((low >= INT8_MIN && high <= INT8_MAX) || (low >= 0 && high <= UINT8_MAX));
}

bool onnx_materialize_integers(const struct onnx_node *n, struct onnx_value *value) {
    struct onnx_deferred deferred = *value->deferred;
    struct onnx_epilogue epilogue;
    struct onnx_affine affine;
    double low, high;
    if (deferred.sum_scale == NULL) return onnx_refuse(n, "needs %.60s as integers; a QuantizeLinear must come before", value->name);
    if (!onnx_epilogue_open(n, &deferred, &epilogue)) return false;
    find_range(&epilogue, &low, &high);
    bool integral = onnx_epilogue_is_integral(&epilogue), byte = are_bytes(value, low, high);
    if (deferred.op.kind == QM_OP_ADD && integral && !byte && !n->r->file->options->saturate && !onnx_add_by_weights(n, &deferred, 1))
        return false;
    bool affine_sum = has_weights(&deferred) && onnx_epilogue_affine(n, &epilogue, &affine);
    if (!integral && value->is_output && affine_sum) return materialize_sums(n, &deferred, &affine, value);
    if (!integral) return onnx_refuse(n, "needs %.60s as integers, but it is float; a QuantizeLinear must come before", value->name);
    if (!byte && affine_sum) return materialize_sums(n, &deferred, &affine, value);
    return onnx_materialize_thresholds(n, &deferred, 1, value);
}
