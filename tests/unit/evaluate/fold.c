/* fold.c - what becomes a constant and what does not; integers that a double does not hold; what folding leaves of a quantization. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "tests/support/evaluate_case.h"

TestSuite(fold);

/* clang-format off */
static const struct evaluate_case of_integers[] = {
    {"the shape of bytes", {.kind = QM_OP_SHAPE, .input_count = 1}, {{QM_I8, 2, {2, 3}, {0}}}, {QM_I32, 1, {2}, {2, 3}}},
    {"a fill", {.kind = QM_OP_FILL, .input_count = 1}, {{QM_F32, 0, {0}, {0.5}}}, {QM_F32, 1, {2}, {0.5, 0.5}}},
    {"a reshape", {.kind = QM_OP_RESHAPE, .input_count = 1}, {{QM_I32, 1, {2}, {1, 2}}}, {QM_I32, 2, {1, 2}, {1, 2}}},
    {"a slice", {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {1}, .step = {1}, .slice_dims = {1}},
     {{QM_I32, 1, {2}, {1, 2}}}, {QM_I32, 0, {0}, {2}}},
    {"a transposition", {.kind = QM_OP_TRANSPOSE, .input_count = 1, .permutation = {1, 0}}, {{QM_I32, 2, {1, 2}, {1, 2}}},
     {QM_I32, 2, {2, 1}, {1, 2}}},
    {"a gather", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_I64, 1, {2}, {1, 2}}, {QM_I32, 0, {0}, {1}}}, {QM_I64, 0, {0}, {2}}},
    {"a concatenation", {.kind = QM_OP_CONCATENATION, .input_count = 2}, {{QM_I32, 1, {1}, {1}}, {QM_I32, 1, {1}, {2}}},
     {QM_I32, 1, {2}, {1, 2}}},
    {"a pack", {.kind = QM_OP_PACK, .input_count = 2}, {{QM_I32, 0, {0}, {1}}, {QM_I32, 0, {0}, {2}}}, {QM_I32, 1, {2}, {1, 2}}},
    {"a cast", {.kind = QM_OP_CAST, .input_count = 1}, {{QM_I64, 1, {2}, {-1, 5}}}, {QM_I32, 1, {2}, {-1, 5}}},
    {"a product along an axis", {.kind = QM_OP_REDUCE_PROD, .input_count = 1, .axes = 1}, {{QM_I32, 1, {3}, {2, 3, -4}}},
     {QM_I32, 0, {0}, {-24}}},
    {"a sum", {.kind = QM_OP_ADD, .input_count = 2}, {{QM_I32, 0, {0}, {1}}, {QM_I32, 0, {0}, {2}}}, {QM_I32, 0, {0}, {3}}},
    {"a difference with one row", {.kind = QM_OP_SUB, .input_count = 2},
     {{QM_I32, 2, {2, 2}, {1, 2, 3, 4}}, {QM_I32, 1, {2}, {10, 20}}}, {QM_I32, 2, {2, 2}, {-9, -18, -7, -16}}},
    {"a product with a scalar", {.kind = QM_OP_MUL, .input_count = 2}, {{QM_I32, 0, {0}, {3}}, {QM_I32, 1, {2}, {5, -6}}},
     {QM_I32, 1, {2}, {15, -18}}},
};

/* In a graph of integers these mean something else, or are none of its shapes. */
static const struct evaluate_case left_in_integers[] = {
    {"bytes, which have scales", {.kind = QM_OP_CONCATENATION, .input_count = 2}, {{QM_I8, 1, {1}, {1}}, {QM_I8, 1, {1}, {2}}},
     {QM_I8, 1, {2}, {1, 2}}},
    {"parts of two types", {.kind = QM_OP_CONCATENATION, .input_count = 2}, {{QM_I64, 1, {1}, {1}}, {QM_I32, 1, {1}, {2}}},
     {QM_I64, 1, {2}, {1, 2}}},
    {"a rectified sum", {.kind = QM_OP_ADD, .input_count = 2, .activation = QM_ACT_RELU},
     {{QM_I32, 0, {0}, {1}}, {QM_I32, 0, {0}, {1}}}, {QM_I32, 0, {0}, {2}}},
    {"a pad, whose value is another", {.kind = QM_OP_PAD, .input_count = 1, .pad_value = 1, .pads = {{1, 0}}}, {{QM_I32, 1, {1}, {1}}},
     {QM_I32, 1, {2}, {1, 1}}},
    {"a mean", {.kind = QM_OP_MEAN, .input_count = 1, .axes = 1}, {{QM_I32, 1, {2}, {1, 3}}}, {QM_I32, 0, {0}, {2}}},
    {"floats", {.kind = QM_OP_MUL, .input_count = 2}, {{QM_F32, 0, {0}, {1}}, {QM_F32, 0, {0}, {2}}}, {QM_F32, 0, {0}, {2}}},
};

