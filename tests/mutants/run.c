/* run.c - runs the quick verification once for each planted mutant and says which nobody noticed.
 *
 *   run JOBS FOLDER UNIT_TESTS PROGRAM...
 *
 * FOLDER is what plant wrote. The machines are built from it once; each mutant has its own process, in which the register of the mutants is
 * set before the machines are made, so that an abort or an endless loop is a result like any other. Without a mutant all must be equal.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "tests/mutants/verification.h"

enum { FILE_BYTES_MAX = 1 << 24, JOBS_MAX = 64, SECONDS_MAX = 300, COLUMNS = 6, VERDICT_BYTES = 1200 };
enum outcome { WAITING, SURVIVED, KILLED, EQUIVALENT, NOT_EQUIVALENT };

struct mutant {
    const char *number, *file, *line, *what, *text, *why; /* why: it is equivalent, or "" */
    enum outcome outcome;
    char *verdict; /* what noticed it */
};

struct child {
    pid_t pid; /* 0: free */
    int pipe;
    struct mutant *mutant;
};

struct session {
    struct qm_arena *arena;
    struct verification *verification;
    struct mutant *mutants;
    size_t count, survived, killed, equivalent, not_equivalent;
};

/* ---- the list ---- */

static enum qm_status read_mutants(struct session *session, const char *folder, struct qm_diag *diag) {
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(qm_arena_printf(session->arena, "%s/mutants", folder), FILE_BYTES_MAX, &bytes, &size, diag));
    char *rest = qm_arena_strdup(session->arena, (const char *)bytes), *line;
    free(bytes);
    session->mutants = QM_ARENA_NEW(session->arena, struct mutant, size + 1);
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        struct mutant *mutant = &session->mutants[session->count++];
        const char **columns[COLUMNS] = {&mutant->number, &mutant->file, &mutant->line, &mutant->what, &mutant->text, &mutant->why};
        for (int i = 0; i < COLUMNS; i++) {
            *columns[i] = strsep(&line, "\t");
            if (*columns[i] == NULL) return qm_fail(diag, QM_BAD_INPUT, "%s/mutants:%zu: too few columns", folder, session->count);
        }
    }
    return QM_OK;
}

/* ---- one mutant ---- */

static void verify_in_child(const struct session *session, const struct mutant *mutant, int out) {
    struct qm_diag diag;
    alarm(SECONDS_MAX);
    if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL) _exit(QM_INTERNAL);
    if (setenv("QMAC_MUTANT", mutant->number, 1) != 0) _exit(QM_INTERNAL);
    enum qm_status status = verification_run(session->verification, &diag);
    if (status != QM_OK) dprintf(out, "%s", diag.text);
    _exit((int)status);
}

static enum qm_status start(const struct session *session, struct mutant *mutant, struct child *child, struct qm_diag *diag) {
    int ends[2];
    if (pipe(ends) != 0) return qm_fail(diag, QM_INTERNAL, "run: no pipe for mutant %s", mutant->number);
    fflush(NULL);
    *child = (struct child){.pid = fork(), .pipe = ends[0], .mutant = mutant};
    if (child->pid < 0) return qm_fail(diag, QM_INTERNAL, "run: no process for mutant %s", mutant->number);
    if (child->pid == 0) verify_in_child(session, mutant, ends[1]);
    close(ends[1]);
    return QM_OK;
}

/* A process that died of a signal noticed the mutant, too: an assertion, or the time limit. */
static void finish(struct session *session, struct child *child, int status) {
    struct mutant *mutant = child->mutant;
    char text[VERDICT_BYTES];
    ssize_t size = read(child->pipe, text, sizeof text - 1);
    text[size > 0 ? size : 0] = '\0';
    bool survived = WIFEXITED(status) && WEXITSTATUS(status) == QM_OK;
    if (WIFSIGNALED(status)) snprintf(text, sizeof text, "%s", strsignal(WTERMSIG(status)));
    mutant->verdict = qm_arena_strdup(session->arena, text);
    if (mutant->why[0] == '\0')
        mutant->outcome = survived ? SURVIVED : KILLED;
    else
        mutant->outcome = survived ? EQUIVALENT : NOT_EQUIVALENT;
    close(child->pipe);
    child->pid = 0;
}

static struct child *child_of(struct child *children, size_t jobs, pid_t pid) {
    for (size_t i = 0; i < jobs; i++)
        if (children[i].pid == pid) return &children[i];
    return NULL;
}

static enum qm_status run_all(struct session *session, struct mutant *mutants, size_t count, size_t jobs, struct qm_diag *diag) {
    struct child children[JOBS_MAX] = {0};
    size_t next = 0, running = 0;
    while (next < count || running > 0) {
        struct child *child = child_of(children, jobs, 0);
        if (next < count && child != NULL) {
            QM_TRY(start(session, &mutants[next++], child, diag));
            running++;
            continue;
        }
        int status;
        pid_t pid = wait(&status);
        if (pid < 0) return qm_fail(diag, QM_INTERNAL, "run: lost a process");
        finish(session, child_of(children, jobs, pid), status);
        running--;
    }
    return QM_OK;
}

