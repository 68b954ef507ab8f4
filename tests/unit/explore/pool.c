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
    uint64_t shown; /* by the process that called */
};

static void work(void *context, uint64_t task) {
    struct board *board = context;
    board->started[task]++;
    if (board->has_deadly && task == DEADLY) _exit(1);
    board->ended[task]++;
}

static void progress(void *context, uint64_t done) {
    ((struct board *)context)->shown = done;
}

static struct board *run(uint64_t jobs, bool has_deadly) {
    struct board *board = qm_alloc_shared(sizeof *board);
    struct pool pool = {.count = TASKS, .jobs = jobs, .work = work, .progress = progress, .context = board};
    struct qm_diag diag;
    board->has_deadly = has_deadly;
    cr_assert(pool_run(&pool, &diag) == QM_OK, "%s", diag.text);
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
