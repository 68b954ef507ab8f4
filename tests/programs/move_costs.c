/* move_costs.c - what moves cost, and where they put their bytes: transpositions, slices up and down, gathers, repetitions, mirrors, blocks
 * of space and depth, concatenations, paddings, sizes; for random shapes, machines and sizes of scratchpads.
 *
 * A move may cost so many cycles a byte, of which each kind has its number, where the memory carries two bytes a cycle, or else what it
 * carries; where elements are listed, for each run of neighbouring bytes what an instruction costs; and some thousand cycles to begin and
 * end. A byte is one of the input or the output, of which there are more. Each is also run once, on one of the machines and sizes, and
 * compared with naive code.
 *
 *   move_costs COUNT SEED MACHINE...      COUNT of each kind
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "driver/driver.h"
#include "tests/support/move_draw.h"
#include "tests/support/plan_cycles.h"
#include "tests/support/reference.h"

enum { SCRATCHPADS = 8, SCRATCHPAD_LEAST = 8192, LATENCY_CYCLES = 2000, WORST_LEAST_BYTES = 16 * LATENCY_CYCLES };

struct session {
    struct qm_prng prng;
    const struct move_draw_kind *kind;
    uint32_t machine_count, dear, wrong;
    struct qm_machine *machines;
    double worst; /* cycles a byte */
};

static uint64_t bytes_of(const struct qm_graph *graph, uint32_t tensor) {
    return qm_graph_elements(&graph->tensors[tensor]);
}

/* The bytes of all inputs, or of the output. */
static uint64_t moved_bytes(const struct qm_graph *graph) {
    uint64_t in = 0, out = bytes_of(graph, graph->outputs[0]);
    for (uint32_t i = 0; i < graph->input_count; i++) in += bytes_of(graph, graph->inputs[i]);
    return in > out ? in : out;
}

static void print_shape(const struct qm_graph_tensor *tensor) {
    for (uint32_t d = 0; d < tensor->rank; d++) printf("%s%u", d > 0 ? "x" : "", tensor->dims[d]);
}

static void print_move(const struct session *s, const struct qm_graph *graph) {
    const struct qm_graph_op *op = &graph->ops[0];
    printf("%s: %s ", s->kind->name, qm_graph_op_name(op->kind));
    print_shape(&graph->tensors[op->inputs[0]]);
    printf(" > ");
    print_shape(&graph->tensors[op->outputs[0]]);
    for (uint32_t d = 0; d < graph->tensors[op->inputs[0]].rank; d++) {
        if (op->kind == QM_OP_TRANSPOSE) printf("%s%u", d > 0 ? "," : " by ", op->permutation[d]);
        if (op->kind == QM_OP_STRIDED_SLICE) printf("%s%d:%d", d > 0 ? "," : " from ", op->begin[d], op->step[d]);
    }
}

/* ---- time ---- */

static double cycles_most(const struct session *s, const struct qm_graph *graph, const struct qm_machine *machine) {
    double rate = machine->dram_bytes_per_cycle >= 2 ? 1 : 2.0 / machine->dram_bytes_per_cycle;
    double of_byte = s->kind->cycles_per_byte + s->kind->cycles_per_run / (double)move_draw_run_bytes(graph);
    return of_byte * rate * (double)moved_bytes(graph) + LATENCY_CYCLES;
}

static void judge_time(struct session *s, const struct qm_network *network, const struct qm_machine *machine) {
    const struct qm_compile_options options = {.plan_only = true};
    struct qm_program *program;
    struct qm_diag diag;
    QM_CHECK(qm_compile_network(network, machine, &options, &program, &diag) == QM_OK);
    double bytes = (double)moved_bytes(network->graph), cycles = (double)plan_cycles(program);
    qm_program_destroy(program);
    if (bytes > WORST_LEAST_BYTES && cycles / bytes > s->worst) s->worst = cycles / bytes;
    if (cycles <= cycles_most(s, network->graph, machine)) return;
    print_move(s, network->graph);
    printf(" on %s with a scratchpad of %u bytes: %.0f cycles, %.2f a byte\n", machine->name, machine->scratchpad_bytes, cycles,
           cycles / bytes);
    s->dear++;
}

/* ---- values ---- */