/* ---- the report ---- */

static void print_mutant(const struct mutant *mutant, FILE *stream, const char *head, const char *tail) {
    fprintf(stream, "%s %s:%s (mutant %s)\n  %s\n  %s\n  %s\n", head, mutant->file, mutant->line, mutant->number, mutant->text,
            mutant->what, tail);
}

static void count_outcome(struct session *session, const struct mutant *mutant) {
    session->survived += mutant->outcome == SURVIVED;
    session->killed += mutant->outcome == KILLED;
    session->equivalent += mutant->outcome == EQUIVALENT;
    session->not_equivalent += mutant->outcome == NOT_EQUIVALENT;
}

/* Mutants stand in the order of files: prints the counts of the file that begins here, and returns its number of mutants. */
static size_t print_file(struct session *session, size_t first) {
    struct session of_file = {0};
    const char *file = session->mutants[first].file;
    size_t count = 0;
    for (; first + count < session->count && strcmp(session->mutants[first + count].file, file) == 0; count++)
        count_outcome(&of_file, &session->mutants[first + count]);
    printf("%-24s %5zu planted %5zu killed %3zu equivalent %3zu survived\n", file, count, of_file.killed, of_file.equivalent,
           of_file.survived);
    return count;
}

static enum qm_status write_log(const struct session *session, const char *folder, struct qm_diag *diag) {
    char *text;
    size_t size;
    FILE *stream = qm_text_stream_open(&text, &size);
    for (size_t i = 0; i < session->count; i++) {
        const struct mutant *mutant = &session->mutants[i];
        bool survived = mutant->outcome == SURVIVED || mutant->outcome == EQUIVALENT;
        print_mutant(mutant, stream, survived ? "survived" : "killed", survived ? mutant->why : mutant->verdict);
    }
    qm_text_stream_close(stream);
    enum qm_status status = qm_file_write(qm_arena_printf(session->arena, "%s/report", folder), text, size, diag);
    free(text);
    return status;
}

static enum qm_status report(struct session *session, const char *folder, struct qm_diag *diag) {
    for (size_t i = 0; i < session->count; i += print_file(session, i)) {
    }
    for (size_t i = 0; i < session->count; i++) {
        const struct mutant *mutant = &session->mutants[i];
        count_outcome(session, mutant);
        if (mutant->outcome == SURVIVED) print_mutant(mutant, stdout, "survived:", "nothing noticed it");
        if (mutant->outcome == NOT_EQUIVALENT) print_mutant(mutant, stdout, "not equivalent:", mutant->verdict);
    }
    size_t able = session->killed + session->survived;
    printf("%zu mutants planted, %zu equivalent, %zu of the other %zu killed (%.1f %%)\n", session->count, session->equivalent,
           session->killed, able, able == 0 ? 100.0 : 100.0 * (double)session->killed / (double)able);
    fflush(stdout);
    QM_TRY(write_log(session, folder, diag));
    if (session->survived + session->not_equivalent == 0) return QM_OK;
    return qm_fail(diag, QM_MISMATCH,
                   "%s/report: %zu mutants were not noticed: add a check that does, or say in tests/mutants/equivalent.txt why they change "
                   "nothing; %zu said to change nothing do",
                   folder, session->survived, session->not_equivalent);
}

/* ---- all ---- */

static enum qm_status verify_unharmed(struct session *session, struct qm_diag *diag) {
    struct mutant none = {.number = "0", .why = ""};
    QM_TRY(run_all(session, &none, 1, 1, diag));
    if (none.outcome == SURVIVED) return QM_OK;
    return qm_fail(diag, QM_MISMATCH, "without a mutant: %s", none.verdict);
}

static enum qm_status run(struct session *session, char **arguments, int argc, struct qm_diag *diag) {
    size_t jobs = strtoul(arguments[1], NULL, 10);
    if (jobs < 1 || jobs > JOBS_MAX) return qm_fail(diag, QM_BAD_INPUT, "JOBS %s: expected 1 to %d", arguments[1], JOBS_MAX);
    QM_TRY(read_mutants(session, arguments[2], diag));
    QM_TRY(verification_create(arguments[3], arguments + 4, (size_t)argc - 4, session->arena, &session->verification, diag));
    QM_TRY(verify_unharmed(session, diag));
    QM_TRY(run_all(session, session->mutants, session->count, jobs, diag));
    return report(session, arguments[2], diag);
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fputs("usage: run JOBS FOLDER UNIT_TESTS PROGRAM...\n", stderr);
        return QM_BAD_INPUT;
    }
    struct qm_diag diag;
    struct session session = {.arena = qm_arena_create()};
    enum qm_status status = run(&session, argv, argc, &diag);
    if (status != QM_OK) fprintf(stderr, "run: %s\n", diag.text);
    qm_arena_destroy(session.arena);
    return (int)status;
}
