/* matmul_sweep.c - measured cycles of single MATMULs beside the closed form of docs/machine.md; exits 1 when any differs.
 *
 *   build/matmul_sweep [cycle|rtl]
 * The formula is typed here from the document, not taken from the compiler's cost model.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/device.h"

struct sweep_case {
    uint32_t rows, cols;
    int64_t m, k, n;
};

struct span {
    uint64_t start, end;
};

static void note(void *context, const struct qm_event *event) {
    struct span *span = context;
    if (event->kind == QM_EVENT_START) span->start = event->cycle;
    if (event->kind == QM_EVENT_END) span->end = event->cycle;
}

static int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* An M x K times K x N product: M positions of a map with rows of K bytes. */
static struct qm_insn matmul(const struct sweep_case *c) {
    return (struct qm_insn){
        .opcode = QM_MATMUL,
        .in_pitch = c->k,
        .in_row_bytes = c->k,
        .in_rows = c->m,
        .out_w = 1,
        .out_h = c->m,
        .kernel_h = 1,
        .kernel_w = 1,
        .y_stride = 1,
        .run_bytes = c->k,
        .channels = c->n,
        .tiles = ceil_div(c->n, c->cols),
        .weight_addr = 1 << 17,
    };
}

/* docs/machine.md, Closed forms: from the start to the commit of the last row. */
static int64_t formula(const struct sweep_case *c) {
    int64_t weight_rows = c->k < c->rows ? c->k : c->rows;
    int64_t steps = ceil_div(c->n, c->cols) * ceil_div(c->k, c->rows);
    int64_t drain = c->rows + c->cols;
    return c->m >= weight_rows ? weight_rows + steps * c->m + drain : steps * weight_rows + c->m + drain;
}

static struct qm_machine machine_of(const struct sweep_case *c) {
    struct qm_machine machine;
    qm_machine_init(&machine);
    machine.rows = c->rows;
    machine.cols = c->cols;
    machine.scratchpad_bytes = 1 << 18;
    machine.accumulator_rows = 1 << 14;
    return machine;
}

static int64_t measure(const struct qm_device_ops *engine, const struct sweep_case *c) {
    struct qm_machine machine = machine_of(c);
    struct qm_device_options options = {.memory_bytes = 4096};
    struct qm_device *device;
    struct qm_diag diag;
    uint32_t words[QM_INSN_WORDS];
    struct qm_insn insn = matmul(c);
    struct span span = {0, 0};
    if (engine->create(&machine, &options, &device, &diag) != QM_OK || qm_insn_pack(&insn, words, &diag) != QM_OK) {
        fprintf(stderr, "matmul_sweep: %s\n", diag.text);
        exit(3);
    }
    engine->observe(device, note, &span);
    engine->write_memory(device, 0, words, sizeof words);
    engine->write_csr(device, QM_CSR_PROGRAM_COUNT, 1);
    engine->write_csr(device, QM_CSR_MEMORY_SIZE, 4096);
    engine->write_csr(device, QM_CSR_CONTROL, QM_CONTROL_START);
    QM_CHECK(engine->wait(device, 1000000) && engine->read_csr(device, QM_CSR_STATUS) == QM_STATUS_DONE);
    engine->destroy(device);
    return (int64_t)(span.end - span.start);
}

static int run(const struct qm_device_ops *engine, const uint32_t (*arrays)[2], size_t array_count) {
    static const int64_t ms[] = {1, 3, 16, 49, 256}, ns[] = {1, 10, 16, 64};
    int differences = 0, cases = 0;
    printf("%5s %5s %5s %5s %5s %10s %10s %6s\n", "rows", "cols", "M", "K", "N", "measured", "formula", "diff");
    for (size_t a = 0; a < array_count; a++)
        for (int factor = 0; factor < 4; factor++) /* K = 1, R, 2R, 5R: the regime of equal steps */
            for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
                for (size_t j = 0; j < sizeof ns / sizeof *ns; j++, cases++) {
                    static const int64_t factors[] = {0, 1, 2, 5};
                    int64_t k = factor == 0 ? 1 : factors[factor] * arrays[a][0];
                    struct sweep_case c = {arrays[a][0], arrays[a][1], ms[i], k, ns[j]};
                    int64_t got = measure(engine, &c), want = formula(&c);
                    printf("%5u %5u %5" PRId64 " %5" PRId64 " %5" PRId64 " %10" PRId64 " %10" PRId64 " %6" PRId64 "\n", c.rows, c.cols, c.m,
                           c.k, c.n, got, want, got - want);
                    differences += got != want;
                }
    printf("%d cases on engine %s, %d differ from the closed form\n", cases, engine->name, differences);
    return differences != 0;
}

int main(int argc, char **argv) {
    static const uint32_t arrays[][2] = {{1, 1}, {3, 5}, {4, 4}, {8, 16}, {16, 8}, {16, 16}, {32, 32}, {64, 16}};
    static const uint32_t rtl_arrays[][2] = {{4, 4}};
    if (argc > 1 && strcmp(argv[1], "rtl") == 0) return run(&qm_device_rtl, rtl_arrays, 1);
    return run(&qm_device_cycle, arrays, sizeof arrays / sizeof *arrays);
}
