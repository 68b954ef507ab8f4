/* legalize.c - the graph's real numbers become the machine's integers: every scale a multiplier and a shift, every zero point a bias.
 *
 * This file walks the operators, and keeps values, scales and clamps; the operators themselves are in legalize_convolutions.c,
 * legalize_post.c and legalize_moves.c. The arithmetic of the numbers is TFLite's, to the bit: a clamp is zero point + roundf(bound /
 * scale), cut to the type.
 */
#include "compiler/passes/legalize.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/multiplier.h"
#include "compiler/ir/problems.h"

enum { SHIFT_MAX = 30 };

/* ---- the table of operators ---- */

enum { I8 = 1 << QM_I8, U8 = 1 << QM_U8, I32 = 1 << QM_I32, F32 = 1 << QM_F32, BYTES = I8 | U8, ANY = BYTES | F32, SUMS = BYTES | I32 };

struct rule {
    legalize_operator *legalize;
    uint8_t in, out; /* types of the activations */
};

/* clang-format off */
static const struct rule rules[QM_GRAPH_OP_KINDS] = {
    [QM_OP_CONV_2D]           = {legalize_conv,            BYTES, SUMS},
    [QM_OP_DEPTHWISE_CONV_2D] = {legalize_depthwise,       BYTES, SUMS},
    [QM_OP_TRANSPOSE_CONV]    = {legalize_transpose_conv,  BYTES, BYTES},
    [QM_OP_FULLY_CONNECTED]   = {legalize_fully_connected, BYTES, SUMS},
    [QM_OP_ADD]               = {legalize_add,             BYTES, BYTES},
    [QM_OP_MUL]               = {legalize_mul,             BYTES, BYTES},
    [QM_OP_AVERAGE_POOL_2D]   = {legalize_pool,            BYTES, BYTES},
    [QM_OP_MAX_POOL_2D]       = {legalize_pool,            BYTES, BYTES},
    [QM_OP_MEAN]              = {legalize_mean,            BYTES, BYTES},
    [QM_OP_QUANTIZE]          = {legalize_quantize,        ANY,   BYTES},
    [QM_OP_DEQUANTIZE]        = {legalize_dequantize,      SUMS,  F32},
    [QM_OP_RELU]              = {legalize_relu,            BYTES, BYTES},
    [QM_OP_RELU6]             = {legalize_relu,            BYTES, BYTES},
    [QM_OP_LEAKY_RELU]        = {legalize_leaky_relu,      BYTES, BYTES},
    [QM_OP_LOGISTIC]          = {legalize_logistic,        I8,    I8},
    [QM_OP_TANH]              = {legalize_tanh,            I8,    I8},
    [QM_OP_HARD_SWISH]        = {legalize_hard_swish,      BYTES, BYTES},
    [QM_OP_RESHAPE]           = {legalize_reshape,         ANY | I32, ANY | I32},
    [QM_OP_PAD]               = {legalize_pad,             BYTES, BYTES},
    [QM_OP_CONCATENATION]     = {legalize_concatenation,   BYTES, BYTES},
    [QM_OP_SPLIT]             = {legalize_split,           BYTES, BYTES},
    [QM_OP_STRIDED_SLICE]     = {legalize_strided_slice,   BYTES, BYTES},
    [QM_OP_TRANSPOSE]         = {legalize_transpose,       SUMS,  SUMS},
    [QM_OP_RESIZE_NEAREST_NEIGHBOR] = {legalize_resize,    BYTES, BYTES},
    [QM_OP_SOFTMAX]           = {legalize_softmax,         BYTES, BYTES},
    [QM_OP_LOG_SOFTMAX]       = {legalize_softmax,         I8,    I8},
};
/* clang-format on */

enum qm_status site_refuse(const struct site *s, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return qm_fail(s->l->diag, QM_BAD_INPUT, "%s: operator %u %s: %s", s->l->graph->file, s->op->index, qm_graph_op_name(s->op->kind),
                   text);
}

const struct qm_graph_tensor *site_input(const struct site *s, uint32_t i) {
    return &s->l->graph->tensors[s->op->inputs[i]];
}

const struct qm_graph_tensor *site_output(const struct site *s, uint32_t i) {
    return &s->l->graph->tensors[s->op->outputs[i]];
}

