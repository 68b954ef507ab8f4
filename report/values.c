/* values.c - what was run, how many were right, and that nothing is known of time. */
#include "report/values.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/text.h"
#include "common/version.h"
#include "report/figures.h"
#include "report/json_tree.h"

void qm_values_print_accuracy(FILE *out, uint64_t labelled, uint64_t correct) {
    if (labelled > 0)
        fprintf(out, "accuracy %.2f %% (%" PRIu64 " of %" PRIu64 ")\n", 100.0 * (double)correct / (double)labelled, correct, labelled);
}

char *qm_values_text(const struct qm_values_source *source, struct qm_arena *arena) {
    char *text;
    size_t size;
    FILE *out = qm_text_stream_open(&text, &size);
    fprintf(out, "%s: a float network, engine %s, %" PRIu64 " example%s", qm_shown(source->graph->file).text, source->engine,
            source->examples, source->examples == 1 ? "" : "s");
    if (source->random_input) fprintf(out, " of random inputs, seed %" PRIu64, source->seed);
    fprintf(out, "\ntime     no machine has computed it: there are values, but no cycles and no energy\n");
    qm_values_print_accuracy(out, source->labelled, source->correct);
    return qm_arena_close_text(arena, out, &text);
}

char *qm_values_json(const struct qm_values_source *source, struct qm_arena *arena) {
    cJSON *root = qm_json_create();
    qm_json_text(root, "qmac", QM_VERSION);
    qm_json_text(root, "model", source->graph->file);
    qm_json_text(root, "model_sha256", source->graph->sha256);
    qm_json_known_text(root, "machine", NULL);
    qm_json_text(root, "engine", source->engine);
    qm_json_number(root, "examples", (double)source->examples);
    qm_json_known(root, "seed", source->random_input, (double)source->seed);
    qm_json_known(root, "accuracy", source->labelled > 0, source->labelled > 0 ? (double)source->correct / (double)source->labelled : 0);
    for (int i = 0; i < QM_FIGURES; i++)
        if (qm_figures[i].total != NULL && qm_figures[i].needs_time && strchr(qm_figures[i].total, '.') == NULL)
            qm_json_known(root, qm_figures[i].total, false, 0);
    return qm_json_finish(root, arena);
}
