/* bench.c - how fast the engines are and where the time goes. Absolute figures drift with the machine: quote ratios from one run.
 *
 * Prints, for the shipped network, resnet8 (when QMAC_DATA is set) and a ResNet-50-sized network: compile time, the cycle engine with
 * values (skipping and stepping), the functional engine (values without time), the cycle engine without values, the timing engine on a
 * plan and points of qmac explore, the RTL alone, and model and RTL in lockstep; and what each network costs in narrow precisions. Before
 * these, how long the first build of a machine's RTL takes; behind them, points of more networks. `bench values` prints the fast engine's
 * line of the ResNet-50-sized network only, `bench points` the points of many only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/clock.h"
#include "common/prng.h"
#include "common/process.h"
#include "compiler/compiler.h"
#include "driver/driver.h"
#include "sim/lockstep/lockstep.h"
#include "sim/verilated/rtl.h"
#include "tools/bench/points.h"
#include "tools/bench/precisions.h"
#include "tools/bench/products.h"
#include "tools/bench/resnet50.h"

struct subject {
    const char *name;
    struct qm_network *network;
    struct qm_program *program;
    uint64_t macs, cycles;
};

static void require(enum qm_status status, const struct qm_diag *diag) {
    if (status == QM_OK) return;
    fprintf(stderr, "bench: %s\n", diag->text);
    exit(3);
}

static void write_inputs(struct qm_device *device, const struct qm_program *program) {
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    for (uint32_t i = 0; i < program->input_count; i++) {
        uint8_t *data = qm_alloc(program->tensors[i].size_bytes);
        qm_prng_fill(&prng, data, program->tensors[i].size_bytes);
        qm_driver_write_tensor(device, program, i, data);
        free(data);
    }
}

/* The fastest of several runs, in seconds: the one that other work on the machine disturbed least. */
static double time_runs(struct qm_device *device, const struct qm_driver_options *options, struct subject *subject, int runs) {
    struct qm_diag diag;
    double best = 1e30;
    require(qm_driver_load(device, subject->program, &diag), &diag);
    for (int i = 0; i < runs; i++) {
        write_inputs(device, subject->program);
        double start = qm_seconds();
        require(qm_driver_run(device, subject->program, options, NULL, &diag), &diag);
        double seconds = qm_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

static double time_engine(const struct qm_device_ops *engine, struct qm_device_options options, struct subject *subject, int runs) {
    struct qm_driver_options driver = {.no_values = options.no_values};
    struct qm_device *device;
    struct qm_diag diag;
    qm_driver_memory(subject->program, &options);
    require(engine->create(&subject->program->machine, &options, &device, &diag), &diag);
    double seconds = time_runs(device, &driver, subject, runs);
    uint64_t cycles = qm_device_counter(device, QM_C_cycles);
    if (cycles > 0 && subject->program->stage_count == 1) subject->cycles = cycles;
    device->ops->destroy(device);
    return seconds;
}

static double time_lockstep(struct subject *subject, uint64_t *cycles) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *pair;
    struct qm_diag diag;
    qm_driver_memory(subject->program, &options);
    require(qm_lockstep_create(&qm_device_cycle, &qm_device_rtl, &subject->program->machine, &options, &pair, &diag), &diag);
    double seconds = time_runs(pair, NULL, subject, 1);
    *cycles = qm_lockstep_stats(pair).cycles;
    pair->ops->destroy(pair);
    return seconds;
}

static void print_explore(struct subject *subject, double full) {
    double blind = time_engine(&qm_device_cycle, (struct qm_device_options){.no_values = true}, subject, 5);
    struct qm_bench_point none, layers, plans;
    struct qm_diag diag;
    const struct qm_machine *machine = &subject->program->machine;
    require(qm_bench_point(subject->network, machine, QM_SEARCH_NONE, &none, &diag), &diag);
    require(qm_bench_point(subject->network, machine, QM_SEARCH_LAYERS, &layers, &diag), &diag);
    require(qm_bench_point(subject->network, machine, QM_SEARCH_PLANS, &plans, &diag), &diag);
    printf("  cycle engine, time alone         %10.3f ms  (%.1fx faster than with values)\n", 1e3 * blind, full / blind);
    printf("  exact time and counters of a plan%10.3f ms  (%.0fx faster)\n", 1e3 * none.time_seconds, blind / none.time_seconds);
    printf("  a point of explore --search none %10.3f ms  (%.1f points a second on a core: planned, timed, reported)\n", 1e3 * none.seconds,
           1 / none.seconds);
    printf("  ... --search layers and plans    %10.3f ms and %.3f ms\n", 1e3 * layers.seconds, 1e3 * plans.seconds);
}

/* What qmac run costs, beside what the multiplications alone must cost on this processor. */
static void print_fast(struct subject *subject, int runs) {
    double fast = time_engine(&qm_device_fast, (struct qm_device_options){0}, subject, runs),
           products = (double)subject->macs / qm_bench_products();
    printf("  fast engine, values and time     %10.3f ms  (%.1f GMAC/s; %.2fx the bare matrix products of this processor)\n", 1e3 * fast,
           1e-9 * (double)subject->macs / fast, fast / products);
}

static void print_model(struct subject *subject, double compile_seconds) {
    double skip = time_engine(&qm_device_cycle, (struct qm_device_options){0}, subject, 5),
           step = time_engine(&qm_device_cycle, (struct qm_device_options){.step = true}, subject, 1);
    double values = time_engine(&qm_device_functional, (struct qm_device_options){0}, subject, 5);
    printf("%s on %s: %" PRIu64 " MACs\n", subject->name, subject->program->machine.name, subject->macs);
    printf("  compile                          %10.3f ms\n", 1e3 * compile_seconds);
    printf("  cycle engine, values and time    %10.3f ms\n", 1e3 * skip);
    printf("  functional engine, values alone  %10.3f ms  (%.1f GMAC/s; %.0f %% of the cycle engine's time)\n", 1e3 * values,
           1e-9 * (double)subject->macs / values, 100 * values / skip);
    print_fast(subject, 5);
    printf("  cycle engine stepping            %10.3f ms  (skipping is %.1fx faster)\n", 1e3 * step, step / skip);
    print_explore(subject, skip);
}

static void print_rtl(struct subject *subject) {
    uint64_t cycles;
    double pair = time_lockstep(subject, &cycles), rtl = time_engine(&qm_device_rtl, (struct qm_device_options){0}, subject, 1);
    double skip = time_engine(&qm_device_cycle, (struct qm_device_options){0}, subject, 3);
    printf("  RTL alone                        %10.3f ms  (%.2f Mcycle/s)\n", 1e3 * rtl, 1e-6 * (double)cycles / rtl);
    printf("  lockstep, every cycle compared   %10.3f ms  (%.2f Mcycle/s; %.0fx the cycle engine)\n", 1e3 * pair,
           1e-6 * (double)cycles / pair, pair / skip);
}

static uint64_t count_macs(const struct qm_program *program) {
    uint64_t macs = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) macs += program->layers[i].macs;
    return macs;
}

