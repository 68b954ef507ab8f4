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

/* A second operand, and now and then its fields where there is none, which have no meaning then. False: there is no room for it. */
static bool draw_residual(struct draw *d, struct qm_insn *insn) {
    bool has_fields = draw_chance(d, 50);
    if (!has_fields) return true;
    insn->residual = draw_chance(d, 80);
    draw_sum(d, insn);
    insn->a_min = draw_chance(d, 80) ? draw_between(d, -255, 0) : draw_between(d, -32768, 32767);
    insn->a_max = draw_chance(d, 80) ? draw_between(d, 0, 255) : draw_between(d, -32768, 32767);
    insn->b_pixel = draw_chance(d, 10) ? 0 : draw_between(d, insn->channels, insn->channels + 5);
    insn->b_pitch = draw_chance(d, 10) ? 0 : draw_between(d, insn->out_w * insn->b_pixel, insn->out_w * insn->b_pixel + 9);
    if (insn->residual == 0) return true;
    int64_t size = draw_operand_size(d, insn, "b_addr");
    if (size > d->machine->scratchpad_bytes / 4) return false;
    insn->b_addr = draw_place(d, size);
    return true;
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
    if (!draw_residual(d, insn)) return false;
    if (insn->out_type == QM_out_type_BITS16 && draw_chance(d, 70))
        insn->clamp_min = draw_between(d, -32768, 0), insn->clamp_max = draw_between(d, 0, 32767);
    return draw_output(d, insn, qm_output_bytes(insn, insn->channels));
}
