/* picture.h - the array cycle by cycle, as text and as a waveform, of the frames that an engine writes (sim/probe.h).
 *
 * In the text a cycle in which something enters or leaves array, accumulator or post unit has a paragraph: what enters, in each cell the
 * weight and the activation that meet, what leaves. The products that are drawn in a column of cells, one a cycle on the way down, add
 * up to the sums that the engine says leave it; a picture that would not add up is an internal fault.
 */
#ifndef QM_VERIFY_PICTURE_H
#define QM_VERIFY_PICTURE_H

#include <stdint.h>
#include <stdio.h>

#include "common/machine.h"
#include "common/program.h"
#include "sim/probe.h"

enum { QM_PICTURE_SIDE_MAX = 16 };

struct qm_picture;

/* Draws the frames of cycles first .. first + count - 1 as they are written, to streams of the caller: text, and the waveform of all
 * signals, which may be NULL. Cycles are counted through all steps of a program, as reports do. frames is initialized here, for the probe
 * of a device, and freed with the picture. */
struct qm_picture *qm_picture_create(const struct qm_machine *machine, uint64_t first, uint64_t count, FILE *text, FILE *vcd,
                                     struct qm_frames *frames);
void qm_picture_destroy(struct qm_picture *picture);

/* Whether a program can be drawn: an array of at most 16 x 16 cells, 8-bit weights, no chains. QM_BAD_INPUT says why not. */
QM_MUST_USE enum qm_status qm_picture_check(const struct qm_program *program, struct qm_diag *diag);

#endif
