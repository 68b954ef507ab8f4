/* ops.c - the table of ONNX's operators, and the order in which nodes are read.
 *
 * A row says how many inputs an operator may have, which attributes are known, what reads it, and what folds it when all its inputs are
 * constants. What is not in a row is refused by name. Nodes are read in the order of the file, which must be one in which what a node needs
 * stands before it; those that no output needs are passed over.
 */
#include <stdio.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

#define WINDOW "auto_pad kernel_shape strides dilations pads "

static const struct rule {
    const char *name;
    uint32_t inputs_min, inputs_max;
    const char *attributes; /* separated by spaces; the rest is refused, for it might change the result */
    onnx_reading *read, *fold;
} rules[] = {
    {"Add", 2, 2,
     "add_bits out_bits in1_rq in1_mul in1_add in1_shift in1_n_levels in2_rq in2_mul in2_add in2_shift in2_n_levels "
     "out_rq out_mul out_add out_shift out_n_levels",
     onnx_add, onnx_fold_binary},
    {"AveragePool", 1, 1, WINDOW "ceil_mode count_include_pad", onnx_average_pool, NULL},
    {"BatchNormalization", 5, 5, "epsilon momentum training_mode spatial", onnx_batch_normalization, NULL},
    {"BipolarQuant", 2, 2, "", onnx_bipolar, onnx_fold_bipolar},
    {"Cast", 1, 1, "to saturate", onnx_cast, onnx_fold_cast},
    {"Clip", 1, 3, "min max out_bits", onnx_clip, NULL},
    {"Concat", 1, ONNX_INPUTS_MAX, "axis", onnx_concat, onnx_fold_concat},
    {"Constant", 0, 0, "value value_float value_int", NULL, onnx_fold_constant},
    {"Conv", 2, 3, WINDOW "group weight_bits bias_bits", onnx_conv, NULL},
    {"ConvInteger", 2, 4, WINDOW "group", onnx_conv_integer, NULL},
    {"DequantizeLinear", 2, 3, "axis block_size output_dtype", onnx_dequantize, onnx_fold_dequantize},
    {"Div", 2, 2, "", onnx_div, onnx_fold_binary},
    {"Dropout", 1, 3, "ratio seed", onnx_identity, onnx_identity},
    {"Flatten", 1, 1, "axis", onnx_reshape, onnx_fold_shaped},
    {"Floor", 1, 1, "", onnx_floor, NULL},
    {"Gather", 2, 2, "axis", NULL, onnx_fold_gather},
    {"Gemm", 2, 3, "alpha beta transA transB weight_bits bias_bits", onnx_gemm, NULL},
    {"GlobalAveragePool", 1, 1, "", onnx_global_average_pool, NULL},
    {"HardSigmoid", 1, 1, "alpha beta", onnx_hard_sigmoid, NULL},
    {"HardSwish", 1, 1, "", onnx_function, NULL},
    {"Identity", 1, 1, "", onnx_identity, onnx_identity},
    {"LeakyRelu", 1, 1, "alpha", onnx_function, NULL},
    {"MatMul", 2, 2, "weight_bits bias_bits", onnx_matmul, NULL},
    {"MatMulInteger", 2, 4, "", onnx_matmul_integer, NULL},
    {"MaxPool", 1, 1, WINDOW "ceil_mode storage_order", onnx_max_pool, NULL},
    {"Mul", 2, 2, "mult_bits", onnx_mul, onnx_fold_binary},
    {"Pad", 1, 4, "mode pads value", onnx_pad, NULL},
    {"Pow", 2, 2, "", NULL, onnx_fold_binary},
    {"QLinearAdd", 7, 8, "", onnx_qlinear_add, NULL},
    {"QLinearConv", 8, 9, WINDOW "group", onnx_qlinear_conv, NULL},
    {"QLinearGlobalAveragePool", 5, 5, "channels_last", onnx_qlinear_global_average_pool, NULL},
    {"QLinearMatMul", 8, 8, "", onnx_qlinear_matmul, NULL},
    {"QLinearMul", 7, 8, "", onnx_qlinear_mul, NULL},
    {"Quant", 4, 4, "narrow signed rounding_mode", onnx_quant, onnx_fold_quant},
    {"QuantizeLinear", 2, 3, "axis saturate block_size output_dtype precision", onnx_quantize, NULL},
    {"Relu", 1, 1, "", onnx_relu, NULL},
    {"ReduceMean", 1, 2, "axes keepdims noop_with_empty_axes", onnx_reduce_mean, NULL},
    {"ReduceSum", 1, 2, "axes keepdims noop_with_empty_axes", onnx_reduce_sum, NULL},
    {"RequantShift", 3, 3, "div n_levels n_levels_out signed", onnx_requant_shift, NULL},
    {"Reshape", 2, 2, "allowzero", onnx_reshape, onnx_fold_shaped},
    {"Resize", 1, 4, "mode coordinate_transformation_mode nearest_mode cubic_coeff_a exclude_outside extrapolation_value antialias",
     onnx_resize, NULL},
    {"Round", 1, 1, "", onnx_round, NULL},
    {"Shape", 1, 1, "", onnx_fold_shape, onnx_fold_shape},
    {"Sigmoid", 1, 1, "", onnx_function, NULL},
    {"Slice", 1, 5, "starts ends axes", onnx_slice, onnx_fold_slice},
    {"Split", 1, 2, "axis split num_outputs", onnx_split, NULL},
    {"Squeeze", 1, 2, "axes", onnx_reshape, onnx_fold_shaped},
    {"Sub", 2, 2, "", onnx_sub, onnx_fold_binary},
    {"Tanh", 1, 1, "", onnx_function, NULL},
    {"Transpose", 1, 1, "perm", onnx_transpose, onnx_fold_transpose},
    {"Unsqueeze", 1, 2, "axes", onnx_reshape, onnx_fold_shaped},
};

