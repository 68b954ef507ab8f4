/* precisions.c - see precisions.h. One run of each on the cycle engine; values do not change what it costs. */
#include "tools/bench/precisions.h"

#include <stdio.h>

#include "driver/driver.h"
#include "sim/report/report.h"

struct figures {
    double cycles, utilization, dram_bytes, energy_pj;
};

struct bench {
    const struct qm_graph *graph;
    const struct qm_machine *machine;
    struct qm_arena *arena;
    struct qm_energy_table *energy;
    struct qm_diag *diag;
};

static enum qm_status compile(const struct bench *b, const char *precision, struct qm_program **program) {
    struct qm_compile_options options = {.rounding = QM_rounding_TFLITE, .precision = precision};
    struct qm_network *network;
    QM_TRY(qm_legalize(b->graph, options.rounding, b->arena, &network, b->diag));
    QM_TRY(qm_narrow(network, precision, b->arena, b->diag));
    return qm_plan(network, b->machine, &options, program, b->diag);
}

static enum qm_status run(const struct bench *b, const struct qm_program *program, struct qm_run *run) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    qm_driver_memory(program, &options);
    QM_TRY(qm_device_cycle.create(b->machine, &options, &device, b->diag));
    enum qm_status status = qm_driver_load(device, program, b->diag);
    if (status == QM_OK) status = qm_driver_run(device, program, NULL, run, b->diag);
    device->ops->destroy(device);
    return status;
}

static enum qm_status measure(const struct bench *b, const struct qm_program *program, struct figures *figures) {
    struct qm_run *times = qm_run_create(program, b->arena);
    struct qm_report_source source = {.program = program, .machine = b->machine, .run = times, .energy = b->energy, .engine = "cycle"};
    struct qm_report *report;
    QM_TRY(run(b, program, times));
    QM_TRY(qm_report_make(&source, b->arena, &report, b->diag));
    const struct qm_report_part *total = &report->total;
    figures->cycles = (double)total->counters.value[QM_C_cycles];
    figures->utilization = qm_report_utilization(report, total);
    figures->dram_bytes = (double)(qm_report_read_bytes(report, total) + qm_report_write_bytes(report, total));
    figures->energy_pj = total->energy.total.value_pj;
    return QM_OK;
}

static void print(const char *precision, const struct figures *f, const struct figures *base) {
    printf("  %s  %12.0f cycles (%.2f), utilization %5.1f %%, DRAM %10.0f B (%.2f), energy %9.2f uJ (%.2f)\n", precision, f->cycles,
           f->cycles / base->cycles, 100 * f->utilization, f->dram_bytes, f->dram_bytes / base->dram_bytes, 1e-6 * f->energy_pj,
           f->energy_pj / base->energy_pj);
}

static enum qm_status measure_all(const struct bench *b) {
    static const char *const precisions[] = {"w8a8", "w4a8", "w4a4"};
    struct figures figures[3];
    for (int i = 0; i < 3; i++) {
        struct qm_program *program;
        QM_TRY(compile(b, precisions[i], &program));
        enum qm_status status = measure(b, program, &figures[i]);
        qm_program_destroy(program);
        QM_TRY(status);
        print(precisions[i], &figures[i], &figures[0]);
    }
    return QM_OK;
}

enum qm_status qm_bench_precisions(const struct qm_graph *graph, const struct qm_machine *machine, struct qm_diag *diag) {
    struct bench b = {.graph = graph, .machine = machine, .arena = qm_arena_create(), .diag = diag};
    enum qm_status status = qm_energy_load("cmos45", b.arena, &b.energy, diag);
    if (status == QM_OK) status = measure_all(&b);
    qm_arena_destroy(b.arena);
    return status;
}
