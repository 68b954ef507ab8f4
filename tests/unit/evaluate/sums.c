/* sums.c - convolutions, products of matrices, pools and reductions, against values worked out by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/support/evaluate_case.h"

TestSuite(sums);

#define ONE_TO_NINE                                                                                                                        \
    { 1, 2, 3, 4, 5, 6, 7, 8, 9 }
#define STRIDES(h, w) .stride_h = (h), .stride_w = (w)
#define KERNEL(h, w)  .kernel_h = (h), .kernel_w = (w)
#define CONV          .kind = QM_OP_CONV_2D, .channels_first = true
#define POOL(of)      .kind = QM_OP_##of##_POOL_2D, .input_count = 1, .channels_first = true, .dilation_h = 1, .dilation_w = 1

/* clang-format off */
static const struct evaluate_case cases[] = {
    {"a convolution with stride, padding and bias",
     {CONV, .input_count = 3, KERNEL(2, 2), STRIDES(2, 2), .dilation_h = 1, .dilation_w = 1, .groups = 1, .pad_top = 1, .pad_left = 1},
     {{QM_F32, 4, {1, 1, 3, 3}, ONE_TO_NINE}, {QM_F32, 4, {1, 1, 2, 2}, {1, 10, 100, 1000}}, {QM_F32, 1, {1}, {0.5}}},
     {QM_F32, 4, {1, 1, 2, 2}, {1000.5, 3200.5, 7040.5, 9865.5}}},
    {"other strides and pads up than across",
     {CONV, .input_count = 2, KERNEL(1, 2), STRIDES(2, 1), .dilation_h = 1, .dilation_w = 1, .groups = 1, .pad_right = 1},
     {{QM_F32, 4, {1, 1, 3, 3}, ONE_TO_NINE}, {QM_F32, 4, {1, 1, 1, 2}, {1, 10}}},
     {QM_F32, 4, {1, 1, 2, 3}, {21, 32, 3, 87, 98, 9}}},
    {"a dilated convolution",
     {CONV, .input_count = 2, KERNEL(2, 2), STRIDES(1, 1), .dilation_h = 2, .dilation_w = 2, .groups = 1},
     {{QM_F32, 4, {1, 1, 3, 3}, ONE_TO_NINE}, {QM_F32, 4, {1, 1, 2, 2}, {1, 10, 100, 1000}}},
     {QM_F32, 4, {1, 1, 1, 1}, {9731}}},
    {"channels are summed, pictures are not",
     {CONV, .input_count = 2, KERNEL(1, 1), STRIDES(1, 1), .dilation_h = 1, .dilation_w = 1, .groups = 1},
     {{QM_F32, 4, {2, 2, 1, 1}, {1, 2, 3, 4}}, {QM_F32, 4, {2, 2, 1, 1}, {1, 10, 100, 1000}}},
     {QM_F32, 4, {2, 2, 1, 1}, {21, 2100, 43, 4300}}},
    {"groups of a map of one dimension",
     {CONV, .input_count = 2, KERNEL(1, 1), STRIDES(1, 1), .dilation_h = 1, .dilation_w = 1, .groups = 2},
     {{QM_F32, 3, {1, 2, 3}, {1, 2, 3, 4, 5, 6}}, {QM_F32, 3, {4, 1, 1}, {1, 2, 3, 4}}},
     {QM_F32, 3, {1, 4, 3}, {1, 2, 3, 2, 4, 6, 12, 15, 18, 16, 20, 24}}},
    {"means without padding", {POOL(AVERAGE), KERNEL(2, 2), STRIDES(2, 2), .pad_top = 1, .pad_left = 1},
     {{QM_F32, 4, {1, 1, 3, 3}, ONE_TO_NINE}}, {QM_F32, 4, {1, 1, 2, 2}, {1, 2.5, 5.5, 7}}},
    {"means with padding", {POOL(AVERAGE), KERNEL(2, 2), STRIDES(2, 2), .pad_top = 1, .pad_left = 1, .pads_counted = true},
     {{QM_F32, 4, {1, 1, 3, 3}, ONE_TO_NINE}}, {QM_F32, 4, {1, 1, 2, 2}, {0.25, 1.25, 2.75, 7}}},
    {"maxima", {POOL(MAX), KERNEL(2, 2), STRIDES(2, 2), .pad_top = 1, .pad_left = 1},
     {{QM_F32, 4, {1, 1, 3, 3}, {-1, -2, -3, -4, -5, -6, -7, -8, -9}}}, {QM_F32, 4, {1, 1, 2, 2}, {-1, -2, -4, -5}}},
    {"maxima of each channel of integers", {POOL(MAX), KERNEL(1, 2), STRIDES(1, 1)},
     {{QM_I8, 3, {1, 2, 3}, {1, 2, 3, -6, -5, -4}}}, {QM_I8, 3, {1, 2, 2}, {2, 3, -5, -4}}},
    {"a stack of matrices by a stack", {.kind = QM_OP_MATMUL, .input_count = 2},
     {{QM_F32, 3, {2, 1, 2}, {1, 2, 3, 4}}, {QM_F32, 3, {2, 2, 2}, {1, 0, 0, 1, 1, 2, 3, 4}}}, {QM_F32, 3, {2, 1, 2}, {1, 2, 15, 22}}},
    {"a stack of matrices by one", {.kind = QM_OP_MATMUL, .input_count = 2},
     {{QM_F32, 3, {2, 1, 2}, {1, 2, 3, 4}}, {QM_F32, 2, {2, 3}, {1, 0, 2, 0, 1, -1}}}, {QM_F32, 3, {2, 1, 3}, {1, 2, 0, 3, 4, 2}}},
    {"a stack for each of a stack", {.kind = QM_OP_MATMUL, .input_count = 2},
     {{QM_F32, 4, {2, 1, 1, 2}, {1, 2, 3, 4}}, {QM_F32, 3, {2, 2, 1}, {1, 10, 100, 1000}}},
     {QM_F32, 4, {2, 2, 1, 1}, {21, 2100, 43, 4300}}},
    {"a matrix by each of a stack", {.kind = QM_OP_MATMUL, .input_count = 2},
     {{QM_F32, 2, {2, 2}, {1, 2, 3, 4}}, {QM_F32, 3, {2, 2, 1}, {1, 10, 100, 1000}}},
     {QM_F32, 3, {2, 2, 1}, {21, 43, 2100, 4300}}},
    {"by a transposed matrix", {.kind = QM_OP_MATMUL, .input_count = 2, .transposed = true},
     {{QM_F32, 2, {1, 3}, {1, 2, 3}}, {QM_F32, 2, {2, 3}, {1, 1, 1, 1, 0, -1}}}, {QM_F32, 2, {1, 2}, {6, -2}}},
    {"sums of columns", {.kind = QM_OP_SUM, .input_count = 1, .axes = 1 << 1}, {{QM_F32, 3, {1, 3, 3}, ONE_TO_NINE}},
     {QM_F32, 2, {1, 3}, {12, 15, 18}}},
    {"the sum of integers", {.kind = QM_OP_SUM, .input_count = 1, .axes = 3}, {{QM_I64, 2, {2, 2}, {1, 2, 3, -4}}}, {QM_I64, 0, {0}, {2}}},
    {"means of rows, whose dimension stays", {.kind = QM_OP_MEAN, .input_count = 1, .axes = 1 << 2}, {{QM_F32, 3, {1, 3, 3}, ONE_TO_NINE}},
     {QM_F32, 3, {1, 3, 1}, {2, 5, 8}}},
    {"means of the outer dimensions", {.kind = QM_OP_MEAN, .input_count = 1, .axes = 1 | 1 << 2},
     {{QM_F32, 3, {2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}}, {QM_F32, 1, {2}, {3.5, 5.5}}},
    {"products of rows", {.kind = QM_OP_REDUCE_PROD, .input_count = 1, .axes = 2}, {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, -6}}},
     {QM_I32, 1, {2}, {6, -120}}},
    {"the product of all", {.kind = QM_OP_REDUCE_PROD, .input_count = 1, .axes = 3}, {{QM_I32, 2, {2, 2}, {1, 2, 3, 4}}},
     {QM_I32, 0, {0}, {24}}},
};
/* clang-format on */

Test(sums, equal_those_by_hand) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&cases[i], true);
        cr_expect(outcome.problem == NULL && outcome.right, "%s", cases[i].name);
    }
}
