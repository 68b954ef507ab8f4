/* arithmetic.c - elementwise nodes: with a constant they go into the epilogue of a deferred operator, between tensors they are operators.
 *
 * What the dialects call requantization goes into the same epilogues: PULP's RequantShift and its Mul Add Div Floor Clip, QONNX's Quant and
 * BipolarQuant, batch normalization.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static bool is_whole(int32_t type) {
    return type == ONNX_INT64 || type == ONNX_INT32;
}

/* Float arithmetic on an input before its first quantizer is not computed: the network begins with the integers of that quantizer. */
static bool stays_input(const struct onnx_node *n, const struct onnx_value *in) {
    if (in->state != ONNX_INPUT) return false;
    onnx_put(n, in, &in->shape, ONNX_PLAIN, QM_NO_TENSOR);
    n->outputs[0]->computed = true;
    return true;
}

bool onnx_identity(const struct onnx_node *n) {
    onnx_put_same(n, n->inputs[0]);
    return true;
}

/* ---- with a constant ---- */

/* Input i and the other one, a constant times sign. */
static bool with_constant(const struct onnx_node *n, uint32_t i, enum onnx_epilogue_kind kind, double sign) {
    const struct onnx_value *constant;
    if (stays_input(n, n->inputs[i])) return true;
    int32_t type = n->inputs[i]->type;
    if (!onnx_constant(n, 1 - i, &constant)) return false;
    struct onnx_value signed_constant = *constant;
    uint64_t elements = onnx_elements(&constant->shape);
    double *numbers = QM_ARENA_NEW(n->r->arena, double, elements);
    for (uint64_t e = 0; e < elements; e++) {
        numbers[e] = sign * constant->numbers[e];
        if (!isfinite(numbers[e]) || (kind == ONNX_DIV && numbers[e] == 0))
            return onnx_refuse(n, "uses %g in %.60s", numbers[e], constant->name);
    }
    signed_constant.numbers = numbers;
    if (!onnx_defer_elementwise(n, i, kind, &signed_constant)) return false;
    n->outputs[0]->type = type;
    if (kind == ONNX_DIV && is_whole(type)) onnx_append(n, n->outputs[0]->deferred, ONNX_TRUNCATE, 0, NULL);
    return true;
}

/* Which of the two inputs is a constant; -1: none. */
static int constant_side(const struct onnx_node *n) {
    return n->inputs[0]->state == ONNX_CONSTANT ? 0 : n->inputs[1]->state == ONNX_CONSTANT ? 1 : -1;
}

bool onnx_div(const struct onnx_node *n) {
    if (n->inputs[1]->state != ONNX_CONSTANT) return onnx_refuse(n, "divides by what is not a constant");
    return with_constant(n, 0, ONNX_DIV, 1);
}

bool onnx_floor(const struct onnx_node *n) {
    return onnx_defer_elementwise(n, 0, ONNX_FLOOR, NULL);
}

bool onnx_round(const struct onnx_node *n) {
    return onnx_defer_elementwise(n, 0, ONNX_ROUND, NULL);
}

bool onnx_cast(const struct onnx_node *n) {
    int32_t type = (int32_t)onnx_int(n, "to", 0);
    if (type != ONNX_FLOAT && !is_whole(type)) return onnx_refuse(n, "casts to %s", onnx_type_name(type));
    const struct onnx_value *in = n->inputs[0];
    struct onnx_epilogue epilogue;
    bool truncates = is_whole(type) && in->state == ONNX_DEFERRED;
    if (truncates && in->deferred->sum_scale == NULL) return onnx_refuse(n, "casts what has no scale");
    if (truncates && !onnx_epilogue_open(n, in->deferred, &epilogue)) return false;
    truncates = truncates && !onnx_epilogue_is_integral(&epilogue);
    bool fine = truncates ? onnx_defer_elementwise(n, 0, ONNX_TRUNCATE, NULL) : onnx_identity(n);
    n->outputs[0]->type = type;
    return fine;
}

