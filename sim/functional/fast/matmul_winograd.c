/* matmul_winograd.c - MATMUL of windows three taps wide that move by one tap: two neighbouring outputs of a row from four products a
 * channel instead of six (Winograd's F(2,3), along the row only).
 *
 * For activations d0..d3 and weights g0..g2 the two outputs y0 = d0 g0 + d1 g1 + d2 g2 and y1 = d1 g0 + d2 g1 + d3 g2 are
 *   2 y0 = m0 + m1 + m2    m0 = (d0 - d2) (2 g0)          m1 = (d1 + d2) (g0 + g1 + g2)
 *   2 y1 = m1 - m2 - m3    m2 = (d2 - d1) (g0 - g1 + g2)  m3 = (d1 - d3) (2 g2)
 * All are integers, so nothing is rounded: sums of m are right modulo 2^32, and twice an output fits 32 bits (matmul_winograd_fits). The
 * four products are products of matrices for the kernel, with activations and weights of 16 bits.
 */
#include "sim/functional/fast/matmul.h"

#include <string.h>

#include "sim/functional/fast/vectorized.h"
#include "sim/functional/fast/window.h"

enum { PRODUCTS = 4, INPUTS = 4, TAPS = 3, PAIRS = 64, LANES = KERNEL_LANES * KERNEL_VECTORS, POSITIONS_MIN = 32, RUN_MIN = 16 };

/* A block of pairs of outputs, and the rows of taps that one call of the kernel takes. */
struct block {
    int64_t first_pair, pairs, pairs_of_row;
    int64_t ky_index, first_ky, k;
    int16_t rows[PRODUCTS * PAIRS + KERNEL_ROWS_SPARE][KERNEL_K];
    int16_t weights[KERNEL_VECTORS][KERNEL_K][KERNEL_LANES]; /* of one product */
    int32_t sums[PRODUCTS][PAIRS][LANES];
};

/* Sixteen columns or fewer of one tile. */
struct columns {
    const int8_t *weights; /* [kernel_h][TAPS][run_bytes][stride] */
    int64_t stride, lanes;
    int32_t *sums; /* of the tile's first position, in the accumulator */
};

INLINE void transform_run(const uint8_t *const *d, int64_t n, bool is_unsigned, int16_t *restrict rows) {
    const int64_t product = (int64_t)PAIRS * KERNEL_K;
    for (int64_t i = 0; i < n; i++) {
        int d0 = is_unsigned ? d[0][i] : (int8_t)d[0][i], d1 = is_unsigned ? d[1][i] : (int8_t)d[1][i];
        int d2 = is_unsigned ? d[2][i] : (int8_t)d[2][i], d3 = is_unsigned ? d[3][i] : (int8_t)d[3][i];
        rows[i] = (int16_t)(d0 - d2);
        rows[product + i] = (int16_t)(d1 + d2);
        rows[2 * product + i] = (int16_t)(d2 - d1);
        rows[3 * product + i] = (int16_t)(d1 - d3);
    }
}

/* d [INPUTS][n]; the activations of product p go to rows[p * PAIRS * KERNEL_K]. */
VECTORIZED static void transform_inputs(const uint8_t *const *d, int64_t n, bool is_unsigned, int16_t *rows) {
    if (is_unsigned)
        transform_run(d, n, true, rows);
    else
        transform_run(d, n, false, rows);
}

/* g [TAPS][KERNEL_LANES]: what the activations of the product meet. */
INLINE void transform_row(const int8_t *const *g, int product, int16_t *restrict out) {
    for (int lane = 0; lane < KERNEL_LANES; lane++) {
        int outer = g[0][lane] + g[2][lane];
        out[lane] = (int16_t)(product == 0   ? 2 * g[0][lane]
                              : product == 1 ? outer + g[1][lane]
                              : product == 2 ? outer - g[1][lane]
                                             : 2 * g[2][lane]);
    }
}

/* Weight rows [TAPS] of n channels each, tap_bytes apart; those of fewer lanes are completed by zeros. */
INLINE void transform_rows(const struct columns *columns, const int8_t *weights, int64_t tap_bytes, int64_t n, int product,
                           int16_t (*out)[KERNEL_LANES]) {
    int8_t part[TAPS][KERNEL_LANES] = {{0}};
    for (int64_t i = 0; i < n; i++, weights += columns->stride) {
        const int8_t *g[TAPS] = {weights, weights + tap_bytes, weights + 2 * tap_bytes};
        for (int tap = 0; columns->lanes < KERNEL_LANES && tap < TAPS; tap++) g[tap] = memcpy(part[tap], g[tap], (size_t)columns->lanes);
        transform_row(g, product, out[i]);
    }
}

