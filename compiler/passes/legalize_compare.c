/* legalize_compare.c - a layer that is not exact beside what its operator means: by how many steps of the output they differ.
 *
 * An operator that was real says itself what it means: the zero point + factor * sum + addend, rounded half to even, or the number of
 * thresholds that the sum reaches. Here that becomes a graph of real numbers over the operands' integers, which the host computes
 * (evaluate/) and subtracts from the integers that the machine gives. Thresholds are counted with SIGN, which is 1 from 0 on and -1 below.
 */
#include <string.h>

#include "compiler/passes/legalize_site.h"

struct comparison {
    const struct site *s;
    const struct qm_layer *layer; /* that the machine runs */
    struct qm_graph_maker maker;
    uint32_t input_count, values[3], ends[3]; /* values of the network, and the graph's inputs */
};

enum { COMPARED_AT_ONCE = 1 << 22 }; /* sums times thresholds, so that the host needs little memory */

/* ---- operators ---- */

static struct qm_shape shape_of(const struct comparison *c, uint32_t x) {
    return qm_graph_shape(&c->maker.graph->tensors[x]);
}

static struct qm_graph_op *add_op(struct comparison *c, enum qm_graph_op_kind kind, uint32_t in, const struct qm_shape *shape) {
    uint32_t out = qm_graph_add_tensor(&c->maker, "", QM_F64, shape);
    struct qm_graph_op *op = qm_graph_add_op(&c->maker, kind, in, out);
    op->index = c->s->op->index;
    return op;
}

/* Of two operands, in a shape that both can be broadcast to. */
static uint32_t add_binary(struct comparison *c, enum qm_graph_op_kind kind, uint32_t a, uint32_t b, const struct qm_shape *shape) {
    struct qm_graph_op *op = add_op(c, kind, a, shape);
    op->inputs[1] = b;
    op->input_count = 2;
    return op->outputs[0];
}

/* x with a constant: one number, or one for each place of the last dimension. */
static uint32_t with_numbers(struct comparison *c, enum qm_graph_op_kind kind, uint32_t x, uint32_t count, const double *numbers) {
    struct qm_shape own = shape_of(c, x), shape = {.rank = count > 1, .dims = {count}};
    uint32_t constant = qm_graph_add_constant(&c->maker, "", QM_F64, &shape, numbers);
    return add_binary(c, kind, x, constant, &own);
}

static uint32_t with_number(struct comparison *c, enum qm_graph_op_kind kind, uint32_t x, double number) {
    double *kept = QM_ARENA_NEW(c->maker.arena, double, 1);
    *kept = number;
    return with_numbers(c, kind, x, 1, kept);
}

static uint32_t reshape(struct comparison *c, uint32_t x, const struct qm_shape *shape) {
    return add_op(c, QM_OP_RESHAPE, x, shape)->outputs[0];
}

static uint32_t transpose(struct comparison *c, uint32_t x, const uint32_t permutation[4]) {
    struct qm_shape own = shape_of(c, x), shape = {.rank = 4};
    for (uint32_t d = 0; d < 4; d++) shape.dims[d] = own.dims[permutation[d]];
    struct qm_graph_op *op = add_op(c, QM_OP_TRANSPOSE, x, &shape);
    memcpy(op->permutation, permutation, 4 * sizeof *permutation);
    return op->outputs[0];
}

static const uint32_t to_first[] = {0, 3, 1, 2}, to_last[] = {0, 2, 3, 1};

/* ---- operands ---- */

/* A tensor like one of the network's. */
static uint32_t add_like(struct comparison *c, const struct qm_graph_tensor *like) {
    struct qm_shape shape = qm_graph_shape(like);
    uint32_t x = qm_graph_add_tensor(&c->maker, "", like->dtype, &shape);
    c->maker.graph->tensors[x].data = like->data;
    c->maker.graph->tensors[x].size_bytes = like->size_bytes;
    return x;
}

