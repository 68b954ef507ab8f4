/* reals.c - float networks as TFLite files have them: what the pass makes of each operator gives the numbers that TFLite's kernels give,
 * and convolutions and fully connected layers those of their definition, written out here.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "common/prng.h"
#include "compiler/compiler.h"
#include "evaluate/kernels.h"
#include "infer/infer.h"

TestSuite(reals);

/* ---- networks ---- */

struct draft {
    struct qm_graph_maker maker;
    struct qm_prng prng;
    float *numbers[64]; /* of each tensor */
};

#define SHAPE(r, ...) (&(const struct qm_shape){.rank = (r), .dims = {__VA_ARGS__}})

static float *draw(struct draft *d, size_t count) {
    float *numbers = QM_ARENA_NEW(d->maker.arena, float, count);
    for (size_t i = 0; i < count; i++) numbers[i] = (float)((int)(qm_prng_next(&d->prng) % 2001) - 1000) / 500;
    return numbers;
}

static uint32_t tensor(struct draft *d, const struct qm_shape *shape) {
    char *name = qm_arena_printf(d->maker.arena, "t%u", d->maker.graph->tensor_count);
    uint32_t index = qm_graph_add_tensor(&d->maker, name, QM_F32, shape);
    d->numbers[index] = draw(d, (size_t)qm_shape_elements(shape));
    return index;
}

static uint32_t constant(struct draft *d, const struct qm_shape *shape) {
    uint32_t index = tensor(d, shape);
    d->maker.graph->tensors[index].data = d->numbers[index];
    d->maker.graph->tensors[index].size_bytes = (size_t)qm_shape_elements(shape) * sizeof(float);
    return index;
}

/* An operator on tensors, with QM_NO_TENSOR behind the last; returns its output. */
static uint32_t add(struct draft *d, const struct qm_graph_op *attributes, const uint32_t *inputs, const struct qm_shape *shape) {
    uint32_t out = tensor(d, shape);
    struct qm_graph_op *op = qm_graph_add_op(&d->maker, attributes->kind, inputs[0], out);
    uint32_t *ins = op->inputs, *outs = op->outputs, count = 0;
    while (count < QM_OPERANDS_FEW && inputs[count] != QM_NO_TENSOR) ins[count] = inputs[count], count++;
    *op = *attributes;
    op->inputs = ins;
    op->outputs = outs;
    op->input_count = count;
    op->output_count = 1;
    op->index = d->maker.graph->op_count - 1;
    return out;
}

#define OF(...)       ((const uint32_t[]){__VA_ARGS__, QM_NO_TENSOR})
#define OP(name, ...) (&(const struct qm_graph_op){.kind = QM_OP_##name, __VA_ARGS__})

static void open_draft(struct draft *d, uint64_t seed) {
    *d = (struct draft){.maker = {.arena = qm_arena_create()}};
    qm_prng_init(&d->prng, seed);
    d->maker.graph = QM_ARENA_NEW(d->maker.arena, struct qm_graph, 1);
    d->maker.graph->file = "draft";
}

/* ---- the judge ---- */

static size_t at(const struct qm_graph_tensor *t, size_t n, size_t h, size_t w, size_t c) {
    return ((n * t->dims[1] + h) * t->dims[2] + w) * t->dims[3] + c;
}

/* One output element of a convolution over maps with channels last: dense, or depthwise. */
static double convolve_at(const struct draft *d, const struct qm_graph_op *op, const size_t to[4]) {
    const struct qm_graph_tensor *in = &d->maker.graph->tensors[op->inputs[0]], *filter = &d->maker.graph->tensors[op->inputs[1]];
    bool deep = op->kind == QM_OP_DEPTHWISE_CONV_2D;
    double sum = op->input_count > 2 ? (double)d->numbers[op->inputs[2]][to[3]] : 0;
    for (size_t ky = 0; ky < op->kernel_h; ky++)
        for (size_t kx = 0; kx < op->kernel_w; kx++) {
            size_t y = to[1] * op->stride_h + ky * op->dilation_h - op->pad_top,
                   x = to[2] * op->stride_w + kx * op->dilation_w - op->pad_left;
            if (y >= in->dims[1] || x >= in->dims[2]) continue;
            for (size_t c = 0; c < (deep ? 1 : in->dims[3]); c++) {
                size_t channel = deep ? to[3] / (filter->dims[3] / in->dims[3]) : c;
                size_t weight = deep ? at(filter, 0, ky, kx, to[3]) : at(filter, to[3], ky, kx, c);
                sum += (double)d->numbers[op->inputs[0]][at(in, to[0], y, x, channel)] * (double)d->numbers[op->inputs[1]][weight];
            }
        }
    return sum;
}

