/* onnx_exact_products.c - see onnx_exact.h: convolutions, matrix products, pools. */
#include <string.h>

#include "tests/support/onnx_exact.h"

/* ---- windows ---- */

/* One of the two directions of a window. A map of one direction is one row. */
struct direction {
    size_t extent, kernel, stride, dilation, out;
    int64_t before;
};

/* Pads that the attribute auto_pad asks for: as many outputs as strides begin inside the map, the odd pad behind or before it. */
static void pad_by_itself(struct direction *o, const char *how) {
    if (strncmp(how, "VALID", strlen("VALID")) == 0) return;
    int64_t out = (int64_t)((o->extent + o->stride - 1) / o->stride);
    int64_t all = (out - 1) * (int64_t)o->stride + (int64_t)((o->kernel - 1) * o->dilation) + 1 - (int64_t)o->extent;
    if (all < 0) all = 0;
    o->before = strncmp(how, "SAME_UPPER", strlen("SAME_UPPER")) == 0 ? all / 2 : all - all / 2;
    o->out = (size_t)out;
}

/* place: of the direction in the lists of the node; below 0: the row that a map of one direction is. */
static struct direction direction_of(const struct exact_node *n, const struct exact_tensor *x, const struct exact_tensor *filter,
                                     int place) {
    size_t directions = x->rank - 2, i = (size_t)place;
    if (place < 0) return (struct direction){1, 1, 1, 1, 1, 0};
    struct direction o = {.extent = x->dims[2 + i]};
    bool all = exact_is(n, "GlobalAveragePool");
    o.kernel = all ? o.extent : filter != NULL ? filter->dims[2 + i] : (size_t)exact_listed(n, "kernel_shape", i, 1);
    o.stride = (size_t)exact_listed(n, "strides", i, 1);
    o.dilation = (size_t)exact_listed(n, "dilations", i, 1);
    o.before = exact_listed(n, "pads", i, 0);
    size_t padded = o.extent + (size_t)(o.before + exact_listed(n, "pads", i + directions, 0));
    size_t room = padded - (o.kernel - 1) * o.dilation - 1;
    o.out = room / o.stride + 1;
    bool more = exact_number(n, "ceil_mode", 0) != 0 && room % o.stride != 0;
    if (more && o.out * o.stride < o.extent + (size_t)o.before) o.out++; /* unless it would begin behind the map */
    const Onnx__AttributeProto *how = exact_attribute(n, "auto_pad");
    if (how != NULL && how->s.len > 0) pad_by_itself(&o, (const char *)how->s.data);
    return o;
}

struct window {
    struct direction y, x;
};

static struct window window_of(const struct exact_node *n, const struct exact_tensor *x, const struct exact_tensor *filter) {
    return (struct window){direction_of(n, x, filter, x->rank == 3 ? -1 : 0), direction_of(n, x, filter, x->rank == 3 ? 0 : 1)};
}

static struct exact_tensor map_of(const struct exact_node *n, const struct exact_tensor *x, size_t channels, const struct window *w) {
    size_t dims[4] = {x->dims[0], channels, x->rank == 3 ? w->x.out : w->y.out, w->x.out};
    return exact_shaped(n, x->rank, dims);
}

/* Where a tap of the window at `out` lies; false: outside the map. */
static bool tap(const struct direction *o, size_t out, size_t k, size_t *at) {
    int64_t place = (int64_t)(out * o->stride + k * o->dilation) - o->before;
    *at = (size_t)place;
    return place >= 0 && place < (int64_t)o->extent;
}

/* One output of a convolution: of the filter, for the first channel that it reads. */
static quad window_sum(const quad *map, const quad *filter, size_t depth, const struct window *w, size_t position) {
    quad sum = 0;
    for (size_t k = 0; k < depth * w->y.kernel * w->x.kernel; k++) {
        size_t y, x, c = k / (w->y.kernel * w->x.kernel);
        bool inside = tap(&w->y, position / w->x.out, k / w->x.kernel % w->y.kernel, &y);
        if (tap(&w->x, position % w->x.out, k % w->x.kernel, &x) && inside) sum += map[(c * w->y.extent + y) * w->x.extent + x] * filter[k];
    }
    return sum;
}

static quad larger(quad a, quad b) {
    return a > b ? a : b;
}

