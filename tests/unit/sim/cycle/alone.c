/* alone.c - how long an instruction takes alone: what its description says against the cycle model. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/opcode/opcode.h"
#include "tests/unit/sim/cycle/rig.h"

TestSuite(cycle_alone);

/* A memory that accepts a burst in any cycle and moves a beat in each. */
static void random_machine(struct rig *rig, uint64_t *state) {
    rig->machine.rows = 1 + rig_random(state, 20);
    rig->machine.cols = 1 + rig_random(state, 20);
    rig->machine.accumulator_rows = 4096;
    rig->machine.axi_bytes = rig->machine.dram_bytes_per_cycle = 4u << rig_random(state, 5);
    rig->machine.dram_latency = 1 + rig_random(state, 150);
    rig->machine.dram_queue = 1024;
}

static struct qm_insn random_matmul(const struct rig *rig, uint64_t *state) {
    struct qm_insn insn = rig_matmul(&rig->machine, 1 + rig_random(state, 50), 1 + rig_random(state, 90), 1 + rig_random(state, 60));
    insn.kernel_h = 1 + rig_random(state, 4);
    insn.kernel_w = 1 + rig_random(state, 3);
    insn.depthwise = rig_random(state, 3) == 0;
    insn.precision = insn.depthwise ? QM_precision_W8A8 : rig_random(state, QM_precision_W1A4 + 1);
    int64_t tile = qm_machine_tile(&rig->machine, insn.depthwise != 0);
    if (insn.depthwise) insn.run_bytes = 1;
    insn.tiles = (insn.channels + tile - 1) / tile;
    return insn;
}

static struct qm_insn random_transfer(enum qm_opcode opcode, uint64_t *state) {
    struct qm_insn insn = rig_transfer(opcode, 1 + rig_random(state, 3000), 1 + rig_random(state, 6));
    insn.plane_count = 1 + rig_random(state, 3);
    insn.dram_addr = 4096 + rig_random(state, 5000);
    insn.dram_row_stride = rig_random(state, 5000);
    insn.dram_plane_stride = rig_random(state, 5000);
    return insn;
}

static struct qm_insn random_insn(const struct rig *rig, enum qm_opcode opcode, uint64_t *state) {
    uint32_t a = 1 + rig_random(state, 9), b = 1 + rig_random(state, 9), c = 1 + rig_random(state, 3), d = 1 + rig_random(state, 60);
    struct qm_insn requantize = rig_requantize(&rig->machine, a * b, d);
    requantize.out_type = rig->machine.cols % 2 == 0 ? rig_random(state, QM_out_type_BITS32 + 1) : QM_out_type_BITS16;
    requantize.lookup = requantize.out_type == QM_out_type_BITS8;
    switch (opcode) {
    case QM_MATMUL: return random_matmul(rig, state);
    case QM_REQUANTIZE: return requantize;
    case QM_POOL: return rig_pool(a, b, c, d);
    case QM_ADD: return rig_add(a * b * d);
    case QM_COPY: return rig_copy(a, b, c, d);
    default: return random_transfer(opcode, state);
    }
}

Test(cycle_alone, every_opcode_takes_as_long_as_its_description_says) {
    uint64_t state = 1;
    for (int i = 0; i < 100; i++)
        for (enum qm_opcode opcode = 1; opcode < QM_OPCODE_END; opcode++) {
            struct rig *rig = rig_create(1, 1);
            random_machine(rig, &state);
            struct qm_insn insn = random_insn(rig, opcode, &state);
            enum qm_unit unit = qm_opcode_unit(opcode);
            rig_run(rig, &insn, 1);
            cr_assert(eq(u32, rig->cause, QM_ERROR_NONE));
            uint64_t cycles = rig_cycle(rig, QM_EVENT_END, unit, 0) - rig_cycle(rig, QM_EVENT_START, unit, 0);
            uint64_t alone = qm_opcode_info(opcode)->alone_cycles(&insn, &rig->machine);
            cr_assert(cycles == alone, "run %d, %s: %lu cycles, said %lu", i, qm_opcode_name(opcode), cycles, alone);
            rig_destroy(rig);
        }
}
