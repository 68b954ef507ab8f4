/* add.c - draws an ADD. */
#include "verify/draw/parts.h"

bool draw_ADD(struct draw *d, struct qm_insn *insn) {
    insn->binary = draw_between(d, QM_binary_SUM, QM_binary_PRODUCT);
    insn->length = draw_between(d, 1, least(draw_chance(d, 20) ? 2 * d->machine->cols : 300, d->machine->scratchpad_bytes / 4));
    insn->in_addr = draw_place(d, insn->length);
    insn->b_addr = draw_place(d, insn->length);
    insn->in_unsigned = draw_chance(d, 30);
    insn->a_zero = draw_chance(d, 5) ? 0 : draw_wide(d, -128, 127, 32767);
    insn->b_zero = draw_chance(d, 5) ? 0 : draw_wide(d, -128, 127, 32767);
    insn->a_multiplier = draw_multiplier(d);
    insn->b_multiplier = draw_multiplier(d);
    insn->out_multiplier = draw_multiplier(d);
    insn->a_shift = draw_shift(d);
    insn->b_shift = draw_shift(d);
    insn->out_shift = draw_shift(d);
    insn->pre_shift = draw_chance(d, 70) ? 20 : draw_between(d, 0, 31);
    draw_output_stage(d, insn);
    draw_nibbles(d, insn, insn->length);
    return draw_output_place(d, insn);
}
