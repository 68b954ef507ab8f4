/* matmul_winograd.c - MATMUL of 3x3 windows that move by one tap: a square of 2x2 outputs from 16 products a channel instead of 36
 * (Winograd's F(2x2, 3x3)).
 *
 * Along a row, activations d0..d3 and weights g0..g2 give y0 = d0 g0 + d1 g1 + d2 g2 and y1 = d1 g0 + d2 g1 + d3 g2 as
 *   2 y0 = m0 + m1 + m2    m0 = (d0 - d2) (2 g0)          m1 = (d1 + d2) (g0 + g1 + g2)
 *   2 y1 = m1 - m2 - m3    m2 = (d2 - d1) (g0 - g1 + g2)  m3 = (d1 - d3) (2 g2)
 * and the same down a column of such rows gives 16 products m and 4 y. All are integers, so nothing is rounded: transformed activations and
 * weights fit 16 bits, sums of m are right modulo 2^32, and 4 y fits 32 bits (matmul_winograd_fits). Each of the 16 products is one of
 * matrices, for the kernel: squares times channels by channels times columns.
 */
#include "sim/functional/fast/matmul.h"

#include <assert.h>
#include <string.h>

#include "sim/functional/fast/vectorized.h"
#include "sim/functional/fast/window.h"

enum { TAPS = 3, SIDE = 4, PRODUCTS = SIDE * SIDE, SQUARES = 32, LANES = KERNEL_LANES * KERNEL_VECTORS, POSITIONS_MIN = 32 };

/* [SQUARES][KERNEL_K] and [SQUARES][LANES], and a cache line more: the same place of all products would else be in one set of the cache. */
enum { PRODUCT_ROWS = SQUARES * KERNEL_K + 32, PRODUCT_SUMS = SQUARES * LANES + 16 };

/* A block of squares of outputs. */
struct block {
    int64_t first_square, squares, squares_of_row;
    int16_t rows[PRODUCTS][PRODUCT_ROWS];
    int16_t weights[SIDE][KERNEL_VECTORS][KERNEL_K][KERNEL_LANES]; /* of the products of one row */
    int32_t sums[PRODUCTS][PRODUCT_SUMS];
};

/* Sixteen columns or fewer of one tile. */
struct columns {
    const int8_t *weights; /* [TAPS][TAPS][run_bytes][stride] */
    int64_t stride, lanes;
    int32_t *sums; /* of the tile's first position, in the accumulator */
};

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef int8_t signed16 __attribute__((vector_size(16)));
typedef int16_t halves16 __attribute__((vector_size(32)));

INLINE void widen(const void *bytes, bool is_unsigned, halves16 *wide) {
    signed16 narrow;
    memcpy(&narrow, bytes, sizeof narrow);
    *wide = is_unsigned ? __builtin_convertvector((bytes16)narrow, halves16) : __builtin_convertvector(narrow, halves16);
}

/* d0..d3, a stride apart, become the factors of m0..m3. */
INLINE void transform_activations(halves16 *d, int stride) {
    halves16 d0 = d[0], d1 = d[stride], d2 = d[2 * stride], d3 = d[3 * stride];
    d[0] = d0 - d2;
    d[stride] = d1 + d2;
    d[2 * stride] = d2 - d1;
    d[3 * stride] = d1 - d3;
}

/* Sixteen channels of a square's activations. */
INLINE void transform_channels(const uint8_t *const *inputs, int64_t at, bool is_unsigned, int16_t *rows) {
    halves16 d[PRODUCTS];
    for (int i = 0; i < PRODUCTS; i++) widen(inputs[i] + at, is_unsigned, &d[i]);
    for (int y = 0; y < SIDE; y++) transform_activations(d + y * SIDE, 1);
    for (int x = 0; x < SIDE; x++) transform_activations(d + x, SIDE);
    for (int i = 0; i < PRODUCTS; i++) memcpy(rows + (int64_t)i * PRODUCT_ROWS + at, &d[i], sizeof d[i]);
}

/* inputs [SIDE][SIDE][n], n at least 16; the last channels may be done twice. Those of product p go to rows[p * PRODUCT_ROWS]. */
VECTORIZED static void transform_square(const uint8_t *const *inputs, int64_t n, bool is_unsigned, int16_t *rows) {
    for (int64_t at = 0; at < n; at += KERNEL_LANES) {
        int64_t from = at + KERNEL_LANES <= n ? at : n - KERNEL_LANES;
        if (is_unsigned)
            transform_channels(inputs, from, true, rows);
        else
            transform_channels(inputs, from, false, rows);
    }
}

