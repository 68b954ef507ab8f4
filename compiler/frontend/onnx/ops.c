/* ops.c - the table of ONNX's operators, and the order in which nodes are read.
 *
 * What is not in a row of ops.def is refused by name. Nodes are read in the order of the file, which must be one in which what a node needs
 * stands before it; those that no output needs are passed over.
 */
#include <stdio.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static const struct rule {
    const char *name;
    uint32_t domains; /* enum onnx_domain */
    uint32_t inputs_min, inputs_max;
    const char *attributes;
    onnx_reading *read;
    enum qm_graph_op_kind kinds[ONNX_KINDS_MAX + 1]; /* the last is NO_KIND */
} rules[] = {
#define NO_KIND QM_GRAPH_OP_KINDS
#define MANY    UINT32_MAX
#define ONNX_OPERATOR(name, domains, inputs_min, inputs_max, attributes, read, limits, ...)                                                \
    {#name, domains, inputs_min, inputs_max, attributes, onnx_##read, {__VA_ARGS__, NO_KIND}},
#include "compiler/frontend/onnx/ops.def"
#undef ONNX_OPERATOR
};

static const struct rule *find_rule(const Onnx__NodeProto *node) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, node->op_type) == 0 && onnx_is_in_domain(node, rules[i].domains)) return &rules[i];
    return NULL;
}

/* The domains in which an operator of the name is read. */
static uint32_t domains_of(const char *name) {
    uint32_t domains = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, name) == 0) domains |= rules[i].domains;
    return domains;
}

static bool check_node(const struct onnx_node *n, const struct rule *rule) {
    if (n->source->n_input < rule->inputs_min && rule->inputs_max == MANY)
        return onnx_refuse(n, "has %zu inputs; there must be %u at least", n->source->n_input, rule->inputs_min);
    if (n->source->n_input < rule->inputs_min || n->source->n_input > rule->inputs_max)
        return onnx_refuse(n, "has %zu inputs; there must be %u to %u", n->source->n_input, rule->inputs_min, rule->inputs_max);
    for (uint32_t i = 0; i < rule->inputs_min; i++)
        if (n->inputs[i] == QM_NO_TENSOR && !onnx_may_lack(n->source, i)) return onnx_refuse(n, "lacks input %u", i);
    return onnx_check_attributes(n, rule->attributes);
}

/* ---- one node ---- */

/* What a node's input is, when it has none that can be used. */
enum missing { NOTHING, REFUSED_BEFORE, UNREADABLE };

static enum missing open_node(struct onnx_reader *r, uint32_t index, struct onnx_node *n) {
    const Onnx__NodeProto *source = r->source->node[index];
    *n = (struct onnx_node){.r = r, .source = source, .index = index, .first_tensor = r->graph->tensor_count};
    enum missing missing = NOTHING;
    n->inputs = qm_graph_operands(r->arena, source->n_input > ONNX_INPUTS_FEW ? (uint32_t)source->n_input : ONNX_INPUTS_FEW);
    n->outputs = QM_ARENA_NEW(r->arena, struct onnx_value *, source->n_output + QM_OPERANDS_FEW);
    for (size_t i = 0; i < source->n_output; i++)
        if (source->output[i][0] != '\0') n->outputs[i] = onnx_find(r, source->output[i]);
    if (n->outputs[0] == NULL) { /* nobody reads it */
        n->outputs[0] = QM_ARENA_NEW(r->arena, struct onnx_value, 1);
        *n->outputs[0] = (struct onnx_value){.name = source->op_type, .maker = index, .tensor = QM_NO_TENSOR};
    }
    for (size_t i = 0; i < source->n_input; i++) {
        const struct onnx_value *value = source->input[i][0] != '\0' ? onnx_find(r, source->input[i]) : NULL;
        if (value == NULL || (value->unreadable == onnx_is_empty && onnx_may_be_empty(source))) continue;
        n->inputs[i] = value->tensor;
        if (value->unreadable != NULL) onnx_refuse(n, "uses %.60s, which %s", value->name, value->unreadable);
        if (value->unreadable != NULL) missing = UNREADABLE;
        if (value->refused) missing = missing == NOTHING ? REFUSED_BEFORE : missing;
    }
    return missing;
}

