/* functions.c - functions of one number that are neither arithmetic nor clips; smallest and largest of several tensors. */
#include <math.h>
#include <string.h>

#include "compiler/frontend/onnx/onnx.h"

static uint32_t emit_function(const struct onnx_node *n, enum qm_graph_op_kind kind, uint32_t in, double alpha) {
    if (!isfinite(alpha)) return onnx_refuse(n, "has alpha %g", alpha), QM_NO_TENSOR;
    struct qm_graph_op op = onnx_op(n, kind, in);
    op.alpha = (float)alpha;
    return onnx_emit_same(n, &op);
}

static bool put_function(const struct onnx_node *n, enum qm_graph_op_kind kind) {
    return onnx_put(n, emit_function(n, kind, n->inputs[0], 0));
}

bool onnx_function(const struct onnx_node *n) {
    return put_function(n, n->kinds[0]);
}

bool onnx_neg(const struct onnx_node *n) {
    return onnx_put(n, onnx_emit_with(n, QM_OP_MUL, n->inputs[0], 1, &(double){-1}, 0));
}

bool onnx_gelu(const struct onnx_node *n) {
    const char *by = onnx_text(n, "approximate", "none");
    struct qm_graph_op op = onnx_op(n, QM_OP_GELU, n->inputs[0]);
    op.approximate = strcmp(by, "tanh") == 0;
    if (!op.approximate && strcmp(by, "none") != 0) return onnx_refuse(n, "has approximate %s", by);
    return onnx_put(n, onnx_emit_same(n, &op));
}

bool onnx_elu(const struct onnx_node *n) {
    return onnx_put(n, emit_function(n, QM_OP_ELU, n->inputs[0], (double)onnx_float(n, "alpha", 1)));
}

/* gamma * elu(x) */
bool onnx_selu(const struct onnx_node *n) {
    double alpha = (double)onnx_float(n, "alpha", 1.67326319217681884765625F),
           gamma = (double)onnx_float(n, "gamma", 1.05070102214813232422F);
    if (!isfinite(gamma)) return onnx_refuse(n, "has gamma %g", gamma);
    return onnx_put(n, onnx_emit_with(n, QM_OP_MUL, emit_function(n, QM_OP_ELU, n->inputs[0], alpha), 1, &gamma, 0));
}

/* alpha * elu(x / alpha) */
bool onnx_celu(const struct onnx_node *n) {
    double alpha = (double)onnx_float(n, "alpha", 1);
    if (!(alpha > 0)) return onnx_refuse(n, "has alpha %g; it must be above 0", alpha);
    uint32_t scaled = onnx_emit_with(n, QM_OP_DIV, n->inputs[0], 1, &alpha, 0);
    return onnx_put(n, onnx_emit_with(n, QM_OP_MUL, emit_function(n, QM_OP_ELU, scaled, 1), 1, &alpha, 0));
}

/* ---- functions of the domain com.microsoft ---- */

/* Input 0 and, when there is one, bias 1. */
static uint32_t with_bias(const struct onnx_node *n) {
    return n->inputs[1] == QM_NO_TENSOR ? n->inputs[0] : onnx_emit_two(n, QM_OP_ADD, n->inputs[0], n->inputs[1]);
}

bool onnx_bias_gelu(const struct onnx_node *n) {
    return onnx_put(n, emit_function(n, QM_OP_GELU, with_bias(n), 0));
}

bool onnx_fast_gelu(const struct onnx_node *n) {
    struct qm_graph_op op = onnx_op(n, QM_OP_GELU, with_bias(n));
    op.approximate = true;
    return onnx_put(n, onnx_emit_same(n, &op));
}

/* x * sigmoid(alpha * x) */
bool onnx_quick_gelu(const struct onnx_node *n) {
    double alpha = (double)onnx_float(n, "alpha", 1.702F);
    if (!isfinite(alpha)) return onnx_refuse(n, "has alpha %g", alpha);
    uint32_t gate = emit_function(n, QM_OP_LOGISTIC, onnx_emit_with(n, QM_OP_MUL, n->inputs[0], 1, &alpha, 0), 0);
    return onnx_put(n, onnx_emit_two(n, QM_OP_MUL, n->inputs[0], gate));
}

/* ---- powers and quotients ---- */

/* x to a constant power; of a computed one the host computes it. */
bool onnx_pow(const struct onnx_node *n) {
    const struct qm_graph_tensor *power = onnx_input(n, 1);
    bool one = power->data != NULL && qm_graph_elements(power) == 1 && power->rank <= onnx_input(n, 0)->rank;
    double exponent = one ? evaluate_numbers(power, n->r->arena)[0] : 0;
    if (exponent == 1) return onnx_put(n, n->inputs[0]);
    if (exponent == 2) return put_function(n, QM_OP_SQUARE);
    if (exponent == 0.5) return put_function(n, QM_OP_SQRT);
    if (exponent == -1) return put_function(n, QM_OP_RECIPROCAL);
    return onnx_put(n, onnx_emit_two(n, QM_OP_POW, n->inputs[0], n->inputs[1]));
}

/* A number over a tensor is that number times a function of it. */
bool onnx_div(const struct onnx_node *n) {
    const struct qm_graph_tensor *a = onnx_input(n, 0), *b = onnx_input(n, 1);
    bool one = a->data != NULL && b->data == NULL && qm_graph_elements(a) == 1 && a->rank <= b->rank && b->dtype == QM_F32;
    if (!one) return onnx_put(n, onnx_emit_two(n, QM_OP_DIV, n->inputs[0], n->inputs[1]));
    double number = evaluate_numbers(a, n->r->arena)[0];
    return onnx_put(n, onnx_emit_with(n, QM_OP_MUL, emit_function(n, QM_OP_RECIPROCAL, n->inputs[1], 0), 1, &number, 0));
}

/* ---- of several ---- */

enum { GROUP = 128 };

/* One after the other, of so many that what reads a network can walk through them; then the results in the same way. */
static uint32_t emit_several(const struct onnx_node *n) {
    uint32_t count = (uint32_t)n->source->n_input, *tensors = qm_graph_operands(n->r->arena, count);
    for (uint32_t i = 0; i < count; i++) {
        if (n->inputs[i] == QM_NO_TENSOR) return onnx_refuse(n, "lacks input %u", i), QM_NO_TENSOR;
        tensors[i] = n->inputs[i];
    }
    for (uint32_t groups; count > 1; count = groups) {
        groups = (count + GROUP - 1) / GROUP;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t *group = &tensors[i / GROUP];
            *group = i % GROUP == 0 ? tensors[i] : onnx_emit_two(n, n->kinds[0], *group, tensors[i]);
            if (*group == QM_NO_TENSOR) return QM_NO_TENSOR;
        }
    }
    return tensors[0];
}

bool onnx_several(const struct onnx_node *n) {
    return onnx_put(n, emit_several(n));
}

bool onnx_mean(const struct onnx_node *n) {
    double count = (double)n->source->n_input;
    return onnx_put(n, onnx_emit_with(n, QM_OP_DIV, emit_several(n), 1, &count, 0));
}
