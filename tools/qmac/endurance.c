/* endurance.c - processes that take one seed after another, and a parent that watches, saves and counts.
 *
 * What they share is one mapping: the next seed, whether to stop, the coverage, and for each process what it does and has done. A process
 * says which seed it is about to take before it takes it, so the parent always knows a seed before which everything is done. A program is
 * interesting when a counter reaches a power of two that it has not reached before. Signals are blocked and asked for: no handler, no state
 * outside of the mapping.
 */
#include "tools/qmac/endurance.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/text.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/corpus.h"
#include "tools/qmac/shrink.h"

enum { SAVE_SECONDS = 10 };

struct worker {
    pid_t pid; /* the parent's: 0 when it has ended */
    bool is_busy;
    uint64_t seed; /* while busy: it works on this one, or will on a later one */
    uint64_t programs;
    struct qm_lockstep_stats stats;
    enum qm_status status;
    struct qm_diag diag;
};

struct shared {
    _Atomic uint64_t next; /* seed that nobody has taken */
    uint64_t end;
    atomic_bool stop;
    _Atomic uint64_t reached[QM_COUNTERS]; /* bit b: the counter was in 2^b .. 2^(b+1) - 1 after a program */
    struct worker workers[QM_ENDURANCE_JOBS_MAX];
};

struct run {
    const struct qm_endurance *endurance;
    struct qm_verify_random *verify;
    struct shared *shared;
    struct qm_coverage *coverage;  /* in shared memory */
    struct qm_corpus_state before; /* of earlier runs */
    double begin;                  /* cli_seconds */
};

/* ---- one process ---- */

/* Whether some counter is where none was before. */
static bool is_new(struct shared *shared, const struct qm_counters *counters) {
    bool fresh = false;
    for (int i = 0; i < QM_COUNTERS; i++) {
        if (counters->value[i] == 0) continue;
        uint64_t bit = 1ull << (63 - __builtin_clzll(counters->value[i]));
        if ((atomic_fetch_or(&shared->reached[i], bit) & bit) == 0) fresh = true;
    }
    return fresh;
}

static enum qm_status keep_or_shrink(struct run *run, struct worker *worker, uint64_t seed, enum qm_status status) {
    const struct qm_endurance *endurance = run->endurance;
    bool keeps = status == QM_OK && endurance->corpus != NULL && is_new(run->shared, &worker->stats.counters);
    bool shrinks = status == QM_MISMATCH && endurance->shrink_file != NULL;
    if (!keeps && !shrinks) return status;
    struct qm_arena *arena = qm_arena_create();
    struct qm_program_text *program = qm_verify_random_text(run->verify, seed, arena);
    struct qm_diag difference = worker->diag;
    if (keeps) status = qm_corpus_add(endurance->corpus, program, seed, &worker->diag);
    if (shrinks && qm_shrink(run->verify, program, endurance->shrink_file, &worker->diag) == QM_OK) worker->diag = difference;
    qm_arena_destroy(arena);
    return status;
}

static void work(struct run *run, struct worker *worker) {
    struct shared *shared = run->shared;
    while (worker->status == QM_OK && !shared->stop) {
        worker->seed = shared->next;
        worker->is_busy = true;
        worker->seed = atomic_fetch_add(&shared->next, 1);
        if (worker->seed >= shared->end) break;
        worker->status = qm_verify_random_one(run->verify, worker->seed, run->coverage, &worker->stats, &worker->diag);
        worker->status = keep_or_shrink(run, worker, worker->seed, worker->status);
        if (worker->status != QM_OK) break;
        worker->programs++;
        worker->is_busy = false;
    }
    if (worker->status != QM_OK) shared->stop = true;
}

