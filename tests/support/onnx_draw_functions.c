/* onnx_draw_functions.c - see onnx_draw.h: functions of one number, and the smallest, the largest or the sum of several tensors. */
#include <math.h>

#include "tests/support/onnx_draw.h"

enum { FLOAT = 1 };

const char *onnx_draw_number(struct onnx_draw *d, double value) {
    const char *name = onnx_draw_name(d, "c");
    onnx_build_constant(&d->b, name, FLOAT, (struct onnx_build_shape){0, {0}}, &value);
    return name;
}

const char *onnx_draw_positive(struct onnx_draw *d, const char *x, double low, double high) {
    const char *name;
    onnx_draw_node(d, "Clip", qm_arena_printf(d->b.arena, "%s %s %s", x, onnx_draw_number(d, low), onnx_draw_number(d, high)), &name);
    return name;
}

/* Functions that all numbers have. */
static const struct {
    const char *op;
    uint32_t opset; /* from which on it is there */
    bool alpha;     /* an attribute */
    double spread;  /* of what it gives; 0: that of x */
} functions[] = {{"Abs", 13, false, 0},        {"Neg", 13, false, 0}, {"Erf", 13, false, 0.7}, {"Elu", 13, true, 0},
                 {"Selu", 13, true, 0},        {"Celu", 13, true, 0}, {"Gelu", 20, false, 0},  {"Softplus", 13, false, 0},
                 {"Softsign", 13, false, 0.6}, {"Mish", 18, false, 0}};

bool onnx_draw_function(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t which = onnx_draw_below(d, sizeof functions / sizeof *functions);
    if (d->opset < functions[which].opset) return false;
    Onnx__NodeProto *node = onnx_draw_node(d, functions[which].op, x->name, &y->name);
    if (functions[which].alpha && onnx_draw_chance(d, 60)) onnx_build_float(&d->b, node, "alpha", (float)onnx_draw_magnitude(d, 0.2, 3));
    if (functions[which].op[0] == 'G' && onnx_draw_chance(d, 50)) onnx_build_string(&d->b, node, "approximate", "tanh");
    onnx_draw_note(d, functions[which].op);
    y->spread = functions[which].spread != 0 ? functions[which].spread : x->spread;
    return true;
}

/* Functions of numbers above 0, or of moderate ones. */
bool onnx_draw_partial_function(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const ops[] = {"Sqrt", "Log", "Reciprocal", "Exp", "Div"};
    const char *op = ops[onnx_draw_below(d, 5)];
    bool moderate = x->spread > 0.01 && x->spread < 4;
    if (op[0] == 'E' && !moderate) return false;
    const char *in = op[0] == 'E' ? x->name : onnx_draw_positive(d, x->name, x->spread * 0.1, x->spread * 3);
    if (op[0] == 'D') in = qm_arena_printf(d->b.arena, "%s %s", onnx_draw_number(d, x->spread * onnx_draw_magnitude(d, 0.3, 3)), in);
    onnx_draw_node(d, op, in, &y->name);
    onnx_draw_note(d, op[0] == 'D' ? "Div-of-number" : op);
    y->spread = op[0] == 'S' ? sqrt(x->spread) : op[0] == 'L' ? fabs(log(x->spread)) + 1 : op[0] == 'E' ? exp(x->spread) : 1;
    if (op[0] == 'R') y->spread = 1 / x->spread;
    return true;
}

/* A number, one for each place along the last dimension, or another tensor of the network. */
static const char *operand(struct onnx_draw *d, const struct onnx_draw_value *x) {
    bool last = onnx_draw_chance(d, 40);
    struct onnx_build_shape shape = {last, {x->shape.dims[x->shape.rank - 1]}};
    const struct onnx_draw_flow *flow = onnx_draw_chance(d, 50) ? onnx_draw_other_flow(d, &x->shape, x->quant, 0) : NULL;
    if (flow != NULL) return onnx_draw_dequantize(d, flow).name;
    double *values = QM_ARENA_NEW(d->b.arena, double, onnx_draw_elements(&shape));
    for (size_t i = 0; i < onnx_draw_elements(&shape); i++) values[i] = onnx_draw_between(d, -0.5, 0.5) * x->spread;
    return onnx_draw_constant(d, shape, values);
}

bool onnx_draw_several(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const ops[] = {"Min", "Max", "Sum"};
    const char *op = ops[onnx_draw_below(d, 3)], *names = x->name;
    uint32_t more = 1 + onnx_draw_below(d, 2);
    for (uint32_t i = 0; i < more; i++)
        names = onnx_draw_chance(d, 70) ? qm_arena_printf(d->b.arena, "%s %s", names, operand(d, x))
                                        : qm_arena_printf(d->b.arena, "%s %s", operand(d, x), names);
    uint32_t rounds = onnx_draw_rounds(d, onnx_draw_elements(&x->shape));
    names = onnx_draw_again(d, names, rounds);
    if (op[0] == 'S') y->spread = x->spread * rounds;
    onnx_draw_node(d, op, names, &y->name);
    onnx_draw_note(d, op);
    return true;
}

bool onnx_draw_relu(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    onnx_draw_node(d, "Relu", x->name, &y->name);
    onnx_draw_note(d, "Relu");
    y->unit = x->unit;
    return true;
}

bool onnx_draw_curve(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const ops[] = {"Sigmoid", "Tanh", "HardSigmoid", "HardSwish"};
    uint32_t which = onnx_draw_below(d, 4);
    if (which == 3 && d->opset < 14) return false;
    Onnx__NodeProto *node = onnx_draw_node(d, ops[which], x->name, &y->name);
    if (which == 2 && onnx_draw_chance(d, 50)) onnx_build_float(&d->b, node, "alpha", 1.0F / 6);
    y->spread = which == 3 ? x->spread : 0.7;
    onnx_draw_note(d, ops[which]);
    return true;
}
