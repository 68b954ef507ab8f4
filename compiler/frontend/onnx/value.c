/* value.c - values as tensors of the graph: made once for each order that somebody asks for, with a quantization that all readers share.
 *
 * A map changes its order by a TRANSPOSE, or by a RESHAPE when it has one channel or one position and the bytes are the same. A reader that
 * takes the same integers for other numbers gets a RESHAPE to a tensor with its own scale and zero point: the same bytes again.
 */
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

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
