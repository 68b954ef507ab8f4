/* pool.c - POOL without time: maximum or sum over a window, one scale for all channels. */
#include <stdbool.h>

#include "common/precision.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/narrow.h"
#include "sim/functional/fast/scale.h"
#include "sim/functional/fast/vectorized.h"
#include "sim/functional/fast/window.h"

INLINE void reduce_lanes(const uint8_t *restrict bytes, int64_t n, bool is_unsigned, bool is_sum, int32_t *restrict lanes) {
    for (int64_t c = 0; c < n; c++) {
        int32_t value = is_unsigned ? bytes[c] : (int8_t)bytes[c];
        lanes[c] = is_sum ? lanes[c] + value : value > lanes[c] ? value : lanes[c];
    }
}

VECTORIZED static void reduce_tap(const uint8_t *bytes, int64_t n, bool is_unsigned, bool is_sum, int32_t *lanes) {
    if (is_sum)
        is_unsigned ? reduce_lanes(bytes, n, true, true, lanes) : reduce_lanes(bytes, n, false, true, lanes);
    else
        is_unsigned ? reduce_lanes(bytes, n, true, false, lanes) : reduce_lanes(bytes, n, false, false, lanes);
}

/* Bytes piece .. piece + n - 1 of every tap of the window. */
static void reduce_window(const struct qm_insn *insn, const uint8_t *scratchpad, struct run window, int64_t n, int32_t *lanes) {
    uint8_t outside[SCALE_LANES];
    bool is_sum = insn->pool_kind == QM_pool_kind_SUM;
    for (int64_t c = 0; c < n; c++) lanes[c] = is_sum ? 0 : INT32_MIN;
    for (int64_t ky = 0; ky < insn->kernel_h; ky++)
        for (int64_t kx = 0; kx < insn->kernel_w; kx++) {
            struct run run = {window.y + ky * insn->y_dilation, window.x + kx * insn->x_dilation};
            const uint8_t *bytes = window_inside(insn, scratchpad, run, n);
            if (bytes == NULL) {
                window_read(insn, scratchpad, run, 0, n, outside);
                bytes = outside;
            }
            reduce_tap(bytes, n, insn->in_unsigned != 0, is_sum, lanes);
        }
}

void fast_POOL(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    int64_t cols = memory->machine->cols;
    int32_t lanes[SCALE_LANES];
    uint8_t elements[SCALE_LANES];
    struct scale scale; /* large: set field by field */
    bool packs = insn->out_type == QM_out_type_BITS4;
    scale_begin(insn, &scale);
    for (int64_t piece = 0; piece < insn->channels; piece += cols) {
        int64_t n = insn->channels - piece < cols ? insn->channels - piece : cols;
        uint8_t *out = memory->scratchpad + insn->out_addr + qm_output_bytes(insn, piece);
        scale_set_all(&scale, n, (int32_t)insn->pool_bias, (int32_t)insn->out_multiplier, (int32_t)insn->out_shift);
        for (int64_t oy = 0; oy < insn->out_h; oy++)
            for (int64_t ox = 0; ox < insn->out_w; ox++) {
                struct run window = window_run(insn, oy, ox, 0, 0);
                window.x += piece;
                reduce_window(insn, memory->scratchpad, window, n, lanes);
                uint8_t *position = out + oy * insn->out_pitch + ox * insn->out_pixel;
                scaler_best()->bytes(&scale, (struct scale_rows){lanes, SCALE_LANES, 1}, packs ? elements : position, SCALE_LANES);
                if (packs) narrow_pack(elements, n, position);
            }
    }
}
