/* arithmetic.c - elementwise nodes: with constants they are steps of a draft, between tensors they are operators.
 *
 * What the dialects call requantization is read into the same steps: PULP's RequantShift and its Mul Add Div Floor Clip, QONNX's Quant and
 * BipolarQuant, batch normalization.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static bool is_whole(int32_t type) {
    return type == ONNX_INT64 || type == ONNX_INT32;
}

/* Float arithmetic on an input of the network, before its first quantizer: the network begins behind that. */
static bool stays_input(const struct onnx_node *n, const struct onnx_value *in) {
    if (in->state != ONNX_INPUT) return false;
    onnx_put(n, in, &in->shape, ONNX_PLAIN, QM_NO_TENSOR);
    n->outputs[0]->computed = true;
    return true;
}

bool onnx_identity(const struct onnx_node *n) {
    const char *name = n->outputs[0]->name;
    *n->outputs[0] = *n->inputs[0];
    n->outputs[0]->name = name;
    return true;
}

/* ---- with a constant ---- */

static struct onnx_step *step(const struct onnx_node *n, struct onnx_draft *draft, enum onnx_step_kind kind, double number) {
    double *numbers = QM_ARENA_NEW(n->r->arena, double, 1);
    struct onnx_step *result = onnx_draft_append(n, draft, kind);
    *numbers = number;
    result->count = 1;
    result->numbers = numbers;
    return result;
}

static struct onnx_step *clip(const struct onnx_node *n, struct onnx_draft *draft, double low, double high) {
    struct onnx_step *result = onnx_draft_append(n, draft, ONNX_CLIP);
    result->low = low;
    result->high = high;
    return result;
}

/* Input i and a constant, whose numbers may be turned (negated). */
static bool with_constant(const struct onnx_node *n, uint32_t i, enum onnx_step_kind kind, double sign) {
    const struct onnx_value *constant;
    if (stays_input(n, n->inputs[i])) return true;
    int32_t type = n->inputs[i]->type;
    if (!onnx_constant(n, 1 - i, &constant)) return false;
    struct onnx_value turned = *constant;
    uint64_t elements = onnx_elements(&constant->shape);
    double *numbers = QM_ARENA_NEW(n->r->arena, double, elements);
    for (uint64_t e = 0; e < elements; e++) {
        numbers[e] = sign * constant->numbers[e];
        if (!isfinite(numbers[e]) || (kind == ONNX_DIV && numbers[e] == 0))
            return onnx_refuse(n, "uses %g in %.60s", numbers[e], constant->name);
    }
    turned.numbers = numbers;
    if (!onnx_draft_step(n, i, kind, &turned)) return false;
    n->outputs[0]->type = type;
    if (kind == ONNX_DIV && is_whole(type)) onnx_draft_append(n, n->outputs[0]->draft, ONNX_TRUNCATE);
    return true;
}

static int constant_side(const struct onnx_node *n) {
    return n->inputs[0]->state == ONNX_CONSTANT ? 0 : n->inputs[1]->state == ONNX_CONSTANT ? 1 : -1;
}

bool onnx_div(const struct onnx_node *n) {
    if (n->inputs[1]->state != ONNX_CONSTANT) return onnx_refuse(n, "divides by what is not a constant");
    return with_constant(n, 0, ONNX_DIV, 1);
}

bool onnx_floor(const struct onnx_node *n) {
    return onnx_draft_step(n, 0, ONNX_FLOOR, NULL);
}

bool onnx_round(const struct onnx_node *n) {
    return onnx_draft_step(n, 0, ONNX_ROUND, NULL);
}

bool onnx_cast(const struct onnx_node *n) {
    int32_t type = (int32_t)onnx_int(n, "to", 0);
    if (type != ONNX_FLOAT && !is_whole(type)) return onnx_refuse(n, "casts to %s", onnx_type_name(type));
    const struct onnx_value *in = n->inputs[0];
    struct onnx_chain chain;
    bool cuts = is_whole(type) && in->state == ONNX_PENDING;
    if (cuts && in->draft->unit == NULL) return onnx_refuse(n, "casts what has no scale");
    if (cuts && !onnx_chain_open(n, in->draft, &chain)) return false;
    cuts = cuts && !onnx_chain_integral(&chain, in->draft);
    bool fine = cuts ? onnx_draft_step(n, 0, ONNX_TRUNCATE, NULL) : onnx_identity(n);
    n->outputs[0]->type = type;
    return fine;
}

