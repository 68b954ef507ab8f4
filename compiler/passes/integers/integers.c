/* integers.c - the pass: the ends of the network, and between them its operators one after another, in the order of the file. */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* ---- ends of the network ---- */

static void open_values(struct real_pass *r) {
    const struct qm_graph *source = r->source;
    r->values = QM_ARENA_NEW(r->arena, struct real_value, source->tensor_count);
    for (uint32_t i = 0; i < source->tensor_count; i++) {
        const struct qm_graph_tensor *tensor = &source->tensors[i];
        r->values[i] = (struct real_value){
            .name = tensor->name, .shape = qm_graph_shape(tensor), .type = tensor->dtype, .tensors = {QM_NO_TENSOR, QM_NO_TENSOR}};
        if (tensor->data != NULL) r->values[i].state = REAL_CONSTANT;
        r->values[i].constant = tensor;
    }
}

/* Integers of 8 bits and less are what they are, one a byte; wider types and floats carry 8 bits too, or are quantized first. */
static void open_inputs(struct real_pass *r) {
    for (uint32_t i = 0; i < r->source->input_count; i++) {
        struct real_value *value = &r->values[r->source->inputs[i]];
        double low, high;
        value->origin = value;
        value->state = REAL_INPUT;
        if (!evaluate_range(value->constant, &low, &high) || high - low > UINT8_MAX) continue;
        value->state = REAL_TENSOR;
        value->low = (int32_t)low;
        value->high = (int32_t)high;
        real_add_input(r, value, value->name, value->type);
    }
}

static enum qm_status put_inputs(struct real_pass *r) {
    struct qm_graph *graph = r->maker.graph;
    graph->inputs = QM_ARENA_NEW(r->arena, uint32_t, r->source->input_count);
    for (uint32_t i = 0; i < r->source->input_count; i++) {
        const struct real_value *value = &r->values[r->source->inputs[i]];
        uint32_t tensor = value->tensors[real_input_order(r, &value->shape)];
        if (tensor == QM_NO_TENSOR)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is not used by the network", r->source->file, value->name);
        graph->inputs[graph->input_count++] = tensor;
    }
    return QM_OK;
}

/* Messages of an output name the operator that makes it, or the last. */
static struct real_node output_node(struct real_pass *r, uint32_t tensor) {
    const struct qm_graph_op *last = r->source->op_count > 0 ? &r->source->ops[r->source->op_count - 1] : NULL;
    const struct qm_graph_op *maker = r->uses[tensor].maker != NULL ? r->uses[tensor].maker : last;
    struct real_value **outputs = QM_ARENA_NEW(r->arena, struct real_value *, 1);
    outputs[0] = &r->values[tensor];
    return (struct real_node){.r = r, .op = maker, .outputs = outputs};
}

/* Scaled integers that the file calls floats leave the network as floats. */
static uint32_t dequantized(const struct real_node *n, const struct real_value *value, uint32_t tensor) {
    bool plain = n->r->carries_integers && value->scale == 1 && value->zero == 0;
    if (!value->real || plain) return tensor;
    uint32_t result = real_add_tensor(n, value->name, QM_F32, &value->shape);
    real_add_op(n, QM_OP_DEQUANTIZE, tensor, result);
    return result;
}

/* The integers of an output, or the real numbers that they mean, in the type that the file gives them. */
static bool machine_output(const struct real_node *n, struct real_value *value, uint32_t *tensor) {
    if (!real_settle(n, value) || !real_tensor(n, value, REAL_PLAIN, tensor)) return false;
    bool scaled = value->real && (value->scale != 1 || value->zero != 0);
    if (value->type != QM_F32) return (!scaled && real_tensors(n)[*tensor].dtype == value->type) || real_host_output(n, value, tensor);
    *tensor = dequantized(n, value, *tensor);
    return true;
}

/* The tensor of an output, by the machine or else by the host. Only the reason of the machine is named, unless it is the output's type. */
static bool output_tensor(const struct real_node *n, struct real_value *value, uint32_t *tensor) {
    struct problems *problems = &n->r->problems, before = *problems;
    struct real_value own = *value;
    if (value->state == REAL_HOST) return real_host_output(n, value, tensor);
    if (machine_output(n, value, tensor)) return true;
    struct problems after = *problems;
    bool is_typed = value->type < QM_DTYPES;
    if (!is_typed) *problems = before;
    bool made = real_host_output(n, &own, tensor);
    if (is_typed) *problems = made ? before : after;
    return made;
}

