/* land.c - a draft becomes an operator of the graph, with integers as its result.
 *
 * Two ways. A QuantizeLinear after scales, a bias and a cut is said with scales: the channel's factor in the scale of its weights, rounded
 * half to even by the machine. Anything else is said with thresholds: for every integer the sum from which on it is reached, so that what
 * runs is exact or refused. An integer that does not fit 8 bits is the 32-bit sum itself.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { LEVELS_MAX = 256 };

/* How the integers are stored and what they mean. */
struct landing {
    enum qm_dtype dtype;
    double scale;
    int64_t zero;
    struct qm_requant requant;
};

static bool is_product(const struct onnx_draft *draft) {
    return draft->op.kind == QM_OP_CONV_2D || draft->op.kind == QM_OP_DEPTHWISE_CONV_2D || draft->op.kind == QM_OP_FULLY_CONNECTED;
}

static struct onnx_shape shape_of(const struct qm_graph_tensor *tensor) {
    struct onnx_shape shape = {.rank = tensor->rank};
    memcpy(shape.dims, tensor->dims, sizeof shape.dims);
    return shape;
}

/* Makes a value a TENSOR. */
static void settle(struct onnx_value *value, const struct landing *landing, enum onnx_order order, uint32_t tensor) {
    value->state = ONNX_TENSOR;
    value->real = value->settled = true;
    value->scale = (float)landing->scale;
    value->zero = landing->zero;
    value->low = landing->requant.low;
    value->high = landing->requant.high;
    value->map = NULL;
    for (uint32_t i = 0; i < ONNX_ORDERS; i++) value->tensors[i] = QM_NO_TENSOR;
    value->tensors[order] = tensor;
}

/* ---- few bits ---- */

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

/* The file's types are often wider than its numbers: narrow ones run faster and move fewer bytes. */
static void find_narrow(const struct onnx_node *n, const struct onnx_draft *draft, const struct landing *landing, uint32_t tensor) {
    struct qm_graph_tensor *tensors = n->r->graph->tensors, *out = &tensors[tensor];
    int64_t low = landing->requant.low < landing->zero ? landing->requant.low : landing->zero;
    int64_t high = landing->requant.high > landing->zero ? landing->requant.high : landing->zero;
    out->bits = bits_of_range(landing->dtype, low, high);
    if (is_product(draft)) tensors[draft->op.inputs[1]].bits = bits_of_weights(&tensors[draft->op.inputs[1]]);
}

/* Adds the operator with its output, which has the dimensions of result. */
static bool emit(const struct onnx_node *n, const struct onnx_draft *draft, const struct landing *landing, struct onnx_value *value) {
    struct onnx_shape wanted = shape_of(&draft->result), own = draft->made.rank > 0 ? draft->made : wanted;
    uint32_t tensor = onnx_add_tensor(n->r, value->name, landing->dtype, &own);
    onnx_set_quant(n->r, tensor, (float)landing->scale, landing->zero);
    find_narrow(n, draft, landing, tensor);
    struct qm_graph_op *op = onnx_add_op(n, draft->op.kind, QM_NO_TENSOR, tensor);
    *op = draft->op;
    op->outputs[0] = tensor;
    struct qm_requant *requant = QM_ARENA_NEW(n->r->arena, struct qm_requant, 1);
    *requant = landing->requant;
    op->requant = requant;
    if (!onnx_same_shape(&own, &wanted)) {
        uint32_t shaped = onnx_add_tensor(n->r, value->name, landing->dtype, &wanted);
        onnx_set_quant(n->r, shaped, (float)landing->scale, landing->zero);
        onnx_add_op(n, QM_OP_RESHAPE, tensor, shaped);
        tensor = shaped;
    }
    settle(value, landing, draft->order, tensor);
    return true;
}

/* A depthwise product of a tensor with one row of weights a channel; taps: how many of its positions make one of the result. */
static void weigh(const struct onnx_node *n, struct onnx_draft *draft, uint32_t tensor, uint32_t taps, const int8_t *weights) {
    const struct qm_graph_tensor *in = &n->r->graph->tensors[tensor];
    uint32_t rows = in->dims[1], channels = in->dims[3];
    struct onnx_shape shape = {4, {1, 1, taps, channels}};
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, (size_t)taps * channels);
    for (uint32_t t = 0; t < taps; t++) memset(data + (size_t)t * channels, weights[t], channels);
    draft->op.kind = QM_OP_DEPTHWISE_CONV_2D;
    draft->op.inputs[0] = tensor;
    draft->op.inputs[1] = onnx_add_constant(n->r, "weights", QM_I8, &shape, data);
    onnx_set_quant(n->r, draft->op.inputs[1], 1, 0);
    draft->op.input_count = 2;
    draft->op.depth_multiplier = 1;
    draft->op.kernel_h = draft->op.stride_h = draft->op.stride_w = draft->op.dilation_h = draft->op.dilation_w = 1;
    draft->op.kernel_w = taps;
    draft->made = (struct onnx_shape){4, {1, rows, 1, channels}};
}

