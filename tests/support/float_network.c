/* float_network.c - see float_network.h. */
#include "tests/support/float_network.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/npy.h"
#include "compiler/compiler.h"
#include "tests/support/data.h"

const char *const float_network_names[FLOAT_NETWORKS] = {"resnet8_cifar10", "mobilenet_v1_025_96_vww", "autoencoder_ad01"};

static const struct {
    const char *folder;
    bool is_labelled;
} golden[FLOAT_NETWORKS] = {{"resnet8_cifar10", true}, {"vww_mobilenet", true}, {"ad_autoencoder", false}};

void float_network_need(enum qm_status status, const struct qm_diag *diag) {
    if (status == QM_OK) return;
    fprintf(stderr, "float network: %s\n", diag->text);
    exit(1);
}

static struct qm_graph *read_graph(struct qm_arena *arena, const char *name, const char *form) {
    struct qm_graph *graph;
    struct qm_diag diag;
    float_network_need(qm_model_read(data_path(arena, "mlcommons-tiny/models/%s_%s.tflite", name, form), NULL, arena, &graph, &diag),
                       &diag);
    return graph;
}

static void read_examples(struct float_network *network, int which, const struct qm_quant *quant) {
    struct qm_npy array;
    struct qm_diag diag;
    float_network_need(qm_npy_read(data_path(network->arena, "golden/%s/input.npy", golden[which].folder), &array, &diag), &diag);
    float *inputs = QM_ARENA_NEW(network->arena, float, array.count);
    for (size_t i = 0; i < array.count; i++) inputs[i] = (float)(qm_npy_integer(&array, i) - quant->zero_point[0]) * quant->scale[0];
    network->inputs = inputs;
    network->examples = array.count / network->elements;
    qm_npy_free(&array);
}

static void read_labels(struct float_network *network, int which) {
    struct qm_npy array;
    struct qm_diag diag;
    if (!golden[which].is_labelled) return;
    float_network_need(qm_npy_read(data_path(network->arena, "golden/%s/labels.npy", golden[which].folder), &array, &diag), &diag);
    int64_t *labels = QM_ARENA_NEW(network->arena, int64_t, array.count);
    for (size_t i = 0; i < array.count; i++) labels[i] = qm_npy_integer(&array, i);
    network->labels = labels;
    qm_npy_free(&array);
}

void float_network_open(struct float_network *network, int which) {
    struct qm_diag diag;
    *network = (struct float_network){.arena = qm_arena_create()};
    struct qm_graph *file = read_graph(network->arena, float_network_names[which], "float32"),
                    *twin = read_graph(network->arena, float_network_names[which], "int8");
    float_network_need(qm_reals(file, network->arena, &network->graph, &diag), &diag);
    network->elements = (size_t)qm_graph_elements(&network->graph->tensors[network->graph->inputs[0]]);
    network->results = (size_t)qm_graph_elements(&network->graph->tensors[network->graph->outputs[0]]);
    read_examples(network, which, &twin->tensors[twin->inputs[0]].quant);
    read_labels(network, which);
}
