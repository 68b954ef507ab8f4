/* legalize_xnnpack.c - operators of bytes as XNNPACK computes them, by which LiteRT runs on a host.
 *
 *   convolution   float(sum) * scale, scale = input scale * filter scale[c] / output scale, all in float32; half to even
 *   ADD, SUB      the operands times whole numbers, lrintf(scale / output scale * 2^shift) with shift = 20 - the larger one's exponent;
 *                 their exact sum / 2^shift, half up
 *   MUL           float(product) * scale, as a convolution
 *   MEAN          float(sum of the stored numbers) * scale + addend in float32, half to even with the zero point in it
 *   QUANTIZE      x * lrintf(256 * input scale / output scale) / 256, half up; LEAKY_RELU the same with a factor for each sign
 * LiteRT gives XNNPACK what has the types, scales and shapes that are asked for here. The rest runs by kernels of its own, which for ADD,
 * SUB, MUL and LEAKY_RELU have the numbers of the reference kernels; those of the others are not known, so that they are refused.
 */
#include <math.h>

#include "common/fixed_point.h"
#include "compiler/passes/legalize_site.h"

enum { SUM_BITS = 20, FACTOR_BITS = 8 };

static float input_scale(const struct site *s, uint32_t i) {
    return site_input(s, i)->quant.scale[0];
}

static float output_scale(const struct site *s) {
    return site_output(s, 0)->quant.scale[0];
}

static int32_t output_zero(const struct site *s) {
    return (int32_t)site_output(s, 0)->quant.zero_point[0];
}

/* ---- convolutions ---- */

static enum qm_status check_ends(const struct site *s) {
    QM_TRY(site_check_activation(s, site_input(s, 0)));
    return site_check_activation(s, site_output(s, 0));
}

enum qm_status xnnpack_convolution(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *weights = site_input(s, 1), *out = site_output(s, 0);
    bool connected = s->op->kind == QM_OP_FULLY_CONNECTED;
    if (weights->data == NULL) return site_refuse(s, "XNNPACK takes no weights that the network computes");
    if (in->dtype != out->dtype || in->dtype != weights->dtype) return site_refuse(s, "XNNPACK takes no different types");
    if (!connected && s->op->inputs[2] == QM_NO_TENSOR) return site_refuse(s, "XNNPACK takes none without a bias");
    if (weights->bits != 0 && !(connected && weights->bits == 4))
        return site_refuse(s, "XNNPACK takes no weights of %u bits", weights->bits);
    QM_TRY(check_ends(s));
    return s->op->kind == QM_OP_CONV_2D ? legalize_conv(s) : connected ? legalize_fully_connected(s) : legalize_depthwise(s);
}

enum qm_status xnnpack_transpose_conv(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *weights = site_input(s, 1);
    if (weights->data == NULL || weights->bits != 0) return site_refuse(s, "XNNPACK takes only weights of 8 bits that are constant");
    if (in->dtype != site_output(s, 0)->dtype || in->dtype != weights->dtype) return site_refuse(s, "XNNPACK takes no different types");
    QM_TRY(check_ends(s));
    bool narrow = s->op->stride_h > s->op->kernel_h || s->op->stride_w > s->op->kernel_w;
    if (narrow) return site_refuse(s, "of windows narrower than their strides LiteRT gives XNNPACK only some");
    if (s->op->kernel_h * s->op->kernel_w == 1) return site_refuse(s, "LiteRT does not give XNNPACK windows of one element");
    return legalize_transpose_conv(s);
}

/* ---- sums ---- */

static bool is_within(float ratio, float low, float high) {
    return ratio >= low && ratio < high;
}

/* A factor as a whole number of 2^-shift. */
static struct qm_multiplier whole(float factor, int32_t shift) {
    return (struct qm_multiplier){.value = (int32_t)lrintf(ldexpf(factor, shift)), .shift = 31};
}