/* The 4x4 runs that a square of outputs sees. */
static void fill_square(const struct qm_insn *insn, const uint8_t *scratchpad, struct run window, int16_t *rows) {
    uint8_t outside[PRODUCTS][KERNEL_K];
    const uint8_t *inputs[PRODUCTS];
    for (int i = 0; i < PRODUCTS; i++) {
        struct run run = {window.y + i / SIDE * insn->y_dilation, window.x + i % SIDE * insn->x_dilation};
        inputs[i] = window_inside(insn, scratchpad, run, insn->run_bytes);
        if (inputs[i] != NULL) continue;
        window_read(insn, scratchpad, run, 0, insn->run_bytes, outside[i]);
        inputs[i] = outside[i];
    }
    transform_square(inputs, insn->run_bytes, insn->in_unsigned != 0, rows);
}

static void fill_rows(const struct qm_insn *insn, const uint8_t *scratchpad, struct block *block) {
    for (int64_t i = 0; i < block->squares; i++) {
        int64_t square = block->first_square + i, oy = square / block->squares_of_row * 2, ox = square % block->squares_of_row * 2;
        fill_square(insn, scratchpad, window_run(insn, oy, ox, 0, 0), block->rows[0] + i * KERNEL_K);
    }
}

/* The factor of m0, m1, m2 or m3 in three weights, a stride apart. */
INLINE void transform_weights(const halves16 *g, int stride, int m, halves16 *factor) {
    halves16 g0 = g[0], g1 = g[stride], g2 = g[2 * stride];
    *factor = m == 0 ? g0 + g0 : m == 1 ? g0 + g1 + g2 : m == 2 ? g0 - g1 + g2 : g2 + g2;
}

/* One channel's weights of up to 16 columns, its taps tap_bytes apart, for the products of row y. */
INLINE void transform_channel(const int8_t *weights, int64_t tap_bytes, int64_t lanes, int y, halves16 *m) {
    halves16 column[TAPS], g[TAPS * TAPS];
    for (int tap = 0; tap < TAPS * TAPS; tap++) {
        int8_t part[KERNEL_LANES] = {0};
        const int8_t *from = weights + tap * tap_bytes;
        widen(lanes == KERNEL_LANES ? from : memcpy(part, from, (size_t)lanes), false, &g[tap]);
    }
    for (int x = 0; x < TAPS; x++) transform_weights(g + x, TAPS, y, &column[x]);
    for (int x = 0; x < SIDE; x++) transform_weights(column, 1, x, &m[x]);
}

INLINE void transform_row(const struct columns *columns, int64_t run_bytes, int y, int64_t v, struct block *block) {
    for (int64_t i = 0; i < run_bytes; i++) {
        halves16 m[SIDE];
        transform_channel(columns->weights + i * columns->stride, run_bytes * columns->stride, columns->lanes, y, m);
        for (int x = 0; x < SIDE; x++) memcpy(block->weights[x][v][i], &m[x], sizeof m[x]);
    }
}

/* The weights of vector v for the products of row y. */
VECTORIZED static void fill_weights(const struct columns *columns, int64_t run_bytes, int y, int64_t v, struct block *block) {
    switch (y) {
    case 0: transform_row(columns, run_bytes, 0, v, block); break;
    case 1: transform_row(columns, run_bytes, 1, v, block); break;
    case 2: transform_row(columns, run_bytes, 2, v, block); break;
    default: transform_row(columns, run_bytes, 3, v, block); break;
    }
}

static void multiply_row(const struct qm_insn *insn, const struct kernel *kernel, const struct columns *columns, int64_t count, int y,
                         struct block *block) {
    struct kernel_job job = {.count = block->squares, .k = insn->run_bytes, .vector_count = count, .sums_stride = LANES};
    for (int64_t v = 0; v < count; v++) fill_weights(&columns[v], insn->run_bytes, y, v, block);
    for (int x = 0; x < SIDE; x++) {
        int product = y * SIDE + x;
        job.rows = block->rows[product];
        for (int64_t v = 0; v < count; v++)
            job.vectors[v] = (struct kernel_vector){
                .wide = block->weights[x][v][0], .lanes = KERNEL_LANES, .sums = block->sums[product] + v * KERNEL_LANES};
        kernel->multiply(&job);
    }
}

/* 2 y0 or 2 y1 of m0..m3. */
INLINE uint32_t twice_output(const uint32_t *m, bool is_second) {
    return is_second ? m[1] - m[2] - m[3] : m[0] + m[1] + m[2];
}

/* Four times an output, as a quarter of it: exact, because it is a multiple of 4. */
INLINE int32_t quarter(uint32_t sum) {
    return (int32_t)sum / 4;
}

