/* transfer.c - draws a LOAD or a STORE. */
#include "verify/draw/parts.h"

/* Draws all but the address in the arena. False: the rows do not fit. */
static bool draw_rows(struct draw *d, struct qm_insn *insn) {
    insn->row_bytes = draw_chance(d, 85) ? draw_between(d, 1, 70) : draw_between(d, 1, 2500);
    insn->row_count = draw_between(d, 1, 6);
    insn->plane_count = draw_between(d, 1, 3);
    while (insn->row_bytes * insn->row_count * insn->plane_count > d->machine->scratchpad_bytes / 2)
        halve(&insn->row_bytes), halve(&insn->row_count);
    insn->dram_row_stride = draw_chance(d, 10) ? 0 : draw_between(d, insn->row_bytes, insn->row_bytes + 300);
    insn->dram_plane_stride = draw_chance(d, 10) ? 0 : draw_between(d, 0, 4000);
    insn->spad_row_stride = draw_chance(d, 10) ? 0 : draw_between(d, insn->row_bytes, insn->row_bytes + 10);
    insn->spad_plane_stride = draw_chance(d, 10) ? 0 : draw_between(d, 0, insn->row_count * insn->spad_row_stride);
    if (draw_operand_size(d, insn, "spad_addr") > d->machine->scratchpad_bytes) return false;
    if (draw_operand_size(d, insn, "dram_addr") > d->arena_bytes - d->code_bytes) return false;
    insn->spad_addr = draw_place(d, draw_operand_size(d, insn, "spad_addr"));
    return true;
}

/* An arena address behind the program. */
static int64_t place_data(struct draw *d, const struct qm_insn *insn) {
    return d->code_bytes + draw_place_below(d, draw_operand_size(d, insn, "dram_addr"), d->arena_bytes - d->code_bytes);
}

bool draw_LOAD(struct draw *d, struct qm_insn *insn) {
    if (!draw_rows(d, insn)) return false;
    insn->dram_addr = draw_chance(d, 5) ? 0 : place_data(d, insn);
    return true;
}

bool draw_STORE(struct draw *d, struct qm_insn *insn) {
    if (!draw_rows(d, insn)) return false;
    insn->dram_addr = place_data(d, insn);
    return true;
}