/* Results that no reader makes, such as a mask or the places of maxima, must not be needed. */
static bool check_results(const struct onnx_node *n) {
    for (uint32_t i = 1; i < n->source->n_output; i++)
        if (n->outputs[i] != NULL && n->outputs[i]->is_used && n->outputs[i]->tensor == QM_NO_TENSOR)
            return onnx_refuse(n, "computes output %u, %.60s, which is not supported", i, n->outputs[i]->name);
    return true;
}

static bool read_known(struct onnx_node *n) {
    const struct rule *rule = find_rule(n->source);
    if (!onnx_check_domain(n, domains_of(n->source->op_type)) || !check_node(n, rule)) return false;
    n->kinds = rule->kinds;
    return rule->read(n) && check_results(n);
}

static void read_node(struct onnx_reader *r, uint32_t index) {
    struct onnx_node n;
    bool fine = open_node(r, index, &n) == NOTHING && read_known(&n);
    for (uint32_t i = 0; i == 0 || i < n.source->n_output; i++)
        if (n.outputs[i] != NULL && (!fine || n.outputs[i]->tensor == QM_NO_TENSOR)) n.outputs[i]->refused = true;
}

/* ---- all nodes ---- */

/* ONNX says that a node stands behind those that make its inputs. */
static enum qm_status check_order(const struct onnx_reader *r, uint32_t index) {
    const Onnx__NodeProto *node = r->source->node[index];
    for (size_t i = 0; i < node->n_input; i++) {
        const struct onnx_value *value = onnx_find(r, node->input[i]);
        if (value == NULL || value->maker == ONNX_NO_NODE || value->maker < index) continue;
        return qm_fail(r->diag, QM_BAD_INPUT,
                       "%s: operator %u %.40s: its input %.60s is made by operator %u %.40s, %s: ONNX nodes must be in topological order",
                       r->file->name, index, node->op_type, value->name, value->maker, r->source->node[value->maker]->op_type,
                       value->maker == index ? "itself" : "further down");
    }
    return QM_OK;
}

static enum qm_status check_inputs(const struct onnx_reader *r, uint32_t index) {
    const Onnx__NodeProto *node = r->source->node[index];
    for (size_t i = 0; i < node->n_input; i++)
        if (node->input[i][0] != '\0' && onnx_find(r, node->input[i]) == NULL)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: operator %u %.40s uses %.60s, which nothing computes", r->file->name, index,
                           node->op_type, node->input[i]);
    return QM_OK;
}

static void need(const struct onnx_reader *r, bool *needed, const char *name) {
    struct onnx_value *value = onnx_find(r, name);
    if (value != NULL) value->is_used = true;
    if (value != NULL && value->maker != ONNX_NO_NODE) needed[value->maker] = true;
}

/* The nodes that outputs depend on. Walked from the last to the first, so that all readers of a node come before it. */
static bool *find_needed(const struct onnx_reader *r) {
    bool *needed = QM_ARENA_NEW(r->arena, bool, r->source->n_node);
    for (uint32_t i = 0; i < r->output_count; i++) need(r, needed, r->outputs[i]);
    for (size_t i = r->source->n_node; i-- > 0;)
        for (size_t j = 0; needed[i] && j < r->source->node[i]->n_input; j++) need(r, needed, r->source->node[i]->input[j]);
    return needed;
}

enum qm_status onnx_read_nodes(struct onnx_reader *r) {
    for (uint32_t i = 0; i < r->source->n_node; i++) QM_TRY(check_order(r, i));
    const bool *needed = find_needed(r);
    for (uint32_t i = 0; i < r->source->n_node; i++) {
        r->graph->is_quantized = r->graph->is_quantized || onnx_is_quantized(r->source->node[i]);
        if (!needed[i]) continue;
        QM_TRY(check_inputs(r, i));
        read_node(r, i);
    }
    return QM_OK;
}
