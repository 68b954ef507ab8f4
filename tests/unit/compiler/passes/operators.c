/* operators.c - networks of one operator with random shapes and quantization, on random machines: the compiled program gives what the
 * reference evaluator gives, on the functional and on the cycle model, whether maps fit into the scratchpad or not.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/reference.h"

enum { TENSORS_MAX = 12, SEEDS = 60 };

/* The graph of one operator while it is drawn. */
struct sketch {
    struct qm_arena *arena;
    struct qm_prng prng;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[TENSORS_MAX];
    struct qm_graph_op op;
    uint32_t ends[2][TENSORS_MAX];
    bool on_machine;   /* none of its layers may be the host's */
    bool by_constants; /* none of its layers may have computed weights */
};

static uint32_t draw(struct sketch *s, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(&s->prng) % (high - low + 1));
}

static uint32_t add_tensor(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    struct qm_graph_tensor *tensor = &s->tensors[s->graph.tensor_count];
    *tensor = (struct qm_graph_tensor){.name = qm_arena_printf(s->arena, "t%u", s->graph.tensor_count), .dtype = dtype, .rank = rank};
    memcpy(tensor->dims, dims, rank * sizeof *dims);
    tensor->size_bytes = (size_t)qm_graph_elements(tensor) * qm_dtype_bytes(dtype);
    float *scale = QM_ARENA_NEW(s->arena, float, 1);
    int64_t *zero = QM_ARENA_NEW(s->arena, int64_t, 1);
    *scale = 0.002F * (float)draw(s, 1, 40);
    *zero = (int64_t)draw(s, 0, 255) - (dtype == QM_I8 ? 128 : 0);
    tensor->quant = (struct qm_quant){.count = 1, .scale = scale, .zero_point = zero};
    return s->graph.tensor_count++;
}

static uint32_t add_input(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t tensor = add_tensor(s, dtype, rank, dims);
    s->op.inputs[s->op.input_count++] = s->ends[0][s->graph.input_count++] = tensor;
    return tensor;
}

static uint32_t add_output(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t tensor = add_tensor(s, dtype, rank, dims);
    s->op.outputs[s->op.output_count++] = s->ends[1][s->graph.output_count++] = tensor;
    return tensor;
}

static void same_quant(struct sketch *s, uint32_t from, uint32_t to) {
    s->tensors[to].quant = s->tensors[from].quant;
}

static enum qm_dtype draw_type(struct sketch *s) {
    return draw(s, 0, 2) == 0 ? QM_U8 : QM_I8;
}

/* Up to four dimensions; sometimes too large for the scratchpad. */
static uint32_t draw_dims(struct sketch *s, uint32_t *dims) {
    uint32_t rank = draw(s, 1, 4), most = draw(s, 0, 3) == 0 ? 20 : 8;
    for (uint32_t d = 0; d < rank; d++) dims[d] = draw(s, 1, most);
    return rank;
}

static void draw_machine(struct sketch *s, struct qm_machine *machine) {
    struct qm_diag diag;
    qm_machine_init(machine);
    machine->rows = draw(s, 1, 20);
    machine->cols = draw(s, 1, 20);
    machine->scratchpad_bytes = 1U << draw(s, 10, 16);
    machine->accumulator_rows = 1U << draw(s, 2, 10);
    machine->axi_bytes = machine->dram_bytes_per_cycle = 1U << draw(s, 2, 6);
    machine->queue_depth = 1U << draw(s, 1, 4);
    machine->dram_latency = draw(s, 1, 120);
    cr_assert(qm_machine_check(machine, &diag) == QM_OK, "%s", diag.text);
}

/* ---- running ---- */

static void draw_bytes(struct sketch *s, const struct qm_graph_tensor *tensor, uint8_t *bytes) {
    qm_prng_fill(&s->prng, bytes, tensor->size_bytes);
    for (size_t i = 0; tensor->dtype == QM_F32 && i < tensor->size_bytes / 4; i++) {
        float value = (float)((int32_t)draw(s, 0, 8000) - 4000) * 0.005F;
        memcpy(bytes + 4 * i, &value, 4);
    }
}

struct comparison {
    uint64_t seed;
    const struct qm_program *program;
    const struct qm_graph *graph;
    const int8_t *const *inputs;
    const int8_t **want;
};

