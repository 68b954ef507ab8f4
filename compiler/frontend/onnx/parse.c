/* parse.c - an ONNX model to a graph: constants, inputs and outputs of the network; its names are in names.c, its nodes in ops.c.
 *
 * Inputs and outputs keep ONNX's order of channels, shape and, where they are float and scaled, floats.
 */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static enum qm_status read_constants(struct onnx_reader *r) {
    struct onnx_value *value;
    if (r->source->n_sparse_initializer > 0) return qm_fail(r->diag, QM_BAD_INPUT, "%s: sparse constants are not supported", r->file->name);
    for (size_t i = 0; i < r->source->n_initializer; i++) {
        QM_TRY(onnx_add_value(r, r->source->initializer[i]->name, &value));
        if (value->state != ONNX_UNKNOWN)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: constant %.60s is there twice", r->file->name, value->name);
        QM_TRY(onnx_read_constant(r, r->source->initializer[i], value));
    }
    return QM_OK;
}

/* ---- ends of the network ---- */

/* A first dimension without a number is the batch, of which there is one. */
static enum qm_status read_input_shape(struct onnx_reader *r, const Onnx__TypeProto__Tensor *type, struct onnx_value *value) {
    const Onnx__TensorShapeProto *shape = type->shape;
    bool fits = shape != NULL && shape->n_dim <= QM_MAX_RANK;
    uint64_t elements = 1;
    for (size_t i = 0; fits && i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        int64_t size = i == 0 ? 1 : 0;
        if (dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) size = dim->dim_value;
        fits = size > 0 && size <= INT32_MAX && (elements *= (uint64_t)size) <= INT32_MAX;
        value->shape.dims[i] = fits ? (uint32_t)size : 0;
    }
    if (!fits)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s has no fixed shape of at most %d dimensions", r->file->name, value->name,
                       QM_MAX_RANK);
    value->shape.rank = (uint32_t)shape->n_dim;
    return QM_OK;
}

/* Integers of 8 bits and less are what they are, one a byte; wider types and floats carry 8 bits too, or are quantized first. */
static enum qm_status read_input(struct onnx_reader *r, const Onnx__ValueInfoProto *source, struct onnx_value *value) {
    const Onnx__TypeProto *type = source->type;
    if (type == NULL || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is not a tensor", r->file->name, value->name);
    QM_TRY(read_input_shape(r, type->tensor_type, value));
    value->type = type->tensor_type->elem_type;
    value->origin = value;
    value->state = ONNX_INPUT;
    int64_t low, high;
    if (onnx_type_range(value->type, &low, &high) && high - low <= UINT8_MAX) {
        value->state = ONNX_TENSOR;
        value->low = (int32_t)low;
        value->high = (int32_t)high;
        value->tensors[ONNX_PLAIN] = onnx_add_tensor(r, value->name, low < 0 ? QM_I8 : QM_U8, &value->shape);
    } else if (value->type != ONNX_FLOAT && value->type != ONNX_INT32 && value->type != ONNX_INT64) {
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is %s, which is not supported", r->file->name, value->name,
                       onnx_type_name(value->type));
    }
    return QM_OK;
}

/* Older files list their constants among the inputs. */
static enum qm_status read_inputs(struct onnx_reader *r) {
    for (size_t i = 0; i < r->source->n_input; i++) {
        struct onnx_value *value;
        QM_TRY(onnx_add_value(r, r->source->input[i]->name, &value));
        if (value->state == ONNX_CONSTANT) continue;
        if (value->state != ONNX_UNKNOWN)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is listed twice", r->file->name, value->name);
        QM_TRY(read_input(r, r->source->input[i], value));
    }
    return QM_OK;
}

static enum qm_status put_inputs(struct onnx_reader *r) {
    struct qm_graph *graph = r->graph;
    graph->inputs = QM_ARENA_NEW(r->arena, uint32_t, r->source->n_input + 1);
    for (size_t i = 0; i < r->source->n_input; i++) {
        const struct onnx_value *value = onnx_find(r, r->source->input[i]->name);
        if (value->state == ONNX_CONSTANT) continue;
        if (value->tensors[ONNX_PLAIN] == QM_NO_TENSOR)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is not used by the network", r->file->name, value->name);
        graph->inputs[graph->input_count++] = value->tensors[ONNX_PLAIN];
    }
    if (graph->input_count == 0) return qm_fail(r->diag, QM_BAD_INPUT, "%s: the network has no input", r->file->name);
    return QM_OK;
}

/* Messages of an output name the operator that makes it, or the last. */
static struct onnx_node output_node(struct onnx_reader *r, struct onnx_value *value) {
    uint32_t index = value->maker != ONNX_NO_NODE ? value->maker : (uint32_t)r->source->n_node - 1;
    return (struct onnx_node){.r = r, .index = index, .source = r->source->node[index], .outputs = {value}};
}

/* Scaled integers that the file calls floats leave the network as floats. */
static uint32_t dequantized(const struct onnx_node *n, const struct onnx_value *value, uint32_t tensor) {
    if (!value->real || value->type != ONNX_FLOAT || (value->scale == 1 && value->zero == 0 && value->offset == 0)) return tensor;
    uint32_t result = onnx_add_tensor(n->r, value->name, QM_F32, &value->shape);
    onnx_add_op(n, QM_OP_DEQUANTIZE, tensor, result)->beta = value->offset;
    return result;
}

