/* move_costs.c - what a transposition costs: a cycle a byte where the memory carries two bytes a cycle, or else what it carries, and some
 * thousand cycles to begin and end; for random shapes, permutations, machines and sizes of scratchpads.
 *
 *   move_costs COUNT SEED MACHINE...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/prng.h"
#include "compiler/compiler.h"
#include "tests/support/plan_cycles.h"

enum { BYTES_MAX = 1 << 19, SCRATCHPADS = 8, SCRATCHPAD_LEAST = 8192, LATENCY_CYCLES = 2000 };

static const double slack = 1.25; /* of a cycle a byte: instructions wait for their unit, and short runs for the memory */

static uint32_t draw(struct qm_prng *prng, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(prng) % (high - low + 1));
}

/* A shape whose dimensions are now short, now long. */
static struct qm_shape draw_shape(struct qm_prng *prng) {
    struct qm_shape shape = {.rank = draw(prng, 2, 4)};
    uint64_t bytes = 1;
    for (uint32_t d = 0; d < shape.rank; d++) {
        uint32_t most = draw(prng, 0, 2) == 0 ? 4 : draw(prng, 0, 1) == 0 ? 64 : 1500;
        if (most > BYTES_MAX / bytes) most = (uint32_t)(BYTES_MAX / bytes);
        shape.dims[d] = draw(prng, 1, most);
        bytes *= shape.dims[d];
    }
    return shape;
}

static struct qm_graph *draw_transposition(struct qm_prng *prng, struct qm_arena *arena) {
    struct qm_graph_maker maker = {.arena = arena, .graph = QM_ARENA_NEW(arena, struct qm_graph, 1)};
    struct qm_graph *graph = maker.graph;
    struct qm_shape in = draw_shape(prng), out = in;
    uint32_t permutation[QM_MAX_RANK];
    for (uint32_t d = 0; d < in.rank; d++) permutation[d] = d;
    for (uint32_t d = in.rank; d-- > 1;) {
        uint32_t other = draw(prng, 0, d), swapped = permutation[d];
        permutation[d] = permutation[other];
        permutation[other] = swapped;
    }
    for (uint32_t d = 0; d < in.rank; d++) out.dims[d] = in.dims[permutation[d]];
    uint32_t ends[] = {qm_graph_add_tensor(&maker, "x", QM_I8, &in), qm_graph_add_tensor(&maker, "y", QM_I8, &out)};
    for (uint32_t i = 0; i < 2; i++) qm_graph_set_quant(&maker, ends[i], 1, 0);
    memcpy(qm_graph_add_op(&maker, QM_OP_TRANSPOSE, ends[0], ends[1])->permutation, permutation, sizeof permutation);
    graph->file = "transposition";
    graph->input_count = graph->output_count = 1;
    graph->inputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->outputs = QM_ARENA_NEW(arena, uint32_t, 1);
    graph->inputs[0] = ends[0];
    graph->outputs[0] = ends[1];
    return graph;
}

static void print_shape(const struct qm_graph *graph) {
    const struct qm_graph_tensor *in = &graph->tensors[graph->inputs[0]];
    for (uint32_t d = 0; d < in->rank; d++) printf("%s%u", d > 0 ? "x" : "", in->dims[d]);
    for (uint32_t d = 0; d < in->rank; d++) printf("%s%u", d > 0 ? "," : " by ", graph->ops[0].permutation[d]);
}

/* Whether the transposition costs what it may; *worst: cycles a byte, the most of all. */
static bool is_cheap(const struct qm_network *network, const struct qm_machine *machine, double *worst) {
    struct qm_compile_options options = {.plan_only = true};
    struct qm_program *program;
    struct qm_diag diag;
    if (qm_compile_network(network, machine, &options, &program, &diag) != QM_OK) {
        printf("%s\n", diag.text);
        return false;
    }
    double bytes = (double)qm_graph_elements(&network->graph->tensors[network->graph->inputs[0]]);
    double rate = machine->dram_bytes_per_cycle >= 2 ? 1 : 2.0 / machine->dram_bytes_per_cycle;
    double cycles = (double)plan_cycles(program), most = slack * rate * bytes + LATENCY_CYCLES;
    qm_program_destroy(program);
    if (bytes > 16 * LATENCY_CYCLES && cycles / bytes > *worst) *worst = cycles / bytes;
    if (cycles <= most) return true;
    print_shape(network->graph);
    printf(" on %s with a scratchpad of %u bytes: %.0f cycles, %.2f a byte\n", machine->name, machine->scratchpad_bytes, cycles,
           cycles / bytes);
    return false;
}

static uint32_t try_machine(const struct qm_network *network, struct qm_machine machine, double *worst) {
    uint32_t dear = 0;
    for (uint32_t s = 0; s < SCRATCHPADS; s++) {
        machine.scratchpad_bytes = SCRATCHPAD_LEAST << s;
        dear += !is_cheap(network, &machine, worst);
    }
    return dear;
}

int main(int argc, char **argv) {
    QM_CHECK(argc > 3);
    struct qm_prng prng;
    uint32_t count = (uint32_t)strtoul(argv[1], NULL, 10), dear = 0;
    double worst = 0;
    qm_prng_init(&prng, strtoull(argv[2], NULL, 10));
    for (uint32_t i = 0; i < count; i++) {
        struct qm_arena *arena = qm_arena_create();
        struct qm_network *network;
        struct qm_machine machine;
        struct qm_diag diag;
        QM_CHECK(qm_legalize(draw_transposition(&prng, arena), NULL, arena, &network, &diag) == QM_OK);
        QM_CHECK(qm_narrow(network, NULL, arena, &diag) == QM_OK);
        for (int m = 3; m < argc; m++) {
            QM_CHECK(qm_machine_load(argv[m], &machine, &diag) == QM_OK);
            dear += try_machine(network, machine, &worst);
        }
        qm_arena_destroy(arena);
    }
    printf("%u transpositions on %d machines of %d sizes: %u dearer than they may be; %.3f cycles a byte at most\n", count, argc - 3,
           SCRATCHPADS, dear, worst);
    return dear > 0;
}