/* ---- types ---- */

/* The types that operand i may have. */
static uint32_t wanted_types(const struct qm_graph_op *op, uint32_t i) {
    if (!qm_graph_has_weights(op->kind) || i == 0) return rules[op->kind].in;
    return i == 1 ? BYTES : 1U << QM_I32;
}

static void check_types(const struct qm_graph *graph, const struct qm_graph_op *op, struct problems *problems) {
    const char *name = qm_graph_op_name(op->kind);
    enum qm_dtype in = graph->tensors[op->inputs[0]].dtype;
    if (qm_graph_has_weights(op->kind) && in == QM_F32 && graph->tensors[op->inputs[1]].dtype == QM_I8) {
        problems_add(problems, "operator %u %s has int8 weights but float32 activations (dynamic range)", op->index, name);
        return;
    }
    for (uint32_t i = 0; i < op->input_count; i++) {
        if (op->inputs[i] == QM_NO_TENSOR) continue;
        enum qm_dtype dtype = graph->tensors[op->inputs[i]].dtype;
        if ((wanted_types(op, i) >> dtype & 1) != 0) continue;
        problems_add(problems, "operator %u %s on %s is not supported", op->index, name, qm_dtype_name(dtype));
        return;
    }
    for (uint32_t i = 0; i < op->output_count; i++) {
        enum qm_dtype dtype = graph->tensors[op->outputs[i]].dtype;
        if ((rules[op->kind].out >> dtype & 1) != 0) continue;
        problems_add(problems, "operator %u %s to %s is not supported", op->index, name, qm_dtype_name(dtype));
        return;
    }
}

/* ---- values ---- */

static uint32_t add_value(struct legalizer *l, uint32_t tensor, uint32_t storage) {
    uint32_t index = l->network->value_count++;
    QM_CHECK(index < l->value_room);
    const struct qm_graph_tensor *source = &l->graph->tensors[tensor];
    struct qm_value *value = &l->network->values[index];
    *value = (struct qm_value){.name = source->name,
                               .graph_tensor = tensor,
                               .dtype = source->dtype,
                               .bits = 8 * (uint32_t)qm_dtype_bytes(source->dtype),
                               .h = 1,
                               .w = 1,
                               .c = 1};
    value->storage = storage == QM_NO_TENSOR ? index : l->network->values[storage].storage;
    uint32_t rank = source->rank;
    if (rank >= 1) value->c = source->dims[rank - 1];
    if (rank == 2) value->h = source->dims[0];
    if (rank >= 3) value->w = source->dims[rank - 2];
    for (uint32_t i = 0; rank >= 3 && i < rank - 2; i++) value->h *= source->dims[i];
    return index;
}

uint32_t site_view(const struct site *s, uint32_t value, uint32_t h, uint32_t w, uint32_t c) {
    const struct qm_value *own = &s->l->network->values[value];
    if (own->h == h && own->w == w && own->c == c) return value;
    uint32_t index = add_value(s->l, own->graph_tensor, value);
    struct qm_value *view = &s->l->network->values[index];
    view->h = h;
    view->w = w;
    view->c = c;
    return index;
}

uint32_t site_result_view(const struct site *s, uint32_t value, uint32_t h, uint32_t w, uint32_t c) {
    uint32_t view = site_view(s, value, h, w, c);
    s->l->network->values[view].storage = s->l->network->values[value].storage = view;
    return view;
}

enum qm_status site_operand(const struct site *s, uint32_t i, uint32_t *value) {
    uint32_t tensor = s->op->inputs[i];
    if (s->l->value_of[tensor] == QM_NO_TENSOR) {
        if (site_input(s, i)->data == NULL) return site_refuse(s, "input %u (%s) is not computed before", i, site_input(s, i)->name);
        s->l->value_of[tensor] = add_value(s->l, tensor, QM_NO_TENSOR);
        s->l->network->values[s->l->value_of[tensor]].data = site_input(s, i)->data;
    }
    *value = s->l->value_of[tensor];
    return QM_OK;
}

uint32_t site_result(const struct site *s, uint32_t i) {
    uint32_t value = add_value(s->l, s->op->outputs[i], QM_NO_TENSOR);
    s->l->value_of[s->op->outputs[i]] = value;
    return value;
}

