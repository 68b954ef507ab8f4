/* device.c - the engines that do not step, beside the cycle engine: errors, events, limits, values, token counters that are full. How they
 * keep time on any program: tests/programs/timing_equals_cycle.c. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/device.h"
#include "tests/unit/sim/cycle/rig.h"

TestSuite(timing);

enum { MEMORY_BYTES = 1 << 24, LIMIT_CYCLES = 100000000, EVENTS_MAX = 64 };

/* What a run on an engine leaves. */
struct outcome {
    bool ended;
    uint32_t status, cause, index;
    struct qm_counters counters;
    uint32_t event_count;
    struct qm_event events[EVENTS_MAX]; /* STARTs and ENDs */
};

static struct qm_diag diag;
static bool without_values; /* for what would take long to compute */
static const struct qm_device_ops *const engines[] = {&qm_device_timing, &qm_device_fast};
enum { ENGINES = sizeof engines / sizeof *engines };

static void keep(void *context, const struct qm_event *event) {
    struct outcome *outcome = context;
    if (event->kind != QM_EVENT_START && event->kind != QM_EVENT_END) return;
    if (outcome->event_count < EVENTS_MAX) outcome->events[outcome->event_count] = *event;
    outcome->event_count++;
}

static struct qm_device *open_with(const struct qm_device_ops *ops, const struct qm_machine *machine) {
    struct qm_device_options options = {.memory_bytes = MEMORY_BYTES, .no_values = without_values};
    struct qm_device *device;
    cr_assert(ops->create(machine, &options, &device, &diag) == QM_OK, "%s", diag.text);
    device->ops->write_csr(device, QM_CSR_MEMORY_SIZE, MEMORY_BYTES);
    return device;
}

static void write_program(struct qm_device *device, const struct qm_insn *insns, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t words[QM_INSN_WORDS];
        cr_assert(qm_insn_pack(&insns[i], words, &diag) == QM_OK, "%s", diag.text);
        device->ops->write_memory(device, (uint64_t)i * QM_INSN_BYTES, words, sizeof words);
    }
    device->ops->write_csr(device, QM_CSR_PROGRAM_COUNT, count);
}

static void run(struct qm_device *device, uint64_t limit_cycles, struct outcome *outcome) {
    *outcome = (struct outcome){0};
    device->ops->observe(device, keep, outcome);
    device->ops->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    outcome->ended = device->ops->wait(device, limit_cycles);
    outcome->status = device->ops->read_csr(device, QM_CSR_STATUS);
    outcome->cause = device->ops->read_csr(device, QM_CSR_ERROR_CAUSE);
    outcome->index = device->ops->read_csr(device, QM_CSR_ERROR_INDEX);
    for (int i = 0; i < QM_COUNTERS; i++) outcome->counters.value[i] = qm_device_counter(device, (enum qm_counter)i);
}

static void run_on(const struct qm_device_ops *ops, const struct qm_machine *machine, const struct qm_insn *insns, uint32_t count,
                   struct outcome *outcome) {
    struct qm_device *device = open_with(ops, machine);
    write_program(device, insns, count);
    run(device, LIMIT_CYCLES, outcome);
    device->ops->destroy(device);
}

/* A LOAD, a MATMUL, a REQUANTIZE and a STORE that wait for one another. */
static uint32_t chain(const struct qm_machine *machine, struct qm_insn *insns) {
    insns[0] = rig_transfer(QM_LOAD, 64, 3);
    insns[1] = rig_matmul(machine, 5, 7, 4);
    insns[2] = rig_requantize(machine, 5, 4);
    insns[3] = rig_transfer(QM_STORE, 20, 2);
    for (int i = 0; i < 3; i++) {
        insns[i].signal = 1 << qm_opcode_unit(insns[i + 1].opcode);
        insns[i + 1].wait = 1 << qm_opcode_unit(insns[i].opcode);
    }
    insns[0].dram_addr = 1 << 20;
    insns[3].dram_addr = (1 << 20) + 2048;
    return 4;
}

static struct qm_machine small_machine(void) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = machine.cols = 4;
    return machine;
}

static void assert_same_end(const struct outcome *got, const struct outcome *want) {
    cr_assert(eq(u32, got->status, want->status));
    cr_assert(eq(u32, got->cause, want->cause));
    cr_assert(eq(u32, got->index, want->index));
}

