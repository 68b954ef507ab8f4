/* product.c - constant weights and matrix products.
 *
 * Weights are taken as integers without their zero point when these fit int8, which also turns uint8 with zero point 128 into int8 with 0;
 * else with a zero point that the machine has to take care of. While they are read,
 * the smallest and the largest sum of each channel are found.
 */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

bool onnx_quantized(const struct onnx_node *n, const struct onnx_value *source, const struct onnx_scales *scales, uint32_t axis,
                    struct onnx_value *result) {
    size_t elements = (size_t)onnx_elements(&source->shape), inner = 1;
    if (scales->count > 1 && (axis >= source->shape.rank || source->shape.dims[axis] != scales->count))
        return onnx_refuse(n, "has %u scales, but %.60s has not as many channels along axis %u", scales->count, source->name, axis);
    for (uint32_t d = axis + 1; d < source->shape.rank; d++) inner *= source->shape.dims[d];
    double *integers = QM_ARENA_NEW(n->r->arena, double, elements), *numbers = QM_ARENA_NEW(n->r->arena, double, elements);
    for (size_t i = 0; i < elements; i++) {
        size_t c = scales->count > 1 ? i / inner % scales->count : 0;
        integers[i] = source->numbers[i] - scales->zero[c];
        numbers[i] = integers[i] * scales->scale[c];
    }
    result->state = ONNX_CONSTANT;
    result->shape = source->shape;
    result->type = ONNX_FLOAT;
    result->integers = integers;
    result->numbers = numbers;
    result->scales = scales->scale;
    result->scale_count = scales->count;
    result->scale_axis = axis;
    return true;
}

/* The zero point with which the integers fit int8: 0 if they do. */
static bool find_zero(const struct onnx_node *n, const struct onnx_value *source, const double *integers, int64_t *zero) {
    double low = 0, high = 0;
    size_t elements = (size_t)onnx_elements(&source->shape);
    for (size_t i = 0; i < elements; i++) {
        if (integers[i] != floor(integers[i]))
            return onnx_refuse(n, "has weights %.60s that are not integers and not quantized", source->name);
        low = fmin(low, integers[i]);
        high = fmax(high, integers[i]);
    }
    return onnx_zero_point(low, high, zero) || onnx_refuse(n, "has weights %.60s from %g to %g, more than 8 bits", source->name, low, high);
}

struct limits {
    int64_t low, high; /* of an input without its zero point */
    int64_t *sum_low, *sum_high;
};

static void widen(const struct limits *limits, uint32_t channel, int64_t weight) {
    int64_t a = weight * limits->low, b = weight * limits->high;
    limits->sum_low[channel] += a < b ? a : b;
    limits->sum_high[channel] += a < b ? b : a;
}

/* The weights' bytes, while the limits of the sums grow. */
static int8_t *order_weights(const struct onnx_node *n, const double *integers, const struct onnx_weights *w, int64_t zero,
                             const struct limits *limits) {
    size_t elements = (size_t)onnx_elements(&w->shape), at = 0;
    int8_t *data = QM_ARENA_NEW(n->r->arena, int8_t, elements);
    uint32_t i[4];
    for (i[0] = 0; i[0] < w->count[0]; i[0]++)
        for (i[1] = 0; i[1] < w->count[1]; i[1]++)
            for (i[2] = 0; i[2] < w->count[2]; i[2]++)
                for (i[3] = 0; i[3] < w->count[3]; i[3]++) {
                    size_t from = i[0] * w->stride[0] + i[1] * w->stride[1] + i[2] * w->stride[2] + i[3] * w->stride[3];
                    int64_t weight = (int64_t)integers[from];
                    widen(limits, i[w->channel], weight);
                    data[at++] = (int8_t)(weight + zero);
                }
    return data;
}

