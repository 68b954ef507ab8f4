/* tflite_draw_elements.c - operators on elements of one or two tensors, along rows and over axes, for tflite_draw.h. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tflite_draw.h"

enum { ARG_TYPE = 0, CAST_FROM = 0, CAST_TO = 1, FAR = 8 };

/* ---- of one ---- */

/* The output's shape is the input's. */
static uint32_t draw_result(struct tflite_draw *d, const struct tflite_draw_row *row, uint32_t in, enum qm_dtype dtype, double reach) {
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    uint32_t out = tflite_draw_tensor(d, dtype, &shape, reach);
    tflite_draw_op(d, row);
    tflite_draw_takes(d, in);
    tflite_draw_gives(d, out);
    return out;
}

static struct qm_graph_op *last_op(struct tflite_draw *d) {
    return &d->ops[d->graph.op_count - 1];
}

static void draw_quantize(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_chance(d, 60) ? tflite_draw_source(d, DRAW_F32, 1, 5) : tflite_draw_source(d, DRAW_BYTES, 1, 5);
    draw_result(d, row, in, tflite_draw_type(d, DRAW_BYTES), d->reach[in]);
}

/* Of a constant, too, which converters leave before what they do not quantize. */
static void draw_dequantize(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    if (tflite_draw_chance(d, 10)) {
        struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
        tflite_draw_constant(d, in = tflite_draw_like(d, in, &shape));
    }
    draw_result(d, row, in, QM_F32, d->reach[in]);
}

/* To a type that only CAST and what selects know as well, and then perhaps from it. */
static void draw_cast(struct tflite_draw *d, const struct tflite_draw_row *row) {
    static const enum qm_dtype rare[] = {QM_I32, QM_I16, QM_BOOL};
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), casts = tflite_draw_chance(d, 50) ? 2 : 1;
    for (uint32_t i = 0; i < casts; i++) {
        enum qm_dtype from = d->tensors[in].dtype, to = tflite_draw_chance(d, 40) ? QM_F32 : tflite_draw_type(d, DRAW_BYTES);
        if (i + 1 < casts || tflite_draw_chance(d, 10)) to = rare[tflite_draw_between(d, 0, 2)];
        in = draw_result(d, row, in, to, to == QM_F32 ? UINT8_MAX : 1);
        tflite_draw_slot(d, CAST_FROM, tflite_draw_file_type(from));
        tflite_draw_slot(d, CAST_TO, tflite_draw_file_type(to));
    }
}

static void draw_function(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    draw_result(d, row, in, d->tensors[in].dtype, d->reach[in]);
}

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void draw_leaky_relu(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_function(d, row);
    last_op(d)->alpha = (float)tflite_draw_between(d, 1, 1500) / 1000;
    tflite_draw_slot(d, LEAKY_RELU_ALPHA, bits_of(last_op(d)->alpha));
}

static void draw_gelu(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_function(d, row);
    last_op(d)->approximate = tflite_draw_chance(d, 50);
    tflite_draw_slot(d, GELU_APPROXIMATE, last_op(d)->approximate);
}

/* The output of bytes has the scale and the zero point of the operator: so many from the lowest number. */
static void draw_fixed(struct tflite_draw *d, const struct tflite_draw_row *row, float scale, int64_t from_lowest) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), out = draw_result(d, row, in, d->tensors[in].dtype, 1);
    if (d->tensors[out].dtype == QM_F32) return;
    tflite_draw_quant(d, out, scale, from_lowest - (d->tensors[out].dtype == QM_U8 ? 0 : 128));
    d->reach[out] = 128 * (double)scale;
}

static void draw_logistic(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_fixed(d, row, 1.0F / 256, 0);
}

static void draw_tanh(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_fixed(d, row, 1.0F / 128, 128);
}

static void draw_softmax(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_fixed(d, row, 1.0F / 256, 0);
    last_op(d)->beta = tflite_draw_chance(d, 60) ? 1 : (float)tflite_draw_between(d, 100, 3000) / 1000;
    tflite_draw_slot(d, SOFTMAX_BETA, bits_of(last_op(d)->beta));
}

static void draw_log_softmax(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_fixed(d, row, 1.0F / 16, 255);
}

static void draw_l2(struct tflite_draw *d, const struct tflite_draw_row *row) {
    draw_fixed(d, row, 1.0F / 128, 128);
}

