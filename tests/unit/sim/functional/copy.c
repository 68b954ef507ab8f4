/* copy.c - COPY, the plain one and the fast one, against loops over bytes. */
#include <criterion/criterion.h>

#include "sim/functional/fast/fast.h"
#include "tests/unit/sim/functional/rig.h"

TestSuite(copy);

static void draw(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_COPY;
    rig_draw_window(rig, insn, 200);
    rig_draw_output(rig, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes);
}

/* Byte `at` of the dense row of a position. */
static uint8_t byte_of(const struct qm_insn *insn, const uint8_t *scratchpad, int64_t oy, int64_t ox, int64_t at) {
    int64_t tap = at / insn->run_bytes, ky = tap / insn->kernel_w, kx = tap % insn->kernel_w;
    int64_t y = insn->y_start + oy * insn->y_stride + ky * insn->y_dilation;
    int64_t x = insn->x_start + ox * insn->x_stride + kx * insn->x_dilation + at % insn->run_bytes;
    if (y < 0 || y >= insn->in_rows || x < 0 || x >= insn->in_row_bytes) return (uint8_t)insn->pad_value;
    return scratchpad[insn->in_addr + y * insn->in_pitch + x];
}

static void copy_bytes(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    for (int64_t oy = 0; oy < insn->out_h; oy++)
        for (int64_t ox = 0; ox < insn->out_w; ox++)
            for (int64_t at = 0; at < insn->kernel_h * insn->kernel_w * insn->run_bytes; at++)
                memory->scratchpad[insn->out_addr + oy * insn->out_pitch + ox * insn->out_pixel + at] =
                    byte_of(insn, memory->scratchpad, oy, ox, at);
}

Test(copy, gathers_the_runs_of_each_window) {
    rig_compare(draw, copy_bytes, qm_functional_COPY, 60);
    rig_compare(draw, copy_bytes, fast_COPY, 60);
}
