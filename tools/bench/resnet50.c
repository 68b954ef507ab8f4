/* resnet50.c - builds the graph of He et al., Deep Residual Learning, table 1 (50 layers, stride in the 3x3 convolution as in later
 * practice): shapes are real, weights and scales are seeded, so that times are those of a real network of this size. And chains of its
 * blocks, as deep as one likes.
 */
#include "tools/bench/resnet50.h"

#include <math.h>

#include "common/prng.h"

struct builder {
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct qm_prng prng;
};

static struct qm_quant quant(struct builder *b, uint32_t count, float scale, int64_t zero) {
    float *scales = QM_ARENA_NEW(b->arena, float, count);
    int64_t *zeros = QM_ARENA_NEW(b->arena, int64_t, count);
    for (uint32_t i = 0; i < count; i++) scales[i] = scale, zeros[i] = zero;
    return (struct qm_quant){.count = count, .scale = scales, .zero_point = zeros};
}

static uint32_t add_tensor(struct builder *b, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims, struct qm_quant q) {
    struct qm_graph_tensor *tensor = &b->graph->tensors[b->graph->tensor_count];
    tensor->name = qm_arena_printf(b->arena, "t%u", b->graph->tensor_count);
    tensor->dtype = dtype;
    tensor->rank = rank;
    tensor->quant = q;
    tensor->size_bytes = qm_dtype_bytes(dtype);
    for (uint32_t i = 0; i < rank; i++) tensor->size_bytes *= tensor->dims[i] = dims[i];
    return b->graph->tensor_count++;
}

static uint32_t add_map(struct builder *b, uint32_t h, uint32_t w, uint32_t c) {
    return add_tensor(b, QM_I8, 4, (uint32_t[]){1, h, w, c}, quant(b, 1, 0.05f, -4));
}

static uint32_t add_random(struct builder *b, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims, struct qm_quant q) {
    uint32_t index = add_tensor(b, dtype, rank, dims, q);
    struct qm_graph_tensor *tensor = &b->graph->tensors[index];
    int8_t *bytes = qm_arena_alloc(b->arena, tensor->size_bytes);
    for (size_t i = 0; dtype == QM_I8 && i < tensor->size_bytes; i++) bytes[i] = (int8_t)((int)(qm_prng_next(&b->prng) % 255) - 127);
    tensor->data = bytes; /* biases stay zero */
    return index;
}

static struct qm_graph_op *add_op(struct builder *b, enum qm_graph_op_kind kind, uint32_t input) {
    struct qm_graph_op *op = &b->graph->ops[b->graph->op_count];
    *op = (struct qm_graph_op){.kind = kind, .index = b->graph->op_count++, .input_count = 1, .output_count = 1};
    qm_graph_open_operands(op, b->arena);
    op->inputs[0] = input;
    op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->depth_multiplier = 1;
    return op;
}

static void set_window(struct qm_graph_op *op, uint32_t kernel, uint32_t stride, uint32_t pad) {
    op->kernel_h = op->kernel_w = kernel;
    op->stride_h = op->stride_w = stride;
    op->pad_top = op->pad_left = op->pad_bottom = op->pad_right = pad;
}

/* Scale that keeps outputs within their range: products of K random 8-bit numbers spread as sqrt(K). */
static float weight_scale(uint32_t k) {
    return 0.01f / sqrtf((float)k);
}

static uint32_t conv(struct builder *b, uint32_t input, uint32_t channels, uint32_t kernel, uint32_t stride) {
    const struct qm_graph_tensor *in = &b->graph->tensors[input];
    uint32_t pad = kernel / 2, out = (in->dims[1] + 2 * pad - kernel) / stride + 1, depth = in->dims[3];
    struct qm_graph_op *op = add_op(b, QM_OP_CONV_2D, input);
    set_window(op, kernel, stride, pad);
    float scale = weight_scale(kernel * kernel * depth);
    op->inputs[1] = add_random(b, QM_I8, 4, (uint32_t[]){channels, kernel, kernel, depth}, quant(b, channels, scale, 0));
    op->inputs[2] = add_random(b, QM_I32, 1, (uint32_t[]){channels}, quant(b, channels, scale * 0.05f, 0));
    op->input_count = 3;
    op->activation = QM_ACT_RELU;
    return op->outputs[0] = add_map(b, out, out, channels);
}

