/* corpus.c - the files of a corpus.
 *
 * state is six lines: machine, stalls, next, programs, cycles, events, seconds.
 */
#include "verify/corpus.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/text.h"

enum { STATE_VALUES = 7, STATE_BYTES_MAX = 1000 };

static enum qm_status read_state(const char *text, const char *path, const struct qm_verify_random *verify, struct qm_corpus_state *state,
                                 struct qm_diag *diag) {
    uint32_t fingerprint;
    double stalls;
    int values = sscanf(text,
                        "machine %" SCNx32 "\nstalls %lf\nnext %" SCNu64 "\nprograms %" SCNu64 "\ncycles %" SCNu64 "\nevents %" SCNu64
                        "\nseconds %lf\n",
                        &fingerprint, &stalls, &state->next, &state->programs, &state->cycles, &state->events, &state->seconds);
    if (values != STATE_VALUES)
        return qm_fail(diag, QM_BAD_INPUT, "%s:%d: not a state of a corpus: begin another folder", path, values + 1);
    if (fingerprint == qm_machine_fingerprint(verify->machine) && stalls == verify->stalls) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT,
                   "%s:1: of another machine or with other stalls (%g): give the same --machine and --stalls, or begin another folder",
                   path, stalls);
}

enum qm_status qm_corpus_open(const char *folder, const struct qm_verify_random *verify, struct qm_corpus_state *state,
                              struct qm_diag *diag) {
    char path[QM_PATH_BYTES];
    QM_TRY(qm_path_join(path, diag, folder, "/state", NULL));
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return qm_file_cannot(folder, "made", errno, diag);
    if (access(path, F_OK) != 0 && errno == ENOENT) return qm_corpus_save(folder, verify, state, diag);
    uint8_t *bytes;
    size_t size;
    QM_TRY(qm_file_read(path, STATE_BYTES_MAX, &bytes, &size, diag));
    enum qm_status status = read_state((const char *)bytes, path, verify, state, diag);
    free(bytes);
    return status == QM_OK ? qm_corpus_save(folder, verify, state, diag) : status;
}

enum qm_status qm_corpus_save(const char *folder, const struct qm_verify_random *verify, const struct qm_corpus_state *state,
                              struct qm_diag *diag) {
    char path[QM_PATH_BYTES], text[STATE_BYTES_MAX];
    QM_TRY(qm_path_join(path, diag, folder, "/state", NULL));
    int size = snprintf(text, sizeof text,
                        "machine %08" PRIx32 "\nstalls %.17g\nnext %" PRIu64 "\nprograms %" PRIu64 "\ncycles %" PRIu64 "\nevents %" PRIu64
                        "\nseconds %.1f\n",
                        qm_machine_fingerprint(verify->machine), verify->stalls, state->next, state->programs, state->cycles, state->events,
                        state->seconds);
    return qm_file_write(path, text, (size_t)size, diag);
}

enum qm_status qm_corpus_add(const char *folder, const struct qm_program_text *program, uint64_t seed, struct qm_diag *diag) {
    char path[QM_PATH_BYTES], name[40];
    snprintf(name, sizeof name, "/seed-%" PRIu64 ".prog", seed);
    QM_TRY(qm_path_join(path, diag, folder, name, NULL));
    return qm_program_text_write(program, path, diag);
}

static int is_program(const struct dirent *entry) {
    return qm_text_ends_in(entry->d_name, ".prog");
}

static enum qm_status visit(const char *path, qm_corpus_visit *each, void *context, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_program_text *program;
    enum qm_status status = qm_program_text_read(path, arena, &program, diag);
    if (status == QM_OK) status = each(context, program, diag);
    qm_arena_destroy(arena);
    return status;
}

enum qm_status qm_corpus_visit_all(const char *folder, qm_corpus_visit *each, void *context, struct qm_diag *diag) {
    struct dirent **entries;
    enum qm_status status = QM_OK;
    int count = scandir(folder, &entries, is_program, alphasort);
    if (count < 0) return qm_file_cannot(folder, "read", errno, diag);
    for (int i = 0; i < count; i++) {
        char path[QM_PATH_BYTES];
        if (status == QM_OK) status = qm_path_join(path, diag, folder, "/", entries[i]->d_name, NULL);
        if (status == QM_OK) status = visit(path, each, context, diag);
        free(entries[i]);
    }
    free(entries);
    return status;
}
