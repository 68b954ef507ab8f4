/* legalize_host.c - what the host computes: graphs of real numbers, and operators of TFLite by its kernels (evaluate/kernels.h). */
#include "compiler/passes/legalize_site.h"
#include "evaluate/kernels.h"

enum { SOFTMAX_DEPTH_MAX = 4095 }; /* the sum of exponentials has 12 integer bits */

/* A layer of the host, of all operands of the operator. */
static enum qm_status add_host_layer(const struct site *s, const struct qm_graph *graph) {
    struct qm_layer *layer = site_layer(s, QM_LAYER_HOST);
    layer->graph = graph;
    layer->macs = qm_graph_products(graph);
    for (uint32_t i = 0; i < graph->input_count; i++) QM_TRY(site_operand(s, i, &layer->inputs[layer->input_count++]));
    layer->output = site_result(s, 0);
    return QM_OK;
}

enum qm_status legalize_host(const struct site *s) {
    return add_host_layer(s, s->op->graph);
}

static bool all_constant(const struct site *s, const struct qm_graph_op *op) {
    for (uint32_t i = 0; i < op->input_count; i++)
        if (op->inputs[i] != QM_NO_TENSOR && s->l->graph->tensors[op->inputs[i]].data == NULL) return false;
    return true;
}

/* What gives an output of the site's operator alone as a graph, whose operands are the operator's: those that are no constants come from
 * the network. Of constants alone the first comes from there, too, because every layer has an input. */
static enum qm_status add_kernel(const struct site *s, const struct qm_graph_op *kernel, uint32_t output) {
    struct qm_graph_maker maker = {.arena = s->l->arena, .graph = QM_ARENA_NEW(s->l->arena, struct qm_graph, 1)};
    struct qm_graph checked = *s->l->graph;
    checked.kernels = profile_kernels(s->l->profile);
    const char *problem = kernel_check(&checked, kernel);
    if (problem != NULL) return site_refuse(s, "%s", problem);
    struct qm_layer *layer = site_layer(s, QM_LAYER_HOST);
    struct qm_graph_op op = *kernel;
    qm_graph_own_operands(&op, maker.arena);
    struct qm_graph *graph = maker.graph;
    graph->kernels = profile_kernels(s->l->profile);
    op.requant = NULL;
    bool first_comes = all_constant(s, &op);
    graph->inputs = QM_ARENA_NEW(maker.arena, uint32_t, op.input_count);
    graph->outputs = QM_ARENA_NEW(maker.arena, uint32_t, 1);
    graph->output_count = 1;
    for (uint32_t i = 0; i <= op.input_count; i++) {
        uint32_t *operand = i < op.input_count ? &op.inputs[i] : &op.outputs[0];
        if (*operand == QM_NO_TENSOR) continue;
        const struct qm_graph_tensor *source = &s->l->graph->tensors[*operand];
        struct qm_shape shape = qm_graph_shape(source);
        *operand = qm_graph_add_tensor(&maker, source->name, source->dtype, &shape);
        graph->tensors[*operand] = *source;
        if (i == op.input_count || (source->data != NULL && !(first_comes && i == 0))) continue;
        graph->tensors[*operand].data = NULL;
        QM_TRY(site_operand(s, i, &layer->inputs[layer->input_count++]));
        graph->inputs[graph->input_count++] = *operand;
    }
    *qm_graph_add_op(&maker, op.kind, QM_NO_TENSOR, QM_NO_TENSOR) = op;
    graph->outputs[0] = op.outputs[0];
    layer->graph = graph;
    layer->macs = qm_graph_products(graph);
    layer->output = site_result(s, output);
    return QM_OK;
}

enum qm_status legalize_on_host(const struct site *s) {
    return add_kernel(s, s->op, 0);
}

