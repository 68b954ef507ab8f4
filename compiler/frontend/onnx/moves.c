/* moves.c - nodes that put elements elsewhere: Concat, Pad, Slice, Split, Resize.
 *
 * They work on the order that the bytes have; axis_in finds an ONNX axis in it.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { LIST_MAX = ONNX_OUTPUTS_MAX };

/* Where an axis of the ONNX shape is in a tensor of the order. */
static uint32_t axis_in(const struct onnx_shape *shape, enum onnx_order order, uint32_t axis) {
    static const uint32_t of_four[] = {0, 3, 1, 2}, of_three[] = {0, 3, 2};
    if (order == ONNX_PLAIN) return axis;
    return shape->rank == 4 ? of_four[axis] : of_three[axis];
}

/* ---- concatenation and padding ---- */

bool onnx_concat(const struct onnx_node *n) {
    uint32_t count = (uint32_t)n->source->n_input, axis, tensors[ONNX_INPUTS_MAX];
    struct onnx_value *first = n->inputs[0];
    if (!onnx_materialize(n, first) || !onnx_axis(n, onnx_int(n, "axis", 0), first->shape.rank, &axis)) return false;
    enum onnx_order order = onnx_order_of(first);
    struct onnx_shape shape = first->shape;
    struct onnx_value like = *first;
    for (uint32_t i = 0; i < count; i++) {
        struct onnx_value *part = n->inputs[i];
        if (part == NULL) return onnx_refuse(n, "lacks input %u", i);
        if (!onnx_materialize(n, part)) return false;
        bool fits = part->shape.rank == shape.rank;
        for (uint32_t d = 0; fits && d < shape.rank; d++) fits = d == axis || part->shape.dims[d] == shape.dims[d];
        if (!fits) return onnx_refuse(n, "has parts whose shapes do not fit");
        if (part->real != first->real || part->scale != first->scale || part->zero != first->zero || !part->quant_known)
            return onnx_refuse(n, "has parts with different scales");
        if (!onnx_tensor(n, part, order, &tensors[i])) return false;
        if (n->r->graph->tensors[tensors[i]].dtype != n->r->graph->tensors[tensors[0]].dtype)
            return onnx_refuse(n, "has parts of int8 and of uint8");
        shape.dims[axis] = i == 0 ? part->shape.dims[axis] : shape.dims[axis] + part->shape.dims[axis];
        like.low = part->low < like.low ? part->low : like.low;
        like.high = part->high > like.high ? part->high : like.high;
    }
    struct onnx_shape whole = onnx_shape_of(&n->r->graph->tensors[tensors[0]]);
    uint32_t along = axis_in(&first->shape, order, axis);
    whole.dims[along] = shape.dims[axis];
    uint32_t result = onnx_add_like(n, tensors[0], &whole);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_CONCATENATION, tensors[0], result);
    op->input_count = count;
    memcpy(op->inputs, tensors, count * sizeof *tensors);
    op->axis = along;
    onnx_put(n, &like, &shape, order, result);
    return true;
}

static bool read_padding(const struct onnx_node *n, uint32_t rank, double *pads, double *value) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, "pads");
    const struct onnx_value *list = NULL;
    *value = (double)onnx_float(n, "value", 0);
    if (strcmp(onnx_text(n, "mode", "constant"), "constant") != 0) return onnx_refuse(n, "pads with other than a constant");
    if (n->inputs[3] != NULL) return onnx_refuse(n, "has axes, which are not supported");
    if (attribute == NULL && !onnx_constant(n, 1, &list)) return false;
    if (n->inputs[2] != NULL && !onnx_number(n, 2, value)) return false;
    if ((attribute != NULL ? attribute->n_ints : onnx_elements(&list->shape)) != 2 * rank)
        return onnx_refuse(n, "has not two pads a dimension");
    for (uint32_t i = 0; i < 2 * rank; i++) {
        pads[i] = attribute != NULL ? (double)attribute->ints[i] : list->numbers[i];
        if (!(pads[i] >= 0 && pads[i] <= UINT16_MAX)) return onnx_refuse(n, "pads %g elements", pads[i]);
    }
    return true;
}

