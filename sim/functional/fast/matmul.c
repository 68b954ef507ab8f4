/* matmul.c - MATMUL without time, as one product of matrices.
 *
 * Pieces of a run are contiguous and steps follow one another in the weights, so a dense tile's weights are simply [K][n], K = kernel_h x
 * kernel_w x run_bytes. Windows are gathered as rows of K bytes, a block of positions and a chunk of K at a time, so that the rows stay
 * in the cache while all tiles use them. Which product comes first does not matter, because every sum fits: an instruction whose sums
 * might not goes step by step (matmul_steps.c). A zero point of the weights is taken off by the sums of the rows, as the hardware does.
 * Narrow precisions become 8-bit ones on the way (sim/functional/fast/narrow.h), so that all share the kernels.
 */
#include "sim/functional/fast/matmul.h"

#include <string.h>

#include "common/precision.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/window.h"

enum { BLOCK_ROWS = 256 };

/* A part of a window that is contiguous in the feature map, relative to the window's first byte. */
struct cut {
    int64_t y, x, size;
};

/* Windows of a block of positions, bytes first .. first + k - 1 of each: as many or twice as many activations. */
struct chunk {
    int64_t position, index, first, k; /* index: of the chunk among those of its block */
    int64_t cut_count;
    int32_t corrections[BLOCK_ROWS]; /* weight_zero times the sum of the row's activations */
    struct cut cuts[KERNEL_K];
    int8_t weights[KERNEL_VECTORS][KERNEL_K * KERNEL_LANES]; /* of narrow precisions, expanded */
    _Alignas(64) uint8_t rows[(BLOCK_ROWS + KERNEL_ROWS_SPARE) * KERNEL_K * KERNEL_ELEMENT_BYTES_MAX];
};

/* Taps that lie side by side in the map, as those of a plain convolution do, are one cut. */
static void add_cut(struct chunk *chunk, struct cut cut) {
    struct cut *last = chunk->cut_count > 0 ? &chunk->cuts[chunk->cut_count - 1] : NULL;
    if (last != NULL && last->y == cut.y && last->x + last->size == cut.x)
        last->size += cut.size;
    else
        chunk->cuts[chunk->cut_count++] = cut;
}

static void cut_windows(const struct qm_insn *insn, struct chunk *chunk) {
    int64_t at = chunk->first, end = chunk->first + chunk->k;
    chunk->cut_count = 0;
    while (at < end) {
        int64_t run = at / insn->run_bytes, piece = at % insn->run_bytes;
        int64_t size = insn->run_bytes - piece < end - at ? insn->run_bytes - piece : end - at;
        int64_t ky = run / insn->kernel_w, kx = run % insn->kernel_w;
        add_cut(chunk, (struct cut){ky * insn->y_dilation, kx * insn->x_dilation + piece, size});
        at += size;
    }
}

static int32_t row_sum(const uint8_t *activations, int64_t k, bool is_unsigned) {
    int32_t sum = 0;
    for (int64_t i = 0; i < k; i++) sum += is_unsigned ? activations[i] : (int8_t)activations[i];
    return sum;
}

/* The cuts of a window one after another, as the kernel wants them. What fill reads and writes beyond a cut does not matter: the next cut
 * or row is written over it. */
static void fill_window(const struct qm_insn *insn, const struct qm_functional_memory *memory, struct run window, const struct chunk *chunk,
                        const struct kernel *kernel, uint8_t *row) {
    const uint8_t *end = memory->scratchpad + memory->machine->scratchpad_bytes;
    for (const struct cut *cut = chunk->cuts; cut < chunk->cuts + chunk->cut_count; row += cut++->size * kernel->element_bytes) {
        uint8_t outside[KERNEL_K + KERNEL_FILL_SPARE];
        struct run run = {window.y + cut->y, window.x + cut->x};
        const uint8_t *bytes = window_inside(insn, memory->scratchpad, run, cut->size);
        if (bytes == NULL || end - bytes < cut->size + KERNEL_FILL_SPARE) {
            window_read(insn, memory->scratchpad, run, 0, cut->size, outside);
            bytes = outside;
        }
        kernel->fill(bytes, cut->size, insn->in_unsigned != 0, row);
    }
}

