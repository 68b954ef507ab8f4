/* waves.h - what engines wrote into frames as waveforms; those of two engines have the same signal names, so that a viewer can lay one over
 * the other. */
#ifndef QM_VERIFY_WAVES_H
#define QM_VERIFY_WAVES_H

#include <stdio.h>

#include "sim/lockstep/lockstep.h"

/* A waveform in VCD: its signals, then one frame after the other, each later than the one before it, which must still be there. */
struct waves {
    FILE *file;
    const struct qm_frames *frames;
    bool of_rtl;
    bool has_frame; /* set by waves_frame: all signals of the first are written, then what changes */
};
void waves_head(const struct waves *waves);
void waves_frame(struct waves *waves, uint64_t index, uint64_t cycle);

/* Writes model.vcd, rtl.vcd and view.gtkw (what to show, the marker at the difference) to the folder, which is made when it is missing, and
 * prints the command that opens them. Of a probed pair; does nothing when no signal differed. */
QM_MUST_USE enum qm_status waves_write(const struct qm_device *pair, const char *folder, struct qm_diag *diag);

#endif
