/* moves.c - models of one operator, written here: axes, shapes and orders become attributes, and what does not fit is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tiny_model.h"

static void set_dims(struct tiny *t, const uint32_t (*dims)[5], uint32_t count) {
    memset(t->dims, 0, sizeof t->dims);
    memcpy(t->dims, dims, count * sizeof *dims);
}

#define DIMS(t, ...) set_dims(t, (const uint32_t[][5]){__VA_ARGS__}, sizeof((const uint32_t[][5]){__VA_ARGS__}) / sizeof(uint32_t[5]))

Test(tflite_moves, mean_takes_axes_from_either_end) {
    struct tiny t = {.code = TFLITE_MEAN, .options_type = OPTIONS_REDUCER, .integers = 2, .numbers = {{0}, {1, -2}}};
    DIMS(&t, {1, 5, 6, 7}, {2}, {1, 7});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.axes, 6)); /* dimensions 1 and 2 */
    cr_expect(eq(u32, op.input_count, 1));
    t.numbers[1][1] = 4;
    tiny_refuse(&t, "operator 0 MEAN: axis 4 of 4 dimensions");
    t.numbers[1][1] = 3;
    tiny_refuse(&t, "the output's shape is not what the operator gives");
    t.integers = 0;
    tiny_refuse(&t, "operand 1 (tensor_1) must be a constant of 2 int32 numbers");
}

/* As the reference kernels take them: each axis once. */
Test(tflite_moves, axes_may_be_named_more_often_than_there_are) {
    struct tiny t = {.code = TFLITE_REDUCE_MAX, .options_type = OPTIONS_REDUCER, .integers = 2, .numbers = {{0}, {1, -1, 1}}};
    DIMS(&t, {5, 6}, {3}, {5});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.axes, 2));
    t.numbers[1][2] = 2;
    tiny_refuse(&t, "operator 0 REDUCE_MAX: axis 2 of 2 dimensions");
}

Test(tflite_moves, pad_takes_both_ends_of_each_dimension) {
    struct tiny t = {.code = TFLITE_PAD, .integers = 2, .numbers = {{0}, {0, 0, 1, 2, 0, 3}}};
    DIMS(&t, {4, 5, 6}, {3, 2}, {4, 8, 9});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.pads[1].before, 1));
    cr_expect(eq(u32, op.pads[1].after, 2));
    cr_expect(eq(u32, op.pads[2].after, 3));
    t.numbers[1][2] = -1;
    tiny_refuse(&t, "pads -1 and 2 of axis 1; none may be below 0");
}

Test(tflite_moves, repetitions_and_batches_are_counted_beyond_32_bits) {
    struct tiny tile = {.code = TFLITE_TILE, .options_type = OPTIONS_TILE, .integers = 2, .numbers = {{0}, {2, 3}}};
    DIMS(&tile, {3, 4}, {2}, {6, 12});
    tiny_accept(&tile);
    tile.numbers[1][0] = 1431655766;
    DIMS(&tile, {3, 4}, {2}, {2, 12});
    tiny_refuse(&tile, "1431655766 times 3 elements are more than a tensor has");
    struct tiny blocks = {.code = TFLITE_SPACE_TO_BATCH_ND, .options_type = OPTIONS_SPACE_TO_BATCH_ND, .integers = 6};
    memcpy(blocks.numbers[1], (int32_t[]){2, 2}, 2 * sizeof(int32_t));
    DIMS(&blocks, {3, 2, 4, 1}, {2}, {2, 2}, {12, 1, 2, 1});
    tiny_accept(&blocks);
    memcpy(blocks.numbers[1], (int32_t[]){64, 64}, 2 * sizeof(int32_t));
    memcpy(blocks.numbers[2], (int32_t[]){0, 63, 0, 63}, 4 * sizeof(int32_t));
    DIMS(&blocks, {1048577, 1, 1, 1}, {2}, {2, 2}, {4096, 1, 1, 1});
    tiny_refuse(&blocks, "4096 times 1048577 elements are more than a tensor has");
}

Test(tflite_moves, concatenation_and_split_have_many_operands) {
    struct tiny t = {.code = TFLITE_CONCATENATION, .options_type = OPTIONS_CONCATENATION, .options = {(uint32_t)-1}, .data = 7};
    DIMS(&t, {2, 3}, {2, 4}, {2, 5}, {2, 12});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.axis, 1));
    cr_expect(eq(u32, op.input_count, 3));
    t.options[CONCATENATION_ACTIVATION] = 1;
    tiny_refuse(&t, "a fused activation is not supported");
    t.options[CONCATENATION_ACTIVATION] = 0;
    t.absent = 2;
    tiny_refuse(&t, "input 1 is absent");
    t.absent = 0;
    t.dims[1][0] = 3;
    tiny_refuse(&t, "the output's shape is not what the operator gives");
    struct tiny s = {.code = TFLITE_SPLIT, .options_type = OPTIONS_SPLIT, .options = {3}, .data = 2, .integers = 1, .numbers = {{1}}};
    s.outputs = 3;
    DIMS(&s, {1}, {2, 6}, {2, 2}, {2, 2}, {2, 2});
    op = tiny_accept(&s);
    cr_expect(eq(u32, op.input_count, 1));
    cr_expect(eq(u32, op.inputs[0], 1));
    cr_expect(eq(u32, op.output_count, 3));
    cr_expect(eq(u32, op.outputs[2], 4));
    s.dims[4][1] = 3;
    tiny_refuse(&s, "the outputs' shapes are not parts of the input");
}

