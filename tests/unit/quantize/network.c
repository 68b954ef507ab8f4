/* network.c - the pipeline on small networks: where quantizers stand, the integers of a layer worked out by hand, what is folded, and what
 * the steps gain.
 */
#include "quantize/network/network.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

#include "common/prng.h"

TestSuite(quantize_network);

struct draft {
    struct qm_arena *arena;
    struct qm_graph *graph;
    struct qm_graph_maker maker;
    struct qm_prng prng;
};

#define SHAPE(r, ...) (&(const struct qm_shape){.rank = (r), .dims = {__VA_ARGS__}})

static void open_draft(struct draft *d) {
    *d = (struct draft){.arena = qm_arena_create()};
    d->graph = QM_ARENA_NEW(d->arena, struct qm_graph, 1);
    d->graph->file = "draft";
    d->graph->is_real = true;
    d->maker = (struct qm_graph_maker){.arena = d->arena, .graph = d->graph};
    qm_prng_init(&d->prng, 5);
}

static float drawn(struct draft *d) {
    return (float)((int)(qm_prng_next(&d->prng) % 2001) - 1000) / 1000;
}

static uint32_t tensor(struct draft *d, const char *name, const struct qm_shape *shape) {
    return qm_graph_add_tensor(&d->maker, name, QM_F32, shape);
}

static uint32_t constant(struct draft *d, const struct qm_shape *shape, const float *numbers) {
    size_t count = (size_t)qm_shape_elements(shape);
    float *own = QM_ARENA_NEW(d->arena, float, count);
    for (size_t i = 0; i < count; i++) own[i] = numbers != NULL ? numbers[i] : drawn(d);
    return qm_graph_add_constant(&d->maker, "constant", QM_F32, shape, own);
}

static struct qm_graph_op *add(struct draft *d, enum qm_graph_op_kind kind, uint32_t a, uint32_t b, uint32_t out) {
    struct qm_graph_op *op = qm_graph_add_op(&d->maker, kind, a, out);
    op->index = d->graph->op_count - 1;
    op->inputs[1] = b;
    op->input_count = b == QM_NO_TENSOR ? 1 : 2;
    return op;
}

/* Makes the convolutions of the drafts. */
static uint32_t convolve(struct draft *d, uint32_t in, uint32_t filter, const char *name) {
    const struct qm_shape map = {4, {1, 4, 5, 5}};
    uint32_t out = tensor(d, name, &map);
    struct qm_graph_op *op = add(d, QM_OP_CONV_2D, in, filter, out);
    op->kernel_h = op->kernel_w = 3;
    op->stride_h = op->stride_w = op->dilation_h = op->dilation_w = op->groups = 1;
    op->pad_top = op->pad_left = op->pad_bottom = op->pad_right = 1;
    op->channels_first = true;
    return out;
}

/* A convolution, a batch normalization and a ReLU; a second one whose sum with the first is the output. */
static void make_residual(struct draft *d) {
    const struct qm_shape map = {4, {1, 4, 5, 5}};
    open_draft(d);
    uint32_t x = tensor(d, "x", SHAPE(4, 1, 3, 5, 5));
    uint32_t first = convolve(d, x, constant(d, SHAPE(4, 4, 3, 3, 3), NULL), "first");
    uint32_t scaled = tensor(d, "scaled", &map), shifted = tensor(d, "shifted", &map), act = tensor(d, "act", &map);
    add(d, QM_OP_MUL, first, constant(d, SHAPE(3, 4, 1, 1), NULL), scaled);
    add(d, QM_OP_ADD, constant(d, SHAPE(3, 4, 1, 1), NULL), scaled, shifted);
    struct qm_graph_op *clip = add(d, QM_OP_CLIP, shifted, QM_NO_TENSOR, act);
    clip->high = INFINITY;
    uint32_t second = convolve(d, act, constant(d, SHAPE(4, 4, 4, 3, 3), NULL), "second"), y = tensor(d, "y", &map);
    add(d, QM_OP_ADD, second, act, y);
    qm_graph_set_ends(&d->maker, 1, &x, y);
}

enum { EXAMPLES = 20 };

