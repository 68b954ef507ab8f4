/* sharing.c - convolutions share constants when all numbers are the same, and only then; and long networks in which none are. */
#include "compiler/passes/sharing.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

enum { CHANNELS = 4, TAPS = 3, WEIGHTS = CHANNELS * TAPS * CHANNELS, LAYERS = 100000, PLACES = 4 };

static struct qm_arena *arena;
static struct qm_machine machine;

static void setup(void) {
    arena = qm_arena_create();
    qm_machine_init(&machine);
}

static void teardown(void) {
    qm_arena_destroy(arena);
}

TestSuite(sharing, .init = setup, .fini = teardown, .timeout = 120);

/* A network of so many layers, each with a map of 1 x 12 positions as its output; all are of one operator and
 * one tensor of its graph. */
static struct qm_network *open_network(uint32_t layers) {
    static struct qm_graph_tensor tensor = {.name = "map", .dtype = QM_I8, .rank = 4, .dims = {1, 1, 12, CHANNELS}};
    static struct qm_graph_op op = {.kind = QM_OP_CONV_2D};
    static const struct qm_graph graph = {.file = "net", .tensor_count = 1, .op_count = 1, .tensors = &tensor, .ops = &op};
    struct qm_network *network = QM_ARENA_NEW(arena, struct qm_network, 1);
    *network = (struct qm_network){.graph = &graph, .value_count = layers + 1, .layer_count = layers, .input_count = 1};
    network->values = QM_ARENA_NEW(arena, struct qm_value, layers + 1);
    network->layers = QM_ARENA_NEW(arena, struct qm_layer, layers);
    network->inputs = QM_ARENA_NEW(arena, uint32_t, 1);
    network->outputs = QM_ARENA_NEW(arena, uint32_t, layers);
    for (uint32_t i = 0; i <= layers; i++)
        network->values[i] = (struct qm_value){.name = "map", .h = 1, .w = 12, .c = CHANNELS, .dtype = QM_I8, .bits = 8, .storage = i};
    return network;
}

/* The list of a layer's inputs. */
static uint32_t *one_input(uint32_t value) {
    uint32_t *inputs = QM_ARENA_NEW(arena, uint32_t, QM_OPERANDS_FEW);
    inputs[0] = value;
    return inputs;
}

/* Constants of its own, the same in each of these layers. */
static struct qm_layer convolution(uint32_t input, uint32_t output) {
    struct qm_layer layer = {.kind = QM_LAYER_CONV, .inputs = one_input(input), .input_count = 1, .output = output, .weight_bits = 8};
    int8_t *weights = QM_ARENA_NEW(arena, int8_t, WEIGHTS);
    int32_t *bias = QM_ARENA_NEW(arena, int32_t, CHANNELS);
    struct qm_multiplier *scales = QM_ARENA_NEW(arena, struct qm_multiplier, CHANNELS);
    uint8_t *table = QM_ARENA_NEW(arena, uint8_t, QM_TABLE_BYTES);
    layer.kernel_h = layer.stride_h = layer.stride_w = layer.dilation_h = layer.dilation_w = layer.pad_left = 1;
    layer.kernel_w = TAPS;
    layer.in_channels = CHANNELS;
    for (int i = 0; i < WEIGHTS; i++) weights[i] = (int8_t)i;
    for (int i = 0; i < CHANNELS; i++) bias[i] = 100 * i;
    for (int i = 0; i < CHANNELS; i++) scales[i] = (struct qm_multiplier){(1 << 30) + i, -6};
    for (int i = 0; i < QM_TABLE_BYTES; i++) table[i] = (uint8_t)(i / 2);
    layer.weights = weights;
    layer.bias = bias;
    layer.scales = scales;
    layer.table = table;
    layer.clamp_min = INT8_MIN;
    layer.clamp_max = INT8_MAX;
    return layer;
}

/* Lets every layer read what the one before has written. */
static void chain(struct qm_network *network) {
    network->output_count = 1;
    network->outputs[0] = network->layer_count;
}

