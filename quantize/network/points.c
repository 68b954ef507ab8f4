/* points.c - where activations are quantized: at the inputs of the network and behind each operator that computes numbers, but not between
 * a layer and its activation, nor before a concatenation, whose parts are quantized as one. What only moves numbers leaves them on the
 * integers that they have.
 */
#include <math.h>
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

/* ---- which tensors ---- */

static bool is_output(const struct qm_graph *graph, uint32_t tensor) {
    for (uint32_t i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == tensor) return true;
    return false;
}

static const struct qm_graph_op *only_reader(const struct placing *p, uint32_t tensor) {
    const struct qm_graph *graph = graph_of(p);
    for (uint32_t i = 0; i < graph->op_count && p->readers[tensor] == 1; i++)
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++)
            if (graph->ops[i].inputs[j] == tensor) return &graph->ops[i];
    return NULL;
}

static bool is_constant(const struct placing *p, uint32_t tensor) {
    return graph_of(p)->tensors[tensor].data != NULL;
}

/* Whether the operator that alone reads a tensor takes its numbers before they are rounded. */
static bool is_fused(const struct placing *p, const struct qm_graph_op *maker, uint32_t tensor) {
    const struct qm_graph_op *reader = only_reader(p, tensor);
    if (reader == NULL) return false;
    bool is_bias = maker->kind == QM_OP_MATMUL && reader->kind == QM_OP_ADD &&
                   (is_constant(p, reader->inputs[0]) || is_constant(p, reader->inputs[1]));
    return is_bias || reader->kind == QM_OP_CLIP || reader->kind == QM_OP_CONCATENATION;
}

/* Probabilities that leave the network, and places, are not quantized; nor is what is computed of constants alone. */
static bool stays_real(const struct placing *p, const struct qm_graph_op *op) {
    bool last = op->kind == QM_OP_SOFTMAX || op->kind == QM_OP_LOG_SOFTMAX, constant = true;
    if (last && is_output(graph_of(p), op->outputs[0])) return true;
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
    point->scale = QM_ARENA_NEW(network->arena, float, 1);
    point->zero = QM_ARENA_NEW(network->arena, int8_t, 1);
    *point->scale = 1;
    qm_histogram_init(point->histogram);
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

/* A point has as many bits as the layer that needs most of it; what no layer reads has those of the layers on the average path, 8 at the
 * ends. */
static void give_bits(struct placing *p) {
    struct quant_network *network = p->network;
    uint32_t most = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        struct quant_layer *layer = &network->layers[i];
        layer->point = point_behind(p, layer->in);
        if (layer->report.activation_bits > most) most = layer->report.activation_bits;
        if (layer->point != NULL && layer->point->bits < layer->report.activation_bits) layer->point->bits = layer->report.activation_bits;
    }
    for (uint32_t i = 0; i < network->point_count; i++) {
        struct quant_point *point = &network->points[i];
        if (point->bits == 0) point->bits = most;
        if (point->is_end) point->bits = ACTIVATION_BITS;
    }
    for (uint32_t i = 0; i < network->layer_count; i++)
        if (network->layers[i].point != NULL) network->layers[i].report.activation_bits = network->layers[i].point->bits;
}

/* ---- the quantized graph ---- */

struct writing {
    const struct placing *p;
    struct qm_graph_maker maker;
    uint32_t *instead; /* [tensor_count] of the float graph: what is read in its place */
};

/* A quantizer behind a tensor; an output keeps its name. */
static void write_point(struct writing *w, struct quant_point *point) {
    struct qm_arena *arena = w->maker.arena;
    struct qm_graph_tensor tensor = w->maker.graph->tensors[point->tensor];
    struct qm_shape shape = qm_graph_shape(&tensor), one = {0};
    bool leaves = is_output(graph_of(w->p), point->tensor);
    char *real = qm_arena_printf(arena, "%s/real", tensor.name), *rounded = qm_arena_printf(arena, "%s/rounded", tensor.name);
    if (leaves) w->maker.graph->tensors[point->tensor].name = real;
    point->scale_at = qm_graph_add_constant(&w->maker, qm_arena_printf(arena, "%s/scale", tensor.name), QM_F32, &one, point->scale);
    point->zero_at = qm_graph_add_constant(&w->maker, qm_arena_printf(arena, "%s/zero", tensor.name), QM_I8, &one, point->zero);
    uint32_t integers = qm_graph_add_tensor(&w->maker, qm_arena_printf(arena, "%s/integers", tensor.name), QM_I8, &shape);
    uint32_t result = qm_graph_add_tensor(&w->maker, leaves ? tensor.name : rounded, QM_F32, &shape);
    uint32_t bits = point->bits < 8 ? point->bits : 0;
    w->maker.graph->tensors[point->zero_at].bits = w->maker.graph->tensors[integers].bits = bits;
    const uint32_t ends[][2] = {{point->tensor, integers}, {integers, result}};
    for (int i = 0; i < 2; i++) {
        struct qm_graph_op *op = qm_graph_add_op(&w->maker, i == 0 ? QM_OP_QUANTIZE : QM_OP_DEQUANTIZE, ends[i][0], ends[i][1]);
        op->inputs[1] = point->scale_at;
        op->inputs[2] = point->zero_at;
        op->input_count = 3;
        op->low = (double)qm_graph_lowest(&w->maker.graph->tensors[integers]);
        op->high = (double)qm_graph_highest(&w->maker.graph->tensors[integers]);
    }
    w->instead[point->tensor] = result;
}

