/* onnx_exact_moves.c - see onnx_exact.h: operators that put elements elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/onnx_exact.h"

void exact_unravel(const struct exact_tensor *t, size_t i, size_t *at) {
    for (uint32_t d = t->rank; d-- > 0; i /= t->dims[d]) at[d] = i % t->dims[d];
}

size_t exact_ravel(const struct exact_tensor *t, const size_t *at) {
    size_t i = 0;
    for (uint32_t d = 0; d < t->rank; d++) i = i * t->dims[d] + at[d];
    return i;
}

static size_t from_front(int64_t axis, const struct exact_tensor *t) {
    return (size_t)(axis < 0 ? axis + t->rank : axis);
}

static struct exact_tensor concatenated(const struct exact_node *n, const struct exact_tensor *const *parts, size_t count) {
    size_t axis = from_front((int64_t)exact_number(n, "axis", 0), parts[0]), dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX], start = 0;
    memcpy(dims, parts[0]->dims, sizeof dims);
    for (size_t k = 1; k < count; k++) dims[axis] += parts[k]->dims[axis];
    struct exact_tensor out = exact_shaped(n, parts[0]->rank, dims);
    out.type = parts[0]->type;
    for (size_t k = 0; k < count; k++) {
        for (size_t i = 0; i < parts[k]->count; i++) {
            exact_unravel(parts[k], i, at);
            at[axis] += start;
            out.values[exact_ravel(&out, at)] = parts[k]->values[i];
        }
        start += parts[k]->dims[axis];
    }
    return out;
}

void exact_concat(const struct exact_node *n) {
    exact_put(n, 0, concatenated(n, n->in, n->source->n_input));
}

/* The quantizer of the result comes first, then each part with its own. */
void exact_qlinear_concat(const struct exact_node *n) {
    struct exact_tensor parts[ONNX_EXACT_OPERANDS];
    const struct exact_tensor *list[ONNX_EXACT_OPERANDS];
    size_t count = (n->source->n_input - 2) / 3;
    for (size_t k = 0; k < count; k++) {
        parts[k] = exact_dequantized(n, n->in[2 + 3 * k], n->in[3 + 3 * k], n->in[4 + 3 * k], 0);
        list[k] = &parts[k];
    }
    struct exact_tensor result = concatenated(n, list, count);
    exact_put_quantized(n, &result, &(struct exact_quantizer){n->in[0], n->in[1], 0, n->in[1]->type});
}

void exact_transpose(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    size_t order[NUMBERS_RANK_MAX], dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX], to[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < x->rank; d++) {
        order[d] = (size_t)exact_listed(n, "perm", d, (int64_t)x->rank - 1 - d);
        dims[d] = x->dims[order[d]];
    }
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < x->count; i++) {
        exact_unravel(x, i, at);
        for (uint32_t d = 0; d < x->rank; d++) to[d] = at[order[d]];
        out.values[exact_ravel(&out, to)] = x->values[i];
    }
    exact_put(n, 0, out);
}

void exact_reshape(const struct exact_node *n) {
    struct exact_tensor out = *n->in[0];
    if (exact_is(n, "Flatten")) {
        size_t axis = from_front((int64_t)exact_number(n, "axis", 1), n->in[0]), before = 1;
        for (size_t d = 0; d < axis; d++) before *= n->in[0]->dims[d];
        out.rank = 2;
        out.dims[0] = before;
        out.dims[1] = out.count / before;
        exact_put(n, 0, out);
        return;
    }
    size_t known = 1, open = NUMBERS_RANK_MAX;
    out.rank = (uint32_t)n->in[1]->count;
    for (uint32_t d = 0; d < out.rank; d++) {
        if (n->in[1]->values[d] < 0)
            open = d;
        else
            known *= out.dims[d] = n->in[1]->values[d] == 0 ? n->in[0]->dims[d] : (size_t)n->in[1]->values[d];
    }
    if (open < NUMBERS_RANK_MAX) out.dims[open] = out.count / known;
    exact_put(n, 0, out);
}

