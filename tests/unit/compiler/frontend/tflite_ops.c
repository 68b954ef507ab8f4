/* tflite_ops.c - models of one operator, written here: padding as TFLite computes it, attributes, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/compiler.h"
#include "compiler/frontend/tflite.h"
#include "tests/support/flatbuffer_build.h"

enum { TENSORS_MAX = 4, FIELDS_MAX = 8 };

/* The tensors are input, constants, output, in this order; all int8. Options: slot i holds options[i], 0 is left absent. */
struct tiny {
    uint8_t code, options_type;
    uint32_t options[FIELDS_MAX];
    uint32_t dims[TENSORS_MAX][5];
    uint32_t version, subgraphs, operators; /* 0: 3, 1 and 1; the operators are all the same */
};

static uint32_t count_tensors(const struct tiny *t) {
    uint32_t count = 0;
    while (count < TENSORS_MAX && t->dims[count][0] > 0) count++;
    return count;
}

static void write_tensor(struct fbb *b, const struct tiny *t, uint32_t index, uint32_t element) {
    uint32_t table = fbb_table(b, 5), rank = 0;
    while (rank < 5 && t->dims[index][rank] > 0) rank++;
    fbb_point(b, element, table);
    fbb_set(b, table, TENSOR_TYPE, 9, 1);
    bool constant = index > 0 && index + 1 < count_tensors(t);
    fbb_set(b, table, TENSOR_BUFFER, constant ? index : 0, 4);
    uint32_t shape = fbb_vector(b, table, TENSOR_SHAPE, rank, 4);
    for (uint32_t i = 0; i < rank; i++) fbb_put(b, shape + 4 * i, t->dims[index][i], 4);
}

static void write_buffers(struct fbb *b, const struct tiny *t, uint32_t model) {
    uint32_t count = count_tensors(t), buffers = fbb_vector(b, model, MODEL_BUFFERS, count, 4);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t table = fbb_table(b, 1), size = 1;
        for (uint32_t d = 0; d < 5 && t->dims[i][d] > 0; d++) size *= t->dims[i][d];
        fbb_point(b, buffers + 4 * i, table);
        if (i > 0 && i + 1 < count) fbb_vector(b, table, BUFFER_DATA, size, 1);
    }
}

static void write_operator(struct fbb *b, const struct tiny *t, uint32_t element) {
    uint32_t table = fbb_table(b, 5), count = count_tensors(t);
    fbb_point(b, element, table);
    uint32_t inputs = fbb_vector(b, table, OPERATOR_INPUTS, count - 1, 4);
    for (uint32_t i = 0; i + 1 < count; i++) fbb_put(b, inputs + 4 * i, i, 4);
    fbb_put(b, fbb_vector(b, table, OPERATOR_OUTPUTS, 1, 4), count - 1, 4);
    if (t->options_type == 0) return;
    fbb_set(b, table, OPERATOR_OPTIONS_TYPE, t->options_type, 1);
    uint32_t options = fbb_table(b, FIELDS_MAX);
    fbb_link(b, table, OPERATOR_OPTIONS, options);
    for (uint32_t i = 0; i < FIELDS_MAX; i++)
        if (t->options[i] != 0) fbb_set(b, options, i, t->options[i], 4);
}

static void write_model(struct fbb *b, const struct tiny *t) {
    fbb_open(b, "TFL3");
    uint32_t model = fbb_table(b, 5), count = count_tensors(t);
    fbb_set(b, model, MODEL_VERSION, t->version ? t->version : 3, 4);
    uint32_t codes = fbb_vector(b, model, MODEL_OPERATOR_CODES, 1, 4), code = fbb_table(b, 4);
    fbb_point(b, codes, code);
    fbb_set(b, code, CODE_DEPRECATED, t->code, 1);
    uint32_t subgraphs = t->subgraphs ? t->subgraphs : 1, subgraph_list = fbb_vector(b, model, MODEL_SUBGRAPHS, subgraphs, 4);
    uint32_t subgraph = fbb_table(b, 4);
    for (uint32_t i = 0; i < subgraphs; i++) fbb_point(b, subgraph_list + 4 * i, subgraph);
    uint32_t tensors = fbb_vector(b, subgraph, SUBGRAPH_TENSORS, count, 4);
    for (uint32_t i = 0; i < count; i++) write_tensor(b, t, i, tensors + 4 * i);
    fbb_vector(b, subgraph, SUBGRAPH_INPUTS, 1, 4);
    fbb_put(b, fbb_vector(b, subgraph, SUBGRAPH_OUTPUTS, 1, 4), count - 1, 4);
    uint32_t operators = t->operators ? t->operators : 1, operator_list = fbb_vector(b, subgraph, SUBGRAPH_OPERATORS, operators, 4);
    for (uint32_t i = 0; i < operators; i++) write_operator(b, t, operator_list + 4 * i);
    write_buffers(b, t, model);
}

