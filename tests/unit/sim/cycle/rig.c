/* rig.c - one device per run, so that nothing is left over from another. */
#include "tests/unit/sim/cycle/rig.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_CYCLES = 10000000 };

struct rig *rig_create(uint32_t rows, uint32_t cols) {
    struct rig *rig = calloc(1, sizeof *rig);
    cr_assert(rig != NULL);
    qm_machine_init(&rig->machine);
    rig->machine.rows = rows;
    rig->machine.cols = cols;
    rig->machine.dram_latency = 20;
    rig->options = (struct qm_device_options){.memory_bytes = RIG_MEMORY_BYTES, .memory_base = RIG_MEMORY_BASE};
    rig->memory_size = RIG_MEMORY_BYTES;
    rig->observes = true;
    return rig;
}

void rig_destroy(struct rig *rig) {
    free(rig->events);
    free(rig);
}

static void record(void *context, const struct qm_event *event) {
    struct rig *rig = context;
    if (rig->event_count == rig->event_capacity) {
        rig->event_capacity = rig->event_capacity * 2 + 64;
        rig->events = realloc(rig->events, rig->event_capacity * sizeof *rig->events);
        cr_assert(rig->events != NULL);
    }
    struct rig_event *copy = &rig->events[rig->event_count++];
    memset(copy, 0, sizeof *copy);
    copy->event = *event;
    copy->event.data = NULL;
    for (uint32_t i = 0; event->data != NULL && i < rig->machine.axi_bytes; i++)
        if (event->kind == QM_EVENT_READ_BEAT || (event->strobe >> i & 1) != 0) copy->data[i] = event->data[i];
}

static void keep_results(struct rig *rig, struct qm_device *device) {
    const struct qm_device_ops *ops = device->ops;
    rig->status = ops->read_csr(device, QM_CSR_STATUS);
    rig->cause = ops->read_csr(device, QM_CSR_ERROR_CAUSE);
    rig->index = ops->read_csr(device, QM_CSR_ERROR_INDEX);
    for (uint32_t i = 0; i < QM_COUNTERS; i++) {
        uint64_t low = ops->read_csr(device, QM_CSR_COUNTERS + 8 * i), high = ops->read_csr(device, QM_CSR_COUNTERS + 8 * i + 4);
        rig->counters.value[i] = high << 32 | low;
    }
    ops->read_memory(device, RIG_MEMORY_BASE, rig->memory, RIG_MEMORY_BYTES);
}

static void fill_memory(struct rig *rig, uint32_t (*words)[QM_INSN_WORDS], uint32_t count) {
    for (uint32_t i = 0; i < RIG_MEMORY_BYTES; i++) rig->memory[i] = (uint8_t)(i * 7 + i / 256);
    uint32_t program = rig->program_addr / 64 * 64;
    cr_assert(program + count * QM_INSN_BYTES <= RIG_MEMORY_BYTES);
    if (count > 0) memcpy(rig->memory + program, words, (size_t)count * QM_INSN_BYTES);
}

static bool wait(const struct rig *rig, struct qm_device *device) {
    uint64_t slice = rig->slice_cycles > 0 ? rig->slice_cycles : LIMIT_CYCLES;
    for (uint64_t passed = 0; passed < LIMIT_CYCLES; passed += slice)
        if (device->ops->wait(device, slice)) return true;
    return false;
}

void rig_run_words(struct rig *rig, uint32_t (*words)[QM_INSN_WORDS], uint32_t count) {
    struct qm_device *device = NULL;
    struct qm_diag diag = {0};
    const struct qm_device_ops *ops = &qm_device_cycle;
    cr_assert(ops->create(&rig->machine, &rig->options, &device, &diag) == QM_OK, "%s", diag.text);
    fill_memory(rig, words, count);
    ops->write_memory(device, RIG_MEMORY_BASE, rig->memory, RIG_MEMORY_BYTES);
    rig->event_count = 0;
    if (rig->observes) ops->observe(device, record, rig);
    ops->write_csr(device, QM_CSR_PROGRAM_ADDR, rig->program_addr);
    ops->write_csr(device, QM_CSR_PROGRAM_COUNT, count);
    ops->write_csr(device, QM_CSR_MEMORY_BASE, RIG_MEMORY_BASE);
    ops->write_csr(device, QM_CSR_MEMORY_SIZE, rig->memory_size);
    ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    cr_assert(wait(rig, device), "the run does not end");
    keep_results(rig, device);
    ops->destroy(device);
}