Test(timing, events_come_in_the_order_of_the_cycle_engine) {
    struct qm_machine machine = small_machine();
    struct qm_insn insns[4];
    struct outcome want, got;
    uint32_t count = chain(&machine, insns);
    run_on(&qm_device_cycle, &machine, insns, count, &want);
    cr_assert(eq(u32, want.event_count, 2 * count));
    for (int e = 0; e < ENGINES; e++) {
        run_on(engines[e], &machine, insns, count, &got);
        assert_same_end(&got, &want);
        cr_assert(eq(u32, got.event_count, want.event_count));
        for (uint32_t i = 0; i < want.event_count; i++) {
            cr_assert(eq(u64, got.events[i].cycle, want.events[i].cycle));
            cr_assert(got.events[i].kind == want.events[i].kind && got.events[i].unit == want.events[i].unit);
            cr_assert(eq(u32, got.events[i].index, want.events[i].index));
        }
    }
}

Test(timing, a_run_is_over_in_the_cycle_of_the_cycle_engine) {
    struct qm_machine machine = small_machine();
    struct qm_insn insns[4];
    struct outcome whole, early;
    uint32_t count = chain(&machine, insns);
    run_on(&qm_device_cycle, &machine, insns, count, &whole);
    for (int e = 0; e < ENGINES; e++) {
        struct qm_device *device = open_with(engines[e], &machine);
        write_program(device, insns, count);
        run(device, whole.counters.value[QM_C_cycles] - 1, &early);
        cr_assert(not(early.ended));
        cr_assert(early.status & QM_STATUS_BUSY, "not BUSY");
        cr_assert(device->ops->wait(device, 1));
        cr_assert(eq(u64, qm_device_counter(device, QM_C_cycles), whole.counters.value[QM_C_cycles]));
        device->ops->destroy(device);
    }
}

Test(timing, errors_have_the_cause_and_the_place_of_the_cycle_engine) {
    struct qm_machine machine = small_machine();
    struct qm_insn good[4], insns[4];
    struct outcome want, got;
    uint32_t count = chain(&machine, good);
    for (uint32_t way = 0; way < 4; way++) {
        memcpy(insns, good, sizeof insns);
        if (way == 0) insns[2].wait |= 1 << QM_UNIT_STORE; /* deadlock */
        if (way == 1) insns[1].precision = 7;              /* illegal */
        if (way == 2) insns[3].dram_addr = MEMORY_BYTES;   /* beyond the arena */
        if (way == 3) insns[0].wait = 1 << QM_UNIT_LOAD;   /* of the own unit */
        run_on(&qm_device_cycle, &machine, insns, count, &want);
        cr_assert(want.status == QM_STATUS_ERROR, "way %u", way);
        for (int e = 0; e < ENGINES; e++) {
            run_on(engines[e], &machine, insns, count, &got);
            assert_same_end(&got, &want);
            cr_assert(eq(u64, got.counters.value[QM_C_cycles], 0));
        }
    }
}

Test(timing, a_deadlock_before_an_illegal_instruction_is_a_deadlock) {
    struct qm_machine machine = small_machine();
    struct qm_insn insns[40];
    struct outcome want, got;
    for (int i = 0; i < 40; i++) {
        insns[i] = rig_add(4);
        insns[i].wait = 1 << QM_UNIT_LOAD;
    }
    insns[39].out_type = 3;
    run_on(&qm_device_cycle, &machine, insns, 40, &want);
    cr_assert(eq(u32, want.cause, QM_ERROR_DEADLOCK));
    run_on(&qm_device_timing, &machine, insns, 40, &got);
    assert_same_end(&got, &want);
}

Test(timing, nothing_and_a_misplaced_program) {
    struct qm_machine machine = small_machine();
    struct outcome want, got;
    for (uint32_t address = 0; address <= 64; address += 64) {
        struct qm_device *device = open_with(&qm_device_cycle, &machine), *timing = open_with(&qm_device_timing, &machine);
        device->ops->write_csr(device, QM_CSR_PROGRAM_ADDR, address);
        timing->ops->write_csr(timing, QM_CSR_PROGRAM_ADDR, address);
        run(device, LIMIT_CYCLES, &want);
        run(timing, LIMIT_CYCLES, &got);
        assert_same_end(&got, &want);
        cr_assert(address > 0 || got.counters.value[QM_C_cycles] == want.counters.value[QM_C_cycles]);
        device->ops->destroy(device);
        timing->ops->destroy(timing);
    }
}

/* ---- what goes on and on ---- */

/* POOL with the largest window and as many outputs, all of them over one another: 3 x 10^14 cycles on any machine here. */
static struct qm_insn endless_pool(void) {
    struct qm_insn insn = rig_pool(1, 1, 1, 4);
    insn.out_h = insn.out_w = 65535;
    insn.kernel_h = insn.kernel_w = 255;
    insn.out_pitch = insn.out_pixel = 0;
    return insn;
}

