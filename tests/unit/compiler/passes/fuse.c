/* fuse.c - which additions become a part of the convolution before them, and with which numbers. That programs with them compute what
 * the graph computes is asked of random networks in plan.c. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/isa.h"
#include "compiler/passes/passes.h"

enum { INPUT, FIRST, SECOND, SUM, VALUES };

/* A convolution, another one, and the sum of the first with the second or with the input. */
struct net {
    struct qm_arena *arena;
    struct qm_compile_options options;
    struct qm_network network;
    struct qm_value values[VALUES];
    struct qm_layer layers[3];
    uint32_t ends[2];
    struct plan plan;
};

static struct net net;

static uint32_t *inputs(uint32_t first, uint32_t second) {
    uint32_t *list = qm_graph_operands(net.arena, 2);
    list[0] = first;
    list[1] = second;
    return list;
}

static struct qm_layer convolution(uint32_t output) {
    return (struct qm_layer){.kind = QM_LAYER_CONV,
                             .inputs = inputs(INPUT, 0),
                             .input_count = 1,
                             .output = output,
                             .rounding = QM_rounding_TFLITE,
                             .out_zero = -5,
                             .clamp_min = -100,
                             .clamp_max = 90};
}

static void setup(void) {
    net = (struct net){.arena = qm_arena_create(), .ends = {INPUT, SUM}};
    for (uint32_t i = 0; i < VALUES; i++)
        net.values[i] = (struct qm_value){.h = 2, .w = 3, .c = 4, .dtype = QM_I8, .bits = 8, .storage = i};
    net.layers[0] = convolution(FIRST);
    net.layers[1] = convolution(SECOND);
    net.layers[2] = (struct qm_layer){.kind = QM_LAYER_ADD,
                                      .inputs = inputs(FIRST, SECOND),
                                      .input_count = 2,
                                      .output = SUM,
                                      .rounding = QM_rounding_TFLITE,
                                      .a_zero = -5,
                                      .b_zero = -5,
                                      .a_scale = {1 << 30, 1},
                                      .b_scale = {1 << 30, 2},
                                      .out_scale = {1 << 30, -19},
                                      .pre_shift = 20,
                                      .out_zero = 7,
                                      .clamp_min = -128,
                                      .clamp_max = 127};
    net.network = (struct qm_network){.value_count = VALUES,
                                      .layer_count = 3,
                                      .input_count = 1,
                                      .output_count = 1,
                                      .values = net.values,
                                      .layers = net.layers,
                                      .inputs = &net.ends[0],
                                      .outputs = &net.ends[1]};
    net.plan = (struct plan){.network = &net.network, .arena = net.arena, .options = &net.options};
}

static void teardown(void) {
    qm_arena_destroy(net.arena);
}

TestSuite(fuse, .init = setup, .fini = teardown);

/* Layers that are left. */
static uint32_t fuse(void) {
    cr_assert(eq(int, pass_fuse(&net.plan), QM_OK));
    return net.plan.network->layer_count;
}

Test(fuse, the_later_of_two_convolutions_takes_the_addition) {
    cr_assert(eq(u32, fuse(), 2));
    const struct qm_layer *first = &net.plan.network->layers[0], *l = &net.plan.network->layers[1];
    cr_assert(not(first->residual));
    cr_assert(l->residual);
    cr_assert(eq(u32, l->input_count, 2));
    cr_assert(eq(u32, l->inputs[0], INPUT));
    cr_assert(eq(u32, l->inputs[1], FIRST));
    cr_assert(eq(u32, l->output, SUM));
    cr_assert(eq(i32, l->a_min, -95));
    cr_assert(eq(i32, l->a_max, 95));
    cr_assert(eq(int, l->a_scale.shift, 2), "the convolution was the second operand");
    cr_assert(eq(int, l->b_scale.shift, 1));
    cr_assert(eq(int, l->out_scale.shift, -19));
    cr_assert(eq(i32, l->b_zero, -5));
    cr_assert(eq(i32, l->out_zero, 7));
    cr_assert(eq(i32, l->clamp_min, -128));
    cr_assert(eq(u32, net.layers[1].output, SECOND), "the network that was given stays as it is");
}

Test(fuse, an_earlier_convolution_takes_a_map_that_is_there_before_it) {
    net.layers[2].inputs = inputs(INPUT, FIRST);
    cr_assert(eq(u32, fuse(), 2));
    cr_assert(net.plan.network->layers[0].residual);
    cr_assert(eq(u32, net.plan.network->layers[0].inputs[1], INPUT));
    cr_assert(eq(int, net.plan.network->layers[0].a_scale.shift, 2));
}

Test(fuse, roundings_that_differ_in_a_bias_alone_are_one) {
    net.layers[1].rounding = QM_rounding_OFFSET;
    net.layers[2].rounding = QM_rounding_EVEN;
    cr_assert(eq(u32, fuse(), 2));
}

static void other_rounding(void) {
    net.layers[2].rounding = QM_rounding_EVEN;
}

static void product(void) {
    net.layers[2].product = true;
}

static void table(void) {
    net.layers[1].table = (const uint8_t *)"";
}

static void computed_weights(void) {
    net.layers[1].matrices = 1;
    net.layers[1].input_count = 2;
}

static void twice_the_same(void) {
    net.layers[2].inputs = inputs(SECOND, SECOND);
}

static void an_output(void) {
    net.ends[1] = SECOND;
}

static void sums(void) {
    net.values[SECOND].bits = 32;
    net.values[SECOND].dtype = QM_I32;
}

static void packed(void) {
    net.values[FIRST].bits = 4;
}

static void other_shape(void) {
    net.values[SUM].h = 3;
    net.values[SUM].w = 2;
}

static void numbers_of_more_bits(void) {
    net.layers[1].clamp_max = 128;
}

static void other_zero(void) {
    net.layers[2].b_zero = 0;
}

static void kept(void) {
    net.options.keep_layers = true;
}

Test(fuse, what_would_not_be_the_same_stays_an_addition) {
    static void (*const changes[])(void) = {other_rounding, product, table,       computed_weights,     twice_the_same, an_output,
                                            sums,           packed,  other_shape, numbers_of_more_bits, other_zero,     kept};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        teardown();
        setup();
        changes[i]();
        cr_expect(eq(u32, fuse(), 3), "change %zu", i);
    }
}