bool onnx_pad(const struct onnx_node *n) {
    struct onnx_value *in = n->inputs[0];
    uint32_t rank = in->shape.rank, tensor;
    double pads[2 * QM_MAX_RANK], value;
    if (!onnx_materialize(n, in) || !read_padding(n, rank, pads, &value)) return false;
    double stored = in->real ? nearbyint(value / (double)in->scale) + (double)in->zero : value;
    enum onnx_order order = rank == 4 ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
    if (!onnx_tensor(n, in, order, &tensor)) return false;
    struct onnx_shape shape = in->shape, whole = onnx_shape_of(&n->r->graph->tensors[tensor]);
    bool is_unsigned = n->r->graph->tensors[tensor].dtype == QM_U8;
    if (stored < (is_unsigned ? 0 : INT8_MIN) || stored > (is_unsigned ? UINT8_MAX : INT8_MAX))
        return onnx_refuse(n, "pads with %g", value);
    bool any = false;
    for (uint32_t d = 0; d < rank; d++) {
        shape.dims[d] += (uint32_t)(pads[d] + pads[rank + d]);
        whole.dims[axis_in(&in->shape, order, d)] = shape.dims[d];
        any = any || pads[d] + pads[rank + d] > 0;
    }
    uint32_t result = tensor;
    if (any) {
        result = onnx_add_like(n, tensor, &whole);
        struct qm_graph_op *op = onnx_add_op(n, QM_OP_PAD, tensor, result);
        op->pad_value = (int32_t)stored;
        for (uint32_t d = 0; d < rank; d++) {
            uint32_t axis = axis_in(&in->shape, order, d);
            op->pads[axis].before = (uint32_t)pads[d];
            op->pads[axis].after = (uint32_t)pads[rank + d];
        }
    }
    struct onnx_value like = *in;
    like.low = any && stored < like.low ? (int32_t)stored : like.low;
    like.high = any && stored > like.high ? (int32_t)stored : like.high;
    onnx_put(n, &like, &shape, order, result);
    return true;
}

/* ---- slices ---- */

/* The elements that are taken of each axis. */
struct slice {
    int32_t begin[QM_MAX_RANK], step[QM_MAX_RANK];
    struct onnx_shape shape;
};

static double clamp_index(double index, double size, double low, double high) {
    return fmin(fmax(index < 0 ? index + size : index, low), high);
}

/* Sets an axis to range: begin, end, step. A step down may begin at the last element and end before the first. */
static bool slice_axis(const struct onnx_node *n, uint32_t axis, const double range[3], struct slice *slice) {
    double size = slice->shape.dims[axis], step = fmin(fmax(range[2], INT32_MIN), INT32_MAX);
    double low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    double begin = clamp_index(range[0], size, low, high), end = clamp_index(range[1], size, low, high);
    double count = step == 0 ? 0 : ceil((end - begin) / step);
    if (!(count >= 1 && begin >= 0 && begin < size)) return onnx_refuse(n, "takes nothing of axis %u", axis);
    slice->begin[axis] = (int32_t)begin;
    slice->step[axis] = (int32_t)step;
    slice->shape.dims[axis] = (uint32_t)count;
    return true;
}

/* All elements of a shape. */
static struct slice whole(const struct onnx_shape *shape) {
    struct slice slice = {.shape = *shape};
    for (uint32_t d = 0; d < shape->rank; d++) slice.step[d] = 1;
    return slice;
}

/* A list of integers, which is an attribute in older versions and input i in younger ones; absent: length 0. */
static bool read_list(const struct onnx_node *n, uint32_t i, const char *name, double *to, uint32_t *length) {
    const Onnx__AttributeProto *attribute = onnx_attribute(n, name);
    const struct onnx_value *list = NULL;
    if (attribute == NULL && n->inputs[i] != NULL && !onnx_constant(n, i, &list)) return false;
    uint64_t count = attribute != NULL ? attribute->n_ints : list != NULL ? onnx_elements(&list->shape) : 0;
    if (count > LIST_MAX) return onnx_refuse(n, "has %llu numbers in %s; %d are supported", (unsigned long long)count, name, LIST_MAX);
    for (uint32_t d = 0; d < count; d++) to[d] = attribute != NULL ? (double)attribute->ints[d] : list->numbers[d];
    *length = (uint32_t)count;
    return true;
}