static void compare(const struct comparison *c, const struct qm_device_ops *engine) {
    struct qm_diag diag = {.text = ""};
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    qm_driver_memory(c->program, &options);
    cr_assert(eq(int, engine->create(&c->program->machine, &options, &device, &diag), QM_OK));
    cr_assert(eq(int, qm_driver_load(device, c->program, &diag), QM_OK));
    for (uint32_t i = 0; i < c->graph->input_count; i++) qm_driver_write_tensor(device, c->program, i, c->inputs[i]);
    cr_assert(qm_driver_run(device, c->program, NULL, NULL, &diag) == QM_OK, "seed %d: %s", (int)c->seed, diag.text);
    for (uint32_t i = 0; i < c->graph->output_count; i++) {
        uint32_t tensor = c->program->input_count + i;
        size_t bytes = c->program->tensors[tensor].size_bytes;
        uint8_t *got = malloc(bytes);
        qm_driver_read_tensor(device, c->program, tensor, got);
        cr_assert(memcmp(got, c->want[c->graph->outputs[i]], bytes) == 0, "seed %d: output %u on %s", (int)c->seed, i, engine->name);
        free(got);
    }
    device->ops->destroy(device);
}

static void open_sketch(struct sketch *s, enum qm_graph_op_kind kind, uint64_t seed) {
    *s = (struct sketch){.arena = qm_arena_create(), .op = {.kind = kind, .beta = 1}};
    qm_prng_init(&s->prng, seed);
    qm_graph_open_operands(&s->op, s->arena);
    s->graph = (struct qm_graph){.file = "one", .op_count = 1, .tensors = s->tensors, .ops = &s->op};
    s->graph.inputs = s->ends[0];
    s->graph.outputs = s->ends[1];
}

/* 1: right, 0: refused because the scratchpad is too small. */
static int check_sketch(struct sketch *s, uint64_t seed) {
    struct qm_machine machine;
    struct qm_network *network;
    struct qm_program *program;
    struct qm_diag diag = {.text = ""};
    const int8_t *inputs[TENSORS_MAX];
    draw_machine(s, &machine);
    for (uint32_t i = 0; i < s->graph.input_count; i++) {
        const struct qm_graph_tensor *tensor = &s->tensors[s->ends[0][i]];
        uint8_t *bytes = qm_arena_alloc(s->arena, tensor->size_bytes);
        draw_bytes(s, tensor, bytes);
        inputs[i] = (const int8_t *)bytes;
    }
    cr_assert(qm_legalize(&s->graph, NULL, s->arena, &network, &diag) == QM_OK, "seed %d: %s", (int)seed, diag.text);
    for (uint32_t i = 0; s->on_machine && i < network->layer_count; i++) cr_assert(ne(int, network->layers[i].kind, QM_LAYER_HOST));
    for (uint32_t i = 0; s->by_constants && i < network->layer_count; i++) cr_assert(not(qm_layer_is_product(&network->layers[i])));
    struct qm_compile_options options = {.search = (enum qm_search)draw(s, 0, 2), .keep_layers = draw(s, 0, 3) == 0};
    enum qm_status status = qm_compile_network(network, &machine, &options, &program, &diag);
    if (status == QM_OK) {
        struct comparison c = {seed, program, &s->graph, inputs, reference_run(&s->graph, inputs, s->arena)};
        compare(&c, &qm_device_functional);
        compare(&c, &qm_device_cycle);
        qm_program_destroy(program);
    } else {
        cr_assert(strstr(diag.text, "does not fit machine") != NULL, "seed %d: %s", (int)seed, diag.text);
    }
    qm_arena_destroy(s->arena);
    return status == QM_OK;
}

/* Draws and checks SEEDS sketches of an operator; half of them at least must find a machine that is large enough. */
static void check_operator(enum qm_graph_op_kind kind, void (*sketch)(struct sketch *)) {
    const char *first = getenv("QMAC_SEED");
    uint64_t seed = first != NULL ? strtoull(first, NULL, 0) : 0;
    int right = 0;
    for (uint64_t end = seed + SEEDS; seed < end; seed++) {
        struct sketch s;
        open_sketch(&s, kind, seed);
        sketch(&s);
        right += check_sketch(&s, seed);
    }
    cr_assert(gt(int, right, SEEDS / 2));
}

/* ---- the operators ---- */