bool onnx_clip(const struct onnx_node *n) {
    double low = (double)onnx_float(n, "min", -INFINITY), high = (double)onnx_float(n, "max", INFINITY);
    if (n->inputs[1] != NULL && !onnx_number(n, 1, &low)) return false;
    if (n->inputs[2] != NULL && !onnx_number(n, 2, &high)) return false;
    if (!(low <= high)) return onnx_refuse(n, "clips to %g .. %g", low, high);
    return onnx_defer_clip(n, 0, low, high);
}

bool onnx_relu(const struct onnx_node *n) {
    return onnx_defer_clip(n, 0, 0, INFINITY);
}

/* clip(alpha * x + beta, 0, 1) */
bool onnx_hard_sigmoid(const struct onnx_node *n) {
    struct onnx_deferred *deferred;
    double alpha = (double)onnx_float(n, "alpha", 0.2F), beta = (double)onnx_float(n, "beta", 0.5F);
    if (!isfinite(alpha) || !isfinite(beta)) return onnx_refuse(n, "has alpha %g and beta %g", alpha, beta);
    if (!onnx_deferred_of(n, n->inputs[0], &deferred)) return false;
    onnx_append_number(n, deferred, ONNX_MUL, alpha);
    onnx_append_number(n, deferred, ONNX_ADD, beta);
    onnx_append_clip(n, deferred, 0, 1);
    return onnx_defer(n, &n->inputs[0]->shape, deferred);
}

bool onnx_batch_normalization(const struct onnx_node *n) {
    const struct onnx_value *parts[4]; /* gamma, beta, mean, variance */
    struct onnx_deferred *deferred;
    double epsilon = (double)onnx_float(n, "epsilon", 1e-5F);
    if (!onnx_deferred_of(n, n->inputs[0], &deferred)) return false;
    uint32_t channels = deferred->channels;
    double *factor = QM_ARENA_NEW(n->r->arena, double, channels), *offset = QM_ARENA_NEW(n->r->arena, double, channels);
    for (uint32_t i = 0; i < 4; i++) {
        if (!onnx_constant(n, i + 1, &parts[i])) return false;
        if (onnx_elements(&parts[i]->shape) != channels) return onnx_refuse(n, "has not one number a channel in %.60s", parts[i]->name);
    }
    for (uint32_t c = 0; c < channels; c++) {
        factor[c] = parts[0]->numbers[c] / sqrt(parts[3]->numbers[c] + epsilon);
        offset[c] = parts[1]->numbers[c] - parts[2]->numbers[c] * factor[c];
        if (!isfinite(factor[c]) || !isfinite(offset[c])) return onnx_refuse(n, "has no finite factor in channel %u", c);
    }
    onnx_append(n, deferred, ONNX_MUL, channels, factor);
    onnx_append(n, deferred, ONNX_ADD, channels, offset);
    return onnx_defer(n, &n->inputs[0]->shape, deferred);
}

/* ---- requantization ---- */

/* An attribute that is a number, or a tensor of one. */
static double attribute_number(const struct onnx_node *n, const char *name, double fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    if (attribute == NULL) return fallback;
    if (attribute->t == NULL) return attribute->has_f ? (double)attribute->f : (double)attribute->i;
    struct onnx_value value = {.name = name};
    bool readable = onnx_attribute_constant(n, attribute, &value) && value.numbers != NULL && onnx_elements(&value.shape) == 1;
    return readable ? value.numbers[0] : NAN;
}

/* Appends an operation with a constant of one number a channel, or one for all, whatever its shape. */
static bool append_channels(const struct onnx_node *n, struct onnx_deferred *deferred, enum onnx_epilogue_kind kind, uint32_t i) {
    const struct onnx_value *constant;
    if (!onnx_constant(n, i, &constant)) return false;
    uint64_t count = onnx_elements(&constant->shape);
    if (count != 1 && count != deferred->channels) return onnx_refuse(n, "has not one number a channel in %.60s", constant->name);
    for (uint64_t e = 0; e < count; e++)
        if (!isfinite(constant->numbers[e])) return onnx_refuse(n, "uses %g in %.60s", constant->numbers[e], constant->name);
    onnx_append(n, deferred, kind, (uint32_t)count, constant->numbers);
    return true;
}

