/* fast.c - the routines by opcode: one without a routine does not build. */
#include "sim/functional/fast/fast.h"

#include "sim/functional/fast/kept.h"

void fast_compute(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    static qm_functional_routine *const routines[QM_OPCODE_LIMIT] = {
#define QM_OPCODE(name, code, unit, text) [code] = fast_##name,
#include "spec/isa.def"
#undef QM_OPCODE
    };
    QM_CHECK(insn->opcode >= 0 && insn->opcode < QM_OPCODE_LIMIT && routines[insn->opcode] != NULL);
    routines[insn->opcode](insn, memory);
    kept_forget_written(memory->kept, insn, memory->machine);
}
