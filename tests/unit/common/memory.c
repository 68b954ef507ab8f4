/* memory.c - what happens when memory runs out, and blocks of every size. */
#include "common/memory.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(memory);

/* The address sanitizer's own malloc is to give NULL as well. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

static const size_t TOO_MUCH = (size_t)1 << 60;

static void ask_for_bytes(void) {
    free(qm_alloc(TOO_MUCH));
}

static void ask_for_items(void) {
    free(qm_alloc_zeroed(TOO_MUCH, TOO_MUCH));
}

static void ask_for_aligned(void) {
    free(qm_alloc_aligned(64, SIZE_MAX));
}

static void ask_for_more(void) {
    free(qm_alloc_more(qm_alloc(1), TOO_MUCH));
}

static void ask_for_shared(void) {
    qm_free_shared(qm_alloc_shared(TOO_MUCH), TOO_MUCH);
}

/* How a process that asks ends, and what it tells. */
static int ending(void (*ask)(void), struct qm_diag *told) {
    int how;
    pid_t child = fork();
    if (child == 0) {
        qm_memory_tell(told);
        ask();
        _exit(0);
    }
    cr_assert(waitpid(child, &how, 0) == child && WIFEXITED(how));
    return WEXITSTATUS(how);
}

Test(memory, running_out_ends_the_process_with_status_3_and_one_line) {
    void (*const asks[])(void) = {ask_for_bytes, ask_for_items, ask_for_aligned, ask_for_more, ask_for_shared, qm_out_of_memory};
    struct qm_diag *told = qm_alloc_shared(sizeof *told);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        told->text[0] = '\0';
        cr_expect(eq(int, ending(asks[i], told), QM_INTERNAL), "way %zu", i);
        cr_expect(strncmp(told->text, "out of memory", 13) == 0 && strchr(told->text, '\n') == NULL, "way %zu: %s", i, told->text);
    }
    qm_free_shared(told, sizeof *told);
}

Test(memory, blocks_of_no_bytes_are_blocks) {
    void *empty = qm_alloc(0), *zeroed = qm_alloc_zeroed(0, 8);
    cr_assert(empty != NULL && zeroed != NULL);
    free(qm_alloc_more(empty, 0));
    free(zeroed);
}

Test(memory, aligned_blocks_may_have_any_size) {
    for (size_t size = 0; size < 200; size += 33) {
        void *block = qm_alloc_aligned(64, size);
        cr_assert(eq(sz, (uintptr_t)block % 64, 0));
        free(block);
    }
}

Test(memory, a_text_stream_is_a_text) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    fprintf(stream, "%d", 42);
    qm_text_stream_close(stream);
    cr_assert(eq(str, text, "42"));
    cr_assert(eq(sz, size, 2));
    free(text);
}
