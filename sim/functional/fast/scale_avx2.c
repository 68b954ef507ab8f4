/* scale_avx2.c - the scaling unit on eight lanes with AVX2, in the words of common/fixed_point.h.
 *
 * A product has 64 bits, so even and odd lanes are multiplied apart and blended again. AVX2 has no arithmetic shift of 64 bits: one is made
 * of a logical shift of the number moved up by 2^63, which is moved down again.
 */
#include "sim/functional/fast/scale.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#include "common/fixed_point.h"
#include "sim/functional/fast/vectorized.h"

#define AVX2      __attribute__((target("avx2")))
#define AVX2_LINE AVX2 INLINE

enum { LANES = 8, MANY = 32, ODD_LANES = 0xaa };
enum { CLAMP_FIRST = UINT8_MAX }; /* in the place of a rounding: TFLITE with a scale that clamps first */

static bool is_supported(void) {
    return __builtin_cpu_supports("avx2");
}

AVX2_LINE __m256i load(const int32_t *words) {
    return _mm256_loadu_si256((const __m256i *)words);
}

/* Products with the multipliers, times 2^-31 and rounded; the one that does not fit becomes INT32_MIN. */
AVX2_LINE __m256i multiply_tflite(const struct scale *scale, int64_t at, __m256i raised) {
    const __m256i half = _mm256_set1_epi64x(1 << 30);
    __m256i even = _mm256_add_epi64(_mm256_mul_epi32(raised, load(scale->multiplier + at)), half);
    __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(raised, 32), load(scale->multiplier + at + 1)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_add_epi64(odd, odd), ODD_LANES);
}

/* qm_scale_tflite. */
AVX2_LINE __m256i scale_tflite(const struct scale *scale, int64_t at, __m256i biased) {
    const __m256i least = _mm256_set1_epi32(INT32_MIN);
    __m256i nearest = multiply_tflite(scale, at, _mm256_sllv_epi32(biased, load(scale->left + at)));
    __m256i high = _mm256_xor_si256(nearest, _mm256_cmpeq_epi32(nearest, least)); /* INT32_MIN becomes INT32_MAX */
    __m256i threshold = _mm256_sub_epi32(load(scale->half_dropped + at), _mm256_srai_epi32(high, 31));
    __m256i is_up = _mm256_cmpgt_epi32(_mm256_and_si256(high, load(scale->dropped + at)), threshold);
    return _mm256_sub_epi32(_mm256_srav_epi32(high, load(scale->right + at)), is_up);
}

/* qm_nudge of four products; total in the low and high words together. */
AVX2_LINE __m256i nudge(__m256i product, __m256i total, uint32_t rounding) {
    const __m256i one = _mm256_set1_epi64x(1), none = _mm256_setzero_si256();
    __m256i half = _mm256_srli_epi64(_mm256_sllv_epi64(one, total), 1), has_half = _mm256_cmpgt_epi64(half, none);
    __m256i is_even = _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_srlv_epi64(product, total), one), none);
    switch (rounding) {
    case QM_rounding_SINGLE: return half;
    case QM_rounding_EVEN: return _mm256_add_epi64(half, _mm256_and_si256(has_half, is_even));
    case QM_rounding_AWAY: return _mm256_add_epi64(half, _mm256_and_si256(has_half, _mm256_cmpgt_epi64(none, product)));
    default: return none;
    }
}

/* x >> total of four numbers. */
AVX2_LINE __m256i shift_right(__m256i x, __m256i total) {
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_xor_si256(x, sign), total), _mm256_srlv_epi64(sign, total));
}

/* qm_saturate_i32 of four numbers. */
AVX2_LINE __m256i saturate(__m256i x) {
    const __m256i most = _mm256_set1_epi64x(INT32_MAX), least = _mm256_set1_epi64x(INT32_MIN);
    __m256i bounded = _mm256_blendv_epi8(x, most, _mm256_cmpgt_epi64(x, most));
    return _mm256_blendv_epi8(bounded, least, _mm256_cmpgt_epi64(least, bounded));
}

