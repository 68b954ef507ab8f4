/* moves.c - MEAN, PAD, CONCATENATION, SPLIT and their kin, TRANSPOSE and resizing: constant operands become attributes of the operator.
 *
 * An operand that says an axis, a shape or an order must be a constant of integers. Afterwards the operator has only its data as inputs.
 */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "evaluate/evaluate.h"

/* The shape without the dimensions in `axes`, or with one element in each. */
static void open_reduced(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    bool keep = fb_u8(&o->r->fb, &o->options, REDUCER_KEEP_DIMS, 0) != 0;
    uint32_t dims[QM_MAX_RANK], rank = 0;
    for (uint32_t d = 0; d < in->rank; d++) {
        bool reduced = (o->op->axes >> d & 1) != 0;
        if (!reduced || keep) dims[rank++] = reduced ? 1 : in->dims[d];
    }
    tflite_open_shape(o, 0, rank, dims);
}

void tflite_read_axes(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    uint32_t count = (uint32_t)qm_graph_elements(tflite_input(o, 1)), axis;
    int32_t *axes = QM_ARENA_NEW(o->r->arena, int32_t, count); /* one may be there several times */
    if (!tflite_read_integers(o, 1, count, axes)) return;
    for (uint32_t i = 0; i < count && tflite_resolve_axis(o, axes[i], in->rank, &axis); i++) o->op->axes |= 1U << axis;
    open_reduced(o);
    uint64_t rest = 1;
    for (uint32_t d = 0; d < in->rank; d++) rest *= (o->op->axes >> d & 1) != 0 ? 1 : in->dims[d];
    if (rest != qm_graph_elements(out)) tflite_refuse_shape(o);
    tflite_keep_inputs(o, 1);
}

/* What PADV2 pads with, as the tensor stores it. */
static void read_pad_value(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    if (in->quant.count == 1) o->op->pad_value = (int32_t)in->quant.zero_point[0];
    if (o->op->input_count < 3) return;
    const struct qm_graph_tensor *value = tflite_input(o, 2);
    bool fits = value->data != NULL && value->dtype == in->dtype && value->size_bytes == qm_dtype_bytes(in->dtype);
    if (!fits)
        tflite_refuse(o, "the value to pad with must be one constant number of the input's type");
    else if (in->dtype == QM_F32)
        o->op->low = evaluate_stored(value, 0);
    else
        o->op->pad_value = in->dtype == QM_U8 ? *(const uint8_t *)value->data : *(const int8_t *)value->data;
}

void tflite_read_pad(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    int32_t pads[2 * QM_MAX_RANK];
    if (!tflite_read_integers(o, 1, 2 * in->rank, pads)) return;
    uint32_t dims[QM_MAX_RANK];
    for (uint32_t d = 0; d < in->rank; d++) {
        if (pads[2 * d] < 0 || pads[2 * d + 1] < 0)
            tflite_refuse(o, "pads %d and %d of axis %u; none may be below 0", pads[2 * d], pads[2 * d + 1], d);
        dims[d] = in->dims[d] + (uint32_t)pads[2 * d] + (uint32_t)pads[2 * d + 1];
    }
    tflite_open_shape(o, 0, in->rank, dims);
    bool fits = in->rank == out->rank;
    for (uint32_t d = 0; d < in->rank && fits; d++) {
        const int32_t *pad = pads + 2 * (size_t)d;
        fits = (int64_t)in->dims[d] + pad[0] + pad[1] == out->dims[d];
        o->op->pads[d].before = (uint32_t)pad[0];
        o->op->pads[d].after = (uint32_t)pad[1];
    }
    if (!fits) tflite_refuse_shape(o);
    read_pad_value(o);
    tflite_keep_inputs(o, 1);
}

/* Whether the shapes are the same but for one dimension. */
static bool alike_but(const struct qm_graph_tensor *a, const struct qm_graph_tensor *b, uint32_t axis) {
    bool alike = a->rank == b->rank;
    for (uint32_t d = 0; d < a->rank && alike; d++) alike = d == axis || a->dims[d] == b->dims[d];
    return alike;
}

/* The shape of the first part, as long along the axis as all are. False when a part is absent. */
static bool open_concatenation(const struct tflite_operator *o) {
    uint32_t dims[QM_MAX_RANK], axis = o->op->axis;
    for (uint32_t i = 0; i < o->op->input_count; i++) {
        if (o->op->inputs[i] == QM_NO_TENSOR) {
            tflite_refuse(o, "input %u is absent", i);
            return false;
        }
        const struct qm_graph_tensor *part = tflite_input(o, i);
        uint32_t before = i > 0 ? dims[axis] : 0;
        if (part->rank != tflite_output(o, 0)->rank) return true; /* refused when the parts are compared */
        memcpy(dims, part->dims, sizeof dims);
        dims[axis] += before;
    }
    tflite_open_shape(o, 0, tflite_output(o, 0)->rank, dims);
    return true;
}