/* A tensor as a map of rows of the channels. */
static uint32_t as_rows(const struct onnx_node *n, uint32_t tensor, uint32_t channels) {
    uint32_t rows = (uint32_t)(qm_graph_elements(&n->r->graph->tensors[tensor]) / channels);
    struct onnx_shape shape = {4, {1, rows, 1, channels}};
    uint32_t shaped = onnx_add_like(n, tensor, &shape);
    onnx_add_op(n, QM_OP_RESHAPE, tensor, shaped);
    return shaped;
}

/* A tensor by itself as a product. */
static void as_product(const struct onnx_node *n, struct onnx_draft *draft) {
    weigh(n, draft, as_rows(n, draft->op.inputs[0], draft->channels), 1, (const int8_t[]){1});
}

static void spread(const struct onnx_node *n, struct onnx_draft *draft, uint32_t channels) {
    double *unit = QM_ARENA_NEW(n->r->arena, double, channels);
    int64_t *low = QM_ARENA_NEW(n->r->arena, int64_t, channels), *high = QM_ARENA_NEW(n->r->arena, int64_t, channels);
    for (uint32_t c = 0; c < channels; c++) {
        unit[c] = draft->unit[0];
        low[c] = draft->low[0];
        high[c] = draft->high[0];
    }
    draft->channels = channels;
    draft->unit = unit;
    draft->low = low;
    draft->high = high;
}

bool onnx_pair_product(const struct onnx_node *n, struct onnx_draft *draft, int8_t second) {
    const struct qm_graph_tensor *tensors = n->r->graph->tensors;
    const struct qm_graph_tensor *a = &tensors[draft->op.inputs[0]], *b = &tensors[draft->op.inputs[1]];
    if (draft->unit == NULL || a->quant.zero_point[0] != b->quant.zero_point[0])
        return onnx_refuse(n, "has operands with different scales, and a result that is not quantized");
    if (qm_graph_elements(a) != qm_graph_elements(b))
        return onnx_refuse(n, "has operands of different shapes, and a result that is not quantized");
    uint32_t channels = a->rank > 0 ? a->dims[a->rank - 1] : 1, parts[2];
    for (uint32_t i = 0; i < 2; i++) parts[i] = as_rows(n, draft->op.inputs[i], channels);
    struct onnx_shape shape = shape_of(&n->r->graph->tensors[parts[0]]);
    shape.dims[2] = 2;
    uint32_t both = onnx_add_like(n, parts[0], &shape);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_CONCATENATION, parts[0], both);
    op->inputs[1] = parts[1];
    op->input_count = 2;
    op->axis = 2;
    spread(n, draft, channels);
    weigh(n, draft, both, 2, (const int8_t[]){1, second});
    return true;
}

/* ---- scales ---- */

/* The weights with a scale for each channel, and negated where that is negative. */
static bool scale_weights(const struct onnx_node *n, struct onnx_draft *draft, const struct onnx_affine *f) {
    struct qm_graph *graph = n->r->graph;
    uint32_t weights = draft->op.inputs[1], channels = draft->channels;
    const struct qm_graph_tensor *source = &graph->tensors[weights];
    bool last = draft->op.kind == QM_OP_DEPTHWISE_CONV_2D;
    size_t elements = (size_t)qm_graph_elements(source), inner = last ? 1 : elements / channels;
    float *scale = QM_ARENA_NEW(n->r->arena, float, channels);
    int64_t *zero = QM_ARENA_NEW(n->r->arena, int64_t, channels);
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, elements);
    memcpy(data, source->data, elements);
    for (uint32_t c = 0; c < channels; c++) {
        if (f->a[c] == 0 || !isfinite(f->a[c])) return onnx_refuse(n, "scales channel %u by %g", c, f->a[c]);
        scale[c] = (float)(fabs(f->a[c]) / (double)graph->tensors[draft->op.inputs[0]].quant.scale[0]);
        zero[c] = source->quant.zero_point[source->quant.count > 1 ? c : 0];
    }
    for (size_t i = 0; i < elements; i++) {
        uint32_t c = (uint32_t)(i / inner % channels);
        if (f->a[c] > 0) continue;
        if (data[i] == INT8_MIN) return onnx_refuse(n, "turns the sign of channel %u, whose weights have -128", c);
        data[i] = (int8_t)-data[i];
    }
    for (uint32_t c = 0; c < channels; c++) zero[c] = f->a[c] < 0 ? -zero[c] : zero[c];
    struct onnx_shape shape = shape_of(source);
    draft->op.inputs[1] = onnx_add_constant(n->r, source->name, QM_I8, &shape, data);
    graph->tensors[draft->op.inputs[1]].quant =
        (struct qm_quant){.count = channels, .scale = scale, .zero_point = zero, .axis = last ? 3 : 0};
    return true;
}