void rig_run(struct rig *rig, const struct qm_insn *insns, uint32_t count) {
    uint32_t(*words)[QM_INSN_WORDS] = calloc(count + 1, sizeof *words);
    struct qm_diag diag = {0};
    for (uint32_t i = 0; i < count; i++) cr_assert(qm_insn_pack(&insns[i], words[i], &diag) == QM_OK, "%s", diag.text);
    rig_run_words(rig, words, count);
    free(words);
}

uint64_t rig_cycle(const struct rig *rig, enum qm_event_kind kind, enum qm_unit unit, uint32_t index) {
    for (size_t i = 0; i < rig->event_count; i++) {
        const struct qm_event *event = &rig->events[i].event;
        if (event->kind == kind && event->unit == unit && event->index == index) return event->cycle;
    }
    cr_assert(false, "no such event");
    return 0;
}

/* A window of kernel x kernel runs over a map that is just large enough, with stride 1. */
static struct qm_insn window(enum qm_opcode opcode, uint32_t out_h, uint32_t out_w, uint32_t kernel) {
    return (struct qm_insn){
        .opcode = opcode,
        .kernel_h = kernel,
        .kernel_w = kernel,
        .in_rows = out_h + kernel - 1,
        .in_row_bytes = out_w + kernel - 1,
        .in_pitch = out_w + kernel - 1,
        .out_h = out_h,
        .out_w = out_w,
        .x_stride = 1,
        .y_stride = 1,
        .x_dilation = 1,
        .y_dilation = 1,
        .run_bytes = 1,
    };
}

struct qm_insn rig_matmul(const struct qm_machine *machine, uint32_t m, uint32_t k, uint32_t n) {
    struct qm_insn insn = window(QM_MATMUL, 1, m, 1);
    insn.run_bytes = k;
    insn.in_row_bytes = (int64_t)m + k;
    insn.weight_addr = 4096;
    insn.channels = n;
    insn.tiles = (n + machine->cols - 1) / machine->cols;
    return insn;
}

struct qm_insn rig_requantize(const struct qm_machine *machine, uint32_t m, uint32_t n) {
    struct qm_insn insn = {.opcode = QM_REQUANTIZE, .out_h = 1, .out_w = m, .channels = n, .clamp_min = -128, .clamp_max = 127};
    insn.tiles = (n + machine->cols - 1) / machine->cols;
    insn.param_addr = 8192;
    insn.out_pixel = n;
    insn.out_addr = 65536;
    return insn;
}

struct qm_insn rig_pool(uint32_t out_h, uint32_t out_w, uint32_t kernel, uint32_t channels) {
    struct qm_insn insn = window(QM_POOL, out_h, out_w, kernel);
    insn.in_row_bytes = insn.in_pitch = insn.in_row_bytes * channels;
    insn.x_stride = insn.x_dilation = insn.out_pixel = insn.channels = channels;
    insn.out_pitch = (int64_t)out_w * channels;
    insn.out_addr = 65536;
    insn.out_multiplier = 1 << 30;
    insn.out_shift = 1;
    insn.clamp_min = -128;
    insn.clamp_max = 127;
    return insn;
}

struct qm_insn rig_copy(uint32_t out_h, uint32_t out_w, uint32_t kernel, uint32_t run_bytes) {
    struct qm_insn insn = window(QM_COPY, out_h, out_w, kernel);
    insn.run_bytes = run_bytes;
    insn.out_pixel = (int64_t)kernel * kernel * run_bytes;
    insn.out_pitch = insn.out_pixel * out_w;
    insn.out_addr = 65536;
    return insn;
}

struct qm_insn rig_add(uint32_t length) {
    return (struct qm_insn){.opcode = QM_ADD, .length = length, .b_addr = 4096, .out_addr = 65536, .clamp_min = -128, .clamp_max = 127};
}

struct qm_insn rig_transfer(enum qm_opcode opcode, uint32_t row_bytes, uint32_t rows) {
    struct qm_insn insn = {.opcode = opcode, .dram_addr = RIG_DATA, .spad_addr = 256, .row_bytes = row_bytes, .row_count = rows};
    insn.plane_count = 1;
    insn.dram_row_stride = insn.spad_row_stride = row_bytes;
    return insn;
}

uint32_t rig_random(uint64_t *state, uint32_t limit) {
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33) % limit;
}
