/* matmul_depthwise.c - MATMUL with one weight a channel and tap: no reduction over channels, so the channels are the lanes.
 *
 * A window's tap gives one byte to each channel, contiguous in the feature map. Where all of them lie inside the map they are used in
 * place, else they are gathered. Sums wrap modulo 2^32.
 */
#include "sim/functional/fast/matmul.h"

#include "common/opcode/opcode.h"
#include "sim/functional/fast/vectorized.h"
#include "sim/functional/fast/window.h"

enum { TAPS = 64, LANES = 16, TILE_MAX = 256 };

/* Up to TAPS taps of one position and tile. */
struct taps {
    int64_t count, n;
    const int8_t *weights; /* [count][n] */
    const uint8_t *bytes[TAPS];
    uint8_t gathered[TAPS][TILE_MAX];
};

/* An output position, the first channel of the tile, the samples of a row. */
struct output {
    int64_t oy, ox, channel, samples;
};

typedef uint8_t bytes16 __attribute__((vector_size(LANES)));
typedef int8_t signed16 __attribute__((vector_size(LANES)));
typedef int16_t halves16 __attribute__((vector_size(LANES * 2)));
typedef uint32_t unsigned16 __attribute__((vector_size(LANES * 4)));
typedef int32_t words16 __attribute__((vector_size(LANES * 4)));

/* One vector of lanes through all taps. A product of 8-bit numbers fits 16 bits, and TAPS of them 32. */
INLINE void add_vector(const struct taps *taps, int64_t first, bool is_unsigned, int32_t *sums) {
    words16 total = {0};
    for (int64_t i = 0; i < taps->count; i++) {
        signed16 bytes, weights;
        memcpy(&bytes, taps->bytes[i] + first, sizeof bytes);
        memcpy(&weights, taps->weights + i * taps->n + first, sizeof weights);
        halves16 wide = is_unsigned ? __builtin_convertvector((bytes16)bytes, halves16) : __builtin_convertvector(bytes, halves16);
        total += __builtin_convertvector(wide * __builtin_convertvector(weights, halves16), words16);
    }
    words16 old;
    memcpy(&old, sums + first, sizeof old);
    total = (words16)((unsigned16)total + (unsigned16)old);
    memcpy(sums + first, &total, sizeof total);
}

INLINE void add_lane(const struct taps *taps, int64_t lane, bool is_unsigned, int32_t *sums) {
    int32_t total = 0;
    for (int64_t i = 0; i < taps->count; i++)
        total += (is_unsigned ? taps->bytes[i][lane] : (int8_t)taps->bytes[i][lane]) * taps->weights[i * taps->n + lane];
    sums[lane] = (int32_t)((uint32_t)sums[lane] + (uint32_t)total);
}

INLINE void add_all_lanes(const struct taps *taps, bool is_unsigned, int32_t *sums) {
    int64_t lane = 0;
    for (; lane + LANES <= taps->n; lane += LANES) add_vector(taps, lane, is_unsigned, sums);
    for (; lane < taps->n; lane++) add_lane(taps, lane, is_unsigned, sums);
}

VECTORIZED static void add_taps(const struct taps *taps, bool is_unsigned, int32_t *sums) {
    if (is_unsigned)
        add_all_lanes(taps, true, sums);
    else
        add_all_lanes(taps, false, sums);
}

/* The taps from first_tap on of output (oy, ox), for the channels from `channel` on. */
static void find_taps(const struct qm_insn *insn, const uint8_t *scratchpad, const struct output *output, int64_t first_tap,
                      struct taps *taps) {
    int64_t of_row = insn->kernel_w * insn->run_bytes, first_sample = output->ox * insn->sample_step - insn->skip_left;
    int64_t ky = first_tap / of_row, kx = first_tap % of_row / insn->run_bytes, in_chain = first_tap % insn->run_bytes;
    for (int64_t i = 0; i < taps->count; i++) {
        int64_t sample = first_sample + in_chain;
        struct run run = window_run(insn, output->oy, sample, ky, kx);
        run.x += output->channel;
        if (sample < 0 || sample >= output->samples) run.y = -1; /* padding */
        taps->bytes[i] = window_inside(insn, scratchpad, run, taps->n);
        if (taps->bytes[i] == NULL) {
            window_read(insn, scratchpad, run, 0, taps->n, taps->gathered[i]);
            taps->bytes[i] = taps->gathered[i];
        }
        if (++in_chain == insn->run_bytes) in_chain = 0, kx++;
        if (kx == insn->kernel_w) kx = 0, ky++;
    }
}

static void add_tile(const struct qm_insn *insn, struct qm_functional_memory *memory, int64_t first_channel, struct taps *taps,
                     int32_t *row) {
    const int8_t *weights = taps->weights;
    int64_t cols = memory->machine->cols, tap_count = insn->kernel_h * insn->kernel_w * insn->run_bytes;
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++, row += cols) {
            struct output output = {oy, ox, first_channel, qm_samples_of_row(insn)};
            for (int64_t tap = 0; tap < tap_count; tap += TAPS) {
                taps->count = tap_count - tap < TAPS ? tap_count - tap : TAPS;
                taps->weights = weights + tap * taps->n;
                find_taps(insn, memory->scratchpad, &output, tap, taps);
                add_taps(taps, insn->in_unsigned != 0, row);
            }
        }
    taps->weights = weights + tap_count * taps->n;
}

void matmul_depthwise(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, width = qm_machine_tile(memory->machine, true), positions = insn->out_h * insn->out_w;
    struct taps taps; /* large: set field by field */
    taps.weights = (const int8_t *)memory->scratchpad + insn->weight_addr;
    for (int64_t tile = 0; tile < insn->tiles; tile++) {
        int64_t rest = insn->channels - tile * width;
        int32_t *rows = memory->accumulator + (insn->acc_addr + tile * positions) * cols;
        taps.n = rest < width ? rest : width;
        if (insn->accumulate == 0)
            for (int64_t m = 0; m < positions; m++) memset(rows + m * cols, 0, (size_t)taps.n * sizeof *rows);
        add_tile(insn, memory, tile * width, &taps, rows);
    }
}
