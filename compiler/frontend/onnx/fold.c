/* fold.c - nodes whose inputs are all constants: shapes that the exporter computes, folded parameters, quantized weights.
 *
 * Results of float32 are rounded to float32. Weights that pass a DequantizeLinear or Quant keep their integers and scales beside the
 * numbers, also through a change of shape or order.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { FOLDED_MAX = 1 << 26 };

/* Makes output 0 a constant with these numbers. */
static bool put(const struct onnx_node *n, const struct onnx_shape *shape, int32_t type, double *numbers) {
    struct onnx_value *out = n->outputs[0];
    for (uint64_t i = 0; type == ONNX_FLOAT && i < onnx_elements(shape); i++) numbers[i] = (double)(float)numbers[i];
    out->state = ONNX_CONSTANT;
    out->shape = *shape;
    out->type = type;
    out->numbers = numbers;
    return true;
}

/* NULL: refused, because the constant would be too large. */
static double *room(const struct onnx_node *n, const struct onnx_shape *shape) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < shape->rank && elements <= FOLDED_MAX; i++) elements *= shape->dims[i];
    if (elements > FOLDED_MAX) onnx_refuse(n, "makes a constant of more than %d elements", FOLDED_MAX);
    return elements <= FOLDED_MAX ? QM_ARENA_NEW(n->r->arena, double, elements + 1) : NULL;
}

bool onnx_fold_constant(const struct onnx_node *n) {
    const Onnx__AttributeProto *value = onnx_attribute(n, "value"), *number = onnx_attribute(n, "value_float");
    if (value != NULL && value->t != NULL) return onnx_attribute_constant(n, value, n->outputs[0]) || onnx_refuse(n, "has a damaged value");
    double *numbers = QM_ARENA_NEW(n->r->arena, double, 1);
    if (number == NULL) number = onnx_attribute(n, "value_int");
    if (number == NULL) return onnx_refuse(n, "has no value that can be read");
    numbers[0] = number->has_f ? (double)number->f : (double)number->i;
    return put(n, &(struct onnx_shape){.rank = 0}, number->has_f ? ONNX_FLOAT : ONNX_INT64, numbers);
}

/* Also of what the network computes, since its shape is known. */
bool onnx_fold_shape(const struct onnx_node *n) {
    const struct onnx_shape *of = &n->inputs[0]->shape;
    double *numbers = QM_ARENA_NEW(n->r->arena, double, of->rank + 1);
    for (uint32_t i = 0; i < of->rank; i++) numbers[i] = of->dims[i];
    return put(n, &(struct onnx_shape){1, {of->rank}}, ONNX_INT64, numbers);
}

bool onnx_fold_gather(const struct onnx_node *n) {
    const struct onnx_value *data, *indices;
    if (!onnx_constant(n, 0, &data) || !onnx_constant(n, 1, &indices)) return false;
    if (data->shape.rank != 1 || onnx_int(n, "axis", 0) != 0) return onnx_refuse(n, "is supported on lists of numbers only");
    double *numbers = room(n, &indices->shape);
    for (uint64_t i = 0; numbers != NULL && i < onnx_elements(&indices->shape); i++) {
        double at = indices->numbers[i] < 0 ? indices->numbers[i] + data->shape.dims[0] : indices->numbers[i];
        if (!(at >= 0 && at < data->shape.dims[0])) return onnx_refuse(n, "has the index %g", at);
        numbers[i] = data->numbers[(size_t)at];
    }
    return numbers != NULL && put(n, &indices->shape, data->type, numbers);
}

bool onnx_fold_concat(const struct onnx_node *n) {
    struct onnx_shape shape = {1, {0}};
    const struct onnx_value *part;
    for (uint32_t i = 0; i < n->source->n_input; i++) {
        if (!onnx_constant(n, i, &part)) return false;
        if (part->shape.rank != 1) return onnx_refuse(n, "is supported on lists of numbers only");
        shape.dims[0] += part->shape.dims[0];
    }
    double *numbers = room(n, &shape), *to = numbers;
    for (uint32_t i = 0; numbers != NULL && i < n->source->n_input; i++) {
        part = n->inputs[i];
        memcpy(to, part->numbers, part->shape.dims[0] * sizeof *to);
        to += part->shape.dims[0];
    }
    return numbers != NULL && put(n, &shape, n->inputs[0]->type, numbers);
}

