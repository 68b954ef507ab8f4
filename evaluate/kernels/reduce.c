/* reduce.c - along axes: sums and means, extremes, and where along one axis these are.
 *
 * A sum of bytes less its zero points is scaled by input scale / output scale; a mean's multiplier is divided by the number of elements, as
 * far as its bits go. Floats are added in the order in which they lie.
 */
#include <float.h>
#include <stdlib.h>

#include "common/memory.h"
#include "evaluate/kernels/kernel.h"

enum { LEFT_MAX = 30, COUNT_MAX = INT32_MAX / UINT8_MAX };

static bool is_sum(const struct kernel *k) {
    return k->op->kind == QM_OP_SUM || k->op->kind == QM_OP_MEAN;
}

/* How many elements become one. */
static size_t reduced(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0);
    size_t count = 1;
    for (uint32_t d = 0; d < in->rank; d++)
        if ((k->op->axes >> d & 1) != 0) count *= in->dims[d];
    return count;
}

const char *kernel_check_reduce(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    size_t count = reduced(k);
    if (k->op->axes >> in->rank != 0 || qm_graph_elements(in) != qm_graph_elements(out) * count)
        return "the output's shape is not what the operator gives";
    if (!is_sum(k) || in->dtype == QM_F32) return NULL;
    if (count > COUNT_MAX) return "its sums do not fit 32 bits";
    double factor = (double)kernel_scale(in) / (double)kernel_scale(out);
    return kernel_factor_fits(factor, LEFT_MAX) ? NULL : "its scales are too far apart";
}

/* Walks over the input: where in the output its elements go. */
struct places {
    uint32_t rank, at[QM_MAX_RANK], dims[QM_MAX_RANK];
    size_t stride[QM_MAX_RANK], to;
};

static struct places places_begin(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0);
    struct places p = {.rank = in->rank};
    size_t stride = 1;
    memcpy(p.dims, in->dims, sizeof p.dims);
    for (uint32_t d = in->rank; d-- > 0;) {
        if ((k->op->axes >> d & 1) != 0) continue;
        p.stride[d] = stride;
        stride *= in->dims[d];
    }
    return p;
}

static void places_next(struct places *p) {
    for (uint32_t d = p->rank; d-- > 0;) {
        p->to += p->stride[d];
        if (++p->at[d] < p->dims[d]) return;
        p->at[d] = 0;
        p->to -= p->stride[d] * p->dims[d];
    }
}

static float next_float(enum qm_graph_op_kind kind, float so_far, float x) {
    if (kind == QM_OP_REDUCE_MAX) return x > so_far ? x : so_far;
    if (kind == QM_OP_REDUCE_MIN) return x < so_far ? x : so_far;
    return so_far + x;
}

static void reduce_floats(const struct kernel *k) {
    enum qm_graph_op_kind kind = k->op->kind;
    size_t elements = (size_t)qm_graph_elements(kernel_input(k, 0)), results = (size_t)qm_graph_elements(kernel_output(k));
    void *out = k->outputs[0];
    float first = kind == QM_OP_REDUCE_MAX ? -FLT_MAX : kind == QM_OP_REDUCE_MIN ? FLT_MAX : 0, count = (float)reduced(k);
    struct places p = places_begin(k);
    for (size_t i = 0; i < results; i++) kernel_set_float(out, i, first);
    for (size_t i = 0; i < elements; i++, places_next(&p))
        kernel_set_float(out, p.to, next_float(kind, kernel_float(out, p.to), kernel_float(k->inputs[0], i)));
    for (size_t i = 0; i < results && kind == QM_OP_MEAN; i++) kernel_set_float(out, i, kernel_float(out, i) / count);
}

static int32_t next_byte(enum qm_graph_op_kind kind, int32_t so_far, int32_t x) {
    if (kind == QM_OP_REDUCE_MAX) return x > so_far ? x : so_far;
    if (kind == QM_OP_REDUCE_MIN) return x < so_far ? x : so_far;
    return so_far + x;
}

static struct qm_multiplier sum_scale(const struct kernel *k, size_t count) {
    struct qm_multiplier scale = qm_multiplier_from_real((double)kernel_scale(kernel_input(k, 0)) / (double)kernel_scale(kernel_output(k)));
    if (k->op->kind == QM_OP_SUM) return scale;
    int32_t shift = 63 - __builtin_clzll(count);
    if (shift > 31 + scale.shift) shift = 31 + scale.shift;
    scale.value = (int32_t)(((int64_t)scale.value << shift) / (int64_t)count);
    scale.shift -= shift;
    return scale;
}