/* Powers must not go far: of larger ones nothing else is made. */
static void draw_exp(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    bool far = d->reach[in] > FAR;
    if (far && d->tensors[in].dtype == QM_I8) {
        struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
        in = tflite_draw_tensor(d, QM_I8, &shape, 3);
        tflite_draw_input(d, in);
        far = false;
    }
    uint32_t out = draw_result(d, row, in, d->tensors[in].dtype, exp(fmin(d->reach[in], FAR)));
    d->sources[out] = !far;
}

/* Roots and logarithms of floats are of their magnitudes. */
static uint32_t draw_magnitude(struct tflite_draw *d) {
    static const struct tflite_draw_row magnitude = {TFLITE_ABS, OPTIONS_ABS, QM_OP_ABS, DRAW_F32, NULL};
    uint32_t in = tflite_draw_source(d, DRAW_F32, 1, 5);
    return draw_result(d, &magnitude, in, QM_F32, d->reach[in]);
}

static void draw_log(struct tflite_draw *d, const struct tflite_draw_row *row) {
    if (tflite_draw_chance(d, 40)) {
        d->sources[draw_result(d, row, draw_magnitude(d), QM_F32, 1)] = false;
        return;
    }
    draw_result(d, row, tflite_draw_source(d, DRAW_I8, 1, 5), QM_I8, 4);
}

/* An input of bytes of which none is below the zero point. */
static uint32_t draw_no_negative(struct tflite_draw *d) {
    struct qm_shape shape = tflite_draw_shape(d, tflite_draw_between(d, 1, 4));
    uint32_t in = tflite_draw_tensor(d, QM_I8, &shape, ldexp(1, (int)tflite_draw_between(d, 0, 6) - 3));
    tflite_draw_quant(d, in, d->tensors[in].quant.scale[0], -128);
    tflite_draw_input(d, in);
    return in;
}

static void draw_sqrt(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_chance(d, 40) ? draw_magnitude(d) : draw_no_negative(d);
    draw_result(d, row, in, d->tensors[in].dtype, sqrt(d->reach[in]));
}

static void draw_rsqrt(struct tflite_draw *d, const struct tflite_draw_row *row) {
    if (tflite_draw_chance(d, 40)) {
        uint32_t real = draw_magnitude(d);
        d->sources[draw_result(d, row, real, QM_F32, 1)] = false;
        return;
    }
    uint32_t in = draw_no_negative(d);
    draw_result(d, row, in, QM_I8, 1 / sqrt(d->reach[in] / 32));
}

/* ---- of two ---- */

/* A shape that is broadcast to that of the first operand, or, if it may be, the first to it; what comes of both. */
static struct qm_shape draw_second(struct tflite_draw *d, uint32_t in, bool both_ways, struct qm_shape *whole) {
    struct qm_shape second = *whole = qm_graph_shape(&d->tensors[in]);
    if (tflite_draw_chance(d, 40)) return second;
    uint32_t missing = tflite_draw_chance(d, 40) ? tflite_draw_between(d, 0, second.rank) : 0;
    for (uint32_t i = missing; i < second.rank; i++) {
        if (tflite_draw_chance(d, 30)) second.dims[i] = 1;
        if (both_ways && whole->dims[i] == 1 && tflite_draw_chance(d, 50)) second.dims[i] = whole->dims[i] = tflite_draw_between(d, 1, 4);
    }
    second.rank -= missing;
    memmove(second.dims, second.dims + missing, second.rank * sizeof *second.dims);
    return second;
}

static uint32_t draw_divisor(struct tflite_draw *d, enum qm_dtype dtype, const struct qm_shape *shape, const uint32_t *like) {
    uint32_t tensor = like != NULL ? tflite_draw_like(d, *like, shape) : tflite_draw_tensor(d, dtype, shape, 2);
    bool constant = dtype == QM_F32 || tflite_draw_chance(d, 50);
    uint8_t *bytes = constant ? tflite_draw_constant(d, tensor) : tflite_draw_input(d, tensor);
    const struct qm_graph_tensor *t = &d->tensors[tensor];
    for (size_t i = 0; i < t->size_bytes && dtype != QM_F32; i++)
        while (like != NULL ? bytes[i] == 0 || bytes[i] == 255 : bytes[i] == (uint8_t)t->quant.zero_point[0])
            bytes[i] = (uint8_t)tflite_draw_between(d, 0, 255);
    for (size_t i = 0; i < t->size_bytes / 4 && dtype == QM_F32; i++) {
        float value = (float)tflite_draw_between(d, 500, 4000) / (tflite_draw_chance(d, 50) ? 1000 : -1000);
        memcpy(bytes + 4 * i, &value, sizeof value);
    }
    return tensor;
}

