/* add.c - ADD: the fast one against the plain one, sums and products, also written exactly over an operand. */
#include <criterion/criterion.h>

#include "tests/unit/sim/functional/rig.h"

TestSuite(add);

static void draw(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_ADD;
    insn->in_unsigned = rig_draw(rig, 0, 1);
    insn->length = rig_draw(rig, 1, rig_draw(rig, 1, 5000));
    insn->in_addr = rig_draw(rig, 0, rig_constants(rig) - insn->length);
    insn->b_addr = rig_draw(rig, rig_constants(rig), rig_outputs(rig) - insn->length);
    insn->out_addr = rig_draw(rig, rig_outputs(rig), rig->machine.scratchpad_bytes - insn->length);
    insn->a_zero = rig_draw(rig, -256, 255);
    insn->b_zero = rig_draw(rig, -32768, 32767);
    insn->a_multiplier = rig_draw(rig, 1 << 30, INT32_MAX);
    insn->b_multiplier = rig_draw(rig, INT32_MIN, INT32_MAX);
    insn->a_shift = rig_draw(rig, -10, 2);
    insn->b_shift = rig_draw(rig, -128, 127);
    insn->pre_shift = rig_draw(rig, 0, 1) == 0 ? 20 : rig_draw(rig, 0, 31);
    rig_draw_scale(rig, insn);
}

static void draw_product(struct rig *rig, struct qm_insn *insn) {
    draw(rig, insn);
    insn->binary = QM_binary_PRODUCT;
    if (rig_draw(rig, 0, 1) == 0) insn->a_zero = rig_draw(rig, 0, 1) == 0 ? -32768 : 32767;
}

static void draw_in_place(struct rig *rig, struct qm_insn *insn) {
    draw(rig, insn);
    insn->binary = rig_draw(rig, 0, 1);
    if (rig_draw(rig, 0, 3) == 0) insn->b_addr = insn->in_addr;
    insn->out_addr = rig_draw(rig, 0, 1) == 0 ? insn->in_addr : insn->b_addr;
}

static void draw_nibbles(struct rig *rig, struct qm_insn *insn) {
    draw(rig, insn);
    insn->out_type = QM_out_type_BITS4;
    if (rig->machine.cols % 2 != 0 && insn->length > rig->machine.cols) insn->length = rig->machine.cols;
}

/* The last operand ends where the scratchpad does. */
static void draw_at_end(struct rig *rig, struct qm_insn *insn) {
    draw(rig, insn);
    insn->out_addr = insn->b_addr;
    insn->b_addr = rig->machine.scratchpad_bytes - insn->length;
}

Test(add, packs_elements_of_4_bits) {
    rig_compare(draw_nibbles, qm_functional_ADD, fast_ADD, 30);
}

Test(add, brings_both_operands_to_one_scale) {
    rig_compare(draw, qm_functional_ADD, fast_ADD, 60);
    rig_compare(draw_at_end, qm_functional_ADD, fast_ADD, 20);
}

Test(add, multiplies_without_zero_points_and_scales_once) {
    rig_compare(draw_product, qm_functional_ADD, fast_ADD, 60);
}

Test(add, may_write_over_an_operand) {
    rig_compare(draw_in_place, qm_functional_ADD, fast_ADD, 30);
}
