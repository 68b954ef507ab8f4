/* moves.c - MEAN, PAD, CONCATENATION, SPLIT, STRIDED_SLICE, TRANSPOSE and resizing: constant operands become attributes of the operator.
 *
 * An operand that says an axis, a shape or an order must be a constant of integers. Afterwards the operator has only its data as inputs.
 */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"

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
    int32_t axes[QM_MAX_RANK];
    uint32_t count = (uint32_t)qm_graph_elements(tflite_input(o, 1)), axis;
    if (count > in->rank) {
        tflite_refuse(o, "%u axes of %u dimensions", count, in->rank);
        return;
    }
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
    bool fits = value->data != NULL && value->dtype == in->dtype && value->size_bytes == 1;
    if (!fits)
        tflite_refuse(o, "the value to pad with must be one constant byte of the input's type");
    else
        o->op->pad_value = in->dtype == QM_U8 ? *(const uint8_t *)value->data : *(const int8_t *)value->data;
}

void tflite_read_pad(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    int32_t pads[2 * QM_MAX_RANK];
    if (!tflite_read_integers(o, 1, 2 * in->rank, pads)) return;
    uint32_t dims[QM_MAX_RANK];
    for (uint32_t d = 0; d < in->rank; d++) dims[d] = in->dims[d] + (uint32_t)pads[2 * d] + (uint32_t)pads[2 * d + 1];
    tflite_open_shape(o, 0, in->rank, dims);
    bool fits = in->rank == out->rank;
    for (uint32_t d = 0; d < in->rank && fits; d++) {
        const int32_t *pad = pads + 2 * (size_t)d;
        fits = pad[0] >= 0 && pad[1] >= 0 && (int64_t)in->dims[d] + pad[0] + pad[1] == out->dims[d];
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

/* The file's operands are the axis and the input. */
void tflite_read_split(const struct tflite_operator *o) {
    int32_t axis;
    if (!tflite_read_integers(o, 0, 1, &axis)) return;
    o->op->inputs[0] = o->op->inputs[1];
    tflite_keep_inputs(o, 1);
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    if (!tflite_resolve_axis(o, axis, in->rank, &o->op->axis)) return;
    uint32_t dims[QM_MAX_RANK];
    memcpy(dims, in->dims, sizeof dims);
    dims[o->op->axis] /= o->op->output_count;
    uint64_t total = 0;
    bool fits = true;
    for (uint32_t i = 0; i < o->op->output_count && fits; i++) {
        tflite_open_shape(o, i, in->rank, dims);
        fits = alike_but(tflite_output(o, i), in, o->op->axis);
        total += tflite_output(o, i)->dims[o->op->axis];
    }
    if (!fits || total != in->dims[o->op->axis]) tflite_refuse(o, "the outputs' shapes are not parts of the input");
}

/* ---- strided slice ---- */

/* One dimension: begin, end and step as the file has them; masks say that an end is open or that one element is taken. */
struct slice {
    int32_t begin, end, step;
    bool open_begin, open_end, one;
};

static int32_t clamp_index(int64_t index, int32_t size, int32_t low, int32_t high) {
    if (index < 0) index += size;
    return index < low ? low : index > high ? high : (int32_t)index;
}

/* As TFLite counts: a step down may begin at the last and end before the first element. False when nothing is taken. */
static bool resolve_slice(const struct slice *slice, int32_t size, int32_t *begin, uint32_t *count) {
    bool up = slice->step > 0;
    int32_t low = up ? 0 : -1, high = up ? size : size - 1;
    *begin = slice->open_begin ? (up ? 0 : size - 1) : clamp_index(slice->begin, size, low, high);
    int32_t end = slice->open_end ? (up ? size : -1) : clamp_index(slice->end, size, low, high);
    if (slice->one) end = *begin + (up ? 1 : -1);
    int64_t span = up ? (int64_t)end - *begin : (int64_t)*begin - end, step = up ? slice->step : -(int64_t)slice->step;
    *count = span > 0 ? (uint32_t)((span + step - 1) / step) : 0;
    return *count > 0 && *begin >= 0 && *begin < size;
}

/* Begin, end and step of the dimensions that the operands speak of, and the masks. False: refused. */
static bool read_slices(const struct tflite_operator *o, struct slice *slices) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    int32_t numbers[3][QM_MAX_RANK];
    uint32_t masks[5], named = (uint32_t)qm_graph_elements(tflite_input(o, 1));
    if (named > in->rank) {
        tflite_refuse(o, "slices of %u dimensions, but the input has %u", named, in->rank);
        return false;
    }
    for (uint32_t i = 0; i < 3; i++)
        if (!tflite_read_integers(o, i + 1, named, numbers[i])) return false;
    for (uint32_t i = 0; i < 5; i++) masks[i] = fb_u32(&o->r->fb, &o->options, i, 0);
    bool offset = fb_u8(&o->r->fb, &o->options, SLICE_OFFSET, 0) != 0;
    if (masks[SLICE_ELLIPSIS_MASK] != 0 || masks[SLICE_NEW_AXIS_MASK] != 0 || offset)
        tflite_refuse(o, "an ellipsis, a new axis or offsets are not supported");
    for (uint32_t d = 0; d < named; d++)
        slices[d] = (struct slice){numbers[0][d],
                                   numbers[1][d],
                                   numbers[2][d],
                                   (masks[SLICE_BEGIN_MASK] >> d & 1) != 0,
                                   (masks[SLICE_END_MASK] >> d & 1) != 0,
                                   (masks[SLICE_SHRINK_MASK] >> d & 1) != 0};
    for (uint32_t d = named; d < in->rank; d++) slices[d] = (struct slice){.step = 1, .open_begin = true, .open_end = true};
    return true;
}

/* Dimensions behind those that begin, end and step speak of are taken whole. */
void tflite_read_strided_slice(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0);
    struct slice slices[QM_MAX_RANK];
    uint32_t dims[QM_MAX_RANK], rank = 0;
    uint64_t elements = 1;
    bool fits = true;
    if (!read_slices(o, slices)) return;
    for (uint32_t d = 0; d < in->rank && fits; d++) {
        fits = slices[d].step != 0 && resolve_slice(&slices[d], (int32_t)in->dims[d], &o->op->begin[d], &o->op->slice_dims[d]);
        o->op->step[d] = slices[d].step;
        elements *= o->op->slice_dims[d];
        if (!slices[d].one) dims[rank++] = o->op->slice_dims[d];
    }
    if (fits) tflite_open_shape(o, 0, rank, dims);
    if (!fits || elements != qm_graph_elements(tflite_output(o, 0))) tflite_refuse_shape(o);
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