#define LIMIT 0x1p53
#define ONE(kind_) {.kind = QM_OP_##kind_, .input_count = 1, .axes = 1}
#define TWO(kind_) {.kind = QM_OP_##kind_, .input_count = 2}
static const struct evaluate_case inexact[] = {
    {"an int32 sum", TWO(ADD), {{QM_I32, 0, {0}, {INT32_MAX}}, {QM_I32, 0, {0}, {1}}}, {QM_I32, 0, {0}, {0}}},
    {"an int32 product", TWO(MUL), {{QM_I32, 0, {0}, {65536}}, {QM_I32, 0, {0}, {32768}}}, {QM_I32, 0, {0}, {0}}},
    {"a product of many", ONE(REDUCE_PROD), {{QM_I64, 1, {3}, {INT32_MAX, INT32_MAX, INT32_MAX}}}, {QM_I64, 0, {0}, {0}}},
    {"a sum of 2^53", TWO(ADD), {{QM_I64, 0, {0}, {LIMIT - 1}}, {QM_I64, 0, {0}, {1}}}, {QM_I64, 0, {0}, {LIMIT}}},
    {"a difference of -2^53", TWO(SUB), {{QM_I64, 0, {0}, {1 - LIMIT}}, {QM_I64, 0, {0}, {1}}}, {QM_I64, 0, {0}, {-LIMIT}}},
    {"an operand of 2^53", TWO(MUL), {{QM_I64, 0, {0}, {LIMIT}}, {QM_I64, 0, {0}, {0}}}, {QM_I64, 0, {0}, {0}}},
    {"a narrowing cast", ONE(CAST), {{QM_I64, 1, {1}, {2147483648.0}}}, {QM_I32, 1, {1}, {0}}},
};

static const struct evaluate_case inexact_in_reals[] = {
    {"a byte of 300", ONE(CAST), {{QM_F32, 1, {1}, {300}}}, {QM_I8, 1, {1}, {44}}},
    {"an unsigned byte below 0", ONE(CAST), {{QM_I32, 1, {1}, {-1}}}, {QM_U8, 1, {1}, {255}}},
    {"an integer that is none", ONE(CAST), {{QM_F32, 1, {1}, {NAN}}}, {QM_I64, 1, {1}, {0}}},
    {"a quotient by 0", TWO(DIV), {{QM_I64, 0, {0}, {1}}, {QM_I64, 0, {0}, {0}}}, {QM_I64, 0, {0}, {0}}},
    {"a mean of integers that is none", ONE(MEAN), {{QM_I64, 1, {2}, {1, 2}}}, {QM_I64, 0, {0}, {1}}},
    {"a sum that passes 2^53 on its way", ONE(SUM), {{QM_I64, 1, {3}, {LIMIT - 1, 2, -3}}}, {QM_I64, 0, {0}, {LIMIT - 2}}},
    {"a float of an int64 that is rounded before", ONE(CAST), {{QM_I64, 1, {1}, {LIMIT}}}, {QM_F32, 1, {1}, {LIMIT}}},
};

/* At the edge of what is exact. */
static const struct evaluate_case exact[] = {
    {"a sum below 2^53", TWO(ADD), {{QM_I64, 0, {0}, {LIMIT - 2}}, {QM_I64, 0, {0}, {1}}}, {QM_I64, 0, {0}, {LIMIT - 1}}},
    {"a product", TWO(MUL), {{QM_I64, 0, {0}, {94906265}}, {QM_I64, 0, {0}, {-94906265}}}, {QM_I64, 0, {0}, {-9007199136250225.0}}},
    {"the lowest int32", TWO(SUB), {{QM_I32, 0, {0}, {INT32_MIN + 1.0}}, {QM_I32, 0, {0}, {1}}}, {QM_I32, 0, {0}, {INT32_MIN}}},
    {"0 behind a large product", ONE(REDUCE_PROD), {{QM_I64, 1, {4}, {LIMIT / 2, LIMIT / 2, LIMIT / 2, 0}}}, {QM_I64, 0, {0}, {0}}},
};
/* clang-format on */

