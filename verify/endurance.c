/* endurance.c - processes that take one seed after another, and a parent that watches, saves and counts.
 *
 * They share a mapping of memory: the next seed, whether to stop, the coverage, and for each process what it does and has done. A process
 * says which seed it is about to take before it takes it, so the parent always knows a seed before which everything is done. A program is
 * kept in the corpus when a counter reaches a power of two for the first time. Signals are blocked, and the parent waits for them: there is
 * no handler, and no state outside of the mapping.
 */
#include "verify/endurance.h"

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

#include "common/clock.h"
#include "common/memory.h"
#include "common/text.h"
#include "verify/corpus.h"
#include "verify/difference.h"
#include "verify/shrink.h"

enum { SAVE_SECONDS = 10 };

struct worker {
    pid_t pid; /* the parent's: 0 when it has ended */
    bool is_busy;
    uint64_t seed; /* while busy: it works on this one, or will on a later one */
    uint64_t programs;
    struct qm_lockstep_stats stats;
    enum qm_status status;
    struct qm_diag diag;
    struct qm_diag last_words; /* when it ended by itself (common/memory.h) */
};

struct shared {
    _Atomic uint64_t next; /* seed that nobody has taken */
    uint64_t end;
    atomic_bool stop;
    _Atomic uint64_t reached[QM_COUNTERS]; /* bit b: the counter was in 2^b .. 2^(b+1) - 1 after a program */
    struct worker workers[QM_ENDURANCE_JOBS_MAX];
};

