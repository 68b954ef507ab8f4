/* onnx_naive.c - see onnx_naive.h. */
#include "tests/support/onnx_naive.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One node: its inputs, absent ones NULL. */
struct node {
    struct onnx_naive *run;
    const Onnx__NodeProto *source;
    const struct numbers *in[6];
};

static void give_up(const struct node *n, const char *why) {
    fprintf(stderr, "onnx_naive: %s %s\n", n->source->op_type, why);
    abort();
}

const struct numbers *onnx_naive_find(const struct onnx_naive *run, const char *name) {
    for (uint32_t i = 0; i < run->count; i++)
        if (strcmp(run->values[i].name, name) == 0) return &run->values[i];
    return NULL;
}

static const Onnx__AttributeProto *attribute(const struct node *n, const char *name) {
    for (size_t i = 0; i < n->source->n_attribute; i++)
        if (strcmp(n->source->attribute[i]->name, name) == 0) return n->source->attribute[i];
    return NULL;
}

static double real(const struct node *n, const char *name, double fallback) {
    const Onnx__AttributeProto *a = attribute(n, name);
    return a == NULL ? fallback : a->has_f ? (double)a->f : (double)a->i;
}

/* Number i of a list. */
static size_t listed(const struct node *n, const char *name, size_t i, size_t fallback) {
    const Onnx__AttributeProto *a = attribute(n, name);
    return a == NULL || a->n_ints == 0 ? fallback : (size_t)a->ints[i];
}

static struct numbers shaped(const struct node *n, uint32_t rank, const uint64_t *dims) {
    struct numbers out = {.rank = rank, .count = 1};
    for (uint32_t d = 0; d < rank; d++) out.count *= (size_t)(out.dims[d] = dims[d]);
    out.values = QM_ARENA_NEW(n->run->arena, double, out.count + 1);
    return out;
}

static struct numbers like(const struct node *n, const struct numbers *of) {
    return shaped(n, of->rank, of->dims);
}

static bool is(const struct node *n, const char *op) {
    return strcmp(n->source->op_type, op) == 0;
}

/* ---- elementwise ---- */

/* The element of b that meets element i of the larger a: trailing dimensions align, those of 1 repeat. */
static double broadcast(const struct numbers *a, const struct numbers *b, size_t i) {
    size_t at = 0, step = 1;
    for (uint32_t d = 0; d < b->rank; d++) {
        uint64_t extent_a = a->dims[a->rank - 1 - d], extent_b = b->dims[b->rank - 1 - d];
        if (extent_b > 1) at += step * (i % extent_a);
        step *= extent_b;
        i /= extent_a;
    }
    return b->values[at];
}

static struct numbers binary(const struct node *n) {
    const struct numbers *a = n->in[0], *b = n->in[1];
    bool turned = b->count > a->count, cut = is(n, "Div") && a->whole;
    struct numbers out = like(n, turned ? b : a);
    out.whole = a->whole;
    for (size_t i = 0; i < out.count; i++) {
        double x = turned ? broadcast(b, a, i) : a->values[i], y = turned ? b->values[i] : broadcast(a, b, i);
        out.values[i] = is(n, "Add") ? x + y : is(n, "Sub") ? x - y : is(n, "Mul") ? x * y : is(n, "Div") ? x / y : pow(x, y);
        if (cut) out.values[i] = trunc(out.values[i]);
    }
    return out;
}

static double quant(const struct node *n, double x, double scale) {
    double zero = n->in[2]->values[0], span = exp2(n->in[3]->values[0]);
    bool is_signed = real(n, "signed", 1) != 0, narrow = real(n, "narrow", 0) != 0;
    if (is_signed && span == 2) return x >= 0 ? scale : -scale;
    double low = is_signed ? -span / 2 + narrow : 0, high = is_signed ? span / 2 - 1 : span - 1 - narrow;
    return scale * (fmin(fmax(nearbyint(x / scale + zero), low), high) - zero);
}

