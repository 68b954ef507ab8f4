/* onnx_build.c - see onnx_build.h. */
#include "tests/support/onnx_build.h"

#include <string.h>

static char *text(const struct onnx_build *b, const char *word) {
    return qm_arena_strdup(b->arena, word);
}

void onnx_build_opset(struct onnx_build *b, int64_t version) {
    onnx__operator_set_id_proto__init(&b->opset);
    b->opset.has_version = 1;
    b->opset.version = version;
    b->opsets[0] = &b->opset;
    b->model.opset_import = b->opsets;
    b->model.n_opset_import = 1;
}

void onnx_build_open(struct onnx_build *b, struct qm_arena *arena) {
    b->arena = arena;
    onnx__model_proto__init(&b->model);
    onnx__graph_proto__init(&b->graph);
    b->model.has_ir_version = 1;
    b->model.ir_version = 8;
    onnx_build_opset(b, 13);
    b->model.graph = &b->graph;
    b->graph.node = b->nodes;
    b->graph.initializer = b->constants;
    b->graph.input = b->inputs;
    b->graph.output = b->outputs;
}

void onnx_build_input(struct onnx_build *b, const char *name, int32_t type, struct onnx_build_shape shape) {
    Onnx__ValueInfoProto *value = QM_ARENA_NEW(b->arena, Onnx__ValueInfoProto, 1);
    onnx__value_info_proto__init(value);
    value->name = text(b, name);
    value->type = QM_ARENA_NEW(b->arena, Onnx__TypeProto, 1);
    onnx__type_proto__init(value->type);
    value->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    Onnx__TypeProto__Tensor *tensor = value->type->tensor_type = QM_ARENA_NEW(b->arena, Onnx__TypeProto__Tensor, 1);
    onnx__type_proto__tensor__init(tensor);
    tensor->has_elem_type = 1;
    tensor->elem_type = type;
    tensor->shape = QM_ARENA_NEW(b->arena, Onnx__TensorShapeProto, 1);
    onnx__tensor_shape_proto__init(tensor->shape);
    tensor->shape->n_dim = shape.rank;
    tensor->shape->dim = QM_ARENA_NEW(b->arena, Onnx__TensorShapeProto__Dimension *, shape.rank + 1);
    for (uint32_t d = 0; d < shape.rank; d++) {
        Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[d] = QM_ARENA_NEW(b->arena, Onnx__TensorShapeProto__Dimension, 1);
        onnx__tensor_shape_proto__dimension__init(dim);
        dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        dim->dim_value = shape.dims[d];
    }
    b->inputs[b->graph.n_input++] = value;
}

void onnx_build_output(struct onnx_build *b, const char *name) {
    Onnx__ValueInfoProto *value = QM_ARENA_NEW(b->arena, Onnx__ValueInfoProto, 1);
    onnx__value_info_proto__init(value);
    value->name = text(b, name);
    b->outputs[b->graph.n_output++] = value;
}

Onnx__TensorProto *onnx_build_constant(struct onnx_build *b, const char *name, int32_t type, struct onnx_build_shape shape,
                                       const double *values) {
    Onnx__TensorProto *tensor = QM_ARENA_NEW(b->arena, Onnx__TensorProto, 1);
    size_t count = 1;
    onnx__tensor_proto__init(tensor);
    tensor->name = text(b, name);
    tensor->has_data_type = 1;
    tensor->data_type = type;
    tensor->n_dims = shape.rank;
    tensor->dims = QM_ARENA_NEW(b->arena, int64_t, shape.rank + 1);
    for (uint32_t d = 0; d < shape.rank; d++) count *= (size_t)(tensor->dims[d] = shape.dims[d]);
    tensor->float_data = QM_ARENA_NEW(b->arena, float, count);
    tensor->int32_data = QM_ARENA_NEW(b->arena, int32_t, count);
    tensor->int64_data = QM_ARENA_NEW(b->arena, int64_t, count);
    *(type == 1 ? &tensor->n_float_data : type == 7 ? &tensor->n_int64_data : &tensor->n_int32_data) = count;
    for (size_t i = 0; i < count; i++) {
        tensor->float_data[i] = (float)values[i];
        tensor->int32_data[i] = (int32_t)values[i];
        tensor->int64_data[i] = (int64_t)values[i];
    }
    return b->constants[b->graph.n_initializer++] = tensor;
}

