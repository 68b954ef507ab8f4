/* memory.h - allocates memory for everybody, and is the one place where memory is found to have run out.
 *
 * No function here returns NULL. When the system gives nothing more, the process ends: one line on stderr, exit status 3 (QM_INTERNAL). It
 * ends here, and not by a status through every caller, because nothing is left to do on the way: files are written by qm_file_write, which
 * allocates nothing between the first byte and the rename, so none is half-written; what stands in the buffer of stdout is dropped; the
 * system frees the rest. A process that works for another leaves the line with that one instead: qm_memory_tell. Blocks are freed by
 * free().
 */
#ifndef QM_COMMON_MEMORY_H
#define QM_COMMON_MEMORY_H

#include <stddef.h>
#include <stdio.h>

#include "common/status.h"

void *qm_alloc(size_t size_bytes); /* not zeroed */
void *qm_alloc_zeroed(size_t count, size_t item_bytes);
void *qm_alloc_aligned(size_t alignment, size_t size_bytes); /* a power of two; not zeroed */
void *qm_alloc_more(void *block, size_t size_bytes);         /* the block, moved to one of this size */

/* Zeroed memory that a process shares with those that it forks. Pages that are not touched cost nothing. */
void *qm_alloc_shared(size_t size_bytes);
void qm_free_shared(void *memory, size_t size_bytes);

/* A text as qm_text_show (common/text.h) shows it, uncut. */
char *qm_text_shown(const char *text);

/* A stream into a text that grows; closing it ends the text, which is the caller's to free. */
FILE *qm_text_stream_open(char **text, size_t *size);
void qm_text_stream_close(FILE *stream);

/* Takes the memory of the stack at the begin of main(), for a stack that cannot grow later ends the process without a line. */
void qm_reserve_stack(void);

/* From now on what is freed stays with the process, for work of the same size again and again: pages are not taken from the system and
 * cleared for each. */
void qm_memory_keep(void);

/* Ends the process as above, for a library that reports by itself that it got no memory. */
void qm_out_of_memory(void) __attribute__((noreturn));

/* Ends the process as above with another line and status, from where no status can be returned. */
void qm_end_process(enum qm_status status, const char *line) __attribute__((noreturn));

/* From now on this process ends without a word on stderr, and the line stands in diag,
 * which it shares with the process that waits for it. */
void qm_memory_tell(struct qm_diag *diag);

#endif
