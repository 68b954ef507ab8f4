/* copy.c - draws a COPY. */
#include "verify/draw/parts.h"

bool draw_COPY(struct draw *d, struct qm_insn *insn) {
    draw_window(d, insn, false);
    while (insn->out_h * insn->out_w * insn->kernel_h * insn->kernel_w * ceil_div(insn->run_bytes, d->machine->cols) > DRAW_BUDGET_CYCLES)
        halve(&insn->run_bytes), halve(&insn->out_h);
    return draw_output(d, insn, insn->kernel_h * insn->kernel_w * insn->run_bytes);
}
