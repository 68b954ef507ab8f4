/* lockstep.c - a pair of cycle models, of which the second lies in one way at a time: each lie must be found and named. */
#include "sim/lockstep/lockstep.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum lie { HONEST, LATE_END, OTHER_DATA, OTHER_COUNTER, OTHER_REGISTER, OTHER_SCRATCHPAD, OTHER_MEMORY, NEVER_DONE };

/* Criterion runs each test in its own process. */
static enum lie lie;

struct liar {
    struct qm_device device;
    struct qm_device *inner;
    qm_observer *observer;
    void *context;
};

static const struct qm_device_ops liar_ops;

static struct qm_device *inner_of(struct qm_device *device) {
    return ((struct liar *)device)->inner;
}

static void distort(void *context, const struct qm_event *event) {
    struct liar *self = context;
    struct qm_event told = *event;
    uint8_t data[64];
    if (lie == LATE_END && event->kind == QM_EVENT_END) told.cycle++;
    if (lie == OTHER_DATA && event->kind == QM_EVENT_WRITE_BEAT) {
        memcpy(data, event->data, 16);
        for (int i = 0; i < 16; i++) data[i] ^= 1;
        told.data = data;
    }
    self->observer(self->context, &told);
}

static enum qm_status liar_create(const struct qm_machine *machine, const struct qm_device_options *options, struct qm_device **device,
                                  struct qm_diag *diag) {
    struct liar *self = calloc(1, sizeof *self);
    QM_TRY(qm_device_cycle.create(machine, options, &self->inner, diag));
    self->device.ops = &liar_ops;
    *device = &self->device;
    return QM_OK;
}

static void liar_destroy(struct qm_device *device) {
    inner_of(device)->ops->destroy(inner_of(device));
    free(device);
}

static void liar_write_memory(struct qm_device *device, uint64_t address, const void *data, size_t size) {
    inner_of(device)->ops->write_memory(inner_of(device), address, data, size);
}

static void liar_read_memory(struct qm_device *device, uint64_t address, void *data, size_t size) {
    inner_of(device)->ops->read_memory(inner_of(device), address, data, size);
    if (lie == OTHER_MEMORY) ((uint8_t *)data)[size - 1] ^= 0x40;
}

static void liar_write_csr(struct qm_device *device, uint32_t offset, uint32_t value) {
    inner_of(device)->ops->write_csr(inner_of(device), offset, value);
}

static uint32_t liar_read_csr(struct qm_device *device, uint32_t offset) {
    uint32_t value = inner_of(device)->ops->read_csr(inner_of(device), offset);
    if (lie == OTHER_COUNTER && offset == QM_CSR_COUNTERS + 8 * QM_C_load_writes) value++;
    if (lie == OTHER_REGISTER && offset == QM_CSR_ERROR_INDEX) value++;
    return value;
}

static bool liar_wait(struct qm_device *device, uint64_t limit) {
    return inner_of(device)->ops->wait(inner_of(device), limit) && lie != NEVER_DONE;
}

static void liar_observe(struct qm_device *device, qm_observer *observer, void *context) {
    struct liar *self = (struct liar *)device;
    self->observer = observer;
    self->context = context;
    self->inner->ops->observe(self->inner, distort, self);
}

static void liar_read_internal(struct qm_device *device, uint8_t *scratchpad, int32_t *accumulator) {
    inner_of(device)->ops->read_internal(inner_of(device), scratchpad, accumulator);
    if (lie == OTHER_SCRATCHPAD && scratchpad != NULL) scratchpad[77] ^= 1;
}

static void liar_write_internal(struct qm_device *device, const uint8_t *scratchpad, const int32_t *accumulator) {
    inner_of(device)->ops->write_internal(inner_of(device), scratchpad, accumulator);
}

