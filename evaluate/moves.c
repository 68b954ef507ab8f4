/* moves.c - operators that put elements elsewhere. Each result element is an input element, found by index, or padding: bytes are copied,
 * so that no number is changed on its way.
 */
#include <string.h>

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

static const struct qm_graph_tensor *input(const struct evaluate_moving *m, uint32_t i) {
    return &m->graph->tensors[m->op->inputs[i]];
}

static const struct qm_graph_tensor *output(const struct evaluate_moving *m) {
    return &m->graph->tensors[m->op->outputs[0]];
}

/* Makes `count` elements of the output, from `to` on, those of input i from `from` on. */
static void copy(const struct evaluate_moving *m, size_t to, uint32_t i, size_t from, size_t count) {
    memcpy((uint8_t *)m->to + to * m->size, (const uint8_t *)m->from[i] + from * m->size, count * m->size);
}

static void transpose(const struct evaluate_moving *m) {
    const struct qm_graph_tensor *out = output(m);
    struct index index = {{0}};
    size_t stride[QM_MAX_RANK], elements = (size_t)qm_graph_elements(out);
    find_strides(input(m, 0), stride);
    for (size_t i = 0; i < elements; i++, advance(&index, out)) {
        size_t source = 0;
        for (uint32_t d = 0; d < out->rank; d++) source += index.at[d] * stride[m->op->permutation[d]];
        copy(m, i, 0, source, 1);
    }
}

/* The output may lack dimensions of which one element is taken. */
static void slice(const struct evaluate_moving *m) {
    const struct qm_graph_tensor *in = input(m, 0);
    struct qm_graph_tensor taken = *in;
    struct index index = {{0}};
    size_t elements = (size_t)qm_graph_elements(output(m));
    memcpy(taken.dims, m->op->slice_dims, sizeof taken.dims);
    for (size_t i = 0; i < elements; i++, advance(&index, &taken)) {
        uint32_t at[QM_MAX_RANK];
        for (uint32_t d = 0; d < in->rank; d++) at[d] = (uint32_t)(m->op->begin[d] + (int64_t)index.at[d] * m->op->step[d]);
        copy(m, i, 0, offset(in, at), 1);
    }
}

static void pad(const struct evaluate_moving *m) {
    const struct qm_graph_tensor *in = input(m, 0), *out = output(m);
    struct index index = {{0}};
    size_t elements = (size_t)qm_graph_elements(out);
    for (size_t i = 0; i < elements; i++, advance(&index, out)) {
        uint32_t at[QM_MAX_RANK];
        bool inside = true;
        for (uint32_t d = 0; d < in->rank; d++) {
            at[d] = index.at[d] - m->op->pads[d].before; /* wraps in front of the input */
            inside = inside && at[d] < in->dims[d];
        }
        if (inside)
            copy(m, i, 0, offset(in, at), 1);
        else
            memcpy((uint8_t *)m->to + i * m->size, m->padding, m->size);
    }
}

static void resize(const struct evaluate_moving *m) {
    const struct qm_graph_tensor *in = input(m, 0), *out = output(m);
    struct index index = {{0}};
    size_t elements = (size_t)qm_graph_elements(out);
    for (size_t i = 0; i < elements; i++, advance(&index, out)) {
        uint32_t at[QM_MAX_RANK];
        for (uint32_t d = 0; d < in->rank; d++) at[d] = index.at[d] / (out->dims[d] / in->dims[d]);
        copy(m, i, 0, offset(in, at), 1);
    }
}

/* One input behind the other along the axis; of PACK, whose inputs lack the axis, each is one place of it. */
static void concatenate(const struct evaluate_moving *m) {
    const struct qm_graph_tensor *out = output(m);
    size_t outer = 1, row = 1, begin = 0;
    for (uint32_t d = 0; d < m->op->axis; d++) outer *= out->dims[d];
    for (uint32_t d = m->op->axis; d < out->rank; d++) row *= out->dims[d];
    for (uint32_t i = 0; i < m->op->input_count; i++) {
        size_t part = (size_t)qm_graph_elements(input(m, i)) / outer;
        for (size_t o = 0; o < outer; o++) copy(m, o * row + begin, i, o * part, part);
        begin += part;
    }
}

/* The dimension of the axis is replaced by those of the indices. False: an index is outside. */
static bool gather(const struct evaluate_moving *m) {
    const struct qm_graph_tensor *in = input(m, 0);
    size_t outer = 1, inner = 1, count = (size_t)qm_graph_elements(input(m, 1)), extent = in->dims[m->op->axis];
    for (uint32_t d = 0; d < m->op->axis; d++) outer *= in->dims[d];
    for (uint32_t d = m->op->axis + 1; d < in->rank; d++) inner *= in->dims[d];
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < count; i++) {
            double at = m->indices[i] < 0 ? m->indices[i] + (double)extent : m->indices[i];
            if (!(at >= 0 && at < (double)extent)) return false;
            copy(m, (o * count + i) * inner, 0, (o * extent + (size_t)at) * inner, inner);
        }
    return true;
}

static void fill(const struct evaluate_moving *m) {
    size_t elements = (size_t)qm_graph_elements(output(m));
    for (size_t i = 0; i < elements; i++) copy(m, i, 0, 0, 1);
}

bool evaluate_is_move(enum qm_graph_op_kind kind) {
    return kind == QM_OP_RESHAPE || kind == QM_OP_TRANSPOSE || kind == QM_OP_STRIDED_SLICE || kind == QM_OP_PAD ||
           kind == QM_OP_CONCATENATION || kind == QM_OP_RESIZE_NEAREST_NEIGHBOR || kind == QM_OP_GATHER || kind == QM_OP_PACK ||
           kind == QM_OP_FILL;
}

bool evaluate_move(const struct evaluate_moving *moving) {
    switch (moving->op->kind) {
    case QM_OP_RESHAPE: copy(moving, 0, 0, 0, (size_t)qm_graph_elements(output(moving))); return true;
    case QM_OP_TRANSPOSE: transpose(moving); return true;
    case QM_OP_STRIDED_SLICE: slice(moving); return true;
    case QM_OP_PAD: pad(moving); return true;
    case QM_OP_RESIZE_NEAREST_NEIGHBOR: resize(moving); return true;
    case QM_OP_CONCATENATION:
    case QM_OP_PACK: concatenate(moving); return true;
    case QM_OP_FILL: fill(moving); return true;
    case QM_OP_GATHER: return gather(moving);
    default: return false;
    }
}