static void start_workers(struct run *run) {
    pid_t parent = getpid();
    for (uint64_t j = 0; j < run->endurance->jobs; j++) {
        struct worker *worker = &run->shared->workers[j];
        fflush(stdout);
        pid_t pid = fork();
        if (pid < 0) worker->status = qm_fail(&worker->diag, QM_INTERNAL, "no process can be started: %s", strerror(errno));
        if (pid < 0) run->shared->stop = true;
        if (pid > 0) worker->pid = pid;
        if (pid != 0) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        qm_memory_tell(&worker->diag);
        if (getppid() == parent) work(run, worker);
        fflush(stdout);
        _exit(0);
    }
}

/* ---- the parent ---- */

static struct qm_corpus_state state_of(const struct run *run) {
    struct qm_corpus_state state = run->before;
    uint64_t next = run->shared->next;
    for (uint64_t j = 0; j < run->endurance->jobs; j++) {
        const struct worker *worker = &run->shared->workers[j];
        if (worker->is_busy && worker->seed < next) next = worker->seed;
        state.programs += worker->programs;
        state.cycles += worker->stats.cycles;
        state.events += worker->stats.events;
    }
    state.next = next < run->shared->end ? next : run->shared->end;
    state.seconds += cli_seconds() - run->begin;
    return state;
}

/* Takes leave of the processes that have ended; returns how many. */
static uint64_t reap(struct run *run) {
    uint64_t ended = 0;
    for (uint64_t j = 0; j < run->endurance->jobs; j++) {
        struct worker *worker = &run->shared->workers[j];
        int how;
        if (worker->pid == 0 || waitpid(worker->pid, &how, WNOHANG) != worker->pid) continue;
        worker->pid = 0;
        ended++;
        if (WIFEXITED(how) && WEXITSTATUS(how) == 0) continue;
        run->shared->stop = true;
        if (WIFEXITED(how) && WEXITSTATUS(how) == QM_INTERNAL) { /* it has said why */
            worker->status = QM_INTERNAL;
            continue;
        }
        worker->status =
            qm_fail(&worker->diag, QM_INTERNAL, "seed %" PRIu64 ": the process that ran it was ended from outside or failed", worker->seed);
    }
    return ended;
}

static void print_progress(const struct run *run) {
    struct qm_corpus_state state = state_of(run);
    double seconds = cli_seconds() - run->begin;
    fprintf(stderr, "\r\033[Kseed %" PRIu64 ", %.0f programs/s, %.2f Mcycle/s", state.next,
            (double)(state.programs - run->before.programs) / seconds, 1e-6 * (double)(state.cycles - run->before.cycles) / seconds);
}

static enum qm_status save(const struct run *run, struct qm_diag *diag) {
    struct qm_corpus_state state = state_of(run);
    return run->endurance->corpus == NULL ? QM_OK : qm_corpus_save(run->endurance->corpus, run->verify, &state, diag);
}

static uint64_t started(const struct run *run) {
    uint64_t count = 0;
    for (uint64_t j = 0; j < run->endurance->jobs; j++) count += run->shared->workers[j].pid != 0;
    return count;
}

/* Until all processes have ended; a signal asks them to. */
static enum qm_status watch(struct run *run, const sigset_t *signals, struct qm_diag *diag) {
    bool shows = isatty(STDERR_FILENO) != 0;
    double saved = 0;
    enum qm_status status = QM_OK;
    for (uint64_t alive = started(run); alive > 0; alive -= reap(run)) {
        int signal = sigtimedwait(signals, NULL, &(struct timespec){.tv_sec = 1});
        if (signal == SIGINT || signal == SIGTERM) run->shared->stop = true;
        if (shows) print_progress(run);
        if (cli_seconds() - run->begin < saved + SAVE_SECONDS) continue;
        saved = cli_seconds() - run->begin;
        if (status == QM_OK) status = save(run, diag);
        if (status != QM_OK) run->shared->stop = true;
    }
    if (shows) fprintf(stderr, "\r\033[K");
    return status == QM_OK ? save(run, diag) : status;
}

