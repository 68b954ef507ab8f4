/* quantize.c - the float networks of the data folder, quantized: even examples calibrate and odd ones judge, then the other way round.
 *
 * quantize_networks PRECISION [seeds=N] [files=FOLDER] [NETWORK...]
 * Prints what each step has, of all networks or those named, for both halves, and compiles the files. With seeds 1 to N each half is
 * quantized so often, and what the last step has is printed of all. Into the folder go NETWORK.onnx, the float network, and of each half, 0
 * and 1, NETWORK-HALF.npy, its examples, and NETWORK-HALF-PRECISION.onnx, which has learned of it (tools/bench/quantizers.sh). Fails when a
 * layer is not exact, and when the last step is below the least SQNR of the table, as a mean of both.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/npy.h"
#include "compiler/compiler.h"
#include "quantize/network/network.h"
#include "quantize/onnx/write.h"
#include "tests/support/float_network.h"

enum { HALVES = 2 };

struct settings {
    const char *precision, *folder; /* NULL: no files are written */
    uint64_t seeds;
};

/* The least mean SQNR in dB, in the order of the networks; 0: none is asked for. */
static const struct {
    const char *precision;
    double least_db[FLOAT_NETWORKS];
} goals[] = {{"w8a8", {29, 26, 42}}, {"w4a8", {19.5, 15, 30}}, {"w4a4", {12, 10, 0}}, {"w2a8", {0, 0, 0}}};
enum { GOALS = sizeof goals / sizeof *goals };

/* Every second example, from `first` on. */
static struct qm_examples half_of(const struct float_network *network, uint64_t first) {
    uint64_t count = (network->examples - first + 1) / 2;
    float *own = QM_ARENA_NEW(network->arena, float, count * network->elements);
    int64_t *labels = QM_ARENA_NEW(network->arena, int64_t, count);
    const float **inputs = QM_ARENA_NEW(network->arena, const float *, 1);
    for (uint64_t e = 0; e < count; e++) {
        memcpy(own + e * network->elements, network->inputs + (2 * e + first) * network->elements, network->elements * sizeof *own);
        if (network->labels != NULL) labels[e] = network->labels[2 * e + first];
    }
    inputs[0] = own;
    return (struct qm_examples){.count = count, .inputs = inputs, .labels = network->labels != NULL ? labels : NULL};
}

static void print_steps(const char *name, const char *precision, uint64_t half, const struct qm_quantized *result) {
    printf("%-24s %s %s float accuracy %.3f\n", name, precision, half == 0 ? "even > odd" : "odd > even", result->float_accuracy);
    for (uint32_t i = 0; i < result->step_count; i++)
        printf("    %-18s %6.2f dB, agreement %.3f, accuracy %.3f\n", result->steps[i].name, result->steps[i].sqnr_db,
               result->steps[i].agreement, result->steps[i].accuracy);
}

/* The machine has every layer exactly. */
static void compile(const struct float_network *network, const struct qm_quantized *result) {
    struct qm_model_bytes file = {.name = "quantized.onnx"};
    const struct qm_compile_options options = {.search = QM_SEARCH_NONE};
    struct qm_machine machine;
    struct qm_program *program;
    struct qm_diag diag;
    float_network_need(qm_onnx_pack(result->graph, network->arena, &file.bytes, &file.size, &diag), &diag);
    float_network_need(qm_machine_load("edge", &machine, &diag), &diag);
    float_network_need(qm_compile(&file, &machine, &options, &program, &diag), &diag);
    qm_program_destroy(program);
}

static const char *file_of(const struct settings *settings, struct qm_arena *arena, const char *name, const char *of) {
    return qm_arena_printf(arena, "%s/%s%s", settings->folder, name, of);
}

static void write_examples(const struct float_network *network, const struct qm_examples *half, const char *file) {
    const struct qm_graph_tensor *input = &network->graph->tensors[network->graph->inputs[0]];
    struct qm_npy array = {.type = "f4", .rank = input->rank};
    struct qm_diag diag;
    array.dims[0] = half->count;
    for (uint32_t d = 1; d < input->rank; d++) array.dims[d] = input->dims[d];
    array.data = (uint8_t *)(uintptr_t)half->inputs[0];
    float_network_need(qm_npy_write(file, &array, &diag), &diag);
}

