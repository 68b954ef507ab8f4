/* file.h - files as the command line needs them: read whole, written whole or not at all, and found by name in spec/.
 *
 * A file is written to a temporary name beside it and renamed, so that nobody ever sees half of it.
 */
#ifndef QM_COMMON_FILE_H
#define QM_COMMON_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/home.h"
#include "common/status.h"

/* Reads a file of at most limit bytes, opened once, so that a pipe is as good as a file. *bytes (one 0 byte follows them; aligned to 8) is
 * freed by the caller. QM_BAD_INPUT: what cannot be read; a folder, a socket, a device; a pipe or FIFO that nobody writes to and that holds
 * nothing - one with a writer is read to its end. What does not say its size beforehand, as pipes and /proc, may have 256 MiB. */
QM_MUST_USE enum qm_status qm_file_read(const char *file, size_t limit, uint8_t **bytes, size_t *size, struct qm_diag *diag);

QM_MUST_USE enum qm_status qm_file_write(const char *file, const void *bytes, size_t size, struct qm_diag *diag);

/* Sees to it that what is in the file survives a loss of power. */
QM_MUST_USE enum qm_status qm_file_sync(const char *file, struct qm_diag *diag);

/* Finds what a user names: a file (has a '/' or ends in .yaml) as it is, else spec/KIND/NAME.yaml of the home
 * (common/home.h). path has QM_PATH_BYTES. An unknown name is
 * QM_BAD_INPUT with the names there are. */
QM_MUST_USE enum qm_status qm_file_find_spec(const char *kind, const char *name, char *path, struct qm_diag *diag);

/* "FILE: cannot be WHAT: why", as the system's error number `problem` says it: QM_BAD_INPUT. Does not return when memory ran out. */
QM_MUST_USE enum qm_status qm_file_cannot(const char *file, const char *what, int problem, struct qm_diag *diag);

/* "spec/machines/edge.yaml" to "edge". */
void qm_file_base_name(const char *file, char *name, size_t size);

#endif
