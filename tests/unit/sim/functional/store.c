/* store.c - STORE against naive loops. */
#include <criterion/criterion.h>

#include "tests/unit/sim/functional/rig.h"

TestSuite(store);

static void draw(struct rig *rig, struct qm_insn *insn) {
    insn->opcode = QM_STORE;
    insn->row_bytes = rig_draw(rig, 1, 700);
    insn->row_count = rig_draw(rig, 1, 6);
    insn->plane_count = rig_draw(rig, 1, 4);
    insn->dram_row_stride = rig_draw(rig, 0, 1500);
    insn->spad_row_stride = rig_draw(rig, 0, 1500);
    insn->dram_plane_stride = rig_draw(rig, 0, 9000);
    insn->spad_plane_stride = rig_draw(rig, 0, 9000);
    insn->dram_addr = rig_draw(rig, 0, 20000);
    insn->spad_addr = rig_draw(rig, 0, 20000);
}

Test(store, copies_planes_of_rows_from_the_scratchpad_to_the_arena) {
    rig_compare(draw, 30);
}
