/* reference_moves.c - the part of the reference evaluator for operators whose output elements each come from known places of the input.
 *
 * Every output element is found by its coordinates, one at a time. Nothing is merged, nothing is strided.
 */
#include <math.h>
#include <string.h>

#include "common/status.h"
#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

void reference_coordinates(const struct qm_graph_tensor *tensor, uint64_t i, int64_t *at) {
    for (uint32_t d = tensor->rank; d-- > 0; i /= tensor->dims[d]) at[d] = (int64_t)(i % tensor->dims[d]);
}

uint64_t reference_index(const struct qm_graph_tensor *tensor, const int64_t *at) {
    uint64_t i = 0;
    for (uint32_t d = 0; d < tensor->rank; d++) i = i * tensor->dims[d] + (uint64_t)at[d];
    return i;
}

/* ---- one number to another ---- */

/* The number of one tensor in the scale of another. */
static int8_t rescaled(const struct reference_site *r, const struct qm_graph_tensor *in, int32_t value, enum qm_activation activation) {
    int32_t scaled = reference_scale_real(value - zero_of(in), scale_of(in) / scale_of(r->out));
    return reference_clamp(r, activation, (int64_t)scaled + zero_of(r->out));
}

static void run_rescale(const struct reference_site *r) {
    const int8_t *in = r->bytes[r->op->inputs[0]];
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) r->to[i] = rescaled(r, r->in, number(r->in, in, i), QM_ACT_NONE);
}

/* RELU of int8, which microcontrollers have, divides the scales in double, the rest, which LiteRT has, in single precision. */
static void run_relu(const struct reference_site *r, enum qm_activation activation) {
    const int8_t *in = r->bytes[r->op->inputs[0]];
    bool in_double = activation == QM_ACT_RELU && r->in->dtype == QM_I8;
    double factor = in_double ? scale_of(r->in) / scale_of(r->out) : (double)(r->in->quant.scale[0] / r->out->quant.scale[0]);
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int32_t scaled = reference_scale_real(number(r->in, in, i) - zero_of(r->in), factor);
        r->to[i] = reference_clamp(r, activation, (int64_t)scaled + zero_of(r->out));
    }
}

static void run_quantize(const struct reference_site *r) {
    if (r->in->dtype != QM_F32) {
        run_rescale(r);
        return;
    }
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        float value;
        memcpy(&value, r->bytes[r->op->inputs[0]] + 4 * i, 4);
        r->to[i] = reference_clamp(r, QM_ACT_NONE, (int64_t)lroundf(value / r->out->quant.scale[0]) + zero_of(r->out));
    }
}

static void run_dequantize(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        float value = (float)(scale_of(r->in) * (number(r->in, r->bytes[r->op->inputs[0]], i) - zero_of(r->in)));
        memcpy(r->to + 4 * i, &value, 4);
    }
}

/* TFLite's QuantizedMeanOrSum: the division by the count goes into the multiplier, as far as its bits go. */
static void run_mean(const struct reference_site *r) {
    const int8_t *in = r->bytes[r->op->inputs[0]];
    uint64_t outputs = qm_graph_elements(r->out), inputs = qm_graph_elements(r->in), count = inputs / outputs;
    int32_t multiplier;
    int scale_shift, shift = 0;
    reference_multiplier(scale_of(r->in) / scale_of(r->out), &multiplier, &scale_shift);
    while ((uint64_t)2 << shift <= count) shift++;
    if (shift > 31 + scale_shift) shift = 31 + scale_shift;
    multiplier = (int32_t)((int64_t)multiplier * ((int64_t)1 << shift) / (int64_t)count);
    for (uint64_t o = 0; o < outputs; o++) {
        int64_t sum = 0;
        for (uint64_t i = 0; i < inputs; i++)
            if (reference_reduced(r, i) == o) sum += number(r->in, in, i) - zero_of(r->in);
        r->to[o] =
            reference_clamp(r, QM_ACT_NONE, (int64_t)reference_scale((int32_t)sum, multiplier, scale_shift - shift) + zero_of(r->out));
    }
}

/* Output element i is element `from` of an operand. */
void reference_take(const struct reference_site *r, uint64_t i, uint32_t operand, uint64_t from) {
    size_t size = qm_dtype_bytes(r->out->dtype);
    memcpy(r->to + i * size, r->bytes[r->op->inputs[operand]] + from * size, size);
}

/* ---- moves: from where output element `at` comes ---- */

