/* infer.c - operators in float32 against their definitions in doubles, and what a graph that is run shows and refuses. */
#include "infer/infer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "common/prng.h"
#include "evaluate/evaluate.h"

TestSuite(infer);

enum { OPERANDS = 3, OUT = OPERANDS };

static uint32_t below(struct qm_prng *prng, uint32_t limit) {
    return (uint32_t)(qm_prng_next(prng) % limit);
}

/* An operator on random numbers between -4 and 4. */
struct one {
    struct qm_graph_op op;
    struct qm_shape in[OPERANDS], out;
    enum qm_dtype dtype; /* of the result */
};

struct bench {
    struct qm_arena *arena;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[OPERANDS + 1];
    struct qm_graph_op op;
    double *exact[OPERANDS + 1];
    float *single[OPERANDS + 1];
};

static void open_tensor(struct bench *b, uint32_t index, const struct qm_shape *shape, struct qm_prng *prng) {
    struct qm_graph_tensor *tensor = &b->tensors[index];
    *tensor = (struct qm_graph_tensor){.name = "t", .dtype = QM_F32, .rank = shape->rank};
    memcpy(tensor->dims, shape->dims, sizeof tensor->dims);
    size_t elements = (size_t)qm_graph_elements(tensor);
    b->exact[index] = QM_ARENA_NEW(b->arena, double, elements);
    b->single[index] = QM_ARENA_NEW(b->arena, float, elements);
    for (size_t i = 0; i < elements; i++) {
        b->single[index][i] = (float)((int)below(prng, 8001) - 4000) / 1000;
        b->exact[index][i] = (double)b->single[index][i];
    }
}

static void open_bench(struct bench *b, const struct one *one, struct qm_prng *prng) {
    *b = (struct bench){.arena = qm_arena_create(), .op = one->op};
    b->graph = (struct qm_graph){
        .file = "bench", .is_real = true, .tensor_count = OPERANDS + 1, .tensors = b->tensors, .op_count = 1, .ops = &b->op};
    b->op.output_count = 1;
    qm_graph_open_operands(&b->op, b->arena);
    for (uint32_t i = 0; i < OPERANDS; i++) {
        open_tensor(b, i, &one->in[i], prng);
        if (i < b->op.input_count) b->op.inputs[i] = i;
    }
    open_tensor(b, OUT, &one->out, prng);
    b->tensors[OUT].dtype = one->dtype;
    b->op.outputs[0] = OUT;
}

static void compare(const struct one *one, uint64_t seed) {
    struct bench b;
    struct qm_prng prng;
    struct qm_diag diag;
    struct infer *infer;
    qm_prng_init(&prng, seed);
    open_bench(&b, one, &prng);
    cr_assert(infer_create(&b.graph, &infer, &diag) == QM_OK, "%s", diag.text);
    const double *const exact[] = {b.exact[0], b.exact[1], one->op.input_count > 2 ? b.exact[2] : NULL, NULL};
    const float *const single[] = {b.single[0], b.single[1], one->op.input_count > 2 ? b.single[2] : NULL, NULL};
    cr_assert(evaluate_operator(&b.graph, &b.op, exact, &b.exact[OUT]));
    cr_assert(infer_operator(infer, &b.op, single, &b.single[OUT]));
    for (size_t i = 0; i < (size_t)qm_graph_elements(&b.tensors[OUT]); i++)
        cr_assert(fabs((double)b.single[OUT][i] - b.exact[OUT][i]) <= 1e-4 * (1 + fabs(b.exact[OUT][i])), "%s, element %zu: %g, not %g",
                  qm_graph_op_name(b.op.kind), i, (double)b.single[OUT][i], b.exact[OUT][i]);
    infer_destroy(infer);
    qm_arena_destroy(b.arena);
}

/* ---- convolutions ---- */

static uint32_t positions(uint32_t in, uint32_t pads, uint32_t kernel, uint32_t stride, uint32_t dilation) {
    return (in + pads - (kernel - 1) * dilation - 1) / stride + 1;
}

/* Of one or two dimensions, dense, in groups, or one channel a group. */
static struct one draw_conv(struct qm_prng *p) {
    uint32_t rank = 3 + below(p, 2), groups = 1 + below(p, 3), each = 1 + below(p, 3), outs = 1 + below(p, 3), h = rank == 4 ? 5 : 1, w = 7;
    struct qm_graph_op op = {.kind = QM_OP_CONV_2D,
                             .channels_first = true,
                             .groups = groups,
                             .input_count = 2 + below(p, 2),
                             .kernel_h = rank == 4 ? 1 + below(p, 3) : 1,
                             .kernel_w = 1 + below(p, 3),
                             .stride_h = 1 + below(p, 2),
                             .stride_w = 1 + below(p, 3),
                             .dilation_h = 1 + below(p, 2),
                             .dilation_w = 1 + below(p, 2),
                             .pad_left = below(p, 5),
                             .pad_right = below(p, 3)};
    if (rank == 4) op.pad_top = below(p, 3), op.pad_bottom = below(p, 5);
    uint32_t oh = positions(h, op.pad_top + op.pad_bottom, op.kernel_h, op.stride_h, op.dilation_h);
    uint32_t ow = positions(w, op.pad_left + op.pad_right, op.kernel_w, op.stride_w, op.dilation_w);
    struct one one = {.op = op, .dtype = QM_F32, .in = {[2] = {1, {groups * outs}}}};
    bool flat = rank == 3;
    one.in[0] = (struct qm_shape){rank, {2, groups * each, flat ? w : h, flat ? 0 : w}};
    one.in[1] = (struct qm_shape){rank, {groups * outs, each, flat ? op.kernel_w : op.kernel_h, flat ? 0 : op.kernel_w}};
    one.out = (struct qm_shape){rank, {2, groups * outs, flat ? ow : oh, flat ? 0 : ow}};
    return one;
}

