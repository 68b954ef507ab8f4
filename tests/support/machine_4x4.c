/* machine_4x4.c - see machine_4x4.h. */
#include "tests/support/machine_4x4.h"

struct qm_machine machine_4x4(void) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = machine.cols = 4;
    machine.scratchpad_bytes = 4096;
    machine.accumulator_rows = 64;
    machine.axi_bytes = machine.dram_bytes_per_cycle = 8;
    machine.queue_depth = 4;
    return machine;
}
