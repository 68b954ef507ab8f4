/* quantize.c - QuantizeLinear and DequantizeLinear, and QONNX's Quant and BipolarQuant, which are both at once. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

bool onnx_quantize(const struct onnx_node *n) {
    int64_t type = onnx_int(n, "output_dtype", 0);
    if (onnx_int(n, "block_size", 0) != 0) return onnx_refuse(n, "quantizes in blocks, which is not supported");
    if (onnx_is_half(onnx_int(n, "precision", 0)))
        return onnx_refuse(n, "divides in %s", onnx_type_name((int32_t)onnx_int(n, "precision", 0)));
    if (type <= 0 || type >= INT16_MAX) type = ONNX_UINT8;
    return onnx_put(n, onnx_emit_quantize(n, n->inputs[0], 1, onnx_int(n, "axis", 1), onnx_zero_type(n, 2, (int32_t)type)));
}

bool onnx_dequantize(const struct onnx_node *n) {
    const struct onnx_value *scale = onnx_find(n->r, n->source->input[1]);
    int64_t type = onnx_int(n, "output_dtype", 0);
    if (onnx_is_half(type) || (type == 0 && scale->is_half)) return onnx_refuse(n, "makes numbers of 16 bits; float32 is supported");
    if (onnx_int(n, "block_size", 0) != 0) return onnx_refuse(n, "has blocks of scales, which are not supported");
    return onnx_put(n, onnx_emit_dequantize(n, n->inputs[0], 1, onnx_int(n, "axis", 1)));
}

/* ---- QONNX ---- */

/* The type that holds integers from low to high. */
static struct onnx_element element_of(double low, double high, double bits) {
    struct onnx_element element = {.dtype = low < 0 ? QM_I8 : QM_U8};
    if (bits > 8) element.dtype = low < 0 ? QM_I16 : QM_U16;
    if (bits > 16) element.dtype = high <= INT32_MAX ? QM_I32 : QM_I64;
    if (bits == 4 || bits == 2) element.bits = (uint32_t)bits;
    return element;
}

/* The scales' axis in the shape of input 0, when they are one a channel, of a shape of ones but for it. */
static bool scale_axis(const struct onnx_node *n, uint32_t *axis) {
    const struct qm_graph_tensor *scale, *in = onnx_input(n, 0);
    *axis = 0;
    if (!onnx_constant(n, 1, &scale)) return false;
    uint64_t count = qm_graph_elements(scale);
    if (count == 1) return true;
    for (uint32_t d = 0; d < scale->rank; d++)
        if (scale->dims[d] == count && scale->rank <= in->rank) *axis = d + in->rank - scale->rank;
    return in->dims[*axis] == count || onnx_refuse(n, "has scales %.60s that are neither one nor one a channel", scale->name);
}

/* The integers and the numbers that they mean have one name. */
static bool put_both(const struct onnx_node *n, uint32_t integers, uint32_t axis) {
    if (integers != QM_NO_TENSOR) n->r->graph->tensors[integers].name = n->outputs[0]->name;
    return onnx_put(n, onnx_emit_dequantize(n, integers, 1, axis));
}

bool onnx_quant(const struct onnx_node *n) {
    double zero, bits;
    uint32_t axis;
    if (!onnx_number(n, 2, &zero) || !onnx_number(n, 3, &bits) || !scale_axis(n, &axis)) return false;
    if (!(bits >= 1 && bits <= 32) || bits != floor(bits)) return onnx_refuse(n, "has %g bits; 1 to 32 are supported", bits);
    if (strcmp(onnx_text(n, "rounding_mode", "ROUND"), "ROUND") != 0) return onnx_refuse(n, "rounds in another mode than ROUND");
    bool is_signed = onnx_int(n, "signed", 1) != 0, narrow = onnx_int(n, "narrow", 0) != 0;
    double span = exp2(bits);
    struct qm_graph_op op = onnx_op(n, QM_OP_QUANTIZE, n->inputs[0]);
    op.low = is_signed ? -span / 2 + (narrow ? 1 : 0) : 0;
    op.high = is_signed ? span / 2 - 1 : span - 1 - (narrow ? 1 : 0);
    struct onnx_element element = element_of(op.low, op.high, bits);
    struct qm_shape shape = onnx_shape(n, 0);
    op.inputs[1] = n->inputs[1];
    op.inputs[2] = n->inputs[2];
    op.input_count = 3;
    op.axis = axis;
    return put_both(n, onnx_emit(n, &op, &element, &shape), axis);
}

bool onnx_bipolar(const struct onnx_node *n) {
    double scale;
    if (!onnx_number(n, 1, &scale)) return false;
    struct qm_graph_op op = onnx_op(n, QM_OP_SIGN, n->inputs[0]);
    struct qm_shape shape = onnx_shape(n, 0);
    return put_both(n, onnx_emit(n, &op, &(struct onnx_element){.dtype = QM_I8}, &shape), 0);
}
