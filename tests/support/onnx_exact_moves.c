/* onnx_exact_moves.c - see onnx_exact.h: operators that put elements elsewhere, and the mean over dimensions. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/onnx_exact.h"

/* The place of element i in each dimension. */
static void unravel(const struct exact_tensor *t, size_t i, size_t *at) {
    for (uint32_t d = t->rank; d-- > 0; i /= t->dims[d]) at[d] = i % t->dims[d];
}

static size_t ravel(const struct exact_tensor *t, const size_t *at) {
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
            unravel(parts[k], i, at);
            at[axis] += start;
            out.values[ravel(&out, at)] = parts[k]->values[i];
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
        unravel(x, i, at);
        for (uint32_t d = 0; d < x->rank; d++) to[d] = at[order[d]];
        out.values[ravel(&out, to)] = x->values[i];
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
    if (strncmp(mode, "reflect", strlen("reflect")) == 0) return at < 0 ? -at : at < extent ? at : 2 * (extent - 1) - at;
    return at < extent ? at : -1;
}

void exact_pad(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0], *pads = n->in[1];
    const Onnx__AttributeProto *a = exact_attribute(n, "mode");
    const char *mode = a != NULL && a->s.len > 0 ? (const char *)a->s.data : "constant";
    size_t dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < x->rank; d++) dims[d] = x->dims[d] + (size_t)(pads->values[d] + pads->values[d + x->rank]);
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        bool inside = true;
        unravel(&out, i, at);
        for (uint32_t d = 0; d < x->rank; d++) {
            int64_t from = padded_from((int64_t)at[d] - (int64_t)pads->values[d], (int64_t)x->dims[d], mode);
            inside = inside && from >= 0;
            at[d] = (size_t)from;
        }
        out.values[i] = inside ? x->values[ravel(x, at)] : n->in[2] != NULL ? n->in[2]->values[0] : 0;
    }
    exact_put(n, 0, out);
}

/* An end or a start of a slice that goes up: from the back when below 0, never outside. */
static size_t resolved(quad place, size_t extent) {
    if (place < 0) place += (quad)extent;
    return place < 0 ? 0 : place > (quad)extent ? extent : (size_t)place;
}

void exact_slice(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    size_t dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX], first[NUMBERS_RANK_MAX] = {0}, step[NUMBERS_RANK_MAX];
    memcpy(dims, x->dims, sizeof dims);
    for (uint32_t d = 0; d < x->rank; d++) step[d] = 1;
    for (size_t k = 0; k < n->in[1]->count; k++) {
        size_t d = n->in[3] != NULL ? from_front((int64_t)n->in[3]->values[k], x) : k;
        step[d] = n->in[4] != NULL ? (size_t)n->in[4]->values[k] : 1;
        first[d] = resolved(n->in[1]->values[k], x->dims[d]);
        dims[d] = (resolved(n->in[2]->values[k], x->dims[d]) - first[d] + step[d] - 1) / step[d];
    }
    struct exact_tensor out = exact_shaped(n, x->rank, dims);
    out.type = x->type;
    for (size_t i = 0; i < out.count; i++) {
        unravel(&out, i, at);
        for (uint32_t d = 0; d < x->rank; d++) at[d] = first[d] + at[d] * step[d];
        out.values[i] = x->values[ravel(x, at)];
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
            unravel(&out, i, at);
            at[axis] += start;
            out.values[i] = x->values[ravel(x, at)];
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

/* Where output x lies in the input. */
static quad coordinate(const struct resizing *r, quad x) {
    quad in = (quad)r->in, out = (quad)r->out;
    if (is_word(r->coordinates, "align_corners")) return r->out == 1 ? 0 : x * (in - 1) / (out - 1);
    if (is_word(r->coordinates, "asymmetric")) return x / r->scale;
    if (is_word(r->coordinates, "pytorch_half_pixel") && r->out == 1) return 0;
    quad half = (x + 0.5Q) / r->scale - 0.5Q;
    return is_word(r->coordinates, "half_pixel_symmetric") ? half + in / 2 * (1 - out / (r->scale * in)) : half;
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
        unravel(&out, i, to);
        for (uint32_t corner = 0; corner < 1U << x->rank; corner++) {
            quad share = 1;
            for (uint32_t d = 0; d < x->rank; d++) {
                quad second = neighbours(&r[d], to[d], at);
                share *= corner >> d & 1 ? second : 1 - second;
                from[d] = at[corner >> d & 1];
            }
            if (share != 0) sum += share * x->values[ravel(x, from)];
        }
        out.values[i] = sum;
    }
    exact_put(n, 0, out);
}

/* ---- over dimensions ---- */

void exact_reduce_mean(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    const Onnx__AttributeProto *listed = exact_attribute(n, "axes");
    bool keep = exact_number(n, "keepdims", 1) != 0, over[NUMBERS_RANK_MAX] = {false};
    size_t kept[NUMBERS_RANK_MAX], dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    uint32_t rank = 0;
    for (size_t k = 0; listed != NULL && k < listed->n_ints; k++) over[from_front(listed->ints[k], x)] = true;
    for (size_t k = 0; n->in[1] != NULL && k < n->in[1]->count; k++) over[from_front((int64_t)n->in[1]->values[k], x)] = true;
    for (uint32_t d = 0; d < x->rank; d++) {
        kept[d] = over[d] ? 1 : x->dims[d];
        if (keep || !over[d]) dims[rank++] = kept[d];
    }
    struct exact_tensor out = exact_shaped(n, rank, dims), whole = exact_shaped(n, x->rank, kept);
    for (size_t i = 0; i < out.count; i++) out.values[i] = 0;
    for (size_t i = 0; i < x->count; i++) {
        unravel(x, i, at);
        for (uint32_t d = 0; d < x->rank; d++) at[d] = over[d] ? 0 : at[d];
        out.values[ravel(&whole, at)] += x->values[i];
    }
    for (size_t i = 0; i < out.count; i++) out.values[i] /= (quad)(x->count / out.count);
    exact_put(n, 0, out);
}
