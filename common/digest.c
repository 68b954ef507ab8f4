/* digest.c - computes digests with nettle and writes their hexadecimal digits. */
#include "common/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

enum { FILE_BYTES_MAX = 1 << 28 };

void qm_digest_add(struct sha256_ctx *hash, const char *text) {
    sha256_update(hash, strlen(text) + 1, (const uint8_t *)text);
}

void qm_digest_end(struct sha256_ctx *hash, struct qm_digest *digest) {
    uint8_t bytes[SHA256_DIGEST_SIZE];
    sha256_digest(hash, sizeof bytes, bytes);
    for (int i = 0; i < SHA256_DIGEST_SIZE; i++) snprintf(digest->text + 2 * i, 3, "%02x", bytes[i]);
}

void qm_digest_of(const void *bytes, size_t size, struct qm_digest *digest) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    sha256_update(&hash, size, bytes);
    qm_digest_end(&hash, digest);
}

enum qm_status qm_digest_file(const char *file, struct qm_digest *digest, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, FILE_BYTES_MAX, &bytes, &size, diag));
    qm_digest_of(bytes, size, digest);
    free(bytes);
    return QM_OK;
}
