/* values.h - the report of a run that has values and nothing else: a float network, which no machine has computed.
 *
 * There is no time and no energy in it, and both forms say so.
 */
#ifndef QM_REPORT_VALUES_H
#define QM_REPORT_VALUES_H

#include <stdint.h>
#include <stdio.h>

#include "common/arena.h"
#include "common/graph.h"

struct qm_values_source {
    const struct qm_graph *graph; /* the network: its file and digest */
    const char *engine;
    uint64_t examples;
    uint64_t labelled, correct; /* labelled 0: no labels were given */
    bool random_input;
    uint64_t seed; /* of it */
};

/* Texts belong to arena: for people, and as JSON, in which the figures of a run that need time are null. */
char *qm_values_text(const struct qm_values_source *source, struct qm_arena *arena);
char *qm_values_json(const struct qm_values_source *source, struct qm_arena *arena);

/* Prints the line "accuracy ..." of all reports; nothing when there were no labels. */
void qm_values_print_accuracy(FILE *out, uint64_t labelled, uint64_t correct);

#endif
