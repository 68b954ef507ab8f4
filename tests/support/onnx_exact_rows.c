/* onnx_exact_rows.c - see onnx_exact.h: what is computed of groups of elements: reductions, softmax, normalizations. */
#include <math.h>
#include <string.h>

#include "tests/support/onnx_exact.h"

/* The elements of a tensor by groups: those of one group differ in their places along some dimensions only. */
struct groups {
    size_t count, size;
    size_t *places;              /* [count][size] of elements, in the tensor's order */
    struct exact_tensor reduced; /* with one element along those dimensions */
};

static struct groups group(const struct exact_node *n, const struct exact_tensor *x, const bool *over) {
    size_t dims[NUMBERS_RANK_MAX], at[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < x->rank; d++) dims[d] = over[d] ? 1 : x->dims[d];
    struct groups g = {.reduced = exact_shaped(n, x->rank, dims)};
    g.count = g.reduced.count;
    g.size = x->count / g.count;
    g.places = QM_ARENA_NEW(n->run->arena, size_t, x->count);
    size_t *used = QM_ARENA_NEW(n->run->arena, size_t, g.count);
    for (size_t i = 0; i < x->count; i++) {
        exact_unravel(x, i, at);
        for (uint32_t d = 0; d < x->rank; d++) at[d] = over[d] ? 0 : at[d];
        size_t which = exact_ravel(&g.reduced, at);
        g.places[which * g.size + used[which]++] = i;
    }
    return g;
}

static size_t from_front(int64_t axis, uint32_t rank) {
    return (size_t)(axis < 0 ? axis + rank : axis);
}

/* ---- reductions ---- */

static quad reduce(const struct exact_node *n, const quad *x, const size_t *places, size_t count) {
    quad sum = 0, product = 1, most = x[places[0]], least = most;
    for (size_t k = 0; k < count; k++) {
        quad value = x[places[k]];
        sum += value;
        product *= value;
        if (value > most) most = value;
        if (value < least) least = value;
    }
    if (exact_is(n, "ReduceMax")) return most;
    if (exact_is(n, "ReduceMin")) return least;
    if (exact_is(n, "ReduceProd")) return product;
    return exact_is(n, "ReduceMean") ? sum / (quad)count : sum;
}

/* The tensor without the dimensions that are reduced, unless they are kept. */
static struct exact_tensor without(const struct exact_node *n, struct exact_tensor reduced, const bool *over) {
    uint32_t rank = 0;
    if (exact_number(n, "keepdims", 1) != 0) return reduced;
    for (uint32_t d = 0; d < reduced.rank; d++)
        if (!over[d]) reduced.dims[rank++] = reduced.dims[d];
    reduced.rank = rank;
    return reduced;
}

void exact_reduce(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    const Onnx__AttributeProto *listed = exact_attribute(n, "axes");
    bool over[NUMBERS_RANK_MAX] = {false}, any = listed != NULL || n->in[1] != NULL;
    for (size_t k = 0; listed != NULL && k < listed->n_ints; k++) over[from_front(listed->ints[k], x->rank)] = true;
    for (size_t k = 0; n->in[1] != NULL && k < n->in[1]->count; k++) over[from_front((int64_t)n->in[1]->values[k], x->rank)] = true;
    for (uint32_t d = 0; d < x->rank && !any; d++) over[d] = true;
    struct groups g = group(n, x, over);
    for (size_t i = 0; i < g.count; i++) g.reduced.values[i] = reduce(n, x->values, g.places + i * g.size, g.size);
    struct exact_tensor out = without(n, g.reduced, over);
    if (exact_is(n, "ReduceMax") || exact_is(n, "ReduceMin")) out.type = x->type;
    exact_put(n, 0, out);
}

/* The place of the largest or the smallest element along an axis: the first of equal ones, or the last. */
void exact_find(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    bool over[NUMBERS_RANK_MAX] = {false}, last = exact_number(n, "select_last_index", 0) != 0, largest = exact_is(n, "ArgMax");
    over[from_front((int64_t)exact_number(n, "axis", 0), x->rank)] = true;
    struct groups g = group(n, x, over);
    for (size_t i = 0; i < g.count; i++) {
        const size_t *places = g.places + i * g.size;
        size_t best = 0;
        for (size_t k = 1; k < g.size; k++) {
            quad more = x->values[places[k]] - x->values[places[best]];
            if ((largest ? more : -more) > 0 || (last && more == 0)) best = k;
        }
        g.reduced.values[i] = (quad)best;
    }
    struct exact_tensor out = without(n, g.reduced, over);
    out.type = 7;
    exact_put(n, 0, out);
}