/* Where the element of a padded dimension comes from; below 0: from nowhere. */
static int64_t padded_from(int64_t at, int64_t extent, const char *mode) {
    if (strncmp(mode, "edge", strlen("edge")) == 0) return at < 0 ? 0 : at < extent ? at : extent - 1;
    if (strncmp(mode, "wrap", strlen("wrap")) == 0) return (at + extent) % extent;
    if (strncmp(mode, "reflect", strlen("reflect")) == 0) return at < 0 ? -at : at < extent ? at : 2 * (extent - 1) - at;
    return at < extent ? at : -1;
}

void exact_pad(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0], *pads = n->in[1];
    const Onnx__AttributeProto *a = exact_attribute(n, "mode");
    const char *mode = a != NULL && a->s.len > 0 ? (const char *)a->s.data : "constant";
    size_t dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < x->rank; d++) dims[d] = (size_t)((double)x->dims[d] + pads->values[d] + pads->values[d + x->rank]);
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        bool inside = true;
        exact_unravel(&out, i, at);
        for (uint32_t d = 0; d < x->rank; d++) {
            int64_t from = padded_from((int64_t)at[d] - (int64_t)pads->values[d], (int64_t)x->dims[d], mode);
            inside = inside && from >= 0;
            at[d] = (size_t)from;
        }
        out.values[i] = inside ? x->values[exact_ravel(x, at)] : n->in[2] != NULL ? n->in[2]->values[0] : 0;
    }
    exact_put(n, 0, out);
}

/* A start or an end of a slice: from the back when below 0, cut to what a step up or down can reach. */
static int64_t resolved(quad place, size_t extent, bool up) {
    quad all = (quad)extent, low = up ? 0 : -1, high = up ? all : all - 1;
    if (place < 0) place += all;
    return (int64_t)(place < low ? low : place > high ? high : place);
}

void exact_slice(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    size_t dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    int64_t first[NUMBERS_RANK_MAX] = {0}, step[NUMBERS_RANK_MAX];
    memcpy(dims, x->dims, sizeof dims);
    for (uint32_t d = 0; d < x->rank; d++) step[d] = 1;
    for (size_t k = 0; k < n->in[1]->count; k++) {
        size_t d = n->in[3] != NULL ? from_front((int64_t)n->in[3]->values[k], x) : k;
        step[d] = n->in[4] != NULL ? (int64_t)n->in[4]->values[k] : 1;
        first[d] = resolved(n->in[1]->values[k], x->dims[d], step[d] > 0);
        if (step[d] < 0 && n->in[1]->values[k] + (quad)x->dims[d] < 0) first[d] = 0;
        int64_t length = resolved(n->in[2]->values[k], x->dims[d], step[d] > 0) - first[d];
        dims[d] = (size_t)(step[d] > 0 ? (length + step[d] - 1) / step[d] : (length + step[d] + 1) / step[d]);
    }
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        exact_unravel(&out, i, at);
        for (uint32_t d = 0; d < x->rank; d++) at[d] = (size_t)(first[d] + (int64_t)at[d] * step[d]);
        out.values[i] = x->values[exact_ravel(x, at)];
    }
    exact_put(n, 0, out);
}

void exact_split(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    size_t axis = from_front((int64_t)exact_number(n, "axis", 0), x), start = 0, dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    for (uint32_t k = 0; k < n->source->n_output; k++) {
        size_t even = (x->dims[axis] + n->source->n_output - 1) / n->source->n_output;
        memcpy(dims, x->dims, sizeof dims);
        dims[axis] = n->in[1] != NULL ? (size_t)n->in[1]->values[k] : even < x->dims[axis] - start ? even : x->dims[axis] - start;
        struct exact_tensor out = exact_shaped(n, x->rank, dims);
        out.type = x->type;
        for (size_t i = 0; i < out.count; i++) {
            exact_unravel(&out, i, at);
            at[axis] += start;
            out.values[i] = x->values[exact_ravel(x, at)];
        }
        start += dims[axis];
        exact_put(n, k, out);
    }
}

/* ---- resizing ---- */

/* One dimension of a Resize. */
struct resizing {
    size_t in, out;
    quad scale;
    const char *coordinates, *nearest;
    bool is_linear;
};

static bool is_word(const char *text, const char *word) {
    return strncmp(text, word, strlen(word)) == 0;
}

