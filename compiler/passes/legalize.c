/* legalize.c - the graph's real numbers become the machine's integers: every scale a multiplier and a shift, every zero point a bias.
 *
 * This file walks the operators; they themselves are in legalize_convolutions.c, legalize_products.c, legalize_post.c, legalize_moves.c,
 * legalize_lists.c, legalize_tables.c, legalize_functions.c and legalize_host.c, as common/graph_ops.def says; legalize_batch.c comes
 * before them.
 */
#include "common/machine.h"
#include "common/problems.h"
#include "compiler/ir/windows.h"
#include "compiler/passes/legalize_site.h"

/* ---- the table of operators ---- */

/* Types are those of the activations. */
static const struct rule {
    legalize_operator *legalize;
    enum qm_types in, out;
} rules[QM_GRAPH_OP_KINDS] = {
#define QM_GRAPH_OP(name, in, out, legalize, integers, real, limits) [QM_OP_##name] = {legalize_##legalize, QM_TYPES_##in, QM_TYPES_##out},
#include "common/graph_ops.def"
#undef QM_GRAPH_OP
};

/* ---- types ---- */

static bool takes_any_floats(enum qm_graph_op_kind kind) {
    return kind == QM_OP_QUANTIZE || kind == QM_OP_DEQUANTIZE || kind == QM_OP_RESHAPE || kind == QM_OP_HOST;
}

static bool dequantizes(const struct qm_graph *graph) {
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (graph->ops[i].kind == QM_OP_DEQUANTIZE && graph->tensors[graph->ops[i].inputs[0]].data == NULL) return true;
    return false;
}

/* Marks what operators compute that are left out of the graph, in a network that dequantizes: they alone are in the way then. */
static void mark_left_out(const struct qm_graph *graph, bool *tails) {
    if (graph->problems.count == 0 || !dequantizes(graph)) return;
    for (uint32_t i = 0; i < graph->tensor_count; i++) tails[i] = true;
    for (uint32_t i = 0; i < graph->input_count; i++) tails[graph->inputs[i]] = false;
}

/* Which tensors are floats that come of bytes alone, by way of DEQUANTIZE. Other floats are those of a float network, which is to be
 * quantized: the host is no machine for it. */
static bool *find_tails(const struct qm_graph *graph, struct qm_arena *arena) {
    bool *tails = QM_ARENA_NEW(arena, bool, graph->tensor_count);
    mark_left_out(graph, tails);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        bool tail = true;
        for (uint32_t j = 0; j < op->input_count; j++) {
            const struct qm_graph_tensor *in = op->inputs[j] != QM_NO_TENSOR ? &graph->tensors[op->inputs[j]] : NULL;
            if (in != NULL && in->dtype == QM_F32 && in->data == NULL) tail = tail && tails[op->inputs[j]];
        }
        for (uint32_t j = 0; j < op->output_count; j++) tails[op->outputs[j]] = tail;
    }
    return tails;
}

/* Files of TFLite multiply matrices of int8 only; passes/integers has more. */
static uint32_t of_format(const struct qm_graph *graph, const struct qm_graph_op *op, uint32_t types) {
    return op->kind == QM_OP_BATCH_MATMUL && !graph->was_real ? types & QM_TYPES_I8 : types;
}

/* The types that operand i may have. */
static uint32_t wanted_types(const struct qm_graph *graph, const struct qm_graph_op *op, uint32_t i, bool floats) {
    if ((op->kind == QM_OP_GATHER || op->kind == QM_OP_GATHER_ND) && i == 1) return QM_TYPES_INDICES;
    if (op->kind == QM_OP_SELECT && i == 0) return QM_TYPES_BOOL;
    if (qm_graph_has_weights(op->kind) && i > 0) return i == 1 ? QM_TYPES_BYTES : QM_TYPES_I32;
    if (op->kind == QM_OP_BATCH_MATMUL && i == 2) return QM_TYPES_I32;
    return of_format(graph, op, rules[op->kind].in) & ~(floats || takes_any_floats(op->kind) ? 0U : (uint32_t)QM_TYPES_F32);
}

