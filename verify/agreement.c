/* agreement.c - the line and the JSON of an agreement. A comparison of nothing shows nothing, so it is no agreement. */
#include "verify/agreement.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/text.h"
#include "common/version.h"
#include "report/json_tree.h"

enum qm_status agreement_print(const struct agreement *agreement, struct qm_diag *diag) {
    const struct qm_machine *machine = agreement->machine;
    const struct qm_lockstep_stats *stats = &agreement->stats;
    if (agreement->runs == 0 || stats->runs == 0 || stats->cycles == 0 || stats->events == 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: nothing was compared%s", agreement->what,
                       agreement->was_stopped ? ": a signal came before the first run was over" : "");
    if (agreement->runs < agreement->wanted && !agreement->was_stopped)
        return qm_fail(diag, QM_INTERNAL, "%s: of %" PRIu64 " runs only %" PRIu64 " were compared", agreement->what, agreement->wanted,
                       agreement->runs);
    printf("%s on %s (%ux%u): %" PRIu64 " runs, %" PRIu64 " cycles, %" PRIu64
           " events compared, no difference%s (%.2f s, %.0f runs/s, %.2f Mcycle/s)\n",
           qm_shown(agreement->what).text, qm_shown(machine->name).text, machine->rows, machine->cols, agreement->runs, stats->cycles,
           stats->events, agreement->runs < agreement->wanted ? ", but a signal came before all had run" : "", agreement->seconds,
           (double)agreement->runs / agreement->seconds, 1e-6 * (double)stats->cycles / agreement->seconds);
    return QM_OK;
}

char *agreement_json(const struct agreement *agreement, const struct qm_rtl *rtl, const char *difference, struct qm_arena *arena) {
    cJSON *root = qm_json_create();
    bool equal = difference == NULL;
    qm_json_text(root, "qmac", QM_VERSION);
    qm_json_text(root, "result", equal ? "equal" : "different");
    qm_json_known_text(root, "difference", difference);
    qm_json_text(root, "compared", agreement->what);
    qm_json_known_text(root, "machine", agreement->machine != NULL ? agreement->machine->name : NULL);
    if (agreement->machine != NULL) qm_json_fingerprint(root, agreement->machine);
    cJSON *verilog = qm_json_object(root, "verilog");
    qm_json_text(verilog, "folder", rtl->folder);
    qm_json_text(verilog, "sha256", rtl->digest.text);
    qm_json_bool(verilog, "cells", rtl->cells);
    qm_json_known(root, "runs", equal, (double)agreement->runs);
    qm_json_known(root, "cycles", equal, (double)agreement->stats.cycles);
    qm_json_known(root, "events", equal, (double)agreement->stats.events);
    return qm_json_finish(root, arena);
}
