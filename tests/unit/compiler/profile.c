/* profile.c - what --requant litert and xnnpack make of operators: numbers worked out by hand, and products of float32 for all sums. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "common/fixed_point.h"
#include "compiler/compiler.h"

enum { NEVER_SAID = 7 };

/* An operator with up to two operands, weights and a bias; tensor 3 is the output. All of int8, in one row of one number. */
struct rig {
    struct qm_arena *arena;
    struct qm_graph_tensor tensors[4];
    struct qm_graph_op op;
    struct qm_graph graph;
    float scales[4];
    int64_t zeros[4];
    uint32_t inputs[2], output;
    int8_t weight;
    int32_t bias;
    struct qm_diag diag;
};

static void open_rig(struct rig *r, enum qm_graph_op_kind kind, uint32_t operands) {
    *r = (struct rig){.arena = qm_arena_create(), .scales = {1, 1, 1, 1}, .inputs = {0, 1}, .output = 3};
    for (uint32_t i = 0; i < 4; i++) {
        r->tensors[i] = (struct qm_graph_tensor){.name = "t", .dtype = QM_I8, .rank = 2, .dims = {1, 1}, .size_bytes = 1};
        r->tensors[i].quant = (struct qm_quant){.count = 1, .scale = &r->scales[i], .zero_point = &r->zeros[i]};
    }
    r->op = (struct qm_graph_op){.kind = kind, .input_count = operands, .output_count = 1, .alpha = 0.1F, .beta = 1};
    qm_graph_open_operands(&r->op, r->arena);
    for (uint32_t i = 0; i < operands; i++) r->op.inputs[i] = i;
    r->op.outputs[0] = 3;
    r->graph = (struct qm_graph){.file = "rig", .tensor_count = 4, .op_count = 1, .input_count = operands, .output_count = 1};
    r->graph.tensors = r->tensors;
    r->graph.ops = &r->op;
    r->graph.inputs = r->inputs;
    r->graph.outputs = &r->output;
}

/* One weight and a bias. */
static void open_product(struct rig *r, int8_t weight, int32_t bias) {
    open_rig(r, QM_OP_FULLY_CONNECTED, 3);
    r->graph.input_count = 1;
    r->weight = weight;
    r->bias = bias;
    r->tensors[1].data = &r->weight;
    r->tensors[2] = (struct qm_graph_tensor){.name = "bias", .dtype = QM_I32, .rank = 1, .dims = {1}, .size_bytes = 4, .data = &r->bias};
}

static const struct qm_layer *legalize(struct rig *r, enum qm_requant_mode mode) {
    struct qm_compile_options options = {.requant = mode};
    struct qm_network *network = NULL;
    return qm_legalize(&r->graph, &options, r->arena, &network, &r->diag) == QM_OK ? &network->layers[network->layer_count - 1] : NULL;
}

static int8_t entry(const struct qm_layer *layer, int32_t number) {
    return (int8_t)layer->table[(uint8_t)number];
}

/* 0.5 and 0.25 steps: the larger has exponent -1, so that whole numbers count 2^-21 of a step. */
Test(profile, xnnpack_adds_and_subtracts_whole_multiples) {
    for (uint32_t subtracts = 0; subtracts < 2; subtracts++) {
        struct rig r;
        open_rig(&r, subtracts ? QM_OP_SUB : QM_OP_ADD, 2);
        r.scales[0] = 0.5F, r.scales[1] = 0.25F;
        const struct qm_layer *layer = legalize(&r, QM_REQUANT_XNNPACK);
        cr_assert(layer != NULL && layer->kind == QM_LAYER_ADD, "%s", r.diag.text);
        cr_expect(layer->a_scale.value == 1 << 20 && layer->a_scale.shift == 31);
        cr_expect(layer->b_scale.value == (subtracts ? -(1 << 19) : 1 << 19) && layer->b_scale.shift == 31);
        cr_expect(layer->out_scale.value == 1 << 30 && layer->out_scale.shift == 1 - 21);
        cr_expect(eq(u32, layer->rounding, QM_rounding_SINGLE));
        cr_expect(eq(u32, layer->pre_shift, 0));
        qm_arena_destroy(r.arena);
    }
}

