/* check.c - operators whose operands, attributes and shapes do not agree are refused, by reason; and what evaluate_check lets through stays
 * inside its arrays, whatever the operator says: right operators of every kind, with random words of them changed. Under AddressSanitizer
 * reading is watched, too.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "tests/support/evaluate_case.h"

TestSuite(evaluate_check);

#define CONV(kind_)                                                                                                                        \
    {                                                                                                                                      \
        .kind = QM_OP_##kind_, .input_count = 3, .channels_first = true, .kernel_h = 2, .kernel_w = 2, .stride_h = 1, .stride_w = 2,       \
        .dilation_h = 1, .dilation_w = 1, .groups = 2, .pad_top = 1                                                                        \
    }
#define POOL(kind_, pads)                                                                                                                  \
    {                                                                                                                                      \
        .kind = QM_OP_##kind_, .input_count = 1, .channels_first = true, .kernel_h = 2, .kernel_w = 2, .stride_h = 1, .stride_w = 1,       \
        .dilation_h = 1, .dilation_w = 1, .pad_top = (pads), .pad_bottom = (pads)                                                          \
    }
#define ALONG(kind_, axis_)                                                                                                                \
    { .kind = QM_OP_##kind_, .input_count = 1, .axis = (axis_) }
#define OVER(kind_, axes_)                                                                                                                 \
    { .kind = QM_OP_##kind_, .input_count = 1, .axes = (axes_) }
#define OF(kind_, inputs)                                                                                                                  \
    { .kind = QM_OP_##kind_, .input_count = (inputs) }
#define SCALES(kind_)                                                                                                                      \
    { .kind = QM_OP_##kind_, .input_count = 3, .axis = 1, .low = -128, .high = 127 }
#define TENSOR(...)                                                                                                                        \
    {                                                                                                                                      \
        QM_F32, __VA_ARGS__, {                                                                                                             \
            1, 1, 1, 1, 1, 1                                                                                                               \
        }                                                                                                                                  \
    }

/* clang-format off */
/* One of each kind. */
static const struct evaluate_case right[] = {
    {"conv", CONV(CONV_2D), {TENSOR(4, {1, 2, 3, 4}), TENSOR(4, {4, 1, 2, 2}), TENSOR(1, {4})}, TENSOR(4, {1, 4, 3, 2})},
    {"transposed conv", CONV(TRANSPOSE_CONV), {TENSOR(4, {1, 2, 3, 2}), TENSOR(4, {2, 1, 2, 2}), TENSOR(1, {2})}, TENSOR(4, {1, 2, 3, 4})},
    {"matmul", OF(MATMUL, 2), {TENSOR(3, {2, 1, 3}), TENSOR(3, {1, 3, 2})}, TENSOR(3, {2, 1, 2})},
    {"mean of windows", POOL(AVERAGE_POOL_2D, 1), {TENSOR(4, {1, 2, 2, 3})}, TENSOR(4, {1, 2, 3, 2})},
    {"largest of windows", POOL(MAX_POOL_2D, 1), {TENSOR(4, {1, 2, 2, 3})}, TENSOR(4, {1, 2, 3, 2})},
    {"mean", OVER(MEAN, 2), {TENSOR(3, {2, 3, 2})}, TENSOR(2, {2, 2})},
    {"sum", OVER(SUM, 5), {TENSOR(3, {2, 3, 2})}, TENSOR(3, {1, 3, 1})},
    {"product", OVER(REDUCE_PROD, 1), {TENSOR(1, {3})}, TENSOR(0, {0})},
    {"largest", OVER(REDUCE_MAX, 2), {TENSOR(2, {2, 3})}, TENSOR(1, {2})},
    {"smallest", OVER(REDUCE_MIN, 2), {TENSOR(2, {2, 3})}, TENSOR(1, {2})},
    {"place of the largest", ALONG(ARG_MAX, 1), {TENSOR(3, {2, 3, 2})}, TENSOR(2, {2, 2})},
    {"place of the smallest", ALONG(ARG_MIN, 0), {TENSOR(2, {2, 3})}, TENSOR(2, {1, 3})},
    {"softmax", ALONG(SOFTMAX, 1), {TENSOR(2, {2, 3})}, TENSOR(2, {2, 3})},
    {"log softmax", ALONG(LOG_SOFTMAX, 0), {TENSOR(2, {2, 3})}, TENSOR(2, {2, 3})},
    {"quantize", SCALES(QUANTIZE), {TENSOR(2, {2, 3}), TENSOR(1, {3}), TENSOR(1, {3})}, TENSOR(2, {2, 3})},
    {"dequantize", SCALES(DEQUANTIZE), {TENSOR(2, {2, 3}), TENSOR(1, {3}), TENSOR(0, {0})}, TENSOR(2, {2, 3})},
    {"cast", OF(CAST, 1), {TENSOR(1, {3})}, TENSOR(1, {3})},
    {"shape", OF(SHAPE, 1), {TENSOR(3, {3, 1, 2})}, TENSOR(1, {3})},
    {"reshape", OF(RESHAPE, 1), {TENSOR(2, {3, 2})}, TENSOR(3, {1, 2, 3})},
    {"transpose", {.kind = QM_OP_TRANSPOSE, .input_count = 1, .permutation = {2, 0, 1}}, {TENSOR(3, {3, 1, 2})}, TENSOR(3, {2, 3, 1})},
    {"slice", {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {2, 0}, .step = {-2, 1}, .slice_dims = {2, 1}},
     {TENSOR(2, {3, 2})}, TENSOR(2, {2, 1})},
    {"pad", {.kind = QM_OP_PAD, .input_count = 1, .pads = {{1, 0}, {0, 2}}}, {TENSOR(2, {1, 2})}, TENSOR(2, {2, 4})},
    {"repeated", OF(RESIZE_NEAREST_NEIGHBOR, 1), {TENSOR(2, {1, 2})}, TENSOR(2, {2, 6})},
    {"concatenation", {.kind = QM_OP_CONCATENATION, .input_count = 2, .axis = 1}, {TENSOR(2, {2, 1}), TENSOR(2, {2, 2})},
     TENSOR(2, {2, 3})},
    {"pack", {.kind = QM_OP_PACK, .input_count = 2, .axis = 1}, {TENSOR(1, {3}), TENSOR(1, {3})}, TENSOR(2, {3, 2})},
    {"gather", {.kind = QM_OP_GATHER, .input_count = 2, .axis = 1}, {TENSOR(2, {2, 3}), TENSOR(2, {1, 2})}, TENSOR(3, {2, 1, 2})},
    {"fill", OF(FILL, 1), {TENSOR(0, {0})}, TENSOR(2, {2, 3})},
    {"of one number", {.kind = QM_OP_ELU, .input_count = 1, .alpha = 1}, {TENSOR(2, {2, 3})}, TENSOR(2, {2, 3})},
    {"of two numbers", OF(ADD, 2), {TENSOR(2, {2, 1}), TENSOR(1, {3})}, TENSOR(2, {2, 3})},
};
#define KINDS (sizeof right / sizeof *right)

