/* message.c - see message.h. */
#include "quantize/onnx/message.h"

#include <string.h>

#include "common/version.h"

#define MESSAGE_NEW(m, Type, name) Onnx__##Type *name = QM_ARENA_NEW((m)->arena, Onnx__##Type, 1)

/* Makes room in a list of messages for one more. */
static void *grown(struct onnx_message *m, void *list, size_t count, uint32_t *room) {
    return qm_arena_grow(m->arena, list, sizeof(void *), (uint32_t)count, room);
}

static char *text(const struct onnx_message *m, const char *name) {
    return qm_arena_strdup(m->arena, name);
}

void onnx_message_open(struct onnx_message *m, struct qm_arena *arena) {
    memset(m, 0, sizeof *m);
    m->arena = arena;
    onnx__model_proto__init(&m->model);
    onnx__graph_proto__init(&m->graph);
    onnx__operator_set_id_proto__init(&m->opset);
    m->opsets[0] = &m->opset;
    m->model.opset_import = m->opsets;
    m->model.n_opset_import = 1;
    m->model.graph = &m->graph;
    m->model.producer_name = text(m, "qmac");
    m->model.producer_version = text(m, QM_VERSION);
    m->graph.name = text(m, "qmac");
}

void onnx_message_set_opset(struct onnx_message *m, int64_t opset) {
    /* [published: onnx/helper.py, VERSION_TABLE] */
    static const struct {
        int64_t opset, format;
    } formats[] = {{13, 7}, {14, 7}, {15, 8}, {18, 8}, {19, 9}, {20, 9}, {21, 10}, {22, 10}, {23, 11}, {24, 12}, {25, 13}};
    uint32_t i = 0;
    while (formats[i].opset < opset) i++;
    m->opset.has_version = m->model.has_ir_version = 1;
    m->opset.version = opset;
    m->model.ir_version = formats[i].format;
}

/* ---- tensors ---- */

static Onnx__ValueInfoProto *value_info(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape) {
    MESSAGE_NEW(m, ValueInfoProto, value);
    MESSAGE_NEW(m, TypeProto, proto);
    MESSAGE_NEW(m, TypeProto__Tensor, tensor);
    MESSAGE_NEW(m, TensorShapeProto, dims);
    onnx__value_info_proto__init(value);
    onnx__type_proto__init(proto);
    onnx__type_proto__tensor__init(tensor);
    onnx__tensor_shape_proto__init(dims);
    value->name = text(m, name);
    value->type = proto;
    proto->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    proto->tensor_type = tensor;
    tensor->has_elem_type = 1;
    tensor->elem_type = type;
    tensor->shape = dims;
    dims->n_dim = shape->rank;
    dims->dim = QM_ARENA_NEW(m->arena, Onnx__TensorShapeProto__Dimension *, shape->rank);
    for (uint32_t d = 0; d < shape->rank; d++) {
        MESSAGE_NEW(m, TensorShapeProto__Dimension, dim);
        onnx__tensor_shape_proto__dimension__init(dim);
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dim->dim_value = shape->dims[d];
        dims->dim[d] = dim;
    }
    return value;
}

void onnx_message_add_input(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape) {
    m->graph.input = grown(m, m->graph.input, m->graph.n_input, &m->input_room);
    m->graph.input[m->graph.n_input++] = value_info(m, name, type, shape);
}

void onnx_message_add_output(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape) {
    m->graph.output = grown(m, m->graph.output, m->graph.n_output, &m->output_room);
    m->graph.output[m->graph.n_output++] = value_info(m, name, type, shape);
}

void onnx_message_add_constant(struct onnx_message *m, const char *name, int32_t type, const struct qm_shape *shape, size_t size,
                               const void *bytes) {
    MESSAGE_NEW(m, TensorProto, tensor);
    onnx__tensor_proto__init(tensor);
    tensor->name = text(m, name);
    tensor->has_data_type = tensor->has_raw_data = 1;
    tensor->data_type = type;
    tensor->n_dims = shape->rank;
    tensor->dims = QM_ARENA_NEW(m->arena, int64_t, shape->rank);
    for (uint32_t d = 0; d < shape->rank; d++) tensor->dims[d] = shape->dims[d];
    tensor->raw_data.len = size;
    tensor->raw_data.data = memcpy(qm_arena_alloc(m->arena, size), bytes, size);
    m->graph.initializer = grown(m, m->graph.initializer, m->graph.n_initializer, &m->constant_room);
    m->graph.initializer[m->graph.n_initializer++] = tensor;
}

/* ---- nodes ---- */

Onnx__NodeProto *onnx_message_add_node(struct onnx_message *m, const char *op) {
    MESSAGE_NEW(m, NodeProto, node);
    onnx__node_proto__init(node);
    node->op_type = text(m, op);
    m->graph.node = grown(m, m->graph.node, m->graph.n_node, &m->node_room);
    return m->graph.node[m->graph.n_node++] = node;
}

/* A list of a node with one more, in memory of its own: nodes have few of anything. */
static void *longer(struct onnx_message *m, const void *list, size_t count) {
    void **copy = QM_ARENA_NEW(m->arena, void *, count + 1);
    if (count > 0) memcpy(copy, list, count * sizeof *copy);
    return copy;
}

void onnx_message_add_operand(struct onnx_message *m, Onnx__NodeProto *node, const char *name) {
    node->input = longer(m, node->input, node->n_input);
    node->input[node->n_input++] = text(m, name);
}

void onnx_message_add_result(struct onnx_message *m, Onnx__NodeProto *node, const char *name) {
    node->output = longer(m, node->output, node->n_output);
    node->output[node->n_output++] = text(m, name);
}

static Onnx__AttributeProto *add_attribute(struct onnx_message *m, Onnx__NodeProto *node, const char *name,
                                           Onnx__AttributeProto__AttributeType type) {
    MESSAGE_NEW(m, AttributeProto, added);
    onnx__attribute_proto__init(added);
    added->name = text(m, name);
    added->has_type = 1;
    added->type = type;
    node->attribute = longer(m, node->attribute, node->n_attribute);
    return node->attribute[node->n_attribute++] = added;
}

void onnx_message_set_int(struct onnx_message *m, Onnx__NodeProto *node, const char *name, int64_t value) {
    Onnx__AttributeProto *added = add_attribute(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    added->has_i = 1;
    added->i = value;
}

void onnx_message_set_float(struct onnx_message *m, Onnx__NodeProto *node, const char *name, float value) {
    Onnx__AttributeProto *added = add_attribute(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    added->has_f = 1;
    added->f = value;
}

void onnx_message_set_text(struct onnx_message *m, Onnx__NodeProto *node, const char *name, const char *value) {
    Onnx__AttributeProto *added = add_attribute(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    added->has_s = 1;
    added->s.len = strlen(value);
    added->s.data = (uint8_t *)text(m, value);
}

void onnx_message_set_ints(struct onnx_message *m, Onnx__NodeProto *node, const char *name, uint32_t count, const int64_t *values) {
    Onnx__AttributeProto *added = add_attribute(m, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    added->n_ints = count;
    added->ints = QM_ARENA_NEW(m->arena, int64_t, count);
    if (count > 0) memcpy(added->ints, values, count * sizeof *values);
}

const uint8_t *onnx_message_pack(const struct onnx_message *m, size_t *size) {
    *size = onnx__model_proto__get_packed_size(&m->model);
    uint8_t *bytes = qm_arena_alloc(m->arena, *size);
    onnx__model_proto__pack(&m->model, bytes);
    return bytes;
}
