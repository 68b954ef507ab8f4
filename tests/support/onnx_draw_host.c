/* onnx_draw_host.c - see onnx_draw.h: stretches of real numbers that the machine has no exact form for, which the host computes.
 *
 * A stretch is what lies between quantizers. The machine takes functions of a byte, sums by weights and moves; here are operators of two
 * computed tensors, functions of sums, a tensor that two stretches read, whole numbers that are made between, and floats of the network
 * that are computed with before they are quantized.
 */
#include <math.h>

#include "tests/support/onnx_draw.h"

enum { FLOAT = 1, INT32 = 6, INT64 = 7, PRODUCTS_MAX = 40000 };

static const char *two(struct onnx_draw *d, const char *a, const char *b) {
    return qm_arena_printf(d->b.arena, "%s %s", a, b);
}

/* Whether products of such numbers stay far from the ends of float32, however many steps there are. */
static bool is_moderate(double spread) {
    return spread > 1e-3 && spread < 1e3;
}

/* a and b, of shapes that fit, by an operator of two. */
static void combine(struct onnx_draw *d, const struct onnx_draw_value *a, const struct onnx_draw_value *b, struct onnx_draw_value *y) {
    static const char *const ops[] = {"Mul", "Mul", "Mul", "Add", "Sub", "Div", "Pow"};
    bool moderate = is_moderate(a->spread) && is_moderate(b->spread);
    const char *op = moderate ? ops[onnx_draw_below(d, 7)] : "Sub", *left = a->name, *right = b->name;
    y->spread = op[0] == 'M' ? a->spread * b->spread : fmax(a->spread, b->spread);
    if (op[0] == 'D') {
        right = onnx_draw_positive(d, right, b->spread * 0.3, b->spread * 3);
        y->spread = a->spread / b->spread;
    } else if (op[0] == 'P') {
        left = onnx_draw_positive(d, left, a->spread * 0.2, a->spread * 2);
        right = onnx_draw_positive(d, right, 0.5, 2);
        y->spread = fmax(a->spread, a->spread * a->spread);
    }
    onnx_draw_node(d, op, two(d, left, right), &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "%s-computed", op));
    y->unit = 0;
    y->quant = NULL;
}

/* ---- a function and its argument ---- */

static struct onnx_draw_value function_of(struct onnx_draw *d, const struct onnx_draw_value *x) {
    static const char *const ops[] = {"Sigmoid", "Tanh", "HardSigmoid", "LeakyRelu"};
    const char *op = ops[onnx_draw_below(d, 4)];
    struct onnx_draw_value y = *x;
    onnx_draw_node(d, op, x->name, &y.name);
    onnx_draw_note(d, op);
    y.spread = op[0] == 'L' ? x->spread : 0.7;
    return y;
}

/* A move of x, or x itself. */
static struct onnx_draw_value moved(struct onnx_draw *d, const struct onnx_draw_value *x) {
    static onnx_draw_step *const moves[] = {onnx_draw_pool,      onnx_draw_split,   onnx_draw_concat, onnx_draw_resize,
                                            onnx_draw_transpose, onnx_draw_reshape, onnx_draw_slice,  onnx_draw_pad};
    struct onnx_draw_value y = {.shape = x->shape, .spread = x->spread};
    return moves[onnx_draw_below(d, 8)](d, x, &y) ? y : *x;
}

/* x times a function of x, and the like; both are perhaps behind one move. */
bool onnx_draw_gate(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct onnx_draw_value argument = onnx_draw_chance(d, 70) ? moved(d, x) : *x;
    struct onnx_draw_value function = function_of(d, &argument);
    *y = argument;
    if (onnx_draw_chance(d, 50))
        combine(d, &argument, &function, y);
    else
        combine(d, &function, &argument, y);
    return true;
}

