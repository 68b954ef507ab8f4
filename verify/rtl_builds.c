/* rtl_builds.c - a table that is asked before the folder of builds is. */
#include "verify/rtl_builds.h"

#include <stdio.h>

static void show(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "qmac: %s\n", what);
}

static const struct rtl_built *find(const struct rtl_builds *builds, uint32_t fingerprint, bool probed) {
    for (size_t i = 0; i < builds->count; i++)
        if (builds->made[i].fingerprint == fingerprint && builds->made[i].probed == probed) return &builds->made[i];
    return NULL;
}

enum qm_status rtl_builds_get(struct rtl_builds *builds, const struct qm_machine *machine, bool probed, const struct qm_rtl **rtl,
                              struct qm_diag *diag) {
    uint32_t fingerprint = qm_machine_fingerprint(machine);
    const struct rtl_built *known = find(builds, fingerprint, probed);
    if (known == NULL) {
        struct qm_rtl_options options = {.folder = builds->folder, .cells = builds->cells, .probed = probed, .progress = show};
        QM_CHECK(builds->count < RTL_BUILDS_MAX);
        struct rtl_built *made = &builds->made[builds->count];
        QM_TRY(qm_rtl_build(machine, &options, &made->rtl, diag));
        made->fingerprint = fingerprint;
        made->probed = probed;
        builds->count++;
        known = made;
    }
    *rtl = &known->rtl;
    return QM_OK;
}
