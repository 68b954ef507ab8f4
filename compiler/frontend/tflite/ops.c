/* ops.c - TFLite's operators to graph operators: operands, attributes, resolved padding, and the shapes TFLite would compute.
 *
 * A row of ops.def is an operator. What the file says about an output's shape is checked against the operator's own arithmetic, so
 * that the passes may trust shapes. Types and quantization are checked by legalize, but for types that the graph does not have.
 */
#include <math.h>
#include <string.h>

#include "evaluate/evaluate.h"
#include "compiler/frontend/tflite/tflite.h"

enum { ATTRIBUTE_MAX = 65535, EXTENT_MAX = 1 << 30 };

/* An attribute that must be 1..65535. */
static uint32_t extent(const struct tflite_operator *o, uint32_t slot, int32_t fallback, const char *what) {
    int32_t value = fb_i32(&o->r->fb, &o->options, slot, fallback);
    if (value >= 1 && value <= ATTRIBUTE_MAX) return (uint32_t)value;
    tflite_refuse(o, "%s is %d; it must be 1 to %d", what, value, ATTRIBUTE_MAX);
    return 1;
}

struct axis {
    uint64_t in, kernel, stride, dilation, out;
    uint32_t before, after; /* results: padding */
};

/* Output positions and padding of one axis, as TFLite computes them: SAME gives ceil(in / stride) positions and puts the odd one of the
 * missing elements behind; VALID pads nothing. False when no window fits. */
static bool resolve_axis(struct axis *axis, bool same) {
    uint64_t window = (axis->kernel - 1) * axis->dilation + 1;
    if (window > EXTENT_MAX || (!same && window > axis->in)) return false;
    uint64_t span = same ? axis->in : axis->in - window + 1;
    uint64_t positions = (span + axis->stride - 1) / axis->stride;
    uint64_t needed = (positions - 1) * axis->stride + window;
    uint64_t missing = same && needed > axis->in ? needed - axis->in : 0;
    axis->before = (uint32_t)(missing / 2);
    axis->after = (uint32_t)(missing - missing / 2);
    return positions == axis->out;
}

/* Sets the padding of an operator whose window, strides and dilation are set; the output must have the positions that they give. */
static bool resolve_window(struct qm_graph_op *op, const struct qm_graph_tensor *in, const struct qm_graph_tensor *out, bool same) {
    struct axis h = {.in = in->dims[1], .kernel = op->kernel_h, .stride = op->stride_h, .dilation = op->dilation_h, .out = out->dims[1]};
    struct axis w = {.in = in->dims[2], .kernel = op->kernel_w, .stride = op->stride_w, .dilation = op->dilation_w, .out = out->dims[2]};
    bool fits = resolve_axis(&h, same) && resolve_axis(&w, same);
    op->pad_top = h.before;
    op->pad_bottom = h.after;
    op->pad_left = w.before;
    op->pad_right = w.after;
    return fits;
}

/* Strides and padding; kernel and dilation are set. */
static void read_window(const struct tflite_operator *o, uint32_t channels) {
    struct qm_graph_op *op = o->op;
    op->stride_w = extent(o, WINDOW_STRIDE_W, 0, "the stride");
    op->stride_h = extent(o, WINDOW_STRIDE_H, 0, "the stride");
    uint8_t padding = fb_u8(&o->r->fb, &o->options, WINDOW_PADDING, PADDING_SAME);
    const struct qm_graph_tensor *in = tflite_input(o, 0), *out = tflite_output(o, 0);
    tflite_open_batch(o, 0, in->dims[0]);
    if (padding > PADDING_VALID) tflite_refuse(o, "padding %u is unknown", padding);
    if (o->r->fb.status != QM_OK) return;
    if (!resolve_window(op, in, out, padding == PADDING_SAME) || out->dims[0] != in->dims[0] || out->dims[3] != channels)
        tflite_refuse(o, "the output %ux%ux%u is not what a %ux%u window gives on %ux%ux%u", out->dims[1], out->dims[2], out->dims[3],
                      op->kernel_h, op->kernel_w, in->dims[1], in->dims[2], in->dims[3]);
}

