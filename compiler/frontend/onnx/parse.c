/* parse.c - an ONNX model to a graph: constants, inputs and outputs of the network; its names are in names.c, its nodes in ops.c. */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static enum qm_status read_constants(struct onnx_reader *r) {
    struct onnx_value *value;
    if (r->source->n_sparse_initializer > 0) return qm_fail(r->diag, QM_BAD_INPUT, "%s: sparse constants are not supported", r->file->name);
    for (size_t i = 0; i < r->source->n_initializer; i++) {
        QM_TRY(onnx_add_value(r, r->source->initializer[i]->name, &value));
        if (value->tensor != QM_NO_TENSOR || value->unreadable != NULL)
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: constant %.60s is there twice", r->file->name, value->name);
        QM_TRY(onnx_read_constant(r, r->source->initializer[i], value));
    }
    return QM_OK;
}

/* ---- ends of the network ---- */

/* A first dimension without a number is the batch: 1, or what the user has said. */
static enum qm_status read_input_shape(struct onnx_reader *r, const Onnx__TypeProto__Tensor *type, const char *name, struct qm_shape *to) {
    const Onnx__TensorShapeProto *shape = type->shape;
    bool fits = shape != NULL && shape->n_dim <= QM_MAX_RANK;
    uint64_t elements = 1;
    uint32_t batch = r->file->options->batch;
    for (size_t i = 0; fits && i < shape->n_dim; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = shape->dim[i];
        bool open = dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE || dim->dim_value == -1;
        int64_t size = i > 0 ? 0 : batch > 0 ? batch : 1;
        if (!open) size = dim->dim_value;
        r->has_open_batch = r->has_open_batch || (open && i == 0);
        fits = size > 0 && size <= INT32_MAX && (elements *= (uint64_t)size) <= INT32_MAX;
        to->dims[i] = fits ? (uint32_t)size : 0;
    }
    if (!fits)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s has no fixed shape of at most %d dimensions", r->file->name, name,
                       QM_MAX_RANK);
    to->rank = (uint32_t)shape->n_dim;
    return QM_OK;
}

/* Integers of 8 bits and less are what they are, one a byte; wider types and floats carry 8 bits too, or are quantized first. */
static enum qm_status read_input(struct onnx_reader *r, const Onnx__ValueInfoProto *source, struct onnx_value *value) {
    const Onnx__TypeProto *type = source->type;
    struct qm_shape shape;
    if (type == NULL || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is not a tensor", r->file->name, value->name);
    QM_TRY(read_input_shape(r, type->tensor_type, value->name, &shape));
    int32_t number = type->tensor_type->elem_type;
    struct onnx_element element = onnx_element(number);
    bool bytes = element.dtype == QM_I8 || element.dtype == QM_U8;
    if (element.file_bits == 0 || number == ONNX_BOOL || (!bytes && number != ONNX_FLOAT && number != ONNX_INT32 && number != ONNX_INT64))
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is %s, which is not supported", r->file->name, value->name,
                       onnx_type_name(number));
    value->tensor = qm_graph_add_tensor(&r->maker, value->name, element.dtype, &shape);
    r->graph->tensors[value->tensor].bits = element.bits;
    r->graph->inputs[r->graph->input_count++] = value->tensor;
    return QM_OK;
}

/* Older files list their constants among the inputs. */
static enum qm_status read_inputs(struct onnx_reader *r) {
    r->graph->inputs = QM_ARENA_NEW(r->arena, uint32_t, r->source->n_input + 1);
    for (size_t i = 0; i < r->source->n_input; i++) {
        struct onnx_value *value;
        uint32_t known = r->value_count;
        QM_TRY(onnx_add_value(r, r->source->input[i]->name, &value));
        bool is_constant = (value->tensor != QM_NO_TENSOR && r->graph->tensors[value->tensor].data != NULL) || value->unreadable != NULL;
        if (is_constant) continue;
        if (r->value_count == known) return qm_fail(r->diag, QM_BAD_INPUT, "%s: input %.60s is listed twice", r->file->name, value->name);
        QM_TRY(read_input(r, r->source->input[i], value));
    }
    if (r->file->options->batch != 0 && !r->has_open_batch)
        return qm_fail(r->diag, QM_BAD_INPUT, "%s: --batch %u: no input of the model leaves its batch open", r->file->name,
                       r->file->options->batch);
    if (r->graph->input_count == 0) return qm_fail(r->diag, QM_BAD_INPUT, "%s: the network has no input", r->file->name);
    return QM_OK;
}

