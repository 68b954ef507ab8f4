/* process.c - starts processes by fork and exec. Each writes to a file in memory, and its end is seen on a file descriptor, so that no
 * other child of the caller is ever waited for.
 */
#include "common/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS_MAX = 64, OUTPUT_BYTES_MAX = 1 << 24, STATUS_NOT_STARTED = 127 };

struct child {
    struct qm_process *process;
    pid_t pid;
    int ended; /* a descriptor that is readable when it has ended */
    int output;
};

/* Made before the fork: a process with threads may do little between fork and exec. */
static char **make_environment(struct qm_arena *arena) {
    static const char *const kept[] = {"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VERILATOR_ROOT"};
    enum { KEPT = sizeof kept / sizeof *kept };
    char **environment = QM_ARENA_NEW(arena, char *, KEPT + 2);
    size_t count = 0;
    environment[count++] = qm_arena_strdup(arena, "LC_ALL=C");
    for (int i = 0; i < KEPT; i++)
        if (getenv(kept[i]) != NULL) environment[count++] = qm_arena_printf(arena, "%s=%s", kept[i], getenv(kept[i]));
    return environment;
}

_Noreturn static void give_up(const char *what) {
    dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
    _exit(STATUS_NOT_STARTED);
}

static void become(const struct qm_process *process, char **environment, int output, pid_t parent) {
    sigset_t none;
    umask(022); /* what it makes is for others to read, and not to write */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGXFSZ, SIG_DFL); /* ignored, it would let tools go on with half a file */
    if (getppid() != parent) _exit(STATUS_NOT_STARTED);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) _exit(STATUS_NOT_STARTED);
    if (process->folder != NULL && chdir(process->folder) != 0) give_up(process->folder);
    execvpe(process->arguments[0], (char *const *)(uintptr_t)process->arguments, environment);
    give_up(process->arguments[0]);
}

/* Opens a file in memory whose descriptor is none of the three standard streams, even when those are closed. */
static int open_output(void) {
    int file = memfd_create("output", MFD_CLOEXEC);
    int moved = file >= 0 ? fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : -1;
    if (file >= 0) close(file);
    return moved;
}

static enum qm_status start(struct qm_process *process, char **environment, struct child *child, struct qm_diag *diag) {
    pid_t parent = getpid();
    *child = (struct child){.process = process, .output = open_output()};
    if (child->output >= 0) child->pid = fork();
    if (child->output < 0 || child->pid < 0) {
        int problem = errno;
        if (child->output >= 0) close(child->output);
        return qm_fail(diag, QM_INTERNAL, "%s: cannot be started: %s", process->arguments[0], strerror(problem));
    }
    if (child->pid == 0) become(process, environment, child->output, parent);
    child->ended = pidfd_open(child->pid, 0);
    QM_CHECK(child->ended >= 0);
    return QM_OK;
}

/* Keeps what the process printed, of a very long text only the end. */
static char *read_output(int file, struct qm_arena *arena) {
    struct stat info = {0};
    QM_CHECK(fstat(file, &info) == 0);
    size_t size = info.st_size < OUTPUT_BYTES_MAX ? (size_t)info.st_size : OUTPUT_BYTES_MAX;
    char *text = qm_arena_alloc(arena, size + 1);
    QM_CHECK(pread(file, text, size, info.st_size - (off_t)size) == (ssize_t)size);
    text[size] = '\0';
    return text;
}

/* Whether the process never became the program, as give_up writes: the status alone does not tell, for a program that cannot find its own
 * parts has it too. */
static bool says_missing(const struct qm_process *process) {
    const char *what = process->output, *why = strerror(ENOENT);
    size_t size = strlen(what), tail = strlen(why) + 1;
    return size > tail && strncmp(what + size - tail, why, tail - 1) == 0 && strchr(what, '\n') == what + size - 1;
}

static void finish(struct child *child, struct qm_arena *arena) {
    int how;
    QM_CHECK(waitpid(child->pid, &how, 0) == child->pid);
    child->process->status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    child->process->output = read_output(child->output, arena);
    child->process->is_missing = child->process->status == STATUS_NOT_STARTED && says_missing(child->process);
    close(child->output);
    close(child->ended);
}

/* Waits for one of them to end and puts the last in its place. */
static void finish_one(struct child *children, size_t *running, struct qm_arena *arena) {
    struct pollfd ends[JOBS_MAX];
    for (size_t i = 0; i < *running; i++) ends[i] = (struct pollfd){.fd = children[i].ended, .events = POLLIN};
    while (poll(ends, *running, -1) < 0) QM_CHECK(errno == EINTR);
    for (size_t i = 0; i < *running; i++) {
        if (ends[i].revents == 0) continue;
        finish(&children[i], arena);
        children[i] = children[--*running];
        return;
    }
}

enum qm_status qm_process_run(struct qm_process *processes, size_t count, unsigned jobs, struct qm_arena *arena, struct qm_diag *diag) {
    struct child children[JOBS_MAX];
    enum qm_status status = QM_OK;
    size_t running = 0, next = 0;
    char **environment = make_environment(arena);
    if (jobs > JOBS_MAX) jobs = JOBS_MAX;
    if (jobs < 1) jobs = 1;
    while (next < count || running > 0) {
        if (next < count && running < jobs) {
            status = start(&processes[next++], environment, &children[running], diag);
            if (status == QM_OK) running++;
            if (status != QM_OK) next = count;
        } else {
            finish_one(children, &running, arena);
        }
    }
    return status;
}
