/* legalize.c - layers, evaluated by their own definition in layer.h, give what the reference evaluator gives for the graph.
 *
 * This checks multipliers, folded biases, pad values, clamps and weight layouts at once: on real networks, and on small graphs with random
 * numbers for the attributes that those networks do not have.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/support/data.h"
#include "tests/support/npy_read.h"
#include "tests/support/reference.h"

/* ---- layers by definition ---- */

struct layer_run {
    const struct qm_network *network;
    const struct qm_layer *layer;
    int8_t **bytes; /* [value_count] */
    const struct qm_value *in, *out;
};

static int8_t finish(const struct qm_layer *layer, int64_t scaled) {
    int64_t value = scaled + layer->out_zero;
    if (value < layer->clamp_min) value = layer->clamp_min;
    return (int8_t)(value > layer->clamp_max ? layer->clamp_max : value);
}

/* Index of the input element under a tap, or -1 outside the map. */
static int64_t under(const struct layer_run *r, const uint32_t at[2], const uint32_t tap[2], uint32_t c) {
    const struct qm_layer *l = r->layer;
    int64_t y = (int64_t)at[0] * l->stride_h + (int64_t)tap[0] * l->dilation_h - l->pad_top;
    int64_t x = (int64_t)at[1] * l->stride_w + (int64_t)tap[1] * l->dilation_w - l->pad_left;
    return y < 0 || x < 0 || y >= r->in->h || x >= r->in->w ? -1 : (y * r->in->w + x) * r->in->c + c;
}

static int8_t product_at(const struct layer_run *r, const uint32_t at[2], uint32_t oc) {
    const struct qm_layer *l = r->layer;
    const int8_t *in = r->bytes[l->inputs[0]];
    bool dense = l->kind == QM_LAYER_CONV;
    uint32_t first = dense ? 0 : oc, last = dense ? r->in->c - 1 : oc;
    int64_t sum = l->bias[oc];
    for (uint32_t ky = 0; ky < l->kernel_h; ky++)
        for (uint32_t kx = 0; kx < l->kernel_w; kx++)
            for (uint32_t ic = first; ic <= last; ic++) {
                int64_t i = under(r, at, (uint32_t[]){ky, kx}, ic);
                size_t tap = (size_t)ky * l->kernel_w + kx, taps = (size_t)l->kernel_h * l->kernel_w;
                int8_t weight = l->weights[dense ? (oc * taps + tap) * r->in->c + ic : tap * r->out->c + oc];
                sum += (i < 0 ? l->pad_value : in[i]) * weight;
            }
    return finish(l, reference_scale((int32_t)sum, l->scales[oc].value, l->scales[oc].shift));
}

static int8_t pool_at(const struct layer_run *r, const uint32_t at[2], uint32_t c) {
    const struct qm_layer *l = r->layer;
    int32_t sum = 0, count = 0, top = -128;
    for (uint32_t ky = 0; ky < l->kernel_h; ky++)
        for (uint32_t kx = 0; kx < l->kernel_w; kx++) {
            int64_t i = under(r, at, (uint32_t[]){ky, kx}, c);
            if (i < 0) continue;
            int8_t x = r->bytes[l->inputs[0]][i];
            sum += x;
            count++;
            top = x > top ? x : top;
        }
    if (l->kind == QM_LAYER_POOL_MAX) return finish(l, top);
    return finish(l, (2 * sum + (sum < 0 ? -count : count)) / (2 * count));
}

static void run_map(const struct layer_run *r, int8_t (*at)(const struct layer_run *, const uint32_t[2], uint32_t)) {
    int8_t *to = r->bytes[r->layer->output];
    for (uint32_t y = 0; y < r->out->h; y++)
        for (uint32_t x = 0; x < r->out->w; x++)
            for (uint32_t c = 0; c < r->out->c; c++) *to++ = at(r, (uint32_t[]){y, x}, c);
}

static int32_t scaled(int32_t x, struct qm_multiplier scale) {
    return reference_scale(x, scale.value, scale.shift);
}

static void run_add(const struct layer_run *r) {
    const struct qm_layer *l = r->layer;
    const int8_t *a = r->bytes[l->inputs[0]], *b = r->bytes[l->inputs[1]];
    for (uint32_t i = 0; i < r->out->h * r->out->w * r->out->c; i++) {
        int32_t left = scaled((a[i] - l->a_zero) * (1 << l->pre_shift), l->a_scale);
        int32_t right = scaled((b[i] - l->b_zero) * (1 << l->pre_shift), l->b_scale);
        r->bytes[l->output][i] = finish(l, scaled(left + right, l->out_scale));
    }
}