/* PULP: clip(floor((x * mul + add + div / 2) / div)). */
bool onnx_requant_shift(const struct onnx_node *n) {
    struct onnx_deferred *deferred;
    double divisor = attribute_number(n, "div", NAN), is_signed = attribute_number(n, "signed", NAN);
    double levels = attribute_number(n, "n_levels_out", attribute_number(n, "n_levels", NAN));
    if (!(divisor > 0) || !(levels > 1) || isnan(is_signed)) return onnx_refuse(n, "has no div, n_levels or signed");
    if (!onnx_deferred_unrounded(n, n->inputs[0], &deferred)) return false;
    if (!append_channels(n, deferred, ONNX_MUL, 1) || !append_channels(n, deferred, ONNX_ADD, 2)) return false;
    onnx_append_number(n, deferred, ONNX_ADD, floor(divisor / 2));
    onnx_append_number(n, deferred, ONNX_DIV, divisor);
    onnx_append(n, deferred, ONNX_FLOOR, 0, NULL);
    onnx_append_clip(n, deferred, is_signed != 0 ? -levels / 2 : 0, is_signed != 0 ? levels / 2 - 1 : levels - 1);
    return onnx_defer(n, &n->inputs[0]->shape, deferred);
}

bool onnx_quant_range(const struct onnx_node *n, struct onnx_quant_range *range) {
    double bits;
    if (!onnx_number(n, 2, &range->zero) || !onnx_number(n, 3, &bits)) return false;
    if (!(bits >= 1 && bits <= 8) || bits != floor(bits)) return onnx_refuse(n, "has %g bits; 1 to 8 are supported", bits);
    if (range->zero != floor(range->zero)) return onnx_refuse(n, "has the zero point %g", range->zero);
    if (strcmp(onnx_text(n, "rounding_mode", "ROUND"), "ROUND") != 0) return onnx_refuse(n, "rounds in another mode than ROUND");
    bool is_signed = onnx_int(n, "signed", 1) != 0, narrow = onnx_int(n, "narrow", 0) != 0;
    double span = exp2(bits);
    range->low = is_signed ? -span / 2 + (narrow ? 1 : 0) : 0;
    range->high = is_signed ? span / 2 - 1 : span - 1 - (narrow ? 1 : 0);
    return true;
}

/* The first quantizer of an input: its integers are what the network reads. */
static bool begin_network(const struct onnx_node *n, const struct onnx_quant_range *range, double scale) {
    struct onnx_value *out = n->outputs[0], *origin = n->inputs[0]->origin;
    const char *name = out->name;
    if (origin->tensors[ONNX_PLAIN] != QM_NO_TENSOR) return onnx_refuse(n, "is a second quantizer of %.60s", origin->name);
    *out = (struct onnx_value){.name = name,
                               .state = ONNX_TENSOR,
                               .shape = n->inputs[0]->shape,
                               .type = ONNX_FLOAT,
                               .real = true,
                               .quant_known = true,
                               .scale = (float)scale,
                               .zero = (int64_t)range->zero,
                               .low = (int32_t)range->low,
                               .high = (int32_t)range->high};
    out->tensors[ONNX_CHANNELS_LAST] = QM_NO_TENSOR;
    out->tensors[ONNX_PLAIN] = onnx_add_tensor(n->r, name, range->low < 0 ? QM_I8 : QM_U8, &out->shape);
    onnx_set_quant(n->r, out->tensors[ONNX_PLAIN], out->scale, out->zero);
    origin->tensors[ONNX_PLAIN] = out->tensors[ONNX_PLAIN];
    return true;
}

/* Materializes output 0 as input 0 with a longer epilogue, whose integers mean scale. */
static bool materialize_quant(const struct onnx_node *n, struct onnx_deferred *deferred, double scale) {
    return onnx_defer(n, &n->inputs[0]->shape, deferred) && onnx_materialize_thresholds(n, deferred, scale, n->outputs[0]);
}

