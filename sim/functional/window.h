/* window.h - the window rule of docs/machine.md, Windows: the bytes that MATMUL, POOL and COPY see of a feature map. */
#ifndef QM_SIM_FUNCTIONAL_WINDOW_H
#define QM_SIM_FUNCTIONAL_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/isa.h"

/* For one output position and one tap: where the run begins, as a row of the map and a byte of the row. */
struct run {
    int64_t y, x;
};

static inline struct run window_run(const struct qm_insn *insn, int64_t oy, int64_t ox, int64_t ky, int64_t kx) {
    return (struct run){
        .y = insn->y_start + oy * insn->y_stride + ky * insn->y_dilation,
        .x = insn->x_start + ox * insn->x_stride + kx * insn->x_dilation,
    };
}

/* Byte `index` of the run, or pad_value outside the map. */
static inline uint8_t window_byte(const struct qm_insn *insn, const uint8_t *scratchpad, struct run run, int64_t index) {
    int64_t y = run.y, x = run.x + index;
    bool is_inside = 0 <= y && y < insn->in_rows && 0 <= x && x < insn->in_row_bytes;
    return is_inside ? scratchpad[insn->in_addr + y * insn->in_pitch + x] : (uint8_t)insn->pad_value;
}

#endif