static struct exact_tensor convolved(const struct exact_node *n, const struct exact_tensor *x, const struct exact_tensor *filter,
                                     const struct exact_tensor *bias) {
    struct window w = window_of(n, x, filter);
    size_t channels = filter->dims[0], depth = filter->dims[1], positions = w.y.out * w.x.out;
    size_t of_group = channels / (size_t)exact_number(n, "group", 1), taps = depth * w.y.kernel * w.x.kernel;
    size_t picture = x->count / x->dims[0], extent = w.y.extent * w.x.extent;
    struct exact_tensor out = map_of(n, x, channels, &w);
    for (size_t i = 0; i < out.count; i++) {
        size_t c = i / positions % channels;
        const quad *map = x->values + i / positions / channels * picture + c / of_group * depth * extent;
        out.values[i] = window_sum(map, filter->values + c * taps, depth, &w, i % positions) + (bias != NULL ? bias->values[c] : 0);
        out.largest = larger(out.largest, larger(out.values[i], -out.values[i]));
    }
    if (bias != NULL) out.largest = larger(out.largest, bias->largest);
    return out;
}

void exact_conv(const struct exact_node *n) {
    exact_put(n, 0, convolved(n, n->in[0], n->in[1], n->in[2]));
}

/* A bias of whole multiples of the product of both scales. */
static struct exact_tensor bias_of(const struct exact_node *n, const struct exact_tensor *bias) {
    struct exact_tensor out = exact_shaped(n, 1, bias->dims);
    for (size_t c = 0; c < bias->count; c++)
        out.values[c] = bias->values[c] * n->in[1]->values[0] * n->in[4]->values[n->in[4]->count == 1 ? 0 : c];
    return out;
}

void exact_qlinear_conv(const struct exact_node *n) {
    struct exact_tensor x = exact_dequantized(n, n->in[0], n->in[1], n->in[2], 0), bias;
    struct exact_tensor filter = exact_dequantized(n, n->in[3], n->in[4], n->in[5], 0);
    if (n->in[8] != NULL) bias = bias_of(n, n->in[8]);
    struct exact_tensor sums = convolved(n, &x, &filter, n->in[8] != NULL ? &bias : NULL);
    exact_put_quantized(n, &sums, &(struct exact_quantizer){n->in[6], n->in[7], 0, n->in[7]->type});
}

/* ---- transposed convolutions ---- */

/* The direction of the result whose steps the input's elements are: extent and out change their roles. */
static struct direction spread_direction(const struct exact_node *n, int place) {
    const struct exact_tensor *x = n->in[0], *filter = n->in[1];
    size_t directions = x->rank - 2, i = (size_t)place;
    if (place < 0) return (struct direction){1, 1, 1, 1, 1, 0};
    struct direction o = {.out = x->dims[2 + i], .kernel = filter->dims[2 + i]};
    o.stride = (size_t)exact_listed(n, "strides", i, 1);
    o.dilation = (size_t)exact_listed(n, "dilations", i, 1);
    o.before = exact_listed(n, "pads", i, 0);
    int64_t whole = (int64_t)(o.stride * (o.out - 1) + (o.kernel - 1) * o.dilation + 1) + exact_listed(n, "output_padding", i, 0);
    const Onnx__AttributeProto *how = exact_attribute(n, "auto_pad");
    const char *word = how != NULL && how->s.len > 0 ? (const char *)how->s.data : "NOTSET";
    int64_t asked = strncmp(word, "SAME", strlen("SAME")) == 0 ? (int64_t)(o.out * o.stride) : 0;
    asked = exact_listed(n, "output_shape", i, asked);
    if (asked > 0)
        o.before = strncmp(word, "SAME_UPPER", strlen("SAME_UPPER")) == 0 ? (whole - asked) / 2 : whole - asked - (whole - asked) / 2;
    o.extent = (size_t)(asked > 0 ? asked : whole - o.before - exact_listed(n, "pads", i + directions, 0));
    return o;
}

