/* operators.c - the operators of a graph of real numbers as nodes of ONNX. */
#include "quantize/onnx/operators.h"

#include <math.h>
#include <string.h>

#include "common/onnx_type.h"

/* The versions in which operators have the form that is written here. */
enum { OPSET = 13, OPSET_HARD_SWISH = 14, OPSET_REDUCE_BY_INPUT = 18, OPSET_MISH = 18, OPSET_GELU = 20, OPSET_POOL_DILATED = 19 };

static const struct qm_graph_tensor *input_of(const struct onnx_writer *w, const struct qm_graph_op *op) {
    return &w->graph->tensors[op->inputs[0]];
}

static const struct qm_graph_tensor *output_of(const struct onnx_writer *w, const struct qm_graph_op *op) {
    return &w->graph->tensors[op->outputs[0]];
}

/* ---- constants that say a shape ---- */

static void add_int64s(struct onnx_writer *w, Onnx__NodeProto *node, const char *what, uint32_t count, const int64_t *numbers) {
    onnx_add_numbers(w, node, what, ONNX_INT64, &(struct qm_shape){1, {count}}, count * sizeof *numbers, numbers);
}

static void add_float(struct onnx_writer *w, Onnx__NodeProto *node, const char *what, double number) {
    float single = (float)number;
    onnx_add_numbers(w, node, what, ONNX_FLOAT, &(struct qm_shape){.rank = 0}, sizeof single, &single);
}

/* ---- windows ---- */

/* Sets an attribute of the height and the width, or of maps of one dimension of the width. */
static void set_pair(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node, const char *name, const uint32_t pair[2]) {
    uint32_t count = input_of(w, op)->rank - 2;
    onnx_message_set_ints(&w->message, node, name, count, &(const int64_t[]){pair[0], pair[1]}[2 - count]);
}

static void fill_window(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    bool map = input_of(w, op)->rank == 4;
    const int64_t of_map[] = {op->pad_top, op->pad_left, op->pad_bottom, op->pad_right}, of_row[] = {op->pad_left, op->pad_right};
    set_pair(w, op, node, "kernel_shape", (const uint32_t[]){op->kernel_h, op->kernel_w});
    set_pair(w, op, node, "strides", (const uint32_t[]){op->stride_h, op->stride_w});
    onnx_message_set_ints(&w->message, node, "pads", map ? 4 : 2, map ? of_map : of_row);
}

static bool is_dilated(const struct qm_graph_op *op) {
    return op->dilation_h > 1 || op->dilation_w > 1;
}

static void fill_dilated(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    fill_window(w, op, node);
    if (is_dilated(op)) set_pair(w, op, node, "dilations", (const uint32_t[]){op->dilation_h, op->dilation_w});
}

static void fill_conv(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    fill_dilated(w, op, node);
    onnx_message_set_int(&w->message, node, "group", op->groups);
}

/* What is missing to the result's height and width is added behind. */
static void fill_conv_transpose(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    const struct qm_graph_tensor *in = input_of(w, op), *out = output_of(w, op);
    uint32_t high = in->rank == 4 ? in->dims[2] : 1, wide = in->dims[in->rank - 1];
    uint32_t rows = op->stride_h * (high - 1) + (op->kernel_h - 1) * op->dilation_h + 1 - op->pad_top - op->pad_bottom;
    uint32_t columns = op->stride_w * (wide - 1) + (op->kernel_w - 1) * op->dilation_w + 1 - op->pad_left - op->pad_right;
    uint32_t missing[] = {(out->rank == 4 ? out->dims[2] : 1) - rows, out->dims[out->rank - 1] - columns};
    fill_conv(w, op, node);
    if (missing[0] + missing[1] > 0) set_pair(w, op, node, "output_padding", missing);
}

static void fill_average_pool(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    fill_dilated(w, op, node);
    if (op->pads_counted) onnx_message_set_int(&w->message, node, "count_include_pad", 1);
}

/* ---- elements, rows and axes ---- */

static void fill_alpha(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    onnx_message_set_float(&w->message, node, "alpha", op->alpha);
}

static void fill_gelu(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    onnx_message_set_text(&w->message, node, "approximate", op->approximate ? "tanh" : "none");
}