/* Scale or zero point of element i, whose channel is along the axis. */
static double of_channel(const struct node *n, uint32_t operand, size_t i, double fallback) {
    const struct numbers *list = n->in[operand], *x = n->in[0];
    size_t inner = 1, axis = (size_t)real(n, "axis", 1);
    if (list == NULL || list->count == 1) return list == NULL ? fallback : list->values[0];
    for (size_t d = axis + 1; d < x->rank; d++) inner *= (size_t)x->dims[d];
    return list->values[i / inner % list->count];
}

/* To the type of the zero point, int8 or uint8. */
static double quantize(const struct node *n, double x, size_t i) {
    bool is_unsigned = n->in[2]->is_unsigned;
    double steps = nearbyint(x / of_channel(n, 1, i, 1)) + of_channel(n, 2, i, 0);
    return fmin(fmax(steps, is_unsigned ? 0 : -128), is_unsigned ? 255 : 127);
}

static double batch_normalization(const struct node *n, double x, size_t c) {
    double gamma = n->in[1]->values[c], beta = n->in[2]->values[c], mean = n->in[3]->values[c], variance = n->in[4]->values[c];
    return (x - mean) / sqrt(variance + real(n, "epsilon", 1e-5)) * gamma + beta;
}

static struct numbers unary(const struct node *n) {
    const struct numbers *in = n->in[0];
    struct numbers out = like(n, in);
    size_t inner = 1;
    for (uint32_t d = 2; d < in->rank; d++) inner *= (size_t)in->dims[d];
    out.whole = is(n, "Cast") && real(n, "to", 1) == 7;
    for (size_t i = 0; i < in->count; i++) {
        double x = in->values[i], *to = &out.values[i];
        if (is(n, "Floor"))
            *to = floor(x);
        else if (is(n, "Relu"))
            *to = x > 0 ? x : 0;
        else if (is(n, "Clip"))
            *to = fmin(fmax(x, real(n, "min", -INFINITY)), real(n, "max", INFINITY));
        else if (is(n, "Cast"))
            *to = real(n, "to", 1) == 7 ? trunc(x) : x;
        else if (is(n, "QuantizeLinear"))
            *to = quantize(n, x, i);
        else if (is(n, "DequantizeLinear"))
            *to = (x - of_channel(n, 2, i, 0)) * of_channel(n, 1, i, 1);
        else if (is(n, "Quant"))
            *to = quant(n, x, broadcast(in, n->in[1], i));
        else if (is(n, "BipolarQuant"))
            *to = x >= 0 ? n->in[1]->values[0] : -n->in[1]->values[0];
        else
            *to = batch_normalization(n, x, i / inner % (size_t)in->dims[1]);
    }
    return out;
}

/* ---- shapes ---- */

static struct numbers reshape(const struct node *n) {
    struct numbers out = *n->in[0];
    uint32_t open = NUMBERS_RANK_MAX;
    if (is(n, "Flatten")) {
        out.rank = 2;
        out.dims[0] = n->in[0]->dims[0];
        out.dims[1] = out.count / out.dims[0];
        return out;
    }
    if (is(n, "Unsqueeze")) {
        out.rank = n->in[0]->rank + 1;
        for (uint32_t d = 0; d < out.rank; d++) out.dims[d] = d == 0 ? 1 : n->in[0]->dims[d - 1];
        return out;
    }
    out.rank = (uint32_t)n->in[1]->count;
    uint64_t known = 1;
    for (uint32_t d = 0; d < out.rank; d++) {
        if (n->in[1]->values[d] == -1)
            open = d;
        else
            known *= out.dims[d] = n->in[1]->values[d] == 0 ? n->in[0]->dims[d] : (uint64_t)n->in[1]->values[d];
    }
    if (open < NUMBERS_RANK_MAX) out.dims[open] = out.count / known;
    return out;
}

