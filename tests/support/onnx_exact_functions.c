/* onnx_exact_functions.c - see onnx_exact.h: what is computed element by element, of one operand, of two and of many. */
#include <math.h>
#include <string.h>

#include "tests/support/onnx_exact.h"

/* ---- of one number ---- */

static quad between(quad x, quad low, quad high) {
    return x < low ? low : x > high ? high : x;
}

static quad exponential(quad x) {
    return (quad)expl((long double)x);
}

static quad hyperbolic_tangent(quad x) {
    return (quad)tanhl((long double)x);
}

static quad relu(const struct exact_node *n, quad x) {
    (void)n;
    return x > 0 ? x : 0;
}

static quad clip(const struct exact_node *n, quad x) {
    if (n->in[1] != NULL && x < n->in[1]->values[0]) x = n->in[1]->values[0];
    return n->in[2] != NULL && x > n->in[2]->values[0] ? n->in[2]->values[0] : x;
}

static quad leaky_relu(const struct exact_node *n, quad x) {
    return x >= 0 ? x : x * (quad)exact_number(n, "alpha", (double)0.01F);
}

static quad sigmoid(const struct exact_node *n, quad x) {
    (void)n;
    return 1 / (1 + exponential(-x));
}

static quad tangent(const struct exact_node *n, quad x) {
    (void)n;
    return hyperbolic_tangent(x);
}

static quad hard_swish(const struct exact_node *n, quad x) {
    (void)n;
    return x * between(x / 6 + 0.5Q, 0, 1);
}

static quad hard_sigmoid(const struct exact_node *n, quad x) {
    return between((quad)exact_number(n, "alpha", (double)0.2F) * x + (quad)exact_number(n, "beta", 0.5), 0, 1);
}

static quad absolute(const struct exact_node *n, quad x) {
    (void)n;
    return exact_magnitude(x);
}

static quad negative(const struct exact_node *n, quad x) {
    (void)n;
    return -x;
}

static quad root(const struct exact_node *n, quad x) {
    (void)n;
    return (quad)sqrtl((long double)x);
}

static quad e_to(const struct exact_node *n, quad x) {
    (void)n;
    return exponential(x);
}

static quad logarithm(const struct exact_node *n, quad x) {
    (void)n;
    return (quad)logl((long double)x);
}

static quad reciprocal(const struct exact_node *n, quad x) {
    (void)n;
    return 1 / x;
}

static quad error_function(const struct exact_node *n, quad x) {
    (void)n;
    return (quad)erfl((long double)x);
}

static quad elu(const struct exact_node *n, quad x) {
    return x < 0 ? (quad)exact_number(n, "alpha", 1) * (exponential(x) - 1) : x;
}

static quad selu(const struct exact_node *n, quad x) {
    quad alpha = (quad)exact_number(n, "alpha", (double)1.67326319217681884765625F);
    quad gamma = (quad)exact_number(n, "gamma", (double)1.05070102214813232421875F);
    return gamma * (x > 0 ? x : alpha * exponential(x) - alpha);
}

static quad celu(const struct exact_node *n, quad x) {
    quad alpha = (quad)exact_number(n, "alpha", 1);
    return x < 0 ? alpha * (exponential(x / alpha) - 1) : x;
}

static quad gelu(const struct exact_node *n, quad x) {
    const Onnx__AttributeProto *how = exact_attribute(n, "approximate");
    bool by_tangent = how != NULL && strncmp((const char *)how->s.data, "tanh", strlen("tanh")) == 0;
    if (!by_tangent) return 0.5Q * x * (1 + (quad)erfl((long double)x / sqrtl(2)));
    return 0.5Q * x * (1 + hyperbolic_tangent((quad)sqrtl(2 / acosl(-1)) * (x + 0.044715Q * x * x * x)));
}

static quad softplus(const struct exact_node *n, quad x) {
    (void)n;
    return (x > 0 ? x : 0) + (quad)log1pl(expl((long double)(x > 0 ? -x : x)));
}

static quad softsign(const struct exact_node *n, quad x) {
    (void)n;
    return x / (1 + exact_magnitude(x));
}

static quad mish(const struct exact_node *n, quad x) {
    return x * hyperbolic_tangent(softplus(n, x));
}

static quad same(const struct exact_node *n, quad x) {
    (void)n;
    return x;
}

