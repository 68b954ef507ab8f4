/* walk.c - examples that go through the float and the quantized network from layer to layer. Of each example what operators from the next
 * layer on still read is kept, so that each operator runs once for all of its layers and not once for each layer behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "quantize/network/parts.h"

/* One of the two networks. Operators from `at` on are still to be run. */
struct side {
    struct infer *run;
    const struct qm_graph *graph;
    uint32_t *born; /* [tensor_count] operators that have run when it is there; QM_NO_TENSOR: it is constant, or never */
    uint32_t *last; /* [tensor_count] operators that have run when nobody reads it any more */
    uint32_t at;
    float **kept; /* [examples] */
};

struct quant_walk {
    struct quant_network *network;
    struct side real, quantized;
};

/* ---- one network ---- */

static struct side open_side(struct qm_arena *arena, struct infer *run, const struct qm_graph *graph) {
    struct side side = {.run = run, .graph = graph};
    side.born = QM_ARENA_NEW(arena, uint32_t, graph->tensor_count);
    side.last = QM_ARENA_NEW(arena, uint32_t, graph->tensor_count);
    for (uint32_t t = 0; t < graph->tensor_count; t++) side.born[t] = QM_NO_TENSOR;
    for (uint32_t i = 0; i < graph->input_count; i++) side.born[graph->inputs[i]] = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        for (uint32_t j = 0; j < op->output_count; j++)
            if (op->outputs[j] != QM_NO_TENSOR) side.born[op->outputs[j]] = i + 1;
        for (uint32_t j = 0; j < op->input_count; j++)
            if (op->inputs[j] != QM_NO_TENSOR) side.last[op->inputs[j]] = i + 1;
    }
    return side;
}

/* Whether a tensor is there before operator `at`, and read by it or a later one. */
static bool is_live(const struct side *side, uint32_t tensor, uint32_t at) {
    return side->born[tensor] <= at && side->last[tensor] > at;
}

static size_t elements_of(const struct side *side, uint32_t tensor) {
    return (size_t)qm_graph_elements(&side->graph->tensors[tensor]);
}

static size_t live_elements(const struct side *side, uint32_t at) {
    size_t elements = 0;
    for (uint32_t t = 0; t < side->graph->tensor_count; t++)
        if (is_live(side, t, at)) elements += elements_of(side, t);
    return elements;
}

/* Keeps what is live of the example that ran last. */
static void keep(struct side *side, uint64_t example, uint32_t at) {
    float *to = side->kept[example] = qm_alloc_more(side->kept[example], (live_elements(side, at) + 1) * sizeof *to);
    for (uint32_t t = 0; t < side->graph->tensor_count; t++) {
        if (!is_live(side, t, at)) continue;
        memcpy(to, infer_numbers(side->run, t), elements_of(side, t) * sizeof *to);
        to += elements_of(side, t);
    }
}

/* Makes it the example that ran last. */
static void take(const struct side *side, uint64_t example) {
    const float *from = side->kept[example];
    for (uint32_t t = 0; t < side->graph->tensor_count; t++) {
        if (!is_live(side, t, side->at)) continue;
        infer_set_numbers(side->run, t, from);
        from += elements_of(side, t);
    }
}

static bool go_on(struct side *side, uint64_t example, uint32_t at) {
    take(side, example);
    if (!infer_run_part(side->run, side->at, at)) return false;
    keep(side, example, at);
    return true;
}

/* ---- both ---- */

/* As many of the calibration as there is memory for, at least one. */
static uint64_t count_examples(const struct quant_walk *walk) {
    const struct quant_network *network = walk->network;
    uint64_t most = 1, count = network->calibration->count;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct quant_layer *layer = &network->layers[i];
        uint64_t elements = live_elements(&walk->real, layer->op) + live_elements(&walk->quantized, layer->quantized_op);
        if (elements > most) most = elements;
    }
    uint64_t room = network->options->kept_floats / most;
    return room == 0 ? 1 : room < count ? room : count;
}

struct quant_walk *quant_walk_begin(struct quant_network *network) {
    struct quant_walk *walk = QM_ARENA_NEW(network->arena, struct quant_walk, 1);
    const float *inputs[QUANT_INPUTS_MAX];
    walk->network = network;
    walk->real = open_side(network->arena, network->real_run, network->real);
    walk->quantized = open_side(network->arena, network->quantized_run, network->quantized);
    network->learned_of = count_examples(walk);
    walk->real.kept = QM_ARENA_NEW(network->arena, float *, walk->network->learned_of);
    walk->quantized.kept = QM_ARENA_NEW(network->arena, float *, walk->network->learned_of);
    for (uint64_t e = 0; e < walk->network->learned_of; e++) {
        quant_take_example(network->real, network->calibration, e, inputs);
        infer_set_inputs(network->real_run, inputs);
        infer_set_inputs(network->quantized_run, inputs);
        keep(&walk->real, e, 0);
        keep(&walk->quantized, e, 0);
    }
    return walk;
}

void quant_walk_end(struct quant_walk *walk) {
    for (uint64_t e = 0; e < walk->network->learned_of; e++) {
        free(walk->real.kept[e]);
        free(walk->quantized.kept[e]);
    }
}

enum qm_status quant_walk_to(struct quant_walk *walk, const struct quant_layer *layer) {
    for (uint64_t e = 0; e < walk->network->learned_of; e++)
        if (!go_on(&walk->real, e, layer->op) || !go_on(&walk->quantized, e, layer->quantized_op))
            return quant_fail_example(walk->network, e);
    walk->real.at = layer->op;
    walk->quantized.at = layer->quantized_op;
    return QM_OK;
}

enum qm_status quant_walk_run(const struct quant_walk *walk, const struct quant_layer *layer, uint64_t example) {
    uint32_t operators = walk->network->real->ops[layer->op].kind == QM_OP_MATMUL ? 2 : 1; /* a product, and the sum with its bias */
    take(&walk->real, example);
    take(&walk->quantized, example);
    bool done = infer_run_part(walk->real.run, layer->op, layer->op + operators) &&
                infer_run_part(walk->quantized.run, layer->quantized_op, layer->quantized_op + operators);
    return done ? QM_OK : quant_fail_example(walk->network, example);
}