bool onnx_clip(const struct onnx_node *n) {
    double low = (double)onnx_float(n, "min", -INFINITY), high = (double)onnx_float(n, "max", INFINITY);
    if (n->inputs[1] != NULL && !onnx_number(n, 1, &low)) return false;
    if (n->inputs[2] != NULL && !onnx_number(n, 2, &high)) return false;
    if (!(low <= high)) return onnx_refuse(n, "clips to %g .. %g", low, high);
    return onnx_draft_clip(n, 0, low, high);
}

bool onnx_relu(const struct onnx_node *n) {
    return onnx_draft_clip(n, 0, 0, INFINITY);
}

/* clip(alpha * x + beta, 0, 1) */
bool onnx_hard_sigmoid(const struct onnx_node *n) {
    const struct onnx_draft *draft;
    double alpha = (double)onnx_float(n, "alpha", 0.2F), beta = (double)onnx_float(n, "beta", 0.5F);
    if (!isfinite(alpha) || !isfinite(beta)) return onnx_refuse(n, "has alpha %g and beta %g", alpha, beta);
    if (!onnx_draft_of(n, n->inputs[0], &draft)) return false;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    step(n, next, ONNX_MUL, alpha);
    step(n, next, ONNX_ADD, beta);
    clip(n, next, 0, 1);
    struct onnx_shape shape = n->inputs[0]->shape;
    return onnx_draft_put(n, &shape, next);
}

bool onnx_batch_normalization(const struct onnx_node *n) {
    const struct onnx_value *parts[4]; /* gamma, beta, mean, variance */
    const struct onnx_draft *draft;
    double epsilon = (double)onnx_float(n, "epsilon", 1e-5F);
    if (!onnx_draft_of(n, n->inputs[0], &draft)) return false;
    uint32_t channels = draft->channels;
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
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    struct onnx_step *multiply = onnx_draft_append(n, next, ONNX_MUL), *add = onnx_draft_append(n, next, ONNX_ADD);
    multiply->count = add->count = channels;
    multiply->numbers = factor;
    add->numbers = offset;
    struct onnx_shape shape = n->inputs[0]->shape;
    return onnx_draft_put(n, &shape, next);
}

/* ---- requantization ---- */

/* An attribute that is a number, or a tensor of one. */
static double attribute_number(const struct onnx_node *n, const char *name, double fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    if (attribute == NULL) return fallback;
    if (attribute->t == NULL) return attribute->has_f ? (double)attribute->f : (double)attribute->i;
    struct qm_diag diag;
    struct onnx_reader reader = *n->r;
    struct onnx_value value = {.name = name};
    reader.diag = &diag;
    if (onnx_read_constant(&reader, attribute->t, &value) != QM_OK || value.numbers == NULL || onnx_elements(&value.shape) != 1) return NAN;
    return value.numbers[0];
}

/* A constant of one number a channel, or one for all, whatever its shape. */
static bool channel_step(const struct onnx_node *n, struct onnx_draft *draft, enum onnx_step_kind kind, uint32_t i) {
    const struct onnx_value *constant;
    if (!onnx_constant(n, i, &constant)) return false;
    uint64_t count = onnx_elements(&constant->shape);
    if (count != 1 && count != draft->channels) return onnx_refuse(n, "has not one number a channel in %.60s", constant->name);
    for (uint64_t e = 0; e < count; e++)
        if (!isfinite(constant->numbers[e])) return onnx_refuse(n, "uses %g in %.60s", constant->numbers[e], constant->name);
    struct onnx_step *added = onnx_draft_append(n, draft, kind);
    added->count = (uint32_t)count;
    added->numbers = constant->numbers;
    return true;
}