static quad whole_below(quad x) {
    quad whole = (quad)(int64_t)x;
    return whole > x ? whole - 1 : whole;
}

/* Where output x lies in the input, but for what 113 bits round off. */
static quad rounded_coordinate(const struct resizing *r, quad x) {
    quad in = (quad)r->in, out = (quad)r->out;
    if (is_word(r->coordinates, "align_corners")) return r->out == 1 ? 0 : x * (in - 1) / (out - 1);
    if (is_word(r->coordinates, "asymmetric")) return x / r->scale;
    if (is_word(r->coordinates, "pytorch_half_pixel") && r->out == 1) return 0;
    quad half = (x + 0.5Q) / r->scale - 0.5Q;
    return is_word(r->coordinates, "half_pixel_symmetric") ? half + in / 2 * (1 - out / (r->scale * in)) : half;
}

/* Halves of an element are so exactly: other fractions of float32 scales are farther from them than 1e-9. */
static quad coordinate(const struct resizing *r, quad x) {
    quad place = rounded_coordinate(r, x), half = whole_below(2 * place + 0.5Q) / 2;
    return place - half < 1e-20Q && half - place < 1e-20Q ? half : place;
}

static size_t inside(quad place, size_t extent) {
    return place < 0 ? 0 : place > (quad)(extent - 1) ? extent - 1 : (size_t)place;
}

/* The two elements that output x is made of, and the share of the second. */
static quad neighbours(const struct resizing *r, size_t x, size_t at[2]) {
    quad place = coordinate(r, (quad)x), below = whole_below(place);
    if (r->is_linear) {
        at[0] = inside(below, r->in);
        at[1] = inside(below + 1, r->in);
        return place - below;
    }
    if (is_word(r->nearest, "round_prefer_ceil")) below = whole_below(place + 0.5Q);
    if (is_word(r->nearest, "round_prefer_floor")) below = -whole_below(0.5Q - place);
    if (is_word(r->nearest, "ceil")) below = -whole_below(-place);
    at[0] = at[1] = inside(below, r->in);
    return 0;
}

static const char *word_of(const struct exact_node *n, const char *name, const char *fallback) {
    const Onnx__AttributeProto *a = exact_attribute(n, name);
    return a != NULL && a->s.len > 0 ? (const char *)a->s.data : fallback;
}

static void open_resizing(const struct exact_node *n, struct resizing *r, size_t *dims) {
    const struct exact_tensor *scales = n->in[2], *sizes = n->in[3];
    for (uint32_t d = 0; d < n->in[0]->rank; d++) {
        r[d] = (struct resizing){.in = n->in[0]->dims[d], .is_linear = is_word(word_of(n, "mode", "nearest"), "linear")};
        r[d].coordinates = word_of(n, "coordinate_transformation_mode", "half_pixel");
        r[d].nearest = word_of(n, "nearest_mode", "round_prefer_floor");
        r[d].out = sizes != NULL ? (size_t)sizes->values[d] : (size_t)whole_below((quad)r[d].in * scales->values[d]);
        r[d].scale = sizes != NULL ? (quad)r[d].out / (quad)r[d].in : scales->values[d];
        dims[d] = r[d].out;
    }
}

void exact_resize(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    struct resizing r[NUMBERS_RANK_MAX];
    size_t dims[NUMBERS_RANK_MAX], to[NUMBERS_RANK_MAX], from[NUMBERS_RANK_MAX], at[2];
    open_resizing(n, r, dims);
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        quad sum = 0;
        exact_unravel(&out, i, to);
        for (uint32_t corner = 0; corner < 1U << x->rank; corner++) {
            quad share = 1;
            for (uint32_t d = 0; d < x->rank; d++) {
                quad second = neighbours(&r[d], to[d], at);
                share *= corner >> d & 1 ? second : 1 - second;
                from[d] = at[corner >> d & 1];
            }
            if (share != 0) sum += share * x->values[exact_ravel(x, from)];
        }
        out.values[i] = sum;
    }
    exact_put(n, 0, out);
}

/* ---- at listed places, and again ---- */