static double connect_at(const struct draft *d, const struct qm_graph_op *op, size_t row, size_t column) {
    uint32_t features = d->maker.graph->tensors[op->inputs[1]].dims[1];
    double sum = op->input_count > 2 ? (double)d->numbers[op->inputs[2]][column] : 0;
    for (size_t i = 0; i < features; i++)
        sum += (double)d->numbers[op->inputs[0]][row * features + i] * (double)d->numbers[op->inputs[1]][column * features + i];
    return sum;
}

static float activated(enum qm_activation activation, double x) {
    if (activation == QM_ACT_RELU) return (float)fmax(x, 0);
    if (activation == QM_ACT_RELU6) return (float)fmin(fmax(x, 0), 6);
    return (float)(activation == QM_ACT_RELU_N1_TO_1 ? fmin(fmax(x, -1), 1) : x);
}

static void judge(struct draft *d, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *out = &d->maker.graph->tensors[op->outputs[0]];
    size_t elements = (size_t)qm_graph_elements(out);
    float *to = d->numbers[op->outputs[0]];
    bool connects = op->kind == QM_OP_FULLY_CONNECTED, convolves = op->kind == QM_OP_CONV_2D || op->kind == QM_OP_DEPTHWISE_CONV_2D;
    for (size_t i = 0; i < elements && (connects || convolves); i++) {
        size_t channels = out->dims[out->rank - 1], place = i / channels, w = convolves ? out->dims[2] : 1,
               h = convolves ? out->dims[1] : 1;
        const size_t where[] = {place / w / h, place / w % h, place % w, i % channels};
        to[i] = activated(op->activation, connects ? connect_at(d, op, place, i % channels) : convolve_at(d, op, where));
    }
    if (op->kind == QM_OP_RESHAPE) memcpy(to, d->numbers[op->inputs[0]], elements * sizeof *to);
    if (connects || convolves || op->kind == QM_OP_RESHAPE) return;
    const void *inputs[QM_OPERANDS_FEW];
    for (uint32_t i = 0; i < op->input_count; i++) inputs[i] = d->numbers[op->inputs[i]];
    cr_assert(kernel_check(d->maker.graph, op) == NULL, "%s: %s", qm_graph_op_name(op->kind), kernel_check(d->maker.graph, op));
    cr_assert(kernel_run(d->maker.graph, op, inputs, (void *const[]){to}));
}

/* Runs the network both ways. */
static void compare(struct draft *d, uint32_t input, uint32_t output) {
    struct qm_graph *graph = d->maker.graph, *real;
    struct infer *infer;
    struct qm_diag diag;
    qm_graph_set_ends(&d->maker, 1, &input, output);
    cr_assert(qm_reals(graph, d->maker.arena, &real, &diag) == QM_OK, "%s", diag.text);
    cr_assert(infer_create(real, &infer, &diag) == QM_OK, "%s", diag.text);
    cr_assert(infer_run(infer, (const float *const[]){d->numbers[input]}));
    for (uint32_t i = 0; i < graph->op_count; i++) judge(d, &graph->ops[i]);
    struct qm_shape want = qm_graph_shape(&graph->tensors[output]), got = qm_graph_shape(&real->tensors[real->outputs[0]]);
    cr_assert(qm_shape_same(&want, &got));
    cr_assert_str_eq(real->tensors[real->outputs[0]].name, graph->tensors[output].name);
    for (size_t i = 0; i < (size_t)qm_shape_elements(&want); i++) {
        double x = (double)infer_numbers(infer, real->outputs[0])[i], y = (double)d->numbers[output][i];
        cr_assert(fabs(x - y) <= 1e-4 * (1 + fabs(y)), "element %zu: %g, not %g", i, x, y);
    }
    infer_destroy(infer);
    qm_arena_destroy(d->maker.arena);
}

