/* device.c - the cycle model as its driver sees it: registers, START, and time that passes in pieces. */
#include "sim/device.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/counters.h"
#include "common/csr.h"

TestSuite(cycle_device);

static const struct qm_device_ops *const ops = &qm_device_cycle;

static struct qm_device *create(struct qm_machine *machine) {
    struct qm_device_options options = {.memory_bytes = 65536, .memory_base = 4096};
    struct qm_device *device = NULL;
    struct qm_diag diag = {0};
    qm_machine_init(machine);
    cr_assert(ops->create(machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    return device;
}

/* One LOAD of 1024 bytes. */
static void start_load(struct qm_device *device) {
    struct qm_insn insn = {.opcode = QM_LOAD, .dram_addr = 1024, .row_bytes = 1024, .row_count = 1, .plane_count = 1};
    uint32_t words[QM_INSN_WORDS];
    struct qm_diag diag;
    cr_assert(qm_insn_pack(&insn, words, &diag) == QM_OK);
    ops->write_memory(device, 4096, words, sizeof words);
    ops->write_csr(device, QM_CSR_PROGRAM_COUNT, 1);
    ops->write_csr(device, QM_CSR_MEMORY_BASE, 4096);
    ops->write_csr(device, QM_CSR_MEMORY_SIZE, 65536);
    ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}

Test(cycle_device, registers_read_as_specified_after_create) {
    struct qm_machine machine;
    struct qm_device *device = create(&machine);
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_ID), 0x514d4143));
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_FINGERPRINT), qm_machine_fingerprint(&machine)));
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_STATUS), 0));
    for (uint32_t offset = QM_CSR_IRQ_ENABLE; offset < QM_CSR_COUNTERS + 8 * QM_COUNTERS + 64; offset += 4)
        cr_assert(eq(u32, ops->read_csr(device, offset), 0));
    ops->write_csr(device, QM_CSR_MEMORY_BASE_HI, 0x12345678);
    ops->write_csr(device, QM_CSR_ID, 5);
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_MEMORY_BASE_HI), 0x12345678));
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_ID), 0x514d4143));
    ops->destroy(device);
}

Test(cycle_device, wait_passes_at_most_its_limit) {
    struct qm_machine machine;
    struct qm_device *device = create(&machine);
    cr_assert(ops->wait(device, 10), "a device that was not started is not busy");
    start_load(device);
    cr_assert(not(ops->wait(device, 150)));
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_STATUS), QM_STATUS_BUSY));
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_COUNTERS), 150));
    ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START); /* ignored */
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_COUNTERS), 150));
    cr_assert(ops->wait(device, 1000));
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_STATUS), QM_STATUS_DONE));
    /* fetch accepted in 0, its last beat in 103, in the FIFO in 104, queued in 105, burst in 106, last beat in 106 + 100 + 63,
     * quiet after */
    cr_assert(eq(u32, ops->read_csr(device, QM_CSR_COUNTERS), 106 + 100 + 63 + 2));
    ops->destroy(device);
}

Test(cycle_device, a_second_run_repeats_the_first_and_keeps_the_memories) {
    struct qm_machine machine;
    struct qm_device *device = create(&machine);
    uint8_t *before = calloc(machine.scratchpad_bytes, 1), *after = calloc(machine.scratchpad_bytes, 1);
    for (uint32_t i = 0; i < machine.scratchpad_bytes; i++) before[i] = (uint8_t)(i * 13);
    ops->write_internal(device, before, NULL);
    uint32_t cycles = 0;
    for (int run = 0; run < 2; run++) {
        start_load(device);
        cr_assert(ops->wait(device, 1000));
        if (run > 0) cr_assert(eq(u32, ops->read_csr(device, QM_CSR_COUNTERS), cycles));
        cycles = ops->read_csr(device, QM_CSR_COUNTERS);
    }
    ops->read_internal(device, after, NULL);
    memset(before, 0, 1024);
    cr_assert(memcmp(before, after, machine.scratchpad_bytes) == 0);
    free(before);
    free(after);
    ops->destroy(device);
}
