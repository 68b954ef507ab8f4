/* layers.c - the layers of a float graph. What is linear in each channel behind one, as a batch normalization is, becomes a part of its
 * weights and bias; a product of matrices has its bias in the ADD behind it.
 */
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"
#include "quantize/network/parts.h"

/* Adds a copy of an operator to a graph. */
static struct qm_graph_op *add_copy(struct qm_graph_maker *maker, const struct qm_graph_op *op) {
    struct qm_graph_op *copy = qm_graph_add_op(maker, op->kind, op->inputs[0], op->outputs[0]);
    *copy = *op;
    qm_graph_own_operands(copy, maker->arena);
    return copy;
}

/* ---- what is a layer ---- */

static bool is_layer(const struct qm_graph *graph, const struct qm_graph_op *op) {
    if (op->kind != QM_OP_CONV_2D && op->kind != QM_OP_MATMUL) return false;
    const struct qm_graph_tensor *weights = &graph->tensors[op->inputs[1]];
    if (weights->data == NULL || (op->kind == QM_OP_MATMUL && weights->rank != 2)) return false;
    return op->input_count < 3 || op->inputs[2] == QM_NO_TENSOR || graph->tensors[op->inputs[2]].data != NULL;
}

static void measure(struct quant_layer *layer, const struct qm_graph *graph, const struct qm_graph_op *op) {
    const struct qm_graph_tensor *weights = &graph->tensors[op->inputs[1]];
    uint32_t elements = (uint32_t)qm_graph_elements(weights), channels = weights->dims[op->kind == QM_OP_CONV_2D || op->transposed ? 0 : 1];
    layer->groups = op->kind == QM_OP_CONV_2D ? op->groups : 1;
    layer->channels = channels / layer->groups;
    layer->inputs = elements / channels;
}

static void read_weights(struct quant_network *network, struct quant_layer *layer, const struct qm_graph *graph,
                         const struct qm_graph_op *op) {
    size_t outputs = quant_outputs(layer), count = outputs * layer->inputs;
    bool turns = op->kind == QM_OP_MATMUL && !op->transposed;
    const double *numbers = evaluate_numbers(&graph->tensors[op->inputs[1]], network->arena);
    layer->real_weights = QM_ARENA_NEW(network->arena, float, count);
    layer->real_bias = QM_ARENA_NEW(network->arena, float, outputs);
    for (size_t i = 0; i < count; i++) layer->real_weights[i] = (float)numbers[turns ? i % layer->inputs * outputs + i / layer->inputs : i];
    if (op->input_count < 3 || op->inputs[2] == QM_NO_TENSOR) return;
    numbers = evaluate_numbers(&graph->tensors[op->inputs[2]], network->arena);
    for (size_t c = 0; c < outputs; c++) layer->real_bias[c] = (float)numbers[c];
}

/* ---- folding ---- */

struct folding {
    struct quant_network *network;
    const struct qm_graph *graph;
    const uint32_t *readers;
    bool *gone; /* [op_count] folded into a layer */
};

/* A constant as one number for each channel along an axis of the output; NULL: it is none. */
static const float *channel_numbers(const struct folding *f, uint32_t constant, uint32_t out, uint32_t axis, size_t channels) {
    const struct qm_graph_tensor *tensor = &f->graph->tensors[constant], *result = &f->graph->tensors[out];
    uint64_t elements = qm_graph_elements(tensor);
    if (tensor->data == NULL || tensor->rank > result->rank || (elements != 1 && elements != channels)) return NULL;
    uint32_t missing = result->rank - tensor->rank;
    if (elements > 1 && (axis < missing || tensor->dims[axis - missing] != channels)) return NULL;
    const double *numbers = evaluate_numbers(tensor, f->network->arena);
    float *each = QM_ARENA_NEW(f->network->arena, float, channels);
    for (size_t c = 0; c < channels; c++) each[c] = (float)numbers[elements == 1 ? 0 : c];
    return each;
}

