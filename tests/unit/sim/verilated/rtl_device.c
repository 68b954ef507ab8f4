/* rtl_device.c - the Verilated machine runs hand-written programs: bytes against naive C, cycles against docs/machine.md.
 *
 * A 4x4 machine with an 8-byte bus. The program lies at the beginning of the arena, data from DATA on.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/device.h"
#include "tests/support/machine_4x4.h"

enum { BASE = 0x10000, ARENA = 1 << 16, DATA = 0x1000, RESULT = 0x8000, LATENCY = 30, PROGRAM_MAX = 64, INSN_BEATS = QM_INSN_BYTES / 8 };

struct events {
    uint64_t start[QM_UNITS], end[QM_UNITS]; /* of the unit's last instruction */
    unsigned starts, ends, write_beats;
};

static void record(void *context, const struct qm_event *event) {
    struct events *events = context;
    if (event->kind == QM_EVENT_START) {
        events->start[event->unit] = event->cycle;
        events->starts++;
    }
    if (event->kind == QM_EVENT_END) {
        events->end[event->unit] = event->cycle;
        events->ends++;
    }
    events->write_beats += event->kind == QM_EVENT_WRITE_BEAT;
}

static struct qm_machine machine_with_latency(void) {
    struct qm_machine machine = machine_4x4();
    machine.dram_latency = LATENCY;
    return machine;
}

static struct qm_device *create_device(double stalls) {
    struct qm_machine machine = machine_with_latency();
    struct qm_device_options options = {.seed = 7, .stalls = stalls, .memory_bytes = ARENA, .memory_base = BASE};
    struct qm_device *device = NULL;
    struct qm_diag diag = {0};
    cr_assert(eq(int, qm_device_rtl.create(&machine, &options, &device, &diag), QM_OK), "%s", diag.text);
    return device;
}

static void start(struct qm_device *device, const struct qm_insn *insns, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t words[QM_INSN_WORDS];
        struct qm_diag diag = {0};
        cr_assert(eq(int, qm_insn_pack(&insns[i], words, &diag), QM_OK), "%s", diag.text);
        device->ops->write_memory(device, BASE + i * QM_INSN_BYTES, words, sizeof words);
    }
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, 0);
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, count);
    device->ops->write_csr(device, QM_CSR_MEMORY_BASE, BASE);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, ARENA);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
}

/* Runs to the end and returns the cycles. */
static uint64_t run(struct qm_device *device, const struct qm_insn *insns, uint32_t count) {
    start(device, insns, count);
    cr_assert(device->ops->wait(device, 100000));
    return qm_device_counter(device, QM_C_cycles);
}

static void expect_done(struct qm_device *device) {
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_STATUS), QM_STATUS_DONE));
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_ERROR_CAUSE), QM_ERROR_NONE));
}

/* Every group of causes adds up to the cycles. */
static void expect_explained(struct qm_device *device) {
    uint64_t cycles = qm_device_counter(device, QM_C_cycles), sum = 0;
    for (unsigned i = 0; i < QM_COUNTERS; i++) {
        const char *group = qm_counter_infos[i].group;
        if (group == NULL) continue;
        sum += qm_device_counter(device, (enum qm_counter)i);
        if (i + 1 < QM_COUNTERS && strcmp(group, qm_counter_infos[i + 1].group) == 0) continue;
        cr_assert(eq(u64, sum, cycles), "%s", group);
        sum = 0;
    }
}

Test(rtl_device, ends_an_empty_program_after_one_cycle) {
    struct qm_device *device = create_device(0);
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_ID), 0x514d4143));
    struct qm_machine machine = machine_with_latency();
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_FINGERPRINT), qm_machine_fingerprint(&machine)));
    cr_assert(eq(u64, run(device, NULL, 0), 1));
    expect_done(device);
    device->ops->destroy(device);
}

