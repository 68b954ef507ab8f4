/* bench.c - how fast the engines are and where the time goes. Absolute figures drift with the machine: quote ratios from one run.
 *
 * Prints, for the shipped network, resnet8 (when QMAC_DATA is set) and a ResNet-50-sized network: compile time, the cycle engine with values
 * (skipping and stepping), the functional engine (values without time), the RTL alone, and model and RTL in lockstep; and what each costs in
 * narrow precisions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/prng.h"
#include "compiler/compiler.h"
#include "driver/driver.h"
#include "sim/lockstep/lockstep.h"
#include "tools/bench/precisions.h"
#include "tools/bench/resnet50.h"

struct subject {
    const char *name;
    struct qm_program *program;
    uint64_t macs, cycles;
};

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void require(enum qm_status status, const struct qm_diag *diag) {
    if (status == QM_OK) return;
    fprintf(stderr, "bench: %s\n", diag->text);
    exit(3);
}

static void write_inputs(struct qm_device *device, const struct qm_program *program) {
    struct qm_prng prng;
    qm_prng_init(&prng, 1);
    for (uint32_t i = 0; i < program->input_count; i++) {
        uint8_t *data = malloc(program->tensors[i].size_bytes);
        QM_CHECK(data != NULL);
        qm_prng_fill(&prng, data, program->tensors[i].size_bytes);
        qm_driver_write_tensor(device, program, i, data);
        free(data);
    }
}

/* The fastest of several runs, in seconds: the one that other work on the machine disturbed least. */
static double time_runs(struct qm_device *device, struct subject *subject, int runs) {
    struct qm_diag diag;
    double best = 1e30;
    require(qm_driver_load(device, subject->program, &diag), &diag);
    for (int i = 0; i < runs; i++) {
        write_inputs(device, subject->program);
        double start = now_seconds();
        require(qm_driver_run(device, subject->program, NULL, NULL, &diag), &diag);
        double seconds = now_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

static double time_engine(const struct qm_device_ops *engine, bool step, struct subject *subject, int runs) {
    struct qm_device_options options = {.step = step, .memory_base = 0x80000000};
    struct qm_device *device;
    struct qm_diag diag;
    qm_driver_memory(subject->program, &options);
    require(engine->create(&subject->program->machine, &options, &device, &diag), &diag);
    double seconds = time_runs(device, subject, runs);
    uint64_t cycles = qm_device_counter(device, QM_C_cycles);
    if (cycles > 0 && subject->program->step_count == 1) subject->cycles = cycles;
    device->ops->destroy(device);
    return seconds;
}

static double time_lockstep(struct subject *subject, uint64_t *cycles) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *pair;
    struct qm_diag diag;
    qm_driver_memory(subject->program, &options);
    require(qm_lockstep_create(&qm_device_cycle, &qm_device_rtl, &subject->program->machine, &options, &pair, &diag), &diag);
    double seconds = time_runs(pair, subject, 1);
    *cycles = qm_lockstep_stats(pair).cycles;
    pair->ops->destroy(pair);
    return seconds;
}

static void print_model(struct subject *subject, double compile_seconds) {
    double skip = time_engine(&qm_device_cycle, false, subject, 5), step = time_engine(&qm_device_cycle, true, subject, 1);
    double values = time_engine(&qm_device_functional, false, subject, 5);
    printf("%s on %s: %" PRIu64 " MACs\n", subject->name, subject->program->machine.name, subject->macs);
    printf("  compile                          %10.3f ms\n", 1e3 * compile_seconds);
    printf("  cycle engine, values and time    %10.3f ms\n", 1e3 * skip);
    printf("  functional engine, values alone  %10.3f ms  (%.1f GMAC/s; %.0f %% of the cycle engine's time)\n", 1e3 * values,
           1e-9 * (double)subject->macs / values, 100 * values / skip);
    printf("  cycle engine stepping            %10.3f ms  (skipping is %.1fx faster)\n", 1e3 * step, step / skip);
}

static void print_rtl(struct subject *subject) {
    uint64_t cycles;
    double pair = time_lockstep(subject, &cycles), rtl = time_engine(&qm_device_rtl, false, subject, 1);
    double skip = time_engine(&qm_device_cycle, false, subject, 3);
    printf("  RTL alone                        %10.3f ms  (%.2f Mcycle/s)\n", 1e3 * rtl, 1e-6 * (double)cycles / rtl);
    printf("  lockstep, every cycle compared   %10.3f ms  (%.2f Mcycle/s; %.0fx the cycle engine)\n", 1e3 * pair,
           1e-6 * (double)cycles / pair, pair / skip);
}

static uint64_t count_macs(const struct qm_program *program) {
    uint64_t macs = 0;
    for (uint32_t i = 0; i < program->layer_count; i++) macs += program->layers[i].macs;
    return macs;
}

static void bench_file_precisions(const char *file, const struct qm_machine *machine) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph;
    struct qm_diag diag;
    require(qm_model_read(file, arena, &graph, &diag), &diag);
    require(qm_bench_precisions(graph, machine, &diag), &diag);
    qm_arena_destroy(arena);
}

static void bench_file(const char *name, const char *file, bool with_rtl) {
    struct qm_machine machine;
    struct qm_compile_options options = {.rounding = QM_rounding_TFLITE};
    struct qm_diag diag;
    struct subject subject = {.name = name};
    require(qm_machine_load("edge", &machine, &diag), &diag);
    double start = now_seconds();
    require(qm_compile(file, &machine, &options, &subject.program, &diag), &diag);
    double compile_seconds = now_seconds() - start;
    subject.macs = count_macs(subject.program);
    print_model(&subject, compile_seconds);
    if (with_rtl) print_rtl(&subject);
    qm_program_destroy(subject.program);
    bench_file_precisions(file, &machine);
}

static void bench_resnet50(void) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph = qm_bench_resnet50(arena, 1);
    struct qm_machine machine;
    struct qm_compile_options options = {.rounding = QM_rounding_TFLITE};
    struct qm_network *network;
    struct qm_diag diag;
    struct subject subject = {.name = "ResNet-50-sized network"};
    require(qm_machine_load("m32x32", &machine, &diag), &diag);
    double start = now_seconds();
    require(qm_legalize(graph, QM_rounding_TFLITE, arena, &network, &diag), &diag);
    require(qm_plan(network, &machine, &options, &subject.program, &diag), &diag);
    double compile_seconds = now_seconds() - start;
    subject.macs = count_macs(subject.program);
    print_model(&subject, compile_seconds);
    printf("  cycles %" PRIu64 ", utilization %.1f %%\n", subject.cycles,
           100 * (double)subject.macs / ((double)subject.cycles * machine.rows * machine.cols));
    qm_program_destroy(subject.program);
    require(qm_bench_precisions(graph, &machine, &diag), &diag);
    qm_arena_destroy(arena);
}

int main(void) {
    const char *data = getenv("QMAC_DATA");
    bench_file("digits", QM_SOURCE_DIR "/workloads/digits/digits_int8.tflite", true);
    if (data != NULL) {
        char file[512];
        snprintf(file, sizeof file, "%s/mlcommons-tiny/models/resnet8_cifar10_int8.tflite", data);
        bench_file("resnet8", file, true);
    } else {
        printf("resnet8: skipped, QMAC_DATA does not name the data folder\n");
    }
    bench_resnet50();
    return 0;
}
