/* onnx_exact.c - see onnx_exact.h: tensors, comparison, quantizers, and the table of operators. */
#include "tests/support/onnx_exact.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_FLOAT = 1, TYPE_UINT8 = 2 };

const struct exact_tensor *onnx_exact_find(const struct onnx_exact *run, const char *name) {
    for (uint32_t i = 0; i < run->count; i++)
        if (name[0] != '\0' && strcmp(run->tensors[i].name, name) == 0) return &run->tensors[i];
    return NULL;
}

/* ---- nodes ---- */

bool exact_is(const struct exact_node *n, const char *op) {
    const char *own = n->source->op_type;
    return strcmp(strncmp(own, "QLinear", strlen("QLinear")) == 0 ? own + strlen("QLinear") : own, op) == 0;
}

const Onnx__AttributeProto *exact_attribute(const struct exact_node *n, const char *name) {
    for (size_t i = 0; i < n->source->n_attribute; i++)
        if (strcmp(n->source->attribute[i]->name, name) == 0) return n->source->attribute[i];
    return NULL;
}

double exact_number(const struct exact_node *n, const char *name, double fallback) {
    const Onnx__AttributeProto *a = exact_attribute(n, name);
    return a == NULL ? fallback : a->has_f ? (double)a->f : (double)a->i;
}

int64_t exact_listed(const struct exact_node *n, const char *name, size_t i, int64_t fallback) {
    const Onnx__AttributeProto *a = exact_attribute(n, name);
    return a == NULL || i >= a->n_ints ? fallback : a->ints[i];
}

struct exact_tensor exact_shaped(const struct exact_node *n, uint32_t rank, const size_t *dims) {
    struct exact_tensor out = {.type = TYPE_FLOAT, .rank = rank, .count = 1};
    for (uint32_t d = 0; d < rank; d++) out.count *= out.dims[d] = dims[d];
    out.values = QM_ARENA_NEW(n->run->arena, quad, out.count + 1);
    return out;
}

static struct exact_tensor like(const struct exact_node *n, const struct exact_tensor *of) {
    return exact_shaped(n, of->rank, of->dims);
}

quad exact_magnitude(quad x) {
    return x < 0 ? -x : x;
}

static quad largest_of(const struct exact_tensor *t) {
    quad most = 0;
    for (size_t i = 0; i < t->count; i++)
        if (exact_magnitude(t->values[i]) > most) most = exact_magnitude(t->values[i]);
    return most;
}

/* ---- comparison with the machine ---- */

static const struct numbers *find_seen(const struct onnx_exact *run, const char *name) {
    for (uint32_t i = 0; i < run->seen_count; i++)
        if (strcmp(run->seen[i].name, name) == 0) return &run->seen[i];
    return NULL;
}

/* Notes the first element of a tensor that differs; want: before it is rounded and cut. */
static void differ(struct onnx_exact *run, const char *name, size_t i, double got, quad want) {
    uint32_t last = run->different_count;
    if (last > 0 && strcmp(run->different[last - 1], name) == 0) return;
    if (last == ONNX_EXACT_DIFFERENT_MAX) return;
    run->different[last] = name;
    snprintf(run->first_difference[last], sizeof run->first_difference[last], "%s: element %zu is %.9g, not %.12g", name, i, got,
             (double)want);
    run->different_count++;
}

#define FLOAT_LEAST 0x1p-149Q /* the smallest float32 above 0 */

/* Real numbers come from the machine as float32, which may differ in their last bits; whole numbers must be equal. */
static void compare(struct onnx_exact *run, const struct exact_tensor *t) {
    const struct numbers *seen = find_seen(run, t->name);
    if (seen == NULL) return;
    if (seen->count != t->count) differ(run, t->name, 0, (double)seen->count, (quad)t->count);
    for (size_t i = 0; i < t->count && i < seen->count; i++)
        if (!(exact_magnitude((quad)seen->values[i] - t->values[i]) <= 1e-6Q * (t->largest + exact_magnitude(t->values[i])) + FLOAT_LEAST))
            differ(run, t->name, i, seen->values[i], t->values[i]);
}

static void add(struct onnx_exact *run, struct exact_tensor tensor) {
    if (run->count == run->room) abort();
    run->tensors[run->count++] = tensor;
}

void exact_put(const struct exact_node *n, uint32_t output, struct exact_tensor result) {
    result.name = n->source->output[output];
    if (result.largest == 0) result.largest = largest_of(&result);
    compare(n->run, &result);
    add(n->run, result);
}

/* ---- quantizers ---- */

struct integers {
    double low, high;
};

