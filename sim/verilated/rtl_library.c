/* rtl_library.c - loads the functions of rtl_glue.h. */
#include "sim/verilated/rtl_library.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A function of the library. dlsym gives an object pointer, which POSIX says may be copied into a function pointer. */
static bool find(const struct rtl_library *library, const char *name, void *function, size_t size) {
    void *symbol = dlsym(library->handle, name);
    QM_CHECK(size == sizeof symbol);
    memcpy(function, &symbol, size);
    return symbol != NULL;
}

/* By its descriptor, for dlopen takes a $ in a path for something of its own. */
static void *load(const char *file) {
    char path[40];
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    void *handle = dlopen(descriptor >= 0 ? path : file, RTLD_NOW | RTLD_LOCAL);
    if (descriptor >= 0) close(descriptor);
    return handle;
}

#define FIND(library, member) find((library), "rtl_" #member, &(library)->member, sizeof(library)->member)

enum qm_status rtl_library_open(const char *file, bool probed, struct rtl_library *library, struct qm_diag *diag) {
    library->handle = load(file);
    if (library->handle == NULL) return qm_fail(diag, QM_INTERNAL, "%s: cannot be loaded: %s", file, dlerror());
    if (FIND(library, create) && FIND(library, destroy) && FIND(library, reset) && FIND(library, tick) && FIND(library, scratchpad) &&
        FIND(library, accumulator) && FIND(library, accumulator_row_bytes) && FIND(library, probe) == probed)
        return QM_OK;
    dlclose(library->handle);
    return qm_fail(diag, QM_INTERNAL, "%s: is not a machine; remove it, it will be built again", file);
}

void rtl_library_close(struct rtl_library *library) {
    dlclose(library->handle);
}
