/* tokens.c - the rule that makes a deadlock impossible, checked for every program whose tokens qm_synchronize has set.
 *
 * In program order, an instruction waits for a unit only when that unit has signalled once more than the own unit has waited for it so far. And no
 * counter can be full: it holds at most what is ahead in program order and the waits in the taker's queue that have not been started.
 * docs/how-to/prove-the-rtl.md has the argument.
 */
#include "compiler/compiler.h"

enum { COUNTER_MAX = 65535, QUEUE_DEPTH_MAX = 64 }; /* docs/machine.md, docs/tables.md */

bool qm_tokens_arrive(const struct qm_insn *insns, uint32_t count) {
    int64_t ahead[QM_UNITS][QM_UNITS] = {{0}}; /* [giver][taker] signals less waits so far */
    for (uint32_t i = 0; i < count; i++) {
        enum qm_unit own = qm_opcode_unit(insns[i].opcode);
        for (int u = 0; u < QM_UNITS; u++) {
            bool waits = insns[i].wait >> u & 1, gives = insns[i].signal >> u & 1;
            if ((waits || gives) && u == (int)own) return false;
            if (waits && --ahead[u][own] < 0) return false;
            if (gives && ++ahead[own][u] + QUEUE_DEPTH_MAX > COUNTER_MAX) return false;
        }
    }
    return true;
}
