/* elementwise.c - arithmetic of one tensor, of a tensor and a constant, and of two tensors. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

bool onnx_identity(const struct onnx_node *n) {
    return onnx_put(n, n->inputs[0]);
}

/* Versions before 7 compute as in training, unless is_test says otherwise. */
static bool is_training(const struct onnx_node *n) {
    return onnx_int(n, "training_mode", 0) != 0 || (n->r->opset < 7 && onnx_int(n, "is_test", 0) == 0);
}

bool onnx_dropout(const struct onnx_node *n) {
    double training = 0;
    if (n->inputs[2] != QM_NO_TENSOR && !onnx_number(n, 2, &training)) return false;
    if (training != 0 || is_training(n)) return onnx_refuse(n, "is in training mode; export the model for inference");
    return onnx_identity(n);
}

/* ---- of one ---- */

static bool of_one(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    struct qm_graph_op op = onnx_op(n, kind, n->inputs[0]);
    return onnx_put(n, onnx_emit_same(n, &op));
}

bool onnx_floor(const struct onnx_node *n) {
    return of_one(n, QM_OP_FLOOR);
}

bool onnx_ceil(const struct onnx_node *n) {
    return of_one(n, QM_OP_CEIL);
}

bool onnx_round(const struct onnx_node *n) {
    return of_one(n, QM_OP_ROUND);
}

bool onnx_sigmoid(const struct onnx_node *n) {
    return of_one(n, QM_OP_LOGISTIC);
}

bool onnx_tanh(const struct onnx_node *n) {
    return of_one(n, QM_OP_TANH);
}

bool onnx_hard_swish(const struct onnx_node *n) {
    return of_one(n, QM_OP_HARD_SWISH);
}

bool onnx_leaky_relu(const struct onnx_node *n) {
    struct qm_graph_op op = onnx_op(n, QM_OP_LEAKY_RELU, n->inputs[0]);
    op.alpha = onnx_float(n, "alpha", 0.01F);
    if (!isfinite(op.alpha)) return onnx_refuse(n, "has alpha %g", (double)op.alpha);
    return onnx_put(n, onnx_emit_same(n, &op));
}

static uint32_t emit_clip(const struct onnx_node *n, uint32_t in, double low, double high) {
    struct qm_graph_op op = onnx_op(n, QM_OP_CLIP, in);
    op.low = low;
    op.high = high;
    return onnx_emit_same(n, &op);
}

bool onnx_clip(const struct onnx_node *n) {
    double low = (double)onnx_float(n, "min", -INFINITY), high = (double)onnx_float(n, "max", INFINITY);
    if (n->inputs[1] != QM_NO_TENSOR && !onnx_number(n, 1, &low)) return false;
    if (n->inputs[2] != QM_NO_TENSOR && !onnx_number(n, 2, &high)) return false;
    if (!(low <= high)) return onnx_refuse(n, "clips to %g .. %g", low, high);
    return onnx_put(n, emit_clip(n, n->inputs[0], low, high));
}

bool onnx_relu(const struct onnx_node *n) {
    return onnx_put(n, emit_clip(n, n->inputs[0], 0, INFINITY));
}

/* clip(alpha * x + beta, 0, 1) */
bool onnx_hard_sigmoid(const struct onnx_node *n) {
    double alpha = (double)onnx_float(n, "alpha", 0.2F), beta = (double)onnx_float(n, "beta", 0.5F);
    if (!isfinite(alpha) || !isfinite(beta)) return onnx_refuse(n, "has alpha %g and beta %g", alpha, beta);
    uint32_t scaled = onnx_emit_with(n, QM_OP_MUL, n->inputs[0], 1, &alpha, 0);
    return onnx_put(n, emit_clip(n, onnx_emit_with(n, QM_OP_ADD, scaled, 1, &beta, 0), 0, 1));
}

/* A constant rounded to float16 or bfloat16. */
static uint32_t halved(const struct onnx_node *n, int32_t type) {
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    double *numbers = evaluate_numbers(in, n->r->arena);
    struct qm_shape shape = onnx_shape(n, 0);
    for (size_t i = 0; i < (size_t)qm_graph_elements(in); i++) numbers[i] = onnx_round_half(type, numbers[i]);
    return qm_graph_add_constant(&n->r->maker, n->outputs[0]->name, QM_F64, &shape, numbers);
}