/* x[1:5:2, -1, ::-1] of 6 x 4 x 3, with the second dimension gone. */
Test(tflite_moves, strided_slice_counts_as_python_does) {
    struct tiny t = {.code = TFLITE_STRIDED_SLICE, .options_type = OPTIONS_STRIDED_SLICE, .integers = 14};
    int32_t numbers[4][3] = {{0}, {1, -1, 0}, {5, 0, 0}, {2, 1, -1}};
    for (int i = 0; i < 4; i++) memcpy(t.numbers[i], numbers[i], sizeof numbers[i]);
    t.options[SLICE_BEGIN_MASK] = t.options[SLICE_END_MASK] = 4;
    t.options[SLICE_SHRINK_MASK] = 2;
    DIMS(&t, {6, 4, 3}, {3}, {3}, {3}, {2, 3});
    struct qm_graph_op op = tiny_accept(&t);
    static const int32_t begin[] = {1, 3, 2}, step[] = {2, 1, -1};
    static const uint32_t taken[] = {2, 1, 3};
    for (int d = 0; d < 3; d++) {
        cr_expect(eq(i32, op.begin[d], begin[d]));
        cr_expect(eq(i32, op.step[d], step[d]));
        cr_expect(eq(u32, op.slice_dims[d], taken[d]));
    }
    t.options[SLICE_OFFSET] = 1;
    tiny_refuse(&t, "offsets are not supported");
    t.options[SLICE_OFFSET] = 0;
    t.numbers[3][0] = 0;
    tiny_refuse(&t, "the output's shape is not what the operator gives");
}

Test(tflite_moves, transpose_names_each_dimension_once) {
    struct tiny t = {.code = TFLITE_TRANSPOSE, .integers = 2, .numbers = {{0}, {2, 0, 1}}};
    DIMS(&t, {2, 3, 4}, {3}, {4, 2, 3});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.permutation[0], 2));
    cr_expect(eq(u32, op.permutation[2], 1));
    t.dims[0][1] = t.dims[2][2] = 2;
    t.numbers[1][2] = 0;
    tiny_refuse(&t, "the output's shape is not what the operator gives");
}

Test(tflite_moves, resize_has_the_size_of_its_output) {
    struct tiny t = {.code = TFLITE_RESIZE_NEAREST_NEIGHBOR, .options_type = OPTIONS_RESIZE_NEAREST_NEIGHBOR, .integers = 2};
    t.numbers[1][0] = 6, t.numbers[1][1] = 8;
    t.options[RESIZE_HALF_PIXEL] = 1;
    DIMS(&t, {1, 3, 4, 2}, {2}, {1, 6, 8, 2});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(op.half_pixel_centers && !op.align_corners);
    t.numbers[1][1] = 7;
    tiny_refuse(&t, "the output's shape is not what the operator gives");
}

/* Input 3 x 3, stride 2, kernel 3: SAME gives 6 x 6 with (3 - 1) * 2 + 3 - 6 = 1 cut off at the end; VALID gives 7 x 7. */
Test(tflite_moves, transpose_conv_cuts_what_same_padding_would_pad) {
    struct tiny t = {.code = TFLITE_TRANSPOSE_CONV, .options_type = OPTIONS_TRANSPOSE_CONV, .data = 4, .integers = 1};
    int32_t shape[] = {1, 6, 6, 5};
    memcpy(t.numbers[0], shape, sizeof shape);
    t.options[WINDOW_STRIDE_W] = t.options[WINDOW_STRIDE_H] = 2;
    DIMS(&t, {4}, {5, 3, 3, 4}, {1, 3, 3, 4}, {1, 6, 6, 5});
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(u32, op.inputs[0], 2));
    cr_expect(eq(u32, op.inputs[2], QM_NO_TENSOR));
    cr_expect(eq(u32, op.pad_top, 0));
    cr_expect(eq(u32, op.pad_bottom, 1));
    t.options[WINDOW_PADDING] = PADDING_VALID;
    tiny_refuse(&t, "the output 6x6x5 does not fit the input, the filter and the strides");
    t.dims[3][1] = t.dims[3][2] = 7;
    cr_expect(eq(u32, tiny_accept(&t).pad_bottom, 0));
}
