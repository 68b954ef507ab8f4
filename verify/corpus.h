/* corpus.h - a folder of interesting programs (seed-N.prog) and a file `state`: how far a long run has come. */
#ifndef QM_VERIFY_CORPUS_H
#define QM_VERIFY_CORPUS_H

#include "verify/verify_random.h"

struct qm_corpus_state {
    uint64_t next; /* seed: all before it are done */
    uint64_t programs, cycles, events;
    double seconds;
};

/* Makes the folder, or reads its state; writes the state, so that a folder that cannot be written is found now. A corpus of another
 * machine or of other stalls is QM_BAD_INPUT. */
QM_MUST_USE enum qm_status qm_corpus_open(const char *folder, const struct qm_verify_random *verify, struct qm_corpus_state *state,
                                          struct qm_diag *diag);

/* Save the state, and one program. What is there is replaced at once, so that whoever is stopped leaves the old or the new file. */
QM_MUST_USE enum qm_status qm_corpus_save(const char *folder, const struct qm_verify_random *verify, const struct qm_corpus_state *state,
                                          struct qm_diag *diag);
QM_MUST_USE enum qm_status qm_corpus_add(const char *folder, const struct qm_program_text *program, uint64_t seed, struct qm_diag *diag);

/* Calls `each` with every program of the folder until one fails. */
typedef enum qm_status qm_corpus_visit(void *context, const struct qm_program_text *program, struct qm_diag *diag);
QM_MUST_USE enum qm_status qm_corpus_visit_all(const char *folder, qm_corpus_visit *each, void *context, struct qm_diag *diag);

#endif