static enum qm_status parse(const struct tiny *t, struct qm_graph_op *op, struct qm_diag *diag) {
    struct fbb b;
    struct qm_graph *graph = NULL;
    write_model(&b, t);
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = qm_model_parse(b.bytes, b.size, "tiny", arena, &graph, diag);
    if (status == QM_OK) *op = graph->ops[0];
    qm_arena_destroy(arena);
    return status;
}

static struct qm_graph_op accept(const struct tiny *t) {
    struct qm_graph_op op = {0};
    struct qm_diag diag = {""};
    cr_assert(eq(int, parse(t, &op, &diag), QM_OK), "%s", diag.text);
    return op;
}

static void expect_refusal(const struct tiny *t, const char *part) {
    struct qm_graph_op op;
    struct qm_diag diag = {""};
    cr_expect(eq(int, parse(t, &op, &diag), QM_BAD_INPUT), "%s", part);
    cr_expect(strstr(diag.text, part) != NULL, "'%s' is not in: %s", part, diag.text);
}

/* [published: TensorFlow's documentation of SAME: out = ceil(in / stride), the odd pixel at the bottom and right] */
Test(tflite_ops, pads_same_with_the_odd_pixel_behind) {
    struct tiny t = {.code = TFLITE_MAX_POOL_2D, .options_type = OPTIONS_POOL, .options = {PADDING_SAME, 2, 2, 3, 2}};
    memcpy(t.dims, (uint32_t[TENSORS_MAX][5]){{1, 8, 7, 4}, {1, 4, 4, 4}}, sizeof t.dims);
    struct qm_graph_op op = accept(&t); /* width 7: 3 x 2 + 3 = 9, one on each side; height 8: 3 x 2 + 2 = 8, none */
    cr_expect(eq(u32, op.pad_left, 1));
    cr_expect(eq(u32, op.pad_right, 1));
    cr_expect(eq(u32, op.pad_top, 0));
    cr_expect(eq(u32, op.pad_bottom, 0));
    t.dims[0][2] = 8;
    op = accept(&t); /* width 8: 9 wanted, the one missing on the right */
    cr_expect(eq(u32, op.pad_left, 0));
    cr_expect(eq(u32, op.pad_right, 1));
    cr_expect(eq(u32, op.kernel_w, 3));
    cr_expect(eq(u32, op.kernel_h, 2));
}

Test(tflite_ops, counts_dilation_in_the_window) {
    struct tiny t = {.code = TFLITE_CONV_2D, .options_type = OPTIONS_CONV, .options = {PADDING_VALID, 1, 2, 1, 3, 2}};
    memcpy(t.dims, (uint32_t[TENSORS_MAX][5]){{1, 9, 10, 2}, {4, 3, 3, 2}, {1, 3, 4, 4}}, sizeof t.dims);
    struct qm_graph_op op = accept(&t); /* (9 - 5) / 2 + 1 = 3, 10 - 7 + 1 = 4 */
    cr_expect(eq(u32, op.dilation_w, 3));
    cr_expect(eq(u32, op.dilation_h, 2));
    cr_expect(eq(u32, op.stride_h, 2));
    cr_expect(eq(u32, op.stride_w, 1));
    cr_expect(eq(int, op.activation, QM_ACT_RELU));
    t.dims[2][1] = 4;
    expect_refusal(&t, "operator 0 CONV_2D: the output 4x4x4 is not what a 3x3 window gives on 9x10x2");
}