void exact_global_max_pool(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    bool over[NUMBERS_RANK_MAX] = {false};
    for (uint32_t d = 2; d < x->rank; d++) over[d] = true;
    struct groups g = group(n, x, over);
    for (size_t i = 0; i < g.count; i++) {
        quad most = x->values[g.places[i * g.size]];
        for (size_t k = 1; k < g.size; k++)
            if (x->values[g.places[i * g.size + k]] > most) most = x->values[g.places[i * g.size + k]];
        g.reduced.values[i] = most;
    }
    g.reduced.type = x->type;
    exact_put(n, 0, g.reduced);
}

/* ---- softmax ---- */

static struct exact_tensor softmax(const struct exact_node *n, const struct exact_tensor *x) {
    struct exact_tensor out = exact_shaped(n, x->rank, x->dims);
    bool over[NUMBERS_RANK_MAX] = {false}, logarithm = exact_is(n, "LogSoftmax");
    over[from_front((int64_t)exact_number(n, "axis", -1), x->rank)] = true;
    struct groups g = group(n, x, over);
    for (size_t i = 0; i < g.count; i++) {
        const size_t *places = g.places + i * g.size;
        quad most = x->values[places[0]], sum = 0;
        for (size_t k = 1; k < g.size; k++)
            if (x->values[places[k]] > most) most = x->values[places[k]];
        for (size_t k = 0; k < g.size; k++) sum += (quad)expl((long double)(x->values[places[k]] - most));
        for (size_t k = 0; k < g.size; k++) {
            quad over_most = x->values[places[k]] - most;
            out.values[places[k]] = logarithm ? over_most - (quad)logl((long double)sum) : (quad)expl((long double)over_most) / sum;
        }
    }
    return out;
}

void exact_softmax(const struct exact_node *n) {
    exact_put(n, 0, softmax(n, n->in[0]));
}

void exact_qlinear_softmax(const struct exact_node *n) {
    struct exact_tensor x = exact_dequantized(n, n->in[0], n->in[1], n->in[2], 0), result = softmax(n, &x);
    exact_put_quantized(n, &result, &(struct exact_quantizer){n->in[3], n->in[4], 0, n->in[0]->type});
}

/* ---- normalizations ---- */

/* Each group without its mean, over its standard deviation. */
static struct exact_tensor normalized(const struct exact_node *n, const struct exact_tensor *x, uint32_t first) {
    struct exact_tensor out = exact_shaped(n, x->rank, x->dims);
    bool over[NUMBERS_RANK_MAX] = {false};
    quad epsilon = (quad)exact_number(n, "epsilon", (double)1e-5F);
    for (uint32_t d = first; d < x->rank; d++) over[d] = true;
    struct groups g = group(n, x, over);
    for (size_t i = 0; i < g.count; i++) {
        const size_t *places = g.places + i * g.size;
        quad sum = 0, squares = 0;
        for (size_t k = 0; k < g.size; k++) sum += x->values[places[k]];
        quad mean = sum / (quad)g.size;
        for (size_t k = 0; k < g.size; k++) squares += (x->values[places[k]] - mean) * (x->values[places[k]] - mean);
        quad deviation = (quad)sqrtl((long double)(squares / (quad)g.size + epsilon));
        for (size_t k = 0; k < g.size; k++) out.values[places[k]] = (x->values[places[k]] - mean) / deviation;
    }
    return out;
}

void exact_layer_normalization(const struct exact_node *n) {
    struct exact_tensor out = normalized(n, n->in[0], (uint32_t)from_front((int64_t)exact_number(n, "axis", -1), n->in[0]->rank));
    for (size_t i = 0; i < out.count; i++) {
        out.values[i] *= n->in[1]->values[exact_broadcast(n->in[1], &out, i)];
        if (n->in[2] != NULL) out.values[i] += n->in[2]->values[exact_broadcast(n->in[2], &out, i)];
    }
    exact_put(n, 0, out);
}

void exact_instance_normalization(const struct exact_node *n) {
    struct exact_tensor out = normalized(n, n->in[0], 2);
    size_t positions = out.count / (out.dims[0] * out.dims[1]);
    for (size_t i = 0; i < out.count; i++) {
        size_t c = i / positions % out.dims[1];
        out.values[i] = out.values[i] * n->in[1]->values[c] + n->in[2]->values[c];
    }
    exact_put(n, 0, out);
}