static void sketch_quantize(struct sketch *s) {
    static const enum qm_dtype types[] = {QM_I8, QM_U8, QM_F32};
    uint32_t dims[4], rank = draw_dims(s, dims);
    add_input(s, types[draw(s, 0, 2)], rank, dims);
    add_output(s, draw_type(s), rank, dims);
}

Test(operators, quantize) {
    check_operator(QM_OP_QUANTIZE, sketch_quantize);
}

static void sketch_dequantize(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    add_input(s, draw_type(s), rank, dims);
    add_output(s, QM_F32, rank, dims);
}

Test(operators, dequantize) {
    check_operator(QM_OP_DEQUANTIZE, sketch_dequantize);
}

static void sketch_relu(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    enum qm_dtype type = draw_type(s);
    add_input(s, type, rank, dims);
    add_output(s, type, rank, dims);
}

Test(operators, relu) {
    check_operator(QM_OP_RELU, sketch_relu);
    check_operator(QM_OP_RELU6, sketch_relu);
}

/* Over one or two neighbouring dimensions. */
static void sketch_mean(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims), first = draw(s, 0, rank - 1), last = first + (first + 1 < rank ? draw(s, 0, 1) : 0);
    enum qm_dtype type = draw_type(s);
    add_input(s, type, rank, dims);
    for (uint32_t d = first; d <= last; d++) {
        s->op.axes |= 1U << d;
        dims[d] = 1;
    }
    add_output(s, type, rank, dims);
}

Test(operators, mean) {
    check_operator(QM_OP_MEAN, sketch_mean);
}

static void sketch_pad(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    enum qm_dtype type = draw_type(s);
    uint32_t in = add_input(s, type, rank, dims);
    for (uint32_t d = 0; d < rank; d++) {
        s->op.pads[d].before = draw(s, 0, 1) * draw(s, 0, 3);
        s->op.pads[d].after = draw(s, 0, 1) * draw(s, 0, 3);
        dims[d] += s->op.pads[d].before + s->op.pads[d].after;
    }
    s->op.pad_value = draw(s, 0, 1) ? (int32_t)s->tensors[in].quant.zero_point[0] : type == QM_U8 ? 200 : -100;
    same_quant(s, in, add_output(s, type, rank, dims));
}

Test(operators, pad) {
    check_operator(QM_OP_PAD, sketch_pad);
}

/* Two to four parts of a shape that differ along an axis. */
static uint32_t draw_parts(struct sketch *s, uint32_t rank, uint32_t *dims, uint32_t parts[4]) {
    uint32_t count = draw(s, 2, 4);
    s->op.axis = draw(s, 0, rank - 1);
    dims[s->op.axis] = 0;
    for (uint32_t i = 0; i < count; i++) dims[s->op.axis] += parts[i] = draw(s, 1, 6);
    return count;
}

static void sketch_concatenation(struct sketch *s) {
    uint32_t dims[4], whole[4], parts[4], rank = draw_dims(s, dims), count = draw_parts(s, rank, dims, parts);
    enum qm_dtype type = draw_type(s);
    bool rescales = draw(s, 0, 1) == 0;
    memcpy(whole, dims, sizeof whole);
    for (uint32_t i = 0; i < count; i++) {
        dims[s->op.axis] = parts[i];
        add_input(s, type, rank, dims);
        if (!rescales && i > 0) same_quant(s, 0, i);
    }
    uint32_t out = add_output(s, type, rank, whole);
    if (!rescales) same_quant(s, 0, out);
}

Test(operators, concatenation) {
    check_operator(QM_OP_CONCATENATION, sketch_concatenation);
}

static void sketch_split(struct sketch *s) {
    uint32_t dims[4], parts[4], rank = draw_dims(s, dims), count = draw_parts(s, rank, dims, parts);
    enum qm_dtype type = draw_type(s);
    uint32_t in = add_input(s, type, rank, dims);
    for (uint32_t i = 0; i < count; i++) {
        dims[s->op.axis] = parts[i];
        same_quant(s, in, add_output(s, type, rank, dims));
    }
}

Test(operators, split) {
    check_operator(QM_OP_SPLIT, sketch_split);
}