static struct qm_program *compile(struct qm_network *network, const struct qm_compile_options *options) {
    struct qm_program *program;
    struct qm_diag diag;
    network->same_numbers = sharing_find(network, arena);
    cr_assert(eq(int, qm_compile_network(network, &machine, options, &program, &diag), QM_OK), "%s", diag.text);
    return program;
}

/* ---- what is shared ---- */

enum change { NOTHING, BIAS, SCALE_VALUE, SCALE_SHIFT, WEIGHT, WEIGHT_ZERO, TABLE_BYTE, NO_TABLE, KERNEL, CHANGES };

/* Another number at the end of what the layer has, in memory of its own. */
static void change(struct qm_layer *layer, enum change what) {
    int last = CHANNELS - 1;
    if (what == BIAS) ((int32_t *)(uintptr_t)layer->bias)[last]++;
    if (what == SCALE_VALUE) ((struct qm_multiplier *)(uintptr_t)layer->scales)[last].value++;
    if (what == SCALE_SHIFT) ((struct qm_multiplier *)(uintptr_t)layer->scales)[last].shift++;
    if (what == WEIGHT) ((int8_t *)(uintptr_t)layer->weights)[WEIGHTS - 1]++;
    if (what == WEIGHT_ZERO) layer->weight_zero = 1;
    if (what == TABLE_BYTE) ((uint8_t *)(uintptr_t)layer->table)[QM_TABLE_BYTES - 1]++;
    if (what == NO_TABLE) layer->table = NULL;
    if (what != KERNEL) return;
    layer->kernel_h = TAPS;
    layer->kernel_w = layer->pad_top = 1;
    layer->pad_left = 0;
}

/* Two convolutions of one map, of which the second is changed. */
static struct qm_network *pair_with(enum change what) {
    struct qm_network *network = open_network(2);
    for (uint32_t i = 0; i < 2; i++) {
        network->layers[i] = convolution(0, i + 1);
        network->outputs[i] = i + 1;
    }
    change(&network->layers[1], what);
    network->output_count = 2;
    return network;
}

Test(sharing, is_of_layers_with_the_same_numbers) {
    for (enum change what = NOTHING; what < CHANGES; what++) {
        const uint32_t *same = sharing_find(pair_with(what), arena);
        cr_expect(eq(u32, same[0], PLAN_NONE));
        cr_expect(eq(u32, same[1], what == NOTHING ? 0 : PLAN_NONE), "change %d", (int)what);
    }
}

/* A constant of the weights and parameters of an only chunk, and one of the table, each from a multiple of 64 on. */
Test(sharing, layers_that_are_cut_alike_have_one_copy) {
    const struct qm_compile_options options = {.search = QM_SEARCH_NONE};
    struct qm_program *shared = compile(pair_with(NOTHING), &options), *apart = compile(pair_with(BIAS), &options);
    cr_expect(ge(u32, shared->image_bytes, WEIGHTS + CHANNELS * 9 + QM_TABLE_BYTES));
    cr_expect(ge(u32, apart->image_bytes, 2 * shared->image_bytes));
    qm_program_destroy(shared);
    qm_program_destroy(apart);
}

/* Layers by turns wide and narrow: neighbouring positions of wide ones are computed together. */
Test(sharing, is_with_layers_before_others_that_are_cut_otherwise) {
    const struct qm_compile_options options = {.search = QM_SEARCH_NONE};
    struct qm_network *network = open_network(6);
    for (uint32_t i = 0; i < 6; i++) {
        network->layers[i] = convolution(0, i + 1);
        network->outputs[i] = i + 1;
        if (i % 2 == 0) continue;
        network->layers[i].stride_w = 12;
        network->values[i + 1].w = 1;
    }
    network->output_count = 6;
    struct qm_program *six = compile(network, &options);
    network->layer_count = network->output_count = 2;
    network->value_count = 3;
    struct qm_program *two = compile(network, &options);
    network->layer_count = network->output_count = 1;
    network->value_count = 2;
    struct qm_program *one = compile(network, &options);
    cr_expect(eq(u32, six->image_bytes, two->image_bytes));
    cr_expect(gt(u32, two->image_bytes, one->image_bytes));
    qm_program_destroy(six);
    qm_program_destroy(two);
    qm_program_destroy(one);
}

