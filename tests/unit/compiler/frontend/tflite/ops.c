/* ops.c - models of one operator, written here: padding as TFLite computes it, attributes, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tiny_model.h"

/* [published: TensorFlow's documentation of SAME: out = ceil(in / stride), the odd pixel at the bottom and right] */
Test(tflite_ops, pads_same_with_the_odd_pixel_behind) {
    struct tiny t = {.code = TFLITE_MAX_POOL_2D, .options_type = OPTIONS_POOL, .options = {PADDING_SAME, 2, 2, 3, 2}};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{1, 8, 7, 4}, {1, 4, 4, 4}}, sizeof t.dims);
    struct qm_graph_op op = tiny_accept(&t); /* width 7: 3 x 2 + 3 = 9, one on each side; height 8: 3 x 2 + 2 = 8, none */
    cr_expect(eq(u32, op.pad_left, 1));
    cr_expect(eq(u32, op.pad_right, 1));
    cr_expect(eq(u32, op.pad_top, 0));
    cr_expect(eq(u32, op.pad_bottom, 0));
    t.dims[0][2] = 8;
    op = tiny_accept(&t); /* width 8: 9 wanted, the one missing on the right */
    cr_expect(eq(u32, op.pad_left, 0));
    cr_expect(eq(u32, op.pad_right, 1));
    cr_expect(eq(u32, op.kernel_w, 3));
    cr_expect(eq(u32, op.kernel_h, 2));
}

Test(tflite_ops, counts_dilation_in_the_window) {
    struct tiny t = {.code = TFLITE_CONV_2D, .options_type = OPTIONS_CONV, .options = {PADDING_VALID, 1, 2, 1, 3, 2}};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{1, 9, 10, 2}, {4, 3, 3, 2}, {1, 3, 4, 4}}, sizeof t.dims);
    struct qm_graph_op op = tiny_accept(&t); /* (9 - 5) / 2 + 1 = 3, 10 - 7 + 1 = 4 */
    cr_expect(eq(u32, op.dilation_w, 3));
    cr_expect(eq(u32, op.dilation_h, 2));
    cr_expect(eq(u32, op.stride_h, 2));
    cr_expect(eq(u32, op.stride_w, 1));
    cr_expect(eq(int, op.activation, QM_ACT_RELU));
    t.dims[2][1] = 4;
    tiny_refuse(&t, "operator 0 CONV_2D: the output 4x4x4 is not what a 3x3 window gives on 9x10x2");
}

Test(tflite_ops, finds_the_depth_multiplier) {
    struct tiny t = {.code = TFLITE_DEPTHWISE_CONV_2D, .options_type = OPTIONS_DEPTHWISE, .options = {PADDING_SAME, 1, 1, 3, 3}};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{1, 5, 5, 2}, {1, 3, 3, 6}, {1, 5, 5, 6}}, sizeof t.dims);
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.depth_multiplier, 3));
    cr_expect(eq(u32, op.pad_top, 1));
    cr_expect(eq(u32, op.pad_right, 1));
    cr_expect(eq(int, op.activation, QM_ACT_RELU6));
    t.options[DEPTHWISE_MULTIPLIER] = 2;
    tiny_refuse(&t, "do not fit together");
}

Test(tflite_ops, refuses_what_the_machine_has_no_meaning_for) {
    struct tiny conv = {.code = TFLITE_CONV_2D, .options_type = OPTIONS_CONV, .options = {PADDING_SAME, 1, 1}};
    memcpy(conv.dims, (uint32_t[TINY_TENSORS][5]){{1, 4, 4, 4}, {8, 1, 1, 4}, {1, 4, 4, 8}}, sizeof conv.dims);
    tiny_accept(&conv);
    struct tiny t = conv;
    t.dims[1][3] = 3;
    tiny_refuse(&t, "4 input channels, but 8 filters of 3");
    t = conv;
    t.dims[0][0] = 2;
    tiny_refuse(&t, "is not what a 1x1 window gives");
    t.dims[2][0] = 2;
    tiny_accept(&t);
    t = conv;
    t.options[WINDOW_STRIDE_W] = 0;
    tiny_refuse(&t, "the stride is 0");
    t = conv;
    t.options[CONV_ACTIVATION] = 4;
    tiny_refuse(&t, "fused activation 4 is not supported");
    t = conv;
    t.options_type = OPTIONS_POOL;
    tiny_refuse(&t, "options are missing or those of another operator");
    t = conv;
    t.options_type = OPTIONS_NONE;
    tiny_refuse(&t, "options are missing");
    t = conv;
    t.code = 16;
    t.operators = 2;
    tiny_refuse(&t, "operator 0 LSTM is not supported (also 1)");
    t = conv;
    t.version = 2;
    tiny_refuse(&t, "schema version 2");
    t = conv;
    t.subgraphs = 2;
    tiny_refuse(&t, "2 subgraphs");
    t = conv;
    t.dims[0][1] = 1 << 16, t.dims[0][2] = 1 << 15;
    tiny_refuse(&t, "product below 2^31");
}

