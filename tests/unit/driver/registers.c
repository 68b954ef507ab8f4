/* registers.c - the driver on a mock: which registers it touches, in which order, and what it makes of every answer, also of those that
 * only broken hardware gives: interrupts that are lost or come from somebody else, a device that never ends, does not start,
 * or is not there. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver.h"
#include "tests/unit/driver/copy_program.h"
#include "tests/unit/driver/mock.h"

TestSuite(driver_registers);

enum { SLICE = 50000 };
static const uint64_t BASE = 0x80000000u;

static struct qm_diag diag;

#define START                                                                                                                              \
    {MOCK_WRITE, QM_CSR_PROGRAM_ADDR, 0}, {MOCK_WRITE, QM_CSR_PROGRAM_COUNT, 2}, {                                                         \
        MOCK_WRITE, QM_CSR_CONTROL, QM_CONTROL_START                                                                                       \
    }
#define LENGTH(array) (sizeof(array) / sizeof *(array))

static uint64_t given_up_at; /* cycles; 0: never */

static bool count_progress(void *context, uint64_t cycles) {
    *(uint64_t *)context = cycles;
    return cycles != given_up_at;
}

/* Runs the program by the script, all of which must be used; a limit of 0 is the driver's own.
 * Returns the cycles that progress has told. */
static uint64_t run_script(const struct mock_access *script, size_t count, uint64_t limit_cycles, enum qm_status want) {
    struct qm_program *program = copy_program_create();
    uint64_t seen = 0;
    struct qm_driver_options options = {.limit_cycles = limit_cycles, .progress = count_progress, .context = &seen};
    struct mock mock;
    mock_init(&mock, script, count);
    enum qm_status status = qm_driver_run(&mock.device, program, &options, NULL, &diag);
    cr_assert(status == want, "status %d: %s", status, status != QM_OK ? diag.text : "");
    mock_check_done(&mock);
    qm_program_destroy(program);
    return seen;
}

static void expect_text(const char *text) {
    cr_assert(strstr(diag.text, text) != NULL, "'%s' is not in: %s", text, diag.text);
}

Test(driver_registers, loading_says_where_the_arena_is_before_anything_is_written_to_it) {
    struct qm_program *program = copy_program_create();
    program->code_offset = 512;
    program->image_offset = 1024;
    program->image_bytes = 100;
    program->image = calloc(1, 100);
    const uint64_t base = 0x1240000000u;
    const struct mock_access script[] = {
        {MOCK_READ, QM_CSR_FINGERPRINT, qm_machine_fingerprint(&program->machine)},
        {MOCK_WRITE, QM_CSR_MEMORY_BASE, 0x40000000},
        {MOCK_WRITE, QM_CSR_MEMORY_BASE_HI, 0x12},
        {MOCK_WRITE, QM_CSR_MEMORY_SIZE, ARENA},
        {MOCK_READ, QM_CSR_MEMORY_BASE_HI, 0x12},
        {MOCK_READ, QM_CSR_MEMORY_BASE, 0x40000000},
        {MOCK_WRITE_MEMORY, base + 512, QM_INSN_BYTES},
        {MOCK_WRITE_MEMORY, base + 512 + QM_INSN_BYTES, QM_INSN_BYTES},
        {MOCK_WRITE_MEMORY, base + 1024, 100},
    };
    struct mock mock;
    mock_init(&mock, script, LENGTH(script));
    cr_assert(qm_driver_load_at(&mock.device, program, base, &diag) == QM_OK, "%s", diag.text);
    mock_check_done(&mock);
    free(program->image);
    qm_program_destroy(program);
}

Test(driver_registers, a_device_with_another_fingerprint_is_left_alone) {
    struct qm_program *program = copy_program_create();
    const uint32_t others[] = {qm_machine_fingerprint(&program->machine) ^ 1, 0, 0xffffffff};
    for (size_t i = 0; i < LENGTH(others); i++) {
        const struct mock_access script[] = {{MOCK_READ, QM_CSR_FINGERPRINT, others[i]}};
        struct mock mock;
        mock_init(&mock, script, LENGTH(script));
        cr_assert(eq(int, qm_driver_load(&mock.device, program, &diag), QM_BAD_INPUT));
        expect_text("compile it again");
        mock_check_done(&mock);
    }
    qm_program_destroy(program);
}