static bool is_map(const struct tflite_operator *o, const struct qm_graph_tensor *tensor, const char *what) {
    if (tensor->rank == 4) return true;
    tflite_refuse(o, "the %s has %u dimensions; it must have 4", what, tensor->rank);
    return false;
}

static bool are_maps(const struct tflite_operator *o) {
    return is_map(o, tflite_input(o, 0), "input") && is_map(o, tflite_output(o, 0), "output");
}

/* The optional third input: one bias a channel. */
static void check_bias(const struct tflite_operator *o, uint32_t channels) {
    if (o->op->inputs[2] == QM_NO_TENSOR || qm_graph_elements(tflite_input(o, 2)) == channels) return;
    tflite_refuse(o, "%u channels, but %u biases", channels, (uint32_t)qm_graph_elements(tflite_input(o, 2)));
}

/* Weights [out channels][kh][kw][in channels of a group]. */
void tflite_read_conv(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *weights = tflite_input(o, 1);
    if (!are_maps(o) || !is_map(o, weights, "filter")) return;
    if (in->dims[3] % weights->dims[3] != 0 || weights->dims[0] % (in->dims[3] / weights->dims[3]) != 0) {
        tflite_refuse(o, "%u input channels, but %u filters of %u", in->dims[3], weights->dims[0], weights->dims[3]);
        return;
    }
    o->op->kernel_h = weights->dims[1];
    o->op->kernel_w = weights->dims[2];
    o->op->dilation_w = extent(o, CONV_DILATION_W, 1, "the dilation");
    o->op->dilation_h = extent(o, CONV_DILATION_H, 1, "the dilation");
    tflite_read_activation(o, CONV_ACTIVATION);
    check_bias(o, weights->dims[0]);
    read_window(o, weights->dims[0]);
}

/* Weights [1][kh][kw][out channels]; out channel = in channel x multiplier + i. */
void tflite_read_depthwise(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *weights = tflite_input(o, 1);
    if (!are_maps(o) || !is_map(o, weights, "filter")) return;
    uint32_t channels = weights->dims[3];
    int32_t stated = fb_i32(&o->r->fb, &o->options, DEPTHWISE_MULTIPLIER, 0);
    o->op->depth_multiplier = channels / in->dims[3];
    if (weights->dims[0] != 1 || channels % in->dims[3] != 0 || (stated != 0 && stated != (int32_t)o->op->depth_multiplier)) {
        tflite_refuse(o, "%u input channels, depth multiplier %d and a filter of %u channels do not fit together", in->dims[3], stated,
                      channels);
        return;
    }
    o->op->kernel_h = weights->dims[1];
    o->op->kernel_w = weights->dims[2];
    o->op->dilation_w = extent(o, DEPTHWISE_DILATION_W, 1, "the dilation");
    o->op->dilation_h = extent(o, DEPTHWISE_DILATION_H, 1, "the dilation");
    tflite_read_activation(o, DEPTHWISE_ACTIVATION);
    check_bias(o, channels);
    read_window(o, channels);
}

void tflite_read_pool(const struct tflite_operator *o) {
    if (!are_maps(o)) return;
    o->op->kernel_w = extent(o, POOL_FILTER_W, 0, "the window");
    o->op->kernel_h = extent(o, POOL_FILTER_H, 0, "the window");
    o->op->dilation_w = o->op->dilation_h = 1;
    tflite_read_activation(o, POOL_ACTIVATION);
    read_window(o, tflite_input(o, 0)->dims[3]);
}