static uint32_t add_value(struct comparison *c, uint32_t value) {
    const struct qm_graph_tensor *tensors = c->s->l->graph->tensors;
    uint32_t x = add_like(c, &tensors[c->s->l->network->values[value].graph_tensor]);
    c->values[c->input_count] = value;
    c->ends[c->input_count++] = x;
    return x;
}

/* Integers less their zero point, of a constant or of what the network computes: with the windows' padding still outside. */
static enum qm_status add_operand(struct comparison *c, uint32_t i, uint32_t *x) {
    const struct qm_graph_tensor *source = site_input(c->s, i);
    uint32_t value;
    if (source->data != NULL) {
        *x = add_like(c, source);
    } else {
        QM_TRY(site_operand(c->s, i, &value));
        *x = add_value(c, value);
    }
    if (source->dtype != QM_I32) qm_graph_set_quant(&c->maker, *x, 1, source->quant.zero_point[0]);
    return QM_OK;
}

/* ---- sums ---- */

static void set_window(const struct comparison *c, struct qm_graph_op *op) {
    const struct qm_layer *layer = c->layer;
    op->kernel_h = layer->kernel_h;
    op->kernel_w = layer->kernel_w;
    op->stride_h = layer->stride_h;
    op->stride_w = layer->stride_w;
    op->dilation_h = layer->dilation_h;
    op->dilation_w = layer->dilation_w;
    op->pad_top = layer->pad_top;
    op->pad_left = layer->pad_left;
    op->channels_first = true;
}

/* What is read of so many elements behind them. */
static uint32_t pad_behind(uint32_t in, uint32_t out, uint32_t kernel, uint32_t stride, uint32_t dilation, uint32_t before) {
    uint32_t end = (out - 1) * stride + (kernel - 1) * dilation + 1;
    return end > in + before ? end - in - before : 0;
}

/* Padding behind the map, for windows from one map to another; of a transposed convolution these go the other way. */
static void pad_window(struct qm_graph_op *op, const struct qm_shape *from, const struct qm_shape *to) {
    op->pad_bottom = pad_behind(from->dims[2], to->dims[2], op->kernel_h, op->stride_h, op->dilation_h, op->pad_top);
    op->pad_right = pad_behind(from->dims[3], to->dims[3], op->kernel_w, op->stride_w, op->dilation_w, op->pad_left);
}

/* That of the operator, whose layer is a convolution over a wider map. */
static void set_transposed_window(const struct comparison *c, struct qm_graph_op *op) {
    const struct qm_graph_op *own = c->s->op;
    op->stride_h = own->stride_h;
    op->stride_w = own->stride_w;
    op->pad_top = own->pad_top;
    op->pad_left = own->pad_left;
}

/* The output's shape with channels first. */
static struct qm_shape output_first(const struct comparison *c) {
    const struct qm_graph_tensor *out = site_output(c->s, 0);
    return (struct qm_shape){4, {out->dims[0], out->dims[3], out->dims[1], out->dims[2]}};
}

static enum qm_status add_bias(struct comparison *c, uint32_t *x) {
    uint32_t bias;
    if (c->s->op->inputs[2] == QM_NO_TENSOR) return QM_OK;
    struct qm_shape shape = shape_of(c, *x);
    QM_TRY(add_operand(c, 2, &bias));
    *x = add_binary(c, QM_OP_ADD, *x, bias, &shape);
    return QM_OK;
}

/* A filter [ic of a group][oc][kh][kw] of a transposed convolution as [ic][oc of a group][kh][kw]. */
static uint32_t part_groups(struct comparison *c, uint32_t weights, uint32_t groups) {
    static const uint32_t groups_first[] = {1, 0, 2, 3};
    struct qm_shape own = shape_of(c, weights);
    uint32_t each = own.dims[1] / groups;
    weights = reshape(c, weights, &(struct qm_shape){4, {own.dims[0], groups, each, own.dims[2] * own.dims[3]}});
    weights = transpose(c, weights, groups_first);
    return reshape(c, weights, &(struct qm_shape){4, {own.dims[0] * groups, each, own.dims[2], own.dims[3]}});
}