static void take_pair(struct tflite_draw *d, const struct tflite_draw_row *row, uint32_t a, uint32_t b, uint32_t out) {
    tflite_draw_op(d, row);
    bool turned = row->kind != QM_OP_PRELU && row->kind != QM_OP_DIV && row->kind != QM_OP_FLOOR_DIV && tflite_draw_chance(d, 30);
    tflite_draw_takes(d, turned ? b : a);
    tflite_draw_takes(d, turned ? a : b);
    tflite_draw_gives(d, out);
}

static double reach_of_pair(const struct tflite_draw *d, enum qm_graph_op_kind kind, uint32_t a, uint32_t b) {
    double x = d->reach[a], y = d->reach[b];
    switch (kind) {
    case QM_OP_ADD:
    case QM_OP_SUB: return x + y;
    case QM_OP_SQUARED_DIFFERENCE: return (x + y) * (x + y) / 2;
    case QM_OP_DIV: return 8 * x / y;
    default: return x * y;
    }
}

static void draw_pair(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t a = tflite_draw_source(d, row->types, 1, 5), b, out;
    enum qm_dtype dtype = d->tensors[a].dtype;
    struct qm_shape whole, shape = draw_second(d, a, row->kind != QM_OP_PRELU, &whole);
    if (row->kind == QM_OP_DIV)
        b = draw_divisor(d, dtype, &shape, NULL);
    else
        b = tflite_draw_operand(d, dtype, &shape, true);
    out = tflite_draw_tensor(d, dtype, &whole, reach_of_pair(d, row->kind, a, b));
    take_pair(d, row, a, b, out);
    if (row->kind != QM_OP_PRELU && row->kind != QM_OP_SQUARED_DIFFERENCE) tflite_draw_activation(d, last_op(d), ADD_ACTIVATION);
}

/* Now and then some hundreds, the same ones again and again. */
static void draw_add_n(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), parts[4], own = tflite_draw_between(d, 2, 4);
    uint32_t count = tflite_draw_chance(d, 8) ? tflite_draw_between(d, 140, BUILD_OPERANDS) : own;
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    parts[0] = in;
    for (uint32_t i = 1; i < own; i++) parts[i] = tflite_draw_operand(d, QM_F32, &shape, true);
    uint32_t out = tflite_draw_tensor(d, QM_F32, &shape, count * d->reach[in]);
    tflite_draw_op(d, row);
    for (uint32_t i = 0; i < count; i++) tflite_draw_takes(d, parts[i % own]);
    tflite_draw_gives(d, out);
}

/* Of what is stored: all have one scale and zero point. */
static void draw_stored_pair(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t a = tflite_draw_source(d, row->types, 1, 5), b;
    struct qm_shape whole, shape = draw_second(d, a, true, &whole);
    if (row->kind == QM_OP_FLOOR_DIV) {
        b = draw_divisor(d, d->tensors[a].dtype, &shape, &a);
    } else if (d->tensors[a].dtype == QM_F32) {
        b = tflite_draw_operand(d, QM_F32, &shape, true);
    } else {
        b = tflite_draw_like(d, a, &shape);
        if (tflite_draw_chance(d, 50))
            tflite_draw_constant(d, b);
        else
            tflite_draw_input(d, b);
    }
    take_pair(d, row, a, b, tflite_draw_like(d, a, &whole));
}

/* ---- over axes ---- */

enum { AXES_MAX = 2 * QM_MAX_RANK };

/* Some of the axes, in any order, a few of them twice; a bit for each. */
static uint32_t draw_axes(struct tflite_draw *d, uint32_t rank, int32_t axes[AXES_MAX], uint32_t *count) {
    uint32_t mask = tflite_draw_between(d, 1, (1U << rank) - 1);
    *count = 0;
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t at = tflite_draw_between(d, 0, *count);
        if ((mask >> i & 1) == 0) continue;
        memmove(axes + at + 1, axes + at, (*count - at) * sizeof *axes);
        axes[at] = tflite_draw_axis(d, i, rank);
        ++*count;
    }
    for (uint32_t i = 0; i < rank; i++)
        if ((mask >> i & 1) != 0 && tflite_draw_chance(d, 10)) axes[(*count)++] = tflite_draw_axis(d, i, rank);
    return mask;
}