/* The constants of a layer become integers. */
static void open_layer(struct quant_network *network, struct quant_layer *layer) {
    size_t outputs = quant_outputs(layer), count = outputs * layer->inputs;
    struct qm_arena *arena = network->arena;
    layer->encodings = QM_ARENA_NEW(arena, struct qm_encoding, outputs);
    layer->integers = QM_ARENA_NEW(arena, int32_t, count);
    layer->stored = QM_ARENA_NEW(arena, int8_t, count);
    layer->stored_bias = QM_ARENA_NEW(arena, int32_t, outputs);
    layer->scales = QM_ARENA_NEW(arena, float, outputs);
    layer->bias_scales = QM_ARENA_NEW(arena, float, outputs);
    layer->corrected = QM_ARENA_NEW(arena, float, outputs);
    layer->means = QM_ARENA_NEW(arena, float, outputs);
    for (size_t c = 0; c < outputs; c++) layer->scales[c] = layer->bias_scales[c] = 1;
    memcpy(layer->corrected, layer->real_bias, outputs * sizeof *layer->corrected);
    const int64_t *zeros = QM_ARENA_NEW(arena, int64_t, outputs);
    struct qm_graph_tensor *weights = &network->quantized->tensors[layer->weights], *bias = &network->quantized->tensors[layer->bias];
    bool last = network->real->ops[layer->op].kind == QM_OP_MATMUL;
    weights->dtype = QM_I8;
    weights->bits = layer->report.weight_bits < 8 ? layer->report.weight_bits : 0;
    weights->data = layer->stored;
    weights->size_bytes = count;
    weights->quant = (struct qm_quant){.count = (uint32_t)outputs, .scale = layer->scales, .zero_point = zeros, .axis = last};
    if (layer->point == NULL) {
        bias->data = layer->corrected;
        return;
    }
    bias->dtype = QM_I32;
    bias->data = layer->stored_bias;
    bias->quant = (struct qm_quant){.count = (uint32_t)outputs, .scale = layer->bias_scales, .zero_point = zeros, .axis = 0};
}

static void write_operators(struct writing *w) {
    struct quant_network *network = w->p->network;
    const struct qm_graph *real = network->real;
    uint32_t layer = 0;
    for (uint32_t i = 0; i < real->input_count; i++) write_point(w, &network->points[w->p->point[real->inputs[i]]]);
    for (uint32_t i = 0; i < real->op_count; i++) {
        const struct qm_graph_op *op = &real->ops[i];
        uint32_t point = w->p->point[op->outputs[0]];
        if (layer < network->layer_count && network->layers[layer].op == i)
            network->layers[layer++].quantized_op = w->maker.graph->op_count;
        struct qm_graph_op *copy = quant_add_copy(&w->maker, op);
        for (uint32_t j = 0; j < copy->input_count; j++)
            if (copy->inputs[j] != QM_NO_TENSOR) copy->inputs[j] = w->instead[copy->inputs[j]];
        if (point != QM_NO_TENSOR) write_point(w, &network->points[point]);
    }
}

static void write_graph(struct placing *p) {
    struct quant_network *network = p->network;
    const struct qm_graph *real = network->real;
    struct qm_graph *graph = network->quantized = QM_ARENA_NEW(network->arena, struct qm_graph, 1);
    struct writing w = {.p = p, .maker = {.arena = network->arena, .graph = graph}};
    *graph = *real;
    graph->is_quantized = true;
    graph->tensors = NULL;
    graph->ops = NULL;
    graph->tensor_count = graph->op_count = 0;
    w.instead = QM_ARENA_NEW(network->arena, uint32_t, real->tensor_count);
    for (uint32_t i = 0; i < real->tensor_count; i++) {
        struct qm_shape shape = qm_graph_shape(&real->tensors[i]);
        w.instead[i] = qm_graph_add_tensor(&w.maker, real->tensors[i].name, real->tensors[i].dtype, &shape);
        graph->tensors[i] = real->tensors[i];
    }
    write_operators(&w);
    graph->outputs = QM_ARENA_NEW(network->arena, uint32_t, real->output_count);
    for (uint32_t i = 0; i < real->output_count; i++) graph->outputs[i] = w.instead[real->outputs[i]];
    for (uint32_t i = 0; i < network->layer_count; i++) open_layer(network, &network->layers[i]);
}

void quant_place_points(struct quant_network *network) {
    struct qm_arena *arena = network->arena;
    const struct qm_graph *graph = network->real;
    struct placing p = {network, quant_count_readers(graph, arena), QM_ARENA_NEW(arena, uint32_t, graph->tensor_count),
                        QM_ARENA_NEW(arena, uint32_t, graph->tensor_count)};
    find_points(&p);
    give_bits(&p);
    write_graph(&p);
}
