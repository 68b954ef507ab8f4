/* pool.c - draws a POOL. */
#include "verify/draw/parts.h"

#include "common/precision.h"

bool draw_POOL(struct draw *d, struct qm_insn *insn) {
    draw_window(d, insn, true);
    insn->channels = draw_between(d, 1, least(3 * d->machine->cols + 1, 70));
    while (ceil_div(insn->channels, d->machine->cols) * insn->out_h * insn->out_w * insn->kernel_h * insn->kernel_w > DRAW_BUDGET_CYCLES)
        halve(&insn->channels), halve(&insn->kernel_h);
    insn->pool_kind = draw_between(d, 0, 1);
    insn->in_unsigned = draw_chance(d, 30);
    insn->pool_bias = draw_chance(d, 50) ? 0 : draw_between(d, INT32_MIN, INT32_MAX);
    insn->out_multiplier = draw_multiplier(d);
    insn->out_shift = draw_shift(d);
    draw_nibbles(d, insn, insn->channels);
    draw_output_stage(d, insn);
    return draw_output(d, insn, qm_output_bytes(insn, insn->channels));
}