static struct integers range_of(int32_t type) {
    switch (type) {
    case TYPE_UINT8: return (struct integers){0, 255};
    case 3: return (struct integers){-128, 127};
    case 4: return (struct integers){0, 65535};
    case 5: return (struct integers){-32768, 32767};
    case 21: return (struct integers){0, 15};
    case 22: return (struct integers){-8, 7};
    default: abort();
    }
}

static double cut(struct integers range, double x) {
    return x < range.low ? range.low : x > range.high ? range.high : x;
}

struct exact_nearest exact_nearest_to(quad x) {
    static const double limit = 1e9; /* far outside all types */
    if (x > limit || x < -limit) return x > 0 ? (struct exact_nearest){limit, limit, x} : (struct exact_nearest){-limit, -limit, x};
    int64_t below = (int64_t)x - (x < (quad)(int64_t)x);
    quad over = x - (quad)below;
    int64_t even = below + (over > 0.5Q || (over == 0.5Q && below % 2 != 0));
    bool tie = exact_magnitude(over - 0.5Q) < ONNX_EXACT_TIE;
    return (struct exact_nearest){(double)even, (double)(tie ? 2 * below + 1 - even : even), x};
}

/* The element of a scale or zero point that belongs to element i of x. */
static quad of_channel(const struct exact_tensor *list, const struct exact_tensor *x, size_t i, size_t axis) {
    size_t inner = 1;
    if (list->count == 1) return list->values[0];
    for (size_t d = axis + 1; d < x->rank; d++) inner *= x->dims[d];
    return list->values[i / inner % list->count];
}

double exact_settle(struct onnx_exact *run, const char *name, size_t i, struct exact_nearest want) {
    const struct numbers *tensor = find_seen(run, name);
    if (tensor == NULL || i >= tensor->count) {
        run->open += want.even != want.other;
        return want.even;
    }
    double seen = tensor->values[i];
    if (seen != want.even && seen != want.other) differ(run, name, i, seen, want.exactly);
    double distance = fmin(fabs(seen - want.even), fabs(seen - want.other));
    run->distance += distance;
    run->farthest = fmax(run->farthest, distance);
    run->ties += want.even != want.other;
    run->neighbours += seen != want.even && seen == want.other;
    return isfinite(seen) ? seen : want.even;
}

void exact_put_quantized(const struct exact_node *n, const struct exact_tensor *x, const struct exact_quantizer *q) {
    struct integers range = range_of(q->type);
    struct exact_tensor out = like(n, x);
    for (size_t i = 0; i < x->count; i++) {
        struct exact_nearest steps = exact_nearest_to(x->values[i] / of_channel(q->scale, x, i, q->axis));
        double zero = q->zero == NULL ? 0 : (double)of_channel(q->zero, x, i, q->axis);
        steps = (struct exact_nearest){cut(range, steps.even + zero), cut(range, steps.other + zero), steps.exactly + (quad)zero};
        out.values[i] = (quad)exact_settle(n->run, n->source->output[0], i, steps);
    }
    out.type = q->type;
    exact_put(n, 0, out);
}

struct exact_tensor exact_dequantized(const struct exact_node *n, const struct exact_tensor *x, const struct exact_tensor *scale,
                                      const struct exact_tensor *zero, size_t axis) {
    struct exact_tensor out = like(n, x);
    for (size_t i = 0; i < x->count; i++)
        out.values[i] = (x->values[i] - (zero == NULL ? 0 : of_channel(zero, x, i, axis))) * of_channel(scale, x, i, axis);
    return out;
}

static size_t axis_of(const struct exact_node *n) {
    int64_t axis = (int64_t)exact_number(n, "axis", 1);
    return (size_t)(axis < 0 ? axis + n->in[0]->rank : axis);
}

static void quantize_linear(const struct exact_node *n) {
    int32_t type = n->in[2] != NULL ? n->in[2]->type : (int32_t)exact_number(n, "output_dtype", TYPE_UINT8);
    exact_put_quantized(n, n->in[0], &(struct exact_quantizer){n->in[1], n->in[2], axis_of(n), type});
}

static void dequantize_linear(const struct exact_node *n) {
    exact_put(n, 0, exact_dequantized(n, n->in[0], n->in[1], n->in[2], axis_of(n)));
}

/* Operators of one operand on integers. */
static void qlinear_unary(const struct exact_node *n) {
    struct exact_tensor x = exact_dequantized(n, n->in[0], n->in[1], n->in[2], 0);
    struct exact_tensor result = exact_is_function(n) ? exact_function(n, &x) : exact_pooled(n, &x);
    exact_put_quantized(n, &result, &(struct exact_quantizer){n->in[3], n->in[4], 0, n->in[0]->type});
}

