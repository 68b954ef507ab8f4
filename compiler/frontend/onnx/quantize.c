/* quantize.c - QuantizeLinear and DequantizeLinear, at the ends of the network and between its operators.
 *
 * Between operators they only say what integers mean. At a float input a QuantizeLinear is an operator of its own; at a float output a
 * DequantizeLinear is one (parse.c).
 */
#include "compiler/frontend/onnx/onnx.h"

/* The type of the integers that a QuantizeLinear makes. */
static int32_t quantized_type(const struct onnx_node *n) {
    if (n->inputs[2] != NULL) return n->inputs[2]->type;
    int64_t type = onnx_int(n, "output_dtype", ONNX_UINT8);
    return type > 0 && type < INT16_MAX ? (int32_t)type : ONNX_UINT8;
}

/* A float input becomes integers on its way into the network. */
static bool quantize_input(const struct onnx_node *n, const struct onnx_scales *scales, int32_t type) {
    struct onnx_value *in = n->inputs[0], *origin = in->origin;
    int64_t low, high;
    if (in->computed || !onnx_same_shape(&in->shape, &origin->shape)) return onnx_refuse(n, "quantizes what is no plain input");
    if (origin->type != ONNX_FLOAT) return onnx_refuse(n, "quantizes an input of %s", onnx_type_name(origin->type));
    if (scales->count != 1) return onnx_refuse(n, "has a scale for each channel; results of the network must have one");
    if (!onnx_type_range(type, &low, &high) || high - low != UINT8_MAX)
        return onnx_refuse(n, "makes %s; int8 and uint8 are supported", onnx_type_name(type));
    if (origin->tensors[ONNX_PLAIN] == QM_NO_TENSOR)
        origin->tensors[ONNX_PLAIN] = onnx_add_tensor(n->r, origin->name, QM_F32, &origin->shape);
    struct onnx_value like = {.state = ONNX_TENSOR,
                              .type = type,
                              .quant_known = true,
                              .scale = (float)scales->scale[0],
                              .zero = (int64_t)scales->zero[0],
                              .low = (int32_t)low,
                              .high = (int32_t)high};
    uint32_t tensor = onnx_add_tensor(n->r, n->outputs[0]->name, low < 0 ? QM_I8 : QM_U8, &in->shape);
    onnx_set_quant(n->r, tensor, like.scale, like.zero);
    struct qm_requant *requant = QM_ARENA_NEW(n->r->arena, struct qm_requant, 1);
    *requant = (struct qm_requant){.rounding = QM_rounding_EVEN, .low = (int32_t)low, .high = (int32_t)high};
    onnx_add_op(n, QM_OP_QUANTIZE, origin->tensors[ONNX_PLAIN], tensor)->requant = requant;
    onnx_put(n, &like, &in->shape, ONNX_PLAIN, tensor);
    return true;
}

bool onnx_quantize(const struct onnx_node *n) {
    struct onnx_deferred *deferred;
    struct onnx_scales scales;
    uint32_t axis = 0;
    const struct onnx_shape shape = n->inputs[0]->shape;
    int32_t type = quantized_type(n);
    if (onnx_int(n, "block_size", 0) != 0) return onnx_refuse(n, "quantizes in blocks, which is not supported");
    bool one = n->inputs[1]->state == ONNX_CONSTANT && onnx_elements(&n->inputs[1]->shape) == 1;
    if (!one && shape.rank > 0 && !onnx_axis(n, onnx_int(n, "axis", 1), shape.rank, &axis)) return false;
    if (!onnx_scales(n, 1, shape.rank > 0 ? shape.dims[axis] : 1, &scales)) return false;
    if (n->inputs[0]->state == ONNX_INPUT) return quantize_input(n, &scales, type);
    if (!onnx_deferred_of(n, n->inputs[0], &deferred)) return false;
    n->outputs[0]->shape = shape;
    return onnx_materialize_as(n, deferred, type, &scales, n->outputs[0]);
}

bool onnx_dequantize(const struct onnx_node *n) {
    struct onnx_value *in = n->inputs[0];
    struct onnx_scales scales;
    if (onnx_int(n, "block_size", 0) != 0) return onnx_refuse(n, "has blocks of scales, which are not supported");
    if (!onnx_scales(n, 1, in->shape.rank > 1 ? in->shape.dims[1] : 1, &scales) || !onnx_materialize(n, in)) return false;
    if (in->real && (in->scale != 1 || in->zero != 0)) return onnx_refuse(n, "reads numbers that are scaled already");
    enum onnx_order order = in->tensors[ONNX_CHANNELS_LAST] != QM_NO_TENSOR ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
    uint32_t tensor;
    if (!onnx_tensor_as(n, in, order, &scales, &tensor)) return false;
    struct onnx_value like = *in;
    like.real = like.quant_known = true;
    like.scale = (float)scales.scale[0];
    like.zero = (int64_t)scales.zero[0];
    like.type = ONNX_FLOAT;
    onnx_put(n, &like, &in->shape, order, tensor);
    n->outputs[0]->map = in->map;
    return true;
}

/* The mean of a map between two scales. */
bool onnx_qlinear_global_average_pool(const struct onnx_node *n) {
    struct onnx_scales in, out;
    struct onnx_value real = *n->inputs[0];
    uint32_t tensor;
    if (onnx_int(n, "channels_last", 0) != 0) return onnx_refuse(n, "has channels_last, which is not supported");
    if (!onnx_scales(n, 1, 1, &in) || !onnx_scales(n, 3, 1, &out) || !onnx_tensor_as(n, n->inputs[0], ONNX_CHANNELS_LAST, &in, &tensor))
        return false;
    real = *n->inputs[0];
    real.real = true;
    real.scale = (float)in.scale[0];
    real.zero = (int64_t)in.zero[0];
    real.tensors[ONNX_CHANNELS_LAST] = tensor;
    struct onnx_node mean = *n;
    mean.inputs[0] = &real;
    if (!onnx_global_average_pool(&mean)) return false;
    return onnx_materialize_as(n, n->outputs[0]->deferred, n->inputs[4] != NULL ? n->inputs[4]->type : n->inputs[0]->type, &out,
                               n->outputs[0]);
}