static enum qm_status sum_convolution(struct comparison *c, uint32_t *sum) {
    static const uint32_t inputs_first[] = {3, 0, 1, 2};
    bool ahead = c->s->op->kind == QM_OP_CONV_2D, transposed = c->s->op->kind == QM_OP_TRANSPOSE_CONV;
    uint32_t x, weights;
    struct qm_shape out = output_first(c);
    QM_TRY(add_operand(c, 0, &x));
    QM_TRY(add_operand(c, 1, &weights));
    x = transpose(c, x, to_first);
    struct qm_shape in = shape_of(c, x);
    weights = transpose(c, weights, ahead ? to_first : inputs_first);
    uint32_t groups = in.dims[1] / shape_of(c, weights).dims[transposed ? 0 : 1];
    if (transposed) weights = part_groups(c, weights, groups);
    struct qm_graph_op *op = add_op(c, transposed ? QM_OP_TRANSPOSE_CONV : QM_OP_CONV_2D, x, &out);
    set_window(c, op);
    if (transposed) set_transposed_window(c, op);
    pad_window(op, transposed ? &out : &in, transposed ? &in : &out);
    op->groups = groups;
    op->inputs[1] = weights;
    op->input_count = 2;
    *sum = transpose(c, op->outputs[0], to_last);
    return add_bias(c, sum);
}

static enum qm_status sum_product(struct comparison *c, uint32_t *sum) {
    uint32_t x, weights;
    QM_TRY(add_operand(c, 0, &x));
    QM_TRY(add_operand(c, 1, &weights));
    struct qm_shape in = shape_of(c, x), filter = shape_of(c, weights);
    struct qm_shape rows = {2, {(uint32_t)(qm_shape_elements(&in) / filter.dims[1]), filter.dims[1]}};
    struct qm_shape out = {2, {rows.dims[0], filter.dims[0]}};
    x = reshape(c, x, &rows);
    *sum = add_binary(c, QM_OP_MATMUL, x, weights, &out);
    c->maker.graph->ops[c->maker.graph->op_count - 1].transposed = true;
    return add_bias(c, sum);
}

static enum qm_status sum_stack(struct comparison *c, uint32_t *sum) {
    uint32_t a, b;
    struct qm_shape out = qm_graph_shape(site_output(c->s, 0));
    QM_TRY(add_operand(c, 0, &a));
    QM_TRY(add_operand(c, 1, &b));
    *sum = add_binary(c, QM_OP_MATMUL, a, b, &out);
    c->maker.graph->ops[c->maker.graph->op_count - 1].transposed = c->s->op->transposed;
    return add_bias(c, sum);
}

static enum qm_status sum_window(struct comparison *c, uint32_t *sum) {
    uint32_t x;
    struct qm_shape out = output_first(c);
    QM_TRY(add_operand(c, 0, &x));
    x = transpose(c, x, to_first);
    struct qm_shape in = shape_of(c, x);
    struct qm_graph_op *op = add_op(c, QM_OP_AVERAGE_POOL_2D, x, &out);
    set_window(c, op);
    pad_window(op, &in, &out);
    op->pads_counted = true;
    x = with_number(c, QM_OP_MUL, op->outputs[0], c->layer->kernel_h * c->layer->kernel_w);
    *sum = transpose(c, x, to_last);
    return QM_OK;
}

/* Of two tensors; a sum of both by their factors, when there are some. */
static enum qm_status sum_two(struct comparison *c, uint32_t *sum) {
    const double *factors = site_factors(c->s);
    uint32_t operands[2];
    struct qm_shape out = qm_graph_shape(site_output(c->s, 0));
    bool adds = c->s->op->kind == QM_OP_ADD;
    for (uint32_t i = 0; i < 2; i++) {
        QM_TRY(add_operand(c, i, &operands[i]));
        if (adds && factors != NULL) operands[i] = with_number(c, QM_OP_MUL, operands[i], factors[i]);
    }
    *sum = add_binary(c, c->s->op->kind, operands[0], operands[1], &out);
    return QM_OK;
}

