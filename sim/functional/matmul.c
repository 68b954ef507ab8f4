/* matmul.c - MATMUL without time, as one product of matrices.
 *
 * Pieces of a run are contiguous and steps follow one another in the weights, so a dense tile's weights are simply [K][n], K = kernel_h x
 * kernel_w x run_bytes. Windows are gathered as rows of K bytes, a block of positions and a chunk of K at a time, so that the rows stay in the
 * cache while all tiles use them. Which product comes first does not matter: sums wrap modulo 2^32.
 */
#include "sim/functional/matmul.h"

#include <string.h>

#include "sim/functional/window.h"

enum { BLOCK_ROWS = 256 };

/* A part of a window that is contiguous in the feature map, relative to the window's first byte. */
struct cut {
    int64_t y, x, size;
};

/* Windows of a block of positions, bytes first .. first + k - 1 of each. */
struct chunk {
    int64_t position, first, k;
    int64_t cut_count;
    struct cut cuts[KERNEL_K];
    _Alignas(64) uint8_t rows[(BLOCK_ROWS + KERNEL_ROWS_SPARE) * KERNEL_K * KERNEL_ELEMENT_BYTES_MAX];
};

static void cut_windows(const struct qm_insn *insn, struct chunk *chunk) {
    int64_t at = chunk->first, end = chunk->first + chunk->k;
    for (chunk->cut_count = 0; at < end; chunk->cut_count++) {
        int64_t run = at / insn->run_bytes, piece = at % insn->run_bytes;
        struct cut *cut = &chunk->cuts[chunk->cut_count];
        cut->size = insn->run_bytes - piece < end - at ? insn->run_bytes - piece : end - at;
        cut->y = run / insn->kernel_w * insn->y_dilation;
        cut->x = run % insn->kernel_w * insn->x_dilation + piece;
        at += cut->size;
    }
}

static void gather_rows(const struct kernel_job *job, const struct kernel *kernel, const struct qm_insn *insn, const uint8_t *scratchpad,
                        struct chunk *chunk) {
    uint8_t bytes[KERNEL_K] = {0};
    for (int64_t m = 0; m < job->count; m++) {
        int64_t position = chunk->position + m;
        struct run window = window_run(insn, position / insn->out_w, position % insn->out_w, 0, 0);
        uint8_t *out = bytes;
        for (const struct cut *cut = chunk->cuts; cut < chunk->cuts + chunk->cut_count; out += cut++->size)
            window_read(insn, scratchpad, (struct run){window.y + cut->y, window.x + cut->x}, 0, cut->size, out);
        kernel->fill(bytes, chunk->k, job->is_unsigned, chunk->rows + m * KERNEL_K * kernel->element_bytes);
    }
}

/* Gives the columns of all tiles to the kernel, some vectors at a time. */
static void multiply_tiles(struct kernel_job *job, const struct kernel *kernel, const struct qm_insn *insn,
                           const struct qm_functional_memory *memory, const struct chunk *chunk) {
    int64_t cols = memory->machine->cols, window_bytes = insn->kernel_h * insn->kernel_w * insn->run_bytes;
    job->vector_count = 0;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * cols, n = rest < cols ? rest : cols;
        const uint8_t *weights = memory->scratchpad + insn->weight_addr + tile * cols * window_bytes + chunk->first * n;
        int32_t *sums = memory->accumulator + (insn->acc_addr + tile * insn->out_h * insn->out_w + chunk->position) * cols;
        for (int64_t column = 0; column < n; column += KERNEL_LANES) {
            int64_t lanes = n - column < KERNEL_LANES ? n - column : KERNEL_LANES;
            job->vectors[job->vector_count++] = (struct kernel_vector){(const int8_t *)weights + column, n, lanes, sums + column};
            if (job->vector_count < KERNEL_VECTORS) continue;
            kernel->multiply(job);
            job->vector_count = 0;
        }
    }
    if (job->vector_count > 0) kernel->multiply(job);
}

static void clear_spare_columns(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t width = qm_machine_tile(memory->machine, insn->depthwise != 0), cols = memory->machine->cols,
            positions = insn->out_h * insn->out_w;
    int32_t *row = memory->accumulator + insn->acc_addr * cols;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * width, n = rest < width ? rest : width;
        for (int64_t m = 0; m < positions; m++, row += cols) memset(row + n, 0, (size_t)(cols - n) * sizeof *row);
    }
}

static void multiply_dense(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel) {
    int64_t positions = insn->out_h * insn->out_w, window_bytes = insn->kernel_h * insn->kernel_w * insn->run_bytes;
    struct chunk chunk; /* large: set field by field */
    struct kernel_job job = {.rows = chunk.rows, .sums_stride = memory->machine->cols, .is_unsigned = insn->in_unsigned != 0};
    for (chunk.position = 0; chunk.position < positions; chunk.position += BLOCK_ROWS)
        for (chunk.first = 0; chunk.first < window_bytes; chunk.first += KERNEL_K) {
            job.count = positions - chunk.position < BLOCK_ROWS ? positions - chunk.position : BLOCK_ROWS;
            job.k = chunk.k = window_bytes - chunk.first < KERNEL_K ? window_bytes - chunk.first : KERNEL_K;
            job.adds = insn->accumulate != 0 || chunk.first > 0;
            cut_windows(insn, &chunk);
            gather_rows(&job, kernel, insn, memory->scratchpad, &chunk);
            multiply_tiles(&job, kernel, insn, memory, &chunk);
        }
}

void matmul_with(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel) {
    if (insn->accumulate == 0) clear_spare_columns(insn, memory);
    if (insn->depthwise != 0)
        matmul_depthwise(insn, memory);
    else
        multiply_dense(insn, memory, kernel);
}

void qm_functional_matmul(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    matmul_with(insn, memory, kernel_best());
}
