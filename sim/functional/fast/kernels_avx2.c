/* kernels_avx2.c - the dense product with AVX2: bytes widened to 16 bits, two products a lane added in 32 bits, which is exact. */
#include "sim/functional/fast/kernels.h"

#ifdef __x86_64__

#include <immintrin.h>
#include <string.h>

#define AVX2   __attribute__((target("avx2")))
#define INLINE AVX2 static inline __attribute__((always_inline))

/* Rows and vectors of a block. Two vectors share what is loaded of a row: more rows of one vector are slower [measured on Zen 3]. */
enum { HEIGHT = 3, WIDTH = 2 };

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

/* Sums of one row by one vector: lanes 0..7 and 8..15. */
struct sums {
    __m256i low, high;
};

INLINE void store_whole(int32_t *out, struct sums sums, bool adds) {
    __m256i *low = (__m256i *)out, *high = low + 1;
    _mm256_storeu_si256(low, adds ? _mm256_add_epi32(sums.low, _mm256_loadu_si256(low)) : sums.low);
    _mm256_storeu_si256(high, adds ? _mm256_add_epi32(sums.high, _mm256_loadu_si256(high)) : sums.high);
}

AVX2 static void store_lanes(int32_t *out, struct sums sums, int64_t lanes, bool adds) {
    int32_t all[KERNEL_LANES];
    store_whole(all, sums, false);
    for (int64_t lane = 0; lane < lanes; lane++) out[lane] = (int32_t)((uint32_t)all[lane] + (adds ? (uint32_t)out[lane] : 0));
}

INLINE void store(const struct kernel_job *job, const struct kernel_vector *vector, int64_t m, struct sums sums) {
    int32_t *out = vector->sums + m * job->sums_stride;
    if (vector->lanes == KERNEL_LANES)
        store_whole(out, sums, job->adds);
    else
        store_lanes(out, sums, vector->lanes, job->adds);
}

/* Two activations in all lanes meet a pair of weights of each column. In assembly, because compilers reorder the rows of a block until sums
 * leave their registers. */
INLINE void add_pair(__m256i two, const struct packed *pair, struct sums *sums) {
    __m256i low, high;
    __asm__ volatile("vpmaddwd %[pair_low], %[two], %[low]\n\t"
                     "vpmaddwd %[pair_high], %[two], %[high]\n\t"
                     "vpaddd %[low], %[sums_low], %[sums_low]\n\t"
                     "vpaddd %[high], %[sums_high], %[sums_high]"
                     : [sums_low] "+x"(sums->low), [sums_high] "+x"(sums->high), [low] "=&x"(low), [high] "=&x"(high)
                     : [two] "x"(two), [pair_low] "m"(pair->halves[0]), [pair_high] "m"(pair->halves[1]));
}

/* Two activations of a row meet a pair of each of `width` vectors, which lie `pairs` apart. */
INLINE void add_row(const int16_t *row, const struct packed *packed, int64_t pairs, const int width, struct sums *sums) {
    __m256i two;
    __asm__ volatile("vpbroadcastd %[row], %[two]" : [two] "=x"(two) : [row] "m"(*(const int16_t(*)[2])row));
    add_pair(two, packed, &sums[0]);
    if (width > 1) add_pair(two, packed + pairs, &sums[1]);
}

INLINE void store_row(const struct kernel_job *job, int64_t v, int64_t m, const int width, const struct sums *sums) {
    store(job, &job->vectors[v], m, sums[0]);
    if (width > 1) store(job, &job->vectors[v + 1], m, sums[1]);
}

/* `height` rows from m on by `width` vectors from v on. No loops over rows and vectors, because gcc keeps in registers only what it finds
 * by constant indices before it unrolls. */
INLINE void multiply_block(const struct kernel_job *job, int64_t v, int64_t m, const int height, const int width) {
    const int64_t pairs = pair_count(job);
    const struct packed *packed = (const struct packed *)job->packed->bytes + v * pairs;
    const int16_t *row = (const int16_t *)job->rows + m * KERNEL_K;
    struct sums sums[HEIGHT][WIDTH] = {{{{0}, {0}}}};
    for (int64_t pair = 0; pair < pairs; pair++, packed++, row += 2) {
        add_row(row, packed, pairs, width, sums[0]);
        if (height > 1) add_row(row + KERNEL_K, packed, pairs, width, sums[1]);
        if (height > 2) add_row(row + 2 * KERNEL_K, packed, pairs, width, sums[2]);
    }
    store_row(job, v, m, width, sums[0]);
    if (height > 1) store_row(job, v, m + 1, width, sums[1]);
    if (height > 2) store_row(job, v, m + 2, width, sums[2]);
}

/* All rows by `width` vectors from v on. */
INLINE void multiply_rows(const struct kernel_job *job, int64_t v, const int width) {
    int64_t m = 0;
    for (; m + HEIGHT <= job->count; m += HEIGHT) multiply_block(job, v, m, HEIGHT, width);
    for (; m < job->count; m++) multiply_block(job, v, m, 1, width);
}

AVX2 static void multiply(const struct kernel_job *job) {
    int64_t v = 0;
    for (; v + WIDTH <= job->vector_count; v += WIDTH) multiply_rows(job, v, WIDTH);
    for (; v < job->vector_count; v++) multiply_rows(job, v, 1);
}

const struct kernel kernel_avx2 = {"avx2", is_supported, sizeof(int16_t), true, fill, pack, multiply};

#endif