/* The type that keeps the operator from running, as a bit; 0: none does. */
static uint32_t check_types(const struct qm_graph *graph, const struct qm_graph_op *op, bool floats, struct problems *problems) {
    const char *name = qm_graph_op_name(op->kind);
    enum qm_dtype in = graph->tensors[op->inputs[0]].dtype;
    if (qm_graph_has_weights(op->kind) && in == QM_F32 && graph->tensors[op->inputs[1]].dtype == QM_I8) {
        problems_add(problems, op->index, "%s has int8 weights but float32 activations (dynamic range)", name);
        return QM_TYPES_F32;
    }
    for (uint32_t i = 0; i < op->input_count; i++) {
        if (op->inputs[i] == QM_NO_TENSOR) continue;
        enum qm_dtype dtype = graph->tensors[op->inputs[i]].dtype;
        if ((wanted_types(graph, op, i, floats) >> dtype & 1) != 0) continue;
        problems_add(problems, op->index, "%s on %s is not supported", name, qm_dtype_name(dtype));
        return 1U << dtype;
    }
    for (uint32_t i = 0; i < op->output_count; i++) {
        enum qm_dtype dtype = graph->tensors[op->outputs[i]].dtype;
        if ((of_format(graph, op, rules[op->kind].out) >> dtype & 1) != 0) continue;
        problems_add(problems, op->index, "%s to %s is not supported", name, qm_dtype_name(dtype));
        return 1U << dtype;
    }
    return 0;
}

/* ---- roundings ---- */

/* What was real says its rounding itself, at each operator; operators that say none only move, which is exact under every rounding. */
static enum qm_status set_rounding(struct legalizer *l, enum qm_requant_mode mode) {
    if (qm_requant_is_profile(mode) && l->graph->was_real)
        return qm_fail(l->diag, QM_BAD_INPUT, "%s: --requant %s says how TFLite files are run, and this is none", l->graph->file,
                       qm_requant_name(mode, true));
    l->profile = profile_of(mode);
    l->overrides = qm_requant_overrides(mode, l->graph->was_real);
    l->rounding = l->overrides ? qm_requant_rounding(mode) : QM_rounding_TFLITE;
    return QM_OK;
}

/* ---- what is not exact ---- */

static enum qm_status check_accepted(const struct legalizer *l) {
    if (!l->options->accept_error || l->graph->was_real) return QM_OK;
    return qm_fail(l->diag, QM_BAD_INPUT, "%s: --accept-error is for ONNX models: what runs of a TFLite model is exact", l->graph->file);
}

/* ---- the pass ---- */

/* What helps a network of which operators work on types that the machine has no arithmetic for; else where to look. */
static const char *hint_for(uint32_t refused_types) {
    if ((refused_types & QM_TYPES_F32) != 0)
        return "this is a float network: qmac quantize makes integers of it (docs/how-to/quantize-a-network.md)";
    if ((refused_types >> QM_I16 & 1) != 0) return "quantize to int8, not to int16 activations with int8 weights";
    return "docs/operators.md lists what runs where";
}

static enum qm_status check_network(const struct qm_graph *graph, struct qm_arena *arena, struct qm_diag *diag) {
    struct problems problems = graph->problems;
    uint32_t refused_types = 0;
    const bool *tails = find_tails(graph, arena);
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct qm_graph_op *op = &graph->ops[i];
        if (rules[op->kind].legalize != NULL)
            refused_types |=
                check_types(graph, op, tails[op->outputs[0]], &problems) & ~(tails[op->outputs[0]] ? (uint32_t)QM_TYPES_F32 : 0);
        else
            problems_add(&problems, op->index, "%s is not supported", qm_graph_op_name(op->kind));
    }
    QM_TRY(problems_report(&problems, graph->file, hint_for(refused_types), diag));
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct qm_graph_tensor *tensor = &graph->tensors[graph->inputs[i]];
        if ((QM_TYPES_ANY >> tensor->dtype & 1) == 0)
            return qm_fail(diag, QM_BAD_INPUT, "%s: input %u (%s) is %s; only int8, uint8 and float32 are supported", graph->file, i,
                           tensor->name, qm_dtype_name(tensor->dtype));
    }
    return QM_OK;
}