/* XNNPACK: the sum times scale, plus what the zero points come to, in single precision; then half to even. */
static void store_float_sums(const struct kernel *k, const int32_t *sums, size_t results) {
    const struct qm_graph_tensor *out = kernel_output(k);
    float scale = kernel_scale(kernel_input(k, 0)) / kernel_scale(out), count = (float)reduced(k);
    if (k->op->kind == QM_OP_MEAN) scale /= count;
    float addend = (float)kernel_zero(out) - (float)kernel_zero(kernel_input(k, 0)) * count * scale;
    for (size_t i = 0; i < results; i++) kernel_set_byte(k->outputs[0], i, kernel_cut(k, (float)sums[i] * scale + addend));
}

static void store_sums(const struct kernel *k, const int32_t *sums, size_t results) {
    if (k->graph->kernels == QM_KERNELS_XNNPACK) {
        store_float_sums(k, sums, results);
        return;
    }
    const struct qm_graph_tensor *out = kernel_output(k);
    int32_t count = (int32_t)reduced(k), zero = kernel_zero(kernel_input(k, 0)) * count;
    struct qm_multiplier scale = sum_scale(k, (size_t)count);
    for (size_t i = 0; i < results; i++) {
        int32_t scaled = qm_multiplied(sums[i] - zero, scale);
        kernel_set_byte(k->outputs[0], i, qm_output(scaled, kernel_zero(out), qm_graph_lowest(out), qm_graph_highest(out)));
    }
}

static void reduce_bytes(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0);
    enum qm_graph_op_kind kind = k->op->kind;
    size_t elements = (size_t)qm_graph_elements(in), results = (size_t)qm_graph_elements(kernel_output(k));
    int32_t *totals = qm_alloc(results * sizeof *totals);
    struct places p = places_begin(k);
    for (size_t i = 0; i < results; i++) totals[i] = kind == QM_OP_REDUCE_MAX ? INT8_MIN : kind == QM_OP_REDUCE_MIN ? UINT8_MAX : 0;
    for (size_t i = 0; i < elements; i++, places_next(&p))
        totals[p.to] = next_byte(kind, totals[p.to], kernel_byte(in->dtype, k->inputs[0], i));
    if (is_sum(k))
        store_sums(k, totals, results);
    else
        for (size_t i = 0; i < results; i++) kernel_set_byte(k->outputs[0], i, totals[i]);
    free(totals);
}

bool kernel_run_reduce(const struct kernel *k) {
    if (kernel_input(k, 0)->dtype == QM_F32)
        reduce_floats(k);
    else
        reduce_bytes(k);
    return true;
}

/* ---- where the extremes are ---- */

const char *kernel_check_arg(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    if (k->op->takes_last) return "it takes the last of equal ones";
    if (out->dtype != QM_I32 && out->dtype != QM_I64) return "its output is neither int32 nor int64";
    if (k->op->axis >= in->rank || qm_graph_elements(in) != qm_graph_elements(out) * in->dims[k->op->axis])
        return "the output's shape is not what the operator gives";
    return NULL;
}

static float stored(const struct qm_graph_tensor *tensor, const void *data, size_t i) {
    return tensor->dtype == QM_F32 ? kernel_float(data, i) : (float)kernel_byte(tensor->dtype, data, i);
}

/* The first of the largest or smallest of `count` elements. */
static int64_t find_extreme(const struct kernel *k, size_t first, size_t stride, uint32_t count) {
    const struct qm_graph_tensor *in = kernel_input(k, 0);
    float best = stored(in, k->inputs[0], first);
    int64_t at = 0;
    for (uint32_t i = 1; i < count; i++) {
        float x = stored(in, k->inputs[0], first + i * stride);
        if (!(k->op->kind == QM_OP_ARG_MAX ? x > best : x < best)) continue;
        best = x;
        at = i;
    }
    return at;
}

bool kernel_run_arg(const struct kernel *k) {
    const struct qm_graph_tensor *in = kernel_input(k, 0), *out = kernel_output(k);
    uint32_t count = in->dims[k->op->axis];
    size_t inner = kernel_span(in, k->op->axis + 1, in->rank), results = (size_t)qm_graph_elements(out), bytes = qm_dtype_bytes(out->dtype);
    for (size_t i = 0; i < results; i++) {
        int64_t at = find_extreme(k, i / inner * inner * count + i % inner, inner, count);
        memcpy((uint8_t *)k->outputs[0] + i * bytes, &at, bytes); /* little-endian */
    }
    return true;
}