bool onnx_quant(const struct onnx_node *n) {
    struct onnx_deferred *deferred;
    struct onnx_quant_range range;
    double scale;
    if (!onnx_number(n, 1, &scale) || !onnx_quant_range(n, &range)) return false;
    if (!(scale > 0) || range.zero != 0) return onnx_refuse(n, "has the scale %g and zero point %g", scale, range.zero);
    if (n->inputs[0]->state == ONNX_INPUT) return begin_network(n, &range, scale);
    if (!onnx_deferred_of(n, n->inputs[0], &deferred)) return false;
    onnx_append_number(n, deferred, ONNX_DIV, scale);
    onnx_append(n, deferred, ONNX_ROUND, 0, NULL);
    onnx_append_clip(n, deferred, range.low, range.high);
    return materialize_quant(n, deferred, scale);
}

bool onnx_bipolar(const struct onnx_node *n) {
    struct onnx_deferred *deferred;
    double scale;
    if (!onnx_number(n, 1, &scale)) return false;
    if (!(scale > 0)) return onnx_refuse(n, "has the scale %g", scale);
    if (n->inputs[0]->state == ONNX_INPUT) return begin_network(n, &(struct onnx_quant_range){0, -1, 1}, scale);
    if (!onnx_deferred_of(n, n->inputs[0], &deferred)) return false;
    onnx_append(n, deferred, ONNX_SIGN, 0, NULL);
    return materialize_quant(n, deferred, scale);
}

/* ---- between tensors ---- */

/* A uint8 tensor as int8: the same bytes when its integers fit, else integers that are less by 128. */
static uint32_t as_signed(const struct onnx_node *n, const struct onnx_value *value, uint32_t tensor) {
    struct onnx_shape shape = onnx_shape_of(&n->r->graph->tensors[tensor]);
    uint32_t result = onnx_add_like(n, tensor, &shape);
    struct qm_graph_tensor *to = &n->r->graph->tensors[result];
    to->dtype = QM_I8;
    bool fits = value->high <= INT8_MAX;
    if (!fits) onnx_set_quant(n->r, result, to->quant.scale[0], to->quant.zero_point[0] + INT8_MIN);
    onnx_add_op(n, fits ? QM_OP_RESHAPE : QM_OP_QUANTIZE, tensor, result);
    return result;
}

/* Whether a constant has more than one number a channel. */
static bool is_map(const struct onnx_value *constant) {
    uint32_t wide = 0;
    for (uint32_t d = 0; d < constant->shape.rank; d++) wide += constant->shape.dims[d] > 1;
    return wide > 1;
}

/* Both operands as TENSORs; a constant is one of the rank and in the order of the other operand. */
static bool materialize_both(const struct onnx_node *n, struct onnx_value *values[2]) {
    for (uint32_t i = 0; i < 2; i++)
        if (values[i]->state != ONNX_CONSTANT && !onnx_materialize(n, values[i])) return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (values[i]->state != ONNX_CONSTANT) continue;
        values[i] = onnx_constant_tensor(n, values[i], values[1 - i]->shape.rank, onnx_order_of(values[1 - i]));
        if (values[i] == NULL) return false;
    }
    return true;
}

/* Makes the operands int8 if one of them is. */
static void make_signed(const struct onnx_node *n, struct onnx_deferred *deferred, struct onnx_value *const values[2]) {
    const struct qm_graph *graph = n->r->graph;
    if (graph->tensors[deferred->op.inputs[0]].dtype == graph->tensors[deferred->op.inputs[1]].dtype) return;
    for (uint32_t i = 0; i < 2; i++)
        if (graph->tensors[deferred->op.inputs[i]].dtype == QM_U8) deferred->op.inputs[i] = as_signed(n, values[i], deferred->op.inputs[i]);
}

/* An operator on two tensors, brought to one type and order, and the shape of its result; scales NULL: those of the tensors. NULL:
 * refused. */
