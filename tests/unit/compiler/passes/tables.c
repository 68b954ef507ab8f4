/* tables.c - tables of activation functions against the real functions, and where they end up. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "compiler/compiler.h"

/* input, output, and a convolution's weights between them */
struct rig {
    struct qm_arena *arena;
    struct qm_graph_tensor tensors[4];
    struct qm_graph_op ops[2];
    struct qm_graph graph;
    float scales[3];
    int64_t zeros[3];
    uint32_t ends[2];
    int8_t weights[4];
};

static void open_rig(struct rig *r, enum qm_graph_op_kind kind) {
    *r = (struct rig){.arena = qm_arena_create(), .scales = {0.05F, 0.05F, 0.01F}};
    for (int i = 0; i < 4; i++) {
        r->tensors[i] = (struct qm_graph_tensor){.name = "map", .dtype = QM_I8, .rank = 4, .dims = {1, 1, 1, 2}, .size_bytes = 2};
        r->tensors[i].quant = (struct qm_quant){.count = 1, .scale = &r->scales[0], .zero_point = &r->zeros[0]};
    }
    r->tensors[1].quant = (struct qm_quant){.count = 1, .scale = &r->scales[1], .zero_point = &r->zeros[1]};
    r->ops[0] = (struct qm_graph_op){.kind = kind, .input_count = 1, .output_count = 1, .alpha = 0.1F};
    qm_graph_open_operands(&r->ops[0], r->arena);
    r->ops[0].inputs[0] = 0;
    r->ops[0].outputs[0] = 1;
    r->graph = (struct qm_graph){.file = "rig", .tensor_count = 4, .op_count = 1, .input_count = 1, .output_count = 1};
    r->graph.tensors = r->tensors;
    r->graph.ops = r->ops;
    r->graph.inputs = &r->ends[0];
    r->graph.outputs = &r->ends[1];
    r->ends[1] = 1;
}

static const struct qm_network *legalize(struct rig *r) {
    struct qm_network *network = NULL;
    struct qm_diag diag = {""};
    cr_assert(eq(int, qm_legalize(&r->graph, NULL, r->arena, &network, &diag), QM_OK), "%s", diag.text);
    return network;
}

/* Every entry is within `steps` of the real function, which is cut to int8. */
static void check_close(struct rig *r, double (*function)(double), double steps) {
    const uint8_t *table = legalize(r)->layers[0].table;
    for (int x = -128; x < 128; x++) {
        double real = function((double)r->scales[0] * (x - (double)r->zeros[0])) / (double)r->scales[1] + (double)r->zeros[1];
        double want = fmin(fmax(real, -128), 127), got = (int8_t)table[(uint8_t)x];
        cr_assert(fabs(got - want) <= steps, "%s(%d): %g, but the real function gives %g", qm_graph_op_name(r->ops[0].kind), x, got, want);
    }
    qm_arena_destroy(r->arena);
}

static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

static double hard_swish(double x) {
    return x * fmin(fmax(x + 3, 0), 6) / 6;
}

static double leaky_relu(double x) {
    return x < 0 ? 0.1 * x : x;
}

Test(tables, are_close_to_the_real_functions) {
    static const float scales[] = {0.004F, 0.03F, 0.047F, 0.11F, 0.3F};
    for (int i = 0; i < 5; i++)
        for (int64_t zero = -60; zero <= 60; zero += 40) {
            struct rig r;
            open_rig(&r, QM_OP_LOGISTIC);
            r.scales[0] = scales[i], r.zeros[0] = zero;
            r.scales[1] = 1.0F / 256, r.zeros[1] = -128;
            check_close(&r, logistic, 0.51);
            open_rig(&r, QM_OP_TANH);
            r.scales[0] = scales[i], r.zeros[0] = zero;
            r.scales[1] = 1.0F / 128;
            check_close(&r, tanh, 0.51);
            open_rig(&r, QM_OP_HARD_SWISH);
            r.scales[0] = scales[i], r.zeros[0] = zero;
            r.scales[1] = scales[i], r.zeros[1] = -40;
            check_close(&r, hard_swish, 1.01); /* 16 bits, and a product that is cut, not rounded */
            open_rig(&r, QM_OP_LEAKY_RELU);
            r.scales[0] = scales[i], r.zeros[0] = zero;
            r.scales[1] = scales[i] * 0.8F, r.zeros[1] = 3;
            check_close(&r, leaky_relu, 0.51);
        }
}