static const struct rule *find_rule(const char *name) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].name, name) == 0) return &rules[i];
    return NULL;
}

static bool is_listed(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; length > 0 && (at = strstr(at, word)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0')) return true;
    return false;
}

static bool check_node(const struct onnx_node *n, const struct rule *rule) {
    if (rule == NULL && strcmp(n->source->op_type, "DynamicQuantizeLinear") == 0)
        return onnx_refuse(n, "finds its scale when it runs, but instructions have theirs before: quantize the model statically");
    if (rule == NULL) return onnx_refuse(n, "is not supported");
    if (n->source->n_input < rule->inputs_min || n->source->n_input > rule->inputs_max)
        return onnx_refuse(n, "has %zu inputs; there must be %u to %u", n->source->n_input, rule->inputs_min, rule->inputs_max);
    for (uint32_t i = 0; i < rule->inputs_min; i++)
        if (n->inputs[i] == NULL) return onnx_refuse(n, "lacks input %u", i);
    if (n->outputs[0] == NULL) return onnx_refuse(n, "has no output");
    for (size_t i = 0; i < n->source->n_attribute; i++) {
        const char *name = n->source->attribute[i]->name;
        if (name == NULL || !is_listed(rule->attributes, name))
            return onnx_refuse(n, "has the attribute %.40s, which is not known", name != NULL ? name : "without a name");
    }
    return true;
}

/* ---- one node ---- */

static bool open_node(struct onnx_reader *r, uint32_t index, struct onnx_node *n) {
    const Onnx__NodeProto *source = r->source->node[index];
    *n = (struct onnx_node){.r = r, .source = source, .index = index};
    if (source->n_input > ONNX_INPUTS_MAX || source->n_output > ONNX_OUTPUTS_MAX)
        return onnx_refuse(n, "has more than %d inputs or outputs", ONNX_INPUTS_MAX);
    for (size_t i = 0; i < source->n_input; i++)
        if (source->input[i][0] != '\0') n->inputs[i] = onnx_find(r, source->input[i]);
    for (size_t i = 0; i < source->n_output; i++)
        if (source->output[i][0] != '\0') n->outputs[i] = onnx_find(r, source->output[i]);
    return true;
}

static bool any_input(const struct onnx_node *n, enum onnx_state state) {
    for (uint32_t i = 0; i < ONNX_INPUTS_MAX; i++)
        if (n->inputs[i] != NULL && n->inputs[i]->state == state) return true;
    return false;
}

static bool all_constant(const struct onnx_node *n) {
    for (uint32_t i = 0; i < ONNX_INPUTS_MAX; i++)
        if (n->inputs[i] != NULL && n->inputs[i]->state != ONNX_CONSTANT) return false;
    return true;
}

static bool read_known(const struct onnx_node *n) {
    const struct rule *rule = find_rule(n->source->op_type);
    if (!check_node(n, rule)) return false;
    onnx_reading *read = all_constant(n) ? rule->fold : rule->read;
    return read != NULL ? read(n) : onnx_refuse(n, all_constant(n) ? "is not supported on constants" : "is supported on constants only");
}

static void read_node(const struct onnx_node *n) {
    bool fine = !any_input(n, ONNX_REFUSED) && read_known(n);
    for (uint32_t i = 0; i < ONNX_OUTPUTS_MAX; i++)
        if (n->outputs[i] != NULL && (!fine || n->outputs[i]->state == ONNX_UNKNOWN)) n->outputs[i]->state = ONNX_REFUSED;
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
    const struct onnx_value *value = onnx_find(r, name);
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
        struct onnx_node node;
        if (!needed[i]) continue;
        QM_TRY(check_inputs(r, i));
        if (open_node(r, i, &node)) read_node(&node);
    }
    return QM_OK;
}
