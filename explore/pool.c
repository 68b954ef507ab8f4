/* pool.c - processes take the next task from a shared counter until none is left, and write its number to a pipe after each. The pipe ends
 * when all processes have ended, whatever ended them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/memory.h"
#include "explore/explore.h"

struct crew {
    const struct pool *pool;
    atomic_uint_fast64_t *next; /* task; shared */
    int pipe_ends[2];
    int signals; /* descriptor from which those that end all are read */
    sigset_t before;
    pid_t *members; /* [count] */
    uint64_t count;
};

_Noreturn static void work(const struct crew *crew) {
    const struct pool *pool = crew->pool;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, &crew->before, NULL);
    close(crew->pipe_ends[0]);
    qm_memory_keep();
    for (uint64_t task = atomic_fetch_add(crew->next, 1); task < pool->count; task = atomic_fetch_add(crew->next, 1)) {
        pool->work(pool->context, task);
        if (write(crew->pipe_ends[1], &task, sizeof task) != sizeof task) _exit(QM_INTERNAL); /* nobody reads any more */
    }
    _exit(QM_OK);
}

static void start(struct crew *crew) {
    uint64_t jobs = crew->pool->jobs < crew->pool->count ? crew->pool->jobs : crew->pool->count;
    crew->members = qm_alloc_zeroed(jobs + 1, sizeof *crew->members);
    for (; crew->count < jobs; crew->count++) {
        pid_t child = fork();
        if (child < 0) return;
        if (child == 0) work(crew);
        crew->members[crew->count] = child;
    }
}

/* Reads tasks that are done, of which a read has whole ones, because each was written at once. */
static enum qm_status take_done(const struct crew *crew, uint64_t *done, bool *goes_on, struct qm_diag *diag) {
    uint64_t tasks[64];
    ssize_t size = read(crew->pipe_ends[0], tasks, sizeof tasks);
    *goes_on = size > 0 || (size < 0 && errno == EINTR);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof *tasks; i++) QM_TRY(crew->pool->done(crew->pool->context, tasks[i], ++*done, diag));
    return QM_OK;
}

static enum qm_status follow(const struct crew *crew, int *signal, struct qm_diag *diag) {
    struct pollfd inputs[2] = {{.fd = crew->pipe_ends[0], .events = POLLIN}, {.fd = crew->signals, .events = POLLIN}};
    struct signalfd_siginfo came;
    uint64_t done = 0;
    for (bool goes_on = true; goes_on;) {
        if (poll(inputs, 2, -1) < 0) continue;
        if (inputs[1].revents != 0 && read(crew->signals, &came, sizeof came) == sizeof came) {
            *signal = (int)came.ssi_signo;
            return QM_OK;
        }
        if (inputs[0].revents != 0) QM_TRY(take_done(crew, &done, &goes_on, diag));
    }
    return QM_OK;
}

/* Ends those that still work, as when a signal came. */
static void end(struct crew *crew) {
    close(crew->pipe_ends[0]);
    for (uint64_t i = 0; i < crew->count; i++) kill(crew->members[i], SIGKILL);
    for (uint64_t i = 0; i < crew->count; i++)
        while (waitpid(crew->members[i], NULL, 0) < 0 && errno == EINTR) continue;
    free(crew->members);
    qm_free_shared(crew->next, sizeof *crew->next);
    close(crew->signals);
    sigprocmask(SIG_SETMASK, &crew->before, NULL);
}

void pool_signals(sigset_t *signals) {
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
}

enum qm_status pool_run(const struct pool *pool, int *signal, struct qm_diag *diag) {
    struct crew crew = {.pool = pool};
    sigset_t ends;
    *signal = 0;
    if (pipe(crew.pipe_ends) != 0) return qm_fail(diag, QM_INTERNAL, "no pipe can be made: %s", strerror(errno));
    pool_signals(&ends);
    sigprocmask(SIG_BLOCK, &ends, &crew.before);
    crew.signals = signalfd(-1, &ends, SFD_CLOEXEC);
    QM_CHECK(crew.signals >= 0);
    crew.next = qm_alloc_shared(sizeof *crew.next);
    start(&crew);
    int problem = errno;
    bool has_started = crew.count > 0 || pool->count == 0;
    close(crew.pipe_ends[1]);
    enum qm_status status = follow(&crew, signal, diag);
    end(&crew);
    return has_started ? status : qm_fail(diag, QM_INTERNAL, "no process can be started: %s", strerror(problem));
}