static void print_rates(const struct run *run) {
    struct qm_corpus_state state = state_of(run);
    const struct qm_machine *machine = run->verify->machine;
    double seconds = cli_seconds() - run->begin;
    uint64_t programs = state.programs - run->before.programs, cycles = state.cycles - run->before.cycles;
    printf("random programs on %s (%ux%u): %" PRIu64 " runs, %" PRIu64 " cycles, %" PRIu64
           " events compared, no difference (%.2f s, %.0f programs/s, %.2f Mcycle/s)\n",
           qm_shown(machine->name).text, machine->rows, machine->cols, programs, cycles, state.events - run->before.events, seconds,
           (double)programs / seconds, 1e-6 * (double)cycles / seconds);
    if (run->endurance->corpus != NULL)
        printf("%s: %" PRIu64 " programs and %" PRIu64 " cycles in %.0f s of all runs; the next seed is %" PRIu64 "\n",
               qm_shown(run->endurance->corpus).text, state.programs, state.cycles, state.seconds, state.next);
}

static void print_coverage(const struct qm_coverage *coverage) {
    size_t covered, all;
    char missing[1024];
    qm_coverage_count(coverage, &covered, &all, missing, sizeof missing);
    printf("coverage: %zu of %zu classes of field values and faults%s%s\n", covered, all, missing[0] != '\0' ? "; not drawn: " : "",
           missing);
}

static enum qm_status judge(const struct run *run, struct qm_diag *diag) {
    for (uint64_t j = 0; j < run->endurance->jobs; j++) {
        const struct worker *worker = &run->shared->workers[j];
        if (worker->status != QM_OK) return qm_fail(diag, worker->status, "%s", worker->diag.text);
    }
    print_rates(run);
    print_coverage(run->coverage);
    return QM_OK;
}

static enum qm_status run_workers(struct run *run, struct qm_diag *diag) {
    sigset_t signals, old;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &old);
    start_workers(run);
    enum qm_status status = watch(run, &signals, diag);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status == QM_OK ? judge(run, diag) : status;
}

/* ---- before ---- */

/* A program of the corpus must still agree; what it reaches is not new. */
static enum qm_status replay(void *context, const struct qm_program_text *program, struct qm_diag *diag) {
    struct run *run = context;
    struct qm_lockstep_stats stats = {0};
    QM_TRY(qm_verify_text(run->verify, program, &stats, diag));
    is_new(run->shared, &stats.counters);
    return QM_OK;
}

/* Builds the RTL once for all, and goes on where the corpus is. */
static enum qm_status prepare(struct run *run, struct qm_diag *diag) {
    const struct qm_verify_random *verify = run->verify;
    struct qm_device_options options = {.rtl_dir = verify->rtl_dir, .probed = verify->probed};
    struct qm_device *device;
    QM_TRY(verify->rtl->create(verify->machine, &options, &device, diag));
    device->ops->destroy(device);
    run->verify->rtl_is_built = true;
    run->before = (struct qm_corpus_state){.next = run->endurance->seed};
    if (run->endurance->corpus == NULL) return QM_OK;
    QM_TRY(qm_corpus_open(run->endurance->corpus, verify, &run->before, diag));
    return qm_corpus_visit_all(run->endurance->corpus, replay, run, diag);
}

enum qm_status qm_endurance_run(const struct qm_endurance *endurance, struct qm_verify_random *verify, struct qm_diag *diag) {
    struct run run = {.endurance = endurance, .verify = verify};
    run.shared = qm_alloc_shared(sizeof *run.shared);
    run.coverage = qm_alloc_shared(qm_coverage_bytes());
    run.begin = cli_seconds();
    enum qm_status status = prepare(&run, diag);
    run.shared->next = run.before.next;
    run.shared->end = run.before.next + endurance->count;
    if (status == QM_OK) status = run_workers(&run, diag);
    qm_free_shared(run.shared, sizeof *run.shared);
    qm_free_shared(run.coverage, qm_coverage_bytes());
    return status;
}