/* Runs every layer and compares its output; a softmax takes the reference's. */
static void compare(const struct qm_network *network, const int8_t **want, struct qm_arena *arena) {
    int8_t **bytes = QM_ARENA_NEW(arena, int8_t *, network->value_count);
    for (uint32_t i = 0; i < network->value_count; i++) {
        const struct qm_value *value = &network->values[i];
        cr_assert(eq(u32, network->values[value->storage].storage, value->storage));
        if (value->storage == i) bytes[i] = qm_arena_alloc(arena, (size_t)value->h * value->w * value->c);
    }
    for (uint32_t i = 0; i < network->value_count; i++) bytes[i] = bytes[network->values[i].storage];
    for (uint32_t i = 0; i < network->input_count; i++) {
        const struct qm_value *value = &network->values[network->inputs[i]];
        memcpy(bytes[network->inputs[i]], want[value->graph_tensor], (size_t)value->h * value->w * value->c);
    }
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct qm_layer *l = &network->layers[i];
        struct layer_run r = {
            .network = network, .layer = l, .bytes = bytes, .in = &network->values[l->inputs[0]], .out = &network->values[l->output]};
        size_t size = (size_t)r.out->h * r.out->w * r.out->c;
        cr_assert(eq(u32, r.out->storage, l->output), "a layer writes a value that owns its bytes");
        if (l->kind == QM_LAYER_CONV || l->kind == QM_LAYER_DEPTHWISE) run_map(&r, product_at);
        if (l->kind == QM_LAYER_POOL_MAX || l->kind == QM_LAYER_POOL_AVG) run_map(&r, pool_at);
        if (l->kind == QM_LAYER_ADD) run_add(&r);
        if (l->kind == QM_LAYER_HOST) memcpy(bytes[l->output], want[r.out->graph_tensor], size);
        cr_assert(eq(int, memcmp(bytes[l->output], want[r.out->graph_tensor], size), 0), "layer %u (%s)", i, r.out->name);
    }
}

ParameterizedTestParameters(legalize, layers_of_real_networks_compute_what_the_graph_computes) {
    return cr_make_param_array(struct data_network, (void *)(uintptr_t)data_networks, DATA_SMALL_NETWORKS);
}

ParameterizedTest(struct data_network *model, legalize, layers_of_real_networks_compute_what_the_graph_computes) {
    data_need();
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = NULL;
    struct qm_network *network = NULL;
    struct qm_diag diag = {""};
    cr_assert(eq(int, qm_model_read(data_path(arena, "%s", model->model), NULL, arena, &graph, &diag), QM_OK), "%s", diag.text);
    cr_assert(eq(int, qm_legalize(graph, NULL, arena, &network, &diag), QM_OK), "%s", diag.text);
    const int8_t *first[] = {npy_read(data_path(arena, "golden/%s/input.npy", model->golden), arena).bytes};
    compare(network, reference_run(graph, first, arena), arena);
    qm_arena_destroy(arena);
}

/* ---- graphs of one operator with random numbers ---- */

enum { TENSORS = 5 }; /* input, weights or second operand, bias, output, reshaped output */

struct one {
    struct qm_arena *arena;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[TENSORS];
    struct qm_graph_op op;
    uint32_t inputs[2], outputs[1];
    uint64_t random;
};

static uint32_t draw(struct one *o, uint32_t limit) {
    o->random = o->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(o->random >> 33) % limit;
}

static int8_t *random_bytes(struct one *o, size_t size) {
    int8_t *bytes = qm_arena_alloc(o->arena, size);
    for (size_t i = 0; i < size; i++) bytes[i] = (int8_t)((int32_t)draw(o, 255) - 127);
    return bytes;
}

static struct qm_graph_tensor tensor(struct one *o, const char *name, uint32_t channels, const uint32_t dims[4]) {
    struct qm_graph_tensor t = {.name = name, .dtype = QM_I8};
    while (t.rank < 4 && dims[t.rank] > 0) {
        t.dims[t.rank] = dims[t.rank];
        t.rank++;
    }
    float *scales = QM_ARENA_NEW(o->arena, float, channels);
    int64_t *zeros = QM_ARENA_NEW(o->arena, int64_t, channels);
    for (uint32_t c = 0; c < channels; c++) scales[c] = 0.004F + 0.0001F * (float)draw(o, 300);
    t.quant = (struct qm_quant){.count = channels, .scale = scales, .zero_point = zeros};
    t.size_bytes = qm_graph_elements(&t);
    return t;
}

