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

/* ---- padding ---- */

/* What is added to each dimension, before and behind; below 0 it is cut. */
struct pads {
    int32_t ends[2][QM_MAX_RANK];
};

static bool read_pads(const struct onnx_node *n, struct pads *pads) {
    uint32_t rank = onnx_input(n, 0)->rank, seen = 0;
    struct onnx_list list, axes = {0};
    if (n->inputs[3] != QM_NO_TENSOR && !onnx_list(n, 3, "", &axes)) return false;
    if (!onnx_list(n, 1, "pads", &list)) return false;
    uint32_t count = axes.length > 0 ? axes.length : rank;
    if (list.length != 2 * count) return onnx_refuse(n, "has not two pads a dimension");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t d = i;
        if (axes.length > 0 && !onnx_axis_once(n, (int64_t)axes.numbers[i], rank, &seen, &d)) return false;
        for (uint32_t end = 0; end < 2; end++) {
            double pad = list.numbers[i + end * count];
            if (!(fabs(pad) <= UINT16_MAX)) return onnx_refuse(n, "has a pad of %g elements; at most %d can be read", pad, UINT16_MAX);
            pads->ends[end][d] = (int32_t)pad;
        }
    }
    return true;
}

static uint32_t cut_at(const struct pads *pads, uint32_t end, uint32_t d) {
    return pads->ends[end][d] < 0 ? (uint32_t)-pads->ends[end][d] : 0;
}

static uint32_t added_at(const struct pads *pads, uint32_t end, uint32_t d) {
    return pads->ends[end][d] > 0 ? (uint32_t)pads->ends[end][d] : 0;
}

/* The input without what is cut. */
static uint32_t emit_cut(const struct onnx_node *n, const struct pads *pads) {
    struct qm_shape shape;
    struct qm_graph_op op = whole(n, &shape);
    bool any = false;
    for (uint32_t d = 0; d < shape.rank; d++) {
        uint32_t before = cut_at(pads, 0, d), behind = cut_at(pads, 1, d), extent = shape.dims[d];
        if (before + behind == 0) continue;
        if (before + behind >= extent)
            return onnx_refuse(n, "has pads that cut %u elements from the %u of axis %u", before + behind, extent, d), QM_NO_TENSOR;
        if (!slice_axis(n, d, (const double[]){before, extent - behind, 1}, &op, &shape)) return QM_NO_TENSOR;
        any = true;
    }
    return any ? emit_slice(n, &op, &shape) : n->inputs[0];
}

/* Frameworks do not agree on whether what is cut is mirrored before. */
static bool check_mirrored(const struct onnx_node *n, const struct pads *pads, const char *mode) {
    for (uint32_t d = 0; d < onnx_input(n, 0)->rank; d++) {
        bool cuts = cut_at(pads, 0, d) + cut_at(pads, 1, d) > 0, adds = added_at(pads, 0, d) + added_at(pads, 1, d) > 0;
        if (cuts && adds) return onnx_refuse(n, "cuts axis %u at one end and pads it at the other in the mode %s", d, mode);
    }
    return true;
}

bool onnx_pad(const struct onnx_node *n) {
    const char *mode = onnx_text(n, "mode", "constant");
    double value = (double)onnx_float(n, "value", 0);
    struct pads pads = {0};
    bool any = false, mirrors = strcmp(mode, "constant") != 0;
    if (!read_pads(n, &pads) || (n->inputs[2] != QM_NO_TENSOR && !onnx_number(n, 2, &value))) return false;
    if (mirrors && !check_mirrored(n, &pads, mode)) return false;
    uint32_t from = emit_cut(n, &pads);
    if (from == QM_NO_TENSOR) return false;
    const struct qm_graph_tensor *in = &n->r->graph->tensors[from];
    struct qm_graph_op op = onnx_op(n, QM_OP_PAD, from);
    struct qm_shape shape = qm_graph_shape(in);
    op.low = value;
    for (uint32_t d = 0; d < shape.rank; d++) {
        op.pads[d].before = added_at(&pads, 0, d);
        op.pads[d].after = added_at(&pads, 1, d);
        shape.dims[d] += op.pads[d].before + op.pads[d].after;
        any = any || shape.dims[d] > in->dims[d];
    }
    if (!any) return onnx_put(n, from);
    if (mirrors) return onnx_put(n, onnx_emit_mirrored(n, &op, mode));
    return onnx_put(n,
                    onnx_emit(n, &op, &(struct onnx_element){.dtype = in->quant.count > 0 ? QM_F32 : in->dtype, .bits = in->bits}, &shape));
}
