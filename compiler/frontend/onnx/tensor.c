/* tensor.c - tensors of the graph: made once for each order that somebody asks for, with a quantization that all their readers share.
 *
 * A map changes its order by a TRANSPOSE, or by a RESHAPE when it has one channel or one position and the bytes are the same. A reader that
 * takes the same integers for other numbers gets a RESHAPE to a tensor with its own scale and zero point: the same bytes again.
 */
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

/* ---- orders ---- */

/* The tensor itself, or a RESHAPE of it that has the name. */
static uint32_t reshaped(const struct onnx_node *n, uint32_t tensor, const char *name, const struct onnx_shape *shape) {
    struct onnx_shape own = onnx_shape_of(&n->r->graph->tensors[tensor]);
    if (onnx_same_shape(&own, shape)) return tensor;
    uint32_t result = onnx_add_reshape(n, tensor, shape);
    n->r->graph->tensors[result].name = name;
    return result;
}

static uint32_t transposed(const struct onnx_node *n, uint32_t tensor, const char *name, const uint32_t permutation[4]) {
    struct onnx_shape shape = {.rank = 4};
    for (uint32_t d = 0; d < 4; d++) shape.dims[d] = n->r->graph->tensors[tensor].dims[permutation[d]];
    uint32_t result = onnx_add_like(n, tensor, &shape);
    n->r->graph->tensors[result].name = name;
    struct qm_graph_op *op = onnx_add_op(n, QM_OP_TRANSPOSE, tensor, result);
    memcpy(op->permutation, permutation, 4 * sizeof *permutation);
    return result;
}

/* The bytes of one order from those of the other. */
static uint32_t reordered(const struct onnx_node *n, const struct onnx_value *value, const struct onnx_map *map, enum onnx_order to) {
    static const uint32_t to_last[] = {0, 2, 3, 1}, to_plain[] = {0, 3, 1, 2};
    struct onnx_shape first = {4, {map->n, map->c, map->h, map->w}}, last = {4, {map->n, map->h, map->w, map->c}};
    bool same = map->c == 1 || map->h * map->w == 1, is_last = to == ONNX_CHANNELS_LAST;
    const char *name = qm_arena_printf(n->r->arena, "%s.%s", value->name, is_last ? "nhwc" : "nchw");
    uint32_t tensor = value->tensors[is_last ? ONNX_PLAIN : ONNX_CHANNELS_LAST];
    tensor = reshaped(n, tensor, name, is_last && !same ? &first : &last);
    if (!same) tensor = transposed(n, tensor, name, is_last ? to_last : to_plain);
    return is_last ? tensor : reshaped(n, tensor, value->name, &value->shape);
}

enum onnx_order onnx_order_of(const struct onnx_value *value) {
    return value->map == NULL && value->tensors[ONNX_CHANNELS_LAST] != QM_NO_TENSOR ? ONNX_CHANNELS_LAST : ONNX_PLAIN;
}

/* ---- from values to tensors ---- */

/* An input whose type does not say what integers it carries has int8, or what the user has said. */
static void materialize_origin(const struct onnx_node *n, struct onnx_value *origin) {
    bool is_unsigned = n->r->file->options->unsigned_inputs;
    origin->state = ONNX_TENSOR;
    origin->tensors[ONNX_PLAIN] = onnx_add_tensor(n->r, origin->name, is_unsigned ? QM_U8 : QM_I8, &origin->shape);
    origin->real = origin->quant_known = true;
    origin->scale = 1;
    origin->low = is_unsigned ? 0 : INT8_MIN;
    origin->high = is_unsigned ? UINT8_MAX : INT8_MAX;
    onnx_set_quant(n->r, origin->tensors[ONNX_PLAIN], 1, 0);
}

