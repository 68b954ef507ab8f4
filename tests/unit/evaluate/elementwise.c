/* elementwise.c - functions of one number and of two, broadcast; quantizers; against values worked out by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "tests/support/evaluate_case.h"

TestSuite(elementwise);

static void expect(const struct evaluate_case *c) {
    struct evaluate_outcome outcome = evaluate_case_run(c, true);
    cr_expect(outcome.problem == NULL && outcome.right, "%s: %s", c->name, outcome.problem != NULL ? outcome.problem : "other numbers");
}

/* clang-format off */
static const struct evaluate_case of_one[] = {
    {"floor", {.kind = QM_OP_FLOOR, .input_count = 1}, {{QM_F32, 1, {3}, {1.5, -1.5, 2}}}, {QM_F32, 1, {3}, {1, -2, 2}}},
    {"round, halves to even", {.kind = QM_OP_ROUND, .input_count = 1}, {{QM_F32, 1, {4}, {0.5, 1.5, -2.5, 0.75}}},
     {QM_F32, 1, {4}, {0, 2, -2, 1}}},
    {"truncate", {.kind = QM_OP_TRUNCATE, .input_count = 1}, {{QM_F32, 1, {2}, {1.75, -1.75}}}, {QM_F32, 1, {2}, {1, -1}}},
    {"sign, of 0 too", {.kind = QM_OP_SIGN, .input_count = 1}, {{QM_F32, 1, {3}, {-0.25, 0, 3}}}, {QM_F32, 1, {3}, {-1, 1, 1}}},
    {"clip", {.kind = QM_OP_CLIP, .input_count = 1, .low = -1, .high = 6}, {{QM_F32, 1, {3}, {-2, 0.5, 7}}},
     {QM_F32, 1, {3}, {-1, 0.5, 6}}},
    {"clip of integers, open above", {.kind = QM_OP_CLIP, .input_count = 1, .low = 0, .high = INFINITY}, {{QM_I64, 1, {2}, {-2, 9}}},
     {QM_I64, 1, {2}, {0, 9}}},
    {"leaky relu", {.kind = QM_OP_LEAKY_RELU, .input_count = 1, .alpha = 0.25F}, {{QM_F32, 1, {2}, {-2, 2}}},
     {QM_F32, 1, {2}, {-0.5, 2}}},
    {"logistic", {.kind = QM_OP_LOGISTIC, .input_count = 1}, {{QM_F32, 1, {3}, {0, -1000, 1000}}}, {QM_F32, 1, {3}, {0.5, 0, 1}}},
    {"tanh", {.kind = QM_OP_TANH, .input_count = 1}, {{QM_F64, 1, {3}, {0, -1000, 1000}}}, {QM_F64, 1, {3}, {0, -1, 1}}},
    {"hard swish", {.kind = QM_OP_HARD_SWISH, .input_count = 1}, {{QM_F32, 1, {4}, {-4, -1.5, 3, 4}}},
     {QM_F32, 1, {4}, {-0.0, -0.375, 3, 4}}},
    {"cast to integers", {.kind = QM_OP_CAST, .input_count = 1}, {{QM_F32, 1, {2}, {2.75, -2.75}}}, {QM_I8, 1, {2}, {2, -2}}},
    {"cast to floats", {.kind = QM_OP_CAST, .input_count = 1}, {{QM_U16, 1, {2}, {65535, 0}}}, {QM_F32, 1, {2}, {65535, 0}}},
    {"cast to wider", {.kind = QM_OP_CAST, .input_count = 1}, {{QM_I16, 1, {2}, {-32768, 5}}}, {QM_I64, 1, {2}, {-32768, 5}}},
    {"shape", {.kind = QM_OP_SHAPE, .input_count = 1}, {{QM_F32, 3, {2, 1, 3}, {0}}}, {QM_I64, 1, {3}, {2, 1, 3}}},
};