/* Weights [out features][in features]; the input, whatever its shape, is rows of in features. */
void tflite_read_fully_connected(const struct tflite_operator *o) {
    const struct qm_graph_tensor *in = tflite_input(o, 0), *weights = tflite_input(o, 1), *out = tflite_output(o, 0);
    uint8_t format = fb_u8(&o->r->fb, &o->options, FC_WEIGHTS_FORMAT, 0);
    bool keep = fb_u8(&o->r->fb, &o->options, FC_KEEP_DIMS, 0) != 0;
    tflite_read_activation(o, FC_ACTIVATION);
    if (format != 0) tflite_refuse(o, "the weights are shuffled (format %u), which is not supported", format);
    if (weights->rank != 2) tflite_refuse(o, "the weights have %u dimensions; they must have 2", weights->rank);
    if (o->r->fb.status != QM_OK) return;
    uint64_t elements = qm_graph_elements(in);
    uint32_t features = weights->dims[1], channels = weights->dims[0];
    uint32_t dims[QM_MAX_RANK] = {(uint32_t)(elements / features), channels};
    if (keep && in->rank > 0) {
        memcpy(dims, in->dims, sizeof dims);
        dims[in->rank - 1] = channels;
    }
    tflite_open_shape(o, 0, keep ? in->rank : 2, dims);
    bool rows_fit = elements % features == 0 && (!keep || (in->rank > 0 && in->dims[in->rank - 1] == features));
    bool out_fits = out->rank > 0 && out->dims[out->rank - 1] == channels && qm_graph_elements(out) == elements / features * channels;
    if (!rows_fit || !out_fits)
        tflite_refuse(o, "%u input and %u output elements do not fit weights of %ux%u", (uint32_t)elements,
                      (uint32_t)qm_graph_elements(out), channels, features);
    check_bias(o, channels);
}

void tflite_read_softmax(const struct tflite_operator *o) {
    o->op->beta = fb_f32(&o->r->fb, &o->options, SOFTMAX_BETA, 0);
    if (!(isfinite(o->op->beta) && o->op->beta > 0)) tflite_refuse(o, "beta is %g; it must be positive", (double)o->op->beta);
    if (tflite_output(o, 0)->rank == 0) tflite_refuse(o, "the output is a scalar");
    tflite_read_unary(o);
}

void tflite_read_log_softmax(const struct tflite_operator *o) {
    if (tflite_output(o, 0)->rank == 0) tflite_refuse(o, "the output is a scalar");
    tflite_read_unary(o);
}

void tflite_read_leaky_relu(const struct tflite_operator *o) {
    o->op->alpha = fb_f32(&o->r->fb, &o->options, LEAKY_RELU_ALPHA, 0);
    if (!isfinite(o->op->alpha)) tflite_refuse(o, "alpha is %g; it must be finite", (double)o->op->alpha);
    tflite_read_unary(o);
}

void tflite_read_gelu(const struct tflite_operator *o) {
    o->op->approximate = fb_u8(&o->r->fb, &o->options, GELU_APPROXIMATE, 0) != 0;
    tflite_read_unary(o);
}

/* The file's operands are the output's shape, the weights [out channels][kh][kw][in channels], the input, and perhaps a bias. */
void tflite_read_transpose_conv(const struct tflite_operator *o) {
    struct qm_graph_op *op = o->op;
    if (tflite_input(o, 0)->data == NULL) tflite_refuse(o, "the output's shape is computed by the network, which is not supported");
    op->inputs[0] = op->inputs[2];
    op->inputs[2] = op->inputs[3];
    op->inputs[3] = QM_NO_TENSOR;
    op->input_count--;
    const struct qm_graph_tensor *in = tflite_input(o, 0), *weights = tflite_input(o, 1), *out = tflite_output(o, 0);
    if (!are_maps(o) || !is_map(o, weights, "filter")) return;
    op->kernel_h = weights->dims[1];
    op->kernel_w = weights->dims[2];
    op->dilation_h = op->dilation_w = 1;
    op->stride_w = extent(o, WINDOW_STRIDE_W, 0, "the stride");
    op->stride_h = extent(o, WINDOW_STRIDE_H, 0, "the stride");
    tflite_read_activation(o, TRANSPOSE_CONV_ACTIVATION);
    check_bias(o, weights->dims[0]);
    tflite_open_batch(o, 0, in->dims[0]);
    bool same = fb_u8(&o->r->fb, &o->options, WINDOW_PADDING, PADDING_SAME) == PADDING_SAME;
    if (o->r->fb.status != QM_OK) return;
    bool fits = resolve_window(op, out, in, same) && weights->dims[3] == in->dims[3];
    if (!fits || out->dims[0] != in->dims[0] || out->dims[3] != weights->dims[0])
        tflite_refuse(o, "the output %ux%ux%u does not fit the input, the filter and the strides", out->dims[1], out->dims[2],
                      out->dims[3]);
}