/* Folds an operator behind a layer into it; false: it is none that can be. */
static bool fold(struct folding *f, struct quant_layer *layer, const struct qm_graph_op *next) {
    size_t channels = quant_outputs(layer);
    bool adds = next->kind == QM_OP_ADD || next->kind == QM_OP_SUB, scales = next->kind == QM_OP_MUL || next->kind == QM_OP_DIV;
    bool second = next->inputs[1] != layer->out, keeps_order = second || next->kind == QM_OP_ADD || next->kind == QM_OP_MUL;
    if ((!adds && !scales) || !keeps_order) return false;
    const struct qm_graph_tensor *out = &f->graph->tensors[next->outputs[0]];
    uint32_t axis = f->graph->ops[layer->op].kind == QM_OP_CONV_2D ? 1 : out->rank - 1;
    if (out->rank != f->graph->tensors[layer->out].rank) return false;
    const float *numbers = channel_numbers(f, next->inputs[second], next->outputs[0], axis, channels);
    if (numbers == NULL) return false;
    float *factors = QM_ARENA_NEW(f->network->arena, float, channels), *addends = QM_ARENA_NEW(f->network->arena, float, channels);
    for (size_t c = 0; c < channels; c++) {
        factors[c] = next->kind == QM_OP_MUL ? numbers[c] : next->kind == QM_OP_DIV ? 1 / numbers[c] : 1;
        addends[c] = next->kind == QM_OP_ADD ? numbers[c] : next->kind == QM_OP_SUB ? -numbers[c] : 0;
    }
    const struct qm_filter filter = {layer->groups, layer->channels, layer->inputs, 1, layer->real_weights, layer->real_bias};
    qm_filter_scale(&filter, factors, addends);
    f->gone[next - f->graph->ops] = true;
    layer->out = next->outputs[0];
    return true;
}

static void find_layer(struct folding *f, uint32_t index) {
    const struct qm_graph_op *op = &f->graph->ops[index], *next;
    struct quant_layer *layer = &f->network->layers[f->network->layer_count++];
    *layer = (struct quant_layer){.op = index, .in = op->inputs[0], .out = op->outputs[0], .activation = {-INFINITY, INFINITY}};
    measure(layer, f->graph, op);
    read_weights(f->network, layer, f->graph, op);
    while ((next = quant_only_reader(f->graph, f->readers, layer->out)) != NULL && fold(f, layer, next)) {
    }
    next = quant_only_reader(f->graph, f->readers, layer->out);
    layer->activated = layer->out;
    if (next != NULL && next->kind == QM_OP_CLIP) {
        layer->activation = (struct qm_range){next->low, next->high};
        layer->activated = next->outputs[0];
    }
    layer->report = (struct qm_quantize_layer){.name = f->graph->tensors[layer->activated].name, .nearest = NAN, .learned = NAN};
}

/* ---- the float graph ---- */

/* The weights as the graph has them: those of a product of matrices are [inputs][channels]. */
static const float *graph_weights(const struct quant_network *network, const struct quant_layer *layer, enum qm_graph_op_kind kind) {
    size_t outputs = quant_outputs(layer), count = outputs * layer->inputs;
    if (kind == QM_OP_CONV_2D) return layer->real_weights;
    float *turned = QM_ARENA_NEW(network->arena, float, count);
    for (size_t i = 0; i < count; i++) turned[i % layer->inputs * outputs + i / layer->inputs] = layer->real_weights[i];
    return turned;
}