/* An activation: any zero point. */
static struct qm_graph_tensor activation(struct one *o, const char *name, const uint32_t dims[4]) {
    struct qm_graph_tensor t = tensor(o, name, 1, dims);
    int64_t *zero = QM_ARENA_NEW(o->arena, int64_t, 1);
    *zero = (int64_t)draw(o, 256) - 128;
    t.quant.zero_point = zero;
    return t;
}

static void open_one(struct one *o, enum qm_graph_op_kind kind, uint64_t seed) {
    *o = (struct one){.arena = qm_arena_create(), .random = seed};
    o->op = (struct qm_graph_op){.kind = kind,
                                 .input_count = 1,
                                 .output_count = 1,
                                 .beta = 1,
                                 .kernel_h = 1,
                                 .kernel_w = 1,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .depth_multiplier = 1};
    qm_graph_open_operands(&o->op, o->arena);
    o->op.inputs[0] = 0;
    o->op.outputs[0] = o->outputs[0] = 3;
    for (uint32_t i = 0; i < TENSORS; i++) o->tensors[i] = (struct qm_graph_tensor){.name = "unused", .dtype = QM_I8, .rank = 0};
    o->graph = (struct qm_graph){.file = "one",
                                 .tensor_count = TENSORS,
                                 .op_count = 1,
                                 .input_count = 1,
                                 .output_count = 1,
                                 .tensors = o->tensors,
                                 .ops = &o->op,
                                 .inputs = o->inputs,
                                 .outputs = o->outputs};
}

/* Weights with a scale a channel along the axis, and a bias. */
static void add_weights(struct one *o, const uint32_t dims[4], uint32_t channels, uint32_t axis) {
    o->tensors[1] = tensor(o, "weights", channels, dims);
    o->tensors[1].quant.axis = axis;
    o->tensors[1].data = random_bytes(o, o->tensors[1].size_bytes);
    int32_t *bias = QM_ARENA_NEW(o->arena, int32_t, channels);
    for (uint32_t c = 0; c < channels; c++) bias[c] = (int32_t)draw(o, 4000) - 2000;
    o->tensors[2] =
        (struct qm_graph_tensor){.name = "bias", .dtype = QM_I32, .rank = 1, .dims = {channels}, .data = bias, .size_bytes = 4 * channels};
    o->op.inputs[1] = 1;
    o->op.inputs[2] = 2;
    o->op.input_count = 3;
}

/* Sums of products need a wide output scale, or most elements would be at the clamp. */
static void widen_output(struct one *o) {
    float *scale = QM_ARENA_NEW(o->arena, float, 1);
    *scale = o->tensors[3].quant.scale[0] * 16;
    o->tensors[3].quant.scale = scale;
}

/* Legalizes, runs and compares; the network lives until the arena is destroyed. */
static struct qm_network *check_one(struct one *o) {
    struct qm_network *network = NULL;
    struct qm_diag diag = {""};
    if (o->op.inputs[2] != QM_NO_TENSOR) widen_output(o);
    cr_assert(eq(int, qm_legalize(&o->graph, NULL, o->arena, &network, &diag), QM_OK), "%s", diag.text);
    const int8_t *inputs[2] = {random_bytes(o, o->tensors[0].size_bytes), NULL};
    if (o->graph.input_count == 2) inputs[1] = random_bytes(o, o->tensors[1].size_bytes);
    compare(network, reference_run(&o->graph, inputs, o->arena), o->arena);
    return network;
}

static enum qm_status refused(struct one *o, struct qm_diag *diag) {
    struct qm_network *network = NULL;
    return qm_legalize(&o->graph, NULL, o->arena, &network, diag);
}

