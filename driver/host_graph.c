/* host_graph.c - the operators of a host stage: on real numbers as evaluate/ says, or one of TFLite on stored numbers (host_ops.h). */
#include <stdlib.h>
#include <string.h>

#include "driver/host_ops.h"
#include "evaluate/evaluate.h"

static bool is_byte(const struct qm_graph_tensor *tensor) {
    return tensor->dtype == QM_I8 || tensor->dtype == QM_U8;
}

/* Turns unsigned bytes into signed ones that are less by 128, and back. */
static void flip_signs(int8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) bytes[i] = (int8_t)(bytes[i] ^ INT8_MIN);
}

static bool run_softmax(const struct qm_graph_op *op, const struct qm_graph_tensor *in, const struct qm_graph_tensor *out,
                        const void *input, int8_t *output) {
    uint32_t depth = in->rank > 0 ? in->dims[in->rank - 1] : 0;
    size_t count = (size_t)qm_graph_elements(in);
    struct qm_softmax softmax = {.rows = (uint32_t)(count / (depth + (depth == 0))), .depth = depth, .beta = op->beta};
    bool typed = is_byte(in) && in->dtype == out->dtype && in->quant.count == 1, log = op->kind == QM_OP_LOG_SOFTMAX;
    if (!typed || depth < 1 || depth > QM_SOFTMAX_DEPTH_MAX) return false;
    softmax.input_scale = in->quant.scale[0];
    if (log) softmax.beta = 1;
    if (!((double)softmax.beta * (double)softmax.input_scale * (1 << 26) > 1)) return false;
    memcpy(output, input, count);
    if (in->dtype == QM_U8) flip_signs(output, count);
    (log ? qm_host_log_softmax : qm_host_softmax)(&softmax, output, output);
    if (in->dtype == QM_U8) flip_signs(output, count);
    return true;
}

/* Floats to bytes, or bytes or sums to floats. */
static bool run_edge(const struct qm_graph_op *op, const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, const void *input,
                     void *output) {
    bool gives_floats = op->kind == QM_OP_DEQUANTIZE;
    const struct qm_graph_tensor *integers = gives_floats ? in : out, *floats = gives_floats ? out : in;
    const struct qm_quant *quant = &integers->quant;
    bool sums = gives_floats && in->dtype == QM_I32;
    if (floats->dtype != QM_F32 || quant->count != 1 || !(quant->scale[0] > 0) || !(is_byte(integers) || sums)) return false;
    if (quant->zero_point[0] < INT8_MIN || quant->zero_point[0] > UINT8_MAX) return false;
    struct qm_affine affine = {.scale = quant->scale[0],
                               .zero_point = (int32_t)quant->zero_point[0],
                               .low = integers->dtype == QM_U8 ? 0 : INT8_MIN,
                               .count = (size_t)qm_graph_elements(in)};
    if (sums)
        qm_host_dequantize_sums(&affine, input, output);
    else if (gives_floats)
        qm_host_dequantize(&affine, input, output);
    else
        qm_host_quantize(&affine, input, output);
    return true;
}

bool qm_host_run(const struct qm_graph *graph, const void *const *inputs, void *output) {
    if (graph->is_real) return evaluate_graph(graph, inputs, &output);
    if (graph->op_count != 1 || graph->input_count != 1) return false;
    const struct qm_graph_op *op = &graph->ops[0];
    const struct qm_graph_tensor *in = &graph->tensors[graph->inputs[0]], *out = &graph->tensors[graph->outputs[0]];
    if (qm_graph_elements(in) != qm_graph_elements(out)) return false;
    switch (op->kind) {
    case QM_OP_SOFTMAX:
    case QM_OP_LOG_SOFTMAX: return run_softmax(op, in, out, inputs[0], output);
    case QM_OP_QUANTIZE:
    case QM_OP_DEQUANTIZE: return run_edge(op, in, out, inputs[0], output);
    default: return false;
    }
}
