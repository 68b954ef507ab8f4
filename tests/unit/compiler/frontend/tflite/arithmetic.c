/* arithmetic.c - operators on elements of one or two tensors, products of stacks of matrices and along axes: attributes and shapes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tiny_model.h"

static struct tiny model(uint8_t code, uint8_t options_type, const uint32_t (*dims)[5], uint32_t count) {
    struct tiny t = {.code = code, .options_type = options_type};
    memcpy(t.dims, dims, count * sizeof *dims);
    return t;
}

Test(tflite_arithmetic, pairs_are_broadcast) {
    static const uint8_t pairs[][2] = {{TFLITE_SUB, OPTIONS_SUB},
                                       {TFLITE_DIV, OPTIONS_DIV},
                                       {TFLITE_FLOOR_DIV, OPTIONS_FLOOR_DIV},
                                       {TFLITE_MINIMUM, OPTIONS_MAXIMUM_MINIMUM},
                                       {TFLITE_MAXIMUM, OPTIONS_MAXIMUM_MINIMUM},
                                       {TFLITE_SQUARED_DIFFERENCE, OPTIONS_SQUARED_DIFFERENCE},
                                       {TFLITE_PRELU, OPTIONS_NONE}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct tiny t = model(pairs[i][0], pairs[i][1], (const uint32_t[][5]){{1, 4, 4, 6}, {4, 1}, {1, 4, 4, 6}}, 3);
        t.data = 3;
        tiny_accept(&t);
        t.dims[1][1] = 2;
        tiny_refuse(&t, "the output's shape is not that of the operands");
    }
}

Test(tflite_arithmetic, slopes_are_broadcast_to_the_input_alone) {
    struct tiny t = model(TFLITE_PRELU, OPTIONS_NONE, (const uint32_t[][5]){{1, 1, 6}, {4, 4, 6}, {4, 4, 6}}, 3);
    t.data = 3;
    tiny_refuse(&t, "operator 0 PRELU: the output's shape");
}

/* SELECT_V2 broadcasts all three; SELECT's condition may lack dimensions only when it has none. */
Test(tflite_arithmetic, conditions_are_broadcast) {
    struct tiny t = model(TFLITE_SELECT_V2, OPTIONS_SELECT_V2, (const uint32_t[][5]){{4, 1}, {1, 4, 4, 6}, {6}, {1, 4, 4, 6}}, 4);
    t.data = 7;
    cr_expect(eq(int, tiny_accept(&t).kind, QM_OP_SELECT));
    t.dims[2][0] = 2;
    tiny_refuse(&t, "operator 0 SELECT: the output's shape is not that of the operands");
    t = model(TFLITE_SELECT, OPTIONS_SELECT, (const uint32_t[][5]){{4}, {4, 6}, {4, 6}, {4, 6}}, 4);
    t.data = 7;
    tiny_refuse(&t, "operator 0 SELECT: the condition selects along the first dimension");
}

Test(tflite_arithmetic, the_axis_of_an_extreme_is_gone) {
    struct tiny t = model(TFLITE_ARG_MAX, OPTIONS_ARG_MAX, (const uint32_t[][5]){{2, 3, 4}, {1}, {2, 4}}, 3);
    t.integers = 2;
    t.numbers[1][0] = -2;
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(eq(int, op.kind, QM_OP_ARG_MAX));
    cr_expect(eq(u32, op.axis, 1));
    cr_expect(eq(u32, op.input_count, 1));
    t.numbers[1][0] = 0;
    tiny_refuse(&t, "operator 0 ARG_MAX: the output's shape");
    t.numbers[1][0] = 3;
    tiny_refuse(&t, "operator 0 ARG_MAX: axis 3 of 3 dimensions");
}

Test(tflite_arithmetic, either_matrix_may_be_transposed) {
    struct tiny t = model(TFLITE_BATCH_MATMUL, OPTIONS_BATCH_MATMUL, (const uint32_t[][5]){{5, 2, 3}, {1, 3, 4}, {5, 2, 4}}, 3);
    t.data = 3;
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(op.first_transposed == false && op.transposed == false);
    t.options[MATMUL_FIRST_TRANSPOSED] = t.options[MATMUL_TRANSPOSED] = 1;
    tiny_refuse(&t, "operator 0 BATCH_MATMUL: the operands are not matrices that can be multiplied");
    memcpy(t.dims, (const uint32_t[][5]){{5, 3, 2}, {4, 3}, {5, 2, 4}}, 3 * sizeof *t.dims);
    op = tiny_accept(&t);
    cr_expect(op.first_transposed && op.transposed);
    t.dims[2][1] = 3;
    tiny_refuse(&t, "operator 0 BATCH_MATMUL: the output's shape");
    memcpy(t.dims, (const uint32_t[][5]){{3}, {4, 3}, {4}}, 3 * sizeof *t.dims);
    tiny_refuse(&t, "an operand is no matrix");
}

Test(tflite_arithmetic, resizing_has_its_options_behind_two_old_ones) {
    struct tiny t = model(TFLITE_RESIZE_BILINEAR, OPTIONS_RESIZE_BILINEAR, (const uint32_t[][5]){{1, 2, 2, 3}, {2}, {1, 5, 7, 3}}, 3);
    t.integers = 2;
    t.numbers[1][0] = 5;
    t.numbers[1][1] = 7;
    t.options[BILINEAR_HALF_PIXEL] = 1;
    struct qm_graph_op op = tiny_accept(&t);
    cr_expect(op.half_pixel_centers && op.align_corners == false);
}

Test(tflite_arithmetic, sums_and_extremes_have_axes) {
    static const uint8_t codes[] = {TFLITE_SUM, TFLITE_REDUCE_MAX, TFLITE_REDUCE_MIN};
    for (size_t i = 0; i < sizeof codes; i++) {
        struct tiny t = model(codes[i], OPTIONS_REDUCER, (const uint32_t[][5]){{2, 3, 4}, {2}, {3}}, 3);
        t.integers = 2;
        t.numbers[1][0] = 0;
        t.numbers[1][1] = -1;
        struct qm_graph_op op = tiny_accept(&t);
        cr_expect(eq(u32, op.axes, 5));
    }
}

/* Of [4][5][6] the blocks [6] that three pairs of indices name. */
Test(tflite_arithmetic, indices_name_blocks) {
    struct tiny t = model(TFLITE_GATHER_ND, OPTIONS_GATHER_ND, (const uint32_t[][5]){{4, 5, 6}, {3, 2}, {3, 6}}, 3);
    t.integers = 2;
    tiny_accept(&t);
    t.dims[2][1] = 5;
    tiny_refuse(&t, "operator 0 GATHER_ND: the output's shape");
    t.dims[1][0] = 2;
    t.dims[1][1] = 4;
    tiny_refuse(&t, "operator 0 GATHER_ND: the indices do not name elements of the input");
}
