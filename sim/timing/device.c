/* device.c - two engines that do not step: `timing` knows the time of a program and no values; `fast` takes the values from the functional
 * engine as well. Registers, memory and checks are those of the functional engine.
 *
 * A run that ends in ERROR has its cause and its index, and no times and counters.
 */
#include <stdlib.h>

#include "common/memory.h"
#include "sim/control/csr.h"
#include "sim/device.h"
#include "sim/timing/timing.h"

struct timing_device {
    struct qm_device base;
    struct qm_device *values; /* the functional engine */
    struct qm_machine machine;
    struct csr csr;
    uint64_t memory_base, memory_bytes;
    bool has_values;
    qm_observer *observer;
    void *observer_context;

    /* of the run that has begun */
    bool is_known;
    uint64_t limit_cycles; /* up to here */
    uint64_t passed;       /* cycles that were waited for */
    uint32_t count;
    uint32_t (*words)[QM_INSN_WORDS]; /* [room] */
    struct qm_insn_time *times;       /* [room] */
    uint32_t room;
    struct qm_timing_result result;
    struct qm_counters counters; /* in its registers */
};

static struct timing_device *downcast(struct qm_device *device) {
    return (struct timing_device *)device;
}

static enum qm_status create(const struct qm_device_ops *ops, const struct qm_machine *machine, const struct qm_device_options *options,
                             struct qm_device **device, struct qm_diag *diag) {
    struct qm_device *values;
    if (options->stalls > 0) return qm_fail(diag, QM_BAD_INPUT, "the %s engine knows no stalls: take --engine cycle", ops->name);
    if (options->memory != NULL) return qm_fail(diag, QM_BAD_INPUT, "the %s engine has a memory of its own", ops->name);
    QM_TRY(qm_device_functional.create(machine, options, &values, diag));
    struct timing_device *made = qm_alloc_zeroed(1, sizeof *made);
    made->base.ops = ops;
    made->values = values;
    made->machine = *machine;
    made->csr.fingerprint = qm_machine_fingerprint(machine);
    made->memory_base = options->memory_base;
    made->memory_bytes = options->memory_bytes;
    made->has_values = (ops->has & QM_HAS_VALUES) != 0 && !options->no_values;
    *device = &made->base;
    return QM_OK;
}

static enum qm_status create_timing(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                                    struct qm_diag *diag) {
    return create(&qm_device_timing, machine, options, device, diag);
}

static enum qm_status create_fast(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                                  struct qm_diag *diag) {
    return create(&qm_device_fast, machine, options, device, diag);
}

static void destroy(struct qm_device *base) {
    if (base == NULL) return;
    struct timing_device *device = downcast(base);
    device->values->ops->destroy(device->values);
    free(device->times);
    free(device->words);
    free(device);
}

static void write_memory(struct qm_device *base, uint64_t address, const void *data, size_t size) {
    struct qm_device *values = downcast(base)->values;
    values->ops->write_memory(values, address, data, size);
}

static void read_memory(struct qm_device *base, uint64_t address, void *data, size_t size) {
    struct qm_device *values = downcast(base)->values;
    values->ops->read_memory(values, address, data, size);
}

static void write_csr(struct qm_device *base, uint32_t offset, uint32_t value) {
    struct timing_device *device = downcast(base);
    bool starts = csr_write(&device->csr, offset, value);
    if (starts) {
        device->is_known = false;
        device->passed = 0;
        device->counters = (struct qm_counters){0};
    }
    if (offset != QM_CSR_CONTROL) device->values->ops->write_csr(device->values, offset, value);
}

static uint32_t read_csr(struct qm_device *base, uint32_t offset) {
    struct timing_device *device = downcast(base);
    return csr_read(&device->csr, &device->counters, offset);
}

/* ---- a run ---- */

static void read_program(struct timing_device *device) {
    uint64_t address = csr_memory_base(&device->csr) + device->csr.program_addr;
    device->count = device->csr.program_count;
    if (device->count >= device->room) {
        device->room = device->count + 1;
        device->words = qm_alloc_more(device->words, device->room * sizeof *device->words);
        device->times = qm_alloc_more(device->times, device->room * sizeof *device->times);
    }
    for (uint32_t i = 0; i < device->count; i++, address += QM_INSN_BYTES) {
        uint8_t bytes[QM_INSN_BYTES];
        read_memory(&device->base, address, bytes, sizeof bytes);
        qm_insn_read(bytes, device->words[i]);
    }
}

/* The run up to the limit, before any of its cycles has passed. A program in the wrong place is an error of cycle 0. */
static void find_times(struct timing_device *device, uint64_t limit_cycles) {
    enum qm_error error = csr_check_place(&device->csr, device->memory_base, device->memory_bytes);
    device->limit_cycles = limit_cycles;
    device->result = (struct qm_timing_result){.error = error, .cycles = 2};
    if (error != QM_ERROR_NONE) return;
    if (!device->is_known) read_program(device);
    struct qm_timing_words program = {.words = (const uint32_t(*)[QM_INSN_WORDS])device->words,
                                      .count = device->count,
                                      .memory_bytes = device->csr.memory_size,
                                      .machine = &device->machine,
                                      .limit_cycles = limit_cycles};
    qm_timing_words(&program, device->times, &device->result);
}

