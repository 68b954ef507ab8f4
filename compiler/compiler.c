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

/* Runs the passes from the one called `first` on. *program is the caller's; NULL when a pass fails. */
static enum qm_status compile(struct plan *plan, const char *first, struct qm_program **program);

enum qm_status qm_compile(const struct qm_model_bytes *model, const struct qm_machine *machine, const struct qm_compile_options *options,
                          struct qm_program **program, struct qm_diag *diag) {
    struct plan plan = {.model = model, .machine = machine, .options = options, .diag = diag};
    return compile(&plan, "read", program);
}

enum qm_status qm_compile_network(const struct qm_network *network, const struct qm_machine *machine,
                                  const struct qm_compile_options *options, struct qm_program **program, struct qm_diag *diag) {
    struct plan plan = {.network = network, .machine = machine, .options = options, .diag = diag};
    return compile(&plan, "place", program);
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

/* ---- the passes before there is a plan ---- */

static enum qm_status pass_read(struct plan *plan) {
    return qm_model_parse(plan->model, &plan->options->model, plan->arena, &plan->graph, plan->diag);
}

static enum qm_status pass_legalize(struct plan *plan) {
    struct qm_network *network;
    QM_TRY(qm_legalize(plan->graph, plan->options->rounding, plan->arena, &network, plan->diag));
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

/* The pass of this name in a list that ends with one without a name; NULL: there is none. */
static const struct pass *find_pass(const struct pass *passes, const char *name) {
    for (; passes->name != NULL; passes++)
        if (strcmp(passes->name, name) == 0) return passes;
    return NULL;
}

static enum qm_status refuse_dump(const struct pass *passes, const struct plan *plan) {
    char names[128] = "";
    for (size_t used = 0; passes->name != NULL; passes++, used = strlen(names))
        snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", passes->name);
    return qm_fail(plan->diag, QM_BAD_INPUT, "--dump-after: no pass is called %s; passes are %s", plan->options->dump_after, names);
}

static enum qm_status run_passes(const struct pass *passes, const char *first, struct plan *plan) {
    const char *wanted = plan->options->dump_after;
    if (wanted != NULL && find_pass(passes, wanted) == NULL) return refuse_dump(passes, plan);
    for (const struct pass *pass = find_pass(passes, first); pass->name != NULL; pass++) {
        QM_TRY(pass->run(plan));
        if (wanted != NULL && strcmp(wanted, pass->name) == 0) pass->print(plan, plan->options->dump);
    }
    return QM_OK;
}

static enum qm_status compile(struct plan *plan, const char *first, struct qm_program **program) {
    static const struct pass passes[] = {
        {"read", pass_read, print_graph},              /* a model file to a graph */
        {"legalize", pass_legalize, print_network},    /* a graph to layers of integers */
        {"narrow", pass_narrow, print_network},        /* the precision of each layer */
        {"place", pass_place, plan_print},             /* which maps stay in the scratchpad */
        {"tile", pass_tile, plan_print},               /* how each layer is cut */
        {"schedule", pass_schedule, plan_print},       /* the instructions, in order */
        {"allocate", pass_allocate, plan_print},       /* addresses; loads ahead of their use */
        {"synchronize", pass_synchronize, plan_print}, /* tokens between the units */
        {"emit", pass_emit, emit_print},               /* a plan to a program */
        {NULL, NULL, NULL},
    };
    plan->arena = qm_arena_create();
    enum qm_status status = run_passes(passes, first, plan);
    plan_free_lists(plan);
    qm_arena_destroy(plan->arena);
    *program = plan->program;
    return status;
}
