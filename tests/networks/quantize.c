/* quantize.c - the float networks of the data folder, quantized: even examples calibrate and odd ones judge, then the other way round.
 *
 * quantize_networks PRECISION [NETWORK...]
 * Prints what each step has, of all networks or those named, for both halves, and compiles the files. Fails when a layer is not exact,
 * and when the last step is below the least SQNR of the table, as a mean of both.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "quantize/network/network.h"
#include "quantize/onnx/write.h"
#include "tests/support/float_network.h"

enum { HALVES = 2 };

/* The least mean SQNR in dB, in the order of the networks; 0: none is asked for. */
static const struct {
    const char *precision;
    double least_db[FLOAT_NETWORKS];
} goals[] = {{"w8a8", {29, 26, 42}}, {"w4a8", {19.5, 15, 30}}, {"w4a4", {0, 0, 0}}, {"w2a8", {0, 0, 0}}};
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

/* The mean SQNR of both halves after the last step. */
static double quantize(const struct float_network *network, const char *name, const char *precision) {
    struct qm_quantize_options options = qm_quantize_defaults(precision);
    double sum = 0;
    options.threads = 2;
    for (uint64_t half = 0; half < HALVES; half++) {
        struct qm_examples calibration = half_of(network, half), judged = half_of(network, 1 - half);
        struct qm_quantized *result;
        struct qm_diag diag;
        float_network_need(qm_quantize_network(network->graph, &options, &calibration, &judged, network->arena, &result, &diag), &diag);
        compile(network, result);
        print_steps(name, precision, half, result);
        sum += result->steps[result->step_count - 1].sqnr_db;
    }
    return sum / HALVES;
}

static bool is_named(const char *name, int count, char **names) {
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return count == 0;
}

/* Whether a network reaches what is asked for. */
static bool judge(int n, const char *precision) {
    struct float_network network;
    double least = 0;
    for (int g = 0; g < GOALS; g++)
        if (strcmp(goals[g].precision, precision) == 0) least = goals[g].least_db[n];
    float_network_open(&network, n);
    double mean = quantize(&network, float_network_names[n], precision);
    printf("%-24s %s mean %.2f dB%s\n", float_network_names[n], precision, mean, mean >= least ? "" : ": TOO LITTLE");
    qm_arena_destroy(network.arena);
    return mean >= least;
}

int main(int argc, char **argv) {
    int judged = 0, status = 0;
    for (int n = 0; n < FLOAT_NETWORKS && argc > 1; n++) {
        if (!is_named(float_network_names[n], argc - 2, argv + 2)) continue;
        judged++;
        if (!judge(n, argv[1])) status = 1;
    }
    if (judged > 0) return status;
    fprintf(stderr, "usage: quantize_networks PRECISION [NETWORK...]\n");
    return 2;
}