#define FIT "has operands whose shapes do not fit"
#define RESULT "makes another shape than it says"
#define AXIS "has an axis that is none"
static const struct wrong {
    const char *problem;
    struct evaluate_case c;
} wrong[] = {
    {"has no meaning on real numbers", {"a table", OF(LOOKUP, 1), {TENSOR(1, {2})}, TENSOR(1, {2})}},
    {"has another number of inputs", {"a sum of one", OF(ADD, 1), {TENSOR(1, {2})}, TENSOR(1, {2})}},
    {"has another number of inputs", {"a root of two", OF(SQRT, 2), {TENSOR(1, {2}), TENSOR(1, {2})}, TENSOR(1, {2})}},
    {"has another number of inputs", {"nothing joined", OF(CONCATENATION, 0), {{0}}, TENSOR(1, {2})}},
    {RESULT, {"a longer function", OF(SQRT, 1), {TENSOR(1, {2})}, TENSOR(1, {3})}},
    {FIT, {"two by three", OF(MUL, 2), {TENSOR(1, {2}), TENSOR(1, {3})}, TENSOR(1, {3})}},
    {RESULT, {"broadcast too far", OF(MUL, 2), {TENSOR(1, {1}), TENSOR(1, {3})}, TENSOR(1, {4})}},
    {RESULT, {"a dimension more", OF(MUL, 2), {TENSOR(1, {3}), TENSOR(1, {3})}, TENSOR(2, {1, 3})}},
    {FIT, {"matrices that do not meet", OF(MATMUL, 2), {TENSOR(2, {1, 3}), TENSOR(2, {2, 1})}, TENSOR(2, {1, 1})}},
    {FIT, {"stacks that do not meet", OF(MATMUL, 2), {TENSOR(3, {2, 1, 1}), TENSOR(3, {3, 1, 1})}, TENSOR(3, {3, 1, 1})}},
    {RESULT, {"more columns", OF(MATMUL, 2), {TENSOR(2, {1, 1}), TENSOR(2, {1, 2})}, TENSOR(2, {1, 3})}},
    {"multiplies by what is no matrix", {"by a vector", OF(MATMUL, 2), {TENSOR(2, {1, 2}), TENSOR(1, {2})}, TENSOR(1, {1})}},
    {"has a filter that does not fit its maps",
     {"another window", CONV(CONV_2D), {TENSOR(4, {1, 2, 3, 4}), TENSOR(4, {4, 1, 1, 2}), TENSOR(1, {4})}, TENSOR(4, {1, 4, 3, 2})}},
    {"has not as many biases as channels",
     {"a bias too few", CONV(CONV_2D), {TENSOR(4, {1, 2, 3, 4}), TENSOR(4, {4, 1, 2, 2}), TENSOR(1, {3})}, TENSOR(4, {1, 4, 3, 2})}},
    {"has channels that do not come in its groups",
     {"three in groups of two", CONV(CONV_2D), {TENSOR(4, {1, 3, 3, 4}), TENSOR(4, {4, 1, 2, 2}), TENSOR(1, {4})},
      TENSOR(4, {1, 4, 3, 2})}},
    {RESULT, {"more positions", CONV(CONV_2D), {TENSOR(4, {1, 2, 3, 4}), TENSOR(4, {4, 1, 2, 2}), TENSOR(1, {4})},
              TENSOR(4, {1, 4, 3, 3})}},
    {RESULT, {"more examples", CONV(CONV_2D), {TENSOR(4, {1, 2, 3, 4}), TENSOR(4, {4, 1, 2, 2}), TENSOR(1, {4})},
              TENSOR(4, {2, 4, 3, 2})}},
    {RESULT, {"cut off", CONV(TRANSPOSE_CONV), {TENSOR(4, {1, 2, 3, 2}), TENSOR(4, {2, 1, 2, 2}), TENSOR(1, {2})},
              TENSOR(4, {1, 2, 2, 4})}},
    {"has a window with nothing but padding in it", {"padding alone", POOL(MAX_POOL_2D, 3), {TENSOR(4, {1, 2, 2, 3})},
                                                     TENSOR(4, {1, 2, 7, 2})}},
    {"works on maps of other than one or two dimensions", {"a matrix", POOL(MAX_POOL_2D, 0), {TENSOR(2, {2, 3})}, TENSOR(2, {1, 2})}},
    {"has a window of nothing", {"no window", {.kind = QM_OP_MAX_POOL_2D, .input_count = 1, .channels_first = true},
                                 {TENSOR(4, {1, 2, 2, 3})}, TENSOR(4, {1, 2, 3, 2})}},
    {"has channels last, which real numbers have not", {"last", OF(AVERAGE_POOL_2D, 1), {TENSOR(4, {1, 2, 2, 3})},
                                                        TENSOR(4, {1, 2, 3, 2})}},
    {AXIS, {"a sum over the third of two", OVER(SUM, 4), {TENSOR(2, {2, 3})}, TENSOR(2, {2, 3})}},
    {RESULT, {"a sum over another axis", OVER(SUM, 1), {TENSOR(2, {2, 3})}, TENSOR(1, {2})}},
    {AXIS, {"a place along no axis", ALONG(ARG_MAX, 2), {TENSOR(2, {2, 3})}, TENSOR(1, {2})}},
    {AXIS, {"a scalar's softmax", ALONG(SOFTMAX, 0), {TENSOR(0, {0})}, TENSOR(0, {0})}},
    {"has scales or zero points that are neither one nor one a channel",
     {"a scale too few", SCALES(QUANTIZE), {TENSOR(2, {2, 3}), TENSOR(1, {2}), TENSOR(0, {0})}, TENSOR(2, {2, 3})}},
    {"has a scale that is no positive number",
     {"no scale", SCALES(QUANTIZE), {TENSOR(2, {2, 3}), {QM_F32, 0, {0}, {NAN}}, TENSOR(0, {0})}, TENSOR(2, {2, 3})}},
    {"has a scale that is no positive number",
     {"a scale of 0", SCALES(DEQUANTIZE), {TENSOR(2, {2, 3}), {QM_F32, 0, {0}, {0}}, TENSOR(0, {0})}, TENSOR(2, {2, 3})}},
    {RESULT, {"more dimensions", OF(SHAPE, 1), {TENSOR(2, {2, 3})}, TENSOR(1, {3})}},
    {RESULT, {"an element more", OF(RESHAPE, 1), {TENSOR(1, {3})}, TENSOR(2, {2, 2})}},
    {"has a permutation that is none", {"twice the first", OF(TRANSPOSE, 1), {TENSOR(2, {2, 3})}, TENSOR(2, {2, 2})}},
    {"takes more of an axis than there is",
     {"four of three", {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .step = {1}, .slice_dims = {4}}, {TENSOR(1, {3})}, TENSOR(1, {4})}},
    {"takes elements outside of its input",
     {"before the first", {.kind = QM_OP_STRIDED_SLICE, .input_count = 1, .begin = {1}, .step = {-1}, .slice_dims = {3}}, {TENSOR(1, {3})},
      TENSOR(1, {3})}},
    {RESULT, {"a pad less", {.kind = QM_OP_PAD, .input_count = 1, .pads = {{1, 1}}}, {TENSOR(1, {1})}, TENSOR(1, {2})}},
    {"repeats elements other than a whole number of times", {"once and a half", OF(RESIZE_NEAREST_NEIGHBOR, 1), {TENSOR(1, {2})},
                                                             TENSOR(1, {3})}},
    {FIT, {"rows of two lengths", OF(CONCATENATION, 2), {TENSOR(2, {1, 2}), TENSOR(2, {1, 3})}, TENSOR(2, {2, 2})}},
    {RESULT, {"a row less", OF(CONCATENATION, 2), {TENSOR(2, {1, 2}), TENSOR(2, {2, 2})}, TENSOR(2, {2, 2})}},
    {AXIS, {"joined along no axis", {.kind = QM_OP_CONCATENATION, .input_count = 1, .axis = 1}, {TENSOR(1, {2})}, TENSOR(1, {2})}},
    {FIT, {"packed with more", OF(PACK, 2), {TENSOR(1, {1}), TENSOR(1, {2})}, TENSOR(2, {2, 1})}},
    {AXIS, {"gathered along no axis", {.kind = QM_OP_GATHER, .input_count = 2, .axis = 1}, {TENSOR(1, {2}), TENSOR(1, {2})},
            TENSOR(1, {2})}},
    {RESULT, {"more gathered", OF(GATHER, 2), {TENSOR(1, {2}), TENSOR(1, {2})}, TENSOR(1, {3})}},
    {"fills with more than one number", {"two", OF(FILL, 1), {TENSOR(1, {2})}, TENSOR(1, {3})}},
};
/* clang-format on */