/* 0.3 is 77 / 256, and half goes up. */
Test(profile, xnnpack_rescales_by_256ths) {
    struct rig r;
    open_rig(&r, QM_OP_QUANTIZE, 1);
    r.scales[0] = 0.3F;
    const struct qm_layer *layer = legalize(&r, QM_REQUANT_XNNPACK);
    cr_assert(layer != NULL && layer->rounding == QM_rounding_SINGLE, "%s", r.diag.text);
    cr_expect(ldexp(layer->out_scale.value, layer->out_scale.shift - 31) == 77.0 / 256);
    r.tensors[3].dtype = QM_U8;
    cr_expect(legalize(&r, QM_REQUANT_XNNPACK) == NULL && strstr(r.diag.text, "XNNPACK does not take it") != NULL, "%s", r.diag.text);
    qm_arena_destroy(r.arena);
}

/* -84 * 0.1 is -8.4, which becomes -8; with 26 / 256 it is -8.53. */
Test(profile, xnnpack_has_slopes_in_256ths) {
    struct rig r;
    open_rig(&r, QM_OP_LEAKY_RELU, 1);
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_LITERT), -84), -8));
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_XNNPACK), -84), -9));
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_XNNPACK), 84), 84));
    qm_arena_destroy(r.arena);
}

/* tanh(1/256) * 128 is below a half: TFLite's fixed point is not exact enough to see that. */
Test(profile, functions_are_in_single_precision) {
    struct rig r;
    open_rig(&r, QM_OP_TANH, 1);
    r.scales[0] = 1.0F / 256, r.scales[3] = 1.0F / 128;
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_TFLITE), 1), 1));
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_LITERT), 1), 0));
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_XNNPACK), 1), 0));
    r.op.kind = QM_OP_LOGISTIC, r.scales[3] = 1.0F / 256, r.zeros[3] = -128;
    cr_expect(eq(i8, entry(legalize(&r, QM_REQUANT_LITERT), 0), 0));
    qm_arena_destroy(r.arena);
}

Test(profile, litert_rounds_fully_connected_layers_once_and_others_twice) {
    struct rig r;
    open_product(&r, 3, 0);
    cr_expect(eq(u32, legalize(&r, QM_REQUANT_TFLITE)->rounding, QM_rounding_TFLITE));
    cr_expect(eq(u32, legalize(&r, QM_REQUANT_LITERT)->rounding, QM_rounding_SINGLE));
    qm_arena_destroy(r.arena);
    open_rig(&r, QM_OP_MUL, 2);
    cr_expect(eq(u32, legalize(&r, QM_REQUANT_LITERT)->rounding, QM_rounding_TFLITE));
    qm_arena_destroy(r.arena);
}

static int32_t float_product(const struct rig *r, int32_t sum) {
    float scale = r->scales[0] * r->scales[1] / r->scales[3];
    return (int32_t)fminf(fmaxf(nearbyintf((float)sum * scale), -128 - (float)r->zeros[3]), 127 - (float)r->zeros[3]) +
           (int32_t)r->zeros[3];
}

static int32_t layer_product(const struct qm_layer *layer, int32_t sum) {
    int32_t scaled = qm_scale_biased(sum, layer->bias[0], layer->scales[0].value, layer->scales[0].shift, layer->rounding);
    return qm_output(scaled, layer->out_zero, layer->clamp_min, layer->clamp_max);
}

