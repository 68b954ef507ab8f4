/* rows.c - operators on the numbers along one axis: softmax, its logarithm, and where the largest or smallest is. */
#include <math.h>

#include "evaluate/evaluate.h"

/* Numbers along the axis, a stride apart. */
struct row {
    size_t count, stride;
    const double *from;
};

static double largest(const struct row *row) {
    double most = -INFINITY;
    for (size_t i = 0; i < row->count; i++) most = fmax(most, row->from[i * row->stride]);
    return most;
}

static void softmax(const struct row *row, bool is_log, double *to) {
    double most = largest(row), sum = 0;
    for (size_t i = 0; i < row->count; i++) sum += exp(row->from[i * row->stride] - most);
    for (size_t i = 0; i < row->count; i++) {
        double x = row->from[i * row->stride] - most;
        to[i * row->stride] = is_log ? x - log(sum) : exp(x) / sum;
    }
}

/* The first of equal ones, or the last. */
static double place_of(const struct row *row, const struct qm_graph_op *op) {
    size_t best = 0;
    double sign = op->kind == QM_OP_ARG_MIN ? -1 : 1;
    for (size_t i = 1; i < row->count; i++) {
        double x = sign * row->from[i * row->stride], y = sign * row->from[best * row->stride];
        if (x > y || (x == y && op->takes_last)) best = i;
    }
    return (double)best;
}

bool evaluate_rows(const struct qm_graph *graph, const struct qm_graph_op *op, const double *const *inputs, double *to) {
    bool finds = op->kind == QM_OP_ARG_MAX || op->kind == QM_OP_ARG_MIN, is_log = op->kind == QM_OP_LOG_SOFTMAX;
    if (!finds && !is_log && op->kind != QM_OP_SOFTMAX) return false;
    const struct qm_graph_tensor *in = &graph->tensors[op->inputs[0]];
    size_t outer = 1, inner = 1, count = in->dims[op->axis];
    for (uint32_t d = 0; d < op->axis; d++) outer *= in->dims[d];
    for (uint32_t d = op->axis + 1; d < in->rank; d++) inner *= in->dims[d];
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < inner; i++) {
            struct row row = {count, inner, inputs[0] + o * count * inner + i};
            if (finds)
                to[o * inner + i] = place_of(&row, op);
            else
                softmax(&row, is_log, to + o * count * inner + i);
        }
    return true;
}