static void sketch_strided_slice(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    uint32_t in = add_input(s, QM_I8, rank, dims);
    for (uint32_t d = 0; d < rank; d++) {
        s->op.begin[d] = (int32_t)draw(s, 0, dims[d] - 1);
        s->op.step[d] = (int32_t)draw(s, 1, 3);
        uint32_t most = (dims[d] - (uint32_t)s->op.begin[d] - 1) / (uint32_t)s->op.step[d] + 1;
        dims[d] = s->op.slice_dims[d] = draw(s, 1, most);
    }
    same_quant(s, in, add_output(s, QM_I8, rank, dims));
}

Test(operators, strided_slice) {
    check_operator(QM_OP_STRIDED_SLICE, sketch_strided_slice);
}

static void sketch_transpose(struct sketch *s) {
    uint32_t dims[4], out[4], rank = draw_dims(s, dims);
    uint32_t in = add_input(s, QM_I8, rank, dims);
    for (uint32_t d = 0; d < rank; d++) s->op.permutation[d] = d;
    for (uint32_t d = rank - 1; d > 0; d--) {
        uint32_t other = draw(s, 0, d), kept = s->op.permutation[d];
        s->op.permutation[d] = s->op.permutation[other];
        s->op.permutation[other] = kept;
    }
    for (uint32_t d = 0; d < rank; d++) out[d] = dims[s->op.permutation[d]];
    same_quant(s, in, add_output(s, QM_I8, rank, out));
}

Test(operators, transpose) {
    check_operator(QM_OP_TRANSPOSE, sketch_transpose);
}

static void sketch_resize(struct sketch *s) {
    uint32_t dims[4] = {draw(s, 1, 2), draw(s, 1, 6), draw(s, 1, 6), draw(s, 1, 20)}, out[4];
    bool larger = draw(s, 0, 2) > 0;
    memcpy(out, dims, sizeof out);
    for (uint32_t d = 1; d <= 2; d++) (larger ? out : dims)[d] *= draw(s, 1, 3);
    s->op.half_pixel_centers = draw(s, 0, 1) == 0;
    uint32_t in = add_input(s, QM_I8, 4, dims);
    same_quant(s, in, add_output(s, QM_I8, 4, out));
}

Test(operators, resize_nearest_neighbor) {
    check_operator(QM_OP_RESIZE_NEAREST_NEIGHBOR, sketch_resize);
}

static void set_quant(struct sketch *s, uint32_t tensor, float scale, int64_t zero) {
    float *scales = QM_ARENA_NEW(s->arena, float, 1);
    int64_t *zeros = QM_ARENA_NEW(s->arena, int64_t, 1);
    *scales = scale;
    *zeros = zero;
    s->tensors[tensor].quant = (struct qm_quant){.count = 1, .scale = scales, .zero_point = zeros};
}

static void sketch_logistic(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    enum qm_dtype dtype = draw_type(s);
    add_input(s, dtype, rank, dims);
    set_quant(s, add_output(s, dtype, rank, dims), 1.0F / 256, dtype == QM_U8 ? 0 : -128);
}

Test(operators, logistic) {
    check_operator(QM_OP_LOGISTIC, sketch_logistic);
}

static void sketch_tanh(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    enum qm_dtype dtype = draw_type(s);
    add_input(s, dtype, rank, dims);
    set_quant(s, add_output(s, dtype, rank, dims), 1.0F / 128, dtype == QM_U8 ? 128 : 0);
}

Test(operators, tanh) {
    check_operator(QM_OP_TANH, sketch_tanh);
}

static void sketch_leaky_relu(struct sketch *s) {
    sketch_relu(s);
    s->op.alpha = 0.01F * (float)draw(s, 0, 100);
}

Test(operators, leaky_relu) {
    check_operator(QM_OP_LEAKY_RELU, sketch_leaky_relu);
}

static void sketch_hard_swish(struct sketch *s) {
    sketch_relu(s);
    float in = s->tensors[0].quant.scale[0];
    set_quant(s, 1, in * (0.5F + 0.1F * (float)draw(s, 0, 9)), (int64_t)draw(s, 0, 100) - (s->tensors[1].dtype == QM_I8 ? 50 : 0));
}

Test(operators, hard_swish) {
    check_operator(QM_OP_HARD_SWISH, sketch_hard_swish);
}

