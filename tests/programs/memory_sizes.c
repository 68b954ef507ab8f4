/* memory_sizes.c - no enlargement of scratchpad or accumulator makes a network slower: all sizes on some arrays, each against half of it.
 *
 *   memory_sizes ROWSxCOLS,... MODEL...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "tests/support/plan_cycles.h"

enum { SCRATCHPADS = 9, SCRATCHPAD_LEAST = 8192, ACCUMULATORS = 6, ACCUMULATOR_LEAST = 64 };

struct tally {
    uint32_t points, enlargements, slower;
};

static void give_up(const struct qm_diag *diag) {
    fprintf(stderr, "%s\n", diag->text);
    exit(1);
}

/* UINT64_MAX: the network does not fit. */
static uint64_t network_cycles(const struct qm_network *network, const struct qm_machine *machine) {
    struct qm_compile_options options = {.plan_only = true};
    struct qm_program *program;
    struct qm_diag diag;
    enum qm_status status = qm_compile_network(network, machine, &options, &program, &diag);
    if (status == QM_BAD_INPUT) return UINT64_MAX;
    if (status != QM_OK) give_up(&diag);
    uint64_t cycles = plan_cycles(program);
    qm_program_destroy(program);
    return cycles;
}

static void compare(const char *model, const struct qm_machine *machine, uint64_t cycles, uint64_t before, const char *of,
                    struct tally *tally) {
    if (before == UINT64_MAX) return;
    tally->enlargements++;
    if (cycles <= before) return;
    tally->slower++;
    printf("%s on %ux%u, scratchpad %u bytes, accumulator %u rows: %" PRIu64 " cycles, with half the %s %" PRIu64 "\n", model,
           machine->rows, machine->cols, machine->scratchpad_bytes, machine->accumulator_rows, cycles, of, before);
}

static void try_sizes(const char *model, const struct qm_network *network, struct qm_machine machine, struct tally *tally) {
    uint64_t cycles[SCRATCHPADS][ACCUMULATORS];
    for (uint32_t s = 0; s < SCRATCHPADS; s++)
        for (uint32_t a = 0; a < ACCUMULATORS; a++) {
            machine.scratchpad_bytes = SCRATCHPAD_LEAST << s;
            machine.accumulator_rows = ACCUMULATOR_LEAST << a;
            cycles[s][a] = network_cycles(network, &machine);
            tally->points += cycles[s][a] < UINT64_MAX;
            if (s > 0) compare(model, &machine, cycles[s][a], cycles[s - 1][a], "scratchpad", tally);
            if (a > 0) compare(model, &machine, cycles[s][a], cycles[s][a - 1], "accumulator", tally);
        }
}

static void try_model(const char *arrays, const char *model, struct tally *tally) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_graph *graph;
    struct qm_network *network;
    struct qm_diag diag;
    if (qm_model_read(model, NULL, arena, &graph, &diag) != QM_OK || qm_integers(graph, NULL, arena, &graph, &diag) != QM_OK ||
        qm_legalize(graph, NULL, arena, &network, &diag) != QM_OK || qm_narrow(network, NULL, arena, &diag) != QM_OK)
        give_up(&diag);
    for (int used = 0; *arrays != '\0'; arrays += used) {
        struct qm_machine machine;
        qm_machine_init(&machine);
        QM_CHECK(sscanf(arrays, "%ux%u%n", &machine.rows, &machine.cols, &used) == 2);
        used += arrays[used] == ',';
        try_sizes(model, network, machine, tally);
    }
    qm_arena_destroy(arena);
}

int main(int argc, char **argv) {
    struct tally tally = {0};
    for (int i = 2; i < argc; i++) try_model(argv[1], argv[i], &tally);
    printf("%u points, %u enlargements, %u slower\n", tally.points, tally.enlargements, tally.slower);
    return tally.enlargements == 0 || tally.slower > 0;
}