static bool add_bias(const struct onnx_node *n, struct onnx_draft *draft, const struct onnx_affine *f, bool exact) {
    int32_t *bias = QM_ARENA_NEW(n->r->arena, int32_t, draft->channels);
    bool any = false;
    for (uint32_t c = 0; c < draft->channels; c++) {
        double real = f->b[c] / fabs(f->a[c]), sum = nearbyint(real);
        if (!(fabs(sum) <= INT32_MAX) || (exact && sum != real))
            return onnx_refuse(n, "adds %g to channel %u, which no 32-bit sum can", f->b[c], c);
        bias[c] = (int32_t)sum;
        any = any || bias[c] != 0;
    }
    if (!any) return true;
    struct onnx_shape shape = {1, {draft->channels}};
    draft->op.inputs[2] = onnx_add_constant(n->r, "bias", QM_I32, &shape, bias);
    onnx_set_quant(n->r, draft->op.inputs[2], 1, 0);
    draft->op.input_count = 3;
    return true;
}

/* The same bytes as a tensor whose scale is ratio times as large, by a RESHAPE that changes no shape. */
static uint32_t scaled_alias(const struct onnx_node *n, uint32_t in, double ratio) {
    struct onnx_shape shape = shape_of(&n->r->graph->tensors[in]);
    uint32_t alias = onnx_add_like(n, in, &shape);
    const struct qm_quant *quant = &n->r->graph->tensors[in].quant;
    onnx_set_quant(n->r, alias, (float)((double)quant->scale[0] * ratio), quant->zero_point[0]);
    onnx_add_op(n, QM_OP_RESHAPE, in, alias);
    return alias;
}

/* An operator on whole tensors: its factor goes into the scales that it takes its inputs for. */
static bool scale_inputs(const struct onnx_node *n, struct onnx_draft *draft, const struct onnx_affine *f) {
    for (uint32_t c = 0; c < draft->channels; c++)
        if (f->a[c] != f->a[0] || f->b[c] != 0 || !(f->a[0] > 0))
            return onnx_refuse(n, "multiplies or adds channel by channel after %s", qm_graph_op_name(draft->op.kind));
    double ratio = f->a[0] / (draft->unit != NULL ? draft->unit[0] : 1);
    if (ratio == 1) return true;
    bool linear = draft->op.kind == QM_OP_QUANTIZE || draft->op.kind == QM_OP_ADD || draft->op.kind == QM_OP_AVERAGE_POOL_2D;
    if (!linear) return onnx_refuse(n, "multiplies what %s has made", qm_graph_op_name(draft->op.kind));
    for (uint32_t i = 0; i < draft->op.input_count; i++) draft->op.inputs[i] = scaled_alias(n, draft->op.inputs[i], ratio);
    return true;
}

static int32_t stored(double real, const struct landing *landing, int64_t low, int64_t high) {
    double integer = nearbyint(real / landing->scale) + (double)landing->zero;
    return (int32_t)fmin(fmax(integer, (double)low), (double)high);
}

static bool land_scaled(const struct onnx_node *n, const struct onnx_draft *source, const struct onnx_affine *f, struct landing *landing,
                        struct onnx_value *value) {
    struct onnx_draft draft = *source;
    struct qm_requant *requant = &landing->requant;
    int64_t low = requant->low, high = requant->high;
    requant->rounding = QM_rounding_EVEN;
    requant->low = stored(f->low, landing, low, high);
    requant->high = stored(f->high, landing, low, high);
    bool per_channel = false;
    for (uint32_t c = 1; c < draft.channels; c++) per_channel = per_channel || f->a[c] != f->a[0];
    for (uint32_t c = 0; c < draft.channels; c++) per_channel = per_channel || f->b[c] != 0;
    if (draft.op.kind == QM_OP_QUANTIZE && per_channel) as_product(n, &draft);
    bool fits = is_product(&draft) ? scale_weights(n, &draft, f) && add_bias(n, &draft, f, false) : scale_inputs(n, &draft, f);
    return fits && emit(n, &draft, landing, value);
}