static struct numbers lists(const struct node *n) {
    uint64_t count = 0;
    if (is(n, "Shape")) {
        struct numbers out = shaped(n, 1, (uint64_t[]){n->in[0]->rank});
        for (uint32_t d = 0; d < n->in[0]->rank; d++) out.values[d] = (double)n->in[0]->dims[d];
        return out;
    }
    if (is(n, "Gather")) {
        struct numbers out = shaped(n, 0, NULL);
        out.values[0] = n->in[0]->values[(size_t)n->in[1]->values[0]];
        return out;
    }
    for (size_t i = 0; i < n->source->n_input; i++) count += n->in[i]->count;
    struct numbers out = shaped(n, 1, &count);
    double *to = out.values;
    for (size_t i = 0; i < n->source->n_input; i++)
        for (size_t j = 0; j < n->in[i]->count; j++) *to++ = n->in[i]->values[j];
    return out;
}

static struct numbers transpose(const struct node *n) {
    const struct numbers *in = n->in[0];
    struct numbers out = shaped(n, 2, (uint64_t[]){in->dims[1], in->dims[0]});
    if (in->rank != 2) give_up(n, "of more than a matrix");
    for (size_t i = 0; i < in->count; i++) out.values[i % in->dims[1] * in->dims[0] + i / in->dims[1]] = in->values[i];
    return out;
}

/* ---- products and windows ---- */

static struct numbers product(const struct node *n) {
    const struct numbers *a = n->in[0], *b = n->in[1];
    bool turned = real(n, "transB", 0) != 0;
    size_t rows = (size_t)a->dims[0], depth = (size_t)a->dims[1], columns = (size_t)b->dims[turned ? 0 : 1];
    struct numbers out = shaped(n, 2, (uint64_t[]){rows, columns});
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) {
            double sum = is(n, "Gemm") && n->in[2] != NULL ? n->in[2]->values[c] : 0;
            for (size_t k = 0; k < depth; k++) sum += a->values[r * depth + k] * b->values[turned ? c * depth + k : k * columns + c];
            out.values[r * columns + c] = sum;
        }
    return out;
}

static struct numbers pad(const struct node *n) {
    const struct numbers *in = n->in[0];
    size_t top = listed(n, "pads", 2, 0), left = listed(n, "pads", 3, 0), h = (size_t)in->dims[2], w = (size_t)in->dims[3];
    size_t out_h = h + top + listed(n, "pads", 6, 0), out_w = w + left + listed(n, "pads", 7, 0);
    struct numbers out = shaped(n, 4, (uint64_t[]){1, in->dims[1], out_h, out_w});
    for (size_t i = 0; i < in->count; i++) out.values[(i / (h * w) * out_h + i / w % h + top) * out_w + i % w + left] = in->values[i];
    return out;
}

struct window {
    size_t h, w, stride_h, stride_w, top, left, out_h, out_w;
};

static struct window window_of(const struct node *n) {
    const struct numbers *in = n->in[0];
    bool all = is(n, "GlobalAveragePool"), convolution = is(n, "Conv");
    size_t h = (size_t)in->dims[2], w = (size_t)in->dims[3];
    struct window o = {.h = all ? h : listed(n, "kernel_shape", 0, convolution ? (size_t)n->in[1]->dims[2] : 0),
                       .w = all ? w : listed(n, "kernel_shape", 1, convolution ? (size_t)n->in[1]->dims[3] : 0),
                       .stride_h = listed(n, "strides", 0, 1),
                       .stride_w = listed(n, "strides", 1, 1),
                       .top = listed(n, "pads", 0, 0),
                       .left = listed(n, "pads", 1, 0)};
    o.out_h = (h + o.top + listed(n, "pads", 2, 0) - o.h) / o.stride_h + 1;
    o.out_w = (w + o.left + listed(n, "pads", 3, 0) - o.w) / o.stride_w + 1;
    return o;
}