static struct onnx_deferred *binary(const struct onnx_node *n, enum qm_graph_op_kind kind, struct onnx_value *values[2],
                                    const struct onnx_scales *scales, struct onnx_shape *shape) {
    if (!materialize_both(n, values) || !onnx_broadcast(n, &values[0]->shape, &values[1]->shape, shape)) return NULL;
    if (values[0]->shape.rank != values[1]->shape.rank) return onnx_refuse(n, "has operands whose shapes do not fit"), NULL;
    bool flat = values[0]->map != NULL || values[1]->map != NULL;
    bool last = !flat && (onnx_order_of(values[0]) == ONNX_CHANNELS_LAST || onnx_order_of(values[1]) == ONNX_CHANNELS_LAST);
    struct onnx_deferred *deferred = onnx_deferred_create(n, kind, 1);
    deferred->order = last ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
    for (uint32_t i = 0; i < 2; i++) {
        if (scales == NULL && !onnx_check_real(n, values[i])) return NULL;
        if (!onnx_tensor_as(n, values[i], deferred->order, scales != NULL ? &scales[i] : NULL, &deferred->op.inputs[i])) return NULL;
    }
    make_signed(n, deferred, values);
    const struct qm_graph_tensor *a = &n->r->graph->tensors[deferred->op.inputs[0]], *b = &n->r->graph->tensors[deferred->op.inputs[1]];
    deferred->op.input_count = 2;
    deferred->result = *a;
    for (uint32_t d = 0; d < a->rank; d++) deferred->result.dims[d] = a->dims[d] > b->dims[d] ? a->dims[d] : b->dims[d];
    deferred->axis = shape->rank > 1 ? 1 : 0;
    return deferred;
}

/* The sums of the first and, times sign, the second operand, when they have one scale; else they are not known. */
static void set_sums(const struct onnx_node *n, struct onnx_deferred *deferred, struct onnx_value *const values[2], int32_t sign) {
    const struct qm_quant *a = &n->r->graph->tensors[deferred->op.inputs[0]].quant,
                          *b = &n->r->graph->tensors[deferred->op.inputs[1]].quant;
    if (a->scale[0] != b->scale[0]) return;
    int64_t low = values[1]->low - values[1]->zero, high = values[1]->high - values[1]->zero;
    onnx_deferred_set_sums(n, deferred, 1, (double)a->scale[0], values[0]->low - values[0]->zero + (sign > 0 ? low : -high),
                           values[0]->high - values[0]->zero + (sign > 0 ? high : -low));
}

/* Operand i of PULP's Add, which may requantize it first: clip(floor((x * mul + add) / 2^shift), 0, n_levels - 1). NULL: refused. */
static struct onnx_value *requantized(const struct onnx_node *n, uint32_t i) {
    static const char *const names[2][5] = {{"in1_rq", "in1_mul", "in1_add", "in1_shift", "in1_n_levels"},
                                            {"in2_rq", "in2_mul", "in2_add", "in2_shift", "in2_n_levels"}};
    struct onnx_deferred *deferred;
    if (onnx_int(n, names[i][0], 0) == 0) return n->inputs[i];
    int64_t shift = onnx_int(n, names[i][3], 0);
    if (shift < 0 || shift > 62) return onnx_refuse(n, "shifts by %lld", (long long)shift), NULL;
    if (!onnx_deferred_unrounded(n, n->inputs[i], &deferred)) return NULL;
    onnx_append_number(n, deferred, ONNX_MUL, (double)onnx_int(n, names[i][1], 1));
    onnx_append_number(n, deferred, ONNX_ADD, (double)onnx_int(n, names[i][2], 0));
    onnx_append_number(n, deferred, ONNX_DIV, exp2((double)shift));
    onnx_append(n, deferred, ONNX_FLOOR, 0, NULL);
    onnx_append_clip(n, deferred, 0, (double)(onnx_int(n, names[i][4], 256) - 1));
    struct onnx_value *value = QM_ARENA_NEW(n->r->arena, struct onnx_value, 1);
    *value = *n->inputs[i];
    return onnx_materialize_thresholds(n, deferred, 1, value) ? value : NULL;
}

