/* materialize.c - a deferred operator becomes one of the graph, with integers as its result.
 *
 * There are three ways to say how sums become these integers. An epilogue that is a factor, an addend and a clamp is said with these, and
 * the machine rounds half to even. Any function of one byte is a table. Any other epilogue is said with thresholds: for every integer the
 * sum from which on it is reached, so that what runs is exact or refused. Integers that do not fit 8 bits can only be the 32-bit sums
 * themselves. docs/numerics.md says how exact each is.
 */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

enum { LEVELS_MAX = 256 };

static bool has_weights(const struct real_deferred *deferred) {
    return qm_graph_has_weights(deferred->op.kind);
}

/* Makes a value a TENSOR. */
static void become_tensor(struct real_value *value, const struct real_encoding *encoding, enum real_order order, uint32_t tensor) {
    value->state = REAL_TENSOR;
    value->real = value->quant_known = true;
    value->scale = (float)encoding->scale;
    value->zero = encoding->zero;
    value->low = encoding->requant.low;
    value->high = encoding->requant.high;
    value->map = NULL;
    for (uint32_t i = 0; i < REAL_ORDERS; i++) value->tensors[i] = QM_NO_TENSOR;
    value->tensors[order] = tensor;
}

/* ---- narrow numbers ---- */

/* 4 when integers from low to high need no more, else 0. */
static uint32_t bits_of_range(enum qm_dtype dtype, int64_t low, int64_t high) {
    int64_t lowest = dtype == QM_U8 ? 0 : -8;
    bool bytes = dtype == QM_U8 || dtype == QM_I8;
    return bytes && lowest <= low && high <= lowest + 15 ? 4 : 0;
}

/* What the numbers of a constant of int8 need: 1 bit for -1 and 1, or 2, 4 or 8. */
static uint32_t bits_of_weights(const struct qm_graph_tensor *weights) {
    const int8_t *numbers = weights->data;
    size_t elements = (size_t)qm_graph_elements(weights), zeros = 0;
    int8_t low = 0, high = 0;
    for (size_t i = 0; i < elements; i++) {
        low = numbers[i] < low ? numbers[i] : low;
        high = numbers[i] > high ? numbers[i] : high;
        zeros += numbers[i] == 0;
    }
    if (zeros == 0 && low >= -1 && high <= 1) return 1;
    if (low >= -2 && high <= 1) return 2;
    return bits_of_range(QM_I8, low, high);
}

/* Says how few bits the numbers need, for the file's types are often wider: narrow ones run faster and move fewer bytes. */
static void set_bits(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding,
                     uint32_t tensor) {
    struct qm_graph_tensor *tensors = real_tensors(n), *out = &tensors[tensor];
    int64_t low = encoding->requant.low < encoding->zero ? encoding->requant.low : encoding->zero;
    int64_t high = encoding->requant.high > encoding->zero ? encoding->requant.high : encoding->zero;
    out->bits = bits_of_range(encoding->dtype, low, high);
    if (has_weights(deferred)) tensors[deferred->op.inputs[1]].bits = bits_of_weights(&tensors[deferred->op.inputs[1]]);
}

/* [rows][stack][columns] as [stack][rows][columns]. */
static uint32_t unstacked(const struct real_node *n, const struct real_deferred *deferred, uint32_t tensor) {
    uint32_t rows = deferred->op_shape.dims[1], stack = deferred->stack, columns = deferred->channels / stack;
    uint32_t three = real_add_reshape(n, tensor, &(struct qm_shape){3, {rows, stack, columns}});
    uint32_t result = real_add_like(n, three, &(struct qm_shape){3, {stack, rows, columns}});
    struct qm_graph_op *op = real_add_op(n, QM_OP_TRANSPOSE, three, result);
    memcpy(op->permutation, (const uint32_t[]){1, 0, 2}, 3 * sizeof *op->permutation);
    return result;
}