/* A constant operand; weights get a scale a channel, biases are small. */
static void add_constant(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t index = add_tensor(s, dtype, rank, dims), channels = dims[0];
    struct qm_graph_tensor *tensor = &s->tensors[index];
    uint8_t *data = qm_arena_alloc(s->arena, tensor->size_bytes);
    float *scales = QM_ARENA_NEW(s->arena, float, channels);
    for (uint32_t c = 0; c < channels; c++) scales[c] = 0.0005F * (float)draw(s, 1, 9);
    qm_prng_fill(&s->prng, data, tensor->size_bytes);
    for (size_t i = 0; dtype == QM_I32 && i < channels; i++) {
        int32_t bias = (int32_t)draw(s, 0, 4000) - 2000;
        memcpy(data + 4 * i, &bias, 4);
    }
    tensor->data = data;
    tensor->quant = (struct qm_quant){.count = channels, .scale = scales, .zero_point = QM_ARENA_NEW(s->arena, int64_t, channels)};
    s->op.inputs[s->op.input_count++] = index;
}

/* An activation that is a constant. */
static void add_constant_input(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    uint32_t index = add_tensor(s, dtype, rank, dims);
    uint8_t *data = qm_arena_alloc(s->arena, s->tensors[index].size_bytes);
    qm_prng_fill(&s->prng, data, s->tensors[index].size_bytes);
    s->tensors[index].data = data;
    s->op.inputs[s->op.input_count++] = index;
}

static void add_operand(struct sketch *s, enum qm_dtype dtype, uint32_t rank, const uint32_t *dims) {
    add_input(s, dtype, rank, dims);
}

/* Operands of the output's shape, or with dimensions of one element or fewer dimensions; one may be a constant. */
static void sketch_binary(struct sketch *s) {
    uint32_t dims[4], own[4], rank = draw_dims(s, dims), broadcasts = draw(s, 0, 2), constant = draw(s, 0, 5);
    enum qm_dtype type = draw_type(s);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t missing = broadcasts == i ? draw(s, 0, rank - 1) : 0;
        for (uint32_t d = 0; d < rank; d++) own[d] = broadcasts == i && draw(s, 0, 1) == 0 ? 1 : dims[d];
        if (constant == i)
            add_constant_input(s, type, rank - missing, own + missing);
        else
            add_input(s, type, rank - missing, own + missing);
    }
    s->op.activation = (enum qm_activation)draw(s, QM_ACT_NONE, QM_ACT_RELU_N1_TO_1);
    add_output(s, type, rank, dims);
}

Test(operators, add) {
    check_operator(QM_OP_ADD, sketch_binary);
}

Test(operators, mul) {
    check_operator(QM_OP_MUL, sketch_binary);
}

static void add_weights(struct sketch *s, const uint32_t *filter) {
    add_constant(s, QM_I8, 4, filter);
    if (draw(s, 0, 2) > 0) add_constant(s, QM_I32, 1, filter);
    s->op.dilation_h = s->op.dilation_w = s->op.depth_multiplier = 1;
    s->op.activation = draw(s, 0, 1) ? QM_ACT_RELU6 : QM_ACT_NONE;
}

static void sketch_grouped_conv(struct sketch *s) {
    uint32_t groups = draw(s, 2, 5), own = draw(s, 1, 5), per_group = draw(s, 1, 4);
    uint32_t in[4] = {1, draw(s, 3, 9), draw(s, 3, 9), groups * own}, filter[4] = {groups * per_group, draw(s, 1, 3), draw(s, 1, 3), own};
    s->op.stride_h = draw(s, 1, 2), s->op.stride_w = draw(s, 1, 2);
    s->op.kernel_h = filter[1], s->op.kernel_w = filter[2];
    uint32_t out[4] = {1, (in[1] - filter[1]) / s->op.stride_h + 1, (in[2] - filter[2]) / s->op.stride_w + 1, filter[0]};
    add_input(s, QM_I8, 4, in);
    add_weights(s, filter);
    add_output(s, QM_I8, 4, out);
}

Test(operators, grouped_convolution) {
    check_operator(QM_OP_CONV_2D, sketch_grouped_conv);
}