static struct qm_insn endless_load(void) {
    struct qm_insn insn = rig_transfer(QM_LOAD, 16, 1);
    insn.row_count = insn.plane_count = 65535;
    insn.dram_row_stride = insn.dram_plane_stride = insn.spad_row_stride = insn.spad_plane_stride = 0;
    return insn;
}

static struct qm_insn endless_matmul(const struct qm_machine *machine) {
    struct qm_insn insn = rig_matmul(machine, 1, 1, 4);
    insn.kernel_h = insn.kernel_w = 255;
    insn.weight_addr = 0;
    insn.run_bytes = 1;
    return insn;
}

static struct qm_insn illegal(void) {
    struct qm_insn insn = rig_add(4);
    insn.out_type = QM_out_type_BITS32;
    return insn;
}

/* All engines end, or not, in so many cycles, and in the same way. */
static void assert_all_alike(const struct qm_insn *insns, uint32_t count, uint64_t limit_cycles, bool ends) {
    struct qm_machine machine = small_machine();
    struct outcome want, got;
    struct qm_device *device = open_with(&qm_device_cycle, &machine);
    write_program(device, insns, count);
    run(device, limit_cycles, &want);
    device->ops->destroy(device);
    cr_assert(eq(int, want.ended, ends));
    for (int e = 0; e < ENGINES; e++) {
        device = open_with(engines[e], &machine);
        write_program(device, insns, count);
        run(device, limit_cycles, &got);
        device->ops->destroy(device);
        cr_assert(eq(int, got.ended, ends));
        if (ends) assert_same_end(&got, &want);
    }
}

Test(timing, what_does_not_end_stays_busy) {
    struct qm_machine machine = small_machine();
    struct qm_insn one[] = {endless_pool()}, load[] = {endless_load()}, chained[] = {endless_pool(), rig_add(4)};
    struct qm_insn five[] = {endless_pool(), endless_pool(), endless_pool(), endless_pool(), endless_pool()};
    struct qm_insn matmul[] = {endless_matmul(&machine), endless_pool()};
    assert_all_alike(one, 1, 100000, false);
    assert_all_alike(load, 1, 100000, false);
    assert_all_alike(chained, 2, 100000, false);
    assert_all_alike(five, 5, 100000, false);
    assert_all_alike(matmul, 2, 100000, false);
}

Test(timing, a_limit_far_beyond_the_first_guess_is_taken) {
    without_values = true;
    struct qm_insn insns[] = {endless_pool(), rig_add(4)};
    insns[0].out_h = insns[0].out_w = 1000;
    insns[0].kernel_h = insns[0].kernel_w = 30; /* 900 million items */
    assert_all_alike(insns, 2, 1000000, false);
    assert_all_alike(insns, 2, 1000000000, true);
}

Test(timing, an_error_comes_before_what_would_have_started_after_it) {
    struct qm_insn pool = rig_pool(3, 3, 2, 4), load = endless_load(), add = endless_pool();
    pool.out_h = 40;
    pool.signal = 1 << QM_UNIT_LOAD;
    load.wait = 1 << QM_UNIT_POST;
    add.wait = 1 << QM_UNIT_MATMUL;
    struct qm_insn waits[] = {pool, load, illegal()}, stuck[] = {add, illegal()}, busy[] = {endless_pool(), illegal()};
    struct qm_insn deadlock[] = {add, add};
    assert_all_alike(waits, 3, 100000, true);
    assert_all_alike(stuck, 2, 100000, true);
    assert_all_alike(deadlock, 2, 100000, true);
    assert_all_alike(busy, 2, 100000, false); /* what has started goes on */
}

/* ---- token counters ---- */

/* 66,000 tokens are given before the first is taken: those beyond 65,535 are lost. `waits` STOREs take one each. */
static void run_full(const struct qm_device_ops *ops, uint32_t waits, struct outcome *outcome) {
    enum { GIVEN = 66000 };
    struct qm_machine machine = small_machine();
    struct qm_insn *insns = calloc(GIVEN + waits, sizeof *insns);
    cr_assert(insns != NULL);
    machine.dram_latency = 1;
    for (uint32_t i = 0; i < GIVEN; i++) {
        insns[i] = rig_add(4);
        insns[i].signal = 1 << QM_UNIT_STORE;
    }
    for (uint32_t i = GIVEN; i < GIVEN + waits; i++) {
        insns[i] = rig_transfer(QM_STORE, 16, 1);
        insns[i].dram_addr = MEMORY_BYTES - 64;
        insns[i].wait = 1 << QM_UNIT_POST;
    }
    run_on(ops, &machine, insns, GIVEN + waits, outcome);
    free(insns);
}

