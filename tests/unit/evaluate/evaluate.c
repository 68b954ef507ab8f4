/* evaluate.c - the meaning of operators on real numbers, against values worked out by hand; what folding leaves of a constant. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "evaluate/evaluate.h"

TestSuite(evaluate);

static struct qm_arena *arena;
static struct qm_graph graph;
static struct qm_graph_maker maker;

static void open_graph(void) {
    arena = qm_arena_create();
    graph = (struct qm_graph){.is_real = true};
    maker = (struct qm_graph_maker){.arena = arena, .graph = &graph};
}

static uint32_t floats(struct qm_shape shape, const float *data) {
    return qm_graph_add_constant(&maker, "f", QM_F32, &shape, data);
}

static uint32_t bytes(struct qm_shape shape, const int8_t *data) {
    return qm_graph_add_constant(&maker, "b", QM_I8, &shape, data);
}

/* An operator that is yet to get its attributes. */
static struct qm_graph_op *operator_on(enum qm_graph_op_kind kind, uint32_t a, uint32_t b, struct qm_shape out) {
    struct qm_graph_op *op = qm_graph_add_op(&maker, kind, a, qm_graph_add_tensor(&maker, "out", QM_F32, &out));
    op->inputs[1] = b;
    op->input_count = b != QM_NO_TENSOR ? 2 : 1;
    op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->groups = 1;
    return op;
}

/* Folds the operator and compares what it has become. */
static void gives(const struct qm_graph_op *op, const double *want) {
    const struct qm_graph_tensor *out = &graph.tensors[op->outputs[0]];
    const char *problem = evaluate_fold(&maker, op);
    cr_assert(problem == NULL, "%s", problem);
    const double *got = evaluate_numbers(out, arena);
    for (uint64_t i = 0; i < qm_graph_elements(out); i++)
        cr_assert(got[i] == (double)(float)want[i], "element %d is %g, not %g", (int)i, got[i], want[i]);
    qm_arena_destroy(arena);
}

static const float one_to_nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

Test(evaluate, convolution_with_stride_and_padding) {
    open_graph();
    uint32_t x = floats((struct qm_shape){4, {1, 1, 3, 3}}, one_to_nine);
    uint32_t f = floats((struct qm_shape){4, {1, 1, 2, 2}}, (const float[]){1, 10, 100, 1000});
    struct qm_graph_op *op = operator_on(QM_OP_CONV_2D, x, f, (struct qm_shape){4, {1, 1, 2, 2}});
    op->kernel_h = op->kernel_w = op->stride_h = op->stride_w = 2;
    op->pad_top = op->pad_left = 1;
    op->inputs[2] = floats((struct qm_shape){1, {1}}, (const float[]){0.5F});
    op->input_count = 3;
    gives(op, (const double[]){1000.5, 3200.5, 7040.5, 9865.5});
}

Test(evaluate, convolution_in_groups) {
    open_graph();
    uint32_t x = floats((struct qm_shape){3, {1, 2, 3}}, (const float[]){1, 2, 3, 4, 5, 6});
    uint32_t f = floats((struct qm_shape){3, {4, 1, 1}}, (const float[]){1, 2, 3, 4});
    struct qm_graph_op *op = operator_on(QM_OP_CONV_2D, x, f, (struct qm_shape){3, {1, 4, 3}});
    op->kernel_h = op->kernel_w = 1;
    op->groups = 2;
    gives(op, (const double[]){1, 2, 3, 2, 4, 6, 12, 15, 18, 16, 20, 24});
}

static struct qm_graph_op *pool(enum qm_graph_op_kind kind) {
    struct qm_graph_op *op =
        operator_on(kind, floats((struct qm_shape){4, {1, 1, 3, 3}}, one_to_nine), QM_NO_TENSOR, (struct qm_shape){4, {1, 1, 2, 2}});
    op->kernel_h = op->kernel_w = op->stride_h = op->stride_w = 2;
    op->pad_top = op->pad_left = 1;
    return op;
}

Test(evaluate, means_leave_padding_out_or_count_it) {
    open_graph();
    gives(pool(QM_OP_AVERAGE_POOL_2D), (const double[]){1, 2.5, 5.5, 7});
    open_graph();
    struct qm_graph_op *op = pool(QM_OP_AVERAGE_POOL_2D);
    op->pads_counted = true;
    gives(op, (const double[]){0.25, 1.25, 2.75, 7});
    open_graph();
    gives(pool(QM_OP_MAX_POOL_2D), (const double[]){1, 3, 7, 9});
}

Test(evaluate, products_of_matrices_and_stacks) {
    open_graph();
    uint32_t a = floats((struct qm_shape){3, {2, 1, 2}}, (const float[]){1, 2, 3, 4});
    uint32_t b = floats((struct qm_shape){3, {2, 2, 2}}, (const float[]){1, 0, 0, 1, 1, 2, 3, 4});
    gives(operator_on(QM_OP_MATMUL, a, b, (struct qm_shape){3, {2, 1, 2}}), (const double[]){1, 2, 15, 22});
    open_graph();
    a = floats((struct qm_shape){2, {1, 3}}, one_to_nine);
    b = floats((struct qm_shape){2, {2, 3}}, (const float[]){1, 1, 1, 1, 0, -1});
    struct qm_graph_op *op = operator_on(QM_OP_MATMUL, a, b, (struct qm_shape){2, {1, 2}});
    op->transposed = true;
    gives(op, (const double[]){6, -2});
}