/* The product with itself. */
static void fill_square(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    onnx_message_add_operand(&w->message, node, w->names[op->inputs[0]]);
}

static void fill_cast(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    onnx_message_set_int(&w->message, node, "to", onnx_element_of(output_of(w, op)).type);
}

static void fill_clip(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    if (isinf(op->low))
        onnx_message_add_operand(&w->message, node, "");
    else
        add_float(w, node, "min", op->low);
    if (!isinf(op->high)) add_float(w, node, "max", op->high);
}

static void fill_axis(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    onnx_message_set_int(&w->message, node, "axis", op->axis);
}

static void fill_arg(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    fill_axis(w, op, node);
    onnx_message_set_int(&w->message, node, "keepdims", output_of(w, op)->rank == input_of(w, op)->rank);
    if (op->takes_last) onnx_message_set_int(&w->message, node, "select_last_index", 1);
}

/* Axes are an operand of ReduceSum in all versions that are written, of the others in younger ones. */
static void fill_reduce(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    int64_t axes[QM_MAX_RANK];
    uint32_t count = 0;
    for (uint32_t d = 0; d < input_of(w, op)->rank; d++)
        if ((op->axes >> d & 1) != 0) axes[count++] = d;
    onnx_message_set_int(&w->message, node, "keepdims", output_of(w, op)->rank == input_of(w, op)->rank);
    if (op->kind == QM_OP_SUM || w->opset >= OPSET_REDUCE_BY_INPUT)
        add_int64s(w, node, "axes", count, axes);
    else
        onnx_message_set_ints(&w->message, node, "axes", count, axes);
}

/* The axis matters to several scales alone. */
static void fill_quantizer(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    if (qm_graph_elements(&w->graph->tensors[op->inputs[1]]) > 1) fill_axis(w, op, node);
}

/* ---- moves ---- */

static void fill_reshape(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    int64_t dims[QM_MAX_RANK];
    for (uint32_t d = 0; d < output_of(w, op)->rank; d++) dims[d] = output_of(w, op)->dims[d];
    add_int64s(w, node, "shape", output_of(w, op)->rank, dims);
}

static void fill_transpose(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    int64_t permutation[QM_MAX_RANK];
    for (uint32_t d = 0; d < input_of(w, op)->rank; d++) permutation[d] = op->permutation[d];
    onnx_message_set_ints(&w->message, node, "perm", input_of(w, op)->rank, permutation);
}

static void fill_pad(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    int64_t pads[2 * QM_MAX_RANK];
    uint32_t rank = input_of(w, op)->rank;
    for (uint32_t d = 0; d < rank; d++) {
        pads[d] = op->pads[d].before;
        pads[rank + d] = op->pads[d].after;
    }
    add_int64s(w, node, "pads", 2 * rank, pads);
    if (op->low != 0) add_float(w, node, "value", op->low);
}

/* Steps down that pass the first element end before it, which is no index: as far as there are numbers. */
static void fill_slice(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    int64_t starts[QM_MAX_RANK], ends[QM_MAX_RANK], axes[QM_MAX_RANK], steps[QM_MAX_RANK];
    uint32_t rank = input_of(w, op)->rank;
    for (uint32_t d = 0; d < rank; d++) {
        starts[d] = op->begin[d];
        steps[d] = op->step[d];
        axes[d] = d;
        ends[d] = starts[d] + steps[d] * op->slice_dims[d];
        if (ends[d] < 0) ends[d] = INT32_MIN;
    }
    add_int64s(w, node, "starts", rank, starts);
    add_int64s(w, node, "ends", rank, ends);
    add_int64s(w, node, "axes", rank, axes);
    add_int64s(w, node, "steps", rank, steps);
}

/* Every element is repeated a whole number of times. */
static void fill_resize(struct onnx_writer *w, const struct qm_graph_op *op, Onnx__NodeProto *node) {
    float factors[QM_MAX_RANK];
    const struct qm_graph_tensor *in = input_of(w, op), *out = output_of(w, op);
    for (uint32_t d = 0; d < in->rank; d++) factors[d] = (float)(out->dims[d] / in->dims[d]);
    onnx_message_set_text(&w->message, node, "mode", "nearest");
    onnx_message_set_text(&w->message, node, "coordinate_transformation_mode", "asymmetric");
    onnx_message_set_text(&w->message, node, "nearest_mode", "floor");
    onnx_message_add_operand(&w->message, node, "");
    onnx_add_numbers(w, node, "scales", ONNX_FLOAT, &(struct qm_shape){1, {in->rank}}, in->rank * sizeof *factors, factors);
}

