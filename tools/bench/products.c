/* products.c - one job of the kernel, again and again: the fastest of several repetitions counts. */
#include "tools/bench/products.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/prng.h"
#include "sim/functional/fast/kernels.h"

enum { ROWS = 96, COLS = 2 * KERNEL_LANES, JOBS = 20, REPETITIONS = 40 };

static double time_jobs(const struct kernel *kernel, const struct kernel_job *job) {
    double start = qm_seconds();
    for (int i = 0; i < JOBS; i++) kernel->multiply(job);
    return (qm_seconds() - start) / JOBS;
}

double qm_bench_products(void) {
    const struct kernel *kernel = kernel_best();
    size_t rows_bytes = (size_t)((ROWS + KERNEL_ROWS_SPARE) * KERNEL_K * kernel->element_bytes);
    uint8_t *rows = qm_alloc_zeroed(rows_bytes, 1), *weights = qm_alloc(KERNEL_K * COLS);
    int32_t *sums = qm_alloc(ROWS * COLS * sizeof *sums);
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    qm_prng_fill(&prng, weights, KERNEL_K * COLS);
    struct kernel_job job = {.rows = rows, .count = ROWS, .k = KERNEL_K, .vector_count = COLS / KERNEL_LANES, .sums_stride = COLS};
    for (int v = 0; v < COLS / KERNEL_LANES; v++) {
        const int8_t *columns = (const int8_t *)weights + v * KERNEL_LANES;
        job.vectors[v] = (struct kernel_vector){.weights = columns, .stride = COLS, .lanes = KERNEL_LANES, .sums = sums + v * KERNEL_LANES};
    }
    struct kernel_packed *packed = qm_alloc_aligned(_Alignof(struct kernel_packed), sizeof *packed);
    kernel->pack(&job, packed);
    job.packed = packed;
    double best = time_jobs(kernel, &job);
    for (int i = 1; i < REPETITIONS; i++) {
        double seconds = time_jobs(kernel, &job);
        if (seconds < best) best = seconds;
    }
    free(rows);
    free(weights);
    free(sums);
    free(packed);
    return ROWS * KERNEL_K * COLS / best;
}
