/* onnx_qonnx.c - networks with narrow quantizers, whose scales and batch normalizations are floats,
 * against an evaluation in doubles (onnx_naive).
 *
 *   build/onnx_qonnx DATA INTEGER       QMAC_DATA, and where the archives of pulp-dory_examples have been unpacked
 * Every layer's integers must mean exactly what the evaluation gives; the floats at the end may differ in their last bits. A network begins
 * with its input or with the integers of its first quantizer, which are taken from the evaluation.
 * Inputs are random, but for the picture that has a known class.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/machine_run.h"
#include "tests/support/onnx_naive.h"
#include "tests/support/record.h"

enum { TEXT_BYTES = 600, LAYERS_MAX = 16, RANDOM_INPUTS = 12 };

struct network {
    const char *name, *model;
    const char *begin;              /* the tensor that the machine takes */
    const char *layers[LAYERS_MAX]; /* compared, then the last tensor */
    double low, high;               /* of random inputs, which are floats, or integers when */
    bool whole;
    const char *picture; /* an input, and its class; NULL: none */
    uint32_t label;
    struct qm_model_options options;
};

static const struct network networks[] = {
    {"TFC_1W1A", "qonnx-model-zoo/TFC_1W1A.onnx", "37", {"45", "53", "61", "74"}, 0, 1, false, "xilinx-finn/tfc_w1a1/input.npy", 2, {0}},
    {"TFC_2W2A", "qonnx-model-zoo/TFC_2W2A.onnx", "0", {"51", "63", "75", "90"}, 0, 1, false, "xilinx-finn/tfc_w1a1/input.npy", 2, {0}},
    {"kwsmlp_w3a3", "qonnx-model-zoo/kwsmlp_w3a3.onnx", "inp.1", {"41", "54", "67", "74"}, -60, 60, false, NULL, 0, {0}},
    {"dscnn_test",
     "dscnn_test/model_int.onnx",
     "input.1",
     {"89", "101", "112", "124", "135", "147", "158", "170", "181", "190", "192"},
     0,
     255,
     true,
     NULL,
     0,
     {.unsigned_inputs = true, .saturate = true, .end_at = "192"}},
};

static struct numbers random_input(const struct network *network, const Onnx__GraphProto *graph, uint32_t *random, struct qm_arena *arena) {
    const Onnx__TensorShapeProto *shape = graph->input[0]->type->tensor_type->shape;
    struct numbers input = {.rank = (uint32_t)shape->n_dim, .count = 1};
    for (size_t d = 0; d < shape->n_dim; d++) input.count *= (size_t)(input.dims[d] = (uint64_t)shape->dim[d]->dim_value);
    input.values = QM_ARENA_NEW(arena, double, input.count);
    for (size_t i = 0; i < input.count; i++) {
        *random = *random * 1664525 + 1013904223;
        double x = network->low + (network->high - network->low) * (*random >> 8) / (1 << 24);
        input.values[i] = network->whole ? nearbyint(x) : (double)(float)x;
    }
    return input;
}

/* What the machine takes: integers, from numbers that mean scale times them. Quantizers give whole multiples of the smallest. */
static struct numbers to_integers(const struct numbers *real, struct qm_arena *arena) {
    struct numbers integers = *real;
    double unit = INFINITY;
    integers.values = QM_ARENA_NEW(arena, double, real->count);
    for (size_t i = 0; i < real->count; i++)
        if (real->values[i] != 0 && fabs(real->values[i]) < unit) unit = fabs(real->values[i]);
    if (unit == 1 || unit == INFINITY) return *real;
    for (size_t i = 0; i < real->count; i++) integers.values[i] = nearbyint(real->values[i] / unit);
    return integers;
}

static uint32_t largest(const struct numbers *scores) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < scores->count; i++)
        if (scores->values[i] > scores->values[best]) best = i;
    return best;
}

static void run_input(const struct network *network, const struct file_bytes *file, const struct onnx_naive *naive, char *text) {
    static const struct qm_device_ops *const engines[] = {&qm_device_functional, &qm_device_cycle};
    struct machine_want wants[LAYERS_MAX];
    uint32_t count = 0;
    for (; network->layers[count] != NULL; count++) {
        wants[count] = (struct machine_want){.tensor = network->layers[count], .numbers = onnx_naive_find(naive, network->layers[count])};
        wants[count].real = true;
    }
    wants[count - 1].tolerance = network->whole ? 0 : 1e-5;
    const struct numbers *begin = onnx_naive_find(naive, network->begin);
    bool as_they_are = network->whole || strcmp(network->begin, naive->model->graph->input[0]->name) == 0;
    struct numbers input = as_they_are ? *begin : to_integers(begin, naive->arena);
    struct machine_case test = {.model = {file->data, file->size, "model.onnx"}, .options = network->options, .inputs = &input};
    test.input_count = 1;
    test.keep_layers = true;
    for (uint32_t e = 0; e < 2 && strcmp(text, "pass") == 0; e++) {
        test.engine = engines[e];
        machine_compare_all(&test, wants, count, text, TEXT_BYTES);
    }
}

static void run_network(const struct network *network, const char *folder, const char *data, char *text) {
    struct qm_arena *arena = qm_arena_create();
    struct file_bytes file = numbers_load(qm_arena_printf(arena, "%s/%s", folder, network->model), arena);
    Onnx__ModelProto *model = file.data != NULL ? onnx__model_proto__unpack(NULL, file.size, file.data) : NULL;
    uint32_t random = 1;
    snprintf(text, TEXT_BYTES, "%s", model != NULL ? "pass" : "cannot be read");
    for (uint32_t i = 0; i < RANDOM_INPUTS && strcmp(text, "pass") == 0; i++) {
        struct numbers input = random_input(network, model->graph, &random, arena);
        struct onnx_naive naive = onnx_naive_run(model, input, arena);
        run_input(network, &file, &naive, text);
    }
    if (network->picture != NULL && strcmp(text, "pass") == 0) {
        struct numbers input = numbers_from_npy(qm_arena_printf(arena, "%s/%s", data, network->picture), arena);
        for (size_t i = 0; i < input.count; i++) input.values[i] = (double)(float)(input.values[i] / 255);
        struct onnx_naive naive = onnx_naive_run(model, input, arena);
        run_input(network, &file, &naive, text);
        uint32_t class = largest(onnx_naive_find(&naive, model->graph->output[0]->name));
        if (class != network->label) snprintf(text, TEXT_BYTES, "the class of the picture is %u, not %u", class, network->label);
    }
    onnx__model_proto__free_unpacked(model, NULL);
    qm_arena_destroy(arena);
}

int main(int argc, char **argv) {
    char text[TEXT_BYTES];
    struct record record = {.file = "tests/networks/onnx_qonnx.txt"};
    if (argc != 3) return fprintf(stderr, "onnx_qonnx DATA INTEGER\n"), 2;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        bool dory = strncmp(networks[i].model, "dscnn", 5) == 0;
        run_network(&networks[i], argv[dory ? 2 : 1], argv[1], text);
        record_check(&record, networks[i].name, text);
    }
    return record_close(&record);
}
