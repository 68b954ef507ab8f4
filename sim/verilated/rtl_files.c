/* rtl_files.c - Verilator's list has one line for each file that it read: S, size, inode, the times of its last change as seconds and
 * nanoseconds, and the name in quotes. Times only tell whether a file is still the one that was read; what counts is what is in it.
 */
#include "sim/verilated/rtl_files.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/file.h"
#include "common/memory.h"
#include "sim/verilated/rtl_request.h"

enum { LIST_BYTES_MAX = 1 << 24, OPEN_FOLDERS_MAX = 16 };
static const char SEPARATOR[] = "  ", NAMES[] = "(names of all files)";

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct rtl_file *)a)->name, ((const struct rtl_file *)b)->name);
}

static void sort_and_digest(struct rtl_files *files) {
    struct sha256_ctx hash;
    qsort(files->files, files->count, sizeof *files->files, by_name);
    sha256_init(&hash);
    for (size_t i = 0; i < files->count; i++) {
        const char *const texts[] = {files->files[i].digest.text, SEPARATOR, files->files[i].name, "\n"};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) sha256_update(&hash, strlen(texts[k]), (const uint8_t *)texts[k]);
    }
    qm_digest_end(&hash, &files->digest);
}

static const char *path_of(const char *name, const char *source, struct qm_arena *arena) {
    return name[0] == '/' ? name : qm_arena_printf(arena, "%s/%s", source, name);
}

/* ---- all names of a folder ---- */

static _Thread_local struct {
    char **names;
    size_t count, skip; /* skip: bytes of the folder's own path */
} walk;

static int add_name(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)where;
    size_t size = strlen(path + walk.skip) + 16;
    char *name = qm_alloc(size);
    snprintf(name, size, "%d %s", kind, path + walk.skip);
    walk.names = qm_alloc_more(walk.names, (walk.count + 1) * sizeof *walk.names);
    walk.names[walk.count++] = name;
    return 0;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void digest_names(const char *source, struct qm_digest *digest) {
    struct sha256_ctx hash;
    walk.names = NULL;
    walk.count = 0;
    walk.skip = strlen(source);
    nftw(source, add_name, OPEN_FOLDERS_MAX, FTW_PHYS);
    qsort(walk.names, walk.count, sizeof *walk.names, by_text);
    sha256_init(&hash);
    for (size_t i = 0; i < walk.count; i++) {
        qm_digest_add(&hash, walk.names[i]);
        free(walk.names[i]);
    }
    free(walk.names);
    qm_digest_end(&hash, digest);
}

/* ---- Verilator's list ---- */

struct read_file {
    uint64_t size;
    int64_t changed[4]; /* status and content, seconds and nanoseconds of each */
    char *name;
};

/* A line of the list; false when it is not one of a file that was read. */
static bool parse_line(char *line, struct read_file *read) {
    int used = 0;
    uint64_t inode;
    int64_t *at = read->changed;
    if (sscanf(line, "S %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " \"%n", &read->size, &inode, &at[0], &at[1],
               &at[2], &at[3], &used) != 6 ||
        used == 0)
        return false;
    char *end = strrchr(line, '"');
    if (end < line + used) return false;
    *end = '\0';
    read->name = line + used;
    return true;
}

static bool is_unchanged(const struct read_file *read, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0 || (uint64_t)info.st_size != read->size) return false;
    const int64_t now[4] = {info.st_ctim.tv_sec, info.st_ctim.tv_nsec, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    return memcmp(now, read->changed, sizeof now) == 0;
}

/* The name relative to the Verilog's folder; NULL for what this program made or has checked itself, and for Verilator's own program. */
static const char *name_of(const char *name) {
    static const char source[] = RTL_LINK_SOURCE "/", home[] = RTL_LINK_HOME "/", program[] = "verilator_bin";
    const char *slash = strrchr(name, '/');
    if (strncmp(name, source, strlen(source)) == 0) return name + strlen(source);
    if (strncmp(name, home, strlen(home)) == 0 || strcmp(name, RTL_DEFS_FILE) == 0) return NULL;
    return strcmp(slash != NULL ? slash + 1 : name, program) == 0 ? NULL : name;
}