/* The events of one kind of one unit: the next instruction of the unit, from `at` on in the program. */
struct stream {
    uint32_t at, index;
};

static void skip_others(const struct timing_device *device, struct stream *stream, enum qm_unit unit) {
    while (stream->at < device->count && qm_opcode_unit(qm_words_opcode(device->words[stream->at])) != unit) stream->at++;
}

static uint64_t event_cycle(const struct timing_device *device, const struct stream *stream, bool is_end) {
    if (stream->at == device->count) return UINT64_MAX;
    return is_end ? device->times[stream->at].end : device->times[stream->at].start;
}

/* In the order of time, then of kinds, then of units. */
static void report_events(const struct timing_device *device) {
    struct stream streams[2 * QM_UNITS] = {0};
    for (int i = 0; i < 2 * QM_UNITS; i++) skip_others(device, &streams[i], i % QM_UNITS);
    for (uint32_t left = 2 * device->count; left > 0; left--) {
        int first = 0;
        for (int i = 1; i < 2 * QM_UNITS; i++)
            if (event_cycle(device, &streams[i], i >= QM_UNITS) < event_cycle(device, &streams[first], first >= QM_UNITS)) first = i;
        struct qm_event event = {.cycle = event_cycle(device, &streams[first], first >= QM_UNITS),
                                 .kind = first < QM_UNITS ? QM_EVENT_START : QM_EVENT_END,
                                 .unit = first % QM_UNITS,
                                 .index = streams[first].index++};
        streams[first].at++;
        skip_others(device, &streams[first], first % QM_UNITS);
        device->observer(device->observer_context, &event);
    }
}

/* What the run leaves when its last cycle has passed. Values only when it is DONE: of an ERROR nobody knows which were computed. */
static void end_run(struct timing_device *device) {
    const struct qm_timing_result *result = &device->result;
    csr_clock(&device->csr, result->error, result->accepted, true);
    device->counters = result->counters;
    if (result->error != QM_ERROR_NONE) return;
    if (device->observer != NULL) report_events(device);
    if (!device->has_values) return;
    device->values->ops->write_csr(device->values, QM_CSR_CONTROL, QM_CONTROL_START);
    while (!device->values->ops->wait(device->values, QM_TIMING_CYCLES_MAX)) continue;
    device->counters.value[QM_C_acc_overflows] = qm_device_counter(device->values, QM_C_acc_overflows);
}

/* The run is worked out up to a limit far ahead of what was waited for; when that is not enough, again up to a larger one. */
static bool wait(struct qm_device *base, uint64_t limit_cycles) {
    enum { FIRST_LIMIT = 1 << 25, FACTOR = 2 };
    struct timing_device *device = downcast(base);
    if (!device->csr.busy) return true;
    device->passed += limit_cycles < QM_TIMING_CYCLES_MAX - device->passed ? limit_cycles : QM_TIMING_CYCLES_MAX - device->passed;
    if (!device->is_known) find_times(device, FIRST_LIMIT);
    device->is_known = true;
    while (device->result.is_long && device->limit_cycles < device->passed)
        find_times(device, device->limit_cycles < QM_TIMING_CYCLES_MAX / FACTOR ? device->limit_cycles * FACTOR : QM_TIMING_CYCLES_MAX);
    if (device->result.is_long || device->result.cycles > device->passed) return false;
    end_run(device);
    return true;
}

static void reset(struct qm_device *base) {
    struct timing_device *device = downcast(base);
    device->csr = (struct csr){.fingerprint = device->csr.fingerprint};
    device->counters = (struct qm_counters){0};
    device->values->ops->reset(device->values);
}

static void observe(struct qm_device *base, qm_observer *observer, void *context) {
    downcast(base)->observer = observer;
    downcast(base)->observer_context = context;
}

static void read_internal(struct qm_device *base, uint8_t *scratchpad, int32_t *accumulator) {
    struct qm_device *values = downcast(base)->values;
    values->ops->read_internal(values, scratchpad, accumulator);
}

static void write_internal(struct qm_device *base, const uint8_t *scratchpad, const int32_t *accumulator) {
    struct qm_device *values = downcast(base)->values;
    values->ops->write_internal(values, scratchpad, accumulator);
}

#define OPERATIONS                                                                                                                         \
    .destroy = destroy, .write_memory = write_memory, .read_memory = read_memory, .write_csr = write_csr, .read_csr = read_csr,            \
    .wait = wait, .reset = reset, .observe = observe, .read_internal = read_internal, .write_internal = write_internal

const struct qm_device_ops qm_device_timing = {.name = "timing", .has = QM_HAS_TIME, .create = create_timing, OPERATIONS};
const struct qm_device_ops qm_device_fast = {.name = "fast", .has = QM_HAS_TIME | QM_HAS_VALUES, .create = create_fast, OPERATIONS};