/* ---- thresholds ---- */

/* The first sum in low .. high + 1 for which the chain is at least level (or, when it falls, at most). */
static int64_t find_threshold(const struct onnx_chain *chain, const struct onnx_draft *draft, uint32_t c, double level, bool falling) {
    int64_t low = draft->low[c], high = draft->high[c] + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        double x = onnx_chain_value(chain, draft, c, middle);
        if (falling ? x < level : x >= level)
            high = middle;
        else
            low = middle + 1;
    }
    return falling ? low - 1 : low;
}

static void add_thresholds(const struct onnx_node *n, const struct onnx_chain *chain, const struct onnx_draft *draft,
                           struct landing *landing) {
    uint32_t levels = (uint32_t)(landing->requant.high - landing->requant.low);
    int64_t *thresholds = QM_ARENA_NEW(n->r->arena, int64_t, (size_t)levels * draft->channels + 1);
    bool *falling = QM_ARENA_NEW(n->r->arena, bool, draft->channels);
    for (uint32_t c = 0; c < draft->channels; c++) {
        falling[c] = onnx_chain_value(chain, draft, c, draft->low[c]) > onnx_chain_value(chain, draft, c, draft->high[c]);
        for (uint32_t i = 0; i < levels; i++) {
            double level = (double)(landing->requant.low - landing->zero + 1 + i);
            thresholds[(size_t)c * levels + i] = find_threshold(chain, draft, c, level, falling[c]);
        }
    }
    landing->requant.channels = draft->channels;
    landing->requant.thresholds = thresholds;
    landing->requant.falling = falling;
    landing->requant.sum_low = draft->low;
    landing->requant.sum_high = draft->high;
}

/* The smallest and largest value, at the ends of the sums, for the chain is monotone. */
static void find_range(const struct onnx_chain *chain, const struct onnx_draft *draft, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (uint32_t c = 0; c < draft->channels; c++) {
        double a = onnx_chain_value(chain, draft, c, draft->low[c]), b = onnx_chain_value(chain, draft, c, draft->high[c]);
        *low = fmin(*low, fmin(a, b));
        *high = fmax(*high, fmax(a, b));
    }
}

bool onnx_land_steps(const struct onnx_node *n, const struct onnx_draft *source, double scale, struct onnx_value *value) {
    struct onnx_draft draft = *source;
    struct onnx_chain chain;
    double low, high;
    if (draft.unit == NULL) return onnx_refuse(n, "needs the integers of %.60s, whose operands have different scales", value->name);
    if (!onnx_chain_open(n, &draft, &chain)) return false;
    find_range(&chain, &draft, &low, &high);
    if (n->r->file->options->saturate && high - low >= LEVELS_MAX) {
        low = fmax(low, low < 0 ? INT8_MIN : 0);
        high = fmin(high, low + LEVELS_MAX - 1);
    }
    if (!(low >= INT32_MIN && high <= INT32_MAX && high - low < LEVELS_MAX))
        return onnx_refuse(n, "needs the integers of %.60s, which are %g to %g, more than 8 bits (--saturate cuts them)", value->name, low,
                           high);
    struct landing landing = {.dtype = low >= 0 && high <= UINT8_MAX ? QM_U8 : QM_I8, .scale = scale};
    if (landing.dtype == QM_I8 && !onnx_zero_point(low, high, &landing.zero))
        return onnx_refuse(n, "has integers %g to %g, too far from 0", low, high);
    landing.requant.low = (int32_t)((int64_t)low + landing.zero);
    landing.requant.high = (int32_t)((int64_t)high + landing.zero);
    if (draft.op.kind == QM_OP_QUANTIZE) as_product(n, &draft);
    add_thresholds(n, &chain, &draft, &landing);
    return emit(n, &draft, &landing, value);
}