Test(evaluate_check, names_what_does_not_agree) {
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct evaluate_outcome outcome = evaluate_case_run(&wrong[i].c, true);
        const char *problem = outcome.problem != NULL ? outcome.problem : "nothing";
        cr_expect(strcmp(problem, wrong[i].problem) == 0, "%s: %s", wrong[i].c.name, problem);
    }
}

/* ---- a graph ---- */

/* -x of two floats, and what its tensors say. */
struct small {
    struct qm_graph_tensor tensors[2];
    struct qm_graph_op op;
    uint32_t ends[2], operands[2];
    struct qm_graph graph;
};

static void open_small(struct small *s) {
    *s = (struct small){.tensors = {{.dtype = QM_F32, .rank = 1, .dims = {2}}, {.dtype = QM_F32, .rank = 1, .dims = {2}}},
                        .op = {.kind = QM_OP_ABS, .input_count = 1, .output_count = 1},
                        .ends = {0, 1},
                        .operands = {0, 1}};
    s->op.inputs = &s->operands[0];
    s->op.outputs = &s->operands[1];
    s->graph = (struct qm_graph){.is_real = true, .tensor_count = 2, .tensors = s->tensors, .op_count = 1, .ops = &s->op};
    s->graph.inputs = &s->ends[0];
    s->graph.outputs = &s->ends[1];
    s->graph.input_count = s->graph.output_count = 1;
}