/* Adds the operator with its output, which has the dimensions of result. */
static bool emit(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding,
                 struct real_value *value) {
    struct qm_shape wanted = qm_graph_shape(&deferred->result), own = deferred->op_shape.rank > 0 ? deferred->op_shape : wanted;
    uint32_t tensor = real_add_tensor(n, value->name, encoding->dtype, &own);
    real_set_quant(n, tensor, (float)encoding->scale, encoding->zero);
    set_bits(n, deferred, encoding, tensor);
    struct qm_graph_op *op = real_add_op(n, deferred->op.kind, QM_NO_TENSOR, tensor);
    *op = deferred->op;
    op->outputs[0] = tensor;
    struct qm_requant *requant = QM_ARENA_NEW(n->r->arena, struct qm_requant, 1);
    *requant = encoding->requant;
    op->requant = requant;
    if (deferred->stack > 1) tensor = unstacked(n, deferred, tensor);
    if (!qm_shape_same(&own, &wanted)) {
        tensor = real_add_reshape(n, tensor, &wanted);
        real_tensors(n)[tensor].name = value->name;
    }
    become_tensor(value, encoding, deferred->order, tensor);
    return true;
}

/* ---- other operators as convolutions ---- */

/* A depthwise convolution of a tensor [1][rows][n x taps][channels]: taps neighbours make one position, with one weight each. */
static void set_depthwise(const struct real_node *n, struct real_deferred *deferred, uint32_t tensor, uint32_t taps,
                          const int8_t *weights) {
    const struct qm_graph_tensor *in = &real_tensors(n)[tensor];
    uint32_t rows = in->dims[1], channels = in->dims[3];
    struct qm_shape shape = {4, {1, 1, taps, channels}};
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, (size_t)taps * channels);
    for (uint32_t t = 0; t < taps; t++) memset(data + (size_t)t * channels, weights[t], channels);
    deferred->op.kind = QM_OP_DEPTHWISE_CONV_2D;
    deferred->op.inputs[0] = tensor;
    deferred->op.inputs[1] = qm_graph_add_constant(&n->r->maker, "weights", QM_I8, &shape, data);
    real_set_quant(n, deferred->op.inputs[1], 1, 0);
    deferred->op.input_count = 2;
    deferred->op.depth_multiplier = 1;
    deferred->op.kernel_h = deferred->op.stride_h = deferred->op.stride_w = deferred->op.dilation_h = deferred->op.dilation_w = 1;
    deferred->op.kernel_w = taps;
    deferred->op_shape = (struct qm_shape){4, {1, rows, 1, channels}};
}

/* The AVERAGE_POOL_2D of a map as a depthwise convolution with weights of 1, whose sums are the same, for each channel of the map. */
static void pool_by_weights(const struct real_node *n, struct real_deferred *deferred) {
    const struct qm_graph_tensor *in = &real_tensors(n)[deferred->op.inputs[0]];
    uint32_t channels = in->dims[3];
    if (deferred->channels != channels)
        real_deferred_set_sums(n, deferred, channels, deferred->sum_scale[0], deferred->sum_low[0], deferred->sum_high[0]);
    struct qm_shape shape = {4, {1, deferred->op.kernel_h, deferred->op.kernel_w, channels}};
    int8_t *ones = QM_ARENA_NEW(n->r->arena, int8_t, qm_shape_elements(&shape));
    memset(ones, 1, qm_shape_elements(&shape));
    deferred->op.kind = QM_OP_DEPTHWISE_CONV_2D;
    deferred->op.inputs[1] = qm_graph_add_constant(&n->r->maker, "ones", QM_I8, &shape, ones);
    real_set_quant(n, deferred->op.inputs[1], 1, 0);
    deferred->op.input_count = 2;
    deferred->op.depth_multiplier = 1;
}

/* A tensor as a map [1][rows][1][channels]. */
static uint32_t as_rows(const struct real_node *n, uint32_t tensor, uint32_t channels) {
    uint32_t rows = (uint32_t)(qm_graph_elements(&real_tensors(n)[tensor]) / channels);
    return real_add_reshape(n, tensor, &(struct qm_shape){4, {1, rows, 1, channels}});
}

/* The QUANTIZE of a tensor as a convolution with weights of 1, because only convolutions have factors and thresholds for each channel. */
static void quantize_by_weights(const struct real_node *n, struct real_deferred *deferred) {
    set_depthwise(n, deferred, as_rows(n, deferred->op.inputs[0], deferred->channels), 1, (const int8_t[]){1});
}