Test(legalize, takes_strides_dilation_and_padding_on_every_side) {
    struct one o;
    open_one(&o, QM_OP_CONV_2D, 1);
    o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 9, 7, 3});
    add_weights(&o, (uint32_t[4]){5, 3, 2, 3}, 5, 0);
    o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 5, 3, 5}); /* (9 + 2 + 2 - 5) / 2 + 1, (7 + 1 + 1 - 4) / 2 + 1 */
    o.op.kernel_h = 3, o.op.kernel_w = 2;
    o.op.stride_h = o.op.stride_w = 2;
    o.op.dilation_h = 2, o.op.dilation_w = 3;
    o.op.pad_top = o.op.pad_bottom = 2;
    o.op.pad_left = o.op.pad_right = 1;
    const struct qm_network *network = check_one(&o);
    cr_expect(eq(u64, network->layers[0].macs, 5 * 3 * 5 * 3 * 2 * 3));
    qm_arena_destroy(o.arena);
}

Test(legalize, writes_depth_multipliers_out_as_convolutions) {
    for (uint32_t channels = 1; channels <= 3; channels += 2) {
        struct one o;
        open_one(&o, QM_OP_DEPTHWISE_CONV_2D, channels);
        o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 6, 6, channels});
        add_weights(&o, (uint32_t[4]){1, 3, 3, 4 * channels}, 4 * channels, 3);
        o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 6, 6, 4 * channels});
        o.op.kernel_h = o.op.kernel_w = 3;
        o.op.pad_top = o.op.pad_left = o.op.pad_bottom = o.op.pad_right = 1;
        o.op.depth_multiplier = 4;
        const struct qm_network *network = check_one(&o);
        cr_expect(eq(int, network->layers[0].kind, QM_LAYER_CONV));
        cr_expect(eq(u64, network->layers[0].macs, 6 * 6 * 9 * 4 * channels), "the products of the definition, not the zeros");
        qm_arena_destroy(o.arena);
    }
}

/* A batch of three with weights of such a shape, as numbers of a type with a zero point of the weights: all examples read one copy. */
static void check_one_copy(struct one *o, const uint32_t in[4], const uint32_t weights[4], const uint32_t out[4], int64_t zero) {
    struct qm_network *network;
    struct qm_diag diag;
    const int8_t *first = NULL;
    uint32_t convolutions = 0;
    o->tensors[0] = activation(o, "in", in);
    add_weights(o, weights, 1, 0);
    o->tensors[2] = (struct qm_graph_tensor){.name = "unused", .dtype = QM_I8};
    o->op.inputs[2] = QM_NO_TENSOR;
    o->tensors[3] = activation(o, "out", out);
    o->op.kernel_h = weights[1], o->op.kernel_w = weights[2];
    for (uint32_t i = 0; i < TENSORS && zero != 0; i++) o->tensors[i].dtype = QM_U8;
    for (uint32_t i = 0; i < TENSORS && zero != 0; i++) o->tensors[i].quant.zero_point = &zero;
    cr_assert(eq(int, qm_legalize(&o->graph, NULL, o->arena, &network, &diag), QM_OK), "%s", diag.text);
    for (uint32_t i = 0; i < network->layer_count; i++) {
        if (network->layers[i].weights == NULL) continue;
        if (convolutions++ == 0) first = network->layers[i].weights;
        cr_expect(eq(ptr, (void *)(uintptr_t)network->layers[i].weights, (void *)(uintptr_t)first));
    }
    cr_expect(eq(u32, convolutions, 3));
    if (o->op.kind != QM_OP_CONV_2D || weights[3] != in[3])
        cr_expect(ne(ptr, (void *)(uintptr_t)first, (void *)(uintptr_t)o->tensors[1].data));
    qm_arena_destroy(o->arena);
}

Test(legalize, writes_weights_in_another_order_once_for_all_examples_of_a_batch) {
    struct one o;
    for (int64_t zero = 0; zero <= 100; zero += 100) {
        open_one(&o, QM_OP_CONV_2D, 60);
        check_one_copy(&o, (uint32_t[4]){3, 4, 4, 6}, (uint32_t[4]){4, 1, 3, 6}, (uint32_t[4]){3, 4, 2, 4}, zero);
        open_one(&o, QM_OP_CONV_2D, 61); /* in groups */
        check_one_copy(&o, (uint32_t[4]){3, 4, 4, 6}, (uint32_t[4]){4, 1, 3, 3}, (uint32_t[4]){3, 4, 2, 4}, zero);
        open_one(&o, QM_OP_TRANSPOSE_CONV, 62);
        check_one_copy(&o, (uint32_t[4]){3, 4, 4, 6}, (uint32_t[4]){4, 2, 3, 6}, (uint32_t[4]){3, 5, 6, 4}, zero);
        open_one(&o, QM_OP_DEPTHWISE_CONV_2D, 63);
        o.op.depth_multiplier = 2;
        check_one_copy(&o, (uint32_t[4]){3, 4, 4, 3}, (uint32_t[4]){1, 1, 3, 6}, (uint32_t[4]){3, 4, 2, 6}, zero);
    }
    open_one(&o, QM_OP_DEPTHWISE_CONV_2D, 64); /* with a zero point */
    check_one_copy(&o, (uint32_t[4]){3, 4, 4, 6}, (uint32_t[4]){1, 1, 3, 6}, (uint32_t[4]){3, 4, 2, 6}, 100);
}

