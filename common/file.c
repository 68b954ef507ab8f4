/* file.c - reading, writing and finding of files. */
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/text.h"

enum { FIRST_ROOM = 1 << 16, STREAM_BYTES_MAX = 1 << 28 };

enum qm_status qm_file_cannot(const char *file, const char *what, int problem, struct qm_diag *diag) {
    if (problem == ENOMEM) qm_out_of_memory();
    return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be %s: %s", file, what, strerror(problem));
}

/* ---- reading ---- */

struct input {
    const char *file;
    int descriptor;
    mode_t mode;
    size_t limit;
    uint8_t *bytes;    /* [room], used and a 0 behind them */
    size_t room, used; /* used > limit: it is too long */
};

/* What cannot be read to an end; NULL: it can. */
static const char *name_kind(mode_t mode) {
    return S_ISDIR(mode) ? "a folder" : S_ISSOCK(mode) ? "a socket" : S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : NULL;
}

/* Does not wait: neither for somebody who writes to a FIFO, nor for a line of a terminal. */
static enum qm_status open_input(struct input *input, struct qm_diag *diag) {
    struct stat info;
    input->descriptor = open(input->file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int problem = errno;
    if ((input->descriptor >= 0 ? fstat(input->descriptor, &info) : stat(input->file, &info)) != 0)
        return qm_file_cannot(input->file, "read", errno, diag);
    const char *kind = name_kind(info.st_mode);
    if (kind != NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: is %s, not a file", input->file, kind);
    if (input->descriptor < 0) return qm_file_cannot(input->file, "read", problem, diag);
    bool has_size = S_ISREG(info.st_mode) && info.st_size > 0;
    if (!has_size && input->limit > STREAM_BYTES_MAX) input->limit = STREAM_BYTES_MAX;
    input->mode = info.st_mode;
    input->used = has_size && (size_t)info.st_size > input->limit ? input->limit + 1 : 0;
    input->room = has_size && input->used == 0 ? (size_t)info.st_size + 2 : FIRST_ROOM;
    return QM_OK;
}

/* As read(), but waits for what a pipe's other end is yet to write. */
static ssize_t read_some(const struct input *input) {
    for (;;) {
        ssize_t got = read(input->descriptor, input->bytes + input->used, input->room - 1 - input->used);
        bool waits = got < 0 && errno == EAGAIN && S_ISFIFO(input->mode);
        if (waits) poll(&(struct pollfd){.fd = input->descriptor, .events = POLLIN}, 1, -1);
        if (!waits && (got >= 0 || errno != EINTR)) return got;
    }
}

static enum qm_status read_whole(struct input *input, struct qm_diag *diag) {
    ssize_t got = 1;
    QM_TRY(open_input(input, diag));
    input->bytes = qm_alloc(input->room);
    while (got > 0 && input->used <= input->limit) {
        if (input->used == input->room - 1) input->bytes = qm_alloc_more(input->bytes, input->room *= 2);
        got = read_some(input);
        if (got < 0) return qm_file_cannot(input->file, "read", errno, diag);
        input->used += (size_t)got;
    }
    if (input->used > input->limit)
        return qm_fail(diag, QM_BAD_INPUT, "%s: is longer than %zu bytes: is it the right file?", input->file, input->limit);
    if (input->used == 0 && S_ISFIFO(input->mode))
        return qm_fail(diag, QM_BAD_INPUT, "%s: is a pipe with nothing in it, to which nobody writes", input->file);
    input->bytes[input->used] = 0;
    return QM_OK;
}

enum qm_status qm_file_read(const char *file, size_t limit, uint8_t **bytes, size_t *size, struct qm_diag *diag) {
    struct input input = {.file = file, .descriptor = -1, .limit = limit};
    enum qm_status status = read_whole(&input, diag);
    if (input.descriptor >= 0) close(input.descriptor);
    if (status != QM_OK) {
        free(input.bytes);
        return status;
    }
    *bytes = input.bytes;
    *size = input.used;
    return QM_OK;
}

/* ---- writing ---- */

static bool write_bytes(int output, const uint8_t *bytes, size_t size) {
    while (size > 0) {
        ssize_t put = write(output, bytes, size);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        bytes += put;
        size -= (size_t)put;
    }
    return true;
}

/* Does not wait for a reader of a pipe: without one errno is ENXIO. */
static int open_output(const char *file) {
    int output = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0666);
    if (output >= 0) fcntl(output, F_SETFL, 0);
    return output;
}

/* errno says why not. */
static bool write_all(const char *file, const void *bytes, size_t size) {
    int output = open_output(file);
    if (output < 0) return false;
    bool written = write_bytes(output, bytes, size);
    int problem = errno;
    if (close(output) != 0) return false;
    errno = problem;
    return written;
}

enum qm_status qm_file_write(const char *file, const void *bytes, size_t size, struct qm_diag *diag) {
    struct stat info;
    if (stat(file, &info) == 0 && !S_ISREG(info.st_mode)) { /* /dev/stdout and kin cannot be replaced */
        if (write_all(file, bytes, size)) return QM_OK;
        return qm_file_cannot(file, "written", errno, diag);
    }
    size_t path_bytes = strlen(file) + 32;
    char *temporary = qm_alloc(path_bytes);
    snprintf(temporary, path_bytes, "%s.%ld.tmp", file, (long)getpid());
    bool done = write_all(temporary, bytes, size) && rename(temporary, file) == 0;
    int problem = errno;
    if (!done) unlink(temporary);
    free(temporary);
    return done ? QM_OK : qm_file_cannot(file, "written", problem, diag);
}

enum qm_status qm_file_sync(const char *file, struct qm_diag *diag) {
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    bool done = descriptor >= 0 && fsync(descriptor) == 0;
    int problem = errno;
    if (descriptor >= 0) close(descriptor);
    return done ? QM_OK : qm_file_cannot(file, "written", problem, diag);
}

/* ---- names ---- */

void qm_file_base_name(const char *file, char *name, size_t size) {
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    size_t length = strlen(base) - (qm_text_ends_in(base, ".yaml") ? strlen(".yaml") : 0);
    snprintf(name, size, "%.*s", (int)length, base);
}

static int is_yaml(const struct dirent *entry) {
    return qm_text_ends_in(entry->d_name, ".yaml");
}

static void list_names(const char *folder, char *text, size_t size) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, is_yaml, alphasort);
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        char name[256];
        qm_file_base_name(entries[i]->d_name, name, sizeof name);
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", name);
        free(entries[i]);
    }
    free(entries);
}

enum qm_status qm_file_find_spec(const char *kind, const char *name, char *path, struct qm_diag *diag) {
    char folder[QM_PATH_BYTES], below[64], names[500];
    if (strchr(name, '/') != NULL || qm_text_ends_in(name, ".yaml")) return qm_path_join(path, diag, name, NULL);
    snprintf(below, sizeof below, "spec/%s", kind);
    QM_TRY(qm_home_path(below, folder, diag));
    QM_TRY(qm_path_join(path, diag, folder, "/", name, ".yaml", NULL));
    if (name[0] != '\0' && access(path, F_OK) == 0) return QM_OK;
    if (access(folder, R_OK) != 0) return qm_fail(diag, QM_BAD_INPUT, "%s: no such folder: QMAC_HOME must name a tree of qmac", folder);
    list_names(folder, names, sizeof names);
    return qm_fail(diag, QM_BAD_INPUT, "%s: no such name in spec/%s; there are: %s; or give a .yaml file", name, kind, names);
}
