/* compiler.c - the way from a model file to a program, in three calls. */
#include "compiler/compiler.h"

static enum qm_status compile(const char *file, const struct qm_machine *machine, const struct qm_compile_options *options,
                              struct qm_arena *arena, struct qm_program **program, struct qm_diag *diag) {
    struct qm_graph *graph;
    struct qm_network *network;
    QM_TRY(qm_model_read(file, arena, &graph, diag));
    QM_TRY(qm_legalize(graph, options->rounding, arena, &network, diag));
    return qm_plan(network, machine, options, program, diag);
}

enum qm_status qm_compile(const char *file, const struct qm_machine *machine, const struct qm_compile_options *options,
                          struct qm_program **program, struct qm_diag *diag) {
    struct qm_arena *arena = qm_arena_create();
    enum qm_status status = compile(file, machine, options, arena, program, diag);
    qm_arena_destroy(arena);
    return status;
}
