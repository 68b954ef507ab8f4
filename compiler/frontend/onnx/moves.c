/* moves.c - nodes that put elements elsewhere: Concat, Pad, Slice, Split. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

/* ---- concatenation and padding ---- */

/* Tensors along an axis of the first. */
static uint32_t emit_concat(const struct onnx_node *n, uint32_t count, const uint32_t *parts, int64_t axis) {
    struct qm_graph_op op = onnx_op(n, QM_OP_CONCATENATION, parts[0]);
    op.inputs = qm_graph_operands(n->r->arena, count);
    op.input_count = count;
    const struct qm_graph_tensor *tensors = n->r->graph->tensors, *like = NULL;
    struct qm_shape shape = {.rank = 0};
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i] == QM_NO_TENSOR) return onnx_refuse(n, "lacks input %u", i), QM_NO_TENSOR;
        const struct qm_graph_tensor *part = &tensors[parts[i]];
        if (i == 0) shape = qm_graph_shape(part);
        if (i == 0 && !onnx_axis(n, axis, shape.rank, &op.axis)) return QM_NO_TENSOR;
        bool fits = part->rank == shape.rank;
        for (uint32_t d = 0; fits && d < shape.rank; d++) fits = d == op.axis || part->dims[d] == shape.dims[d];
        if (!fits) return onnx_refuse(n, "has parts whose shapes do not fit"), QM_NO_TENSOR;
        if (i > 0) shape.dims[op.axis] += part->dims[op.axis];
        if (like == NULL || (like->data != NULL && part->data == NULL)) like = part;
        op.inputs[i] = parts[i];
    }
    return onnx_emit(n, &op, &(struct onnx_element){.dtype = like->quant.count > 0 ? QM_F32 : like->dtype}, &shape);
}

bool onnx_concat(const struct onnx_node *n) {
    return onnx_put(n, emit_concat(n, (uint32_t)n->source->n_input, n->inputs, onnx_int(n, "axis", 0)));
}

/* Inputs: scale and zero point of the result, then a tensor with its scale and zero point, and so on. */
bool onnx_qlinear_concat(const struct onnx_node *n) {
    uint32_t count = ((uint32_t)n->source->n_input - 2) / 3, *parts = qm_graph_operands(n->r->arena, count);
    if (n->source->n_input % 3 != 2) return onnx_refuse(n, "has %zu inputs; they must come in threes", n->source->n_input);
    for (uint32_t i = 0; i < count; i++) {
        if (n->inputs[2 + 3 * i] == QM_NO_TENSOR) return onnx_refuse(n, "lacks input %u", 2 + 3 * i);
        parts[i] = onnx_emit_dequantize(n, n->inputs[2 + 3 * i], 3 + 3 * i, 0);
        if (parts[i] == QM_NO_TENSOR) return false;
    }
    uint32_t whole = emit_concat(n, count, parts, onnx_int(n, "axis", 0));
    return onnx_put(n, onnx_emit_quantize(n, whole, 0, 0, onnx_zero_type(n, 1, ONNX_UINT8)));
}

bool onnx_pad(const struct onnx_node *n) {
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    struct qm_graph_op op = onnx_op(n, QM_OP_PAD, n->inputs[0]);
    struct qm_shape shape = onnx_shape(n, 0);
    struct onnx_list pads;
    bool any = false;
    op.low = (double)onnx_float(n, "value", 0);
    const char *mode = onnx_text(n, "mode", "constant");
    struct onnx_list axes = {0};
    if (n->inputs[3] != QM_NO_TENSOR && !onnx_list(n, 3, "", &axes)) return false;
    if (!onnx_list(n, 1, "pads", &pads) || (n->inputs[2] != QM_NO_TENSOR && !onnx_number(n, 2, &op.low))) return false;
    uint32_t count = axes.length > 0 ? axes.length : in->rank, seen = 0;
    if (pads.length != 2 * count) return onnx_refuse(n, "has not two pads a dimension");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d = i;
        double before = pads.numbers[i], after = pads.numbers[count + i];
        if (axes.length > 0 && !onnx_axis_once(n, (int64_t)axes.numbers[i], in->rank, &seen, &d)) return false;
        if (!(before >= 0 && before <= UINT16_MAX && after >= 0 && after <= UINT16_MAX))
            return onnx_refuse(n, "pads %g elements", before >= 0 && before <= UINT16_MAX ? after : before);
        op.pads[d].before = (uint32_t)before;
        op.pads[d].after = (uint32_t)after;
        shape.dims[d] += op.pads[d].before + op.pads[d].after;
        any = any || before + after > 0;
    }
    if (!any) return onnx_put(n, n->inputs[0]);
    if (strcmp(mode, "constant") != 0) return onnx_put(n, onnx_emit_mirrored(n, &op, mode));
    return onnx_put(n,
                    onnx_emit(n, &op, &(struct onnx_element){.dtype = in->quant.count > 0 ? QM_F32 : in->dtype, .bits = in->bits}, &shape));
}

