/* digest.c - nettle computes, this writes the digits. */
#include "common/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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
    struct sha256_ctx hash;
    uint8_t bytes[1 << 14];
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be read: %s", file, strerror(errno));
    sha256_init(&hash);
    for (size_t size; (size = fread(bytes, 1, sizeof bytes, stream)) > 0;) sha256_update(&hash, size, bytes);
    int problem = ferror(stream) ? errno : 0;
    fclose(stream);
    if (problem != 0) return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be read: %s", file, strerror(problem));
    qm_digest_end(&hash, digest);
    return QM_OK;
}