/* ---- the table ---- */

/* clang-format off */
static const struct onnx_form forms[QM_GRAPH_OP_KINDS] = {
    [QM_OP_CONV_2D]         = {"Conv", OPSET, fill_conv},
    [QM_OP_TRANSPOSE_CONV]  = {"ConvTranspose", OPSET, fill_conv_transpose},
    [QM_OP_AVERAGE_POOL_2D] = {"AveragePool", OPSET, fill_average_pool},
    [QM_OP_MAX_POOL_2D]     = {"MaxPool", OPSET, fill_dilated},
    [QM_OP_MATMUL]          = {"MatMul", OPSET, NULL},
    [QM_OP_QUANTIZE]        = {"QuantizeLinear", OPSET, fill_quantizer},
    [QM_OP_DEQUANTIZE]      = {"DequantizeLinear", OPSET, fill_quantizer},
    [QM_OP_ADD]             = {"Add", OPSET, NULL},
    [QM_OP_SUB]             = {"Sub", OPSET, NULL},
    [QM_OP_MUL]             = {"Mul", OPSET, NULL},
    [QM_OP_DIV]             = {"Div", OPSET, NULL},
    [QM_OP_MINIMUM]         = {"Min", OPSET, NULL},
    [QM_OP_MAXIMUM]         = {"Max", OPSET, NULL},
    [QM_OP_PRELU]           = {"PRelu", OPSET, NULL},
    [QM_OP_POW]             = {"Pow", OPSET, NULL},
    [QM_OP_ABS]             = {"Abs", OPSET, NULL},
    [QM_OP_CEIL]            = {"Ceil", OPSET, NULL},
    [QM_OP_ERF]             = {"Erf", OPSET, NULL},
    [QM_OP_EXP]             = {"Exp", OPSET, NULL},
    [QM_OP_FLOOR]           = {"Floor", OPSET, NULL},
    [QM_OP_LOG]             = {"Log", OPSET, NULL},
    [QM_OP_LOGISTIC]        = {"Sigmoid", OPSET, NULL},
    [QM_OP_RECIPROCAL]      = {"Reciprocal", OPSET, NULL},
    [QM_OP_ROUND]           = {"Round", OPSET, NULL},
    [QM_OP_SOFTPLUS]        = {"Softplus", OPSET, NULL},
    [QM_OP_SOFTSIGN]        = {"Softsign", OPSET, NULL},
    [QM_OP_SQRT]            = {"Sqrt", OPSET, NULL},
    [QM_OP_TANH]            = {"Tanh", OPSET, NULL},
    [QM_OP_HARD_SWISH]      = {"HardSwish", OPSET_HARD_SWISH, NULL},
    [QM_OP_MISH]            = {"Mish", OPSET_MISH, NULL},
    [QM_OP_GELU]            = {"Gelu", OPSET_GELU, fill_gelu},
    [QM_OP_ELU]             = {"Elu", OPSET, fill_alpha},
    [QM_OP_LEAKY_RELU]      = {"LeakyRelu", OPSET, fill_alpha},
    [QM_OP_CLIP]            = {"Clip", OPSET, fill_clip},
    [QM_OP_SOFTMAX]         = {"Softmax", OPSET, fill_axis},
    [QM_OP_LOG_SOFTMAX]     = {"LogSoftmax", OPSET, fill_axis},
    [QM_OP_ARG_MAX]         = {"ArgMax", OPSET, fill_arg},
    [QM_OP_ARG_MIN]         = {"ArgMin", OPSET, fill_arg},
    [QM_OP_MEAN]            = {"ReduceMean", OPSET, fill_reduce},
    [QM_OP_SUM]             = {"ReduceSum", OPSET, fill_reduce},
    [QM_OP_REDUCE_MAX]      = {"ReduceMax", OPSET, fill_reduce},
    [QM_OP_REDUCE_MIN]      = {"ReduceMin", OPSET, fill_reduce},
    [QM_OP_REDUCE_PROD]     = {"ReduceProd", OPSET, fill_reduce},
    [QM_OP_RESHAPE]         = {"Reshape", OPSET, fill_reshape},
    [QM_OP_TRANSPOSE]       = {"Transpose", OPSET, fill_transpose},
    [QM_OP_PAD]             = {"Pad", OPSET, fill_pad},
    [QM_OP_CONCATENATION]   = {"Concat", OPSET, fill_axis},
    [QM_OP_GATHER]          = {"Gather", OPSET, fill_axis},
    [QM_OP_STRIDED_SLICE]   = {"Slice", OPSET, fill_slice},
    [QM_OP_SQUARE]          = {"Mul", OPSET, fill_square},
    [QM_OP_CAST]            = {"Cast", OPSET, fill_cast},
    [QM_OP_RESIZE_NEAREST_NEIGHBOR] = {"Resize", OPSET, fill_resize},
};
/* clang-format on */

