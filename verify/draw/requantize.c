/* requantize.c - draws a REQUANTIZE. */
#include "verify/draw/parts.h"

#include "common/precision.h"

/* BITS4 only where no tile ends within a byte, the table only for bytes. */
static void draw_elements(struct draw *d, struct qm_insn *insn) {
    insn->out_type = draw_chance(d, 50) ? QM_out_type_BITS8 : draw_between(d, QM_out_type_BITS4, QM_out_type_BITS32);
    if (insn->out_type == QM_out_type_BITS4 && insn->tiles > 1 && tile_width(d, insn) % 2 != 0) insn->out_type = QM_out_type_BITS8;
    insn->lookup = insn->out_type == QM_out_type_BITS8 && d->machine->scratchpad_bytes >= 4 * QM_TABLE_BYTES && draw_chance(d, 40);
    if (insn->lookup != 0 || draw_chance(d, 10)) insn->table_addr = draw_place(d, QM_TABLE_BYTES);
}

bool draw_REQUANTIZE(struct draw *d, struct qm_insn *insn) {
    insn->depthwise = draw_chance(d, 20);
    insn->out_w = draw_between(d, 1, 9);
    insn->out_h = draw_between(d, 1, 6);
    draw_tiles(d, insn);
    draw_elements(d, insn);
    int64_t params_size = draw_operand_size(d, insn, "param_addr");
    if (params_size > d->machine->scratchpad_bytes / 2) return false;
    insn->param_addr = draw_place(d, params_size);
    draw_output_stage(d, insn);
    if (insn->out_type == QM_out_type_BITS16 && draw_chance(d, 70))
        insn->clamp_min = draw_between(d, -32768, 0), insn->clamp_max = draw_between(d, 0, 32767);
    return draw_output(d, insn, qm_output_bytes(insn, insn->channels));
}