bool real_add_by_weights(const struct real_node *n, struct real_deferred *deferred, int8_t second) {
    const struct qm_graph_tensor *tensors = real_tensors(n);
    const struct qm_graph_tensor *a = &tensors[deferred->op.inputs[0]], *b = &tensors[deferred->op.inputs[1]];
    if (deferred->sum_scale == NULL || a->quant.zero_point[0] != b->quant.zero_point[0])
        return real_refuse(n, "has operands with different scales, and a result that is not quantized");
    if (qm_graph_elements(a) != qm_graph_elements(b))
        return real_refuse(n, "has operands of different shapes, and a result that is not quantized");
    uint32_t channels = a->rank > 0 ? a->dims[a->rank - 1] : 1, rows[2];
    for (uint32_t i = 0; i < 2; i++) rows[i] = as_rows(n, deferred->op.inputs[i], channels);
    struct qm_shape shape = qm_graph_shape(&real_tensors(n)[rows[0]]);
    shape.dims[2] = 2;
    uint32_t both = real_add_like(n, rows[0], &shape);
    struct qm_graph_op *op = real_add_op(n, QM_OP_CONCATENATION, rows[0], both);
    op->inputs[1] = rows[1];
    op->input_count = 2;
    op->axis = 2;
    real_deferred_set_sums(n, deferred, channels, deferred->sum_scale[0], deferred->sum_low[0], deferred->sum_high[0]);
    set_depthwise(n, deferred, both, 2, (const int8_t[]){1, second});
    return true;
}

/* ---- factors and addends ---- */

/* Largest error, in steps of the output, of a bias that is rounded to a step of the sum (docs/numerics.md). */
static const double BIAS_ERROR_MAX = 4e-7;

static const double *factors_of(const struct real_node *n, const struct real_affine *f, uint32_t count, double scale) {
    double *factors = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t c = 0; c < count; c++) factors[c] = f->a[c] / scale;
    return factors;
}

/* Whether whole steps of the sum are as good as b. */
static bool is_whole_bias(const struct real_affine *f, uint32_t channels, double scale) {
    bool whole = true;
    for (uint32_t c = 0; c < channels; c++) {
        double sum = f->b[c] / f->a[c];
        whole = whole && fabs(sum) <= INT32_MAX && fabs((sum - nearbyint(sum)) * f->a[c] / scale) <= BIAS_ERROR_MAX;
    }
    return whole;
}

/* Makes b, in whole steps of the sum, the bias of each channel. */
static void add_bias(const struct real_node *n, struct real_deferred *deferred, const struct real_affine *f) {
    int32_t *bias = QM_ARENA_NEW(n->r->arena, int32_t, deferred->channels);
    bool any = false;
    for (uint32_t c = 0; c < deferred->channels; c++) {
        bias[c] = (int32_t)nearbyint(f->b[c] / f->a[c]);
        any = any || bias[c] != 0;
    }
    if (!any) return;
    struct qm_shape shape = {1, {deferred->channels}};
    deferred->op.inputs[2] = qm_graph_add_constant(&n->r->maker, "bias", QM_I32, &shape, bias);
    real_set_quant(n, deferred->op.inputs[2], 1, 0);
    deferred->op.input_count = 3;
}

/* Of sums of products, each channel has its factor and its addend. */
static bool scale_products(const struct real_node *n, struct real_deferred *deferred, const struct real_affine *f,
                           struct real_encoding *encoding) {
    for (uint32_t c = 0; c < deferred->channels; c++)
        if (!isfinite(f->a[c]) || !isfinite(f->b[c])) return real_refuse(n, "scales channel %u by %g", c, f->a[c]);
    encoding->requant.factors = factors_of(n, f, deferred->channels, encoding->scale);
    if (is_whole_bias(f, deferred->channels, encoding->scale)) return add_bias(n, deferred, f), true;
    double *addends = QM_ARENA_NEW(n->r->arena, double, deferred->channels);
    for (uint32_t c = 0; c < deferred->channels; c++) addends[c] = f->b[c] / encoding->scale;
    encoding->requant.addends = addends;
    encoding->requant.rounding = QM_rounding_OFFSET;
    return true;
}