enum qm_status xnnpack_add(const struct site *s) {
    struct qm_layer *layer;
    bool subtracts = s->op->kind == QM_OP_SUB;
    QM_TRY(site_check_activations(s));
    float a = input_scale(s, 0) / output_scale(s), b = input_scale(s, 1) / output_scale(s);
    if (!is_within(a, 0x1p-10F, 0x1p8F) || !is_within(b, 0x1p-10F, 0x1p8F)) return subtracts ? legalize_on_host(s) : legalize_add(s);
    QM_TRY(site_binary_layer(s, &layer));
    int32_t shift = SUM_BITS - ilogbf(fmaxf(a, b));
    layer->rounding = QM_rounding_SINGLE;
    layer->a_scale = whole(a, shift);
    layer->b_scale = whole(subtracts ? -b : b, shift);
    layer->out_scale = (struct qm_multiplier){.value = 1 << 30, .shift = 1 - shift};
    return QM_OK;
}

/* ---- products ---- */

enum qm_status xnnpack_mul(const struct site *s) {
    struct qm_layer *layer;
    QM_TRY(site_check_activations(s));
    float scale = input_scale(s, 0) * input_scale(s, 1) / output_scale(s);
    if (!is_within(scale, 0x1p-16F, 0x1p8F)) return legalize_mul(s);
    QM_TRY(site_binary_layer(s, &layer));
    layer->product = true;
    layer->rounding = QM_rounding_EVEN;
    if (!xnnpack_fits_product(layer, scale))
        return site_refuse(s, "no multiplier gives the numbers of XNNPACK's product %g", (double)scale);
    return QM_OK;
}

/* ---- means ---- */

enum qm_status xnnpack_mean(const struct site *s) {
    if (site_unscaled(s)) return site_refuse(s, "XNNPACK takes no tensors without a scale");
    QM_TRY(site_check_activations(s));
    return legalize_mean(s);
}

/* ---- of one number ---- */

static float scale_ratio(const struct site *s) {
    return input_scale(s, 0) / output_scale(s);
}

enum qm_status xnnpack_quantize(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    if (in->dtype == QM_F32) return legalize_quantize(s);
    QM_TRY(site_check_activations(s));
    float ratio = scale_ratio(s);
    if (ratio == 1 && in->dtype != out->dtype) return legalize_quantize(s); /* exact by any rule */
    if (in->dtype != out->dtype || ratio < 0x1p-8F || ratio > 0x1p7F)
        return site_refuse(s, "XNNPACK does not take it, and the numbers of LiteRT's kernel for a host are not known");
    QM_TRY(legalize_quantize(s));
    struct qm_layer *layer = &s->l->network->layers[s->l->network->layer_count - 1];
    layer->rounding = QM_rounding_SINGLE;
    layer->out_scale = qm_multiplier_from_real(ldexp((double)lrintf(ldexpf(ratio, FACTOR_BITS)), -FACTOR_BITS));
    return QM_OK;
}

/* x * factor / 2^FACTOR_BITS, half up. */
static int32_t by_factor(int32_t x, float factor) {
    int64_t product = x * (int64_t)lrintf(ldexpf(factor, FACTOR_BITS)) + (1 << (FACTOR_BITS - 1));
    return (int32_t)floor(ldexp((double)product, -FACTOR_BITS));
}

enum qm_status xnnpack_leaky_relu(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    QM_TRY(site_check_activations(s));
    float above = scale_ratio(s), below = above * s->op->alpha;
    bool taken = in->dtype == out->dtype && above >= 0x1p-8F && above <= 0x1p7F && below >= -127.99609375F && below <= 0x1p7F &&
                 fabsf(below) >= 0x1p-8F;
    if (!taken) return legalize_leaky_relu(s);
    uint8_t *table = QM_ARENA_NEW(s->l->arena, uint8_t, QM_TABLE_BYTES);
    for (int32_t number = qm_graph_lowest(in); number <= qm_graph_highest(in); number++) {
        int32_t x = number - (int32_t)in->quant.zero_point[0], y = by_factor(x, x >= 0 ? above : below) + output_zero(s);
        table[(uint8_t)number] = (uint8_t)qm_clamp(y, qm_graph_lowest(out), qm_graph_highest(out));
    }
    return site_use_table(s, table);
}