/* Some rows and columns of the full output are cut, or are missing at the end. */
static void sketch_transpose_conv(struct sketch *s) {
    uint32_t in[4] = {1, draw(s, 1, 7), draw(s, 1, 7), draw(s, 1, 9)}, filter[4] = {draw(s, 1, 9), draw(s, 1, 4), draw(s, 1, 4), in[3]};
    s->op.stride_h = draw(s, 1, 3), s->op.stride_w = draw(s, 1, 3);
    s->op.kernel_h = filter[1], s->op.kernel_w = filter[2];
    s->op.pad_top = draw(s, 0, (filter[1] - 1) / 2), s->op.pad_left = draw(s, 0, (filter[2] - 1) / 2);
    uint32_t h = (in[1] - 1) * s->op.stride_h + filter[1] - s->op.pad_top, w = (in[2] - 1) * s->op.stride_w + filter[2] - s->op.pad_left;
    uint32_t out[4] = {1, h + draw(s, 0, s->op.stride_h - 1), w + draw(s, 0, s->op.stride_w - 1), filter[0]};
    add_input(s, QM_I8, 4, in);
    add_weights(s, filter);
    add_output(s, QM_I8, 4, out);
}

Test(operators, transpose_conv) {
    check_operator(QM_OP_TRANSPOSE_CONV, sketch_transpose_conv);
}

/* One scale and any zero point. */
static void set_weight_zero(struct sketch *s, enum qm_dtype dtype) {
    uint32_t weights = s->op.inputs[1];
    s->tensors[weights].dtype = dtype;
    set_quant(s, weights, 0.0005F * (float)draw(s, 1, 9), (int64_t)draw(s, 0, 255) - (dtype == QM_I8 ? 128 : 0));
}

/* Unsigned or signed, with padding. */
static void sketch_asymmetric(struct sketch *s, bool depthwise, uint32_t multiplier) {
    enum qm_dtype type = draw_type(s);
    uint32_t in[4] = {1, draw(s, 1, 9), draw(s, 1, 9), draw(s, 1, 12)}, channels = depthwise ? in[3] * multiplier : draw(s, 1, 20);
    uint32_t filter[4] = {channels, draw(s, 1, 3), draw(s, 1, 3), in[3]}, out[4] = {1, in[1], in[2], channels};
    s->op.stride_h = s->op.stride_w = 1;
    s->op.kernel_h = filter[1], s->op.kernel_w = filter[2];
    s->op.pad_top = (filter[1] - 1) / 2, s->op.pad_left = (filter[2] - 1) / 2;
    add_input(s, type, 4, in);
    add_weights(s, filter);
    s->op.depth_multiplier = multiplier;
    if (depthwise) {
        uint32_t own[4] = {1, filter[1], filter[2], channels};
        memcpy(s->tensors[s->op.inputs[1]].dims, own, sizeof own);
        s->tensors[s->op.inputs[1]].size_bytes = qm_graph_elements(&s->tensors[s->op.inputs[1]]);
    }
    set_weight_zero(s, draw_type(s));
    add_output(s, type, 4, out);
}

static void sketch_asymmetric_conv(struct sketch *s) {
    sketch_asymmetric(s, false, 1);
}

static void sketch_asymmetric_depthwise(struct sketch *s) {
    sketch_asymmetric(s, true, draw(s, 1, 2));
}

static void sketch_asymmetric_fully_connected(struct sketch *s) {
    enum qm_dtype type = draw_type(s);
    uint32_t in[2] = {draw(s, 1, 5), draw(s, 1, 200)}, weights[4] = {draw(s, 1, 40), in[1], 1, 1}, out[2] = {in[0], weights[0]};
    add_input(s, type, 2, in);
    add_weights(s, weights);
    s->tensors[s->op.inputs[1]].rank = 2;
    set_weight_zero(s, draw_type(s));
    add_output(s, type, 2, out);
}

Test(operators, products_of_asymmetric_weights) {
    check_operator(QM_OP_CONV_2D, sketch_asymmetric_conv);
    check_operator(QM_OP_DEPTHWISE_CONV_2D, sketch_asymmetric_depthwise);
    check_operator(QM_OP_FULLY_CONNECTED, sketch_asymmetric_fully_connected);
}

/* Products have small factors, so that few results are cut. */
static void set_product_scale(struct sketch *s, uint32_t out) {
    s->on_machine = true;
    set_quant(s, out, 0.002F * (float)draw(s, 100, 4000), s->tensors[out].quant.zero_point[0]);
}