Test(evaluate, sums_and_means_along_axes) {
    open_graph();
    uint32_t x = floats((struct qm_shape){3, {1, 3, 3}}, one_to_nine);
    struct qm_graph_op *op = operator_on(QM_OP_SUM, x, QM_NO_TENSOR, (struct qm_shape){2, {1, 3}});
    op->axes = 1 << 1;
    gives(op, (const double[]){12, 15, 18});
    open_graph();
    x = floats((struct qm_shape){3, {1, 3, 3}}, one_to_nine);
    op = operator_on(QM_OP_MEAN, x, QM_NO_TENSOR, (struct qm_shape){2, {1, 3}});
    op->axes = 1 << 2;
    gives(op, (const double[]){2, 5, 8});
}

Test(evaluate, operands_are_broadcast) {
    open_graph();
    uint32_t a = floats((struct qm_shape){2, {2, 1}}, (const float[]){10, 20});
    uint32_t b = floats((struct qm_shape){1, {3}}, one_to_nine);
    gives(operator_on(QM_OP_SUB, a, b, (struct qm_shape){2, {2, 3}}), (const double[]){9, 8, 7, 19, 18, 17});
}

/* 0.5 and 1.5 are half way: to the even one. */
Test(evaluate, quantizers_round_half_to_even_and_saturate) {
    open_graph();
    uint32_t x = floats((struct qm_shape){2, {2, 2}}, (const float[]){0.5F, 1.5F, 1000, -3});
    struct qm_graph_op *op =
        operator_on(QM_OP_QUANTIZE, x, floats((struct qm_shape){1, {2}}, (const float[]){1, 2}), (struct qm_shape){2, {2, 2}});
    op->inputs[2] = bytes((struct qm_shape){1, {2}}, (const int8_t[]){0, 1});
    op->low = -128;
    op->high = 127;
    gives(op, (const double[]){0, 2, 127, -1});
}

Test(evaluate, moves) {
    open_graph();
    uint32_t x = floats((struct qm_shape){2, {3, 3}}, one_to_nine);
    struct qm_graph_op *op = operator_on(QM_OP_STRIDED_SLICE, x, QM_NO_TENSOR, (struct qm_shape){2, {2, 2}});
    op->begin[0] = op->begin[1] = 2;
    op->step[0] = -1;
    op->step[1] = -2;
    op->slice_dims[0] = op->slice_dims[1] = 2;
    gives(op, (const double[]){9, 7, 6, 4});
    open_graph();
    x = floats((struct qm_shape){1, {2}}, one_to_nine);
    op = operator_on(QM_OP_PAD, x, QM_NO_TENSOR, (struct qm_shape){1, {5}});
    op->pads[0].before = 1;
    op->pads[0].after = 2;
    op->low = 7;
    gives(op, (const double[]){7, 1, 2, 7, 7});
    open_graph();
    x = floats((struct qm_shape){2, {2, 2}}, one_to_nine);
    gives(operator_on(QM_OP_RESIZE_NEAREST_NEIGHBOR, x, QM_NO_TENSOR, (struct qm_shape){2, {2, 4}}),
          (const double[]){1, 1, 2, 2, 3, 3, 4, 4});
}

Test(evaluate, indices_count_from_the_end_when_negative) {
    open_graph();
    uint32_t x = floats((struct qm_shape){2, {3, 3}}, one_to_nine);
    uint32_t at = bytes((struct qm_shape){1, {2}}, (const int8_t[]){-1, 0});
    struct qm_graph_op *op = operator_on(QM_OP_GATHER, x, at, (struct qm_shape){2, {3, 2}});
    op->axis = 1;
    gives(op, (const double[]){3, 1, 6, 4, 9, 7});
}

/* The bytes are not computed with: they stay, and their scales go with the axis. */
Test(evaluate, weights_stay_quantized_when_they_are_turned) {
    open_graph();
    static const int8_t stored[] = {1, 2, 3, 4, 5, 6};
    uint32_t scale = floats((struct qm_shape){1, {2}}, (const float[]){0.5F, 2});
    struct qm_graph_op *op =
        operator_on(QM_OP_DEQUANTIZE, bytes((struct qm_shape){2, {2, 3}}, stored), scale, (struct qm_shape){2, {2, 3}});
    cr_assert(evaluate_fold(&maker, op) == NULL);
    uint32_t real = op->outputs[0];
    cr_assert(graph.tensors[real].data == stored && graph.tensors[real].quant.count == 2 && graph.tensors[real].quant.axis == 0);
    op = operator_on(QM_OP_TRANSPOSE, real, QM_NO_TENSOR, (struct qm_shape){2, {3, 2}});
    op->permutation[0] = 1;
    uint32_t turned = op->outputs[0];
    cr_assert(evaluate_fold(&maker, op) == NULL);
    cr_assert(graph.tensors[turned].dtype == QM_I8 && graph.tensors[turned].quant.axis == 1);
    gives(op, (const double[]){0.5, 8, 1, 10, 1.5, 12});
}

Test(evaluate, what_is_computed_is_not_folded) {
    open_graph();
    uint32_t x = qm_graph_add_tensor(&maker, "x", QM_F32, &(struct qm_shape){1, {3}});
    struct qm_graph_op *op = operator_on(QM_OP_ADD, x, floats((struct qm_shape){1, {3}}, one_to_nine), (struct qm_shape){1, {3}});
    cr_assert(evaluate_fold(&maker, op) == NULL);
    cr_assert(graph.tensors[op->outputs[0]].data == NULL);
    qm_arena_destroy(arena);
}