/* The outputs of a square in up to KERNEL_LANES columns; sums: of the square's first product. Out [2][2][KERNEL_LANES]. */
VECTORIZED static void combine_columns(const int32_t *sums, int32_t (*out)[KERNEL_LANES]) {
    for (int64_t lane = 0; lane < KERNEL_LANES; lane++) {
        uint32_t first[SIDE], second[SIDE];
        for (int y = 0; y < SIDE; y++) {
            uint32_t m[SIDE];
            for (int x = 0; x < SIDE; x++) m[x] = (uint32_t)sums[(int64_t)(y * SIDE + x) * PRODUCT_SUMS + lane];
            first[y] = twice_output(m, false);
            second[y] = twice_output(m, true);
        }
        out[0][lane] = quarter(twice_output(first, false));
        out[1][lane] = quarter(twice_output(second, false));
        out[2][lane] = quarter(twice_output(first, true));
        out[3][lane] = quarter(twice_output(second, true));
    }
}

VECTORIZED static void write_outputs(const int32_t *outputs, int64_t lanes, bool adds, int32_t *restrict sums) {
    for (int64_t lane = 0; lane < lanes; lane++) sums[lane] = (int32_t)((uint32_t)outputs[lane] + (adds ? (uint32_t)sums[lane] : 0));
}

/* Outputs of square i of the block that lie within the instruction's. */
static void combine_square(const struct qm_insn *insn, int64_t cols, const struct columns *columns, const struct block *block, int64_t i,
                           int64_t v) {
    int64_t square = block->first_square + i, oy = square / block->squares_of_row * 2, ox = square % block->squares_of_row * 2;
    int32_t outputs[4][KERNEL_LANES];
    combine_columns(block->sums[0] + i * LANES + v * KERNEL_LANES, outputs);
    for (int output = 0; output < 4; output++) {
        int64_t y = oy + output / 2, x = ox + output % 2;
        if (y < insn->out_h && x < insn->out_w)
            write_outputs(outputs[output], columns[v].lanes, insn->accumulate != 0, columns[v].sums + (y * insn->out_w + x) * cols);
    }
}

/* All outputs of some columns. */
static void multiply_columns(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel,
                             const struct columns *columns, int64_t count) {
    struct block block; /* large: set field by field */
    block.squares_of_row = (insn->out_w + 1) / 2;
    int64_t squares = (insn->out_h + 1) / 2 * block.squares_of_row;
    for (block.first_square = 0; block.first_square < squares; block.first_square += SQUARES) {
        block.squares = squares - block.first_square < SQUARES ? squares - block.first_square : SQUARES;
        fill_rows(insn, memory->scratchpad, &block);
        for (int y = 0; y < SIDE; y++) multiply_row(insn, kernel, columns, count, y, &block);
        for (int64_t i = 0; i < block.squares; i++)
            for (int64_t v = 0; v < count; v++) combine_square(insn, memory->machine->cols, columns, &block, i, v);
    }
}

void matmul_winograd(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel) {
    struct columns columns[KERNEL_VECTORS];
    int64_t cols = memory->machine->cols, count = 0, window_bytes = TAPS * TAPS * insn->run_bytes;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * cols, n = rest < cols ? rest : cols;
        const int8_t *weights = (const int8_t *)memory->scratchpad + insn->weight_addr + tile * window_bytes * cols;
        int32_t *sums = memory->accumulator + (insn->acc_addr + tile * insn->out_h * insn->out_w) * cols;
        for (int64_t column = 0; column < n; column += KERNEL_LANES) {
            int64_t lanes = n - column < KERNEL_LANES ? n - column : KERNEL_LANES;
            columns[count++] = (struct columns){weights + column, n, lanes, sums + column};
            if (count < KERNEL_VECTORS) continue;
            multiply_columns(insn, memory, kernel, columns, count);
            count = 0;
        }
    }
    if (count > 0) multiply_columns(insn, memory, kernel, columns, count);
}

/* The largest output is below 2^15 a product, so that four times the sum of K of them fits 32 bits below K = 2^14. */
bool matmul_winograd_fits(const struct qm_insn *insn, const struct kernel *kernel) {
    static_assert(TAPS * TAPS * KERNEL_K < 1 << 14, "four times an output fits 32 bits");
    bool is_plain = insn->precision == QM_precision_W8A8 && insn->depthwise == 0 && insn->weight_zero == 0;
    bool is_square = insn->kernel_h == TAPS && insn->kernel_w == TAPS && insn->out_h > 1 && insn->out_w > 1;
    bool is_by_tap = insn->y_stride == insn->y_dilation && insn->x_stride == insn->x_dilation;
    bool pays = insn->run_bytes >= KERNEL_LANES && insn->out_h * insn->out_w >= POSITIONS_MIN;
    return kernel->takes_wide && is_plain && is_square && is_by_tap && pays && insn->run_bytes <= KERNEL_K;
}
