/* rtl_builds.h - the Verilated machines that one command uses: each is found or built once, and the user is told what takes long. */
#ifndef QM_VERIFY_RTL_BUILDS_H
#define QM_VERIFY_RTL_BUILDS_H

#include "common/arena.h"
#include "sim/verilated/rtl.h"

struct rtl_built {
    struct rtl_built *next;
    uint32_t fingerprint; /* of the machine */
    bool probed;
    struct qm_rtl rtl;
};

struct rtl_builds {
    struct qm_arena *arena; /* owns the list */
    const char *folder;     /* as in qm_rtl_options */
    bool cells;             /* as in qm_rtl_options */
    struct rtl_built *last; /* the newest of the list; NULL: none yet */
};

/* The build for the machine, which belongs to the arena. What takes long is told on stderr when that is a terminal.
 * Status as of qm_rtl_build. */
QM_MUST_USE enum qm_status rtl_builds_get(struct rtl_builds *builds, const struct qm_machine *machine, bool probed,
                                          const struct qm_rtl **rtl, struct qm_diag *diag);

#endif
