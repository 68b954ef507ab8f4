/* pool.c - POOL without time: maximum or sum over a window, one scale for all channels. */
#include <stdbool.h>

#include "common/fixed_point.h"
#include "sim/functional/functional.h"
#include "sim/functional/window.h"

enum { LANES_MAX = 256 };

static void reduce_tap(const struct qm_insn *insn, const uint8_t *bytes, int64_t n, bool first, int64_t *lanes) {
    for (int64_t c = 0; c < n; c++) {
        int64_t value = insn->in_unsigned != 0 ? bytes[c] : (int8_t)bytes[c];
        if (first)
            lanes[c] = value;
        else if (insn->pool_kind == QM_pool_kind_SUM)
            lanes[c] += value;
        else if (value > lanes[c])
            lanes[c] = value;
    }
}

static void reduce_window(const struct qm_insn *insn, const uint8_t *scratchpad, int64_t oy, int64_t ox, int64_t piece, int64_t n, int64_t *lanes) {
    uint8_t bytes[LANES_MAX];
    for (int64_t ky = 0; ky < insn->kernel_h; ky++)
        for (int64_t kx = 0; kx < insn->kernel_w; kx++) {
            window_read(insn, scratchpad, window_run(insn, oy, ox, ky, kx), piece, n, bytes);
            reduce_tap(insn, bytes, n, ky == 0 && kx == 0, lanes);
        }
}

static uint8_t finish(const struct qm_insn *insn, int64_t reduced) {
    int32_t biased = qm_wrap32(reduced + insn->pool_bias);
    int32_t scaled = qm_scale(biased, (int32_t)insn->out_multiplier, (int)insn->out_shift, (uint32_t)insn->rounding);
    return qm_output8(scaled, (int32_t)insn->out_zero, (int32_t)insn->clamp_min, (int32_t)insn->clamp_max);
}

void qm_functional_pool(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols, lanes[LANES_MAX];
    for (int64_t piece = 0; piece < insn->channels; piece += cols) {
        int64_t n = insn->channels - piece < cols ? insn->channels - piece : cols;
        for (int64_t oy = 0; oy < insn->out_h; oy++)
            for (int64_t ox = 0; ox < insn->out_w; ox++) {
                uint8_t *out = memory->scratchpad + insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel + piece;
                reduce_window(insn, memory->scratchpad, oy, ox, piece, n, lanes);
                for (int64_t c = 0; c < n; c++) out[c] = finish(insn, lanes[c]);
            }
    }
}