/* A 1x1 convolution of 2x3 positions, 5 channels in, 6 out: two tiles of two pieces (4 and 1 bytes). */
enum {
    POSITIONS = 6,
    IN = 5,
    OUT = 6,
    LAYER_TILES = 2,
    MAP = 0,
    WEIGHTS = MAP + POSITIONS * IN + 2,
    PARAMS = WEIGHTS + IN * OUT + 2,
    PARAM_BYTES = LAYER_TILES * 9 * 4,
    LOADED = PARAMS + PARAM_BYTES,
    OUTPUT = 1024
};

struct layer {
    int8_t map[POSITIONS][IN], weights[IN][OUT];
    int32_t bias[OUT];
};

static struct layer random_layer(void) {
    struct layer layer;
    srand(3);
    for (int i = 0; i < POSITIONS * IN; i++) layer.map[i / IN][i % IN] = (int8_t)(rand() % 256 - 128);
    for (int i = 0; i < IN * OUT; i++) layer.weights[i / OUT][i % OUT] = (int8_t)(rand() % 15 - 7);
    for (int i = 0; i < OUT; i++) layer.bias[i] = rand() % 201 - 100;
    return layer;
}

/* The layer as the machine wants it: map, weights by tile and step, parameters by tile (multiplier 2^30, shift 1: times one). */
static void pack_layer(const struct layer *layer, uint8_t *bytes) {
    memset(bytes, 0, LOADED);
    memcpy(bytes + MAP, layer->map, sizeof layer->map);
    uint8_t *weight = bytes + WEIGHTS;
    for (int tile = 0; tile < OUT; tile += 4)
        for (int i = 0; i < IN; i++)
            for (int c = tile; c < tile + 4 && c < OUT; c++) *weight++ = (uint8_t)layer->weights[i][c];
    for (int c = 0; c < OUT; c++) {
        uint8_t *param = bytes + PARAMS + c / 4 * 36;
        const int32_t multiplier = 1 << 30;
        memcpy(param + c % 4 * 4, &layer->bias[c], 4);
        memcpy(param + 16 + c % 4 * 4, &multiplier, 4);
        param[32 + c % 4] = 1;
    }
}

static int8_t naive_output(const struct layer *layer, int position, int channel) {
    int32_t sum = layer->bias[channel];
    for (int i = 0; i < IN; i++) sum += layer->map[position][i] * layer->weights[i][channel];
    return (int8_t)(sum < -128 ? -128 : sum > 127 ? 127 : sum);
}

static const struct qm_insn layer_program[] = {
    {.opcode = QM_LOAD,
     .signal = 1 << QM_UNIT_MATMUL,
     .dram_addr = DATA,
     .spad_addr = MAP,
     .row_bytes = LOADED,
     .row_count = 1,
     .plane_count = 1},
    {.opcode = QM_MATMUL,
     .wait = 1 << QM_UNIT_LOAD,
     .signal = 1 << QM_UNIT_POST,
     .in_addr = MAP,
     .kernel_h = 1,
     .kernel_w = 1,
     .in_pitch = 3 * IN,
     .in_row_bytes = 3 * IN,
     .in_rows = 2,
     .out_w = 3,
     .out_h = 2,
     .x_stride = IN,
     .y_stride = 1,
     .run_bytes = IN,
     .weight_addr = WEIGHTS,
     .acc_addr = 2,
     .channels = OUT,
     .tiles = LAYER_TILES},
    {.opcode = QM_REQUANTIZE,
     .wait = 1 << QM_UNIT_MATMUL,
     .signal = 1 << QM_UNIT_STORE,
     .out_w = 3,
     .out_h = 2,
     .param_addr = PARAMS,
     .acc_addr = 2,
     .channels = OUT,
     .tiles = LAYER_TILES,
     .out_addr = OUTPUT,
     .out_pitch = 3 * OUT,
     .out_pixel = OUT,
     .clamp_min = -128,
     .clamp_max = 127},
    {.opcode = QM_STORE,
     .wait = 1 << QM_UNIT_POST,
     .dram_addr = RESULT,
     .spad_addr = OUTPUT,
     .row_bytes = POSITIONS * OUT,
     .row_count = 1,
     .plane_count = 1},
};