/* Room for what most operators need: a layer for each operand, and values and views of it. More is made when it is needed. */
static void make_room(struct legalizer *l) {
    l->value_room = l->graph->input_count;
    for (uint32_t i = 0; i < l->graph->op_count; i++) {
        uint32_t operands = l->graph->ops[i].input_count + l->graph->ops[i].output_count;
        l->layer_room += operands;
        l->value_room += 3 * operands;
    }
    l->network->values = QM_ARENA_NEW(l->arena, struct qm_value, l->value_room);
    l->network->layers = QM_ARENA_NEW(l->arena, struct qm_layer, l->layer_room);
    l->value_of = QM_ARENA_NEW(l->arena, uint32_t, l->graph->tensor_count);
    for (uint32_t i = 0; i < l->graph->tensor_count; i++) l->value_of[i] = QM_NO_TENSOR;
    l->comparisons = QM_ARENA_NEW(l->arena, uint32_t, l->graph->op_count);
    l->padding = QM_ARENA_NEW(l->arena, const struct qm_graph_op *, l->graph->tensor_count);
    l->array_layers = QM_ARENA_NEW(l->arena, uint32_t, l->graph->tensor_count);
}

static void count_readers(struct legalizer *l) {
    const struct qm_graph *graph = l->graph;
    l->readers = QM_ARENA_NEW(l->arena, uint32_t, graph->tensor_count);
    for (uint32_t i = 0; i < graph->output_count; i++) l->readers[graph->outputs[i]]++;
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t j = 0; j < graph->ops[i].input_count; j++)
            if (graph->ops[i].inputs[j] != QM_NO_TENSOR) l->readers[graph->ops[i].inputs[j]]++;
}

/* Remembers for which tensors the layers from first on are. */
static void note_layers(struct legalizer *l, uint32_t first) {
    for (uint32_t i = first; i < l->network->layer_count; i++) {
        const struct qm_layer *layer = &l->network->layers[i];
        uint32_t tensor = l->network->values[layer->output].graph_tensor;
        bool on_array = layer->kind == QM_LAYER_CONV || layer->kind == QM_LAYER_DEPTHWISE;
        if (on_array && l->array_layers[tensor] == 0) l->array_layers[tensor] = i + 1;
    }
}

static void open_network(struct legalizer *l) {
    const struct qm_graph *graph = l->graph;
    struct qm_network *network = l->network;
    network->graph = graph;
    make_room(l);
    count_readers(l);
    network->input_count = graph->input_count;
    network->inputs = QM_ARENA_NEW(l->arena, uint32_t, graph->input_count);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        network->inputs[i] = legalize_add_value(l, graph->inputs[i], QM_NO_TENSOR);
        l->value_of[graph->inputs[i]] = network->inputs[i];
    }
}

static enum qm_status close_network(struct legalizer *l) {
    const struct qm_graph *graph = l->graph;
    l->network->output_count = graph->output_count + l->comparison_count;
    l->network->outputs = QM_ARENA_NEW(l->arena, uint32_t, l->network->output_count);
    for (uint32_t i = 0; i < l->comparison_count; i++) l->network->outputs[graph->output_count + i] = l->comparisons[i];
    for (uint32_t i = 0; i < graph->output_count; i++) {
        l->network->outputs[i] = l->value_of[graph->outputs[i]];
        if (l->network->outputs[i] == QM_NO_TENSOR)
            return qm_fail(l->diag, QM_BAD_INPUT, "%s: output %u (%s) is a constant", graph->file, i,
                           graph->tensors[graph->outputs[i]].name);
    }
    return QM_OK;
}