Test(driver_registers, tensors_are_where_the_device_says_that_its_arena_is) {
    struct qm_program *program = copy_program_create();
    int8_t data[BYTES] = {0};
    const struct mock_access script[] = {
        {MOCK_READ, QM_CSR_MEMORY_BASE_HI, 0}, {MOCK_READ, QM_CSR_MEMORY_BASE, (uint32_t)BASE},
        {MOCK_WRITE_MEMORY, BASE + IN, BYTES}, {MOCK_READ, QM_CSR_MEMORY_BASE_HI, 1},
        {MOCK_READ, QM_CSR_MEMORY_BASE, 4096}, {MOCK_READ_MEMORY, 0x100001000 + OUT, BYTES},
    };
    struct mock mock;
    mock_init(&mock, script, LENGTH(script));
    qm_driver_write_tensor(&mock.device, program, 0, data);
    qm_driver_read_tensor(&mock.device, program, 1, data);
    mock_check_done(&mock);
    qm_program_destroy(program);
}

Test(driver_registers, a_run_is_three_writes_a_wait_and_the_status) {
    const struct mock_access script[] = {
        START,
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
    };
    cr_assert(eq(u64, run_script(script, LENGTH(script), 0, QM_OK), 0));
}

Test(driver_registers, a_long_run_is_waited_for_in_slices) {
    const struct mock_access script[] = {
        START,
        {MOCK_WAIT, SLICE, 0},
        {MOCK_WAIT, SLICE, 0},
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
    };
    cr_assert(eq(u64, run_script(script, LENGTH(script), 0, QM_OK), 2 * SLICE));
}

Test(driver_registers, a_lost_interrupt_costs_time_and_nothing_else) {
    const struct mock_access done[] = {
        START,
        {MOCK_WAIT, SLICE, 0},
        {MOCK_WAIT, 30000, 0},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
    };
    run_script(done, LENGTH(done), 80000, QM_OK);
    const struct mock_access failed[] = {
        START,
        {MOCK_WAIT, SLICE, 0},
        {MOCK_WAIT, 30000, 0},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_ERROR},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_ERROR},
        {MOCK_READ, QM_CSR_ERROR_CAUSE, QM_ERROR_BUS},
        {MOCK_READ, QM_CSR_ERROR_INDEX, 1},
    };
    run_script(failed, LENGTH(failed), 80000, QM_BAD_INPUT);
    expect_text("copy:instruction 1: the machine stopped with BUS");
}

Test(driver_registers, an_interrupt_of_somebody_else_does_not_end_the_run) {
    const struct mock_access script[] = {
        START,
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_BUSY},
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
    };
    run_script(script, LENGTH(script), 0, QM_OK);
}

Test(driver_registers, a_device_that_never_ends_runs_into_the_limit_to_the_cycle) {
    /* also when nothing answers on the bus, and every bit reads as one */
    const uint32_t answers[] = {QM_STATUS_BUSY, 0xffffffff};
    for (size_t i = 0; i < LENGTH(answers); i++) {
        const struct mock_access script[] = {
            START, {MOCK_WAIT, SLICE, 0}, {MOCK_WAIT, SLICE, 0}, {MOCK_WAIT, 23456, 0}, {MOCK_READ, QM_CSR_STATUS, answers[i]},
        };
        cr_assert(eq(u64, run_script(script, LENGTH(script), 123456, QM_BAD_INPUT), 123456));
        expect_text("copy:instruction 0: the step from here on is still busy after 123456 cycles, the limit that was given");
    }
}

Test(driver_registers, the_limit_of_its_own_is_at_least_a_million_cycles) {
    enum { SLICES = 20 };
    struct mock_access script[3 + SLICES + 2] = {START};
    for (size_t i = 3; i < 3 + SLICES; i++) script[i] = (struct mock_access){MOCK_WAIT, SLICE, i == 2 + SLICES};
    script[3 + SLICES] = script[4 + SLICES] = (struct mock_access){MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE};
    cr_assert(eq(u64, run_script(script, LENGTH(script), 0, QM_OK), (SLICES - 1) * SLICE));
}

Test(driver_registers, a_wait_that_nobody_wants_any_more_is_given_up) {
    const struct mock_access script[] = {
        START, {MOCK_WAIT, SLICE, 0}, {MOCK_WAIT, SLICE, 0}, {MOCK_WAIT, SLICE, 0}, {MOCK_READ, QM_CSR_STATUS, QM_STATUS_BUSY},
    };
    given_up_at = 3 * SLICE;
    cr_assert(eq(u64, run_script(script, LENGTH(script), UINT64_MAX, QM_BAD_INPUT), given_up_at));
}

