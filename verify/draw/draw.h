/* draw.h - draws an instruction that decode accepts.
 *
 * It never writes what it reads itself: that is undefined (docs/machine.md).
 */
#ifndef QM_VERIFY_DRAW_DRAW_H
#define QM_VERIFY_DRAW_DRAW_H

#include "verify/draw/parts.h"

/* Draws an instruction of one of the opcodes first .. last; fields that it does not have are 0, and it has no tokens. */
void draw_insn(struct draw *d, struct qm_insn *insn, int64_t first, int64_t last);

#endif
