/* shapes.c - networks as converters write them, made here: shapes computed by operators, open batches, and what a file may leave out. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/compiler.h"
#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/reference.h"
#include "tests/support/tflite_build.h"

/* A model, read; its arena lasts as long as the test. */
struct reading {
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct qm_diag diag;
    enum qm_status status;
};

static struct reading read_batch(const struct build_model *m, uint32_t batch) {
    struct reading r = {.arena = qm_arena_create()};
    struct fbb *b = QM_ARENA_NEW(r.arena, struct fbb, 1);
    struct qm_network *network;
    build_write(m, b);
    /* Exactly the bytes of the file, so that the sanitizers see a read behind them. */
    uint8_t *bytes = memcpy(qm_arena_alloc(r.arena, b->size), b->bytes, b->size);
    const struct qm_model_options options = {.batch = batch};
    r.status = qm_model_parse(&(struct qm_model_bytes){bytes, b->size, "made"}, &options, r.arena, &r.graph, &r.diag);
    if (r.status == QM_OK) r.status = qm_legalize(r.graph, NULL, r.arena, &network, &r.diag);
    return r;
}

static struct reading accept(const struct build_model *m) {
    struct reading r = read_batch(m, 0);
    cr_assert(r.status == QM_OK, "%s", r.diag.text);
    return r;
}

static void refuse(const struct build_model *m, const char *text) {
    struct reading r = read_batch(m, 0);
    cr_expect(eq(int, r.status, QM_BAD_INPUT), "%s", text);
    cr_expect(eq(str, r.diag.text, (char *)(uintptr_t)text));
    qm_arena_destroy(r.arena);
}

static void expect_dims(const struct reading *r, uint32_t tensor, uint32_t rank, const uint32_t *dims) {
    cr_assert(eq(u32, r->graph->tensors[tensor].rank, rank));
    for (uint32_t d = 0; d < rank; d++) cr_expect(eq(u32, r->graph->tensors[tensor].dims[d], dims[d]), "dimension %u", d);
}

/* What the network gives for an input that counts up from -20. */
static const int8_t *outcome(const struct reading *r) {
    const struct qm_graph_tensor *in = &r->graph->tensors[r->graph->inputs[0]];
    int8_t *input = qm_arena_alloc(r->arena, in->size_bytes);
    const int8_t *inputs[] = {input};
    for (size_t i = 0; i < in->size_bytes; i++) input[i] = (int8_t)(i - 20);
    return reference_run(r->graph, inputs, r->arena)[r->graph->outputs[0]];
}

/* Keras' Reshape((4, 3)) of [batch][3][4]: the batch is the first element of the input's shape. */
static struct build_model keras_reshape(enum build_type integers) {
    return (struct build_model){
        .tensors = {{BUILD_INT8, {1, 3, 4}, .open = true, .scale = 0.5F},
                    {integers, {1}, .count = 1, .numbers = {0}},
                    {integers, {1}, .count = 1, .numbers = {1}},
                    {integers, {0}, .count = 1, .numbers = {4}},
                    {integers, {0}, .count = 1, .numbers = {3}},
                    {.type = integers, .dims = {3}},
                    {.type = integers, .dims = {0}},
                    {.type = integers, .dims = {3}},
                    {BUILD_INT8, {1, 4, 3}, .open = true, .scale = 0.5F}},
        .tensor_count = 9,
        .nodes = {{TFLITE_SHAPE, 0, .inputs = {0}, .input_count = 1, .outputs = {5}},
                  {TFLITE_STRIDED_SLICE, OPTIONS_STRIDED_SLICE, .slots[SLICE_SHRINK_MASK] = 1, .inputs = {5, 1, 2, 2}, .input_count = 4,
                   .outputs = {6}},
                  {TFLITE_PACK, OPTIONS_PACK, .slots[PACK_COUNT] = 3, .inputs = {6, 3, 4}, .input_count = 3, .outputs = {7}},
                  {TFLITE_RESHAPE, 0, .inputs = {0, 7}, .input_count = 2, .outputs = {8}}},
        .node_count = 4,
        .inputs = {0},
        .input_count = 1,
        .outputs = {8}};
}

