/* pairs.c - pairs of layers of which the second alone reads the first, or a ReLU behind it: ranges that they share, biases that one takes
 * over from the other.
 */
#include <math.h>

#include "quantize/network/parts.h"

enum { ROUNDS_MAX = 20 };
#define NEAR_ONE 1.01 /* no factor is further from 1 when the rounds end */

struct qm_filter quant_filter_of(const struct quant_layer *layer, const struct qm_graph_op *op) {
    size_t taps = op->kind == QM_OP_CONV_2D ? (size_t)op->kernel_h * op->kernel_w : 1;
    return (struct qm_filter){layer->groups, layer->channels, layer->inputs / taps, taps, layer->real_weights, layer->real_bias};
}

/* The operator that alone reads a layer's results, perhaps behind a ReLU; NULL: there is none. */
static const struct qm_graph_op *next_of(const struct qm_graph *graph, const uint32_t *readers, const struct quant_layer *layer) {
    const struct qm_graph_op *next = quant_only_reader(graph, readers, layer->out);
    if (next == NULL || next->kind != QM_OP_CLIP) return next;
    return next->low == 0 && isinf(next->high) ? quant_only_reader(graph, readers, next->outputs[0]) : NULL;
}

/* The layer that is the second of a pair with this first one; NULL: there is none. */
static const struct quant_layer *second_of(const struct quant_network *network, const struct qm_graph *graph, const uint32_t *readers,
                                           const struct quant_layer *first) {
    const struct qm_graph_op *next = next_of(graph, readers, first);
    for (uint32_t i = 0; i < network->layer_count && next != NULL; i++) {
        const struct quant_layer *second = &network->layers[i];
        if (&graph->ops[second->op] == next && next->kind == graph->ops[first->op].kind) return second;
    }
    return NULL;
}

/* Equalizes a pair; the statistics of the first follow. Returns the furthest factor from 1. */
static double equalize_pair(const struct quant_network *network, const struct quant_layer *first, const struct qm_filter *before,
                            const struct qm_filter *behind) {
    float *factors = QM_ARENA_NEW(network->arena, float, quant_outputs(first));
    double furthest = qm_filter_equalize(before, behind, factors);
    for (uint32_t c = 0; c < quant_outputs(first) && first->means != NULL; c++) {
        first->means[c] /= factors[c];
        first->deviations[c] /= factors[c];
    }
    return furthest;
}

/* Equalizes all pairs once, or absorbs their biases. Returns the furthest factor from 1. */
static double change_pairs(const struct quant_network *network, const struct qm_graph *graph, const uint32_t *readers, bool equalizes) {
    double furthest = 1;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        const struct quant_layer *first = &network->layers[i], *second = second_of(network, graph, readers, first);
        if (second == NULL) continue;
        struct qm_filter before = quant_filter_of(first, &graph->ops[first->op]), behind = quant_filter_of(second, &graph->ops[second->op]);
        if (equalizes)
            furthest = fmax(furthest, equalize_pair(network, first, &before, &behind));
        else
            qm_filter_absorb(&before, &behind, first->means, first->deviations);
    }
    return furthest;
}

void quant_equalize(struct quant_network *network, const struct qm_graph *graph, const uint32_t *readers) {
    for (int round = 0; round < ROUNDS_MAX && change_pairs(network, graph, readers, true) > NEAR_ONE; round++) {
    }
}

void quant_absorb(struct quant_network *network, const struct qm_graph *graph, const uint32_t *readers) {
    change_pairs(network, graph, readers, false);
}
