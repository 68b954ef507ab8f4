/* reference_compare.c - the part of the reference evaluator for comparisons, for what bools say together, and for what they select. */
#include <math.h>

#include "tests/support/reference.h"
#include "tests/support/reference_site.h"

static const struct qm_graph_tensor *operand(const struct reference_site *r, uint32_t i) {
    return &r->graph->tensors[r->op->inputs[i]];
}

static double stored_at(const struct reference_site *r, uint32_t i, uint64_t element) {
    return stored(operand(r, i), r->bytes[r->op->inputs[i]], reference_broadcast(r, operand(r, i), element));
}

/* Of bytes the number that they mean in units of 1/256, as the kernels round it. */
static double compared_at(const struct reference_site *r, uint32_t i, uint64_t element) {
    const struct qm_graph_tensor *tensor = operand(r, i);
    double value = stored_at(r, i, element);
    if (tensor->dtype != QM_I8 && tensor->dtype != QM_U8) return value;
    return reference_scale_real(((int32_t)value - zero_of(tensor)) * 256, scale_of(tensor));
}

static bool said_at(const struct reference_site *r, uint64_t element) {
    double a = compared_at(r, 0, element), b = r->op->input_count > 1 ? compared_at(r, 1, element) : 0;
    switch (r->op->kind) {
    case QM_OP_EQUAL: return a == b;
    case QM_OP_NOT_EQUAL: return a != b;
    case QM_OP_GREATER: return a > b;
    case QM_OP_GREATER_EQUAL: return a >= b;
    case QM_OP_LESS: return a < b;
    case QM_OP_LESS_EQUAL: return a <= b;
    case QM_OP_LOGICAL_AND: return a * b != 0;
    case QM_OP_LOGICAL_OR: return a + b != 0;
    default: return a == 0;
    }
}

bool reference_run_compare(const struct reference_site *r) {
    bool selects = r->op->kind == QM_OP_SELECT;
    if (!selects && (r->out->dtype != QM_BOOL || r->op->kind == QM_OP_CAST)) return false;
    for (uint64_t i = 0; i < qm_graph_elements(r->out); i++) {
        uint32_t from = selects && stored_at(r, 0, i) == 0 ? 2 : 1;
        if (selects)
            reference_take(r, i, from, reference_broadcast(r, operand(r, from), i));
        else
            r->to[i] = said_at(r, i);
    }
    return true;
}