static const struct evaluate_case of_two[] = {
    {"a sum", {.kind = QM_OP_ADD, .input_count = 2}, {{QM_F32, 1, {2}, {1, 2}}, {QM_F32, 1, {2}, {0.5, -4}}},
     {QM_F32, 1, {2}, {1.5, -2}}},
    {"a column less a row", {.kind = QM_OP_SUB, .input_count = 2}, {{QM_F32, 2, {2, 1}, {10, 20}}, {QM_F32, 1, {3}, {1, 2, 3}}},
     {QM_F32, 2, {2, 3}, {9, 8, 7, 19, 18, 17}}},
    {"a channel's factors", {.kind = QM_OP_MUL, .input_count = 2},
     {{QM_F32, 3, {1, 2, 2}, {1, 2, 3, 4}}, {QM_F32, 2, {2, 1}, {10, 100}}}, {QM_F32, 3, {1, 2, 2}, {10, 20, 300, 400}}},
    {"a scalar by a vector", {.kind = QM_OP_DIV, .input_count = 2}, {{QM_F32, 0, {0}, {1}}, {QM_F32, 1, {2}, {4, -2}}},
     {QM_F32, 1, {2}, {0.25, -0.5}}},
    {"integers by integers, towards 0", {.kind = QM_OP_DIV, .input_count = 2}, {{QM_I64, 1, {2}, {7, -7}}, {QM_I64, 0, {0}, {2}}},
     {QM_I64, 1, {2}, {3, -3}}},
    {"powers", {.kind = QM_OP_POW, .input_count = 2}, {{QM_F32, 1, {3}, {2, 3, 4}}, {QM_F32, 1, {3}, {-1, 2, 0.5}}},
     {QM_F32, 1, {3}, {0.5, 9, 2}}},
    {"a slope for each", {.kind = QM_OP_PRELU, .input_count = 2}, {{QM_F32, 2, {2, 2}, {-1, 2, -3, -4}}, {QM_F32, 1, {2}, {0.5, 2}}},
     {QM_F32, 2, {2, 2}, {-0.5, 2, -1.5, -8}}},
};

static const struct evaluate_case quantizers[] = {
    {"halves to even, cut to the type", {.kind = QM_OP_QUANTIZE, .input_count = 3, .low = -128, .high = 127},
     {{QM_F32, 1, {5}, {0.5, 1.5, 1000, -1000, -2.5}}, {QM_F32, 0, {0}, {1}}, {QM_I8, 0, {0}, {1}}},
     {QM_I8, 1, {5}, {1, 3, 127, -128, -1}}},
    {"a scale and a zero point for each row", {.kind = QM_OP_QUANTIZE, .input_count = 3, .low = 0, .high = 255},
     {{QM_F32, 2, {2, 2}, {1, 2, 1, 2}}, {QM_F32, 1, {2}, {1, 0.5}}, {QM_U8, 1, {2}, {0, 10}}}, {QM_U8, 2, {2, 2}, {1, 2, 12, 14}}},
    {"a scale for each column, no zero point", {.kind = QM_OP_QUANTIZE, .input_count = 2, .axis = 1, .low = -8, .high = 7},
     {{QM_F32, 2, {2, 2}, {1, 2, 3, -9}}, {QM_F32, 1, {2}, {1, 0.5}}}, {QM_I8, 2, {2, 2}, {1, 4, 3, -8}}},
    {"a scale for all, zero points along the middle", {.kind = QM_OP_QUANTIZE, .input_count = 3, .axis = 1, .low = -128, .high = 127},
     {{QM_F32, 3, {1, 2, 2}, {1, 2, 3, 4}}, {QM_F32, 0, {0}, {2}}, {QM_I8, 1, {2}, {0, 5}}}, {QM_I8, 3, {1, 2, 2}, {0, 1, 7, 7}}},
};
/* clang-format on */

Test(elementwise, functions_of_one_number) {
    for (size_t i = 0; i < sizeof of_one / sizeof *of_one; i++) expect(&of_one[i]);
}

Test(elementwise, functions_of_two_are_broadcast) {
    for (size_t i = 0; i < sizeof of_two / sizeof *of_two; i++) expect(&of_two[i]);
}

Test(elementwise, quantizers_round_and_cut) {
    for (size_t i = 0; i < sizeof quantizers / sizeof *quantizers; i++) expect(&quantizers[i]);
}

/* Folding makes no numbers of a DEQUANTIZE; evaluated it is (stored - zero point) * scale, each along the axis. */
Test(elementwise, dequantize_along_an_axis) {
    struct qm_graph_tensor tensors[] = {
        {.rank = 2, .dims = {2, 2}}, {.rank = 1, .dims = {2}}, {.rank = 1, .dims = {2}}, {.rank = 2, .dims = {2, 2}, .dtype = QM_F32}};
    const struct qm_graph graph = {.is_real = true, .tensors = tensors, .tensor_count = 4};
    uint32_t operands[] = {0, 1, 2, 3};
    struct qm_graph_op op = {.kind = QM_OP_DEQUANTIZE, .axis = 1, .inputs = operands, .input_count = 3, .outputs = &operands[3]};
    static const double stored[] = {1, 2, 3, 4}, scale[] = {0.5, 10}, zero[] = {1, 2};
    const double *inputs[] = {stored, scale, zero};
    double result[4];
    cr_assert(evaluate_operator(&graph, &op, inputs, (double *const[]){result}));
    static const double want[] = {0, 0, 1, 20};
    for (int i = 0; i < 4; i++) cr_expect(eq(dbl, result[i], want[i]));
}
