/* rtl_builds.c - keeps a list of builds, so that the folder of builds (sim/verilated/rtl_cache.c) is asked once for each. */
#include "verify/rtl_builds.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "common/text.h"

/* Tells people at a terminal what they wait for. A log has only the outcome. */
static void show(void *context, const char *what) {
    bool *has_shown = context;
    *has_shown = isatty(STDERR_FILENO) != 0;
    if (*has_shown) fprintf(stderr, "\r\033[K%s", qm_shown(what).text);
}

static const struct rtl_built *find(const struct rtl_builds *builds, uint32_t fingerprint, bool probed) {
    const struct rtl_built *built = builds->last;
    while (built != NULL && (built->fingerprint != fingerprint || built->probed != probed)) built = built->next;
    return built;
}

enum qm_status rtl_builds_get(struct rtl_builds *builds, const struct qm_machine *machine, bool probed, const struct qm_rtl **rtl,
                              struct qm_diag *diag) {
    uint32_t fingerprint = qm_machine_fingerprint(machine);
    const struct rtl_built *known = find(builds, fingerprint, probed);
    if (known == NULL) {
        bool has_shown = false;
        struct qm_rtl_options options = {
            .folder = builds->folder, .cells = builds->cells, .probed = probed, .progress = show, .context = &has_shown};
        struct rtl_built *made = QM_ARENA_NEW(builds->arena, struct rtl_built, 1);
        *made = (struct rtl_built){.next = builds->last, .fingerprint = fingerprint, .probed = probed};
        enum qm_status status = qm_rtl_build(machine, &options, &made->rtl, diag);
        if (has_shown) fputs("\r\033[K", stderr);
        if (status != QM_OK) return status;
        known = builds->last = made;
    }
    *rtl = &known->rtl;
    return QM_OK;
}
