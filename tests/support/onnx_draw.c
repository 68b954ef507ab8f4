/* onnx_draw.c - see onnx_draw.h: numbers, quantizers, constants, and the chain. */
#include "tests/support/onnx_draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/status.h"

enum { TYPE_FLOAT = 1, TYPE_UINT8 = 2, TYPE_INT8 = 3, TYPE_INT32 = 6, TYPE_INT64 = 7, TYPE_UINT4 = 21, TYPE_INT4 = 22 };
enum { MANY_ELEMENTS_MAX = 3000 }; /* of what some hundred operands become */

/* ---- numbers ---- */

uint32_t onnx_draw_below(struct onnx_draw *d, uint32_t count) {
    return (uint32_t)((qm_prng_next(&d->prng) >> 32) * count >> 32);
}

bool onnx_draw_chance(struct onnx_draw *d, uint32_t percent) {
    return onnx_draw_below(d, 100) < percent;
}

double onnx_draw_between(struct onnx_draw *d, double low, double high) {
    return low + (high - low) * (double)(qm_prng_next(&d->prng) >> 11) / 0x1p53;
}

double onnx_draw_magnitude(struct onnx_draw *d, double low, double high) {
    return exp2(onnx_draw_between(d, log2(low), log2(high)));
}

size_t onnx_draw_elements(const struct onnx_build_shape *shape) {
    size_t count = 1;
    for (uint32_t i = 0; i < shape->rank; i++) count *= (size_t)shape->dims[i];
    return count;
}

/* ---- names and nodes ---- */

const char *onnx_draw_name(struct onnx_draw *d, const char *prefix) {
    return qm_arena_printf(d->b.arena, "%s%u", prefix, d->serial++);
}

uint32_t onnx_draw_rounds(struct onnx_draw *d, size_t elements) {
    uint32_t rounds = onnx_draw_chance(d, 8) ? 65 + onnx_draw_below(d, 40) : 1;
    return rounds * elements <= MANY_ELEMENTS_MAX ? rounds : 1;
}

const char *onnx_draw_again(struct onnx_draw *d, const char *names, uint32_t rounds) {
    size_t length = strlen(names);
    char *list = qm_arena_alloc(d->b.arena, rounds * (length + 1) + 1);
    for (uint32_t i = 0; i < rounds; i++) {
        memcpy(list + i * (length + 1), names, length);
        list[i * (length + 1) + length] = ' ';
    }
    return list;
}

void onnx_draw_note(struct onnx_draw *d, const char *op) {
    size_t used = strlen(d->kind);
    snprintf(d->kind + used, sizeof d->kind - used, "%s%s", used > 0 ? "+" : "", op);
}

Onnx__NodeProto *onnx_draw_node(struct onnx_draw *d, const char *op, const char *inputs, const char **output) {
    *output = onnx_draw_name(d, "t");
    return onnx_build_node(&d->b, op, inputs, *output);
}

const char *onnx_draw_list(struct onnx_draw *d, uint32_t count, const int64_t *values) {
    const char *name = onnx_draw_name(d, "list");
    double *numbers = QM_ARENA_NEW(d->b.arena, double, count + 1);
    for (uint32_t i = 0; i < count; i++) numbers[i] = (double)values[i];
    onnx_build_constant(&d->b, name, TYPE_INT64, (struct onnx_build_shape){1, {count}}, numbers);
    return name;
}

static const char *scalar(struct onnx_draw *d, const char *prefix, int32_t type, double value) {
    const char *name = onnx_draw_name(d, prefix);
    onnx_build_constant(&d->b, name, type, (struct onnx_build_shape){0, {0}}, &value);
    return name;
}

