/* tflite_draw_sums.c - operators with windows and weights, and products of matrices, for tflite_draw.h. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tflite_draw.h"

/* ---- windows ---- */

/* One axis of a window: output positions and padding, as SAME and VALID give them. */
struct span {
    uint32_t in, kernel, stride, dilation, out, before, after;
};

static void resolve(struct span *s, bool same) {
    uint32_t window = (s->kernel - 1) * s->dilation + 1, padding = 0;
    s->out = same ? (s->in + s->stride - 1) / s->stride : (s->in - window) / s->stride + 1;
    if (same && (s->out - 1) * s->stride + window > s->in) padding = (s->out - 1) * s->stride + window - s->in;
    s->before = padding / 2;
    s->after = padding - s->before;
}

/* Kernel and dilation fit into the input unless it is padded. */
static struct span draw_span(struct tflite_draw *d, uint32_t in, bool same, bool dilated) {
    struct span s = {.in = in, .kernel = tflite_draw_between(d, 1, 4), .stride = tflite_draw_between(d, 1, 3), .dilation = 1};
    if (tflite_draw_chance(d, 3)) s.stride = tflite_draw_between(d, 250, 350); /* a field has 8 bits, but one window needs none */
    if (dilated && tflite_draw_chance(d, 25)) s.dilation = tflite_draw_between(d, 2, 3);
    if (!same && (s.kernel - 1) * s.dilation + 1 > in) s.dilation = 1;
    if (!same && s.kernel > in) s.kernel = in;
    resolve(&s, same);
    return s;
}

static void say_window(struct tflite_draw *d, struct qm_graph_op *op, const struct span *h, const struct span *w, bool same) {
    op->kernel_h = h->kernel;
    op->kernel_w = w->kernel;
    op->stride_h = h->stride;
    op->stride_w = w->stride;
    op->dilation_h = h->dilation;
    op->dilation_w = w->dilation;
    op->pad_top = h->before;
    op->pad_bottom = h->after;
    op->pad_left = w->before;
    op->pad_right = w->after;
    tflite_draw_slot(d, WINDOW_PADDING, same ? PADDING_SAME : PADDING_VALID);
    tflite_draw_slot(d, WINDOW_STRIDE_W, w->stride);
    tflite_draw_slot(d, WINDOW_STRIDE_H, h->stride);
}

/* A map of so many rows that a window over most of them is longer than an instruction can say. */
static uint32_t draw_long_map(struct tflite_draw *d, struct span *h, bool same) {
    struct qm_shape shape = {4, {1, tflite_draw_between(d, 256, 400), tflite_draw_between(d, 1, 2), tflite_draw_between(d, 1, 3)}};
    uint32_t in = tflite_draw_tensor(d, tflite_draw_type(d, DRAW_BYTES), &shape, 1);
    tflite_draw_input(d, in);
    *h = (struct span){.in = shape.dims[1], .dilation = 1, .stride = tflite_draw_between(d, 1, 300)};
    h->kernel = tflite_draw_between(d, 200, h->in);
    resolve(h, same);
    return in;
}

/* A scale that differs by less than what TFLite's pools see. */
static void draw_near_scale(struct tflite_draw *d, uint32_t tensor) {
    const struct qm_quant *quant = &d->tensors[tensor].quant;
    tflite_draw_quant(d, tensor, quant->scale[0] + 9e-7F, quant->zero_point[0]);
}