/* Tensors that can take an output's name: an operator makes them, and they are no output yet. */
struct names {
    bool *is_free;       /* [room] */
    uint32_t room, seen; /* operators of the graph, which grows */
};

static void see_operators(struct real_pass *r, struct names *names) {
    const struct qm_graph *graph = r->maker.graph;
    if (graph->tensor_count > names->room) {
        bool *before = names->is_free;
        names->is_free = QM_ARENA_NEW(r->arena, bool, 2 * graph->tensor_count);
        if (names->room > 0) memcpy(names->is_free, before, names->room * sizeof *before);
        names->room = 2 * graph->tensor_count;
    }
    for (; names->seen < graph->op_count; names->seen++)
        for (uint32_t j = 0; j < graph->ops[names->seen].output_count; j++) names->is_free[graph->ops[names->seen].outputs[j]] = true;
}

/* Adds an output under the name that the file has for it: what quantizes to the same integers has left the tensor with another. */
static void put_output(const struct real_node *n, struct names *names, uint32_t tensor) {
    struct qm_graph *graph = n->r->maker.graph;
    see_operators(n->r, names);
    if (!names->is_free[tensor]) tensor = real_add_reshape(n, tensor, &n->outputs[0]->shape);
    see_operators(n->r, names);
    names->is_free[tensor] = false;
    graph->tensors[tensor].name = n->outputs[0]->name;
    graph->outputs[graph->output_count++] = tensor;
}

static enum qm_status put_outputs(struct real_pass *r) {
    struct qm_graph *graph = r->maker.graph;
    struct names names = {0};
    graph->outputs = QM_ARENA_NEW(r->arena, uint32_t, r->source->output_count);
    for (uint32_t i = 0; i < r->source->output_count; i++) {
        struct real_value *value = &r->values[r->source->outputs[i]];
        struct real_node n = output_node(r, r->source->outputs[i]);
        uint32_t tensor;
        if (value->state == REAL_CONSTANT || n.op == NULL)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: output %.60s is %s", r->source->file, value->name,
                           value->state == REAL_CONSTANT ? "a constant" : "an input");
        real_mark_output(value);
        if (value->state == REAL_UNKNOWN || !output_tensor(&n, value, &tensor)) continue; /* named */
        put_output(&n, &names, tensor);
    }
    return QM_OK;
}

/* ---- quantization ---- */

static bool only_moves(enum qm_graph_op_kind kind) {
    return kind == QM_OP_RESHAPE || kind == QM_OP_TRANSPOSE || kind == QM_OP_CONCATENATION || kind == QM_OP_PAD ||
           kind == QM_OP_MAX_POOL_2D || kind == QM_OP_STRIDED_SLICE || kind == QM_OP_RESIZE_NEAREST_NEIGHBOR;
}

static void share_quant(struct qm_graph *graph, uint32_t from, uint32_t to) {
    if (graph->tensors[to].quant.count == 0) graph->tensors[to].quant = graph->tensors[from].quant;
}

/* What only moves bytes hands their scale and zero point on, in both directions; integers that nobody gave any mean themselves. */
static void propagate_quantization(struct real_pass *r) {
    struct qm_graph *graph = r->maker.graph;
    for (uint32_t i = graph->op_count; i-- > 0;)
        for (uint32_t j = 0; only_moves(graph->ops[i].kind) && j < graph->ops[i].input_count; j++)
            share_quant(graph, graph->ops[i].outputs[0], graph->ops[i].inputs[j]);
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (only_moves(graph->ops[i].kind)) share_quant(graph, graph->ops[i].inputs[0], graph->ops[i].outputs[0]);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].quant.count == 0 && graph->tensors[i].dtype != QM_F32) qm_graph_set_quant(&r->maker, i, 1, 0);
}

/* ---- what nobody reads ---- */

/* Leaves out operators whose results nobody reads: what was begun for the machine and is computed on the host. */
static void drop_unread(struct real_pass *r) {
    struct qm_graph *graph = r->maker.graph;
    bool *read = QM_ARENA_NEW(r->arena, bool, graph->tensor_count);
    uint32_t kept = graph->op_count;
    for (uint32_t i = 0; i < graph->output_count; i++) read[graph->outputs[i]] = true;
    for (uint32_t i = graph->op_count; i-- > 0;) {
        bool needed = false;
        for (uint32_t j = 0; j < graph->ops[i].output_count; j++) needed = needed || read[graph->ops[i].outputs[j]];
        for (uint32_t j = 0; needed && j < graph->ops[i].input_count; j++)
            if (graph->ops[i].inputs[j] != QM_NO_TENSOR) read[graph->ops[i].inputs[j]] = true;
        if (needed) graph->ops[--kept] = graph->ops[i];
    }
    graph->op_count -= kept;
    memmove(graph->ops, graph->ops + kept, graph->op_count * sizeof *graph->ops);
}