/* Integers of 4 bits are packed, two a byte. */
static const char *integers(struct onnx_draw *d, int32_t type, struct onnx_build_shape shape, const double *values) {
    const char *name = onnx_draw_name(d, "w");
    Onnx__TensorProto *t = onnx_build_constant(&d->b, name, type, shape, values);
    if (type < TYPE_UINT4) return name;
    size_t count = onnx_draw_elements(&shape);
    t->n_int32_data = 0;
    t->has_raw_data = 1;
    t->raw_data.len = (count + 1) / 2;
    t->raw_data.data = QM_ARENA_NEW(d->b.arena, uint8_t, t->raw_data.len + 1);
    for (size_t i = 0; i < count; i++) t->raw_data.data[i / 2] |= (uint8_t)(((int)values[i] & 15) << (i % 2 * 4));
    return name;
}

/* ---- quantizers ---- */

/* A scale that lets numbers of that spread fill the range about; awkward ones when the numbers are multiples of a unit. */
static double output_scale(struct onnx_draw *d, double spread, double unit) {
    double fitting = spread / onnx_draw_magnitude(d, 12, 160);
    uint32_t way = onnx_draw_below(d, 100);
    if (way < 45 || unit == 0) return way % 4 == 0 ? exp2(nearbyint(log2(fitting))) : fitting;
    double doubled = unit * exp2(fmax(nearbyint(log2(fitting / unit)), -2));
    if (way < 65) return doubled;
    if (way < 75) return doubled * (1 + onnx_draw_between(d, -1, 1) * 0x1p-22);
    if (way < 82) return unit * onnx_draw_magnitude(d, 0x1p20, 0x1p24);
    if (way < 88) return unit * onnx_draw_between(d, 0.1, 1);
    return fitting * onnx_draw_magnitude(d, 0.1, 10);
}

static int32_t zero_point(struct onnx_draw *d, int32_t type) {
    int32_t span = type == TYPE_UINT4 || type == TYPE_INT4 ? 16 : 256, low = type == TYPE_UINT8 || type == TYPE_UINT4 ? 0 : -span / 2;
    uint32_t way = onnx_draw_below(d, 100);
    if (way < 40) return low + span / 2;
    if (way < 55) return low;
    return way < 70 ? low + span - 1 : low + (int32_t)onnx_draw_below(d, (uint32_t)span);
}

struct onnx_draw_quant onnx_draw_quant(struct onnx_draw *d, double spread, double unit, int32_t type) {
    bool is_signed = onnx_draw_chance(d, 50);
    struct onnx_draw_quant q = {.type = type != 0 ? type : is_signed ? TYPE_INT8 : TYPE_UINT8};
    bool narrow = q.type == TYPE_INT4 || q.type == TYPE_UINT4;
    q.scale = (float)(output_scale(d, spread, unit) * (narrow ? 16 : 1));
    q.zero = zero_point(d, q.type);
    q.scale_name = scalar(d, "s", TYPE_FLOAT, (double)q.scale);
    q.zero_name = scalar(d, "z", q.type, q.zero);
    q.zero_absent = q.zero == 0 && q.type == TYPE_UINT8 && onnx_draw_chance(d, 30);
    return q;
}

const struct onnx_draw_flow *onnx_draw_flow(struct onnx_draw *d, const char *name, const struct onnx_build_shape *shape,
                                            const struct onnx_draw_quant *quant) {
    struct onnx_draw_flow *flow = &d->flows[d->flow_count++];
    QM_CHECK(d->flow_count <= ONNX_DRAW_FLOWS_MAX);
    *flow = (struct onnx_draw_flow){name, *shape, *quant};
    d->kind[0] = '\0';
    return flow;
}

/* Operands of QuantizeLinear and DequantizeLinear. */
static const char *quantized_as(struct onnx_draw *d, const char *name, const struct onnx_draw_quant *quant) {
    return qm_arena_printf(d->b.arena, "%s %s %s", name, quant->scale_name, quant->zero_absent ? "" : quant->zero_name);
}