bool onnx_add(const struct onnx_node *n) {
    int side = constant_side(n);
    if (side >= 0 && !is_map(n->inputs[side])) return with_constant(n, side == 0 ? 1 : 0, ONNX_ADD, 1);
    if (onnx_int(n, "out_rq", 0) != 0) return onnx_refuse(n, "requantizes its result");
    struct onnx_value *values[] = {requantized(n, 0), requantized(n, 1)};
    if (values[0] == NULL || values[1] == NULL) return false;
    struct onnx_shape shape;
    struct onnx_deferred *deferred = binary(n, QM_OP_ADD, values, NULL, &shape);
    if (deferred == NULL) return false;
    set_sums(n, deferred, values, 1);
    return onnx_defer(n, &shape, deferred);
}

bool onnx_sub(const struct onnx_node *n) {
    if (n->inputs[1]->state == ONNX_CONSTANT) return with_constant(n, 0, ONNX_ADD, -1);
    if (n->inputs[0]->state == ONNX_CONSTANT) return onnx_refuse(n, "subtracts from a constant");
    struct onnx_value *values[] = {n->inputs[0], n->inputs[1]};
    struct onnx_shape shape;
    struct onnx_deferred *deferred = binary(n, QM_OP_ADD, values, NULL, &shape);
    if (deferred == NULL) return false;
    set_sums(n, deferred, values, -1);
    return onnx_add_by_weights(n, deferred, -1) && onnx_defer(n, &shape, deferred);
}

bool onnx_mul(const struct onnx_node *n) {
    int side = constant_side(n);
    if (side >= 0 && !is_map(n->inputs[side])) return with_constant(n, side == 0 ? 1 : 0, ONNX_MUL, 1);
    struct onnx_value *values[] = {n->inputs[0], n->inputs[1]};
    struct onnx_shape shape;
    struct onnx_deferred *deferred = binary(n, QM_OP_MUL, values, NULL, &shape);
    return deferred != NULL && onnx_defer(n, &shape, deferred);
}

/* QLinearAdd and QLinearMul have the same operands. */
static bool qlinear_binary(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    struct onnx_scales scales[2], out;
    struct onnx_value *values[] = {n->inputs[0], n->inputs[3]};
    if (!onnx_scales(n, 1, 1, &scales[0]) || !onnx_scales(n, 4, 1, &scales[1]) || !onnx_scales(n, 6, 1, &out)) return false;
    struct onnx_shape shape;
    struct onnx_deferred *deferred = binary(n, kind, values, scales, &shape);
    if (deferred == NULL || !onnx_defer(n, &shape, deferred)) return false;
    return onnx_materialize_as(n, deferred, n->inputs[7] != NULL ? n->inputs[7]->type : values[0]->type, &out, n->outputs[0]);
}

bool onnx_qlinear_add(const struct onnx_node *n) {
    return qlinear_binary(n, QM_OP_ADD);
}

bool onnx_qlinear_mul(const struct onnx_node *n) {
    return qlinear_binary(n, QM_OP_MUL);
}

/* A function of one tensor that the graph has by name. */
bool onnx_function(const struct onnx_node *n) {
    static const struct {
        const char *name;
        enum qm_graph_op_kind kind;
    } functions[] = {{"Sigmoid", QM_OP_LOGISTIC}, {"Tanh", QM_OP_TANH}, {"HardSwish", QM_OP_HARD_SWISH}, {"LeakyRelu", QM_OP_LEAKY_RELU}};
    struct onnx_deferred *deferred;
    if (!onnx_materialize(n, n->inputs[0]) || !onnx_deferred_of(n, n->inputs[0], &deferred)) return false;
    for (uint32_t i = 0; i < 4; i++)
        if (strcmp(n->source->op_type, functions[i].name) == 0) deferred->op.kind = functions[i].kind;
    deferred->op.alpha = onnx_float(n, "alpha", 0.01F);
    deferred->op.index = n->index;
    deferred->sum_scale = NULL;
    deferred->channels = 1;
    return onnx_defer(n, &n->inputs[0]->shape, deferred);
}
