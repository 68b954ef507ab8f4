/* plan.c - random networks on random machines: what the planned program computes, instruction by instruction, against the naive evaluation of the graph. */
#include "compiler/ir/plan.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "driver/driver.h"
#include "tests/support/random_graph.h"
#include "tests/support/reference.h"

struct trial {
    struct qm_arena *arena;
    struct qm_prng prng;
    struct qm_machine machine;
    struct qm_graph *graph;
    struct qm_program *program;
    struct qm_diag diag;
};

static uint32_t draw(struct trial *t, uint32_t low, uint32_t high) {
    return low + (uint32_t)(qm_prng_next(&t->prng) % (high - low + 1));
}

static void draw_machine(struct trial *t) {
    qm_machine_init(&t->machine);
    t->machine.rows = draw(t, 1, 20);
    t->machine.cols = draw(t, 1, 20);
    t->machine.scratchpad_bytes = 1u << draw(t, 11, 15);
    t->machine.accumulator_rows = 1u << draw(t, 3, 9);
    t->machine.axi_bytes = t->machine.dram_bytes_per_cycle = 1u << draw(t, 2, 4);
    t->machine.queue_depth = 1u << draw(t, 1, 3);
    cr_assert(qm_machine_check(&t->machine, &t->diag) == QM_OK, "%s", t->diag.text);
}

/* False when the machine is too small for the network, which must be said in so many words. */
static bool plan(struct trial *t, uint64_t seed) {
    struct qm_compile_options options = {.rounding = QM_rounding_TFLITE, .keep_layers = seed % 3 == 0};
    struct qm_network *network;
    qm_prng_init(&t->prng, seed);
    t->arena = qm_arena_create();
    draw_machine(t);
    t->graph = random_graph(t->arena, &t->prng, 16);
    cr_assert(qm_legalize(t->graph, QM_rounding_TFLITE, t->arena, &network, &t->diag) == QM_OK, "seed %lu: %s", seed, t->diag.text);
    enum qm_status status = qm_plan(network, &t->machine, &options, &t->program, &t->diag);
    if (status == QM_OK) return true;
    cr_assert(status == QM_BAD_INPUT && strstr(t->diag.text, "scratchpad") != NULL, "seed %lu: %s", seed, t->diag.text);
    qm_arena_destroy(t->arena);
    return false;
}

static void run_and_compare(struct trial *t, const struct qm_device_ops *engine, uint64_t seed) {
    struct qm_device_options options = {0};
    struct qm_device *device;
    size_t in_size = t->graph->tensors[t->graph->inputs[0]].size_bytes, out_size = t->graph->tensors[t->graph->outputs[0]].size_bytes;
    int8_t *input = qm_arena_alloc(t->arena, in_size), *got = qm_arena_alloc(t->arena, out_size);
    qm_prng_fill(&t->prng, input, in_size);
    qm_driver_memory(t->program, &options);
    cr_assert(engine->create(&t->machine, &options, &device, &t->diag) == QM_OK);
    cr_assert(qm_driver_load(device, t->program, &t->diag) == QM_OK, "%s", t->diag.text);
    qm_driver_write_tensor(device, t->program, 0, input);
    cr_assert(qm_driver_run(device, t->program, NULL, NULL, &t->diag) == QM_OK, "seed %lu: %s", seed, t->diag.text);
    qm_driver_read_tensor(device, t->program, t->program->input_count, got);
    device->ops->destroy(device);
    const int8_t **want = reference_run(t->graph, (const int8_t *const[]){input}, t->arena);
    cr_assert(memcmp(got, want[t->graph->outputs[0]], out_size) == 0, "seed %lu: the %s engine gives other values", seed, engine->name);
}

Test(plan, random_networks_on_random_machines_give_the_values_of_the_graph) {
    int planned = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct trial t = {0};
        if (!plan(&t, seed)) continue;
        planned++;
        run_and_compare(&t, &qm_device_functional, seed);
        run_and_compare(&t, &qm_device_cycle, seed);
        qm_program_destroy(t.program);
        qm_arena_destroy(t.arena);
    }
    cr_assert(gt(int, planned, 200)); /* most machines can */
}