/* An INPUT, perhaps in another shape than the input itself. */
static bool materialize_input(const struct onnx_node *n, struct onnx_value *value) {
    struct onnx_value *origin = value->origin;
    if (value->computed || (origin->state == ONNX_INPUT && origin->tensors[ONNX_PLAIN] != QM_NO_TENSOR))
        return onnx_refuse(n, "takes the float input %.60s for integers; a quantizer must come before", origin->name);
    if (origin->state == ONNX_INPUT) materialize_origin(n, origin);
    if (value == origin) return true;
    struct onnx_shape shape = value->shape;
    const char *name = value->name;
    uint32_t tensor = origin->tensors[ONNX_PLAIN];
    *value = *origin;
    value->name = name;
    value->shape = shape;
    value->tensors[ONNX_CHANNELS_LAST] = QM_NO_TENSOR;
    value->tensors[ONNX_PLAIN] = reshaped(n, tensor, name, &shape);
    return true;
}

bool onnx_materialize(const struct onnx_node *n, struct onnx_value *value) {
    if (value->state == ONNX_DEFERRED) return onnx_materialize_integers(n, value);
    if (value->state == ONNX_INPUT) return materialize_input(n, value);
    if (value->state == ONNX_TENSOR) return true;
    return onnx_refuse(n, "reads the constant %.60s where only results of the network are supported", value->name);
}

bool onnx_tensor(const struct onnx_node *n, struct onnx_value *value, enum onnx_order order, uint32_t *tensor) {
    if (!onnx_materialize(n, value)) return false;
    if (value->tensors[order] == QM_NO_TENSOR) {
        struct onnx_map map;
        if (value->map != NULL)
            map = *value->map;
        else if (!onnx_map_of(n, &value->shape, &map))
            return false;
        if (map.n != 1 && map.h * map.w > 1 && map.c > 1) return onnx_refuse(n, "works on a batch of %u; export the model with 1", map.n);
        value->tensors[order] = reordered(n, value, &map, order);
    }
    *tensor = value->tensors[order];
    return true;
}

bool onnx_tensor_as(const struct onnx_node *n, struct onnx_value *value, enum onnx_order order, const struct onnx_scales *scales,
                    uint32_t *tensor) {
    if (scales != NULL && scales->count != 1)
        return onnx_refuse(n, "has a scale for each channel of %.60s; activations must have one", value->name);
    if (!onnx_tensor(n, value, order, tensor)) return false;
    if (scales == NULL) return true;
    struct qm_graph *graph = n->r->graph;
    float scale = (float)scales->scale[0];
    int64_t zero = (int64_t)scales->zero[0];
    if (!value->quant_known) {
        value->quant_known = true;
        value->scale = scale;
        value->zero = zero;
        for (uint32_t i = 0; i < ONNX_ORDERS; i++)
            if (value->tensors[i] != QM_NO_TENSOR && graph->tensors[value->tensors[i]].quant.count == 0)
                onnx_set_quant(n->r, value->tensors[i], scale, zero);
    }
    const struct qm_quant *quant = &graph->tensors[*tensor].quant;
    if (quant->count != 1 || quant->scale[0] != scale || quant->zero_point[0] != zero) *tensor = onnx_add_alias(n, *tensor, scale, zero);
    return true;
}

bool onnx_check_real(const struct onnx_node *n, const struct onnx_value *value) {
    return value->state != ONNX_TENSOR || value->real || onnx_refuse(n, "computes on the integers %.60s without a scale", value->name);
}

void onnx_put_same(const struct onnx_node *n, const struct onnx_value *like) {
    struct onnx_value *out = n->outputs[0];
    const char *name = out->name;
    *out = *like;
    out->name = name;
}

void onnx_put(const struct onnx_node *n, const struct onnx_value *like, const struct onnx_shape *shape, enum onnx_order order,
              uint32_t tensor) {
    struct onnx_value *out = n->outputs[0];
    onnx_put_same(n, like);
    out->shape = *shape;
    out->map = NULL;
    for (uint32_t i = 0; i < ONNX_ORDERS; i++) out->tensors[i] = QM_NO_TENSOR;
    out->tensors[order] = tensor;
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
    struct onnx_shape stored = order == ONNX_CHANNELS_LAST ? (struct onnx_shape){4, {map.n, map.h, map.w, map.c}} : value->shape;
    const int8_t *data = stored_integers(n, constant->integers, &map, value->zero, order);
    value->tensors[order] = onnx_add_constant(n->r, constant->name, QM_I8, &stored, data);
    onnx_set_quant(n->r, value->tensors[order], value->scale, value->zero);
    return value;
}