bool onnx_add_weights(const struct onnx_node *n, const struct onnx_value *source, const struct onnx_weights *w, const struct onnx_value *in,
                      struct onnx_draft *draft) {
    const double *integers = source->integers != NULL ? source->integers : source->numbers;
    const struct qm_quant *quant = &n->r->graph->tensors[draft->op.inputs[0]].quant;
    int64_t zero = 0, in_zero = quant->zero_point[0];
    if (!find_zero(n, source, integers, &zero)) return false;
    if (source->integers != NULL && source->scale_count > 1 && source->scale_axis != w->axis)
        return onnx_refuse(n, "has weights %.60s with scales along axis %u, not along the channels", source->name, source->scale_axis);
    double *unit = QM_ARENA_NEW(n->r->arena, double, draft->channels);
    struct limits limits = {.low = in->low - in_zero, .high = in->high - in_zero};
    if (w->padded && limits.low > 0) limits.low = 0;
    if (w->padded && limits.high < 0) limits.high = 0;
    limits.sum_low = QM_ARENA_NEW(n->r->arena, int64_t, draft->channels);
    limits.sum_high = QM_ARENA_NEW(n->r->arena, int64_t, draft->channels);
    int8_t *data = order_weights(n, integers, w, zero, &limits);
    for (uint32_t c = 0; c < draft->channels; c++) {
        unit[c] = (double)quant->scale[0] * (source->integers != NULL ? source->scales[source->scale_count > 1 ? c : 0] : 1);
        if (limits.sum_low[c] < INT32_MIN || limits.sum_high[c] > INT32_MAX)
            return onnx_refuse(n, "has sums in channel %u that 32 bits cannot hold", c);
    }
    draft->op.inputs[1] = onnx_add_constant(n->r, source->name, QM_I8, &w->shape, data);
    onnx_set_quant(n->r, draft->op.inputs[1], 1, zero);
    draft->op.input_count = 2;
    draft->unit = unit;
    draft->low = limits.sum_low;
    draft->high = limits.sum_high;
    return true;
}

bool onnx_add_sums(const struct onnx_node *n, const struct onnx_value *bias, struct onnx_draft *draft) {
    double *numbers = QM_ARENA_NEW(n->r->arena, double, draft->channels);
    if (onnx_elements(&bias->shape) != draft->channels) return onnx_refuse(n, "has not as many biases in %.60s as channels", bias->name);
    for (uint32_t c = 0; c < draft->channels; c++) numbers[c] = bias->numbers[c] * draft->unit[c];
    struct onnx_step *step = onnx_draft_append(n, draft, ONNX_ADD);
    step->count = draft->channels;
    step->numbers = numbers;
    return true;
}

/* ---- matrix products ---- */

/* Where element (k, column) of a constant matrix lies, and how its k are ordered. */
static bool order_matrix(const struct onnx_node *n, const struct onnx_value *in, const struct onnx_value *b, bool turned,
                         struct onnx_weights *w) {
    if (b->shape.rank != 2) return onnx_refuse(n, "multiplies by %.60s of %u dimensions; a matrix is supported", b->name, b->shape.rank);
    uint32_t k = b->shape.dims[turned ? 1 : 0], columns = b->shape.dims[turned ? 0 : 1], rank = in->shape.rank;
    size_t k_stride = turned ? 1 : columns, column_stride = turned ? k : 1;
    if (rank == 0 || in->shape.dims[rank - 1] != k)
        return onnx_refuse(n, "multiplies rows of %u elements by a matrix of %u rows", rank > 0 ? in->shape.dims[rank - 1] : 1, k);
    *w = (struct onnx_weights){.shape = {2, {columns, k}}, .count = {columns, 1, 1, k}, .axis = turned ? 0 : 1};
    w->stride[0] = column_stride;
    w->stride[3] = k_stride;
    if (in->map == NULL || in->tensors[ONNX_PLAIN] != QM_NO_TENSOR) return true;
    const struct onnx_map *map = in->map;
    w->count[1] = map->h;
    w->count[2] = map->w;
    w->count[3] = map->c;
    w->stride[1] = map->w * k_stride;
    w->stride[2] = k_stride;
    w->stride[3] = (size_t)map->h * map->w * k_stride;
    return true;
}

/* A product of input a, taken for scales (NULL: its own), with constant weights. */
static struct onnx_draft *product(const struct onnx_node *n, struct onnx_value *a, const struct onnx_scales *scales,
                                  const struct onnx_value *b, bool turned) {
    struct onnx_weights w;
    if (!onnx_settle(n, a) || !order_matrix(n, a, b, turned, &w)) return NULL;
    struct onnx_draft *draft = onnx_draft_create(n, QM_OP_FULLY_CONNECTED, w.count[0]);
    enum onnx_order order = a->map != NULL && a->tensors[ONNX_PLAIN] == QM_NO_TENSOR ? ONNX_LAST : ONNX_PLAIN;
    uint32_t *in = &draft->op.inputs[0];
    if (!(scales != NULL ? onnx_tensor_as(n, a, order, scales, in) : onnx_tensor(n, a, order, in))) return NULL;
    struct onnx_shape shape = a->shape;
    if (order == ONNX_LAST) {
        uint32_t rows = onnx_add_like(n, *in, &shape);
        onnx_add_op(n, QM_OP_RESHAPE, *in, rows);
        *in = rows;
    }
    if (!onnx_add_weights(n, b, &w, a, draft)) return NULL;
    shape.dims[shape.rank - 1] = draft->channels;
    draft->result.rank = shape.rank;
    memcpy(draft->result.dims, shape.dims, sizeof shape.dims);
    draft->axis = shape.rank - 1;
    return draft;
}