Test(tflite_shapes, a_shape_that_operators_compute_is_a_constant) {
    static const enum build_type types[] = {BUILD_INT32, BUILD_INT64};
    for (int i = 0; i < 2; i++) {
        struct build_model m = keras_reshape(types[i]);
        struct reading r = accept(&m);
        cr_expect(eq(u32, r.graph->op_count, 1));
        cr_expect(eq(u32, r.graph->ops[0].index, 3));
        expect_dims(&r, 8, 3, (const uint32_t[]){1, 4, 3});
        for (int e = 0; e < 12; e++) cr_expect(eq(int, outcome(&r)[e], e - 20));
        qm_arena_destroy(r.arena);
    }
}

Test(tflite_shapes, a_batch_goes_through_all_that_a_file_leaves_open) {
    struct build_model m = keras_reshape(BUILD_INT32);
    struct reading r = read_batch(&m, 5);
    cr_assert(r.status == QM_OK, "%s", r.diag.text);
    expect_dims(&r, 0, 3, (const uint32_t[]){5, 3, 4});
    expect_dims(&r, 8, 3, (const uint32_t[]){5, 4, 3});
    cr_expect(eq(sz, r.graph->tensors[8].size_bytes, 60));
    qm_arena_destroy(r.arena);
    m.tensors[0].open = false;
    r = read_batch(&m, 5);
    cr_expect(eq(str, r.diag.text, "made: at byte 0x0: --batch 5: no input of the model leaves its batch open"));
    qm_arena_destroy(r.arena);
}

Test(tflite_shapes, an_open_shape_that_is_not_the_operators_is_refused) {
    struct build_model m = keras_reshape(BUILD_INT32);
    m.tensors[8].dims[1] = 6;
    struct reading r = read_batch(&m, 0);
    cr_expect(eq(int, r.status, QM_BAD_INPUT));
    cr_expect(strstr(r.diag.text, "operator 3 RESHAPE: the output's shape is not what the operator gives") != NULL, "%s", r.diag.text);
    qm_arena_destroy(r.arena);
}

/* Keras' Dense on [batch][3][4]: rows are the product of two gathered dimensions, and each tensor of the product is open. */
Test(tflite_shapes, rows_are_a_product_of_gathered_dimensions) {
    struct build_model m = {.tensors = {{BUILD_INT8, {1, 3, 4}, .open = true, .scale = 0.5F},
                                        {BUILD_INT32, {2}, .count = 2, .numbers = {0, 1}},
                                        {BUILD_INT32, {1}, .count = 1, .numbers = {0}},
                                        {BUILD_INT32, {0}, .count = 1, .numbers = {4}},
                                        {BUILD_INT8, {2, 4}, .count = 8, .numbers = {1, 0, 0, 0, 0, 1, 0, 0}, .scale = 1},
                                        {.type = BUILD_INT32, .dims = {3}},
                                        {.type = BUILD_INT32, .dims = {2}},
                                        {.type = BUILD_INT32, .dims = {0}},
                                        {.type = BUILD_INT32, .dims = {2}},
                                        {BUILD_INT8, {1, 4}, .open = true, .scale = 0.5F},
                                        {BUILD_INT8, {1, 2}, .open = true, .scale = 0.5F}},
                            .tensor_count = 11,
                            .nodes = {{TFLITE_SHAPE, 0, .inputs = {0}, .input_count = 1, .outputs = {5}},
                                      {TFLITE_GATHER, 0, .inputs = {5, 1}, .input_count = 2, .outputs = {6}},
                                      {TFLITE_REDUCE_PROD, 0, .inputs = {6, 2}, .input_count = 2, .outputs = {7}},
                                      {TFLITE_PACK, OPTIONS_PACK, .inputs = {7, 3}, .input_count = 2, .outputs = {8}},
                                      {TFLITE_RESHAPE, 0, .inputs = {0, 8}, .input_count = 2, .outputs = {9}},
                                      {TFLITE_FULLY_CONNECTED, 0, .inputs = {9, 4}, .input_count = 2, .outputs = {10}}},
                            .node_count = 6,
                            .inputs = {0},
                            .input_count = 1,
                            .outputs = {10}};
    struct reading r = accept(&m);
    cr_expect(eq(u32, r.graph->op_count, 2));
    expect_dims(&r, 9, 2, (const uint32_t[]){3, 4});
    expect_dims(&r, 10, 2, (const uint32_t[]){3, 2});
    for (int row = 0; row < 3; row++)
        for (int c = 0; c < 2; c++) cr_expect(eq(int, outcome(&r)[2 * row + c], 4 * row + c - 20));
    qm_arena_destroy(r.arena);
}