/* The same by way of a row of bytes: for narrow activations, and when their sum is wanted. */
static void expand_window(const struct kernel_job *job, const struct qm_insn *insn, const uint8_t *scratchpad, struct run window,
                          const struct chunk *chunk, uint8_t *bytes) {
    uint8_t *out = bytes;
    for (const struct cut *cut = chunk->cuts; cut < chunk->cuts + chunk->cut_count; out += cut++->size)
        window_read(insn, scratchpad, (struct run){window.y + cut->y, window.x + cut->x}, 0, cut->size, out);
    if (job->k != chunk->k) narrow_expand_activations(bytes, chunk->k, job->is_unsigned);
}

static void gather_rows(const struct kernel_job *job, const struct kernel *kernel, const struct qm_insn *insn,
                        const struct qm_functional_memory *memory, struct chunk *chunk) {
    uint8_t bytes[KERNEL_K] = {0}, *row = chunk->rows;
    bool is_direct = job->k == chunk->k && insn->weight_zero == 0;
    int64_t oy = chunk->position / insn->out_w, ox = chunk->position % insn->out_w;
    for (int64_t m = 0; m < job->count; m++, row += KERNEL_K * kernel->element_bytes) {
        struct run window = window_run(insn, oy, ox, 0, 0);
        if (is_direct) {
            fill_window(insn, memory, window, chunk, kernel, row);
        } else {
            expand_window(job, insn, memory->scratchpad, window, chunk, bytes);
            if (insn->weight_zero != 0) chunk->corrections[m] = (int32_t)insn->weight_zero * row_sum(bytes, job->k, job->is_unsigned);
            kernel->fill(bytes, job->k, job->is_unsigned, row);
        }
        if (++ox == insn->out_w) ox = 0, oy++;
    }
}

/* Lanes of the tile from its column on; narrow weights are expanded into `expanded`, unless it is NULL. */
static struct kernel_vector make_vector(const struct qm_insn *insn, const struct chunk *chunk, const struct narrow_tile *tile,
                                        int8_t *expanded) {
    int64_t lanes = tile->n - tile->column < KERNEL_LANES ? tile->n - tile->column : KERNEL_LANES;
    if (insn->precision == QM_precision_W8A8) {
        const int8_t *weights = (const int8_t *)tile->weights + chunk->first * tile->n + tile->column;
        return (struct kernel_vector){.weights = weights, .stride = tile->n, .lanes = lanes};
    }
    int64_t stride = qm_activations_per_byte(insn) * KERNEL_LANES;
    for (int64_t i = 0; expanded != NULL && i < chunk->k; i++)
        narrow_expand_weights(insn, tile, chunk->first + i, lanes, expanded + i * stride);
    return (struct kernel_vector){.weights = expanded, .stride = KERNEL_LANES, .lanes = lanes};
}

static int64_t jobs_of_chunk(const struct qm_insn *insn, int64_t cols) {
    return ceil_div(matmul_vectors(insn, cols), KERNEL_VECTORS);
}

/* Gives the columns of all tiles to the kernel, some vectors at a time. */
static void multiply_tiles(struct kernel_job *job, const struct kept_weights *kept, const struct qm_insn *insn,
                           const struct qm_functional_memory *memory, struct chunk *chunk) {
    int64_t cols = memory->machine->cols, job_index = chunk->index * jobs_of_chunk(insn, cols),
            tile_rows = insn->kernel_h * insn->kernel_w * qm_weight_rows(insn, insn->run_bytes);
    job->vector_count = 0;
    for (int64_t index = 0; index < insn->tiles; index++) {
        int64_t rest = insn->channels - index * cols;
        struct narrow_tile tile = {.n = rest < cols ? rest : cols};
        tile.weights = memory->scratchpad + insn->weight_addr + index * tile_rows * qm_weight_row_bytes(insn, cols);
        int32_t *sums = memory->accumulator + (insn->acc_addr + index * insn->out_h * insn->out_w + chunk->position) * cols;
        for (; tile.column < tile.n; tile.column += KERNEL_LANES) {
            struct kernel_vector *vector = &job->vectors[job->vector_count];
            *vector = make_vector(insn, chunk, &tile, kept->are_packed ? NULL : chunk->weights[job->vector_count]);
            vector->sums = sums + tile.column;
            if (++job->vector_count < KERNEL_VECTORS) continue;
            kept_multiply(kept, job_index++, job);
            job->vector_count = 0;
        }
    }
    if (job->vector_count > 0) kept_multiply(kept, job_index, job);
}

