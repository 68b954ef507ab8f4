/* pins.c - the register port and the interrupt of the Verilated machine, by the rules of AXI4-Lite: address and data may come apart, an
 * answer waits for its taker, a byte without its strobe is not written. The driver's engines never make the machine wait,
 * so this is seen here only.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "common/counters.h"
#include "common/csr.h"
#include "common/memory.h"
#include "sim/verilated/rtl.h"
#include "sim/verilated/rtl_library.h"
#include "tests/support/machine_4x4.h"

TestSuite(pins);

enum { LIMIT = 100 };

struct bench {
    struct rtl_library library;
    struct rtl_model *model;
    struct rtl_out out;
};

static const struct rtl_host host = {.no_memory = qm_out_of_memory};

static void bench_init(struct bench *bench) {
    struct qm_machine machine = machine_4x4();
    struct qm_diag diag;
    struct qm_rtl rtl;
    cr_assert(qm_rtl_build(&machine, &(struct qm_rtl_options){0}, &rtl, &diag) == QM_OK, "%s", diag.text);
    cr_assert(rtl_library_open(rtl.library, false, &bench->library, &diag) == QM_OK, "%s", diag.text);
    bench->model = bench->library.create(&host);
}

static void bench_fini(struct bench *bench) {
    bench->library.destroy(bench->model);
    rtl_library_close(&bench->library);
}

static void tick(struct bench *bench, struct rtl_in in) {
    bench->library.tick(bench->model, &in, &bench->out);
}

static void assert_ready(const struct bench *bench, bool write, bool read) {
    cr_assert(eq(u8, bench->out.csr_address_ready, write));
    cr_assert(eq(u8, bench->out.csr_data_ready, write));
    cr_assert(eq(u8, bench->out.csr_read_ready, read));
}

static void write_csr(struct bench *bench, uint16_t offset, uint32_t value) {
    tick(bench, (struct rtl_in){.csr_write = 1, .csr_address = offset, .csr_data = value});
    assert_ready(bench, true, true);
    cr_assert(bench->out.csr_written);
    cr_assert(not(bench->out.csr_error));
}

static uint32_t read_csr(struct bench *bench, uint16_t offset) {
    tick(bench, (struct rtl_in){.csr_read = 1, .csr_address = offset});
    cr_assert(bench->out.csr_read_valid);
    cr_assert(not(bench->out.csr_error));
    return bench->out.csr_read_data;
}

/* The registers whose 32 bits can be written and do nothing by themselves. */
static const uint16_t plain[] = {QM_CSR_PROGRAM_ADDR, QM_CSR_PROGRAM_COUNT, QM_CSR_MEMORY_BASE, QM_CSR_MEMORY_BASE_HI, QM_CSR_MEMORY_SIZE};
enum { PLAIN = sizeof plain / sizeof *plain };

Test(pins, a_byte_is_written_when_its_strobe_says_so) {
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < PLAIN; i++)
        for (unsigned off = 0; off < 16; off++) {
            uint32_t want = 0;
            write_csr(&bench, plain[i], 0x5a6978a5);
            tick(&bench, (struct rtl_in){.csr_write = 1, .csr_address = plain[i], .csr_data = 0xc3f01e2d, .csr_strobe_off = (uint8_t)off});
            for (unsigned byte = 0; byte < 4; byte++) want |= ((off >> byte & 1) != 0 ? 0x5a6978a5u : 0xc3f01e2du) & 0xffu << 8 * byte;
            cr_assert(eq(u32, read_csr(&bench, plain[i]), want), "register 0x%x, without 0x%x", plain[i], off);
        }
    for (uint32_t enable = 0; enable < 2; enable++) {
        write_csr(&bench, QM_CSR_IRQ_ENABLE, enable);
        tick(&bench, (struct rtl_in){.csr_write = 1, .csr_address = QM_CSR_IRQ_ENABLE, .csr_data = !enable, .csr_strobe_off = 1});
        cr_assert(eq(u32, read_csr(&bench, QM_CSR_IRQ_ENABLE), enable));
    }
    tick(&bench, (struct rtl_in){.csr_write = 1, .csr_address = QM_CSR_CONTROL, .csr_data = QM_CONTROL_START, .csr_strobe_off = 1});
    cr_assert(not(bench.out.busy));
    bench_fini(&bench);
}

Test(pins, a_write_needs_address_and_data) {
    struct bench bench;
    bench_init(&bench);
    for (int half = 0; half < 2; half++) {
        struct rtl_in in = {
            .csr_write = 1, .csr_address = QM_CSR_MEMORY_SIZE, .csr_data = 123, .csr_no_address = half == 0, .csr_no_data = half == 1};
        tick(&bench, in);
        assert_ready(&bench, false, true);
        cr_assert(not(bench.out.csr_written));
        cr_assert(eq(u32, read_csr(&bench, QM_CSR_MEMORY_SIZE), 0));
    }
    bench_fini(&bench);
}