/* The program of a graph for a machine; returns the seconds that it took. */
static double compile_graph(struct subject *subject, const struct qm_graph *graph, const char *machine_name, struct qm_arena *arena) {
    struct qm_compile_options options = {0};
    struct qm_machine machine;
    struct qm_diag diag;
    require(qm_machine_load(machine_name, &machine, &diag), &diag);
    double start = qm_seconds();
    require(qm_legalize(graph, &options, arena, &subject->network, &diag), &diag);
    require(qm_narrow(subject->network, NULL, arena, &diag), &diag);
    require(qm_compile_network(subject->network, &machine, &options, &subject->program, &diag), &diag);
    double seconds = qm_seconds() - start;
    subject->macs = count_macs(subject->program);
    return seconds;
}

/* A network from its graph to speeds on a machine. */
static void bench_graph(struct subject *subject, const struct qm_graph *graph, const char *machine_name, struct qm_arena *arena) {
    print_model(subject, compile_graph(subject, graph, machine_name, arena));
}

static void bench_file(const char *name, const char *file, bool with_rtl) {
    struct qm_arena *arena = qm_arena_create();
    struct subject subject = {.name = name};
    struct qm_graph *graph;
    struct qm_diag diag;
    require(qm_model_read(file, NULL, arena, &graph, &diag), &diag);
    bench_graph(&subject, graph, "edge", arena);
    if (with_rtl) print_rtl(&subject);
    require(qm_bench_precisions(graph, &subject.program->machine, &diag), &diag);
    qm_program_destroy(subject.program);
    qm_arena_destroy(arena);
}

