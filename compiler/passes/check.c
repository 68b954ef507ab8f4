/* check.c - operations that no instruction can say. */
#include "compiler/passes/passes.h"

enum qm_status check_operations(const struct plan *plan) {
    struct qm_diag inner;
    for (const struct plan_op *op = plan->ops; op < plan->ops + plan->op_count; op++)
        if (qm_insn_check(&op->insn, &inner) != QM_OK)
            return qm_fail(plan->diag, QM_BAD_INPUT, "%s: layer %s is too large for the instructions: %s", plan->network->graph->file,
                           plan_layer_name(plan, op->layer), inner.text);
    return QM_OK;
}
