/* home.c - finds the tree that the running program belongs to by the program's own path. */
#include "common/home.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum qm_status qm_path_join(char *path, struct qm_diag *diag, ...) {
    va_list parts;
    size_t used = 0;
    va_start(parts, diag);
    for (const char *part; (part = va_arg(parts, const char *)) != NULL;) {
        size_t size = strlen(part);
        size_t fits = size < QM_PATH_BYTES - used ? size : QM_PATH_BYTES - used;
        memcpy(path + used, part, fits);
        used += fits;
    }
    va_end(parts);
    path[used < QM_PATH_BYTES ? used : QM_PATH_BYTES - 1] = '\0';
    if (used < QM_PATH_BYTES) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "%.200s...: the path is longer than %d bytes", path, QM_PATH_BYTES - 1);
}

enum qm_status qm_program_path(const char *name, char *path, struct qm_diag *diag) {
    char self[QM_PATH_BYTES];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self);
    if (size < 0) return qm_fail(diag, QM_INTERNAL, "/proc/self/exe: cannot be read: %s", strerror(errno));
    if (size == sizeof self) return qm_fail(diag, QM_BAD_INPUT, "%.200s...: the path of the program is too long", self);
    self[size] = '\0';
    if (name == NULL) return qm_path_join(path, diag, self, NULL);
    *strrchr(self, '/') = '\0';
    return qm_path_join(path, diag, self, "/", name, NULL);
}

/* Cuts names off the end of the path until it is a folder that is a home. */
static enum qm_status climb(char *folder, struct qm_diag *diag) {
    char mark[QM_PATH_BYTES];
    for (char *slash; (slash = strrchr(folder, '/')) != NULL;) {
        *slash = '\0';
        QM_TRY(qm_path_join(mark, diag, folder, "/spec/isa.def", NULL));
        if (access(mark, R_OK) == 0) return QM_OK;
    }
    QM_TRY(qm_program_path(NULL, mark, diag));
    return qm_fail(diag, QM_BAD_INPUT, "%s: no folder above it has spec/isa.def: set QMAC_HOME to a tree of qmac", mark);
}

enum qm_status qm_home_path(const char *name, char *path, struct qm_diag *diag) {
    char folder[QM_PATH_BYTES];
    const char *home = getenv("QMAC_HOME");
    if (home != NULL && home[0] != '\0') return qm_path_join(path, diag, home, "/", name, NULL);
    QM_TRY(qm_program_path(NULL, folder, diag));
    QM_TRY(climb(folder, diag));
    return qm_path_join(path, diag, folder, "/", name, NULL);
}
