/* pool.c - processes take the next task from a shared counter until none is left, and write a byte to a pipe after each. The pipe ends
 * when all processes have ended, whatever ended them.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/memory.h"
#include "explore/explore.h"

_Noreturn static void work(const struct pool *pool, atomic_uint_fast64_t *next, int done) {
    qm_memory_keep();
    for (uint64_t task = atomic_fetch_add(next, 1); task < pool->count; task = atomic_fetch_add(next, 1)) {
        pool->work(pool->context, task);
        if (write(done, "", 1) != 1) _exit(QM_INTERNAL); /* nobody reads any more */
    }
    _exit(QM_OK);
}

/* Returns how many processes could be started. */
static uint64_t start(const struct pool *pool, atomic_uint_fast64_t *next, const int *pipe_ends) {
    uint64_t jobs = pool->jobs < pool->count ? pool->jobs : pool->count;
    for (uint64_t started = 0; started < jobs; started++) {
        pid_t child = fork();
        if (child < 0) return started;
        if (child > 0) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pipe_ends[0]);
        work(pool, next, pipe_ends[1]);
    }
    return jobs;
}

static void follow(const struct pool *pool, int done) {
    char bytes[256];
    uint64_t tasks = 0;
    for (;;) {
        ssize_t size = read(done, bytes, sizeof bytes);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return;
        tasks += (uint64_t)size;
        pool->progress(pool->context, tasks);
    }
}

enum qm_status pool_run(const struct pool *pool, struct qm_diag *diag) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) return qm_fail(diag, QM_INTERNAL, "no pipe can be made: %s", strerror(errno));
    atomic_uint_fast64_t *next = qm_alloc_shared(sizeof *next);
    uint64_t started = start(pool, next, pipe_ends);
    int problem = errno;
    close(pipe_ends[1]);
    follow(pool, pipe_ends[0]);
    close(pipe_ends[0]);
    for (uint64_t i = 0; i < started; i++)
        while (wait(NULL) < 0 && errno == EINTR) continue;
    qm_free_shared(next, sizeof *next);
    if (started > 0 || pool->count == 0) return QM_OK;
    return qm_fail(diag, QM_INTERNAL, "no process can be started: %s", strerror(problem));
}
