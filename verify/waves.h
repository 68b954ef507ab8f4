/* waves.h - the last cycles of both engines as waveforms with the same signal names, so that a viewer can lay one over the other. */
#ifndef QM_VERIFY_WAVES_H
#define QM_VERIFY_WAVES_H

#include "sim/lockstep/lockstep.h"

/* Writes model.vcd, rtl.vcd and view.gtkw (what to show, the marker at the difference) to the folder, which is made when it is missing, and
 * prints the command that opens them. Of a probed pair; does nothing when no signal differed. */
QM_MUST_USE enum qm_status waves_write(const struct qm_device *pair, const char *folder, struct qm_diag *diag);

#endif