static bool read_slice(const struct onnx_node *n, const struct onnx_shape *shape, struct slice *slice) {
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    double lists[4][LIST_MAX];
    uint32_t lengths[4], count;
    *slice = whole(shape);
    for (uint32_t i = 0; i < 4; i++)
        if (!read_list(n, i + 1, names[i], lists[i], &lengths[i])) return false;
    count = lengths[0];
    for (uint32_t i = 1; i < 4; i++)
        if (lengths[i] != count && (i == 1 || lengths[i] != 0))
            return onnx_refuse(n, "has %u starts and %u %s", count, lengths[i], names[i]);
    for (uint32_t i = 0; i < count; i++) {
        double range[] = {lists[0][i], lists[1][i], lengths[3] > 0 ? lists[3][i] : 1};
        uint32_t axis;
        if (!onnx_axis(n, lengths[2] > 0 ? (int64_t)lists[2][i] : i, shape->rank, &axis) || !slice_axis(n, axis, range, slice))
            return false;
    }
    return true;
}

/* Makes output 0 the slice of input 0. */
static bool put_slice(const struct onnx_node *n, const struct slice *slice) {
    struct onnx_value *in = n->inputs[0];
    uint32_t tensor;
    if (!onnx_materialize(n, in)) return false;
    enum onnx_order order = onnx_order_of(in);
    if (!onnx_tensor(n, in, order, &tensor)) return false;
    struct onnx_shape shape = onnx_shape_of(&n->r->graph->tensors[tensor]);
    for (uint32_t d = 0; d < slice->shape.rank; d++) shape.dims[axis_in(&in->shape, order, d)] = slice->shape.dims[d];
    uint32_t result = onnx_add_like(n, tensor, &shape);
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_STRIDED_SLICE, tensor, result);
    for (uint32_t d = 0; d < shape.rank; d++) {
        op->step[d] = 1;
        op->slice_dims[d] = shape.dims[d];
    }
    for (uint32_t d = 0; d < slice->shape.rank; d++) {
        op->begin[axis_in(&in->shape, order, d)] = slice->begin[d];
        op->step[axis_in(&in->shape, order, d)] = slice->step[d];
    }
    onnx_put(n, in, &slice->shape, order, result);
    return true;
}

bool onnx_slice(const struct onnx_node *n) {
    struct slice slice;
    return read_slice(n, &n->inputs[0]->shape, &slice) && put_slice(n, &slice);
}

/* Of a constant list: exporters compute shapes with it. */
bool onnx_fold_slice(const struct onnx_node *n) {
    const struct onnx_value *in;
    struct slice slice;
    if (!onnx_constant(n, 0, &in) || !read_slice(n, &in->shape, &slice)) return false;
    if (in->shape.rank != 1 || in->integers != NULL) return onnx_refuse(n, "cuts a constant that is not a list");
    struct onnx_value *out = n->outputs[0];
    double *numbers = QM_ARENA_NEW(n->r->arena, double, slice.shape.dims[0]);
    for (uint32_t i = 0; i < slice.shape.dims[0]; i++) numbers[i] = in->numbers[slice.begin[0] + (int64_t)i * slice.step[0]];
    out->state = ONNX_CONSTANT;
    out->type = in->type;
    out->shape = slice.shape;
    out->numbers = numbers;
    return true;
}

