/* check.c - whether the cells multiply what layers ask for, whether operations are instructions, and how long these take. */
#include <stdio.h>
#include <string.h>

#include "common/precision.h"
#include "compiler/passes/passes.h"
#include "sim/timing/timing.h"

enum qm_status check_precisions(const struct plan *plan) {
    char names[1024] = "";
    for (uint32_t i = 0; i < plan->network->layer_count; i++) {
        size_t used = strlen(names);
        if (qm_precision_sizes(plan->network->layers[i].precision).bytes <= plan->machine->cell) continue;
        snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", plan_layer_name(plan, i));
    }
    if (names[0] == '\0') return QM_OK;
    return qm_fail(plan->diag, QM_BAD_INPUT,
                   "%s: the cells of %s multiply 8 bits only (cell = fixed8): take --precision w8a8, or cell=fusible; narrow are %s",
                   plan->network->graph->file, plan->machine->name, names);
}

enum qm_status check_operations(const struct plan *plan) {
    struct qm_diag inner;
    for (uint32_t i = 0; i < plan->op_count; i++)
        if (plan->ops[i].is_wide && qm_insn_check(plan->ops[i].wide, &inner) != QM_OK)
            return qm_fail(plan->diag, QM_BAD_INPUT, "%s: layer %s is too large for the instructions: %s", plan->network->graph->file,
                           plan_layer_name(plan, plan->ops[i].layer), inner.text);
    return QM_OK;
}

uint64_t check_cycles(const struct plan *plan, uint32_t first_op, uint32_t last_op) {
    uint64_t cycles = qm_timing_cycles(plan->records + first_op, last_op - first_op, plan->machine);
    QM_CHECK(cycles < UINT64_MAX); /* all waits go back in the order of operations, so they end */
    return cycles;
}