static const struct rule {
    enum tflite_builtin code;
    enum qm_graph_op_kind kind;
    enum tflite_options options;
    enum { DEFAULTS, REFUSED } absent;
    uint32_t inputs_min, inputs_max, outputs_max;
    tflite_reading *read;
} rules[] = {
#define MANY UINT32_MAX
#define TFLITE_OPERATOR(name, code, kind, options, absent, inputs_min, inputs_max, outputs_max, read, limits)                              \
    {TFLITE_##name, QM_OP_##kind, OPTIONS_##options, absent, inputs_min, inputs_max, outputs_max, tflite_read_##read},
#include "compiler/frontend/tflite/ops.def"
#undef TFLITE_OPERATOR
};

/* The builtin code of an operator; *custom is the name of a custom one. Older files have the code in the byte field only. */
static int32_t operator_code(struct tflite_reader *r, const struct fb_table *table, const char **custom) {
    uint32_t index = fb_u32(&r->fb, table, OPERATOR_CODE, 0);
    if (index >= r->codes.count) {
        fb_fail(&r->fb, table->at, "an operator has code %u of %u; the file is damaged", index, r->codes.count);
        return 0;
    }
    struct fb_table code = fb_table_at(&r->fb, r->codes, index);
    int32_t byte = fb_u8(&r->fb, &code, CODE_DEPRECATED, 0), word = fb_i32(&r->fb, &code, CODE_BUILTIN, 0);
    *custom = fb_string(&r->fb, &code, CODE_CUSTOM);
    if (byte != word && word != 0 && byte != 0 && byte != TFLITE_PLACEHOLDER)
        fb_fail(&r->fb, code.at, "an operator code is both %d and %d; the file is damaged", byte, word);
    return word > byte || byte == TFLITE_PLACEHOLDER ? word : byte;
}

static const struct rule *find_rule(int32_t code) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if ((int32_t)rules[i].code == code) return &rules[i];
    return NULL;
}

void tflite_check_operators(struct tflite_reader *r) {
    for (uint32_t i = 0; i < r->operators.count && r->fb.status == QM_OK; i++) {
        struct fb_table table = fb_table_at(&r->fb, r->operators, i);
        const char *custom = NULL;
        int32_t code = operator_code(r, &table, &custom);
        if (find_rule(code) != NULL) continue;
        const char *name = code == TFLITE_CUSTOM && custom != NULL ? custom : tflite_builtin_name(code, r->arena);
        problems_add(&r->graph->problems, i, "%.60s is not supported", name);
    }
}

void tflite_mark_used(struct tflite_reader *r, bool *used) {
    for (uint32_t i = 0; i < r->operators.count && r->fb.status == QM_OK; i++) {
        struct fb_table table = fb_table_at(&r->fb, r->operators, i);
        const struct fb_vector lists[] = {fb_vector(&r->fb, &table, OPERATOR_INPUTS, 4), fb_vector(&r->fb, &table, OPERATOR_OUTPUTS, 4)};
        for (uint32_t l = 0; l < 2; l++)
            for (uint32_t e = 0; e < lists[l].count; e++) {
                int32_t index = fb_i32_at(&r->fb, lists[l], e);
                if (index >= 0 && (uint32_t)index < r->tensors.count) used[index] = true;
            }
    }
}

