/* copy_program.c - fills in every table of the program by hand. */
#include "tests/unit/driver/copy_program.h"

#include <criterion/criterion.h>
#include <string.h>

void copy_program_put(struct qm_program *program, uint32_t at, const struct qm_insn *insn) {
    struct qm_diag diag;
    cr_assert(qm_insn_pack(insn, program->insns[at], &diag) == QM_OK, "%s", diag.text);
}

struct qm_insn copy_program_transfer(enum qm_opcode opcode, uint32_t dram_addr) {
    return (struct qm_insn){.opcode = opcode, .dram_addr = dram_addr, .row_bytes = BYTES, .row_count = 1, .plane_count = 1};
}

static void tensor(struct qm_program *program, uint32_t index, const char *name, uint32_t offset) {
    struct qm_program_tensor *t = &program->tensors[index];
    *t = (struct qm_program_tensor){.dtype = QM_I8, .rank = 2, .dims = {4, 16}, .scale = 0.1f, .arena_offset = offset, .size_bytes = BYTES};
    strcpy(t->name, name);
}

struct qm_program *copy_program_create(void) {
    struct qm_program *program = qm_program_create();
    struct qm_arena *arena = program->arena;
    strcpy(program->model, "copy");
    program->machine.dram_latency = 10;
    program->insn_count = 2;
    program->insns = qm_arena_alloc(arena, 2 * sizeof *program->insns);
    program->insn_layer = QM_ARENA_NEW(arena, uint32_t, 2);
    program->arena_bytes = ARENA;
    program->tensor_count = 2;
    program->input_count = program->output_count = 1;
    program->tensors = QM_ARENA_NEW(arena, struct qm_program_tensor, 2);
    tensor(program, 0, "in", IN);
    tensor(program, 1, "out", OUT);
    program->layer_count = 1;
    program->layers = QM_ARENA_NEW(arena, struct qm_program_layer, 1);
    program->stage_count = 1;
    program->stages = QM_ARENA_NEW(arena, struct qm_program_stage, 2);
    program->stages[0] = (struct qm_program_stage){.insn_count = 2};
    struct qm_insn load = copy_program_transfer(QM_LOAD, IN), store = copy_program_transfer(QM_STORE, OUT);
    load.signal = 1 << QM_UNIT_STORE;
    store.wait = 1 << QM_UNIT_LOAD;
    copy_program_put(program, 0, &load);
    copy_program_put(program, 1, &store);
    return program;
}
