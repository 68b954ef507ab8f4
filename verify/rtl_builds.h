/* rtl_builds.h - the Verilated machines of one run of the command: each is found or built once, with a word about what is being done. */
#ifndef QM_VERIFY_RTL_BUILDS_H
#define QM_VERIFY_RTL_BUILDS_H

#include "sim/verilated/rtl.h"

enum { RTL_BUILDS_MAX = 16 };

struct rtl_builds {
    const char *folder; /* as in qm_rtl_options */
    bool cells;         /* as in qm_rtl_options */
    size_t count;
    struct rtl_built {
        uint32_t fingerprint; /* of the machine */
        bool probed;
        struct qm_rtl rtl;
    } made[RTL_BUILDS_MAX];
};

/* The build for the machine, borrowed until builds goes. */
QM_MUST_USE enum qm_status rtl_builds_get(struct rtl_builds *builds, const struct qm_machine *machine, bool probed,
                                          const struct qm_rtl **rtl, struct qm_diag *diag);

#endif