static void load_layer(struct qm_device *device, const struct layer *layer) {
    uint8_t bytes[LOADED];
    pack_layer(layer, bytes);
    device->ops->write_memory(device, BASE + DATA, bytes, sizeof bytes);
}

static void expect_layer(struct qm_device *device, const struct layer *layer) {
    int8_t got[POSITIONS][OUT];
    device->ops->read_memory(device, BASE + RESULT, got, sizeof got);
    for (int p = 0; p < POSITIONS; p++)
        for (int c = 0; c < OUT; c++) cr_assert(eq(i8, got[p][c], naive_output(layer, p, c)), "position %d channel %d", p, c);
}

Test(rtl_device, runs_a_layer_with_the_right_bytes_in_the_right_cycles) {
    struct qm_device *device = create_device(0);
    struct layer layer = random_layer();
    load_layer(device, &layer);
    struct events events = {0};
    device->ops->observe(device, record, &events);
    uint64_t cycles = run(device, layer_program, 4);
    expect_done(device);
    expect_layer(device, &layer);

    /* The first instruction's last beat comes in LATENCY + 7; FIFO, queue, start. */
    uint64_t load = LATENCY + INSN_BEATS - 1 + 2;
    uint64_t beats = (LOADED + 7) / 8;
    uint64_t loaded = load + 1 + LATENCY + beats - 1;
    cr_assert(eq(u64, events.start[QM_UNIT_LOAD], load));
    cr_assert(eq(u64, events.end[QM_UNIT_LOAD], loaded));
    /* M = 6 rows, at least P = 4: P + steps*M + R + C. */
    uint64_t summed = loaded + 1 + 4 + LAYER_TILES * 2 * POSITIONS + 4 + 4;
    cr_assert(eq(u64, events.start[QM_UNIT_MATMUL], loaded + 1));
    cr_assert(eq(u64, events.end[QM_UNIT_MATMUL], summed));
    uint64_t written = summed + 1 + LAYER_TILES * (9 + POSITIONS) + 5;
    cr_assert(eq(u64, events.start[QM_UNIT_POST], summed + 1));
    cr_assert(eq(u64, events.end[QM_UNIT_POST], written));
    /* Address in the next cycle, then the beats, then the response. */
    uint64_t stored = written + 1 + 1 + (POSITIONS * OUT + 7) / 8 + LATENCY;
    cr_assert(eq(u64, events.start[QM_UNIT_STORE], written + 1));
    cr_assert(eq(u64, events.end[QM_UNIT_STORE], stored));
    cr_assert(eq(u64, cycles, stored + 2));
    expect_explained(device);
    cr_assert(eq(u64, qm_device_counter(device, QM_C_macs), POSITIONS * IN * OUT));
    cr_assert(eq(u64, qm_device_counter(device, QM_C_load_writes), LOADED));
    cr_assert(eq(u64, qm_device_counter(device, QM_C_instructions), 4));
    device->ops->destroy(device);
}

Test(rtl_device, gives_the_same_bytes_under_stalls_and_when_run_again) {
    struct qm_device *device = create_device(0.3);
    struct layer layer = random_layer();
    load_layer(device, &layer);
    uint64_t cycles[2];
    for (int i = 0; i < 2; i++) {
        cycles[i] = run(device, layer_program, 4);
        expect_done(device);
        expect_layer(device, &layer);
        expect_explained(device);
    }
    cr_assert(eq(u64, cycles[0], cycles[1]));
    device->ops->destroy(device);
}

/* A transfer of planes of rows there and back, at odd addresses, over a boundary of 1024 bytes;
 * the store leaves the bytes between rows alone. */
