/* convolve.c - convolutions. Of one channel a group: each tap is a multiple of the map, moved, that is added to the output. Else the taps
 * of all positions are written out as the columns of a matrix, by which the filter is multiplied.
 */
#include <string.h>

#include "infer/parts.h"

/* A map of one or two dimensions. */
struct map {
    size_t n, c, h, w;
};

static struct map map_of(const struct qm_graph_tensor *tensor) {
    return (struct map){tensor->dims[0], tensor->dims[1], tensor->rank == 4 ? tensor->dims[2] : 1, tensor->dims[tensor->rank - 1]};
}

/* Positions along an axis at which a tap meets the map: position i meets element i * stride + shift. */
struct reach {
    size_t first, end; /* [first, end) */
    ptrdiff_t stride, shift;
};

static struct reach reach_of(size_t out, size_t in, uint32_t stride, ptrdiff_t shift) {
    ptrdiff_t step = (ptrdiff_t)stride, past = (ptrdiff_t)in - shift;
    ptrdiff_t first = shift < 0 ? (-shift + step - 1) / step : 0, end = past > 0 ? (past + step - 1) / step : 0;
    if (end > (ptrdiff_t)out) end = (ptrdiff_t)out;
    if (first > end) first = end;
    return (struct reach){(size_t)first, (size_t)end, step, shift};
}

/* The rows and the columns of the output at which tap number `tap` meets the map. */
struct tap {
    struct reach y, x;
};

static struct tap tap_of(const struct infer_site *s, size_t tap) {
    const struct qm_graph_op *op = s->op;
    struct map in = map_of(infer_input(s, 0)), out = map_of(infer_output(s));
    size_t ky = tap / op->kernel_w, kx = tap % op->kernel_w;
    ptrdiff_t down = (ptrdiff_t)(ky * op->dilation_h) - (ptrdiff_t)op->pad_top,
              right = (ptrdiff_t)(kx * op->dilation_w) - (ptrdiff_t)op->pad_left;
    return (struct tap){reach_of(out.h, in.h, op->stride_h, down), reach_of(out.w, in.w, op->stride_w, right)};
}

/* The element of the map that the tap meets at column 0 of row y, which may lie in front of the map. */
static ptrdiff_t row_at(const struct tap *tap, size_t y, size_t width) {
    return ((ptrdiff_t)y * tap->y.stride + tap->y.shift) * (ptrdiff_t)width + tap->x.shift;
}

/* ---- one channel a group ---- */

static void add_row(float *to, const float *from, ptrdiff_t at, const struct reach *x, float weight) {
    const float *first = from + (at + (ptrdiff_t)x->first * x->stride);
    size_t count = x->end - x->first;
    to += x->first;
    if (x->stride == 1)
        for (size_t i = 0; i < count; i++) to[i] += weight * first[i];
    else
        for (size_t i = 0; i < count; i++) to[i] += weight * first[i * (size_t)x->stride];
}

static void filter_plane(const struct infer_site *s, const float *plane, const float *filter, float *to) {
    struct map in = map_of(infer_input(s, 0)), out = map_of(infer_output(s));
    size_t taps = (size_t)s->op->kernel_h * s->op->kernel_w;
    for (size_t t = 0; t < taps; t++) {
        struct tap tap = tap_of(s, t);
        for (size_t y = tap.y.first; y < tap.y.end && tap.x.first < tap.x.end; y++)
            add_row(to + y * out.w, plane, row_at(&tap, y, in.w), &tap.x, filter[t]);
    }
}

static void filter_planes(const struct infer_site *s, const float *picture, float *to) {
    struct map in = map_of(infer_input(s, 0)), out = map_of(infer_output(s));
    size_t taps = (size_t)s->op->kernel_h * s->op->kernel_w, each = out.c / s->op->groups;
    for (size_t c = 0; c < out.c; c++) filter_plane(s, picture + c / each * in.h * in.w, s->inputs[1] + c * taps, to + c * out.h * out.w);
}

/* ---- as a product ---- */

/* Whether the map itself is the matrix of columns. */
static bool is_plain(const struct qm_graph_op *op) {
    return op->kernel_h == 1 && op->kernel_w == 1 && op->stride_h == 1 && op->stride_w == 1 && op->pad_top == 0 && op->pad_left == 0 &&
           op->pad_bottom == 0 && op->pad_right == 0;
}

/* Writes what one tap meets at all positions of the output, 0 where that is padding. */
static void write_row(const struct tap *tap, const struct map *in, const struct map *out, const float *plane, float *to) {
    memset(to, 0, out->h * out->w * sizeof *to);
    for (size_t y = tap->y.first; y < tap->y.end; y++) {
        ptrdiff_t at = row_at(tap, y, in->w);
        for (size_t x = tap->x.first; x < tap->x.end; x++) to[y * out->w + x] = plane[at + (ptrdiff_t)x * tap->x.stride];
    }
}

static const float *write_columns(const struct infer_site *s, const float *picture, size_t channels) {
    struct map in = map_of(infer_input(s, 0)), out = map_of(infer_output(s));
    size_t taps = (size_t)s->op->kernel_h * s->op->kernel_w;
    for (size_t t = 0; t < taps; t++) {
        struct tap tap = tap_of(s, t);
        for (size_t c = 0; c < channels; c++)
            write_row(&tap, &in, &out, picture + c * in.h * in.w, s->columns + (c * taps + t) * out.h * out.w);
    }
    return s->columns;
}

static void multiply_group(const struct infer_site *s, const float *picture, size_t group, float *to) {
    struct map in = map_of(infer_input(s, 0)), out = map_of(infer_output(s));
    size_t channels = in.c / s->op->groups, each = out.c / s->op->groups, positions = out.h * out.w;
    size_t products = channels * s->op->kernel_h * s->op->kernel_w;
    const float *planes = picture + group * channels * in.h * in.w;
    const float *columns = is_plain(s->op) ? planes : write_columns(s, planes, channels);
    qm_blas_multiply(s->blas, &(struct qm_blas_product){.m = (int)each,
                                                        .n = (int)positions,
                                                        .k = (int)products,
                                                        .a = s->inputs[1] + group * each * products,
                                                        .a_stride = (int)products,
                                                        .b = columns,
                                                        .b_stride = (int)positions,
                                                        .out = to + group * each * positions,
                                                        .out_stride = (int)positions,
                                                        .adds = true});
}

/* ---- all of them ---- */

size_t infer_column_elements(const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->outputs[0]];
    if (op->kind != QM_OP_CONV_2D || is_plain(op) || in->dims[1] == op->groups) return 0;
    struct map map = map_of(out);
    return (size_t)in->dims[1] / op->groups * op->kernel_h * op->kernel_w * map.h * map.w;
}

static void fill(float *to, size_t count, float number) {
    for (size_t i = 0; i < count; i++) to[i] = number;
}

void infer_convolve(const struct infer_site *s) {
    struct map in = map_of(infer_input(s, 0)), out = map_of(infer_output(s));
    size_t positions = out.h * out.w;
    for (size_t n = 0; n < out.n; n++) {
        const float *picture = s->inputs[0] + n * in.c * in.h * in.w;
        float *to = s->to + n * out.c * positions;
        for (size_t c = 0; c < out.c; c++) fill(to + c * positions, positions, s->inputs[2] != NULL ? s->inputs[2][c] : 0);
        if (in.c == s->op->groups)
            filter_planes(s, picture, to);
        else
            for (size_t g = 0; g < s->op->groups; g++) multiply_group(s, picture, g, to);
    }
}