/* Writes a layer: a convolution with its bias, or a product and a sum. */
static void write_layer(struct quant_network *network, struct qm_graph_maker *maker, struct quant_layer *layer,
                        const struct qm_graph_op *op) {
    struct qm_shape weights = qm_graph_shape(&maker->graph->tensors[op->inputs[1]]);
    const struct qm_shape bias = {.rank = 1, .dims = {quant_outputs(layer)}};
    if (op->kind == QM_OP_MATMUL) weights = (struct qm_shape){.rank = 2, .dims = {layer->inputs, quant_outputs(layer)}};
    const char *name = maker->graph->tensors[op->inputs[1]].name;
    layer->weights = qm_graph_add_constant(maker, qm_arena_printf(network->arena, "%s/weights%u", name, layer->op), QM_F32, &weights,
                                           graph_weights(network, layer, op->kind));
    layer->bias =
        qm_graph_add_constant(maker, qm_arena_printf(network->arena, "%s/bias%u", name, layer->op), QM_F32, &bias, layer->real_bias);
    layer->op = maker->graph->op_count;
    struct qm_graph_op *copy = add_copy(maker, op);
    copy->inputs[1] = layer->weights;
    copy->transposed = false;
    copy->outputs[0] = layer->out;
    if (op->kind == QM_OP_CONV_2D) {
        copy->inputs[2] = layer->bias;
        copy->input_count = 3;
        return;
    }
    struct qm_shape shape = qm_graph_shape(&maker->graph->tensors[layer->out]);
    char *product = qm_arena_printf(network->arena, "%s/product%u", maker->graph->tensors[layer->out].name, layer->op);
    uint32_t sums = qm_graph_add_tensor(maker, product, QM_F32, &shape);
    maker->graph->ops[layer->op].outputs[0] = sums;
    struct qm_graph_op *sum = qm_graph_add_op(maker, QM_OP_ADD, sums, layer->out);
    sum->index = op->index;
    sum->inputs[1] = layer->bias;
    sum->input_count = 2;
}

static void write_graph(struct folding *f) {
    struct quant_network *network = f->network;
    struct qm_graph_maker maker = {.arena = network->arena, .graph = network->real};
    uint32_t layer = 0;
    for (uint32_t i = 0; i < f->graph->tensor_count; i++) {
        struct qm_shape shape = qm_graph_shape(&f->graph->tensors[i]);
        qm_graph_add_tensor(&maker, f->graph->tensors[i].name, f->graph->tensors[i].dtype, &shape);
        network->real->tensors[i] = f->graph->tensors[i];
    }
    for (uint32_t i = 0; i < f->graph->op_count; i++) {
        if (f->gone[i]) continue;
        if (layer < network->layer_count && network->layers[layer].op == i)
            write_layer(network, &maker, &network->layers[layer++], &f->graph->ops[i]);
        else
            add_copy(&maker, &f->graph->ops[i]);
    }
}

static bool are_finite(const float *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i])) return false;
    return true;
}

/* As they are with all that was folded into them. */
static enum qm_status check_finite(const struct quant_network *network) {
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct quant_layer *layer = &network->layers[i];
        size_t outputs = quant_outputs(layer);
        if (are_finite(layer->real_weights, outputs * layer->inputs) && are_finite(layer->real_bias, outputs)) continue;
        return qm_fail(network->diag, QM_BAD_INPUT, "%s: layer %.60s has NaN or infinite weights or biases", network->real->file,
                       layer->report.name);
    }
    return QM_OK;
}

enum qm_status quant_find_layers(struct quant_network *network, const struct qm_graph *graph) {
    struct folding f = {network, graph, quant_count_readers(graph, network->arena), QM_ARENA_NEW(network->arena, bool, graph->op_count)};
    network->layers = QM_ARENA_NEW(network->arena, struct quant_layer, graph->op_count);
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (is_layer(graph, &graph->ops[i])) find_layer(&f, i);
    if (network->layer_count == 0)
        return qm_fail(network->diag, QM_BAD_INPUT, "%s: there is nothing to quantize: no convolution and no product with constant weights",
                       graph->file);
    network->real = QM_ARENA_NEW(network->arena, struct qm_graph, 1);
    *network->real = *graph;
    network->real->tensors = NULL;
    network->real->ops = NULL;
    network->real->tensor_count = network->real->op_count = 0;
    if (network->options->absorbs || network->options->ranges == QM_RANGES_NORMAL) QM_TRY(quant_find_statistics(network, graph));
    if (network->options->equalizes) quant_equalize(network, graph, f.readers);
    if (network->options->absorbs) quant_absorb(network, graph, f.readers);
    QM_TRY(check_finite(network));
    write_graph(&f);
    return QM_OK;
}