static void bench_resnet50(void) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = qm_bench_resnet50(arena, 1);
    struct subject subject = {.name = "ResNet-50-sized network"};
    struct qm_diag diag;
    bench_graph(&subject, graph, "m32x32", arena);
    const struct qm_machine *machine = &subject.program->machine;
    printf("  cycles %" PRIu64 ", utilization %.1f %%\n", subject.cycles,
           100 * (double)subject.macs / ((double)subject.cycles * machine->rows * machine->cols));
    require(qm_bench_precisions(graph, machine, &diag), &diag);
    qm_program_destroy(subject.program);
    qm_arena_destroy(arena);
}

/* What the first verify of a machine waits for, in a folder that has no build yet. */
static void bench_build(const char *name) {
    char folder[] = "/tmp/qmac-bench-XXXXXX";
    struct qm_process remove = {.arguments = (const char *const[]){"rm", "-rf", folder, NULL}};
    struct qm_machine machine;
    struct qm_rtl rtl;
    struct qm_diag diag;
    struct qm_arena *arena = qm_arena_create();
    QM_CHECK(mkdtemp(folder) != NULL && setenv("QMAC_CACHE", folder, 1) == 0);
    require(qm_machine_load(name, &machine, &diag), &diag);
    for (int probed = 0; probed <= 1; probed++) {
        double start = qm_seconds();
        require(qm_rtl_build(&machine, &(struct qm_rtl_options){.probed = probed}, &rtl, &diag), &diag);
        printf("%s RTL of %s (%ux%u): %.1f s\n", probed ? "then the probed" : "first build of the", name, machine.rows, machine.cols,
               qm_seconds() - start);
    }
    double start = qm_seconds();
    require(qm_rtl_build(&machine, &(struct qm_rtl_options){0}, &rtl, &diag), &diag);
    printf("found again: %.1f ms\n", 1e3 * (qm_seconds() - start));
    unsetenv("QMAC_CACHE");
    require(qm_process_run(&remove, 1, 1, arena, &diag), &diag);
    qm_arena_destroy(arena);
}

static void bench_values(void) {
    struct qm_arena *arena = qm_arena_create();
    struct subject subject = {.name = "ResNet-50-sized network"};
    compile_graph(&subject, qm_bench_resnet50(arena, 1), "m32x32", arena);
    print_fast(&subject, 10);
    qm_program_destroy(subject.program);
    qm_arena_destroy(arena);
}

static void bench_points(const char *data) {
    struct qm_diag diag;
    require(qm_bench_points(data, &diag), &diag);
}

int main(int argc, char **argv) {
    const char *data = getenv("QMAC_DATA");
    if (argc > 1 && strcmp(argv[1], "values") == 0) {
        bench_values();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "points") == 0) {
        bench_points(data);
        return 0;
    }
    bench_build("edge");
    bench_file("digits", "workloads/digits/digits_int8.tflite", true);
    if (data != NULL) {
        char file[512];
        snprintf(file, sizeof file, "%s/mlcommons-tiny/models/resnet8_cifar10_int8.tflite", data);
        bench_file("resnet8", file, true);
    } else {
        printf("resnet8: skipped, QMAC_DATA does not name the data folder\n");
    }
    bench_resnet50();
    bench_points(data);
    return 0;
}
