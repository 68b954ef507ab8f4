/* points.c - where activations are quantized: at the inputs of the network and behind each operator that computes numbers, but not between
 * a layer and its activation, nor before a concatenation, whose parts are quantized as one. What only moves numbers leaves them on the
 * integers that they have.
 */
#include <string.h>

#include "evaluate/evaluate.h"
#include "quantize/network/parts.h"

enum { ACTIVATION_BITS = 8 };

struct placing {
    struct quant_network *network;
    const uint32_t *readers;
    uint32_t *maker; /* [tensor_count] the operator that computes it; QM_NO_TENSOR: none */
    uint32_t *point; /* [tensor_count] index of its point; QM_NO_TENSOR: none */
};

static const struct qm_graph *graph_of(const struct placing *p) {
    return p->network->real;
}

/* Whether an operator's results are among the numbers that it reads, or 0, which every encoding has. */
static bool only_moves(const struct qm_graph_op *op) {
    bool pads = op->kind == QM_OP_PAD && op->low != 0;
    bool joins = op->kind == QM_OP_CONCATENATION || op->kind == QM_OP_PACK;
    return op->kind == QM_OP_MAX_POOL_2D || (evaluate_is_move(op->kind) && !pads && !joins);
}

bool quant_reorders(const struct qm_graph_op *op) {
    return op->kind == QM_OP_RESHAPE || op->kind == QM_OP_TRANSPOSE;
}

/* ---- which tensors ---- */

static bool is_output(const struct qm_graph *graph, uint32_t tensor) {
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == tensor) return true;
    return false;
}

static bool is_constant(const struct placing *p, uint32_t tensor) {
    return graph_of(p)->tensors[tensor].data != NULL;
}

/* Whether the operator that alone reads a tensor takes its numbers before they are rounded. */
static bool is_fused(const struct placing *p, const struct qm_graph_op *maker, uint32_t tensor) {
    const struct qm_graph_op *reader = quant_only_reader(graph_of(p), p->readers, tensor);
    if (reader == NULL) return false;
    bool is_bias = maker->kind == QM_OP_MATMUL && reader->kind == QM_OP_ADD &&
                   (is_constant(p, reader->inputs[0]) || is_constant(p, reader->inputs[1]));
    return is_bias || reader->kind == QM_OP_CLIP || reader->kind == QM_OP_CONCATENATION;
}

/* Whether a tensor leaves the network, perhaps moved. */
static bool leaves(const struct placing *p, uint32_t tensor) {
    const struct qm_graph_op *reader;
    while (!is_output(graph_of(p), tensor)) {
        reader = quant_only_reader(graph_of(p), p->readers, tensor);
        if (reader == NULL || !quant_reorders(reader)) return false;
        tensor = reader->outputs[0];
    }
    return true;
}

/* Probabilities that leave the network, and places, are not quantized; nor is what is computed of constants alone. */
static bool stays_real(const struct placing *p, const struct qm_graph_op *op) {
    bool last = op->kind == QM_OP_SOFTMAX || op->kind == QM_OP_LOG_SOFTMAX, constant = true;
    if (last && leaves(p, op->outputs[0])) return true;
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] != QM_NO_TENSOR) constant = constant && is_constant(p, op->inputs[i]);
    return constant || op->kind == QM_OP_ARG_MAX || op->kind == QM_OP_ARG_MIN;
}

static void add_point(struct placing *p, uint32_t tensor, bool is_end) {
    struct quant_network *network = p->network;
    p->point[tensor] = network->point_count;
    struct quant_point *point = &network->points[network->point_count++];
    *point = (struct quant_point){.tensor = tensor, .is_end = is_end || is_output(network->real, tensor)};
    point->histogram = QM_ARENA_NEW(network->arena, struct qm_histogram, 1);
    qm_histogram_init(point->histogram);
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (network->layers[i].activated == tensor) point->layer = &network->layers[i];
}

static void find_points(struct placing *p) {
    const struct qm_graph *graph = graph_of(p);
    p->network->points = QM_ARENA_NEW(p->network->arena, struct quant_point, graph->op_count + graph->input_count);
    for (uint32_t i = 0; i < graph->tensor_count; i++) p->maker[i] = p->point[i] = QM_NO_TENSOR;
    for (uint32_t i = 0; i < graph->input_count; i++) add_point(p, graph->inputs[i], true);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        p->maker[op->outputs[0]] = i;
        if (!only_moves(op) && !stays_real(p, op) && !is_fused(p, op, op->outputs[0])) add_point(p, op->outputs[0], false);
    }
}

/* ---- what layers read ---- */

/* The point whose integers a tensor has, perhaps moved; NULL: it has none. */
static struct quant_point *point_behind(const struct placing *p, uint32_t tensor) {
    while (p->point[tensor] == QM_NO_TENSOR) {
        if (p->maker[tensor] == QM_NO_TENSOR || !only_moves(&graph_of(p)->ops[p->maker[tensor]])) return NULL;
        tensor = graph_of(p)->ops[p->maker[tensor]].inputs[0];
    }
    return &p->network->points[p->point[tensor]];
}

/* A point has as many bits as the layer that needs most of it; what no layer reads has those of the layer that needs most, 8 at the
 * ends. */