static const struct qm_device_ops liar_ops = {
    .name = "liar",
    .create = liar_create,
    .destroy = liar_destroy,
    .write_memory = liar_write_memory,
    .read_memory = liar_read_memory,
    .write_csr = liar_write_csr,
    .read_csr = liar_read_csr,
    .wait = liar_wait,
    .observe = liar_observe,
    .read_internal = liar_read_internal,
    .write_internal = liar_write_internal,
};

/* A LOAD and a STORE on a pair whose second half lies. Returns the difference that was found, or NULL. */
static const char *run_with(enum lie kind) {
    const struct qm_insn insns[] = {
        {.opcode = QM_LOAD, .signal = 8, .dram_addr = 1024, .spad_addr = 64, .row_bytes = 100, .row_count = 1, .plane_count = 1},
        {.opcode = QM_STORE, .wait = 1, .dram_addr = 2048, .spad_addr = 64, .row_bytes = 100, .row_count = 1, .plane_count = 1},
    };
    static char found[512];
    struct qm_machine machine;
    struct qm_device_options options = {.memory_bytes = 8192};
    struct qm_device *pair;
    struct qm_diag diag;
    lie = kind;
    qm_machine_init(&machine);
    cr_assert(qm_lockstep_create(&qm_device_cycle, &liar_ops, &machine, &options, &pair, &diag) == QM_OK, "%s", diag.text);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t words[QM_INSN_WORDS];
        cr_assert(qm_insn_pack(&insns[i], words, &diag) == QM_OK);
        pair->ops->write_memory(pair, i * QM_INSN_BYTES, words, sizeof words);
    }
    pair->ops->write_csr(pair, QM_CSR_PROGRAM_COUNT, 2);
    pair->ops->write_csr(pair, QM_CSR_MEMORY_SIZE, 8192);
    pair->ops->write_csr(pair, QM_CSR_CONTROL, QM_CONTROL_START);
    if (pair->ops->wait(pair, 100000)) qm_lockstep_compare_memories(pair);
    const char *difference = qm_lockstep_difference(pair);
    snprintf(found, sizeof found, "%s", difference != NULL ? difference : "");
    pair->ops->destroy(pair);
    return difference != NULL ? found : NULL;
}

Test(lockstep, equal_engines_have_no_difference) {
    cr_assert(run_with(HONEST) == NULL);
}

Test(lockstep, an_end_one_cycle_late_is_found_with_both_cycles) {
    const char *found = run_with(LATE_END);
    cr_assert(found != NULL && strstr(found, "end of load instruction 0") != NULL, "%s", found);
}

Test(lockstep, another_byte_in_a_write_beat_is_found) {
    const char *found = run_with(OTHER_DATA);
    cr_assert(found != NULL && strstr(found, "write beat") != NULL && strstr(found, "data differ") != NULL, "%s", found);
}

Test(lockstep, another_counter_is_found_by_name) {
    const char *found = run_with(OTHER_COUNTER);
    cr_assert(found != NULL && strstr(found, "counter load_writes: model 100, RTL 101") != NULL, "%s", found);
}

Test(lockstep, another_register_is_found_by_name) {
    const char *found = run_with(OTHER_REGISTER);
    cr_assert(found != NULL && strstr(found, "register ERROR_INDEX") != NULL, "%s", found);
}

Test(lockstep, another_scratchpad_byte_is_found_with_its_place) {
    const char *found = run_with(OTHER_SCRATCHPAD);
    cr_assert(found != NULL && strstr(found, "scratchpad byte 0x4d") != NULL, "%s", found);
}

Test(lockstep, another_memory_byte_is_found_with_its_place) {
    const char *found = run_with(OTHER_MEMORY);
    cr_assert(found != NULL && strstr(found, "DRAM byte 0x1fff") != NULL, "%s", found);
}

Test(lockstep, an_engine_that_never_ends_is_found) {
    const char *found = run_with(NEVER_DONE);
    cr_assert(found != NULL && strstr(found, "is done and the other is not") != NULL, "%s", found);
}