/* A slice for each output, which may lack the axis. */
static enum qm_status split_floats(const struct site *s) {
    const struct qm_graph_tensor *in = site_input(s, 0);
    int32_t begin = 0;
    for (uint32_t i = 0; i < s->op->output_count; i++) {
        struct qm_graph_op slice = *s->op;
        uint32_t length = site_output(s, i)->rank < in->rank ? 1 : site_output(s, i)->dims[s->op->axis];
        slice.kind = QM_OP_STRIDED_SLICE;
        slice.outputs = s->op->outputs + i;
        slice.output_count = 1;
        for (uint32_t d = 0; d < in->rank; d++) {
            bool cut = d == s->op->axis;
            slice.begin[d] = cut ? begin : 0;
            slice.step[d] = 1;
            slice.slice_dims[d] = cut ? length : in->dims[d];
        }
        QM_TRY(add_kernel(s, &slice, i));
        begin += (int32_t)length;
    }
    return QM_OK;
}

enum qm_status legalize_floats(const struct site *s) {
    return s->op->kind == QM_OP_SPLIT ? split_floats(s) : legalize_on_host(s);
}

/* A quantizer of floats that rounds half to even is an operator on real numbers. */
static enum qm_status quantize_even(const struct site *s) {
    struct qm_graph_maker maker = {.arena = s->l->arena, .graph = QM_ARENA_NEW(s->l->arena, struct qm_graph, 1)};
    const struct qm_graph_tensor *in = site_input(s, 0), *out = site_output(s, 0);
    struct qm_shape shape = qm_graph_shape(in), scalar = {0};
    uint32_t ends[] = {qm_graph_add_tensor(&maker, in->name, in->dtype, &shape),
                       qm_graph_add_tensor(&maker, out->name, out->dtype, &shape)};
    uint32_t scale = qm_graph_add_constant(&maker, "scale", QM_F32, &scalar, out->quant.scale);
    uint32_t zero = qm_graph_add_constant(&maker, "zero", QM_I64, &scalar, out->quant.zero_point);
    struct qm_graph_op *op = qm_graph_add_op(&maker, QM_OP_QUANTIZE, ends[0], ends[1]);
    op->index = s->op->index;
    op->inputs[1] = scale;
    op->inputs[2] = zero;
    op->input_count = 3;
    op->low = out->dtype == QM_U8 ? 0 : INT8_MIN;
    op->high = op->low + UINT8_MAX;
    maker.graph->is_real = true;
    qm_graph_set_ends(&maker, 1, ends, ends[1]);
    return add_host_layer(s, maker.graph);
}

enum qm_status legalize_quantize_floats(const struct site *s) {
    QM_TRY(site_check_activation(s, site_output(s, 0)));
    return s->op->requant != NULL ? quantize_even(s) : legalize_on_host(s);
}

enum qm_status legalize_dequantize(const struct site *s) {
    QM_TRY(site_check_activation(s, site_input(s, 0)));
    return legalize_on_host(s);
}

enum qm_status legalize_cast(const struct site *s) {
    return site_input(s, 0)->dtype == site_output(s, 0)->dtype ? site_alias(s) : legalize_on_host(s);
}

/* SOFTMAX and LOG_SOFTMAX give numbers of one scale and zero point, of rows whose sum of exponentials does not overflow. */
enum qm_status legalize_softmax(const struct site *s) {
    bool log = s->op->kind == QM_OP_LOG_SOFTMAX;
    QM_TRY(site_check_activations(s));
    bool is_unsigned = site_output(s, 0)->dtype == QM_U8;
    if (site_input(s, 0)->dtype != site_output(s, 0)->dtype) return site_refuse(s, "input and output have different types");
    QM_TRY(site_check_output(s, log ? 1.0F / 16 : 1.0F / 256, log ? INT8_MAX : is_unsigned ? 0 : INT8_MIN));
    uint32_t depth = site_output(s, 0)->dims[site_output(s, 0)->rank - 1];
    float beta = log ? 1 : s->op->beta;
    if (depth > SOFTMAX_DEPTH_MAX) return site_refuse(s, "rows of %u elements are not supported; at most %d", depth, SOFTMAX_DEPTH_MAX);
    if (!((double)beta * (double)site_input(s, 0)->quant.scale[0] * 0x1p26 > 1))
        return site_refuse(s, "beta times the input's scale is too small");
    return legalize_on_host(s);
}