Test(legalize, keeps_depthwise_with_multiplier_1) {
    struct one o;
    open_one(&o, QM_OP_DEPTHWISE_CONV_2D, 3);
    o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 5, 5, 6});
    add_weights(&o, (uint32_t[4]){1, 3, 3, 6}, 6, 3);
    o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 3, 3, 6});
    o.op.kernel_h = o.op.kernel_w = 3;
    cr_expect(eq(int, check_one(&o)->layers[0].kind, QM_LAYER_DEPTHWISE));
    qm_arena_destroy(o.arena);
}

Test(legalize, flattens_fully_connected_to_rows) {
    struct one o;
    open_one(&o, QM_OP_FULLY_CONNECTED, 4);
    o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 4, 5, 6});
    add_weights(&o, (uint32_t[4]){7, 10}, 7, 0);
    o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 3, 4, 7});
    const struct qm_network *network = check_one(&o);
    const struct qm_value *in = &network->values[network->layers[0].inputs[0]], *out = &network->values[network->layers[0].output];
    cr_expect(eq(u32, in->h, 12));
    cr_expect(eq(u32, in->w, 1));
    cr_expect(eq(u32, in->c, 10));
    cr_expect(eq(u32, out->h, 12));
    cr_expect(eq(u32, out->w, 1));
    cr_expect(eq(u32, out->c, 7));
    const struct qm_value *end = &network->values[network->outputs[0]];
    cr_expect(eq(u32, end->h, 3));
    cr_expect(eq(u32, end->w, 4));
    cr_expect(eq(u32, end->storage, network->layers[0].output));
    qm_arena_destroy(o.arena);
}

Test(legalize, takes_every_activation) {
    for (enum qm_activation act = QM_ACT_NONE; act <= QM_ACT_RELU_N1_TO_1; act++) {
        struct one o;
        open_one(&o, QM_OP_ADD, 10 + (uint64_t)act);
        for (uint32_t i = 0; i < 4; i++) o.tensors[i] = activation(&o, "map", (uint32_t[4]){1, 3, 3, 40});
        o.op.inputs[1] = 1;
        o.op.input_count = o.graph.input_count = 2;
        o.inputs[1] = 1;
        o.op.activation = act;
        check_one(&o);
        qm_arena_destroy(o.arena);
    }
}

Test(legalize, pools_maxima_and_averages_at_the_border) {
    for (int average = 0; average < 2; average++) {
        struct one o;
        open_one(&o, average ? QM_OP_AVERAGE_POOL_2D : QM_OP_MAX_POOL_2D, 20);
        o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 7, 7, 4});
        o.tensors[3] = o.tensors[0];
        o.tensors[3].dims[1] = o.tensors[3].dims[2] = 4;
        o.op.kernel_h = o.op.kernel_w = 3;
        o.op.stride_h = o.op.stride_w = 2;
        o.op.pad_top = o.op.pad_left = o.op.pad_bottom = o.op.pad_right = 1;
        check_one(&o);
        qm_arena_destroy(o.arena);
    }
}

Test(legalize, gives_a_reshape_the_bytes_of_its_source) {
    struct one o;
    open_one(&o, QM_OP_RESHAPE, 30);
    o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 2, 3, 4});
    o.tensors[3] = activation(&o, "out", (uint32_t[4]){6, 4});
    const struct qm_network *network = check_one(&o);
    cr_expect(eq(u32, network->layer_count, 0));
    cr_expect(eq(u32, network->values[network->outputs[0]].storage, network->inputs[0]));
    qm_arena_destroy(o.arena);
}