/* Adds one element of the input times its filters to the maps of its group. */
static void spread_element(const struct window *w, quad value, size_t position, const quad *filter, size_t channels, quad *maps) {
    size_t taps = w->y.kernel * w->x.kernel;
    for (size_t k = 0; k < channels * taps; k++) {
        size_t y, x;
        bool inside = tap(&w->y, position / w->x.out, k / w->x.kernel % w->y.kernel, &y);
        if (tap(&w->x, position % w->x.out, k % w->x.kernel, &x) && inside)
            maps[(k / taps * w->y.extent + y) * w->x.extent + x] += value * filter[k];
    }
}

void exact_conv_transpose(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0], *filter = n->in[1], *bias = n->in[2];
    struct window w = {spread_direction(n, x->rank == 3 ? -1 : 0), spread_direction(n, x->rank == 3 ? 0 : 1)};
    size_t groups = (size_t)exact_number(n, "group", 1), in = x->dims[1], of_group = filter->dims[1], channels = of_group * groups;
    size_t positions = w.y.out * w.x.out, extent = w.y.extent * w.x.extent, taps = w.y.kernel * w.x.kernel;
    size_t dims[4] = {x->dims[0], channels, x->rank == 3 ? w.x.extent : w.y.extent, w.x.extent};
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    for (size_t i = 0; i < out.count; i++) out.values[i] = bias != NULL ? bias->values[i / extent % channels] : 0;
    for (size_t i = 0; i < x->count; i++) {
        size_t c = i / positions % in, picture = i / positions / in, first = picture * channels + c / (in / groups) * of_group;
        spread_element(&w, x->values[i], i % positions, filter->values + c * of_group * taps, of_group, out.values + first * extent);
    }
    if (bias != NULL) out.largest = bias->largest;
    for (size_t i = 0; i < out.count; i++) out.largest = larger(out.largest, larger(out.values[i], -out.values[i]));
    exact_put(n, 0, out);
}

/* ---- pools ---- */

/* The maximum, or the mean with or without what is outside, of a window. */
static quad pooled(const struct exact_node *n, const quad *map, const struct window *w, size_t position) {
    bool any = false, maximum = exact_is(n, "MaxPool"), outside = exact_number(n, "count_include_pad", 0) != 0;
    quad sum = 0, most = 0, count = 0;
    for (size_t k = 0; k < w->y.kernel * w->x.kernel; k++) {
        size_t y, x;
        bool inside = tap(&w->y, position / w->x.out, k / w->x.kernel, &y);
        inside = tap(&w->x, position % w->x.out, k % w->x.kernel, &x) && inside;
        if (inside || outside) count += 1;
        if (!inside) continue;
        quad value = map[y * w->x.extent + x];
        most = any ? larger(most, value) : value;
        any = true;
        sum += value;
    }
    return maximum ? most : sum / count;
}

struct exact_tensor exact_pooled(const struct exact_node *n, const struct exact_tensor *x) {
    struct window w = window_of(n, x, NULL);
    size_t positions = w.y.out * w.x.out;
    struct exact_tensor out = map_of(n, x, x->dims[1], &w);
    for (size_t i = 0; i < out.count; i++)
        out.values[i] = pooled(n, x->values + i / positions * w.y.extent * w.x.extent, &w, i % positions);
    out.type = x->type;
    return out;
}

void exact_pool(const struct exact_node *n) {
    exact_put(n, 0, exact_pooled(n, n->in[0]));
}

/* ---- matrices ---- */

/* The shape of a product: the stacks of both operands broadcast, then rows and columns. */
static struct exact_tensor product_shape(const struct exact_node *n, const struct exact_tensor *a, const struct exact_tensor *b) {
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    size_t dims[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < rank; d++) {
        size_t of_a = d + a->rank < rank ? 1 : a->dims[d + a->rank - rank], of_b = d + b->rank < rank ? 1 : b->dims[d + b->rank - rank];
        dims[d] = of_a > of_b ? of_a : of_b;
    }
    dims[rank - 2] = a->dims[a->rank - 2];
    dims[rank - 1] = b->dims[b->rank - 1];
    return exact_shaped(n, rank, dims);
}

/* The first number of the matrix of an operand that makes matrix i of the result. */
static const quad *matrix_at(const struct exact_tensor *t, const struct exact_tensor *out, size_t i) {
    struct exact_tensor own = *t, all = *out;
    own.rank -= 2;
    all.rank -= 2;
    return t->values + exact_broadcast(&own, &all, i) * t->dims[t->rank - 2] * t->dims[t->rank - 1];
}

