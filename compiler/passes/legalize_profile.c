/* legalize_profile.c - profiles of TFLite files: what a framework does with each operator, where that is not what TensorFlow Lite for
 * Microcontrollers does. docs/numerics.md has the same table in words, and where it comes from.
 *
 * An operator without a row is computed as everywhere. One whose results are not known is refused.
 */
#include "compiler/passes/legalize_site.h"

/* ---- what is refused ---- */

static enum qm_status refuse_floats(const struct site *s) {
    return site_refuse(s, "XNNPACK computes it on float32 with approximations of its own, which --requant xnnpack does not have");
}

static enum qm_status refuse_unknown(const struct site *s) {
    return site_refuse(s, "what LiteRT's kernels for a host compute is not known, so that --requant xnnpack has no rule for it");
}

/* On int8 the reference kernel of LiteRT 2.3 gives numbers that are no sums. */
static enum qm_status litert_sum(const struct site *s) {
    if (site_input(s, 0)->dtype == QM_I8) return site_refuse(s, "LiteRT's reference kernel does not give the sums of int8");
    return legalize_on_host(s);
}

/* LiteRT rescales uint8 only (legalize_moves.c). */
static enum qm_status litert_concatenation(const struct site *s) {
    const struct qm_graph_tensor *out = site_output(s, 0);
    for (uint32_t i = 0; i < s->op->input_count && out->dtype == QM_I8 && !site_unscaled(s); i++) {
        QM_TRY(site_check_activations(s));
        bool same =
            site_input(s, i)->quant.scale[0] == out->quant.scale[0] && site_input(s, i)->quant.zero_point[0] == out->quant.zero_point[0];
        if (!same) return site_refuse(s, "LiteRT takes no int8 of different scales or zero points");
    }
    return legalize_concatenation(s);
}

/* ---- profiles ---- */

/* clang-format off */
static const struct profile litert = {.kernels = QM_KERNELS_LITERT, .rows = {
    [QM_OP_FULLY_CONNECTED]   = {.rounding = QM_rounding_SINGLE},
    [QM_OP_LOGISTIC]          = {.legalize = legalize_float_logistic},
    [QM_OP_TANH]              = {.legalize = legalize_float_tanh},
    [QM_OP_SUM]               = {.legalize = litert_sum},
    [QM_OP_CONCATENATION]     = {.legalize = litert_concatenation, .rounding = QM_rounding_EVEN},
}};

static const struct profile xnnpack = {.kernels = QM_KERNELS_XNNPACK, .rows = {
    [QM_OP_CONV_2D]           = {.legalize = xnnpack_convolution, .rounding = QM_rounding_EVEN},
    [QM_OP_DEPTHWISE_CONV_2D] = {.legalize = xnnpack_convolution, .rounding = QM_rounding_EVEN},
    [QM_OP_TRANSPOSE_CONV]    = {.legalize = xnnpack_transpose_conv, .rounding = QM_rounding_EVEN},
    [QM_OP_FULLY_CONNECTED]   = {.legalize = xnnpack_convolution, .rounding = QM_rounding_EVEN},
    [QM_OP_ADD]               = {.legalize = xnnpack_add},
    [QM_OP_SUB]               = {.legalize = xnnpack_add},
    [QM_OP_MUL]               = {.legalize = xnnpack_mul},
    [QM_OP_MEAN]              = {.legalize = xnnpack_mean, .legalize_floats = refuse_floats, .rounding = QM_rounding_EVEN},
    [QM_OP_SUM]               = {.legalize_floats = refuse_floats},
    [QM_OP_QUANTIZE]          = {.legalize = xnnpack_quantize},
    [QM_OP_LEAKY_RELU]        = {.legalize = xnnpack_leaky_relu},
    [QM_OP_LOGISTIC]          = {.legalize = legalize_float_logistic, .legalize_floats = refuse_floats},
    [QM_OP_TANH]              = {.legalize = legalize_float_tanh, .legalize_floats = refuse_floats},
    [QM_OP_CONCATENATION]     = {.legalize = litert_concatenation, .rounding = QM_rounding_EVEN},
    [QM_OP_BATCH_MATMUL]      = {.legalize = refuse_unknown},
    [QM_OP_LOG_SOFTMAX]       = {.legalize = refuse_unknown, .legalize_floats = refuse_unknown},
    [QM_OP_SOFTMAX]           = {.legalize_floats = refuse_floats},
    [QM_OP_AVERAGE_POOL_2D]   = {.legalize_floats = refuse_floats},
    [QM_OP_RESIZE_BILINEAR]   = {.legalize_floats = refuse_floats},
    [QM_OP_L2_NORMALIZATION]  = {.legalize_floats = refuse_floats},
    [QM_OP_HARD_SWISH]        = {.legalize_floats = refuse_floats},
    [QM_OP_ELU]               = {.legalize_floats = refuse_floats},
    [QM_OP_GELU]              = {.legalize_floats = refuse_floats},
    [QM_OP_EXP]               = {.legalize_floats = refuse_floats},
    [QM_OP_LOG]               = {.legalize_floats = refuse_floats},
    [QM_OP_SIN]               = {.legalize_floats = refuse_floats},
    [QM_OP_COS]               = {.legalize_floats = refuse_floats},
    [QM_OP_RSQRT]             = {.legalize_floats = refuse_floats},
    [QM_OP_SQUARED_DIFFERENCE] = {.legalize_floats = refuse_floats},
    [QM_OP_FLOOR_DIV]         = {.legalize_floats = refuse_floats},
}};
/* clang-format on */

const struct profile *profile_of(enum qm_requant_mode mode) {
    return mode == QM_REQUANT_LITERT ? &litert : mode == QM_REQUANT_XNNPACK ? &xnnpack : NULL;
}

enum qm_status profile_legalize(const struct site *s, legalize_operator *legalize) {
    const struct profile *profile = s->l->profile;
    if (profile == NULL) return legalize(s);
    bool floats = site_output(s, 0)->dtype == QM_F32;
    legalize_operator *own = floats ? profile->rows[s->op->kind].legalize_floats : profile->rows[s->op->kind].legalize;
    return (own != NULL ? own : legalize)(s);
}