static void expect_problem(struct small *s, const char *want) {
    const char *problem = evaluate_check_graph(&s->graph);
    cr_expect(problem != NULL && strcmp(problem, want) == 0, "%s, not: %s", problem != NULL ? problem : "nothing", want);
    open_small(s);
}

Test(evaluate_check, tensors_of_a_graph_are_some) {
    static const char *const none = "has a tensor that is none";
    struct small s;
    open_small(&s);
    cr_expect(evaluate_check_graph(&s.graph) == NULL);
    s.tensors[0].rank = 8;
    expect_problem(&s, none);
    s.tensors[0].dims[0] = 0;
    expect_problem(&s, none);
    s.tensors[0].dims[0] = s.tensors[1].dims[0] = 1U << 31;
    expect_problem(&s, none);
    s.tensors[0].dtype = QM_ANY_DTYPES;
    expect_problem(&s, none);
    s.tensors[0].bits = 33;
    expect_problem(&s, none);
    s.tensors[0].quant = (struct qm_quant){.count = 3};
    expect_problem(&s, none);
    s.tensors[1].data = &s;
    s.tensors[1].size_bytes = 7;
    expect_problem(&s, none);
    s.tensors[0].dims[0] = s.tensors[1].dims[0] = 1U << 27;
    expect_problem(&s, "has a tensor of more than 67108864 elements");
    s.ends[0] = 2;
    expect_problem(&s, "has an input that is no tensor");
    s.ends[1] = QM_NO_TENSOR;
    expect_problem(&s, "has an output that is no tensor");
    s.op.inputs[0] = 2;
    expect_problem(&s, "has an input that is no tensor");
    s.op.output_count = 2;
    expect_problem(&s, "has an output that is no tensor, or several");
    s.op.kind = QM_GRAPH_OP_KINDS;
    expect_problem(&s, "has no meaning on real numbers");
}