/* Sums at which the product is not XNNPACK's are counted, two neighbours at most where a number changes. */
Test(profile, xnnpack_multiplies_in_float32_but_for_the_sums_that_it_counts) {
    uint32_t counted = 0, differing = 0;
    for (int32_t i = 0; i < 3000; i++) {
        struct rig r;
        open_product(&r, 127, i % NEVER_SAID - 3);
        r.scales[0] = 0.01F + (float)i * 1e-5F, r.scales[1] = 0.0123F, r.scales[3] = 0.0123F * (1 + (float)(i % 50));
        r.zeros[3] = i % 11 - 5;
        const struct qm_layer *layer = legalize(&r, QM_REQUANT_XNNPACK);
        cr_assert(layer != NULL, "%s", r.diag.text);
        uint32_t here = 0;
        for (int32_t x = -128; x < 128; x++) here += layer_product(layer, x * 127) != float_product(&r, x * 127 + r.bias);
        cr_assert(here <= layer->other_sums, "scale %d: %u sums differ, %u are counted", i, here, layer->other_sums);
        counted += layer->other_sums > 0;
        differing += here;
        qm_arena_destroy(r.arena);
    }
    cr_expect(le(u32, counted, 60));   /* layers of 3000 */
    cr_expect(le(u32, differing, 10)); /* of 768,000 */
}

/* A product on the middle is even: 0.5 * 127 is 63.5, and the accumulator's 1 takes it to the next. */
Test(profile, xnnpack_rounds_half_to_even) {
    struct rig r;
    open_product(&r, 1, 0);
    r.scales[0] = 0.5F;
    const struct qm_layer *layer = legalize(&r, QM_REQUANT_XNNPACK);
    cr_expect(eq(i32, layer_product(layer, 127), 64));
    cr_expect(eq(i32, layer_product(layer, 125), 62));
    cr_expect(eq(i32, layer_product(layer, -125), -62));
    cr_expect(eq(u32, layer->other_sums, 0));
    qm_arena_destroy(r.arena);
}

/* One weight, and windows of one element, as far apart as it is wide, or farther. */
Test(profile, xnnpack_has_not_all_transposed_windows) {
    struct rig r;
    open_product(&r, 3, 0);
    for (uint32_t i = 0; i < 4; i++) r.tensors[i].rank = i == 2 ? 1 : 4, r.tensors[i].dims[2] = r.tensors[i].dims[3] = 1;
    r.op.kind = QM_OP_TRANSPOSE_CONV;
    r.op.kernel_h = r.op.kernel_w = r.op.stride_h = r.op.stride_w = r.op.dilation_h = r.op.dilation_w = 1;
    cr_expect(legalize(&r, QM_REQUANT_XNNPACK) == NULL && strstr(r.diag.text, "windows of one element") != NULL, "%s", r.diag.text);
    r.op.stride_w = 2;
    cr_expect(legalize(&r, QM_REQUANT_XNNPACK) == NULL && strstr(r.diag.text, "windows narrower than their strides") != NULL, "%s",
              r.diag.text);
    cr_expect(legalize(&r, QM_REQUANT_LITERT) != NULL, "%s", r.diag.text);
    qm_arena_destroy(r.arena);
}

Test(profile, what_has_no_rule_is_refused_by_name) {
    struct rig r;
    open_rig(&r, QM_OP_LOG_SOFTMAX, 1);
    r.scales[3] = 1.0F / 16, r.zeros[3] = 127;
    cr_expect(legalize(&r, QM_REQUANT_XNNPACK) == NULL && strstr(r.diag.text, "LOG_SOFTMAX: what LiteRT's kernels") != NULL, "%s",
              r.diag.text);
    r.op.kind = QM_OP_SUM;
    cr_expect(legalize(&r, QM_REQUANT_LITERT) == NULL && strstr(r.diag.text, "does not give the sums of int8") != NULL, "%s", r.diag.text);
    r.op.kind = QM_OP_CONCATENATION;
    cr_expect(legalize(&r, QM_REQUANT_LITERT) == NULL && strstr(r.diag.text, "no int8 of different scales") != NULL, "%s", r.diag.text);
    r.graph.was_real = true;
    cr_expect(legalize(&r, QM_REQUANT_LITERT) == NULL && strstr(r.diag.text, "--requant litert says how TFLite files are run") != NULL,
              "%s", r.diag.text);
    qm_arena_destroy(r.arena);
}
