/* matmul.c - MATMUL step by step, as docs/machine.md (Matmul) says it: for each tile, each tap and each piece of its run, every row of
 * the stream meets the weights of the step, and each column's sum is committed to the accumulator.
 */
#include "common/opcode/opcode.h"
#include "common/precision.h"
#include "sim/functional/commit.h"
#include "sim/functional/element.h"
#include "sim/functional/functional.h"
#include "sim/functional/window.h"

struct step {
    int64_t tile, ky, kx;
    int64_t piece, k;       /* the first byte of the run that the rows hold, and how many they hold */
    int64_t n;              /* channels of the tile */
    const uint8_t *weights; /* the step's weight rows */
    bool adds;              /* to what the accumulator holds */
};

/* `width` bits as a signed number. */
static int32_t sign_extend(int32_t bits, int64_t width) {
    int32_t half = 1 << (width - 1);
    return (bits ^ half) - half;
}

/* Activation i of a row: a byte of the window or a half of one, the low half first. */
static int32_t activation_at(const struct qm_insn *insn, const uint8_t *scratchpad, struct run run, int64_t first, int64_t i) {
    int64_t per_byte = qm_activations_per_byte(insn), width = 8 / per_byte;
    int32_t bits = window_byte(insn, scratchpad, run, first + i / per_byte) >> (i % per_byte * width) & ((1 << width) - 1);
    return insn->in_unsigned != 0 ? bits : sign_extend(bits, width);
}

/* The weight that activation i meets in the column of a channel: weight rows hold cell after cell, a cell one weight for each of its
 * activations. */
static int32_t weight_at(const struct qm_insn *insn, const struct step *step, int64_t i, int64_t channel) {
    struct qm_precision precision = qm_precision_of(insn);
    int64_t per_cell = precision.bytes * qm_activations_per_byte(insn), width = precision.weight_bits;
    const uint8_t *row = step->weights + i / per_cell * qm_weight_row_bytes(insn, step->n);
    int64_t first_bit = (channel * per_cell + i % per_cell) * width;
    int32_t bits = row[first_bit / 8] >> (first_bit % 8) & ((1 << width) - 1);
    return width == 1 ? 1 - 2 * bits : sign_extend(bits, width);
}

/* What a depthwise step adds to the sum of a channel for output position m: taps of a chain are neighbouring samples of the row, and
 * padding beyond them. */
static int64_t chain_sum(const struct qm_insn *insn, const uint8_t *scratchpad, const struct step *step, int64_t m, int64_t channel) {
    int64_t samples = qm_samples_of_row(insn), sum = 0;
    for (int64_t tap = 0; tap < insn->run_bytes; tap++) {
        int64_t sample = m % insn->out_w * insn->sample_step + tap - insn->skip_left;
        struct run run = window_run(insn, m / insn->out_w, sample, step->ky, step->kx);
        if (sample < 0 || sample >= samples) run.y = -1;
        sum += activation_at(insn, scratchpad, run, step->piece, channel) * (int8_t)step->weights[tap * step->n + channel];
    }
    return sum;
}

/* The same of any step. */
static int64_t step_sum(const struct qm_insn *insn, const uint8_t *scratchpad, const struct step *step, int64_t m, int64_t channel) {
    struct run run = window_run(insn, m / insn->out_w, m % insn->out_w, step->ky, step->kx);
    int64_t sum = 0;
    if (channel >= step->n) return 0;
    if (insn->depthwise != 0) return chain_sum(insn, scratchpad, step, m, channel);
    for (int64_t i = 0; i < step->k * qm_activations_per_byte(insn); i++)
        sum += activation_at(insn, scratchpad, run, step->piece, i) * (weight_at(insn, step, i, channel) - insn->weight_zero);
    return sum;
}

static void run_step(const struct qm_insn *insn, struct qm_functional_memory *memory, const struct step *step) {
    int64_t positions = insn->out_h * insn->out_w, cols = memory->machine->cols;
    for (int64_t m = 0; m < positions; m++) {
        int32_t *sums = memory->accumulator + (insn->acc_addr + step->tile * positions + m) * cols;
        for (int64_t c = 0; c < cols; c++) {
            int64_t held = step->adds ? sums[c] : 0;
            sums[c] = commit_sum(held + step_sum(insn, memory->scratchpad, step, m, c), memory->machine, &memory->acc_overflows);
        }
    }
}

/* The pieces of a run: as many bytes as the rows of the array take. A depthwise chain is one step, with a byte of a sample a channel. */
static void run_tap(const struct qm_insn *insn, struct qm_functional_memory *memory, struct step *step) {
    bool depthwise = insn->depthwise != 0;
    int64_t most = memory->machine->rows * qm_precision_of(insn).bytes;
    for (int64_t at = 0; at < insn->run_bytes; at += most) {
        step->piece = depthwise ? step->tile * qm_machine_tile(memory->machine, true) : at;
        step->k = depthwise ? step->n : insn->run_bytes - at < most ? insn->run_bytes - at : most;
        run_step(insn, memory, step);
        step->weights += qm_weight_rows(insn, depthwise ? insn->run_bytes : step->k) * qm_weight_row_bytes(insn, step->n);
        step->adds = true;
    }
}

void qm_functional_MATMUL(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t width = qm_machine_tile(memory->machine, insn->depthwise != 0);
    struct step step = {.weights = memory->scratchpad + insn->weight_addr};
    for (step.tile = 0; step.tile < insn->tiles; step.tile++) {
        int64_t rest = insn->channels - step.tile * width;
        step.n = rest < width ? rest : width;
        step.adds = insn->accumulate != 0;
        for (step.ky = 0; step.ky < insn->kernel_h; step.ky++)
            for (step.kx = 0; step.kx < insn->kernel_w; step.kx++) run_tap(insn, memory, &step);
    }
}
