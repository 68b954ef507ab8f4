/* moves.c - operators that put elements elsewhere, against what NumPy gives for the same arrays, written here by hand. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "tests/support/evaluate_case.h"

TestSuite(moves);

/* clang-format off */
static const struct evaluate_case cases[] = {
    {"a reshape", {.kind = QM_OP_RESHAPE, .input_count = 1}, {{QM_I32, 1, {4}, {1, 2, 3, 4}}}, {QM_I32, 2, {2, 2}, {1, 2, 3, 4}}},
    {"transposed", {.kind = QM_OP_TRANSPOSE, .input_count = 1, .permutation = {1, 0}}, {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}},
     {QM_I32, 2, {3, 2}, {1, 4, 2, 5, 3, 6}}},
    {"the last dimension first", {.kind = QM_OP_TRANSPOSE, .input_count = 1, .permutation = {2, 0, 1}},
     {{QM_F32, 3, {2, 1, 3}, {1, 2, 3, 4, 5, 6}}}, {QM_F32, 3, {3, 2, 1}, {1, 4, 2, 5, 3, 6}}},
    {"every second from the last", {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {4}, .step = {-2}, .slice_dims = {2}},
     {{QM_I64, 1, {5}, {1, 2, 3, 4, 5}}}, {QM_I64, 1, {2}, {5, 3}}},
    {"down in both dimensions",
     {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {2, 2}, .step = {-1, -2}, .slice_dims = {2, 2}},
     {{QM_F32, 2, {3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}}, {QM_F32, 2, {2, 2}, {9, 7, 6, 4}}},
    {"one of a row, whose dimension goes",
     {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {0, 1}, .step = {1, 1}, .slice_dims = {2, 1}},
     {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}}, {QM_I32, 1, {2}, {2, 5}}},
    {"padded with a number", {.kind = QM_OP_PAD, .input_count = 1, .low = 7.5, .pads = {{1, 2}}}, {{QM_F32, 1, {2}, {1, 2}}},
     {QM_F32, 1, {5}, {7.5, 1, 2, 7.5, 7.5}}},
    {"padded in two dimensions", {.kind = QM_OP_PAD, .input_count = 1, .low = -1, .pads = {{0, 1}, {1, 0}}},
     {{QM_I64, 2, {2, 2}, {1, 2, 3, 4}}}, {QM_I64, 2, {3, 3}, {-1, 1, 2, -1, 3, 4, -1, -1, -1}}},
    {"repeated", {.kind = QM_OP_RESIZE_NEAREST_NEIGHBOR, .input_count = 1}, {{QM_F32, 2, {2, 2}, {1, 2, 3, 4}}},
     {QM_F32, 2, {4, 4}, {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}}},
    {"side by side", {.kind = QM_OP_CONCATENATION, .input_count = 3, .axis = 1},
     {{QM_I32, 2, {2, 1}, {1, 2}}, {QM_I32, 2, {2, 2}, {3, 4, 5, 6}}, {QM_I32, 2, {2, 1}, {7, 8}}},
     {QM_I32, 2, {2, 4}, {1, 3, 4, 7, 2, 5, 6, 8}}},
    {"one above the other, of two types", {.kind = QM_OP_CONCATENATION, .input_count = 2},
     {{QM_F32, 1, {2}, {0.5, 1}}, {QM_I8, 1, {1}, {-3}}}, {QM_F32, 1, {3}, {0.5, 1, -3}}},
    {"packed columns", {.kind = QM_OP_PACK, .input_count = 2, .axis = 1}, {{QM_I32, 1, {3}, {1, 2, 3}}, {QM_I32, 1, {3}, {4, 5, 6}}},
     {QM_I32, 2, {3, 2}, {1, 4, 2, 5, 3, 6}}},
    {"packed scalars", {.kind = QM_OP_PACK, .input_count = 3}, {{QM_I64, 0, {0}, {1}}, {QM_I64, 0, {0}, {2}}, {QM_I64, 0, {0}, {3}}},
     {QM_I64, 1, {3}, {1, 2, 3}}},
    {"filled with a byte", {.kind = QM_OP_FILL, .input_count = 1}, {{QM_I8, 0, {0}, {-3}}}, {QM_I8, 1, {3}, {-3, -3, -3}}},
    {"gathered columns", {.kind = QM_OP_GATHER, .input_count = 2, .axis = 1},
     {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {QM_I64, 2, {1, 2}, {2, 0}}}, {QM_I32, 3, {2, 1, 2}, {3, 1, 6, 4}}},
    {"a gathered scalar", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_I32, 1, {3}, {7, 8, 9}}, {QM_I32, 0, {0}, {1}}},
     {QM_I32, 0, {0}, {8}}},
    {"indices from the end", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_F32, 2, {3, 2}, {1, 2, 3, 4, 5, 6}}, {QM_I8, 1, {2}, {-1, -3}}},
     {QM_F32, 2, {2, 2}, {5, 6, 1, 2}}},
    {"a gathered float that is none", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_F64, 1, {2}, {1, INFINITY}}, {QM_I64, 0, {0}, {1}}},
     {QM_F64, 0, {0}, {INFINITY}}},
};

static const struct evaluate_case outside[] = {
    {"an index behind the last", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_F32, 1, {2}, {1, 2}}, {QM_I64, 0, {0}, {2}}},
     {QM_F32, 0, {0}, {0}}},
    {"an index before the first", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_F32, 1, {2}, {1, 2}}, {QM_I64, 0, {0}, {-3}}},
     {QM_F32, 0, {0}, {0}}},
    {"integers padded with half a one", {.kind = QM_OP_PAD, .input_count = 1, .low = 0.5, .pads = {{1, 0}}}, {{QM_I64, 1, {1}, {1}}},
     {QM_I64, 1, {2}, {0}}},
};
/* clang-format on */

Test(moves, equals_numpy) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&cases[i], true);
        cr_expect(outcome.problem == NULL && outcome.right, "%s", cases[i].name);
    }
}

Test(moves, refuses_what_is_not_there) {
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&outside[i], true);
        cr_expect(outcome.problem != NULL && outcome.folded == false, "%s", outside[i].name);
    }
}
