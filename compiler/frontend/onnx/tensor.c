/* tensor.c - adds tensors, constants and operators to the graph. */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static void *grow(struct onnx_reader *r, void *items, size_t size, uint32_t count) {
    void *larger = qm_arena_alloc(r->arena, size * 2 * (count + 8));
    if (count > 0) memcpy(larger, items, size * count);
    return larger;
}

struct onnx_shape onnx_shape_of(const struct qm_graph_tensor *tensor) {
    struct onnx_shape shape = {.rank = tensor->rank};
    memcpy(shape.dims, tensor->dims, sizeof shape.dims);
    return shape;
}

uint32_t onnx_add_tensor(struct onnx_reader *r, const char *name, enum qm_dtype dtype, const struct onnx_shape *shape) {
    struct qm_graph *graph = r->graph;
    if (graph->tensor_count == r->tensor_room) {
        graph->tensors = grow(r, graph->tensors, sizeof *graph->tensors, graph->tensor_count);
        r->tensor_room = 2 * (graph->tensor_count + 8);
    }
    struct qm_graph_tensor *tensor = &graph->tensors[graph->tensor_count];
    *tensor = (struct qm_graph_tensor){.name = name, .dtype = dtype, .rank = shape->rank};
    memcpy(tensor->dims, shape->dims, sizeof tensor->dims);
    return graph->tensor_count++;
}

void onnx_set_quant(struct onnx_reader *r, uint32_t tensor, float scale, int64_t zero) {
    float *scales = QM_ARENA_NEW(r->arena, float, 1);
    int64_t *zeros = QM_ARENA_NEW(r->arena, int64_t, 1);
    *scales = scale;
    *zeros = zero;
    r->graph->tensors[tensor].quant = (struct qm_quant){.count = 1, .scale = scales, .zero_point = zeros};
}

uint32_t onnx_add_constant(struct onnx_reader *r, const char *name, enum qm_dtype dtype, const struct onnx_shape *shape, const void *data) {
    uint32_t index = onnx_add_tensor(r, name, dtype, shape);
    r->graph->tensors[index].data = data;
    r->graph->tensors[index].size_bytes = (size_t)onnx_elements(shape) * qm_dtype_bytes(dtype);
    return index;
}

struct qm_graph_op *onnx_add_op(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, uint32_t out) {
    struct qm_graph *graph = n->r->graph;
    if (graph->op_count == n->r->op_room) {
        graph->ops = grow(n->r, graph->ops, sizeof *graph->ops, graph->op_count);
        n->r->op_room = 2 * (graph->op_count + 8);
    }
    struct qm_graph_op *op = &graph->ops[graph->op_count++];
    *op = (struct qm_graph_op){.kind = kind, .index = n->index, .input_count = 1, .output_count = 1};
    for (uint32_t i = 0; i < QM_OPERANDS_MAX; i++) op->inputs[i] = op->outputs[i] = QM_NO_TENSOR;
    op->inputs[0] = in;
    op->outputs[0] = out;
    return op;
}

uint32_t onnx_add_like(const struct onnx_node *n, uint32_t like, const struct onnx_shape *shape) {
    struct onnx_reader *r = n->r;
    const char *name = n->outputs[0] != NULL ? n->outputs[0]->name : r->graph->tensors[like].name;
    uint32_t index = onnx_add_tensor(r, name, r->graph->tensors[like].dtype, shape);
    r->graph->tensors[index].quant = r->graph->tensors[like].quant;
    return index;
}

uint32_t onnx_add_reshape(const struct onnx_node *n, uint32_t tensor, const struct onnx_shape *shape) {
    uint32_t result = onnx_add_like(n, tensor, shape);
    onnx_add_op(n, QM_OP_RESHAPE, tensor, result);
    return result;
}

uint32_t onnx_add_alias(const struct onnx_node *n, uint32_t tensor, float scale, int64_t zero) {
    struct onnx_shape shape = onnx_shape_of(&n->r->graph->tensors[tensor]);
    uint32_t alias = onnx_add_reshape(n, tensor, &shape);
    onnx_set_quant(n->r, alias, scale, zero);
    return alias;
}

/* ---- constants as operands ---- */

bool onnx_zero_point(double low, double high, int64_t *zero) {
    double shift = low < INT8_MIN || high > INT8_MAX ? INT8_MIN - low : 0;
    if (high - low > UINT8_MAX || shift < INT8_MIN || shift > INT8_MAX) return false;
    *zero = (int64_t)shift;
    return true;
}

static bool find_range(const struct onnx_node *n, const struct onnx_value *constant, struct onnx_value *value) {
    double low = constant->integers[0], high = low;
    for (uint64_t i = 1; i < onnx_elements(&constant->shape); i++) {
        low = constant->integers[i] < low ? constant->integers[i] : low;
        high = constant->integers[i] > high ? constant->integers[i] : high;
    }
    if (!onnx_zero_point(low, high, &value->zero))
        return onnx_refuse(n, "uses %.60s, whose integers %g to %g do not fit int8 with a zero point", constant->name, low, high);
    value->low = (int32_t)((int64_t)low + value->zero);
    value->high = (int32_t)((int64_t)high + value->zero);
    return true;
}

static const int8_t *stored_integers(const struct onnx_node *n, const double *integers, const struct onnx_map *map, int64_t zero,
                                     enum onnx_order order) {
    size_t positions = (size_t)map->h * map->w, picture = positions * map->c, elements = picture * map->n;
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, elements);
    for (size_t i = 0; i < elements; i++) {
        size_t at = i % picture, last = i - at + at % positions * map->c + at / positions;
        data[order == ONNX_CHANNELS_LAST ? last : i] = (int8_t)(integers[i] + (double)zero);
    }
    return data;
}

struct onnx_value *onnx_constant_tensor(const struct onnx_node *n, const struct onnx_value *constant, uint32_t rank,
                                        enum onnx_order order) {
    if (constant->integers == NULL || constant->scale_count != 1)
        return onnx_refuse(n, "uses %.60s, which is not quantized with one scale", constant->name), NULL;
    if (constant->shape.rank > rank) return onnx_refuse(n, "has operands whose shapes do not fit"), NULL;
    struct onnx_value *value = QM_ARENA_NEW(n->r->arena, struct onnx_value, 1);
    *value = (struct onnx_value){.name = constant->name, .state = ONNX_TENSOR, .type = ONNX_FLOAT, .real = true, .quant_known = true};
    value->shape.rank = rank;
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t added = rank - constant->shape.rank;
        value->shape.dims[d] = d < added ? 1 : constant->shape.dims[d - added];
    }
    struct onnx_map map = {.n = 1, .c = 1, .h = 1, .w = (uint32_t)onnx_elements(&value->shape)};
    if (!find_range(n, constant, value) || (order == ONNX_CHANNELS_LAST && !onnx_map_of(n, &value->shape, &map))) return NULL;
    value->scale = (float)constant->scales[0];
    value->tensors[ONNX_PLAIN] = value->tensors[ONNX_CHANNELS_LAST] = QM_NO_TENSOR;
    struct onnx_shape shape = order == ONNX_CHANNELS_LAST ? (struct onnx_shape){4, {map.n, map.h, map.w, map.c}} : value->shape;
    const int8_t *data = stored_integers(n, constant->integers, &map, value->zero, order);
    value->tensors[order] = onnx_add_constant(n->r, constant->name, QM_I8, &shape, data);
    onnx_set_quant(n->r, value->tensors[order], value->scale, value->zero);
    return value;
}