/* One half times a function of the other. */
bool onnx_draw_halves(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t axis = 1 + onnx_draw_below(d, x->shape.rank - 1);
    if (x->shape.dims[axis] % 2 != 0) return false;
    struct onnx_draw_value halves[2] = {*x, *x};
    int64_t half = x->shape.dims[axis] / 2;
    for (int i = 0; i < 2; i++) {
        halves[i].name = onnx_draw_name(d, "t");
        halves[i].shape.dims[axis] = half;
    }
    bool counted = d->opset >= 18 && onnx_draw_chance(d, 50);
    const char *operands = counted ? x->name : two(d, x->name, onnx_draw_list(d, 2, (int64_t[]){half, half}));
    Onnx__NodeProto *node = onnx_build_node(&d->b, "Split", operands, two(d, halves[0].name, halves[1].name));
    onnx_build_int(&d->b, node, "axis", axis);
    if (counted) onnx_build_int(&d->b, node, "num_outputs", 2);
    onnx_draw_note(d, "Split");
    struct onnx_draw_value function = function_of(d, &halves[1]);
    *y = halves[0];
    combine(d, &halves[0], &function, y);
    return true;
}

/* ---- a tensor and its transposition ---- */

/* Two dimensions of the same extent, behind the first. */
static bool find_square(const struct onnx_build_shape *shape, int64_t order[6]) {
    for (uint32_t i = 0; i < shape->rank; i++) order[i] = i;
    for (uint32_t i = 1; i < shape->rank; i++)
        for (uint32_t k = i + 1; k < shape->rank; k++)
            if (shape->dims[i] > 1 && shape->dims[i] == shape->dims[k]) {
                order[i] = k;
                order[k] = i;
                return true;
            }
    return false;
}

bool onnx_draw_turned(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    int64_t order[6];
    struct onnx_draw_value turned = *x;
    if (!find_square(&x->shape, order)) return false;
    onnx_build_ints(&d->b, onnx_draw_node(d, "Transpose", x->name, &turned.name), "perm", x->shape.rank, order);
    onnx_draw_note(d, "Transpose");
    if (onnx_draw_chance(d, 30)) turned = function_of(d, &turned);
    *y = *x;
    if (onnx_draw_chance(d, 50))
        combine(d, x, &turned, y);
    else
        combine(d, &turned, x, y);
    return true;
}

/* The product of a matrix and its transposition, in each of a stack. */
bool onnx_draw_square(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t rank = x->shape.rank;
    int64_t order[6], rows = x->shape.dims[rank - 2], depth = x->shape.dims[rank - 1];
    const char *turned;
    if (!is_moderate(x->spread) || onnx_draw_elements(&x->shape) * (size_t)rows > PRODUCTS_MAX) return false;
    for (uint32_t i = 0; i < rank; i++) order[i] = i;
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    onnx_build_ints(&d->b, onnx_draw_node(d, "Transpose", x->name, &turned), "perm", rank, order);
    onnx_draw_node(d, "MatMul", two(d, x->name, turned), &y->name);
    y->shape.dims[rank - 1] = rows;
    y->spread = x->spread * x->spread * sqrt((double)depth);
    onnx_draw_note(d, "MatMul-turned");
    return true;
}

/* ---- two computed tensors ---- */

/* A matrix, or a stack of them, that fits behind x: another tensor of the network is taken when there is one, else an input. */
bool onnx_draw_product(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t rank = x->shape.rank, columns = 1 + onnx_draw_below(d, 8);
    bool matrix = rank > 2 && onnx_draw_chance(d, 30);
    struct onnx_build_shape shape = x->shape;
    if (matrix) shape = (struct onnx_build_shape){2, {0}};
    shape.dims[shape.rank - 2] = x->shape.dims[rank - 1];
    shape.dims[shape.rank - 1] = columns;
    for (uint32_t i = 0; i + 2 < shape.rank; i++) shape.dims[i] = onnx_draw_chance(d, 10) ? 1 : shape.dims[i];
    if (!is_moderate(x->spread) || onnx_draw_elements(&x->shape) * columns > PRODUCTS_MAX) return false;
    const struct onnx_draw_flow *flow = onnx_draw_other_flow(d, &shape, x->quant, 0);
    if (flow == NULL) return false;
    struct onnx_draw_value other = onnx_draw_dequantize(d, flow);
    if (onnx_draw_chance(d, 20)) other = function_of(d, &other);
    onnx_draw_node(d, "MatMul", two(d, x->name, other.name), &y->name);
    onnx_draw_note(d, "MatMul-computed");
    y->shape.dims[rank - 1] = columns;
    y->spread = x->spread * other.spread * sqrt((double)x->shape.dims[rank - 1]);
    return true;
}

bool onnx_draw_computed(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    const struct onnx_draw_flow *flow = onnx_draw_other_flow(d, &x->shape, x->quant, 0);
    if (flow == NULL) return false;
    struct onnx_draw_value other = onnx_draw_dequantize(d, flow);
    if (onnx_draw_chance(d, 50)) other = function_of(d, &other);
    combine(d, x, &other, y);
    return true;
}

