/* found.h - a difference is told at once, with the command that finds it again:
 * what is made of it afterwards may fail, or take the process down. */
#ifndef QM_VERIFY_FOUND_H
#define QM_VERIFY_FOUND_H

#include "common/arena.h"
#include "common/status.h"

/* Text as one word of a shell, with a space before it; of the arena. */
char *found_word(struct qm_arena *arena, const char *text);

/* Writes the difference and "qmac verify" with the arguments, two lines, to stderr. */
void found_tell(const struct qm_diag *difference, const char *arguments);

/* Writes what went wrong after a difference to stderr: it changes nothing in the exit status. */
void found_tell_late(const char *what, const struct qm_diag *problem);

/* What the second run said, the one that looks between the blocks for where a difference begins: its line is the better one. A second run
 * without a difference is told as what went wrong afterwards. */
void found_take_second(enum qm_status status, const struct qm_diag *second, struct qm_diag *difference);

#endif
