/* rows.c - softmax, extremes and their places along an axis; normalizations. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

enum { SOFTMAX_OF_ONE_AXIS = 13 }; /* the version from which on it is; before, of all axes from one on */

/* ---- softmax ---- */

static uint32_t emit_softmax(const struct onnx_node *n, uint32_t in, bool one_axis) {
    if (in == QM_NO_TENSOR) return in;
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[in]), flat = {2, {1, 1}};
    struct qm_graph_op op = onnx_op(n, n->kinds[0], in);
    if (!onnx_axis(n, onnx_int(n, "axis", one_axis ? -1 : 1), shape.rank, &op.axis)) return QM_NO_TENSOR;
    if (one_axis || op.axis == shape.rank - 1) return onnx_emit_float(n, &op, &shape);
    for (uint32_t d = 0; d < shape.rank; d++) flat.dims[d < op.axis ? 0 : 1] *= shape.dims[d];
    op.inputs[0] = onnx_emit_reshape(n, in, &flat);
    op.axis = 1;
    return onnx_emit_reshape(n, onnx_emit_float(n, &op, &flat), &shape);
}

bool onnx_softmax(const struct onnx_node *n) {
    return onnx_put(n, emit_softmax(n, n->inputs[0], n->r->opset >= SOFTMAX_OF_ONE_AXIS));
}

bool onnx_qlinear_softmax(const struct onnx_node *n) {
    uint32_t in = onnx_emit_dequantize(n, n->inputs[0], 1, 0);
    uint32_t result = emit_softmax(n, in, onnx_int(n, "opset", SOFTMAX_OF_ONE_AXIS) >= SOFTMAX_OF_ONE_AXIS);
    return onnx_put(n, onnx_emit_quantize(n, result, 3, 0, onnx_zero_type(n, 4, onnx_zero_type(n, 0, ONNX_UINT8))));
}

/* ---- where the extreme is ---- */

bool onnx_arg(const struct onnx_node *n) {
    struct qm_graph_op op = onnx_op(n, n->kinds[0], n->inputs[0]);
    struct qm_shape in = onnx_shape(n, 0), out = {.rank = 0};
    bool keep = onnx_int(n, "keepdims", 1) != 0;
    op.takes_last = onnx_int(n, "select_last_index", 0) != 0;
    if (!onnx_axis(n, onnx_int(n, "axis", 0), in.rank, &op.axis)) return false;
    for (uint32_t d = 0; d < in.rank; d++)
        if (d != op.axis || keep) out.dims[out.rank++] = d == op.axis ? 1 : in.dims[d];
    return onnx_put(n, onnx_emit(n, &op, &(struct onnx_element){.dtype = QM_I64}, &out));
}

/* ---- normalizations ---- */

/* The mean over axes, which stay with one element. */
static uint32_t emit_mean(const struct onnx_node *n, uint32_t in, uint32_t axes) {
    if (in == QM_NO_TENSOR) return in;
    struct qm_shape shape = qm_graph_shape(&n->r->graph->tensors[in]);
    struct qm_graph_op op = onnx_op(n, QM_OP_MEAN, in);
    op.axes = axes;
    for (uint32_t d = 0; d < shape.rank; d++)
        if ((axes >> d & 1) != 0) shape.dims[d] = 1;
    return onnx_emit_float(n, &op, &shape);
}

/* (x - mean) / sqrt(mean of squares + epsilon), over axes. */
static uint32_t emit_normalized(const struct onnx_node *n, uint32_t in, uint32_t axes) {
    double epsilon = (double)onnx_float(n, "epsilon", 1e-5F);
    uint32_t centred = onnx_emit_two(n, QM_OP_SUB, in, emit_mean(n, in, axes));
    struct qm_graph_op square = onnx_op(n, QM_OP_SQUARE, centred);
    uint32_t variance = emit_mean(n, onnx_emit_same(n, &square), axes);
    struct qm_graph_op root = onnx_op(n, QM_OP_SQRT, onnx_emit_with(n, QM_OP_ADD, variance, 1, &epsilon, 0));
    return onnx_emit_two(n, QM_OP_DIV, centred, onnx_emit_same(n, &root));
}

bool onnx_layer_normalization(const struct onnx_node *n) {
    uint32_t rank = onnx_input(n, 0)->rank, first;
    if (!onnx_axis(n, onnx_int(n, "axis", -1), rank, &first)) return false;
    for (uint32_t i = 1; i < n->source->n_output; i++)
        if (n->outputs[i] != NULL) return onnx_refuse(n, "gives its mean or its deviation, which is not supported");
    uint32_t result = onnx_emit_two(n, QM_OP_MUL, emit_normalized(n, n->inputs[0], (1U << rank) - (1U << first)), n->inputs[1]);
    return onnx_put(n, n->inputs[2] != QM_NO_TENSOR ? onnx_emit_two(n, QM_OP_ADD, result, n->inputs[2]) : result);
}

/* Over the positions of each channel. */
bool onnx_instance_normalization(const struct onnx_node *n) {
    const struct qm_graph_tensor *in = onnx_input(n, 0), *parts[2];
    if (in->rank < 3) return onnx_refuse(n, "works on %u dimensions; 3 and more are supported", in->rank);
    uint32_t channels = in->dims[1], result = emit_normalized(n, n->inputs[0], (1U << in->rank) - 4);
    for (uint32_t i = 0; i < 2; i++) {
        if (!onnx_constant(n, i + 1, &parts[i])) return false;
        if (qm_graph_elements(parts[i]) != channels) return onnx_refuse(n, "has not one number a channel in %.60s", parts[i]->name);
    }
    result = onnx_emit_with(n, QM_OP_MUL, result, channels, evaluate_numbers(parts[0], n->r->arena), 1);
    return onnx_put(n, onnx_emit_with(n, QM_OP_ADD, result, channels, evaluate_numbers(parts[1], n->r->arena), 1));
}