/* Whether a type of 16 bits has all integers of a tensor. */
static bool holds_integers(const struct qm_graph_tensor *tensor, int32_t type) {
    double low, high, limit = type == ONNX_BFLOAT16 ? 0x1p8 : 0x1p11;
    return tensor->quant.count == 0 && evaluate_range(tensor, &low, &high) && low >= -limit && high <= limit;
}

bool onnx_cast(const struct onnx_node *n) {
    int32_t type = (int32_t)onnx_int(n, "to", 0);
    struct onnx_element element = onnx_element(type);
    struct qm_graph_op op = onnx_op(n, QM_OP_CAST, n->inputs[0]);
    struct qm_shape shape = onnx_shape(n, 0);
    if (element.file_bits == 0 || element.bits != 0 || type == ONNX_BOOL) return onnx_refuse(n, "casts to %s", onnx_type_name(type));
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    bool is_float = element.dtype == QM_F32 || element.dtype == QM_F64;
    if (onnx_is_half(type) && in->data != NULL) return onnx_put(n, halved(n, type));
    if (onnx_is_half(type) && !holds_integers(in, type)) return onnx_refuse(n, "rounds to %s", onnx_type_name(type));
    if (is_float && in->quant.count > 0) return onnx_put(n, n->inputs[0]); /* real numbers stay quantized */
    return onnx_put(n, onnx_emit(n, &op, &element, &shape));
}

/* ---- of two ---- */

uint32_t onnx_emit_two(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t a, uint32_t b) {
    if (a == QM_NO_TENSOR || b == QM_NO_TENSOR) return QM_NO_TENSOR;
    const struct qm_graph_tensor *tensors = n->r->graph->tensors, *of = tensors[a].data == NULL ? &tensors[a] : &tensors[b];
    if (tensors[a].data != NULL && tensors[b].data != NULL) of = &tensors[a];
    struct qm_shape left = qm_graph_shape(&tensors[a]), right = qm_graph_shape(&tensors[b]), shape;
    struct onnx_element element = {.dtype = of->quant.count > 0 ? QM_F32 : of->dtype};
    struct qm_graph_op op = onnx_op(n, kind, a);
    op.inputs[1] = b;
    op.input_count = 2;
    return onnx_broadcast(n, &left, &right, &shape) ? onnx_emit(n, &op, &element, &shape) : QM_NO_TENSOR;
}

static bool of_two(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    return onnx_put(n, onnx_emit_two(n, kind, n->inputs[0], n->inputs[1]));
}

bool onnx_sub(const struct onnx_node *n) {
    return of_two(n, QM_OP_SUB);
}

bool onnx_mul(const struct onnx_node *n) {
    return of_two(n, QM_OP_MUL);
}

bool onnx_prelu(const struct onnx_node *n) {
    return of_two(n, QM_OP_PRELU);
}

/* An input of the network, which carries integers in floats there. */
static uint32_t as_integers(const struct onnx_node *n, uint32_t in) {
    const struct qm_graph *graph = n->r->graph;
    bool is_input = false;
    for (uint32_t i = 0; i < graph->input_count; i++) is_input = is_input || graph->inputs[i] == in;
    if (!is_input || graph->tensors[in].dtype != QM_F32) return in;
    struct qm_graph_op op = onnx_op(n, QM_OP_CAST, in);
    struct qm_shape shape = qm_graph_shape(&graph->tensors[in]);
    return onnx_emit(n, &op, &(struct onnx_element){.dtype = QM_I32}, &shape);
}

/* PULP's requantization: clip(floor((x * factor + addend) / divisor), low, high). Factor and addend are one number or one a channel. */
struct requantization {
    uint32_t factors, addends;
    const double *factor, *addend;
    double divisor, low, high;
};