static bool put_product(const struct onnx_node *n, struct onnx_draft *draft) {
    struct onnx_shape shape = {.rank = draft->result.rank};
    memcpy(shape.dims, draft->result.dims, sizeof shape.dims);
    return onnx_draft_put(n, &shape, draft);
}

static bool is_real(const struct onnx_node *n, const struct onnx_value *value) {
    return value->state != ONNX_TENSOR || value->real || onnx_refuse(n, "computes on the integers %.60s without a scale", value->name);
}

bool onnx_matmul(const struct onnx_node *n) {
    const struct onnx_value *b;
    if (!onnx_constant(n, 1, &b) || !is_real(n, n->inputs[0])) return false;
    struct onnx_draft *draft = product(n, n->inputs[0], NULL, b, false);
    return draft != NULL && put_product(n, draft);
}

static bool add_scalar_step(const struct onnx_node *n, struct onnx_draft *draft, enum onnx_step_kind kind, double number) {
    double *numbers = QM_ARENA_NEW(n->r->arena, double, 1);
    *numbers = number;
    struct onnx_step *step = onnx_draft_append(n, draft, kind);
    step->count = 1;
    step->numbers = numbers;
    return true;
}

bool onnx_gemm(const struct onnx_node *n) {
    const struct onnx_value *b, *c;
    float alpha = onnx_float(n, "alpha", 1), beta = onnx_float(n, "beta", 1);
    if (onnx_int(n, "transA", 0) != 0) return onnx_refuse(n, "turns its first matrix, which is not supported");
    if (!onnx_constant(n, 1, &b) || !is_real(n, n->inputs[0])) return false;
    struct onnx_draft *draft = product(n, n->inputs[0], NULL, b, onnx_int(n, "transB", 0) != 0);
    if (draft == NULL) return false;
    if (alpha != 1) add_scalar_step(n, draft, ONNX_MUL, (double)alpha);
    if (n->inputs[2] == NULL || beta == 0) return put_product(n, draft);
    struct onnx_shape shape = {2, {draft->result.dims[0], draft->channels}};
    uint32_t count;
    if (!onnx_constant(n, 2, &c) || !onnx_per_channel(n, c, &shape, 1, &count)) return false;
    double *numbers = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t i = 0; i < count; i++) numbers[i] = (double)beta * c->numbers[i];
    struct onnx_step *step = onnx_draft_append(n, draft, ONNX_ADD);
    step->count = count;
    step->numbers = numbers;
    return put_product(n, draft);
}

/* A stack of matrices times a stack of constant ones: split, multiplied one by one, joined. */
struct stack {
    const struct onnx_scales *as, *ys;
    int32_t type;
    struct onnx_value *b; /* with its integers */
};

static bool multiply_one(const struct onnx_node *n, const struct stack *stack, uint32_t part, uint32_t index, struct onnx_value *value) {
    size_t matrix = (size_t)stack->b->shape.dims[1] * stack->b->shape.dims[2];
    struct onnx_value a = *n->inputs[0], b = *stack->b;
    a.shape.dims[0] = 1;
    a.tensors[ONNX_PLAIN] = part;
    a.tensors[ONNX_LAST] = QM_NO_TENSOR;
    b.shape = (struct onnx_shape){2, {stack->b->shape.dims[1], stack->b->shape.dims[2]}};
    b.numbers += index * matrix;
    b.integers += index * matrix;
    b.scale_axis = 1;
    struct onnx_draft *draft = product(n, &a, stack->as, &b, false);
    return draft != NULL && onnx_land_as(n, draft, stack->type, stack->ys, value);
}

