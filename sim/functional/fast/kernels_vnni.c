/* kernels_vnni.c - the dense product with AVX-512 VNNI: four products a lane in one instruction, without saturation.
 *
 * The instruction multiplies unsigned by signed bytes. Signed activations are moved up by 128 in `fill`; the sums then start at
 * minus 128 times the sum of their column's weights. Lanes beyond a vector's own are packed as zeros and not stored.
 */
#include "sim/functional/fast/kernels.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define VNNI   __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
#define INLINE VNNI static inline __attribute__((always_inline))

enum { QUADS = KERNEL_K / 4, ROWS_MAX = 12 };

struct packed {
    __m512i start[KERNEL_VECTORS];
    __m512i weights[QUADS * KERNEL_VECTORS]; /* [quads][vectors], each lane four weights of one column */
};
_Static_assert(sizeof(struct packed) <= sizeof(struct kernel_packed), "packed weights fit");

static bool is_supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

VNNI static void fill(const uint8_t *bytes, int64_t k, bool is_unsigned, void *row) {
    __m512i flip = _mm512_set1_epi8(is_unsigned ? 0 : (char)0x80);
    for (int64_t i = 0; i < k; i += 64) _mm512_storeu_si512((uint8_t *)row + i, _mm512_xor_si512(_mm512_loadu_si512(bytes + i), flip));
}

/* Rows i .. i+3 of 16 columns as 16 lanes of four bytes; rows from k on are zeros. A transposition of 4 x 4 words, then one of 4 x 4
 * bytes. */
INLINE __m512i pack_quad(const struct kernel_vector *vector, int64_t i, int64_t k) {
    const __m512i words = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i bytes = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __mmask16 mask = (__mmask16)((1u << vector->lanes) - 1);
    __m128i row[4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        const int8_t *weights = vector->weights + (i + j) * vector->stride;
        bool is_whole = vector->lanes == KERNEL_LANES && i + 4 <= k;
        row[j] = is_whole ? _mm_loadu_si128((const __m128i *)weights) : _mm_maskz_loadu_epi8(i + j < k ? mask : 0, weights);
    }
    __m512i rows = _mm512_inserti32x4(_mm512_castsi128_si512(row[0]), row[1], 1);
    rows = _mm512_inserti32x4(_mm512_inserti32x4(rows, row[2], 2), row[3], 3);
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, rows), bytes);
}

/* Vectors that are multiplied together: with lanes of zeros for those that the job has not. */
static int64_t width_of(const struct kernel_job *job) {
    return job->vector_count <= 2 ? job->vector_count : KERNEL_VECTORS;
}

VNNI static void pack(const struct kernel_job *job, struct kernel_packed *bytes) {
    struct packed *packed = (struct packed *)bytes->bytes;
    int64_t width = width_of(job);
    __m512i lift = _mm512_set1_epi8(job->is_unsigned ? 0 : (char)0x80);
    for (int64_t v = 0; v < width; v++) {
        struct kernel_vector none = {.weights = job->vectors[0].weights};
        const struct kernel_vector *vector = v < job->vector_count ? &job->vectors[v] : &none;
        __m512i lifted = _mm512_setzero_si512();
        for (int64_t quad = 0; quad * 4 < job->k; quad++) {
            __m512i quads = pack_quad(vector, quad * 4, job->k);
            packed->weights[quad * width + v] = quads;
            lifted = _mm512_dpbusd_epi32(lifted, lift, quads);
        }
        packed->start[v] = _mm512_sub_epi32(_mm512_setzero_si512(), lifted);
    }
}

INLINE void store(const struct kernel_job *job, int64_t m, int64_t v, __m512i sums) {
    const struct kernel_vector *vector = &job->vectors[v];
    __mmask16 mask = (__mmask16)((1u << vector->lanes) - 1);
    int32_t *out = vector->sums + m * job->sums_stride;
    if (job->adds) sums = _mm512_add_epi32(sums, _mm512_maskz_loadu_epi32(mask, out));
    _mm512_mask_storeu_epi32(out, mask, sums);
}

/* `height` rows from m on by `width` vectors, held in registers. */
INLINE void multiply_block(const struct kernel_job *job, const struct packed *packed, int64_t m, const int height, const int width) {
    const uint8_t *row = (const uint8_t *)job->rows + m * KERNEL_K;
    const __m512i *weights = packed->weights;
    __m512i sums[ROWS_MAX][KERNEL_VECTORS];
#pragma GCC unroll 12
    for (int r = 0; r < height; r++)
#pragma GCC unroll 4
        for (int v = 0; v < width; v++) sums[r][v] = packed->start[v];
    for (int64_t quad = 0; quad * 4 < job->k; quad++, weights += width)
#pragma GCC unroll 12
        for (int r = 0; r < height; r++) {
            int32_t four;
            memcpy(&four, row + r * KERNEL_K + quad * 4, sizeof four);
            __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 4
            for (int v = 0; v < width; v++) sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], x, weights[v]);
        }
#pragma GCC unroll 12
    for (int r = 0; r < height; r++)
#pragma GCC unroll 4
        for (int v = 0; v < width; v++)
            if (m + r < job->count && v < job->vector_count) store(job, m + r, v, sums[r][v]);
}

INLINE void multiply_all(const struct kernel_job *job, const int height, const int width) {
    const struct packed *packed = (const struct packed *)job->packed->bytes;
    int64_t m = 0;
    for (; m + 1 < job->count; m += height) multiply_block(job, packed, m, height, width);
    if (m < job->count) multiply_block(job, packed, m, 1, width);
}

VNNI static void multiply(const struct kernel_job *job) {
    switch (width_of(job)) {
    case 1: multiply_all(job, 12, 1); break;
    case 2: multiply_all(job, 12, 2); break;
    default: multiply_all(job, 6, KERNEL_VECTORS); break;
    }
}

const struct kernel kernel_vnni = {"avx512-vnni", is_supported, sizeof(uint8_t), false, fill, pack, multiply};

#endif