/* PULP: clip(floor((x * mul + add + div / 2) / div)). */
bool onnx_requant_shift(const struct onnx_node *n) {
    const struct onnx_draft *draft;
    double divisor = attribute_number(n, "div", NAN), is_signed = attribute_number(n, "signed", NAN);
    double levels = attribute_number(n, "n_levels_out", attribute_number(n, "n_levels", NAN));
    if (!(divisor > 0) || !(levels > 1) || isnan(is_signed)) return onnx_refuse(n, "has no div, n_levels or signed");
    if (!onnx_draft_rescaled(n, n->inputs[0], &draft)) return false;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    if (!channel_step(n, next, ONNX_MUL, 1) || !channel_step(n, next, ONNX_ADD, 2)) return false;
    step(n, next, ONNX_ADD, floor(divisor / 2));
    step(n, next, ONNX_DIV, divisor);
    onnx_draft_append(n, next, ONNX_FLOOR);
    clip(n, next, is_signed != 0 ? -levels / 2 : 0, is_signed != 0 ? levels / 2 - 1 : levels - 1);
    struct onnx_shape shape = n->inputs[0]->shape;
    return onnx_draft_put(n, &shape, next);
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

/* The network begins with the integers of its first quantizer. */
static bool begin(const struct onnx_node *n, const struct onnx_quant_range *range, double scale) {
    struct onnx_value *out = n->outputs[0], *origin = n->inputs[0]->origin;
    const char *name = out->name;
    if (origin->tensors[ONNX_PLAIN] != QM_NO_TENSOR) return onnx_refuse(n, "is a second quantizer of %.60s", origin->name);
    *out = (struct onnx_value){.name = name,
                               .state = ONNX_TENSOR,
                               .shape = n->inputs[0]->shape,
                               .type = ONNX_FLOAT,
                               .real = true,
                               .settled = true,
                               .scale = (float)scale,
                               .zero = (int64_t)range->zero,
                               .low = (int32_t)range->low,
                               .high = (int32_t)range->high};
    out->tensors[ONNX_LAST] = QM_NO_TENSOR;
    out->tensors[ONNX_PLAIN] = onnx_add_tensor(n->r, name, range->low < 0 ? QM_I8 : QM_U8, &out->shape);
    onnx_set_quant(n->r, out->tensors[ONNX_PLAIN], out->scale, out->zero);
    origin->tensors[ONNX_PLAIN] = out->tensors[ONNX_PLAIN];
    return true;
}

/* Lands the draft of input 0 with more steps, as integers that mean scale. */
static bool land_quant(const struct onnx_node *n, struct onnx_draft *draft, double scale) {
    struct onnx_shape shape = n->inputs[0]->shape;
    return onnx_draft_put(n, &shape, draft) && onnx_land_steps(n, draft, scale, n->outputs[0]);
}

bool onnx_quant(const struct onnx_node *n) {
    const struct onnx_draft *draft;
    struct onnx_quant_range range;
    double scale;
    if (!onnx_number(n, 1, &scale) || !onnx_quant_range(n, &range)) return false;
    if (!(scale > 0) || range.zero != 0) return onnx_refuse(n, "has the scale %g and zero point %g", scale, range.zero);
    if (n->inputs[0]->state == ONNX_INPUT) return begin(n, &range, scale);
    if (!onnx_draft_of(n, n->inputs[0], &draft)) return false;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    step(n, next, ONNX_DIV, scale);
    onnx_draft_append(n, next, ONNX_ROUND);
    clip(n, next, range.low, range.high);
    return land_quant(n, next, scale);
}

bool onnx_bipolar(const struct onnx_node *n) {
    const struct onnx_draft *draft;
    double scale;
    if (!onnx_number(n, 1, &scale)) return false;
    if (!(scale > 0)) return onnx_refuse(n, "has the scale %g", scale);
    if (n->inputs[0]->state == ONNX_INPUT) return begin(n, &(struct onnx_quant_range){0, -1, 1}, scale);
    if (!onnx_draft_of(n, n->inputs[0], &draft)) return false;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    onnx_draft_append(n, next, ONNX_SIGN);
    return land_quant(n, next, scale);
}

/* ---- between tensors ---- */

/* uint8 numbers as int8: the same bytes when they fit, else less by 128. */
static uint32_t as_signed(const struct onnx_node *n, const struct onnx_value *value, uint32_t tensor) {
    const struct qm_graph_tensor *source = &n->r->graph->tensors[tensor];
    struct onnx_shape shape = {.rank = source->rank};
    memcpy(shape.dims, source->dims, sizeof shape.dims);
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

/* The result's shape: where one operand has one element, the other's. */
static bool broadcast(const struct onnx_node *n, struct onnx_value *const values[2], struct onnx_shape *shape) {
    *shape = values[0]->shape;
    bool fits = values[1]->shape.rank == shape->rank;
    for (uint32_t d = 0; fits && d < shape->rank; d++) {
        uint32_t a = values[0]->shape.dims[d], b = values[1]->shape.dims[d];
        fits = a == b || a == 1 || b == 1;
        shape->dims[d] = a > b ? a : b;
    }
    return fits || onnx_refuse(n, "has operands whose shapes do not fit");
}

/* Constants become tensors like the other operand. */
static bool settle_both(const struct onnx_node *n, struct onnx_value *values[2]) {
    for (uint32_t i = 0; i < 2; i++)
        if (values[i]->state != ONNX_CONSTANT && !onnx_settle(n, values[i])) return false;
    for (uint32_t i = 0; i < 2; i++) {
        if (values[i]->state != ONNX_CONSTANT) continue;
        values[i] = onnx_constant_tensor(n, values[i], values[1 - i]->shape.rank, onnx_order_of(values[1 - i]));
        if (values[i] == NULL) return false;
    }
    return true;
}

static void make_signed(const struct onnx_node *n, struct onnx_draft *draft, struct onnx_value *const values[2]) {
    const struct qm_graph *graph = n->r->graph;
    if (graph->tensors[draft->op.inputs[0]].dtype == graph->tensors[draft->op.inputs[1]].dtype) return;
    for (uint32_t i = 0; i < 2; i++)
        if (graph->tensors[draft->op.inputs[i]].dtype == QM_U8) draft->op.inputs[i] = as_signed(n, values[i], draft->op.inputs[i]);
}

/* Two operands of one type in the same order, and the shape of the result; scales NULL: their own. */
static struct onnx_draft *pair(const struct onnx_node *n, enum qm_graph_op_kind kind, struct onnx_value *values[2],
                               const struct onnx_scales *scales, struct onnx_shape *shape) {
    if (!settle_both(n, values) || !broadcast(n, values, shape)) return NULL;
    bool flat = values[0]->map != NULL || values[1]->map != NULL;
    bool last = !flat && (onnx_order_of(values[0]) == ONNX_LAST || onnx_order_of(values[1]) == ONNX_LAST);
    struct onnx_draft *draft = onnx_draft_create(n, kind, 1);
    draft->order = last ? ONNX_LAST : ONNX_PLAIN;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t *tensor = &draft->op.inputs[i];
        if (scales == NULL && !values[i]->real)
            return onnx_refuse(n, "computes on the integers %.60s without a scale", values[i]->name), NULL;
        if (!(scales != NULL ? onnx_tensor_as(n, values[i], draft->order, &scales[i], tensor)
                             : onnx_tensor(n, values[i], draft->order, tensor)))
            return NULL;
    }
    make_signed(n, draft, values);
    const struct qm_graph_tensor *a = &n->r->graph->tensors[draft->op.inputs[0]], *b = &n->r->graph->tensors[draft->op.inputs[1]];
    draft->op.input_count = 2;
    draft->result = *a;
    for (uint32_t d = 0; d < a->rank; d++) draft->result.dims[d] = a->dims[d] > b->dims[d] ? a->dims[d] : b->dims[d];
    draft->axis = shape->rank > 1 ? 1 : 0;
    return draft;
}

/* With equal scales the first plus or minus the second integer is known. */
static void sum_of_pair(const struct onnx_node *n, struct onnx_draft *draft, struct onnx_value *const values[2], int32_t sign) {
    const struct qm_quant *a = &n->r->graph->tensors[draft->op.inputs[0]].quant, *b = &n->r->graph->tensors[draft->op.inputs[1]].quant;
    if (a->scale[0] != b->scale[0]) return;
    double *unit = QM_ARENA_NEW(n->r->arena, double, 1);
    int64_t *limits = QM_ARENA_NEW(n->r->arena, int64_t, 2);
    int64_t low = values[1]->low - values[1]->zero, high = values[1]->high - values[1]->zero;
    unit[0] = (double)a->scale[0];
    limits[0] = values[0]->low - values[0]->zero + (sign > 0 ? low : -high);
    limits[1] = values[0]->high - values[0]->zero + (sign > 0 ? high : -low);
    draft->unit = unit;
    draft->low = &limits[0];
    draft->high = &limits[1];
}

/* An operand that the adder itself requantizes: floor((x * mul + add) / 2^shift), cut to n_levels. */
static struct onnx_value *requantized(const struct onnx_node *n, uint32_t i) {
    static const char *const names[2][5] = {{"in1_rq", "in1_mul", "in1_add", "in1_shift", "in1_n_levels"},
                                            {"in2_rq", "in2_mul", "in2_add", "in2_shift", "in2_n_levels"}};
    const struct onnx_draft *draft;
    if (onnx_int(n, names[i][0], 0) == 0) return n->inputs[i];
    int64_t shift = onnx_int(n, names[i][3], 0);
    if (shift < 0 || shift > 62) return onnx_refuse(n, "shifts by %lld", (long long)shift), NULL;
    if (!onnx_draft_rescaled(n, n->inputs[i], &draft)) return NULL;
    struct onnx_draft *next = onnx_draft_copy(n, draft);
    step(n, next, ONNX_MUL, (double)onnx_int(n, names[i][1], 1));
    step(n, next, ONNX_ADD, (double)onnx_int(n, names[i][2], 0));
    step(n, next, ONNX_DIV, exp2((double)shift));
    onnx_draft_append(n, next, ONNX_FLOOR);
    clip(n, next, 0, (double)(onnx_int(n, names[i][4], 256) - 1));
    struct onnx_value *value = QM_ARENA_NEW(n->r->arena, struct onnx_value, 1);
    *value = *n->inputs[i];
    return onnx_land_steps(n, next, 1, value) ? value : NULL;
}

bool onnx_add(const struct onnx_node *n) {
    int side = constant_side(n);
    if (side >= 0 && !is_map(n->inputs[side])) return with_constant(n, side == 0 ? 1 : 0, ONNX_ADD, 1);
    if (onnx_int(n, "out_rq", 0) != 0) return onnx_refuse(n, "requantizes its result");
    struct onnx_value *values[] = {requantized(n, 0), requantized(n, 1)};
    if (values[0] == NULL || values[1] == NULL) return false;
    struct onnx_shape shape;
    struct onnx_draft *draft = pair(n, QM_OP_ADD, values, NULL, &shape);
    if (draft == NULL) return false;
    sum_of_pair(n, draft, values, 1);
    return onnx_draft_put(n, &shape, draft);
}

bool onnx_sub(const struct onnx_node *n) {
    if (n->inputs[1]->state == ONNX_CONSTANT) return with_constant(n, 0, ONNX_ADD, -1);
    if (n->inputs[0]->state == ONNX_CONSTANT) return onnx_refuse(n, "subtracts from a constant");
    struct onnx_value *values[] = {n->inputs[0], n->inputs[1]};
    struct onnx_shape shape;
    struct onnx_draft *draft = pair(n, QM_OP_ADD, values, NULL, &shape);
    if (draft == NULL) return false;
    sum_of_pair(n, draft, values, -1);
    return onnx_pair_product(n, draft, -1) && onnx_draft_put(n, &shape, draft);
}

bool onnx_mul(const struct onnx_node *n) {
    int side = constant_side(n);
    if (side >= 0 && !is_map(n->inputs[side])) return with_constant(n, side == 0 ? 1 : 0, ONNX_MUL, 1);
    struct onnx_value *values[] = {n->inputs[0], n->inputs[1]};
    struct onnx_shape shape;
    struct onnx_draft *draft = pair(n, QM_OP_MUL, values, NULL, &shape);
    return draft != NULL && onnx_draft_put(n, &shape, draft);
}

static bool qlinear_pair(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    struct onnx_scales scales[2], out;
    struct onnx_value *values[] = {n->inputs[0], n->inputs[3]};
    if (!onnx_scales(n, 1, 1, &scales[0]) || !onnx_scales(n, 4, 1, &scales[1]) || !onnx_scales(n, 6, 1, &out)) return false;
    struct onnx_shape shape;
    struct onnx_draft *draft = pair(n, kind, values, scales, &shape);
    if (draft == NULL || !onnx_draft_put(n, &shape, draft)) return false;
    return onnx_land_as(n, draft, n->inputs[7] != NULL ? n->inputs[7]->type : values[0]->type, &out, n->outputs[0]);
}

bool onnx_qlinear_add(const struct onnx_node *n) {
    return qlinear_pair(n, QM_OP_ADD);
}

bool onnx_qlinear_mul(const struct onnx_node *n) {
    return qlinear_pair(n, QM_OP_MUL);
}

/* A function of one tensor that the graph has by name. */
bool onnx_function(const struct onnx_node *n) {
    static const struct {
        const char *name;
        enum qm_graph_op_kind kind;
    } functions[] = {{"Sigmoid", QM_OP_LOGISTIC}, {"Tanh", QM_OP_TANH}, {"HardSwish", QM_OP_HARD_SWISH}, {"LeakyRelu", QM_OP_LEAKY_RELU}};
    const struct onnx_draft *identity;
    if (!onnx_settle(n, n->inputs[0]) || !onnx_draft_of(n, n->inputs[0], &identity)) return false;
    struct onnx_draft *draft = onnx_draft_copy(n, identity);
    for (uint32_t i = 0; i < 4; i++)
        if (strcmp(n->source->op_type, functions[i].name) == 0) draft->op.kind = functions[i].kind;
    draft->op.alpha = onnx_float(n, "alpha", 0.01F);
    draft->op.index = n->index;
    draft->unit = NULL;
    draft->channels = 1;
    struct onnx_shape shape = n->inputs[0]->shape;
    return onnx_draft_put(n, &shape, draft);
}