Test(tflite_ops, checks_shapes_that_are_broadcast) {
    struct tiny t = {.code = TFLITE_ADD, .options_type = OPTIONS_ADD};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{1, 4, 4, 6}, {4, 1}, {1, 4, 4, 6}}, sizeof t.dims);
    tiny_accept(&t);
    t.dims[1][1] = 2;
    tiny_refuse(&t, "operator 0 ADD: the output's shape is not that of the operands");
    t.dims[1][1] = 1;
    t.dims[2][3] = 1;
    tiny_refuse(&t, "operator 0 ADD: the output's shape is not that of the operands");
}

Test(tflite_ops, flattens_fully_connected_inputs) {
    struct tiny t = {.code = TFLITE_FULLY_CONNECTED, .options_type = OPTIONS_FC};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{2, 3, 4}, {5, 12}, {2, 5}}, sizeof t.dims);
    tiny_accept(&t);
    t.options[FC_KEEP_DIMS] = 1;
    tiny_refuse(&t, "do not fit weights of 5x12");
    t.options[FC_KEEP_DIMS] = 0;
    t.options[FC_WEIGHTS_FORMAT] = 1;
    tiny_refuse(&t, "the weights are shuffled");
    t.options[FC_WEIGHTS_FORMAT] = 0;
    t.dims[1][1] = 7;
    tiny_refuse(&t, "24 input and 10 output elements do not fit weights of 5x7");
}

Test(tflite_ops, needs_a_positive_beta) {
    struct tiny t = {.code = TFLITE_SOFTMAX, .options_type = OPTIONS_SOFTMAX, .options = {0x3f800000}};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{1, 10}, {1, 10}}, sizeof t.dims);
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(op.beta == 1.0F);
    t.options[SOFTMAX_BETA] = 0;
    tiny_refuse(&t, "beta is 0");
}

/* Two weights a byte, the first in the low half: 0xf is -1, 0x1 is 1. */
Test(tflite_ops, unpacks_4_bit_weights) {
    struct tiny t = {.code = TFLITE_FULLY_CONNECTED, .options_type = OPTIONS_FC, .nibbles = 2};
    memcpy(t.dims, (uint32_t[TINY_TENSORS][5]){{1, 3}, {5, 3}, {1, 5}}, sizeof t.dims);
    struct fbb b;
    struct qm_graph *graph = NULL;
    struct qm_diag diag = {""};
    struct qm_arena *arena = qm_arena_create();
    tiny_write(&t, &b);
    cr_assert(eq(int, qm_model_parse(&(struct qm_model_bytes){b.bytes, b.size, "tiny"}, NULL, arena, &graph, &diag), QM_OK), "%s",
              diag.text);
    const struct qm_graph_tensor *weights = &graph->tensors[1];
    cr_expect(eq(u32, weights->bits, 4));
    cr_expect(eq(sz, weights->size_bytes, 15));
    for (int i = 0; i < 15; i++) cr_expect(eq(i8, ((const int8_t *)weights->data)[i], i % 2 == 0 ? -1 : 1));
    qm_arena_destroy(arena);
    t.nibbles = 1;
    tiny_refuse(&t, "tensor 0 (tensor_0) has 4-bit numbers, but only constants may");
}
