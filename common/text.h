/* text.h - names and paths of others on their way out: to a terminal, into JSON or CSV.
 *
 * A name may hold any bytes, and inside it is only compared. At the door it becomes text that every reader takes: valid UTF-8 that shows
 * passes as it is; every byte of anything else (control characters, C1 controls, marks that reverse or break lines,
 * what is not UTF-8) becomes \xNN.
 * What has passed once passes again unchanged.
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

/* The same in full: a text that the caller frees; to a stream. */
char *qm_text_shown(const char *text);
void qm_text_print(const char *text, FILE *out);

/* Bytes of the character at text, which is not its end, when it passes as it is; else 0. */
size_t qm_text_passes(const char *text);

/* Whether a text, the name of a file say, has that end. */
bool qm_text_ends_in(const char *text, const char *end);

/* Copies text to out [size]; what does not fit is cut before a character, not inside. */
void qm_text_copy(const char *text, char *out, size_t size);

/* Characters of valid UTF-8: the width of a text that has been shown. East Asian letters and combining marks count as one. */
size_t qm_text_width(const char *text);
/* What follows that many of its characters, which it has. */
const char *qm_text_after(const char *text, size_t characters);

#endif