/* x[0:1, 1:3] of 1 x 3 x 4, written with begin, end and step of two dimensions. */
static struct build_model short_slice(void) {
    return (struct build_model){
        .tensors = {{BUILD_INT8, {1, 3, 4}, .scale = 0.5F},
                    {BUILD_INT32, {2}, .count = 2, .numbers = {0, 1}},
                    {BUILD_INT32, {2}, .count = 2, .numbers = {1, 3}},
                    {BUILD_INT32, {2}, .count = 2, .numbers = {1, 1}},
                    {BUILD_INT8, {1, 2, 4}, .scale = 0.5F}},
        .tensor_count = 5,
        .nodes = {{TFLITE_STRIDED_SLICE, OPTIONS_STRIDED_SLICE, .inputs = {0, 1, 2, 3}, .input_count = 4, .outputs = {4}}},
        .node_count = 1,
        .inputs = {0},
        .input_count = 1,
        .outputs = {4}};
}

static void expect_slice(const struct build_model *m) {
    struct reading r = accept(m);
    for (int e = 0; e < 8; e++) cr_expect(eq(int, outcome(&r)[e], e + 4 - 20));
    qm_arena_destroy(r.arena);
}

Test(tflite_shapes, what_a_file_may_do_changes_no_value) {
    struct build_model m = short_slice();
    expect_slice(&m);
    m.outside = true;
    expect_slice(&m);
    m.unaligned = true;
    expect_slice(&m);
    m.outside = false;
    m.tensors[5] = (struct build_tensor){.type = BUILD_BOOL, .dims = {-7, 3}}; /* nothing uses it */
    m.tensor_count = 6;
    expect_slice(&m);
    m.tensors[0].scale = m.tensors[4].scale = 0;
    expect_slice(&m);
    m.tensors[0].scale = 1;
    refuse(&m, "made: operator 0 STRIDED_SLICE: tensor_4 has 0 scales; activations must have one");
    m.tensors[0].scale = 0;
    m.tensors[4].scale = 1;
    refuse(&m, "made: operator 0 STRIDED_SLICE: tensor_0 has 0 scales; activations must have one");
}

Test(tflite_shapes, refuses_buffers_that_leave_the_file) {
    struct build_model m = short_slice();
    struct fbb b;
    struct qm_diag diag = {""};
    struct qm_graph *graph;
    m.outside = true;
    for (uint32_t cut = 1; cut <= 3; cut++) {
        struct qm_arena *arena = qm_arena_create();
        build_write(&m, &b);
        enum qm_status status = qm_model_parse(&(struct qm_model_bytes){b.bytes, b.size - cut, "made"}, NULL, arena, &graph, &diag);
        cr_expect(eq(int, status, QM_BAD_INPUT));
        cr_expect(strstr(diag.text, "a buffer outside the model's tables leaves the file") != NULL, "%s", diag.text);
        qm_arena_destroy(arena);
    }
}

