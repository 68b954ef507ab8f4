/* by_weights.c - other operators as convolutions with weights of 1, because only convolutions have factors and thresholds for each channel,
 * and 32-bit sums as results.
 */
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* A depthwise convolution of a tensor [1][rows][n x taps][channels]: taps neighbours make one position, with one weight each. */
static void set_depthwise(const struct real_node *n, struct real_deferred *deferred, uint32_t tensor, uint32_t taps,
                          const int8_t *weights) {
    const struct qm_graph_tensor *in = &real_tensors(n)[tensor];
    uint32_t rows = in->dims[1], channels = in->dims[3];
    struct qm_shape shape = {4, {1, 1, taps, channels}};
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, (size_t)taps * channels);
    for (uint32_t t = 0; t < taps; t++) memset(data + (size_t)t * channels, weights[t], channels);
    deferred->op.kind = QM_OP_DEPTHWISE_CONV_2D;
    deferred->op.inputs[0] = tensor;
    deferred->op.inputs[1] = qm_graph_add_constant(&n->r->maker, "weights", QM_I8, &shape, data);
    real_set_quant(n, deferred->op.inputs[1], 1, 0);
    deferred->op.input_count = 2;
    deferred->op.depth_multiplier = 1;
    deferred->op.kernel_h = deferred->op.stride_h = deferred->op.stride_w = deferred->op.dilation_h = deferred->op.dilation_w = 1;
    deferred->op.kernel_w = taps;
    deferred->op_shape = (struct qm_shape){4, {1, rows, 1, channels}};
}

/* The AVERAGE_POOL_2D of a map as a depthwise convolution with weights of 1, whose sums are the same, for each channel of the map. */
void real_pool_by_weights(const struct real_node *n, struct real_deferred *deferred) {
    const struct qm_graph_tensor *in = &real_tensors(n)[deferred->op.inputs[0]];
    uint32_t channels = in->dims[3];
    if (deferred->channels != channels)
        real_deferred_set_sums(n, deferred, channels, deferred->sum_scale[0], deferred->sum_low[0], deferred->sum_high[0]);
    struct qm_shape shape = {4, {1, deferred->op.kernel_h, deferred->op.kernel_w, channels}};
    int8_t *ones = QM_ARENA_NEW(n->r->arena, int8_t, qm_shape_elements(&shape));
    memset(ones, 1, qm_shape_elements(&shape));
    deferred->op.kind = QM_OP_DEPTHWISE_CONV_2D;
    deferred->op.inputs[1] = qm_graph_add_constant(&n->r->maker, "ones", QM_I8, &shape, ones);
    real_set_quant(n, deferred->op.inputs[1], 1, 0);
    deferred->op.input_count = 2;
    deferred->op.depth_multiplier = 1;
}

/* A tensor as a map [1][rows][1][channels]. */
static uint32_t as_rows(const struct real_node *n, uint32_t tensor, uint32_t channels) {
    uint32_t rows = (uint32_t)(qm_graph_elements(&real_tensors(n)[tensor]) / channels);
    return real_add_reshape(n, tensor, &(struct qm_shape){4, {1, rows, 1, channels}});
}

/* The QUANTIZE of a tensor as a convolution with weights of 1, because only convolutions have factors and thresholds for each channel. */
void real_quantize_by_weights(const struct real_node *n, struct real_deferred *deferred) {
    set_depthwise(n, deferred, as_rows(n, deferred->op.inputs[0], deferred->channels), 1, (const int8_t[]){1});
}

bool real_add_by_weights(const struct real_node *n, struct real_deferred *deferred, int8_t second) {
    const struct qm_graph_tensor *tensors = real_tensors(n);
    const struct qm_graph_tensor *a = &tensors[deferred->op.inputs[0]], *b = &tensors[deferred->op.inputs[1]];
    if (deferred->sum_scale == NULL || a->quant.zero_point[0] != b->quant.zero_point[0])
        return real_refuse(n, "has operands with different scales, and a result that is not quantized");
    if (qm_graph_elements(a) != qm_graph_elements(b))
        return real_refuse(n, "has operands of different shapes, and a result that is not quantized");
    uint32_t channels = a->rank > 0 ? a->dims[a->rank - 1] : 1, rows[2];
    for (uint32_t i = 0; i < 2; i++) rows[i] = as_rows(n, deferred->op.inputs[i], channels);
    struct qm_shape shape = qm_graph_shape(&real_tensors(n)[rows[0]]);
    shape.dims[2] = 2;
    uint32_t both = real_add_like(n, rows[0], &shape);
    struct qm_graph_op *op = real_add_op(n, QM_OP_CONCATENATION, rows[0], both);
    op->inputs[1] = rows[1];
    op->input_count = 2;
    op->axis = 2;
    real_deferred_set_sums(n, deferred, channels, deferred->sum_scale[0], deferred->sum_low[0], deferred->sum_high[0]);
    set_depthwise(n, deferred, both, 2, (const int8_t[]){1, second});
    return true;
}