static void draw_pool(struct tflite_draw *d, const struct tflite_draw_row *row) {
    bool same = tflite_draw_chance(d, 50), is_long = tflite_draw_chance(d, 10);
    struct span h;
    uint32_t in = is_long ? draw_long_map(d, &h, same) : tflite_draw_source(d, row->types, 4, 4);
    const uint32_t *dims = d->tensors[in].dims;
    if (!is_long) h = draw_span(d, dims[1], same, false);
    struct span w = draw_span(d, dims[2], same, false);
    const struct qm_shape shape = {4, {dims[0], h.out, w.out, dims[3]}};
    uint32_t out = tflite_draw_like(d, in, &shape);
    if (d->tensors[out].dtype != QM_F32 && tflite_draw_chance(d, 20)) draw_near_scale(d, out);
    struct qm_graph_op *op = tflite_draw_op(d, row);
    say_window(d, op, &h, &w, same);
    tflite_draw_slot(d, POOL_FILTER_W, w.kernel);
    tflite_draw_slot(d, POOL_FILTER_H, h.kernel);
    tflite_draw_activation(d, op, POOL_ACTIVATION);
    tflite_draw_takes(d, in);
    tflite_draw_gives(d, out);
}

/* ---- weights ---- */

/* Constant weights for an input; of int8 with a scale for each channel, along `axis`, or with one for all. */
static uint32_t draw_weights(struct tflite_draw *d, uint32_t in, const struct qm_shape *shape, uint32_t axis) {
    enum qm_dtype dtype = d->tensors[in].dtype;
    uint32_t weights = tflite_draw_tensor(d, dtype, shape, ldexp(1, -(int)tflite_draw_between(d, 0, 5))), channels = shape->dims[axis];
    uint8_t *bytes = tflite_draw_constant(d, weights);
    for (size_t i = 0; dtype == QM_I8 && i < d->tensors[weights].size_bytes; i++) bytes[i] = bytes[i] == 128 ? 127 : bytes[i];
    if (dtype == QM_U8) return weights;
    tflite_draw_quant(d, weights, d->tensors[weights].quant.scale[0], 0);
    if (channels < 2 || tflite_draw_chance(d, 40)) return weights;
    float *scales = QM_ARENA_NEW(d->arena, float, channels);
    for (uint32_t i = 0; i < channels; i++)
        scales[i] = d->tensors[weights].quant.scale[0] * (float)tflite_draw_between(d, 100, 2000) / 1000;
    d->tensors[weights].quant =
        (struct qm_quant){.count = channels, .scale = scales, .zero_point = QM_ARENA_NEW(d->arena, int64_t, channels), .axis = axis};
    return weights;
}

/* One bias a channel, with the product of the scales. */
static uint32_t draw_bias(struct tflite_draw *d, uint32_t in, uint32_t weights, uint32_t channels) {
    const struct qm_quant *of_weights = &d->tensors[weights].quant;
    const struct qm_shape shape = {1, {channels}};
    uint32_t bias = tflite_draw_tensor(d, QM_I32, &shape, 1), count = of_weights->count;
    int32_t *numbers = (int32_t *)(void *)tflite_draw_constant(d, bias);
    float *scales = QM_ARENA_NEW(d->arena, float, count);
    for (uint32_t i = 0; i < channels; i++) numbers[i] %= 30000;
    for (uint32_t i = 0; i < count; i++) scales[i] = d->tensors[in].quant.scale[0] * of_weights->scale[i];
    d->tensors[bias].quant = (struct qm_quant){.count = count, .scale = scales, .zero_point = QM_ARENA_NEW(d->arena, int64_t, count)};
    d->file.tensors[bias].quant = &d->tensors[bias].quant;
    return bias;
}

/* What sums of so many products of both come to, about. */
static double reach_of(const struct tflite_draw *d, uint32_t in, uint32_t weights, uint32_t products) {
    return d->reach[in] * d->reach[weights] * sqrt(products);
}

/* Operands in the graph's order, and the output. */
static void finish(struct tflite_draw *d, uint32_t in, uint32_t weights, const struct qm_shape *shape, uint32_t products) {
    uint32_t bias = tflite_draw_chance(d, 70) ? draw_bias(d, in, weights, shape->dims[shape->rank - 1]) : QM_NO_TENSOR;
    tflite_draw_takes(d, in);
    tflite_draw_takes(d, weights);
    if (bias != QM_NO_TENSOR) tflite_draw_takes(d, bias);
    tflite_draw_gives(d, tflite_draw_tensor(d, d->tensors[in].dtype, shape, reach_of(d, in, weights, products)));
}