static bool run_equals(const struct qm_graph *graph, const struct qm_program *program, int8_t *const *inputs, struct qm_arena *arena) {
    struct qm_device_options options = {.memory_base = 0x80000000};
    struct qm_device *device;
    struct qm_diag diag;
    int8_t *got = QM_ARENA_NEW(arena, int8_t, bytes_of(graph, graph->outputs[0]));
    qm_driver_memory(program, &options);
    QM_CHECK(qm_device_fast.create(&program->machine, &options, &device, &diag) == QM_OK);
    QM_CHECK(qm_driver_load(device, program, &diag) == QM_OK);
    for (uint32_t i = 0; i < graph->input_count; i++) qm_driver_write_tensor(device, program, i, inputs[i]);
    QM_CHECK(qm_driver_run(device, program, NULL, NULL, &diag) == QM_OK);
    qm_driver_read_tensor(device, program, program->input_count, got);
    device->ops->destroy(device);
    const int8_t *want = reference_run(graph, (const int8_t *const *)inputs, arena)[graph->outputs[0]];
    return memcmp(got, want, bytes_of(graph, graph->outputs[0])) == 0;
}

static void judge_values(struct session *s, const struct qm_network *network, const struct qm_machine *machine, struct qm_arena *arena) {
    const struct qm_graph *graph = network->graph;
    const struct qm_compile_options options = {.search = QM_SEARCH_NONE};
    struct qm_program *program;
    struct qm_diag diag;
    int8_t **inputs = QM_ARENA_NEW(arena, int8_t *, graph->input_count);
    for (uint32_t i = 0; i < graph->input_count; i++) {
        inputs[i] = QM_ARENA_NEW(arena, int8_t, bytes_of(graph, graph->inputs[i]));
        qm_prng_fill(&s->prng, inputs[i], bytes_of(graph, graph->inputs[i]));
    }
    QM_CHECK(qm_compile_network(network, machine, &options, &program, &diag) == QM_OK);
    if (!run_equals(graph, program, inputs, arena)) {
        print_move(s, graph);
        printf(" on %s with a scratchpad of %u bytes: other bytes than naive code gives\n", machine->name, machine->scratchpad_bytes);
        s->wrong++;
    }
    qm_program_destroy(program);
}

/* ---- all ---- */

static void judge(struct session *s, uint32_t index) {
    struct qm_arena *arena = qm_arena_create();
    struct qm_network *network;
    struct qm_diag diag;
    struct qm_graph *graph = s->kind->draw(&s->prng, arena);
    if (qm_legalize(graph, NULL, arena, &network, &diag) != QM_OK) {
        print_move(s, graph);
        printf(": %s\n", diag.text);
        s->dear++;
        return qm_arena_destroy(arena);
    }
    QM_CHECK(qm_narrow(network, NULL, arena, &diag) == QM_OK);
    for (uint32_t m = 0; m < s->machine_count; m++)
        for (uint32_t size = 0; size < SCRATCHPADS; size++) {
            struct qm_machine machine = s->machines[m];
            machine.scratchpad_bytes = SCRATCHPAD_LEAST << size;
            judge_time(s, network, &machine);
            if (m == index % s->machine_count && size == index / s->machine_count % SCRATCHPADS) judge_values(s, network, &machine, arena);
        }
    qm_arena_destroy(arena);
}

int main(int argc, char **argv) {
    QM_CHECK(argc > 3);
    struct session s = {.machine_count = (uint32_t)argc - 3};
    struct qm_machine machines[argc - 3];
    struct qm_diag diag;
    uint32_t count = (uint32_t)strtoul(argv[1], NULL, 10);
    s.machines = machines;
    qm_prng_init(&s.prng, strtoull(argv[2], NULL, 10));
    for (int m = 3; m < argc; m++) QM_CHECK(qm_machine_load(argv[m], &machines[m - 3], &diag) == QM_OK);
    for (uint32_t k = 0; k < MOVE_DRAW_KINDS; k++) {
        s.kind = &move_draw_kinds[k];
        s.worst = 0;
        for (uint32_t i = 0; i < count; i++) judge(&s, i);
        printf("%-16s %.2f cycles a byte at most; %.2f a byte and %.0f a run may be\n", s.kind->name, s.worst, s.kind->cycles_per_byte,
               s.kind->cycles_per_run);
    }
    printf("%u moves of each kind on %u machines of %d sizes: %u dearer than they may be, %u wrong\n", count, s.machine_count, SCRATCHPADS,
           s.dear, s.wrong);
    return s.dear + s.wrong > 0;
}