static const struct function {
    const char *op;
    quad (*of)(const struct exact_node *n, quad x);
    bool keeps; /* what is not known of x exactly is not known of the result */
} functions[] = {{"Relu", relu, true},
                 {"Clip", clip, true},
                 {"LeakyRelu", leaky_relu, true},
                 {"Sigmoid", sigmoid, false},
                 {"Tanh", tangent, false},
                 {"HardSwish", hard_swish, false},
                 {"HardSigmoid", hard_sigmoid, false},
                 {"Identity", same, true},
                 {"Abs", absolute, true},
                 {"Neg", negative, true},
                 {"Sqrt", root, false},
                 {"Exp", e_to, false},
                 {"Log", logarithm, false},
                 {"Reciprocal", reciprocal, false},
                 {"Erf", error_function, false},
                 {"Elu", elu, false},
                 {"Selu", selu, false},
                 {"Celu", celu, false},
                 {"Gelu", gelu, false},
                 {"Softplus", softplus, false},
                 {"Softsign", softsign, false},
                 {"Mish", mish, false}};

static const struct function *function_of(const struct exact_node *n) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (exact_is(n, functions[i].op)) return &functions[i];
    return NULL;
}

bool exact_is_function(const struct exact_node *n) {
    return function_of(n) != NULL;
}

/* Far from 0 some are differences of numbers that are nearly equal, which doubles know no better than this share of x. */
#define CANCELLED 1e-9Q

struct exact_tensor exact_function(const struct exact_node *n, const struct exact_tensor *x) {
    const struct function *function = function_of(n);
    struct exact_tensor out = exact_shaped(n, x->rank, x->dims);
    out.type = x->type;
    out.largest = (function->keeps ? 1 : CANCELLED) * x->largest;
    for (size_t i = 0; i < out.count; i++) {
        out.values[i] = function->of(n, x->values[i]);
        if (exact_magnitude(out.values[i]) > out.largest) out.largest = exact_magnitude(out.values[i]);
    }
    return out;
}

void exact_unary(const struct exact_node *n) {
    exact_put(n, 0, exact_function(n, n->in[0]));
}

/* ---- whole numbers ---- */

/* x without its fraction: down, or toward zero. */
static quad cut_down(quad x, bool toward_zero) {
    quad whole = (quad)(int64_t)x;
    return whole > x && !toward_zero ? whole - 1 : whole;
}

/* What Floor or a Cast to integers leaves of x: one below where x lies just above, and the other way around, unless it is whole. */
static struct exact_nearest floor_of(quad x, bool toward_zero) {
    quad below = cut_down(x - ONNX_EXACT_TIE, toward_zero), above = cut_down(x + ONNX_EXACT_TIE, toward_zero);
    quad exactly = cut_down(x, toward_zero), other = below != exactly ? below : above;
    bool whole = x == exactly;
    return (struct exact_nearest){(double)exactly, (double)(whole ? exactly : other), x};
}

static bool is_integer(int32_t type) {
    return type == 2 || type == 3 || type == 6 || type == 7;
}

void exact_whole(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    struct exact_tensor out = exact_shaped(n, x->rank, x->dims);
    if (exact_is(n, "Cast")) out.type = (int32_t)exact_number(n, "to", 1);
    bool to_integers = exact_is(n, "Cast") && is_integer(out.type) && !is_integer(x->type);
    for (size_t i = 0; i < out.count; i++) {
        quad value = x->values[i];
        struct exact_nearest whole = exact_is(n, "Round") ? exact_nearest_to(value) : floor_of(value, to_integers);
        bool kept = exact_is(n, "Cast") && !to_integers;
        out.values[i] = kept ? value : (quad)exact_settle(n->run, n->source->output[0], i, whole);
    }
    exact_put(n, 0, out);
}

/* In the mode of a Quant. */
static struct exact_nearest whole_of(const struct exact_node *n, quad x) {
    const Onnx__AttributeProto *mode = exact_attribute(n, "rounding_mode");
    char first = (char)mode->s.data[0];
    if (first == 'R' || first == 'H') return exact_nearest_to(x); /* ROUND, HALF_EVEN */
    if (first == 'F' || first == 'D') return floor_of(x, first == 'D');
    struct exact_nearest turned = floor_of(-x, false);
    return (struct exact_nearest){-turned.even, -turned.other, x};
}

/* The integers of a Quant have no name: where one lies at an edge, nobody says which one it is. */
void exact_quant(const struct exact_node *n) {
    const struct exact_tensor *x = n->in[0];
    struct exact_tensor out = exact_shaped(n, x->rank, x->dims);
    bool is_signed = exact_number(n, "signed", 1) != 0, narrow = exact_number(n, "narrow", 0) != 0;
    double span = exp2((double)n->in[3]->values[0]), low = is_signed ? -span / 2 + narrow : 0;
    double high = is_signed ? span / 2 - 1 : span - 1 - narrow;
    quad scale = n->in[1]->values[0], zero = n->in[2]->values[0];
    for (size_t i = 0; i < x->count; i++) {
        struct exact_nearest whole = whole_of(n, x->values[i] / scale + zero);
        whole.even = fmin(fmax(whole.even, low), high);
        whole.other = fmin(fmax(whole.other, low), high);
        out.values[i] = ((quad)exact_settle(n->run, "", i, whole) - zero) * scale;
    }
    exact_put(n, 0, out);
}