bool onnx_fold_shaped(const struct onnx_node *n) {
    struct onnx_shape shape;
    const struct onnx_value *in;
    if (!onnx_constant(n, 0, &in) || !onnx_shape_result(n, &shape)) return false;
    if (in->integers != NULL && in->scale_count > 1 && !onnx_same_shape(&in->shape, &shape))
        return onnx_refuse(n, "reshapes weights with a scale for each channel");
    onnx_put_same(n, in);
    n->outputs[0]->shape = shape;
    return true;
}

/* The numbers of a shape in the order of another, whose dimension d is dimension permutation[d] of the first. */
static double *permuted(const struct onnx_node *n, const struct onnx_shape *from, const struct onnx_shape *to, const uint32_t *permutation,
                        const double *numbers) {
    size_t stride[QM_MAX_RANK], at[QM_MAX_RANK] = {0}, step = 1, elements = (size_t)onnx_elements(to);
    for (uint32_t d = from->rank; d-- > 0; step *= from->dims[d]) stride[d] = step;
    double *result = QM_ARENA_NEW(n->r->arena, double, elements);
    for (size_t i = 0; i < elements; i++) {
        size_t source = 0;
        for (uint32_t d = 0; d < to->rank; d++) source += at[d] * stride[permutation[d]];
        result[i] = numbers[source];
        for (uint32_t d = to->rank; d-- > 0;) {
            if (++at[d] < to->dims[d]) break;
            at[d] = 0;
        }
    }
    return result;
}

bool onnx_fold_transpose(const struct onnx_node *n) {
    const struct onnx_value *in;
    uint32_t permutation[QM_MAX_RANK];
    if (!onnx_constant(n, 0, &in) || !onnx_permutation(n, in->shape.rank, permutation)) return false;
    struct onnx_shape shape = {.rank = in->shape.rank};
    for (uint32_t d = 0; d < shape.rank; d++) shape.dims[d] = in->shape.dims[permutation[d]];
    struct onnx_value *out = n->outputs[0];
    onnx_put_same(n, in);
    out->shape = shape;
    out->numbers = permuted(n, &in->shape, &shape, permutation, in->numbers);
    if (in->integers != NULL) out->integers = permuted(n, &in->shape, &shape, permutation, in->integers);
    for (uint32_t d = 0; d < shape.rank; d++)
        if (permutation[d] == in->scale_axis) out->scale_axis = d;
    return true;
}

bool onnx_fold_cast(const struct onnx_node *n) {
    const struct onnx_value *in;
    int32_t type = (int32_t)onnx_int(n, "to", 0);
    if (!onnx_constant(n, 0, &in)) return false;
    if (type != ONNX_FLOAT && type != ONNX_INT64 && type != ONNX_INT32 && type != ONNX_DOUBLE)
        return onnx_refuse(n, "casts a constant to %s", onnx_type_name(type));
    double *numbers = room(n, &in->shape);
    bool whole = type == ONNX_INT64 || type == ONNX_INT32;
    for (uint64_t i = 0; numbers != NULL && i < onnx_elements(&in->shape); i++) numbers[i] = whole ? trunc(in->numbers[i]) : in->numbers[i];
    return numbers != NULL && put(n, &in->shape, type, numbers);
}

/* ---- arithmetic ---- */

/* The element of an operand for an element of the broadcast shape. */
static double element(const struct onnx_value *v, const struct onnx_shape *out, uint64_t index) {
    size_t at = 0, step = 1;
    for (uint32_t d = out->rank; d-- > 0; index /= out->dims[d]) {
        if (d + v->shape.rank < out->rank) break;
        uint32_t extent = v->shape.dims[d + v->shape.rank - out->rank];
        if (extent > 1) at += step * (size_t)(index % out->dims[d]);
        step *= extent;
    }
    return v->numbers[at];
}

static double compute(const char *op, double a, double b) {
    if (strcmp(op, "Add") == 0) return a + b;
    if (strcmp(op, "Sub") == 0) return a - b;
    if (strcmp(op, "Mul") == 0) return a * b;
    if (strcmp(op, "Div") == 0) return a / b;
    return pow(a, b);
}