static uint32_t bottleneck(struct builder *b, uint32_t input, uint32_t channels, uint32_t stride) {
    const struct qm_graph_tensor *in = &b->graph->tensors[input];
    uint32_t x = conv(b, conv(b, conv(b, input, channels, 1, 1), channels, 3, stride), 4 * channels, 1, 1);
    uint32_t shortcut = in->dims[3] == 4 * channels && stride == 1 ? input : conv(b, input, 4 * channels, 1, stride);
    struct qm_graph_op *op = add_op(b, QM_OP_ADD, x);
    op->inputs[1] = shortcut;
    op->input_count = 2;
    op->activation = QM_ACT_RELU;
    const uint32_t *dims = b->graph->tensors[x].dims;
    return op->outputs[0] = add_map(b, dims[1], dims[2], dims[3]);
}

static uint32_t pool(struct builder *b, enum qm_graph_op_kind kind, uint32_t input, uint32_t kernel, uint32_t stride) {
    const struct qm_graph_tensor *in = &b->graph->tensors[input];
    uint32_t pad = kind == QM_OP_MAX_POOL_2D ? kernel / 2 : 0, out = (in->dims[1] + 2 * pad - kernel) / stride + 1;
    struct qm_graph_op *op = add_op(b, kind, input);
    set_window(op, kernel, stride, pad);
    return op->outputs[0] = add_map(b, out, out, in->dims[3]);
}

static uint32_t dense(struct builder *b, uint32_t input, uint32_t outputs) {
    uint32_t depth = b->graph->tensors[input].dims[3];
    struct qm_graph_op *op = add_op(b, QM_OP_FULLY_CONNECTED, input);
    float scale = weight_scale(depth);
    op->inputs[1] = add_random(b, QM_I8, 2, (uint32_t[]){outputs, depth}, quant(b, 1, scale, 0));
    op->inputs[2] = add_random(b, QM_I32, 1, (uint32_t[]){outputs}, quant(b, 1, scale * 0.05f, 0));
    op->input_count = 3;
    return op->outputs[0] = add_tensor(b, QM_I8, 2, (uint32_t[]){1, outputs}, quant(b, 1, 0.05f, -4));
}

static void add_stages(struct builder *b, uint32_t *x) {
    static const struct { uint32_t channels, blocks; } stages[] = {{64, 3}, {128, 4}, {256, 6}, {512, 3}};
    for (uint32_t s = 0; s < 4; s++)
        for (uint32_t i = 0; i < stages[s].blocks; i++) *x = bottleneck(b, *x, stages[s].channels, s > 0 && i == 0 ? 2 : 1);
}

/* An empty graph of one input and one output, with room for so many operators. */
static void init(struct builder *b, struct qm_arena *arena, const char *file, uint32_t ops, uint64_t seed) {
    enum { TENSORS_OF_OP = 3, NETWORK_TENSORS = 1 };
    struct qm_graph *graph = QM_ARENA_NEW(arena, struct qm_graph, 1);
    *b = (struct builder){.arena = arena, .graph = graph};
    qm_prng_init(&b->prng, seed);
    graph->file = file;
    graph->tensors = QM_ARENA_NEW(arena, struct qm_graph_tensor, TENSORS_OF_OP * ops + NETWORK_TENSORS);
    graph->ops = QM_ARENA_NEW(arena, struct qm_graph_op, ops);
    graph->inputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->outputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->input_count = graph->output_count = 1;
}

struct qm_graph *qm_bench_blocks(struct qm_arena *arena, uint32_t blocks, uint64_t seed) {
    enum { OPS_OF_BLOCK = 4, CHANNELS = 64 };
    struct builder b;
    init(&b, arena, "chain-of-blocks", OPS_OF_BLOCK * blocks, seed);
    uint32_t x = b.graph->inputs[0] = add_map(&b, 14, 14, 4 * CHANNELS);
    for (uint32_t i = 0; i < blocks; i++) x = bottleneck(&b, x, CHANNELS, 1);
    b.graph->outputs[0] = x;
    return b.graph;
}

struct qm_graph *qm_bench_resnet50(struct qm_arena *arena, uint64_t seed) {
    enum { OPS = 53 + 16 + 2 + 1 }; /* convolutions, additions, pools, the fully connected layer */
    struct builder b;
    init(&b, arena, "resnet50-shaped", OPS, seed);
    struct qm_graph *graph = b.graph;
    graph->inputs[0] = add_map(&b, 224, 224, 3);
    uint32_t x = pool(&b, QM_OP_MAX_POOL_2D, conv(&b, graph->inputs[0], 64, 7, 2), 3, 2);
    add_stages(&b, &x);
    graph->outputs[0] = dense(&b, pool(&b, QM_OP_AVERAGE_POOL_2D, x, 7, 7), 1000);
    return graph;
}