static uint32_t emit_requantization(const struct onnx_node *n, uint32_t in, const struct requantization *q) {
    uint32_t axis = in != QM_NO_TENSOR && n->r->graph->tensors[in].rank > 1 ? 1 : 0;
    uint32_t x = onnx_emit_with(n, QM_OP_MUL, as_integers(n, in), q->factors, q->factor, axis);
    x = onnx_emit_with(n, QM_OP_ADD, x, q->addends, q->addend, axis);
    x = onnx_emit_with(n, QM_OP_DIV, x, 1, &q->divisor, 0);
    struct qm_graph_op floor_op = onnx_op(n, QM_OP_FLOOR, x);
    return emit_clip(n, onnx_emit_same(n, &floor_op), q->low, q->high);
}

/* Operand i of PULP's Add, which may requantize it first. */
static uint32_t requantized(const struct onnx_node *n, uint32_t i) {
    static const char *const names[2][5] = {{"in1_rq", "in1_mul", "in1_add", "in1_shift", "in1_n_levels"},
                                            {"in2_rq", "in2_mul", "in2_add", "in2_shift", "in2_n_levels"}};
    if (onnx_int(n, names[i][0], 0) == 0) return n->inputs[i];
    int64_t shift = onnx_int(n, names[i][3], 0);
    if (shift < 0 || shift > 62) return onnx_refuse(n, "shifts by %lld", (long long)shift), QM_NO_TENSOR;
    double factor = (double)onnx_int(n, names[i][1], 1), addend = (double)onnx_int(n, names[i][2], 0);
    return emit_requantization(n, n->inputs[i],
                               &(struct requantization){1, 1, &factor, &addend, .divisor = exp2((double)shift), .low = 0,
                                                        .high = (double)(onnx_int(n, names[i][4], 256) - 1)});
}

bool onnx_add(const struct onnx_node *n) {
    if (onnx_int(n, "out_rq", 0) != 0) return onnx_refuse(n, "requantizes its result");
    return onnx_put(n, onnx_emit_two(n, QM_OP_ADD, requantized(n, 0), requantized(n, 1)));
}

/* An attribute that is a number, or a tensor of one. */
static double attribute_number(const struct onnx_node *n, const char *name, double fallback) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    struct onnx_value value = {.name = name, .tensor = QM_NO_TENSOR};
    struct qm_diag diag; /* the node is named, not the file */
    struct onnx_reader *r = n->r;
    if (attribute == NULL) return fallback;
    if (attribute->t == NULL) return attribute->has_f ? (double)attribute->f : (double)attribute->i;
    struct qm_diag *own = r->diag;
    r->diag = &diag;
    bool fine = onnx_read_constant(r, attribute->t, &value) == QM_OK && value.tensor != QM_NO_TENSOR;
    r->diag = own;
    const struct qm_graph_tensor *tensor = fine ? &r->graph->tensors[value.tensor] : NULL;
    return fine && qm_graph_elements(tensor) == 1 ? evaluate_stored(tensor, 0) : NAN;
}

/* Numbers of a constant, whatever its shape: one, or one a channel. */
static bool channel_numbers(const struct onnx_node *n, uint32_t i, uint32_t channels, uint32_t *count, const double **numbers) {
    const struct qm_graph_tensor *constant;
    if (!onnx_constant(n, i, &constant)) return false;
    *count = (uint32_t)qm_graph_elements(constant);
    *numbers = evaluate_numbers(constant, n->r->arena);
    if (*count != 1 && *count != channels) return onnx_refuse(n, "has not one number a channel in %.60s", constant->name);
    for (uint32_t e = 0; e < *count; e++)
        if (!isfinite((*numbers)[e])) return onnx_refuse(n, "uses %g in %.60s", (*numbers)[e], constant->name);
    return true;
}

static uint32_t channels_of(const struct onnx_node *n) {
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    return in->rank > 1 ? in->dims[1] : in->rank == 1 ? in->dims[0] : 1;
}