/* The words of a list; "-" is the empty name. */
static char **split(const struct onnx_build *b, const char *list, size_t *count) {
    char *rest = text(b, list), **words = QM_ARENA_NEW(b->arena, char *, strlen(list) / 2 + 1);
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0') words[(*count)++] = strcmp(word, "-") == 0 ? text(b, "") : word;
    return words;
}

void onnx_build_number(struct onnx_build *b, const char *name, int32_t type, double value) {
    onnx_build_constant(b, name, type, (struct onnx_build_shape){.rank = 0}, &value);
}

Onnx__NodeProto *onnx_build_node(struct onnx_build *b, const char *op, const char *inputs, const char *outputs) {
    Onnx__NodeProto *node = QM_ARENA_NEW(b->arena, Onnx__NodeProto, 1);
    onnx__node_proto__init(node);
    node->op_type = text(b, op);
    node->input = split(b, inputs, &node->n_input);
    node->output = split(b, outputs, &node->n_output);
    node->attribute = QM_ARENA_NEW(b->arena, Onnx__AttributeProto *, 8);
    return b->nodes[b->graph.n_node++] = node;
}

static Onnx__AttributeProto *attribute(struct onnx_build *b, Onnx__NodeProto *node, const char *name,
                                       Onnx__AttributeProto__AttributeType type) {
    Onnx__AttributeProto *added = QM_ARENA_NEW(b->arena, Onnx__AttributeProto, 1);
    onnx__attribute_proto__init(added);
    added->name = text(b, name);
    added->has_type = 1;
    added->type = type;
    return node->attribute[node->n_attribute++] = added;
}

void onnx_build_int(struct onnx_build *b, Onnx__NodeProto *node, const char *name, int64_t value) {
    Onnx__AttributeProto *added = attribute(b, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);
    added->has_i = 1;
    added->i = value;
}

