/* quantize.c - QUANTIZE and DEQUANTIZE, at the ends of the network and between its operators.
 *
 * Between operators they only say what integers mean. At a float input a QUANTIZE is an operator of its own; at a float output a
 * DEQUANTIZE is one (integers.c).
 */
#include "compiler/passes/integers/integers.h"

/* A float input becomes integers on its way into the network. */
static bool quantize_input(const struct real_node *n, struct real_encoding *encoding) {
    struct real_value *in = n->inputs[0], *origin = in->origin, *out = n->outputs[0];
    if (origin->type != QM_F32) return real_refuse(n, "quantizes an input of %s", qm_dtype_name(origin->type));
    enum real_order order = real_input_order(n->r, &origin->shape);
    if (!real_input_is_made(origin)) real_add_input(n->r, origin, origin->name, QM_F32);
    struct real_value like = {.state = REAL_TENSOR,
                              .quant_known = true,
                              .scale = (float)encoding->scale,
                              .zero = encoding->zero,
                              .low = encoding->requant.low,
                              .high = encoding->requant.high};
    struct qm_shape shape = qm_graph_shape(&real_tensors(n)[origin->tensors[order]]);
    uint32_t tensor = real_add_tensor(n, out->name, encoding->dtype, &shape);
    real_set_quant(n, tensor, like.scale, like.zero);
    struct qm_requant *requant = QM_ARENA_NEW(n->r->arena, struct qm_requant, 1);
    *requant = encoding->requant;
    requant->rounding = QM_rounding_EVEN;
    real_add_op(n, QM_OP_QUANTIZE, origin->tensors[order], tensor)->requant = requant;
    if (qm_shape_same(&origin->shape, &out->shape)) return real_put(n, &like, order, tensor), true;
    struct real_value whole = like; /* reshaped: in the file's order */
    whole.name = out->name;
    whole.shape = origin->shape;
    whole.tensors[REAL_PLAIN] = whole.tensors[REAL_CHANNELS_LAST] = QM_NO_TENSOR;
    whole.tensors[order] = tensor;
    if (!real_tensor(n, &whole, REAL_PLAIN, &tensor)) return false;
    real_put(n, &like, REAL_PLAIN, real_add_reshape(n, tensor, &out->shape));
    return true;
}

/* The host makes bytes; a quantizer of fewer bits cuts them. */
static bool quantize_and_cut(const struct real_node *n, struct real_encoding *encoding) {
    struct real_value bytes = *n->outputs[0];
    struct real_encoding whole = *encoding;
    struct real_node host = *n;
    struct real_deferred *deferred;
    whole.requant.low = encoding->dtype == QM_U8 ? 0 : INT8_MIN;
    whole.requant.high = whole.requant.low + UINT8_MAX;
    host.outputs = (struct real_value *[]){&bytes};
    if (!quantize_input(&host, &whole)) return false;
    bytes.real = true;
    if (!real_deferred_of(n, &bytes, &deferred) || !real_materialize_as(n, deferred, encoding, n->outputs[0])) return false;
    n->outputs[0]->real = false;
    return true;
}

/* Integers of this encoding are what the network reads. */
static bool begin_network(const struct real_node *n, const struct real_encoding *encoding) {
    struct real_value *out = n->outputs[0], *origin = n->inputs[0]->origin;
    if (real_input_is_made(origin)) return real_refuse(n, "is a second quantizer of %.60s", origin->name);
    struct real_value like = {.state = REAL_TENSOR,
                              .quant_known = true,
                              .scale = (float)encoding->scale,
                              .zero = encoding->zero,
                              .low = encoding->requant.low,
                              .high = encoding->requant.high};
    struct real_value own = {.shape = out->shape, .tensors = {QM_NO_TENSOR, QM_NO_TENSOR}};
    enum real_order order = real_input_order(n->r, &own.shape);
    uint32_t tensor = real_add_input(n->r, &own, out->name, encoding->dtype);
    real_set_quant(n, tensor, like.scale, like.zero);
    origin->tensors[real_input_order(n->r, &origin->shape)] = tensor;
    real_put(n, &like, order, tensor);
    return true;
}

bool real_encoding_of(const struct real_node *n, struct real_encoding *encoding) {
    const struct qm_graph_tensor *out = &n->r->source->tensors[n->op->outputs[0]];
    struct real_scales scales;
    if (!real_read_scales(n, &scales)) return false;
    if (out->dtype != QM_I8 && out->dtype != QM_U8)
        return real_refuse(n, "makes %s; int8, uint8 and narrower are supported", qm_dtype_name(out->dtype));
    *encoding = (struct real_encoding){.dtype = out->dtype, .scale = scales.scale[0], .zero = (int64_t)scales.zero[0]};
    encoding->requant.low = (int32_t)n->op->low;
    encoding->requant.high = (int32_t)n->op->high;
    if (scales.zero[0] < n->op->low || scales.zero[0] > n->op->high)
        return real_refuse(n, "has the zero point %g, which its type does not have", scales.zero[0]);
    return true;
}

bool real_quantize(const struct real_node *n) {
    struct real_deferred *deferred;
    struct real_encoding encoding;
    if (!real_encoding_of(n, &encoding)) return false;
    if (n->inputs[0]->state == REAL_INPUT) return quantize_and_cut(n, &encoding);
    if (!real_deferred_of(n, n->inputs[0], &deferred)) return false;
    if (!real_materialize_as(n, deferred, &encoding, n->outputs[0])) return false;
    n->outputs[0]->real = false;
    return true;
}

/* 32-bit sums that have no tensor of their own: their zero point and scale go into the epilogue. */
static bool dequantize_sums(const struct real_node *n, const struct real_scales *scales) {
    struct real_deferred *deferred;
    if (!real_deferred_of(n, n->inputs[0], &deferred)) return false;
    bool along = n->op->axis == deferred->axis && scales->count == deferred->channels;
    if (scales->count != 1 && !along) return real_refuse(n, "has scales along axis %u, not along the channels", n->op->axis);
    double *minus = QM_ARENA_NEW(n->r->arena, double, scales->count);
    for (uint32_t c = 0; c < scales->count; c++) minus[c] = -scales->zero[c];
    real_append(n, deferred, REAL_ADD, scales->count, minus);
    real_append(n, deferred, REAL_MUL, scales->count, scales->scale);
    return real_defer(n, deferred);
}

bool real_dequantize(const struct real_node *n) {
    struct real_value *in = n->inputs[0];
    struct real_scales scales;
    if (!real_read_scales(n, &scales)) return false;
    if (in->state == REAL_DEFERRED && in->type == QM_I32) return dequantize_sums(n, &scales);
    if (!real_materialize(n, in)) return false;
    if (in->real && (in->scale != 1 || in->zero != 0)) return real_refuse(n, "reads numbers that are scaled already");
    return real_put_as(n, in, &scales);
}

/* Of an input: its signs are what the network reads. */
bool real_sign(const struct real_node *n) {
    struct real_encoding signs = {.dtype = QM_I8, .scale = 1, .requant = {.low = -1, .high = 1}};
    if (n->inputs[0]->state == REAL_INPUT) return begin_network(n, &signs);
    return real_defer_elementwise(n, 0, REAL_SIGN, NULL, 1);
}