/* ---- of two ---- */

static struct exact_tensor broadcast_shape(const struct exact_node *n, const struct exact_tensor *a, const struct exact_tensor *b) {
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    size_t dims[NUMBERS_RANK_MAX];
    for (uint32_t d = 0; d < rank; d++) {
        size_t of_a = d < a->rank ? a->dims[a->rank - 1 - d] : 1, of_b = d < b->rank ? b->dims[b->rank - 1 - d] : 1;
        dims[rank - 1 - d] = of_a > of_b ? of_a : of_b;
    }
    return exact_shaped(n, rank, dims);
}

size_t exact_broadcast(const struct exact_tensor *t, const struct exact_tensor *out, size_t i) {
    size_t at = 0, step = 1;
    for (uint32_t d = 0; d < t->rank; d++) {
        size_t extent = out->dims[out->rank - 1 - d], own = t->dims[t->rank - 1 - d];
        if (own > 1) at += step * (i % extent);
        step *= own;
        i /= extent;
    }
    return at;
}

static quad power(quad x, quad y) {
    if (y == 2) return x * x;
    if (y == 3) return x * x * x;
    return (quad)powl((long double)x, (long double)y);
}

static quad of_two(char kind, quad x, quad y) {
    switch (kind) {
    case '+': return x + y;
    case '-': return x - y;
    case '*': return x * y;
    case '/': return x / y;
    case '^': return power(x, y);
    case '<': return x < y ? x : y;
    case '>': return x > y ? x : y;
    default: return x >= 0 ? x : x * y;
    }
}

static struct exact_tensor combined(const struct exact_node *n, const struct exact_tensor *a, const struct exact_tensor *b, char kind) {
    struct exact_tensor out = broadcast_shape(n, a, b);
    quad smallest = 0;
    for (size_t i = 0; i < out.count; i++) {
        quad x = a->values[exact_broadcast(a, &out, i)], y = b->values[exact_broadcast(b, &out, i)];
        out.values[i] = of_two(kind, x, y);
        if (smallest == 0 || exact_magnitude(y) < smallest) smallest = exact_magnitude(y);
    }
    if (kind == '+' || kind == '-') out.largest = a->largest > b->largest ? a->largest : b->largest;
    if (kind == '*' || kind == 'p') out.largest = a->largest * b->largest;
    if (kind == '/') out.largest = a->largest / smallest;
    return out;
}

static char kind_of(const struct exact_node *n) {
    static const struct {
        const char *op;
        char kind;
    } kinds[] = {{"Add", '+'},   {"Sub", '-'}, {"Mul", '*'}, {"Div", '/'}, {"Pow", '^'},
                 {"PRelu", 'p'}, {"Min", '<'}, {"Max", '>'}, {"Sum", '+'}};
    size_t i = 0;
    while (!exact_is(n, kinds[i].op)) i++;
    return kinds[i].kind;
}

void exact_binary(const struct exact_node *n) {
    struct exact_tensor result = *n->in[0];
    for (size_t i = 1; i < n->source->n_input; i++) result = combined(n, &result, n->in[i], kind_of(n));
    exact_put(n, 0, result);
}

void exact_qlinear_binary(const struct exact_node *n) {
    struct exact_tensor a = exact_dequantized(n, n->in[0], n->in[1], n->in[2], 0);
    struct exact_tensor b = exact_dequantized(n, n->in[3], n->in[4], n->in[5], 0);
    struct exact_tensor result = combined(n, &a, &b, kind_of(n));
    exact_put_quantized(n, &result, &(struct exact_quantizer){n->in[6], n->in[7], 0, n->in[0]->type});
}

void exact_batch_normalization(const struct exact_node *n) {
    struct exact_tensor out = exact_shaped(n, n->in[0]->rank, n->in[0]->dims);
    size_t inner = 1;
    quad epsilon = (quad)exact_number(n, "epsilon", (double)1e-5F);
    for (uint32_t d = 2; d < out.rank; d++) inner *= out.dims[d];
    for (size_t i = 0; i < out.count; i++) {
        size_t c = i / inner % out.dims[1];
        quad slope = n->in[1]->values[c] / (quad)sqrtl((long double)(n->in[4]->values[c] + epsilon));
        out.values[i] = (n->in[0]->values[i] - n->in[3]->values[c]) * slope + n->in[2]->values[c];
        quad part = exact_magnitude(n->in[3]->values[c] * slope) + exact_magnitude(n->in[2]->values[c]) +
                    n->in[0]->largest * exact_magnitude(slope);
        if (part > out.largest) out.largest = part;
    }
    exact_put(n, 0, out);
}
