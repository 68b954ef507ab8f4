/* pool.c - the pool: every task once, and what a process that dies takes with it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdatomic.h>
#include <unistd.h>

#include "common/memory.h"
#include "explore/explore.h"

TestSuite(explore_pool);

enum { TASKS = 100, DEADLY = 3 };

struct board {
    atomic_uint started[TASKS], ended[TASKS];
    bool has_deadly;
    uint64_t shown;  /* by the process that called */
    uint64_t enough; /* after so many it ends all; 0: never */
};

static void work(void *context, uint64_t task) {
    struct board *board = context;
    board->started[task]++;
    if (board->has_deadly && task == DEADLY) _exit(1);
    board->ended[task]++;
}

static enum qm_status count(void *context, uint64_t task, uint64_t done, struct qm_diag *diag) {
    struct board *board = context;
    cr_expect(eq(u32, board->ended[task], 1));
    board->shown = done;
    return done == board->enough ? qm_fail(diag, QM_BAD_INPUT, "enough") : QM_OK;
}

static struct board *run(uint64_t jobs, bool has_deadly) {
    struct board *board = qm_alloc_shared(sizeof *board);
    struct pool pool = {.count = TASKS, .jobs = jobs, .work = work, .done = count, .context = board};
    struct qm_diag diag;
    int ending;
    board->has_deadly = has_deadly;
    cr_assert(pool_run(&pool, &ending, &diag) == QM_OK, "%s", diag.text);
    cr_expect(eq(int, ending, 0));
    return board;
}

Test(explore_pool, does_every_task_once_whatever_the_number_of_processes) {
    static const uint64_t jobs[] = {1, 2, 7, 200};
    for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++) {
        struct board *board = run(jobs[j], false);
        for (int i = 0; i < TASKS; i++) cr_expect(board->started[i] == 1 && board->ended[i] == 1, "task %d", i);
        cr_expect(eq(u64, board->shown, TASKS));
        qm_free_shared(board, sizeof *board);
    }
}

Test(explore_pool, a_process_that_dies_loses_its_task_alone) {
    struct board *board = run(2, true);
    for (int i = 0; i < TASKS; i++) cr_expect(board->started[i] == 1 && board->ended[i] == (i != DEADLY), "task %d", i);
    cr_expect(eq(u64, board->shown, TASKS - 1));
    qm_free_shared(board, sizeof *board);
}

Test(explore_pool, with_no_process_left_tasks_wait) {
    struct board *board = run(1, true);
    for (int i = 0; i < TASKS; i++) cr_expect(board->started[i] == (i <= DEADLY) && board->ended[i] == (i < DEADLY), "task %d", i);
    qm_free_shared(board, sizeof *board);
}

static void wait_after_few(void *context, uint64_t task) {
    work(context, task);
    if (task >= 10) pause();
}

Test(explore_pool, what_is_not_ok_ends_all, .timeout = 20) {
    struct board *board = qm_alloc_shared(sizeof *board);
    struct pool pool = {.count = TASKS, .jobs = 2, .work = wait_after_few, .done = count, .context = board};
    struct qm_diag diag;
    int ending;
    board->enough = 5;
    cr_expect(eq(int, pool_run(&pool, &ending, &diag), QM_BAD_INPUT));
    cr_expect(eq(u64, board->shown, 5));
    qm_free_shared(board, sizeof *board);
}

static enum qm_status signal_oneself(void *context, uint64_t task, uint64_t done, struct qm_diag *diag) {
    if (done == 5) kill(getpid(), SIGTERM);
    return count(context, task, done, diag);
}

Test(explore_pool, a_signal_ends_all_and_is_told, .timeout = 20) {
    struct board *board = qm_alloc_shared(sizeof *board);
    struct pool pool = {.count = TASKS, .jobs = 2, .work = wait_after_few, .done = signal_oneself, .context = board};
    struct qm_diag diag;
    int ending;
    cr_assert(pool_run(&pool, &ending, &diag) == QM_OK, "%s", diag.text);
    cr_expect(eq(int, ending, SIGTERM));
    qm_free_shared(board, sizeof *board);
}
