/* diff.c - qmac diff: where the cycles and the energy of two reports differ, and which knob explains it. */
#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "explain/diff.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

enum { LAYERS_SHOWN = 20 };

struct session {
    bool all;
};

static const struct cli_option option_rows[] = {
    {"all", NULL, "show all layers, not only the 20 that differ most", cli_take_flag, .field = offsetof(struct session, all)}, {0}};

/* Why A's network cannot be run again; NULL: it can. */
static const char *read_subject(const struct qm_read_report *a, struct qm_arena *arena, struct explain_subject *subject) {
    struct cli_compilation compilation = {.requant = a->requant,
                                          .search = a->search[0] != '\0' ? a->search : NULL,
                                          .precision = strcmp(a->precision, "model") != 0 ? a->precision : NULL};
    struct qm_digest digest;
    struct qm_diag diag;
    struct qm_graph *graph;
    struct qm_network *network;
    struct qm_energy_table *energy;
    if (a->stalls > 0) return "A was run with stalls, which come by chance";
    if (qm_digest_file(a->model, &digest, &diag) != QM_OK) return "the model of A is not there";
    if (strcmp(digest.text, a->model_sha256) != 0) return "the model of A is another one now";
    if (qm_energy_load(a->energy_table, arena, &energy, &diag) != QM_OK) return "the prices of A are not there";
    if (strcmp(qm_energy_table_digest(energy)->text, a->energy_table_sha256) != 0) return "the prices of A are others now";
    if (cli_compile_options(&compilation, &subject->options, &diag) != QM_OK) return "A was run with options that are unknown";
    if (cli_read_graph(a->model, &subject->options.model, arena, &graph, &diag) != QM_OK ||
        cli_make_network(graph, &subject->options, arena, &network, &diag) != QM_OK)
        return "the model of A is not taken without the options that it was run with";
    subject->network = network;
    subject->energy = energy;
    return NULL;
}

/* Says what each knob changes alone, when there are some. */
static enum qm_status print_knobs(const struct diff *diff, struct qm_arena *arena, struct qm_diag *diag) {
    struct explain_subject subject;
    char *text = NULL;
    const char *why = read_subject(diff->a, arena, &subject);
    if (why == NULL) QM_TRY(diff_knobs_text(diff, &subject, arena, &text, diag));
    if (why == NULL && text == NULL) why = "A was run with options that its report does not tell";
    if (why != NULL)
        printf("\nknobs    cannot be told apart: %s\n", why);
    else
        printf("\n%s", text);
    return QM_OK;
}

static enum qm_status diff(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    const struct session *session = fields;
    struct qm_read_report a, b;
    struct diff found;
    const struct qm_param **params = QM_ARENA_NEW(line->arena, const struct qm_param *, qm_param_count);
    if (line->file_count != 2) return qm_fail(diag, QM_BAD_INPUT, "command line: two reports are compared: see qmac diff --help");
    QM_TRY(qm_report_read(line->files[0], line->arena, &a, diag));
    QM_TRY(qm_report_read(line->files[1], line->arena, &b, diag));
    diff_make(&a, &b, line->arena, &found);
    fputs(diff_text(&found, session->all ? UINT32_MAX : LAYERS_SHOWN, line->arena), stdout);
    return diff_knobs(&found, params) > 1 ? print_knobs(&found, line->arena, diag) : QM_OK;
}

const struct cli_command cli_command_diff = {
    .name = "diff",
    .about = "show where the cycles and the energy of two reports differ",
    .usage = "usage: qmac diff A.json B.json [options]\n"
             "Shows where cycles and energy went between two reports of qmac run --json: by cause, component and layer, the largest\n"
             "change first. When the machines differ in more knobs than one, the network of A is run with each of them alone.\n\n",
    .options = option_rows,
    .size = sizeof(struct session),
    .run = diff};
