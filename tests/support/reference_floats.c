/* reference_floats.c - the part of the reference evaluator for floats, which networks have behind DEQUANTIZE: in single precision, with
 * sums in the order of the elements, and with exp, log, tanh and their kin of the C library, as TFLite's reference kernels.
 */
#include <math.h>

#include "common/status.h"
#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

static float input(const struct reference_site *r, uint64_t i) {
    return real(r->bytes[r->op->inputs[0]], i);
}

/* ---- functions of one ---- */

static float gelu(const struct qm_graph_op *op, float x) {
    if (op->approximate) return 0.5F * x * (1 + tanhf((float)sqrt(2 / M_PI) * (x + 0.044715F * x * x * x)));
    return 0.5F * x * erfcf(x * (float)-sqrt(0.5));
}

static float function_of(const struct qm_graph_op *op, float x) {
    switch (op->kind) {
    case QM_OP_RELU: return x < 0 ? 0 : x;
    case QM_OP_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case QM_OP_RELU_N1_TO_1: return x < -1 ? -1 : x > 1 ? 1 : x;
    case QM_OP_RELU_0_TO_1: return x < 0 ? 0 : x > 1 ? 1 : x;
    case QM_OP_LEAKY_RELU: return x > 0 ? x : x * op->alpha;
    case QM_OP_ELU: return x < 0 ? expm1f(x) : x;
    case QM_OP_LOGISTIC: return x > 16.619047164916992188F ? 1 : x < -9 ? expf(x) : 1 / (1 + expf(-x));
    case QM_OP_TANH: return tanhf(x);
    case QM_OP_HARD_SWISH: return x * (x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6;
    case QM_OP_EXP: return expf(x);
    case QM_OP_ABS: return fabsf(x);
    case QM_OP_NEG: return -x;
    case QM_OP_SQRT: return sqrtf(x);
    case QM_OP_RSQRT: return 1 / sqrtf(x);
    case QM_OP_GELU: return gelu(op, x);
    case QM_OP_LOG: return logf(x);
    case QM_OP_SIN: return sinf(x);
    case QM_OP_COS: return cosf(x);
    case QM_OP_FLOOR: return floorf(x);
    case QM_OP_CEIL: return ceilf(x);
    case QM_OP_ROUND: return x != 0 && nearbyintf(x) == 0 ? 0 : nearbyintf(x);
    default: return x * x;
    }
}

static bool is_function(enum qm_graph_op_kind kind) {
    static const enum qm_graph_op_kind functions[] = {
        QM_OP_RELU,       QM_OP_RELU6, QM_OP_RELU_N1_TO_1, QM_OP_RELU_0_TO_1, QM_OP_LEAKY_RELU, QM_OP_ELU,   QM_OP_LOGISTIC, QM_OP_TANH,
        QM_OP_HARD_SWISH, QM_OP_EXP,   QM_OP_ABS,          QM_OP_NEG,         QM_OP_SQRT,       QM_OP_RSQRT, QM_OP_SQUARE,   QM_OP_GELU,
        QM_OP_LOG,        QM_OP_SIN,   QM_OP_COS,          QM_OP_FLOOR,       QM_OP_CEIL,       QM_OP_ROUND};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i] == kind) return true;
    return false;
}

static void run_function(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) set_real(r, i, function_of(r->op, input(r, i)));
}

/* ---- sums and extremes ---- */

static void run_reduction(const struct reference_site *r) {
    for (uint64_t o = 0; o < qm_graph_elements(r->out); o++) {
        float sum = 0, largest = -INFINITY, smallest = INFINITY;
        int count = 0;
        for (uint64_t i = 0; i < qm_graph_elements(r->in); i++) {
            if (reference_reduced(r, i) != o) continue;
            sum += input(r, i);
            largest = fmaxf(largest, input(r, i));
            smallest = fminf(smallest, input(r, i));
            count++;
        }
        if (r->op->kind == QM_OP_MEAN) sum /= (float)count;
        set_real(r, o, r->op->kind == QM_OP_REDUCE_MAX ? largest : r->op->kind == QM_OP_REDUCE_MIN ? smallest : sum);
    }
}

