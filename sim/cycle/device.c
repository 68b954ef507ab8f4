/* device.c - the cycle model as a device: the operations of sim/device.h on the engine. */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/cycle/engine.h"
#include "sim/cycle/probe.h"
#include "sim/memory/dram.h"

static struct engine *engine_of(struct qm_device *device) {
    return (struct engine *)device;
}

static enum qm_status cycle_create(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                                   struct qm_diag *diag) {
    QM_TRY(qm_machine_check(machine, diag));
    struct engine *engine = qm_alloc_zeroed(1, sizeof *engine);
    engine_init(engine, machine, options, qm_dram_create(machine, options));
    engine->device.ops = &qm_device_cycle;
    *device = &engine->device;
    return QM_OK;
}

static void cycle_destroy(struct qm_device *device) {
    if (device == NULL) return;
    qm_dram_destroy(engine_of(device)->memory);
    engine_fini(engine_of(device));
    free(device);
}

static void cycle_write_memory(struct qm_device *device, uint64_t address, const void *data, size_t size) {
    if (size > 0) memcpy(qm_dram_at(engine_of(device)->memory, address, size), data, size);
}

static void cycle_read_memory(struct qm_device *device, uint64_t address, void *data, size_t size) {
    if (size > 0) memcpy(data, qm_dram_at(engine_of(device)->memory, address, size), size);
}

static void cycle_write_csr(struct qm_device *device, uint32_t offset, uint32_t value) {
    struct engine *engine = engine_of(device);
    if (core_write_csr(&engine->core, offset, value)) engine_begin(engine);
}

static uint32_t cycle_read_csr(struct qm_device *device, uint32_t offset) {
    return core_read_csr(&engine_of(device)->core, offset);
}

static bool cycle_wait(struct qm_device *device, uint64_t limit_cycles) {
    struct engine *engine = engine_of(device);
    while (engine->core.csr.busy && limit_cycles > 0) limit_cycles -= engine_advance(engine, limit_cycles);
    return !engine->core.csr.busy;
}

static void cycle_reset(struct qm_device *device) {
    struct engine *engine = engine_of(device);
    core_reset(&engine->core);
    engine_begin(engine);
}

static void cycle_observe(struct qm_device *device, qm_observer *observer, void *context) {
    engine_of(device)->observer = observer;
    engine_of(device)->observer_context = context;
}

static void cycle_probe(struct qm_device *device, struct qm_frames *frames) {
    struct engine *engine = engine_of(device);
    probe_destroy(engine->probe);
    engine->probe = frames != NULL ? probe_create(&engine->core, frames) : NULL;
}

static void cycle_read_internal(struct qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
    qm_functional_read(&engine_of(device)->core.values, scratchpad, accumulator);
}

static void cycle_write_internal(struct qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
    qm_functional_write(&engine_of(device)->core.values, scratchpad, accumulator);
}

const struct qm_device_ops qm_device_cycle = {
    .name = "cycle",
    .has = QM_HAS_TIME | QM_HAS_VALUES | QM_HAS_STALLS | QM_HAS_STEPS,
    .create = cycle_create,
    .destroy = cycle_destroy,
    .write_memory = cycle_write_memory,
    .read_memory = cycle_read_memory,
    .write_csr = cycle_write_csr,
    .read_csr = cycle_read_csr,
    .wait = cycle_wait,
    .reset = cycle_reset,
    .observe = cycle_observe,
    .probe = cycle_probe,
    .read_internal = cycle_read_internal,
    .write_internal = cycle_write_internal,
};