Test(rtl_device, moves_planes_of_rows_at_odd_addresses) {
    const struct qm_insn load = {.opcode = QM_LOAD,
                                 .signal = 1 << QM_UNIT_STORE,
                                 .dram_addr = DATA + 1000,
                                 .spad_addr = 3,
                                 .row_bytes = 37,
                                 .row_count = 5,
                                 .plane_count = 3,
                                 .dram_row_stride = 51,
                                 .spad_row_stride = 37,
                                 .dram_plane_stride = 700,
                                 .spad_plane_stride = 5 * 37};
    const struct qm_insn store = {.opcode = QM_STORE,
                                  .wait = 1 << QM_UNIT_LOAD,
                                  .dram_addr = RESULT + 5,
                                  .spad_addr = 3,
                                  .row_bytes = 37,
                                  .row_count = 5,
                                  .plane_count = 3,
                                  .dram_row_stride = 61,
                                  .spad_row_stride = 37,
                                  .dram_plane_stride = 1001,
                                  .spad_plane_stride = 5 * 37};
    struct qm_device *device = create_device(0.2);
    uint8_t source[4096], want[4096], got[4096];
    for (size_t i = 0; i < sizeof source; i++) source[i] = (uint8_t)rand();
    memset(want, 0xee, sizeof want);
    device->ops->write_memory(device, BASE + DATA, source, sizeof source);
    device->ops->write_memory(device, BASE + RESULT, want, sizeof want);
    for (int plane = 0; plane < 3; plane++)
        for (int row = 0; row < 5; row++) memcpy(want + 5 + plane * 1001 + row * 61, source + 1000 + plane * 700 + row * 51, 37);
    run(device, (struct qm_insn[]){load, store}, 2);
    expect_done(device);
    device->ops->read_memory(device, BASE + RESULT, got, sizeof got);
    cr_assert(memcmp(got, want, sizeof got) == 0);
    cr_assert(eq(u64, qm_device_counter(device, QM_C_store_reads), 3 * 5 * 37));
    expect_explained(device);
    device->ops->destroy(device);
}

static void expect_error(struct qm_device *device, enum qm_error error, uint32_t index) {
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_STATUS), QM_STATUS_ERROR));
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_ERROR_CAUSE), error));
    cr_assert(eq(u32, device->ops->read_csr(device, QM_CSR_ERROR_INDEX), index));
    expect_explained(device);
}

struct bad {
    struct qm_insn insn;
    enum qm_error error;
};

#define TRANSFER .row_bytes = 8, .row_count = 1, .plane_count = 1

Test(rtl_device, names_what_is_wrong_with_an_instruction) {
    const struct bad bads[] = {
        {{.opcode = QM_LOAD}, QM_ERROR_ILLEGAL},
        {{.opcode = QM_LOAD, .wait = 1 << QM_UNIT_LOAD, TRANSFER}, QM_ERROR_ILLEGAL},
        {{.opcode = QM_STORE, .dram_addr = ARENA - 7, TRANSFER}, QM_ERROR_MEMORY},
        {{.opcode = QM_LOAD, .spad_addr = 4096 - 7, TRANSFER}, QM_ERROR_SCRATCHPAD},
        {{.opcode = QM_LOAD, .row_bytes = 8, .row_count = 65535, .plane_count = 65535, .dram_plane_stride = 0xffffffff}, QM_ERROR_MEMORY},
        {{.opcode = QM_REQUANTIZE, .rounding = 7, .channels = 4, .tiles = 1, .out_h = 1, .out_w = 1}, QM_ERROR_ILLEGAL},
        {{.opcode = QM_REQUANTIZE, .lookup = 1, .out_type = 2, .channels = 4, .tiles = 1, .out_h = 1, .out_w = 1}, QM_ERROR_UNSUPPORTED},
        {{.opcode = QM_REQUANTIZE, .channels = 4, .tiles = 2, .out_h = 1, .out_w = 1}, QM_ERROR_ILLEGAL},
        {{.opcode = QM_REQUANTIZE, .channels = 5, .tiles = 2, .out_h = 1, .out_w = 1, .acc_addr = 63}, QM_ERROR_ACCUMULATOR},
    };
    const struct qm_insn good = {.opcode = QM_LOAD, .dram_addr = DATA, TRANSFER};
    struct qm_device *device = create_device(0);
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        run(device, (struct qm_insn[]){good, bads[i].insn, good}, 3);
        expect_error(device, bads[i].error, 1);
    }
    device->ops->destroy(device);
}