/* ---- the model ---- */

static const struct {
    const char *ops;
    void (*evaluate)(const struct exact_node *n);
} table[] = {{" QuantizeLinear ", quantize_linear},
             {" DequantizeLinear ", dequantize_linear},
             {" Add Sub Mul Div Pow PRelu Min Max Sum ", exact_binary},
             {" QLinearAdd QLinearMul ", exact_qlinear_binary},
             {" Floor Round Cast ", exact_whole},
             {" Quant ", exact_quant},
             {" BatchNormalization ", exact_batch_normalization},
             {" Conv ", exact_conv},
             {" QLinearConv ", exact_qlinear_conv},
             {" MatMul ", exact_matmul},
             {" QLinearMatMul ", exact_qlinear_matmul},
             {" Gemm ", exact_gemm},
             {" QGemm ", exact_qgemm},
             {" QLinearConcat ", exact_qlinear_concat},
             {" QLinearAveragePool QLinearGlobalAveragePool QLinearLeakyRelu QLinearSigmoid ", qlinear_unary},
             {" AveragePool MaxPool GlobalAveragePool ", exact_pool},
             {" Concat ", exact_concat},
             {" Transpose ", exact_transpose},
             {" Resize ", exact_resize},
             {" Reshape Flatten ", exact_reshape},
             {" Pad ", exact_pad},
             {" Slice ", exact_slice},
             {" Split ", exact_split},
             {" Gather ", exact_gather},
             {" Tile Expand ", exact_repeat},
             {" Squeeze Unsqueeze ", exact_squeeze},
             {" DepthToSpace SpaceToDepth ", exact_depth_and_space},
             {" ConvTranspose ", exact_conv_transpose},
             {" ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ", exact_reduce},
             {" ArgMax ArgMin ", exact_find},
             {" GlobalMaxPool ", exact_global_max_pool},
             {" Softmax LogSoftmax ", exact_softmax},
             {" QLinearSoftmax ", exact_qlinear_softmax},
             {" LayerNormalization ", exact_layer_normalization},
             {" InstanceNormalization ", exact_instance_normalization}};

static bool evaluate(struct onnx_exact *run, const Onnx__NodeProto *source) {
    struct exact_node n = {.run = run, .source = source};
    char word[64];
    for (size_t i = 0; i < source->n_input && i < ONNX_EXACT_OPERANDS; i++) n.in[i] = onnx_exact_find(run, source->input[i]);
    if (strncmp(source->op_type, "QLinear", strlen("QLinear")) != 0 && exact_is_function(&n)) return exact_unary(&n), true;
    snprintf(word, sizeof word, " %s ", source->op_type);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strstr(table[i].ops, word) != NULL) {
            table[i].evaluate(&n);
            return true;
        }
    return false;
}

static struct exact_tensor from_numbers(const struct onnx_exact *run, const struct numbers *numbers, int32_t type) {
    struct exact_tensor t = {.name = numbers->name, .type = type, .rank = numbers->rank, .count = numbers->count};
    for (uint32_t d = 0; d < t.rank; d++) t.dims[d] = (size_t)numbers->dims[d];
    t.values = QM_ARENA_NEW(run->arena, quad, t.count + 1);
    for (size_t i = 0; i < t.count; i++) t.values[i] = (quad)numbers->values[i];
    t.largest = largest_of(&t);
    return t;
}

void onnx_exact_run(struct onnx_exact *run, const struct numbers *inputs, uint32_t input_count) {
    const Onnx__GraphProto *graph = run->graph;
    run->room = (uint32_t)(graph->n_initializer + input_count);
    for (size_t i = 0; i < graph->n_node; i++) run->room += (uint32_t)graph->node[i]->n_output;
    run->tensors = QM_ARENA_NEW(run->arena, struct exact_tensor, run->room);
    for (size_t i = 0; i < graph->n_initializer; i++) {
        struct numbers constant = numbers_from_tensor(graph->initializer[i], "model", run->arena);
        add(run, from_numbers(run, &constant, graph->initializer[i]->data_type));
    }
    for (uint32_t i = 0; i < input_count; i++) add(run, from_numbers(run, &inputs[i], graph->input[i]->type->tensor_type->elem_type));
    for (size_t i = 0; i < graph->n_node && run->unknown == NULL; i++)
        if (!evaluate(run, graph->node[i])) run->unknown = graph->node[i]->op_type;
}
