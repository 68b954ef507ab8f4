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

/* Any second operand, before the outputs and behind the constants; half of them dense with dense outputs. */
static void draw_residual(struct rig *rig, struct qm_insn *insn) {
    draw_typed(rig, insn);
    insn->residual = 1;
    insn->in_unsigned = rig_draw(rig, 0, 1);
    insn->b_zero = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, -128, 255) : rig_draw(rig, -32768, 32767);
    insn->a_multiplier = rig_draw(rig, 1 << 30, INT32_MAX);
    insn->b_multiplier = rig_draw(rig, INT32_MIN, INT32_MAX);
    insn->a_shift = rig_draw(rig, -10, 2);
    insn->b_shift = rig_draw(rig, -128, 127);
    insn->pre_shift = rig_draw(rig, 0, 1) == 0 ? 20 : rig_draw(rig, 0, 31);
    insn->out_multiplier = rig_draw(rig, 1 << 30, INT32_MAX);
    insn->out_shift = rig_draw(rig, -24, 0);
    insn->a_min = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, -255, 0) : rig_draw(rig, -32768, 32767);
    insn->a_max = rig_draw(rig, 0, 1) == 0 ? rig_draw(rig, 0, 255) : rig_draw(rig, -32768, 32767);
    insn->b_pixel = insn->channels + rig_draw(rig, 0, 1) * rig_draw(rig, 0, 5);
    insn->b_pitch = insn->out_w * insn->b_pixel + rig_draw(rig, 0, 1) * rig_draw(rig, 0, 5);
    insn->b_addr = rig_draw(rig, 0, rig_constants(rig) - insn->out_h * insn->b_pitch);
}

Test(requantize, adds_a_residual_to_its_rows) {
    rig_compare(draw_residual, qm_functional_REQUANTIZE, fast_REQUANTIZE, 120);
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