/* ---- slices ---- */

static double clamp_index(double index, double size, double low, double high) {
    return fmin(fmax(index < 0 ? index + size : index, low), high);
}

/* All elements of input 0. */
static struct qm_graph_op whole(const struct onnx_node *n, struct qm_shape *shape) {
    struct qm_graph_op op = onnx_op(n, QM_OP_STRIDED_SLICE, n->inputs[0]);
    *shape = onnx_shape(n, 0);
    for (uint32_t d = 0; d < shape->rank; d++) {
        op.step[d] = 1;
        op.slice_dims[d] = shape->dims[d];
    }
    return op;
}

/* Cuts an axis to range: begin, end, step. A step down may begin at the last element and end before the first. */
static bool slice_axis(const struct onnx_node *n, uint32_t axis, const double range[3], struct qm_graph_op *op, struct qm_shape *shape) {
    double size = shape->dims[axis], step = fmin(fmax(range[2], INT32_MIN), INT32_MAX);
    double low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    double begin = clamp_index(range[0], size, low, high), end = clamp_index(range[1], size, low, high);
    double count = step == 0 ? 0 : ceil((end - begin) / step);
    if (!(count >= 1 && begin >= 0 && begin < size)) return onnx_refuse(n, "takes nothing of axis %u", axis);
    op->begin[axis] = (int32_t)begin;
    op->step[axis] = (int32_t)step;
    op->slice_dims[axis] = shape->dims[axis] = (uint32_t)count;
    return true;
}

static uint32_t emit_slice(const struct onnx_node *n, const struct qm_graph_op *op, const struct qm_shape *shape) {
    const struct qm_graph_tensor *in = onnx_input(n, 0);
    return onnx_emit(n, op, &(struct onnx_element){.dtype = in->dtype, .bits = in->bits}, shape);
}

bool onnx_slice(const struct onnx_node *n) {
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    struct onnx_list lists[4];
    struct qm_shape shape;
    struct qm_graph_op op = whole(n, &shape);
    for (uint32_t i = 0; i < 4; i++)
        if (!onnx_list(n, i + 1, names[i], &lists[i])) return false;
    uint32_t count = lists[0].length, seen = 0;
    for (uint32_t i = 1; i < 4; i++)
        if (lists[i].length != count && (i == 1 || lists[i].length != 0))
            return onnx_refuse(n, "has %u starts and %u %s", count, lists[i].length, names[i]);
    for (uint32_t i = 0; i < count; i++) {
        double range[] = {lists[0].numbers[i], lists[1].numbers[i], lists[3].length > 0 ? lists[3].numbers[i] : 1};
        uint32_t axis;
        if (!onnx_axis_once(n, lists[2].length > 0 ? (int64_t)lists[2].numbers[i] : i, shape.rank, &seen, &axis)) return false;
        if (!slice_axis(n, axis, range, &op, &shape)) return false;
    }
    return onnx_put(n, emit_slice(n, &op, &shape));
}

/* The length of every part: as listed, or equal ones with the rest in the last. */
static bool read_parts(const struct onnx_node *n, uint32_t extent, struct onnx_list *parts) {
    uint32_t count = (uint32_t)n->source->n_output;
    double equal = ceil((double)extent / count), sum = 0;
    if (!onnx_list(n, 1, "split", parts)) return false;
    bool listed = parts->length != 0;
    if (!listed) parts->numbers = QM_ARENA_NEW(n->r->arena, double, count);
    if (listed && parts->length != count) return onnx_refuse(n, "has %u lengths for %u outputs", parts->length, count);
    for (uint32_t i = 0; i < count; i++) {
        if (!listed) parts->numbers[i] = fmin(equal, extent - sum);
        if (!(parts->numbers[i] >= 1)) return onnx_refuse(n, "has a part of %g elements", parts->numbers[i]);
        sum += parts->numbers[i];
    }
    return sum == extent || onnx_refuse(n, "has parts of %g elements in all, of %u", sum, extent);
}

bool onnx_split(const struct onnx_node *n) {
    struct qm_shape in = onnx_shape(n, 0), shape;
    struct onnx_list parts;
    double begin = 0;
    uint32_t axis;
    if (!onnx_axis(n, onnx_int(n, "axis", 0), in.rank, &axis) || !read_parts(n, in.dims[axis], &parts)) return false;
    for (uint32_t i = 0; i < n->source->n_output; i++) {
        struct onnx_node part = *n;
        struct qm_graph_op op = whole(n, &shape);
        if (!slice_axis(n, axis, (const double[]){begin, begin + parts.numbers[i], 1}, &op, &shape)) return false;
        begin += parts.numbers[i];
        part.outputs = &n->outputs[i];
        if (part.outputs[0] != NULL && part.outputs[0]->is_used && !onnx_put(&part, emit_slice(&part, &op, &shape))) return false;
    }
    return true;
}