/* A convolution in front whose output is tensor 2. */
static void add_convolution(struct rig *r) {
    r->ops[1] = r->ops[0];
    r->ops[1].inputs[0] = 2;
    r->ops[0] = (struct qm_graph_op){.kind = QM_OP_CONV_2D, .input_count = 2, .output_count = 1, .kernel_h = 1, .kernel_w = 1};
    qm_graph_open_operands(&r->ops[0], r->arena);
    r->ops[0].inputs[0] = 0;
    r->ops[0].inputs[1] = 3;
    r->ops[0].outputs[0] = 2;
    r->ops[0].stride_h = r->ops[0].stride_w = r->ops[0].dilation_h = r->ops[0].dilation_w = 1;
    r->tensors[3].dims[0] = 2;
    r->tensors[3].data = r->weights;
    r->graph.op_count = 2;
}

Test(tables, belong_to_the_convolution_before_unless_others_read_it) {
    struct rig r;
    open_rig(&r, QM_OP_LEAKY_RELU);
    add_convolution(&r);
    const struct qm_network *network = legalize(&r);
    cr_expect(eq(u32, network->layer_count, 1));
    cr_expect(network->layers[0].table != NULL && network->layers[0].kind == QM_LAYER_CONV);
    uint32_t both[] = {1, 2};
    r.graph.outputs = both;
    r.graph.output_count = 2;
    network = legalize(&r);
    cr_expect(eq(u32, network->layer_count, 2));
    cr_expect(network->layers[0].table == NULL && network->layers[1].table != NULL);
    qm_arena_destroy(r.arena);
}

/* What the network's only table gives for stored bytes. */
static void check_bytes(struct rig *r, const int8_t (*bytes)[2], size_t count) {
    const uint8_t *table = legalize(r)->layers[0].table;
    for (size_t i = 0; i < count; i++)
        cr_assert(eq(i8, (int8_t)table[(uint8_t)bytes[i][0]], bytes[i][1]), "%s of %d", qm_graph_op_name(r->ops[0].kind), bytes[i][0]);
    qm_arena_destroy(r->arena);
}

/* Printed by the reference kernel of LiteRT 2.3. */
Test(tables, negate_what_is_stored_as_litert_does) {
    static const int8_t bytes[][2] = {{-128, -128}, {-127, 127}, {-1, 1}, {0, 0}, {3, -3}, {10, -10}, {127, -127}};
    struct rig r;
    open_rig(&r, QM_OP_NEG);
    r.scales[0] = 0.5F, r.zeros[0] = 3;
    r.scales[1] = 0.25F, r.zeros[1] = -7;
    check_bytes(&r, bytes, sizeof bytes / sizeof *bytes);
}

/* The same. The root of 19 steps of 0.5 is 30.8 steps of 0.1, which becomes 30. */
Test(tables, cut_square_roots_as_litert_does) {
    static const int8_t bytes[][2] = {{-128, -100}, {-127, -93}, {-126, -90}, {-125, -88}, {-110, -70}, {-109, -70}, {120, 11}, {127, 12}};
    struct rig r;
    open_rig(&r, QM_OP_SQRT);
    r.scales[0] = 0.5F, r.zeros[0] = -128;
    r.scales[1] = 0.1F, r.zeros[1] = -100;
    check_bytes(&r, bytes, sizeof bytes / sizeof *bytes);
}

Test(tables, have_no_square_roots_of_what_may_be_negative) {
    struct rig r;
    struct qm_network *network;
    struct qm_diag diag = {""};
    open_rig(&r, QM_OP_SQRT);
    r.zeros[0] = -127;
    cr_expect(eq(int, qm_legalize(&r.graph, NULL, r.arena, &network, &diag), QM_BAD_INPUT));
    cr_expect(strstr(diag.text, "its input can be below 0") != NULL, "%s", diag.text);
    qm_arena_destroy(r.arena);
}
