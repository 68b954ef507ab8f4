/* tflite_draw_compare.c - comparisons, what bools say together, and what they select, for tflite_draw.h. */
#include <string.h>

#include "compiler/frontend/tflite/tflite.h"
#include "tests/support/tflite_draw.h"

/* Bytes with steps of 1 or more are not compared. */
static bool can_compare(const struct tflite_draw *d, uint32_t tensor) {
    return d->tensors[tensor].dtype == QM_F32 || d->tensors[tensor].quant.scale[0] < 1;
}

static uint32_t draw_comparable(struct tflite_draw *d, uint32_t types) {
    uint32_t tensor = tflite_draw_source(d, types, 1, 5);
    if (can_compare(d, tensor)) return tensor;
    struct qm_shape shape = qm_graph_shape(&d->tensors[tensor]);
    uint32_t other = tflite_draw_tensor(d, d->tensors[tensor].dtype, &shape, 1.0 / 8);
    tflite_draw_input(d, other);
    return other;
}

/* A shape that is broadcast to that of a tensor. */
static struct qm_shape draw_narrower(struct tflite_draw *d, uint32_t tensor) {
    struct qm_shape shape = qm_graph_shape(&d->tensors[tensor]);
    uint32_t missing = tflite_draw_chance(d, 30) ? tflite_draw_between(d, 0, shape.rank) : 0;
    for (uint32_t i = missing; i < shape.rank; i++)
        if (tflite_draw_chance(d, 25)) shape.dims[i] = 1;
    shape.rank -= missing;
    memmove(shape.dims, shape.dims + missing, shape.rank * sizeof *shape.dims);
    return shape;
}

/* Another of the type: of bytes a tensor with the same quantization or, if it may have, one of its own. */
static uint32_t draw_other(struct tflite_draw *d, uint32_t tensor, bool own_quant) {
    struct qm_shape shape = draw_narrower(d, tensor);
    bool own = d->tensors[tensor].dtype == QM_F32 || (own_quant && tflite_draw_chance(d, 60));
    uint32_t other = own ? tflite_draw_operand(d, d->tensors[tensor].dtype, &shape, true) : QM_NO_TENSOR;
    if (own && can_compare(d, other)) return other;
    other = tflite_draw_like(d, tensor, &shape);
    if (tflite_draw_chance(d, 50))
        tflite_draw_constant(d, other);
    else
        tflite_draw_input(d, other);
    return other;
}

/* An operator of two, in any order, whose output has the shape of the first. */
static uint32_t draw_bool(struct tflite_draw *d, const struct tflite_draw_row *row, uint32_t a, uint32_t b) {
    struct qm_shape shape = qm_graph_shape(&d->tensors[a]);
    uint32_t out = tflite_draw_tensor(d, QM_BOOL, &shape, 1);
    bool turned = tflite_draw_chance(d, 30);
    tflite_draw_op(d, row);
    tflite_draw_takes(d, turned ? b : a);
    if (row->kind != QM_OP_LOGICAL_NOT) tflite_draw_takes(d, turned ? a : b);
    tflite_draw_gives(d, out);
    return out;
}

static void draw_comparison(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t a = draw_comparable(d, row->types);
    draw_bool(d, row, a, draw_other(d, a, true));
}

/* Of a tensor that is compared with something. */
static uint32_t draw_condition(struct tflite_draw *d, uint32_t tensor) {
    static const struct tflite_draw_row rows[] = {{TFLITE_GREATER, OPTIONS_GREATER, QM_OP_GREATER, DRAW_ANY, NULL},
                                                  {TFLITE_LESS_EQUAL, OPTIONS_LESS_EQUAL, QM_OP_LESS_EQUAL, DRAW_ANY, NULL}};
    return draw_bool(d, &rows[tflite_draw_between(d, 0, 1)], tensor, draw_other(d, tensor, true));
}

static void draw_logic(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t tensor = draw_comparable(d, DRAW_ANY), first = draw_condition(d, tensor);
    draw_bool(d, row, first, row->kind == QM_OP_LOGICAL_NOT ? first : draw_condition(d, tensor));
}

/* SELECT broadcasts nothing. */
static void draw_select(struct tflite_draw *d, const struct tflite_draw_row *row) {
    uint32_t tensor = draw_comparable(d, row->types), condition = draw_condition(d, tensor);
    struct qm_shape shape = qm_graph_shape(&d->tensors[tensor]);
    uint32_t other = row->code == TFLITE_SELECT ? tensor : draw_other(d, tensor, false), out = tflite_draw_like(d, tensor, &shape);
    if (row->code == TFLITE_SELECT) tflite_draw_input(d, other = tflite_draw_like(d, tensor, &shape));
    bool turned = tflite_draw_chance(d, 50);
    tflite_draw_op(d, row);
    tflite_draw_takes(d, condition);
    tflite_draw_takes(d, turned ? other : tensor);
    tflite_draw_takes(d, turned ? tensor : other);
    tflite_draw_gives(d, out);
}

/* clang-format off */
const struct tflite_draw_row tflite_draw_compares[] = {
    {TFLITE_EQUAL,         OPTIONS_EQUAL,         QM_OP_EQUAL,         DRAW_ANY, draw_comparison},
    {TFLITE_NOT_EQUAL,     OPTIONS_NOT_EQUAL,     QM_OP_NOT_EQUAL,     DRAW_ANY, draw_comparison},
    {TFLITE_GREATER,       OPTIONS_GREATER,       QM_OP_GREATER,       DRAW_ANY, draw_comparison},
    {TFLITE_GREATER_EQUAL, OPTIONS_GREATER_EQUAL, QM_OP_GREATER_EQUAL, DRAW_ANY, draw_comparison},
    {TFLITE_LESS,          OPTIONS_LESS,          QM_OP_LESS,          DRAW_ANY, draw_comparison},
    {TFLITE_LESS_EQUAL,    OPTIONS_LESS_EQUAL,    QM_OP_LESS_EQUAL,    DRAW_ANY, draw_comparison},
    {TFLITE_LOGICAL_AND,   OPTIONS_LOGICAL_AND,   QM_OP_LOGICAL_AND,   DRAW_ANY, draw_logic},
    {TFLITE_LOGICAL_OR,    OPTIONS_LOGICAL_OR,    QM_OP_LOGICAL_OR,    DRAW_ANY, draw_logic},
    {TFLITE_LOGICAL_NOT,   OPTIONS_LOGICAL_NOT,   QM_OP_LOGICAL_NOT,   DRAW_ANY, draw_logic},
    {TFLITE_SELECT,        OPTIONS_SELECT,        QM_OP_SELECT,        DRAW_BYTES, draw_select},
    {TFLITE_SELECT_V2,     OPTIONS_SELECT_V2,     QM_OP_SELECT,        DRAW_ANY, draw_select},
    {.draw = NULL},
};
/* clang-format on */
