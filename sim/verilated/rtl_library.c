/* rtl_library.c - builds a machine's library with mk/rtl.mk and loads it.
 *
 * The folder is BUILD/rtl/FINGERPRINT, so that a machine is built once however it is named. make decides whether it is up to date; a lock on
 * the folder keeps two processes from building at once. A machine stays loaded until the process ends, and is not looked at again.
 */
#include "sim/verilated/rtl_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef QM_BUILD_DIR
#define QM_BUILD_DIR QM_SOURCE_DIR "/build"
#endif

enum { PATH_BYTES = 512, COMMAND_BYTES = 4096 };

static enum qm_status make_folder(const char *path, struct qm_diag *diag) {
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "%s: cannot make the folder: %s", path, strerror(errno));
}

/* "-GRows=16 -GCols=16 ..." */
static void verilog_params(const struct qm_machine *machine, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < qm_param_count; i++) {
        uint32_t value;
        if (qm_params[i].verilog == NULL) continue;
        memcpy(&value, (const char *)machine + qm_params[i].offset, sizeof value);
        used += (size_t)snprintf(text + used, size - used, "-G%s=%" PRIu32 " ", qm_params[i].verilog, value);
        QM_CHECK(used < size);
    }
}

static enum qm_status run_make(const struct qm_machine *machine, const char *folder, struct qm_diag *diag) {
    char params[COMMAND_BYTES / 4], command[COMMAND_BYTES];
    verilog_params(machine, params, sizeof params);
    /* A make that runs us must not give its own options to this one. */
    int used = snprintf(command, sizeof command,
                        "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C '%s' -f mk/rtl.mk --no-print-directory B='%s' RTL_DIR='%s'"
                        " RTL_FINGERPRINT=%08" PRIx32 " RTL_PARAMS='%s' rtl-machine > '%s/build.log' 2>&1",
                        QM_SOURCE_DIR, QM_BUILD_DIR, folder, qm_machine_fingerprint(machine), params, folder);
    QM_CHECK(used > 0 && used < COMMAND_BYTES);
    if (system(command) == 0) return QM_OK;
    return qm_fail(diag, QM_INTERNAL,
                   "%s/build.log: the RTL of machine %s cannot be built; the log says why (Verilator and g++ are needed)", folder,
                   machine->name);
}

static enum qm_status build(const struct qm_machine *machine, const char *folder, struct qm_diag *diag) {
    QM_TRY(make_folder(QM_BUILD_DIR, diag));
    QM_TRY(make_folder(QM_BUILD_DIR "/rtl", diag));
    QM_TRY(make_folder(folder, diag));
    char path[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/lock", folder);
    int lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        if (lock >= 0) close(lock);
        return qm_fail(diag, QM_INTERNAL, "%s: cannot lock: %s", path, strerror(errno));
    }
    enum qm_status status = run_make(machine, folder, diag);
    close(lock);
    return status;
}

/* A function of the library. dlsym gives an object pointer, which POSIX says may be copied into a function pointer. */
static bool find(const struct rtl_library *library, const char *name, void *function, size_t size) {
    void *symbol = dlsym(library->handle, name);
    QM_CHECK(size == sizeof symbol);
    memcpy(function, &symbol, size);
    return symbol != NULL;
}

#define FIND(library, member) find((library), "rtl_" #member, &(library)->member, sizeof(library)->member)

enum qm_status rtl_library_open(const struct qm_machine *machine, struct rtl_library *library, struct qm_diag *diag) {
    char folder[PATH_BYTES], path[PATH_BYTES + 16];
    int used = snprintf(folder, sizeof folder, "%s/rtl/%08" PRIx32, QM_BUILD_DIR, qm_machine_fingerprint(machine));
    QM_CHECK(used > 0 && used < PATH_BYTES);
    snprintf(path, sizeof path, "%s/librtl.so", folder);
    library->handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (library->handle == NULL) {
        QM_TRY(build(machine, folder, diag));
        library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (library->handle == NULL) return qm_fail(diag, QM_INTERNAL, "%s: cannot be loaded: %s", path, dlerror());
    if (FIND(library, create) && FIND(library, destroy) && FIND(library, reset) && FIND(library, tick) && FIND(library, scratchpad) &&
        FIND(library, accumulator) && FIND(library, accumulator_row_bytes))
        return QM_OK;
    dlclose(library->handle);
    return qm_fail(diag, QM_INTERNAL, "%s: is not a machine; remove it, it will be built again", path);
}

void rtl_library_close(struct rtl_library *library) {
    dlclose(library->handle);
}
