/* copy.c - COPY without time: whole runs at a time. */
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/window.h"

static void copy_window(const struct qm_insn *insn, uint8_t *scratchpad, struct run window, uint8_t *out) {
    for (int64_t ky = 0; ky < insn->kernel_h; ky++)
        for (int64_t kx = 0; kx < insn->kernel_w; kx++, out += insn->run_bytes) {
            struct run run = {window.y + ky * insn->y_dilation, window.x + kx * insn->x_dilation};
            window_read(insn, scratchpad, run, 0, insn->run_bytes, out);
        }
}

void fast_COPY(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    uint8_t *out = memory->scratchpad + insn->out_addr;
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++)
            copy_window(insn, memory->scratchpad, window_run(insn, oy, ox, 0, 0), out + oy * insn->out_pitch + ox * insn->out_pixel);
}
