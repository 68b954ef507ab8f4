/* rtl_builds.c - a list that is asked before the folder of builds is. */
#include "verify/rtl_builds.h"

#include <stdio.h>

static void show(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "qmac: %s\n", what);
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
        struct qm_rtl_options options = {.folder = builds->folder, .cells = builds->cells, .probed = probed, .progress = show};
        struct rtl_built *made = QM_ARENA_NEW(builds->arena, struct rtl_built, 1);
        *made = (struct rtl_built){.next = builds->last, .fingerprint = fingerprint, .probed = probed};
        QM_TRY(qm_rtl_build(machine, &options, &made->rtl, diag));
        known = builds->last = made;
    }
    *rtl = &known->rtl;
    return QM_OK;
}