/* Writes the files of a half; those of the float network with each, for it is the same. */
static void write_files(const struct settings *settings, const struct float_network *network, const char *name, uint64_t half,
                        const struct qm_quantized *result) {
    struct qm_examples examples = half_of(network, half);
    const char *made = qm_arena_printf(network->arena, "-%llu-%s.onnx", (unsigned long long)half, settings->precision);
    const char *drawn = qm_arena_printf(network->arena, "-%llu.npy", (unsigned long long)half);
    struct qm_diag diag;
    write_examples(network, &examples, file_of(settings, network->arena, name, drawn));
    float_network_need(qm_onnx_write(network->graph, file_of(settings, network->arena, name, ".onnx"), &diag), &diag);
    float_network_need(qm_onnx_write(result->graph, file_of(settings, network->arena, name, made), &diag), &diag);
}

static struct qm_quantized *quantize_half(const struct settings *settings, const struct float_network *network, uint64_t half,
                                          uint64_t seed) {
    struct qm_quantize_options options = qm_quantize_defaults(settings->precision);
    struct qm_examples calibration = half_of(network, half), judged = half_of(network, 1 - half);
    struct qm_quantized *result;
    struct qm_diag diag;
    options.threads = 2;
    options.seed = seed;
    float_network_need(qm_quantize_network(network->graph, &options, &calibration, &judged, network->arena, &result, &diag), &diag);
    return result;
}

/* What the last step has with each of the other seeds, after the first. */
static void print_seeds(const struct settings *settings, const struct float_network *network, uint64_t half, double first) {
    if (settings->seeds > 1) printf("    seeds 1 to %llu: %.2f", (unsigned long long)settings->seeds, first);
    for (uint64_t seed = 2; seed <= settings->seeds; seed++) {
        const struct qm_quantized *result = quantize_half(settings, network, half, seed);
        printf(", %.2f", result->steps[result->step_count - 1].sqnr_db);
    }
    if (settings->seeds > 1) printf(" dB\n");
}

/* The mean SQNR of both halves after the last step. */
static double quantize(const struct settings *settings, const struct float_network *network, const char *name) {
    double sum = 0;
    for (uint64_t half = 0; half < HALVES; half++) {
        const struct qm_quantized *result = quantize_half(settings, network, half, 1);
        double last = result->steps[result->step_count - 1].sqnr_db;
        compile(network, result);
        print_steps(name, settings->precision, half, result);
        print_seeds(settings, network, half, last);
        if (settings->folder != NULL) write_files(settings, network, name, half, result);
        sum += last;
    }
    return sum / HALVES;
}

static bool is_named(const char *name, int count, char **names) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return count == 0;
}

/* Whether a network reaches what is asked for. */
static bool judge(const struct settings *settings, int n) {
    struct float_network network;
    double least = 0;
    for (int g = 0; g < GOALS; g++)
        if (strcmp(goals[g].precision, settings->precision) == 0) least = goals[g].least_db[n];
    float_network_open(&network, n);
    double mean = quantize(settings, &network, float_network_names[n]);
    printf("%-24s %s mean %.2f dB%s\n", float_network_names[n], settings->precision, mean, mean >= least ? "" : ": TOO LITTLE");
    fflush(stdout);
    qm_arena_destroy(network.arena);
    return mean >= least;
}

/* Takes the settings before the names of networks; returns how many arguments they are. */
static int read_settings(int argc, char **argv, struct settings *settings) {
    int at = 2;
    *settings = (struct settings){.precision = argv[1], .seeds = 1};
    for (; at < argc; at++) {
        if (strncmp(argv[at], "seeds=", 6) == 0)
            settings->seeds = strtoull(argv[at] + 6, NULL, 10);
        else if (strncmp(argv[at], "files=", 6) == 0)
            settings->folder = argv[at] + 6;
        else
            break;
    }
    return at;
}

int main(int argc, char **argv) {
    int judged = 0, status = 0;
    struct settings settings;
    int first = argc > 1 ? read_settings(argc, argv, &settings) : argc;
    for (int n = 0; n < FLOAT_NETWORKS && argc > 1; n++) {
        if (!is_named(float_network_names[n], argc - first, argv + first)) continue;
        judged++;
        if (!judge(&settings, n)) status = 1;
    }
    if (judged > 0) return status;
    fprintf(stderr, "usage: quantize_networks PRECISION [seeds=N] [files=FOLDER] [NETWORK...]\n");
    return 2;
}