/* qm_scale_offset of four products. */
AVX2_LINE __m256i scale_offset(__m256i product, __m256i total, __m256i bias) {
    const __m256i ones = _mm256_set1_epi64x(-1), none = _mm256_setzero_si256();
    __m256i above = _mm256_max_epi32(_mm256_sub_epi32(total, _mm256_set1_epi32(QM_OFFSET_BITS)), none);
    __m256i sum = _mm256_add_epi64(product, _mm256_sllv_epi64(bias, _mm256_min_epi32(above, _mm256_set1_epi32(QM_OFFSET_RAISE_MAX))));
    __m256i dropped = _mm256_andnot_si256(_mm256_sllv_epi64(ones, total), sum);
    __m256i up = _mm256_srlv_epi64(_mm256_add_epi64(dropped, nudge(sum, total, QM_rounding_EVEN)), total);
    return saturate(_mm256_add_epi64(shift_right(sum, total), up));
}

/* Four lanes whose operands are in the low words; the result is there too. */
AVX2_LINE __m256i scale_half(__m256i x, __m256i multiplier, __m256i total, __m256i bias, uint32_t rounding) {
    __m256i product = _mm256_mul_epi32(x, multiplier);
    __m256i wide_bias = _mm256_mul_epi32(bias, _mm256_set1_epi64x(1)); /* with its sign */
    if (rounding == QM_rounding_OFFSET) return scale_offset(product, total, wide_bias);
    __m256i added = rounding == QM_rounding_ADDEND ? wide_bias : nudge(product, total, rounding);
    return saturate(shift_right(_mm256_add_epi64(product, added), total));
}

/* qm_scale_biased of lanes at .. at + 7. */
AVX2_LINE __m256i scale_lanes(const struct scale *scale, int64_t at, const int32_t *sums, uint32_t rounding) {
    const __m256i low_words = _mm256_set1_epi64x(UINT32_MAX);
    __m256i bias = load(scale->bias + at), multiplier = load(scale->multiplier + at), x = load(sums);
    if (!qm_bias_is_on_product(rounding)) x = _mm256_add_epi32(x, bias);
    if (rounding == QM_rounding_TFLITE) return scale_tflite(scale, at, x);
    __m256i total = _mm256_sub_epi32(_mm256_add_epi32(_mm256_set1_epi32(31), load(scale->right + at)), load(scale->left + at));
    __m256i even = scale_half(x, multiplier, _mm256_and_si256(total, low_words), bias, rounding);
    __m256i odd = scale_half(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(multiplier, 32), _mm256_srli_epi64(total, 32),
                             _mm256_srli_epi64(bias, 32), rounding);
    return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), ODD_LANES);
}

/* The output stage in registers. The bounds are those of the scaled number; qm_output's own, of 30 bits, do not show, because zero, low and
 * high have 16. */
struct stage {
    __m256i zero, low, high;
};

AVX2_LINE struct stage stage_of(const struct scale *scale) {
    return (struct stage){_mm256_set1_epi32(scale->zero), _mm256_set1_epi32(scale->low - scale->zero),
                          _mm256_set1_epi32(scale->high - scale->zero)};
}

AVX2_LINE __m256i output_lanes(struct stage stage, __m256i scaled) {
    return _mm256_add_epi32(_mm256_min_epi32(_mm256_max_epi32(scaled, stage.low), stage.high), stage.zero);
}

/* qm_scale_tflite and the output stage of a scale that clamps first: rounding a number moves it towards no bound that it is beyond, and
 * half a unit less the sign is what rounds ties away from zero. */
AVX2_LINE __m256i output_clamped(const struct scale *scale, int64_t at, const int32_t *sums) {
    __m256i high = multiply_tflite(scale, at, _mm256_add_epi32(load(sums), load(scale->bias + at)));
    __m256i near = _mm256_min_epi32(_mm256_max_epi32(high, load(scale->least + at)), load(scale->most + at));
    __m256i moved = _mm256_add_epi32(near, _mm256_add_epi32(_mm256_srai_epi32(near, 31), load(scale->added + at)));
    return _mm256_srav_epi32(moved, load(scale->right + at));
}

/* Output elements of eight sums. */
AVX2_LINE __m256i output_words(const struct scale *scale, struct stage stage, int64_t at, const int32_t *sums, uint32_t rounding) {
    if (rounding == CLAMP_FIRST) return output_clamped(scale, at, sums);
    return output_lanes(stage, scale_lanes(scale, at, sums, rounding));
}

/* The low bytes of eight words. */
AVX2_LINE __m128i low_bytes(__m256i words) {
    __m256i bytes = _mm256_shuffle_epi8(words, _mm256_set1_epi32(0x0c080400)); /* bytes 0, 4, 8 and 12 of each half */
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
}

