/* kernels.h - the dense product of MATMUL for each kind of processor; all give the same sums, by test.
 *
 * A job multiplies `count` rows of k bytes by the columns of up to KERNEL_VECTORS vectors. Rows are first laid out by `fill` as the kernel
 * wants them, and weights by `pack`, once for all rows. Sums are exact modulo 2^32, so that any order of work will do.
 * Where the processor cannot do better the plain kernel runs; `multiply` may read (and ignore) up to KERNEL_ROWS_SPARE rows after the last.
 */
#ifndef QM_SIM_FUNCTIONAL_FAST_KERNELS_H
#define QM_SIM_FUNCTIONAL_FAST_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    KERNEL_K = 512,
    KERNEL_LANES = 16,
    KERNEL_VECTORS = 4,
    KERNEL_ROWS_SPARE = 16,
    KERNEL_FILL_SPARE = 64,
    KERNEL_ELEMENT_BYTES_MAX = 2,
    KERNEL_PACKED_BYTES = (KERNEL_K * KERNEL_ELEMENT_BYTES_MAX + 4) * KERNEL_LANES * KERNEL_VECTORS /* 4: a sum of each lane's weights */
};

/* Up to KERNEL_LANES neighbouring columns of one tile. */
struct kernel_vector {
    const int8_t *weights; /* weight of row i, lane j: weights[i * stride + j] */
    int64_t stride, lanes;
    int32_t *sums;       /* [count][sums_stride] */
    const int16_t *wide; /* [k][KERNEL_LANES]: takes the place of weights, unless NULL */
};

/* The weights of a job, as its kernel packs them; as many bytes as they need, from the first on. */
struct kernel_packed {
    _Alignas(64) uint8_t bytes[KERNEL_PACKED_BYTES];
};

struct kernel_job {
    const void *rows;                   /* [count][KERNEL_K] elements, made by fill */
    const struct kernel_packed *packed; /* the weights of the vectors, made by pack */
    int64_t count, k;                   /* k <= KERNEL_K */
    struct kernel_vector vectors[KERNEL_VECTORS];
    int64_t vector_count, sums_stride;
    bool is_unsigned; /* activations; weights are signed */
    bool adds;        /* to the sums, else overwrites them */
};

struct kernel {
    const char *name;
    bool (*is_supported)(void);
    int64_t element_bytes;
    bool takes_wide; /* rows and weights of 16 bits; rows are then laid out by the caller, as int16_t */
    /* Lays out k bytes of a row. Up to KERNEL_FILL_SPARE bytes beyond them are read, and as many elements written; they do not matter. */
    void (*fill)(const uint8_t *bytes, int64_t k, bool is_unsigned, void *row);
    /* Of the job only k, the vectors' weights and is_unsigned matter. */
    void (*pack)(const struct kernel_job *job, struct kernel_packed *packed);
    void (*multiply)(const struct kernel_job *job);
};

/* Best first; the last is the plain one, which every processor supports. */
extern const struct kernel *const kernels[];
extern const int64_t kernel_count;
const struct kernel *kernel_best(void);

extern const struct kernel kernel_vnni, kernel_avx2, kernel_plain;

#endif