/* The sums themselves, as 32-bit integers. Only at the end of the network they may mean other than themselves. */
static bool land_sum(const struct onnx_node *n, const struct onnx_draft *source, const struct onnx_affine *f, struct onnx_value *value) {
    struct onnx_draft draft = *source;
    bool same = f->a[0] > 0 && !isfinite(f->low) && !isfinite(f->high), shared = true;
    for (uint32_t c = 0; c < draft.channels; c++) {
        same = same && f->a[c] == f->a[0];
        shared = shared && f->b[c] == f->b[0];
    }
    if (!same || (!value->leaves && f->a[0] != 1))
        return onnx_refuse(n, "needs the integers of %.60s, which do not fit 8 bits or are scaled", value->name);
    struct landing landing = {.dtype = QM_I32, .scale = f->a[0], .requant = {.low = INT32_MIN, .high = INT32_MAX}};
    bool outside = shared && f->b[0] / f->a[0] != nearbyint(f->b[0] / f->a[0]);
    if (outside) value->offset = (float)f->b[0];
    if (!outside && !add_bias(n, &draft, f, true)) return false;
    return emit(n, &draft, &landing, value);
}

/* ---- doors ---- */

static bool open_landing(const struct onnx_node *n, int32_t type, const struct onnx_scales *scales, struct landing *landing) {
    int64_t low, high;
    if (scales->count != 1) return onnx_refuse(n, "has a scale for each channel; results of the network must have one");
    if (!onnx_type_range(type, &low, &high) || low < INT8_MIN || high > UINT8_MAX)
        return onnx_refuse(n, "makes %s; int8, uint8 and narrower are supported", onnx_type_name(type));
    *landing = (struct landing){.dtype = low < 0 ? QM_I8 : QM_U8, .scale = scales->scale[0], .zero = (int64_t)scales->zero[0]};
    landing->requant.low = (int32_t)low;
    landing->requant.high = (int32_t)high;
    if (landing->zero < low || landing->zero > high) return onnx_refuse(n, "has a zero point that its type does not have");
    return true;
}

/* A tensor that already is what is asked for. */
static bool is_same(const struct onnx_node *n, const struct onnx_draft *draft, const struct landing *landing) {
    const struct qm_graph_tensor *in = &n->r->graph->tensors[draft->op.inputs[0]];
    return draft->op.kind == QM_OP_QUANTIZE && draft->steps == NULL && in->dtype == landing->dtype &&
           in->quant.scale[0] == (float)landing->scale && in->quant.zero_point[0] == landing->zero;
}

static bool land_typed(const struct onnx_node *n, const struct onnx_draft *draft, struct landing *landing, struct onnx_value *value) {
    struct onnx_chain chain;
    struct onnx_affine affine;
    if (is_same(n, draft, landing)) {
        settle(value, landing, draft->order, draft->op.inputs[0]);
        return true;
    }
    if (!onnx_chain_open(n, draft, &chain)) return false;
    if (onnx_chain_affine(n, &chain, draft, &affine)) return land_scaled(n, draft, &affine, landing, value);
    return onnx_refuse(n, "quantizes what has been rounded before");
}

bool onnx_land_as(const struct onnx_node *n, const struct onnx_draft *draft, int32_t type, const struct onnx_scales *scales,
                  struct onnx_value *value) {
    struct landing landing;
    if (!open_landing(n, type, scales, &landing) || !land_typed(n, draft, &landing, value)) return false;
    value->type = type;
    value->real = false;
    return true;
}

/* Whether the integers from low to high are bytes. */
static bool are_bytes(const struct onnx_value *value, double low, double high) {
    return value->type != ONNX_INT32 && ((low >= INT8_MIN && high <= INT8_MAX) || (low >= 0 && high <= UINT8_MAX));
}

bool onnx_land(const struct onnx_node *n, struct onnx_value *value) {
    struct onnx_draft draft = *value->draft;
    struct onnx_chain chain;
    struct onnx_affine affine;
    double low, high;
    if (draft.unit == NULL) return onnx_refuse(n, "needs %.60s as integers; a QuantizeLinear must come before", value->name);
    if (!onnx_chain_open(n, &draft, &chain)) return false;
    find_range(&chain, &draft, &low, &high);
    bool integral = onnx_chain_integral(&chain, &draft), byte = are_bytes(value, low, high);
    if (draft.op.kind == QM_OP_ADD && integral && !byte && !n->r->file->options->saturate && !onnx_pair_product(n, &draft, 1)) return false;
    bool affine_sum = is_product(&draft) && onnx_chain_affine(n, &chain, &draft, &affine);
    if (!integral && value->leaves && affine_sum) return land_sum(n, &draft, &affine, value);
    if (!integral) return onnx_refuse(n, "needs %.60s as integers, but it is float; a QuantizeLinear must come before", value->name);
    if (!byte && affine_sum) return land_sum(n, &draft, &affine, value);
    return onnx_land_steps(n, &draft, 1, value);
}