/* Whether a tensor that is computed has a quantization of its own, as in graphs of TFLite files. */
static bool is_quantized(const struct qm_graph *graph, uint32_t tensor) {
    return tensor != QM_NO_TENSOR && graph->tensors[tensor].data == NULL && graph->tensors[tensor].quant.count > 0;
}

/* Whether a convolution has a bias of whole steps of its sums, as QLinearConv has it: what a step is stands in other operands. */
static bool has_bias_of_steps(const struct qm_graph *graph, const struct qm_graph_op *op) {
    if (!qm_graph_has_weights(op->kind) || op->input_count < 3 || op->inputs[2] == QM_NO_TENSOR) return false;
    const struct qm_graph_tensor *bias = &graph->tensors[op->inputs[2]];
    return bias->dtype == QM_I32 && bias->quant.count == 0;
}

/* Whether a quantizer is none of ONNX's, but Quant of QONNX: its zero point has another type than its integers, or is absent where these
 * are not the bytes that ONNX makes then, or it leaves only some of them. */
static bool is_other_quantizer(const struct qm_graph *graph, const struct qm_graph_op *op) {
    bool quantizes = op->kind == QM_OP_QUANTIZE, has_zero = op->input_count > 2 && op->inputs[2] != QM_NO_TENSOR;
    if (!quantizes && op->kind != QM_OP_DEQUANTIZE) return false;
    const struct qm_graph_tensor *integers = &graph->tensors[quantizes ? op->outputs[0] : op->inputs[0]];
    if (has_zero && graph->tensors[op->inputs[2]].dtype != integers->dtype) return true;
    if (!quantizes) return false;
    bool is_default = integers->dtype == QM_U8 && qm_graph_bits(integers) == 8;
    return (!has_zero && !is_default) || op->low != qm_graph_lowest(integers) || op->high != qm_graph_highest(integers);
}

/* What only graphs of other files have: those of TFLite, and those whose operators work on integers. */
static bool is_foreign(const struct qm_graph *graph, const struct qm_graph_op *op) {
    bool window = qm_graph_has_window(op->kind), softmax = op->kind == QM_OP_SOFTMAX && op->beta != 0 && op->beta != 1,
         quantized = has_bias_of_steps(graph, op);
    for (uint32_t i = 0; i < op->input_count; i++) quantized = quantized || is_quantized(graph, op->inputs[i]);
    for (uint32_t i = 0; i < op->output_count; i++) quantized = quantized || is_quantized(graph, op->outputs[i]);
    return quantized || is_other_quantizer(graph, op) || op->activation != QM_ACT_NONE || (window && !op->channels_first) || softmax ||
           op->batch_dims != 0;
}

bool onnx_exchanges(const struct qm_graph_op *op) {
    return op->kind == QM_OP_MATMUL && op->transposed;
}

struct onnx_form onnx_form_of(const struct qm_graph *graph, const struct qm_graph_op *op) {
    struct onnx_form form = forms[op->kind];
    if (is_foreign(graph, op)) return (struct onnx_form){0};
    if (op->kind == QM_OP_CLIP && op->low == 0 && isinf(op->high)) return (struct onnx_form){"Relu", OPSET, NULL};
    if (op->kind == QM_OP_AVERAGE_POOL_2D && is_dilated(op)) form.opset = OPSET_POOL_DILATED;
    return form;
}