/* Of tensors without scales the reference kernels give 0 for every mean. */
Test(tflite_shapes, a_mean_without_scales_is_zero) {
    struct build_model m = {.tensors = {{.type = BUILD_INT8, .dims = {1, 3, 4}},
                                        {BUILD_INT32, {1}, .count = 1, .numbers = {1}},
                                        {.type = BUILD_INT8, .dims = {1, 4}}},
                            .tensor_count = 3,
                            .nodes = {{TFLITE_MEAN, 0, .inputs = {0, 1}, .input_count = 2, .outputs = {2}}},
                            .node_count = 1,
                            .inputs = {0},
                            .input_count = 1,
                            .outputs = {2}};
    struct reading r = read_batch(&m, 0);
    struct qm_network *network;
    cr_assert(eq(int, qm_legalize(r.graph, NULL, r.arena, &network, &r.diag), QM_OK));
    cr_expect(eq(i32, network->layers[0].out_scale.value, 0));
    cr_expect(eq(i32, network->layers[0].out_zero, 0));
    qm_arena_destroy(r.arena);
}

Test(tflite_shapes, concatenates_some_hundred_maps) {
    enum { PARTS = 390 };
    struct build_model m = {.node_count = 1, .tensor_count = PARTS + 1, .input_count = PARTS, .outputs = {PARTS}};
    m.nodes[0] = (struct build_node){TFLITE_CONCATENATION, OPTIONS_CONCATENATION, .input_count = PARTS, .outputs = {PARTS}};
    m.nodes[0].slots[CONCATENATION_AXIS] = 1;
    for (int i = 0; i < PARTS; i++) {
        m.tensors[i] = (struct build_tensor){BUILD_INT8, {1, 2, 3}, .scale = 1};
        m.inputs[i] = m.nodes[0].inputs[i] = i;
    }
    m.tensors[PARTS] = (struct build_tensor){BUILD_INT8, {1, 2 * PARTS, 3}, .scale = 1};
    struct reading r = accept(&m);
    cr_expect(eq(u32, r.graph->ops[0].input_count, PARTS));
    qm_arena_destroy(r.arena);
}

/* The bytes of int8 are no numbers of int32. */
Test(tflite_shapes, joins_numbers_of_one_type) {
    struct build_model m = {.node_count = 1, .tensor_count = 3, .input_count = 2, .inputs = {0, 1}, .outputs = {2}};
    m.nodes[0] = (struct build_node){TFLITE_CONCATENATION, OPTIONS_CONCATENATION, .inputs = {0, 1}, .input_count = 2, .outputs = {2}};
    m.tensors[0] = m.tensors[1] = (struct build_tensor){BUILD_INT8, {1, 4}, .scale = 1};
    m.tensors[2] = (struct build_tensor){.type = BUILD_INT32, .dims = {2, 4}};
    refuse(&m, "made: operator 0 CONCATENATION: its operands have different types");
}

/* LSTM's result goes into a slice; nothing of that hides the float operators behind. */
Test(tflite_shapes, names_all_operators_in_the_way_and_what_helps) {
    struct build_model m = short_slice();
    m.node_count = 3;
    m.nodes[1] = (struct build_node){16, 0, .inputs = {4}, .input_count = 1, .outputs = {5}};
    m.nodes[2] = (struct build_node){TFLITE_LOGISTIC, 0, .inputs = {6}, .input_count = 1, .outputs = {7}};
    m.tensors[5] = (struct build_tensor){.type = BUILD_INT32, .dims = {2}};
    m.tensors[6] = m.tensors[7] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {2}};
    m.tensor_count = 8;
    m.inputs[1] = 6;
    m.input_count = 2;
    refuse(&m, "made: operator 1 LSTM is not supported; operator 2 LOGISTIC on float32 is not supported; "
               "this is a float network: qmac quantize makes integers of it (docs/how-to/quantize-a-network.md)");
    m.tensors[6].type = m.tensors[7].type = BUILD_INT16;
    m.nodes[1] = m.nodes[2];
    m.nodes[1].outputs[0] = 5;
    m.tensors[5] = m.tensors[6];
    refuse(&m, "made: operator 1 LOGISTIC on int16 is not supported (also 2); "
               "quantize to int8, not to int16 activations with int8 weights");
}