/* 0.1 * 0.3 / 0.05 with single-precision scales; the expected numbers were worked out apart from this program. */
Test(legalize, multiplies_the_scales_of_fully_connected_in_float) {
    static const float in = 0.1F, weights[2] = {0.3F, 0.3F}, out = 0.05F;
    for (uint32_t scales = 1; scales <= 2; scales++) {
        struct one o;
        open_one(&o, QM_OP_FULLY_CONNECTED, 41);
        o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 2});
        add_weights(&o, (uint32_t[4]){2, 2}, 2, 0);
        o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 2});
        o.tensors[0].quant.scale = &in;
        o.tensors[1].quant.scale = weights;
        o.tensors[1].quant.count = scales;
        o.tensors[3].quant.scale = &out;
        struct qm_network *network = NULL;
        struct qm_diag diag = {""};
        cr_assert(eq(int, qm_legalize(&o.graph, NULL, o.arena, &network, &diag), QM_OK), "%s", diag.text);
        cr_expect(eq(i32, network->layers[0].scales[1].value, scales == 1 ? 1288490221 : 1288490240));
        cr_expect(eq(i32, network->layers[0].scales[1].shift, 0));
        qm_arena_destroy(o.arena);
    }
}

Test(legalize, refuses_a_bias_that_overflows_with_the_zero_point) {
    struct one o;
    open_one(&o, QM_OP_FULLY_CONNECTED, 40);
    o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 2});
    add_weights(&o, (uint32_t[4]){1, 2}, 1, 0);
    o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 1});
    static const int64_t zero = -1;
    static const int8_t weights[] = {1, 0};
    static const int32_t bias = INT32_MAX;
    o.tensors[0].quant.zero_point = &zero;
    o.tensors[1].data = weights;
    o.tensors[2].data = &bias;
    struct qm_diag diag;
    cr_expect(eq(int, refused(&o, &diag), QM_BAD_INPUT));
    cr_expect(eq(str, diag.text,
                 "one: operator 0 FULLY_CONNECTED: channel 0: the bias with the input's zero point folded in is 2147483648, which 32 "
                 "bits cannot hold"));
    qm_arena_destroy(o.arena);
}

Test(legalize, refuses_dynamic_range_and_weights_of_several_zero_points) {
    struct one o;
    struct qm_diag diag;
    open_one(&o, QM_OP_FULLY_CONNECTED, 50);
    o.tensors[0] = activation(&o, "in", (uint32_t[4]){1, 2});
    add_weights(&o, (uint32_t[4]){1, 2}, 1, 0);
    o.tensors[3] = activation(&o, "out", (uint32_t[4]){1, 1});
    static const int64_t zeros[] = {3, 4};
    static const float scales[] = {1, 1};
    o.tensors[1].dims[0] = o.tensors[3].dims[1] = 2;
    o.tensors[1].quant = (struct qm_quant){.count = 2, .scale = scales, .zero_point = zeros};
    cr_expect(eq(int, refused(&o, &diag), QM_BAD_INPUT));
    cr_expect(eq(
        str, diag.text,
        "one: operator 0 FULLY_CONNECTED: weights weights have zero point 4; all channels must have the same, which their type can hold"));
    o.tensors[0].dtype = QM_F32;
    cr_expect(eq(int, refused(&o, &diag), QM_BAD_INPUT));
    cr_expect(eq(str, diag.text,
                 "one: operator 0 FULLY_CONNECTED has int8 weights but float32 activations (dynamic range); this is a float "
                 "network: qmac quantize makes integers of it (docs/how-to/quantize-a-network.md)"));
    qm_arena_destroy(o.arena);
}

/* What the machine cannot add up exactly, the host does. */
Test(legalize, large_averages_are_the_hosts) {
    struct one o;
    struct qm_diag diag;
    struct qm_network *network;
    open_one(&o, QM_OP_AVERAGE_POOL_2D, 51);
    o.tensors[0] = o.tensors[3] = activation(&o, "map", (uint32_t[4]){1, 33, 32, 1});
    o.tensors[3].dims[1] = o.tensors[3].dims[2] = 1;
    o.op.kernel_h = 33, o.op.kernel_w = 32;
    o.op.stride_h = o.op.stride_w = 1;
    cr_assert(eq(int, qm_legalize(&o.graph, NULL, o.arena, &network, &diag), QM_OK));
    cr_expect(eq(u32, network->layer_count, 1));
    cr_expect(eq(int, network->layers[0].kind, QM_LAYER_HOST));
    qm_arena_destroy(o.arena);
}
