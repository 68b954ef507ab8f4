/* device.c - the functional engine: instructions in program order, values only; no event is reported, and of the counters only those that
 * depend on values count. Registers and checks are those of the cycle model. It has no cycles, but what it is given to wait buys work: an
 * instruction is computed when the cycles that it would need alone (qm_work_cycles) have been waited for, so that no instruction, however
 * long, holds the caller beyond the limit.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/work.h"
#include "sim/control/csr.h"
#include "sim/control/decode.h"
#include "sim/device.h"
#include "sim/functional/fast/fast.h"
#include "sim/functional/fast/kept.h"

struct functional_device {
    struct qm_device base;
    struct qm_machine machine;
    struct qm_device_options options;
    struct csr csr;
    struct qm_counters counters; /* those of values */
    struct decode decode;
    uint64_t accepted; /* instructions of this run */
    uint64_t credit;   /* cycles that have been waited for and not been used */
    uint8_t *memory;   /* [memory_bytes] */
    struct qm_functional_memory values;
};

static struct functional_device *downcast(struct qm_device *device) {
    return (struct functional_device *)device;
}

static enum qm_status create(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                             struct qm_diag *diag) {
    QM_TRY(qm_machine_check(machine, diag));
    struct functional_device *made = qm_alloc_zeroed(1, sizeof *made);
    made->base.ops = &qm_device_functional;
    made->machine = *machine;
    made->options = *options;
    made->csr.fingerprint = qm_machine_fingerprint(machine);
    decode_init(&made->decode, &made->machine);
    made->memory = qm_alloc_zeroed(options->memory_bytes, 1);
    qm_functional_init(&made->values, &made->machine);
    made->values.kept = kept_create();
    *device = &made->base;
    return QM_OK;
}

static void destroy(struct qm_device *base) {
    struct functional_device *device = downcast(base);
    free(device->memory);
    kept_destroy(device->values.kept);
    qm_functional_fini(&device->values);
    free(device);
}

static uint8_t *memory_at(struct functional_device *device, uint64_t address, size_t size) {
    uint64_t offset = address - device->options.memory_base;
    QM_CHECK(offset <= device->options.memory_bytes && size <= device->options.memory_bytes - offset);
    return device->memory + offset;
}

static void write_memory(struct qm_device *base, uint64_t address, const void *data, size_t size) {
    if (size > 0) memcpy(memory_at(downcast(base), address, size), data, size);
}

static void read_memory(struct qm_device *base, uint64_t address, void *data, size_t size) {
    if (size > 0) memcpy(data, memory_at(downcast(base), address, size), size);
}

/* Finds the program's arena, or why it may not be run there. */
static enum qm_error find_arena(struct functional_device *device) {
    const struct qm_device_options *options = &device->options;
    enum qm_error error = csr_check_place(&device->csr, options->memory_base, options->memory_bytes);
    if (error == QM_ERROR_NONE) device->values.arena = device->memory + (csr_memory_base(&device->csr) - options->memory_base);
    return error;
}

/* Runs the next instruction if its cycles have been waited for. */
static bool run_next(struct functional_device *device, enum qm_error *error) {
    uint32_t words[QM_INSN_WORDS];
    qm_insn_read(device->values.arena + device->csr.program_addr + device->accepted * QM_INSN_BYTES, words);
    *error = decode_check(&device->decode, words, device->csr.memory_size);
    if (*error != QM_ERROR_NONE) return true;
    uint64_t cycles = qm_work_cycles(&device->decode.insn, &device->machine);
    if (cycles > device->credit) return false;
    device->credit -= cycles;
    device->accepted++;
    fast_compute(&device->decode.insn, &device->values);
    return true;
}

static void write_csr(struct qm_device *base, uint32_t offset, uint32_t value) {
    struct functional_device *device = downcast(base);
    if (csr_write(&device->csr, offset, value)) device->accepted = device->credit = device->values.acc_overflows = 0;
}

static uint32_t read_csr(struct qm_device *base, uint32_t offset) {
    struct functional_device *device = downcast(base);
    return csr_read(&device->csr, &device->counters, offset);
}

static bool wait(struct qm_device *base, uint64_t limit_cycles) {
    struct functional_device *device = downcast(base);
    bool is_over = false;
    if (!device->csr.busy) return true;
    device->credit = limit_cycles < UINT64_MAX - device->credit ? device->credit + limit_cycles : UINT64_MAX;
    enum qm_error error = find_arena(device);
    for (bool goes_on = true; goes_on && !is_over;) {
        is_over = error != QM_ERROR_NONE || device->accepted == device->csr.program_count;
        if (!is_over) goes_on = run_next(device, &error);
    }
    csr_clock(&device->csr, error, device->accepted, is_over);
    device->counters.value[QM_C_acc_overflows] = device->values.acc_overflows;
    return is_over;
}

static void reset(struct qm_device *base) {
    struct functional_device *device = downcast(base);
    device->csr = (struct csr){.fingerprint = device->csr.fingerprint};
}

static void observe(struct qm_device *device, qm_observer *observer, void *context) {
    (void)device, (void)observer, (void)context; /* nothing happens in time */
}

static void read_internal(struct qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
    qm_functional_read(&downcast(device)->values, scratchpad, accumulator);
}

static void write_internal(struct qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
    struct qm_functional_memory *values = &downcast(device)->values;
    qm_functional_write(values, scratchpad, accumulator);
    kept_forget(values->kept, 0, values->machine->scratchpad_bytes);
}

const struct qm_device_ops qm_device_functional = {
    .name = "functional",
    .has = QM_HAS_VALUES,
    .create = create,
    .destroy = destroy,
    .write_memory = write_memory,
    .read_memory = read_memory,
    .write_csr = write_csr,
    .read_csr = read_csr,
    .wait = wait,
    .reset = reset,
    .observe = observe,
    .read_internal = read_internal,
    .write_internal = write_internal,
};