/* Two stretches read x; between one of them and their sum is a quantizer. */
bool onnx_draw_fork(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    struct onnx_draw_value first = *x, second;
    const char *scaled = onnx_draw_number(d, onnx_draw_magnitude(d, 0.2, 3));
    onnx_draw_node(d, "Mul", two(d, x->name, scaled), &first.name);
    onnx_draw_note(d, "Mul-number");
    first.quant = NULL;
    if (onnx_draw_chance(d, 50)) first = function_of(d, &first);
    struct onnx_draw_value back = onnx_draw_dequantize(d, onnx_draw_quantize(d, &first, NULL));
    second = function_of(d, x);
    combine(d, &back, &second, y);
    return true;
}

bool onnx_draw_power(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const double exponents[] = {2, 2, 3, 0.5, 1.5, -1};
    double exponent = exponents[onnx_draw_below(d, 6)];
    bool whole = exponent > 1.6;
    if (!is_moderate(x->spread)) return false;
    const char *base = whole ? x->name : onnx_draw_positive(d, x->name, x->spread * 0.2, x->spread * 3);
    onnx_draw_node(d, "Pow", two(d, base, onnx_draw_number(d, exponent)), &y->name);
    onnx_draw_note(d, "Pow");
    y->spread = pow(x->spread, exponent);
    return true;
}

/* ---- whole numbers ---- */

/* Slopes of both signs below 0, and then Round or Floor of numbers of some size. */
bool onnx_draw_leak_whole(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    const char *grown, *leaked;
    double factor = onnx_draw_magnitude(d, 5, 60) / x->spread;
    if (onnx_draw_chance(d, 60)) factor = exp2(nearbyint(log2(factor)));
    onnx_draw_node(d, "Mul", two(d, x->name, onnx_draw_number(d, factor)), &grown);
    if (onnx_draw_chance(d, 50)) {
        onnx_build_float(&d->b, onnx_draw_node(d, "LeakyRelu", grown, &leaked), "alpha", (float)-onnx_draw_magnitude(d, 0.1, 1));
    } else {
        struct onnx_build_shape shape = {x->shape.rank - 1, {x->shape.dims[1]}};
        double *slopes = QM_ARENA_NEW(d->b.arena, double, (size_t)shape.dims[0]);
        for (uint32_t i = 1; i < shape.rank; i++) shape.dims[i] = 1;
        for (int64_t c = 0; c < shape.dims[0]; c++) slopes[c] = (onnx_draw_chance(d, 50) ? -1 : 1) * onnx_draw_magnitude(d, 0.1, 1);
        onnx_draw_node(d, "PRelu", two(d, grown, onnx_draw_constant(d, shape, slopes)), &leaked);
    }
    const char *op = onnx_draw_chance(d, 50) ? "Round" : "Floor";
    onnx_draw_node(d, op, leaked, &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "Leak-%s", op));
    y->spread = factor * x->spread;
    y->unit = 1;
    return true;
}

/* Numbers of some size, without their fractions; or x as it is. */
bool onnx_draw_cut(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    const char *grown = x->name, *whole;
    bool grows = x->spread < 2 || onnx_draw_chance(d, 50);
    double factor = grows ? onnx_draw_magnitude(d, 5, 60) / x->spread : 1;
    if (grows && onnx_draw_chance(d, 60)) factor = exp2(nearbyint(log2(factor)));
    if (grows) onnx_draw_node(d, "Mul", two(d, x->name, onnx_draw_number(d, factor)), &grown);
    onnx_build_int(&d->b, onnx_draw_node(d, "Cast", grown, &whole), "to", onnx_draw_chance(d, 50) ? INT32 : INT64);
    onnx_build_int(&d->b, onnx_draw_node(d, "Cast", whole, &y->name), "to", FLOAT);
    onnx_draw_note(d, "Cast-back");
    y->spread = factor * x->spread;
    y->unit = 1;
    return true;
}