/* The last operator takes another tensor for its operand i. */
static void replace(struct tflite_draw *d, uint32_t i, uint32_t tensor) {
    struct qm_graph_op *op = &d->ops[d->graph.op_count - 1];
    struct build_node *node = &d->file.nodes[d->file.node_count - 1];
    for (uint32_t k = 0; k < node->input_count; k++)
        if (node->inputs[k] == (int32_t)op->inputs[i]) node->inputs[k] = (int32_t)tensor;
    op->inputs[i] = tensor;
    d->read[tensor] = true;
}

/* Now and then what the last operator does, with the same weights, to an input like its own; with the same bias, to an output like its own,
 * or with others. */
static void repeat(struct tflite_draw *d) {
    const struct qm_graph_op last = d->ops[d->graph.op_count - 1];
    const struct build_node last_node = d->file.nodes[d->file.node_count - 1];
    const struct tflite_draw_row row = {last_node.code, last_node.options, last.kind, 0, NULL};
    uint32_t in = last.inputs[0], out = last.outputs[0], bias = last.inputs[2], index = d->file.node_count;
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]), made = qm_graph_shape(&d->tensors[out]);
    if (!tflite_draw_chance(d, 15)) return;
    in = tflite_draw_like(d, in, &shape);
    tflite_draw_input(d, in);
    out = tflite_draw_chance(d, 60) ? tflite_draw_like(d, out, &made) : tflite_draw_tensor(d, d->tensors[out].dtype, &made, d->reach[out]);
    struct qm_graph_op *op = tflite_draw_op(d, &row);
    *op = last;
    qm_graph_own_operands(op, d->arena);
    op->index = index;
    op->output_count = 0;
    d->file.nodes[index] = last_node;
    d->file.nodes[index].output_count = 0;
    replace(d, 0, in);
    if (bias != QM_NO_TENSOR && tflite_draw_chance(d, 30)) replace(d, 2, draw_bias(d, in, last.inputs[1], made.dims[made.rank - 1]));
    tflite_draw_gives(d, out);
}

static uint32_t divisor_of(struct tflite_draw *d, uint32_t number) {
    uint32_t divisor = tflite_draw_between(d, 1, number);
    while (number % divisor != 0) divisor--;
    return divisor;
}

static void draw_conv(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 4, 4);
    const uint32_t *dims = d->tensors[in].dims;
    uint32_t groups = d->tensors[in].dtype == QM_I8 && tflite_draw_chance(d, 25) ? divisor_of(d, dims[3]) : 1;
    uint32_t channels = groups * tflite_draw_between(d, 1, groups > 1 ? 3 : 9);
    bool same = tflite_draw_chance(d, 50);
    struct span h = draw_span(d, dims[1], same, true), w = draw_span(d, dims[2], same, true);
    const struct qm_shape filter = {4, {channels, h.kernel, w.kernel, dims[3] / groups}}, shape = {4, {dims[0], h.out, w.out, channels}};
    uint32_t weights = draw_weights(d, in, &filter, 0);
    struct qm_graph_op *op = tflite_draw_op(d, row);
    say_window(d, op, &h, &w, same);
    tflite_draw_slot(d, CONV_DILATION_W, w.dilation);
    tflite_draw_slot(d, CONV_DILATION_H, h.dilation);
    tflite_draw_activation(d, op, CONV_ACTIVATION);
    finish(d, in, weights, &shape, h.kernel * w.kernel * filter.dims[3]);
    repeat(d);
}

