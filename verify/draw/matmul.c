/* matmul.c - draws a MATMUL. */
#include "verify/draw/parts.h"

#include "common/opcode/opcode.h"
#include "common/precision.h"

static int64_t matmul_cycles(const struct draw *d, const struct qm_insn *insn) {
    int64_t piece = d->machine->rows * qm_precision_of(insn).bytes;
    int64_t rows = least(insn->run_bytes, d->machine->rows);
    int64_t steps = insn->tiles * insn->kernel_h * insn->kernel_w * ceil_div(insn->run_bytes, piece);
    int64_t positions = insn->out_h * (insn->depthwise ? qm_samples_of_row(insn) + QM_CHAIN_TAPS : insn->out_w);
    return steps * (positions > rows ? positions : rows);
}

static void draw_chain(struct draw *d, struct qm_insn *insn) {
    insn->run_bytes = draw_between(d, 1, least(d->machine->rows, QM_CHAIN_TAPS));
    insn->sample_step = draw_wide(d, 1, 3, 255);
}

/* Taps that see padding beside the samples, when it is known how many there are; dense anything, which has no meaning. */
static void draw_chain_padding(struct draw *d, struct qm_insn *insn) {
    int64_t most = insn->depthwise ? insn->run_bytes - 1 : QM_CHAIN_TAPS - 1;
    insn->skip_left = draw_between(d, 0, most);
    insn->skip_right = draw_between(d, 0, insn->depthwise ? most - insn->skip_left : most);
}

bool draw_MATMUL(struct draw *d, struct qm_insn *insn) {
    insn->depthwise = draw_chance(d, 30);
    if (!insn->depthwise && d->machine->cell == QM_cell_fusible && draw_chance(d, 60))
        insn->precision = draw_between(d, QM_precision_W4A8, QM_precision_W1A4);
    draw_window(d, insn, insn->depthwise != 0);
    if (insn->depthwise) draw_chain(d, insn);
    draw_tiles(d, insn);
    while (matmul_cycles(d, insn) > DRAW_BUDGET_CYCLES || draw_operand_size(d, insn, "weight_addr") > d->machine->scratchpad_bytes / 2)
        halve(&insn->kernel_h), halve(&insn->kernel_w), halve(&insn->run_bytes), halve(&insn->out_w), halve(&insn->sample_step);
    if (!insn->depthwise && draw_chance(d, 40))
        insn->weight_zero = draw_chance(d, 80) ? draw_between(d, -QM_WEIGHT_ZERO_MAX, QM_WEIGHT_ZERO_MAX) : draw_between(d, -8, 8);
    insn->in_unsigned = draw_chance(d, 30);
    insn->accumulate = draw_chance(d, 30);
    draw_chain_padding(d, insn);
    insn->weight_addr = draw_place(d, draw_operand_size(d, insn, "weight_addr"));
    return true;
}
