/* moves.c - operators that put elements elsewhere. Each result element is an input element, found by index, or padding. */
#include "evaluate/evaluate.h"

/* The index of a result element, one number a dimension. */
struct index {
    uint32_t at[QM_MAX_RANK];
};

static void advance(struct index *index, const struct qm_graph_tensor *out) {
    for (uint32_t d = out->rank; d-- > 0;) {
        if (++index->at[d] < out->dims[d]) return;
        index->at[d] = 0;
    }
}

static void find_strides(const struct qm_graph_tensor *tensor, size_t *stride) {
    size_t step = 1;
    for (uint32_t d = tensor->rank; d-- > 0; step *= tensor->dims[d]) stride[d] = step;
}

static size_t offset(const struct qm_graph_tensor *in, const uint32_t *at) {
    size_t result = 0;
    for (uint32_t d = 0; d < in->rank; d++) result = result * in->dims[d] + at[d];
    return result;
}

static void transpose(const struct qm_graph_op *op, const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, const double *from,
                      double *to) {
    struct index index = {{0}};
    size_t stride[QM_MAX_RANK], elements = (size_t)qm_graph_elements(out);
    find_strides(in, stride);
    for (size_t i = 0; i < elements; i++, advance(&index, out)) {
        size_t source = 0;
        for (uint32_t d = 0; d < out->rank; d++) source += index.at[d] * stride[op->permutation[d]];
        to[i] = from[source];
    }
}

static void slice(const struct qm_graph_op *op, const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, const double *from,
                  double *to) {
    struct qm_graph_tensor taken = *in;
    struct index index = {{0}};
    size_t elements = (size_t)qm_graph_elements(out);
    for (uint32_t d = 0; d < in->rank; d++) taken.dims[d] = op->slice_dims[d];
    for (size_t i = 0; i < elements; i++, advance(&index, &taken)) {
        uint32_t at[QM_MAX_RANK];
        for (uint32_t d = 0; d < in->rank; d++) at[d] = (uint32_t)(op->begin[d] + (int64_t)index.at[d] * op->step[d]);
        to[i] = from[offset(in, at)];
    }
}

static void pad(const struct qm_graph_op *op, const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, const double *from,
                double *to) {
    struct index index = {{0}};
    size_t elements = (size_t)qm_graph_elements(out);
    for (size_t i = 0; i < elements; i++, advance(&index, out)) {
        uint32_t at[QM_MAX_RANK];
        bool inside = true;
        for (uint32_t d = 0; d < in->rank; d++) {
            at[d] = index.at[d] - op->pads[d].before; /* wraps in front of the input */
            inside = inside && at[d] < in->dims[d];
        }
        to[i] = inside ? from[offset(in, at)] : op->low;
    }
}

static void resize(const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, const double *from, double *to) {
    struct index index = {{0}};
    size_t elements = (size_t)qm_graph_elements(out);
    for (size_t i = 0; i < elements; i++, advance(&index, out)) {
        uint32_t at[QM_MAX_RANK];
        for (uint32_t d = 0; d < in->rank; d++) at[d] = index.at[d] / (out->dims[d] / in->dims[d]);
        to[i] = from[offset(in, at)];
    }
}

static void concatenate(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    size_t outer = 1, row = 1, begin = 0;
    for (uint32_t d = 0; d < op->axis; d++) outer *= out->dims[d];
    for (uint32_t d = op->axis; d < out->rank; d++) row *= out->dims[d];
    for (uint32_t i = 0; i < op->input_count; i++) {
        size_t part = (size_t)qm_graph_elements(&graph->tensors[op->inputs[i]]) / outer;
        for (size_t o = 0; o < outer; o++)
            for (size_t e = 0; e < part; e++) to[o * row + begin + e] = inputs[i][o * part + e];
        begin += part;
    }
}

/* False: an index is outside. */
static bool gather(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]];
    size_t outer = 1, inner = 1, count = (size_t)qm_graph_elements(&graph->tensors[op->inputs[1]]), extent = in->dims[op->axis];
    for (uint32_t d = 0; d < op->axis; d++) outer *= in->dims[d];
    for (uint32_t d = op->axis + 1; d < in->rank; d++) inner *= in->dims[d];
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < count; i++) {
            double at = inputs[1][i] < 0 ? inputs[1][i] + (double)extent : inputs[1][i];
            if (!(at >= 0 && at < (double)extent)) return false;
            for (size_t e = 0; e < inner; e++) to[(o * count + i) * inner + e] = inputs[0][(o * extent + (size_t)at) * inner + e];
        }
    return true;
}

bool evaluate_is_move(enum qm_graph_op_kind kind) {
    return kind == QM_OP_RESHAPE || kind == QM_OP_TRANSPOSE || kind == QM_OP_STRIDED_SLICE || kind == QM_OP_PAD ||
           kind == QM_OP_CONCATENATION || kind == QM_OP_RESIZE_NEAREST_NEIGHBOR || kind == QM_OP_GATHER;
}

bool evaluate_move(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]], *out = &graph->tensors[op->outputs[0]];
    switch (op->kind) {
    case QM_OP_RESHAPE:
        for (size_t i = 0; i < (size_t)qm_graph_elements(out); i++) to[i] = inputs[0][i];
        return true;
    case QM_OP_TRANSPOSE: transpose(op, in, out, inputs[0], to); return true;
    case QM_OP_STRIDED_SLICE: slice(op, in, out, inputs[0], to); return true;
    case QM_OP_PAD: pad(op, in, out, inputs[0], to); return true;
    case QM_OP_RESIZE_NEAREST_NEIGHBOR: resize(in, out, inputs[0], to); return true;
    case QM_OP_CONCATENATION: concatenate(graph, op, inputs, to); return true;
    case QM_OP_GATHER: return gather(graph, op, inputs, to);
    default: return false;
    }
}
