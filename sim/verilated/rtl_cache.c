/* rtl_cache.c - the builds of a key are folders in ROOT/KEY, named by a digest of their files. A build is made in a folder of another name
 * and renamed when it is complete, so that one that was killed is never found; a lock keeps two processes from building the same at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "sim/verilated/rtl.h"
#include "sim/verilated/rtl_build.h"

enum { ROOTS_MAX = 2, KEEP_BUILDS = 32, NAME_DIGITS = QM_DIGEST_BYTES - 1, OPEN_FOLDERS_MAX = 16 };
static const char FILES_FILE[] = "files", NEW_FOLDER[] = "new-XXXXXX", NEW_PREFIX[] = "new-";

struct cache {
    const struct rtl_request *request;
    struct qm_arena *arena;
    const char *roots[ROOTS_MAX]; /* [count]: where builds may be, the first that can be written gets new ones */
    size_t count;
    struct qm_rtl *rtl;
    struct qm_diag *diag;
};

static const char *path_in(const struct cache *cache, const char *folder, const char *name) {
    return qm_arena_printf(cache->arena, "%s/%s", folder, name);
}

static const char *key_folder(const struct cache *cache, const char *root) {
    return qm_arena_printf(cache->arena, "%s/%s", root, cache->request->key.text);
}

/* ---- where ---- */

static bool is_set(const char *text) {
    return text != NULL && text[0] != '\0';
}

static void list_roots(struct cache *cache) {
    const char *named = getenv("QMAC_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (is_set(named)) {
        cache->roots[cache->count++] = named;
        return;
    }
    cache->roots[cache->count++] = path_in(cache, cache->request->home, "build/machines");
    if (is_set(xdg) && xdg[0] == '/')
        cache->roots[cache->count++] = path_in(cache, xdg, "qmac");
    else if (is_set(home) && home[0] == '/')
        cache->roots[cache->count++] = path_in(cache, home, ".cache/qmac");
}

/* Nobody but the user, root and the owner of the program, which could be anything already, may have written it. */
static bool is_ours(const struct cache *cache, const char *path) {
    struct stat info, program;
    char self[QM_PATH_BYTES];
    if (stat(path, &info) != 0 || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return false;
    if (info.st_uid == geteuid() || info.st_uid == 0) return true;
    return qm_program_path(NULL, self, cache->diag) == QM_OK && stat(self, &program) == 0 && program.st_uid == info.st_uid;
}

/* Makes the folder and all above it; whether it is there and new files can be made in it. */
static bool make_folders(const struct cache *cache, const char *folder) {
    char *path = qm_arena_strdup(cache->arena, folder);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0755);
    }
    mkdir(path, 0755);
    return access(path, W_OK | X_OK) == 0;
}

/* The first where builds can be kept. One that somebody else may write is no place for them. */
static enum qm_status choose_root(const struct cache *cache, const char **root) {
    const char *why = "";
    *root = "";
    for (size_t i = 0; i < cache->count; i++) {
        *root = cache->roots[i];
        const char *folder = key_folder(cache, *root);
        bool writable = make_folders(cache, folder);
        why = writable ? "somebody else may write there" : strerror(errno);
        if (writable && is_ours(cache, *root) && is_ours(cache, folder)) return QM_OK;
    }
    return qm_fail(cache->diag, QM_BAD_INPUT, "%s: no builds can be kept there: %s: name a folder for them with QMAC_CACHE", *root, why);
}

/* ---- finding ---- */

static int is_build(const struct dirent *entry) {
    return entry->d_name[0] != '.' && strlen(entry->d_name) == NAME_DIGITS;
}

