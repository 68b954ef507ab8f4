/* sums.c - convolutions, matrix products, pools and reductions, of maps with channels first. */
#include <math.h>

#include "evaluate/evaluate.h"

/* A map of one or two dimensions. */
struct map {
    size_t n, c, h, w;
};

static struct map map_of(const struct qm_graph_tensor *tensor) {
    return (struct map){tensor->dims[0], tensor->dims[1], tensor->rank == 4 ? tensor->dims[2] : 1, tensor->dims[tensor->rank - 1]};
}

/* The input element that tap (ky, kx) of the window at (y, x) meets; false: padding. */
static bool tap(const struct qm_graph_op *op, const struct map *in, const size_t at[4], size_t *element) {
    size_t y = at[0] * op->stride_h + at[2] * op->dilation_h - op->pad_top,
           x = at[1] * op->stride_w + at[3] * op->dilation_w - op->pad_left;
    *element = y * in->w + x;
    return y < in->h && x < in->w; /* what is in front of the map has wrapped */
}

static double convolve_at(const struct qm_graph_op *op, const struct map *in, const double *picture, const double *filter, size_t channels,
                          size_t y, size_t x) {
    double sum = 0;
    size_t element;
    for (size_t c = 0; c < channels; c++)
        for (size_t ky = 0; ky < op->kernel_h; ky++)
            for (size_t kx = 0; kx < op->kernel_w; kx++)
                if (tap(op, in, (const size_t[]){y, x, ky, kx}, &element))
                    sum += picture[c * in->h * in->w + element] * filter[(c * op->kernel_h + ky) * op->kernel_w + kx];
    return sum;
}

static void convolve(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    struct map in = map_of(&graph->tensors[op->inputs[0]]), out = map_of(&graph->tensors[op->outputs[0]]);
    size_t channels = in.c / op->groups, taps = (size_t)op->kernel_h * op->kernel_w;
    for (size_t n = 0; n < out.n; n++)
        for (size_t c = 0; c < out.c; c++) {
            const double *picture = inputs[0] + (n * in.c + c / (out.c / op->groups) * channels) * in.h * in.w;
            for (size_t y = 0; y < out.h; y++)
                for (size_t x = 0; x < out.w; x++)
                    *to++ = convolve_at(op, &in, picture, inputs[1] + c * channels * taps, channels, y, x) +
                            (inputs[2] != NULL ? inputs[2][c] : 0);
        }
}

/* Each input element, times the filter [ic][oc of a group][h][w], is added around its place in the output. */
static void spread(const struct qm_graph_op *op, const struct map *in, const struct map *out, const double *const from[2], double *to) {
    size_t taps = (size_t)op->kernel_h * op->kernel_w, each = out->c / op->groups, element;
    for (size_t c = 0; c < in->c; c++)
        for (size_t o = 0; o < each; o++) {
            double *picture = to + (c / (in->c / op->groups) * each + o) * out->h * out->w;
            for (size_t i = 0; i < in->h * in->w * taps; i++) {
                size_t tap_at = i % taps, place = i / taps;
                const size_t at[] = {place / in->w, place % in->w, tap_at / op->kernel_w, tap_at % op->kernel_w};
                if (tap(op, out, at, &element))
                    picture[element] += from[0][c * in->h * in->w + place] * from[1][(c * each + o) * taps + tap_at];
            }
        }
}

static void deconvolve(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    struct map in = map_of(&graph->tensors[op->inputs[0]]), out = map_of(&graph->tensors[op->outputs[0]]);
    size_t picture = out.c * out.h * out.w;
    for (size_t i = 0; i < out.n * picture; i++) to[i] = inputs[2] != NULL ? inputs[2][i / (out.h * out.w) % out.c] : 0;
    for (size_t n = 0; n < in.n; n++)
        spread(op, &in, &out, (const double *const[]){inputs[0] + n * in.c * in.h * in.w, inputs[1]}, to + n * picture);
}

static double pool_at(const struct qm_graph_op *op, const struct map *in, const double *picture, size_t y, size_t x) {
    bool is_mean = op->kind == QM_OP_AVERAGE_POOL_2D;
    double result = is_mean ? 0 : -INFINITY;
    size_t element, count = 0;
    for (size_t ky = 0; ky < op->kernel_h; ky++)
        for (size_t kx = 0; kx < op->kernel_w; kx++) {
            if (!tap(op, in, (const size_t[]){y, x, ky, kx}, &element)) continue;
            result = is_mean ? result + picture[element] : fmax(result, picture[element]);
            count++;
        }
    if (op->pads_counted) count = (size_t)op->kernel_h * op->kernel_w;
    return is_mean ? result / (double)count : result;
}

