/* copy.c - COPY: the runs of each window, one after another, byte by byte. */
#include "sim/functional/functional.h"
#include "sim/functional/window.h"

static void copy_window(const struct qm_insn *insn, uint8_t *scratchpad, int64_t oy, int64_t ox) {
    uint8_t *out = scratchpad + insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel;
    for (int64_t ky = 0; ky < insn->kernel_h; ky++)
        for (int64_t kx = 0; kx < insn->kernel_w; kx++) {
            struct run run = window_run(insn, oy, ox, ky, kx);
            for (int64_t i = 0; i < insn->run_bytes; i++) *out++ = window_byte(insn, scratchpad, run, i);
        }
}

void qm_functional_COPY(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++) copy_window(insn, memory->scratchpad, oy, ox);
}