/* One output of a convolution (filter f), or the maximum or mean of a window (f NULL). */
static double window_value(const struct node *n, const struct window *o, size_t channel, size_t position, const struct numbers *f) {
    const struct numbers *in = n->in[0];
    size_t h = (size_t)in->dims[2], w = (size_t)in->dims[3], depth = f == NULL ? 1 : (size_t)f->dims[1], taps = o->h * o->w;
    size_t group = f == NULL ? channel : channel / ((size_t)f->dims[0] / (size_t)real(n, "group", 1));
    double sum = 0, most = -INFINITY;
    for (size_t k = 0; k < depth * taps; k++) {
        size_t y = position / o->out_w * o->stride_h + k / o->w % o->h, x = position % o->out_w * o->stride_w + k % o->w;
        if (y < o->top || x < o->left || y - o->top >= h || x - o->left >= w) continue;
        double value = in->values[((group * depth + k / taps) * h + y - o->top) * w + x - o->left];
        sum += value * (f == NULL ? 1 : f->values[channel * depth * taps + k]);
        most = fmax(most, value);
    }
    return f != NULL ? sum : is(n, "MaxPool") ? most : sum / (double)taps;
}

static struct numbers windows(const struct node *n) {
    const struct numbers *f = is(n, "Conv") ? n->in[1] : NULL;
    struct window o = window_of(n);
    struct numbers out = shaped(n, 4, (uint64_t[]){1, f != NULL ? f->dims[0] : n->in[0]->dims[1], o.out_h, o.out_w});
    for (size_t i = 0; i < out.count; i++) {
        size_t channel = i / (o.out_h * o.out_w), position = i % (o.out_h * o.out_w);
        out.values[i] = window_value(n, &o, channel, position, f) + (f != NULL && n->in[2] != NULL ? n->in[2]->values[channel] : 0);
    }
    return out;
}

/* ---- the model ---- */

static struct numbers constant(const struct node *n) {
    return numbers_from_tensor(attribute(n, "value")->t, "Constant", n->run->arena);
}

static const struct {
    const char *ops;
    struct numbers (*evaluate)(const struct node *n);
} table[] = {{" Add Sub Mul Div Pow ", binary},
             {" Floor Relu Clip Cast Quant BipolarQuant BatchNormalization QuantizeLinear DequantizeLinear ", unary},
             {" Reshape Flatten Unsqueeze ", reshape},
             {" Shape Gather Concat ", lists},
             {" Transpose ", transpose},
             {" MatMul Gemm ", product},
             {" Pad ", pad},
             {" Conv AveragePool MaxPool GlobalAveragePool ", windows},
             {" Constant ", constant}};

static void add(struct onnx_naive *run, const char *name, struct numbers value) {
    if (run->count == run->room) abort();
    value.name = name;
    run->values[run->count++] = value;
}

static bool evaluate(struct onnx_naive *run, const Onnx__NodeProto *source) {
    struct node n = {.run = run, .source = source};
    char word[64];
    for (size_t i = 0; i < source->n_input && i < 6; i++) n.in[i] = onnx_naive_find(run, source->input[i]);
    snprintf(word, sizeof word, " %s ", source->op_type);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strstr(table[i].ops, word) != NULL) {
            add(run, source->output[0], table[i].evaluate(&n));
            return true;
        }
    return false;
}

struct onnx_naive onnx_naive_run(const Onnx__ModelProto *model, struct numbers input, struct qm_arena *arena) {
    const Onnx__GraphProto *graph = model->graph;
    struct onnx_naive run = {.arena = arena, .model = model, .room = (uint32_t)(graph->n_initializer + graph->n_node + 1)};
    run.values = QM_ARENA_NEW(arena, struct numbers, run.room);
    for (size_t i = 0; i < graph->n_initializer; i++)
        add(&run, graph->initializer[i]->name, numbers_from_tensor(graph->initializer[i], "model", arena));
    add(&run, graph->input[0]->name, input);
    for (size_t i = 0; i < graph->n_node; i++)
        if (!evaluate(&run, graph->node[i])) break; /* what is behind an operator that is not here is not compared */
    return run;
}
