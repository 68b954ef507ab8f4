/* add.c - draws an ADD. */
#include "verify/draw/parts.h"

bool draw_ADD(struct draw *d, struct qm_insn *insn) {
    insn->binary = draw_between(d, QM_binary_SUM, QM_binary_PRODUCT);
    insn->length = draw_between(d, 1, least(draw_chance(d, 20) ? 2 * d->machine->cols : 300, d->machine->scratchpad_bytes / 4));
    insn->in_addr = draw_place(d, insn->length);
    insn->b_addr = draw_place(d, insn->length);
    insn->a_zero = draw_chance(d, 5) ? 0 : draw_wide(d, -128, 127, 32767);
    draw_sum(d, insn);
    draw_output_stage(d, insn);
    draw_nibbles(d, insn, insn->length);
    return draw_output_place(d, insn);
}