static void expect_folded(const struct evaluate_case *cases, size_t count, bool is_real) {
    for (size_t i = 0; i < count; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&cases[i], is_real);
        cr_expect(outcome.problem == NULL && outcome.right, "%s", cases[i].name);
    }
}

static void expect_refused(const struct evaluate_case *cases, size_t count, bool is_real) {
    for (size_t i = 0; i < count; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&cases[i], is_real);
        cr_expect(outcome.problem != NULL && outcome.folded == false, "%s", cases[i].name);
    }
}

Test(fold, shapes_of_a_graph_of_integers) {
    expect_folded(of_integers, sizeof of_integers / sizeof *of_integers, false);
    for (size_t i = 0; i < sizeof left_in_integers / sizeof *left_in_integers; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&left_in_integers[i], false);
        cr_expect(outcome.problem == NULL && outcome.folded == false, "%s", left_in_integers[i].name);
    }
}

Test(fold, integers_are_exact_or_refused) {
    for (int is_real = 0; is_real < 2; is_real++) {
        expect_folded(exact, sizeof exact / sizeof *exact, is_real);
        expect_refused(inexact, sizeof inexact / sizeof *inexact, is_real);
    }
    expect_refused(inexact_in_reals, sizeof inexact_in_reals / sizeof *inexact_in_reals, true);
}

static struct qm_arena *arena;
static struct qm_graph graph;
static struct qm_graph_maker maker;

static void open_graph(bool is_real) {
    arena = qm_arena_create();
    graph = (struct qm_graph){.is_real = is_real};
    maker = (struct qm_graph_maker){.arena = arena, .graph = &graph};
}

/* An operator of one or two operands that is yet to get its attributes. */
static struct qm_graph_op *operator_on(enum qm_graph_op_kind kind, uint32_t a, uint32_t b, enum qm_dtype dtype, struct qm_shape out) {
    struct qm_graph_op *op = qm_graph_add_op(&maker, kind, a, qm_graph_add_tensor(&maker, "out", dtype, &out));
    op->inputs[1] = b;
    op->input_count = b != QM_NO_TENSOR ? 2 : 1;
    return op;
}

/* Ends of slices are INT64_MAX and the like, which no double holds. */
Test(fold, moves_change_no_int64) {
    static const int64_t large[] = {INT64_MAX, INT64_MIN + 1};
    for (int is_real = 0; is_real < 2; is_real++) {
        open_graph(is_real);
        uint32_t x = qm_graph_add_constant(&maker, "x", QM_I64, &(struct qm_shape){1, {2}}, large);
        struct qm_graph_op *op = operator_on(QM_OP_CONCATENATION, x, x, QM_I64, (struct qm_shape){1, {4}});
        cr_assert(evaluate_fold(&graph, op, arena) == NULL);
        op = operator_on(QM_OP_CAST, op->outputs[0], QM_NO_TENSOR, QM_I64, (struct qm_shape){1, {4}});
        cr_assert(evaluate_fold(&graph, op, arena) == NULL);
        op = operator_on(QM_OP_STRIDED_SLICE, op->outputs[0], QM_NO_TENSOR, QM_I64, (struct qm_shape){1, {2}});
        op->begin[0] = 3;
        op->step[0] = -1;
        op->slice_dims[0] = 2;
        cr_assert(evaluate_fold(&graph, op, arena) == NULL);
        cr_expect(eq(i64, evaluate_integer(&graph.tensors[op->outputs[0]], 0), INT64_MIN + 1));
        cr_expect(eq(i64, evaluate_integer(&graph.tensors[op->outputs[0]], 1), INT64_MAX));
        qm_arena_destroy(arena);
    }
}