/* The same elements once more, as the result of the node that gives them this name. */
static uint32_t copied(struct onnx_reader *r, const struct onnx_value *value) {
    struct qm_shape shape = qm_graph_shape(&r->graph->tensors[value->tensor]);
    uint32_t copy = qm_graph_add_tensor(&r->maker, value->name, r->graph->tensors[value->tensor].dtype, &shape);
    r->graph->tensors[copy].bits = r->graph->tensors[value->tensor].bits;
    struct qm_graph_op *op = qm_graph_add_op(&r->maker, QM_OP_RESHAPE, value->tensor, copy);
    op->index = value->maker;
    op->name = r->source->node[value->maker]->op_type;
    return copy;
}

/* The tensor of an output under the name that the file has for it: Identity and its like have made no tensor of their own. It is taken when
 * it is an input, or an output already. */
static uint32_t named_output(struct onnx_reader *r, const struct onnx_value *value, bool *is_taken) {
    if (is_taken[value->tensor] && value->maker != ONNX_NO_NODE) return copied(r, value);
    if (!is_taken[value->tensor]) r->graph->tensors[value->tensor].name = value->name;
    is_taken[value->tensor] = true;
    return value->tensor;
}

static enum qm_status put_outputs(struct onnx_reader *r) {
    struct qm_graph *graph = r->graph;
    bool *is_taken = QM_ARENA_NEW(r->arena, bool, graph->tensor_count);
    graph->outputs = QM_ARENA_NEW(r->arena, uint32_t, r->output_count);
    for (uint32_t i = 0; i < graph->input_count; i++) is_taken[graph->inputs[i]] = true;
    for (uint32_t i = 0; i < r->output_count; i++) {
        struct onnx_value *value = onnx_find(r, r->outputs[i]);
        if (value == NULL || (value->tensor == QM_NO_TENSOR && !value->refused))
            return qm_fail(r->diag, QM_BAD_INPUT, "%s: an output is not computed; the file is damaged", r->file->name);
        if (value->is_output) return qm_fail(r->diag, QM_BAD_INPUT, "%s: output %.60s is listed twice", r->file->name, value->name);
        value->is_output = true;
        if (value->refused) continue;
        uint32_t tensor = named_output(r, value, is_taken);
        graph->outputs[graph->output_count++] = tensor;
    }
    return QM_OK;
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

enum qm_status onnx_parse(const struct model_file *file, struct qm_arena *arena, struct qm_graph *graph, struct qm_diag *diag) {
    struct onnx_reader r = {.file = file, .arena = arena, .graph = graph, .maker = {.arena = arena, .graph = graph}, .diag = diag};
    QM_TRY(onnx_unpack(file, arena, &r.model, diag));
    if (r.model->graph == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: the model has no graph; the file is damaged", file->name);
    r.source = r.model->graph;
    QM_TRY(onnx_read_version(&r));
    graph->is_real = true;
    QM_TRY(onnx_open_names(&r));
    QM_TRY(read_constants(&r));
    QM_TRY(read_inputs(&r));
    for (uint32_t i = 0; i < r.source->n_node; i++) QM_TRY(onnx_add_results(&r, i));
    QM_TRY(name_outputs(&r));
    enum qm_status order = onnx_read_nodes(&r);
    if (order == QM_OK) order = put_outputs(&r);
    return order;
}
