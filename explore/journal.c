/* journal.c - the file of finished points, which one process at a time writes: the lock is this process's, not that of those it forks.
 *
 *     head     "qmac explore journal\n", the digest of the sweep, "\n"
 *     record   struct head, then the point without what lies behind the end of its `why`
 *
 * Numbers are as this machine has them in memory: the digest of the sweep has that of the program in it. A record is appended by one write;
 * what is not whole, because the disk was full or the system went down, is cut off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/prng.h"
#include "explore/explore.h"

static const char first_line[] = "qmac explore journal\n";
enum { HEAD_BYTES = sizeof first_line - 1 + QM_DIGEST_BYTES, SYNC_SECONDS = 1 };

struct head {
    uint64_t index, size; /* of the point that follows, in bytes */
    uint64_t check;       /* of index, size and those bytes */
};

static uint64_t check_of(const struct head *head, const void *point) {
    return qm_hash_bytes(qm_hash3(0, head->index, head->size), point, head->size);
}

/* Takes the record at bytes into points; returns what it takes of the file, 0 when it is not whole. */
static size_t take_record(const uint8_t *bytes, size_t size, struct point *points, uint64_t count, uint64_t *known) {
    struct head head;
    if (size < sizeof head) return 0;
    memcpy(&head, bytes, sizeof head);
    if (head.size > sizeof *points || head.size > size - sizeof head || head.index >= count) return 0;
    if (head.check != check_of(&head, bytes + sizeof head)) return 0;
    struct point *point = &points[head.index];
    *known += point->state == POINT_WAITS;
    memcpy(point, bytes + sizeof head, head.size);
    return sizeof head + head.size;
}

static enum qm_status put(struct journal *journal, const void *bytes, size_t size, struct qm_diag *diag) {
    ssize_t written = pwrite(journal->descriptor, bytes, size, (off_t)journal->size_bytes);
    if (written == (ssize_t)size) {
        journal->size_bytes += size;
        return QM_OK;
    }
    int problem = written < 0 ? errno : ENOSPC;
    if (ftruncate(journal->descriptor, (off_t)journal->size_bytes) != 0) problem = errno;
    return qm_file_cannot(journal->file, "written", problem, diag);
}

/* The bytes of the whole file, of qm_alloc. By the descriptor that holds the lock: closing another one of the file would end it. */
static enum qm_status read_file(const struct journal *journal, uint8_t **bytes, size_t *size, struct qm_diag *diag) {
    off_t end = lseek(journal->descriptor, 0, SEEK_END);
    *size = 0;
    *bytes = qm_alloc((size_t)(end > 0 ? end : 0) + 1);
    while (*size < (size_t)end) {
        ssize_t got = pread(journal->descriptor, *bytes + *size, (size_t)end - *size, (off_t)*size);
        if (got > 0) *size += (size_t)got;
        if (got > 0 || (got < 0 && errno == EINTR)) continue;
        free(*bytes);
        return qm_file_cannot(journal->file, "read", got < 0 ? errno : EIO, diag);
    }
    return QM_OK;
}

/* Takes what the file has, or gives an empty one its head. */
static enum qm_status take_file(struct journal *journal, const struct qm_digest *sweep, struct point *points, uint64_t count,
                                uint64_t *known, struct qm_diag *diag) {
    char head[HEAD_BYTES + 1];
    uint8_t *bytes;
    size_t size, taken;
    QM_CHECK(snprintf(head, sizeof head, "%s%s\n", first_line, sweep->text) == HEAD_BYTES);
    QM_TRY(read_file(journal, &bytes, &size, diag));
    size_t same = size < HEAD_BYTES ? size : HEAD_BYTES;
    bool is_ours = memcmp(bytes, head, same) == 0;
    journal->size_bytes = same == HEAD_BYTES ? HEAD_BYTES : 0;
    if (is_ours && same == HEAD_BYTES)
        while ((taken = take_record(bytes + journal->size_bytes, size - journal->size_bytes, points, count, known)) > 0)
            journal->size_bytes += taken;
    free(bytes);
    if (!is_ours)
        return qm_fail(diag, QM_BAD_INPUT,
                       "%s: has the points of another sweep (or of another qmac): give its command to go on with it, or remove the file",
                       journal->file);
    if (ftruncate(journal->descriptor, (off_t)journal->size_bytes) != 0) return qm_file_cannot(journal->file, "written", errno, diag);
    return journal->size_bytes > 0 ? QM_OK : put(journal, head, HEAD_BYTES, diag);
}

enum qm_status journal_open(struct journal *journal, const char *file, const struct qm_digest *sweep, struct point *points, uint64_t count,
                            uint64_t *known, struct qm_diag *diag) {
    *journal = (struct journal){.file = file, .descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666), .synced = qm_seconds()};
    *known = 0;
    if (journal->descriptor < 0) return qm_file_cannot(file, "written", errno, diag);
    if (fcntl(journal->descriptor, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET}) != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: another qmac explore writes it: wait for that one, or end it", file);
    return take_file(journal, sweep, points, count, known, diag);
}

enum qm_status journal_add(struct journal *journal, uint64_t index, const struct point *point, struct qm_diag *diag) {
    struct {
        struct head head;
        struct point point;
    } record = {.head = {.index = index, .size = offsetof(struct point, why) + strlen(point->why.text) + 1}};
    memcpy(&record.point, point, record.head.size);
    record.head.check = check_of(&record.head, &record.point);
    QM_TRY(put(journal, &record, sizeof record.head + record.head.size, diag));
    if (qm_seconds() - journal->synced < SYNC_SECONDS) return QM_OK;
    journal->synced = qm_seconds();
    return fdatasync(journal->descriptor) == 0 ? QM_OK : qm_file_cannot(journal->file, "written", errno, diag);
}

void journal_close(struct journal *journal) {
    close(journal->descriptor);
}
