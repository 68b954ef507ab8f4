/* store.c - STORE without time: rows from the scratchpad to the arena. */
#include <string.h>

#include "sim/functional/functional.h"

void qm_functional_STORE(const struct qm_insn *insn, struct qm_functional_memory *memory) {
    for (int64_t plane = 0; plane < insn->plane_count; plane++)
        for (int64_t row = 0; row < insn->row_count; row++) {
            uint8_t *to = memory->arena + insn->dram_addr + plane * insn->dram_plane_stride + row * insn->dram_row_stride;
            memcpy(to, memory->scratchpad + insn->spad_addr + plane * insn->spad_plane_stride + row * insn->spad_row_stride,
                   (size_t)insn->row_bytes);
        }
}
