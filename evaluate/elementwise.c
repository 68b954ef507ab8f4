/* elementwise.c - what is computed element by element: functions of one number, and of two whose shapes are broadcast; quantizers. */
#include <math.h>

#include "evaluate/evaluate.h"

/* ---- of two ---- */

static double of_two(enum qm_graph_op_kind kind, double a, double b) {
    switch (kind) {
    case QM_OP_ADD: return a + b;
    case QM_OP_SUB: return a - b;
    case QM_OP_MUL: return a * b;
    case QM_OP_DIV: return a / b;
    case QM_OP_POW: return pow(a, b);
    case QM_OP_PRELU: return a < 0 ? a * b : a;
    case QM_OP_MINIMUM: return a < b ? a : b;
    case QM_OP_MAXIMUM: return a > b ? a : b;
    default: return NAN;
    }
}

bool evaluate_is_of_two(enum qm_graph_op_kind kind) {
    return kind == QM_OP_ADD || kind == QM_OP_SUB || kind == QM_OP_MUL || kind == QM_OP_DIV || kind == QM_OP_POW || kind == QM_OP_PRELU ||
           kind == QM_OP_MINIMUM || kind == QM_OP_MAXIMUM;
}

size_t evaluate_operand_at(const struct qm_graph_tensor *operand, const struct qm_graph_tensor *out, uint32_t rest, size_t index) {
    size_t at = 0, step = 1;
    uint32_t last = out->rank > rest ? out->rank - rest : 0;
    for (uint32_t d = last; d-- > 0 && d + operand->rank >= out->rank; index /= out->dims[d]) {
        uint32_t extent = operand->dims[d + operand->rank - out->rank];
        if (extent > 1) at += step * (index % out->dims[d]);
        step *= extent;
    }
    return at;
}

/* ---- quantizers ---- */

/* Of x, scale and zero point; one of each, or one for each place along the axis. NaN becomes the zero point. */
static void quantize(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const struct qm_graph_tensor *x = &graph->tensors[op->inputs[0]], *scale = &graph->tensors[op->inputs[1]];
    size_t elements = (size_t)qm_graph_elements(x), scales = (size_t)qm_graph_elements(scale), inner = 1, zeros = 1;
    if (inputs[2] != NULL) zeros = (size_t)qm_graph_elements(&graph->tensors[op->inputs[2]]);
    for (uint32_t d = op->axis + 1; d < x->rank; d++) inner *= x->dims[d];
    for (size_t i = 0; i < elements; i++) {
        double s = inputs[1][scales > 1 ? i / inner % scales : 0];
        double zero = inputs[2] != NULL ? inputs[2][zeros > 1 ? i / inner % zeros : 0] : 0;
        double real = inputs[0][i];
        if (op->kind == QM_OP_DEQUANTIZE)
            to[i] = (real - zero) * s;
        else
            to[i] = isnan(real) ? zero : fmin(fmax(nearbyint(real / s) + zero, op->low), op->high);
    }
}

/* ---- all of them ---- */

/* What a cast or a division of whole numbers leaves. */
static double whole(const struct qm_graph_tensor *out, double x) {
    return out->dtype == QM_F32 || out->dtype == QM_F64 ? x : trunc(x);
}

bool evaluate_elementwise(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    const struct qm_graph_tensor *out = &graph->tensors[op->outputs[0]];
    size_t elements = (size_t)qm_graph_elements(out);
    if (op->kind == QM_OP_QUANTIZE || op->kind == QM_OP_DEQUANTIZE) {
        quantize(graph, op, inputs, to);
    } else if (op->kind == QM_OP_CAST) {
        for (size_t i = 0; i < elements; i++) to[i] = whole(out, inputs[0][i]);
    } else if (evaluate_is_function(op->kind)) {
        for (size_t i = 0; i < elements; i++) to[i] = evaluate_function(op, inputs[0][i]);
    } else if (evaluate_is_of_two(op->kind)) {
        const struct qm_graph_tensor *a = &graph->tensors[op->inputs[0]], *b = &graph->tensors[op->inputs[1]];
        for (size_t i = 0; i < elements; i++)
            to[i] =
                whole(out, of_two(op->kind, inputs[0][evaluate_operand_at(a, out, 0, i)], inputs[1][evaluate_operand_at(b, out, 0, i)]));
    } else if (op->kind == QM_OP_SHAPE) {
        for (size_t d = 0; d < elements; d++) to[d] = graph->tensors[op->inputs[0]].dims[d];
    } else {
        return false;
    }
    return true;
}
