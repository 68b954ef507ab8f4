/* explain.c - qmac explain: why a network, or one of its layers, takes and costs what it does, and which knob would change it most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"
#include "tools/qmac/cli.h"
#include "tools/qmac/commands.h"

struct session {
    struct cli_compilation compilation;
    const char *energy;
};

static const struct cli_option option_rows[] = {{.group = cli_compilation_options, .field = offsetof(struct session, compilation)},
                                                {"energy", "NAME|FILE",
                                                 "prices: spec/energy/NAME.yaml or a file, with +ADDITION behind it (default cmos45)",
                                                 cli_take_text, .field = offsetof(struct session, energy)},
                                                {0}};

/* A layer has this name when it is all of it, or the first of those that TFLite joins with ';'. */
static bool has_name(const struct qm_program_layer *layer, const char *name) {
    size_t size = strcspn(layer->name, ";");
    return strcmp(layer->name, name) == 0 || (strlen(name) == size && strncmp(layer->name, name, size) == 0);
}

static enum qm_status find_layer(const struct qm_program *program, const char *name, uint32_t *layer, struct qm_diag *diag) {
    char *end;
    unsigned long index = strtoul(name, &end, 10);
    for (*layer = 0; *layer < program->layer_count; ++*layer)
        if (has_name(&program->layers[*layer], name)) break;
    if (*layer == program->layer_count && name[0] >= '0' && name[0] <= '9' && *end == '\0' && index < program->layer_count)
        *layer = (uint32_t)index;
    if (*layer == program->layer_count)
        return qm_fail(diag, QM_BAD_INPUT, "%s: there is no such layer: give the name that qmac run prints, or a number below %u", name,
                       program->layer_count);
    if (program->layers[*layer].on_host)
        return qm_fail(diag, QM_BAD_INPUT, "%s: is computed by the host, which is not simulated: it has no cycles", name);
    return QM_OK;
}

static enum qm_status print_explanation(const struct explain_subject *subject, const struct qm_machine *machine, const char *name,
                                        struct qm_arena *arena, const struct planned *planned, struct qm_diag *diag) {
    struct explain_variant *variants = QM_ARENA_NEW(arena, struct explain_variant, EXPLAIN_WAYS * qm_param_count);
    uint32_t layer = EXPLAIN_ALL, count;
    if (name != NULL) QM_TRY(find_layer(planned->program, name, &layer, diag));
    if (planned->report->total.counters.value[QM_C_cycles] == 0)
        return qm_fail(diag, QM_BAD_INPUT, "%s: all of it is computed by the host, which is not simulated", planned->program->model);
    QM_TRY(explain_knobs(subject, machine, layer, variants, &count, diag));
    fputs(explain_text(planned->report, layer, variants, count, arena), stdout);
    return QM_OK;
}

static enum qm_status explain_network(const struct cli_line *line, const struct session *session, const struct explain_subject *subject,
                                      struct qm_diag *diag) {
    struct qm_machine machine;
    struct planned planned;
    QM_TRY(cli_machine(&session->compilation, &machine, diag));
    QM_TRY(planned_make(subject->network, &subject->options, subject->energy, &machine, line->arena, &planned, diag));
    const char *name = line->file_count > 1 ? line->files[1] : NULL;
    enum qm_status status = print_explanation(subject, &machine, name, line->arena, &planned, diag);
    planned_end(&planned);
    return status;
}

static enum qm_status explain(const struct cli_line *line, void *fields, struct qm_diag *diag) {
    struct session *session = fields;
    struct explain_subject subject;
    struct qm_energy_table *energy;
    struct qm_network *network;
    struct qm_graph *graph;
    if (line->file_count == 0) return qm_fail(diag, QM_BAD_INPUT, "command line: no model is named: see qmac explain --help");
    if (line->file_count > 2) return qm_fail(diag, QM_BAD_INPUT, "%s: one layer at a time: see qmac explain --help", line->files[2]);
    QM_TRY(qm_energy_load(session->energy, line->arena, &energy, diag));
    QM_TRY(cli_compile_options(&session->compilation, &subject.options, diag));
    QM_TRY(cli_read_graph(line->files[0], &subject.options.model, line->arena, &graph, diag));
    QM_TRY(cli_make_network(graph, &subject.options, line->arena, &network, diag));
    subject.network = network;
    subject.energy = energy;
    return explain_network(line, session, &subject, diag);
}

static void begin(void *fields, struct qm_arena *arena) {
    (void)arena;
    ((struct session *)fields)->energy = "cmos45";
}

const struct cli_command cli_command_explain = {
    .name = "explain",
    .about = "say why a network or a layer takes so long, and which knob would help",
    .usage = "usage: qmac explain MODEL [LAYER] [options]\n"
             "Says what a network, or the layer of that name or number, takes and costs, what bounds it, and what each knob\n"
             "of the machine would change: the network is run again with the knob doubled, and halved.\n\n",
    .options = option_rows,
    .size = sizeof(struct session),
    .begin = begin,
    .run = explain};