VECTORIZED static void transform_weights(const struct columns *columns, const int8_t *weights, int64_t tap_bytes, int64_t n, int product,
                                         int16_t (*out)[KERNEL_LANES]) {
    switch (product) {
    case 0: transform_rows(columns, weights, tap_bytes, n, 0, out); break;
    case 1: transform_rows(columns, weights, tap_bytes, n, 1, out); break;
    case 2: transform_rows(columns, weights, tap_bytes, n, 2, out); break;
    default: transform_rows(columns, weights, tap_bytes, n, 3, out); break;
    }
}

/* The four runs that a pair of outputs sees of one row of taps. */
static void transform_taps(const struct qm_insn *insn, const uint8_t *scratchpad, struct run window, int16_t *rows) {
    uint8_t outside[INPUTS][KERNEL_K];
    const uint8_t *d[INPUTS];
    for (int i = 0; i < INPUTS; i++) {
        struct run run = {window.y, window.x + i * insn->x_dilation};
        d[i] = window_inside(insn, scratchpad, run, insn->run_bytes);
        if (d[i] != NULL) continue;
        window_read(insn, scratchpad, run, 0, insn->run_bytes, outside[i]);
        d[i] = outside[i];
    }
    transform_inputs(d, insn->run_bytes, insn->in_unsigned != 0, rows);
}

static void fill_rows(const struct qm_insn *insn, const uint8_t *scratchpad, struct block *block) {
    int64_t ky_count = block->k / insn->run_bytes;
    for (int64_t i = 0; i < block->pairs; i++) {
        int64_t pair = block->first_pair + i;
        for (int64_t ky = 0; ky < ky_count; ky++) {
            struct run run = window_run(insn, pair / block->pairs_of_row, pair % block->pairs_of_row * 2, block->first_ky + ky, 0);
            transform_taps(insn, scratchpad, run, block->rows[i] + ky * insn->run_bytes);
        }
    }
}

/* The weights of columns that one product meets, for the kernel. */
static void transform_columns(const struct qm_insn *insn, const struct columns *columns, int product, struct block *block,
                              int16_t (*out)[KERNEL_LANES]) {
    int64_t tap_bytes = insn->run_bytes * columns->stride;
    for (int64_t at = 0; at < block->k; at += insn->run_bytes) {
        const int8_t *weights = columns->weights + (block->first_ky + at / insn->run_bytes) * TAPS * tap_bytes;
        transform_weights(columns, weights, tap_bytes, insn->run_bytes, product, out + at);
    }
}

static void multiply_product(const struct qm_insn *insn, const struct kept_weights *kept, const struct columns *columns, int64_t count,
                             int product, struct block *block) {
    struct kernel_job job = {.rows = block->rows[product * PAIRS], .count = block->pairs, .k = block->k, .vector_count = count};
    job.sums_stride = LANES;
    job.adds = block->first_ky > 0;
    for (int64_t v = 0; v < count; v++) {
        if (!kept->are_packed) transform_columns(insn, &columns[v], product, block, block->weights[v]);
        job.vectors[v] =
            (struct kernel_vector){.wide = block->weights[v][0], .lanes = KERNEL_LANES, .sums = block->sums[product][0] + v * KERNEL_LANES};
    }
    kept_multiply(kept, block->ky_index * PRODUCTS + product, &job);
}

/* Half the sum, which is even, to the accumulator. */
INLINE int32_t half_added(uint32_t sum, bool adds, int32_t held) {
    return (int32_t)((uint32_t)((int32_t)sum / 2) + (adds ? (uint32_t)held : 0));
}

/* m: the sums of one pair, a product LANES * PAIRS after the other. second is NULL where a row has an odd number of outputs. */
VECTORIZED static void combine_pair(const int32_t *m, int64_t lanes, bool adds, int32_t *restrict first, int32_t *restrict second) {
    const int64_t product = (int64_t)PAIRS * LANES;
    const uint32_t *sums = (const uint32_t *)m;
    for (int64_t i = 0; i < lanes; i++) first[i] = half_added(sums[i] + sums[product + i] + sums[2 * product + i], adds, first[i]);
    for (int64_t i = 0; second != NULL && i < lanes; i++)
        second[i] = half_added(sums[product + i] - sums[2 * product + i] - sums[3 * product + i], adds, second[i]);
}