Test(timing, tokens_beyond_a_full_counter_are_lost) {
    struct outcome want, got;
    uint32_t waits[] = {65535, 65990, 66000};
    for (int i = 0; i < 3; i++) {
        run_full(&qm_device_cycle, waits[i], &want);
        run_full(&qm_device_timing, waits[i], &got);
        assert_same_end(&got, &want);
        if (want.cause == QM_ERROR_NONE) cr_assert(eq(u64, got.counters.value[QM_C_cycles], want.counters.value[QM_C_cycles]));
    }
    cr_assert(want.cause == QM_ERROR_DEADLOCK, "tokens were not lost, so that this shows nothing");
}

/* The counter is full, and the post unit gives more than store takes: a token is lost, but not when one is taken in the cycle in which it
 * is given. In the end store takes all that are left, so that the place of the deadlock tells how many were lost. After more tokens it
 * would not: one that is lost too early is one that is not lost later. */
Test(timing, a_token_given_while_one_is_taken_is_not_lost) {
    enum { FULL = 65535, MIXED = 24, INSNS = FULL + 1 + MIXED + FULL + MIXED / 2 };
    struct qm_machine machine = small_machine();
    struct outcome want, got;
    struct qm_insn *insns = calloc(INSNS, sizeof *insns);
    cr_assert(insns != NULL);
    machine.dram_latency = 2; /* so that a STORE takes an odd number of cycles, and an ADD an even one */
    for (uint32_t i = 0; i < INSNS; i++) {
        bool is_mixed = i > FULL && i <= FULL + MIXED, gives = i < FULL || (is_mixed && i % 4 != 0);
        insns[i] = gives ? rig_add(is_mixed ? 4 + 4 * (i % 7) : 4) : rig_transfer(QM_STORE, 16, is_mixed ? 1 + i / 4 % 5 : 1);
        if (!gives) insns[i].dram_addr = MEMORY_BYTES - 4096;
        if (gives) insns[i].signal = 1 << QM_UNIT_STORE;
        if (!gives) insns[i].wait = 1 << QM_UNIT_POST;
    }
    insns[FULL] = rig_transfer(QM_LOAD, 16, 200); /* the first STORE waits until the counter is full */
    insns[FULL].signal = 1 << QM_UNIT_STORE;
    uint32_t first = FULL + 1;
    while (insns[first].opcode != QM_STORE) first++;
    insns[first].wait |= 1 << QM_UNIT_LOAD;
    run_on(&qm_device_cycle, &machine, insns, INSNS, &want);
    run_on(&qm_device_timing, &machine, insns, INSNS, &got);
    cr_assert(want.cause == QM_ERROR_DEADLOCK, "no token was lost: cause %u at %u", want.cause, want.index);
    assert_same_end(&got, &want);
    free(insns);
}

Test(timing, values_are_those_of_the_cycle_engine) {
    struct qm_machine machine = small_machine();
    struct qm_insn insns[4];
    struct outcome want, got;
    static uint8_t before[4096], after[2][4096];
    machine.accumulator_bits = 16;
    uint32_t count = chain(&machine, insns), seed = 7;
    for (size_t i = 0; i < sizeof before; i++) before[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
    const struct qm_device_ops *both[] = {&qm_device_cycle, &qm_device_fast};
    for (int e = 0; e < 2; e++) {
        struct qm_device *device = open_with(both[e], &machine);
        write_program(device, insns, count);
        device->ops->write_memory(device, 1 << 20, before, sizeof before);
        run(device, LIMIT_CYCLES, e == 0 ? &want : &got);
        device->ops->read_memory(device, 1 << 20, after[e], sizeof after[e]);
        device->ops->destroy(device);
    }
    cr_assert(memcmp(after[0], after[1], sizeof after[0]) == 0);
    cr_assert(memcmp(after[0], before, sizeof before) != 0, "the program left everything as it was");
    cr_assert(memcmp(&want.counters, &got.counters, sizeof want.counters) == 0);
}

Test(timing, stalls_and_memories_of_others_are_refused) {
    struct qm_machine machine = small_machine();
    struct qm_device_options options = {.memory_bytes = MEMORY_BYTES, .stalls = 0.1};
    struct qm_device *device;
    for (int e = 0; e < ENGINES; e++) {
        cr_assert(engines[e]->create(&machine, &options, &device, &diag) == QM_BAD_INPUT);
        cr_assert(strstr(diag.text, "knows no stalls") != NULL);
    }
}
