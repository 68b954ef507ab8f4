/* kernels_avx2.c - the dense product with AVX2: bytes widened to 16 bits, two products a lane added in 32 bits, which is exact. */
#include "sim/functional/fast/kernels.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2")))
#define INLINE AVX2 static inline __attribute__((always_inline))

enum { HEIGHT = 6 };

/* A pair of weight rows of one vector. Pairs follow one another, and behind the last those of the next vector. */
struct packed {
    __m256i halves[2]; /* lanes 0..7 and 8..15, each lane two weights of one column */
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

/* Each lane of the low and high half gets its weights of rows 2 pair and 2 pair + 1; the latter is zeros from k on. */
AVX2 static void pack_wide(const int16_t *wide, int64_t k, struct packed *packed) {
    for (int64_t pair = 0; pair * 2 < k; pair++, wide += 2 * KERNEL_LANES) {
        __m256i first = _mm256_loadu_si256((const __m256i *)wide), second = _mm256_setzero_si256();
        if (pair * 2 + 1 < k) second = _mm256_loadu_si256((const __m256i *)(wide + KERNEL_LANES));
        __m256i even = _mm256_unpacklo_epi16(first, second), odd = _mm256_unpackhi_epi16(first, second);
        packed[pair].halves[0] = _mm256_permute2x128_si256(even, odd, 0x20);
        packed[pair].halves[1] = _mm256_permute2x128_si256(even, odd, 0x31);
    }
}

AVX2 static void pack_vector(const struct kernel_vector *vector, int64_t k, struct packed *packed) {
    if (vector->wide != NULL) {
        pack_wide(vector->wide, k, packed);
        return;
    }
    for (int64_t pair = 0; pair * 2 < k; pair++) {
        __m128i first = load_row(vector, pair * 2, k), second = load_row(vector, pair * 2 + 1, k);
        packed[pair].halves[0] = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(first, second));
        packed[pair].halves[1] = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(first, second));
    }
}

static int64_t pair_count(const struct kernel_job *job) {
    return (job->k + 1) / 2;
}

static void pack(const struct kernel_job *job, struct kernel_packed *packed) {
    struct packed *pairs = (struct packed *)packed->bytes;
    for (int64_t v = 0; v < job->vector_count; v++) pack_vector(&job->vectors[v], job->k, pairs + v * pair_count(job));
}

INLINE void store_whole(int32_t *out, const __m256i *halves, bool adds) {
    for (int half = 0; half < 2; half++) {
        __m256i *at = (__m256i *)out + half;
        _mm256_storeu_si256(at, adds ? _mm256_add_epi32(halves[half], _mm256_loadu_si256(at)) : halves[half]);
    }
}

AVX2 static void store_lanes(int32_t *out, const __m256i *halves, int64_t lanes, bool adds) {
    int32_t sums[KERNEL_LANES];
    store_whole(sums, halves, false);
    for (int64_t lane = 0; lane < lanes; lane++) out[lane] = (int32_t)((uint32_t)sums[lane] + (adds ? (uint32_t)out[lane] : 0));
}

INLINE void store(const struct kernel_job *job, const struct kernel_vector *vector, int64_t m, const __m256i *halves) {
    int32_t *out = vector->sums + m * job->sums_stride;
    if (vector->lanes == KERNEL_LANES)
        store_whole(out, halves, job->adds);
    else
        store_lanes(out, halves, vector->lanes, job->adds);
}

/* Two activations meet a pair of weights of each column. In assembly, because compilers reorder the rows of a block until sums leave their
 * registers. */
INLINE void add_pair(const int16_t *two, const __m256i *pair, __m256i *sums) {
    __m256i x, product;
    __asm__("vpbroadcastd %[two], %[x]\n\t"
            "vpmaddwd %[low], %[x], %[product]\n\t"
            "vpmaddwd %[high], %[x], %[x]\n\t"
            "vpaddd %[product], %[sums_low], %[sums_low]\n\t"
            "vpaddd %[x], %[sums_high], %[sums_high]"
            : [sums_low] "+x"(sums[0]), [sums_high] "+x"(sums[1]), [x] "=&x"(x), [product] "=&x"(product)
            : [two] "m"(*(const int16_t(*)[2])two), [low] "x"(pair[0]), [high] "x"(pair[1]));
}

/* `height` rows from m on by one vector, held in registers. */
INLINE void multiply_block(const struct kernel_job *job, const struct kernel_vector *vector, const struct packed *packed, int64_t m,
                           const int height) {
    const int16_t *row = (const int16_t *)job->rows + m * KERNEL_K;
    __m256i sums[HEIGHT][2];
#pragma GCC unroll 6
    for (int r = 0; r < height; r++) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
    for (int64_t pair = 0; pair * 2 < job->k; pair++)
#pragma GCC unroll 6
        for (int r = 0; r < height; r++) add_pair(row + r * KERNEL_K + pair * 2, packed[pair].halves, sums[r]);
#pragma GCC unroll 6
    for (int r = 0; r < height; r++) store(job, vector, m + r, sums[r]);
}

/* Rows from m on, fewer than HEIGHT. */
AVX2 static void multiply_rest(const struct kernel_job *job, const struct kernel_vector *vector, const struct packed *packed, int64_t m) {
    switch (job->count - m) {
    case 1: multiply_block(job, vector, packed, m, 1); break;
    case 2: multiply_block(job, vector, packed, m, 2); break;
    case 3: multiply_block(job, vector, packed, m, 3); break;
    case 4: multiply_block(job, vector, packed, m, 4); break;
    case 5: multiply_block(job, vector, packed, m, 5); break;
    default: break;
    }
}

AVX2 static void multiply(const struct kernel_job *job) {
    const struct packed *packed = (const struct packed *)job->packed->bytes;
    for (int64_t v = 0; v < job->vector_count; v++, packed += pair_count(job)) {
        const struct kernel_vector *vector = &job->vectors[v];
        int64_t m = 0;
        for (; m + HEIGHT <= job->count; m += HEIGHT) multiply_block(job, vector, packed, m, HEIGHT);
        multiply_rest(job, vector, packed, m);
    }
}

const struct kernel kernel_avx2 = {"avx2", is_supported, sizeof(int16_t), true, fill, pack, multiply};

#endif
