/* device.c - the functional engine: instructions in program order, values only; all counters stay 0, no event is reported. Registers and
 * checks are those of the cycle model. It has no cycles, but what it is given to wait buys work: an instruction is computed when the
 * cycles that it would need alone (qm_work_cycles) have been waited for, so that no instruction, however long, holds the caller beyond
 * the limit.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/work.h"
#include "sim/control/csr.h"
#include "sim/control/decode.h"
#include "sim/device.h"
#include "sim/functional/commit.h"
#include "sim/functional/fast/fast.h"

struct functional_device {
    struct qm_device base;
    struct qm_machine machine;
    struct qm_device_options options;
    struct csr csr;
    struct qm_counters counters; /* all 0 */
    struct decode decode;
    uint64_t accepted; /* instructions of this run */
    uint64_t credit;   /* cycles that have been waited for and not been used */
    uint8_t *memory;   /* [memory_bytes] */
    uint8_t *scratchpad;
    int32_t *accumulator;
};

static struct functional_device *downcast(struct qm_device *device) {
    return (struct functional_device *)device;
}

static size_t accumulator_words(const struct qm_machine *machine) {
    return (size_t)machine->accumulator_rows * machine->cols;
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
    made->scratchpad = qm_alloc_zeroed(machine->scratchpad_bytes, 1);
    made->accumulator = qm_alloc_zeroed(accumulator_words(machine), sizeof(int32_t));
    *device = &made->base;
    return QM_OK;
}

static void destroy(struct qm_device *base) {
    struct functional_device *device = downcast(base);
    free(device->memory);
    free(device->scratchpad);
    free(device->accumulator);
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

static void execute(const struct qm_insn *insn, struct qm_functional_memory *memory, uint8_t *arena) {
    switch (insn->opcode) {
    case QM_LOAD: qm_functional_load(insn, memory, arena); break;
    case QM_STORE: qm_functional_store(insn, memory, arena); break;
    case QM_MATMUL: fast_matmul(insn, memory); break;
    case QM_REQUANTIZE: fast_requantize(insn, memory); break;
    case QM_POOL: fast_pool(insn, memory); break;
    case QM_ADD: fast_add(insn, memory); break;
    case QM_COPY: qm_functional_copy(insn, memory); break;
    default: QM_CHECK(!"an opcode that decode accepts");
    }
}

static void read_words(const uint8_t *bytes, uint32_t *words) {
    for (int i = 0; i < QM_INSN_WORDS; i++)
        words[i] =
            (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16 | (uint32_t)bytes[4 * i + 3] << 24;
}

/* Where the program's arena is; NULL and *error when it may not be run there. */
static uint8_t *find_arena(struct functional_device *device, enum qm_error *error) {
    const struct csr *csr = &device->csr;
    uint64_t offset = csr_memory_base(csr) - device->options.memory_base;
    *error = csr_check_program(csr);
    if (*error != QM_ERROR_NONE) return NULL;
    if (offset > device->options.memory_bytes || csr->memory_size > device->options.memory_bytes - offset) *error = QM_ERROR_BUS;
    return *error == QM_ERROR_NONE ? device->memory + offset : NULL;
}

/* Runs the next instruction if its cycles have been waited for. */
static bool run_next(struct functional_device *device, uint8_t *arena, enum qm_error *error) {
    struct qm_functional_memory memory = {&device->machine, device->scratchpad, device->accumulator, 0};
    uint32_t words[QM_INSN_WORDS];
    read_words(arena + device->csr.program_addr + device->accepted * QM_INSN_BYTES, words);
    *error = decode_check(&device->decode, words, device->csr.memory_size);
    if (*error != QM_ERROR_NONE) return true;
    uint64_t cycles = qm_work_cycles(&device->decode.insn, &device->machine);
    if (cycles > device->credit) return false;
    device->credit -= cycles;
    device->accepted++;
    execute(&device->decode.insn, &memory, arena);
    return true;
}

static void write_csr(struct qm_device *base, uint32_t offset, uint32_t value) {
    struct functional_device *device = downcast(base);
    if (csr_write(&device->csr, offset, value)) device->accepted = device->credit = 0;
}

static uint32_t read_csr(struct qm_device *base, uint32_t offset) {
    struct functional_device *device = downcast(base);
    return csr_read(&device->csr, &device->counters, offset);
}

static bool wait(struct qm_device *base, uint64_t limit_cycles) {
    struct functional_device *device = downcast(base);
    enum qm_error error;
    bool is_over = false;
    if (!device->csr.busy) return true;
    device->credit = limit_cycles < UINT64_MAX - device->credit ? device->credit + limit_cycles : UINT64_MAX;
    uint8_t *arena = find_arena(device, &error);
    for (bool goes_on = true; goes_on && !is_over;) {
        is_over = error != QM_ERROR_NONE || device->accepted == device->csr.program_count;
        if (!is_over) goes_on = run_next(device, arena, &error);
    }
    csr_clock(&device->csr, error, device->accepted, is_over);
    return is_over;
}

static void reset(struct qm_device *base) {
    struct functional_device *device = downcast(base);
    device->csr = (struct csr){.fingerprint = device->csr.fingerprint};
}

static void observe(struct qm_device *device, qm_observer *observer, void *context) {
    (void)device, (void)observer, (void)context; /* nothing happens in time */
}

static void read_internal(struct qm_device *base, uint8_t *scratchpad, int32_t *accumulator) {
    struct functional_device *device = downcast(base);
    if (scratchpad != NULL) memcpy(scratchpad, device->scratchpad, device->machine.scratchpad_bytes);
    if (accumulator != NULL) memcpy(accumulator, device->accumulator, accumulator_words(&device->machine) * sizeof(int32_t));
}

static void write_internal(struct qm_device *base, const uint8_t *scratchpad, const int32_t *accumulator) {
    struct functional_device *device = downcast(base);
    if (scratchpad != NULL) memcpy(device->scratchpad, scratchpad, device->machine.scratchpad_bytes);
    for (size_t i = 0; accumulator != NULL && i < accumulator_words(&device->machine); i++)
        device->accumulator[i] = commit_wrap(accumulator[i], &device->machine);
}

const struct qm_device_ops qm_device_functional = {
    .name = "functional",
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