static enum qm_status add_sum(struct comparison *c, uint32_t *sum) {
    switch (c->s->op->kind) {
    case QM_OP_CONV_2D:
    case QM_OP_DEPTHWISE_CONV_2D:
    case QM_OP_TRANSPOSE_CONV: return sum_convolution(c, sum);
    case QM_OP_FULLY_CONNECTED: return sum_product(c, sum);
    case QM_OP_BATCH_MATMUL: return sum_stack(c, sum);
    case QM_OP_AVERAGE_POOL_2D: return sum_window(c, sum);
    case QM_OP_ADD:
    case QM_OP_MUL: return sum_two(c, sum);
    case QM_OP_QUANTIZE: return add_operand(c, 0, sum);
    default: return site_refuse(c->s, "what it means cannot be computed for a comparison");
    }
}

/* ---- integers ---- */

/* Whether the last dimension of the output has factors, addends and thresholds of its own. */
static bool has_channels(const struct comparison *c) {
    return qm_graph_has_weights(c->s->op->kind) || c->s->op->kind == QM_OP_BATCH_MATMUL;
}

/* Of factors and addends, rounded half to even. */
static uint32_t quantize(struct comparison *c, uint32_t x) {
    static const float one = 1;
    const struct qm_requant *requant = c->s->op->requant;
    const struct qm_graph_tensor *out = site_output(c->s, 0);
    struct qm_shape own = shape_of(c, x), number = {0};
    uint32_t channels = has_channels(c) ? own.dims[own.rank - 1] : 1;
    if (c->s->op->kind != QM_OP_ADD) x = with_numbers(c, QM_OP_MUL, x, channels, requant->factors);
    if (requant->addends != NULL) x = with_numbers(c, QM_OP_ADD, x, channels, requant->addends);
    uint32_t scale = qm_graph_add_constant(&c->maker, "", QM_F32, &number, &one);
    uint32_t zero = qm_graph_add_constant(&c->maker, "", QM_I64, &number, out->quant.zero_point);
    struct qm_graph_op *op = add_op(c, QM_OP_QUANTIZE, x, &own);
    op->inputs[1] = scale;
    op->inputs[2] = zero;
    op->input_count = 3;
    op->low = c->layer->clamp_min;
    op->high = c->layer->clamp_max;
    return op->outputs[0];
}

/* Thresholds of each channel, of all that it has, from first on; those of a channel that falls are negated. */
static uint32_t add_thresholds(struct comparison *c, uint32_t channels, uint32_t first, uint32_t count) {
    const struct qm_requant *requant = c->s->op->requant;
    uint32_t all = (uint32_t)(requant->high - requant->low);
    struct qm_shape shape = {0};
    double *thresholds = QM_ARENA_NEW(c->maker.arena, double, (size_t)channels *count);
    for (uint32_t channel = 0; channel < channels; channel++)
        for (uint32_t i = 0; i < count; i++)
            thresholds[channel * count + i] = (requant->falling[channel] ? -1 : 1) * (double)requant->thresholds[channel * all + first + i];
    if (channels > 1) shape.dims[shape.rank++] = channels;
    shape.dims[shape.rank++] = count;
    return qm_graph_add_constant(&c->maker, "", QM_F64, &shape, thresholds);
}

/* How many of some thresholds the sums x reach, twice and less their number; x has a last dimension of 1. */
static uint32_t count_some(struct comparison *c, uint32_t x, uint32_t thresholds) {
    struct qm_shape table = shape_of(c, thresholds), one = shape_of(c, x), each = one;
    each.dims[each.rank - 1] = table.dims[table.rank - 1];
    x = add_binary(c, QM_OP_SUB, x, thresholds, &each);
    x = add_op(c, QM_OP_SIGN, x, &each)->outputs[0];
    struct qm_graph_op *op = add_op(c, QM_OP_SUM, x, &one);
    op->axes = 1U << (one.rank - 1);
    return op->outputs[0];
}