/* ---- tests ---- */

#define WINDOW(kh, kw, sh, sw) .kernel_h = (kh), .kernel_w = (kw), .stride_h = (sh), .stride_w = (sw), .dilation_h = 1, .dilation_w = 1

/* Maps turn once at the beginning and once at the end, with everything between that works on them in either order. */
Test(reals, maps_from_end_to_end) {
    struct draft d;
    open_draft(&d, 1);
    const struct qm_shape *map = SHAPE(4, 1, 4, 6, 4);
    uint32_t x = tensor(&d, SHAPE(4, 1, 7, 6, 3));
    uint32_t a =
        add(&d, OP(CONV_2D, WINDOW(3, 3, 2, 1), .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1, .activation = QM_ACT_RELU),
            OF(x, constant(&d, SHAPE(4, 4, 3, 3, 3)), constant(&d, SHAPE(1, 4))), map);
    uint32_t b = add(
        &d,
        OP(DEPTHWISE_CONV_2D, WINDOW(3, 3, 1, 1), .pad_top = 1, .pad_bottom = 1, .pad_left = 1, .pad_right = 1, .activation = QM_ACT_RELU6),
        OF(a, constant(&d, SHAPE(4, 1, 3, 3, 4)), constant(&d, SHAPE(1, 4))), map);
    uint32_t c = add(&d, OP(ADD, .activation = QM_ACT_RELU_N1_TO_1), OF(a, b), map);
    c = add(&d, OP(MUL), OF(c, constant(&d, SHAPE(1, 4))), map);
    c = add(&d, OP(HARD_SWISH), OF(c), map);
    c = add(&d, OP(CONCATENATION, .axis = 3), OF(b, c), SHAPE(4, 1, 4, 6, 8));
    c = add(&d, OP(PAD, .pads = {{0, 0}, {1, 0}, {0, 2}, {0, 0}}), OF(c), SHAPE(4, 1, 5, 8, 8));
    c = add(&d, OP(MAX_POOL_2D, WINDOW(2, 2, 1, 2)), OF(c), SHAPE(4, 1, 4, 4, 8));
    c = add(&d, OP(AVERAGE_POOL_2D, WINDOW(2, 2, 2, 2), .pad_top = 1, .pad_bottom = 1), OF(c), SHAPE(4, 1, 3, 2, 8));
    compare(&d, x, c);
}

Test(reals, depthwise_with_a_multiplier_of_channels) {
    struct draft d;
    open_draft(&d, 2);
    uint32_t x = tensor(&d, SHAPE(4, 2, 5, 5, 3));
    uint32_t y = add(&d, OP(DEPTHWISE_CONV_2D, WINDOW(3, 2, 1, 2), .depth_multiplier = 2), OF(x, constant(&d, SHAPE(4, 1, 3, 2, 6))),
                     SHAPE(4, 2, 3, 2, 6));
    compare(&d, x, y);
}

Test(reals, classifiers) {
    struct draft d;
    open_draft(&d, 3);
    uint32_t x = tensor(&d, SHAPE(4, 1, 4, 4, 3));
    uint32_t y = add(&d, OP(CONV_2D, WINDOW(1, 1, 1, 1)), OF(x, constant(&d, SHAPE(4, 5, 1, 1, 3))), SHAPE(4, 1, 4, 4, 5));
    y = add(&d, OP(MEAN, .axes = 6), OF(y), SHAPE(2, 1, 5));
    y = add(&d, OP(FULLY_CONNECTED, .activation = QM_ACT_RELU), OF(y, constant(&d, SHAPE(2, 6, 5)), constant(&d, SHAPE(1, 6))),
            SHAPE(2, 1, 6));
    y = add(&d, OP(SOFTMAX, .beta = 0.5F), OF(y), SHAPE(2, 1, 6));
    compare(&d, x, y);
}