Test(infer, convolves_as_defined) {
    struct qm_prng prng;
    qm_prng_init(&prng, 7);
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct one one = draw_conv(&prng);
        compare(&one, seed);
    }
}

/* ---- the rest ---- */

#define SHAPE(rank, ...)                                                                                                                   \
    {                                                                                                                                      \
        rank, {                                                                                                                            \
            __VA_ARGS__                                                                                                                    \
        }                                                                                                                                  \
    }
#define TWO(op) .kind = QM_OP_##op, .input_count = 2

static const struct one others[] = {
    {{TWO(MATMUL)}, {SHAPE(2, 3, 5), SHAPE(2, 5, 4)}, SHAPE(2, 3, 4), QM_F32},
    {{TWO(MATMUL), .transposed = true}, {SHAPE(2, 3, 5), SHAPE(2, 4, 5)}, SHAPE(2, 3, 4), QM_F32},
    {{TWO(MATMUL)}, {SHAPE(4, 2, 3, 4, 5), SHAPE(2, 5, 6)}, SHAPE(4, 2, 3, 4, 6), QM_F32},
    {{TWO(MATMUL)}, {SHAPE(4, 2, 1, 4, 5), SHAPE(3, 3, 5, 6)}, SHAPE(4, 2, 3, 4, 6), QM_F32},
    {{TWO(MATMUL), .transposed = true}, {SHAPE(2, 4, 5), SHAPE(3, 3, 6, 5)}, SHAPE(3, 3, 4, 6), QM_F32},
    {{TWO(ADD)}, {SHAPE(4, 2, 3, 4, 5), SHAPE(4, 2, 3, 4, 5)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(SUB)}, {SHAPE(4, 2, 3, 4, 5), SHAPE(3, 3, 1, 1)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(MUL)}, {SHAPE(1, 5), SHAPE(4, 2, 3, 4, 5)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(DIV)}, {SHAPE(4, 2, 3, 4, 5), SHAPE(4, 2, 1, 1, 1)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(MINIMUM)}, {SHAPE(4, 2, 3, 4, 5), SHAPE(0, 0)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(MAXIMUM)}, {SHAPE(4, 2, 1, 1, 5), SHAPE(4, 1, 3, 4, 1)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(SUB)}, {SHAPE(4, 2, 1, 4, 5), SHAPE(4, 1, 3, 4, 1)}, SHAPE(4, 2, 3, 4, 5), QM_F32},
    {{TWO(PRELU)}, {SHAPE(3, 2, 3, 4), SHAPE(2, 3, 1)}, SHAPE(3, 2, 3, 4), QM_F32},
    {{.kind = QM_OP_CLIP, .input_count = 1, .low = -1, .high = 2}, {SHAPE(2, 9, 9)}, SHAPE(2, 9, 9), QM_F32},
    {{.kind = QM_OP_CLIP, .input_count = 1, .low = 0, .high = INFINITY}, {SHAPE(2, 9, 9)}, SHAPE(2, 9, 9), QM_F32},
    {{.kind = QM_OP_TANH, .input_count = 1}, {SHAPE(2, 9, 9)}, SHAPE(2, 9, 9), QM_F32},
    {{.kind = QM_OP_SOFTMAX, .input_count = 1, .axis = 1}, {SHAPE(3, 2, 9, 3)}, SHAPE(3, 2, 9, 3), QM_F32},
    {{.kind = QM_OP_MEAN, .input_count = 1, .axes = 6}, {SHAPE(3, 2, 9, 3)}, SHAPE(1, 2), QM_F32},
    {{.kind = QM_OP_TRANSPOSE, .input_count = 1, .permutation = {2, 0, 1}}, {SHAPE(3, 2, 9, 3)}, SHAPE(3, 3, 2, 9), QM_F32},
    {{.kind = QM_OP_PAD, .input_count = 1, .pads = {{1, 0}, {0, 2}}, .low = 3}, {SHAPE(2, 3, 4)}, SHAPE(2, 4, 6), QM_F32},
    {{.kind = QM_OP_ARG_MAX, .input_count = 1, .axis = 1}, {SHAPE(2, 3, 9)}, SHAPE(1, 3), QM_I64},
};

Test(infer, other_operators_compute_as_defined) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (uint64_t seed = 1; seed <= 3; seed++) compare(&others[i], seed);
}

/* ---- quantizers ---- */

static const float scale = 0.25F, zero = 3;

