/* fold.c - operators on constants, against what NumPy gives for the same arrays, written here by hand. */
#include "compiler/ir/fold.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { NUMBERS_MAX = 8, TENSORS = 4 };

/* Operands are tensors 0, 1 and 2, as many as have a type; the result is tensor 3. */
struct fold_case {
    const char *name;
    struct qm_graph_op op;
    struct {
        enum qm_dtype dtype;
        uint32_t rank, dims[3];
        int32_t numbers[NUMBERS_MAX]; /* as int32 or, of the other types, one by one in theirs */
    } in[3], out;                     /* of out the numbers that are wanted */
};

static void put(const struct qm_graph_tensor *tensor, void *to, const int32_t *numbers) {
    for (uint64_t i = 0; i < qm_graph_elements(tensor); i++) {
        int64_t wide = numbers[i];
        memcpy((uint8_t *)to + i * qm_dtype_bytes(tensor->dtype), &wide, qm_dtype_bytes(tensor->dtype));
    }
}

static bool fold(const struct fold_case *c, struct qm_graph_tensor *tensors, struct qm_arena *arena) {
    struct qm_graph_op op = c->op;
    struct qm_graph graph = {.tensor_count = TENSORS, .tensors = tensors, .ops = &op, .op_count = 1};
    for (uint32_t i = 0; i < op.input_count; i++) {
        tensors[i] = (struct qm_graph_tensor){.dtype = c->in[i].dtype, .rank = c->in[i].rank};
        memcpy(tensors[i].dims, c->in[i].dims, sizeof c->in[i].dims);
        void *data = qm_arena_alloc(arena, 8 * qm_graph_elements(&tensors[i]));
        put(&tensors[i], data, c->in[i].numbers);
        tensors[i].data = data;
        op.inputs[i] = i;
    }
    tensors[3] = (struct qm_graph_tensor){.dtype = c->out.dtype, .rank = c->out.rank};
    memcpy(tensors[3].dims, c->out.dims, sizeof c->out.dims);
    op.outputs[0] = 3;
    op.output_count = 1;
    return qm_graph_fold(&graph, &op, arena);
}

/* clang-format off */
static const struct fold_case cases[] = {
    {"the shape of bytes", {.kind = QM_OP_SHAPE, .input_count = 1}, {{QM_I8, 2, {2, 3}, {0}}}, {QM_I32, 1, {2}, {2, 3}}},
    {"transposed", {.kind = QM_OP_TRANSPOSE, .input_count = 1, .permutation = {1, 0}}, {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}},
     {QM_I32, 2, {3, 2}, {1, 4, 2, 5, 3, 6}}},
    {"every second from the last", {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {4}, .step = {-2}, .slice_dims = {2}},
     {{QM_I64, 1, {5}, {1, 2, 3, 4, 5}}}, {QM_I64, 1, {2}, {5, 3}}},
    {"one of a row, whose dimension goes",
     {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {0, 1}, .step = {1, 1}, .slice_dims = {2, 1}},
     {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}}, {QM_I32, 1, {2}, {2, 5}}},
    {"gathered columns", {.kind = QM_OP_GATHER, .input_count = 2, .axis = 1},
     {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}}, {QM_I64, 2, {1, 2}, {2, 0}}}, {QM_I32, 3, {2, 1, 2}, {3, 1, 6, 4}}},
    {"a gathered scalar", {.kind = QM_OP_GATHER, .input_count = 2}, {{QM_I32, 1, {3}, {7, 8, 9}}, {QM_I32, 0, {0}, {1}}},
     {QM_I32, 0, {0}, {8}}},
    {"side by side", {.kind = QM_OP_CONCATENATION, .input_count = 3, .axis = 1},
     {{QM_I32, 2, {2, 1}, {1, 2}}, {QM_I32, 2, {2, 2}, {3, 4, 5, 6}}, {QM_I32, 2, {2, 1}, {7, 8}}},
     {QM_I32, 2, {2, 4}, {1, 3, 4, 7, 2, 5, 6, 8}}},
    {"packed columns", {.kind = QM_OP_PACK, .input_count = 2, .axis = 1}, {{QM_I32, 1, {3}, {1, 2, 3}}, {QM_I32, 1, {3}, {4, 5, 6}}},
     {QM_I32, 2, {3, 2}, {1, 4, 2, 5, 3, 6}}},
    {"filled with a byte", {.kind = QM_OP_FILL, .input_count = 1}, {{QM_I8, 0, {0}, {-3}}}, {QM_I8, 1, {3}, {-3, -3, -3}}},
    {"products of rows", {.kind = QM_OP_REDUCE_PROD, .input_count = 1, .axes = 2}, {{QM_I32, 2, {2, 3}, {1, 2, 3, 4, 5, -6}}},
     {QM_I32, 1, {2}, {6, -120}}},
    {"the product of all", {.kind = QM_OP_REDUCE_PROD, .input_count = 1, .axes = 3}, {{QM_I32, 2, {2, 2}, {1, 2, 3, 4}}},
     {QM_I32, 0, {0}, {24}}},
    {"a cast", {.kind = QM_OP_CAST, .input_count = 1}, {{QM_I64, 1, {2}, {-1, 5}}}, {QM_I32, 1, {2}, {-1, 5}}},
    {"a difference with one row", {.kind = QM_OP_SUB, .input_count = 2},
     {{QM_I32, 2, {2, 2}, {1, 2, 3, 4}}, {QM_I32, 1, {2}, {10, 20}}}, {QM_I32, 2, {2, 2}, {-9, -18, -7, -16}}},
    {"a product with a scalar", {.kind = QM_OP_MUL, .input_count = 2}, {{QM_I32, 0, {0}, {3}}, {QM_I32, 1, {2}, {5, -6}}},
     {QM_I32, 1, {2}, {15, -18}}},
    {"a reshape", {.kind = QM_OP_RESHAPE, .input_count = 1}, {{QM_I32, 1, {4}, {1, 2, 3, 4}}}, {QM_I32, 2, {2, 2}, {1, 2, 3, 4}}},
};
/* clang-format on */