/* The low bytes of 32 words. */
AVX2_LINE __m256i pack_bytes(const __m256i *words) {
    const __m256i byte = _mm256_set1_epi32(0xff), order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i low = _mm256_packus_epi32(_mm256_and_si256(words[0], byte), _mm256_and_si256(words[1], byte));
    __m256i high = _mm256_packus_epi32(_mm256_and_si256(words[2], byte), _mm256_and_si256(words[3], byte));
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}

AVX2_LINE __m256i output_many(const struct scale *scale, struct stage stage, int64_t at, const int32_t *sums, uint32_t rounding) {
    __m256i words[MANY / LANES];
#pragma GCC unroll 4
    for (int i = 0; i < MANY / LANES; i++) words[i] = output_words(scale, stage, at + i * LANES, sums + i * LANES, rounding);
    return pack_bytes(words);
}

AVX2_LINE __m128i output_bytes(const struct scale *scale, struct stage stage, int64_t at, const int32_t *sums, uint32_t rounding) {
    return low_bytes(output_words(scale, stage, at, sums, rounding));
}

/* The last lanes of a row, fewer than LANES, as a whole vector. */
AVX2_LINE const int32_t *rest_of(const int32_t *sums, int64_t at, int64_t n, int32_t *rest) {
    memset(rest, 0, LANES * sizeof *rest);
    memcpy(rest, sums + at, (size_t)(n - at) * sizeof *rest);
    return rest;
}

AVX2_LINE void bytes_row(const struct scale *scale, struct stage stage, const int32_t *sums, uint8_t *out, uint32_t rounding) {
    int64_t at = 0, n = scale->n;
    for (; at + MANY <= n; at += MANY) _mm256_storeu_si256((__m256i *)(out + at), output_many(scale, stage, at, sums + at, rounding));
    for (; at + LANES <= n; at += LANES) _mm_storel_epi64((__m128i *)(out + at), output_bytes(scale, stage, at, sums + at, rounding));
    if (at == n) return;
    int32_t rest[LANES];
    uint8_t elements[2 * LANES];
    _mm_storeu_si128((__m128i *)elements, output_bytes(scale, stage, at, rest_of(sums, at, n, rest), rounding));
    memcpy(out + at, elements, (size_t)(n - at));
}

AVX2_LINE void words_row(const struct scale *scale, const int32_t *sums, int32_t *out, uint32_t rounding) {
    int64_t at = 0;
    for (; at + LANES <= scale->n; at += LANES) _mm256_storeu_si256((__m256i *)(out + at), scale_lanes(scale, at, sums + at, rounding));
    if (at == scale->n) return;
    int32_t rest[LANES], scaled[LANES];
    _mm256_storeu_si256((__m256i *)scaled, scale_lanes(scale, at, rest_of(sums, at, scale->n, rest), rounding));
    memcpy(out + at, scaled, (size_t)(scale->n - at) * sizeof *out);
}

AVX2_LINE void bytes_rows(const struct scale *scale, const struct scale_rows *rows, uint8_t *out, int64_t out_stride, uint32_t rounding) {
    struct stage stage = stage_of(scale);
    for (int64_t m = 0; m < rows->count; m++) bytes_row(scale, stage, rows->sums + m * rows->sums_stride, out + m * out_stride, rounding);
}

AVX2_LINE void words_rows(const struct scale *scale, const struct scale_rows *rows, int32_t *out, int64_t out_stride, uint32_t rounding) {
    for (int64_t m = 0; m < rows->count; m++) words_row(scale, rows->sums + m * rows->sums_stride, out + m * out_stride, rounding);
}

AVX2 static void bytes(const struct scale *scale, struct scale_rows rows, uint8_t *out, int64_t out_stride) {
    if (scale->clamps_first)
        bytes_rows(scale, &rows, out, out_stride, CLAMP_FIRST);
    else
        WITH_ROUNDING(scale->rounding, bytes_rows, scale, &rows, out, out_stride);
}

AVX2 static void words(const struct scale *scale, struct scale_rows rows, int32_t *out, int64_t out_stride) {
    WITH_ROUNDING(scale->rounding, words_rows, scale, &rows, out, out_stride);
}

const struct scaler scaler_avx2 = {"avx2", is_supported, bytes, words};

#endif
