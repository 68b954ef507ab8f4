/* compiler.c - the list of passes, and the way through them from a model file to a program. */
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "compiler/passes/passes.h"

static const struct {
    const char *name;
    enum qm_status (*run)(struct plan *plan);
} passes[] = {
    {"place", pass_place}, {"tile", pass_tile}, {"schedule", pass_schedule}, {"allocate", pass_allocate}, {"synchronize", pass_synchronize},
};

static enum qm_status run_passes(struct plan *plan, struct qm_program **program) {
    const char *wanted = plan->options->dump_after;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        QM_TRY(passes[i].run(plan));
        if (wanted != NULL && strcmp(wanted, passes[i].name) == 0) plan_print(plan, plan->options->dump);
    }
    return emit_program(plan, program);
}

static enum qm_status check_options(const struct qm_compile_options *options, struct qm_diag *diag) {
    if (options->dump_after == NULL) return QM_OK;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
        if (strcmp(options->dump_after, passes[i].name) == 0) return QM_OK;
    return qm_fail(diag, QM_BAD_INPUT, "--dump-after: no pass is called %s; passes are place, tile, schedule, allocate, synchronize",
                   options->dump_after);
}

enum qm_status qm_plan(const struct qm_network *network, const struct qm_machine *machine, const struct qm_compile_options *options,
                       struct qm_program **program, struct qm_diag *diag) {
    QM_TRY(check_options(options, diag));
    struct qm_arena *arena = qm_arena_create();
    struct plan plan = {.network = network, .machine = machine, .options = options, .arena = arena, .diag = diag};
    plan.values = QM_ARENA_NEW(arena, struct plan_value, network->value_count);
    plan.layers = QM_ARENA_NEW(arena, struct plan_layer, network->layer_count);
    enum qm_status status = run_passes(&plan, program);
    qm_arena_destroy(arena);
    return status;
}

enum qm_status qm_compile(const struct qm_model_bytes *model, const struct qm_machine *machine, const struct qm_compile_options *options,
                          struct qm_program **program, struct qm_diag *diag) {
    QM_TRY(check_options(options, diag));
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph;
    struct qm_network *network;
    enum qm_status status = qm_model_parse(model, &options->model, arena, &graph, diag);
    if (status == QM_OK) status = qm_legalize(graph, options->rounding, arena, &network, diag);
    if (status == QM_OK) status = qm_narrow(network, options->precision, arena, diag);
    if (status == QM_OK) status = qm_plan(network, machine, options, program, diag);
    qm_arena_destroy(arena);
    return status;
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
