/* random_graph.c - see random_graph.h. Scales are drawn so that outputs spread over the int8 range. */
#include "tests/support/random_graph.h"

#include <math.h>

enum { MAX_TENSORS = 64, MAX_OPS = 8 };

struct builder {
    struct qm_arena *arena;
    struct qm_prng *prng;
    struct qm_graph *graph;
};

static uint32_t draw(struct builder *b, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(b->prng) % (high - low + 1));
}

static uint32_t add_tensor(struct builder *b, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    struct qm_graph_tensor *tensor = &b->graph->tensors[b->graph->tensor_count];
    tensor->name = qm_arena_printf(b->arena, "t%u", b->graph->tensor_count);
    tensor->dtype = dtype;
    tensor->rank = rank;
    tensor->size_bytes = qm_dtype_bytes(dtype);
    for (uint32_t i = 0; i < rank; i++) tensor->size_bytes *= tensor->dims[i] = dims[i];
    return b->graph->tensor_count++;
}

static void quantize(struct builder *b, uint32_t tensor, uint32_t count, double scale, int64_t zero) {
    float *scales = QM_ARENA_NEW(b->arena, float, count);
    int64_t *zeros = QM_ARENA_NEW(b->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) {
        scales[i] = (float)(scale * (1 + 0.01 * draw(b, 0, 50)));
        zeros[i] = zero;
    }
    b->graph->tensors[tensor].quant = (struct qm_quant){.count = count, .scale = scales, .zero_point = zeros};
}

static uint32_t add_map(struct builder *b, uint32_t h, uint32_t w, uint32_t c) {
    uint32_t tensor = add_tensor(b, QM_I8, 4, (uint32_t[]){1, h, w, c});
    quantize(b, tensor, 1, 0.05, (int64_t)draw(b, 0, 40) - 20);
    return tensor;
}

static uint32_t add_constant(struct builder *b, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims, double scale, uint32_t axis) {
    uint32_t tensor = add_tensor(b, dtype, rank, dims);
    int8_t *bytes = qm_arena_alloc(b->arena, b->graph->tensors[tensor].size_bytes);
    for (size_t i = 0; i < b->graph->tensors[tensor].size_bytes; i++) bytes[i] = dtype == QM_I8 ? (int8_t)((int)draw(b, 0, 254) - 127) : 0;
    for (size_t i = 0; dtype == QM_I32 && i < dims[0]; i++) ((int32_t *)(void *)bytes)[i] = (int32_t)draw(b, 0, 4000) - 2000;
    b->graph->tensors[tensor].data = bytes;
    quantize(b, tensor, axis == UINT32_MAX ? 1 : dims[axis], scale, 0);
    b->graph->tensors[tensor].quant.axis = axis == UINT32_MAX ? 0 : axis;
    return tensor;
}

static struct qm_graph_op *add_op(struct builder *b, enum qm_graph_op_kind kind, uint32_t input) {
    struct qm_graph_op *op = &b->graph->ops[b->graph->op_count];
    *op = (struct qm_graph_op){.kind = kind, .index = b->graph->op_count++, .inputs = {input}, .input_count = 1};
    op->kernel_h = op->kernel_w = op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->depth_multiplier = 1;
    op->activation = (enum qm_activation)draw(b, QM_ACT_NONE, QM_ACT_RELU6);
    return op;
}

/* A window no larger than the padded map; the pads stay below the window. Returns the output's extent. */
static uint32_t draw_axis(struct builder *b, uint32_t size, uint32_t *kernel, uint32_t *stride, uint32_t *dilation, uint32_t pads[2]) {
    do {
        *kernel = draw(b, 1, 4);
        *stride = draw(b, 1, 2);
        *dilation = *dilation == 0 ? 1 : draw(b, 1, 2);
        pads[0] = draw(b, 0, (*kernel - 1) / 2);
        pads[1] = draw(b, 0, (*kernel - 1) / 2);
    } while ((*kernel - 1) * *dilation + 1 > size + pads[0] + pads[1]);
    return (size + pads[0] + pads[1] - (*kernel - 1) * *dilation - 1) / *stride + 1;
}

static void draw_window(struct builder *b, struct qm_graph_op *op, bool dilates, uint32_t *h, uint32_t *w) {
    const uint32_t *dims = b->graph->tensors[op->inputs[0]].dims;
    uint32_t y[2], x[2];
    op->dilation_h = op->dilation_w = dilates;
    *h = draw_axis(b, dims[1], &op->kernel_h, &op->stride_h, &op->dilation_h, y);
    *w = draw_axis(b, dims[2], &op->kernel_w, &op->stride_w, &op->dilation_w, x);
    op->pad_top = y[0], op->pad_bottom = y[1], op->pad_left = x[0], op->pad_right = x[1];
}

static double weight_scale(double products) {
    return 0.015 / sqrt(products);
}