void exact_gather(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0], *list = n->in[1];
    size_t axis = from_front((int64_t)exact_number(n, "axis", 0), x), dims[NUMBERS_RANK_MAX], inner = 1;
    uint32_t rank = 0;
    for (size_t d = 0; d < axis; d++) dims[rank++] = x->dims[d];
    for (uint32_t d = 0; d < list->rank; d++) dims[rank++] = list->dims[d];
    for (size_t d = axis + 1; d < x->rank; d++) inner *= dims[rank++] = x->dims[d];
    struct exact_tensor out = exact_shaped(n, rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        int64_t place = (int64_t)list->values[i / inner % list->count];
        size_t from = (size_t)(place < 0 ? place + (int64_t)x->dims[axis] : place);
        out.values[i] = x->values[(i / inner / list->count * x->dims[axis] + from) * inner + i % inner];
    }
    exact_put(n, 0, out);
}

/* Tile and Expand: dimensions that are too short repeat. */
void exact_repeat(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0], *list = n->in[1];
    bool tiles = exact_is(n, "Tile");
    uint32_t rank = x->rank > list->count ? x->rank : (uint32_t)list->count;
    size_t dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < rank; d++) {
        size_t own = d + x->rank < rank ? 1 : x->dims[d + x->rank - rank];
        size_t asked = d + list->count < rank ? 1 : (size_t)list->values[d + list->count - rank];
        dims[d] = tiles ? own * asked : asked > own ? asked : own;
    }
    struct exact_tensor out = exact_shaped(n, rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        exact_unravel(&out, i, at);
        for (uint32_t d = 0; d < x->rank; d++) at[d] = at[d + rank - x->rank] % x->dims[d];
        out.values[i] = x->values[exact_ravel(x, at)];
    }
    exact_put(n, 0, out);
}

/* Dimensions of one element are added or left out. */
void exact_squeeze(const struct exact_node *n) {
    struct exact_tensor out = *n->in[0];
    uint32_t rank = exact_is(n, "Unsqueeze") ? out.rank + (uint32_t)n->in[1]->count : out.rank, from = 0, to = 0;
    bool listed[NUMBERS_RANK_MAX] = {false};
    for (size_t k = 0; k < n->in[1]->count; k++) {
        int64_t axis = (int64_t)n->in[1]->values[k];
        listed[axis < 0 ? axis + rank : axis] = true;
    }
    for (uint32_t d = 0; d < rank; d++) {
        if (exact_is(n, "Unsqueeze"))
            out.dims[to++] = listed[d] ? 1 : n->in[0]->dims[from++];
        else if (!listed[d])
            out.dims[to++] = n->in[0]->dims[d];
    }
    out.rank = to;
    exact_put(n, 0, out);
}

/* ---- blocks of channels and positions ---- */

/* Where the element of a channel of a map at (y, x) is in the map whose channels are blocks of b times b positions. */
static size_t in_depth(const struct exact_tensor *deep, size_t b, bool channels_first, const size_t at[4]) {
    size_t block = at[2] % b * b + at[3] % b, channels = deep->dims[1] / (b * b);
    size_t channel = channels_first ? at[1] * b * b + block : block * channels + at[1];
    return exact_ravel(deep, (const size_t[]){at[0], channel, at[2] / b, at[3] / b});
}

void exact_depth_and_space(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    size_t b = (size_t)exact_number(n, "blocksize", 1), at[NUMBERS_RANK_MAX];
    bool to_space = exact_is(n, "DepthToSpace"), channels_first = to_space && is_word(word_of(n, "mode", "DCR"), "CRD");
    const size_t wide[] = {x->dims[0], x->dims[1] / (b * b), x->dims[2] * b, x->dims[3] * b};
    const size_t deep[] = {x->dims[0], x->dims[1] * b * b, x->dims[2] / b, x->dims[3] / b};
    struct exact_tensor out = exact_shaped(n, 4, to_space ? wide : deep);
    const struct exact_tensor *space = to_space ? &out : x, *depth = to_space ? x : &out;
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        exact_unravel(space, i, at);
        size_t k = in_depth(depth, b, channels_first, at);
        out.values[to_space ? i : k] = x->values[to_space ? k : i];
    }
    exact_put(n, 0, out);
}
