/* difference.h - tells the user of a difference between model and RTL at once, with the command that finds it again: what comes after, such
 * as waveforms or a reduction, may fail or end the process. */
#ifndef QM_VERIFY_DIFFERENCE_H
#define QM_VERIFY_DIFFERENCE_H

#include "common/arena.h"
#include "common/status.h"

/* Returns the text as one word of a shell command, quoted where that is needed, with a space before it. It belongs to the arena. */
char *difference_word(struct qm_arena *arena, const char *text);

/* Writes the difference and "qmac verify" with the arguments, two lines, to stderr. */
void difference_tell(const struct qm_diag *difference, const char *arguments);

/* Writes what went wrong after a difference to stderr: it changes nothing in the exit status. */
void difference_tell_late(const char *what, const struct qm_diag *problem);

/* After a second run of a program that differed, which has compared the signals between the blocks too: puts its line, which says where the
 * difference begins, in place of the first one. A second run without a difference leaves the first line, and stderr says so. */
void difference_take_second(enum qm_status status, const struct qm_diag *second, struct qm_diag *difference);

#endif