/* ---- cuts ---- */

static struct plan_tiling tiling(void) {
    struct plan_tiling t = {.block_h = 2, .block_w = 3, .chunk_channels = 16, .matmul_tiles = 1, .part_kernel_h = 1, .part_run = 20};
    t.lowering = (struct plan_lowering){.precision = QM_precision_W8A8, .channels = 16, .out_bits = 8, .group = 2, .matrices = 1};
    t.lowering.window = (struct plan_window){.kernel_h = 1, .kernel_w = 1, .run_bytes = 20, .x_stride = 8, .out_h = 4, .out_w = 6};
    return t;
}

Test(sharing, needs_cuts_that_lay_weights_out_alike) {
    enum { FIELDS = 9 };
    const struct plan_tiling one = tiling();
    struct plan_tiling others[FIELDS];
    for (int i = 0; i < FIELDS; i++) others[i] = one;
    others[0].lowering.precision = QM_precision_W4A8;
    others[1].lowering.group = 1;
    others[2].lowering.depthwise = true;
    others[3].lowering.im2col = true;
    others[4].lowering.window.kernel_w = 3;
    others[5].lowering.window.run_bytes = 24;
    others[6].chunk_channels = 8;
    others[7].part_kernel_h = 3;
    others[8].part_run = 10;
    for (int i = 0; i < FIELDS; i++) cr_expect(not(sharing_same_cuts(&one, &others[i])), "field %d", i);
}

Test(sharing, does_not_ask_how_positions_are_cut) {
    const struct plan_tiling one = tiling();
    struct plan_tiling other = one;
    other.block_h = other.block_w = other.matmul_tiles = other.ring = 5;
    other.rows_outer = other.split = true;
    other.lowering.window.out_w = 2;
    cr_expect(sharing_same_cuts(&one, &other));
}

/* ---- long networks, which do not end before the limit of time when each layer is compared with all before it ---- */

Test(sharing, a_long_chain_of_convolutions_is_compiled) {
    const struct qm_compile_options options = {.search = QM_SEARCH_LAYERS, .plan_only = true};
    struct qm_network *network = open_network(LAYERS);
    chain(network);
    for (uint32_t i = 0; i < LAYERS; i++) {
        network->layers[i] = convolution(i, i + 1);
        memcpy((int8_t *)(uintptr_t)network->layers[i].weights + WEIGHTS - sizeof i, &i, sizeof i);
    }
    qm_program_destroy(compile(network, &options));
}

/* Each has a list of its own, as those that gather have. */
Test(sharing, a_long_chain_of_moves_by_lists_is_compiled) {
    const struct qm_compile_options options = {.search = QM_SEARCH_LAYERS, .plan_only = true};
    struct qm_network *network = open_network(LAYERS);
    chain(network);
    for (uint32_t i = 0; i < LAYERS; i++) {
        struct qm_move_place *places = QM_ARENA_NEW(arena, struct qm_move_place, PLACES);
        for (uint32_t k = 0; k < PLACES; k++) places[k] = (struct qm_move_place){12 * ((k + i) % PLACES), 12 * k};
        network->layers[i] = (struct qm_layer){.kind = QM_LAYER_MOVE, .inputs = one_input(i), .input_count = 1, .output = i + 1};
        network->layers[i].out_scale = QM_MULTIPLIER_ONE;
        network->layers[i].clamp_min = INT8_MIN;
        network->layers[i].clamp_max = INT8_MAX;
        network->layers[i].move = (struct qm_move){.contiguous_bytes = 12, .place_count = PLACES, .places = places};
    }
    qm_program_destroy(compile(network, &options));
}
