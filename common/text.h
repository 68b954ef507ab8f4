/* text.h - makes names and paths of others fit to be shown on a terminal, in JSON or in CSV.
 *
 * A name may hold any bytes, and inside the program it is only compared. To be shown it becomes text that every reader takes: valid UTF-8
 * that shows passes as it is; every byte of anything else (control characters, C1 controls, marks that reverse or break lines, what is not
 * UTF-8) becomes \xNN. A text that has been made so once passes again unchanged.
 * Nothing here takes memory: the line of an error is made with it (common/status.c), also the one that says that there is no memory.
 */
#ifndef QM_COMMON_TEXT_H
#define QM_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Writes text for people and parsers to out [size], cut after a whole character and with a 0;
 * returns the bytes that it takes uncut, without the 0. */
size_t qm_text_show(const char *text, char *out, size_t size);

/* The same as a value, for the arguments of printf: qm_shown(name).text. A longer text is cut. */
struct qm_shown {
    char text[1200];
};
struct qm_shown qm_shown(const char *text);

/* The same uncut, to a stream; as a text of its own it is made by qm_text_shown (common/memory.h). */
void qm_text_print(const char *text, FILE *out);

/* Bytes of the character at text, which is not its end, when it passes as it is; else 0. */
size_t qm_text_passes(const char *text);

/* Whether a text, the name of a file say, has that end. */
bool qm_text_ends_in(const char *text, const char *end);

/* Copies text to out [size]; what does not fit is cut before a character, not inside. */
void qm_text_copy(const char *text, char *out, size_t size);

/* Characters of valid UTF-8: the width of a text that has been shown. East Asian letters and combining marks count as one. */
size_t qm_text_width(const char *text);
/* The text behind its first characters, of which it has as many. */
const char *qm_text_after(const char *text, size_t characters);

#endif
