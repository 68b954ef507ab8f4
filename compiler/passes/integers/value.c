/* value.c - values as tensors of the graph: made once for each order that somebody asks for, with a quantization that all readers share.
 *
 * A map changes its order by a TRANSPOSE, or by a RESHAPE when it has one channel or one position and the bytes are the same. A reader that
 * takes the same integers for other numbers gets a RESHAPE to a tensor with its own scale and zero point: the same bytes again.
 */
#include <string.h>

#include "compiler/passes/integers/integers.h"

/* ---- orders ---- */

/* The tensor itself, or a RESHAPE of it that has the name. */
static uint32_t reshaped(const struct real_node *n, uint32_t tensor, const char *name, const struct qm_shape *shape) {
    struct qm_shape own = qm_graph_shape(&real_tensors(n)[tensor]);
    if (qm_shape_same(&own, shape)) return tensor;
    uint32_t result = real_add_reshape(n, tensor, shape);
    real_tensors(n)[result].name = name;
    return result;
}

static uint32_t transposed(const struct real_node *n, uint32_t tensor, const char *name, const uint32_t permutation[4]) {
    struct qm_shape shape = {.rank = 4};
    for (uint32_t d = 0; d < 4; d++) shape.dims[d] = real_tensors(n)[tensor].dims[permutation[d]];
    uint32_t result = real_add_like(n, tensor, &shape);
    real_tensors(n)[result].name = name;
    struct qm_graph_op *op = real_add_op(n, QM_OP_TRANSPOSE, tensor, result);
    memcpy(op->permutation, permutation, 4 * sizeof *permutation);
    return result;
}

/* The bytes of one order from those of the other. */
static uint32_t reordered(const struct real_node *n, const struct real_value *value, const struct real_map *map, enum real_order to) {
    static const uint32_t to_last[] = {0, 2, 3, 1}, to_plain[] = {0, 3, 1, 2};
    struct qm_shape first = {4, {map->n, map->c, map->h, map->w}}, last = {4, {map->n, map->h, map->w, map->c}};
    bool same = map->c == 1 || map->h * map->w == 1, is_last = to == REAL_CHANNELS_LAST;
    const char *name = value->name; /* of an output: what leaves the network */
    if (is_last || !value->is_output) name = qm_arena_printf(n->r->arena, "%s.%s", value->name, is_last ? "nhwc" : "nchw");
    uint32_t tensor = value->tensors[is_last ? REAL_PLAIN : REAL_CHANNELS_LAST];
    tensor = reshaped(n, tensor, name, is_last && !same ? &first : &last);
    if (!same) tensor = transposed(n, tensor, name, is_last ? to_last : to_plain);
    return is_last ? tensor : reshaped(n, tensor, value->name, &value->shape);
}

enum real_order real_order_of(const struct real_value *value) {
    return value->map == NULL && value->tensors[REAL_CHANNELS_LAST] != QM_NO_TENSOR ? REAL_CHANNELS_LAST : REAL_PLAIN;
}

/* ---- from values to tensors ---- */

/* An input whose type does not say what integers it carries has int8, or what the user has said. */
static void materialize_origin(const struct real_node *n, struct real_value *origin) {
    bool is_unsigned = n->r->options->unsigned_inputs;
    origin->state = REAL_TENSOR;
    n->r->carries_integers = true;
    uint32_t tensor = real_add_input(n->r, origin, origin->name, is_unsigned ? QM_U8 : QM_I8);
    origin->real = origin->quant_known = true;
    origin->scale = 1;
    origin->low = is_unsigned ? 0 : INT8_MIN;
    origin->high = is_unsigned ? UINT8_MAX : INT8_MAX;
    real_set_quant(n, tensor, 1, 0);
}

