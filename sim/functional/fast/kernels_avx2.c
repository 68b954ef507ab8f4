/* kernels_avx2.c - the dense product with AVX2: bytes widened to 16 bits, two products a lane added in 32 bits, which is exact. */
#include "sim/functional/fast/kernels.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2")))
#define INLINE AVX2 static inline __attribute__((always_inline))

enum { PAIRS = KERNEL_K / 2, HEIGHT = 6 };

struct packed {
    __m256i halves[PAIRS][2]; /* lanes 0..7 and 8..15, each lane two weights of one column */
};

static bool is_supported(void) {
    return __builtin_cpu_supports("avx2");
}

AVX2 static void fill(const uint8_t *bytes, int64_t k, bool is_unsigned, void *row) {
    for (int64_t i = 0; i < k; i += 16) {
        __m128i narrow = _mm_loadu_si128((const __m128i *)(bytes + i));
        __m256i wide = is_unsigned ? _mm256_cvtepu8_epi16(narrow) : _mm256_cvtepi8_epi16(narrow);
        _mm256_storeu_si256((__m256i *)((int16_t *)row + i), wide);
    }
}

/* One row of weights of the vector's columns, zeros in the other lanes and in rows from k on. */
INLINE __m128i load_row(const struct kernel_vector *vector, int64_t i, int64_t k) {
    int8_t lanes[KERNEL_LANES] = {0};
    const int8_t *weights = vector->weights + i * vector->stride;
    if (i >= k) return _mm_setzero_si128();
    if (vector->lanes == KERNEL_LANES) return _mm_loadu_si128((const __m128i *)weights);
    memcpy(lanes, weights, (size_t)vector->lanes);
    return _mm_loadu_si128((const __m128i *)lanes);
}

AVX2 static void pack(const struct kernel_vector *vector, int64_t k, struct packed *packed) {
    for (int64_t pair = 0; pair * 2 < k; pair++) {
        __m128i first = load_row(vector, pair * 2, k), second = load_row(vector, pair * 2 + 1, k);
        packed->halves[pair][0] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(first, second));
        packed->halves[pair][1] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(first, second));
    }
}

INLINE void store(const struct kernel_job *job, const struct kernel_vector *vector, int64_t m, const __m256i *halves) {
    int32_t sums[KERNEL_LANES], *out = vector->sums + m * job->sums_stride;
    _mm256_storeu_si256((__m256i *)sums, halves[0]);
    _mm256_storeu_si256((__m256i *)(sums + 8), halves[1]);
    for (int64_t lane = 0; lane < vector->lanes; lane++)
        out[lane] = (int32_t)((uint32_t)sums[lane] + (job->adds ? (uint32_t)out[lane] : 0));
}

/* HEIGHT rows from m on by one vector, held in registers. */
INLINE void multiply_block(const struct kernel_job *job, const struct kernel_vector *vector, const struct packed *packed, int64_t m) {
    const int16_t *row = (const int16_t *)job->rows + m * KERNEL_K;
    __m256i sums[HEIGHT][2];
#pragma GCC unroll 6
    for (int r = 0; r < HEIGHT; r++) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
    for (int64_t pair = 0; pair * 2 < job->k; pair++)
#pragma GCC unroll 6
        for (int r = 0; r < HEIGHT; r++) {
            int32_t two;
            memcpy(&two, row + r * KERNEL_K + pair * 2, sizeof two);
            __m256i x = _mm256_set1_epi32(two);
            sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(x, packed->halves[pair][0]));
            sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(x, packed->halves[pair][1]));
        }
#pragma GCC unroll 6
    for (int r = 0; r < HEIGHT; r++)
        if (m + r < job->count) store(job, vector, m + r, sums[r]);
}

AVX2 static void multiply(const struct kernel_job *job) {
    struct packed packed;
    for (int64_t v = 0; v < job->vector_count; v++) {
        pack(&job->vectors[v], job->k, &packed);
        for (int64_t m = 0; m < job->count; m += HEIGHT) multiply_block(job, &job->vectors[v], &packed, m);
    }
}

const struct kernel kernel_avx2 = {"avx2", is_supported, sizeof(int16_t), fill, multiply};

#endif