/* An operator on whole tensors has no channels: one factor, or one for each operand of a sum. */
static bool scale_tensors(const struct real_node *n, struct real_deferred *deferred, const struct real_affine *f,
                          struct real_encoding *encoding) {
    const struct qm_graph_tensor *tensors = real_tensors(n);
    for (uint32_t c = 0; c < deferred->channels; c++)
        if (f->a[c] != f->a[0] || f->b[c] != 0)
            return real_refuse(n, "multiplies or adds a constant behind %s; a QuantizeLinear must come between",
                               qm_graph_op_name(deferred->op.kind));
    double *factors = QM_ARENA_NEW(n->r->arena, double, 2), ratio = f->a[0] / encoding->scale;
    factors[0] = ratio;
    if (deferred->op.kind == QM_OP_ADD) {
        double one = deferred->sum_scale != NULL ? deferred->sum_scale[0] : 1;
        for (uint32_t i = 0; i < 2; i++) factors[i] = ratio / one * (double)tensors[deferred->op.inputs[i]].quant.scale[0];
        if (deferred->subtracts) factors[1] = -factors[1];
    }
    if (deferred->op.kind == QM_OP_MUL)
        for (uint32_t i = 0; i < 2; i++) factors[0] *= (double)tensors[deferred->op.inputs[i]].quant.scale[0];
    encoding->requant.factors = factors;
    return true;
}

/* The integer of a real number, cut to low .. high. */
static int32_t stored(double real, const struct real_encoding *encoding, int64_t low, int64_t high) {
    double integer = nearbyint(real / encoding->scale) + (double)encoding->zero;
    return (int32_t)fmin(fmax(integer, (double)low), (double)high);
}

/* One number for all channels, or one each, as one each. */
static double *spread(const struct real_node *n, const double *numbers, uint32_t count, uint32_t channels) {
    double *all = QM_ARENA_NEW(n->r->arena, double, channels);
    for (uint32_t c = 0; c < channels; c++) all[c] = numbers[count > 1 ? c : 0];
    return all;
}

static bool materialize_affine(const struct real_node *n, const struct real_deferred *source, const struct real_affine *f,
                               struct real_encoding *encoding, struct real_value *value) {
    struct real_deferred deferred = *source;
    struct qm_requant *requant = &encoding->requant;
    int64_t low = requant->low, high = requant->high;
    requant->rounding = QM_rounding_EVEN;
    requant->low = stored(f->low, encoding, low, high);
    requant->high = stored(f->high, encoding, low, high);
    bool by_channel = false;
    for (uint32_t c = 0; c < deferred.channels; c++) by_channel = by_channel || f->a[c] != f->a[0] || f->b[c] != 0;
    if (deferred.op.kind == QM_OP_QUANTIZE && by_channel) quantize_by_weights(n, &deferred);
    struct real_affine all = *f;
    if (deferred.op.kind == QM_OP_AVERAGE_POOL_2D && by_channel) {
        pool_by_weights(n, &deferred);
        all.a = spread(n, f->a, source->channels, deferred.channels);
        all.b = spread(n, f->b, source->channels, deferred.channels);
    }
    bool fits = (has_weights(&deferred) ? scale_products : scale_tensors)(n, &deferred, &all, encoding);
    return fits && emit(n, &deferred, encoding, value);
}

/* ---- tables ---- */

/* A function of the bytes of one tensor. */
static bool materialize_table(const struct real_node *n, const struct real_deferred *source, const struct real_epilogue *epilogue,
                              struct real_encoding *encoding, struct real_value *value) {
    struct real_deferred deferred = *source;
    const struct qm_graph_tensor *in = &real_tensors(n)[deferred.op.inputs[0]];
    int32_t first = in->dtype == QM_U8 ? 0 : INT8_MIN;
    uint8_t *table = QM_ARENA_NEW(n->r->arena, uint8_t, QM_TABLE_BYTES);
    for (int32_t byte = first; byte < first + QM_TABLE_BYTES; byte++) {
        double real = real_epilogue_value(epilogue, 0, byte - in->quant.zero_point[0]);
        if (isnan(real)) return real_refuse(n, "has a value that is no number");
        table[(uint8_t)byte] = (uint8_t)stored(real, encoding, encoding->requant.low, encoding->requant.high);
    }
    deferred.op.kind = QM_OP_LOOKUP;
    deferred.op.table = table;
    encoding->requant.rounding = QM_rounding_EVEN;
    return emit(n, &deferred, encoding, value);
}

/* ---- thresholds ---- */

/* The first sum in low .. high + 1 for which the epilogue is at least level (or, when it falls, at most). */
static int64_t find_threshold(const struct real_epilogue *epilogue, uint32_t c, double level, bool falling) {
    int64_t low = epilogue->deferred->sum_low[c], high = epilogue->deferred->sum_high[c] + 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        double x = real_epilogue_value(epilogue, c, middle);
        if (falling ? x < level : x >= level)
            high = middle;
        else
            low = middle + 1;
    }
    return falling ? low - 1 : low;
}

