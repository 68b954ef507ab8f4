/* host.c - what the machine cannot compute exactly goes to the host: operators on real numbers, in doubles (evaluate/).
 *
 * Such an operator makes a HOST value, which is only remembered; what reads it is on the host, too. When a QUANTIZE comes, or the network
 * ends, all that has been remembered becomes one operator of the graph of integers. Products by constant weights never go to the host.
 */
#include "compiler/passes/integers/integers.h"

void real_remember(const struct real_node *n) {
    struct real_source *source = QM_ARENA_NEW(n->r->arena, struct real_source, 1);
    source->op = n->op;
    source->inputs = QM_ARENA_NEW(n->r->arena, struct real_value, n->op->input_count);
    struct qm_shape *shapes = QM_ARENA_NEW(n->r->arena, struct qm_shape, n->op->output_count);
    source->shapes = shapes;
    for (uint32_t i = 0; i < n->op->input_count; i++)
        if (n->inputs[i] != NULL) source->inputs[i] = *n->inputs[i];
    for (uint32_t i = 0; i < n->op->output_count; i++) {
        shapes[i] = n->outputs[i]->shape;
        n->outputs[i]->source = source;
        n->outputs[i]->source_output = i;
    }
}

static struct real_host *open_host(const struct real_node *n) {
    struct real_host *host = QM_ARENA_NEW(n->r->arena, struct real_host, 1);
    host->n = n;
    host->number = ++n->r->hosts;
    host->maker = (struct qm_graph_maker){.arena = n->r->arena, .graph = QM_ARENA_NEW(n->r->arena, struct qm_graph, 1)};
    host->maker.graph->is_real = true;
    return host;
}

/* Adds the graph, whose result is tensor `end` of it, as an operator with this output. False: what it says does not fit together. */
static bool close_host(struct real_host *host, uint32_t end, uint32_t out) {
    struct qm_graph *graph = host->maker.graph;
    qm_graph_set_ends(&host->maker, host->input_count, host->ends, end);
    const char *problem = evaluate_check_graph(graph);
    if (problem != NULL) return real_refuse(host->n, "is computed on the host by an operator that %s", problem);
    struct qm_graph_op *op = real_add_op(host->n, QM_OP_HOST, QM_NO_TENSOR, out);
    op->input_count = host->input_count;
    op->inputs = qm_graph_operands(host->n->r->arena, host->input_count);
    for (uint32_t i = 0; i < host->input_count; i++) op->inputs[i] = host->inputs[i];
    op->graph = graph;
    return true;
}

/* ---- operators ---- */

static bool quantize(const struct real_node *n) {
    struct real_encoding encoding;
    struct real_host *host = open_host(n);
    struct real_value *out = n->outputs[0];
    if (!real_encoding_of(n, &encoding)) return false;
    uint32_t x = real_host_value(host, n->inputs[0]);
    if (x == QM_NO_TENSOR) return false;
    if (host->input_count == 0) return real_refuse(n, "quantizes what is computed from no input");
    uint32_t scale = real_host_value(host, n->inputs[1]), zero = n->inputs[2] != NULL ? real_host_value(host, n->inputs[2]) : QM_NO_TENSOR;
    struct qm_graph_op *op = real_host_op(host, QM_OP_QUANTIZE, x, &out->shape, encoding.dtype);
    op->inputs[1] = scale;
    op->inputs[2] = zero;
    op->input_count = 3;
    op->axis = n->op->axis;
    op->low = n->op->low;
    op->high = n->op->high;
    x = op->outputs[0];
    bool last = host->channels_last && out->shape.rank == 4;
    if (last) x = real_host_transpose(host, x, (const uint32_t[]){0, 2, 3, 1}, encoding.dtype);
    struct qm_shape shape = qm_graph_shape(&host->maker.graph->tensors[x]);
    uint32_t tensor = real_add_tensor(n, out->name, encoding.dtype, &shape);
    real_set_quant(n, tensor, (float)encoding.scale, encoding.zero);
    real_become_tensor(out, &encoding, last ? REAL_CHANNELS_LAST : REAL_PLAIN, tensor);
    out->real = false;
    return close_host(host, x, tensor);
}

bool real_host(const struct real_node *n) {
    if (n->op->kind == QM_OP_QUANTIZE) return quantize(n);
    struct real_value inputs[2] = {{0}};
    for (uint32_t i = 0; i < 2 && i < n->op->input_count; i++)
        if (n->inputs[i] != NULL) inputs[i] = *n->inputs[i];
    bool whole = inputs[0].state == REAL_HOST && inputs[0].source->op->kind == QM_OP_DEQUANTIZE;
    if (real_has_products(n->op, inputs))
        return real_refuse(n, whole ? "multiplies integers that only the host can compute, which is not supported"
                                    : "reads what is not quantized; a QuantizeLinear must come between");
    real_remember(n);
    for (uint32_t i = 0; i < n->op->output_count; i++) n->outputs[i]->state = REAL_HOST;
    return true;
}

bool real_host_output(const struct real_node *n, const struct real_value *value, uint32_t *tensor) {
    struct real_host *host = open_host(n);
    if (value->type >= QM_DTYPES || value->type == QM_I16)
        return real_refuse(n, "gives an output of %s, which is not supported", qm_dtype_name(value->type));
    uint32_t x = real_host_value(host, value);
    if (x == QM_NO_TENSOR) return false;
    if (host->input_count == 0) return real_refuse(n, "gives an output that is computed from no input");
    x = real_host_op(host, QM_OP_CAST, x, &value->shape, value->type)->outputs[0];
    *tensor = real_add_tensor(n, value->name, value->type, &value->shape);
    return close_host(host, x, *tensor);
}