static void draw_depthwise(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 4, 4), multiplier = tflite_draw_chance(d, 60) ? 1 : tflite_draw_between(d, 2, 4);
    const uint32_t *dims = d->tensors[in].dims;
    bool same = tflite_draw_chance(d, 50);
    struct span h = draw_span(d, dims[1], same, true), w = draw_span(d, dims[2], same, true);
    const struct qm_shape filter = {4, {1, h.kernel, w.kernel, dims[3] * multiplier}};
    const struct qm_shape shape = {4, {dims[0], h.out, w.out, filter.dims[3]}};
    uint32_t weights = draw_weights(d, in, &filter, 3);
    struct qm_graph_op *op = tflite_draw_op(d, row);
    say_window(d, op, &h, &w, same);
    op->depth_multiplier = multiplier;
    tflite_draw_slot(d, DEPTHWISE_MULTIPLIER, multiplier);
    tflite_draw_slot(d, DEPTHWISE_DILATION_W, w.dilation);
    tflite_draw_slot(d, DEPTHWISE_DILATION_H, h.dilation);
    tflite_draw_activation(d, op, DEPTHWISE_ACTIVATION);
    finish(d, in, weights, &shape, h.kernel * w.kernel);
    repeat(d);
}

/* The window goes over the output and gives the input's positions. The file's operands are in an order of their own. */
static void draw_transpose_conv(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 4, 4), channels = tflite_draw_between(d, 1, 6);
    const uint32_t *dims = d->tensors[in].dims;
    bool same = tflite_draw_chance(d, 50);
    struct span spans[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct span *s = &spans[i];
        *s = (struct span){.kernel = tflite_draw_between(d, 1, 4), .stride = tflite_draw_between(d, 1, 3), .dilation = 1};
        s->in = same ? dims[1 + i] * s->stride - tflite_draw_between(d, 0, s->stride - 1)
                     : (dims[1 + i] - 1) * s->stride + s->kernel + tflite_draw_between(d, 0, s->stride - 1);
        resolve(s, same);
    }
    const struct qm_shape filter = {4, {channels, spans[0].kernel, spans[1].kernel, dims[3]}};
    const struct qm_shape shape = {4, {dims[0], spans[0].in, spans[1].in, channels}};
    int32_t said[4];
    for (int i = 0; i < 4; i++) said[i] = (int32_t)shape.dims[i];
    uint32_t weights = draw_weights(d, in, &filter, 0), asked = tflite_draw_numbers(d, 1, 4, said);
    struct qm_graph_op *op = tflite_draw_op(d, row);
    say_window(d, op, &spans[0], &spans[1], same);
    tflite_draw_activation(d, op, TRANSPOSE_CONV_ACTIVATION);
    finish(d, in, weights, &shape, spans[0].kernel * spans[1].kernel * dims[3]);
    struct build_node *node = &d->file.nodes[d->file.node_count - 1];
    node->inputs[3] = node->inputs[2];
    node->inputs[2] = (int32_t)in;
    node->inputs[0] = (int32_t)asked;
    node->input_count++;
    repeat(d);
}

/* ---- matrices ---- */

/* Computed weights have one scale. */
static uint32_t draw_matrix(struct tflite_draw *d, uint32_t in, const struct qm_shape *shape) {
    return tflite_draw_chance(d, 75) ? draw_weights(d, in, shape, 0) : tflite_draw_operand(d, d->tensors[in].dtype, shape, false);
}

static void draw_fully_connected(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), channels = tflite_draw_between(d, 1, 12), rank = d->tensors[in].rank;
    const uint32_t *dims = d->tensors[in].dims;
    uint32_t features = dims[rank - 1], elements = (uint32_t)qm_graph_elements(&d->tensors[in]);
    bool keep = rank > 1 && tflite_draw_chance(d, 30);
    if (!keep && rank > 2 && tflite_draw_chance(d, 50)) features *= dims[rank - 2];
    const struct qm_shape matrix = {2, {channels, features}};
    struct qm_shape shape = {2, {elements / features, channels}};
    if (keep) {
        shape = qm_graph_shape(&d->tensors[in]);
        shape.dims[rank - 1] = channels;
    }
    uint32_t weights = draw_matrix(d, in, &matrix);
    struct qm_graph_op *op = tflite_draw_op(d, row);
    tflite_draw_slot(d, FC_KEEP_DIMS, keep);
    tflite_draw_activation(d, op, FC_ACTIVATION);
    finish(d, in, weights, &shape, features);
    repeat(d);
}