Test(reals, flat_maps_are_reshaped_in_the_order_of_the_file) {
    struct draft d;
    open_draft(&d, 4);
    uint32_t x = tensor(&d, SHAPE(4, 1, 3, 2, 3));
    uint32_t y = add(&d, OP(CONV_2D, WINDOW(1, 1, 1, 1)), OF(x, constant(&d, SHAPE(4, 5, 1, 1, 3))), SHAPE(4, 1, 3, 2, 5));
    y = add(&d, OP(RESHAPE), OF(y), SHAPE(2, 1, 30));
    y = add(&d, OP(FULLY_CONNECTED), OF(y, constant(&d, SHAPE(2, 4, 15)), constant(&d, SHAPE(1, 4))), SHAPE(2, 2, 4));
    compare(&d, x, y);
}

Test(reals, other_operators) {
    static const struct qm_shape shape = {4, {1, 2, 3, 4}};
    static const struct qm_graph_op ops[] = {
        {.kind = QM_OP_RELU},
        {.kind = QM_OP_RELU6},
        {.kind = QM_OP_RELU_0_TO_1},
        {.kind = QM_OP_RELU_N1_TO_1},
        {.kind = QM_OP_NEG},
        {.kind = QM_OP_LEAKY_RELU, .alpha = 0.1F},
        {.kind = QM_OP_LOGISTIC},
        {.kind = QM_OP_TANH},
        {.kind = QM_OP_ELU, .alpha = 1},
        {.kind = QM_OP_GELU, .approximate = true},
        {.kind = QM_OP_GELU},
        {.kind = QM_OP_ABS},
        {.kind = QM_OP_EXP},
        {.kind = QM_OP_SQUARE},
        {.kind = QM_OP_FLOOR},
        {.kind = QM_OP_CEIL},
        {.kind = QM_OP_SIN},
        {.kind = QM_OP_COS},
        {.kind = QM_OP_L2_NORMALIZATION},
        {.kind = QM_OP_LOG_SOFTMAX},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct draft d;
        open_draft(&d, i);
        uint32_t x = tensor(&d, &shape);
        compare(&d, x, add(&d, &ops[i], OF(x), &shape));
    }
}

static const struct qm_graph_op pairs[] = {{.kind = QM_OP_ADD},
                                           {.kind = QM_OP_SUB, .activation = QM_ACT_RELU},
                                           {.kind = QM_OP_MUL},
                                           {.kind = QM_OP_DIV},
                                           {.kind = QM_OP_MINIMUM},
                                           {.kind = QM_OP_MAXIMUM},
                                           {.kind = QM_OP_SQUARED_DIFFERENCE}};

/* On a map that a convolution has left with channels first, by something of fewer dimensions, before or behind it. */
Test(reals, pairs_of_which_one_is_repeated) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        for (int turned = 0; turned < 2; turned++) {
            struct draft d;
            open_draft(&d, i + 1);
            uint32_t x = tensor(&d, SHAPE(4, 1, 3, 3, 2)), row = constant(&d, SHAPE(2, 3, 4));
            uint32_t map = add(&d, OP(CONV_2D, WINDOW(1, 1, 1, 1)), OF(x, constant(&d, SHAPE(4, 4, 1, 1, 2))), SHAPE(4, 1, 3, 3, 4));
            compare(&d, x, add(&d, &pairs[i], turned ? OF(row, map) : OF(map, row), SHAPE(4, 1, 3, 3, 4)));
        }
}

Test(reals, a_quantized_network_is_no_float_one) {
    struct draft d;
    struct qm_graph *real;
    struct qm_diag diag;
    open_draft(&d, 1);
    uint32_t x = tensor(&d, SHAPE(1, 4)), y = add(&d, OP(RELU), OF(x), SHAPE(1, 4));
    d.maker.graph->tensors[y].dtype = QM_I8;
    qm_graph_set_ends(&d.maker, 1, &x, y);
    cr_assert(qm_reals(d.maker.graph, d.maker.arena, &real, &diag) == QM_BAD_INPUT);
    cr_assert(strstr(diag.text, "is a quantized network") != NULL, "%s", diag.text);
    d.maker.graph->tensors[y].dtype = QM_F32;
    d.maker.graph->ops[0].kind = QM_OP_QUANTIZE;
    cr_assert(qm_reals(d.maker.graph, d.maker.arena, &real, &diag) == QM_BAD_INPUT);
    cr_assert(strstr(diag.text, "QUANTIZE is not supported in a float network") != NULL, "%s", diag.text);
    qm_arena_destroy(d.maker.arena);
}