void tflite_read_concatenation(const struct tflite_operator *o) {
    const struct qm_graph_tensor *out = tflite_output(o, 0);
    if (!tflite_resolve_axis(o, fb_i32(&o->r->fb, &o->options, CONCATENATION_AXIS, 0), out->rank, &o->op->axis)) return;
    tflite_read_activation(o, CONCATENATION_ACTIVATION);
    if (o->op->activation != QM_ACT_NONE) tflite_refuse(o, "a fused activation is not supported");
    uint64_t total = 0;
    bool fits = true;
    if (!open_concatenation(o)) return;
    for (uint32_t i = 0; i < o->op->input_count && fits; i++) {
        fits = alike_but(tflite_input(o, i), out, o->op->axis);
        total += tflite_input(o, i)->dims[o->op->axis];
    }
    if (!fits || total != out->dims[o->op->axis]) tflite_refuse_shape(o);
}

/* Parts of a constant of integers, which says shapes, are constants. */
static void fold_parts(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    size_t bytes = qm_dtype_bytes(in->dtype), rounds = 1, begin = 0;
    if (in->data == NULL || (in->dtype != QM_I32 && in->dtype != QM_I64)) return;
    for (uint32_t d = 0; d < o->op->axis; d++) rounds *= in->dims[d];
    size_t whole = bytes * (size_t)qm_graph_elements(in) / rounds;
    for (uint32_t i = 0; i < o->op->output_count; i++) {
        struct qm_graph_tensor *out = &o->r->graph->tensors[o->op->outputs[i]];
        size_t own = bytes * (size_t)qm_graph_elements(out) / rounds;
        uint8_t *data = qm_arena_alloc(o->r->arena, rounds * own);
        for (size_t r = 0; r < rounds; r++) memcpy(data + r * own, (const uint8_t *)in->data + r * whole + begin, own);
        out->data = data;
        out->size_bytes = rounds * own;
        begin += own;
    }
}

/* The outputs are parts of the input along the axis, side by side. A part without a shape of its own is as long as `length`. */
static void check_parts(const struct tflite_operator *o, uint32_t length) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    uint32_t dims[QM_MAX_RANK];
    memcpy(dims, in->dims, sizeof dims);
    dims[o->op->axis] = length;
    uint64_t total = 0;
    bool fits = true;
    for (uint32_t i = 0; i < o->op->output_count && fits; i++) {
        tflite_open_shape(o, i, in->rank, dims);
        fits = alike_but(tflite_output(o, i), in, o->op->axis);
        total += tflite_output(o, i)->dims[o->op->axis];
    }
    if (!fits || total != in->dims[o->op->axis]) tflite_refuse(o, "the outputs' shapes are not parts of the input");
    if (o->r->fb.status == QM_OK) fold_parts(o);
}

/* The file's operands are the axis and the input. */
void tflite_read_split(const struct tflite_operator *o) {
    int32_t axis;
    if (!tflite_read_integers(o, 0, 1, &axis)) return;
    o->op->inputs[0] = o->op->inputs[1];
    tflite_keep_inputs(o, 1);
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    if (tflite_resolve_axis(o, axis, in->rank, &o->op->axis)) check_parts(o, in->dims[o->op->axis] / o->op->output_count);
}

/* The file's operands are the input, the lengths of the parts, of which one may be -1, whatever is left, and the axis. */
void tflite_read_split_v(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t axis, *lengths = QM_ARENA_NEW(o->r->arena, int32_t, o->op->output_count);
    int64_t left = 0;
    if (!tflite_read_integers(o, 1, o->op->output_count, lengths) || !tflite_read_integers(o, 2, 1, &axis)) return;
    if (!tflite_resolve_axis(o, axis, in->rank, &o->op->axis)) return;
    for (uint32_t i = 0; i < o->op->output_count; i++) left += lengths[i] > 0 ? lengths[i] : 0;
    left = in->dims[o->op->axis] - left;
    tflite_keep_inputs(o, 1);
    check_parts(o, (uint32_t)left);
    for (uint32_t i = 0; i < o->op->output_count && o->r->fb.status == QM_OK; i++)
        if (tflite_output(o, i)->dims[o->op->axis] != (lengths[i] == -1 ? left : lengths[i]))
            tflite_refuse(o, "output %u does not have the length %d", i, lengths[i]);
}

/* Each output is one element of the axis, which it has not. */
void tflite_read_unpack(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    uint32_t dims[QM_MAX_RANK], rank = 0;
    if (!tflite_resolve_axis(o, fb_i32(&o->r->fb, &o->options, UNPACK_AXIS, 0), in->rank, &o->op->axis)) return;
    for (uint32_t d = 0; d < in->rank; d++)
        if (d != o->op->axis) dims[rank++] = in->dims[d];
    if (o->op->output_count != in->dims[o->op->axis])
        tflite_refuse(o, "%u outputs of %u elements", o->op->output_count, in->dims[o->op->axis]);
    for (uint32_t i = 0; i < o->op->output_count; i++) tflite_check_shape(o, i, rank, dims);
    if (o->r->fb.status == QM_OK) fold_parts(o);
}