/* An INPUT, perhaps in another shape than the input itself. */
static bool materialize_input(const struct real_node *n, struct real_value *value) {
    struct real_value *origin = value->origin;
    if (origin->state == REAL_INPUT && real_input_is_made(origin))
        return real_refuse(n, "takes the float input %.60s for integers; a quantizer must come before", origin->name);
    if (origin->state == REAL_INPUT) materialize_origin(n, origin);
    if (value == origin) return true;
    struct qm_shape shape = value->shape;
    const char *name = value->name;
    uint32_t tensor;
    if (qm_shape_same(&shape, &origin->shape)) {
        *value = *origin;
        value->name = name;
        return true;
    }
    if (!real_tensor(n, origin, REAL_PLAIN, &tensor)) return false;
    *value = *origin;
    value->name = name;
    value->shape = shape;
    value->tensors[REAL_CHANNELS_LAST] = QM_NO_TENSOR;
    value->tensors[REAL_PLAIN] = reshaped(n, tensor, name, &shape);
    return true;
}

bool real_materialize(const struct real_node *n, struct real_value *value) {
    if (value->state == REAL_DEFERRED) return real_materialize_integers(n, value);
    if (value->state == REAL_INPUT) return materialize_input(n, value);
    if (value->state == REAL_TENSOR) return true;
    return real_refuse(n, "reads the constant %.60s where only results of the network are supported", value->name);
}

bool real_tensor(const struct real_node *n, struct real_value *value, enum real_order order, uint32_t *tensor) {
    if (!real_materialize(n, value)) return false;
    if (value->tensors[order] == QM_NO_TENSOR) {
        struct real_map map;
        if (value->map != NULL)
            map = *value->map;
        else if (!real_map_of(n, &value->shape, &map))
            return false;
        value->tensors[order] = reordered(n, value, &map, order);
    }
    *tensor = value->tensors[order];
    return true;
}

bool real_tensor_as(const struct real_node *n, struct real_value *value, enum real_order order, const struct real_scales *scales,
                    uint32_t *tensor) {
    if (scales != NULL && scales->count != 1)
        return real_refuse(n, "has a scale for each channel of %.60s; activations must have one", value->name);
    if (!real_tensor(n, value, order, tensor)) return false;
    if (scales == NULL) return true;
    struct qm_graph *graph = n->r->maker.graph;
    float scale = (float)scales->scale[0];
    int64_t zero = (int64_t)scales->zero[0];
    if (!value->quant_known) {
        value->quant_known = true;
        value->scale = scale;
        value->zero = zero;
        for (uint32_t i = 0; i < REAL_ORDERS; i++)
            if (value->tensors[i] != QM_NO_TENSOR && graph->tensors[value->tensors[i]].quant.count == 0)
                real_set_quant(n, value->tensors[i], scale, zero);
    }
    const struct qm_quant *quant = &graph->tensors[*tensor].quant;
    if (quant->count != 1 || quant->scale[0] != scale || quant->zero_point[0] != zero) *tensor = real_add_alias(n, *tensor, scale, zero);
    return true;
}

bool real_check_real(const struct real_node *n, const struct real_value *value) {
    return value->state != REAL_TENSOR || value->real || real_refuse(n, "computes on the integers %.60s without a scale", value->name);
}

void real_put_same(const struct real_node *n, const struct real_value *like) {
    struct real_value *out = n->outputs[0], own = *out;
    *out = *like;
    out->name = own.name;
    out->shape = own.shape;
    out->is_output = own.is_output;
}

void real_put(const struct real_node *n, const struct real_value *like, enum real_order order, uint32_t tensor) {
    struct real_value *out = n->outputs[0];
    enum qm_dtype type = out->type;
    real_put_same(n, like);
    out->type = type;
    out->map = NULL;
    for (uint32_t i = 0; i < REAL_ORDERS; i++) out->tensors[i] = QM_NO_TENSOR;
    out->tensors[order] = tensor;
}

bool real_put_as(const struct real_node *n, struct real_value *in, const struct real_scales *scales) {
    enum real_order order = in->tensors[REAL_CHANNELS_LAST] != QM_NO_TENSOR ? REAL_CHANNELS_LAST : REAL_PLAIN;
    uint32_t tensor;
    if (!real_tensor_as(n, in, order, scales, &tensor)) return false;
    struct real_value like = *in;
    like.real = like.quant_known = true;
    like.scale = (float)scales->scale[0];
    like.zero = (int64_t)scales->zero[0];
    real_put(n, &like, order, tensor);
    n->outputs[0]->map = in->map;
    return true;
}