uint32_t site_between(const struct site *s, uint32_t tensor, uint32_t h, uint32_t w, uint32_t c) {
    uint32_t index = add_value(s->l, tensor, QM_NO_TENSOR);
    struct qm_value *value = &s->l->network->values[index];
    value->between = true;
    value->h = h;
    value->w = w;
    value->c = c;
    return index;
}

enum qm_status site_alias(const struct site *s) {
    uint32_t source;
    QM_TRY(site_operand(s, 0, &source));
    s->l->value_of[s->op->outputs[0]] = add_value(s->l, s->op->outputs[0], source);
    return QM_OK;
}

struct qm_layer *site_layer(const struct site *s, enum qm_layer_kind kind) {
    QM_CHECK(s->l->network->layer_count < s->l->layer_room);
    struct qm_layer *layer = &s->l->network->layers[s->l->network->layer_count++];
    *layer = (struct qm_layer){.kind = kind, .graph_op = (uint32_t)(s->op - s->l->graph->ops), .rounding = s->l->rounding};
    if (s->op->requant != NULL) layer->rounding = s->op->requant->rounding;
    return layer;
}

/* ---- scales ---- */

enum qm_status site_check_activation(const struct site *s, const struct qm_graph_tensor *tensor) {
    const struct qm_quant *quant = &tensor->quant;
    int64_t low = qm_graph_lowest(tensor), high = qm_graph_highest(tensor);
    if (quant->count != 1) return site_refuse(s, "%s has %u scales; activations must have one", tensor->name, quant->count);
    if (!(quant->scale[0] > 0)) return site_refuse(s, "%s has scale 0", tensor->name);
    if (quant->zero_point[0] < low || quant->zero_point[0] > high)
        return site_refuse(s, "%s has zero point %lld; its type needs %lld to %lld", tensor->name, (long long)quant->zero_point[0],
                           (long long)low, (long long)high);
    return QM_OK;
}

enum qm_status site_check_activations(const struct site *s) {
    for (uint32_t i = 0; i < s->op->input_count; i++) QM_TRY(site_check_activation(s, site_input(s, i)));
    for (uint32_t i = 0; i < s->op->output_count; i++) QM_TRY(site_check_activation(s, site_output(s, i)));
    return QM_OK;
}

enum qm_status site_check_output(const struct site *s, float scale, int64_t zero) {
    const struct qm_quant *out = &site_output(s, 0)->quant;
    if (out->scale[0] == scale && out->zero_point[0] == zero) return QM_OK;
    return site_refuse(s, "the output has scale %g and zero point %lld; TFLite gives 1/%g and %lld", (double)out->scale[0],
                       (long long)out->zero_point[0], 1 / (double)scale, (long long)zero);
}

bool site_same_quant(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b) {
    return a->dtype == b->dtype && fabsf(a->quant.scale[0] - b->quant.scale[0]) <= 1e-6F &&
           a->quant.zero_point[0] == b->quant.zero_point[0];
}

enum qm_status site_scale(const struct site *s, double factor, int32_t shift_max, struct qm_scale *scale) {
    if (!isfinite(factor)) return site_refuse(s, "the scales of its operands give the factor %g", factor);
    struct qm_multiplier multiplier = qm_multiplier_from_real(factor);
    if (multiplier.shift > shift_max) return site_refuse(s, "the scales of its operands give the factor %g, which is too large", factor);
    *scale = (struct qm_scale){.multiplier = multiplier.value, .shift = (int8_t)multiplier.shift};
    return QM_OK;
}

void site_identity(const struct qm_graph_tensor *tensor, struct qm_layer *layer) {
    bool is_wide = qm_graph_bits(tensor) > 8; /* its bytes are moved, each as it is */
    layer->in_unsigned = tensor->dtype == QM_U8;
    layer->out_scale = QM_SCALE_ONE;
    layer->clamp_min = is_wide ? INT8_MIN : qm_graph_lowest(tensor);
    layer->clamp_max = is_wide ? INT8_MAX : qm_graph_highest(tensor);
}

