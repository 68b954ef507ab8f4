/* alone.c - how long an instruction takes alone: what its description says against the cycle model. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/opcode/opcode.h"
#include "tests/unit/sim/cycle/rig.h"
#include "verify/draw/draw.h"

TestSuite(cycle_alone);

/* A memory that accepts a burst in any cycle and moves a beat in each. */
static void random_machine(struct rig *rig, struct draw *d) {
    rig->machine.rows = (uint32_t)draw_between(d, 1, 20);
    rig->machine.cols = (uint32_t)draw_between(d, 1, 20);
    rig->machine.axi_bytes = rig->machine.dram_bytes_per_cycle = 4u << draw_between(d, 0, 4);
    rig->machine.dram_latency = (uint32_t)draw_between(d, 1, 150);
    rig->machine.dram_queue = 1024;
}

Test(cycle_alone, every_opcode_takes_as_long_as_its_description_says) {
    struct draw d = {.code_bytes = QM_INSN_BYTES, .arena_bytes = RIG_MEMORY_BYTES};
    qm_prng_init(&d.prng, 1);
    for (int i = 0; i < 100; i++)
        for (int64_t opcode = 1; opcode < QM_OPCODE_END; opcode++) {
            struct rig *rig = rig_create(1, 1);
            struct qm_insn insn;
            d.machine = &rig->machine;
            random_machine(rig, &d);
            draw_insn(&d, &insn, opcode, opcode);
            rig_run(rig, &insn, 1);
            cr_assert(eq(u32, rig->cause, QM_ERROR_NONE));
            enum qm_unit unit = qm_opcode_unit(opcode);
            uint64_t cycles = rig_cycle(rig, QM_EVENT_END, unit, 0) - rig_cycle(rig, QM_EVENT_START, unit, 0);
            uint64_t alone = qm_opcode_alone_cycles(&insn, &rig->machine);
            cr_assert(cycles == alone, "run %d, %s: %lu cycles, said %lu", i, qm_opcode_name(opcode), cycles, alone);
            rig_destroy(rig);
        }
}
