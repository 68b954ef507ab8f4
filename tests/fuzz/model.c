/* model.c - fuzz target: any bytes are either a network that becomes a program, or refused with one line for the user.
 *
 * Front end, legalization and planning for a small machine. Crashes, sanitizer reports and failed QM_CHECKs end the run, and so does a
 * refusal that is not QM_BAD_INPUT or not one line that starts with the name. Networks that would only take time are not planned.
 */
#include <stdint.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/fuzz/fuzz.h"

enum { MACS_MAX = 1 << 20, VALUE_BYTES_MAX = 1 << 20 };

static bool is_small(const struct qm_network *network) {
    uint64_t macs = 0;
    for (uint32_t i = 0; i < network->layer_count; i++) {
        if (network->layers[i].macs > MACS_MAX) return false;
        macs += network->layers[i].macs;
    }
    for (uint32_t i = 0; i < network->value_count; i++) {
        const struct qm_value *value = &network->values[i];
        uint64_t positions = (uint64_t)value->h * value->w;
        if (positions > VALUE_BYTES_MAX || positions * value->c > VALUE_BYTES_MAX) return false;
    }
    return macs <= MACS_MAX;
}

static enum qm_status compile(const uint8_t *bytes, size_t size, struct qm_arena *arena, struct qm_program **program,
                              struct qm_diag *diag) {
    struct qm_graph *graph;
    struct qm_network *network;
    struct qm_machine machine;
    struct qm_compile_options options = {.search = (enum qm_search)(size % 3), .keep_layers = true};
    QM_TRY(qm_model_parse(&(struct qm_model_bytes){bytes, size, FUZZ_NAME}, NULL, arena, &graph, diag));
    QM_TRY(qm_integers(graph, NULL, arena, &graph, diag));
    QM_TRY(qm_legalize(graph, &options, arena, &network, diag));
    if (!is_small(network)) return QM_OK;
    QM_CHECK(qm_machine_load("tiny", &machine, diag) == QM_OK);
    return qm_compile_network(network, &machine, &options, program, diag);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_program *program = NULL;
    struct qm_diag diag = {.text = ""};
    enum qm_status status = compile(bytes, size, arena, &program, &diag);
    if (status != QM_OK) fuzz_check_refusal(status, &diag);
    if (program != NULL) fuzz_check_program(program);
    qm_program_destroy(program);
    qm_arena_destroy(arena);
    return 0;
}