static uint32_t add_convolution(struct builder *b, uint32_t input, bool depthwise) {
    uint32_t h, w, depth = b->graph->tensors[input].dims[3], channels = depthwise ? depth : draw(b, 1, 40);
    struct qm_graph_op *op = add_op(b, depthwise ? QM_OP_DEPTHWISE_CONV_2D : QM_OP_CONV_2D, input);
    draw_window(b, op, true, &h, &w);
    double scale = weight_scale(op->kernel_h * op->kernel_w * (depthwise ? 1 : depth));
    uint32_t dense[] = {channels, op->kernel_h, op->kernel_w, depth}, single[] = {1, op->kernel_h, op->kernel_w, channels};
    op->inputs[1] = add_constant(b, QM_I8, 4, depthwise ? single : dense, scale, depthwise ? 3 : 0);
    op->inputs[2] = add_constant(b, QM_I32, 1, &channels, 1, 0);
    op->input_count = 3;
    float *bias_scales = QM_ARENA_NEW(b->arena, float, channels);
    for (uint32_t i = 0; i < channels; i++)
        bias_scales[i] = b->graph->tensors[op->inputs[1]].quant.scale[i] * b->graph->tensors[input].quant.scale[0];
    b->graph->tensors[op->inputs[2]].quant.scale = bias_scales;
    return op->output = add_map(b, h, w, channels);
}

static uint32_t add_pool(struct builder *b, uint32_t input) {
    uint32_t h, w, depth = b->graph->tensors[input].dims[3];
    struct qm_graph_op *op = add_op(b, draw(b, 0, 1) ? QM_OP_MAX_POOL_2D : QM_OP_AVERAGE_POOL_2D, input);
    draw_window(b, op, false, &h, &w);
    op->output = add_map(b, h, w, depth);
    b->graph->tensors[op->output].quant = b->graph->tensors[input].quant;
    return op->output;
}

/* With an earlier map of the same shape, or itself. */
static uint32_t add_addition(struct builder *b, uint32_t input) {
    const uint32_t *dims = b->graph->tensors[input].dims;
    uint32_t other = input;
    for (uint32_t i = 0; i < b->graph->op_count; i++) {
        uint32_t tensor = b->graph->ops[i].output;
        const uint32_t *d = b->graph->tensors[tensor].dims;
        if (b->graph->tensors[tensor].rank == 4 && d[1] == dims[1] && d[2] == dims[2] && d[3] == dims[3]) other = tensor;
    }
    struct qm_graph_op *op = add_op(b, QM_OP_ADD, input);
    op->inputs[1] = other;
    op->input_count = 2;
    return op->output = add_map(b, dims[1], dims[2], dims[3]);
}

static uint32_t add_dense(struct builder *b, uint32_t input) {
    const struct qm_graph_tensor *in = &b->graph->tensors[input];
    uint32_t depth = in->dims[1] * in->dims[2] * in->dims[3], outputs = draw(b, 1, 40);
    struct qm_graph_op *op = add_op(b, QM_OP_FULLY_CONNECTED, input);
    double scale = weight_scale(depth);
    op->inputs[1] = add_constant(b, QM_I8, 2, (uint32_t[]){outputs, depth}, scale, UINT32_MAX);
    op->inputs[2] = add_constant(b, QM_I32, 1, &outputs, 1, UINT32_MAX);
    op->input_count = 3;
    float *bias_scale = QM_ARENA_NEW(b->arena, float, 1);
    *bias_scale = b->graph->tensors[op->inputs[1]].quant.scale[0] * b->graph->tensors[input].quant.scale[0];
    b->graph->tensors[op->inputs[2]].quant.scale = bias_scale;
    op->output = add_tensor(b, QM_I8, 2, (uint32_t[]){1, outputs});
    quantize(b, op->output, 1, 0.05, -3);
    return op->output;
}

struct qm_graph *random_graph(struct qm_arena *arena, struct qm_prng *prng, uint32_t size) {
    struct builder b = {.arena = arena, .prng = prng, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)};
    struct qm_graph *graph = b.graph;
    graph->file = "random";
    graph->tensors = QM_ARENA_NEW(arena, struct qm_graph_tensor, MAX_TENSORS);
    graph->ops = QM_ARENA_NEW(arena, struct qm_graph_op, MAX_OPS);
    graph->inputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->outputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->input_count = graph->output_count = 1;
    uint32_t x = graph->inputs[0] = add_map(&b, draw(&b, 1, size), draw(&b, 1, size), draw(&b, 1, 24));
    for (uint32_t i = draw(&b, 1, MAX_OPS - 2); i > 0; i--) {
        uint32_t kind = draw(&b, 0, 9);
        x = kind < 5   ? add_convolution(&b, x, false)
            : kind < 7 ? add_convolution(&b, x, true)
            : kind < 8 ? add_pool(&b, x)
                       : add_addition(&b, x);
    }
    graph->outputs[0] = draw(&b, 0, 1) ? add_dense(&b, x) : x;
    return graph;
}