bool onnx_fold_binary(const struct onnx_node *n) {
    const struct onnx_value *a, *b;
    struct onnx_shape shape;
    if (!onnx_constant(n, 0, &a) || !onnx_constant(n, 1, &b) || !onnx_broadcast(n, &a->shape, &b->shape, &shape)) return false;
    double *numbers = room(n, &shape);
    bool whole = a->type != ONNX_FLOAT && a->type != ONNX_DOUBLE;
    for (uint64_t i = 0; numbers != NULL && i < onnx_elements(&shape); i++) {
        numbers[i] = compute(n->source->op_type, element(a, &shape, i), element(b, &shape, i));
        if (whole) numbers[i] = trunc(numbers[i]);
    }
    return numbers != NULL && put(n, &shape, a->type, numbers);
}

/* ---- quantized constants ---- */

bool onnx_fold_dequantize(const struct onnx_node *n) {
    const struct onnx_value *in;
    struct onnx_scales scales;
    uint32_t axis = 0;
    if (!onnx_constant(n, 0, &in)) return false;
    bool one = n->inputs[1]->state == ONNX_CONSTANT && onnx_elements(&n->inputs[1]->shape) == 1;
    if (!one && in->shape.rank > 0 && !onnx_axis(n, onnx_int(n, "axis", 1), in->shape.rank, &axis)) return false;
    return onnx_scales(n, 1, in->shape.rank > 0 ? in->shape.dims[axis] : 1, &scales) &&
           onnx_quantize_constant(n, in, &scales, axis, n->outputs[0]);
}

/* QONNX: clip(round(x / scale + zero), low, high); the integers are kept without their zero point. */
bool onnx_fold_quant(const struct onnx_node *n) {
    const struct onnx_value *in, *scale;
    struct onnx_quant_range range;
    if (!onnx_constant(n, 0, &in) || !onnx_constant(n, 1, &scale) || !onnx_quant_range(n, &range)) return false;
    uint64_t count = onnx_elements(&scale->shape), elements = onnx_elements(&in->shape), inner = 1;
    uint32_t axis = 0;
    while (axis + 1 < scale->shape.rank && scale->shape.dims[axis] == 1) axis++;
    bool fits = count == 1 || (scale->shape.rank == in->shape.rank && scale->shape.dims[axis] == count && in->shape.dims[axis] == count);
    if (!fits) return onnx_refuse(n, "has scales %.60s that are neither one nor one a channel", scale->name);
    struct onnx_scales scales = {.count = (uint32_t)count, .scale = QM_ARENA_NEW(n->r->arena, double, count)};
    scales.zero = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint64_t c = 0; c < count; c++) {
        scales.scale[c] = scale->numbers[c];
        if (!(scales.scale[c] > 0) || !isfinite(scales.scale[c]))
            return onnx_refuse(n, "has the scale %g; it must be above 0", scale->numbers[c]);
    }
    for (uint32_t d = axis + 1; d < in->shape.rank; d++) inner *= in->shape.dims[d];
    double *integers = QM_ARENA_NEW(n->r->arena, double, elements);
    for (uint64_t i = 0; i < elements; i++) {
        double stored = nearbyint(in->numbers[i] / scales.scale[count > 1 ? i / inner % count : 0] + range.zero);
        integers[i] = fmin(fmax(stored, range.low), range.high) - range.zero;
    }
    struct onnx_value plain = *in;
    plain.numbers = integers;
    return onnx_quantize_constant(n, &plain, &scales, axis, n->outputs[0]);
}

bool onnx_fold_bipolar(const struct onnx_node *n) {
    const struct onnx_value *in;
    struct onnx_scales scales = {.count = 1, .scale = QM_ARENA_NEW(n->r->arena, double, 1), .zero = QM_ARENA_NEW(n->r->arena, double, 1)};
    if (!onnx_constant(n, 0, &in) || !onnx_number(n, 1, scales.scale)) return false;
    if (!(scales.scale[0] > 0)) return onnx_refuse(n, "has the scale %g; it must be above 0", scales.scale[0]);
    double *integers = QM_ARENA_NEW(n->r->arena, double, onnx_elements(&in->shape));
    for (uint64_t i = 0; i < onnx_elements(&in->shape); i++) integers[i] = in->numbers[i] >= 0 ? 1 : -1;
    struct onnx_value plain = *in;
    plain.numbers = integers;
    return onnx_quantize_constant(n, &plain, &scales, 0, n->outputs[0]);
}
