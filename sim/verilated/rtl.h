/* rtl.h - finds the Verilated form of one machine, or builds it.
 *
 * A build is found again by what it was made of, never by names or times: the content of every file that Verilator read and the names of
 * all files beside them, the machine's parameters, the options, the versions of the tools, the features of the processor, and the spec/
 * that this program was compiled from. Builds are in $QMAC_CACHE when that is set; else in build/machines of the tree (common/home.h) when
 * that can be written, else in $XDG_CACHE_HOME/qmac or ~/.cache/qmac; what the tree has is used wherever new ones go. Only folders and
 * files are loaded that nobody else may write: they belong to the user, to root, or to the owner of the program.
 * The folders above are taken on trust.
 */
#ifndef QM_SIM_VERILATED_RTL_H
#define QM_SIM_VERILATED_RTL_H

#include <stdbool.h>

#include "common/digest.h"
#include "common/home.h"
#include "common/machine.h"
#include "common/status.h"

struct qm_rtl_options {
    const char *folder; /* of the Verilog: has qmac.v, and may have lib/ and probe/; NULL: rtl/ of the home */
    bool probed;        /* with the registers of spec/probes.def */
    bool cells;         /* the array of cells, which is what is synthesized, instead of the form that simulates fast */
    /* Told what is being done when something has to be built, which takes seconds; may be NULL. */
    void (*progress)(void *context, const char *what);
    void *context;
};

struct qm_rtl {
    char folder[QM_PATH_BYTES];  /* of the Verilog, absolute */
    char library[QM_PATH_BYTES]; /* to be loaded */
    bool cells;                  /* as it was asked for */
    /* Of the lines "DIGEST  NAME" of all files that Verilator read, sorted by name: what sha256sum prints of them, in the folder, piped
     * into sha256sum. The machine has no part in it. */
    struct qm_digest digest;
};

/* QM_BAD_INPUT with the first error in the Verilog; QM_INTERNAL with the last words of the tool that failed. */
QM_MUST_USE enum qm_status qm_rtl_build(const struct qm_machine *machine, const struct qm_rtl_options *options, struct qm_rtl *rtl,
                                        struct qm_diag *diag);

#endif