/* A response that nobody takes stays, and no other write is accepted before it is gone. */
Test(pins, a_response_waits_for_its_taker) {
    struct bench bench;
    bench_init(&bench);
    const struct rtl_in wait = {.csr_not_ready = 1};
    struct rtl_in other = {.csr_write = 1, .csr_address = QM_CSR_MEMORY_SIZE, .csr_data = 9, .csr_not_ready = 1};
    tick(&bench, (struct rtl_in){0});
    cr_assert(not(bench.out.csr_written));
    write_csr(&bench, QM_CSR_MEMORY_SIZE, 5);
    tick(&bench, wait);
    cr_assert(bench.out.csr_written);
    tick(&bench, other);
    assert_ready(&bench, false, true);
    cr_assert(bench.out.csr_written);
    cr_assert(eq(u32, read_csr(&bench, QM_CSR_MEMORY_SIZE), 5));
    cr_assert(not(bench.out.csr_written));
    tick(&bench, other); /* nothing waits: accepted, ready or not */
    cr_assert(bench.out.csr_written);
    tick(&bench, (struct rtl_in){0});
    cr_assert(not(bench.out.csr_written));
    cr_assert(eq(u32, read_csr(&bench, QM_CSR_MEMORY_SIZE), 9));
    bench_fini(&bench);
}

Test(pins, read_data_wait_for_their_taker) {
    struct bench bench;
    bench_init(&bench);
    write_csr(&bench, QM_CSR_MEMORY_SIZE, 5);
    write_csr(&bench, QM_CSR_MEMORY_BASE, 7);
    cr_assert(eq(u32, read_csr(&bench, QM_CSR_MEMORY_SIZE), 5));
    tick(&bench, (struct rtl_in){.csr_not_ready = 1});
    cr_assert(bench.out.csr_read_valid);
    tick(&bench, (struct rtl_in){.csr_read = 1, .csr_address = QM_CSR_MEMORY_BASE, .csr_not_ready = 1});
    assert_ready(&bench, false, false);
    cr_assert(bench.out.csr_read_valid);
    cr_assert(eq(u32, bench.out.csr_read_data, 5));
    tick(&bench, (struct rtl_in){0});
    cr_assert(not(bench.out.csr_read_valid));
    tick(&bench, (struct rtl_in){.csr_read = 1, .csr_address = QM_CSR_MEMORY_BASE, .csr_not_ready = 1});
    cr_assert(bench.out.csr_read_valid);
    cr_assert(eq(u32, bench.out.csr_read_data, 7));
    bench_fini(&bench);
}

Test(pins, a_reset_takes_back_answers_and_registers) {
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < PLAIN; i++) write_csr(&bench, plain[i], ~0u);
    write_csr(&bench, QM_CSR_IRQ_ENABLE, 1);
    tick(&bench, (struct rtl_in){.csr_write = 1, .csr_read = 1, .csr_address = QM_CSR_IRQ_ENABLE, .csr_data = 1, .csr_not_ready = 1});
    cr_assert(bench.out.csr_written);
    cr_assert(bench.out.csr_read_valid);
    bench.library.reset(bench.model);
    tick(&bench, (struct rtl_in){.csr_not_ready = 1});
    cr_assert(not(bench.out.csr_written));
    cr_assert(not(bench.out.csr_read_valid));
    for (size_t i = 0; i < qm_csr_count; i++)
        if (qm_csrs[i].offset != QM_CSR_FINGERPRINT)
            cr_assert(eq(u32, read_csr(&bench, (uint16_t)qm_csrs[i].offset), qm_csrs[i].reset), "%s", qm_csrs[i].name);
    bench_fini(&bench);
}

/* An empty program is DONE, one behind the end of the memory is an ERROR. */
static void run(struct bench *bench, uint32_t count) {
    write_csr(bench, QM_CSR_PROGRAM_COUNT, count);
    write_csr(bench, QM_CSR_CONTROL, QM_CONTROL_START);
    cr_assert(bench->out.busy);
    cr_assert(not(bench->out.irq));
    for (int i = 0; i < LIMIT && bench->out.busy; i++) tick(bench, (struct rtl_in){0});
    cr_assert(not(bench->out.busy));
}

Test(pins, the_interrupt_follows_done_and_error_while_it_is_enabled) {
    struct bench bench;
    bench_init(&bench);
    for (uint32_t count = 0; count < 2; count++) {
        write_csr(&bench, QM_CSR_IRQ_ENABLE, 0);
        run(&bench, count);
        cr_assert(not(bench.out.irq));
        cr_assert(eq(u32, read_csr(&bench, QM_CSR_STATUS), count == 0 ? QM_STATUS_DONE : QM_STATUS_ERROR));
        write_csr(&bench, QM_CSR_IRQ_ENABLE, 1);
        cr_assert(bench.out.irq);
        run(&bench, count);
        cr_assert(bench.out.irq);
    }
    bench.library.reset(bench.model);
    tick(&bench, (struct rtl_in){0});
    cr_assert(not(bench.out.irq));
    bench_fini(&bench);
}

Test(pins, an_offset_without_a_register_reads_as_zero_and_keeps_nothing) {
    struct bench bench;
    bench_init(&bench);
    for (int i = 0; i < PLAIN; i++) write_csr(&bench, plain[i], 0x11111111u * (uint32_t)(i + 1));
    write_csr(&bench, QM_CSR_COUNTERS + 8 * QM_COUNTERS, ~0u);
    cr_assert(eq(u32, read_csr(&bench, QM_CSR_COUNTERS + 8 * QM_COUNTERS), 0));
    cr_assert(eq(u32, read_csr(&bench, QM_CSR_COUNTERS - 4), 0));
    for (int i = 0; i < PLAIN; i++) cr_assert(eq(u32, read_csr(&bench, plain[i]), 0x11111111u * (uint32_t)(i + 1)));
    bench_fini(&bench);
}