bool onnx_requant_shift(const struct onnx_node *n) {
    struct requantization q = {.divisor = attribute_number(n, "div", NAN)};
    double is_signed = attribute_number(n, "signed", NAN);
    double levels = attribute_number(n, "n_levels_out", attribute_number(n, "n_levels", NAN));
    if (!(q.divisor > 0) || !(levels > 1) || isnan(is_signed)) return onnx_refuse(n, "has no div, n_levels or signed");
    if (!channel_numbers(n, 1, channels_of(n), &q.factors, &q.factor) || !channel_numbers(n, 2, channels_of(n), &q.addends, &q.addend))
        return false;
    double *addend = QM_ARENA_NEW(n->r->arena, double, q.addends);
    for (uint32_t c = 0; c < q.addends; c++) addend[c] = q.addend[c] + floor(q.divisor / 2);
    q.addend = addend;
    q.low = is_signed != 0 ? -levels / 2 : 0;
    q.high = is_signed != 0 ? levels / 2 - 1 : levels - 1;
    return onnx_put(n, emit_requantization(n, n->inputs[0], &q));
}

bool onnx_batch_normalization(const struct onnx_node *n) {
    const double *parts[4]; /* gamma, beta, mean, variance */
    uint32_t channels = channels_of(n), counts[4];
    bool trains = n->source->n_output > 1 && n->r->opset < 14; /* its statistics are outputs */
    if (trains || is_training(n)) return onnx_refuse(n, "is in training mode; export the model for inference");
    if (onnx_int(n, "spatial", 1) == 0) return onnx_refuse(n, "has spatial 0, statistics for each position, which is not supported");
    double epsilon = (double)onnx_float(n, "epsilon", 1e-5F);
    double *factor = QM_ARENA_NEW(n->r->arena, double, channels), *offset = QM_ARENA_NEW(n->r->arena, double, channels);
    for (uint32_t i = 0; i < 4; i++) {
        if (!channel_numbers(n, i + 1, channels, &counts[i], &parts[i])) return false;
        if (counts[i] != channels) return onnx_refuse(n, "has not one number a channel in %.60s", onnx_input(n, i + 1)->name);
    }
    for (uint32_t c = 0; c < channels; c++) {
        factor[c] = parts[0][c] / sqrt(parts[3][c] + epsilon);
        offset[c] = parts[1][c] - parts[2][c] * factor[c];
        if (!isfinite(factor[c]) || !isfinite(offset[c])) return onnx_refuse(n, "has no finite factor in channel %u", c);
    }
    uint32_t axis = onnx_input(n, 0)->rank > 1 ? 1 : 0;
    uint32_t scaled = onnx_emit_with(n, QM_OP_MUL, n->inputs[0], channels, factor, axis);
    return onnx_put(n, onnx_emit_with(n, QM_OP_ADD, scaled, channels, offset, axis));
}

/* ---- between quantizers ---- */

/* QLinearAdd and QLinearMul have the same operands. */
static bool qlinear_two(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    uint32_t a = onnx_emit_dequantize(n, n->inputs[0], 1, 0), b = onnx_emit_dequantize(n, n->inputs[3], 4, 0);
    uint32_t result = onnx_emit_two(n, kind, a, b);
    return onnx_put(n, onnx_emit_quantize(n, result, 6, 0, onnx_zero_type(n, 7, onnx_zero_type(n, 0, ONNX_UINT8))));
}

bool onnx_qlinear_add(const struct onnx_node *n) {
    return qlinear_two(n, QM_OP_ADD);
}

bool onnx_qlinear_mul(const struct onnx_node *n) {
    return qlinear_two(n, QM_OP_MUL);
}

static bool qlinear_one(const struct onnx_node *n, enum qm_graph_op_kind kind, float alpha) {
    struct qm_graph_op op = onnx_op(n, kind, onnx_emit_dequantize(n, n->inputs[0], 1, 0));
    op.alpha = alpha;
    return onnx_put(n, onnx_emit_quantize(n, onnx_emit_same(n, &op), 3, 0, onnx_zero_type(n, 4, onnx_zero_type(n, 0, ONNX_UINT8))));
}

bool onnx_qlinear_sigmoid(const struct onnx_node *n) {
    return qlinear_one(n, QM_OP_LOGISTIC, 0);
}

bool onnx_qlinear_leaky_relu(const struct onnx_node *n) {
    return qlinear_one(n, QM_OP_LEAKY_RELU, onnx_float(n, "alpha", 0.01F));
}