static void run_pool(const struct reference_site *r) {
    const struct qm_graph_op *op = r->op;
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        int64_t at[QM_MAX_RANK], first[2];
        float sum = 0, largest = -INFINITY;
        int count = 0;
        reference_coordinates(r->out, i, at);
        first[0] = at[1] * op->stride_h - op->pad_top;
        first[1] = at[2] * op->stride_w - op->pad_left;
        for (uint32_t k = 0; k < op->kernel_h * op->kernel_w; k++) {
            at[1] = first[0] + k / op->kernel_w;
            at[2] = first[1] + k % op->kernel_w;
            if (at[1] < 0 || at[2] < 0 || at[1] >= r->in->dims[1] || at[2] >= r->in->dims[2]) continue;
            sum += input(r, reference_index(r->in, at));
            largest = fmaxf(largest, input(r, reference_index(r->in, at)));
            count++;
        }
        float pooled = op->kind == QM_OP_MAX_POOL_2D ? largest : sum / (float)count;
        if (op->activation == QM_ACT_RELU_N1_TO_1) pooled = fminf(fmaxf(pooled, -1), 1);
        if (op->activation == QM_ACT_RELU || op->activation == QM_ACT_RELU6) pooled = fmaxf(pooled, 0);
        set_real(r, i, op->activation == QM_ACT_RELU6 ? fminf(pooled, 6) : pooled);
    }
}

/* ---- rows ---- */

static float sum_of_powers(const struct reference_site *r, uint64_t first, uint32_t depth, float beta, float *largest) {
    float sum = 0;
    *largest = -INFINITY;
    for (uint64_t i = first; i < first + depth; i++) *largest = fmaxf(*largest, input(r, i));
    for (uint64_t i = first; i < first + depth; i++) sum += expf((input(r, i) - *largest) * beta);
    return sum;
}

static float length_of(const struct reference_site *r, uint64_t first, uint32_t depth) {
    float squares = 0;
    for (uint64_t i = first; i < first + depth; i++) squares += input(r, i) * input(r, i);
    return fmaxf(sqrtf(squares), 1e-6F);
}

static void run_rows(const struct reference_site *r) {
    uint32_t depth = r->in->dims[r->in->rank - 1];
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        uint64_t first = i / depth * depth;
        bool logarithm = r->op->kind == QM_OP_LOG_SOFTMAX;
        float largest, sum = sum_of_powers(r, first, depth, logarithm ? 1 : r->op->beta, &largest);
        if (r->op->kind == QM_OP_L2_NORMALIZATION)
            set_real(r, i, input(r, i) / length_of(r, first, depth));
        else
            set_real(r, i, logarithm ? input(r, i) - largest - logf(sum) : expf((input(r, i) - largest) * r->op->beta) / sum);
    }
}

/* ---- of several ---- */

static void run_add_n(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        float sum = 0;
        for (uint32_t k = 0; k < r->op->input_count; k++) sum += real(r->bytes[r->op->inputs[k]], i);
        set_real(r, i, sum);
    }
}

/* ---- side by side ---- */

static void run_concatenation(const struct reference_site *r) {
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        const struct qm_graph_tensor *in = r->in;
        int64_t at[QM_MAX_RANK];
        uint32_t source = 0;
        reference_coordinates(r->out, i, at);
        while (at[r->op->axis] >= in->dims[r->op->axis]) {
            at[r->op->axis] -= in->dims[r->op->axis];
            in = &r->graph->tensors[r->op->inputs[++source]];
        }
        set_real(r, i, real(r->bytes[r->op->inputs[source]], reference_index(in, at)));
    }
}

bool reference_run_float(const struct reference_site *r) {
    if (r->in->dtype != QM_F32 || r->out->dtype != QM_F32) return false;
    switch (r->op->kind) {
    case QM_OP_MEAN:
    case QM_OP_SUM:
    case QM_OP_REDUCE_MAX:
    case QM_OP_REDUCE_MIN: run_reduction(r); return true;
    case QM_OP_AVERAGE_POOL_2D:
    case QM_OP_MAX_POOL_2D: run_pool(r); return true;
    case QM_OP_SOFTMAX:
    case QM_OP_LOG_SOFTMAX:
    case QM_OP_L2_NORMALIZATION: run_rows(r); return true;
    case QM_OP_ADD_N: run_add_n(r); return true;
    case QM_OP_CONCATENATION: run_concatenation(r); return true;
    default:
        if (!is_function(r->op->kind)) return false;
        run_function(r);
        return true;
    }
}
