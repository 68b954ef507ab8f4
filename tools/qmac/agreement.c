/* agreement.c - nothing compared is not equal. */
#include "tools/qmac/agreement.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/text.h"

enum qm_status agreement_print(const struct agreement *agreement, struct qm_diag *diag) {
    const struct qm_machine *machine = agreement->machine;
    const struct qm_lockstep_stats *stats = &agreement->stats;
    if (agreement->runs == 0 || stats->runs == 0 || stats->cycles == 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: nothing was compared%s", agreement->what,
                       agreement->was_stopped ? ": a signal came before the first run was over" : "");
    if (agreement->runs < agreement->wanted && !agreement->was_stopped)
        return qm_fail(diag, QM_INTERNAL, "%s: of %" PRIu64 " runs only %" PRIu64 " were compared", agreement->what, agreement->wanted,
                       agreement->runs);
    printf("%s on %s (%ux%u): %" PRIu64 " runs, %" PRIu64 " cycles, %" PRIu64
           " events compared, no difference (%.2f s, %.0f runs/s, %.2f Mcycle/s)\n",
           qm_shown(agreement->what).text, qm_shown(machine->name).text, machine->rows, machine->cols, agreement->runs, stats->cycles,
           stats->events, agreement->seconds, (double)agreement->runs / agreement->seconds,
           1e-6 * (double)stats->cycles / agreement->seconds);
    return QM_OK;
}