/* Who makes and who reads each tensor of the source. */
static struct real_use *find_uses(const struct qm_graph *source, struct qm_arena *arena) {
    struct real_use *uses = QM_ARENA_NEW(arena, struct real_use, source->tensor_count);
    for (uint32_t i = 0; i < source->op_count; i++) {
        const struct qm_graph_op *op = &source->ops[i];
        for (uint32_t j = 0; j < op->input_count; j++)
            if (op->inputs[j] != QM_NO_TENSOR) uses[op->inputs[j]].readers++;
        for (uint32_t j = 0; j < op->output_count; j++) uses[op->outputs[j]].maker = op;
    }
    for (uint32_t i = 0; i < source->output_count; i++) {
        uses[source->outputs[i]].readers++;
        uses[source->outputs[i]].is_output = true;
    }
    return uses;
}

/* ---- what is refused ---- */

static bool has_fractions(const struct qm_graph_tensor *t) {
    if (t->data == NULL || (t->dtype != QM_F32 && t->dtype != QM_F64)) return false;
    for (size_t i = 0; i < (size_t)qm_graph_elements(t); i++)
        if (evaluate_stored(t, i) != floor(evaluate_stored(t, i))) return true;
    return false;
}

/* A network that quantizes nothing and whose weights are no integers has not been quantized: nothing else is worth saying. */
static enum qm_status check_quantized(const struct qm_graph *graph, struct qm_diag *diag) {
    for (uint32_t i = 0; i < graph->op_count && !graph->is_quantized; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        bool multiplies = op->kind == QM_OP_CONV_2D || op->kind == QM_OP_TRANSPOSE_CONV || op->kind == QM_OP_MATMUL;
        for (uint32_t j = 0; multiplies && j < op->input_count && j < 2; j++)
            if (has_fractions(&graph->tensors[op->inputs[j]]))
                return qm_fail(diag, QM_BAD_INPUT,
                               "%s: this is a float network: it has no quantizers, and operator %u %s has weights %.60s that are not "
                               "integers; qmac quantize makes integers of it (docs/how-to/quantize-a-network.md)",
                               graph->file, op->index, op->name, graph->tensors[op->inputs[j]].name);
    }
    return QM_OK;
}

/* What helps. */
static const char *hint_for(const struct qm_graph *graph) {
    if (graph->is_quantized) return "docs/how-to/run-an-onnx-network.md lists what can be read";
    return "if this is a float network, qmac quantize makes integers of it (docs/how-to/quantize-a-network.md); "
           "docs/how-to/run-an-onnx-network.md lists what can be read";
}

enum qm_status qm_integers(struct qm_graph *graph, const struct qm_model_options *options, struct qm_arena *arena, struct qm_graph **result,
                           struct qm_diag *diag) {
    static const struct qm_model_options none;
    *result = graph;
    if (!graph->is_real) return QM_OK;
    QM_TRY(check_quantized(graph, diag));
    *result = QM_ARENA_NEW(arena, struct qm_graph, 1);
    struct real_pass r = {.source = graph, .options = options != NULL ? options : &none, .arena = arena, .diag = diag};
    r.problems = graph->problems;
    r.maker = (struct qm_graph_maker){.arena = arena, .graph = *result};
    (*result)->file = graph->file;
    (*result)->was_real = true;
    memcpy((*result)->sha256, graph->sha256, sizeof graph->sha256);
    for (uint32_t i = 0; i < graph->op_count; i++) r.quantizes = r.quantizes || graph->ops[i].kind == QM_OP_QUANTIZE;
    r.uses = find_uses(graph, arena);
    open_values(&r);
    open_inputs(&r);
    for (uint32_t i = 0; i < graph->op_count; i++) real_make_operator(&r, &graph->ops[i]);
    enum qm_status status = put_outputs(&r);
    QM_TRY(problems_report(&r.problems, graph->file, hint_for(graph), diag));
    QM_TRY(status);
    QM_TRY(put_inputs(&r));
    if ((*result)->op_count == 0) return qm_fail(diag, QM_BAD_INPUT, "%s: the network computes nothing", graph->file);
    drop_unread(&r);
    propagate_quantization(&r);
    return QM_OK;
}