static void give_bits(struct placing *p) {
    struct quant_network *network = p->network;
    uint32_t most = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        struct quant_layer *layer = &network->layers[i];
        struct quant_point *point = point_behind(p, layer->in);
        layer->point = point;
        if (layer->report.activation_bits > most) most = layer->report.activation_bits;
        if (point != NULL && point->bits < layer->report.activation_bits) point->bits = layer->report.activation_bits;
    }
    for (uint32_t i = 0; i < network->point_count; i++) {
        struct quant_point *point = &network->points[i];
        if (point->bits == 0) point->bits = most;
        if (point->is_end) point->bits = ACTIVATION_BITS;
        point->format = (struct qm_format){.bits = point->bits,
                                           .is_signed = true,
                                           .is_short = true,
                                           .is_symmetric = network->options->symmetric,
                                           .power_of_two = network->options->power_of_two};
    }
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (network->layers[i].point != NULL) network->layers[i].report.activation_bits = network->layers[i].point->bits;
}

/* ---- the quantized graph ---- */

/* The constants of a layer become integers; a bias does when it has a scale. */
static void encode_layer(struct quant_network *network, struct quant_layer *layer) {
    size_t outputs = quant_outputs(layer), count = outputs * layer->inputs;
    struct qm_arena *arena = network->arena;
    layer->encodings = QM_ARENA_NEW(arena, struct qm_encoding, outputs);
    layer->integers = QM_ARENA_NEW(arena, int32_t, count);
    layer->placed = QM_ARENA_NEW(arena, int32_t, count);
    layer->bias_encodings = QM_ARENA_NEW(arena, struct qm_encoding, outputs);
    layer->bias_integers = QM_ARENA_NEW(arena, int32_t, outputs);
    layer->corrected = QM_ARENA_NEW(arena, float, outputs);
    for (size_t c = 0; c < outputs; c++) layer->encodings[c].scale = layer->bias_encodings[c].scale = 1;
    const struct qm_format format = {.bits = layer->report.weight_bits, .is_signed = true};
    struct qm_tensor_encoding *weights = &network->encodings[layer->weights];
    qm_tensor_encoding_set(weights, &format, layer->encodings, network->options->per_tensor ? 1 : (uint32_t)outputs);
    weights->axis = network->real->ops[layer->op].kind == QM_OP_MATMUL;
    weights->integers = layer->placed;
    memcpy(layer->corrected, layer->real_bias, outputs * sizeof *layer->corrected);
    network->real->tensors[layer->bias].data = layer->corrected;
    if (layer->point != NULL)
        network->encodings[layer->bias] = (struct qm_tensor_encoding){
            .count = weights->count, .encodings = layer->bias_encodings, .dtype = QM_I32, .integers = layer->bias_integers};
}

/* Where the quantized graph has the constants of the quantizers that its operator `op` and the next one are. */
static void find_constants(const struct qm_graph *graph, uint32_t op, struct quant_point *point) {
    for (uint32_t i = 0; i < 2; i++) {
        point->scale_at[i] = graph->ops[op + i].inputs[1];
        point->zero_at[i] = graph->ops[op + i].inputs[2];
    }
}

/* The operators of the float graph stand in the quantized one in the same order, with two quantizers behind each point. */
static void find_places(const struct placing *p) {
    struct quant_network *network = p->network;
    const struct qm_graph *real = network->real, *graph = network->quantized;
    uint32_t at = 0, layer = 0;
    for (uint32_t i = 0; i < real->input_count; i++, at += 2) find_constants(graph, at, &network->points[p->point[real->inputs[i]]]);
    for (uint32_t i = 0; i < real->op_count; i++, at++) {
        uint32_t point = p->point[real->ops[i].outputs[0]];
        QM_CHECK(graph->ops[at].kind == real->ops[i].kind);
        if (layer < network->layer_count && network->layers[layer].op == i) {
            struct quant_layer *found = &network->layers[layer++];
            bool sums = real->ops[i].kind == QM_OP_MATMUL;
            found->quantized_op = at;
            found->weights_at = graph->ops[at].inputs[1];
            found->bias_at = sums ? graph->ops[at + 1].inputs[1] : graph->ops[at].inputs[2];
            found->out_at = graph->ops[at + sums].outputs[0];
        }
        if (point != QM_NO_TENSOR) find_constants(graph, at + 1, &network->points[point]);
        if (point != QM_NO_TENSOR) at += 2;
    }
}

void quant_place_points(struct quant_network *network) {
    struct qm_arena *arena = network->arena;
    const struct qm_graph *graph = network->real;
    struct placing p = {network, quant_count_readers(graph, arena), QM_ARENA_NEW(arena, uint32_t, graph->tensor_count),
                        QM_ARENA_NEW(arena, uint32_t, graph->tensor_count)};
    find_points(&p);
    give_bits(&p);
    network->encodings = QM_ARENA_NEW(arena, struct qm_tensor_encoding, graph->tensor_count);
    for (uint32_t i = 0; i < network->layer_count; i++) encode_layer(network, &network->layers[i]);
    for (uint32_t i = 0; i < network->point_count; i++) {
        struct quant_point *point = &network->points[i];
        point->encoding.scale = 1;
        qm_tensor_encoding_set(&network->encodings[point->tensor], &point->format, &point->encoding, 1);
    }
    network->quantized = qm_qdq_graph(graph, network->encodings, arena);
    find_places(&p);
}