static enum qm_status quantize(struct draft *d, const struct qm_quantize_options *options, struct qm_quantized **result,
                               struct qm_diag *diag) {
    static float examples[EXAMPLES][75];
    const float *inputs[] = {*examples};
    const struct qm_examples all = {.count = EXAMPLES, .inputs = inputs};
    for (int e = 0; e < EXAMPLES; e++)
        for (int i = 0; i < 75; i++) examples[e][i] = drawn(d);
    return qm_quantize_network(d->graph, options, &all, &all, d->arena, result, diag);
}

static uint32_t count(const struct qm_graph *graph, enum qm_graph_op_kind kind) {
    uint32_t found = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) found += graph->ops[i].kind == kind;
    return found;
}

Test(quantize_network, folds_batch_norms_and_quantizes_behind_activations) {
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    make_residual(&d);
    cr_assert(quantize(&d, &(struct qm_quantize_options){.precision = "w8a8"}, &result, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(u32, result->layer_count, 2));
    cr_assert_str_eq(result->layers[0].name, "act");
    cr_assert_str_eq(result->layers[1].name, "second");
    cr_assert(eq(u32, count(result->graph, QM_OP_MUL), 0));
    cr_assert(eq(u32, count(result->graph, QM_OP_ADD), 1));
    /* x, act, second, y */
    cr_assert(eq(u32, count(result->graph, QM_OP_QUANTIZE), 4));
    cr_assert(eq(u32, count(result->graph, QM_OP_DEQUANTIZE), 4));
    cr_assert(result->steps[0].sqnr_db > 30, "%g dB", result->steps[0].sqnr_db);
    qm_arena_destroy(d.arena);
}

Test(quantize_network, each_step_comes_closer) {
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    make_residual(&d);
    struct qm_quantize_options options = qm_quantize_defaults("w4a8");
    options.ranges = QM_RANGES_MIN_MAX;
    cr_assert(quantize(&d, &options, &result, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(u32, result->step_count, 3));
    cr_assert(result->steps[2].sqnr_db > result->steps[0].sqnr_db + 2, "%g after %g dB", result->steps[2].sqnr_db,
              result->steps[0].sqnr_db);
    for (uint32_t i = 0; i < result->layer_count; i++) cr_assert(result->layers[i].learned < result->layers[i].nearest);
    qm_arena_destroy(d.arena);
}

/* Two convolutions in a row, of which the first has one channel whose weights are 50 times as large: with one scale for all weights the
 * others are lost, unless the second takes the factor over. */
Test(quantize_network, equalization_saves_small_channels) {
    double sqnr_db[2];
    for (int equalizes = 0; equalizes < 2; equalizes++) {
        struct draft d;
        struct qm_quantized *result;
        struct qm_diag diag;
        open_draft(&d);
        uint32_t x = tensor(&d, "x", SHAPE(4, 1, 3, 5, 5)), filter = constant(&d, SHAPE(4, 4, 3, 3, 3), NULL);
        float *weights = (float *)(uintptr_t)d.graph->tensors[filter].data;
        for (int i = 0; i < 27; i++) weights[i] *= 50;
        uint32_t first = convolve(&d, x, filter, "first"), act = tensor(&d, "act", SHAPE(4, 1, 4, 5, 5));
        add(&d, QM_OP_CLIP, first, QM_NO_TENSOR, act)->high = INFINITY;
        filter = constant(&d, SHAPE(4, 4, 4, 3, 3), NULL);
        weights = (float *)(uintptr_t)d.graph->tensors[filter].data;
        for (int i = 0; i < 4 * 4 * 9; i++)
            if (i / 9 % 4 == 0) weights[i] /= 50;
        uint32_t y = convolve(&d, act, filter, "y");
        qm_graph_set_ends(&d.maker, 1, &x, y);
        const struct qm_quantize_options options = {.precision = "w8a8", .per_tensor = true, .equalizes = equalizes};
        cr_assert(quantize(&d, &options, &result, &diag) == QM_OK, "%s", diag.text);
        sqnr_db[equalizes] = result->steps[0].sqnr_db;
        qm_arena_destroy(d.arena);
    }
    cr_assert(sqnr_db[1] > sqnr_db[0] + 6, "%g after %g dB", sqnr_db[1], sqnr_db[0]);
}

Test(quantize_network, layers_have_the_bits_they_are_given_and_the_ends_have_8) {
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    make_residual(&d);
    cr_assert(quantize(&d, &(struct qm_quantize_options){.precision = "act=w2a8,default=w4a4"}, &result, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(u32, result->layers[0].weight_bits, 2));
    cr_assert(eq(u32, result->layers[0].activation_bits, 8));
    cr_assert(eq(u32, result->layers[1].weight_bits, 4));
    cr_assert(eq(u32, result->layers[1].activation_bits, 4));
    qm_arena_destroy(d.arena);
}

/* Short scales are a little larger. Weights 1, -0.43, 0.26 have the scale 1/7, so that they are 7, -3.01 and 1.82, to the nearest 7, -3
 * and 2. The input, from -1 to 1, has the scale 2/255; the bias 0.1 is 0.1 * 7 * 255/2 = 89.25 steps of the product of both. */
Test(quantize_network, integers_of_a_layer) {
    static const float weights[] = {1, -0.43F, 0.26F}, bias = 0.1F, ends[][3] = {{-1, 0, 0}, {1, 0, 0}};
    const float *inputs[] = {*ends};
    const struct qm_examples both = {.count = 2, .inputs = inputs};
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    open_draft(&d);
    uint32_t x = tensor(&d, "x", SHAPE(2, 1, 3)), product = tensor(&d, "p", SHAPE(2, 1, 1)), y = tensor(&d, "y", SHAPE(2, 1, 1));
    add(&d, QM_OP_MATMUL, x, constant(&d, SHAPE(2, 3, 1), weights), product);
    add(&d, QM_OP_ADD, product, constant(&d, SHAPE(1, 1), &bias), y);
    qm_graph_set_ends(&d.maker, 1, &x, y);
    cr_assert(qm_quantize_network(d.graph, &(struct qm_quantize_options){.precision = "w4a8"}, &both, &both, d.arena, &result, &diag) ==
                  QM_OK,
              "%s", diag.text);
    const struct qm_graph *graph = result->graph;
    const struct qm_graph_op *op = &graph->ops[2];
    cr_assert(op->kind == QM_OP_MATMUL);
    const struct qm_graph_tensor *stored = &graph->tensors[op->inputs[1]], *offset = &graph->tensors[graph->ops[3].inputs[1]];
    cr_assert(eq(u32, stored->bits, 4));
    cr_assert(memcmp(stored->data, (const int8_t[]){7, -3, 2}, 3) == 0);
    cr_assert(epsilon_eq(flt, stored->quant.scale[0], 1.0F / 7, 1e-4F));
    cr_assert(eq(i32, *(const int32_t *)offset->data, 89));
    cr_assert(epsilon_eq(flt, offset->quant.scale[0], 2.0F / 255 / 7, 2e-6F));
    qm_arena_destroy(d.arena);
}

/* The graph of the residual network with all options at their defaults, but for what change says. */
static struct qm_quantized *quantize_residual(struct draft *d, void (*change)(struct qm_quantize_options *options)) {
    struct qm_quantize_options options = qm_quantize_defaults("w4a8");
    struct qm_quantized *result;
    struct qm_diag diag;
    make_residual(d);
    options.iterations = 50;
    change(&options);
    cr_assert(quantize(d, &options, &result, &diag) == QM_OK, "%s", diag.text);
    return result;
}

static void have_one_scale(struct qm_quantize_options *options) {
    options->per_tensor = true;
}

Test(quantize_network, per_tensor_is_one_scale) {
    struct draft d;
    const struct qm_graph *graph = quantize_residual(&d, have_one_scale)->graph;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t j = 1; j < 3 && graph->ops[i].kind == QM_OP_CONV_2D; j++)
            cr_assert(eq(u32, graph->tensors[graph->ops[i].inputs[j]].quant.count, 1));
    qm_arena_destroy(d.arena);
}

/* Of the residual network most is kept before its second layer: x is gone, and act is there, rounded, as 100 floats in both networks. */
static void keep_seven_examples(struct qm_quantize_options *options) {
    options->kept_floats = 7 * 200 + 199;
}

static void keep_nothing(struct qm_quantize_options *options) {
    options->kept_floats = 1;
}

Test(quantize_network, examples_are_as_many_as_may_be_kept) {
    struct draft d;
    cr_assert(eq(u64, quantize_residual(&d, keep_seven_examples)->learned_of, 7));
    qm_arena_destroy(d.arena);
    cr_assert(eq(u64, quantize_residual(&d, keep_nothing)->learned_of, 1));
    qm_arena_destroy(d.arena);
}

static void correct_analytically(struct qm_quantize_options *options) {
    options->learns = false;
    options->correction = QM_CORRECTION_ANALYTIC;
}

/* The last layer before the sum reads what the one before has left, so that the network gains less than by the empirical correction. */
Test(quantize_network, analytic_correction_gains) {
    struct draft d;
    const struct qm_quantized *result = quantize_residual(&d, correct_analytically);
    const struct qm_quantize_step *steps = result->steps;
    cr_assert(eq(u32, result->step_count, 3));
    cr_assert(steps[2].sqnr_db > steps[1].sqnr_db, "%g after %g dB", steps[2].sqnr_db, steps[1].sqnr_db);
    qm_arena_destroy(d.arena);
}

static void take_normal_ranges(struct qm_quantize_options *options) {
    options->ranges = QM_RANGES_NORMAL;
}

/* Behind the ReLU the range begins at 0, and ends beyond the largest number: at six deviations. */
Test(quantize_network, normal_ranges_reach_six_deviations) {
    struct draft d[2];
    float scales[2];
    for (int normal = 0; normal < 2; normal++) {
        const struct qm_graph *graph = quantize_residual(&d[normal], normal ? take_normal_ranges : keep_nothing)->graph;
        for (uint32_t i = 0; i < graph->op_count; i++) {
            const struct qm_graph_op *op = &graph->ops[i];
            if (i > 0 && op->kind == QM_OP_QUANTIZE && graph->ops[i - 1].kind == QM_OP_CLIP)
                scales[normal] = *(const float *)graph->tensors[op->inputs[1]].data;
        }
        qm_arena_destroy(d[normal].arena);
    }
    cr_assert(gt(flt, scales[1], scales[0] * 1.1F));
}

/* Two products with a ReLU between, whose first has a large bias: all of it but three deviations goes to the second. */
static float largest_bias(bool absorbs, float bias) {
    const float biases[] = {bias, 0, 0, 0};
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    float largest = 0;
    open_draft(&d);
    uint32_t x = tensor(&d, "x", SHAPE(2, 1, 75)), first = tensor(&d, "p", SHAPE(2, 1, 4)), sum = tensor(&d, "s", SHAPE(2, 1, 4));
    uint32_t act = tensor(&d, "act", SHAPE(2, 1, 4)), second = tensor(&d, "q", SHAPE(2, 1, 4));
    add(&d, QM_OP_MATMUL, x, constant(&d, SHAPE(2, 75, 4), NULL), first);
    add(&d, QM_OP_ADD, first, constant(&d, SHAPE(2, 1, 4), biases), sum);
    add(&d, QM_OP_CLIP, sum, QM_NO_TENSOR, act)->high = INFINITY;
    add(&d, QM_OP_MATMUL, act, constant(&d, SHAPE(2, 4, 4), NULL), second);
    qm_graph_set_ends(&d.maker, 1, &x, second);
    const struct qm_quantize_options options = {.precision = "w8a8", .absorbs = absorbs, .correction = QM_CORRECTION_NONE};
    cr_assert(quantize(&d, &options, &result, &diag) == QM_OK, "%s", diag.text);
    cr_assert(result->steps[0].sqnr_db > 30, "%g dB", result->steps[0].sqnr_db);
    for (uint32_t i = 0; i < result->graph->op_count; i++) {
        const struct qm_graph_op *op = &result->graph->ops[i];
        const struct qm_graph_tensor *left = &result->graph->tensors[op->inputs[op->input_count > 1]];
        if (op->kind == QM_OP_ADD && largest == 0) largest = (float)*(const int32_t *)left->data * left->quant.scale[0];
    }
    qm_arena_destroy(d.arena);
    return largest;
}

Test(quantize_network, large_biases_are_absorbed) {
    cr_assert(epsilon_eq(flt, largest_bias(false, 100), 100, 0.1F));
    float left = largest_bias(true, 100), of_far = largest_bias(true, 100000);
    cr_assert(left > 3 && left < 30, "%g", (double)left);
    cr_assert(epsilon_eq(flt, of_far, left, 0.2F));
}

Test(quantize_network, a_layer_of_zeros_stands_in_the_report) {
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    make_residual(&d);
    struct qm_graph_tensor *filter = &d.graph->tensors[d.graph->ops[0].inputs[1]];
    memset((void *)(uintptr_t)filter->data, 0, (size_t)qm_graph_elements(filter) * sizeof(float));
    for (int narrow = 0; narrow < 2; narrow++) {
        const struct qm_quantize_options options = qm_quantize_defaults(narrow ? "w2a8" : "w4a8");
        cr_assert(quantize(&d, &options, &result, &diag) == QM_OK, "%s", diag.text);
        cr_assert_str_eq(result->layers[0].note, "all its weights are 0");
        cr_assert(result->layers[1].note == NULL);
    }
    qm_arena_destroy(d.arena);
}

/* Weights 1, 0.5, 0.45, -0.5: with the scale 1 the three others become 0 or 1 / 2 away; the closest scale is near their mean magnitude. */
Test(quantize_network, two_bits_reach_what_is_closest) {
    static const float weights[] = {1, 0.5F, 0.45F, -0.5F}, ends[][4] = {{-1, 0, 0, 0}, {1, 0, 0, 0}};
    const float *inputs[] = {*ends};
    const struct qm_examples both = {.count = 2, .inputs = inputs};
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    open_draft(&d);
    uint32_t x = tensor(&d, "x", SHAPE(2, 1, 4)), y = tensor(&d, "y", SHAPE(2, 1, 1));
    add(&d, QM_OP_MATMUL, x, constant(&d, SHAPE(2, 4, 1), weights), y);
    qm_graph_set_ends(&d.maker, 1, &x, y);
    cr_assert(qm_quantize_network(d.graph, &(struct qm_quantize_options){.precision = "w2a8"}, &both, &both, d.arena, &result, &diag) ==
                  QM_OK,
              "%s", diag.text);
    const struct qm_graph_tensor *stored = &result->graph->tensors[result->graph->ops[2].inputs[1]];
    cr_assert(memcmp(stored->data, (const int8_t[]){1, 1, 1, -1}, 4) == 0);
    cr_assert(epsilon_eq(flt, stored->quant.scale[0], (1 + 0.5F + 0.45F + 0.5F) / 4, 0.01F));
    qm_arena_destroy(d.arena);
}

Test(quantize_network, refuses_what_cannot_be_quantized) {
    struct draft d;
    struct qm_quantized *result;
    struct qm_diag diag;
    make_residual(&d);
    cr_assert(quantize(&d, &(struct qm_quantize_options){.precision = "first=w8a8"}, &result, &diag) == QM_BAD_INPUT);
    cr_assert(strstr(diag.text, "no layer is called first") != NULL, "%s", diag.text);
    cr_assert(quantize(&d, &(struct qm_quantize_options){.precision = "w8a8,"}, &result, &diag) == QM_OK, "%s", diag.text);
    cr_assert(quantize(&d, &(struct qm_quantize_options){.precision = ",w8a8"}, &result, &diag) == QM_BAD_INPUT);
    d.graph->op_count = 0;
    cr_assert(quantize(&d, &(struct qm_quantize_options){.precision = "w8a8"}, &result, &diag) == QM_BAD_INPUT);
    cr_assert(strstr(diag.text, "there is nothing to quantize") != NULL, "%s", diag.text);
    const struct qm_examples none = {0};
    cr_assert(qm_quantize_network(d.graph, &(struct qm_quantize_options){.precision = "w8a8"}, &none, &none, d.arena, &result, &diag) ==
              QM_BAD_INPUT);
    cr_assert(strstr(diag.text, "no examples") != NULL, "%s", diag.text);
    qm_arena_destroy(d.arena);
}