/* The length of every part: as listed, or equal ones with the rest in the last. */
static bool read_parts(const struct onnx_node *n, uint32_t extent, double *parts) {
    uint32_t length, count = (uint32_t)n->source->n_output;
    double listed[LIST_MAX], equal = ceil((double)extent / count), sum = 0;
    if (!read_list(n, 1, "split", listed, &length)) return false;
    if (length != 0 && length != count) return onnx_refuse(n, "has %u lengths for %u outputs", length, count);
    for (uint32_t i = 0; i < count; i++) {
        parts[i] = length != 0 ? listed[i] : fmin(equal, extent - sum);
        if (!(parts[i] >= 1)) return onnx_refuse(n, "has a part of %g elements", parts[i]);
        sum += parts[i];
    }
    return sum == extent || onnx_refuse(n, "has parts of %g elements in all, of %u", sum, extent);
}

bool onnx_split(const struct onnx_node *n) {
    const struct onnx_shape *in = &n->inputs[0]->shape;
    double parts[ONNX_OUTPUTS_MAX], begin = 0;
    uint32_t axis;
    if (!onnx_axis(n, onnx_int(n, "axis", 0), in->rank, &axis) || !read_parts(n, in->dims[axis], parts)) return false;
    for (uint32_t i = 0; i < n->source->n_output; i++) {
        struct onnx_node part = *n;
        struct slice slice = whole(in);
        part.outputs[0] = n->outputs[i];
        if (!slice_axis(n, axis, (const double[]){begin, begin + parts[i], 1}, &slice)) return false;
        begin += parts[i];
        if (part.outputs[0] != NULL && !put_slice(&part, &slice)) return false;
    }
    return true;
}

/* ---- resize ---- */

/* Whether element i of the result is element i / factor of the input, for every whole factor: two combinations of modes say so. */
static bool repeats(const struct onnx_node *n) {
    const char *coordinates = onnx_text(n, "coordinate_transformation_mode", "half_pixel");
    const char *nearest = onnx_text(n, "nearest_mode", "round_prefer_floor");
    if (strcmp(onnx_text(n, "mode", "nearest"), "nearest") != 0) return onnx_refuse(n, "interpolates; only the mode nearest is supported");
    if (strcmp(coordinates, "asymmetric") == 0 && strcmp(nearest, "floor") == 0) return true;
    if (strcmp(coordinates, "half_pixel") == 0 && strncmp(nearest, "round_prefer_", 13) == 0) return true;
    return onnx_refuse(n, "has %s with %s; supported are asymmetric with floor, and half_pixel with round_prefer_floor", coordinates,
                       nearest);
}

/* The size from the scales, input 2, or the sizes, input 3; both are of all four axes. */
static bool read_size(const struct onnx_node *n, const struct onnx_shape *in, struct onnx_shape *out) {
    bool sized = n->inputs[3] != NULL;
    const struct onnx_value *list;
    if (!onnx_constant(n, sized ? 3 : 2, &list)) return false;
    if (in->rank != 4 || onnx_elements(&list->shape) != 4) return onnx_refuse(n, "needs a number for each of four dimensions");
    out->rank = 4;
    for (uint32_t d = 0; d < 4; d++) {
        double factor = sized ? list->numbers[d] / in->dims[d] : list->numbers[d];
        if (!(factor >= 1 && factor <= UINT16_MAX) || factor != floor(factor) || (d < 2 && factor != 1))
            return onnx_refuse(n, "resizes axis %u by %g; height and width by whole factors are supported", d, factor);
        out->dims[d] = in->dims[d] * (uint32_t)factor;
    }
    return true;
}

bool onnx_resize(const struct onnx_node *n) {
    struct onnx_value *in = n->inputs[0];
    struct onnx_shape shape;
    uint32_t tensor;
    if (!repeats(n) || !read_size(n, &in->shape, &shape) || !onnx_tensor(n, in, ONNX_CHANNELS_LAST, &tensor)) return false;
    struct onnx_shape last = {4, {shape.dims[0], shape.dims[2], shape.dims[3], shape.dims[1]}};
    uint32_t result = onnx_add_like(n, tensor, &last);
    onnx_add_op(n, QM_OP_RESIZE_NEAREST_NEIGHBOR, tensor, result);
    onnx_put(n, in, &shape, ONNX_CHANNELS_LAST, result);
    return true;
}