Test(fold, equals_numpy) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qm_arena *arena = qm_arena_create();
        struct qm_graph_tensor tensors[TENSORS];
        uint8_t want[8 * NUMBERS_MAX];
        cr_assert(fold(&cases[i], tensors, arena), "%s", cases[i].name);
        put(&tensors[3], want, cases[i].out.numbers);
        cr_expect(eq(sz, tensors[3].size_bytes, qm_graph_elements(&tensors[3]) * qm_dtype_bytes(tensors[3].dtype)));
        cr_expect(memcmp(tensors[3].data, want, tensors[3].size_bytes) == 0, "%s", cases[i].name);
        qm_arena_destroy(arena);
    }
}

static void expect_left(const struct fold_case *c) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph_tensor tensors[TENSORS];
    cr_expect(fold(c, tensors, arena) == false && tensors[3].data == NULL, "%s", c->name);
    qm_arena_destroy(arena);
}

Test(fold, leaves_what_it_cannot_give_exactly) {
    expect_left(&(struct fold_case){"a sum that does not fit",
                                    {.kind = QM_OP_ADD, .input_count = 2},
                                    {{QM_I32, 0, {0}, {INT32_MAX}}, {QM_I32, 0, {0}, {1}}},
                                    {QM_I32, 0, {0}, {0}}});
    expect_left(&(struct fold_case){"a product that does not fit",
                                    {.kind = QM_OP_REDUCE_PROD, .input_count = 1, .axes = 1},
                                    {{QM_I64, 1, {3}, {INT32_MAX, INT32_MAX, INT32_MAX}}},
                                    {QM_I64, 0, {0}, {0}}});
    expect_left(&(struct fold_case){"bytes, which have scales",
                                    {.kind = QM_OP_CONCATENATION, .input_count = 2},
                                    {{QM_I8, 1, {1}, {1}}, {QM_I8, 1, {1}, {2}}},
                                    {QM_I8, 1, {2}, {0}}});
    expect_left(&(struct fold_case){"parts of two types",
                                    {.kind = QM_OP_CONCATENATION, .input_count = 2},
                                    {{QM_I64, 1, {1}, {1}}, {QM_I32, 1, {1}, {2}}},
                                    {QM_I64, 1, {2}, {0}}});
    expect_left(&(struct fold_case){"a rectified sum",
                                    {.kind = QM_OP_ADD, .input_count = 2, .activation = QM_ACT_RELU},
                                    {{QM_I32, 0, {0}, {1}}, {QM_I32, 0, {0}, {1}}},
                                    {QM_I32, 0, {0}, {0}}});
}
