/* device.c - the functional engine as a device: what is written from outside between two runs. */
#include "sim/device.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/csr.h"
#include "common/isa.h"

TestSuite(functional_device);

enum { WEIGHTS = 1024, TAPS = 100, CHANNELS = 16 };
static const struct qm_device_ops *const ops = &qm_device_functional;

/* One MATMUL of one position, run to its end. */
static void run_matmul(struct qm_device *device) {
    struct qm_insn insn = {.opcode = QM_MATMUL, .kernel_h = 1, .kernel_w = 1, .in_rows = 1, .in_row_bytes = TAPS, .out_w = 1, .out_h = 1};
    uint32_t words[QM_INSN_WORDS];
    struct qm_diag diag;
    insn.run_bytes = TAPS;
    insn.weight_addr = WEIGHTS;
    insn.channels = CHANNELS;
    insn.tiles = 1;
    cr_assert(qm_insn_pack(&insn, words, &diag) == QM_OK, "%s", diag.text);
    ops->write_memory(device, 4096, words, sizeof words);
    ops->write_csr(device, QM_CSR_PROGRAM_COUNT, 1);
    ops->write_csr(device, QM_CSR_MEMORY_BASE, 4096);
    ops->write_csr(device, QM_CSR_MEMORY_SIZE, 65536);
    ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    cr_assert(ops->wait(device, 10000));
    cr_assert_eq(ops->read_csr(device, QM_CSR_STATUS), QM_STATUS_DONE);
}

Test(functional_device, weights_written_from_outside_count_in_the_next_run) {
    struct qm_machine machine;
    struct qm_device_options options = {.memory_bytes = 1 << 20};
    struct qm_device *device;
    struct qm_diag diag;
    qm_machine_init(&machine);
    cr_assert(ops->create(&machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    uint8_t *scratchpad = calloc(machine.scratchpad_bytes, 1);
    int32_t *accumulator = calloc((size_t)machine.accumulator_rows * machine.cols, sizeof *accumulator);
    memset(scratchpad, 1, TAPS);
    for (uint8_t weight = 1; weight <= 3; weight++) {
        memset(scratchpad + WEIGHTS, weight, TAPS * CHANNELS);
        ops->write_internal(device, scratchpad, NULL);
        run_matmul(device);
        ops->read_internal(device, NULL, accumulator);
        for (int c = 0; c < CHANNELS; c++) cr_assert_eq(accumulator[c], TAPS * weight);
    }
    free(scratchpad);
    free(accumulator);
    ops->destroy(device);
}
