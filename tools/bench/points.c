/* points.c - runs points as qmac explore does, in a process that a pool forks: what it had before, the network among it, it shares with its
 * parent. Before the fork the parent gives back what is free, so that a point finds no memory that somebody else has used.
 */
#include "tools/bench/points.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/program_work.h"
#include "explore/explore.h"
#include "sim/timing/timing.h"
#include "tools/bench/resnet50.h"

enum { RUNS_MIN = 3, RUNS_MAX = 25 };
static const double enough_seconds = 1;

/* Shared with the process that measures. */
struct job {
    const struct qm_network *network;
    const struct qm_machine *machine;
    struct qm_compile_options options;
    enum qm_status status;
    struct qm_diag diag;
    struct qm_bench_point point;
};

static double least(double a, double b) {
    return a < b ? a : b;
}

/* A figure of this process in MiB: VmRSS, what is resident; VmHWM, the most that was. */
static double resident_mib(const char *name) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256], format[32];
    double kib = 0;
    QM_CHECK(file != NULL);
    snprintf(format, sizeof format, "%s: %%lf kB", name);
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, format, &kib) == 1) break;
    fclose(file);
    return kib / 1024;
}

static enum qm_status run_point(struct job *job, const struct qm_energy_table *energy) {
    struct point point = {.state = POINT_WAITS};
    double start = qm_seconds();
    point_run(job->network, &job->options, energy, job->machine, &point);
    job->point.seconds = least(job->point.seconds, qm_seconds() - start);
    return point.state == POINT_OK ? QM_OK : qm_fail(&job->diag, QM_INTERNAL, "%.900s", point.why.text);
}

static void find_times(const struct job *job, const struct qm_program *program, struct qm_insn_time *times) {
    for (uint32_t i = 0; i < program->stage_count; i++) {
        const struct qm_program_stage *stage = &program->stages[i];
        if (stage->on_host) continue;
        struct qm_counters events = qm_program_work_of_stage(program, i);
        struct qm_timing_records records = {program->work->records + stage->first_insn, stage->insn_count, &events, job->machine};
        struct qm_timing_result result;
        qm_timing_records(&records, times, &result);
    }
}

static enum qm_status run_parts(struct job *job) {
    struct qm_program *program;
    double start = qm_seconds();
    QM_TRY(qm_compile_network(job->network, job->machine, &job->options, &program, &job->diag));
    job->point.plan_seconds = least(job->point.plan_seconds, qm_seconds() - start);
    struct qm_insn_time *times = qm_alloc((program->insn_count + 1) * sizeof *times);
    start = qm_seconds();
    find_times(job, program, times);
    job->point.time_seconds = least(job->point.time_seconds, qm_seconds() - start);
    job->point.layers = program->layer_count;
    job->point.insns = program->insn_count;
    free(times);
    qm_program_destroy(program);
    return QM_OK;
}

static enum qm_status measure(struct job *job, struct qm_arena *arena) {
    struct qm_energy_table *energy;
    QM_TRY(qm_energy_load("cmos45", arena, &energy, &job->diag));
    double before = resident_mib("VmRSS");
    double start = qm_seconds();
    for (int i = 0; i < RUNS_MIN || (i < RUNS_MAX && qm_seconds() - start < enough_seconds); i++) {
        QM_TRY(run_point(job, energy));
        if (i == 0) job->point.peak_mib = resident_mib("VmHWM") - before;
        QM_TRY(run_parts(job));
    }
    return QM_OK;
}

static void work(void *context, uint64_t task) {
    struct job *job = context;
    struct qm_arena *arena = qm_arena_create();
    (void)task;
    job->status = measure(job, arena);
    qm_arena_destroy(arena);
}

static enum qm_status go_on(void *context, uint64_t task, uint64_t done, struct qm_diag *diag) {
    (void)context, (void)task, (void)done, (void)diag;
    return QM_OK;
}

