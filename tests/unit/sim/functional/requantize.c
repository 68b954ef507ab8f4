/* requantize.c - REQUANTIZE against naive loops, every rounding, any parameter bytes. */
#include <criterion/criterion.h>

#include "tests/unit/sim/functional/rig.h"

TestSuite(requantize);

static void draw(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_REQUANTIZE;
    insn->depthwise = rig_draw(rig, 0, 1);
    insn->out_h = rig_draw(rig, 1, 5);
    insn->out_w = rig_draw(rig, 1, 9);
    rig_draw_tiles(rig, insn, 3 * (int64_t)rig->machine.cols);
    insn->param_addr = rig_draw(rig, rig_constants(rig), rig_outputs(rig) - insn->tiles * 9 * rig->machine.cols);
    rig_draw_scale(rig, insn);
    rig_draw_output(rig, insn, insn->channels);
}

Test(requantize, is_bias_scale_zero_point_and_clamp) {
    rig_compare(draw, 60);
}