const struct onnx_draw_flow *onnx_draw_quantize(struct onnx_draw *d, const struct onnx_draw_value *x, const struct onnx_draw_quant *like) {
    int32_t narrow = onnx_draw_chance(d, 50) ? TYPE_INT4 : TYPE_UINT4, type = d->opset >= 21 && onnx_draw_chance(d, 8) ? narrow : 0;
    struct onnx_draw_quant quant = like != NULL ? *like : onnx_draw_quant(d, x->spread, x->unit, type);
    const char *name = qm_arena_printf(d->b.arena, "q%u.%s", d->serial++, d->kind[0] != '\0' ? d->kind : "Quantize");
    onnx_build_node(&d->b, "QuantizeLinear", quantized_as(d, x->name, &quant), name);
    return onnx_draw_flow(d, name, &x->shape, &quant);
}

struct onnx_draw_value onnx_draw_dequantize(struct onnx_draw *d, const struct onnx_draw_flow *flow) {
    struct onnx_draw_value y = {.shape = flow->shape, .unit = (double)flow->quant.scale, .quant = &flow->quant};
    y.spread = y.unit * 70;
    onnx_draw_node(d, "DequantizeLinear", quantized_as(d, flow->name, &flow->quant), &y.name);
    return y;
}

/* Adds an input with room for its numbers. */
static struct numbers *add_input(struct onnx_draw *d, const struct onnx_build_shape *shape, int32_t type) {
    struct numbers *numbers = &d->inputs[d->input_count++];
    QM_CHECK(d->input_count <= ONNX_DRAW_INPUTS_MAX);
    *numbers = (struct numbers){.name = onnx_draw_name(d, "x"), .rank = shape->rank, .count = onnx_draw_elements(shape)};
    for (uint32_t i = 0; i < shape->rank; i++) numbers->dims[i] = (uint64_t)shape->dims[i];
    numbers->values = QM_ARENA_NEW(d->b.arena, double, numbers->count);
    onnx_build_input(&d->b, numbers->name, type, *shape);
    return numbers;
}

struct onnx_draw_value onnx_draw_float_input(struct onnx_draw *d, const struct onnx_build_shape *shape, double spread) {
    struct numbers *numbers = add_input(d, shape, TYPE_FLOAT);
    for (size_t i = 0; i < numbers->count; i++) numbers->values[i] = (double)(float)(spread * onnx_draw_between(d, -2, 2));
    return (struct onnx_draw_value){.name = numbers->name, .shape = *shape, .spread = spread};
}

/* An input that fills the range of its quantizer, and leaves it here and there. */
static const struct onnx_draw_flow *new_input(struct onnx_draw *d, const struct onnx_build_shape *shape, int32_t type) {
    struct onnx_draw_quant quant = onnx_draw_quant(d, onnx_draw_magnitude(d, 0x1p-6, 0x1p4), 0, type);
    bool whole = onnx_draw_chance(d, 15);
    struct numbers *numbers = add_input(d, shape, whole ? quant.type : TYPE_FLOAT);
    int32_t low = quant.type == TYPE_UINT8 ? 0 : -128;
    for (size_t i = 0; i < numbers->count; i++) {
        double steps = low + (whole ? (double)onnx_draw_below(d, 256) : onnx_draw_between(d, -10, 266));
        numbers->values[i] = whole ? steps : (double)(float)((double)quant.scale * (steps - quant.zero));
    }
    if (whole) return onnx_draw_flow(d, numbers->name, shape, &quant);
    return onnx_draw_quantize(d, &(struct onnx_draw_value){.name = numbers->name, .shape = *shape}, &quant);
}

const struct onnx_draw_flow *onnx_draw_input(struct onnx_draw *d, const struct onnx_build_shape *shape, int32_t type) {
    char kind[ONNX_DRAW_KIND_BYTES];
    memcpy(kind, d->kind, sizeof kind);
    snprintf(d->kind, sizeof d->kind, "input");
    const struct onnx_draw_flow *flow = new_input(d, shape, type);
    memcpy(d->kind, kind, sizeof kind);
    return flow;
}

