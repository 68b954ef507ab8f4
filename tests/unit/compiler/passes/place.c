/* place.c - a network whose maps are all live at once: some of them stay in the scratchpad, the others wait in the arena. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "common/memory.h"
#include "compiler/passes/passes.h"

TestSuite(place);

enum { PARTS = 700, INPUT = PARTS, OUTPUT, VALUES, LAYERS = 2 * PARTS, LIVE_MAX = 256 };

struct world {
    struct qm_graph graph;
    struct qm_machine machine;
    struct qm_network network;
    struct qm_value values[VALUES];
    struct qm_layer layers[LAYERS];
    uint32_t operands[LAYERS], ends[2];
    struct qm_compile_options options;
    struct qm_diag diag;
    struct plan plan;
};

/* All parts are made of the input, and then the output of all parts, each by a layer. */
static void open_world(struct world *w) {
    *w = (struct world){.graph = {.file = "net"}, .ends = {INPUT, OUTPUT}};
    for (uint32_t i = 0; i < VALUES; i++) w->values[i] = (struct qm_value){.name = "map", .h = 1, .w = 1, .c = 1, .bits = 8, .storage = i};
    for (uint32_t i = 0; i < LAYERS; i++) {
        w->operands[i] = i < PARTS ? INPUT : i - PARTS;
        w->layers[i] = (struct qm_layer){.kind = QM_LAYER_MOVE, .inputs = &w->operands[i], .input_count = 1};
        w->layers[i].output = i < PARTS ? i : OUTPUT;
    }
    w->network = (struct qm_network){.graph = &w->graph, .value_count = VALUES, .layer_count = LAYERS, .input_count = 1, .output_count = 1};
    w->network.values = w->values;
    w->network.layers = w->layers;
    w->network.inputs = &w->ends[0];
    w->network.outputs = &w->ends[1];
    qm_machine_init(&w->machine);
    w->plan = (struct plan){.network = &w->network, .machine = &w->machine, .options = &w->options, .diag = &w->diag};
    w->plan.arena = qm_arena_create();
}

Test(place, so_many_maps_stay_in_the_scratchpad_at_once) {
    struct world *w = qm_alloc(sizeof *w);
    uint32_t most = 0;
    open_world(w);
    cr_assert(eq(int, pass_place(&w->plan), QM_OK));
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        uint32_t live = 0;
        for (uint32_t i = 0; i < VALUES; i++) {
            const struct plan_value *value = &w->plan.values[i];
            live += value->resident && value->first_layer <= layer && layer <= value->last_layer;
        }
        most = plan_max(most, live);
    }
    cr_expect(eq(u32, most, LIVE_MAX));
    plan_free(&w->plan);
    free(w);
}
