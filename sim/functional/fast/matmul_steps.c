/* matmul_steps.c - MATMUL step by step as the array does it, for instructions whose sums may leave the accumulator's width: then it matters
 * what is committed when. A step's weights and each row's activations are widened once, and the products are plain loops over the columns.
 */
#include <string.h>

#include "common/opcode/opcode.h"
#include "common/precision.h"
#include "sim/functional/commit.h"
#include "sim/functional/fast/matmul.h"
#include "sim/functional/fast/matmul_steps.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/vectorized.h"
#include "sim/functional/fast/window.h"

static int64_t width_of(const struct qm_insn *insn, const struct qm_machine *machine) {
    return qm_machine_tile(machine, insn->depthwise != 0);
}

static void read_narrow_weights(const struct qm_insn *insn, const struct narrow_tile *tile, struct matmul_step *step) {
    int64_t per_byte = qm_activations_per_byte(insn), run = (step->ky * insn->kernel_w + step->kx) * insn->run_bytes + step->first;
    struct narrow_tile part = *tile;
    for (part.column = 0; part.column < step->n; part.column += KERNEL_LANES) {
        int64_t lanes = step->n - part.column < KERNEL_LANES ? step->n - part.column : KERNEL_LANES;
        for (int64_t i = 0; i < step->bytes; i++) {
            int8_t expanded[2 * KERNEL_LANES];
            narrow_expand_weights(insn, &part, run + i, lanes, expanded);
            for (int64_t j = 0; j < per_byte; j++)
                memcpy(&step->weights[i * per_byte + j][part.column], expanded + j * KERNEL_LANES, (size_t)lanes);
        }
    }
}

static void read_weights(const struct qm_insn *insn, const struct qm_functional_memory *memory, struct matmul_step *step) {
    int64_t taps = insn->kernel_h * insn->kernel_w, tap = step->ky * insn->kernel_w + step->kx;
    int64_t tile_bytes = taps * qm_weight_rows(insn, insn->run_bytes) * qm_weight_row_bytes(insn, width_of(insn, memory->machine));
    const uint8_t *weights = memory->scratchpad + insn->weight_addr + step->tile * tile_bytes;
    if (insn->precision != QM_precision_W8A8) {
        read_narrow_weights(insn, &(struct narrow_tile){.weights = weights, .n = step->n}, step);
        return;
    }
    bool depthwise = insn->depthwise != 0;
    int64_t rows = depthwise ? insn->run_bytes : step->bytes, first = tap * insn->run_bytes + (depthwise ? 0 : step->first);
    for (int64_t i = 0; i < rows; i++) memcpy(step->weights[i], weights + (first + i) * step->n, (size_t)step->n);
}

static void read_row(const struct qm_insn *insn, const uint8_t *scratchpad, const struct matmul_step *step, int64_t m,
                     int32_t *activations) {
    uint8_t bytes[MATMUL_DEPTH_MAX];
    window_read(insn, scratchpad, window_run(insn, m / insn->out_w, m % insn->out_w, step->ky, step->kx), step->first, step->bytes, bytes);
    if (step->depth != step->bytes) narrow_expand_activations(bytes, step->bytes, insn->in_unsigned != 0);
    for (int64_t i = 0; i < step->depth; i++) activations[i] = insn->in_unsigned != 0 ? bytes[i] : (int8_t)bytes[i];
}

/* Products of a chain: each tap with its sample of output m, or with the padding beside the samples. */
static void multiply_chain(const struct qm_insn *insn, const uint8_t *scratchpad, const struct matmul_step *step, int64_t m,
                           int32_t *sums) {
    uint8_t bytes[MATMUL_COLS_MAX];
    for (int64_t c = 0; c < step->n; c++) sums[c] = 0;
    for (int64_t tap = 0; tap < insn->run_bytes; tap++) {
        int64_t sample = m % insn->out_w * insn->sample_step + tap - insn->skip_left;
        struct run run = window_run(insn, m / insn->out_w, sample, step->ky, step->kx);
        if (sample < 0 || sample >= qm_samples_of_row(insn)) run.y = -1;
        window_read(insn, scratchpad, run, step->first, step->n, bytes);
        for (int64_t c = 0; c < step->n; c++) sums[c] += (insn->in_unsigned != 0 ? bytes[c] : (int8_t)bytes[c]) * step->weights[tap][c];
    }
}