/* ---- changed at random ---- */

enum { ROUNDS = 4000, CANARIES = 4, STEPS_MAX = 200000 };

struct wild {
    struct qm_prng prng;
    struct qm_graph graph;
    struct qm_graph_tensor tensors[EVALUATE_INPUTS_MAX + 1];
    struct qm_graph_op op;
    uint32_t inputs[QM_OPERANDS_FEW], output;
};

static uint32_t draw(struct wild *w, uint32_t below) {
    return (uint32_t)(qm_prng_next(&w->prng) % below);
}

static void open_wild(struct wild *w, const struct evaluate_case *c) {
    w->op = c->op;
    w->graph = (struct qm_graph){.is_real = true, .tensors = w->tensors, .tensor_count = EVALUATE_INPUTS_MAX + 1, .ops = &w->op};
    w->op.inputs = w->inputs;
    w->op.outputs = &w->output;
    for (uint32_t i = 0; i < QM_OPERANDS_FEW; i++) w->inputs[i] = QM_NO_TENSOR;
    for (uint32_t i = 0; i <= EVALUATE_INPUTS_MAX; i++) {
        bool in = i < EVALUATE_INPUTS_MAX;
        w->tensors[i] = (struct qm_graph_tensor){.dtype = QM_F32, .rank = in ? c->in[i].rank : c->out.rank};
        memcpy(w->tensors[i].dims, in ? c->in[i].dims : c->out.dims, sizeof c->out.dims);
        if (i < w->op.input_count) w->op.inputs[i] = i;
    }
    w->op.outputs[0] = EVALUATE_INPUTS_MAX;
    w->op.output_count = 1;
}

/* Mostly a small number, at times a large one. */
static void change(struct wild *w, uint32_t *word) {
    static const uint32_t large[] = {1U << 16, 1U << 30, INT32_MAX, 1U << 31, UINT32_MAX - 1, UINT32_MAX};
    *word = draw(w, 6) == 0 ? large[draw(w, 6)] : draw(w, 5);
}

