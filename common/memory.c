/* memory.c - malloc and its kin, with one way to end when there is no memory. */
#include "common/memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/text.h"

/* Global, for memory runs out for the whole process, and a C++ new-handler is given no object to find it in. */
static struct qm_diag *told;

void qm_memory_tell(struct qm_diag *diag) {
    told = diag;
}

void qm_end_process(enum qm_status status, const char *line) {
    struct qm_diag diag;
    (void)qm_fail(&diag, status, "%s", line);
    if (told != NULL)
        *told = diag;
    else
        fprintf(stderr, "qmac: %s\n", diag.text);
    _exit((int)status);
}

/* Ends the process with a line that is made on the stack, for there is no memory. size_bytes 0: not known. */
static _Noreturn void end_process(size_t size_bytes) {
    struct qm_diag diag;
    char wanted[60] = "";
    if (size_bytes > 0) snprintf(wanted, sizeof wanted, " (%zu bytes more were needed)", size_bytes);
    (void)qm_fail(&diag, QM_INTERNAL,
                  "out of memory%s: end other programs, raise the limit (ulimit -v), or take a smaller model or machine", wanted);
    qm_end_process(QM_INTERNAL, diag.text);
}

void qm_memory_keep(void) {
    enum { NEVER_BYTES = 1 << 30, AHEAD_BYTES = 16 << 20 };
    mallopt(M_MMAP_THRESHOLD, NEVER_BYTES);
    mallopt(M_TRIM_THRESHOLD, NEVER_BYTES);
    mallopt(M_TOP_PAD, AHEAD_BYTES);
}

void qm_out_of_memory(void) {
    end_process(0);
}

/* The stack that is reserved; the deepest frames are those of products (sim/functional/fast/matmul.c). */
enum { STACK_BYTES = 3 << 18, STACK_IN_USE_BYTES = 1 << 18 };

/* Touches the pages of the stack, which then stay. */
static __attribute__((noinline)) void touch_stack(size_t size_bytes) {
    char pages[size_bytes];
    memset(pages, 0, size_bytes);
    __asm__ volatile("" : : "r"(pages) : "memory"); /* as if somebody read them */
}

void qm_reserve_stack(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur < STACK_BYTES + STACK_IN_USE_BYTES) return; /* must do with less */
    void *spare = mmap(NULL, STACK_BYTES + STACK_IN_USE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (spare == MAP_FAILED) end_process(STACK_BYTES);
    munmap(spare, STACK_BYTES + STACK_IN_USE_BYTES);
    touch_stack(STACK_BYTES);
}

static void *check(void *block, size_t size_bytes) {
    if (block == NULL) end_process(size_bytes);
    return block;
}

/* Makes a block of no bytes one of 1 byte, as NULL means failure. */
static size_t at_least_one(size_t size_bytes) {
    return size_bytes > 0 ? size_bytes : 1;
}

/* Advises the system to take huge pages for a large block: they are taken and cleared far faster than as many small ones. The block. */
static void *advise(void *block, size_t size_bytes) {
    enum { HUGE_BYTES = 1 << 21 };
    uintptr_t first = ((uintptr_t)block + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    uintptr_t end = ((uintptr_t)block + size_bytes) / HUGE_BYTES * HUGE_BYTES;
    if (end > first) madvise((void *)first, end - first, MADV_HUGEPAGE); /* a system without them goes on with small ones */
    return block;
}

void *qm_alloc(size_t size_bytes) {
    return advise(check(malloc(at_least_one(size_bytes)), size_bytes), size_bytes);
}

void *qm_alloc_zeroed(size_t count, size_t item_bytes) {
    return advise(check(calloc(at_least_one(count), at_least_one(item_bytes)), count * item_bytes), count * item_bytes);
}

void *qm_alloc_aligned(size_t alignment, size_t size_bytes) {
    if (size_bytes > SIZE_MAX - alignment) end_process(size_bytes);
    size_t whole = (at_least_one(size_bytes) + alignment - 1) / alignment * alignment;
    return advise(check(aligned_alloc(alignment, whole), whole), whole);
}

void *qm_alloc_more(void *block, size_t size_bytes) {
    return advise(check(realloc(block, at_least_one(size_bytes)), size_bytes), size_bytes);
}

void *qm_alloc_shared(size_t size_bytes) {
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    void *memory = mmap(NULL, at_least_one(size_bytes), PROT_READ | PROT_WRITE, flags, -1, 0);
    return check(memory != MAP_FAILED ? memory : NULL, size_bytes);
}

void qm_free_shared(void *memory, size_t size_bytes) {
    QM_CHECK(munmap(memory, at_least_one(size_bytes)) == 0);
}

char *qm_text_shown(const char *text) {
    size_t size = qm_text_show(text, NULL, 0) + 1;
    char *shown = qm_alloc(size);
    qm_text_show(text, shown, size);
    return shown;
}

FILE *qm_text_stream_open(char **text, size_t *size) {
    *text = NULL;
    *size = 0;
    return check(open_memstream(text, size), 0);
}

void qm_text_stream_close(FILE *stream) {
    bool failed = ferror(stream) != 0;
    if (fclose(stream) != 0 || failed) qm_out_of_memory(); /* the only thing that it can lack */
}
