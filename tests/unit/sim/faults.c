/* faults.c - a broken memory, a reset in mid-program, a START too many: the cycle model skipping and stepping and the RTL end in the same
 * state, to the cycle and the counter, and the next program runs as on a fresh machine.
 *
 * The program is two LOAD bursts and two STORE bursts; the memory counts the bursts and breaks one of them.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "sim/device.h"
#include "tests/support/machine_4x4.h"

TestSuite(faults);

enum {
    BASE = 0x10000,
    ARENA = 1 << 14,
    DATA = 0x1000,
    RESULT = 0x2000,
    ROW_BYTES = 100,
    ROWS = 2,
    BYTES = ROW_BYTES * ROWS,
    LIMIT = 5000,
    ENGINES = 3,
};
enum fault { NO_FAULT, ERROR_ANSWER, WRONG_LAST, NO_ANSWER };
enum { FETCH_BURST, LOAD_BURST_1, LOAD_BURST_2, STORE_BURST_1, STORE_BURST_2 }; /* in their order */

struct bench {
    struct qm_device *device;
    uint8_t bytes[ARENA];
    enum fault fault;
    unsigned faulty_burst, burst_count;
    uint64_t event_count, event_hash;
};

struct outcome {
    bool ended;
    uint32_t status, cause, index;
    uint64_t counters[QM_COUNTERS];
    uint64_t event_count, event_hash;
    uint8_t result[BYTES];
};

static void memory(void *context, struct qm_memory_access *access) {
    struct bench *bench = context;
    uint8_t *bytes = bench->bytes + (access->address - BASE);
    cr_assert(access->address >= BASE && access->address + access->size <= BASE + ARENA);
    enum fault fault = bench->burst_count++ == bench->faulty_burst ? bench->fault : NO_FAULT;
    access->is_error = fault == ERROR_ANSWER;
    access->is_misframed = fault == WRONG_LAST;
    if (fault == NO_ANSWER) access->delay_cycles = UINT64_MAX;
    if (access->is_error) return;
    if (!access->is_write) memcpy(access->bytes, bytes, access->size);
    for (uint32_t i = 0; access->is_write && i < access->size; i++)
        if (access->enables[i] != 0) bytes[i] = access->bytes[i];
}

static void hash_event(void *context, const struct qm_event *event) {
    struct bench *bench = context;
    const uint64_t values[] = {event->cycle, event->kind, event->unit, event->index, event->address, event->size, event->strobe};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) bench->event_hash = (bench->event_hash ^ values[i]) * 0x100000001b3u;
    bench->event_count++;
}

static void bench_init(struct bench *bench, int engine) {
    const struct qm_device_ops *const engines[ENGINES] = {&qm_device_cycle, &qm_device_cycle, &qm_device_rtl};
    struct qm_machine machine = machine_4x4();
    struct qm_diag diag;
    machine.dram_latency = 30;
    *bench = (struct bench){0};
    struct qm_device_options options = {.step = engine == 1, .memory = memory, .memory_context = bench};
    cr_assert(engines[engine]->create(&machine, &options, &bench->device, &diag) == QM_OK, "%s", diag.text);
    bench->device->ops->observe(bench->device, hash_event, bench);
}

static void write_csr(const struct bench *bench, enum qm_csr csr, uint32_t value) {
    bench->device->ops->write_csr(bench->device, csr, value);
}

static uint32_t read_csr(const struct bench *bench, enum qm_csr csr) {
    return bench->device->ops->read_csr(bench->device, csr);
}

static void start(struct bench *bench, enum fault fault, unsigned faulty_burst) {
    const struct qm_insn insns[] = {
        {.opcode = QM_LOAD,
         .signal = 1 << QM_UNIT_STORE,
         .dram_addr = DATA,
         .row_bytes = ROW_BYTES,
         .row_count = ROWS,
         .plane_count = 1,
         .dram_row_stride = 300,
         .spad_row_stride = ROW_BYTES},
        {.opcode = QM_STORE,
         .wait = 1 << QM_UNIT_LOAD,
         .dram_addr = RESULT,
         .row_bytes = ROW_BYTES,
         .row_count = ROWS,
         .plane_count = 1,
         .dram_row_stride = ROW_BYTES,
         .spad_row_stride = ROW_BYTES},
    };
    struct qm_diag diag;
    for (int i = 0; i < ARENA; i++) bench->bytes[i] = (uint8_t)(i * 11 + i / 256);
    memset(bench->bytes + RESULT, 0xee, BYTES);
    for (size_t i = 0; i < 2; i++) {
        uint32_t words[QM_INSN_WORDS];
        cr_assert(qm_insn_pack(&insns[i], words, &diag) == QM_OK, "%s", diag.text);
        memcpy(bench->bytes + i * QM_INSN_BYTES, words, sizeof words);
    }
    bench->fault = fault;
    bench->faulty_burst = faulty_burst;
    bench->burst_count = 0;
    bench->event_count = bench->event_hash = 0;
    write_csr(bench, QM_CSR_PROGRAM_COUNT, 2);
    write_csr(bench, QM_CSR_MEMORY_BASE, BASE);
    write_csr(bench, QM_CSR_MEMORY_SIZE, ARENA);
    write_csr(bench, QM_CSR_CONTROL, QM_CONTROL_START);
}

