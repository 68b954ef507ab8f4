/* matmul_depthwise.c - MATMUL with one weight a channel and tap: no reduction over channels, so the channels are the lanes.
 *
 * A window's tap gives one byte to each channel, contiguous in the feature map. Where all of them lie inside the map they are used in place,
 * else they are gathered. Sums wrap modulo 2^32.
 */
#include "sim/functional/matmul.h"

#include "sim/functional/vectorized.h"
#include "sim/functional/window.h"

enum { TAPS = 64, LANES = 16, TILE_MAX = 256 };

/* Up to TAPS taps of one position and tile. */
struct taps {
    int64_t count, n;
    const int8_t *weights; /* [count][n] */
    const uint8_t *bytes[TAPS];
    uint8_t gathered[TAPS][TILE_MAX];
};

INLINE void add_lanes(const struct taps *taps, int64_t first, int64_t lanes, bool is_unsigned, int32_t *sums) {
    int32_t products[LANES] = {0};
    for (int64_t i = 0; i < taps->count; i++) {
        const uint8_t *bytes = taps->bytes[i] + first;
        const int8_t *weights = taps->weights + i * taps->n + first;
        for (int64_t lane = 0; lane < lanes; lane++) products[lane] += (is_unsigned ? bytes[lane] : (int8_t)bytes[lane]) * weights[lane];
    }
    for (int64_t lane = 0; lane < lanes; lane++) sums[first + lane] = (int32_t)((uint32_t)sums[first + lane] + (uint32_t)products[lane]);
}

INLINE void add_all_lanes(const struct taps *taps, bool is_unsigned, int32_t *sums) {
    int64_t first = 0;
    for (; first + LANES <= taps->n; first += LANES) add_lanes(taps, first, LANES, is_unsigned, sums);
    if (first < taps->n) add_lanes(taps, first, taps->n - first, is_unsigned, sums);
}

VECTORIZED static void add_taps(const struct taps *taps, bool is_unsigned, int32_t *sums) {
    if (is_unsigned)
        add_all_lanes(taps, true, sums);
    else
        add_all_lanes(taps, false, sums);
}

static void find_taps(const struct qm_insn *insn, const uint8_t *scratchpad, struct run window, int64_t first_tap, struct taps *taps) {
    int64_t ky = first_tap / insn->kernel_w, kx = first_tap % insn->kernel_w;
    for (int64_t i = 0; i < taps->count; i++) {
        struct run run = {window.y + ky * insn->y_dilation, window.x + kx * insn->x_dilation};
        taps->bytes[i] = window_inside(insn, scratchpad, run, taps->n);
        if (taps->bytes[i] == NULL) {
            window_read(insn, scratchpad, run, 0, taps->n, taps->gathered[i]);
            taps->bytes[i] = taps->gathered[i];
        }
        if (++kx == insn->kernel_w) kx = 0, ky++;
    }
}

static void add_tile(const struct qm_insn *insn, struct qm_functional_memory *memory, int64_t first_channel, struct taps *taps,
                     int32_t *row) {
    const int8_t *weights = taps->weights;
    int64_t cols = memory->machine->cols, tap_count = insn->kernel_h * insn->kernel_w;
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++, row += cols) {
            struct run window = window_run(insn, oy, ox, 0, 0);
            window.x += first_channel;
            for (int64_t tap = 0; tap < tap_count; tap += TAPS) {
                taps->count = tap_count - tap < TAPS ? tap_count - tap : TAPS;
                taps->weights = weights + tap * taps->n;
                find_taps(insn, memory->scratchpad, window, tap, taps);
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