static void subtract_corrections(const struct kernel_job *job, const struct qm_insn *insn, const struct chunk *chunk,
                                 struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, positions = insn->out_h * insn->out_w;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * cols, n = rest < cols ? rest : cols;
        int32_t *row = memory->accumulator + (insn->acc_addr + tile * positions + chunk->position) * cols;
        for (int64_t m = 0; m < job->count; m++, row += cols)
            for (int64_t c = 0; c < n; c++) row[c] -= chunk->corrections[m];
    }
}

static void clear_spare_columns(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t width = qm_machine_tile(memory->machine, insn->depthwise != 0), cols = memory->machine->cols,
            positions = insn->out_h * insn->out_w;
    int32_t *row = memory->accumulator + insn->acc_addr * cols;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * width, n = rest < width ? rest : width;
        if (n == cols) row += positions * cols;
        for (int64_t m = 0; n < cols && m < positions; m++, row += cols) memset(row + n, 0, (size_t)(cols - n) * sizeof *row);
    }
}

/* Rows of a block of positions, chunk by chunk. */
static void multiply_positions(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kept_weights *kept,
                               struct chunk *chunk) {
    int64_t window_bytes = insn->kernel_h * insn->kernel_w * insn->run_bytes, positions = insn->out_h * insn->out_w;
    int64_t per_byte = qm_activations_per_byte(insn), chunk_bytes = KERNEL_K / per_byte;
    struct kernel_job job = {.rows = chunk->rows, .sums_stride = memory->machine->cols, .is_unsigned = insn->in_unsigned != 0};
    job.count = positions - chunk->position < BLOCK_ROWS ? positions - chunk->position : BLOCK_ROWS;
    for (chunk->index = 0; chunk->index * chunk_bytes < window_bytes; chunk->index++) {
        chunk->first = chunk->index * chunk_bytes;
        chunk->k = window_bytes - chunk->first < chunk_bytes ? window_bytes - chunk->first : chunk_bytes;
        job.k = chunk->k * per_byte;
        job.adds = insn->accumulate != 0 || chunk->first > 0;
        cut_windows(insn, chunk);
        gather_rows(&job, kept->kernel, insn, memory, chunk);
        multiply_tiles(&job, kept, insn, memory, chunk);
        if (insn->weight_zero != 0) subtract_corrections(&job, insn, chunk, memory);
    }
}

static void multiply_dense(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel) {
    int64_t activations = insn->kernel_h * insn->kernel_w * insn->run_bytes * qm_activations_per_byte(insn);
    struct kept_use use = {kernel, false, ceil_div(activations, KERNEL_K) * jobs_of_chunk(insn, memory->machine->cols)};
    struct chunk chunk; /* large: set field by field */
    struct kernel_packed one;
    struct kept_weights kept = kept_begin(memory, insn, use, &one);
    for (chunk.position = 0; chunk.position < insn->out_h * insn->out_w; chunk.position += BLOCK_ROWS) {
        multiply_positions(insn, memory, &kept, &chunk);
        kept_repeat(&kept);
    }
}

void matmul_with(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct kernel *kernel) {
    if (insn->accumulate == 0) clear_spare_columns(insn, memory);
    if (!matmul_always_fits(insn, memory))
        matmul_steps(insn, memory);
    else if (insn->depthwise != 0)
        matmul_depthwise(insn, memory);
    else if (matmul_winograd_fits(insn, kernel))
        matmul_winograd(insn, memory, kernel);
    else
        multiply_dense(insn, memory, kernel);
}

void fast_MATMUL(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    matmul_with(insn, memory, kernel_best());
}