/* ---- constants ---- */

static const char *dequantized_constant(struct onnx_draw *d, struct onnx_build_shape shape, const double *values) {
    const char *name, *held;
    size_t count = onnx_draw_elements(&shape);
    double most = 0, *steps = QM_ARENA_NEW(d->b.arena, double, count + 1);
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs(values[i]));
    double scale = (double)(float)(most / 127);
    for (size_t i = 0; i < count; i++) steps[i] = fmin(fmax(nearbyint(values[i] / scale), -128), 127);
    held = integers(d, TYPE_INT8, shape, steps);
    onnx_draw_node(d, "DequantizeLinear", qm_arena_printf(d->b.arena, "%s %s", held, scalar(d, "s", TYPE_FLOAT, scale)), &name);
    return name;
}

/* Whole numbers, cast to float. */
static const char *cast_constant(struct onnx_draw *d, struct onnx_build_shape shape, const double *values) {
    const char *held = onnx_draw_name(d, "c"), *name;
    size_t count = onnx_draw_elements(&shape);
    double *whole = QM_ARENA_NEW(d->b.arena, double, count + 1);
    for (size_t i = 0; i < count; i++) whole[i] = values[i] < 0 ? floor(values[i]) : ceil(values[i]);
    onnx_build_constant(&d->b, held, onnx_draw_chance(d, 50) ? TYPE_INT32 : TYPE_INT64, shape, whole);
    onnx_build_int(&d->b, onnx_draw_node(d, "Cast", held, &name), "to", TYPE_FLOAT);
    return name;
}

/* The same numbers with dimensions in the other order, transposed. */
static const char *transposed_constant(struct onnx_draw *d, struct onnx_build_shape shape, const double *values) {
    const char *held = onnx_draw_name(d, "c"), *name;
    struct onnx_build_shape back = {shape.rank, {0}};
    size_t count = onnx_draw_elements(&shape);
    double *turned = QM_ARENA_NEW(d->b.arena, double, count + 1);
    for (uint32_t i = 0; i < shape.rank; i++) back.dims[i] = shape.dims[shape.rank - 1 - i];
    for (size_t i = 0; i < count; i++) {
        size_t rest = i, at = 0;
        for (uint32_t k = 0; k < shape.rank; k++) {
            size_t extent = (size_t)shape.dims[shape.rank - 1 - k];
            at = at * extent + rest % extent;
            rest /= extent;
        }
        turned[at] = values[i];
    }
    onnx_build_constant(&d->b, held, TYPE_FLOAT, back, turned);
    onnx_draw_node(d, "Transpose", held, &name);
    return name;
}

const char *onnx_draw_constant(struct onnx_draw *d, struct onnx_build_shape shape, const double *values) {
    const char *held, *name;
    uint32_t way = onnx_draw_below(d, 100);
    if (way < 20) return dequantized_constant(d, shape, values);
    if (way < 25 && fabs(values[0]) > 3) return cast_constant(d, shape, values);
    if (way < 30 && shape.rank > 1) return transposed_constant(d, shape, values);
    held = onnx_draw_name(d, "c");
    onnx_build_constant(&d->b, held, TYPE_FLOAT, shape, values);
    if (way < 90) return held;
    onnx_draw_node(d, "Identity", held, &name);
    return name;
}

/* ---- weights ---- */

struct weight_type {
    int32_t type;
    double low, high, zero;
};

static struct weight_type weight_type(struct onnx_draw *d) {
    uint32_t way = onnx_draw_below(d, 100);
    if (way < 60) return (struct weight_type){TYPE_INT8, way < 5 ? -128 : -127, 127, way < 52 ? 0 : -20 + (double)onnx_draw_below(d, 40)};
    if (way < 85 || d->opset < 21) return (struct weight_type){TYPE_UINT8, 0, 255, way < 75 ? 128 : 100 + (double)onnx_draw_below(d, 60)};
    return way < 95 ? (struct weight_type){TYPE_INT4, -8, 7, 0} : (struct weight_type){TYPE_UINT4, 0, 15, 8};
}