/* Whether the folder has a build of what the Verilog is now; then it is noted as found. */
static bool take(const struct cache *cache, const char *folder) {
    struct rtl_files files;
    struct qm_digest name, built;
    struct qm_diag ignored;
    const char *list = path_in(cache, folder, FILES_FILE), *library = path_in(cache, folder, RTL_LIBRARY_FILE);
    if (!is_ours(cache, folder) || !is_ours(cache, list) || !is_ours(cache, library)) return false;
    if (rtl_files_read(list, cache->arena, &files, &ignored) != QM_OK) return false;
    rtl_files_name(&files, &name);
    if (strcmp(strrchr(folder, '/') + 1, name.text) != 0 || !rtl_files_hold(&files, cache->request->source, cache->arena)) return false;
    if (qm_digest_file(library, &built, &ignored) != QM_OK || strcmp(built.text, files.library.text) != 0) return false;
    if (qm_path_join(cache->rtl->library, &ignored, library, NULL) != QM_OK) return false;
    cache->rtl->digest = files.digest;
    utimensat(AT_FDCWD, list, NULL, 0); /* it was used now; where that may not be written it is not ours to clear up either */
    return true;
}

static bool find_in(const struct cache *cache, const char *root) {
    struct dirent **entries;
    const char *folder = key_folder(cache, root);
    bool found = false;
    if (!is_ours(cache, root) || !is_ours(cache, folder)) return false;
    int count = scandir(folder, &entries, is_build, alphasort);
    for (int i = 0; i < count; i++) {
        found = found || take(cache, path_in(cache, folder, entries[i]->d_name));
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return found;
}

/* ---- building ---- */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_folder(const char *folder) {
    nftw(folder, remove_one, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

static int is_new(const struct dirent *entry) {
    return strncmp(entry->d_name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0;
}

/* What builds that were killed have left; nobody else builds while the lock is held. */
static void clear_new(const struct cache *cache, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_new, alphasort);
    for (int i = 0; i < count; i++) {
        remove_folder(path_in(cache, folder, entries[i]->d_name));
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

static struct timespec last_use(const char *folder, const char *build) {
    char path[QM_PATH_BYTES];
    struct stat info = {0};
    struct qm_diag ignored;
    if (qm_path_join(path, &ignored, folder, "/", build, "/", FILES_FILE, NULL) == QM_OK && stat(path, &info) == 0) return info.st_mtim;
    return (struct timespec){0};
}

static bool is_before(struct timespec a, struct timespec b) {
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* Removes the build that was not used for the longest time when there are more than are worth keeping; whether there were. */
static bool clear_oldest(const struct cache *cache, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_build, alphasort), oldest = 0;
    for (int i = 1; i < count; i++)
        if (is_before(last_use(folder, entries[i]->d_name), last_use(folder, entries[oldest]->d_name))) oldest = i;
    if (count > KEEP_BUILDS) remove_folder(path_in(cache, folder, entries[oldest]->d_name));
    for (int i = 0; i < count; i++) free(entries[i]);
    if (count >= 0) free(entries);
    return count > KEEP_BUILDS;
}

/* So that a folder that is edited for weeks does not fill the disk. The loop ends even where a build cannot be removed. */
static void clear_old(const struct cache *cache, const char *folder) {
    for (int i = 0; i < KEEP_BUILDS && clear_oldest(cache, folder); i++) continue;
}

static const char *runtime_path(const struct cache *cache, const char *root) {
    return qm_arena_printf(cache->arena, "%s/runtime-%s.o", root, cache->request->tools->digest.text);
}

/* Keeps of the folder what will be loaded and what tells what it is. */
static enum qm_status reduce(const struct cache *cache, const char *folder, struct rtl_files *files) {
    struct dirent **entries;
    const char *library = path_in(cache, folder, RTL_LIBRARY_FILE);
    if (qm_file_sync(library, cache->diag) != QM_OK || qm_digest_file(library, &files->library, cache->diag) != QM_OK) return QM_INTERNAL;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, RTL_LIBRARY_FILE) != 0)
            remove_folder(path_in(cache, folder, name));
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    if (rtl_files_write(files, path_in(cache, folder, FILES_FILE), cache->diag) == QM_OK) return QM_OK;
    return QM_INTERNAL;
}

/* The name says what is in it, so a folder of that name that was not taken is damaged. */
static enum qm_status move_in_place(const struct cache *cache, const char *from, const struct rtl_files *files) {
    struct qm_digest digest;
    rtl_files_name(files, &digest);
    const char *folder = qm_arena_printf(cache->arena, "%.*s%s", (int)(strrchr(from, '/') - from + 1), from, digest.text);
    if (chmod(from, 0755) == 0) remove_folder(folder);
    if (rename(from, folder) == 0 && take(cache, folder)) return QM_OK;
    return qm_fail(cache->diag, QM_INTERNAL, "%s: the build is not as it was left: run again", folder);
}

static enum qm_status build_in(const struct cache *cache, const char *root, const char *folder) {
    struct rtl_files files;
    char *fresh = qm_arena_strdup(cache->arena, path_in(cache, folder, NEW_FOLDER));
    const char *runtime = runtime_path(cache, root);
    if (mkdtemp(fresh) == NULL) return qm_fail(cache->diag, QM_INTERNAL, "%s: cannot be made: %s", fresh, strerror(errno));
    if (access(runtime, F_OK) == 0 && !is_ours(cache, runtime)) unlink(runtime);
    enum qm_status status = rtl_build(cache->request, fresh, runtime, &files, cache->diag);
    if (status == QM_OK) status = reduce(cache, fresh, &files);
    if (status == QM_OK) status = move_in_place(cache, fresh, &files);
    if (status != QM_OK) remove_folder(fresh);
    return status;
}

/* The absolute path of a root that was made, since tools run elsewhere. */
static enum qm_status resolve(const struct cache *cache, const char **root) {
    char *path = realpath(*root, NULL);
    if (path == NULL) return qm_fail(cache->diag, QM_INTERNAL, "%s: %s", *root, strerror(errno));
    *root = qm_arena_strdup(cache->arena, path);
    free(path);
    return QM_OK;
}

/* Only who may build here may hold the lock: others could let everybody wait. */
static int take_lock(const struct cache *cache, const char *folder) {
    const struct qm_rtl_options *options = cache->request->options;
    int lock = open(path_in(cache, folder, "lock"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
    if (options->progress != NULL) options->progress(options->context, "waiting for another process, which builds the same machine");
    if (flock(lock, LOCK_EX) == 0) return lock;
    close(lock);
    return -1;
}

static enum qm_status build_locked(const struct cache *cache) {
    const char *root, *folder;
    QM_TRY(choose_root(cache, &root));
    QM_TRY(resolve(cache, &root));
    folder = key_folder(cache, root);
    int lock = take_lock(cache, folder);
    if (lock < 0) return qm_fail(cache->diag, QM_INTERNAL, "%s/lock: cannot be locked: %s", folder, strerror(errno));
    enum qm_status status = QM_OK;
    clear_new(cache, folder);
    if (!find_in(cache, root)) status = build_in(cache, root, folder);
    clear_old(cache, folder);
    close(lock);
    return status;
}

static enum qm_status find_or_build(const struct cache *cache) {
    cache->rtl->cells = cache->request->options->cells;
    QM_TRY(qm_path_join(cache->rtl->folder, cache->diag, cache->request->source, NULL));
    for (size_t i = 0; i < cache->count; i++)
        if (find_in(cache, cache->roots[i])) return QM_OK;
    return build_locked(cache);
}

enum qm_status qm_rtl_build(const struct qm_machine *machine, const struct qm_rtl_options *options, struct qm_rtl *rtl,
                            struct qm_diag *diag) {
    struct rtl_request request;
    struct qm_arena *arena = qm_arena_create();
    struct cache cache = {.request = &request, .arena = arena, .rtl = rtl, .diag = diag};
    enum qm_status status = rtl_request_make(machine, options, arena, &request, diag);
    if (status == QM_OK) {
        list_roots(&cache);
        status = find_or_build(&cache);
    }
    qm_arena_destroy(arena);
    return status;
}