/* ---- repetitions and mirrors ---- */

/* Each dimension so many times. */
void tflite_read_tile(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t times[QM_MAX_RANK];
    uint32_t dims[QM_MAX_RANK];
    if (!tflite_read_integers(o, 1, in->rank, times)) return;
    for (uint32_t d = 0; d < in->rank; d++) dims[d] = times[d] > 0 ? tflite_times(o, in->dims[d], (uint32_t)times[d]) : 0;
    tflite_check_shape(o, 0, in->rank, dims);
    tflite_keep_inputs(o, 1);
}

/* To a shape whose last dimensions are the input's, or where that has one element. */
void tflite_read_broadcast_to(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t shape[QM_MAX_RANK];
    uint32_t dims[QM_MAX_RANK], rank = (uint32_t)qm_graph_elements(tflite_input(o, 1));
    if (rank > QM_MAX_RANK || rank < in->rank) {
        tflite_refuse(o, "to %u dimensions, from %u", rank, in->rank);
        return;
    }
    if (!tflite_read_integers(o, 1, rank, shape)) return;
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t own = d < rank - in->rank ? 1 : in->dims[d - (rank - in->rank)];
        dims[d] = shape[d] > 0 ? (uint32_t)shape[d] : 0;
        if (own != 1 && own != dims[d]) tflite_refuse(o, "%u elements cannot become %d", own, shape[d]);
    }
    tflite_check_shape(o, 0, rank, dims);
    tflite_keep_inputs(o, 1);
}

/* Mode 0 mirrors what is behind the edge, mode 1 the edge, too. */
void tflite_read_mirror_pad(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t pads[2 * QM_MAX_RANK];
    uint32_t dims[QM_MAX_RANK];
    uint8_t mode = fb_u8(&o->r->fb, &o->options, MIRROR_PAD_MODE, 0);
    if (!tflite_read_integers(o, 1, 2 * in->rank, pads)) return;
    if (mode > 1) tflite_refuse(o, "mode %u is unknown", mode);
    o->op->repeats_edge = mode == 1;
    for (uint32_t d = 0; d < in->rank; d++) {
        int32_t before = pads[2 * d], after = pads[2 * d + 1], most = (int32_t)in->dims[d] - (mode == 0);
        if (before < 0 || after < 0 || before > most || after > most) {
            tflite_refuse(o, "pads %d and %d of %u elements", before, after, in->dims[d]);
            return;
        }
        o->op->pads[d].before = (uint32_t)before;
        o->op->pads[d].after = (uint32_t)after;
        dims[d] = in->dims[d] + (uint32_t)before + (uint32_t)after;
    }
    tflite_check_shape(o, 0, in->rank, dims);
    tflite_keep_inputs(o, 1);
}

/* ---- transpose and resize ---- */

void tflite_read_transpose(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    int32_t order[QM_MAX_RANK];
    uint32_t seen = 0;
    if (!tflite_read_integers(o, 1, in->rank, order)) return;
    uint32_t dims[QM_MAX_RANK];
    for (uint32_t d = 0; d < in->rank; d++) {
        if (!tflite_resolve_axis(o, order[d], in->rank, &o->op->permutation[d])) return;
        dims[d] = in->dims[o->op->permutation[d]];
    }
    tflite_open_shape(o, 0, in->rank, dims);
    bool fits = in->rank == out->rank;
    for (uint32_t d = 0; d < in->rank && fits; d++) {
        seen |= 1U << o->op->permutation[d];
        fits = out->dims[d] == in->dims[o->op->permutation[d]];
    }
    if (!fits || seen != (1U << in->rank) - 1) tflite_refuse_shape(o);
    tflite_keep_inputs(o, 1);
}

/* The new size is that of the output. */
static void read_resize(const struct tflite_operator *o, uint32_t align_corners, uint32_t half_pixel) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    int32_t size[2];
    if (!tflite_read_integers(o, 1, 2, size)) return;
    o->op->align_corners = fb_u8(&o->r->fb, &o->options, align_corners, 0) != 0;
    o->op->half_pixel_centers = fb_u8(&o->r->fb, &o->options, half_pixel, 0) != 0;
    tflite_open_batch(o, 0, in->dims[0]);
    bool maps = in->rank == 4 && out->rank == 4;
    if (!maps || in->dims[0] != out->dims[0] || in->dims[3] != out->dims[3] || size[0] != (int32_t)out->dims[1] ||
        size[1] != (int32_t)out->dims[2])
        tflite_refuse_shape(o);
    tflite_keep_inputs(o, 1);
}

void tflite_read_resize(const struct tflite_operator *o) {
    read_resize(o, RESIZE_ALIGN_CORNERS, RESIZE_HALF_PIXEL);
}

void tflite_read_resize_bilinear(const struct tflite_operator *o) {
    read_resize(o, BILINEAR_ALIGN_CORNERS, BILINEAR_HALF_PIXEL);
}