static const char *dequantize_weights(struct onnx_draw *d, const struct onnx_draw_weights *w, const char *from) {
    const char *name;
    const char *zero = w->zero_absent ? "" : w->zero;
    Onnx__NodeProto *node = onnx_draw_node(d, "DequantizeLinear", qm_arena_printf(d->b.arena, "%s %s %s", from, w->scale, zero), &name);
    if (w->channels > 1) onnx_build_int(&d->b, node, "axis", w->axis);
    return name;
}

/* Float weights, which go through a pair of quantizer and dequantizer; none is near the middle of two steps. */
static const char *quantized_weights(struct onnx_draw *d, struct onnx_draw_weights *w, const struct weight_type *type, double *steps) {
    const char *held = onnx_draw_name(d, "c"), *quantized;
    size_t inner = 1;
    for (uint32_t i = w->axis + 1; i < w->shape.rank; i++) inner *= (size_t)w->shape.dims[i];
    for (size_t i = 0; i < onnx_draw_elements(&w->shape); i++)
        steps[i] = (steps[i] + onnx_draw_between(d, -0.45, 0.45) - type->zero) * w->scales[i / inner % w->channels];
    onnx_build_constant(&d->b, held, TYPE_FLOAT, w->shape, steps);
    Onnx__NodeProto *node =
        onnx_draw_node(d, "QuantizeLinear", qm_arena_printf(d->b.arena, "%s %s %s", held, w->scale, w->zero), &quantized);
    if (w->channels > 1) onnx_build_int(&d->b, node, "axis", w->axis);
    return quantized;
}

void onnx_draw_weights(struct onnx_draw *d, struct onnx_draw_weights *w, bool qdq) {
    struct weight_type type = weight_type(d);
    size_t count = onnx_draw_elements(&w->shape);
    double *steps = QM_ARENA_NEW(d->b.arena, double, count + 1), *scales = QM_ARENA_NEW(d->b.arena, double, w->channels + 1);
    double *zeros = QM_ARENA_NEW(d->b.arena, double, w->channels + 1), base = onnx_draw_magnitude(d, 0x1p-10, 0x1p-3);
    bool doubled = onnx_draw_chance(d, 30);
    if (!qdq && type.type >= TYPE_UINT4) type = (struct weight_type){TYPE_INT8, -127, 127, 0};
    if (onnx_draw_chance(d, 50)) w->channels = 1;
    for (uint32_t c = 0; c < w->channels; c++) {
        double scale = base * (c == 0 ? 1 : onnx_draw_magnitude(d, 0.25, 4));
        scales[c] = doubled ? exp2(nearbyint(log2(scale))) : (double)(float)scale;
        zeros[c] = type.zero;
    }
    for (size_t i = 0; i < count; i++) steps[i] = type.low + (double)onnx_draw_below(d, (uint32_t)(type.high - type.low + 1));
    struct onnx_build_shape list = {w->channels > 1, {w->channels}};
    w->scales = scales;
    w->scale = onnx_draw_name(d, "s");
    w->zero = onnx_draw_name(d, "z");
    onnx_build_constant(&d->b, w->scale, TYPE_FLOAT, list, scales);
    integers(d, type.type, list, zeros);
    d->b.constants[d->b.graph.n_initializer - 1]->name = qm_arena_strdup(d->b.arena, w->zero);
    bool pair = qdq && onnx_draw_chance(d, 15);
    if (pair) onnx_draw_note(d, "qdq-weights");
    if (type.type >= TYPE_UINT4) onnx_draw_note(d, "int4");
    w->zero_absent = type.zero == 0 && type.type != TYPE_UINT8 && onnx_draw_chance(d, 40);
    w->integers = pair ? quantized_weights(d, w, &type, steps) : integers(d, type.type, w->shape, steps);
    if (qdq) w->name = dequantize_weights(d, w, w->integers);
}

