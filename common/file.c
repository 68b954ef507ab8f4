/* file.c - reading, writing and finding of files. */
#include "common/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum qm_status read_stream(FILE *stream, size_t limit, uint8_t **bytes, size_t *size) {
    size_t capacity = 1 << 16, used = 0;
    uint8_t *buffer = malloc(capacity);
    QM_CHECK(buffer != NULL);
    for (size_t got; (got = fread(buffer + used, 1, capacity - 1 - used, stream)) > 0;) {
        used += got;
        if (used > limit) break;
        if (used < capacity - 1) continue;
        capacity *= 2;
        buffer = realloc(buffer, capacity);
        QM_CHECK(buffer != NULL);
    }
    buffer[used] = 0;
    *bytes = buffer;
    *size = used;
    return ferror(stream) ? QM_BAD_INPUT : QM_OK;
}

enum qm_status qm_file_read(const char *file, size_t limit, uint8_t **bytes, size_t *size, struct qm_diag *diag) {
    FILE *stream = fopen(file, "rb");
    if (stream == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be read: %s", file, strerror(errno));
    enum qm_status status = read_stream(stream, limit, bytes, size);
    int problem = errno;
    fclose(stream);
    if (status == QM_OK && *size <= limit) return QM_OK;
    free(*bytes);
    if (status != QM_OK) return qm_fail(diag, status, "%s: cannot be read: %s", file, strerror(problem));
    return qm_fail(diag, QM_BAD_INPUT, "%s: is longer than %zu bytes: is it the right file?", file, limit);
}

static bool write_all(const char *file, const void *bytes, size_t size) {
    FILE *stream = fopen(file, "wb");
    if (stream == NULL) return false;
    bool written = fwrite(bytes, 1, size, stream) == size;
    return fclose(stream) == 0 && written;
}

enum qm_status qm_file_write(const char *file, const void *bytes, size_t size, struct qm_diag *diag) {
    struct stat info;
    if (stat(file, &info) == 0 && !S_ISREG(info.st_mode)) { /* /dev/stdout and kin cannot be replaced */
        if (write_all(file, bytes, size)) return QM_OK;
        return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be written: %s", file, strerror(errno));
    }
    size_t path_bytes = strlen(file) + 32;
    char *temporary = malloc(path_bytes);
    QM_CHECK(temporary != NULL);
    snprintf(temporary, path_bytes, "%s.%ld.tmp", file, (long)getpid());
    bool done = write_all(temporary, bytes, size) && rename(temporary, file) == 0;
    int problem = errno;
    if (!done) unlink(temporary);
    free(temporary);
    if (done) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be written: %s", file, strerror(problem));
}

static bool ends_in(const char *text, const char *end) {
    size_t size = strlen(text), tail = strlen(end);
    return size >= tail && strcmp(text + size - tail, end) == 0;
}

void qm_file_base_name(const char *file, char *name, size_t size) {
    const char *slash = strrchr(file, '/');
    const char *base = slash != NULL ? slash + 1 : file;
    size_t length = strlen(base) - (ends_in(base, ".yaml") ? strlen(".yaml") : 0);
    snprintf(name, size, "%.*s", (int)length, base);
}

static int is_yaml(const struct dirent *entry) {
    return ends_in(entry->d_name, ".yaml");
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
    if (strchr(name, '/') != NULL || ends_in(name, ".yaml")) return qm_path_join(path, diag, name, NULL);
    snprintf(below, sizeof below, "spec/%s", kind);
    QM_TRY(qm_home_path(below, folder, diag));
    QM_TRY(qm_path_join(path, diag, folder, "/", name, ".yaml", NULL));
    if (name[0] != '\0' && access(path, F_OK) == 0) return QM_OK;
    list_names(folder, names, sizeof names);
    return qm_fail(diag, QM_BAD_INPUT, "%s: no such name in spec/%s; there are: %s; or give a .yaml file", name, kind, names);
}