/* The values of the smallest and the largest sum of a channel. */
static double value_at_lowest(const struct real_epilogue *epilogue, uint32_t c) {
    return real_epilogue_value(epilogue, c, epilogue->deferred->sum_low[c]);
}

static double value_at_highest(const struct real_epilogue *epilogue, uint32_t c) {
    return real_epilogue_value(epilogue, c, epilogue->deferred->sum_high[c]);
}

static void add_thresholds(const struct real_node *n, const struct real_epilogue *epilogue, struct real_encoding *encoding) {
    const struct real_deferred *deferred = epilogue->deferred;
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
static void find_range(const struct real_epilogue *epilogue, double *low, double *high) {
    *low = INFINITY;
    *high = -INFINITY;
    for (uint32_t c = 0; c < epilogue->deferred->channels; c++) {
        double a = value_at_lowest(epilogue, c), b = value_at_highest(epilogue, c);
        *low = fmin(*low, fmin(a, b));
        *high = fmax(*high, fmax(a, b));
    }
}

bool real_materialize_thresholds(const struct real_node *n, const struct real_deferred *source, double scale, struct real_value *value) {
    struct real_deferred deferred = *source;
    struct real_epilogue epilogue;
    double low, high;
    if (deferred.sum_scale == NULL) return real_refuse(n, "needs the integers of %.60s, whose operands have different scales", value->name);
    if (!real_epilogue_open(n, &deferred, &epilogue)) return false;
    find_range(&epilogue, &low, &high);
    if (n->r->options->saturate && high - low >= LEVELS_MAX) {
        low = fmax(low, low < 0 ? INT8_MIN : 0);
        high = fmin(high, low + LEVELS_MAX - 1);
    }
    if (!(low >= INT32_MIN && high <= INT32_MAX && high - low < LEVELS_MAX))
        return real_refuse(n, "needs the integers of %.60s, which are %g to %g, more than 8 bits (--saturate cuts them)", value->name, low,
                           high);
    struct real_encoding encoding = {.dtype = low >= 0 && high <= UINT8_MAX ? QM_U8 : QM_I8, .scale = scale};
    if (encoding.dtype == QM_I8 && !real_zero_point(low, high, &encoding.zero))
        return real_refuse(n, "has integers %g to %g, too far from 0", low, high);
    encoding.requant.low = (int32_t)((int64_t)low + encoding.zero);
    encoding.requant.high = (int32_t)((int64_t)high + encoding.zero);
    if (deferred.op.kind == QM_OP_QUANTIZE) quantize_by_weights(n, &deferred);
    add_thresholds(n, &epilogue, &encoding);
    return emit(n, &deferred, &encoding, value);
}

/* ---- sums of two parts ---- */

/* One part, in whole steps of the result, as int8: of numbers from 0 up, or from 0 down. */
static bool materialize_part(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *whole, bool rises,
                             struct real_value *value) {
    struct real_epilogue epilogue;
    struct real_affine f;
    struct real_encoding encoding = {.dtype = QM_I8, .scale = whole->scale, .zero = rises ? INT8_MIN : INT8_MAX};
    encoding.requant.low = INT8_MIN;
    encoding.requant.high = INT8_MAX;
    if (!real_epilogue_open(n, deferred, &epilogue)) return false;
    if (!real_epilogue_affine(n, &epilogue, &f)) return real_refuse(n, "quantizes what has been rounded before");
    return materialize_affine(n, deferred, &f, &encoding, value);
}

/* Of a number that is not 0 one part is 0, so that the sum of both rounded is their sum rounded. Clips behind the LEAK are the sum's. */
static bool materialize_parts(const struct real_node *n, const struct real_epilogue *epilogue, const struct real_deferred parts[2],
                              struct real_encoding *encoding, struct real_value *value) {
    struct real_value sides[2] = {{.name = value->name, .type = QM_F32}, {.name = value->name, .type = QM_F32}};
    struct real_deferred sum = *epilogue->deferred;
    double *factors = QM_ARENA_NEW(n->r->arena, double, 2), low = -INFINITY, high = INFINITY;
    for (uint32_t i = 0; i < 2; i++) {
        const struct real_epilogue_op *clip = parts[i].newest;
        if (!materialize_part(n, &parts[i], encoding, clip->low == 0, &sides[i])) return false;
        factors[i] = 1;
    }
    for (uint32_t i = 0; i < epilogue->count; i++) {
        const struct real_epilogue_op *op = epilogue->ops[i];
        if (op->kind == REAL_LEAK) low = -INFINITY, high = INFINITY;
        if (op->kind != REAL_CLIP) continue;
        low = fmin(fmax(low, op->low), op->high);
        high = fmax(fmin(high, op->high), op->low);
    }
    sum.op = (struct qm_graph_op){.kind = QM_OP_ADD, .index = n->op->index, .name = n->op->name, .input_count = 2, .output_count = 1};
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) sum.op.inputs[i] = i < 2 ? sides[i].tensors[sum.order] : QM_NO_TENSOR;
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) sum.op.outputs[i] = QM_NO_TENSOR;
    sum.op_shape.rank = 0;
    sum.stack = 0;
    encoding->requant.factors = factors;
    encoding->requant.rounding = QM_rounding_EVEN;
    int64_t lowest = encoding->requant.low, highest = encoding->requant.high;
    encoding->requant.low = stored(low, encoding, lowest, highest);
    encoding->requant.high = stored(high, encoding, lowest, highest);
    return emit(n, &sum, encoding, value);
}

