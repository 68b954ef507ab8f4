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

/* ---- factors and addends ---- */

/* Largest error, in steps of the output, of a bias that is rounded to a step of the sum (docs/numerics.md). */
static const double BIAS_ERROR_MAX = 4e-7;

static const double *factors_of(const struct real_node *n, const struct real_affine *f, uint32_t count, double scale) {
    double *factors = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t c = 0; c < count; c++) factors[c] = f->a[c] / scale;
    return factors;
}

/* Whether the sums of a channel fit 32 bits with so many steps added. */
static bool fits_sums(const struct real_deferred *deferred, uint32_t c, double steps) {
    return (double)deferred->sum_low[c] + steps >= INT32_MIN && (double)deferred->sum_high[c] + steps <= INT32_MAX;
}

/* Whether whole steps of the sum are as good as b. */
static bool is_whole_bias(const struct real_deferred *deferred, const struct real_affine *f, double scale) {
    bool whole = true;
    for (uint32_t c = 0; c < deferred->channels; c++) {
        double sum = f->b[c] / f->a[c], steps = nearbyint(sum);
        whole = whole && fabs(sum) <= INT32_MAX && fits_sums(deferred, c, steps);
        whole = whole && fabs((sum - steps) * f->a[c] / scale) <= BIAS_ERROR_MAX;
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
    encoding->requant.sum_low = deferred->sum_low;
    encoding->requant.sum_high = deferred->sum_high;
    if (is_whole_bias(deferred, f, encoding->scale)) return add_bias(n, deferred, f), true;
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
    struct real_deferred deferred = real_deferred_copy(n, source);
    struct qm_requant *requant = &encoding->requant;
    int64_t low = requant->low, high = requant->high;
    requant->rounding = QM_rounding_EVEN;
    requant->low = stored(f->low, encoding, low, high);
    requant->high = stored(f->high, encoding, low, high);
    bool by_channel = false;
    for (uint32_t c = 0; c < deferred.channels; c++) by_channel = by_channel || f->a[c] != f->a[0] || f->b[c] != 0;
    if (deferred.op.kind == QM_OP_QUANTIZE && by_channel) real_quantize_by_weights(n, &deferred);
    struct real_affine all = *f;
    if (deferred.op.kind == QM_OP_AVERAGE_POOL_2D && by_channel) {
        real_pool_by_weights(n, &deferred);
        all.a = spread(n, f->a, source->channels, deferred.channels);
        all.b = spread(n, f->b, source->channels, deferred.channels);
    }
    bool fits = (real_has_weights(&deferred) ? scale_products : scale_tensors)(n, &deferred, &all, encoding);
    return fits && real_emit(n, &deferred, encoding, value);
}

/* ---- tables ---- */

/* A function of the bytes of one tensor. */
static bool materialize_table(const struct real_node *n, const struct real_deferred *source, const struct real_epilogue *epilogue,
                              struct real_encoding *encoding, struct real_value *value) {
    struct real_deferred deferred = real_deferred_copy(n, source);
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
    return real_emit(n, &deferred, encoding, value);
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
    qm_graph_open_operands(&sum.op, n->r->arena);
    for (uint32_t i = 0; i < 2; i++) sum.op.inputs[i] = sides[i].tensors[sum.order];
    sum.op_shape.rank = 0;
    sum.stack = 0;
    encoding->requant.factors = factors;
    encoding->requant.rounding = QM_rounding_EVEN;
    int64_t lowest = encoding->requant.low, highest = encoding->requant.high;
    encoding->requant.low = stored(low, encoding, lowest, highest);
    encoding->requant.high = stored(high, encoding, lowest, highest);
    return real_emit(n, &sum, encoding, value);
}

/* ---- 32-bit sums ---- */

/* The sums themselves, which are integers. */
static bool materialize_sums(const struct real_node *n, const struct real_deferred *source, const struct real_affine *f,
                             struct real_value *value) {
    struct real_deferred deferred = real_deferred_copy(n, source);
    bool same = f->a[0] > 0 && !isfinite(f->low) && !isfinite(f->high), whole = true;
    for (uint32_t c = 0; c < deferred.channels; c++) {
        double steps = f->b[c] / f->a[c];
        same = same && f->a[c] == f->a[0];
        whole = whole && steps == nearbyint(steps) && fabs(steps) <= INT32_MAX && fits_sums(&deferred, c, steps);
    }
    bool simple = same && whole && (double)(float)f->a[0] == f->a[0];
    if (!simple || f->a[0] != 1) return real_refuse(n, "needs the integers of %.60s, which do not fit 8 bits or are scaled", value->name);
    struct real_encoding encoding = {.dtype = QM_I32, .scale = f->a[0], .requant = {.low = INT32_MIN, .high = INT32_MAX}};
    add_bias(n, &deferred, f);
    return real_emit(n, &deferred, &encoding, value);
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

/* Why an epilogue that is no table, factor or pair of parts cannot be quantized. */
static bool refuse_epilogue(const struct real_node *n, const struct real_epilogue *epilogue) {
    const struct qm_graph_op *function = real_epilogue_function(epilogue);
    if (function != NULL)
        return real_refuse(n, "quantizes %s of what is not quantized; a QuantizeLinear must come between", function->name);
    const char *reason = "quantizes what is clipped before each channel has its factor";
    for (uint32_t i = epilogue->count; i-- > 0;) {
        enum real_epilogue_kind kind = epilogue->ops[i]->kind;
        if (kind == REAL_LEAK) reason = "quantizes a PRelu whose slopes have both signs, or that more is computed behind";
        if (kind == REAL_FLOOR || kind == REAL_ROUND || kind == REAL_TRUNCATE || kind == REAL_SIGN)
            reason = "quantizes what has been rounded before";
    }
    return real_refuse(n, "%s", reason);
}

bool real_materialize_as(const struct real_node *n, const struct real_deferred *deferred, struct real_encoding *encoding,
                         struct real_value *value) {
    struct real_epilogue epilogue;
    struct real_affine f;
    if (is_same(n, deferred, encoding)) {
        real_become_tensor(value, encoding, deferred->order, deferred->op.inputs[0]);
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
    return refuse_epilogue(n, &epilogue);
}

/* Whether the integers from low to high are bytes. */
static bool are_bytes(const struct real_value *value, double low, double high) {
    return value->type != QM_I32 && ((low >= INT8_MIN && high <= INT8_MAX) || (low >= 0 && high <= UINT8_MAX));
}

bool real_materialize_integers(const struct real_node *n, struct real_value *value) {
    struct real_deferred deferred = real_deferred_copy(n, value->deferred);
    struct real_epilogue epilogue;
    struct real_affine affine;
    double low, high;
    if (deferred.sum_scale == NULL) return real_refuse(n, "needs %.60s as integers; a QuantizeLinear must come before", value->name);
    if (!real_epilogue_open(n, &deferred, &epilogue)) return false;
    bool integral = real_epilogue_is_integral(&epilogue);
    if (real_epilogue_function(&epilogue) != NULL)
        return real_refuse(n, "needs %.60s as integers, but it is float; a QuantizeLinear must come before", value->name);
    if (!real_epilogue_is_monotone(&epilogue))
        return real_refuse(n, "needs %.60s as integers, which rise and fall with its sums", value->name);
    real_epilogue_range(&epilogue, &low, &high);
    bool byte = are_bytes(value, low, high);
    bool wide = deferred.op.kind == QM_OP_ADD && integral && !byte && !n->r->options->saturate;
    if (deferred.op.kind == QM_OP_AVERAGE_POOL_2D && (!byte || !integral)) {
        real_pool_by_weights(n, &deferred);
        if (!real_epilogue_open(n, &deferred, &epilogue)) return false;
    }
    if ((wide || deferred.subtracts) && !real_add_by_weights(n, &deferred, deferred.subtracts ? -1 : 1)) return false;
    bool affine_sum = real_has_weights(&deferred) && real_epilogue_affine(n, &epilogue, &affine);
    if (!integral) return real_refuse(n, "needs %.60s as integers, but it is float; a QuantizeLinear must come before", value->name);
    if (!byte && affine_sum) return materialize_sums(n, &deferred, &affine, value);
    return real_materialize_thresholds(n, &deferred, 1, value);
}