VECTORIZED static void multiply_row(const struct matmul_step *step, const int32_t *activations, int32_t *sums) {
    for (int64_t c = 0; c < step->n; c++) sums[c] = 0;
    for (int64_t i = 0; i < step->depth; i++)
        for (int64_t c = 0; c < step->n; c++) sums[c] += activations[i] * step->weights[i][c];
}

void matmul_step_begin(const struct qm_insn *insn, const struct qm_functional_memory *memory, struct matmul_step *step) {
    step->depth = step->bytes * qm_activations_per_byte(insn);
    read_weights(insn, memory, step);
}

int32_t matmul_step_row(const struct qm_insn *insn, const struct qm_functional_memory *memory, const struct matmul_step *step, int64_t m,
                        int32_t *sums) {
    int32_t activations[MATMUL_DEPTH_MAX], row_sum = 0;
    if (insn->depthwise != 0) {
        multiply_chain(insn, memory->scratchpad, step, m, sums);
        return 0;
    }
    read_row(insn, memory->scratchpad, step, m, activations);
    multiply_row(step, activations, sums);
    if (insn->weight_zero == 0) return 0;
    for (int64_t i = 0; i < step->depth; i++) row_sum += activations[i];
    return (int32_t)insn->weight_zero * row_sum;
}

static void run_step(const struct qm_insn *insn, struct qm_functional_memory *memory, struct matmul_step *step) {
    int32_t sums[MATMUL_COLS_MAX];
    int64_t positions = insn->out_h * insn->out_w, cols = memory->machine->cols;
    int32_t *row = memory->accumulator + (insn->acc_addr + step->tile * positions) * cols;
    matmul_step_begin(insn, memory, step);
    for (int64_t m = 0; m < positions; m++, row += cols) {
        int32_t correction = matmul_step_row(insn, memory, step, m, sums);
        for (int64_t c = 0; c < step->n; c++)
            row[c] = commit_sum((step->adds ? (int64_t)row[c] : 0) + sums[c] - correction, memory->machine, &memory->acc_overflows);
    }
}

static void run_tile(const struct qm_insn *insn, struct qm_functional_memory *memory, struct matmul_step *step) {
    int64_t width = width_of(insn, memory->machine), piece = memory->machine->rows * qm_precision_of(insn).bytes;
    step->adds = insn->accumulate != 0;
    for (step->ky = 0; step->ky < insn->kernel_h; step->ky++)
        for (step->kx = 0; step->kx < insn->kernel_w; step->kx++)
            for (int64_t at = 0; at < insn->run_bytes; at += piece) {
                int64_t rest = insn->run_bytes - at;
                step->first = insn->depthwise != 0 ? step->tile * width : at;
                step->bytes = insn->depthwise != 0 ? step->n : rest < piece ? rest : piece;
                run_step(insn, memory, step);
                step->adds = true;
            }
}

void matmul_steps(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    struct matmul_step step; /* large: set field by field */
    int64_t width = width_of(insn, memory->machine);
    for (step.tile = 0; step.tile < insn->tiles; step.tile++) {
        int64_t rest = insn->channels - step.tile * width;
        step.n = rest < width ? rest : width;
        run_tile(insn, memory, &step);
    }
}

/* The largest magnitude of a product with a weight, its zero point taken off. */
static int64_t largest_product(const struct qm_insn *insn) {
    struct qm_precision precision = qm_precision_of(insn);
    int64_t zero = insn->weight_zero < 0 ? -insn->weight_zero : insn->weight_zero;
    int64_t activation = ((int64_t)1 << precision.activation_bits) - 1, weight = (int64_t)1 << (precision.weight_bits - 1);
    return activation * (weight + zero);
}

/* The largest magnitude that the instruction finds in its part of the accumulator. */
static int64_t largest_held(const struct qm_insn *insn, const struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, count = insn->tiles * insn->out_h * insn->out_w * cols, largest = 0;
    const int32_t *sums = memory->accumulator + insn->acc_addr * cols;
    for (int64_t i = 0; i < count; i++) {
        int64_t magnitude = sums[i] < 0 ? -(int64_t)sums[i] : sums[i];
        if (magnitude > largest) largest = magnitude;
    }
    return largest;
}

bool matmul_always_fits(const struct qm_insn *insn, const struct qm_functional_memory *memory) {
    int64_t depth = insn->kernel_h * insn->kernel_w * insn->run_bytes * qm_activations_per_byte(insn);
    int64_t products = depth * largest_product(insn), most = commit_most(memory->machine);
    if (products > most) return false;
    return insn->accumulate == 0 || largest_held(insn, memory) <= most - products;
}
