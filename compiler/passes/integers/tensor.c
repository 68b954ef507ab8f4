/* tensor.c - adds tensors, constants and operators to the graph of integers. */
#include <math.h>
#include <string.h>

#include "compiler/passes/integers/integers.h"

uint32_t real_add_tensor(const struct real_node *n, const char *name, enum qm_dtype dtype, const struct qm_shape *shape) {
    return qm_graph_add_tensor(&n->r->maker, name, dtype, shape);
}

void real_set_quant(const struct real_node *n, uint32_t tensor, float scale, int64_t zero) {
    qm_graph_set_quant(&n->r->maker, tensor, scale, zero);
}

struct qm_graph_op *real_add_op(const struct real_node *n, enum qm_graph_op_kind kind, uint32_t in, uint32_t out) {
    struct qm_graph_op *op = qm_graph_add_op(&n->r->maker, kind, in, out);
    op->index = n->op->index;
    op->name = n->op->name;
    n->r->work++;
    return op;
}

uint32_t real_add_like(const struct real_node *n, uint32_t like, const struct qm_shape *shape) {
    const char *name = n->outputs[0] != NULL ? n->outputs[0]->name : real_tensors(n)[like].name;
    uint32_t index = real_add_tensor(n, name, real_tensors(n)[like].dtype, shape);
    real_tensors(n)[index].quant = real_tensors(n)[like].quant;
    return index;
}

uint32_t real_add_reshape(const struct real_node *n, uint32_t tensor, const struct qm_shape *shape) {
    uint32_t result = real_add_like(n, tensor, shape);
    real_add_op(n, QM_OP_RESHAPE, tensor, result);
    return result;
}

uint32_t real_add_alias(const struct real_node *n, uint32_t tensor, float scale, int64_t zero) {
    struct qm_shape shape = qm_graph_shape(&real_tensors(n)[tensor]);
    uint32_t alias = real_add_reshape(n, tensor, &shape);
    real_set_quant(n, alias, scale, zero);
    return alias;
}

/* ---- batches ---- */

bool real_check_batch(const struct real_node *n, uint32_t examples) {
    return examples <= QM_BATCH_MAX || real_refuse(n, "works on a batch of %u; at most %d", examples, QM_BATCH_MAX);
}

/* ---- inputs ---- */

enum real_order real_input_order(const struct real_pass *r, const struct qm_shape *shape) {
    return r->options->channels_last && shape->rank == 4 ? REAL_CHANNELS_LAST : REAL_PLAIN;
}

uint32_t real_add_input(struct real_pass *r, struct real_value *value, const char *name, enum qm_dtype dtype) {
    enum real_order order = real_input_order(r, &value->shape);
    const uint32_t *d = value->shape.dims;
    struct qm_shape shape = order == REAL_CHANNELS_LAST ? (struct qm_shape){4, {d[0], d[2], d[3], d[1]}} : value->shape;
    return value->tensors[order] = qm_graph_add_tensor(&r->maker, name, dtype, &shape);
}

bool real_input_is_made(const struct real_value *value) {
    return value->tensors[REAL_PLAIN] != QM_NO_TENSOR || value->tensors[REAL_CHANNELS_LAST] != QM_NO_TENSOR;
}

/* ---- constants as operands ---- */

bool real_zero_point(double low, double high, int64_t *zero) {
    double shift = low < INT8_MIN || high > INT8_MAX ? fmin(fmax(INT8_MIN - low, INT8_MIN), INT8_MAX) : 0;
    if (low + shift < INT8_MIN || high + shift > INT8_MAX) return false;
    *zero = (int64_t)shift;
    return true;
}

/* The integers of a quantized constant without their zero points. */
static double *integers_of(const struct real_node *n, const struct real_value *constant) {
    const struct qm_quant *quant = &constant->constant->quant;
    size_t elements = (size_t)qm_graph_elements(constant->constant), inner = 1;
    double *integers = QM_ARENA_NEW(n->r->arena, double, elements);
    for (uint32_t d = quant->axis + 1; d < constant->constant->rank; d++) inner *= constant->constant->dims[d];
    for (size_t i = 0; i < elements; i++)
        integers[i] = evaluate_stored(constant->constant, i) - (double)quant->zero_point[i / inner % quant->count];
    return integers;
}

static bool find_range(const struct real_node *n, const struct real_value *constant, const double *integers, struct real_value *value) {
    double low = integers[0], high = low;
    for (uint64_t i = 1; i < qm_shape_elements(&constant->shape); i++) {
        low = integers[i] < low ? integers[i] : low;
        high = integers[i] > high ? integers[i] : high;
    }
    if (!real_zero_point(low, high, &value->zero))
        return real_refuse(n, "uses %.60s, whose integers %g to %g do not fit int8 with a zero point", constant->name, low, high);
    value->low = (int32_t)((int64_t)low + value->zero);
    value->high = (int32_t)((int64_t)high + value->zero);
    return true;
}

static const int8_t *stored_integers(const struct real_node *n, const double *integers, const struct real_map *map, int64_t zero,
                                     enum real_order order) {
    size_t positions = (size_t)map->h * map->w, picture = positions * map->c, elements = picture * map->n;
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, elements);
    for (size_t i = 0; i < elements; i++) {
        size_t at = i % picture, last = i - at + at % positions * map->c + at / positions;
        data[order == REAL_CHANNELS_LAST ? last : i] = (int8_t)(integers[i] + (double)zero);
    }
    return data;
}

struct real_value *real_constant_integers(const struct real_node *n, const struct real_value *constant, uint32_t rank,
                                          enum real_order order) {
    if (constant->shape.rank > rank) return real_refuse(n, "has operands whose shapes do not fit"), NULL;
    struct real_value *value = QM_ARENA_NEW(n->r->arena, struct real_value, 1);
    *value = (struct real_value){.name = constant->name, .state = REAL_TENSOR, .type = QM_F32, .real = true, .quant_known = true};
    value->shape.rank = rank;
    for (uint32_t d = 0; d < rank; d++) {
        uint32_t added = rank - constant->shape.rank;
        value->shape.dims[d] = d < added ? 1 : constant->shape.dims[d - added];
    }
    const double *integers = integers_of(n, constant);
    struct real_map map = {.n = 1, .c = 1, .h = 1, .w = (uint32_t)qm_shape_elements(&value->shape)};
    if (!find_range(n, constant, integers, value) || (order == REAL_CHANNELS_LAST && !real_map_of(n, &value->shape, &map))) return NULL;
    value->scale = constant->constant->quant.scale[0];
    value->tensors[REAL_PLAIN] = value->tensors[REAL_CHANNELS_LAST] = QM_NO_TENSOR;
    struct qm_shape shape = order == REAL_CHANNELS_LAST ? (struct qm_shape){4, {map.n, map.h, map.w, map.c}} : value->shape;
    const int8_t *data = stored_integers(n, integers, &map, value->zero, order);
    value->tensors[order] = qm_graph_add_constant(&n->r->maker, constant->name, QM_I8, &shape, data);
    real_set_quant(n, value->tensors[order], value->scale, value->zero);
    return value;
}

struct real_value *real_constant_tensor(const struct real_node *n, const struct real_value *constant, uint32_t rank,
                                        enum real_order order) {
    if (constant->constant->quant.count != 1)
        return real_refuse(n, "uses %.60s, which is not quantized with one scale", constant->name), NULL;
    return real_constant_integers(n, constant, rank, order);
}