/* ---- 32-bit sums ---- */

/* The sums themselves, in units of which no scale says the meaning: of an output of the network the reals do. */
static bool materialize_reals(const struct real_node *n, const struct real_deferred *source, const struct real_affine *f,
                              struct real_value *value) {
    struct real_encoding encoding = {.dtype = QM_I32, .scale = 1, .requant = {.low = INT32_MIN, .high = INT32_MAX}};
    struct qm_reals *reals = QM_ARENA_NEW(n->r->arena, struct qm_reals, 1);
    *reals = (struct qm_reals){source->channels, source->axis, f->low, f->high, f->a, f->b};
    if (!emit(n, source, &encoding, value)) return false;
    value->reals = reals;
    return true;
}

/* The sums themselves. Only an output of the network may mean other numbers by them. */
static bool materialize_sums(const struct real_node *n, const struct real_deferred *source, const struct real_affine *f,
                             struct real_value *value) {
    struct real_deferred deferred = *source;
    bool same = f->a[0] > 0 && !isfinite(f->low) && !isfinite(f->high), whole = true;
    for (uint32_t c = 0; c < deferred.channels; c++) {
        double steps = f->b[c] / f->a[c];
        same = same && f->a[c] == f->a[0];
        whole = whole && steps == nearbyint(steps) && fabs(steps) <= INT32_MAX;
    }
    bool simple = same && whole && (double)(float)f->a[0] == f->a[0];
    if (!value->is_output && (!simple || f->a[0] != 1))
        return real_refuse(n, "needs the integers of %.60s, which do not fit 8 bits or are scaled", value->name);
    if (!simple) return materialize_reals(n, source, f, value);
    struct real_encoding encoding = {.dtype = QM_I32, .scale = f->a[0], .requant = {.low = INT32_MIN, .high = INT32_MAX}};
    add_bias(n, &deferred, f);
    return emit(n, &deferred, &encoding, value);
}

/* A function of bytes at the end of the network: the bytes stay, and a table says what they mean. */
static bool keep_bytes(const struct real_node *n, const struct real_deferred *deferred, const struct real_epilogue *epilogue,
                       struct real_value *value) {
    const struct qm_graph_tensor *in = &real_tensors(n)[deferred->op.inputs[0]];
    struct qm_reals *reals = QM_ARENA_NEW(n->r->arena, struct qm_reals, 1);
    double *table = QM_ARENA_NEW(n->r->arena, double, QM_TABLE_BYTES);
    int32_t first = in->dtype == QM_U8 ? 0 : INT8_MIN;
    for (int32_t byte = first; byte < first + QM_TABLE_BYTES; byte++)
        table[(uint8_t)byte] = real_epilogue_value(epilogue, 0, byte - in->quant.zero_point[0]);
    *reals = (struct qm_reals){.count = QM_TABLE_BYTES, .inner = 1, .low = -INFINITY, .high = INFINITY, .factors = table};
    struct real_encoding encoding = {.dtype = in->dtype, .scale = (double)in->quant.scale[0], .zero = in->quant.zero_point[0]};
    become_tensor(value, &encoding, deferred->order, deferred->op.inputs[0]);
    value->reals = reals;
    return true;
}

/* ---- the choice ---- */