static struct exact_tensor matrices_product(const struct exact_node *n, const struct exact_tensor *a, const struct exact_tensor *b) {
    struct exact_tensor out = product_shape(n, a, b);
    size_t rows = out.dims[out.rank - 2], columns = out.dims[out.rank - 1], depth = a->dims[a->rank - 1];
    for (size_t i = 0; i < out.count; i++) {
        size_t matrix = i / (rows * columns), row = i / columns % rows;
        const quad *left = matrix_at(a, &out, matrix) + row * depth, *right = matrix_at(b, &out, matrix) + i % columns;
        quad sum = 0;
        for (size_t k = 0; k < depth; k++) sum += left[k] * right[k * columns];
        out.values[i] = sum;
    }
    return out;
}

/* A vector that is multiplied from the left is a row, from the right a column, and the result has no such dimension. */
static struct exact_tensor product(const struct exact_node *n, const struct exact_tensor *a, const struct exact_tensor *b) {
    struct exact_tensor left = *a, right = *b;
    if (a->rank == 1) left.dims[left.rank++] = a->dims[0], left.dims[0] = 1;
    if (b->rank == 1) right.dims[right.rank++] = 1;
    struct exact_tensor out = matrices_product(n, &left, &right);
    if (a->rank == 1) out.dims[out.rank - 2] = out.dims[out.rank - 1];
    out.rank -= (a->rank == 1) + (b->rank == 1);
    return out;
}

void exact_matmul(const struct exact_node *n) {
    exact_put(n, 0, product(n, n->in[0], n->in[1]));
}

void exact_qlinear_matmul(const struct exact_node *n) {
    struct exact_tensor a = exact_dequantized(n, n->in[0], n->in[1], n->in[2], 0);
    struct exact_tensor b = exact_dequantized(n, n->in[3], n->in[4], n->in[5], n->in[3]->rank - 1);
    struct exact_tensor sums = product(n, &a, &b);
    exact_put_quantized(n, &sums, &(struct exact_quantizer){n->in[6], n->in[7], 0, n->in[7]->type});
}

static struct exact_tensor turned(const struct exact_node *n, const struct exact_tensor *matrix) {
    struct exact_tensor out = exact_shaped(n, 2, (size_t[]){matrix->dims[1], matrix->dims[0]});
    for (size_t i = 0; i < matrix->count; i++) out.values[i % matrix->dims[1] * matrix->dims[0] + i / matrix->dims[1]] = matrix->values[i];
    return out;
}

static struct exact_tensor gemm(const struct exact_node *n, const struct exact_tensor *a, const struct exact_tensor *b,
                                const struct exact_tensor *c) {
    struct exact_tensor left = exact_number(n, "transA", 0) != 0 ? turned(n, a) : *a;
    struct exact_tensor right = exact_number(n, "transB", 0) != 0 ? turned(n, b) : *b;
    struct exact_tensor out = product(n, &left, &right);
    quad alpha = (quad)exact_number(n, "alpha", 1), beta = (quad)exact_number(n, "beta", 1);
    for (size_t i = 0; i < out.count; i++) {
        out.values[i] *= alpha;
        if (c != NULL) out.values[i] += beta * c->values[exact_broadcast(c, &out, i)];
        out.largest = larger(out.largest, larger(out.values[i], -out.values[i]));
    }
    if (c != NULL) out.largest = larger(out.largest, c->largest * larger(beta, -beta));
    return out;
}

void exact_gemm(const struct exact_node *n) {
    exact_put(n, 0, gemm(n, n->in[0], n->in[1], n->in[2]));
}

void exact_qgemm(const struct exact_node *n) {
    struct exact_tensor a = exact_dequantized(n, n->in[0], n->in[1], n->in[2], 0), bias;
    struct exact_tensor b = exact_dequantized(n, n->in[3], n->in[4], n->in[5], exact_number(n, "transB", 0) == 0);
    if (n->in[6] != NULL) bias = bias_of(n, n->in[6]);
    struct exact_tensor sums = gemm(n, &a, &b, n->in[6] != NULL ? &bias : NULL);
    exact_put_quantized(n, &sums, &(struct exact_quantizer){n->in[7], n->in[8], 0, n->in[8]->type});
}
