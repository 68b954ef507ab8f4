/* pool.c - POOL: the fast one against the plain one. */
#include <criterion/criterion.h>

#include "tests/unit/sim/functional/rig.h"

TestSuite(pool);

static void draw(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_POOL;
    insn->in_unsigned = rig_draw(rig, 0, 1);
    insn->pool_kind = rig_draw(rig, 0, 1);
    insn->pool_bias = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, -3000, 3000) : rig_draw(rig, INT32_MIN, INT32_MAX);
    rig_draw_window(rig, insn, 1);
    insn->channels = rig_draw(rig, 1, 3 * (int64_t)rig->machine.cols);
    rig_draw_scale(rig, insn);
    bool fits_nibbles = rig->machine.cols % 2 == 0 || insn->channels <= rig->machine.cols;
    insn->out_type = fits_nibbles ? rig_draw(rig, QM_out_type_BITS8, QM_out_type_BITS4) : QM_out_type_BITS8;
    rig_draw_output(rig, insn, insn->out_type == QM_out_type_BITS4 ? (insn->channels + 1) / 2 : insn->channels);
}

Test(pool, is_the_maximum_or_sum_scaled_once) {
    rig_compare(draw, qm_functional_POOL, fast_POOL, 60);
}
