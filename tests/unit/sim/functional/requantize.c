/* requantize.c - REQUANTIZE: the fast one against the plain one, every rounding, any parameter bytes. */
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

/* Elements of every width; BITS4 has no tile that splits a byte. */
static void draw_typed(struct rig *rig, struct qm_insn *insn) {
    draw(rig, insn);
    insn->out_type = rig_draw(rig, QM_out_type_BITS4, QM_out_type_BITS32);
    int64_t width = qm_machine_tile(&rig->machine, insn->depthwise != 0);
    if (insn->out_type == QM_out_type_BITS4 && width % 2 != 0 && insn->tiles > 1) insn->tiles = 1, insn->channels = width;
    static const int64_t bits[] = {[QM_out_type_BITS4] = 4, [QM_out_type_BITS16] = 16, [QM_out_type_BITS32] = 32};
    rig_draw_output(rig, insn, (insn->channels * bits[insn->out_type] + 7) / 8);
}

static void draw_table(struct rig *rig, struct qm_insn *insn) {
    draw(rig, insn);
    insn->lookup = QM_lookup_TABLE;
    insn->table_addr = rig_draw(rig, 0, rig_outputs(rig) - 256);
}

Test(requantize, writes_elements_of_4_16_and_32_bits) {
    rig_compare(draw_typed, qm_functional_REQUANTIZE, fast_REQUANTIZE, 90);
}

Test(requantize, maps_bytes_through_the_table) {
    rig_compare(draw_table, qm_functional_REQUANTIZE, fast_REQUANTIZE, 40);
}

Test(requantize, is_bias_scale_zero_point_and_clamp) {
    rig_compare(draw, qm_functional_REQUANTIZE, fast_REQUANTIZE, 60);
}