static void draw_reduction(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5), count;
    struct qm_shape from = qm_graph_shape(&d->tensors[in]), shape = {.rank = 0};
    int32_t axes[AXES_MAX];
    uint32_t mask = draw_axes(d, from.rank, axes, &count), summed = 1;
    bool keep = tflite_draw_chance(d, 40), extreme = row->kind == QM_OP_REDUCE_MAX || row->kind == QM_OP_REDUCE_MIN;
    for (uint32_t i = 0; i < from.rank; i++) {
        bool reduced = (mask >> i & 1) != 0;
        if (reduced) summed *= from.dims[i];
        if (!reduced || keep) shape.dims[shape.rank++] = reduced ? 1 : from.dims[i];
    }
    double reach = d->reach[in] * (row->kind == QM_OP_SUM ? sqrt(summed) : 1);
    uint32_t out = extreme ? tflite_draw_like(d, in, &shape) : tflite_draw_tensor(d, d->tensors[in].dtype, &shape, reach);
    uint32_t said = tflite_draw_numbers(d, count == 1 && tflite_draw_chance(d, 30) ? 0 : 1, count, axes);
    tflite_draw_op(d, row)->axes = mask;
    tflite_draw_slot(d, REDUCER_KEEP_DIMS, keep);
    tflite_draw_takes(d, in);
    tflite_draw_says(d, said);
    tflite_draw_gives(d, out);
}

static void draw_arg(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t in = tflite_draw_source(d, row->types, 1, 5);
    struct qm_shape shape = qm_graph_shape(&d->tensors[in]);
    uint32_t axis = tflite_draw_between(d, 0, shape.rank - 1);
    int32_t said = tflite_draw_axis(d, axis, shape.rank);
    bool wide = tflite_draw_chance(d, 50);
    shape.rank--;
    memmove(shape.dims + axis, shape.dims + axis + 1, (shape.rank - axis) * sizeof *shape.dims);
    uint32_t out = tflite_draw_tensor(d, wide ? QM_I64 : QM_I32, &shape, 1),
             axes = tflite_draw_numbers(d, tflite_draw_between(d, 0, 1), 1, &said);
    tflite_draw_op(d, row)->axis = axis;
    tflite_draw_slot(d, ARG_TYPE, wide ? BUILD_INT64 : BUILD_INT32);
    tflite_draw_takes(d, in);
    tflite_draw_says(d, axes);
    tflite_draw_gives(d, out);
    d->below[out] = d->tensors[in].dims[axis];
}