void onnx_build_float(struct onnx_build *b, Onnx__NodeProto *node, const char *name, float value) {
    Onnx__AttributeProto *added = attribute(b, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    added->has_f = 1;
    added->f = value;
}

void onnx_build_string(struct onnx_build *b, Onnx__NodeProto *node, const char *name, const char *value) {
    Onnx__AttributeProto *added = attribute(b, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);
    added->has_s = 1;
    added->s.len = strlen(value);
    added->s.data = (uint8_t *)text(b, value);
}

void onnx_build_ints(struct onnx_build *b, Onnx__NodeProto *node, const char *name, uint32_t count, const int64_t *values) {
    Onnx__AttributeProto *added = attribute(b, node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    added->n_ints = count;
    added->ints = QM_ARENA_NEW(b->arena, int64_t, count);
    memcpy(added->ints, values, count * sizeof *values);
}

struct file_bytes onnx_build_pack(struct onnx_build *b) {
    struct file_bytes bytes = {.size = onnx__model_proto__get_packed_size(&b->model)};
    bytes.data = qm_arena_alloc(b->arena, bytes.size + 1);
    onnx__model_proto__pack(&b->model, bytes.data);
    return bytes;
}

/* ---- a network ---- */

static const double *draw(const struct onnx_build *b, uint32_t *random, size_t count, double low, double high) {
    double *values = QM_ARENA_NEW(b->arena, double, count);
    for (size_t i = 0; i < count; i++) {
        *random = *random * 1664525 + 1013904223;
        values[i] = low + (double)(int64_t)((high - low + 1) * (*random >> 8) / (1 << 24));
    }
    return values;
}

static void scalar(struct onnx_build *b, const char *name, int32_t type, double value) {
    onnx_build_constant(b, name, type, (struct onnx_build_shape){0, {0}}, &value);
}

void onnx_build_qdq(struct onnx_build *b, struct qm_arena *arena, uint32_t seed) {
    enum { IN = 2, MAPS = 5, OUT = 4 };
    static const double conv_scales[MAPS] = {0.013, 0.02, 0.008, 0.031, 0.017};
    double bias_scales[MAPS];
    uint32_t random = seed;
    for (int c = 0; c < MAPS; c++) bias_scales[c] = (double)(0.05F * (float)conv_scales[c]);
    onnx_build_open(b, arena);
    onnx_build_input(b, "x", 1, (struct onnx_build_shape){4, {1, IN, 6, 5}});
    scalar(b, "xs", 1, 0.05);
    scalar(b, "xz", 3, -3);
    onnx_build_constant(b, "w", 3, (struct onnx_build_shape){4, {MAPS, IN, 3, 3}}, draw(b, &random, MAPS * IN * 9, -127, 127));
    onnx_build_constant(b, "ws", 1, (struct onnx_build_shape){1, {MAPS}}, conv_scales);
    onnx_build_constant(b, "bias", 6, (struct onnx_build_shape){1, {MAPS}}, draw(b, &random, MAPS, -4000, 4000));
    onnx_build_constant(b, "bs", 1, (struct onnx_build_shape){1, {MAPS}}, bias_scales);
    scalar(b, "ys", 1, 0.11);
    scalar(b, "yz", 2, 7);
    scalar(b, "ms", 1, 0.09);
    scalar(b, "mz", 2, 3);
    onnx_build_constant(b, "v", 3, (struct onnx_build_shape){2, {OUT, MAPS}}, draw(b, &random, OUT * MAPS, -127, 127));
    scalar(b, "vs", 1, 0.004);
    scalar(b, "zs", 1, 0.07);
    scalar(b, "zz", 3, 5);
    onnx_build_node(b, "QuantizeLinear", "x xs xz", "xq");
    onnx_build_node(b, "DequantizeLinear", "xq xs xz", "xr");
    onnx_build_int(b, onnx_build_node(b, "DequantizeLinear", "w ws", "wr"), "axis", 0);
    onnx_build_int(b, onnx_build_node(b, "DequantizeLinear", "bias bs", "br"), "axis", 0);
    onnx_build_ints(b, onnx_build_node(b, "Conv", "xr wr br", "c"), "pads", 4, (const int64_t[]){1, 1, 1, 1});
    onnx_build_node(b, "Relu", "c", "r");
    onnx_build_node(b, "QuantizeLinear", "r ys yz", "rq");
    onnx_build_node(b, "DequantizeLinear", "rq ys yz", "rr");
    onnx_build_ints(b, onnx_build_node(b, "MaxPool", "rr", "p"), "kernel_shape", 2, (const int64_t[]){2, 2});
    onnx_build_node(b, "GlobalAveragePool", "p", "g");
    onnx_build_node(b, "QuantizeLinear", "g ms mz", "gq");
    onnx_build_node(b, "DequantizeLinear", "gq ms mz", "gr");
    onnx_build_node(b, "Flatten", "gr", "f");
    onnx_build_node(b, "DequantizeLinear", "v vs", "vr");
    onnx_build_int(b, onnx_build_node(b, "Gemm", "f vr", "z"), "transB", 1);
    onnx_build_node(b, "QuantizeLinear", "z zs zz", "zq");
    onnx_build_node(b, "DequantizeLinear", "zq zs zz", "y");
    onnx_build_output(b, "y");
}

void onnx_build_integer(struct onnx_build *b, struct qm_arena *arena, uint32_t seed) {
    enum { IN = 2, OUT = 4 };
    uint32_t random = seed;
    struct onnx_build_shape channels = {3, {OUT, 1, 1}};
    onnx_build_open(b, arena);
    onnx_build_opset(b, 10); /* Clip has attributes */
    onnx_build_input(b, "x", 1, (struct onnx_build_shape){4, {1, IN, 6, 5}});
    onnx_build_constant(b, "w", 1, (struct onnx_build_shape){4, {OUT, IN, 3, 3}}, draw(b, &random, OUT * IN * 9, -128, 127));
    onnx_build_constant(b, "mul", 1, channels, draw(b, &random, OUT, -300, 300));
    onnx_build_constant(b, "add", 1, channels, draw(b, &random, OUT, -1000000, 1000000));
    scalar(b, "div", 1, seed % 3 == 0 ? 65535 : 65536);
    onnx_build_ints(b, onnx_build_node(b, "Conv", "x w", "c"), "pads", 4, (const int64_t[]){1, 0, 1, 0});
    onnx_build_node(b, "Mul", "c mul", "m");
    onnx_build_node(b, "Add", "m add", "a");
    onnx_build_node(b, "Div", "a div", "d");
    onnx_build_node(b, "Floor", "d", "f");
    Onnx__NodeProto *clip = onnx_build_node(b, "Clip", "f", "y");
    onnx_build_float(b, clip, "min", seed % 3 == 0 ? 0 : -100);
    onnx_build_float(b, clip, "max", seed % 3 == 0 ? 3 : 120);
    onnx_build_output(b, "y");
}
