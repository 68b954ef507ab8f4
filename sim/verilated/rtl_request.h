/* rtl_request.h - what is to be built, of what, with which tools: and the key of all that is known before Verilator has run. */
#ifndef QM_SIM_VERILATED_RTL_REQUEST_H
#define QM_SIM_VERILATED_RTL_REQUEST_H

#include "sim/verilated/rtl.h"

enum { RTL_VERILATE_MAX = 64 };

struct rtl_tools {
    const char *compiler;                  /* clang++, or g++ where that is missing */
    char verilator_include[QM_PATH_BYTES]; /* folder of verilated.h */
    struct qm_digest digest;               /* of their versions, the processor's features and rtl_compile_options */
};

struct rtl_request {
    struct qm_arena *arena;
    const struct qm_machine *machine;
    const struct qm_rtl_options *options;
    const char *home, *source; /* absolute; source has the Verilog */
    const struct rtl_tools *tools;
    const char *verilate[RTL_VERILATE_MAX]; /* arguments of verilator, in a folder with links to home and source */
    const char *defs;                       /* the text of RTL_DEFS_FILE */
    struct qm_digest key;                   /* of all but the Verilog */
};

/* Names of the links in the folder in which a machine is built; all that Verilator reads is below one of them, or absolute. */
#define RTL_LINK_SOURCE "rtl"
#define RTL_GLUE_FILE   "sim/verilated/rtl_glue.vlt"
#define RTL_LINK_HOME   "home"
#define RTL_DEFS_FILE   "qmac_defs.vh"
/* What a probed build is told, for both Verilog and C++. */
#define RTL_PROBED_OPTION "-DQM_PROBED"

/* Options of the C++ compiler that decide what the code is. */
extern const char *const rtl_compile_options[];

QM_MUST_USE enum qm_status rtl_request_make(const struct qm_machine *machine, const struct qm_rtl_options *options, struct qm_arena *arena,
                                            struct rtl_request *request, struct qm_diag *diag);

#endif