static enum qm_status add_file(const struct read_file *read, const char *source, struct qm_arena *arena, struct rtl_files *files,
                               struct qm_diag *diag) {
    const char *name = name_of(read->name);
    if (name == NULL) return QM_OK;
    const char *path = path_of(name, source, arena);
    struct rtl_file *file = &files->files[files->count++];
    file->name = qm_arena_strdup(arena, name);
    QM_TRY(qm_digest_file(path, &file->digest, diag));
    if (is_unchanged(read, path)) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: changed while it was read: run again", path);
}

enum qm_status rtl_files_of_list(const char *list, const char *source, struct qm_arena *arena, struct rtl_files *files,
                                 struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    struct read_file read;
    QM_TRY(qm_file_read(list, LIST_BYTES_MAX, &bytes, &size, diag));
    char *rest = qm_arena_strdup(arena, (const char *)bytes);
    free(bytes);
    *files = (struct rtl_files){.files = QM_ARENA_NEW(arena, struct rtl_file, size / 8 + 1)};
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (parse_line(line, &read)) QM_TRY(add_file(&read, source, arena, files, diag));
    if (files->count == 0) return qm_fail(diag, QM_INTERNAL, "%s: names no file that Verilator read", list);
    digest_names(source, &files->names);
    sort_and_digest(files);
    return QM_OK;
}

/* ---- kept ---- */

enum qm_status rtl_files_write(const struct rtl_files *files, const char *file, struct qm_diag *diag) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    fprintf(stream, "%s%s%s\n", files->names.text, SEPARATOR, NAMES);
    for (size_t i = 0; i < files->count; i++) fprintf(stream, "%s%s%s\n", files->files[i].digest.text, SEPARATOR, files->files[i].name);
    qm_text_stream_close(stream);
    enum qm_status status = qm_file_write(file, text, size, diag);
    free(text);
    return status;
}

static bool read_line(char *line, struct rtl_file *file) {
    if (strlen(line) <= QM_DIGEST_BYTES || strncmp(line + QM_DIGEST_BYTES - 1, SEPARATOR, strlen(SEPARATOR)) != 0) return false;
    line[QM_DIGEST_BYTES - 1] = '\0';
    strcpy(file->digest.text, line);
    file->name = line + QM_DIGEST_BYTES - 1 + strlen(SEPARATOR);
    return true;
}

enum qm_status rtl_files_read(const char *file, struct qm_arena *arena, struct rtl_files *files, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(file, LIST_BYTES_MAX, &bytes, &size, diag));
    char *rest = qm_arena_strdup(arena, (const char *)bytes);
    free(bytes);
    *files = (struct rtl_files){.files = QM_ARENA_NEW(arena, struct rtl_file, size / QM_DIGEST_BYTES + 1)};
    struct rtl_file first = {0};
    char *line = strsep(&rest, "\n");
    bool whole = line != NULL && read_line(line, &first) && strcmp(first.name, NAMES) == 0;
    while (whole && (line = strsep(&rest, "\n")) != NULL && *line != '\0') whole = read_line(line, &files->files[files->count++]);
    if (!whole || files->count == 0) return qm_fail(diag, QM_BAD_INPUT, "%s: is damaged: remove it", file);
    files->names = first.digest;
    sort_and_digest(files);
    return QM_OK;
}

bool rtl_files_hold(const struct rtl_files *files, const char *source, struct qm_arena *arena) {
    struct qm_digest digest;
    struct qm_diag ignored;
    for (size_t i = 0; i < files->count; i++) {
        if (qm_digest_file(path_of(files->files[i].name, source, arena), &digest, &ignored) != QM_OK) return false;
        if (strcmp(digest.text, files->files[i].digest.text) != 0) return false;
    }
    digest_names(source, &digest);
    return strcmp(digest.text, files->names.text) == 0;
}
