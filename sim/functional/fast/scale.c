/* scale.c - parameters of lanes, the table of scalers, and the plain one: loops that compilers for any processor can vectorize. */
#include "sim/functional/fast/scale.h"

#include "common/fixed_point.h"
#include "sim/functional/fast/vectorized.h"

void scale_begin(const struct qm_insn *insn, struct scale *scale) {
    bool has_addend = insn->opcode == QM_REQUANTIZE;
    scale->rounding = insn->rounding == QM_rounding_ADDEND && !has_addend ? QM_rounding_FLOOR : (uint32_t)insn->rounding;
    scale->zero = (int32_t)insn->out_zero;
    scale->low = (int32_t)insn->clamp_min;
    scale->high = (int32_t)insn->clamp_max;
}

/* Bounds of outputs, and their zero point, times 2^right; none of them needs 31 bits, with room for what is added. */
static bool prepare_clamp(struct scale *scale, int64_t i) {
    int64_t unit = (int64_t)1 << scale->right[i], least = (scale->low - scale->zero) * unit, most = (scale->high - scale->zero) * unit;
    int64_t added = scale->zero * unit + unit / 2, limit = (1 << 30) - 1;
    if (scale->right[i] == 0 || scale->multiplier[i] == INT32_MIN) return false;
    if (least < -limit || least > limit || most < -limit || most > limit || added < -limit || added > limit) return false;
    scale->least[i] = (int32_t)least;
    scale->most[i] = (int32_t)most;
    scale->added[i] = (int32_t)added;
    return true;
}

void scale_prepare(struct scale *scale) {
    scale->clamps_first = scale->rounding == QM_rounding_TFLITE;
    for (int64_t i = 0; i < scale->n; i++) {
        int32_t shift = qm_clamp(scale->shift[i], -31, 31);
        scale->left[i] = shift > 0 ? shift : 0;
        scale->right[i] = shift < 0 ? -shift : 0;
        scale->dropped[i] = (int32_t)(((uint32_t)1 << scale->right[i]) - 1);
        scale->half_dropped[i] = scale->dropped[i] / 2;
        scale->clamps_first = scale->clamps_first && prepare_clamp(scale, i);
    }
}

void scale_set_all(struct scale *scale, int64_t n, int32_t bias, int32_t multiplier, int32_t shift) {
    scale->n = n;
    for (int64_t i = 0; i < n; i++) scale->bias[i] = bias, scale->multiplier[i] = multiplier, scale->shift[i] = shift;
    scale_prepare(scale);
}

static bool always(void) {
    return true;
}

INLINE void scale_row(const struct scale *scale, const int32_t *restrict sums, int32_t *restrict out, uint32_t rounding) {
    for (int64_t i = 0; i < scale->n; i++) {
        int32_t biased = (int32_t)((uint32_t)sums[i] + (uint32_t)scale->bias[i]);
        out[i] = rounding == QM_rounding_ADDEND ? qm_scale_addend(sums[i], scale->multiplier[i], scale->shift[i], scale->bias[i])
                                                : qm_scale(biased, scale->multiplier[i], scale->shift[i], rounding);
    }
}

VECTORIZED static void scale_words(const struct scale *scale, const int32_t *sums, int32_t *out) {
    WITH_ROUNDING(scale->rounding, scale_row, scale, sums, out);
}

static void words(const struct scale *scale, struct scale_rows rows, int32_t *out, int64_t out_stride) {
    for (int64_t m = 0; m < rows.count; m++) scale_words(scale, rows.sums + m * rows.sums_stride, out + m * out_stride);
}

VECTORIZED static void output_row(const struct scale *scale, const int32_t *restrict scaled, uint8_t *restrict out) {
    for (int64_t i = 0; i < scale->n; i++) out[i] = qm_output8(scaled[i], scale->zero, scale->low, scale->high);
}

/* In two loops, because vectors of whole words suit rows that are shorter than a vector of bytes. */
static void bytes(const struct scale *scale, struct scale_rows rows, uint8_t *out, int64_t out_stride) {
    int32_t scaled[SCALE_LANES];
    for (int64_t m = 0; m < rows.count; m++) {
        scale_words(scale, rows.sums + m * rows.sums_stride, scaled);
        output_row(scale, scaled, out + m * out_stride);
    }
}

const struct scaler scaler_plain = {"plain", always, bytes, words};

const struct scaler *const scalers[] = {
#ifdef __x86_64__
    &scaler_avx2,
#endif
    &scaler_plain,
};
const int64_t scaler_count = sizeof scalers / sizeof *scalers;

const struct scaler *scaler_best(void) {
    int64_t i = 0;
    while (!scalers[i]->is_supported()) i++;
    return scalers[i];
}
