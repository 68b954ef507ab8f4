/* tile.c - one convolution on many machines: what tile chooses keeps the machine's limits, or the layer is refused by name. */
#include "compiler/passes/passes.h"
#include "sim/timing/timing.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

TestSuite(tile);

struct case_of {
    uint32_t rows, cols, scratchpad_bytes, accumulator_rows;
};

static const struct case_of cases[] = {
    {16, 16, 262144, 1024}, {3, 5, 65536, 512}, {1, 1, 16384, 2}, {256, 256, 262144, 65536}, {7, 64, 8192, 16}, {16, 16, 4096, 64},
};

struct one {
    struct qm_graph graph;
    struct qm_value values[2];
    uint32_t input; /* of the layer: value 0 */
    struct qm_layer layer;
    struct qm_network network;
    struct qm_machine machine;
    struct qm_compile_options options;
    struct qm_diag diag;
    struct plan plan;
};

/* 3x3 from 32x32x24 to 32x32x40. */
static void open_one(struct one *o, const struct case_of *c) {
    static const int8_t weights[40 * 3 * 3 * 24];
    *o = (struct one){.graph = {.file = "net"}};
    o->values[0] = (struct qm_value){.name = "in", .h = 32, .w = 32, .c = 24, .bits = 8, .storage = 0};
    o->values[1] = (struct qm_value){.name = "wide", .h = 32, .w = 32, .c = 40, .bits = 8, .storage = 1};
    o->layer = (struct qm_layer){.kind = QM_LAYER_CONV,
                                 .inputs = &o->input,
                                 .input_count = 1,
                                 .output = 1,
                                 .kernel_h = 3,
                                 .kernel_w = 3,
                                 .stride_h = 1,
                                 .stride_w = 1,
                                 .dilation_h = 1,
                                 .dilation_w = 1,
                                 .pad_top = 1,
                                 .pad_left = 1,
                                 .in_channels = 24,
                                 .weights = weights};
    static uint32_t input = 0, output = 1;
    o->network = (struct qm_network){.graph = &o->graph,
                                     .value_count = 2,
                                     .layer_count = 1,
                                     .input_count = 1,
                                     .output_count = 1,
                                     .values = o->values,
                                     .layers = &o->layer,
                                     .inputs = &input,
                                     .outputs = &output};
    qm_machine_init(&o->machine);
    o->machine.rows = c->rows;
    o->machine.cols = c->cols;
    o->machine.scratchpad_bytes = c->scratchpad_bytes;
    o->machine.accumulator_rows = c->accumulator_rows;
    o->plan =
        (struct plan){.network = &o->network, .machine = &o->machine, .options = &o->options, .arena = qm_arena_create(), .diag = &o->diag};
    o->plan.values = QM_ARENA_NEW(o->plan.arena, struct plan_value, 2);
    o->plan.layers = QM_ARENA_NEW(o->plan.arena, struct plan_layer, 1);
}

static enum qm_status tile_one(struct one *o) {
    QM_TRY(pass_place(&o->plan));
    return pass_tile(&o->plan);
}

/* Of the tiled layer. */
static uint64_t cycles_of(struct one *o) {
    struct plan *plan = &o->plan;
    cr_assert(pass_schedule(plan) == QM_OK && pass_allocate(plan) == QM_OK && pass_synchronize(plan) == QM_OK);
    return check_cycles(plan, 0, plan->op_count);
}

Test(tile, keeps_the_accumulator_and_covers_the_layer) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct one o;
        open_one(&o, &cases[i]);
        cr_assert(tile_one(&o) == QM_OK, "case %zu: %s", i, o.diag.text);
        const struct plan_tiling *t = &o.plan.layers[0].tiling;
        const struct plan_lowering *p = &t->lowering;
        cr_assert(le(u32, t->block_h * t->block_w * t->matmul_tiles, cases[i].accumulator_rows));
        cr_assert(eq(u32, p->channels, 40 * p->group));
        cr_assert(eq(u32, p->window.out_h * p->window.out_w * p->group, 32 * 32));
        cr_assert(le(u32, t->chunk_channels, p->channels));
        qm_arena_destroy(o.plan.arena);
    }
}

Test(tile, keeps_maps_in_the_scratchpad_only_when_they_fit) {
    struct one o;
    open_one(&o, &cases[0]);
    cr_assert(eq(int, tile_one(&o), QM_OK));
    cr_assert(o.plan.values[0].resident && o.plan.values[1].resident);
    qm_arena_destroy(o.plan.arena);
    open_one(&o, &cases[4]);
    cr_assert(eq(int, tile_one(&o), QM_OK));
    cr_assert(eq(int, o.plan.values[0].resident || o.plan.values[1].resident, 0));
    qm_arena_destroy(o.plan.arena);
}

