/* driver.c - the driver on the cycle model and the functional engine with a program made by hand. On scripted registers: registers.c. */
#include "driver/driver.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "common/work.h"
#include "compiler/compiler.h"
#include "tests/unit/driver/copy_program.h"
#include "tests/support/host_stage.h"

static struct qm_diag diag;

static struct qm_device *open_device(const struct qm_device_ops *ops, const struct qm_program *program) {
    struct qm_device_options options = {0};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    cr_assert(ops->create(&program->machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_driver_load(device, program, &diag) == QM_OK, "%s", diag.text);
    return device;
}

static struct qm_device *open_without_values(const struct qm_program *program) {
    struct qm_device_options options = {.no_values = true};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    cr_assert(qm_device_cycle.create(&program->machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_driver_load_code(device, program, &diag) == QM_OK, "%s", diag.text);
    return device;
}

static void run_on(const struct qm_device_ops *ops, struct qm_run *run, int8_t *out) {
    struct qm_program *program = copy_program_create();
    struct qm_device *device = open_device(ops, program);
    int8_t in[BYTES];
    for (int i = 0; i < BYTES; i++) in[i] = (int8_t)(3 * i - 90);
    qm_driver_write_tensor(device, program, 0, in);
    cr_assert(qm_driver_run(device, program, NULL, run, &diag) == QM_OK, "%s", diag.text);
    qm_driver_read_tensor(device, program, 1, out);
    cr_assert(memcmp(in, out, BYTES) == 0);
    ops->destroy(device);
    qm_program_destroy(program);
}

TestSuite(driver);

Test(driver, moves_data_and_reads_counters_and_times) {
    struct qm_program *program = copy_program_create();
    struct qm_arena *arena = qm_arena_create();
    struct qm_run *run = qm_run_create(program, arena);
    int8_t out[BYTES];
    run_on(&qm_device_cycle, run, out);
    cr_assert(run->timed);
    const uint64_t *value = run->counters[0].value;
    cr_assert(eq(u64, value[QM_C_instructions], 2));
    cr_assert(eq(u64, value[QM_C_load_writes], BYTES));
    cr_assert(eq(u64, value[QM_C_dram_write_beats], BYTES / 16));
    cr_assert(run->times[0].start < run->times[0].end && run->times[0].end < run->times[1].start && run->times[1].end < value[QM_C_cycles]);
    qm_arena_destroy(arena);
    qm_program_destroy(program);
}

Test(driver, the_functional_engine_gives_the_values_without_time) {
    struct qm_program *program = copy_program_create();
    struct qm_arena *arena = qm_arena_create();
    struct qm_run *run = qm_run_create(program, arena);
    int8_t out[BYTES];
    run_on(&qm_device_functional, run, out);
    cr_assert(not(run->timed));
    cr_assert(eq(u64, run->counters[0].value[QM_C_cycles], 0));
    qm_arena_destroy(arena);
    qm_program_destroy(program);
}

Test(driver, host_stages_run_between_device_stages) {
    struct qm_program *program = copy_program_create();
    program->stage_count = 2;
    program->stages[1] = host_stage_softmax(program, 0, 1, 1, 1);
    struct qm_device *device = open_device(&qm_device_cycle, program);
    int8_t in[BYTES] = {0}, out[BYTES];
    qm_driver_write_tensor(device, program, 0, in);
    cr_assert(qm_driver_run(device, program, NULL, NULL, &diag) == QM_OK, "%s", diag.text);
    qm_driver_read_tensor(device, program, 1, out);
    for (int i = 0; i < BYTES; i++) cr_assert(eq(i8, out[i], -128 + 256 / 16)); /* equal inputs: 1/16 each */
    device->ops->destroy(device);
    qm_program_destroy(program);
}

Test(driver, nothing_is_loaded_of_a_program_that_the_host_cannot_run) {
    struct qm_program *program = copy_program_create();
    struct qm_device *device = open_device(&qm_device_cycle, program);
    program->stage_count = 2;
    program->stages[1] = host_stage_softmax(program, 0, 1, 1, 1e-9F);
    cr_assert(eq(int, qm_driver_load(device, program, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "copy:out: the host cannot run this: ") != NULL, "%s", diag.text);
    device->ops->destroy(device);
    qm_program_destroy(program);
}

Test(driver, an_error_names_its_cause_and_the_instruction) {
    static const struct qm_device_ops *const engines[] = {&qm_device_cycle, &qm_device_functional};
    for (int i = 0; i < 2; i++) {
        struct qm_program *program = copy_program_create();
        struct qm_insn bad = copy_program_transfer(QM_STORE, ARENA - BYTES + 1);
        copy_program_put(program, 1, &bad);
        struct qm_device *device = open_device(engines[i], program);
        cr_assert(eq(int, qm_driver_run(device, program, NULL, NULL, &diag), QM_BAD_INPUT));
        cr_assert(strstr(diag.text, "copy:instruction 1: ") && strstr(diag.text, "MEMORY") && strstr(diag.text, "STORE dram_addr=0x2fc1"),
                  "%s", diag.text);
        device->ops->destroy(device);
        qm_program_destroy(program);
    }
}

Test(driver, a_program_for_another_machine_is_refused) {
    struct qm_program *program = copy_program_create();
    struct qm_device_options options = {0};
    struct qm_device *device;
    struct qm_machine other = program->machine;
    other.rows = 8;
    qm_driver_memory(program, &options);
    cr_assert(qm_device_cycle.create(&other, &options, &device, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(int, qm_driver_load(device, program, &diag), QM_BAD_INPUT));
    cr_assert(strstr(diag.text, "compile it again") != NULL, "%s", diag.text);
    device->ops->destroy(device);
    qm_program_destroy(program);
}

/* Bytes behind the device, and a memory that from some burst on answers no more. */
struct dying_memory {
    uint8_t bytes[ARENA];
    int bursts_left;
};

static void dying(void *context, struct qm_memory_access *access) {
    struct dying_memory *memory = context;
    uint8_t *bytes = memory->bytes + (access->address - 0x80000000u);
    if (memory->bursts_left-- <= 0) access->delay_cycles = UINT64_MAX;
    if (!access->is_write) memcpy(access->bytes, bytes, access->size);
    for (uint32_t i = 0; access->is_write && i < access->size; i++)
        if (access->enables[i] != 0) bytes[i] = access->bytes[i];
}

/* The program has three bursts: its code, a read, a write. The bytes are put into the memory by hand,
 * as nothing reaches it through the device. */
Test(driver, a_memory_that_stalls_for_ever_is_an_error_and_a_reset_makes_good) {
    struct qm_program *program = copy_program_create();
    static struct dying_memory memory;
    struct qm_device_options options = {.memory = dying, .memory_context = &memory};
    struct qm_driver_options limited = {.limit_cycles = 70000};
    struct qm_device *device;
    cr_assert(qm_device_cycle.create(&program->machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    for (int i = 0; i < BYTES; i++) memory.bytes[IN + i] = (uint8_t)(i * 5 + 1);
    memcpy(memory.bytes, program->insns, 2 * sizeof *program->insns);
    for (int bursts = 0; bursts <= 3; bursts++) {
        memset(memory.bytes + OUT, 0, BYTES);
        memory.bursts_left = bursts;
        device->ops->write_csr(device, QM_CSR_MEMORY_BASE, 0x80000000u);
        device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, ARENA);
        enum qm_status status = qm_driver_run(device, program, &limited, NULL, &diag);
        cr_assert(eq(int, status, bursts < 3 ? QM_BAD_INPUT : QM_OK));
        if (status != QM_OK) cr_assert(strstr(diag.text, "still busy after 70000 cycles") != NULL, "%s", diag.text);
        device->ops->reset(device);
    }
    cr_assert(memcmp(memory.bytes + OUT, memory.bytes + IN, BYTES) == 0);
    device->ops->destroy(device);
    qm_program_destroy(program);
}

static void expect_same_run(const struct qm_program *program, const struct qm_run *got, const struct qm_run *want) {
    cr_assert(got->timed && want->timed);
    for (uint32_t i = 0; i < program->stage_count; i++)
        for (int c = 0; c < QM_COUNTERS; c++)
            cr_expect(eq(u64, got->counters[i].value[c], want->counters[i].value[c]), "step %u: %s", i, qm_counter_infos[c].name);
    cr_expect(memcmp(got->times, want->times, program->insn_count * sizeof *got->times) == 0, "times of instructions differ");
}

/* Runs a program on the cycle model with values and without, and destroys it. */
static void compare_without_values(struct qm_program *program) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_driver_options options = {.no_values = true};
    struct qm_run *full = qm_run_create(program, arena), *blind = qm_run_create(program, arena);
    struct qm_device *device = open_device(&qm_device_cycle, program);
    cr_assert(qm_driver_run(device, program, NULL, full, &diag) == QM_OK, "%s", diag.text);
    device->ops->destroy(device);
    device = open_without_values(program);
    cr_assert(qm_driver_run(device, program, &options, blind, &diag) == QM_OK, "%s", diag.text);
    device->ops->destroy(device);
    expect_same_run(program, blind, full);
    qm_program_destroy(program);
    qm_arena_destroy(arena);
}

Test(driver, a_device_without_values_takes_the_same_time) {
    compare_without_values(copy_program_create());
}

Test(driver, the_shipped_network_takes_the_same_time_without_values) {
    static const char *const machines[] = {"edge", "tiny", "m3x5"};
    struct qm_compile_options options = {0};
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        struct qm_machine machine;
        struct qm_program *program;
        cr_assert(qm_machine_load(machines[i], &machine, &diag) == QM_OK, "%s", diag.text);
        cr_assert(qm_compile_file("workloads/digits/digits_int8.tflite", &machine, &options, &program, &diag) == QM_OK, "%s", diag.text);
        compare_without_values(program);
    }
}

Test(driver, a_device_without_values_moves_none_and_runs_no_host_operator) {
    struct qm_program *program = copy_program_create();
    struct qm_driver_options options = {.no_values = true};
    program->stages[1] = host_stage_softmax(program, 0, 1, 1, 1);
    program->stage_count = 2;
    struct qm_device *device = open_without_values(program);
    int8_t in[BYTES], out[BYTES];
    for (int i = 0; i < BYTES; i++) in[i] = (int8_t)(i + 1);
    qm_driver_write_tensor(device, program, 0, in);
    cr_assert(qm_driver_run(device, program, &options, NULL, &diag) == QM_OK, "%s", diag.text);
    qm_driver_read_tensor(device, program, 1, out);
    for (int i = 0; i < BYTES; i++) cr_assert(eq(i8, out[i], 0));
    device->ops->destroy(device);
    qm_program_destroy(program);
}

/* ---- limits of time ---- */

static const char digits[] = "workloads/digits/digits_int8.tflite";

static struct qm_program *compile_digits(const struct qm_machine *machine) {
    struct qm_compile_options options = {0};
    struct qm_program *program;
    cr_assert(qm_compile_file(digits, machine, &options, &program, &diag) == QM_OK, "%s", diag.text);
    return program;
}

/* A memory with this latency, bandwidth and queue, and its stalls. */
struct slowness {
    uint32_t latency, bytes_per_cycle, queue;
    double stalls;
};

/* At least four times the cycles of every stage, and that without the million that each stage has. */
static void expect_margin(const char *name, struct slowness slowness) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_device_options options = {.stalls = slowness.stalls, .seed = 3};
    struct qm_machine machine;
    struct qm_device *device;
    cr_assert(qm_machine_load(name, &machine, &diag) == QM_OK, "%s", diag.text);
    machine.dram_latency = slowness.latency;
    machine.dram_bytes_per_cycle = slowness.bytes_per_cycle;
    machine.dram_queue = slowness.queue;
    struct qm_program *program = compile_digits(&machine);
    struct qm_run *run = qm_run_create(program, arena);
    qm_driver_memory(program, &options);
    cr_assert(qm_device_cycle.create(&machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_driver_load(device, program, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_driver_run(device, program, &(struct qm_driver_options){.limit_cycles = UINT64_MAX}, run, &diag) == QM_OK, "%s",
              diag.text);
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        const uint32_t(*insns)[QM_INSN_WORDS] = (const uint32_t(*)[QM_INSN_WORDS])program->insns + stage->first_insn;
        uint64_t limit = qm_work_limit(insns, stage->insn_count, &machine, slowness.stalls) - 1000000;
        cr_expect(limit >= 4 * run->counters[i].value[QM_C_cycles], "%s, latency %u: limit %lu, cycles %lu", name, slowness.latency, limit,
                  run->counters[i].value[QM_C_cycles]);
    }
    device->ops->destroy(device);
    qm_program_destroy(program);
    qm_arena_destroy(arena);
}

Test(driver, the_limit_of_a_compiled_network_is_far_away_on_any_memory) {
    static const struct slowness memories[] = {{100, 4, 64, 0}, {100, 4, 64, 0.95}, {1000, 1, 64, 0.2}, {1000, 4, 1, 0}, {10000, 1, 1, 0}};
    static const char *const machines[] = {"one", "tiny", "m3x5", "edge", "m16x8"};
    for (size_t m = 0; m < sizeof machines / sizeof *machines; m++)
        for (size_t i = 0; i < sizeof memories / sizeof *memories; i++) expect_margin(machines[m], memories[i]);
}

/* Runs it on the engine until the limit says no. */
static void expect_limit(struct qm_program *program, const struct qm_device_ops *ops, bool no_values, const char *text) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_run *run = qm_run_create(program, arena);
    struct qm_driver_options options = {.no_values = no_values};
    struct qm_device *device = no_values ? open_without_values(program) : open_device(ops, program);
    cr_assert(eq(int, qm_driver_run(device, program, &options, run, &diag), QM_BAD_INPUT), "%s", ops->name);
    cr_assert(run->over_limit && strstr(diag.text, text) != NULL, "%s: %s", ops->name, diag.text);
    device->ops->destroy(device);
    qm_arena_destroy(arena);
}

Test(driver, a_damaged_program_ends_on_every_engine, .timeout = 20) {
    struct qm_program *program = copy_program_create();
    struct qm_insn load = copy_program_transfer(QM_LOAD, IN);
    load.row_count = 65535;
    load.plane_count = 32767;
    copy_program_put(program, 0, &load);
    expect_limit(program, &qm_device_cycle, false, "is still busy after");
    expect_limit(program, &qm_device_cycle, true, "is still busy after");
    expect_limit(program, &qm_device_functional, false, "is still busy after");
    struct qm_insn pool = {
        .opcode = QM_POOL, .in_pitch = 1, .in_rows = 1, .in_row_bytes = 1, .channels = 1, .run_bytes = 1, .out_addr = 64};
    pool.kernel_h = pool.kernel_w = 255;
    pool.out_h = pool.out_w = 65535;
    copy_program_put(program, 0, &pool);
    expect_limit(program, &qm_device_cycle, false, "is still busy after");
    expect_limit(program, &qm_device_functional, false, "is still busy after");
    qm_program_destroy(program);
}

/* Each of the rows waits for a memory that is a thousand times slower than that of the program's machine. */
Test(driver, the_memory_of_the_device_decides_the_limit) {
    struct qm_program *program = copy_program_create();
    struct qm_insn load = copy_program_transfer(QM_LOAD, IN);
    load.signal = 1 << QM_UNIT_STORE;
    load.row_count = 1000;
    copy_program_put(program, 0, &load);
    struct qm_machine slow = program->machine;
    slow.dram_latency = 10000;
    slow.dram_queue = 1;
    struct qm_device_options options = {.no_values = true};
    const struct qm_driver_options unaware = {.no_values = true}, aware = {.no_values = true, .machine = &slow};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    cr_assert(qm_device_cycle.create(&slow, &options, &device, &diag) == QM_OK, "%s", diag.text);
    cr_assert(qm_driver_load_code(device, program, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(int, qm_driver_run(device, program, &unaware, NULL, &diag), QM_BAD_INPUT));
    device->ops->reset(device);
    cr_assert(qm_driver_load_code(device, program, &diag) == QM_OK, "%s", diag.text);
    cr_assert(eq(int, qm_driver_run(device, program, &aware, NULL, &diag), QM_OK), "%s", diag.text);
    cr_assert(gt(u64, qm_device_counter(device, QM_C_cycles), 10000000));
    device->ops->destroy(device);
    qm_program_destroy(program);
}