/* A tensor that already is what is asked for. */
static bool is_same(const struct real_node *n, const struct real_deferred *deferred, const struct real_encoding *encoding) {
    const struct qm_graph_tensor *in = &real_tensors(n)[deferred->op.inputs[0]];
    if (deferred->op.kind != QM_OP_QUANTIZE || deferred->newest != NULL || in->dtype != encoding->dtype) return false;
    bool inside =
        deferred->sum_low[0] + encoding->zero >= encoding->requant.low && deferred->sum_high[0] + encoding->zero <= encoding->requant.high;
    return inside && in->quant.scale[0] == (float)encoding->scale && in->quant.zero_point[0] == encoding->zero;
}

bool real_materialize_as(const struct real_node *n, const struct real_deferred *deferred, struct real_encoding *encoding,
                         struct real_value *value) {
    struct real_epilogue epilogue;
    struct real_affine f;
    if (is_same(n, deferred, encoding)) {
        become_tensor(value, encoding, deferred->order, deferred->op.inputs[0]);
        return true;
    }
    if (!real_epilogue_open(n, deferred, &epilogue)) return false;
    bool affine = real_epilogue_affine(n, &epilogue, &f), byte = deferred->op.kind == QM_OP_QUANTIZE;
    bool moved = false;
    for (uint32_t c = 0; affine && c < deferred->channels; c++) moved = moved || f.b[c] != 0;
    if (byte && real_epilogue_is_shared(&epilogue) && (!affine || moved)) return materialize_table(n, deferred, &epilogue, encoding, value);
    if (affine) return materialize_affine(n, deferred, &f, encoding, value);
    struct real_deferred parts[2];
    if (real_epilogue_split(n, &epilogue, parts)) return materialize_parts(n, &epilogue, parts, encoding, value);
    const struct qm_graph_op *function = real_epilogue_function(&epilogue);
    if (function != NULL)
        return real_refuse(n, "quantizes %s of what is not quantized; a QuantizeLinear must come between", function->name);
    return real_refuse(n, "quantizes what has been rounded before");
}

/* Whether the integers from low to high are bytes. */
static bool are_bytes(const struct real_value *value, double low, double high) {
    return value->type != QM_I32 && ((low >= INT8_MIN && high <= INT8_MAX) || (low >= 0 && high <= UINT8_MAX));
}

bool real_materialize_integers(const struct real_node *n, struct real_value *value) {
    struct real_deferred deferred = *value->deferred;
    struct real_epilogue epilogue;
    struct real_affine affine;
    double low, high;
    if (deferred.sum_scale == NULL) return real_refuse(n, "needs %.60s as integers; a QuantizeLinear must come before", value->name);
    if (!real_epilogue_open(n, &deferred, &epilogue)) return false;
    bool integral = real_epilogue_is_integral(&epilogue), is_byte = deferred.op.kind == QM_OP_QUANTIZE;
    if (!integral && value->is_output && is_byte && real_epilogue_is_shared(&epilogue)) return keep_bytes(n, &deferred, &epilogue, value);
    if (real_epilogue_function(&epilogue) != NULL)
        return real_refuse(n, "needs %.60s as integers, but it is float; a QuantizeLinear must come before", value->name);
    find_range(&epilogue, &low, &high);
    bool byte = are_bytes(value, low, high);
    if (!integral && value->is_output && is_byte) quantize_by_weights(n, &deferred);
    bool wide = deferred.op.kind == QM_OP_ADD && integral && !byte && !n->r->options->saturate;
    if (deferred.op.kind == QM_OP_AVERAGE_POOL_2D && (!byte || !integral)) {
        pool_by_weights(n, &deferred);
        if (!real_epilogue_open(n, &deferred, &epilogue)) return false;
    }
    if ((wide || deferred.subtracts) && !real_add_by_weights(n, &deferred, deferred.subtracts ? -1 : 1)) return false;
    bool affine_sum = has_weights(&deferred) && real_epilogue_affine(n, &epilogue, &affine);
    if (!integral && value->is_output && affine_sum) return materialize_sums(n, &deferred, &affine, value);
    if (!integral) return real_refuse(n, "needs %.60s as integers, but it is float; a QuantizeLinear must come before", value->name);
    if (!byte && affine_sum) return materialize_sums(n, &deferred, &affine, value);
    return real_materialize_thresholds(n, &deferred, 1, value);
}
