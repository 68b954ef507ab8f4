/* mock.c - compares each access with the next one of the script. */
#include "tests/unit/driver/mock.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const names[] = {"write of register", "read of register", "wait of", "write of memory at", "read of memory at"};

static const struct mock_access *next(struct qm_device *device, enum mock_kind kind, uint64_t at) {
    struct mock *mock = (struct mock *)device;
    cr_assert(mock->done < mock->count, "%s 0x%lx behind the end of the script", names[kind], at);
    const struct mock_access *access = &mock->script[mock->done++];
    cr_assert(access->kind == kind && access->at == at, "access %zu: %s 0x%lx, expected %s 0x%lx", mock->done - 1, names[kind], at,
              names[access->kind], access->at);
    return access;
}

static void expect_value(const struct mock_access *access, uint64_t value) {
    cr_assert(access->value == value, "%s 0x%lx: 0x%lx, expected 0x%x", names[access->kind], access->at, value, access->value);
}

static void write_csr(struct qm_device *device, uint32_t offset, uint32_t value) {
    expect_value(next(device, MOCK_WRITE, offset), value);
}

static uint32_t read_csr(struct qm_device *device, uint32_t offset) {
    return next(device, MOCK_READ, offset)->value;
}

static bool wait(struct qm_device *device, uint64_t limit_cycles) {
    return next(device, MOCK_WAIT, limit_cycles)->value != 0;
}

static void write_memory(struct qm_device *device, uint64_t address, const void *data, size_t size) {
    (void)data;
    expect_value(next(device, MOCK_WRITE_MEMORY, address), size);
}

static void read_memory(struct qm_device *device, uint64_t address, void *data, size_t size) {
    expect_value(next(device, MOCK_READ_MEMORY, address), size);
    memset(data, 0, size);
}

static void observe(struct qm_device *device, qm_observer *observer, void *context) {
    (void)device, (void)observer, (void)context;
}

static const struct qm_device_ops ops = {
    .name = "mock",
    .has = QM_HAS_TIME | QM_HAS_VALUES,
    .write_memory = write_memory,
    .read_memory = read_memory,
    .write_csr = write_csr,
    .read_csr = read_csr,
    .wait = wait,
    .observe = observe,
};

void mock_init(struct mock *mock, const struct mock_access *script, size_t count) {
    *mock = (struct mock){.device.ops = &ops, .script = script, .count = count};
}

void mock_check_done(const struct mock *mock) {
    cr_assert(mock->done == mock->count, "access %zu of the script was not made: %s 0x%lx", mock->done,
              names[mock->script[mock->done].kind], mock->script[mock->done].at);
}
