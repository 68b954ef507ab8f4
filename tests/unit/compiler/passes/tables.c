/* tables.c - tables of activation functions against the real functions, and where they end up. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

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
    r->ops[0] = (struct qm_graph_op){.kind = kind, .inputs = {0}, .input_count = 1, .outputs = {1}, .output_count = 1, .alpha = 0.1F};
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
    r->ops[0] = (struct qm_graph_op){.kind = QM_OP_CONV_2D,
                                     .inputs = {0, 3, QM_NO_TENSOR},
                                     .input_count = 2,
                                     .outputs = {2},
                                     .output_count = 1,
                                     .kernel_h = 1,
                                     .kernel_w = 1};
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