/* A depthwise layer's taps touch with zeros between its channels, where the array has a column for each. */
static struct qm_windows windows_of(const struct qm_value *in, const struct qm_value *out, const struct qm_layer *l) {
    bool is_dense = l->kind == QM_LAYER_CONV, is_depthwise = l->kind == QM_LAYER_DEPTHWISE;
    return (struct qm_windows){
        .rows = {in->h, out->h, l->kernel_h, l->stride_h, l->dilation_h, l->pad_top},
        .columns = {in->w, out->w, l->kernel_w, l->stride_w, l->dilation_w, l->pad_left},
        .position_bytes = is_dense || is_depthwise ? qm_value_pixel_bytes(in) : 1,
        .in_runs = is_dense || (is_depthwise && !l->twice && out->c <= QM_MOST_cols),
    };
}

/* What an instruction's fields cannot say, however small the blocks are. */
static enum qm_status check_extents(const struct site *s, const struct qm_layer *layer) {
    const struct qm_value *values = s->l->network->values;
    if (layer->kind == QM_LAYER_HOST || layer->kind == QM_LAYER_ADD || layer->kind == QM_LAYER_MOVE) return QM_OK;
    struct qm_windows windows = windows_of(&values[layer->inputs[0]], &values[layer->output], layer);
    struct qm_windows_reason why;
    if (!qm_windows_fit(&windows, &why)) return site_refuse(s, "%s", why.text);
    uint32_t in = values[layer->inputs[0]].c, out = values[layer->output].c;
    if (in > QM_CHANNELS_MAX || out > QM_CHANNELS_MAX)
        return site_refuse(s, "has %u channels; at most %d can be read or written", in > out ? in : out, QM_CHANNELS_MAX);
    return QM_OK;
}

/* Makes the layers of an operator, and compares the one that is not exact, if that is asked for. */
static enum qm_status legalize_op(struct legalizer *l, const struct qm_graph_op *op) {
    const struct site site = {.l = l, .op = op};
    const struct qm_network *network = l->network;
    uint32_t first = network->layer_count;
    bool floats = site_output(&site, 0)->dtype == QM_F32 && !takes_any_floats(op->kind);
    legalize_operator *legalize = floats ? legalize_floats : rules[op->kind].legalize; /* floats behind the last bytes are the host's */
    QM_TRY(profile_legalize(&site, legalize));
    note_layers(l, first);
    for (uint32_t i = first; i < network->layer_count; i++) QM_TRY(check_extents(&site, &network->layers[i]));
    for (uint32_t end = network->layer_count, i = first; i < end && l->options->compare; i++)
        if (network->layers[i].is_inexact) QM_TRY(site_compare(&site, &network->layers[i]));
    return QM_OK;
}

enum qm_status qm_legalize(const struct qm_graph *graph, const struct qm_compile_options *options, struct qm_arena *arena,
                           struct qm_network **network, struct qm_diag *diag) {
    static const struct qm_compile_options none;
    QM_TRY(check_network(graph, arena, diag));
    QM_TRY(legalize_split_batches(graph, arena, &graph, diag));
    struct legalizer l = {.graph = graph,
                          .options = options != NULL ? options : &none,
                          .network = QM_ARENA_NEW(arena, struct qm_network, 1),
                          .arena = arena,
                          .diag = diag,
                          .copies = {.index = {.arena = arena}}};
    QM_TRY(set_rounding(&l, l.options->requant));
    QM_TRY(check_accepted(&l));
    open_network(&l);
    for (uint32_t i = 0; i < graph->op_count; i++) QM_TRY(legalize_op(&l, &graph->ops[i]));
    QM_TRY(close_network(&l));
    *network = l.network;
    return QM_OK;
}