/* The bytes are not computed with: they stay, and their scales go with the axis. */
Test(fold, weights_stay_quantized_when_they_are_turned) {
    open_graph(true);
    static const int8_t stored[] = {1, 2, 3, 4, 5, 6};
    static const double want[] = {0.5, 8, 1, 10, 1.5, 12};
    uint32_t bytes = qm_graph_add_constant(&maker, "b", QM_I8, &(struct qm_shape){2, {2, 3}}, stored);
    uint32_t scale = qm_graph_add_constant(&maker, "s", QM_F32, &(struct qm_shape){1, {2}}, (const float[]){0.5F, 2});
    struct qm_graph_op *op = operator_on(QM_OP_DEQUANTIZE, bytes, scale, QM_F32, (struct qm_shape){2, {2, 3}});
    cr_assert(evaluate_fold(&graph, op, arena) == NULL);
    const struct qm_graph_tensor *real = &graph.tensors[op->outputs[0]];
    cr_assert(real->data == stored && real->quant.count == 2 && real->quant.axis == 0);
    op = operator_on(QM_OP_TRANSPOSE, op->outputs[0], QM_NO_TENSOR, QM_F32, (struct qm_shape){2, {3, 2}});
    op->permutation[0] = 1;
    cr_assert(evaluate_fold(&graph, op, arena) == NULL);
    const struct qm_graph_tensor *turned = &graph.tensors[op->outputs[0]];
    cr_assert(turned->dtype == QM_I8 && turned->quant.axis == 1);
    const double *numbers = evaluate_numbers(turned, arena);
    for (int i = 0; i < 6; i++) cr_expect(eq(dbl, numbers[i], want[i]));
    qm_arena_destroy(arena);
}

/* Parts of different scales are joined as the numbers that they mean. */
Test(fold, quantized_parts_become_real_when_they_are_joined) {
    open_graph(true);
    static const int8_t stored[] = {1, 2};
    uint32_t a = qm_graph_add_constant(&maker, "a", QM_I8, &(struct qm_shape){1, {2}}, stored);
    uint32_t b = qm_graph_add_constant(&maker, "b", QM_I8, &(struct qm_shape){1, {2}}, stored);
    qm_graph_set_quant(&maker, a, 0.5F, 0);
    qm_graph_set_quant(&maker, b, 2, 1);
    struct qm_graph_op *op = operator_on(QM_OP_CONCATENATION, a, b, QM_F32, (struct qm_shape){1, {4}});
    cr_assert(evaluate_fold(&graph, op, arena) == NULL);
    static const double want[] = {0.5, 1, 0, 2};
    for (size_t i = 0; i < 4; i++) cr_expect(eq(dbl, evaluate_stored(&graph.tensors[op->outputs[0]], i), want[i]));
    qm_arena_destroy(arena);
}

Test(fold, what_is_computed_is_not_folded_but_has_a_shape) {
    open_graph(true);
    uint32_t x = qm_graph_add_tensor(&maker, "x", QM_F32, &(struct qm_shape){1, {3}});
    uint32_t one = qm_graph_add_constant(&maker, "one", QM_F32, &(struct qm_shape){0, {0}}, &(const float){1});
    struct qm_graph_op *op = operator_on(QM_OP_ADD, x, one, QM_F32, (struct qm_shape){1, {3}});
    cr_assert(evaluate_fold(&graph, op, arena) == NULL);
    cr_assert(graph.tensors[op->outputs[0]].data == NULL);
    op = operator_on(QM_OP_SHAPE, x, QM_NO_TENSOR, QM_I64, (struct qm_shape){1, {1}});
    cr_assert(evaluate_fold(&graph, op, arena) == NULL);
    cr_expect(eq(i64, evaluate_integer(&graph.tensors[op->outputs[0]], 0), 3));
    qm_arena_destroy(arena);
}

Test(fold, names_what_has_no_meaning) {
    open_graph(true);
    uint32_t x = qm_graph_add_constant(&maker, "x", QM_F32, &(struct qm_shape){1, {1}}, &(const float){1});
    struct qm_graph_op *op = operator_on(QM_OP_LOOKUP, x, QM_NO_TENSOR, QM_F32, (struct qm_shape){1, {1}});
    cr_expect(eq(str, (char *)(uintptr_t)evaluate_fold(&graph, op, arena), (char[]){"has no meaning on real numbers"}));
    qm_arena_destroy(arena);
}
