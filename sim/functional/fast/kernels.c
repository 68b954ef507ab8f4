/* kernels.c - the table of kernels, and the plain one: 16-bit numbers, in C that compilers for any processor can vectorize. */
#include "sim/functional/fast/kernels.h"

#include <string.h>

static bool always(void) {
    return true;
}

static void fill(const uint8_t *bytes, int64_t k, bool is_unsigned, void *row) {
    int16_t *out = row;
    if (is_unsigned)
        for (int64_t i = 0; i < k; i++) out[i] = bytes[i];
    else
        for (int64_t i = 0; i < k; i++) out[i] = (int8_t)bytes[i];
}

/* packed [k][KERNEL_LANES], zeros in the lanes that the vector has not. */
static void pack_vector(const struct kernel_vector *vector, int64_t k, int16_t *packed) {
    if (vector->wide != NULL) {
        memcpy(packed, vector->wide, (size_t)k * KERNEL_LANES * sizeof *packed);
        return;
    }
    memset(packed, 0, (size_t)k * KERNEL_LANES * sizeof *packed);
    for (int64_t i = 0; i < k; i++)
        for (int64_t lane = 0; lane < vector->lanes; lane++) packed[i * KERNEL_LANES + lane] = vector->weights[i * vector->stride + lane];
}

/* [vectors][k][KERNEL_LANES] */
static void pack(const struct kernel_job *job, struct kernel_packed *packed) {
    int16_t *weights = (int16_t *)packed->bytes;
    for (int64_t v = 0; v < job->vector_count; v++) pack_vector(&job->vectors[v], job->k, weights + v * job->k * KERNEL_LANES);
}

static void add_products(const int16_t *restrict row, const int16_t *restrict packed, int64_t k, int32_t *restrict sums) {
    int32_t block[KERNEL_LANES] = {0};
    for (int64_t i = 0; i < k; i++)
        for (int lane = 0; lane < KERNEL_LANES; lane++) block[lane] += row[i] * packed[i * KERNEL_LANES + lane];
    memcpy(sums, block, sizeof block);
}

static void multiply_vector(const struct kernel_job *job, const struct kernel_vector *vector, const int16_t *packed) {
    for (int64_t m = 0; m < job->count; m++) {
        int32_t sums[KERNEL_LANES], *out = vector->sums + m * job->sums_stride;
        add_products((const int16_t *)job->rows + m * KERNEL_K, packed, job->k, sums);
        for (int64_t lane = 0; lane < vector->lanes; lane++)
            out[lane] = (int32_t)((uint32_t)sums[lane] + (job->adds ? (uint32_t)out[lane] : 0));
    }
}

static void multiply(const struct kernel_job *job) {
    const int16_t *weights = (const int16_t *)job->packed->bytes;
    for (int64_t v = 0; v < job->vector_count; v++) multiply_vector(job, &job->vectors[v], weights + v * job->k * KERNEL_LANES);
}

const struct kernel kernel_plain = {"plain", always, sizeof(int16_t), true, fill, pack, multiply};

const struct kernel *const kernels[] = {
#ifdef __x86_64__
    &kernel_vnni,
    &kernel_avx2,
#endif
    &kernel_plain,
};
const int64_t kernel_count = sizeof kernels / sizeof *kernels;

const struct kernel *kernel_best(void) {
    int64_t i = 0;
    while (!kernels[i]->is_supported()) i++;
    return kernels[i];
}