/* A Quant of QONNX, in any mode, of scales that seldom meet the edge between two integers. */
bool onnx_draw_quant_node(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    static const char *const modes[] = {"ROUND", "HALF_EVEN", "FLOOR", "CEIL", "DOWN"};
    uint32_t bits = onnx_draw_chance(d, 20) ? 2 + onnx_draw_below(d, 2) : 4 + onnx_draw_below(d, 5), span = 1U << bits;
    bool is_signed = onnx_draw_chance(d, 60), narrow = onnx_draw_chance(d, 30);
    double scale = x->spread * onnx_draw_magnitude(d, 0.7, 4) * 2 / span, low = is_signed ? -(double)(span / 2) : 0;
    double zero = onnx_draw_chance(d, 50) ? 0 : low + 1 + onnx_draw_below(d, span - 2);
    const char *mode = modes[onnx_draw_below(d, 5)], *numbers = two(d, onnx_draw_number(d, scale), onnx_draw_number(d, zero));
    Onnx__NodeProto *node = onnx_draw_node(d, "Quant", two(d, x->name, two(d, numbers, onnx_draw_number(d, bits))), &y->name);
    node->domain = "qonnx.custom_op.general";
    onnx_build_int(&d->b, node, "signed", is_signed);
    onnx_build_int(&d->b, node, "narrow", narrow);
    onnx_build_string(&d->b, node, "rounding_mode", mode);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "Quant-%s", mode));
    y->unit = (double)(float)scale;
    return true;
}

/* ---- constants with more dimensions than what they meet ---- */

bool onnx_draw_higher(struct onnx_draw *d, const struct onnx_draw_value *x, struct onnx_draw_value *y) {
    uint32_t more = 1 + onnx_draw_below(d, 2);
    if (x->shape.rank + more > 6) return false;
    struct onnx_draw_value in = moved(d, x);
    struct onnx_build_shape shape = {in.shape.rank + more, {0}};
    for (uint32_t i = 0; i < shape.rank; i++) shape.dims[i] = 1;
    if (onnx_draw_chance(d, 30)) shape.dims[shape.rank - 1] = in.shape.dims[in.shape.rank - 1];
    size_t count = onnx_draw_elements(&shape);
    double *values = QM_ARENA_NEW(d->b.arena, double, count);
    for (size_t i = 0; i < count; i++) values[i] = onnx_draw_between(d, 0.5, 2);
    const char *op = onnx_draw_chance(d, 50) ? "Add" : "Mul", *constant = onnx_draw_constant(d, shape, values);
    onnx_draw_node(d, op, onnx_draw_chance(d, 50) ? two(d, in.name, constant) : two(d, constant, in.name), &y->name);
    onnx_draw_note(d, qm_arena_printf(d->b.arena, "%s-higher", op));
    y->shape = shape;
    for (uint32_t i = more; i < shape.rank; i++) y->shape.dims[i] = in.shape.dims[i - more];
    y->spread = in.spread * 2;
    return true;
}

/* ---- the tables ---- */

const struct onnx_draw_steps onnx_draw_host_steps[] = {{onnx_draw_gate, 30},  {onnx_draw_halves, 10},  {onnx_draw_turned, 14},
                                                       {onnx_draw_square, 8}, {onnx_draw_product, 12}, {onnx_draw_computed, 10},
                                                       {onnx_draw_fork, 10},  {onnx_draw_power, 8},    {onnx_draw_leak_whole, 10},
                                                       {onnx_draw_cut, 8},    {onnx_draw_higher, 10},  {NULL, 0}};
const struct onnx_draw_steps onnx_draw_further_steps[] = {{onnx_draw_function, 16},
                                                          {onnx_draw_partial_function, 10},
                                                          {onnx_draw_several, 10},
                                                          {onnx_draw_reduce, 14},
                                                          {onnx_draw_find, 4},
                                                          {onnx_draw_global_max, 4},
                                                          {onnx_draw_softmax, 12},
                                                          {onnx_draw_layer_normalization, 8},
                                                          {onnx_draw_instance_normalization, 6},
                                                          {onnx_draw_gather, 8},
                                                          {onnx_draw_tile, 5},
                                                          {onnx_draw_expand, 6},
                                                          {onnx_draw_unsqueeze, 4},
                                                          {onnx_draw_blocks, 16},
                                                          {onnx_draw_mirror, 6},
                                                          {onnx_draw_slice_down, 6},
                                                          {onnx_draw_resize_any, 12},
                                                          {onnx_draw_conv_transpose, 16},
                                                          {onnx_draw_vectors, 14},
                                                          {NULL, 0}};