/* One operand, which must be in range. */
static uint32_t operand(const struct tflite_operator *o, int32_t index, const char *what) {
    struct tflite_reader *r = o->r;
    if (index < 0 || (uint32_t)index >= r->graph->tensor_count) {
        tflite_refuse(o, "%s is tensor %d of %u; the file is damaged", what, index, r->graph->tensor_count);
        return 0;
    }
    return (uint32_t)index;
}

static void read_inputs(const struct tflite_operator *o, const struct rule *rule, struct fb_vector inputs) {
    struct tflite_reader *r = o->r;
    struct qm_graph_op *op = o->op;
    op->inputs = qm_graph_operands(r->arena, inputs.count);
    if (inputs.count < rule->inputs_min && rule->inputs_max == MANY) {
        tflite_refuse(o, "%u inputs; it must have %u at least", inputs.count, rule->inputs_min);
        return;
    }
    if (inputs.count < rule->inputs_min || inputs.count > rule->inputs_max) {
        tflite_refuse(o, "%u inputs; it must have %u to %u", inputs.count, rule->inputs_min, rule->inputs_max);
        return;
    }
    op->input_count = inputs.count;
    for (uint32_t i = 0; i < inputs.count && r->fb.status == QM_OK; i++) {
        int32_t index = fb_i32_at(&r->fb, inputs, i);
        if (index == -1 && i >= rule->inputs_min) continue;
        op->inputs[i] = operand(o, index, "an input");
        if (r->fb.status == QM_OK && !r->known[op->inputs[i]])
            tflite_refuse(o, "input %u (%s) is not computed before", i, r->graph->tensors[op->inputs[i]].name);
    }
}

static void read_outputs(const struct tflite_operator *o, const struct rule *rule, struct fb_vector outputs) {
    struct tflite_reader *r = o->r;
    if (outputs.count < 1 || outputs.count > rule->outputs_max) {
        tflite_refuse(o, "%u outputs; it must have 1 to %u", outputs.count, rule->outputs_max);
        return;
    }
    o->op->outputs = qm_graph_operands(r->arena, outputs.count);
    o->op->output_count = outputs.count;
    for (uint32_t i = 0; i < outputs.count && r->fb.status == QM_OK; i++) {
        o->op->outputs[i] = operand(o, fb_i32_at(&r->fb, outputs, i), "an output");
        if (r->fb.status == QM_OK && r->known[o->op->outputs[i]])
            tflite_refuse(o, "output %u (%s) is a constant, an input, or computed twice", i, r->graph->tensors[o->op->outputs[i]].name);
    }
}

/* In a file with an operator that no graph can hold, only the types of the others are asked for: numbers that it computes are not there,
 * so constants cannot be folded. False: the operator has no data, only shapes and axes. */
static bool keep_data(const struct tflite_operator *o) {
    struct qm_graph_op *op = o->op;
    uint32_t kept = 0;
    if (qm_graph_has_weights(op->kind) && op->kind != QM_OP_TRANSPOSE_CONV) return true;
    for (uint32_t i = 0; i < op->input_count; i++) {
        bool is_integer = op->inputs[i] == QM_NO_TENSOR || tflite_input(o, i)->dtype == QM_I32 || tflite_input(o, i)->dtype == QM_I64;
        if (!is_integer) op->inputs[kept++] = op->inputs[i];
    }
    tflite_keep_inputs(o, kept);
    return kept >= (op->kind == QM_OP_TRANSPOSE_CONV ? 2U : 1U) && op->kind != QM_OP_SHAPE && op->kind != QM_OP_FILL;
}

