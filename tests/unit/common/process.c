/* process.c - what a program that is started sees, and what is known of its end. */
#include "common/process.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct qm_diag diag;

static void run(struct qm_process *processes, size_t count, unsigned jobs, struct qm_arena *arena) {
    cr_assert(qm_process_run(processes, count, jobs, arena, &diag) == QM_OK, "%s", diag.text);
}

Test(process, gets_its_arguments_as_they_are) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_process process = {
        .arguments = (const char *const[]){"printf", "%s|", "a b", "; touch x", "$(touch x)", "`x`", "'\"", "\n", "", NULL}};
    run(&process, 1, 1, arena);
    cr_assert(eq(int, process.status, 0));
    cr_assert(eq(str, process.output, "a b|; touch x|$(touch x)|`x`|'\"|\n||"));
    qm_arena_destroy(arena);
}

Test(process, sees_nothing_of_the_environment_that_could_change_what_it_makes) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_process process = {.arguments = (const char *const[]){"env", NULL}};
    setenv("CPLUS_INCLUDE_PATH", "/elsewhere", 1);
    setenv("MAKEFLAGS", "-n", 1);
    setenv("LC_ALL", "de_DE", 1);
    run(&process, 1, 1, arena);
    cr_assert(strstr(process.output, "PATH=") != NULL && strstr(process.output, "LC_ALL=C\n") != NULL, "%s", process.output);
    cr_assert(strstr(process.output, "CPLUS") == NULL && strstr(process.output, "MAKEFLAGS") == NULL, "%s", process.output);
    qm_arena_destroy(arena);
}

Test(process, that_cannot_be_started_says_so) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_process processes[] = {{.arguments = (const char *const[]){"/nonexistent/program", NULL}},
                                     {.arguments = (const char *const[]){"true", NULL}, .folder = "/nonexistent"}};
    run(processes, 2, 2, arena);
    cr_assert(eq(int, processes[0].status, 127));
    cr_assert(processes[0].is_missing && processes[1].is_missing);
    cr_assert(eq(str, processes[0].output, "/nonexistent/program: No such file or directory\n"));
    cr_assert(eq(int, processes[1].status, 127));
    cr_assert(eq(str, processes[1].output, "/nonexistent: No such file or directory\n"));
    qm_arena_destroy(arena);
}

Test(process, ends_with_its_status_or_signal_and_its_last_words_from_both_streams) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_process processes[] = {{.arguments = (const char *const[]){"sh", "-c", "echo out; echo err >&2; exit 7", NULL}},
                                     {.arguments = (const char *const[]){"sh", "-c", "kill -TERM $$", NULL}}};
    run(processes, 2, 1, arena);
    cr_assert(eq(int, processes[0].status, 7));
    cr_assert(not(processes[0].is_missing));
    cr_assert(eq(str, processes[0].output, "out\nerr\n"));
    cr_assert(eq(int, processes[1].status, 128 + 15));
    qm_arena_destroy(arena);
}

Test(process, each_of_many_keeps_its_own_output) {
    enum { COUNT = 20 };
    struct qm_arena *arena = qm_arena_create();
    struct qm_process processes[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const char **arguments = QM_ARENA_NEW(arena, const char *, 3);
        arguments[0] = "echo";
        arguments[1] = qm_arena_printf(arena, "%d", i);
        processes[i] = (struct qm_process){.arguments = arguments};
    }
    run(processes, COUNT, 3, arena);
    for (int i = 0; i < COUNT; i++) cr_expect(eq(int, atoi(processes[i].output), i));
    qm_arena_destroy(arena);
}
