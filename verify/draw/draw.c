/* draw.c - the table of drawers. */
#include "verify/draw/draw.h"

#include <string.h>

void draw_insn(struct draw *d, struct qm_insn *insn, int64_t first, int64_t last) {
    static bool (*const draws[QM_OPCODE_END])(struct draw *, struct qm_insn *) = {
#define QM_OPCODE(name, code, unit, text) [code] = draw_##name,
#include "spec/isa.def"
#undef QM_OPCODE
    };
    do {
        memset(insn, 0, sizeof *insn);
        insn->opcode = draw_between(d, first, last);
    } while (!draws[insn->opcode](d, insn));
}
