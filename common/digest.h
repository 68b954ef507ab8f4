/* digest.h - SHA-256 as text: names what a file or a text holds, whatever it is called and whenever it was written. */
#ifndef QM_COMMON_DIGEST_H
#define QM_COMMON_DIGEST_H

#include <nettle/sha2.h>
#include <stddef.h>

#include "common/status.h"

enum { QM_DIGEST_BYTES = 2 * SHA256_DIGEST_SIZE + 1 }; /* of the text, with its 0 */

struct qm_digest {
    char text[QM_DIGEST_BYTES]; /* 64 digits, lower case */
};

/* Adds the text and its 0, so that "ab", "c" and "a", "bc" are different. */
void qm_digest_add(struct sha256_ctx *hash, const char *text);
void qm_digest_end(struct sha256_ctx *hash, struct qm_digest *digest);

void qm_digest_of(const void *bytes, size_t size, struct qm_digest *digest);
/* Of a whole file; QM_BAD_INPUT when qm_file_read cannot read it, or it is longer than 256 MiB. */
QM_MUST_USE enum qm_status qm_digest_file(const char *file, struct qm_digest *digest, struct qm_diag *diag);

#endif
