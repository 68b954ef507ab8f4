/* rtl_files.c - Verilator's list has one line for each file that it read: S, size, inode, the times of its last change as seconds and
 * nanoseconds, and the name in quotes. Times only tell whether a file is still the one that was read; what counts is what is in it.
 */
#include "sim/verilated/rtl_files.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "sim/verilated/rtl_request.h"

enum { LIST_BYTES_MAX = 1 << 24 };
static const char SEPARATOR[] = "  ", NAMES[] = "(names of all files)", LIBRARY[] = "(library)";

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

static int by_name_of_entry(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Links are followed, as Verilator follows them. A file that is not regular would let the tools wait for ever. */
static enum qm_status add_entry(const FTSENT *entry, size_t skip, struct sha256_ctx *hash, struct qm_diag *diag) {
    switch (entry->fts_info) {
    case FTS_DP: return QM_OK;
    case FTS_F:
    case FTS_D:
    case FTS_SLNONE: /* a link that leads nowhere may lead somewhere one day, and what cannot be read now may be read then */
        qm_digest_add(hash, access(entry->fts_path, R_OK) == 0 ? "read" : "not read");
        qm_digest_add(hash, entry->fts_path + skip);
        return QM_OK;
    case FTS_DEFAULT: return qm_fail(diag, QM_BAD_INPUT, "%s: is not a regular file: take it out of the Verilog", entry->fts_path);
    case FTS_DC: return qm_fail(diag, QM_BAD_INPUT, "%s: is a link to a folder that it is in: take it out of the Verilog", entry->fts_path);
    default: return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be read: %s", entry->fts_path, strerror(entry->fts_errno));
    }
}

enum qm_status rtl_files_names(const char *source, struct qm_digest *digest, struct qm_diag *diag) {
    char *const roots[] = {(char *)(uintptr_t)source, NULL};
    struct sha256_ctx hash;
    enum qm_status status = QM_OK;
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name_of_entry);
    if (walk == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s: cannot be read: %s", source, strerror(errno));
    sha256_init(&hash);
    for (FTSENT *entry; status == QM_OK && (entry = fts_read(walk)) != NULL;) status = add_entry(entry, strlen(source), &hash, diag);
    fts_close(walk);
    qm_digest_end(&hash, digest);
    return status;
}

/* Verilator looks in the folder, then in lib/, then in probe/. Whether a name that it found in a later one could now be found in an earlier
 * one, which for ../x.vh may be outside of the folder, where no names are noted. */
static bool is_shadowed(const char *name, const char *source, struct qm_arena *arena) {
    static const char *const searched[] = {"", "lib/", "probe/"};
    for (size_t late = 1; late < sizeof searched / sizeof *searched; late++) {
        if (strncmp(name, searched[late], strlen(searched[late])) != 0) continue;
        for (size_t early = 0; early < late; early++)
            if (access(qm_arena_printf(arena, "%s/%s%s", source, searched[early], name + strlen(searched[late])), F_OK) == 0) return true;
    }
    return false;
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

/* The name relative to the Verilog's folder, or absolute; NULL for what this program made or has checked itself,
 * and for Verilator's own program. */
static const char *name_of(const char *name, const char *home, struct qm_arena *arena) {
    static const char source[] = RTL_LINK_SOURCE "/", link[] = RTL_LINK_HOME "/", program[] = "verilator_bin";
    const char *slash = strrchr(name, '/');
    if (strncmp(name, source, strlen(source)) == 0) return name + strlen(source);
    if (strcmp(name, RTL_DEFS_FILE) == 0 || strcmp(name, RTL_LINK_HOME "/" RTL_GLUE_FILE) == 0) return NULL;
    if (strncmp(name, link, strlen(link)) == 0) return qm_arena_printf(arena, "%s/%s", home, name + strlen(link));
    return strcmp(slash != NULL ? slash + 1 : name, program) == 0 ? NULL : name;
}

static enum qm_status add_file(const struct read_file *read, const struct rtl_places *places, struct qm_arena *arena,
                               struct rtl_files *files, struct qm_diag *diag) {
    const char *name = name_of(read->name, places->home, arena);
    if (name == NULL) return QM_OK;
    const char *path = path_of(name, places->source, arena);
    struct rtl_file *file = &files->files[files->count++];
    file->name = qm_arena_strdup(arena, name);
    QM_TRY(qm_digest_file(path, &file->digest, diag));
    if (is_unchanged(read, path)) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%s: changed while it was read: run again", path);
}

enum qm_status rtl_files_of_list(const char *list, const struct rtl_places *places, const struct qm_digest *names, struct qm_arena *arena,
                                 struct rtl_files *files, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    struct read_file read;
    QM_TRY(qm_file_read(list, LIST_BYTES_MAX, &bytes, &size, diag));
    char *rest = qm_arena_strdup(arena, (const char *)bytes);
    free(bytes);
    *files = (struct rtl_files){.files = QM_ARENA_NEW(arena, struct rtl_file, size / 8 + 1)};
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (parse_line(line, &read)) QM_TRY(add_file(&read, places, arena, files, diag));
    if (files->count == 0)
        return qm_fail(diag, QM_INTERNAL, "%s: Verilator has left no list of what it read: is there space for it?", list);
    QM_TRY(rtl_files_names(places->source, &files->names, diag));
    if (strcmp(files->names.text, names->text) != 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: files came or went while it was read: run again", places->source);
    sort_and_digest(files);
    return QM_OK;
}

/* ---- kept ---- */

enum qm_status rtl_files_write(const struct rtl_files *files, const char *file, struct qm_diag *diag) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    fprintf(stream, "%s%s%s\n%s%s%s\n", files->names.text, SEPARATOR, NAMES, files->library.text, SEPARATOR, LIBRARY);
    for (size_t i = 0; i < files->count; i++) fprintf(stream, "%s%s%s\n", files->files[i].digest.text, SEPARATOR, files->files[i].name);
    qm_text_stream_close(stream);
    enum qm_status status = qm_file_write(file, text, size, diag);
    free(text);
    if (status == QM_OK) chmod(file, 0644); /* for others to read, and not to write */
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
    struct rtl_file head[2] = {{0}};
    static const char *const heads[2] = {NAMES, LIBRARY};
    bool whole = true;
    char *line;
    for (int i = 0; i < 2 && whole; i++)
        whole = (line = strsep(&rest, "\n")) != NULL && read_line(line, &head[i]) && strcmp(head[i].name, heads[i]) == 0;
    while (whole && (line = strsep(&rest, "\n")) != NULL && *line != '\0') whole = read_line(line, &files->files[files->count++]);
    if (!whole || files->count == 0) return qm_fail(diag, QM_BAD_INPUT, "%s: is damaged: remove it", file);
    files->names = head[0].digest;
    files->library = head[1].digest;
    sort_and_digest(files);
    return QM_OK;
}

void rtl_files_name(const struct rtl_files *files, struct qm_digest *name) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    qm_digest_add(&hash, files->digest.text);
    qm_digest_add(&hash, files->names.text);
    qm_digest_end(&hash, name);
}

bool rtl_files_hold(const struct rtl_files *files, const char *source, struct qm_arena *arena) {
    struct qm_digest digest;
    struct qm_diag ignored;
    for (size_t i = 0; i < files->count; i++) {
        if (qm_digest_file(path_of(files->files[i].name, source, arena), &digest, &ignored) != QM_OK) return false;
        if (strcmp(digest.text, files->files[i].digest.text) != 0 || is_shadowed(files->files[i].name, source, arena)) return false;
    }
    return rtl_files_names(source, &digest, &ignored) == QM_OK && strcmp(digest.text, files->names.text) == 0;
}