/* The second operand's stack has ones, or fewer dimensions. */
static void draw_matmul(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 2, 5), rank = d->tensors[in].rank;
    bool first = tflite_draw_chance(d, 40), second = tflite_draw_chance(d, 40);
    const uint32_t *dims = d->tensors[in].dims;
    uint32_t rows = dims[rank - (first ? 1 : 2)], depth = dims[rank - (first ? 2 : 1)], columns = tflite_draw_between(d, 1, 8);
    uint32_t missing = tflite_draw_chance(d, 30) ? tflite_draw_between(d, 0, rank - 2) : 0;
    struct qm_shape other = qm_graph_shape(&d->tensors[in]), shape = other;
    for (uint32_t i = 0; i + 2 < rank; i++) {
        if (other.dims[i] == 1 && i >= missing) shape.dims[i] = other.dims[i] = tflite_draw_between(d, 1, 3);
        if (tflite_draw_chance(d, 25)) other.dims[i] = 1;
        shape.dims[i] = other.dims[i] > dims[i] ? other.dims[i] : dims[i];
    }
    other.dims[rank - 2] = second ? columns : depth;
    other.dims[rank - 1] = second ? depth : columns;
    shape.dims[rank - 2] = rows;
    shape.dims[rank - 1] = columns;
    memmove(other.dims, other.dims + missing, (rank - missing) * sizeof *other.dims);
    other.rank = rank - missing;
    for (uint32_t i = 0; i < missing; i++) shape.dims[i] = dims[i];
    uint32_t right = tflite_draw_operand(d, d->tensors[in].dtype, &other, true);
    uint32_t out = tflite_draw_tensor(d, d->tensors[in].dtype, &shape, reach_of(d, in, right, depth));
    struct qm_graph_op *op = tflite_draw_op(d, row);
    op->first_transposed = first;
    op->transposed = second;
    tflite_draw_slot(d, MATMUL_FIRST_TRANSPOSED, first);
    tflite_draw_slot(d, MATMUL_TRANSPOSED, second);
    tflite_draw_takes(d, in);
    tflite_draw_takes(d, right);
    tflite_draw_gives(d, out);
}

/* clang-format off */
const struct tflite_draw_row tflite_draw_sums[] = {
    {TFLITE_CONV_2D,           OPTIONS_CONV,           QM_OP_CONV_2D,           DRAW_BYTES, draw_conv},
    {TFLITE_DEPTHWISE_CONV_2D, OPTIONS_DEPTHWISE,      QM_OP_DEPTHWISE_CONV_2D, DRAW_BYTES, draw_depthwise},
    {TFLITE_TRANSPOSE_CONV,    OPTIONS_TRANSPOSE_CONV, QM_OP_TRANSPOSE_CONV,    DRAW_BYTES, draw_transpose_conv},
    {TFLITE_FULLY_CONNECTED,   OPTIONS_FC,             QM_OP_FULLY_CONNECTED,   DRAW_BYTES, draw_fully_connected},
    {TFLITE_BATCH_MATMUL,      OPTIONS_BATCH_MATMUL,   QM_OP_BATCH_MATMUL,      DRAW_I8,    draw_matmul},
    {TFLITE_AVERAGE_POOL_2D,   OPTIONS_POOL,           QM_OP_AVERAGE_POOL_2D,   DRAW_ANY,   draw_pool},
    {TFLITE_MAX_POOL_2D,       OPTIONS_POOL,           QM_OP_MAX_POOL_2D,       DRAW_ANY,   draw_pool},
    {.draw = NULL},
};
/* clang-format on */