Test(rtl_device, finds_a_deadlock_and_a_program_out_of_place) {
    const struct qm_insn waits = {.opcode = QM_LOAD, .wait = 1 << QM_UNIT_POST, .dram_addr = DATA, TRANSFER};
    struct qm_device *device = create_device(0);
    /* Visible in the queue when a LOAD that waits for nothing would start; the error a cycle later, the end is seen in it. */
    cr_assert(eq(u64, run(device, &waits, 1), LATENCY + INSN_BEATS - 1 + 2 + 2));
    expect_error(device, QM_ERROR_DEADLOCK, 1);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, 64);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    cr_assert(device->ops->wait(device, 100));
    expect_error(device, QM_ERROR_ILLEGAL, 0);
    device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, ARENA);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    cr_assert(device->ops->wait(device, 100));
    expect_error(device, QM_ERROR_MEMORY, 0);
    cr_assert(eq(u64, qm_device_counter(device, QM_C_cycles), 2));
    device->ops->destroy(device);
}

Test(rtl_device, reports_an_answer_of_the_bus_with_an_error) {
    const struct qm_insn load = {.opcode = QM_LOAD, .dram_addr = ARENA - 8, TRANSFER};
    struct qm_device *device = create_device(0);
    start(device, &load, 0);
    cr_assert(device->ops->wait(device, 100));
    uint32_t words[QM_INSN_WORDS];
    struct qm_diag diag;
    cr_assert(eq(int, qm_insn_pack(&load, words, &diag), QM_OK));
    device->ops->write_memory(device, BASE + 4096, words, sizeof words);
    device->ops->write_csr(device, QM_CSR_MEMORY_BASE, BASE + 4096); /* so that the arena's end leaves the memory */
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, 1);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    cr_assert(device->ops->wait(device, 1000));
    expect_error(device, QM_ERROR_BUS, 1);
    device->ops->destroy(device);
}

Test(rtl_device, keeps_what_is_written_into_its_memories) {
    struct qm_machine machine = machine_with_latency();
    struct qm_device *device = create_device(0);
    static uint8_t scratchpad[4096], scratchpad_back[4096];
    static int32_t accumulator[64 * 4], accumulator_back[64 * 4];
    for (uint32_t i = 0; i < machine.scratchpad_bytes; i++) scratchpad[i] = (uint8_t)(i * 7);
    for (uint32_t i = 0; i < machine.accumulator_rows * machine.cols; i++) accumulator[i] = (int32_t)(i * 2654435761u);
    device->ops->write_internal(device, scratchpad, accumulator);
    device->ops->read_internal(device, scratchpad_back, accumulator_back);
    cr_assert(memcmp(scratchpad, scratchpad_back, sizeof scratchpad) == 0);
    cr_assert(memcmp(accumulator, accumulator_back, sizeof accumulator) == 0);
    /* A byte of the scratchpad is where STORE finds it. */
    const struct qm_insn store = {.opcode = QM_STORE, .dram_addr = RESULT, .spad_addr = 101, TRANSFER};
    run(device, &store, 1);
    uint8_t got[8];
    device->ops->read_memory(device, BASE + RESULT, got, sizeof got);
    cr_assert(memcmp(got, scratchpad + 101, sizeof got) == 0);
    device->ops->destroy(device);
}