static void change_something(struct wild *w) {
    struct qm_graph_op *op = &w->op;
    struct qm_graph_tensor *tensor = &w->tensors[draw(w, EVALUATE_INPUTS_MAX + 1)];
    uint32_t d = draw(w, 3);
    uint32_t *const words[] = {&op->kernel_h,
                               &op->kernel_w,
                               &op->stride_h,
                               &op->stride_w,
                               &op->dilation_h,
                               &op->dilation_w,
                               &op->pad_top,
                               &op->pad_left,
                               &op->pad_bottom,
                               &op->pad_right,
                               &op->groups,
                               &op->axis,
                               &op->axes,
                               &op->inputs[d],
                               &op->pads[d].before,
                               &op->pads[d].after,
                               &op->input_count,
                               &op->permutation[d],
                               &tensor->rank,
                               (uint32_t *)&op->begin[d],
                               (uint32_t *)&op->step[d],
                               &op->slice_dims[d]};
    enum { WORDS = sizeof words / sizeof *words };
    if (draw(w, 3) == 0)
        change(w, &tensor->dims[draw(w, 4)]);
    else
        change(w, words[draw(w, WORDS)]);
    if (draw(w, 8) == 0) op->transposed = !op->transposed;
    if (draw(w, 8) == 0) op->pads_counted = !op->pads_counted;
}

static bool is_small(const struct wild *w) {
    double steps = (double)w->op.kernel_h * w->op.kernel_w + 1, elements = (double)qm_graph_elements(&w->tensors[w->op.outputs[0]]);
    for (uint32_t i = 0; i < w->op.input_count; i++)
        if (w->op.inputs[i] != QM_NO_TENSOR) elements += (double)qm_graph_elements(&w->tensors[w->op.inputs[i]]);
    return steps * elements < STEPS_MAX && elements * elements < STEPS_MAX;
}

/* Arrays as large as their tensors; numbers behind the output's must stay. */
static void run_wild(struct wild *w) {
    static const double canary = 12345.5;
    double *inputs[QM_OPERANDS_FEW] = {NULL};
    size_t count = (size_t)qm_graph_elements(&w->tensors[w->op.outputs[0]]);
    double *output = malloc((count + CANARIES) * sizeof *output);
    for (size_t i = 0; i < CANARIES; i++) output[count + i] = canary;
    for (uint32_t i = 0; i < w->op.input_count; i++) {
        if (w->op.inputs[i] == QM_NO_TENSOR) continue;
        size_t elements = (size_t)qm_graph_elements(&w->tensors[w->op.inputs[i]]);
        inputs[i] = malloc(elements * sizeof **inputs);
        for (size_t e = 0; e < elements; e++) inputs[i][e] = (double)draw(w, 7) - 2;
    }
    (void)evaluate_operator(&w->graph, &w->op, (const double *const *)inputs, (double *const[]){output});
    for (size_t i = 0; i < CANARIES; i++) cr_assert(output[count + i] == canary);
    for (uint32_t i = 0; i < w->op.input_count; i++) free(inputs[i]);
    free(output);
}

Test(evaluate_check, lets_through_what_stays_inside, .timeout = 120) {
    for (size_t k = 0; k < KINDS; k++) {
        struct wild w;
        int taken = 0, refused = 0;
        qm_prng_init(&w.prng, k);
        open_wild(&w, &right[k]);
        const char *problem = evaluate_check(&w.graph, &w.op);
        cr_assert(problem == NULL, "%s: %s", right[k].name, problem);
        for (int i = 0; i < ROUNDS; i++) {
            open_wild(&w, &right[k]);
            for (uint32_t changes = draw(&w, 4); changes > 0; changes--) change_something(&w);
            problem = evaluate_check(&w.graph, &w.op);
            if (problem == NULL && is_small(&w)) run_wild(&w);
            problem == NULL ? taken++ : refused++;
        }
        cr_expect(taken > ROUNDS / 8 && refused > ROUNDS / 20, "%s: %d taken, %d refused", right[k].name, taken, refused);
    }
}
