/* rtl_build.h - runs Verilator and the C++ compiler in a fresh folder, and says which files Verilator read. */
#ifndef QM_SIM_VERILATED_RTL_BUILD_H
#define QM_SIM_VERILATED_RTL_BUILD_H

#include "sim/verilated/rtl_files.h"
#include "sim/verilated/rtl_request.h"

#define RTL_LIBRARY_FILE "librtl.so"

/* Makes RTL_LIBRARY_FILE in the folder, which is empty; it stays with what was made on the way. runtime is the object file of what
 * Verilator brings along for all machines: it is made when it is not there.
 * Where the Verilog is at fault it is QM_BAD_INPUT with the place; else QM_INTERNAL. */
QM_MUST_USE enum qm_status rtl_build(const struct rtl_request *request, const char *folder, const char *runtime, struct rtl_files *files,
                                     struct qm_diag *diag);

#endif