Test(driver_registers, a_start_without_effect_is_told) {
    const struct mock_access script[] = {
        START,
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, 0},
        {MOCK_READ, QM_CSR_STATUS, 0},
    };
    run_script(script, LENGTH(script), 0, QM_INTERNAL);
    expect_text("neither BUSY nor DONE (STATUS is 0)");
}

Test(driver_registers, every_error_is_told_with_its_cause_and_its_instruction) {
    const struct {
        uint32_t cause, index;
        const char *text;
    } cases[] = {
        {QM_ERROR_ILLEGAL, 0, "instruction 0: the machine stopped with ILLEGAL"},
        {QM_ERROR_UNSUPPORTED, 1, "instruction 1: the machine stopped with UNSUPPORTED"},
        {QM_ERROR_SCRATCHPAD, 1, "SCRATCHPAD (an operand leaves the scratchpad) at: STORE wait=load dram_addr=0x2000"},
        {QM_ERROR_ACCUMULATOR, 0, "ACCUMULATOR"},
        {QM_ERROR_MEMORY, 0, "MEMORY"},
        {QM_ERROR_BUS, 0, "BUS (the memory answered with an error) at: LOAD signal=store dram_addr=0x1000"},
        {QM_ERROR_DEADLOCK, 2, "instruction 2: the machine stopped with DEADLOCK"},
        {QM_ERROR_DEADLOCK, 2, "at: behind the last instruction"},
        {99, 0xffffffff, "an unknown error (no such cause) at: behind the last instruction"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const struct mock_access script[] = {
            START,
            {MOCK_WAIT, SLICE, 1},
            {MOCK_READ, QM_CSR_STATUS, QM_STATUS_ERROR},
            {MOCK_READ, QM_CSR_STATUS, QM_STATUS_ERROR},
            {MOCK_READ, QM_CSR_ERROR_CAUSE, cases[i].cause},
            {MOCK_READ, QM_CSR_ERROR_INDEX, cases[i].index},
        };
        run_script(script, LENGTH(script), 0, QM_BAD_INPUT);
        expect_text(cases[i].text);
    }
}

Test(driver_registers, a_failed_stage_is_the_last) {
    const struct mock_access script[] = {
        START,
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_ERROR},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_ERROR},
        {MOCK_READ, QM_CSR_ERROR_CAUSE, QM_ERROR_BUS},
        {MOCK_READ, QM_CSR_ERROR_INDEX, 0},
    };
    struct qm_program *program = copy_program_create();
    program->stage_count = 2;
    program->stages[1] = program->stages[0];
    struct mock mock;
    mock_init(&mock, script, LENGTH(script));
    cr_assert(eq(int, qm_driver_run(&mock.device, program, NULL, NULL, &diag), QM_BAD_INPUT));
    mock_check_done(&mock);
    qm_program_destroy(program);
}

Test(driver_registers, counters_have_64_bits) {
    struct mock_access script[6 + 2 * QM_COUNTERS] = {
        START,
        {MOCK_WAIT, SLICE, 1},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
        {MOCK_READ, QM_CSR_STATUS, QM_STATUS_DONE},
    };
    for (uint32_t i = 0; i < 2 * QM_COUNTERS; i++)
        script[6 + i] = (struct mock_access){MOCK_READ, QM_CSR_COUNTERS + 4 * i, i % 2 == 0 ? 0xfffffff0u + i / 2 % 8 : i};
    struct qm_program *program = copy_program_create();
    struct qm_arena *arena = qm_arena_create();
    struct qm_run *run = qm_run_create(program, arena);
    struct mock mock;
    mock_init(&mock, script, LENGTH(script));
    cr_assert(qm_driver_run(&mock.device, program, NULL, run, &diag) == QM_OK, "%s", diag.text);
    mock_check_done(&mock);
    for (uint64_t i = 0; i < QM_COUNTERS; i++) cr_assert(eq(u64, run->counters[0].value[i], (2 * i + 1) << 32 | (0xfffffff0u + i % 8)));
    qm_arena_destroy(arena);
    qm_program_destroy(program);
}