static struct outcome finish(struct bench *bench) {
    struct outcome outcome;
    memset(&outcome, 0, sizeof outcome); /* outcomes are compared as bytes */
    outcome.ended = bench->device->ops->wait(bench->device, LIMIT);
    outcome.event_count = bench->event_count;
    outcome.event_hash = bench->event_hash;
    outcome.status = read_csr(bench, QM_CSR_STATUS);
    outcome.cause = read_csr(bench, QM_CSR_ERROR_CAUSE);
    outcome.index = read_csr(bench, QM_CSR_ERROR_INDEX);
    for (int i = 0; outcome.ended && i < QM_COUNTERS; i++) outcome.counters[i] = qm_device_counter(bench->device, (enum qm_counter)i);
    memcpy(outcome.result, bench->bytes + RESULT, BYTES);
    return outcome;
}

static struct outcome run(struct bench *bench, enum fault fault, unsigned faulty_burst) {
    start(bench, fault, faulty_burst);
    return finish(bench);
}

/* A run without a fault gives the right bytes; the first of a bench is what all others are compared with. */
static struct outcome reference(struct bench *bench) {
    struct outcome outcome = run(bench, NO_FAULT, 0);
    cr_assert(outcome.ended && outcome.status == QM_STATUS_DONE && outcome.cause == QM_ERROR_NONE);
    for (int i = 0; i < BYTES; i++)
        cr_assert(eq(u8, outcome.result[i], bench->bytes[DATA + i / ROW_BYTES * 300 + i % ROW_BYTES]), "byte %d", i);
    return outcome;
}

static void expect_same(const struct outcome *got, const struct outcome *want, const char *what, int number) {
    cr_assert(got->ended == want->ended && got->status == want->status && got->cause == want->cause && got->index == want->index,
              "%s %d: ended %d, status %u, cause %u, index %u; expected %d, %u, %u, %u", what, number, got->ended, got->status, got->cause,
              got->index, want->ended, want->status, want->cause, want->index);
    for (int i = 0; i < QM_COUNTERS; i++)
        cr_assert(got->counters[i] == want->counters[i], "%s %d: %s is %lu, expected %lu", what, number, qm_counter_infos[i].name,
                  got->counters[i], want->counters[i]);
    cr_assert(memcmp(got, want, sizeof *got) == 0, "%s %d: other events or bytes", what, number);
}

static void expect_reset(const struct bench *bench) {
    for (size_t i = 0; i < qm_csr_count; i++)
        if (qm_csrs[i].offset != QM_CSR_FINGERPRINT)
            cr_assert(eq(u32, bench->device->ops->read_csr(bench->device, qm_csrs[i].offset), qm_csrs[i].reset), "%s", qm_csrs[i].name);
    for (int i = 0; i < QM_COUNTERS; i++) cr_assert(eq(u64, qm_device_counter(bench->device, (enum qm_counter)i), 0));
}

/* What each fault must lead to, by docs/machine.md. Both instructions are accepted long before the first beat of data; a LOAD that fails is
 * finished, and its STORE never begins. */
static const struct {
    enum fault fault;
    unsigned burst;
    uint32_t status, cause, index;
    uint64_t loaded, stored;
} faults[] = {
    {ERROR_ANSWER, FETCH_BURST, QM_STATUS_ERROR, QM_ERROR_BUS, 0, 0, 0},
    {ERROR_ANSWER, LOAD_BURST_1, QM_STATUS_ERROR, QM_ERROR_BUS, 2, BYTES, 0},
    {ERROR_ANSWER, LOAD_BURST_2, QM_STATUS_ERROR, QM_ERROR_BUS, 2, BYTES, 0},
    {ERROR_ANSWER, STORE_BURST_1, QM_STATUS_ERROR, QM_ERROR_BUS, 2, BYTES, BYTES},
    {ERROR_ANSWER, STORE_BURST_2, QM_STATUS_ERROR, QM_ERROR_BUS, 2, BYTES, BYTES},
    {WRONG_LAST, FETCH_BURST, QM_STATUS_ERROR, QM_ERROR_BUS, 0, 0, 0},
    {WRONG_LAST, LOAD_BURST_1, QM_STATUS_ERROR, QM_ERROR_BUS, 2, BYTES, 0},
    {WRONG_LAST, LOAD_BURST_2, QM_STATUS_ERROR, QM_ERROR_BUS, 2, BYTES, 0},
    {WRONG_LAST, STORE_BURST_1, QM_STATUS_DONE, QM_ERROR_NONE, 0, BYTES, BYTES}, /* responses have no RLAST */
    {NO_ANSWER, FETCH_BURST, QM_STATUS_BUSY, QM_ERROR_NONE, 0, 0, 0},
    {NO_ANSWER, LOAD_BURST_1, QM_STATUS_BUSY, QM_ERROR_NONE, 0, 0, 0},
    {NO_ANSWER, LOAD_BURST_2, QM_STATUS_BUSY, QM_ERROR_NONE, 0, 0, 0},
    {NO_ANSWER, STORE_BURST_1, QM_STATUS_BUSY, QM_ERROR_NONE, 0, 0, 0},
    {NO_ANSWER, STORE_BURST_2, QM_STATUS_BUSY, QM_ERROR_NONE, 0, 0, 0},
};
enum { FAULTS = sizeof faults / sizeof *faults };