struct session {
    const struct qm_endurance *endurance;
    struct qm_verify_random *verify;
    struct shared *shared;
    struct qm_coverage *coverage;  /* in shared memory */
    struct qm_corpus_state before; /* of earlier runs */
    double begin;                  /* qm_seconds */
    bool was_stopped;              /* by a signal */
    struct worker *worker;         /* that this process is; NULL: the parent */
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

/* Puts the difference into shared memory and on stderr, where it stays whatever becomes of this process. */
static void found_in_worker(void *context, const struct qm_program_text *program, const struct qm_diag *difference) {
    struct session *session = context;
    struct qm_arena *arena = qm_arena_create();
    session->worker->status = QM_MISMATCH;
    session->worker->diag = *difference;
    /* A random program's stalls have its seed. */
    difference_tell(difference,
                    qm_arena_printf(arena, " --random 1 --seed %" PRIu64 "%s", program->stall_seed, session->endurance->random_options));
    qm_arena_destroy(arena);
}

static void keep_or_shrink(struct session *session, struct worker *worker) {
    const struct qm_endurance *endurance = session->endurance;
    bool keeps = worker->status == QM_OK && endurance->corpus != NULL && is_new(session->shared, &worker->stats.counters);
    bool shrinks = worker->status == QM_MISMATCH && endurance->shrink_file != NULL;
    if (!keeps && !shrinks) return;
    struct qm_arena *arena = qm_arena_create();
    struct qm_program_text *program = qm_verify_random_text(session->verify, worker->seed, arena);
    struct qm_diag problem;
    if (keeps) worker->status = qm_corpus_add(endurance->corpus, program, worker->seed, &worker->diag);
    if (shrinks && qm_shrink(session->verify, program, endurance->shrink_file, &problem) != QM_OK)
        difference_tell_late("it is not reduced", &problem);
    qm_arena_destroy(arena);
}

/* Takes the next seed unless all are taken. */
static bool take_seed(struct shared *shared, struct worker *worker) {
    uint64_t next = shared->next;
    do {
        worker->seed = next;
        worker->is_busy = true;
        if (next >= shared->end) return false;
    } while (!atomic_compare_exchange_weak(&shared->next, &next, next + 1));
    return true;
}

static void work(struct session *session, struct worker *worker) {
    struct shared *shared = session->shared;
    session->worker = worker;
    session->verify->found = found_in_worker;
    session->verify->context = session;
    while (worker->status == QM_OK && !shared->stop && take_seed(shared, worker)) {
        worker->status = qm_verify_random_one(session->verify, worker->seed, session->coverage, &worker->stats, &worker->diag);
        keep_or_shrink(session, worker);
        if (worker->status != QM_OK) break;
        worker->programs++;
        worker->is_busy = false;
    }
    if (worker->status != QM_OK) shared->stop = true;
}

static void start_workers(struct session *session) {
    pid_t parent = getpid();
    for (uint64_t j = 0; j < session->endurance->jobs; j++) {
        struct worker *worker = &session->shared->workers[j];
        fflush(stdout);
        pid_t pid = fork();
        if (pid < 0) worker->status = qm_fail(&worker->diag, QM_INTERNAL, "no process can be started: %s", strerror(errno));
        if (pid < 0) session->shared->stop = true;
        if (pid > 0) worker->pid = pid;
        if (pid != 0) continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        qm_memory_tell(&worker->last_words);
        if (getppid() == parent) work(session, worker);
        fflush(stdout);
        _exit(0);
    }
}

/* ---- the parent ---- */

static struct qm_corpus_state state_of(const struct session *session) {
    struct qm_corpus_state state = session->before;
    uint64_t next = session->shared->next;
    for (uint64_t j = 0; j < session->endurance->jobs; j++) {
        const struct worker *worker = &session->shared->workers[j];
        if (worker->is_busy && worker->seed < next) next = worker->seed;
        state.programs += worker->programs;
        state.cycles += worker->stats.cycles;
        state.events += worker->stats.events;
    }
    state.next = next < session->shared->end ? next : session->shared->end;
    state.seconds += qm_seconds() - session->begin;
    return state;
}

/* Notes why a process failed, in its own last words if it left some. A difference that it found before stays its result. */
static void judge_death(struct worker *worker, int how) {
    struct qm_diag problem;
    bool has_said_why = WIFEXITED(how) && (WEXITSTATUS(how) == QM_INTERNAL || WEXITSTATUS(how) == QM_BAD_INPUT);
    enum qm_status status =
        qm_fail(&problem, QM_INTERNAL, "seed %" PRIu64 ": the process that ran it was ended from outside or failed", worker->seed);
    if (has_said_why) status = (enum qm_status)WEXITSTATUS(how);
    if (worker->status == QM_MISMATCH) {
        difference_tell_late("after the difference", has_said_why ? &worker->last_words : &problem);
        return;
    }
    worker->status = status;
    worker->diag = has_said_why ? worker->last_words : problem;
}

/* Collects the processes that have ended; returns how many. */
static uint64_t reap(struct session *session) {
    uint64_t ended = 0;
    for (uint64_t j = 0; j < session->endurance->jobs; j++) {
        struct worker *worker = &session->shared->workers[j];
        int how;
        if (worker->pid == 0 || waitpid(worker->pid, &how, WNOHANG) != worker->pid) continue;
        worker->pid = 0;
        ended++;
        if (WIFEXITED(how) && WEXITSTATUS(how) == 0) continue;
        session->shared->stop = true;
        judge_death(worker, how);
    }
    return ended;
}

static void print_progress(const struct session *session) {
    struct qm_corpus_state state = state_of(session);
    double seconds = qm_seconds() - session->begin;
    fprintf(stderr, "\r\033[Kseed %" PRIu64 ", %.0f programs/s, %.2f Mcycle/s", state.next,
            (double)(state.programs - session->before.programs) / seconds,
            1e-6 * (double)(state.cycles - session->before.cycles) / seconds);
}

static enum qm_status save(const struct session *session, struct qm_diag *diag) {
    struct qm_corpus_state state = state_of(session);
    return session->endurance->corpus == NULL ? QM_OK : qm_corpus_save(session->endurance->corpus, session->verify, &state, diag);
}

static uint64_t started(const struct session *session) {
    uint64_t count = 0;
    for (uint64_t j = 0; j < session->endurance->jobs; j++) count += session->shared->workers[j].pid != 0;
    return count;
}

/* Waits until all processes have ended, which SIGINT and SIGTERM ask them to, and saves the corpus now and then. */
static enum qm_status watch(struct session *session, const sigset_t *signals, struct qm_diag *diag) {
    bool shows = isatty(STDERR_FILENO) != 0;
    double saved = 0;
    enum qm_status status = QM_OK;
    for (uint64_t alive = started(session); alive > 0; alive -= reap(session)) {
        int signal = sigtimedwait(signals, NULL, &(struct timespec){.tv_sec = 1});
        if (signal == SIGINT || signal == SIGTERM) session->shared->stop = session->was_stopped = true;
        if (shows) print_progress(session);
        if (qm_seconds() - session->begin < saved + SAVE_SECONDS) continue;
        saved = qm_seconds() - session->begin;
        if (status == QM_OK) status = save(session, diag);
        if (status != QM_OK) session->shared->stop = true;
    }
    if (shows) fprintf(stderr, "\r\033[K");
    return status == QM_OK ? save(session, diag) : status;
}

static enum qm_status print_agreement(const struct session *session, struct qm_diag *diag) {
    struct qm_corpus_state state = state_of(session);
    struct agreement *agreement = session->endurance->agreement;
    agreement->runs = state.programs - session->before.programs;
    agreement->wanted = session->endurance->count;
    agreement->was_stopped = session->was_stopped;
    agreement->seconds = qm_seconds() - session->begin;
    for (uint64_t j = 0; j < session->endurance->jobs; j++) agreement->stats.runs += session->shared->workers[j].stats.runs;
    agreement->stats.cycles = state.cycles - session->before.cycles;
    agreement->stats.events = state.events - session->before.events;
    QM_TRY(agreement_print(agreement, diag));
    if (session->endurance->corpus != NULL)
        printf("%s: %" PRIu64 " programs and %" PRIu64 " cycles in %.0f s of all runs; the next seed is %" PRIu64 "\n",
               qm_shown(session->endurance->corpus).text, state.programs, state.cycles, state.seconds, state.next);
    return QM_OK;
}

static void print_coverage(const struct qm_coverage *coverage) {
    size_t covered, all;
    char missing[1024];
    qm_coverage_count(coverage, &covered, &all, missing, sizeof missing);
    printf("coverage: %zu of %zu classes of field values and faults%s%s\n", covered, all, missing[0] != '\0' ? "; not drawn: " : "",
           missing);
}

static const struct worker *worker_with(const struct session *session, enum qm_status status) {
    for (uint64_t j = 0; j < session->endurance->jobs; j++)
        if (session->shared->workers[j].status == status) return &session->shared->workers[j];
    return NULL;
}

/* The result of all: a difference comes before any other failure. status and *diag are those of watch. */
static enum qm_status judge(const struct session *session, enum qm_status status, struct qm_diag *diag) {
    static const enum qm_status gravest[] = {QM_MISMATCH, QM_INTERNAL, QM_BAD_INPUT};
    for (size_t i = 0; i < sizeof gravest / sizeof *gravest; i++) {
        const struct worker *worker = worker_with(session, gravest[i]);
        if (worker == NULL) continue;
        if (status != QM_OK) difference_tell_late("the corpus is not saved", diag);
        return qm_fail(diag, worker->status, "%s", worker->diag.text);
    }
    if (status != QM_OK) return status;
    QM_TRY(print_agreement(session, diag));
    print_coverage(session->coverage);
    return QM_OK;
}

static enum qm_status run_workers(struct session *session, struct qm_diag *diag) {
    sigset_t signals, old;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &old);
    start_workers(session);
    enum qm_status status = watch(session, &signals, diag);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return judge(session, status, diag);
}