const char *onnx_draw_bias(struct onnx_draw *d, const struct onnx_draw_weights *w, double x_scale, bool qdq) {
    uint32_t channels = (uint32_t)w->shape.dims[w->axis];
    double *steps = QM_ARENA_NEW(d->b.arena, double, channels), *scales = QM_ARENA_NEW(d->b.arena, double, channels);
    double limit = onnx_draw_magnitude(d, 10, 0x1p17);
    const char *held, *name;
    if (onnx_draw_chance(d, 30)) return NULL;
    for (uint32_t c = 0; c < channels; c++) {
        scales[c] = (double)((float)x_scale * (float)w->scales[w->channels > 1 ? c : 0]);
        steps[c] = nearbyint(onnx_draw_between(d, -limit, limit));
    }
    if (qdq && onnx_draw_chance(d, 30)) {
        for (uint32_t c = 0; c < channels; c++) steps[c] = (steps[c] + onnx_draw_between(d, -0.5, 0.5)) * scales[c];
        onnx_draw_note(d, "float-bias");
        return onnx_draw_constant(d, (struct onnx_build_shape){1, {channels}}, steps);
    }
    held = onnx_draw_name(d, "b");
    onnx_build_constant(&d->b, held, TYPE_INT32, (struct onnx_build_shape){1, {channels}}, steps);
    if (!qdq) return held;
    const char *scale = onnx_draw_name(d, "s");
    bool list = w->channels > 1;
    onnx_build_constant(&d->b, scale, TYPE_FLOAT, (struct onnx_build_shape){list, {channels}}, scales);
    Onnx__NodeProto *node = onnx_draw_node(d, "DequantizeLinear", qm_arena_printf(d->b.arena, "%s %s", held, scale), &name);
    if (list) onnx_build_int(&d->b, node, "axis", 0);
    return name;
}

/* ---- the chain ---- */

static struct onnx_build_shape first_shape(struct onnx_draw *d) {
    uint32_t way = onnx_draw_below(d, 100), batch = onnx_draw_chance(d, 8) ? 2 + onnx_draw_below(d, 2) : 1;
    if (way < 20) return (struct onnx_build_shape){2, {1 + onnx_draw_below(d, 4) * onnx_draw_below(d, 2), 1 + onnx_draw_below(d, 40)}};
    if (way < 40) return (struct onnx_build_shape){3, {batch, 1 + onnx_draw_below(d, 24), 1 + onnx_draw_below(d, 24)}};
    if (way < 42) return (struct onnx_build_shape){3, {batch, 1 + onnx_draw_below(d, 5), 60 + onnx_draw_below(d, 300)}};
    int64_t side = 2 + onnx_draw_below(d, 8);
    if (way < 51) return (struct onnx_build_shape){4, {batch, onnx_draw_chance(d, 50) ? side : 1 + onnx_draw_below(d, 8), side, side}};
    return (struct onnx_build_shape){4, {batch, 1 + onnx_draw_below(d, 20), 1 + onnx_draw_below(d, 12), 1 + onnx_draw_below(d, 12)}};
}

/* One of the steps of a table; false: none that was tried fits. */
static bool take_step(struct onnx_draw *d, const struct onnx_draw_steps *steps, const struct onnx_draw_value *x,
                      struct onnx_draw_value *y) {
    uint32_t all = 0;
    for (const struct onnx_draw_steps *s = steps; s->step != NULL; s++) all += s->weight;
    for (int tries = 0; tries < 20; tries++) {
        uint32_t ticket = onnx_draw_below(d, all);
        const struct onnx_draw_steps *s = steps;
        while (ticket >= s->weight) ticket -= s++->weight;
        *y = (struct onnx_draw_value){.shape = x->shape, .spread = x->spread};
        if (s->step(d, x, y)) return true;
    }
    return false;
}