Test(tflite_ops, finds_the_depth_multiplier) {
    struct tiny t = {.code = TFLITE_DEPTHWISE_CONV_2D, .options_type = OPTIONS_DEPTHWISE, .options = {PADDING_SAME, 1, 1, 3, 3}};
    memcpy(t.dims, (uint32_t[TENSORS_MAX][5]){{1, 5, 5, 2}, {1, 3, 3, 6}, {1, 5, 5, 6}}, sizeof t.dims);
    struct qm_graph_op op = accept(&t);
    cr_expect(eq(u32, op.depth_multiplier, 3));
    cr_expect(eq(u32, op.pad_top, 1));
    cr_expect(eq(u32, op.pad_right, 1));
    cr_expect(eq(int, op.activation, QM_ACT_RELU6));
    t.options[DEPTHWISE_MULTIPLIER] = 2;
    expect_refusal(&t, "do not fit together");
}

Test(tflite_ops, refuses_what_the_machine_has_no_meaning_for) {
    struct tiny conv = {.code = TFLITE_CONV_2D, .options_type = OPTIONS_CONV, .options = {PADDING_SAME, 1, 1}};
    memcpy(conv.dims, (uint32_t[TENSORS_MAX][5]){{1, 4, 4, 4}, {8, 1, 1, 4}, {1, 4, 4, 8}}, sizeof conv.dims);
    accept(&conv);
    struct tiny t = conv;
    t.dims[1][3] = 2;
    expect_refusal(&t, "groups are not supported");
    t = conv;
    t.dims[0][0] = t.dims[2][0] = 2;
    expect_refusal(&t, "a batch of 2 is not supported");
    t = conv;
    t.options[WINDOW_STRIDE_W] = 0;
    expect_refusal(&t, "the stride is 0");
    t = conv;
    t.options[CONV_ACTIVATION] = 4;
    expect_refusal(&t, "fused activation 4 is not supported");
    t = conv;
    t.options_type = OPTIONS_POOL;
    expect_refusal(&t, "options are missing or those of another operator");
    t = conv;
    t.options_type = OPTIONS_NONE;
    expect_refusal(&t, "options are missing");
    t = conv;
    t.code = 16;
    t.operators = 2;
    expect_refusal(&t, "operator 0 LSTM is not supported; operator 1 LSTM is not supported");
    t = conv;
    t.version = 2;
    expect_refusal(&t, "schema version 2");
    t = conv;
    t.subgraphs = 2;
    expect_refusal(&t, "2 subgraphs");
    t = conv;
    t.dims[0][1] = 1 << 16, t.dims[0][2] = 1 << 15;
    expect_refusal(&t, "product below 2^31");
}

Test(tflite_ops, refuses_broadcasting_by_name) {
    struct tiny t = {.code = TFLITE_ADD, .options_type = OPTIONS_ADD};
    memcpy(t.dims, (uint32_t[TENSORS_MAX][5]){{1, 4, 4, 4}, {1, 1, 1, 4}, {1, 4, 4, 4}}, sizeof t.dims);
    expect_refusal(&t, "operator 0 ADD: operands of different shapes; broadcasting is not supported");
}

Test(tflite_ops, flattens_fully_connected_inputs) {
    struct tiny t = {.code = TFLITE_FULLY_CONNECTED, .options_type = OPTIONS_FC};
    memcpy(t.dims, (uint32_t[TENSORS_MAX][5]){{2, 3, 4}, {5, 12}, {2, 5}}, sizeof t.dims);
    accept(&t);
    t.options[FC_KEEP_DIMS] = 1;
    expect_refusal(&t, "do not fit weights of 5x12");
    t.options[FC_KEEP_DIMS] = 0;
    t.options[FC_WEIGHTS_FORMAT] = 1;
    expect_refusal(&t, "the weights are shuffled");
    t.options[FC_WEIGHTS_FORMAT] = 0;
    t.dims[1][1] = 7;
    expect_refusal(&t, "24 input and 10 output elements do not fit weights of 5x7");
}

Test(tflite_ops, needs_a_positive_beta) {
    struct tiny t = {.code = TFLITE_SOFTMAX, .options_type = OPTIONS_SOFTMAX, .options = {0x3f800000}};
    memcpy(t.dims, (uint32_t[TENSORS_MAX][5]){{1, 10}, {1, 10}}, sizeof t.dims);
    struct qm_graph_op op = accept(&t);
    cr_expect(op.beta == 1.0F);
    t.options[SOFTMAX_BETA] = 0;
    expect_refusal(&t, "beta is 0");
}