/* clang-format off */
const struct tflite_draw_row tflite_draw_elements[] = {
    {TFLITE_ADD,                OPTIONS_ADD,                QM_OP_ADD,                DRAW_ANY,          draw_pair},
    {TFLITE_ADD_N,              OPTIONS_ADD_N,              QM_OP_ADD_N,              DRAW_F32,          draw_add_n},
    {TFLITE_SUB,                OPTIONS_SUB,                QM_OP_SUB,                DRAW_ANY,          draw_pair},
    {TFLITE_MUL,                OPTIONS_MUL,                QM_OP_MUL,                DRAW_ANY,          draw_pair},
    {TFLITE_DIV,                OPTIONS_DIV,                QM_OP_DIV,                DRAW_ANY,          draw_pair},
    {TFLITE_SQUARED_DIFFERENCE, OPTIONS_SQUARED_DIFFERENCE, QM_OP_SQUARED_DIFFERENCE, DRAW_I8 | DRAW_F32, draw_pair},
    {TFLITE_PRELU,              OPTIONS_NONE,               QM_OP_PRELU,              DRAW_ANY,          draw_pair},
    {TFLITE_FLOOR_DIV,          OPTIONS_FLOOR_DIV,          QM_OP_FLOOR_DIV,          DRAW_I8 | DRAW_F32, draw_stored_pair},
    {TFLITE_MINIMUM,            OPTIONS_MAXIMUM_MINIMUM,    QM_OP_MINIMUM,            DRAW_ANY,          draw_stored_pair},
    {TFLITE_MAXIMUM,            OPTIONS_MAXIMUM_MINIMUM,    QM_OP_MAXIMUM,            DRAW_ANY,          draw_stored_pair},
    {TFLITE_MEAN,               OPTIONS_REDUCER,            QM_OP_MEAN,               DRAW_ANY,          draw_reduction},
    {TFLITE_SUM,                OPTIONS_REDUCER,            QM_OP_SUM,                DRAW_ANY,          draw_reduction},
    {TFLITE_REDUCE_MAX,         OPTIONS_REDUCER,            QM_OP_REDUCE_MAX,         DRAW_ANY,          draw_reduction},
    {TFLITE_REDUCE_MIN,         OPTIONS_REDUCER,            QM_OP_REDUCE_MIN,         DRAW_ANY,          draw_reduction},
    {TFLITE_ARG_MAX,            OPTIONS_ARG_MAX,            QM_OP_ARG_MAX,            DRAW_ANY,          draw_arg},
    {TFLITE_ARG_MIN,            OPTIONS_ARG_MIN,            QM_OP_ARG_MIN,            DRAW_ANY,          draw_arg},
    {TFLITE_QUANTIZE,           OPTIONS_QUANTIZE,           QM_OP_QUANTIZE,           DRAW_ANY,          draw_quantize},
    {TFLITE_CAST,               OPTIONS_CAST,               QM_OP_CAST,               DRAW_ANY | DRAW_BOOL, draw_cast},
    {TFLITE_DEQUANTIZE,         OPTIONS_DEQUANTIZE,         QM_OP_DEQUANTIZE,         DRAW_BYTES,        draw_dequantize},
    {TFLITE_RELU,               OPTIONS_NONE,               QM_OP_RELU,               DRAW_ANY,          draw_function},
    {TFLITE_RELU6,              OPTIONS_NONE,               QM_OP_RELU6,              DRAW_ANY,          draw_function},
    {TFLITE_RELU_N1_TO_1,       OPTIONS_NONE,               QM_OP_RELU_N1_TO_1,       DRAW_ANY,          draw_function},
    {TFLITE_RELU_0_TO_1,        OPTIONS_NONE,               QM_OP_RELU_0_TO_1,        DRAW_ANY,          draw_function},
    {TFLITE_LEAKY_RELU,         OPTIONS_LEAKY_RELU,         QM_OP_LEAKY_RELU,         DRAW_ANY,          draw_leaky_relu},
    {TFLITE_ELU,                OPTIONS_NONE,               QM_OP_ELU,                DRAW_I8 | DRAW_F32, draw_function},
    {TFLITE_GELU,               OPTIONS_GELU,               QM_OP_GELU,               DRAW_ANY,          draw_gelu},
    {TFLITE_FLOOR,              OPTIONS_NONE,               QM_OP_FLOOR,              DRAW_F32,          draw_function},
    {TFLITE_CEIL,               OPTIONS_NONE,               QM_OP_CEIL,               DRAW_F32,          draw_function},
    {TFLITE_ROUND,              OPTIONS_NONE,               QM_OP_ROUND,              DRAW_F32,          draw_function},
    {TFLITE_SIN,                OPTIONS_NONE,               QM_OP_SIN,                DRAW_F32,          draw_function},
    {TFLITE_COS,                OPTIONS_COS,                QM_OP_COS,                DRAW_F32,          draw_function},
    {TFLITE_HARD_SWISH,         OPTIONS_HARD_SWISH,         QM_OP_HARD_SWISH,         DRAW_ANY,          draw_function},
    {TFLITE_LOGISTIC,           OPTIONS_NONE,               QM_OP_LOGISTIC,           DRAW_ANY,          draw_logistic},
    {TFLITE_TANH,               OPTIONS_NONE,               QM_OP_TANH,               DRAW_ANY,          draw_tanh},
    {TFLITE_EXP,                OPTIONS_EXP,                QM_OP_EXP,                DRAW_I8 | DRAW_F32, draw_exp},
    {TFLITE_LOG,                OPTIONS_NONE,               QM_OP_LOG,                DRAW_I8 | DRAW_F32, draw_log},
    {TFLITE_ABS,                OPTIONS_ABS,                QM_OP_ABS,                DRAW_I8 | DRAW_F32, draw_function},
    {TFLITE_NEG,                OPTIONS_NEG,                QM_OP_NEG,                DRAW_I8 | DRAW_F32, draw_function},
    {TFLITE_SQUARE,             OPTIONS_SQUARE,             QM_OP_SQUARE,             DRAW_F32,          draw_function},
    {TFLITE_SQRT,               OPTIONS_NONE,               QM_OP_SQRT,               DRAW_I8 | DRAW_F32, draw_sqrt},
    {TFLITE_RSQRT,              OPTIONS_NONE,               QM_OP_RSQRT,              DRAW_I8 | DRAW_F32, draw_rsqrt},
    {TFLITE_SOFTMAX,            OPTIONS_SOFTMAX,            QM_OP_SOFTMAX,            DRAW_ANY,          draw_softmax},
    {TFLITE_LOG_SOFTMAX,        OPTIONS_LOG_SOFTMAX,        QM_OP_LOG_SOFTMAX,        DRAW_I8 | DRAW_F32, draw_log_softmax},
    {TFLITE_L2_NORMALIZATION,   OPTIONS_L2,                 QM_OP_L2_NORMALIZATION,   DRAW_ANY,          draw_l2},
    {.draw = NULL},
};
/* clang-format on */
