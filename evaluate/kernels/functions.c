/* functions.c - functions of one float. Those of a byte are tables (compiler/passes/legalize_tables.c). */
#include <math.h>

#include "evaluate/kernels/kernel.h"

static float cut(float x, float low, float high) {
    return x > high ? high : x < low ? low : x;
}

/* Beyond the larger bound 1 is the nearest float; below the smaller one exp(x) is. */
static float logistic(float x) {
    const float low = -9.0F, high = 16.619047164916992188F;
    return x > high ? 1.0F : x < low ? expf(x) : 1.0F / (1.0F + expf(-x));
}

static float gelu(const struct qm_graph_op *op, float x) {
    const float root_half = 0.70710678118654752440F, root_2_by_pi = 0.79788456080286535588F;
    if (!op->approximate) return 0.5F * x * erfcf(x * -root_half);
    return 0.5F * x * (1.0F + tanhf(root_2_by_pi * (x + 0.044715F * x * x * x)));
}

/* Half to even; what is rounded up to 0 has no sign. */
static float rounded(float x) {
    float below = floorf(x), above = x - below;
    bool is_even = fmodf(below, 2) == 0;
    return above < 0.5F || (above == 0.5F && is_even) ? below : below + 1.0F;
}

static float function_of(const struct qm_graph_op *op, float x) {
    switch (op->kind) {
    case QM_OP_RELU: return x < 0 ? 0 : x;
    case QM_OP_RELU6: return cut(x, 0, 6);
    case QM_OP_RELU_N1_TO_1: return cut(x, -1, 1);
    case QM_OP_RELU_0_TO_1: return cut(x, 0, 1);
    case QM_OP_LEAKY_RELU: return x > 0 ? x : x * op->alpha;
    case QM_OP_ELU: return x < 0 ? op->alpha * expm1f(x) : x;
    case QM_OP_LOGISTIC: return logistic(x);
    case QM_OP_TANH: return tanhf(x);
    case QM_OP_HARD_SWISH: return x * fminf(6, fmaxf(0, x + 3)) / 6;
    case QM_OP_EXP: return expf(x);
    case QM_OP_ABS: return fabsf(x);
    case QM_OP_NEG: return -x;
    case QM_OP_SQRT: return sqrtf(x);
    case QM_OP_RSQRT: return 1.0F / sqrtf(x);
    case QM_OP_GELU: return gelu(op, x);
    case QM_OP_LOG: return logf(x);
    case QM_OP_SIN: return sinf(x);
    case QM_OP_COS: return cosf(x);
    case QM_OP_FLOOR: return floorf(x);
    case QM_OP_CEIL: return ceilf(x);
    case QM_OP_ROUND: return rounded(x);
    default: return x * x;
    }
}

bool kernel_run_function(const struct kernel *k) {
    size_t count = (size_t)qm_graph_elements(kernel_output(k));
    for (size_t i = 0; i < count; i++) kernel_set_float(k->outputs[0], i, function_of(k->op, kernel_float(k->inputs[0], i)));
    return true;
}