/* The shape of what is int16 is no less a shape. */
Test(tflite_shapes, shapes_are_computed_of_types_that_are_refused) {
    struct build_model m = keras_reshape(BUILD_INT32);
    m.tensors[0].type = m.tensors[8].type = BUILD_INT16;
    m.tensors[0].scale = m.tensors[8].scale = 0;
    refuse(&m, "made: operator 3 RESHAPE on int16 is not supported; quantize to int8, not to int16 activations with int8 weights");
}

enum { ZEROS_LIKE = 93 }; /* as TFLite numbers it */

/* ZEROS_LIKE stands between DEQUANTIZE and LOGISTIC, which floats that come of bytes may reach. A float input is no such thing. */
Test(tflite_shapes, only_what_is_in_the_way_of_a_float_tail_is_named) {
    struct build_model m = {.node_count = 3, .tensor_count = 4, .input_count = 1, .inputs = {0}, .outputs = {3}};
    m.nodes[0] = (struct build_node){TFLITE_DEQUANTIZE, 0, .inputs = {0}, .input_count = 1, .outputs = {1}};
    m.nodes[1] = (struct build_node){ZEROS_LIKE, 0, .inputs = {1}, .input_count = 1, .outputs = {2}};
    m.nodes[2] = (struct build_node){TFLITE_LOGISTIC, 0, .inputs = {2}, .input_count = 1, .outputs = {3}};
    m.tensors[0] = (struct build_tensor){BUILD_INT8, {2}, .scale = 0.5F};
    for (int i = 1; i < 4; i++) m.tensors[i] = (struct build_tensor){.type = BUILD_FLOAT, .dims = {2}};
    refuse(&m, "made: operator 1 ZEROS_LIKE is not supported; docs/operators.md lists what runs where");
    m.tensors[4] = m.tensors[5] = m.tensors[3];
    m.nodes[3] = (struct build_node){TFLITE_LOGISTIC, 0, .inputs = {4}, .input_count = 1, .outputs = {5}};
    m.node_count = 4;
    m.tensor_count = 6;
    m.inputs[1] = 4;
    m.input_count = 2;
    refuse(&m, "made: operator 1 ZEROS_LIKE is not supported; operator 3 LOGISTIC on float32 is not supported; "
               "this is a float network: qmac quantize makes integers of it (docs/how-to/quantize-a-network.md)");
}

/* The second operator says nothing new, and is no less out of the graph for it. */
Test(tflite_shapes, types_that_the_graph_has_not_are_named_once) {
    struct build_model m = short_slice();
    m.node_count = 3;
    m.nodes[1] = (struct build_node){TFLITE_RELU, 0, .inputs = {5}, .input_count = 1, .outputs = {6}};
    m.nodes[2] = (struct build_node){TFLITE_RELU, 0, .inputs = {6}, .input_count = 1, .outputs = {7}};
    for (int i = 5; i < 8; i++) m.tensors[i] = (struct build_tensor){.type = BUILD_UINT32, .dims = {2}, .count = i == 5};
    m.tensor_count = 8;
    refuse(&m, "made: operator 1 RELU on UINT32 is not supported (also 2); docs/operators.md lists what runs where");
}

Test(tflite_shapes, indices_are_integers_within_the_axis) {
    struct build_model m = keras_reshape(BUILD_INT32);
    m.nodes[1] = (struct build_node){TFLITE_GATHER, 0, .inputs = {5, 2}, .input_count = 2, .outputs = {6}};
    m.tensors[6] = (struct build_tensor){.type = BUILD_INT32, .dims = {1}};
    m.tensors[2].numbers[0] = 3;
    struct reading r = read_batch(&m, 0);
    cr_expect(strstr(r.diag.text, "operator 1 GATHER: index 3 of 3 elements") != NULL, "%s", r.diag.text);
    qm_arena_destroy(r.arena);
    m.tensors[2].type = BUILD_INT8;
    r = read_batch(&m, 0);
    cr_expect(strstr(r.diag.text, "operator 1 GATHER: the indices are no integers") != NULL, "%s", r.diag.text);
    qm_arena_destroy(r.arena);
}