static void pool(const struct qm_graph *graph, const struct qm_graph_op *op, const double *from, double *to) {
    struct map in = map_of(&graph->tensors[op->inputs[0]]), out = map_of(&graph->tensors[op->outputs[0]]);
    for (size_t c = 0; c < out.n * out.c; c++)
        for (size_t y = 0; y < out.h; y++)
            for (size_t x = 0; x < out.w; x++) *to++ = pool_at(op, &in, from + c * in.h * in.w, y, x);
}

/* One matrix times another. */
static void multiply_matrices(const struct qm_graph_op *op, const size_t rows_k_columns[3], const double *a, const double *b, double *to) {
    size_t rows = rows_k_columns[0], k = rows_k_columns[1], columns = rows_k_columns[2];
    size_t k_step = op->transposed ? 1 : columns, column_step = op->transposed ? k : 1;
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            double sum = 0;
            for (size_t i = 0; i < k; i++) sum += a[row * k + i] * b[i * k_step + column * column_step];
            *to++ = sum;
        }
}

/* Stacks of matrices, whose dimensions are broadcast. */
static void multiply(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const struct qm_graph_tensor *a = &graph->tensors[op->inputs[0]], *b = &graph->tensors[op->inputs[1]];
    const struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    const size_t extents[] = {a->dims[a->rank - 2], a->dims[a->rank - 1], out->dims[out->rank - 1]};
    size_t size = extents[0] * extents[2], count = (size_t)qm_graph_elements(out) / size;
    for (size_t i = 0; i < count; i++)
        multiply_matrices(op, extents, inputs[0] + evaluate_operand_at(a, out, 2, i) * extents[0] * extents[1],
                          inputs[1] + evaluate_operand_at(b, out, 2, i) * extents[1] * extents[2], to + i * size);
}

/* What a reduction begins with. */
static double neutral(enum qm_graph_op_kind kind) {
    if (kind == QM_OP_REDUCE_MAX) return -INFINITY;
    if (kind == QM_OP_REDUCE_MIN) return INFINITY;
    return kind == QM_OP_REDUCE_PROD ? 1 : 0;
}

static double joined(enum qm_graph_op_kind kind, double a, double b) {
    if (kind == QM_OP_REDUCE_MAX) return a > b ? a : b;
    if (kind == QM_OP_REDUCE_MIN) return a < b ? a : b;
    return kind == QM_OP_REDUCE_PROD ? a * b : a + b;
}

/* Sums, means, products or extremes along axes, which the output has with one element or not at all. */
static void reduce(const struct qm_graph *graph, const struct qm_graph_op *op, const double *from, double *to) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->outputs[0]];
    size_t elements = (size_t)qm_graph_elements(in), results = (size_t)qm_graph_elements(out);
    for (size_t i = 0; i < results; i++) to[i] = neutral(op->kind);
    for (size_t i = 0; i < elements; i++) {
        size_t rest = i, at = 0, step = 1;
        for (uint32_t d = in->rank; d-- > 0; rest /= in->dims[d]) {
            if ((op->axes >> d & 1) != 0) continue;
            at += step * (rest % in->dims[d]);
            step *= in->dims[d];
        }
        to[at] = joined(op->kind, to[at], from[i]);
    }
    for (size_t i = 0; op->kind == QM_OP_MEAN && i < results; i++) to[i] /= (double)(elements / results);
}

bool evaluate_sums(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    switch (op->kind) {
    case QM_OP_CONV_2D: convolve(graph, op, inputs, to); return true;
    case QM_OP_TRANSPOSE_CONV: deconvolve(graph, op, inputs, to); return true;
    case QM_OP_AVERAGE_POOL_2D:
    case QM_OP_MAX_POOL_2D: pool(graph, op, inputs[0], to); return true;
    case QM_OP_MATMUL: multiply(graph, op, inputs, to); return true;
    case QM_OP_MEAN:
    case QM_OP_REDUCE_PROD:
    case QM_OP_REDUCE_MAX:
    case QM_OP_REDUCE_MIN:
    case QM_OP_SUM: reduce(graph, op, inputs[0], to); return true;
    default: return false;
    }
}