static bool take_integer_step(struct onnx_draw *d, const struct onnx_draw_flow *x) {
    const struct onnx_draw_integer_steps *steps = onnx_draw_integer_step_table;
    uint32_t all = 0;
    for (const struct onnx_draw_integer_steps *s = steps; s->step != NULL; s++) all += s->weight;
    for (int tries = 0; tries < 20; tries++) {
        uint32_t ticket = onnx_draw_below(d, all);
        const struct onnx_draw_integer_steps *s = steps;
        while (ticket >= s->weight) ticket -= s++->weight;
        if (s->step(d, x)) return true;
    }
    return false;
}

/* The same tensor under another name. */
static const struct onnx_draw_flow *rename_flow(struct onnx_draw *d, const struct onnx_draw_flow *flow) {
    const char *name = qm_arena_printf(d->b.arena, "q%u.Identity", d->serial++);
    onnx_build_node(&d->b, "Identity", flow->name, name);
    return onnx_draw_flow(d, name, &flow->shape, &flow->quant);
}

static void finish(struct onnx_draw *d, const struct onnx_draw_flow *last) {
    if (onnx_draw_chance(d, 10)) last = rename_flow(d, last);
    if (onnx_draw_chance(d, 40))
        onnx_build_output(&d->b, last->name);
    else
        onnx_build_output(&d->b, onnx_draw_dequantize(d, last).name);
    const struct onnx_draw_flow *other = &d->flows[onnx_draw_below(d, d->flow_count)];
    bool is_input = strchr(other->name, '.') == NULL || strstr(other->name, ".input") != NULL;
    if (other != last && !is_input && onnx_draw_chance(d, 25)) onnx_build_output(&d->b, other->name);
}

/* The last tensor as an output: real numbers, or what a Cast makes of them. */
static void finish_real(struct onnx_draw *d, const struct onnx_draw_value *last) {
    static const int32_t types[] = {TYPE_FLOAT, TYPE_INT32, TYPE_INT64};
    const char *name = last->name;
    if (d->for_host && onnx_draw_chance(d, 50)) {
        onnx_build_int(&d->b, onnx_draw_node(d, "Cast", last->name, &name), "to", types[onnx_draw_below(d, 3)]);
        onnx_draw_note(d, "Cast");
    }
    bool renamed = onnx_draw_chance(d, 20);
    if (!renamed || onnx_draw_chance(d, 50)) onnx_build_output(&d->b, name);
    if (!renamed) return;
    onnx_draw_node(d, "Identity", name, &name);
    onnx_draw_note(d, "Identity");
    onnx_build_output(&d->b, name);
}

/* A step of the table, or one for the host in its place. */
static void take_any_step(struct onnx_draw *d, const struct onnx_draw_steps *steps, const struct onnx_draw_value *x,
                          struct onnx_draw_value *y) {
    uint32_t way = d->for_host ? onnx_draw_below(d, 100) : 100;
    if (!take_step(d, way < 30 ? onnx_draw_host_steps : way < 65 ? onnx_draw_further_steps : steps, x, y)) *y = *x;
}

/* Steps on real numbers, a quantizer behind each, or behind two or three; the last may have none. */
static void draw_real_chain(struct onnx_draw *d, const struct onnx_draw_flow *flow, uint32_t steps) {
    while (steps-- > 0) {
        struct onnx_draw_value x = onnx_draw_dequantize(d, flow), y;
        take_any_step(d, onnx_draw_first_steps, &x, &y);
        while (onnx_draw_chance(d, 12)) {
            x = y;
            take_any_step(d, onnx_draw_next_steps, &x, &y);
        }
        if (steps == 0 && y.quant == NULL && onnx_draw_chance(d, 15)) {
            finish_real(d, &y);
            return;
        }
        flow = onnx_draw_quantize(d, &y, y.quant != NULL && onnx_draw_chance(d, 80) ? y.quant : NULL);
    }
    finish(d, flow);
}

