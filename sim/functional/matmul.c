/* matmul.c - MATMUL without time: step by step as the array does it, each position's products added to its accumulator row.
 *
 * A step's weights are widened to 32 bits once and padded with zeros to whole lanes, so that the inner loop over the columns of a tile is a
 * straight run of multiply-adds, which the compiler turns into vector code for each of the listed targets. Sums wrap modulo 2^32.
 */
#include <stdbool.h>
#include <string.h>

#include "sim/functional/functional.h"
#include "sim/functional/window.h"

enum { ARRAY_MAX = 256, LANES = 16 };

#define VECTORIZED __attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))

struct step {
    const struct qm_insn *insn;
    int64_t ky, kx, piece; /* the first byte of the window's run that it reads */
    int64_t k, n;          /* bytes of a row, channels of the tile */
    int64_t lanes;         /* n rounded up to LANES */
    bool overwrites;
    int32_t weights[ARRAY_MAX * ARRAY_MAX]; /* [k][lanes]; depthwise: [1][lanes] */
};

/* sums[lanes] += x[k] * weights[k][lanes] */
VECTORIZED static void add_products(const int32_t *restrict x, int64_t k, const int32_t *restrict weights, int64_t lanes, uint32_t *restrict sums) {
    for (int64_t lane = 0; lane < lanes; lane += LANES) {
        uint32_t block[LANES];
        memcpy(block, sums + lane, sizeof block);
        for (int64_t i = 0; i < k; i++)
            for (int j = 0; j < LANES; j++) block[j] += (uint32_t)(x[i] * weights[i * lanes + lane + j]);
        memcpy(sums + lane, block, sizeof block);
    }
}

static const int8_t *take_weights(struct step *step, const int8_t *weights) {
    int64_t rows = step->insn->depthwise != 0 ? 1 : step->k;
    for (int64_t i = 0; i < rows; i++) {
        int32_t *row = step->weights + i * step->lanes;
        memset(row + step->n, 0, (size_t)(step->lanes - step->n) * sizeof *row);
        for (int64_t c = 0; c < step->n; c++) row[c] = *weights++;
    }
    return weights;
}

static void add_position(const struct step *step, const uint8_t *bytes, int32_t *row, int64_t cols) {
    int32_t x[ARRAY_MAX];
    uint32_t sums[ARRAY_MAX + LANES] = {0};
    for (int64_t i = 0; i < step->k; i++) x[i] = step->insn->in_unsigned != 0 ? bytes[i] : (int8_t)bytes[i];
    if (step->insn->depthwise != 0)
        for (int64_t c = 0; c < step->n; c++) sums[c] = (uint32_t)(x[c] * step->weights[c]);
    else
        add_products(x, step->k, step->weights, step->lanes, sums);
    for (int64_t c = 0; c < cols; c++) row[c] = (int32_t)(sums[c] + (step->overwrites ? 0 : (uint32_t)row[c]));
}

static void stream(const struct step *step, struct qm_functional_memory *memory, int32_t *rows) {
    const struct qm_insn *insn = step->insn;
    int64_t cols = memory->machine->cols;
    uint8_t bytes[ARRAY_MAX];
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++, rows += cols) {
            window_read(insn, memory->scratchpad, window_run(insn, oy, ox, step->ky, step->kx), step->piece, step->k, bytes);
            add_position(step, bytes, rows, cols);
        }
}

/* The steps of one window run of a tile: the pieces of a dense run, or the tile's channels when depthwise. */
static const int8_t *stream_run(struct step *step, struct qm_functional_memory *memory, int32_t *rows, const int8_t *weights) {
    const struct qm_insn *insn = step->insn;
    int64_t array_rows = memory->machine->rows, end = insn->depthwise != 0 ? step->piece + 1 : insn->run_bytes;
    for (; step->piece < end; step->piece += array_rows) {
        int64_t rest = insn->run_bytes - step->piece;
        step->k = insn->depthwise != 0 ? step->n : rest < array_rows ? rest : array_rows;
        weights = take_weights(step, weights);
        stream(step, memory, rows);
        step->overwrites = false;
    }
    return weights;
}

void qm_functional_matmul(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t width = qm_machine_tile(memory->machine, insn->depthwise != 0), positions = insn->out_h * insn->out_w;
    const int8_t *weights = (const int8_t *)memory->scratchpad + insn->weight_addr;
    struct step step; /* large: set field by field */
    step.insn = insn;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int32_t *rows = memory->accumulator + (insn->acc_addr + tile * positions) * memory->machine->cols;
        step.overwrites = insn->accumulate == 0;
        step.n = insn->channels - tile * width < width ? insn->channels - tile * width : width;
        step.lanes = (step.n + LANES - 1) / LANES * LANES;
        for (step.ky = 0; step.ky < insn->kernel_h; step.ky++)
            for (step.kx = 0; step.kx < insn->kernel_w; step.kx++) {
                step.piece = insn->depthwise != 0 ? tile * width : 0;
                weights = stream_run(&step, memory, rows, weights);
            }
    }
}