static enum qm_status put_output(struct onnx_reader *r, const char *name) {
    struct qm_graph *graph = r->graph;
    struct onnx_value *value = onnx_find(r, name);
    if (value == NULL || value->state == ONNX_UNKNOWN)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: an output is not computed; the file is damaged", r->file->name);
    struct onnx_node n = output_node(r, value);
    uint32_t tensor = QM_NO_TENSOR;
    value->is_output = true;
    if (value->state == ONNX_REFUSED || !onnx_tensor(&n, value, ONNX_PLAIN, &tensor)) return QM_OK; /* named */
    graph->outputs[graph->output_count++] = dequantized(&n, value, tensor);
    return QM_OK;
}

static enum qm_status check_outputs(const struct onnx_reader *r) {
    const struct qm_graph *graph = r->graph;
    bool *seen = QM_ARENA_NEW(r->arena, bool, graph->tensor_count);
    for (uint32_t i = 0; i < graph->output_count; i++) {
        uint32_t tensor = graph->outputs[i];
        if (seen[tensor])
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: output %.60s is listed twice", r->file->name, graph->tensors[tensor].name);
        seen[tensor] = true;
    }
    return QM_OK;
}

static enum qm_status put_outputs(struct onnx_reader *r) {
    r->graph->outputs = QM_ARENA_NEW(r->arena, uint32_t, r->output_count);
    for (uint32_t i = 0; i < r->output_count; i++) QM_TRY(put_output(r, r->outputs[i]));
    return check_outputs(r);
}

/* The names that the user has asked for, or those of the file. */
static enum qm_status name_outputs(struct onnx_reader *r) {
    const char *list = r->file->options->end_at;
    size_t room = r->source->n_output + 1;
    for (const char *c = list; c != NULL && *c != '\0'; c++) room += *c == ',';
    r->outputs = QM_ARENA_NEW(r->arena, const char *, room);
    if (list != NULL) {
        char *rest = qm_arena_strdup(r->arena, list);
        for (char *name; (name = strsep(&rest, ",")) != NULL;) {
            if (onnx_find(r, name) == NULL)
                return qm_fail(r->diag, QM_BAD_INPUT, "%s: --end-at %s: there is no such tensor", r->file->name, name);
            r->outputs[r->output_count++] = name;
        }
        return QM_OK;
    }
    for (size_t i = 0; i < r->source->n_output; i++)
        r->outputs[r->output_count++] = r->source->output[i]->name != NULL ? r->source->output[i]->name : "";
    return r->output_count > 0 ? QM_OK : qm_fail(r->diag, QM_BAD_INPUT, "%s: the network has no output", r->file->name);
}

/* ---- quantization ---- */

static bool only_moves(enum qm_graph_op_kind kind) {
    return kind == QM_OP_RESHAPE || kind == QM_OP_TRANSPOSE || kind == QM_OP_CONCATENATION || kind == QM_OP_PAD ||
           kind == QM_OP_MAX_POOL_2D;
}

static void share_quant(struct qm_graph *graph, uint32_t from, uint32_t to) {
    if (graph->tensors[to].quant.count == 0) graph->tensors[to].quant = graph->tensors[from].quant;
}

/* What only moves bytes hands their scale and zero point on, in both directions; integers that nobody gave any mean themselves. */
static void propagate_quantization(struct onnx_reader *r) {
    struct qm_graph *graph = r->graph;
    for (uint32_t i = graph->op_count; i-- > 0;)
        for (uint32_t j = 0; only_moves(graph->ops[i].kind) && j < graph->ops[i].input_count; j++)
            share_quant(graph, graph->ops[i].outputs[0], graph->ops[i].inputs[j]);
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (only_moves(graph->ops[i].kind)) share_quant(graph, graph->ops[i].inputs[0], graph->ops[i].outputs[0]);
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].quant.count == 0 && graph->tensors[i].dtype != QM_F32) onnx_set_quant(r, i, 1, 0);
}

enum qm_status onnx_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph, struct qm_diag *diag) {
    struct onnx_reader r = {.file = file, .arena = arena, .graph = graph, .diag = diag};
    const Onnx__ModelProto *model;
    QM_TRY(onnx_unpack(file, arena, &model, diag));
    if (model->graph == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: the model has no graph; the file is damaged", file->name);
    r.source = model->graph;
    QM_TRY(onnx_open_names(&r));
    QM_TRY(read_constants(&r));
    QM_TRY(read_inputs(&r));
    for (uint32_t i = 0; i < r.source->n_node; i++) QM_TRY(onnx_add_results(&r, i));
    QM_TRY(name_outputs(&r));
    enum qm_status order = onnx_read_nodes(&r);
    if (order == QM_OK) order = put_outputs(&r);
    QM_TRY(problems_report(&r.problems, file->name, "docs/how-to/run-an-onnx-network.md lists what can be read", diag));
    QM_TRY(order);
    QM_TRY(put_inputs(&r));
    if (graph->op_count == 0) return qm_fail(diag, QM_BAD_INPUT, "%s: the network computes nothing", file->name);
    propagate_quantization(&r);
    return QM_OK;
}
