/* parameters.h - the RTL's parameters of one machine. */
#ifndef QM_TOOLS_SPECGEN_PARAMETERS_H
#define QM_TOOLS_SPECGEN_PARAMETERS_H

#include "common/status.h"

/* Prints a line `Rows 16` for each parameter of rtl/qmac.v that a knob sets; words: a machine as for --machine, then KNOB=VALUE as for
 * --set. */
QM_MUST_USE enum qm_status print_parameters(int count, char **words, struct qm_diag *diag);

#endif