/* ---- before ---- */

static void found_in_corpus(void *context, const struct qm_program_text *program, const struct qm_diag *difference) {
    struct session *session = context;
    struct qm_arena *arena = qm_arena_create();
    difference_tell(difference, qm_arena_printf(arena, "%s%s", difference_word(arena, program->file), session->endurance->file_options));
    qm_arena_destroy(arena);
}

/* A program of the corpus must still agree; what it reaches is not new. */
static enum qm_status replay(void *context, const struct qm_program_text *program, struct qm_diag *diag) {
    struct session *session = context;
    struct qm_lockstep_stats stats = {0};
    QM_TRY(qm_verify_text(session->verify, program, &stats, diag));
    is_new(session->shared, &stats.counters);
    return QM_OK;
}

static enum qm_status check_seeds(uint64_t first, uint64_t count, struct qm_diag *diag) {
    if (count <= UINT64_MAX - first) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT,
                   "--random %" PRIu64 ": so many programs from seed %" PRIu64 " on go beyond the last seed: give fewer", count, first);
}

/* Sets the first seed and the one behind the last. */
static enum qm_status place_seeds(struct session *session, struct qm_diag *diag) {
    const struct qm_endurance *endurance = session->endurance;
    QM_TRY(check_seeds(endurance->seed, endurance->count, diag));
    session->before = (struct qm_corpus_state){.next = endurance->seed};
    if (endurance->corpus != NULL) QM_TRY(qm_corpus_open(endurance->corpus, session->verify, &session->before, diag));
    QM_TRY(check_seeds(session->before.next, endurance->count, diag));
    session->shared->next = session->before.next;
    session->shared->end = session->before.next + endurance->count;
    return QM_OK;
}

/* Builds the RTL for all processes, and runs the programs that the corpus has. */
static enum qm_status prepare(struct session *session, struct qm_diag *diag) {
    const struct qm_verify_random *verify = session->verify;
    const struct qm_rtl *rtl;
    QM_TRY(place_seeds(session, diag));
    QM_TRY(rtl_builds_get(verify->builds, verify->machine, verify->probed, &rtl, diag));
    session->begin = qm_seconds();
    session->verify->found = found_in_corpus;
    session->verify->context = session;
    return session->endurance->corpus != NULL ? qm_corpus_visit_all(session->endurance->corpus, replay, session, diag) : QM_OK;
}

enum qm_status qm_endurance_run(const struct qm_endurance *endurance, struct qm_verify_random *verify, struct qm_diag *diag) {
    struct session session = {.endurance = endurance, .verify = verify};
    session.shared = qm_alloc_shared(sizeof *session.shared);
    session.coverage = qm_alloc_shared(qm_coverage_bytes());
    session.begin = qm_seconds();
    enum qm_status status = prepare(&session, diag);
    if (status == QM_OK) status = run_workers(&session, diag);
    qm_free_shared(session.shared, sizeof *session.shared);
    qm_free_shared(session.coverage, qm_coverage_bytes());
    return status;
}
