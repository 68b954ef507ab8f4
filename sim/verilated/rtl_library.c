/* rtl_library.c - builds a machine's library with mk/rtl.mk and loads it.
 *
 * The folder is BUILD/rtl/FINGERPRINT, so that a machine is built once however it is named, then a hash of the Verilog's folder when that is not
 * rtl/, then -probed when the blocks can be looked into. make decides whether it is up to date; a lock on the folder keeps two processes from
 * building at once.
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
#ifndef QM_RTL_DIR
#define QM_RTL_DIR QM_SOURCE_DIR "/rtl"
#endif

enum { PATH_BYTES = 512, COMMAND_BYTES = 4096 };

/* What is built, of what, and where. */
struct request {
    const struct qm_machine *machine;
    bool probed;
    char source[PATH_BYTES]; /* folder of the Verilog */
    char folder[PATH_BYTES]; /* of the library */
};

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

/* The first error that Verilator names, which is in the Verilog; else a tool failed. */
static enum qm_status explain(const struct request *request, struct qm_diag *diag) {
    static const char mark[] = "%Error: ";
    char path[PATH_BYTES + 16], line[COMMAND_BYTES] = "";
    bool found = false;
    snprintf(path, sizeof path, "%s/build.log", request->folder);
    FILE *log = fopen(path, "r");
    while (log != NULL && !found && fgets(line, sizeof line, log) != NULL) found = strncmp(line, mark, strlen(mark)) == 0;
    if (log != NULL) fclose(log);
    line[strcspn(line, "\n")] = '\0';
    if (found)
        return qm_fail(diag, QM_BAD_INPUT, "%s (building machine %s; all of it: %s)", line + strlen(mark), request->machine->name, path);
    return qm_fail(diag, QM_INTERNAL, "%s: the RTL of machine %s cannot be built; the log says why (Verilator and g++ are needed)", path,
                   request->machine->name);
}

static enum qm_status run_make(const struct request *request, struct qm_diag *diag) {
    char params[COMMAND_BYTES / 4], command[COMMAND_BYTES];
    verilog_params(request->machine, params, sizeof params);
    /* A make that runs us must not give its own options to this one. */
    int used = snprintf(command, sizeof command,
                        "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C '%s' -f mk/rtl.mk --no-print-directory B='%s' RTL_DIR='%s'"
                        " RTL_FINGERPRINT=%08" PRIx32 " RTL_PARAMS='%s' RTL_SOURCE='%s' RTL_PROBES='%s' rtl-machine > '%s/build.log' 2>&1",
                        QM_SOURCE_DIR, QM_BUILD_DIR, request->folder, qm_machine_fingerprint(request->machine), params, request->source,
                        request->probed ? "-DQM_PROBED" : "", request->folder);
    QM_CHECK(used > 0 && used < COMMAND_BYTES);
    return system(command) == 0 ? QM_OK : explain(request, diag);
}

static enum qm_status build(const struct request *request, struct qm_diag *diag) {
    QM_TRY(make_folder(QM_BUILD_DIR, diag));
    QM_TRY(make_folder(QM_BUILD_DIR "/rtl", diag));
    QM_TRY(make_folder(request->folder, diag));
    char path[PATH_BYTES + 8];
    snprintf(path, sizeof path, "%s/lock", request->folder);
    int lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (lock < 0 || flock(lock, LOCK_EX) != 0) {
        if (lock >= 0) close(lock);
        return qm_fail(diag, QM_INTERNAL, "%s: cannot lock: %s", path, strerror(errno));
    }
    enum qm_status status = run_make(request, diag);
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

static bool has_top(const char *source) {
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/qmac.v", source);
    return access(path, R_OK) == 0;
}

static enum qm_status find_folders(const char *rtl_dir, struct request *request, struct qm_diag *diag) {
    char *source = realpath(rtl_dir != NULL ? rtl_dir : QM_RTL_DIR, NULL), hash[16] = "";
    if (source == NULL || strchr(source, '\'') != NULL || strlen(source) >= PATH_BYTES || !has_top(source)) {
        free(source);
        return qm_fail(diag, QM_BAD_INPUT, "%s: not a folder with the Verilog of qmac.v: name a copy of rtl/, without quotes in its path",
                       rtl_dir != NULL ? rtl_dir : QM_RTL_DIR);
    }
    strcpy(request->source, source);
    free(source);
    uint32_t sum = 0;
    for (const char *c = request->source; *c != '\0'; c++) sum = 31 * sum + (uint8_t)*c;
    if (rtl_dir != NULL) snprintf(hash, sizeof hash, "-%08" PRIx32, sum);
    int used = snprintf(request->folder, PATH_BYTES, "%s/rtl/%08" PRIx32 "%s%s", QM_BUILD_DIR, qm_machine_fingerprint(request->machine),
                        hash, request->probed ? "-probed" : "");
    QM_CHECK(used > 0 && used < PATH_BYTES);
    return QM_OK;
}

enum qm_status rtl_library_open(const struct qm_machine *machine, const struct qm_device_options *options, struct rtl_library *library,
                                struct qm_diag *diag) {
    struct request request = {.machine = machine, .probed = options->probed};
    QM_TRY(find_folders(options->rtl_dir, &request, diag));
    char path[PATH_BYTES + 16];
    if (!options->rtl_is_built) QM_TRY(build(&request, diag));
    snprintf(path, sizeof path, "%s/librtl.so", request.folder);
    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) return qm_fail(diag, QM_INTERNAL, "%s: cannot be loaded: %s", path, dlerror());
    if (FIND(library, create) && FIND(library, destroy) && FIND(library, reset) && FIND(library, tick) && FIND(library, scratchpad) &&
        FIND(library, accumulator) && FIND(library, accumulator_row_bytes) && FIND(library, probe) == options->probed)
        return QM_OK;
    dlclose(library->handle);
    return qm_fail(diag, QM_INTERNAL, "%s: is not a machine; remove it, it will be built again", path);
}

void rtl_library_close(struct rtl_library *library) {
    dlclose(library->handle);
}