enum qm_status qm_bench_point(const struct qm_network *network, const struct qm_machine *machine, enum qm_search search,
                              struct qm_bench_point *point, struct qm_diag *diag) {
    struct job *job = qm_alloc_shared(sizeof *job);
    *job = (struct job){.network = network,
                        .machine = machine,
                        .options = {.search = search, .plan_only = true},
                        .status = QM_INTERNAL,
                        .diag = {"the process of a point died"},
                        .point = {.seconds = 1e30, .plan_seconds = 1e30, .time_seconds = 1e30}};
    malloc_trim(0);
    int signal;
    enum qm_status status = pool_run(&(struct pool){.count = 1, .jobs = 1, .work = work, .done = go_on, .context = job}, &signal, diag);
    if (status == QM_OK && job->status != QM_OK) status = qm_fail(diag, job->status, "%s", job->diag.text);
    *point = job->point;
    qm_free_shared(job, sizeof *job);
    return status;
}

/* ---- the table ---- */

static enum qm_status print_search(const char *name, const struct qm_network *network, const struct qm_machine *machine,
                                   enum qm_search search, struct qm_diag *diag) {
    struct qm_bench_point p;
    QM_TRY(qm_bench_point(network, machine, search, &p, diag));
    printf("  %-14s %-7s %-6s %6u %12u %8.3f ms %10.2f us %7.3f ms %8.3f ms %9.1f MiB\n", name, machine->name, qm_search_name(search),
           p.layers, p.insns, 1e3 * p.plan_seconds, 1e6 * p.plan_seconds / p.layers, 1e3 * p.time_seconds, 1e3 * p.seconds, p.peak_mib);
    return QM_OK;
}

static enum qm_status print_graph(const char *name, const struct qm_graph *graph, const char *machine_name, struct qm_arena *arena,
                                  struct qm_diag *diag) {
    struct qm_network *network;
    struct qm_machine machine;
    QM_TRY(qm_machine_load(machine_name, &machine, diag));
    QM_TRY(qm_legalize(graph, NULL, arena, &network, diag));
    QM_TRY(qm_narrow(network, NULL, arena, diag));
    QM_TRY(print_search(name, network, &machine, QM_SEARCH_NONE, diag));
    QM_TRY(print_search(name, network, &machine, QM_SEARCH_LAYERS, diag));
    return print_search(name, network, &machine, QM_SEARCH_PLANS, diag);
}

static enum qm_status print_file(const char *name, const char *data, const char *file, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph;
    enum qm_status status = qm_model_read(qm_arena_printf(arena, "%s/%s", data, file), NULL, arena, &graph, diag);
    if (status == QM_OK) status = print_graph(name, graph, "edge", arena, diag);
    qm_arena_destroy(arena);
    return status;
}

static enum qm_status print_files(const char *data, struct qm_diag *diag) {
    QM_TRY(print_file("DS-CNN, KWS", data, "mlcommons-tiny/models/ds_cnn_kws_int8.tflite", diag));
    QM_TRY(print_file("resnet8", data, "mlcommons-tiny/models/resnet8_cifar10_int8.tflite", diag));
    return print_file("MobileNetV2", data, "google-coral-test_data/models/tf2_mobilenet_v2_1.0_224_ptq.tflite", diag);
}

static enum qm_status print_generated(struct qm_arena *arena, struct qm_diag *diag) {
    enum { SHORT_BLOCKS = 25, LONG_BLOCKS = 250 };
    const struct qm_graph *graph = qm_bench_resnet50(arena, 1);
    QM_TRY(print_graph("ResNet-50", graph, "edge", arena, diag));
    QM_TRY(print_graph("ResNet-50", graph, "m32x32", arena, diag));
    QM_TRY(print_graph("100 layers", qm_bench_blocks(arena, SHORT_BLOCKS, 1), "m32x32", arena, diag));
    return print_graph("1,000 layers", qm_bench_blocks(arena, LONG_BLOCKS, 1), "m32x32", arena, diag);
}

enum qm_status qm_bench_points(const char *data, struct qm_diag *diag) {
    printf("a point of qmac explore: planned, its exact time and counters, all of it; by how much the process grew\n");
    printf("  network        machine search layers instructions        plan  plan a layer       time       point     memory\n");
    if (data != NULL)
        QM_TRY(print_files(data, diag));
    else
        printf("  KWS, resnet8 and MobileNetV2: skipped, QMAC_DATA does not name the data folder\n");
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = print_generated(arena, diag);
    qm_arena_destroy(arena);
    return status;
}