Test(infer, quantizes_half_to_even_and_cuts) {
    struct qm_prng prng;
    struct bench b;
    struct qm_diag diag;
    struct infer *infer;
    const float x[] = {0.125F, 0.375F, -0.125F, 100, -100, NAN, 0.3F, 0}, want[] = {3, 5, 3, 15, 0, 3, 4, 3};
    struct one one = {
        {.kind = QM_OP_QUANTIZE, .input_count = 3, .low = 0, .high = 15}, {SHAPE(1, 8), SHAPE(0, 0), SHAPE(0, 0)}, SHAPE(1, 8), QM_U8};
    qm_prng_init(&prng, 1);
    open_bench(&b, &one, &prng);
    cr_assert(infer_create(&b.graph, &infer, &diag) == QM_OK, "%s", diag.text);
    cr_assert(infer_operator(infer, &b.op, (const float *const[]){x, &scale, &zero, NULL}, &b.single[OUT]));
    for (int i = 0; i < 8; i++) cr_assert(eq(flt, b.single[OUT][i], want[i]));
    b.op.kind = QM_OP_DEQUANTIZE;
    cr_assert(infer_operator(infer, &b.op, (const float *const[]){want, &scale, &zero, NULL}, &b.single[OUT]));
    for (int i = 0; i < 8; i++) cr_assert(eq(flt, b.single[OUT][i], (want[i] - 3) / 4));
    infer_destroy(infer);
    qm_arena_destroy(b.arena);
}

/* ---- a graph ---- */

/* y = 2 x + 1, with the product kept; the factor is a constant of bytes with a scale. */
static struct qm_graph *make_line(struct qm_arena *arena) {
    static const int8_t four = 4;
    static const float one = 1;
    const struct qm_shape row = SHAPE(1, 3), number = {0};
    struct qm_graph *graph = QM_ARENA_NEW(arena, struct qm_graph, 1);
    struct qm_graph_maker maker = {.arena = arena, .graph = graph};
    graph->is_real = true;
    graph->file = "line";
    uint32_t x = qm_graph_add_tensor(&maker, "x", QM_F32, &row), factor = qm_graph_add_constant(&maker, "f", QM_I8, &number, &four);
    uint32_t product = qm_graph_add_tensor(&maker, "p", QM_F32, &row), addend = qm_graph_add_constant(&maker, "a", QM_F32, &number, &one);
    uint32_t y = qm_graph_add_tensor(&maker, "y", QM_F32, &row);
    qm_graph_set_quant(&maker, factor, 0.5F, 0);
    struct qm_graph_op *op = qm_graph_add_op(&maker, QM_OP_MUL, x, product);
    op->inputs[1] = factor;
    op->input_count = 2;
    op = qm_graph_add_op(&maker, QM_OP_ADD, product, y);
    op->inputs[1] = addend;
    op->input_count = 2;
    qm_graph_set_ends(&maker, 1, &x, y);
    return graph;
}

Test(infer, shows_all_tensors_and_takes_other_constants) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = make_line(arena);
    struct qm_diag diag;
    struct infer *infer;
    const float x[] = {1, -2, 0.5F}, minus = -1;
    float stored[3];
    cr_assert(infer_create(graph, &infer, &diag) == QM_OK, "%s", diag.text);
    cr_assert(infer_run(infer, (const float *const[]){x}));
    for (int i = 0; i < 3; i++) {
        cr_assert(eq(flt, infer_numbers(infer, 2)[i], 2 * x[i]));
        cr_assert(eq(flt, infer_numbers(infer, 4)[i], 2 * x[i] + 1));
    }
    infer_set_numbers(infer, 1, &minus);
    cr_assert(infer_run(infer, (const float *const[]){x}));
    cr_assert(infer_store(infer, 4, stored));
    for (int i = 0; i < 3; i++) cr_assert(eq(flt, stored[i], 1 - x[i]));
    infer_destroy(infer);
    qm_arena_destroy(arena);
}

static void refuses(struct qm_graph *graph, const char *words) {
    struct qm_diag diag;
    struct infer *infer;
    cr_assert(infer_create(graph, &infer, &diag) == QM_BAD_INPUT);
    cr_assert(infer == NULL);
    cr_assert(strstr(diag.text, words) != NULL, "%s", diag.text);
}

Test(infer, refuses_what_it_cannot_run) {
    static const int32_t beyond = (1 << 24) + 1;
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = make_line(arena);
    graph->ops[0].kind = QM_OP_LOOKUP;
    refuses(graph, "operator 0 LOOKUP cannot be computed");
    graph = make_line(arena);
    graph->tensors[4].dims[0] = 4;
    refuses(graph, "makes another shape");
    graph = make_line(arena);
    graph->tensors[0].dtype = QM_I8;
    refuses(graph, "input x is int8");
    graph = make_line(arena);
    graph->tensors[2].dtype = QM_I32;
    refuses(graph, "computes with integers");
    graph = make_line(arena);
    graph->tensors[3].dtype = QM_I32;
    graph->tensors[3].data = &beyond;
    refuses(graph, "beyond 2^24");
    qm_arena_destroy(arena);
}
