/* scale.c - parameters of lanes, the table of scalers, and the plain one: loops that compilers for any processor can vectorize. */
#include "sim/functional/fast/scale.h"

#include <stdlib.h>

#include "common/fixed_point.h"
#include "sim/functional/fast/vectorized.h"

/* What a rounding that adds the bias to the product is where there is none. */
static uint32_t without_bias(uint32_t rounding) {
    switch (rounding) {
    case QM_rounding_ADDEND: return QM_rounding_FLOOR;
    case QM_rounding_OFFSET: return QM_rounding_EVEN;
    default: return rounding;
    }
}

void scale_begin(const struct qm_insn *insn, struct scale *scale) {
    scale->rounding = insn->opcode == QM_REQUANTIZE ? (uint32_t)insn->rounding : without_bias((uint32_t)insn->rounding);
    scale->zero = (int32_t)insn->out_zero;
    scale->low = (int32_t)insn->clamp_min;
    scale->high = (int32_t)insn->clamp_max;
}

static int32_t larger(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* How far bounds of outputs and the zero point may be shifted to the left such that each has 30 bits, with half a unit. */
static int32_t clamp_shift_most(const struct scale *scale) {
    int32_t largest = larger(larger(abs(scale->low - scale->zero), abs(scale->high - scale->zero)), abs(scale->zero) + 1), most = 0;
    while (largest <= INT32_MAX >> (most + 2)) most++;
    return most;
}

/* What does not depend on others of a lane. Bounds wrap where the scale does not clamp first. */
VECTORIZED static void prepare_lanes(struct scale *restrict scale, int32_t shift_most) {
    uint32_t low = (uint32_t)(scale->low - scale->zero), high = (uint32_t)(scale->high - scale->zero), zero = (uint32_t)scale->zero;
    int32_t others = 0;
    for (int64_t i = 0; i < scale->n; i++) {
        int32_t shift = qm_clamp(scale->shift[i], -31, 31), right = shift < 0 ? -shift : 0;
        uint32_t unit = (uint32_t)1 << right;
        scale->left[i] = shift > 0 ? shift : 0;
        scale->right[i] = right;
        scale->dropped[i] = (int32_t)(unit - 1);
        scale->half_dropped[i] = (int32_t)((unit - 1) / 2);
        scale->least[i] = (int32_t)(low * unit);
        scale->most[i] = (int32_t)(high * unit);
        scale->added[i] = (int32_t)(zero * unit + unit / 2);
        others |= (right == 0) | (right > shift_most) | (scale->multiplier[i] == INT32_MIN);
    }
    scale->clamps_first = scale->rounding == QM_rounding_TFLITE && others == 0;
}

void scale_prepare(struct scale *scale) {
    prepare_lanes(scale, clamp_shift_most(scale));
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
    for (int64_t i = 0; i < scale->n; i++)
        out[i] = qm_scale_biased(sums[i], scale->bias[i], scale->multiplier[i], scale->shift[i], rounding);
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