/* low + the thresholds that the sums reach; in a channel that falls, those that the negated sums do. */
static uint32_t count_reached(struct comparison *c, uint32_t x) {
    const struct qm_requant *requant = c->s->op->requant;
    struct qm_shape own = shape_of(c, x);
    uint32_t channels = has_channels(c) ? requant->channels : 1, count = (uint32_t)(requant->high - requant->low);
    uint64_t elements = qm_shape_elements(&own), at_once = COMPARED_AT_ONCE / elements + 1;
    struct qm_shape one = {3, {(uint32_t)(elements / channels), channels, 1}};
    double *signs = QM_ARENA_NEW(c->maker.arena, double, channels);
    QM_CHECK(count > 0); /* one integer for all sums is exact */
    for (uint32_t i = 0; i < channels; i++) signs[i] = requant->falling[i] ? -1 : 1;
    uint32_t sums = reshape(c, with_numbers(c, QM_OP_MUL, x, channels, signs), &one), total = QM_NO_TENSOR;
    for (uint32_t first = 0, some; first < count; first += some) {
        some = count - first < at_once ? count - first : (uint32_t)at_once;
        uint32_t part = count_some(c, sums, add_thresholds(c, channels, first, some));
        total = total == QM_NO_TENSOR ? part : add_binary(c, QM_OP_ADD, total, part, &one);
    }
    total = with_number(c, QM_OP_MUL, reshape(c, total, &own), 0.5);
    return with_number(c, QM_OP_ADD, total, requant->low + 0.5 * count);
}

/* ---- the layer ---- */

/* The integers of the machine less those that are meant, in the shape of the output. */
static uint32_t subtract(struct comparison *c, uint32_t meant) {
    struct qm_shape shape = qm_graph_shape(site_output(c->s, 0));
    uint32_t machine = add_value(c, c->s->l->value_of[c->s->op->outputs[0]]);
    uint32_t difference = add_binary(c, QM_OP_SUB, machine, reshape(c, meant, &shape), &shape);
    struct qm_graph_op *op = add_op(c, QM_OP_CAST, difference, &shape);
    c->maker.graph->tensors[op->outputs[0]].dtype = QM_I32;
    return op->outputs[0];
}

static void add_layer(struct comparison *c) {
    struct legalizer *l = c->s->l;
    uint32_t output = legalize_add_value(l, c->s->op->outputs[0], QM_NO_TENSOR);
    struct qm_value *value = &l->network->values[output];
    value->name = qm_arena_printf(l->arena, "%s.deviation", value->name);
    value->dtype = QM_I32;
    value->bits = 8 * (uint32_t)qm_dtype_bytes(value->dtype);
    struct qm_layer *layer = site_layer(c->s, QM_LAYER_HOST);
    layer->graph = c->maker.graph;
    layer->input_count = c->input_count;
    memcpy(layer->inputs, c->values, c->input_count * sizeof *c->values);
    layer->output = output;
    l->comparisons[l->comparison_count++] = output;
}

enum qm_status site_compare(const struct site *s, const struct qm_layer *layer) {
    struct qm_graph_maker maker = {.arena = s->l->arena, .graph = QM_ARENA_NEW(s->l->arena, struct qm_graph, 1)};
    struct comparison c = {.s = s, .layer = layer, .maker = maker};
    uint32_t x;
    QM_TRY(add_sum(&c, &x));
    x = s->op->requant->channels > 0 ? count_reached(&c, x) : quantize(&c, x);
    x = subtract(&c, x);
    c.maker.graph->is_real = true;
    qm_graph_set_ends(&c.maker, c.input_count, c.ends, x);
    add_layer(&c);
    return QM_OK;
}
