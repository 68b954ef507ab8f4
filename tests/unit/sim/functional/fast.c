/* fast.c - the table of routines by opcode. */
#include "sim/functional/fast/fast.h"

#include <criterion/criterion.h>
#include <signal.h>

TestSuite(fast);

Test(fast, computes_an_instruction_by_its_opcode) {
    struct qm_machine machine;
    struct qm_functional_memory memory;
    uint8_t arena[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct qm_insn insn = {.opcode = QM_LOAD, .spad_addr = 16, .dram_addr = 2, .row_bytes = 3, .row_count = 1, .plane_count = 1};
    qm_machine_init(&machine);
    qm_functional_init(&memory, &machine);
    memory.arena = arena;
    fast_compute(&insn, &memory);
    cr_assert_arr_eq(memory.scratchpad + 15, ((uint8_t[]){0, 3, 4, 5, 0}), 5);
    qm_functional_fini(&memory);
}

Test(fast, an_unknown_opcode_is_our_own_fault, .signal = SIGABRT) {
    fast_compute(&(struct qm_insn){.opcode = QM_OPCODE_END}, NULL);
}