static void run_pad(const struct reference_site *r) {
    const int8_t *in = r->bytes[r->op->inputs[0]];
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK];
        bool inside = true;
        reference_coordinates(r->out, i, at);
        for (uint32_t d = 0; d < r->out->rank; d++) {
            at[d] -= r->op->pads[d].before;
            inside = inside && at[d] >= 0 && at[d] < r->in->dims[d];
        }
        if (r->out->dtype != QM_F32)
            r->to[i] = rescaled(r, r->in, inside ? number(r->in, in, reference_index(r->in, at)) : r->op->pad_value, QM_ACT_NONE);
        else if (inside)
            reference_take(r, i, 0, reference_index(r->in, at));
        else
            set_real(r, i, (float)r->op->low);
    }
}

static void run_concatenation(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK];
        uint32_t source = 0;
        reference_coordinates(r->out, i, at);
        const struct qm_graph_tensor *in = r->in;
        while (at[r->op->axis] >= in->dims[r->op->axis]) {
            at[r->op->axis] -= in->dims[r->op->axis];
            in = &r->graph->tensors[r->op->inputs[++source]];
        }
        r->to[i] = rescaled(r, in, number(in, r->bytes[r->op->inputs[source]], reference_index(in, at)), QM_ACT_NONE);
    }
}

/* A part that lacks the axis has one element of it. */
static void run_split(const struct reference_site *r) {
    bool unpacks = r->out->rank < r->in->rank;
    uint32_t axis = r->op->axis;
    int64_t offset = 0;
    for (uint32_t i = 0; i < r->part; i++) offset += unpacks ? 1 : r->graph->tensors[r->op->outputs[i]].dims[axis];
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK];
        reference_coordinates(r->out, i, at);
        for (uint32_t d = r->out->rank; d > axis && unpacks; d--) at[d] = at[d - 1];
        at[axis] = unpacks ? offset : at[axis] + offset;
        reference_take(r, i, 0, reference_index(r->in, at));
    }
}

/* The output may lack dimensions of one element, so its coordinates are those of the slice. */
static void run_strided_slice(const struct reference_site *r) {
    struct qm_graph_tensor slice = *r->in;
    memcpy(slice.dims, r->op->slice_dims, sizeof slice.dims);
    for (uint64_t i = 0; i < qm_graph_elements(&slice); i++) {
        int64_t at[QM_MAX_RANK];
        reference_coordinates(&slice, i, at);
        for (uint32_t d = 0; d < slice.rank; d++) at[d] = r->op->begin[d] + at[d] * r->op->step[d];
        reference_take(r, i, 0, reference_index(r->in, at));
    }
}

static void run_transpose(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK], from[QM_MAX_RANK];
        reference_coordinates(r->out, i, at);
        for (uint32_t d = 0; d < r->out->rank; d++) from[r->op->permutation[d]] = at[d];
        reference_take(r, i, 0, reference_index(r->in, from));
    }
}

/* TFLite's GetNearestNeighbor. */
static int64_t nearest(const struct reference_site *r, int64_t at, uint32_t d) {
    uint32_t in = r->in->dims[d], out = r->out->dims[d];
    bool corners = r->op->align_corners, centers = r->op->half_pixel_centers;
    float scale = corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
    float place = ((float)at + (centers ? 0.5F : 0.0F)) * scale;
    int64_t nearest = corners ? lroundf(place) : (int64_t)floorf(place);
    return nearest < (int64_t)in ? nearest : (int64_t)in - 1;
}

static void run_resize(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK];
        reference_coordinates(r->out, i, at);
        for (uint32_t d = 1; d <= 2; d++) at[d] = nearest(r, at[d], d);
        reference_take(r, i, 0, reference_index(r->in, at));
    }
}

bool reference_run_move(const struct reference_site *r) {
    switch (r->op->kind) {
    case QM_OP_QUANTIZE: run_quantize(r); return true;
    case QM_OP_DEQUANTIZE: run_dequantize(r); return true;
    case QM_OP_RELU: run_relu(r, QM_ACT_RELU); return true;
    case QM_OP_RELU6: run_relu(r, QM_ACT_RELU6); return true;
    case QM_OP_RELU_N1_TO_1: run_relu(r, QM_ACT_RELU_N1_TO_1); return true;
    case QM_OP_MEAN: run_mean(r); return true;
    case QM_OP_PAD: run_pad(r); return true;
    case QM_OP_CONCATENATION: run_concatenation(r); return true;
    case QM_OP_SPLIT: run_split(r); return true;
    case QM_OP_STRIDED_SLICE: run_strided_slice(r); return true;
    case QM_OP_TRANSPOSE: run_transpose(r); return true;
    case QM_OP_RESIZE_NEAREST_NEIGHBOR: run_resize(r); return true;
    default: return false;
    }
}