/* 512 channels to 512 on 7 x 7: the weights of one tile take more than half of the scratchpad. */
Test(tile, loads_large_weights_in_parts_while_the_array_works) {
    struct one o;
    static const int8_t weights[512 * 9 * 512];
    struct case_of machine = {16, 32, 262144, 1024};
    open_one(&o, &machine);
    for (int i = 0; i < 2; i++) o.values[i].h = o.values[i].w = 7, o.values[i].c = 512;
    o.layer.in_channels = 512;
    o.layer.weights = weights;
    cr_assert(eq(int, tile_one(&o), QM_OK));
    const struct plan_tiling *t = &o.plan.layers[0].tiling;
    cr_assert(t->split && t->ring == 2);
    uint64_t products = (uint64_t)7 * 7 * 512 * 9 * 512 / (16 * 32);
    cr_assert(lt(u64, cycles_of(&o), products + products / 20));
    plan_free(&o.plan);
}

/* A maximum of 3x3 at stride 2 over 112x112x64, which is three times the scratchpad: loads and stores take half as long as its taps, most
 * of it at the same time. */
Test(tile, loads_blocks_of_a_pool_while_the_post_unit_works) {
    struct one o;
    open_one(&o, &cases[0]);
    for (uint32_t i = 0; i < 2; i++) o.values[i].h = o.values[i].w = 112 >> i, o.values[i].c = 64;
    o.layer.kind = QM_LAYER_POOL_MAX;
    o.layer.stride_h = o.layer.stride_w = 2;
    cr_assert(eq(int, tile_one(&o), QM_OK));
    cr_assert(eq(int, o.plan.values[0].resident, 0));
    cr_assert(eq(u32, o.plan.layers[0].tiling.ring, 2));
    uint64_t taps = (uint64_t)56 * 56 * 9 * 64 / 16;
    cr_assert(lt(u64, cycles_of(&o), taps + taps / 4));
    plan_free(&o.plan);
}

Test(tile, refuses_by_name_what_fits_in_no_way) {
    struct one o;
    struct case_of tiny = {256, 256, 1024, 64}; /* the parameters of one tile alone are larger */
    open_one(&o, &tiny);
    cr_assert(eq(int, tile_one(&o), QM_BAD_INPUT));
    cr_assert(strstr(o.diag.text, "layer wide") != NULL, "%s", o.diag.text);
    cr_assert(strchr(o.diag.text, '\n') == NULL);
    qm_arena_destroy(o.plan.arena);
}

/* Weights of a tile in the machine's order, for every form of a small convolution: the same sums must come out. */
Test(tile, gives_each_form_the_weights_of_its_taps) {
    enum { CHANNELS = 3, INPUTS = 2, TAPS = 9 };
    int8_t weights[CHANNELS * TAPS * INPUTS];
    for (int i = 0; i < (int)sizeof weights; i++) weights[i] = (int8_t)(i + 1);
    struct one o;
    open_one(&o, &cases[0]);
    o.values[0].c = INPUTS;
    o.values[1].c = CHANNELS;
    o.layer.weights = weights;
    o.layer.in_channels = INPUTS;
    struct plan_lowering lowerings[LOWERINGS_MAX];
    uint32_t count = lowerings_of_layer(&o.plan, 0, lowerings);
    cr_assert(gt(u32, count, 3));
    for (uint32_t i = 0; i < count; i++) {
        const struct plan_lowering *p = &lowerings[i];
        struct weights_part all = {{0, p->window.kernel_h}, {0, p->window.run_bytes}};
        uint8_t written[4096];
        uint8_t *end = weights_put(&o.layer, p, &all, (struct range){0, p->channels}, written);
        cr_assert(eq(sz, (size_t)(end - written), lowering_depth(p) * p->channels));
        for (uint32_t k = 0; k < lowering_depth(p); k++) {
            const int8_t *got = (const int8_t *)written + k * p->channels;
            uint32_t row_bytes = p->window.kernel_w * p->window.run_bytes;
            for (uint32_t c = 0; c < p->channels; c++) {
                int kx = (int)(k % row_bytes / INPUTS) - (int)(c / CHANNELS), ky = (int)(k / row_bytes), ic = (int)(k % INPUTS);
                int8_t want = kx < 0 || kx > 2 ? 0 : weights[((c % CHANNELS) * TAPS + (uint32_t)(ky * 3 + kx)) * INPUTS + (uint32_t)ic];
                cr_assert(eq(i8, got[c], want));
            }
        }
    }
    qm_arena_destroy(o.plan.arena);
}
