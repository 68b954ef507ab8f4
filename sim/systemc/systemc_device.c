/* systemc_device.c - loads the SystemC platform and passes every operation on to it; the cycle model is the engine inside.
 *
 * The library stays loaded, as SystemC keeps a state of its own.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/home.h"
#include "common/memory.h"
#include "sim/device.h"
#include "sim/systemc/platform.h"

enum { LIBRARY_BYTES = 1 << 24 };

struct systemc_device {
    struct qm_device base;
    struct qm_device *platform;
};

static struct qm_device *platform_of(struct qm_device *device) {
    return ((struct systemc_device *)device)->platform;
}

static enum qm_status load_library(systemc_platform_create_function **create_platform, struct qm_diag *diag) {
    char path[QM_PATH_BYTES];
    QM_TRY(qm_program_path("libqmac-systemc.so", path, diag));
    if (access(path, F_OK) != 0) QM_TRY(qm_home_path("build/libqmac-systemc.so", path, diag));
    free(qm_alloc(LIBRARY_BYTES)); /* its initializers throw where nobody can catch */
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = library != NULL ? dlsym(library, "systemc_platform_create") : NULL;
    void *no_memory = symbol != NULL ? dlsym(library, "systemc_platform_no_memory") : NULL;
    if (no_memory == NULL) return qm_fail(diag, QM_INTERNAL, "%s: cannot be loaded: %s: make builds it", path, dlerror());
    memcpy(create_platform, &symbol, sizeof symbol);
    systemc_platform_no_memory_function *set_no_memory;
    memcpy(&set_no_memory, &no_memory, sizeof no_memory);
    set_no_memory(qm_out_of_memory);
    return QM_OK;
}

static enum qm_status create(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                             struct qm_diag *diag) {
    systemc_platform_create_function *create_platform = NULL;
    struct qm_device *platform;
    QM_TRY(load_library(&create_platform, diag));
    QM_TRY(create_platform(&qm_device_cycle, machine, options, &platform, diag));
    struct systemc_device *made = qm_alloc_zeroed(1, sizeof *made);
    *made = (struct systemc_device){.base.ops = &qm_device_systemc, .platform = platform};
    *device = &made->base;
    return QM_OK;
}

static void destroy(struct qm_device *device) {
    struct qm_device *platform = platform_of(device);
    platform->ops->destroy(platform);
    free(device);
}

static void write_memory(struct qm_device *device, uint64_t address, const void *data, size_t size) {
    struct qm_device *platform = platform_of(device);
    platform->ops->write_memory(platform, address, data, size);
}

static void read_memory(struct qm_device *device, uint64_t address, void *data, size_t size) {
    struct qm_device *platform = platform_of(device);
    platform->ops->read_memory(platform, address, data, size);
}

static void write_csr(struct qm_device *device, uint32_t offset, uint32_t value) {
    struct qm_device *platform = platform_of(device);
    platform->ops->write_csr(platform, offset, value);
}

static uint32_t read_csr(struct qm_device *device, uint32_t offset) {
    struct qm_device *platform = platform_of(device);
    return platform->ops->read_csr(platform, offset);
}

static bool wait(struct qm_device *device, uint64_t limit_cycles) {
    struct qm_device *platform = platform_of(device);
    return platform->ops->wait(platform, limit_cycles);
}

static void reset(struct qm_device *device) {
    struct qm_device *platform = platform_of(device);
    platform->ops->reset(platform);
}

static void observe(struct qm_device *device, qm_observer *observer, void *context) {
    struct qm_device *platform = platform_of(device);
    platform->ops->observe(platform, observer, context);
}

static void read_internal(struct qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
    struct qm_device *platform = platform_of(device);
    platform->ops->read_internal(platform, scratchpad, accumulator);
}

static void write_internal(struct qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
    struct qm_device *platform = platform_of(device);
    platform->ops->write_internal(platform, scratchpad, accumulator);
}

const struct qm_device_ops qm_device_systemc = {
    .name = "systemc",
    .has = QM_HAS_TIME | QM_HAS_VALUES | QM_HAS_STALLS,
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
