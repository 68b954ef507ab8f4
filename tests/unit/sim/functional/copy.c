/* copy.c - COPY against naive loops. */
#include <criterion/criterion.h>

#include "tests/unit/sim/functional/rig.h"

TestSuite(copy);

static void draw(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_COPY;
    rig_draw_window(rig, insn, 200);
    rig_draw_output(rig, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes);
}

Test(copy, gathers_the_runs_of_each_window) {
    rig_compare(draw, 60);
}