static void combine(const struct qm_insn *insn, int64_t cols, const struct columns *columns, int64_t count, const struct block *block) {
    for (int64_t i = 0; i < block->pairs; i++) {
        int64_t pair = block->first_pair + i, ox = pair % block->pairs_of_row * 2;
        int64_t position = pair / block->pairs_of_row * insn->out_w + ox;
        for (int64_t v = 0; v < count; v++) {
            int32_t *sums = columns[v].sums + position * cols;
            combine_pair(block->sums[0][i] + v * KERNEL_LANES, columns[v].lanes, insn->accumulate != 0, sums,
                         ox + 1 < insn->out_w ? sums + cols : NULL);
        }
    }
}

/* Rows of taps that one call of the kernel takes, at most. */
static int64_t ky_most(const struct qm_insn *insn) {
    return KERNEL_K / insn->run_bytes;
}

/* Jobs of some columns. */
static int64_t jobs_of_columns(const struct qm_insn *insn) {
    return ceil_div(insn->kernel_h, ky_most(insn)) * PRODUCTS;
}

/* All outputs of some columns. */
static void multiply_columns(const struct qm_insn *insn, struct qm_functional_memory *memory, struct kept_weights kept,
                             const struct columns *columns, int64_t count) {
    struct block block; /* large: set field by field */
    block.pairs_of_row = (insn->out_w + 1) / 2;
    int64_t pairs = insn->out_h * block.pairs_of_row;
    for (block.first_pair = 0; block.first_pair < pairs; block.first_pair += PAIRS) {
        block.pairs = pairs - block.first_pair < PAIRS ? pairs - block.first_pair : PAIRS;
        for (block.ky_index = 0; block.ky_index * ky_most(insn) < insn->kernel_h; block.ky_index++) {
            block.first_ky = block.ky_index * ky_most(insn);
            int64_t rest = insn->kernel_h - block.first_ky;
            block.k = (rest < ky_most(insn) ? rest : ky_most(insn)) * insn->run_bytes;
            fill_rows(insn, memory->scratchpad, &block);
            for (int product = 0; product < PRODUCTS; product++) multiply_product(insn, &kept, columns, count, product, &block);
        }
        combine(insn, memory->machine->cols, columns, count, &block);
        kept_repeat(&kept);
    }
}

void matmul_winograd(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel) {
    struct columns columns[KERNEL_VECTORS];
    struct kernel_packed one;
    int64_t cols = memory->machine->cols, count = 0, window_bytes = insn->kernel_h * TAPS * insn->run_bytes;
    struct kept_use use = {kernel, true, ceil_div(matmul_vectors(insn, cols), KERNEL_VECTORS) * jobs_of_columns(insn)};
    struct kept_weights kept = kept_begin(memory, insn, use, &one);
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * cols, n = rest < cols ? rest : cols;
        const int8_t *weights = (const int8_t *)memory->scratchpad + insn->weight_addr + tile * window_bytes * cols;
        int32_t *sums = memory->accumulator + (insn->acc_addr + tile * insn->out_h * insn->out_w) * cols;
        for (int64_t column = 0; column < n; column += KERNEL_LANES) {
            int64_t lanes = n - column < KERNEL_LANES ? n - column : KERNEL_LANES;
            columns[count++] = (struct columns){weights + column, n, lanes, sums + column};
            if (count < KERNEL_VECTORS) continue;
            multiply_columns(insn, memory, kept, columns, count);
            kept.jobs += kept.stride * jobs_of_columns(insn);
            count = 0;
        }
    }
    if (count > 0) multiply_columns(insn, memory, kept, columns, count);
}

/* The largest output is below 2^15 a product, so that twice the sum of K of them fits 32 bits below K = 2^15. */
bool matmul_winograd_fits(const struct qm_insn *insn, const struct kernel *kernel) {
    enum { K_LIMIT = 1 << 15 };
    bool is_plain = insn->precision == QM_precision_W8A8 && insn->depthwise == 0 && insn->weight_zero == 0;
    bool is_row = insn->kernel_w == TAPS && insn->x_stride == insn->x_dilation && insn->out_w > 1;
    bool pays = insn->run_bytes >= RUN_MIN && insn->out_h * insn->out_w >= POSITIONS_MIN;
    return kernel->takes_wide && is_plain && is_row && pays && insn->run_bytes <= KERNEL_K &&
           insn->kernel_h * TAPS * insn->run_bytes < K_LIMIT;
}