static void expect_fault(const struct outcome *outcome, int i) {
    cr_assert(outcome->status == faults[i].status && outcome->cause == faults[i].cause && outcome->index == faults[i].index,
              "fault %d: status %u, cause %u, index %u", i, outcome->status, outcome->cause, outcome->index);
    cr_assert(outcome->ended == (faults[i].fault != NO_ANSWER), "fault %d", i);
    cr_assert(eq(u64, outcome->counters[QM_C_load_writes], faults[i].loaded), "fault %d", i);
    cr_assert(eq(u64, outcome->counters[QM_C_store_reads], faults[i].stored), "fault %d", i);
}

Test(faults, of_the_memory_end_alike_on_all_engines_and_leave_nothing_behind) {
    struct outcome want[FAULTS];
    for (int engine = 0; engine < ENGINES; engine++) {
        static struct bench bench;
        bench_init(&bench, engine);
        const struct outcome good = reference(&bench);
        for (int i = 0; i < FAULTS; i++) {
            struct outcome outcome = run(&bench, faults[i].fault, faults[i].burst);
            expect_fault(&outcome, i);
            if (engine == 0) want[i] = outcome;
            expect_same(&outcome, &want[i], "fault", i);
            if (!outcome.ended) {
                bench.device->ops->reset(bench.device);
                expect_reset(&bench);
            }
            struct outcome next = reference(&bench);
            expect_same(&next, &good, "the program after fault", i);
        }
        bench.device->ops->destroy(bench.device);
    }
}

/* A burst of one beat can only have its RLAST too late: none comes. */
Test(faults, a_single_beat_without_its_last_is_an_error) {
    const struct qm_insn insn = {.opcode = QM_LOAD, .dram_addr = DATA, .row_bytes = 8, .row_count = 1, .plane_count = 1};
    for (int engine = 0; engine < ENGINES; engine++) {
        static struct bench bench;
        struct qm_diag diag;
        uint32_t words[QM_INSN_WORDS];
        bench_init(&bench, engine);
        cr_assert(qm_insn_pack(&insn, words, &diag) == QM_OK);
        memcpy(bench.bytes, words, sizeof words);
        bench.fault = WRONG_LAST;
        bench.faulty_burst = LOAD_BURST_1;
        write_csr(&bench, QM_CSR_PROGRAM_COUNT, 1);
        write_csr(&bench, QM_CSR_MEMORY_BASE, BASE);
        write_csr(&bench, QM_CSR_MEMORY_SIZE, ARENA);
        write_csr(&bench, QM_CSR_CONTROL, QM_CONTROL_START);
        struct outcome outcome = finish(&bench);
        cr_assert(eq(u32, outcome.status, QM_STATUS_ERROR));
        cr_assert(eq(u32, outcome.cause, QM_ERROR_BUS));
        cr_assert(eq(u64, outcome.counters[QM_C_load_beat], 1));
        bench.device->ops->destroy(bench.device);
    }
}

Test(faults, a_reset_in_any_cycle_leaves_a_fresh_machine) {
    struct outcome first;
    for (int engine = 0; engine < ENGINES; engine++) {
        static struct bench bench;
        bench_init(&bench, engine);
        const struct outcome good = reference(&bench);
        if (engine == 0) first = good;
        expect_same(&good, &first, "engine", engine);
        for (uint64_t cycle = 0; cycle < good.counters[QM_C_cycles]; cycle++) {
            start(&bench, NO_FAULT, 0);
            cr_assert(not(bench.device->ops->wait(bench.device, cycle)), "cycle %lu", cycle);
            write_csr(&bench, QM_CSR_IRQ_ENABLE, 1);
            bench.device->ops->reset(bench.device);
            expect_reset(&bench);
            struct outcome next = reference(&bench);
            expect_same(&next, &good, "the program after a reset in cycle", (int)cycle);
        }
        bench.device->ops->destroy(bench.device);
    }
}

Test(faults, a_start_while_busy_is_ignored_in_every_cycle) {
    for (int engine = 0; engine < ENGINES; engine++) {
        static struct bench bench;
        bench_init(&bench, engine);
        const struct outcome good = reference(&bench);
        for (uint64_t cycle = 0; cycle < good.counters[QM_C_cycles]; cycle++) {
            start(&bench, NO_FAULT, 0);
            cr_assert(not(bench.device->ops->wait(bench.device, cycle)), "cycle %lu", cycle);
            write_csr(&bench, QM_CSR_CONTROL, QM_CONTROL_START);
            struct outcome outcome = finish(&bench);
            expect_same(&outcome, &good, "START in cycle", (int)cycle);
        }
        bench.device->ops->destroy(bench.device);
    }
}
