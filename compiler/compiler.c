/* compiler.c - the ways into the compiler, and the list of its passes from a model file to a program. */
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "compiler/passes/passes.h"

struct pass {
    const char *name;
    enum qm_status (*run)(struct plan *plan);
    void (*print)(const struct plan *plan, FILE *out); /* what the compiler has after it */
};

/* ---- the passes before there is a plan ---- */

static enum qm_status pass_read(struct plan *plan) {
    return qm_model_parse(plan->model, &plan->options->model, plan->arena, &plan->graph, plan->diag);
}

static enum qm_status pass_integers(struct plan *plan) {
    struct qm_graph *graph;
    QM_TRY(qm_integers(plan->graph, &plan->options->model, plan->arena, &graph, plan->diag));
    plan->graph = graph;
    return QM_OK;
}

static enum qm_status pass_legalize(struct plan *plan) {
    struct qm_network *network;
    QM_TRY(qm_legalize(plan->graph, plan->options, plan->arena, &network, plan->diag));
    plan->network = network;
    return QM_OK;
}

static enum qm_status pass_narrow(struct plan *plan) {
    struct qm_network *network = QM_ARENA_NEW(plan->arena, struct qm_network, 1);
    *network = *plan->network;
    plan->network = network;
    return qm_narrow(network, plan->options->precision, plan->arena, plan->diag);
}

/* ---- the list ---- */

static void print_graph(const struct plan *plan, FILE *out) {
    graph_print(plan->graph, out);
}

static void print_network(const struct plan *plan, FILE *out) {
    network_print(plan->network, out);
}

static const struct pass reading[] = {
    {"read", pass_read, print_graph},           /* a model file to a graph */
    {"integers", pass_integers, print_graph},   /* a graph of real numbers to one of integers */
    {"legalize", pass_legalize, print_network}, /* a graph to layers of integers */
    {"narrow", pass_narrow, print_network},     /* the precision of each layer */
    {NULL, NULL, NULL},
};

static const struct pass fusing[] = {
    {"fuse", pass_fuse, print_network}, /* additions into the convolutions before them */
    {NULL, NULL, NULL},
};

static const struct pass planning[] = {
    {"place", pass_place, plan_print},             /* which maps stay in the scratchpad */
    {"tile", pass_tile, plan_print},               /* how each layer is cut */
    {"schedule", pass_schedule, plan_print},       /* the instructions, in order */
    {"allocate", pass_allocate, plan_print},       /* addresses; loads ahead of their use */
    {"synchronize", pass_synchronize, plan_print}, /* tokens between the units */
    {NULL, NULL, NULL},
};

static const struct pass emitting[] = {
    {"emit", pass_emit, emit_print}, /* a plan to a program */
    {NULL, NULL, NULL},
};

/* ---- running it ---- */

/* The pass of this name in a list; NULL: there is none. */
static const struct pass *find_pass(const struct pass *passes, const char *name) {
    for (; passes->name != NULL; passes++)
        if (strcmp(passes->name, name) == 0) return passes;
    return NULL;
}

static enum qm_status check_dump(const struct plan *plan) {
    static const struct pass *const lists[] = {reading, fusing, planning, emitting};
    const char *wanted = plan->options->dump_after;
    char names[128] = "";
    if (wanted == NULL) return QM_OK;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (find_pass(lists[i], wanted) != NULL) return QM_OK;
        for (const struct pass *pass = lists[i]; pass->name != NULL; pass++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", *names != '\0' ? ", " : "", pass->name);
    }
    return qm_fail(plan->diag, QM_BAD_INPUT, "--dump-after: no pass is called %s; passes are %s", wanted, names);
}

static enum qm_status run_passes(const struct pass *passes, struct plan *plan, const char *dump_after) {
    for (const struct pass *pass = passes; pass->name != NULL; pass++) {
        QM_TRY(pass->run(plan));
        if (dump_after != NULL && strcmp(dump_after, pass->name) == 0) pass->print(plan, plan->options->dump);
    }
    return QM_OK;
}

static enum qm_status make_plan(struct plan *plan) {
    return run_passes(planning, plan, NULL);
}

/* Plans print what they know when they have the pass behind them, so the chosen one is made once more; of a network that does not fit, the
 * plan that fails. */
static enum qm_status dump_plan(const struct plan *begun, const struct plan *chosen) {
    struct plan plan = *begun;
    plan.arena = qm_arena_create();
    plan.machine = chosen->machine;
    plan.tries_cuts = chosen->tries_cuts;
    enum qm_status status = run_passes(planning, &plan, begun->options->dump_after);
    plan_free(&plan);
    return status;
}

static enum qm_status compile_network(const struct plan *begun, struct qm_program **program) {
    const char *dump_after = begun->options->dump_after;
    struct plan plan;
    enum qm_status status = choose_plan(begun, make_plan, &plan);
    if (dump_after != NULL && find_pass(planning, dump_after) != NULL) {
        enum qm_status dumped = dump_plan(begun, status == QM_OK ? &plan : begun);
        if (status == QM_OK) status = dumped;
    }
    plan.machine = begun->machine;
    plan.diag = begun->diag;
    if (status == QM_OK) status = run_passes(emitting, &plan, dump_after);
    *program = plan.program;
    plan_free(&plan);
    return status;
}

/* *program is the caller's; NULL when a pass fails. */
static enum qm_status compile(struct plan *plan, struct qm_program **program) {
    *program = NULL;
    plan->arena = qm_arena_create();
    enum qm_status status = check_dump(plan);
    if (status == QM_OK && plan->model != NULL) status = run_passes(reading, plan, plan->options->dump_after);
    if (status == QM_OK) status = run_passes(fusing, plan, plan->options->dump_after);
    if (status == QM_OK) status = check_precisions(plan);
    if (status == QM_OK) status = compile_network(plan, program);
    plan_free(plan);
    return status;
}

/* ---- the ways in ---- */

enum qm_status qm_compile(const struct qm_model_bytes *model, const struct qm_machine *machine, const struct qm_compile_options *options,
                          struct qm_program **program, struct qm_diag *diag) {
    struct plan plan = {.model = model, .machine = machine, .options = options, .diag = diag};
    return compile(&plan, program);
}

enum qm_status qm_compile_network(const struct qm_network *network, const struct qm_machine *machine,
                                  const struct qm_compile_options *options, struct qm_program **program, struct qm_diag *diag) {
    struct plan plan = {.network = network, .machine = machine, .options = options, .diag = diag};
    return compile(&plan, program);
}

enum qm_status qm_compile_file(const char *file, const struct qm_machine *machine, const struct qm_compile_options *options,
                               struct qm_program **program, struct qm_diag *diag) {
    uint8_t *bytes;
    struct qm_model_bytes model = {.name = file};
    QM_TRY(qm_file_read(file, INT32_MAX, &bytes, &model.size, diag));
    model.bytes = bytes;
    enum qm_status status = qm_compile(&model, machine, options, program, diag);
    free(bytes);
    return status;
}