static bool multiply_stack(const struct onnx_node *n, const struct stack *stack) {
    struct onnx_value *a = n->inputs[0], value = {.name = n->outputs[0]->name};
    uint32_t count = stack->b->shape.dims[0], whole, parts[QM_OPERANDS_MAX] = {0}, products[QM_OPERANDS_MAX] = {0};
    if (a->shape.rank != 3 || a->shape.dims[0] != count || count > QM_OPERANDS_MAX)
        return onnx_refuse(n, "multiplies stacks of %u and %u matrices", a->shape.dims[0], count);
    if (!onnx_tensor_as(n, a, ONNX_PLAIN, stack->as, &whole)) return false;
    struct onnx_shape shape = {3, {1, a->shape.dims[1], a->shape.dims[2]}};
    for (uint32_t i = 0; i < count; i++) parts[i] = onnx_add_like(n, whole, &shape);
    struct qm_graph_op *split = onnx_add_op(n, QM_OP_SPLIT, whole, parts[0]);
    split->output_count = count;
    memcpy(split->outputs, parts, count * sizeof *parts);
    for (uint32_t i = 0; i < count; i++) {
        if (!multiply_one(n, stack, parts[i], i, &value)) return false;
        products[i] = value.tensors[ONNX_PLAIN];
    }
    shape = (struct onnx_shape){3, {count, a->shape.dims[1], stack->b->shape.dims[2]}};
    uint32_t joined = onnx_add_like(n, products[0], &shape);
    struct qm_graph_op *join = onnx_add_op(n, QM_OP_CONCATENATION, products[0], joined);
    join->input_count = count;
    memcpy(join->inputs, products, count * sizeof *products);
    onnx_put(n, &value, &shape, ONNX_PLAIN, joined);
    n->outputs[0]->type = stack->type;
    return true;
}

bool onnx_qlinear_matmul(const struct onnx_node *n) {
    const struct onnx_value *b;
    struct onnx_scales as, bs, ys;
    struct onnx_value weights = {.name = n->inputs[3] != NULL ? n->inputs[3]->name : ""};
    if (!onnx_constant(n, 3, &b) || b->shape.rank == 0) return b->shape.rank > 0 || onnx_refuse(n, "multiplies by one number");
    uint32_t columns = b->shape.dims[b->shape.rank - 1];
    if (!onnx_scales(n, 1, 1, &as) || !onnx_scales(n, 4, columns, &bs) || !onnx_scales(n, 6, 1, &ys)) return false;
    if (!onnx_quantized(n, b, &bs, b->shape.rank - 1, &weights)) return false;
    int32_t type = n->inputs[7] != NULL ? n->inputs[7]->type : ONNX_UINT8;
    if (b->shape.rank == 3) return multiply_stack(n, &(struct stack){&as, &ys, type, &weights});
    struct onnx_draft *draft = product(n, n->inputs[0], &as, &weights, false);
    if (draft == NULL || !put_product(n, draft)) return false;
    return onnx_land_as(n, draft, type, &ys, n->outputs[0]);
}

/* Scale 1 and the zero points of an optional input. */
static bool zero_points(const struct onnx_node *n, uint32_t i, uint32_t channels, struct onnx_scales *scales) {
    const struct onnx_value *zero = NULL;
    if (n->inputs[i] != NULL && !onnx_constant(n, i, &zero)) return false;
    uint64_t count = zero != NULL ? onnx_elements(&zero->shape) : 1;
    if (count != 1 && count != channels) return onnx_refuse(n, "has %llu zero points for %u channels", (unsigned long long)count, channels);
    scales->count = (uint32_t)count;
    scales->scale = QM_ARENA_NEW(n->r->arena, double, count);
    scales->zero = QM_ARENA_NEW(n->r->arena, double, count);
    for (uint32_t c = 0; c < count; c++) {
        scales->scale[c] = 1;
        scales->zero[c] = zero != NULL ? zero->numbers[c] : 0;
    }
    return true;
}

bool onnx_matmul_integer(const struct onnx_node *n) {
    const struct onnx_value *b;
    struct onnx_scales as, bs;
    struct onnx_value weights = {.name = n->inputs[1] != NULL ? n->inputs[1]->name : ""};
    if (!onnx_constant(n, 1, &b)) return false;
    if (b->shape.rank != 2) return onnx_refuse(n, "multiplies by %u dimensions; a matrix is supported", b->shape.rank);
    if (!zero_points(n, 2, 1, &as) || !zero_points(n, 3, b->shape.dims[1], &bs) || !onnx_quantized(n, b, &bs, 1, &weights)) return false;
    struct onnx_draft *draft = product(n, n->inputs[0], &as, &weights, false);
    if (draft == NULL || !put_product(n, draft)) return false;
    n->outputs[0]->type = ONNX_INT32;
    return true;
}

bool onnx_integer_operands(const struct onnx_node *n, uint32_t channels, struct onnx_scales *in, struct onnx_scales *weights) {
    return zero_points(n, 2, 1, in) && zero_points(n, 3, channels, weights);
}