/* What the operator computes has a value from now on. */
static void mark_known(struct tflite_reader *r, struct fb_vector outputs) {
    for (uint32_t i = 0; i < outputs.count; i++) {
        int32_t index = fb_i32_at(&r->fb, outputs, i);
        if (index >= 0 && (uint32_t)index < r->graph->tensor_count) r->known[index] = true;
    }
}

/* The first operand in a list whose tensor has the type; QM_NO_TENSOR: there is none. */
static uint32_t find_type(const struct tflite_operator *o, const uint32_t *operands, uint32_t count, enum qm_dtype dtype) {
    for (uint32_t i = 0; i < count; i++)
        if (operands[i] != QM_NO_TENSOR && o->r->graph->tensors[operands[i]].dtype == dtype) return operands[i];
    return QM_NO_TENSOR;
}

/* Whether the operator, whose operands have been read, belongs into the graph and has not become a constant. What cannot be folded exactly
 * stays an operator. Only CAST takes int16, and SHAPE, which asks for no numbers: of others nothing else needs to be said. */
static bool belongs(const struct tflite_operator *o, const struct rule *rule) {
    struct tflite_reader *r = o->r;
    const struct qm_graph_op *op = o->op;
    uint32_t unknown = find_type(o, op->inputs, op->input_count, QM_ANY_DTYPES);
    if (unknown == QM_NO_TENSOR) unknown = find_type(o, op->outputs, op->output_count, QM_ANY_DTYPES);
    if (unknown != QM_NO_TENSOR) {
        problems_add(&r->graph->problems, op->index, "%s on %s is not supported", qm_graph_op_name(op->kind),
                     tflite_type_name(r->types[unknown]));
        return false;
    }
    bool takes_all = op->kind == QM_OP_CAST || op->kind == QM_OP_SHAPE;
    bool on_int16 = !takes_all && find_type(o, op->inputs, op->input_count, QM_I16) != QM_NO_TENSOR;
    if (r->graph->problems.count > 0 || on_int16) return keep_data(o);
    rule->read(o);
    if (r->fb.status != QM_OK) return false;
    return evaluate_fold(r->graph, op, r->arena) != NULL || tflite_output(o, 0)->data == NULL;
}

static void read_operator(struct tflite_reader *r, uint32_t index) {
    struct fb_table table = fb_table_at(&r->fb, r->operators, index);
    struct fb_vector inputs = fb_vector(&r->fb, &table, OPERATOR_INPUTS, 4), outputs = fb_vector(&r->fb, &table, OPERATOR_OUTPUTS, 4);
    const char *custom = NULL;
    const struct rule *rule = find_rule(operator_code(r, &table, &custom));
    if (r->fb.status != QM_OK) return;
    if (rule == NULL) {
        mark_known(r, outputs);
        return;
    }
    struct tflite_operator o = {.r = r, .op = &r->graph->ops[r->graph->op_count], .at = table.at};
    *o.op = (struct qm_graph_op){.kind = rule->kind, .index = index};
    uint8_t type = fb_u8(&r->fb, &table, OPERATOR_OPTIONS_TYPE, OPTIONS_NONE);
    o.options = fb_subtable(&r->fb, &table, OPERATOR_OPTIONS);
    bool absent = type == OPTIONS_NONE || o.options.at == 0;
    if (absent ? rule->absent == REFUSED : type != rule->options) tflite_refuse(&o, "its options are missing or those of another operator");
    if (absent) o.options.at = 0;
    read_inputs(&o, rule, inputs);
    read_outputs(&o, rule, outputs);
    if (r->fb.status != QM_OK) return;
    if (belongs(&o, rule)) r->graph->op_count++;
    mark_known(r, outputs);
}

void tflite_read_operators(struct tflite_reader *r) {
    r->graph->ops = QM_ARENA_NEW(r->arena, struct qm_graph_op, r->operators.count);
    for (uint32_t i = 0; i < r->operators.count && r->fb.status == QM_OK; i++) read_operator(r, i);
}