static void sketch_computed_weights(struct sketch *s) {
    enum qm_dtype type = draw_type(s);
    uint32_t in[2] = {draw(s, 1, 40), draw(s, 1, 100)}, weights[2] = {draw(s, 1, 60), in[1]}, out[2] = {in[0], weights[0]};
    add_input(s, type, 2, in);
    add_input(s, type, 2, weights);
    if (draw(s, 0, 2) == 0) add_constant(s, QM_I32, 1, weights);
    s->op.activation = draw(s, 0, 1) ? QM_ACT_RELU6 : QM_ACT_NONE;
    set_product_scale(s, add_output(s, type, 2, out));
}

/* Stacks of up to three dimensions, of which each operand may have one element or, the last of them, none; either may be a constant. */
static void sketch_batch_matmul(struct sketch *s) {
    uint32_t over = draw(s, 0, 3), m = draw(s, 1, 24), n = draw(s, 1, 40), depth = draw(s, 1, 40), out[5], constant = draw(s, 0, 5);
    s->op.first_transposed = draw(s, 0, 2) == 0;
    s->op.transposed = draw(s, 0, 1);
    const uint32_t ends[2][2] = {{s->op.first_transposed ? depth : m, s->op.first_transposed ? m : depth},
                                 {s->op.transposed ? n : depth, s->op.transposed ? depth : n}};
    for (uint32_t d = 0; d < over; d++) out[d] = draw(s, 1, 3);
    out[over] = m;
    out[over + 1] = n;
    uint32_t broadcasts = draw(s, 0, 4), single = draw(s, 0, over);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t dims[5], missing = broadcasts == i ? draw(s, 0, single) : 0;
        for (uint32_t d = 0; d < over; d++) dims[d] = broadcasts == i && (d < single || draw(s, 0, 1) == 0) ? 1 : out[d];
        memcpy(dims + over, ends[i], sizeof ends[i]);
        (constant == i ? add_constant_input : add_operand)(s, QM_I8, over + 2 - missing, dims + missing);
    }
    set_product_scale(s, add_output(s, QM_I8, over + 2, out));
}

/* One tensor as both operands. */
static void sketch_square(struct sketch *s) {
    uint32_t m = draw(s, 1, 30), dims[3] = {draw(s, 1, 3), m, draw(s, 1, 30)}, out[3] = {dims[0], m, m};
    s->op.transposed = draw(s, 0, 1);
    if (!s->op.transposed) dims[2] = m;
    s->op.inputs[1] = add_input(s, QM_I8, 3, dims);
    s->op.input_count = 2;
    set_product_scale(s, add_output(s, QM_I8, 3, out));
}

/* The second operand is one matrix, which a dimension of one element may lead. */
static void sketch_constant_matrix(struct sketch *s) {
    uint32_t m = draw(s, 1, 24), n = draw(s, 1, 40), depth = draw(s, 1, 40), leading = draw(s, 0, 1), out[] = {draw(s, 1, 3), m, n};
    s->op.first_transposed = draw(s, 0, 2) == 0, s->op.transposed = draw(s, 0, 1);
    const uint32_t first[] = {out[0], s->op.first_transposed ? depth : m, s->op.first_transposed ? m : depth};
    const uint32_t second[] = {1, s->op.transposed ? n : depth, s->op.transposed ? depth : n};
    add_operand(s, QM_I8, 3, first);
    add_constant_input(s, QM_I8, 2 + leading, second + 1 - leading);
    set_product_scale(s, add_output(s, QM_I8, 3, out));
    s->by_constants = true;
}

Test(operators, products_of_two_matrices) {
    check_operator(QM_OP_FULLY_CONNECTED, sketch_computed_weights);
    check_operator(QM_OP_BATCH_MATMUL, sketch_batch_matmul);
    check_operator(QM_OP_BATCH_MATMUL, sketch_square);
    check_operator(QM_OP_BATCH_MATMUL, sketch_constant_matrix);
}

static void sketch_softmax(struct sketch *s) {
    uint32_t dims[4], rank = draw_dims(s, dims);
    enum qm_dtype type = draw_type(s);
    add_input(s, type, rank, dims);
    set_quant(s, add_output(s, type, rank, dims), 1.0F / 256, type == QM_U8 ? 0 : -128);
}

Test(operators, softmax) {
    check_operator(QM_OP_SOFTMAX, sketch_softmax);
}