/* A float input that is computed with before it is quantized. */
static const struct onnx_draw_flow *draw_float_chain(struct onnx_draw *d, const struct onnx_build_shape *shape) {
    struct onnx_draw_value x = onnx_draw_float_input(d, shape, onnx_draw_magnitude(d, 0.1, 10)), y;
    do {
        if (take_step(d, onnx_draw_chance(d, 30) ? onnx_draw_further_steps : onnx_draw_float_steps, &x, &y)) x = y;
    } while (onnx_draw_chance(d, 40));
    return onnx_draw_quantize(d, &x, NULL);
}

static void draw_integer_chain(struct onnx_draw *d, const struct onnx_draw_flow *flow, uint32_t steps) {
    while (steps-- > 0 && take_integer_step(d, flow)) flow = &d->flows[d->flow_count - 1];
    finish(d, flow);
}

static void import_opset(struct onnx_draw *d, const char *domain, int64_t version) {
    Onnx__OperatorSetIdProto *opset = QM_ARENA_NEW(d->b.arena, Onnx__OperatorSetIdProto, 1);
    onnx__operator_set_id_proto__init(opset);
    opset->domain = qm_arena_strdup(d->b.arena, domain);
    opset->has_version = 1;
    opset->version = version;
    d->b.model.opset_import[d->b.model.n_opset_import++] = opset;
}

/* Constants are inputs, too, as in files of old versions. */
static void list_constants(struct onnx_draw *d) {
    for (size_t i = 0; i < d->b.graph.n_initializer; i++) {
        const Onnx__TensorProto *t = d->b.constants[i];
        struct onnx_build_shape shape = {(uint32_t)t->n_dims, {0}};
        for (size_t k = 0; k < t->n_dims; k++) shape.dims[k] = t->dims[k];
        if (d->b.graph.n_input < ONNX_BUILD_MAX) onnx_build_input(&d->b, t->name, t->data_type, shape);
    }
}

void onnx_draw(struct onnx_draw *d, uint64_t seed, struct qm_arena *arena) {
    static const uint32_t opsets[] = {13, 17, 19, 21, 21, 23, 25};
    memset(d, 0, sizeof *d);
    onnx_build_open(&d->b, arena);
    d->b.model.opset_import = QM_ARENA_NEW(arena, Onnx__OperatorSetIdProto *, 2);
    d->b.model.n_opset_import = 0;
    qm_prng_init(&d->prng, qm_hash3(seed, 0, 0));
    d->opset = opsets[onnx_draw_below(d, 7)];
    import_opset(d, "", d->opset);
    import_opset(d, "com.microsoft", 1);
    struct onnx_build_shape shape = first_shape(d);
    uint32_t steps = onnx_draw_chance(d, 50) ? 1 : 2 + onnx_draw_below(d, 5);
    d->for_host = onnx_draw_chance(d, 36);
    bool floats = d->for_host && onnx_draw_chance(d, 30);
    const struct onnx_draw_flow *flow = floats ? draw_float_chain(d, &shape) : onnx_draw_input(d, &shape, 0);
    if (!d->for_host && onnx_draw_chance(d, 35))
        draw_integer_chain(d, flow, steps);
    else
        draw_real_chain(d, flow, steps);
    if (onnx_draw_chance(d, 6)) list_constants(d);
}

void onnx_draw_open(struct onnx_draw *d) {
    for (uint32_t i = 0; i < d->flow_count; i++) {
        bool known = false;
        for (size_t k = 0; k < d->b.graph.n_output; k++) known = known || strcmp(d->b.outputs[k]->name, d->flows[i].name) == 0;
        for (uint32_t k = 0; k < d->input_count; k++) known = known || strcmp(d->inputs[k].name, d->flows[i].name) == 0;
        if (!known) onnx_build_output(&d->b, d->flows[i].name);
    }
}