enum qm_status site_rescale(const struct site *s, uint32_t from, uint32_t to, struct qm_layer *layer) {
    const struct qm_graph_tensor *in = site_input(s, from), *out = site_output(s, to);
    const struct qm_quant *a = &in->quant, *b = &out->quant;
    site_identity(in, layer);
    if (in->dtype == out->dtype && a->scale[0] == b->scale[0] && a->zero_point[0] == b->zero_point[0]) return QM_OK;
    layer->in_bias = -(int32_t)in->quant.zero_point[0];
    layer->out_zero = (int32_t)out->quant.zero_point[0];
    return site_scale(s, (double)in->quant.scale[0] / (double)out->quant.scale[0], SHIFT_MAX, &layer->out_scale);
}

/* bound / scale, rounded in float as TFLite does, in the output's units; beyond int8 it only has to stay beyond. */
static int32_t quantized(float bound, float scale, int32_t zero_point) {
    float integer = roundf(bound / scale);
    return zero_point + (int32_t)fminf(fmaxf(integer, -1e6F), 1e6F);
}

void site_clamp(const struct site *s, enum qm_activation activation, struct qm_layer *layer) {
    const struct qm_graph_tensor *out = site_output(s, 0);
    if (s->op->requant != NULL) {
        layer->clamp_min = s->op->requant->low;
        layer->clamp_max = s->op->requant->high;
        return;
    }
    float scale = out->quant.scale[0];
    int32_t zero = (int32_t)out->quant.zero_point[0], type_low = qm_graph_lowest(out), type_high = qm_graph_highest(out);
    int32_t low = type_low, high = type_high;
    if (activation == QM_ACT_RELU || activation == QM_ACT_RELU6) low = quantized(0, scale, zero);
    if (activation == QM_ACT_RELU6) high = quantized(6, scale, zero);
    if (activation == QM_ACT_RELU_N1_TO_1) {
        low = quantized(-1, scale, zero);
        high = quantized(1, scale, zero);
    }
    layer->clamp_min = low > type_low ? low : type_low;
    layer->clamp_max = high < type_high ? high : type_high;
}

/* ---- the pass ---- */

static enum qm_status check_network(const struct qm_graph *graph, struct qm_diag *diag) {
    struct problems problems = {0};
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        if (rules[op->kind].legalize != NULL)
            check_types(graph, op, &problems);
        else
            problems_add(&problems, "operator %u %s is not supported", op->index, qm_graph_op_name(op->kind));
    }
    QM_TRY(problems_report(&problems, graph->file, "quantize the model to int8 with int8 inputs and outputs", diag));
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct qm_graph_tensor *tensor = &graph->tensors[graph->inputs[i]];
        if ((ANY >> tensor->dtype & 1) == 0)
            return qm_fail(diag, QM_BAD_INPUT, "%s: input %u (%s) is %s; only int8, uint8 and float32 are supported", graph->file, i,
                           tensor->name, qm_dtype_name(tensor->dtype));
    }
    return QM_OK;
}

/* Each operator makes a layer for each of its operands at most, and values and views of them. */
static void make_room(struct legalizer *l) {
    l->value_room = l->graph->input_count;
    for (uint32_t i = 0; i < l->graph->op_count; i++) {
        uint32_t operands = l->graph->ops[i].input_count + l->graph->ops[i].output_count;
        l->layer_room += operands;
        l->value_room += 3 * operands;
    }
    l->network->values = QM_ARENA_NEW(l->arena, struct qm_value, l->value_room);
    l->network->layers = QM_ARENA_NEW(l->arena, struct qm_layer, l->layer_room + 1);
    l->value_of = QM_ARENA_NEW(l->arena, uint32_t, l->graph->tensor_count);
    for (uint32_t i = 0; i < l->graph->tensor_count; i++) l->value_of[i] = QM_NO_TENSOR;
    l->padding = QM_ARENA_NEW(l->arena, const struct qm_graph_op *, l->graph->tensor_count);
}

static void open_network(struct legalizer *l) {
    const struct qm_graph *graph = l->graph;
    struct qm_network *network = l->network;
    network->graph = graph;
    make_room(l);
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
        if (l->network->outputs[i] == QM_NO_TENSOR)
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
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct site site = {.l = &l, .op = &graph->ops[i]};
        QM_TRY(rules[site.op->kind].legalize(&site));
    }
    QM_TRY(close_network(&l));
    *network = l.network;
    return QM_OK;
}
