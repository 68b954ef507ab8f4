/* functions.c - functions of one number: what each computes, and whether a larger number never gives a smaller result. */
#include <math.h>

#include "evaluate/evaluate.h"

static double clip(const struct qm_graph_op *op, double x) {
    return x < op->low ? op->low : x > op->high ? op->high : x;
}

static double leaky_relu(const struct qm_graph_op *op, double x) {
    return x < 0 ? x * (double)op->alpha : x;
}

static double logistic(const struct qm_graph_op *op, double x) {
    (void)op;
    return 1 / (1 + exp(-x));
}

static double hard_swish(const struct qm_graph_op *op, double x) {
    (void)op;
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

static double sign(const struct qm_graph_op *op, double x) {
    (void)op;
    return x >= 0 ? 1 : -1;
}

static double elu(const struct qm_graph_op *op, double x) {
    return x < 0 ? (double)op->alpha * expm1(x) : x;
}

static double gelu(const struct qm_graph_op *op, double x) {
    static const double root_of_2_over_pi = 0.79788456080286535588;
    if (op->approximate) return x / 2 * (1 + tanh(root_of_2_over_pi * (x + 0.044715 * x * x * x)));
    return x / 2 * (1 + erf(x * M_SQRT1_2));
}

static double softplus(const struct qm_graph_op *op, double x) {
    (void)op;
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double softsign(const struct qm_graph_op *op, double x) {
    (void)op;
    return x / (1 + fabs(x));
}

static double mish(const struct qm_graph_op *op, double x) {
    return x * tanh(softplus(op, x));
}

static double square(const struct qm_graph_op *op, double x) {
    (void)op;
    return x * x;
}

static double reciprocal(const struct qm_graph_op *op, double x) {
    (void)op;
    return 1 / x;
}

static const struct {
    double (*of)(const struct qm_graph_op *op, double x); /* one that looks at the operator, or else one of math.h */
    double (*plain)(double x);
    bool rises;
} functions[QM_GRAPH_OP_KINDS] = {
    [QM_OP_FLOOR] = {.plain = floor, .rises = true},
    [QM_OP_CEIL] = {.plain = ceil, .rises = true},
    [QM_OP_ROUND] = {.plain = nearbyint, .rises = true},
    [QM_OP_TRUNCATE] = {.plain = trunc, .rises = true},
    [QM_OP_SIGN] = {.of = sign, .rises = true},
    [QM_OP_CLIP] = {.of = clip, .rises = true},
    [QM_OP_LEAKY_RELU] = {.of = leaky_relu},
    [QM_OP_LOGISTIC] = {.of = logistic, .rises = true},
    [QM_OP_TANH] = {.plain = tanh, .rises = true},
    [QM_OP_HARD_SWISH] = {.of = hard_swish},
    [QM_OP_ELU] = {.of = elu},
    [QM_OP_GELU] = {.of = gelu},
    [QM_OP_SOFTPLUS] = {.of = softplus, .rises = true},
    [QM_OP_SOFTSIGN] = {.of = softsign, .rises = true},
    [QM_OP_MISH] = {.of = mish},
    [QM_OP_EXP] = {.plain = exp, .rises = true},
    [QM_OP_LOG] = {.plain = log, .rises = true},
    [QM_OP_SQRT] = {.plain = sqrt, .rises = true},
    [QM_OP_ERF] = {.plain = erf, .rises = true},
    [QM_OP_ABS] = {.plain = fabs},
    [QM_OP_SQUARE] = {.of = square},
    [QM_OP_RECIPROCAL] = {.of = reciprocal},
};

bool evaluate_is_function(enum qm_graph_op_kind kind) {
    return functions[kind].of != NULL || functions[kind].plain != NULL;
}

bool evaluate_rises(enum qm_graph_op_kind kind) {
    return functions[kind].rises;
}

double evaluate_function(const struct qm_graph_op *op, double x) {
    if (functions[op->kind].plain != NULL) return functions[op->kind].plain(x);
    return functions[op->kind].of != NULL ? functions[op->kind].of(op, x) : NAN;
}
